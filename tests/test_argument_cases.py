"""The 31 argument values on which other parsers were measured (../shared/reference/peers.md, section 2), in every registered format.

Each is written and read back, types included: with the tools, without them, and streamed.  A format may refuse one of the 31 at most
(`minimax_m3` two), and only one that it cannot spell; what it writes must be exact.
"""

import functools
from typing import Any

import pytest

import toolfmt
from toolfmt.families.tags import Tags
from toolfmt.ir import same

FORMATS = tuple(info.name for info in toolfmt.formats())

STRING = {"type": "string"}


def value(schema: dict[str, Any], given: object) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"v": schema}, {"v": given}


# name -> (the schemas of the arguments, the arguments)
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "string": value(STRING, "Zürich"),
    "int": value({"type": "integer"}, 3),
    "float": value({"type": "number"}, -0.0025),
    "true": value({"type": "boolean"}, True),
    "false": value({"type": "boolean"}, False),
    "null": value({"type": ["string", "null"]}, None),
    "object": value({"type": "object"}, {"k": "v", "n": 1}),
    "array": value({"type": "array"}, [1, "x", True, None]),
    "empty args": ({}, {}),
    "empty string": value(STRING, ""),
    "empty containers": ({"o": {"type": "object"}, "a": {"type": "array"}}, {"o": {}, "a": []}),
    '"02134"': value(STRING, "02134"),
    '"true"': value(STRING, "true"),
    '"null"': value(STRING, "null"),
    "JSON-like string": value(STRING, '{"a": [1, 2]}'),
    "quoted string": value(STRING, '"quoted"'),
    "multi-line": value(STRING, "def f(x):\n    return x\n\n\nprint(f(1))"),
    "outer blanks": value(STRING, "  \t both sides \n "),
    "lone newline": value(STRING, "\n"),
    "quotes": value(STRING, "it's \"so\" `called` '''x''' \"\"\"y\"\"\""),
    "backslash": value(STRING, "C:\\new\\table \\\\ \\u0041 \\"),
    "braces": value(STRING, "{x} }} {{ [y] ]"),
    "comma/colon": value(STRING, "a,b:c, d: e,x:1}"),
    "HTML": value(STRING, '<b class="x">&amp; &lt;i&gt;</b><br/>'),
    "own closing tag": value(STRING, "its closing mark"),  # `own_closing` puts the format's here
    "anyOf int/str, 5": value({"anyOf": [{"type": "integer"}, STRING]}, 5),
    'anyOf int/str, "5"': value({"anyOf": [{"type": "integer"}, STRING]}, "5"),
    "unicode": value(STRING, "日本語 😀 e\u0301 \u2028 \u200b \x85 \ufeff"),
    "two args": ({"city": STRING, "days": {"type": "integer"}}, {"city": "Oslo", "days": 2}),
    "20-digit int": value({"type": "integer"}, 12345678901234567890),
    "deep nesting": value({"type": "object"}, {"a": [{"b": {"c": [[[1, {"d": None}], []], "x"]}}], "e": {"f": {"g": {}}}}),
}  # fmt: skip

PLAIN = {
    "string", "int", "float", "true", "false", "null", "object", "array", "empty args", "two args", "multi-line", "20-digit int", "deep nesting",
    "empty string", "empty containers", '"02134"', '"true"', '"null"', "JSON-like string", "quoted string", "outer blanks", "lone newline",
    "quotes", "backslash", "braces", "comma/colon", "HTML", "unicode", "anyOf int/str, 5",
}  # fmt: skip

REFUSED = {
    # Without types on the wire, `5` under anyOf [integer, string] is the integer; the string "5" cannot be said.
    ("qwen_xml", 'anyOf int/str, "5"'),
    ("qwen3_coder", 'anyOf int/str, "5"'),
    ("glm45", 'anyOf int/str, "5"'),
    ("glm47", 'anyOf int/str, "5"'),
    ("minimax_m2", 'anyOf int/str, "5"'),
    ("seed_oss", 'anyOf int/str, "5"'),
    ("minicpm5", 'anyOf int/str, "5"'),
    ("hy3", 'anyOf int/str, "5"'),
    ("minimax_m3", 'anyOf int/str, "5"'),
    # No escapes: a string cannot hold its own mark.
    ("functiongemma", "own closing tag"),
    ("gemma4", "own closing tag"),
    ("minimax_m3", "own closing tag"),
}
"""All refusals there are, with the tools given."""


def own_closing(name: str) -> str:
    """What closes a string, or the block that holds it, in this format."""
    fmt = toolfmt.get_format(name)
    if isinstance(fmt, Tags):
        return f"a {fmt.value_close} b\n{fmt.value_close}\nc{fmt.call_close}\n{fmt.closes[0]}"
    if fmt.limits.never:
        return f"a{fmt.limits.never[0]}b"
    if any(fmt.closes):
        return f"a{fmt.closes[0]}b\n{fmt.closes[0]}\n"
    return 'a"}]}]b'


@functools.cache
def case(name: str, title: str) -> tuple[list[dict[str, Any]], toolfmt.ToolCall]:
    properties, arguments = CASES[title]
    if title == "own closing tag":
        arguments = {"v": own_closing(name)}
    tool = {
        "type": "function",
        "function": {"name": "probe", "description": "", "parameters": {"type": "object", "properties": properties}},
    }
    return [tool], toolfmt.ToolCall(name="probe", arguments=arguments)


