"""The quick lane gives what the careful way gives, or nothing; and it does not give nothing for what is common.

Nothing here knows what a row should become: the two ways are compared, over rows in which every message may be ordinary or odd.
"""

import copy
import json
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from quick_cases import QUICK, REASONS, F, called
from test_convert_mixed import calls_of, openai, trl
from test_convert_round_trips import gold_rows

from benchmarks.convert import TOOLS, structured_row, text_row
from toolfmt.api import parse, write
from toolfmt.argument_types import argument_types
from toolfmt.conversion import rows as rows_module
from toolfmt.conversion.outcome import Outcome
from toolfmt.conversion.plain import read_plain, split_prose
from toolfmt.conversion.plan import plan
from toolfmt.conversion.rows import RowConverter, lane_of
from toolfmt.errors import UnrepresentableError
from toolfmt.formats.hermes import Hermes
from toolfmt.formats.qwen_xml import QwenXml
from toolfmt.ir import Text, ToolCall, ToolResult
from toolfmt.registry import every_format
from toolfmt.stream import StreamParser
from toolfmt.tools import read_tools

FORMATS = {fmt.name: fmt for fmt in every_format()}
LANE = [name for name, fmt in FORMATS.items() if not fmt.limits.ids and name not in ("harmony", "kimi_k3", "xlam_v1")]
"""The formats that the lane writes."""
OTHERS = tuple(name for name, fmt in FORMATS.items() if not fmt.ambiguous)

# Rows

MARKS = sorted({mark for fmt in FORMATS.values() for mark in (*fmt.opens, *fmt.closes, *fmt.frames, *fmt.end_of_turn, *(fmt.reasoning or ()))} - {""})
NASTY = ["", " ", "\n", "a", "a b.", " a", "a\n", "42", "true", "None", "[1]", "{'a': 1}", '{"a": 1}', '"', "\\", "\\u0022", "\ud800", "ü🌦", "\0"]
NASTY += ["[go]", "x\n\ny", "Tool result: 1", "<think>\nHm.\n</think>\n\nSo.", "<tools>\n[]\n</tools>", "```json\n"]
NASTY += ["&", "&quot;", "]]>", "</param>", "\n</parameter>\n<parameter=", "\n</function>\n</tool_call>"]
STRINGS = st.sampled_from(["go", "So.", "Let me look."]) | st.sampled_from(NASTY) | st.sampled_from(MARKS) | st.text(max_size=6)
VALUES = STRINGS | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.just(2**70)
JSON = st.recursive(VALUES, lambda some: st.lists(some, max_size=2) | st.dictionaries(STRINGS, some, max_size=2), max_leaves=4)
NAMES = st.sampled_from(["f", "f", "f", "get.it", "a b"])
SCHEMAS = [{}, {"type": "string"}, {"type": "integer"}, {"type": ["string", "null"]}, {"type": "object"}, {"type": "boolean"}, {"enum": ["a", 42]}]
KEYS = ["a", "b", "c"]


@st.composite
def tools(draw: st.DrawFn) -> list[dict[str, Any]]:
    properties = {key: draw(st.sampled_from(SCHEMAS)) for key in KEYS}
    function = {"name": "f", "description": "", "parameters": {"type": "object", "properties": properties}}
    return [{"type": "function", "function": function}, {"type": "function", "function": {**function, "name": "get.it"}}]


def arguments(draw: st.DrawFn) -> dict[str, Any]:
    return draw(st.dictionaries(st.sampled_from(KEYS) | STRINGS, JSON, max_size=3))


