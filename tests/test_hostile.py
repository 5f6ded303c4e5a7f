"""Hostile and broken input: what `parse` and `stream` promise for any text at all, in every registered format.

`check` holds the promises: no exception, spans that tile the text, the same parts in every chunking, events that are well nested and that say
what the parts say.  Time is measured as a ratio, never by the clock: four times the text may cost less than nine times the time.
"""

import itertools
import random
import warnings

import pytest
from hostile import (
    FORMATS,
    TOOLS,
    check,
    check_all,
    check_events,
    check_spans,
    good,
    marks,
    pieces,
    random_chunks,
    random_text,
)

import toolfmt
from toolfmt.families.json_body import JsonBody
from toolfmt.families.json_header import JsonHeader
from toolfmt.ir import same

pytestmark = pytest.mark.usefixtures("no_hang")


# -- small texts, every promise


SMALL = {
    "empty": "",
    "space": " ",
    "newlines": "\n\n\n",
    "all below 256": "".join(map(chr, range(256))),
    "all below 256, backwards": "".join(map(chr, range(255, -1, -1))),
    "lone surrogates": "\ud800\udfff x \udc00",
    "nulls": "\x00" * 50,
    "line ends of Unicode": "a\u2028b\u2029c\x85d\x0be\x0cf\r\n",
    "byte order mark": "\ufeff{}",
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("text", SMALL.values(), ids=SMALL.keys())
def test_small(name: str, text: str) -> None:
    parsed = check_all(name, text)
    assert parsed.calls == ()
    if text:
        assert parsed.text or parsed.malformed
        assert "".join(part.text if isinstance(part, toolfmt.Text) else part.raw for part in parsed.parts) == text


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_random_unicode(name: str) -> None:
    rng = random.Random(1)
    for _ in range(40):
        text = "".join(chr(rng.randrange(0x110000)) for _ in range(rng.randrange(40)))
        check(name, text, [pieces(text, 1), random_chunks(text, rng)])
        wrapped = marks(name)[0] + text + good(name)
        check(name, wrapped, [pieces(wrapped, 1), random_chunks(wrapped, rng)])


@pytest.mark.slow
@pytest.mark.parametrize("with_tools", [False, True], ids=["no tools", "tools"])
@pytest.mark.parametrize("name", FORMATS)
def test_random_mixtures(name: str, with_tools: bool) -> None:
    for seed in range(400):
        rng = random.Random(seed)
        text = random_text(name, rng)
        try:
            check(
                name, text, [pieces(text, 1), pieces(text, 4), random_chunks(text, rng)], TOOLS if with_tools else None
            )
        except Exception as error:
            raise AssertionError(f"seed {seed}: {text!r}: {type(error).__name__}: {error}") from error


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_every_prefix_of_a_call(name: str) -> None:
    """Truncated output is never a shorter complete call."""
    fmt = toolfmt.get_format(name)
    call = toolfmt.ToolCall(name="f", arguments={"a": "one\ntwo", "b": 12, "o": {"k": [1, "x", None]}})
    whole = fmt.numbered(toolfmt.Message(parts=(call,))).calls
    text = toolfmt.render(
        [toolfmt.Text(text="Look."), call] if toolfmt.get_format(name).limits.text_before else [call], name, tools=TOOLS
    )
    for end in range(len(text)):
        parsed = check(name, text[:end], [pieces(text[:end], 1), pieces(text[:end], 7)], TOOLS)
        assert parsed.calls in ((), whole)
        if parsed.calls:  # only the closing mark of the block is missing, or a part of it
            assert is_an_end(fmt, text[end:]), text[:end]


def is_an_end(fmt: toolfmt.Format, rest: str) -> bool:
    """Whether ``rest`` is the end of a mark that closes calls, and further such marks."""
    marks = [
        mark
        for mark in (
            *fmt.closes,
            *fmt.frames,
            fmt.after_arguments.strip() if isinstance(fmt, JsonHeader) else "",
            "]",
            "]}",
        )
        if mark
    ]
    rest = rest.strip()
    while last := next((mark for mark in marks if rest.endswith(mark)), ""):
        rest = rest[: -len(last)].strip()
    return any(mark.endswith(rest) for mark in marks)


@pytest.mark.parametrize("name", FORMATS)
def test_a_bad_call_never_eats_the_next_good_one(name: str) -> None:
    fmt = toolfmt.get_format(name)
    if fmt.only_at_start:
        pytest.skip("the message is one block")
    opening = fmt.opens[0]
    for bad in (
        opening,
        opening + "\n",
        opening + "\n{",
        opening + "\nnonsense",
        opening + '\n{"name": 5}',
        opening + "\n[1]",
    ):
        for gap in ("\n", "\n\n", "\n" + (fmt.closes[0] or "") + "\n"):
            if name == "json_fence" and gap.count("```") == 0:
                continue  # in an open fence, the next fence is its end
            text = bad + gap + good(name)
            parsed = check_all(name, text)
            assert [call.arguments for call in parsed.calls] == [{"a": "x"}], text


# -- values


def body(name: str, arguments: str, tool: str = "f") -> str:
    """A call of ``tool`` whose arguments stand as this JSON text (formats with JSON on the wire)."""
    shell = toolfmt.render(toolfmt.ToolCall(name=tool, arguments={"q": 1}), name)
    return shell.replace('{"q": 1}', arguments)


JSON_FORMATS = [
    name for name in FORMATS if '{"q": 1}' in toolfmt.render(toolfmt.ToolCall(name="f", arguments={"q": 1}), name)
]


OBJECT = '{"name": "f", "arguments": {"q": 1}}'
NAMED_FORMATS = [
    name for name in JSON_FORMATS if OBJECT in toolfmt.render(toolfmt.ToolCall(name="f", arguments={"q": 1}), name)
]
"""Those whose calls are an object with these two keys."""


def test_some_formats_have_json_on_the_wire() -> None:
    assert {"hermes", "xlam", "xlam_v1", "json_fence", "labelled"} <= set(JSON_FORMATS)
    assert {"hermes", "xlam", "xlam_v1", "json_fence"} <= set(NAMED_FORMATS)


BAD_ARGUMENTS = {
    "duplicate key": '{"a": 1, "a": 2}',
    "duplicate key, same value": '{"a": 1, "a": 1}',
    "duplicate key, escaped": '{"a": 1, "\\u0061": 2}',
    "duplicate key, deep": '{"o": [{"k": 1, "k": 2}]}',
    "duplicate key, Python": "{'a': 1, 'a': 2}",
    "array": "[1]",
    "number": "5",
    "null": "null",
    "string": '"x"',
    "string that holds an array": '"[1]"',
    "NaN": '{"a": NaN}',
    "Infinity": '{"a": -Infinity}',
    "1e400": '{"a": 1e400}',
    "5000 digits": '{"a": ' + "9" * 5000 + "}",
    "5000 digits, Python": "{'a': " + "9" * 5000 + "}",
    "leading zero": '{"a": 01}',
    "trailing comma": '{"a": 1,}',
    "no comma": '{"a": 1 "b": 2}',
    "no value": '{"a": }',
    "no colon": '{"a" 1}',
    "a newline in a string": '{"a": "x\ny"}',
    "bad escape": '{"a": "\\q"}',
    "257 deep": '{"a": ' + "[" * 256 + "]" * 256 + "}",
    "10,000 deep": '{"a": ' + "[" * 10_000 + "]" * 10_000 + "}",
    "10,000 objects deep": '{"a": ' * 10_000 + "1" + "}" * 10_000,
    "10,000 minus signs, Python": "{'a': " + "-" * 10_000 + "1}",
    "set, Python": "{'a': {1}}",
    "bytes, Python": "{'a': b'x'}",
    "complex, Python": "{'a': 1j}",
    "call, Python": "{'a': f}",
}


@pytest.mark.parametrize("name", JSON_FORMATS)
@pytest.mark.parametrize("arguments", BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS.keys())
def test_bad_arguments_are_no_call(name: str, arguments: str) -> None:
    text = body(name, arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parsed = check(name, text, [pieces(text, size) for size in (1, 7, 100)])
    assert parsed.calls == ()
    if not toolfmt.get_format(name).ambiguous:
        assert parsed.malformed


GOOD_ARGUMENTS = {
    "double encoded": ('"{\\"a\\": \\"x\\"}"', {"a": "x"}),
    "double encoded, spaces": ('" { \\"a\\" : 1 } "', {"a": 1}),
    "empty": ("{}", {}),
    "empty with space": ("{ \n }", {}),
    "pretty": ('{\n  "a" : [ 1 ,\t2 ]\n}', {"a": [1, 2]}),
    "4300 digits": ('{"a": ' + "9" * 4300 + "}", {"a": int("9" * 4300)}),
    "20 digits": ('{"a": 12345678901234567890}', {"a": 12345678901234567890}),
    "one and one": ('{"a": 1, "b": 1.0, "c": -0.0}', {"a": 1, "b": 1.0, "c": -0.0}),
    "lone surrogate": ('{"a": "\\ud800"}', {"a": "\ud800"}),
    "lone surrogate, bare": ('{"a": "\ud800"}', {"a": "\ud800"}),
    "surrogate pair": ('{"a": "\\ud83d\\ude00"}', {"a": "\U0001f600"}),
    "escapes": ('{"\\u0061": "\\n\\t\\"\\\\\\/\\b"}', {"a": '\n\t"\\/\b'}),
    "256 deep": ('{"a": ' + "[" * 255 + "]" * 255 + "}", None),
    "empty key": ('{"": 1}', {"": 1}),
    "keys like the outer ones": (
        '{"name": "g", "arguments": {"name": "h"}, "parameters": []}',
        {"name": "g", "arguments": {"name": "h"}, "parameters": []},
    ),
    "own marks": (
        '{"a": "</tool_call><tool_call>```\\n```<|end|>]}"}',
        {"a": "</tool_call><tool_call>```\n```<|end|>]}"},
    ),
    "one huge key": ('{"' + "k" * 300_000 + '": 1}', {"k" * 300_000: 1}),
}


@pytest.mark.parametrize("name", JSON_FORMATS)
@pytest.mark.parametrize("arguments, value", GOOD_ARGUMENTS.values(), ids=GOOD_ARGUMENTS.keys())
def test_good_arguments_are_exact(name: str, arguments: str, value: dict[str, object] | None) -> None:
    if arguments.startswith('"') and name not in NAMED_FORMATS:
        pytest.skip("the arguments stand alone: there is no key whose value could be a string")
    text = body(name, arguments)
    parsed = check(name, text, [pieces(text, size) for size in (7, 100, 5000)])
    assert not parsed.malformed
    [call] = parsed.calls
    assert call.name == "f"
    if value is not None:
        assert same(call.arguments, value)


@pytest.mark.parametrize("name", NAMED_FORMATS)
def test_python_literals_and_missing_arguments(name: str) -> None:
    fmt = toolfmt.get_format(name)
    assert isinstance(fmt, JsonBody)
    exact = fmt.exact_keys and fmt.opens[0] not in fmt.sure
    shell = toolfmt.render(toolfmt.ToolCall(name="f", arguments={"q": 1}), name)
    for said, wanted in {
        "{'name': 'f', 'arguments': {'a': True, 'b': None, 'c': \"it's\"}}": {"a": True, "b": None, "c": "it's"},
        '{"arguments": {"a": 1}, "name": "f"}': {"a": 1},
        '{"name": "f"}': None if exact else {},
        '{"name": "f", "parameters": {"a": 1}}': None if exact else {"a": 1},
        '{"type": "function", "name": "f", "arguments": {}}': None if exact else {},
        '{"name": "f", "arguments": {}, "extra": 1}': None,
        '{"name": "f", "arguments": {}, "parameters": {}}': None,
        '{"name": "f", "name": "g", "arguments": {}}': None,
        '{"name": 5, "arguments": {}}': None,
        '{"name": "", "arguments": {}}': None,
        '{"name": null, "arguments": {}}': None,
        '{"arguments": {}}': None,
    }.items():
        text = shell.replace(OBJECT, said)
        parsed = check_all(name, text)
        assert [call.arguments for call in parsed.calls] == ([] if wanted is None else [wanted]), said


@pytest.mark.parametrize("name", FORMATS)
def test_calls_to_unknown_tools(name: str) -> None:
    text = toolfmt.render(toolfmt.ToolCall(name="unknown", arguments={"a": "x"}), name)
    parsed = check(name, text, [pieces(text, size) for size in (1, 4, 11)], TOOLS)
    if toolfmt.get_format(name).ambiguous and toolfmt.get_format(name).needs_tools:
        assert parsed.calls == ()
        assert parsed.text == text
    else:
        assert [call.name for call in parsed.calls] == ["unknown"]


# -- the end-of-turn marker


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in FORMATS if toolfmt.get_format(name).end_of_turn])
def test_the_end_marker_after_anything(name: str) -> None:
    fmt = toolfmt.get_format(name)
    for end, tail in itertools.product(fmt.end_of_turn, ["", "\n", "\n" * 30, " \n" * 100]):
        for start in ("", "Hello.", good(name), fmt.opens[0] + "\n{bad", fmt.opens[0] + "\n", good(name) + "\n"):
            text = start + end + tail
            parsed = check(name, text, [pieces(text, 1), pieces(text, 4), pieces(text, 16)])
            if start in ("Hello.", "") or (start.strip() == good(name) and end not in fmt.closes):
                assert parsed.ended, text
                assert parsed.text == ("Hello." if start == "Hello." else "")


