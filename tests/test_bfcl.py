"""How BFCL's answers are read, and that no format loses one of its gold calls in silence."""

import json
from pathlib import Path
from typing import Any

import pytest

import toolfmt
from toolfmt.cli import bfcl
from toolfmt.cli.bfcl_sample import sample_entries
from toolfmt.ir import same

PROPERTIES = {
    "city": {"type": "string"},
    "days": {"type": "integer"},
    "place": {"type": "dict", "properties": {"lat": {"type": "float"}, "name": {"type": "string"}}},
    "legs": {"type": "array", "items": {"type": "dict", "properties": {"to": {"type": "string"}}}},
    "deep": {"type": "dict"},
}


def entry(answer: dict[str, Any], required: tuple[str, ...] = ()) -> bfcl.Entry:
    parameters = {"type": "dict", "properties": PROPERTIES, "required": list(required)}
    return bfcl.read_entry({"id": "e", "function": [{"name": "f", "parameters": parameters}]}, [{"f": answer}])


def first(answer: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    (call,) = bfcl.gold_calls(entry(answer, required))
    return call.arguments


def valid(answer: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any] | None:
    calls = bfcl.valid_calls(entry(answer, required))
    return None if calls is None else calls[0].arguments


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"city": ["Paris", "paris"]}, {"city": "Paris"}),
        ({"city": ["", "Paris"]}, {"city": "Paris"}),  # "" may be left out; what is a value comes first
        ({"city": [""]}, {}),
        ({"days": [2], "city": [""]}, {"days": 2}),
        ({"place": [{"lat": [1.5, 2.5], "name": ["", "x"]}]}, {"place": {"lat": 1.5, "name": "x"}}),
        ({"place": [{"lat": [1.5], "name": [""]}]}, {"place": {"lat": 1.5}}),
        ({"legs": [[{"to": ["A", "B"]}, {"to": ["C"]}]]}, {"legs": [{"to": "A"}, {"to": "C"}]}),
        ({"deep": [{"inner": [{"lat": 1.5}]}]}, {"deep": {"inner": {"lat": 1.5}}}),  # deeper objects are plain
        ({"legs": [[]]}, {"legs": []}),
        ({}, {}),
    ],
)
def test_the_first_acceptable_values(answer: dict[str, Any], expected: dict[str, Any]) -> None:
    assert same(first(answer), expected)


@pytest.mark.parametrize("answer", [{"legs": []}, {"deep": [{"format": "epoch"}]}, {"days": 3}])
def test_an_answer_that_accepts_nothing_has_no_gold(answer: dict[str, Any]) -> None:
    with pytest.raises(bfcl.NoGoldError, match="accepts no value"):
        bfcl.gold_calls(entry(answer))
    assert bfcl.valid_calls(entry(answer)) is None


@pytest.mark.parametrize(
    ("answer", "required", "expected"),
    [
        ({"days": ["two", 2]}, (), {"days": 2}),  # the first that the schema allows
        ({"days": ["two", ""]}, (), {}),  # else left out, where the answer allows it
        ({"days": ["two"]}, (), None),
        ({"city": [""]}, ("city",), {"city": ""}),  # required, and only "": the empty string
        ({"city": []}, ("city",), None),
        ({"place": [{"lat": ["x", 1.5]}]}, (), {"place": {"lat": 1.5}}),  # inside objects too
        ({"city": ["Paris"]}, ("city", "days"), None),
        ({"days": [True, 1]}, (), {"days": 1}),
    ],
)
def test_the_first_values_that_the_schema_allows(
    answer: dict[str, Any], required: tuple[str, ...], expected: dict[str, Any] | None
) -> None:
    found = valid(answer, required)
    assert found == expected and same(found, expected)


def test_several_calls_keep_their_order() -> None:
    read = entry({})
    read.answer[:] = [{"f": {"days": [2]}}, {"f": {"days": [1]}}]
    assert [call.arguments for call in bfcl.gold_calls(read)] == [{"days": 2}, {"days": 1}]


def test_entries_are_read_from_a_folder(tmp_path: Path) -> None:
    row = {"id": "multiple_0", "function": [{"name": "f", "parameters": {"type": "dict", "properties": {}}}]}
    (tmp_path / "possible_answer").mkdir()
    (tmp_path / "BFCL_v4_multiple.json").write_text(json.dumps(row) + "\n", encoding="utf-8")
    answer = {"id": "multiple_0", "ground_truth": [{"f": {}}]}
    (tmp_path / "possible_answer" / "BFCL_v4_multiple.json").write_text(json.dumps(answer), encoding="utf-8")
    (read,) = bfcl.read_entries(tmp_path, ["multiple"])
    assert (read.id, read.tools[0].name, read.answer) == ("multiple_0", "f", [{"f": {}}])