@st.composite
def rows(draw: st.DrawFn, format: str) -> dict[str, Any]:
    """A row of three layouts, calls in fields and as text."""
    messages: list[dict[str, Any]] = []
    odd = draw(st.booleans())  # else every message is a common one
    for number in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["system", "user", "says", "calls", "calls", "text", "text"]))
        if kind in ("system", "user"):
            messages.append({"role": kind, "content": draw(STRINGS if odd else st.sampled_from(["go", "Zürich?"]))})
        elif kind == "says":
            messages.append({"role": "assistant", "content": draw(STRINGS)})
        elif kind == "calls":
            messages += _calls(draw, number, odd)
        else:
            messages.append({"role": "assistant", "content": _text(draw, format, odd)})
            messages += [{"role": "tool", "content": _result(draw, format)} for _ in range(draw(st.integers(0, 2)))]
    if odd and not draw(st.integers(0, 2)):
        _make_odd(draw, draw(st.sampled_from(messages)))
    stated = draw(tools())
    shapes: list[dict[str, Any]] = [{"tools": stated}, {"tools": stated}, {"tools": json.dumps(stated)}, {}, {"id": 1, "tools": stated}]
    shapes += [{"tools": None}, {"tools": []}, {"tools": ""}, {"tools": [tool["function"] for tool in stated]}, {"tools": [json.dumps(stated[0])]}]
    shapes += [{"functions": stated}, {"system": "s"}, {"tools": 1}, {"tools": [{"name": "f", "input_schema": {"type": "object"}}]}]
    return {**draw(st.sampled_from(shapes)), "messages": messages}


def _calls(draw: st.DrawFn, number: int, odd: bool) -> list[dict[str, Any]]:
    made, results = [], []
    spell: Callable[[Any], Any] = draw(st.sampled_from([json.dumps, json.dumps, copy.copy]))
    for index in range(draw(st.sampled_from([1, 1, 2]))):
        call_id = draw(st.sampled_from([f"c{number}{index}"] * 3 + [None]))
        function = {"name": draw(NAMES), "arguments": spell(arguments(draw))}
        made.append({**({} if call_id is None else {"id": call_id}), "type": "function", "function": function})
        named = {"name": function["name"]} if draw(st.booleans()) else {}
        results.append({"role": "tool", **({} if call_id is None else {"tool_call_id": call_id}), **named, "content": draw(STRINGS)})
    if odd:
        results = draw(st.permutations(results))
    content = draw(st.sampled_from([{}, {"content": None}, {"content": draw(STRINGS)}]))
    message = {"role": "assistant", **content, "tool_calls": made}
    return [message, *results[: draw(st.integers(0, 2))]]


def _text(draw: st.DrawFn, format: str, odd: bool) -> str:
    """Prose and calls as the format writes them; odd: with something beside them, or cut."""
    calls = [ToolCall(name=draw(NAMES), arguments=arguments(draw)) for _ in range(draw(st.sampled_from([1, 1, 2])))]
    prose = draw(STRINGS)
    try:
        text = write([Text(text=prose), *calls] if draw(st.booleans()) else calls, format).text
    except UnrepresentableError:
        return prose
    if odd:
        cut = draw(st.integers(0, len(text)))
        text = draw(st.sampled_from([text[:cut] + draw(STRINGS) + text[cut:], text + draw(STRINGS), text[:cut], draw(STRINGS) + text]))
    return text


def _result(draw: st.DrawFn, format: str) -> str:
    """A result as the format writes it, or not."""
    result = ToolResult(content=draw(STRINGS), name=draw(st.none() | NAMES))
    try:
        return draw(st.sampled_from(["", "", draw(STRINGS)])) + FORMATS[format].write_results([result])
    except UnrepresentableError:
        return result.content


def _make_odd(draw: st.DrawFn, message: dict[str, Any]) -> None:
    more: list[dict[str, Any]] = [{"name": "f"}, {"name": None}, {"weight": 1}, {"reasoning_content": "Hm."}, {"reasoning": None}]
    more += [{"tool_call_id": "c00"}]
    more += [{"role": role} for role in ("developer", "function", "tool", "ipython", "x", None)] + [{"content": 1}, {"content": None}]
    more += [{"tool_calls": []}, {"tool_calls": None}, {"function_call": {"name": "f", "arguments": "{}"}}, {"function_call": None}]
    message |= draw(st.sampled_from(more))
    if message.get("tool_calls"):
        call: dict[str, Any] = message["tool_calls"][0]
        odd: list[dict[str, Any]] = [{"index": 0}, {"type": "custom"}, {"id": 1}, {"id": ""}, {"function": None}, {"function": {"name": "f"}}]
        held: list[dict[str, Any]] = [{"strict": True}, {"name": ""}, {"arguments": "{"}, {"arguments": '"{}"'}, {"arguments": None}]
        odd += [{"function": {**call["function"], **other}} for other in held]
        message["tool_calls"][0] = {**call, **draw(st.sampled_from(odd))}


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


