"""Hypothesis strategies for tools, calls, messages and hostile text, narrowed by what a format's `Limits` allow.

Nasty values stand in on purpose: every mark of every registered format, JSON look-alikes, outer blanks, lone newlines.
"""

import re
from functools import cache
from typing import Any

from hypothesis import strategies as st

from toolfmt.format import Format
from toolfmt.ir import Message, Part, Reasoning, Text, Tool, ToolCall
from toolfmt.registry import formats, get_format

__all__ = ["calls_of", "hostile_text", "marks", "messages", "nasty_strings", "own_marks", "plain_messages", "tools"]

_LOOKALIKES = [
    "true", "false", "null", "True", "None", "NaN", "42", "-0", "02134", "1e5", "1.50", "5.0", '"q"', "[1]", '{"a": 1}', "{'a': 1}",
    "", " ", "\n", "\n\n", " x ", "\n\tx\n", "\\", "\\n", '"', "'", "{", "}", "a,b:c", "<b>&amp;</b>", "\x00", "\u2028", "😀", "ﷺ",
]  # fmt: skip


@cache
def marks() -> list[str]:
    """Every mark of every registered format, and the ones inside calls."""
    found: set[str] = {
        "</parameter>", "\n</parameter>\n", "<parameter=x>", "\n</parameter>\n<parameter=x>\n", "\n</parameter>\n</function>",
        "</function>", "<function=f>", "<escape>", "}<end_function_call>", "call:f{", "\n```", "Tool: f", "Arguments: {", "Tool result: ",
        "\n</function>\n</tool_call>\n<tool_call>\n<function=",
    }  # fmt: skip
    for info in formats():
        found.update(own_marks(get_format(info.name)))
    return sorted(found)


def own_marks(fmt: Format) -> list[str]:
    """The marks of one format."""
    return sorted(
        {*fmt.opens, *fmt.closes, *fmt.end_of_turn, *(fmt.reasoning or ()), *fmt.frames, *fmt.limits.never} - {""}
    )


def nasty_strings(fmt: Format | None = None) -> st.SearchStrategy[str]:
    """Strings that break parsers, a format's own marks above all, and ordinary ones; every one can be encoded as UTF-8."""
    fragments = st.sampled_from([*_LOOKALIKES, *marks()])
    if fmt is not None:
        fragments = st.one_of(st.sampled_from(own_marks(fmt)), fragments)
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    return st.one_of(fragments, text, st.lists(st.one_of(fragments, text), max_size=5).map("".join))


_PLAIN_WORD = (
    st.text("abcdefgh XYZ019.,!?-", min_size=1, max_size=20).map(str.strip).filter(lambda text: text[:1].isalpha())
)
_NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
_KEYS = st.one_of(
    _NAMES,
    st.sampled_from(["a-b", "a.b", "name", "arguments", "tool_calls", "type", "id", "é", "a b", 'q"', "x>y", ""]),
)
_NUMBERS = st.one_of(
    st.integers(),
    st.integers(10**19, 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 5.0, 1e22]),
)


def _values(strings: st.SearchStrategy[str], keys: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    leaves = st.one_of(st.none(), st.booleans(), _NUMBERS, strings)
    return st.recursive(
        leaves,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
        max_leaves=6,
    )


def _typed(strings: st.SearchStrategy[str], keys: st.SearchStrategy[str]) -> list[tuple[Any, st.SearchStrategy[Any]]]:
    """Schemas and what is valid under them."""
    anything = _values(strings, keys)
    return [
        ({"type": "string"}, strings),
        ({"type": "integer"}, st.integers()),
        ({"type": "number"}, _NUMBERS),
        ({"type": "boolean"}, st.booleans()),
        ({"type": "null"}, st.none()),
        ({"type": "array"}, st.lists(anything, max_size=3)),
        ({"type": "object"}, st.dictionaries(keys, anything, max_size=3)),
        ({}, anything),
        ({"type": ["string", "null"]}, st.one_of(strings, st.none())),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, st.one_of(st.integers(), strings)),
        ({"enum": ["a", 1, None, "true", True]}, st.sampled_from(["a", 1, None, "true", True])),
    ]


@st.composite
def tools(draw: st.DrawFn, names: st.SearchStrategy[str] = _NAMES, keys: st.SearchStrategy[str] = _KEYS) -> Tool:
    """A tool whose parameters take every kind of type."""
    kinds = _typed(nasty_strings(), keys)
    properties = draw(st.dictionaries(keys, st.sampled_from([schema for schema, _ in kinds]), max_size=4))
    return Tool(name=draw(names), parameters={"type": "object", "properties": properties})


@st.composite
def calls_of(
    draw: st.DrawFn, tool: Tool, *, strings: st.SearchStrategy[str] | None = None, keys: st.SearchStrategy[str] = _KEYS
) -> ToolCall:
    """A call that is valid under its tool's schema."""
    kinds = _typed(nasty_strings() if strings is None else strings, keys)
    arguments = {}
    for key, schema in tool.parameters["properties"].items():
        if draw(st.integers(0, 3)):
            arguments[key] = draw(next(valid for kind, valid in kinds if kind == schema))
    return ToolCall(name=tool.name, arguments=arguments)


