"""Rows and texts for the quick lane, in which every message may be ordinary or odd."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st

from toolfmt.api import write
from toolfmt.errors import UnrepresentableError
from toolfmt.ir import Text, ToolCall, ToolResult
from toolfmt.registry import every_format

FORMATS = {fmt.name: fmt for fmt in every_format()}
LANE = [name for name, fmt in FORMATS.items() if not fmt.limits.ids and name not in ("harmony", "kimi_k3", "xlam_v1")]
"""The formats that the lane writes."""
EACH = [pytest.param(name, marks=() if name in ("hermes", "qwen_xml") else pytest.mark.slow) for name in FORMATS]
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
            messages.append({"role": "assistant", "content": text_in(draw, format, odd)})
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


def text_in(draw: st.DrawFn, format: str, odd: bool) -> str:
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
