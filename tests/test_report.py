"""Reports: exact counts, examples up to a bound, what workers and interrupted runs add, and what people read."""

import ast
import json
import pickle
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import toolfmt
from toolfmt.conversion.collect import Collector
from toolfmt.conversion.rows import Outcome
from toolfmt.errors import LayoutError
from toolfmt.report import CUT, KEEP, KINDS, LARGE, Loss, Reject, Report, ToolfmtWarning

THOUGHT = '<think>\nhm\n</think>\n\n<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>'
ROW = {"messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": THOUGHT}]}
BAD = {"nothing": 1}

_KINDS = st.sampled_from(["id", "text", "type"])
_FOUND = st.builds(Loss, _KINDS, st.just("$.a"), st.integers(0, 9), st.text(max_size=3))
_REJECTS = st.builds(Reject, st.integers(0, 9), st.none() | st.integers(1, 9), st.text(max_size=3), st.just({"a": [1]}))
_ROWS = st.tuples(st.booleans(), st.booleans())


def _told(report: Report, *found: Any) -> Report:
    for one in found:
        if isinstance(one, tuple):
            report.count(*one)
        elif isinstance(one, Reject):
            report.reject(one)
        elif one.kind == "type":
            report.notice(one)
        else:
            report.lose(one)
    return report


def _reports(keep: st.SearchStrategy[int | None]) -> st.SearchStrategy[Report]:
    told = st.lists(_FOUND | _REJECTS | _ROWS, max_size=12)
    return st.builds(lambda keep, found: _told(Report(keep=keep), *found), keep, told)


@pytest.mark.parametrize(("keep", "kept"), [(KEEP, KEEP), (5, 5), (0, 0), (None, 3000)])
def test_counts_are_exact_and_examples_are_bounded(keep: int | None, kept: int) -> None:
    report = Report(keep=keep)
    for row in range(3000):
        report.lose(Loss("id", "$.a", row))
        report.lose(Loss("text", "$.b", row))
        report.notice(Loss("end", "$.c", row))
        report.reject(Reject(row, None, "broken", BAD))
    assert report.loss_counts == {"id": 3000, "text": 3000} and report.lost == 6000
    assert (report.rows, report.rejected, report.notice_counts["end"]) == (3000, 3000, 3000)
    assert [loss.row for loss in report.losses if loss.kind == "text"] == list(range(kept))
    assert [reject.row for reject in report.rejects] == list(range(kept)) and len(report.notices) == 1
    summary = report.summary()
    assert "losses: 6000, rejected: 3000" in summary and "lost, 3000 times" in summary
    assert ("rejected: 2997 more" in summary) and ("rejected: row 0: broken" in summary) == (kept > 0)
    assert "rows in: 3000 = out: 0 + rejected: 3000" in report.table()


def test_a_conversion_counts_what_it_does_not_keep() -> None:
    report = Report(keep=2)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", ToolfmtWarning)
        made = toolfmt.convert([ROW, BAD] * 10, to="functiongemma", on_loss="warn", report=report)
    assert len(made) == 10 and (report.rows, report.with_calls, report.rejected) == (20, 10, 10)
    assert (report.loss_counts, len(report.losses), len(report.rejects)) == ({"reasoning": 10}, 2, 2)
    assert len(said) == 1 and str(said[0].message).startswith("10 losses, 10 rows refused: row 0: $.messages[1]")
    assert str(said[0].message).endswith("; and 17 more")


def test_a_warning_says_only_what_is_new() -> None:
    report = Report(keep=1)
    for _ in range(2):
        with pytest.warns(ToolfmtWarning, match=r"^1 losses, 1 rows refused: ") as said:
            toolfmt.convert([ROW, BAD], to="functiongemma", on_loss="warn", report=report)
    assert str(said[0].message) == "1 losses, 1 rows refused: and 2 more"
    assert (report.lost, report.rejected) == (2, 2)


def test_a_collector_warns_once_of_each() -> None:
    collect = Collector(Report(), "warn")
    for times in (1, 2):
        collect.take(Outcome(error=LayoutError("$", "broken")), BAD, times)
        with pytest.warns(ToolfmtWarning, match=f"^0 losses, 1 rows refused: row {times}: "):
            collect.warn()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        collect.warn()
        Collector(collect.report, "warn").warn()


@pytest.mark.parametrize(
    ("data", "cut"),
    [
        ({"a": "x" * (LARGE - 4)}, False),
        ({"a": "x" * (LARGE - 3)}, True),
        ("x" * (LARGE + 1), True),
        ([0] * (LARGE + 1), True),
        ({"messages": [{"role": "user", "content": "y" * 3000}] * 9}, True),
        (None, False),
    ],
    ids=["just fits", "too long", "a line", "too many", "row", "nothing"],
)
def test_large_rows_are_shown_not_kept(data: Any, cut: bool) -> None:
    report, whole = Report(), Report(keep=None)
    for one in (report, whole):
        one.reject(Reject(4, 5, "broken", data))
    (reject,) = report.rejects
    assert whole.rejects == [Reject(4, 5, "broken", data)] and whole.rejects[0].data is data
    assert reject.cut is cut and (reject.data is data) is not cut
    if cut:
        assert isinstance(reject.data, str) and 0 < len(reject.data) <= CUT
        assert not isinstance(data, dict) or next(iter(data)) in reject.data