def _plain_and_parse(format: str, data: st.DataObject) -> None:
    text = _text(data.draw, format, data.draw(st.booleans()))
    fmt, stated = FORMATS[format], data.draw(st.none() | tools())
    plain = read_plain(text, fmt, fmt.typed(argument_types(stated, needs=fmt.needs_tools)))
    if plain is not None:
        parsed = parse(text, fmt, tools=stated)
        prose, calls = plain
        assert repr(parsed.parts) == repr(((Text(text=prose),) if prose else ()) + tuple(calls))
        assert not parsed.ended and not parsed.truncated
    event(f"plain: {plain is not None}")


def _sure_and_parse(format: str, data: st.DataObject) -> None:
    """What is called certain is read by the whole reader: text that was written, before any proof."""
    draw, fmt = data.draw, FORMATS[format]
    stated = draw(st.none() | tools())
    calls = [ToolCall(name=draw(NAMES), arguments=arguments(draw)) for _ in range(draw(st.sampled_from([1, 1, 2])))]
    prose = draw(STRINGS)
    try:
        text, message, *_ = write([Text(text=prose), *calls] if prose else calls, fmt)
    except UnrepresentableError:
        return
    split = split_prose(text, fmt)
    types = fmt.typed(argument_types(stated, needs=fmt.needs_tools))
    sure = split is not None and split[0] == prose and fmt.surely_read(text, split[1], message.calls, types)
    if sure:
        parsed = parse(text, fmt, tools=stated)
        assert repr(parsed.parts) == repr(message.parts)
        assert not parsed.ended and not parsed.truncated
    event(f"sure: {sure}")


COMMON = ["hermes", "qwen_xml"]
EACH = [pytest.param(name, marks=() if name in COMMON else pytest.mark.slow) for name in FORMATS]


@pytest.mark.parametrize("format", EACH)
@given(data=st.data())
def test_the_lane_gives_what_the_careful_way_gives(format: str, data: st.DataObject) -> None:
    _lane_and_careful(format, data)


@given(format=st.sampled_from(list(FORMATS)), data=st.data())
def test_the_lane_gives_what_the_careful_way_gives_in_any_format(format: str, data: st.DataObject) -> None:
    _lane_and_careful(format, data)


@pytest.mark.parametrize("format", EACH)
@given(data=st.data())
def test_what_is_read_plainly_is_what_parse_reads(format: str, data: st.DataObject) -> None:
    _plain_and_parse(format, data)


@given(format=st.sampled_from(list(FORMATS)), data=st.data())
def test_what_is_read_plainly_is_what_parse_reads_in_any_format(format: str, data: st.DataObject) -> None:
    _plain_and_parse(format, data)


@pytest.mark.parametrize("format", EACH)
@given(data=st.data())
def test_what_is_surely_read_is_read(format: str, data: st.DataObject) -> None:
    _sure_and_parse(format, data)


@given(format=st.sampled_from(list(FORMATS)), data=st.data())
def test_what_is_surely_read_is_read_in_any_format(format: str, data: st.DataObject) -> None:
    _sure_and_parse(format, data)


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


class Backwards(Hermes):
    name = "backwards"

    def write_calls(self, calls: Sequence[ToolCall]) -> str:
        return super().write_calls(calls)[::-1]

    def read_whole(self, p: StreamParser, at: int) -> None:
        return None


class Shouting(QwenXml):
    name = "shouting"

    def write_call(self, call: ToolCall, index: int) -> str:
        return super().write_call(call, index).upper()


def test_tags_that_are_written_in_their_own_way_are_not_sure() -> None:
    calls, types = [ToolCall(name="f", arguments={"a": "x"})], argument_types([F])
    assert QwenXml().surely_read(QwenXml().write_calls(calls), 0, calls, types)
    assert not Shouting().surely_read(Shouting().write_calls(calls), 0, calls, types)


def test_a_format_that_writes_or_reads_in_its_own_way_is_not_sure() -> None:
    calls, text = [ToolCall(name="f")], Hermes().write_calls([ToolCall(name="f")])
    types = argument_types(None, needs="")
    assert Hermes().surely_read(text, 0, calls, types) and Hermes().read_rest(text, 0, types) == calls
    assert not Backwards().surely_read(text, 0, calls, types) and Backwards().read_rest(text, 0, types) is None


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