def _ordered(fmt: Format, text: st.SearchStrategy[str], calls: list[ToolCall], draw: st.DrawFn) -> tuple[Part, ...]:
    """Calls with reasoning and text wherever the format has a place for them."""
    limits, parts = fmt.limits, list[Part]()
    if limits.reasoning and draw(st.booleans()):
        parts.append(Reasoning(text=draw(text)))
    if draw(st.booleans()) and (limits.text_before or not calls):
        parts.append(Text(text=draw(text)))
    for i, call in enumerate(calls):
        if i and limits.text_after and draw(st.integers(0, 3)) == 0:
            parts.append(Text(text=draw(text)))
        parts.append(call)
    if calls and limits.text_after and draw(st.integers(0, 3)) == 0:
        parts.append(Text(text=draw(text)))
    return tuple(parts)


@st.composite
def messages(draw: st.DrawFn, fmt: Format) -> tuple[Message, list[Tool]]:
    """An assistant message in the format's reach, nasty values included, and its tools."""
    offered = draw(st.lists(tools(), min_size=1, max_size=3, unique_by=lambda tool: tool.name))
    count = draw(st.integers(0, 3 if fmt.limits.many_calls else 1))
    calls = [draw(calls_of(draw(st.sampled_from(offered)), strings=nasty_strings(fmt))) for _ in range(count)]
    if fmt.limits.ids:
        calls = [
            call.model_copy(update={"id": draw(st.none() | st.from_regex(fmt.limits.ids, fullmatch=True))})
            for call in calls
        ]
    return Message(role="assistant", parts=_ordered(fmt, nasty_strings(fmt), calls, draw)), offered


@st.composite
def plain_messages(draw: st.DrawFn, fmt: Format) -> tuple[Message, list[Tool]]:
    """A message that no format may refuse within its limits: identifiers, ordinary words, numbers, nested containers of them."""
    names, keys = (_NAMES.filter(re.compile(pattern).fullmatch) for pattern in (fmt.limits.names, fmt.limits.keys))
    kinds = _typed(_PLAIN_WORD, _NAMES.filter(re.compile(fmt.limits.deep_keys).fullmatch))[:7]
    offered, calls = [], []
    for name in draw(st.lists(names, min_size=1, max_size=3 if fmt.limits.many_calls else 1, unique=True)):
        chosen = draw(st.dictionaries(keys, st.sampled_from(range(len(kinds))), max_size=4))
        schema = {"type": "object", "properties": {key: kinds[i][0] for key, i in chosen.items()}}
        offered.append(Tool(name=name, parameters=schema))
        calls.append(ToolCall(name=name, arguments={key: draw(kinds[i][1]) for key, i in chosen.items()}))
    return Message(role="assistant", parts=_ordered(fmt, _PLAIN_WORD, calls, draw)), offered


_BODIES = [
    '{"name": "f", "arguments": {}}', '{"tool": "f", "args": {}}', '{"name": "f"}', '{"name": "f", "arguments": {}, "x": 1}',
    "{'name': 'f', 'arguments': {'a': None}}", '[{"name": "f", "arguments": {}}, {"name": 1}]', '{"name": "f", "arguments": "{}"}',
]  # fmt: skip


@st.composite
def hostile_text(draw: st.DrawFn, fmt: Format) -> str:
    """Text made of marks, fragments of calls and junk."""
    inside = [
        '{"name": "f", "arguments": {',
        '"a": 1',
        '"',
        "}",
        "]",
        "\n",
        " ",
        ">",
        "f",
        "a",
        ":",
        ",",
        "x\n",
        "```json\n",
        "```\n",
        "\ud800",
    ]
    own = own_marks(fmt)
    good = draw(plain_messages(fmt))[0]
    pieces = st.one_of(st.sampled_from([*inside, *own]), st.sampled_from(marks()), st.text(max_size=3))
    text = "".join(draw(st.lists(pieces, max_size=20)))
    if draw(st.integers(0, 3)) == 0:  # another format's call, or one with other keys, between this format's marks
        other = get_format(draw(st.sampled_from([info.name for info in formats()])))
        body = draw(st.sampled_from([*_BODIES, other.write(Message(parts=(ToolCall(name="f", arguments={"a": 1}),)))]))
        gap = st.sampled_from(["", "\n", "X"])
        text += (
            draw(st.sampled_from(fmt.opens)) + draw(gap) + body + draw(gap) + draw(st.sampled_from(fmt.closes or ("",)))
        )
    if draw(st.booleans()):
        written = fmt.write(good)
        at = draw(st.integers(0, len(written)))
        text = draw(
            st.sampled_from(
                [written[:at], written[:at] + text + written[at:], text + written, re.sub("[}>]", "", written, count=1)]
            )
        )
    return text