def test_a_deep_row_is_cut_without_recursion() -> None:
    data: Any = "x" * LARGE
    for _ in range(100_000):
        data = [data]
    report = Report()
    report.reject(Reject(0, None, "nested too deeply", data))
    assert report.rejects[0].cut


@given(_reports(st.sampled_from([None, 1, 3])))
def test_json_and_back(report: Report) -> None:
    text = json.dumps(report.as_dict())
    again = Report.from_dict(json.loads(text))
    assert again == report and json.dumps(again.as_dict()) == text
    assert pickle.loads(pickle.dumps(report)) == report
    assert Report.from_dict({**report.as_dict(), "out": "x.jsonl"}) == report
    again.lose(Loss("json", "$"))
    again.notice(Loss("end", "$"))
    assert again.loss_counts == {**report.loss_counts, "json": 1} and again.notice_counts == {
        **report.notice_counts,
        "end": 1,
    }


def test_what_is_no_report_is_said() -> None:
    with pytest.raises(ValueError, match="there is no `rejects`"):
        Report.from_dict({name: value for name, value in Report().as_dict().items() if name != "rejects"})


@given(_reports(st.none()), _reports(st.none()))
def test_merged_reports_say_what_one_would(first: Report, second: Report) -> None:
    merged = first.copy()
    merged.merge(second)
    assert merged.losses == first.losses + second.losses and merged.rejects == first.rejects + second.rejects
    assert merged.lost == first.lost + second.lost == len(merged.losses)
    assert merged.rows == merged.with_calls + merged.direct + merged.rejected == first.rows + second.rows
    assert merged.converted == first.converted + second.converted
    assert [notice.kind for notice in merged.notices] == list(merged.notice_counts)
    assert merged.notices == (first.notices or second.notices)
    assert merged.since(first).losses == second.losses and merged.since(first).rows == second.rows


@given(_reports(st.sampled_from([1, 3])), st.lists(_reports(st.sampled_from([None, 1, 3])), max_size=3))
def test_merged_reports_stay_bounded(report: Report, others: list[Report]) -> None:
    counts = sum((other.loss_counts for other in others), report.loss_counts.copy())
    rejected = report.rejected + sum(other.rejected for other in others)
    for other in others:
        report.merge(other)
    assert report.loss_counts == counts and report.rejected == rejected and report.keep is not None
    for kind, times in counts.items():
        assert sum(loss.kind == kind for loss in report.losses) <= min(times, report.keep)
    assert len(report.rejects) <= min(rejected, report.keep)


def test_merging_joins_names() -> None:
    report = Report(source="hermes", layout="openai, trl")
    report.merge(Report(source="hermes", layout="trl, xlam", to="qwen_xml"))
    report.merge(Report())
    assert (report.source, report.layout, report.to) == ("hermes", "openai, trl, xlam", "qwen_xml")


def test_the_table() -> None:
    report = Report(source="hermes", to="qwen_xml", layout="openai")
    report.count(True, True)
    report.lose(Loss("id", "$.messages[1].tool_calls[0].id", 0, "'a' dropped", 1))
    for row in (2, 3):
        report.lose(Loss("reasoning", "$.messages[2]", row, "2 characters\ndropped", row + 1))
    report.notice(Loss("end", "$.messages[4]", 5, "put back"))
    report.reject(Reject(17, 18, "$: expected an object, got `int`", 1))
    assert report.table().split("\n") == [
        "hermes -> qwen_xml (openai)",
        "rows in: 2 = out: 1 + rejected: 1",
        "        kind       times  first at          what",
        r"loss    reasoning      2  row 2 (line 3)    $.messages[2]: 2 characters\ndropped",
        "loss    id             1  row 0 (line 1)    $.messages[1].tool_calls[0].id: 'a' dropped",
        "note    end            1  row 5             $.messages[4]: put back",
        "reject                 1  row 17 (line 18)  $: expected an object, got `int`",
    ]
    assert Report(to="hermes").table() == "no calls in text -> hermes\nrows in: 0 = out: 0 + rejected: 0"


def _kinds_said() -> set[str]:
    """The first argument of everything that says a loss or a notice, and of the tuples that do later."""
    said = set()
    for path in Path(toolfmt.__file__).parent.rglob("*.py"):
        if "cli" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("Loss", "lose", "notice"):
                said |= {first.value for first in node.args[:1] if isinstance(first, ast.Constant)}
            elif isinstance(node, ast.Tuple) and len(node.elts) == 3 and "layouts" in path.parts:
                said |= {first.value for first in node.elts[:1] if isinstance(first, ast.Constant)} & KINDS.keys()
    return said


def test_every_kind_is_listed() -> None:
    assert _kinds_said() == KINDS.keys() and list(KINDS) == sorted(KINDS)