# -- the bound and the end of a stream


@pytest.mark.parametrize("name", FORMATS)
def test_the_size_limit(name: str) -> None:
    stream = toolfmt.stream(name)
    stream.max_chars = 100
    assert toolfmt.StreamParser.max_chars == 128 * 2**20
    stream.feed("x" * 60)
    with pytest.raises(toolfmt.SizeLimitError, match="100 characters"):
        stream.feed("y" * 60)
    stream.close()
    check_spans(name, "x" * 60, stream.parsed)
    assert stream.parsed.text == "x" * 60


@pytest.mark.parametrize("name", FORMATS)
def test_the_size_limit_inside_a_call(name: str) -> None:
    text = good(name, "x" * 200)
    stream = toolfmt.stream(name)
    stream.max_chars = 100
    events = stream.feed(text[:100])
    with pytest.raises(toolfmt.SizeLimitError):
        stream.feed(text[100:])
    events += stream.close()
    check_spans(name, text[:100], stream.parsed)
    check_events(stream.parsed, events)
    assert stream.parsed.calls == ()


@pytest.mark.parametrize("name", FORMATS)
def test_feed_after_close(name: str) -> None:
    stream = toolfmt.stream(name)
    stream.feed(good(name))
    stream.close()
    before = stream.parsed
    with pytest.raises(ValueError, match="closed"):
        stream.feed("x")
    assert stream.close() == []
    assert stream.parsed == before
    assert len(before.calls) == 1


@pytest.mark.parametrize("name", FORMATS)
def test_empty_chunks_say_nothing(name: str) -> None:
    text = "" if toolfmt.get_format(name).only_at_start else "Look.\n\n"
    text += good(name)
    chunks = [piece for char in text for piece in ("", char, "")]
    check(name, text, [chunks])
