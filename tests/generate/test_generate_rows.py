"""What `generate` accepts: each row is checked again, by other means than those that made it."""

import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from toolfmt.tools import read_tools
from toolfmt.validation import validate
from toolfmt_train.generate.accept import OFFERED, OFFERED_WITHOUT_PCRE2
from toolfmt_train.generate.run import BLUEPRINTS, SHARES, Generated, generate
from toolfmt_train.gym.corpora import Corpus, open_corpus
from toolfmt_train.gym.environment import SearchGym
from toolfmt_train.gym.tools import LANGUAGES, TOOLS
from toolfmt_train.lines import write_lines
from toolfmt_train.rows import Row, read_rows

pytestmark = pytest.mark.usefixtures("programs")


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_threads(tmp_path: Path) -> None:
    written = []
    for number, (seed, threads) in enumerate([(7, 1), (7, 3), (8, 3)]):
        made = generate([open_corpus("bundled")], 60, seed=seed, threads=threads)
        write_lines(made.rows, tmp_path / f"{number}.jsonl")
        refused = [refusal.record() for refusal in made.refused]
        written.append(((tmp_path / f"{number}.jsonl").read_bytes(), refused))
    assert written[0] == written[1]
    assert written[0][0] != written[2][0]


def test_the_shares_of_the_buckets(train: Generated) -> None:
    assert len(train.rows) == 400
    assert Counter(row.bucket for row in train.rows) == {bucket: round(share * 400) for bucket, share in SHARES.items()}
    assert {row.language for row in train.rows if row.tool} == set(LANGUAGES)
    assert len({row.id for row in train.rows}) == 400


def test_every_blueprint_has_rows(train: Generated, held_out: Generated, planted: Corpus) -> None:
    made = {row.blueprint for row in (*train.rows, *held_out.rows)}
    made |= {row.blueprint for side in (False, True) for row in generate([planted], 300, held_out=side).rows}
    assert {blueprint.name for blueprint in BLUEPRINTS} - made == set()


def test_rows_read_back_and_keep_to_their_tools(train: Generated, tmp_path: Path) -> None:
    write_lines(train.rows, tmp_path / "rows.jsonl")
    rows = read_rows(tmp_path / "rows.jsonl")
    assert rows == train.rows
    for row in rows:
        assert row.offered in (OFFERED, OFFERED_WITHOUT_PCRE2)
        if row.call is not None:
            assert validate(row.call, row.offered) == []
            assert set(row.call.arguments) <= set(_properties(row)), row.id


def test_no_call_is_asked_for_twice(train: Generated) -> None:
    calls = [(row.corpus, repr(row.call), row.tools) for row in train.rows if row.call is not None]
    assert [call for call, number in Counter(map(repr, calls)).items() if number > 1] == []


def test_arguments_are_never_a_default_spelled_out(train: Generated) -> None:
    defaults = {tool.name: {n: p.get("default") for n, p in tool.parameters["properties"].items()} for tool in TOOLS}
    for row in train.rows:
        if row.call is not None:
            spelled = [n for n, value in row.call.arguments.items() if value == defaults[row.call.name][n]]
            assert spelled == [], row.id


def test_arguments_stand_in_the_order_of_the_schema(train: Generated) -> None:
    """In that order a grammar takes them without being told to take any."""
    for row in train.rows:
        if row.call is not None:
            declared = next(tool for tool in row.offered if tool.name == row.call.name).parameters["properties"]
            assert list(row.call.arguments) == [name for name in declared if name in row.call.arguments], row.id


def test_rows_earn_the_whole_reward_in_the_gym(train: Generated, held_out: Generated) -> None:
    gym = SearchGym()
    for row in (*train.rows[::6], *held_out.rows[::6]):
        gym.reset(**row.model_dump())
        if row.call is not None:
            getattr(gym, row.call.name)(**row.call.arguments)
        assert gym.get_reward() == pytest.approx(1.0), row.id
        assert [attempt.digest for attempt in gym.attempts] == ([row.evidence["digest"]] if row.tool else [])


def test_the_evidence_of_a_row(train: Generated) -> None:
    for row in train.rows:
        if row.truth is not None:
            assert len(row.truth) == row.evidence["spans"]
            assert 0 < len(row.truth) <= 100
            assert row.evidence["code"] == 0
            assert str(row.evidence["program"]).startswith("ripgrep " if row.tool == "ripgrep_search" else "ast-grep ")


def test_rows_without_a_tool(train: Generated) -> None:
    rows = [row for row in train.rows if row.bucket == "no_tool"]
    assert {row.blueprint for row in rows} == {"action", "fact", "sum", "outside", "talk"}
    for row in rows:
        assert (row.truth, row.tool, row.call, row.language) == (None, None, None, "")
        assert row.messages[-1]["content"] and "tool_calls" not in row.messages[-1]
    assert len({row.prompt[0]["content"] for row in rows}) == len(rows)
    sums = [row.messages[-1]["content"] for row in rows if row.blueprint == "sum"]
    signs = {"plus": "+", "minus": "-", "times": "*"}
    for a, operation, b, result in (re.findall(r"-?\w+", said.replace(" is ", " ")) for said in sums):
        assert {"+": int(a) + int(b), "-": int(a) - int(b), "*": int(a) * int(b)}[signs[operation]] == int(result)


def test_without_pcre2_the_answer_does_without(train: Generated) -> None:
    rows = [row for row in train.rows if row.blueprint.endswith("_without_pcre2")]
    assert {row.tool for row in rows} == {"ripgrep_search", "ast_grep_search"}
    assert all("pcre2" not in str(row.tools) and "pcre2" not in str(row.messages) for row in rows)
    others = [row for row in train.rows if row.call is not None and row.call.arguments.get("pcre2")]
    assert len(others) > 20
    assert {row.bucket for row in others} == {"adversarial"}


def test_the_words_and_the_tools_determine_the_call(train: Generated, held_out: Generated) -> None:
    answers = defaultdict(set)
    for row in (*train.rows, *held_out.rows):
        answers[(row.prompt[0]["content"], "pcre2" in str(row.tools))].add(repr(row.call))
    assert [asked for asked, calls in answers.items() if len(calls) > 1] == []


def test_the_words_name_each_argument(train: Generated) -> None:
    for row in train.rows:
        asked = row.prompt[0]["content"]
        arguments = row.call.arguments if row.call is not None else {}
        for name in ("path", "glob"):
            assert f"`{arguments.get(name, '').removeprefix('!')}`" in asked or name not in arguments, row.id


def test_each_language_asks_for_structure_in_its_own_pattern(train: Generated) -> None:
    """Without context Go and C++ read a call as a conversion and a declaration."""
    for row in train.rows:
        if row.blueprint == "call" and row.call is not None:
            assert ("selector" in row.call.arguments) == (row.language in ("go", "cpp")), row.id


def _properties(row: Row) -> dict[str, Any]:
    assert row.call is not None
    properties = {tool.name: tool.parameters["properties"] for tool in read_tools(row.tools)}[row.call.name]
    assert isinstance(properties, dict)
    return properties
