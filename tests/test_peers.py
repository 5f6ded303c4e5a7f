"""The cases of other projects' parser tests: toolfmt agrees with each, or the decision against it is written down.

A case that disagrees and stands in no decision fails; so does a decision that no longer applies.
"""

from collections import Counter
from pathlib import Path

import pytest
from peer_cases import (
    ASPECTS,
    BY_BEGINNING,
    FORMAT_OF,
    REGISTERED,
    Row,
    chunkings,
    format_of,
    judge,
    parsed_stream,
    parsed_whole,
    read_cases,
)
from peer_decisions import DECISIONS, DISAGREEMENTS

import toolfmt

FORMATS = sorted(
    {*FORMAT_OF.values(), *(name for names in BY_BEGINNING.values() for name in names.values())} & REGISTERED
)


def cases_of(shared: Path, name: str) -> list[Row]:
    return [case for case in read_cases(shared) if format_of(case) == name]


@pytest.mark.parametrize("name", FORMATS)
def test_agrees_or_is_decided(shared: Path, name: str) -> None:
    about = {decision.key: decision.about for decision in DECISIONS}
    wrong = []
    for case in cases_of(shared, name):
        found = judge(case, parsed_whole(case))
        key = DISAGREEMENTS.get(case["id"])
        if key is None:
            wrong += [f"{case['id']} {aspect}: {why}" for aspect, why in found.items()]
        elif not found:
            wrong.append(f"{case['id']} agrees, and stands under `{key}`")
        elif not found.keys() <= about[key]:
            wrong.append(f"{case['id']} disagrees on {', '.join(found)}, which `{key}` does not explain")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", FORMATS)
def test_streams_the_same(shared: Path, name: str) -> None:
    """What is streamed, in the case's own chunks where it has some, agrees and disagrees as the whole does: it is the same."""
    for case in cases_of(shared, name):
        whole = parsed_whole(case)
        for chunks in chunkings(case):
            assert "".join(chunks) == case["model_output"], case["id"]
            streamed = parsed_stream(case, chunks)
            assert streamed.parts == whole.parts, case["id"]
            assert (streamed.truncated, streamed.ended) == (whole.truncated, whole.ended), case["id"]


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_is_lost(shared: Path, name: str) -> None:
    """However a case is read, a broken call is kept whole and says why it is none."""
    for case in cases_of(shared, name):
        for part in parsed_whole(case).parts:
            if isinstance(part, toolfmt.Malformed):
                assert part.raw in case["model_output"] and part.reason, case["id"]


def test_decisions_are_sound(shared: Path) -> None:
    ids = {case["id"] for case in read_cases(shared)}
    listed = [case for decision in DECISIONS for case in decision.cases]
    assert not [case for case, n in Counter(listed).items() if n > 1]
    assert set(listed) <= ids
    assert all(decision.cases and decision.about <= set(ASPECTS) for decision in DECISIONS)
    assert len({decision.key for decision in DECISIONS}) == len(DECISIONS)


def test_the_page_shows_every_decision() -> None:
    """docs/peers.md was printed after the last change: `python benchmarks/peers.py --markdown > docs/peers.md`."""
    page = (Path(__file__).resolve().parent.parent / "docs" / "peers.md").read_text(encoding="utf-8")
    shown = {line for line in page.split("\n") if line.startswith("### ")}
    assert shown == {f"### {one.key[0].upper()}{one.key[1:]} ({len(one.cases)})" for one in DECISIONS}
