"""Hypothesis strategies for tools, calls, messages and hostile text, narrowed by what a format's `Limits` allow.

Nasty values stand in on purpose: every mark of every registered format, JSON look-alikes, outer blanks, lone newlines.
"""

import re
from datetime import date
from functools import cache
from typing import Any

from hypothesis import strategies as st

from toolfmt.format import Format
from toolfmt.ir import Message, Part, Reasoning, Text, Tool, ToolCall
from toolfmt.registry import formats, get_format

__all__ = [
    "REALS",
    "calls_of",
    "edited",
    "hostile_text",
    "marks",
    "messages",
    "nasty_strings",
    "own_marks",
    "plain_messages",
    "punctuation",
    "schema_calls",
    "tools",
]

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


def _in_reach(number: float) -> bool:
    """Grammars end exponents earlier than floats do."""
    return number == 0 or 1e-290 < abs(number) < 1e290


REALS = st.integers() | st.floats(allow_nan=False, allow_infinity=False).filter(_in_reach)
"""Numbers that grammars can say."""


def _values(
    strings: st.SearchStrategy[str], keys: st.SearchStrategy[str], numbers: st.SearchStrategy[Any] = _NUMBERS
) -> st.SearchStrategy[Any]:
    leaves = st.one_of(st.none(), st.booleans(), numbers, strings)
    return st.recursive(
        leaves,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
        max_leaves=6,
    )