# The tally


def test_the_tally_counts_what_is_exact_and_what_is_refused() -> None:
    tally = bfcl.Tally("functiongemma")
    read = entry({"city": ["Paris"]})
    tally.add(read, bfcl.gold_calls(read))
    tally.add(read, [toolfmt.ToolCall(name="f", arguments={"city": "<escape>"})])
    counts = tally.as_dict()
    refusals = counts.pop("refusals")
    assert counts == {
        "format": "functiongemma", "entries": 2, "calls": 2, "exact": 1, "refused": 1, "silent_losses": 0, "lost_entries": [],
    }  # fmt: skip
    assert [(refusal["reason"], refusal["entries"]) for refusal in refusals] == [
        ("cannot write a string holding `..`", 1)
    ]
    assert refusals[0]["example"].startswith("e: $")


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("Paris", "Rome"),
        lambda text: text.replace("3", "3.0"),
        lambda text: text + "\nand text",
        lambda text: text + "\n" + text,
        lambda text: text[:-1],
        lambda text: "",
    ],
)
def test_the_tally_does_not_take_render_at_its_word(monkeypatch: pytest.MonkeyPatch, damage: Any) -> None:
    def render(*args: Any, **options: Any) -> str:
        return str(damage(toolfmt.render(*args, **options)))

    monkeypatch.setattr(bfcl, "render", render)
    tally = bfcl.Tally("xlam_v1")
    read = entry({"city": ["Paris"], "days": [3]})
    tally.add(read, bfcl.gold_calls(read))
    assert (tally.exact, tally.refused, tally.lost, tally.losses) == (0, 0, 1, ["e"])


def test_the_sample_is_ten_valid_entries() -> None:
    entries = sample_entries()
    assert len(entries) == len({read.id for read in entries}) == 10
    assert all(bfcl.valid_calls(read) == bfcl.gold_calls(read) for read in entries[:-1])
    assert bfcl.valid_calls(entries[-1]) == [toolfmt.ToolCall(name="list_files")]


@pytest.mark.parametrize("name", [info.name for info in toolfmt.formats()])
def test_the_sample_goes_through_every_format(name: str) -> None:
    tally = bfcl.Tally(name)
    for read in sample_entries():
        tally.add(read, bfcl.gold_calls(read))
    assert tally.lost == 0
    assert tally.exact >= (8 if toolfmt.get_format(name).limits.many_calls else 6)
    assert tally.exact + tally.refused == tally.calls == 10


# BFCL itself


@pytest.fixture(scope="module")
def entries(bfcl: Path) -> list[Any]:
    from toolfmt.cli.bfcl import find_data, read_entries

    assert find_data() == bfcl
    return list(read_entries(bfcl))


def test_bfcl_has_2501_entries_with_answers(entries: list[Any]) -> None:
    assert len(entries) == 2501
    assert all(read.answer for read in entries)


@pytest.mark.slow
def test_how_many_answers_keep_to_their_schemas(entries: list[Any]) -> None:
    by_first = by_any = without = 0
    for read in entries:
        by_any += bfcl.valid_calls(read) is not None
        try:
            by_first += not toolfmt.validate(bfcl.gold_calls(read), read.toolset)
        except bfcl.NoGoldError:
            without += 1
    assert (by_first, by_any, without) == (2301, 2461, 3)


@pytest.fixture(scope="module")
def gold(entries: list[Any]) -> list[Any]:
    pairs = [(read, bfcl.valid_calls(read)) for read in entries[::10]]
    return [(read, calls) for read, calls in pairs if calls is not None]


@pytest.mark.slow
@pytest.mark.parametrize("name", [info.name for info in toolfmt.formats()])
def test_no_gold_call_is_lost_in_silence(gold: list[Any], name: str) -> None:
    tally = bfcl.Tally(name)
    for read, calls in gold:
        tally.add(read, calls)
    assert tally.losses == []
    assert tally.exact + tally.refused == tally.calls > 300
    most = tally.calls // 2 if name == "functiongemma_vllm" else 2  # vLLM's parser reads no dot in a tool's name
    if not toolfmt.get_format(name).limits.many_calls:
        most += sum(len(calls) for _, calls in gold if len(calls) > 1)
    assert tally.refused <= most, tally.refusals