def written(name: str, title: str, with_tools: bool) -> str | None:
    tools, call = case(name, title)
    try:
        return toolfmt.render(call, name, tools=tools if with_tools else None)
    except toolfmt.UnrepresentableError as error:
        if not (error.path.startswith("$") and error.reason):
            raise
        return None


def assert_exact(parsed: toolfmt.Parsed, call: toolfmt.ToolCall) -> None:
    assert len(parsed.parts) == 1 and parsed.calls
    assert parsed.calls[0].name == call.name
    assert same(parsed.calls[0].arguments, call.arguments), parsed.calls[0].arguments
    assert list(parsed.calls[0].arguments) == list(call.arguments)
    assert not parsed.truncated and not parsed.ended


def with_ids(name: str, calls: list[toolfmt.ToolCall]) -> list[toolfmt.ToolCall]:
    """The calls with the ids that a format gives where its wire always has one."""
    return list(toolfmt.get_format(name).numbered(toolfmt.Message(role="assistant", parts=tuple(calls))).calls)


def test_there_are_31_cases() -> None:
    assert len(CASES) == 31
    assert set(CASES) >= PLAIN


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("title", CASES)
def test_with_tools(name: str, title: str) -> None:
    tools, call = case(name, title)
    text = written(name, title, with_tools=True)
    assert (text is None) == ((name, title) in REFUSED)
    if text is not None:
        assert_exact(toolfmt.parse(text, name, tools=tools), call)


@pytest.mark.parametrize("name", FORMATS)
def test_one_refusal_at_most(name: str) -> None:
    refused = [title for title in CASES if written(name, title, with_tools=True) is None]
    assert len(refused) <= 1 + (name == "minimax_m3")  # it has no types, and no string holds the mark of its tags
    assert not set(refused) & PLAIN


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("title", CASES)
def test_without_tools(name: str, title: str) -> None:
    """The writer takes a call as its own schema; a reader without tools restores it where the wire has types, else reads strings."""
    _, call = case(name, title)
    text = written(name, title, with_tools=False)
    assert (text is None) == (title == "own closing tag" and (name, title) in REFUSED)
    if text is None:
        return
    assert text == written(name, title, with_tools=True) or (name, title) in REFUSED
    parsed = toolfmt.parse(text, name)
    if toolfmt.get_format(name).limits.typed_values:
        assert_exact(parsed, call)
    else:
        assert len(parsed.parts) == 1 and parsed.calls
        got = parsed.calls[0].arguments
        assert list(got) == list(call.arguments)
        for key, wanted in call.arguments.items():
            assert isinstance(got[key], str)
            if isinstance(wanted, str):
                assert got[key] == wanted


@pytest.mark.parametrize("size", [1, 4, 11, 10**6])
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("title", CASES)
def test_streamed(name: str, title: str, size: int) -> None:
    tools, call = case(name, title)
    text = written(name, title, with_tools=True)
    if text is None:
        assert (name, title) in REFUSED
        return
    stream = toolfmt.stream(name, tools=tools)
    events = [event for i in range(0, len(text), size) for event in stream.feed(text[i : i + size])] + stream.close()
    assert_exact(stream.parsed, call)
    assert events[0] == toolfmt.CallStart(0, "probe")
    assert events[-1] == toolfmt.CallEnd(0, *with_ids(name, [call]))
    deltas = events[1:-1]
    assert all(isinstance(event, toolfmt.ArgumentsDelta) and event.index == 0 for event in deltas)
    assert same(toolfmt.values.loads("".join(event.json for event in deltas)), call.arguments)


@pytest.mark.parametrize("name", [name for name in FORMATS if toolfmt.get_format(name).limits.many_calls])
def test_all_cases_in_one_message(name: str) -> None:
    titles = [title for title in CASES if written(name, title, with_tools=True) is not None]
    calls, tools = [], []
    for i, title in enumerate(titles):
        [tool], call = case(name, title)
        tools.append({"type": "function", "function": {**tool["function"], "name": f"probe{i}"}})
        calls.append(toolfmt.ToolCall(name=f"probe{i}", arguments=call.arguments))
    text = toolfmt.render(calls, name, tools=tools)
    calls = with_ids(name, calls)
    assert toolfmt.parse(text, name, tools=tools).parts == tuple(calls)
    stream = toolfmt.stream(name, tools=tools)
    for char in text:
        stream.feed(char)
    stream.close()
    assert stream.parsed.parts == tuple(calls)


@pytest.mark.parametrize("name", [name for name in FORMATS if not toolfmt.get_format(name).limits.typed_values])
def test_what_would_close_the_value_is_refused(name: str) -> None:
    tools, _ = case(name, "string")
    for mark in toolfmt.get_format(name).limits.never:
        call = toolfmt.ToolCall(name="probe", arguments={"v": f"a{mark}b"})
        for given in (tools, None):
            with pytest.raises(toolfmt.UnrepresentableError, match=r"\$\.calls\[0\]"):
                toolfmt.render(call, name, tools=given)