def _typed(
    strings: st.SearchStrategy[str], keys: st.SearchStrategy[str], numbers: st.SearchStrategy[Any] = _NUMBERS
) -> list[tuple[Any, st.SearchStrategy[Any]]]:
    """Schemas and what is valid under them."""
    anything = _values(strings, keys, numbers)
    return [
        ({"type": "string"}, strings),
        ({"type": "integer"}, st.integers()),
        ({"type": "number"}, numbers),
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
def plain_messages(
    draw: st.DrawFn, fmt: Format, numbers: st.SearchStrategy[Any] = _NUMBERS
) -> tuple[Message, list[Tool]]:
    """A message that no format may refuse within its limits: identifiers, ordinary words, numbers, nested containers of them."""
    names, keys = (_NAMES.filter(re.compile(pattern).fullmatch) for pattern in (fmt.limits.names, fmt.limits.keys))
    kinds = _typed(_PLAIN_WORD, _NAMES.filter(re.compile(fmt.limits.deep_keys).fullmatch), numbers)[:7]
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


# Schemas for grammars, with what is valid under them


_PATTERNS = [
    ("^[a-z]{1,4}$", st.from_regex(r"[a-z]{1,4}\Z", fullmatch=True)),
    (r"^\d{2}:\d{2}$", st.from_regex(r"[0-9]{2}:[0-9]{2}\Z", fullmatch=True)),
    ("^(?:on|off)$", st.sampled_from(["on", "off"])),
    ("[^a]$", st.sampled_from(["", "aa"]).map(lambda s: s + "b")),
]
_LONGEST = 12  # a string with bounds; xgrammar counts so many characters exactly, however they are written

Typed = tuple[dict[str, Any], st.SearchStrategy[Any]]
"""A schema and values that are valid under it, keys in the schema's order."""


@st.composite
def _string_schemas(draw: st.DrawFn, strings: st.SearchStrategy[str]) -> Typed:
    kind = draw(st.integers(0, 6))
    if kind == 0:
        low = draw(st.integers(0, 3))
        high = draw(st.integers(max(low, 1), _LONGEST))
        return {"type": "string", "minLength": low, "maxLength": high}, strings.map(lambda s: s[:high].ljust(low, "x"))
    if kind == 1:
        pattern, matching = draw(st.sampled_from(_PATTERNS))
        return {"type": "string", "pattern": pattern}, matching
    if kind == 2:
        listed = ["word", *draw(st.lists(strings.filter(lambda s: "\0" not in s), max_size=2))]  # engines misread it in a grammar
        return {"enum": listed}, st.sampled_from(listed)
    if kind == 3:
        text = draw(_PLAIN_WORD)
        return {"type": "string", "pattern": re.escape(text)}, strings.map(lambda s: s + text)
    if kind == 4:
        return {"type": "string", "format": "date"}, st.dates().map(date.isoformat)
    return {"type": "string"}, strings


@st.composite
def _number_schemas(draw: st.DrawFn) -> Typed:
    kind = draw(st.integers(0, 5))
    low = draw(st.integers(-200, 200))
    high = low + draw(st.integers(0, 300))
    if kind == 0:
        return {"type": "integer", "minimum": low, "maximum": high}, st.integers(low, high)
    if kind == 1:
        return {"type": "integer", "exclusiveMinimum": low}, st.integers(low + 1)
    if kind == 2:
        step = draw(st.sampled_from([2, 3, 5, 100]))
        return {"type": "integer", "multipleOf": step}, st.integers(-99, 99).map(lambda n: n * step)
    if kind == 3:
        return {"type": "number", "minimum": low, "maximum": high}, st.integers(low, high) | st.floats(low, high).filter(_in_reach)
    return ({"type": "integer"}, st.integers()) if kind == 4 else ({"type": "number"}, REALS)


@st.composite
def _array_schemas(draw: st.DrawFn, inner: st.SearchStrategy[Typed]) -> Typed:
    items, valid = draw(inner)
    low = draw(st.integers(0, 2))
    if draw(st.booleans()):
        return {"type": "array", "items": items, "minItems": low}, st.lists(valid, min_size=low, max_size=3)
    high = draw(st.integers(low, 3))
    return {"type": "array", "items": items, "maxItems": high}, st.lists(valid, max_size=high)


@st.composite
def _object_schemas(draw: st.DrawFn, inner: st.SearchStrategy[Typed], keys: st.SearchStrategy[str], open_ones: bool) -> Typed:
    """Objects with declared members, some of which are required; where it is said, with others too."""
    members = {key: draw(inner) for key in draw(st.lists(keys, max_size=4, unique=True))}
    required = [key for key in members if draw(st.booleans())]
    schema: dict[str, Any] = {"type": "object", "properties": {key: said for key, (said, _) in members.items()}}
    schema |= {"required": required} if required else {}
    values = [valid if key in required else st.just(_LEFT_OUT) | valid for key, (_, valid) in members.items()]
    others: st.SearchStrategy[dict[str, Any]] = st.just({})
    if open_ones and draw(st.integers(0, 3)) == 0:
        said, valid = draw(st.sampled_from([(True, st.none()), ({"type": "integer"}, st.integers())]))
        schema["additionalProperties"] = said
        others = st.dictionaries(keys.filter(lambda key: key not in members), valid, max_size=2)
    elif draw(st.booleans()):
        schema["additionalProperties"] = False

    def put_together(drawn: tuple[Any, ...]) -> dict[str, Any]:
        *written, more = drawn
        return {**{key: value for key, value in zip(members, written, strict=True) if value is not _LEFT_OUT}, **more}

    return schema, st.tuples(*values, others).map(put_together)


_LEFT_OUT = object()


@st.composite
def _unions(draw: st.DrawFn, inner: st.SearchStrategy[Typed]) -> Typed:
    branches = draw(st.lists(inner, min_size=2, max_size=3))
    return {"anyOf": [schema for schema, _ in branches]}, st.one_of([valid for _, valid in branches])


def _schemas(strings: st.SearchStrategy[str], keys: st.SearchStrategy[str], open_ones: bool) -> st.SearchStrategy[Typed]:
    """Schemas of values, one or two containers deep."""
    words: list[Typed] = [
        ({"type": "boolean"}, st.booleans()),
        ({"type": "null"}, st.none()),
        ({"const": "fixed"}, st.just("fixed")),
        ({"type": ["string", "null"]}, strings | st.none()),
        ({"type": ["integer", "string"]}, st.integers() | strings),
        ({"enum": ["a", 1, None, "true", True]}, st.sampled_from(["a", 1, None, "true", True])),
    ]
    leaves = st.one_of(_string_schemas(strings), _number_schemas(), st.sampled_from(words))
    if open_ones:
        anything = _values(strings, keys, REALS)
        free: list[Typed] = [
            ({}, anything),
            ({"type": "array"}, st.lists(anything, max_size=3)),
            ({"type": "object"}, st.dictionaries(keys, anything, max_size=3)),
        ]
        leaves |= st.sampled_from(free)
    shallow = leaves | _unions(leaves) | _array_schemas(leaves) | _object_schemas(leaves, keys, open_ones)
    return leaves | _unions(shallow) | _array_schemas(shallow) | _object_schemas(shallow, keys, open_ones)


@st.composite
def schema_calls(draw: st.DrawFn, fmt: Format) -> tuple[list[Tool], ToolCall, bool]:
    """Tools with schemas of every kind, a call that keeps to its own one's, keys in that one's order, and whether all objects are closed."""
    limits, closed = fmt.limits, draw(st.booleans())
    names, keys, deep = (
        strings.filter(re.compile(pattern).fullmatch)
        for strings, pattern in ((_NAMES, limits.names), (_KEYS, limits.keys), (_KEYS, limits.deep_keys))
    )
    values = _schemas(nasty_strings(fmt), deep, not closed)
    called, *others = draw(st.lists(names, min_size=1, max_size=2, unique=True))
    schema, valid = draw(_object_schemas(values, keys, False))
    offered = [Tool(name=called, parameters=schema)]
    offered += [Tool(name=name, parameters=draw(_object_schemas(values, keys, False))[0]) for name in others]
    return offered, ToolCall(name=called, arguments=draw(valid)), closed


@st.composite
def edited(draw: st.DrawFn, fmt: Format, text: str) -> str:
    """A text with pieces of it left out or doubled, or with a mark or other punctuation of the format put in."""
    for _ in range(draw(st.integers(1, 3))):
        at, size = draw(st.integers(0, len(text))), draw(st.integers(1, 12))
        piece = draw(st.sampled_from(["", text[at : at + size], *punctuation(fmt)]))
        text = text[:at] + piece + text[at + (size if piece == "" else 0) :]
    return text


def punctuation(fmt: Format) -> list[str]:
    """What stands between the values of a format's calls, and its marks."""
    found = {*own_marks(fmt), *_LOOKALIKES[:16]}
    dialects = [fmt.dialect, fmt.dialect.inner or fmt.dialect]
    for m, dialect in ((dialect.members, dialect) for dialect in dialects):
        found |= {m.opens, *m.key, m.ends, m.between, m.closes, *dialect.array, *dialect.words, *dialect.strings.never, *dialect.strings.quotes}
        found |= {m.ends + m.between + m.key[0], m.ends + m.closes, dialect.strings.mark}
    return sorted(found - {""})
