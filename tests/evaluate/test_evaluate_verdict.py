"""Every measure can go wrong in its own way, and only in that."""

from typing import Any

import pytest
from evaluate_cases import NO_TOOL, TEXT, TREE, Written, call

from toolfmt_train.evaluate.verdict import Judge, Verdict, without_defaults
from toolfmt_train.gym.brief import definitions, without_arguments
from toolfmt_train.rows import Row

JUDGE = Judge()
GOOD = {"parsed": True, "tool": True, "exact": True, "legal": True, "found": 1.0, "reward": 1.0}


def measures(verdict: Verdict) -> dict[str, Any]:
    return {name: value for name, value in verdict.model_dump().items() if name in GOOD}


@pytest.mark.parametrize("name, tool, arguments", [("text", "ripgrep_search", TEXT), ("tree", "ast_grep_search", TREE)])
def test_the_gold_call_is_right_in_everything(
    rows: dict[str, Row], written: Written, name: str, tool: str, arguments: dict[str, Any]
) -> None:
    verdict = JUDGE.judge(rows[name], written(name, call(tool, arguments)))
    assert measures(verdict) == GOOD
    assert (verdict.due, verdict.truncated, verdict.abstained, verdict.as_text) == (True, False, None, None)


CASES: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "a default spelled out": ([call("ripgrep_search", {**TEXT, "path": ".", "ignore_case": False})], {}),
    "the same places by another pattern": (
        [call("ripgrep_search", {"pattern": r"errors\.Is", "glob": "*.go"})],
        {"exact": False},
    ),
    "a wrong argument": (
        [call("ripgrep_search", {"pattern": "no such text", "glob": "*.go", "fixed_strings": True})],
        {"exact": False, "found": 0.0, "reward": 0.0},
    ),
    "the wrong tool, finding nothing": (
        [call("ast_grep_search", {"pattern": "nothing($A)", "language": "go"})],
        {"tool": False, "exact": False, "found": 0.0, "reward": 0.0},
    ),
    "an illegal pattern": (
        [call("ripgrep_search", {"pattern": "("})],
        {"exact": False, "legal": False, "found": 0.0, "reward": 0.0},
    ),
    "a look-around without PCRE2": (
        [call("ripgrep_search", {"pattern": "(?<=x)y"})],
        {"exact": False, "legal": False, "found": 0.0, "reward": 0.0},
    ),
    "prose and no call": (["I would search for it."], dict.fromkeys(GOOD, False) | {"found": 0.0, "reward": 0.0}),
    "a malformed call": (
        ["<tool_call>\n<function=ripgrep_search>\nwhat\n</tool_call>"],
        dict.fromkeys(GOOD, False) | {"found": 0.0, "reward": 0.0},
    ),
    "a tool that is not there": (
        ["<tool_call>\n<function=grep>\n<parameter=pattern>\nx\n</parameter>\n</function>\n</tool_call>"],
        {"tool": False, "exact": False, "legal": False, "found": 0.0, "reward": 0.0},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_goes_wrong_shows_where_it_belongs(rows: dict[str, Row], written: Written, case: str) -> None:
    said, wrong = CASES[case]
    assert measures(JUDGE.judge(rows["text"], written("text", *said))) == GOOD | wrong


def test_part_of_the_places_is_part_of_the_worth(rows: dict[str, Row], written: Written) -> None:
    """One file of the places, and one place of two in it."""
    row = rows["text"]
    assert row.truth is not None
    file = row.truth[0]["file"]
    one = [span for span in row.truth if span["file"] == file]
    verdict = JUDGE.judge(row, written("text", call("ripgrep_search", {**TEXT, "path": file})))
    assert verdict.found == pytest.approx(2 * len(one) / (len(one) + len(row.truth)))
    assert verdict.exact is False


def test_two_calls_are_not_the_one_that_was_asked_for(rows: dict[str, Row], written: Written) -> None:
    twice = [call("ripgrep_search", TEXT)] * 2
    verdict = JUDGE.judge(rows["text"], written("text", *twice))
    assert (verdict.calls, verdict.parsed, verdict.tool, verdict.exact, verdict.found) == (2, True, True, False, 1.0)
    assert verdict.reward == pytest.approx(0.925)  # effort is 1/2
    other = JUDGE.judge(rows["text"], written("text", call("ast_grep_search", TREE), twice[0]))
    assert (other.tool, other.found) == (False, 1.0)


def test_a_call_beside_something_malformed_is_not_parsed(rows: dict[str, Row], written: Written) -> None:
    verdict = JUDGE.judge(
        rows["text"], written("text", "<tool_call>\nwhat\n</tool_call>\n", call("ripgrep_search", TEXT))
    )
    assert (verdict.calls, verdict.malformed, verdict.parsed, verdict.exact) == (1, 1, False, True)
    assert verdict.reward == pytest.approx(0.5 * 0.925)


def test_a_flood_of_calls_runs_eight(rows: dict[str, Row], written: Written) -> None:
    flood = [call("ripgrep_search", {"pattern": f"flood{i}"}) for i in range(12)] + [call("ripgrep_search", TEXT)]
    judge = Judge()
    verdict = judge.judge(rows["text"], written("text", *flood))
    assert (verdict.calls, verdict.legal, verdict.found) == (13, False, 0.0)
    assert len(judge._attempts) == 8


def test_a_truncated_answer_is_marked_and_keeps_what_it_has(rows: dict[str, Row], written: Written) -> None:
    half = "<tool_call>\n<function=ripgrep_search>\n<parameter=pattern>\nerr"
    verdict = JUDGE.judge(rows["text"], written("text", half, cut=True))
    assert (verdict.truncated, verdict.calls, verdict.malformed, verdict.tool) == (True, 0, 1, False)
    whole = JUDGE.judge(rows["text"], written("text", call("ripgrep_search", TEXT), cut=True))
    assert (whole.truncated, whole.exact) == (True, True)


@pytest.mark.parametrize("said, abstained", [
    ([NO_TOOL], True),
    ([call("ripgrep_search", {"pattern": "mail"})], False),
    (["<tool_call>\n<function=mail>\n"], False),
])  # fmt: skip
def test_a_task_for_no_tool_is_answered_without_a_call(
    rows: dict[str, Row], written: Written, said: list[Any], abstained: bool
) -> None:
    verdict = JUDGE.judge(rows["none"], written("none", *said))
    assert (verdict.due, verdict.abstained) == (False, abstained)
    assert set(measures(verdict).values()) == {None}


@pytest.mark.parametrize("said, as_text, calls", [([call("ripgrep_search", TEXT)], True, 0), (["Nothing."], None, 0)])
def test_a_call_that_another_parser_takes_for_text(
    rows: dict[str, Row], written: Written, said: list[Any], as_text: bool | None, calls: int
) -> None:
    record = written("text", *said, format="json_fence")
    assert JUDGE.judge(rows["text"], record).as_text is None
    verdict = JUDGE.judge(rows["text"], record, "qwen_xml")
    assert (verdict.as_text, verdict.calls, verdict.parsed) == (as_text, calls, False)


def test_a_call_that_another_parser_reads_is_no_text(rows: dict[str, Row], written: Written) -> None:
    """Qwen's two dialects read each other."""
    record = written("text", call("ripgrep_search", TEXT), format="qwen3_coder")
    verdict = JUDGE.judge(rows["text"], record, "qwen_xml")
    assert (verdict.as_text, verdict.exact) == (False, True)


def test_only_a_default_of_the_same_type_is_left_out() -> None:
    made = call("ripgrep_search", {"pattern": "x", "path": ".", "pcre2": 0, "glob": "", "multiline": True})
    assert without_defaults(made) == {"pattern": "x", "pcre2": 0, "multiline": True}


def test_an_argument_that_this_task_does_not_offer_is_illegal(rows: dict[str, Row], written: Written) -> None:
    """The gym has PCRE2; a task from which it was taken away has not."""
    said = written("text", call("ripgrep_search", {**TEXT, "pcre2": True}))
    assert JUDGE.judge(rows["text"], said).legal is True
    tools = definitions(without_arguments(rows["text"].offered, "pcre2"))
    verdict = JUDGE.judge(rows["text"].model_copy(update={"tools": tools}), said)
    assert measures(verdict) == GOOD | {"exact": False, "legal": False, "found": 0.0, "reward": 0.0}
