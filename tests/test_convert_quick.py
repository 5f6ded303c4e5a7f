"""The quick lane gives what the careful way gives, or nothing; and it does not give nothing for what is common.

Nothing here knows what a row should become: the two ways are compared, over rows in which every message may be ordinary or odd.
"""

import copy
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from quick_cases import QUICK, REASONS, F, called
from quick_rows import EACH, FORMATS, LANE, OTHERS, rows, tools
from test_convert_mixed import calls_of, openai, trl
from test_convert_round_trips import gold_rows

from benchmarks.convert import TOOLS, structured_row, text_row
from toolfmt.conversion import rows as rows_module
from toolfmt.conversion.outcome import Outcome
from toolfmt.conversion.plan import plan
from toolfmt.conversion.rows import RowConverter, lane_of
from toolfmt.tools import read_tools

# Both ways


def both(converter: RowConverter, row: Any) -> tuple[Outcome | None, Outcome]:
    before = repr(row)
    lane = lane_of(converter)
    quick = lane.batch([row])[0] if lane is not None else None
    careful = converter.carefully([row])[0]
    assert repr(row) == before
    return quick, careful


def spelled(outcome: Outcome) -> str:
    """All that an outcome says, order of keys included."""
    said = [[(loss.kind, loss.path, loss.detail) for loss in some] for some in (outcome.losses, outcome.notices)]
    return repr((outcome.row, outcome.layout, outcome.calls, outcome.changed, said, outcome.error))


def compare(converter: RowConverter, row: Any) -> bool:
    quick, careful = both(converter, row)
    if quick is not None:
        assert spelled(quick) == spelled(careful)
    return quick is not None


@st.composite
def converters(draw: st.DrawFn, format: str) -> RowConverter:
    """Any settings for rows with calls in that format."""
    shared = draw(st.none() | tools().map(read_tools))
    inferred = draw(st.none() | tools().map(read_tools))
    source, padded = draw(st.sampled_from([None, format, format])), draw(st.sampled_from([False, False, True]))
    read_as = draw(st.sampled_from([None] * 6 + ["openai", "trl", "messages_text"]))
    written = [(to, None) for to in (format, format, "hermes", "qwen_xml", "xlam")]
    to, layout = draw(st.sampled_from([*written, (None, "openai"), (None, "trl"), (format, "messages_text")]))
    others = draw(st.sampled_from([(), (), OTHERS]))
    return RowConverter(to, layout, source, others, ("json_fence",), shared, inferred, padded, read_as)


def _lane_and_careful(format: str, data: st.DataObject) -> None:
    quick = compare(data.draw(converters(format)), data.draw(rows(format)))
    event(f"quick: {quick}")


@pytest.mark.parametrize("format", EACH)
@given(data=st.data())
def test_the_lane_gives_what_the_careful_way_gives(format: str, data: st.DataObject) -> None:
    _lane_and_careful(format, data)


@given(format=st.sampled_from(list(FORMATS)), data=st.data())
def test_the_lane_gives_what_the_careful_way_gives_in_any_format(format: str, data: st.DataObject) -> None:
    _lane_and_careful(format, data)


# Each reason to go the careful way by itself


@pytest.mark.parametrize("reason", REASONS)
def test_both_ways_say_the_same_of(reason: str) -> None:
    settings, messages, more = REASONS[reason]
    assert compare(RowConverter(**settings), {**more, "messages": messages}) or reason not in QUICK


def test_a_list_of_tools_is_not_shared_between_rows() -> None:
    row = {"messages": [called()], "tools": [F]}
    made = RowConverter("hermes", None)(row).row
    assert made is not None and made["tools"] == row["tools"] and made["tools"] is not row["tools"]


# Floors


@pytest.mark.parametrize("format", LANE)
def test_common_rows_go_the_quick_way_to_every_format_and_from_it(format: str) -> None:
    tools = read_tools(TOOLS)
    assert compare(RowConverter(format, None, None, OTHERS), structured_row(3))
    said = [structured_row(3)["messages"][2], {"role": "assistant", "content": "So."}]
    made = RowConverter(format, None, tools=tools)({"messages": [{"role": "user", "content": "go"}, *said]}).row
    assert made is not None
    assert compare(RowConverter("hermes", None, format, OTHERS, tools=tools), made)


@pytest.mark.parametrize("make, settings", [(structured_row, {"to": "qwen_xml"}), (structured_row, {"layout": "trl"}), (text_row, {"to": "hermes"})])
def test_the_rows_of_the_benchmark_go_the_quick_way(make: Callable[[int], Any], settings: dict[str, str]) -> None:
    source = "json_fence" if make is text_row else None
    converter = RowConverter(settings.get("to"), settings.get("layout"), source, OTHERS)
    assert all(compare(converter, make(number)) for number in range(50))


def test_rows_of_real_shapes_go_the_quick_way() -> None:
    for number in range(60):
        calls = calls_of(number)
        assert compare(RowConverter("hermes", None, None, OTHERS), openai(number, calls))
        assert compare(RowConverter("hermes", None, None, OTHERS), trl(number, calls))
        assert compare(RowConverter(None, "trl", None, OTHERS), openai(number, calls))


def test_conversations_of_bfcl_go_the_quick_way(bfcl: Path) -> None:
    rows = list(gold_rows(bfcl))[::20]
    for to in ("hermes", "qwen_xml"):
        there = RowConverter(to, None, None, OTHERS)
        quick = [compare(there, row) for row in rows]
        assert sum(quick) > 0.9 * len(rows)
        back = RowConverter("json_fence", None, to, OTHERS)
        made = [there(row).row for row in rows]
        assert sum(compare(back, row) for row in made) > 0.9 * len(rows)


# The lane and its converter


def test_a_list_of_tools_that_changes_is_read_again() -> None:
    row = copy.deepcopy(structured_row(0))
    converter = RowConverter("qwen_xml", None)
    first = converter(row)
    row["tools"][0]["function"]["parameters"]["properties"]["limit"]["type"] = "string"
    second = converter(row)
    assert first.error is None and second.error is not None


@pytest.mark.parametrize("tools", [[F], json.dumps([F]), [], None, "", [F["function"]], [{"name": 1}]], ids=repr)
def test_what_is_inferred_is_the_same(tools: object, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for _ in range(2):
        found.append(plan(RowConverter("qwen_xml", None), "auto", lambda: [{"messages": [called()], "tools": tools}]))
        monkeypatch.setattr(rows_module, "lane_of", lambda converter: None)
    assert found[0] == found[1]


def test_a_converter_that_has_a_lane_can_be_pickled() -> None:
    converter = RowConverter("hermes", None)
    before = pickle.dumps(converter)
    converter(structured_row(0))
    assert pickle.dumps(converter) == before and pickle.loads(before) == converter
