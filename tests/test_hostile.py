"""Hostile and broken input: what `parse` and `stream` promise for any text at all, in every registered format.

`check` holds the promises: no exception, spans that tile the text, the same parts in every chunking, events that are well nested and that say
what the parts say.  Time is measured as a ratio, never by the clock: four times the text may cost less than nine times the time.
"""

import gc
import itertools
import json
import random
import resource
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import pytest

import toolfmt
from toolfmt.ir import same

FORMATS = tuple(info.name for info in toolfmt.formats())

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "f",
            "description": "",
            "parameters": {
                "type": "object",
                "properties": {
                    "a": {"type": "string"},
                    "b": {"type": "integer"},
                    "c": {},
                    "o": {"type": "object"},
                },
            },
        },
    }
]


@pytest.fixture(autouse=True)
def _no_hang() -> Iterator[None]:
    """What never ends fails here; nothing else is judged by the clock."""

    def fail(*_: object) -> None:
        raise TimeoutError("60 seconds: this does not end")

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, 60)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


# -- the promises


def pieces(text: str, size: int) -> list[str]:
    return [text[i : i + size] for i in range(0, len(text), size)]


def run_stream(name: str, chunks: Iterable[str], tools: object = None) -> tuple[toolfmt.Parsed, list[toolfmt.Event]]:
    stream = toolfmt.stream(name, tools=tools)
    events: list[toolfmt.Event] = []
    for chunk in chunks:
        events += stream.feed(chunk)
    events += stream.close()
    return stream.parsed, events


def check_spans(name: str, text: str, parsed: toolfmt.Parsed) -> None:
    at = 0
    for part, start, end in parsed.placed:
        assert at == start <= end <= len(text), f"spans do not tile: {(part, start, end)} after {at}"
        at = end
        said = text[start:end]
        if isinstance(part, toolfmt.Malformed):
            assert part.raw == said
            assert part.raw and part.reason
        elif isinstance(part, toolfmt.Reasoning) or (isinstance(part, toolfmt.Text) and name != "xlam_v1"):
            assert part.text == said
    assert at == len(text) == parsed.length


def check_events(parsed: toolfmt.Parsed, events: list[toolfmt.Event]) -> None:
    """Each call that starts ends just once, in order; the joined deltas are the arguments; the calls are the calls of the message."""
    open_call: int | None = None
    started = 0
    deltas: list[str] = []
    calls: list[toolfmt.ToolCall] = []
    malformed: list[toolfmt.Malformed] = []
    for event in events:
        if isinstance(event, toolfmt.CallStart):
            assert open_call is None, "a call starts inside a call"
            assert event.index == started, "indices count from 0"
            open_call, started, name = event.index, started + 1, event.name
            deltas = []
        elif isinstance(event, toolfmt.ArgumentsDelta):
            assert event.index == open_call
            assert event.json
            deltas.append(event.json)
        elif isinstance(event, toolfmt.CallEnd):
            assert event.index == open_call
            assert event.call.name == name
            assert same(json.loads("".join(deltas)), event.call.arguments)
            calls.append(event.call)
            open_call = None
        elif isinstance(event, toolfmt.CallMalformed):
            assert event.index == open_call
            malformed.append(event.malformed)
            open_call = None
        else:
            assert open_call is None, f"{event} inside a call"
            assert isinstance(event, toolfmt.ReasoningImplied) or event.text
    assert open_call is None, "a call was left open"
    assert tuple(calls) == parsed.calls
    assert tuple(malformed) == parsed.malformed


def check_deltas(parsed: toolfmt.Parsed, events: list[toolfmt.Event]) -> None:
    """The text and reasoning deltas say the text and the reasoning (after `ReasoningImplied` the text so far was reasoning).

    Reasoning that turns out, at the end of the text, to hold calls was already passed on: then it is only a beginning.
    """
    text, reasoning = "", ""
    for event in events:
        if isinstance(event, toolfmt.TextDelta):
            text += event.text
        elif isinstance(event, toolfmt.ReasoningDelta):
            reasoning += event.text
        elif isinstance(event, toolfmt.ReasoningImplied):
            reasoning, text = reasoning + text, ""
    assert text == parsed.text
    if parsed.reasoning is not None and parsed.calls and reasoning != parsed.reasoning:
        assert reasoning.startswith(parsed.reasoning)
    else:
        assert reasoning == (parsed.reasoning or "")


def _without_reasons(parsed: toolfmt.Parsed) -> list[object]:
    return [part.raw if isinstance(part, toolfmt.Malformed) else part for part in parsed.parts]


def check(name: str, text: str, chunkings: Iterable[Iterable[str]] = (), tools: object = None) -> toolfmt.Parsed:
    whole = toolfmt.parse(text, name, tools=tools)
    check_spans(name, text, whole)
    for chunks in ([text], *chunkings):
        parsed, events = run_stream(name, chunks, tools)
        assert _without_reasons(parsed) == _without_reasons(whole)
        assert parsed.parts == whole.parts, "only the reasons of malformed parts differ"
        assert parsed == whole  # spans and flags too
        check_events(parsed, events)
        check_deltas(parsed, events)
    return whole


def check_all(name: str, text: str, tools: object = None) -> toolfmt.Parsed:
    return check(name, text, [pieces(text, size) for size in (1, 2, 3, 5, 11, 64)], tools)


# -- texts


def good(name: str, argument: str = "x") -> str:
    return toolfmt.render(toolfmt.ToolCall(name="f", arguments={"a": argument}), name)


def marks(name: str) -> list[str]:
    """What a format's messages are made of, and what comes close to it."""
    fmt = toolfmt.get_format(name)
    own = {*fmt.opens, *fmt.closes, *fmt.end_of_turn, *(fmt.reasoning or ())} - {""}
    return sorted(own)


PIECES = {
    "json": ['{"name": "f", "arguments": {"a": "x"}}', '{"name": "f", "arguments": {', '"a": "', "}}", '"arguments"', '\\"',
             "[", "]", ",", ", ", '{"name": "g", "arguments": {}}', '{"arguments": {"a": 1}, "name": "f"}', "{'name': 'f', 'arguments': {'a': True}}",
             '{"name": "f"}', '{"name": "f", "arguments": "{\\"a\\": \\"x\\"}"}', '"a": 1, "a": 2', "null", "{", "}", '{"id": "x", "name": "f"'],
    "raw": ["<function=f>", "<function=f>\n", "</function>", "\n</function>\n", "<parameter=a>", "<parameter=a>\n", "<parameter=b>\n5",
            "</parameter>", "\n</parameter>\n", "<parameter=", "\n</function>\n</tool_call>\n<tool_call>\n<function=",
            "<function=f>\n<parameter=a>\nx\n</parameter>\n</function>\n"],
    "braces": ["call:f", "call:f{", "{", "}", "a:", "a:<escape>x<escape>", "<escape>", '<|"|>', "b:1", ",", "[", "]", "o:{", "null", "<nil>",
               "-0.5e3", "call:f{a:<escape>x<escape>}", "<ctrl46>"],
    "labelled": ["Tool: f\n", "Tool:", "Arguments: {", "Arguments: {}", '\nTool: f\nArguments: {"a": "x"}\n', "Tool: f\nArguments: {'a': True}\n"],
    "fence": ["```json\n", "```python\n", "````\n", "\n```", "```\n", "`", "``", "tool_call\n"],
    "xlam_v1": ['{"tool_calls": [', '{"thought": "t", "tool_calls": [', ']}', '{"tool_calls": []}', '{"thought": 5, ', '"tool_calls": '],
}  # fmt: skip
PIECES_OF = {
    "hermes": ["json"], "xlam": ["json", "fence"], "xlam_v1": ["json", "xlam_v1"], "json_fence": ["json", "fence"], "labelled": ["json", "labelled"],
    "qwen_xml": ["raw"], "qwen3_coder": ["raw"], "functiongemma": ["braces"], "functiongemma_vllm": ["braces", "json"],
}  # fmt: skip
PROSE = [
    " ",
    "\n",
    "\n\n",
    "  \n",
    "word",
    "é",
    "\ud800",
    "<",
    "</",
    "\t",
    "\\",
    '"',
    "'",
    "\x00",
    " \n \n",
    "<|im_end|>",
    "<tool_call>",
    "</think>",
    "<think>",
]


def random_text(name: str, rng: random.Random) -> str:
    bank = marks(name) * 3 + [piece for group in PIECES_OF.get(name, PIECES) for piece in PIECES[group]] + PROSE
    made = [rng.choice(bank) for _ in range(rng.randint(1, 12))]
    if rng.random() < 0.3:
        made.insert(rng.randint(0, len(made)), good(name, rng.choice(["x", "a\nb", "</tool_call>", "```"])))
    if rng.random() < 0.2:
        made = [piece[: rng.randint(0, len(piece))] if rng.random() < 0.2 else piece for piece in made]
    return "".join(made)


def random_chunks(text: str, rng: random.Random) -> list[str]:
    made, at = [], 0
    while at < len(text):
        size = rng.choice([0, 1, 1, 2, 3, 7, 20])
        made.append(text[at : at + size])
        at += size
    return made


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


@pytest.mark.parametrize("name", FORMATS)
def test_random_unicode(name: str) -> None:
    rng = random.Random(1)
    for _ in range(40):
        text = "".join(chr(rng.randrange(0x110000)) for _ in range(rng.randrange(40)))
        check(name, text, [pieces(text, 1), random_chunks(text, rng)])
        wrapped = marks(name)[0] + text + good(name)
        check(name, wrapped, [pieces(wrapped, 1), random_chunks(wrapped, rng)])


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


@pytest.mark.parametrize("name", FORMATS)
def test_every_prefix_of_a_call(name: str) -> None:
    """Truncated output is never a shorter complete call."""
    call = toolfmt.ToolCall(name="f", arguments={"a": "one\ntwo", "b": 12, "o": {"k": [1, "x", None]}})
    text = toolfmt.render(
        [toolfmt.Text(text="Look."), call] if toolfmt.get_format(name).limits.text_before else [call], name, tools=TOOLS
    )
    for end in range(len(text)):
        parsed = check(name, text[:end], [pieces(text[:end], 1), pieces(text[:end], 7)], TOOLS)
        assert parsed.calls in ((), (call,))
        if parsed.calls:  # only the closing mark of the block is missing, or a part of it
            assert any(mark.endswith(text[end:].strip()) for mark in (*toolfmt.get_format(name).closes, "]", "]}"))


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


def test_some_formats_have_json_on_the_wire() -> None:
    assert {"hermes", "xlam", "xlam_v1", "json_fence", "labelled"} <= set(JSON_FORMATS)


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
    if arguments.startswith('"') and name == "labelled":
        pytest.skip("`Arguments:` is followed by an object")
    text = body(name, arguments)
    parsed = check(name, text, [pieces(text, size) for size in (7, 100, 5000)])
    assert not parsed.malformed
    [call] = parsed.calls
    assert call.name == "f"
    if value is not None:
        assert same(call.arguments, value)


@pytest.mark.parametrize("name", [name for name in JSON_FORMATS if name != "labelled"])
def test_python_literals_and_missing_arguments(name: str) -> None:
    exact = toolfmt.get_format(name).limits and getattr(toolfmt.get_format(name), "exact_keys", False)
    shell = toolfmt.render(toolfmt.ToolCall(name="f", arguments={"q": 1}), name)
    whole = '{"name": "f", "arguments": {"q": 1}}'
    assert whole in shell
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
        text = shell.replace(whole, said)
        parsed = check_all(name, text)
        assert [call.arguments for call in parsed.calls] == ([] if wanted is None else [wanted]), said


@pytest.mark.parametrize("name", FORMATS)
def test_calls_to_unknown_tools(name: str) -> None:
    text = toolfmt.render(toolfmt.ToolCall(name="unknown", arguments={"a": "x"}), name)
    parsed = check(name, text, [pieces(text, size) for size in (1, 4, 11)], TOOLS)
    if name in ("json_fence", "xlam"):
        assert parsed.calls == ()
        assert parsed.text == text
    else:
        assert [call.name for call in parsed.calls] == ["unknown"]


@pytest.mark.parametrize("name", ["functiongemma", "functiongemma_vllm"])
@pytest.mark.parametrize("size", [1000, 8191, 8192, 8193, 20_000])
def test_long_tokens_read_alike_in_every_chunking(name: str, size: int) -> None:
    for inside in (
        "k" * size + ":1",
        "a" + " " * size + ":1",
        "a:" + " " * size + "1",
        "a:1" + " " * size,
        "a:1" + " " * size + ",b:2",
        "a:0." + "1" * size,
        "a:" + "1" * size,
        "a:[1," + " " * size + "2]",
        "a:null" + " " * size,
    ):
        text = "<start_function_call>call:f{" + inside + "}<end_function_call>"
        check(name, text, [pieces(text, 100), pieces(text, 4096), pieces(text, 9000)])
    for head in (
        "call:f" + " " * size + "{}",
        " " * size + "call:f{}",
        "call:" + "f" * size + "{}",
        "call:f{}" + " " * size,
    ):
        text = "<start_function_call>" + head + "<end_function_call>"
        check(name, text, [pieces(text, 100), pieces(text, 300), pieces(text, 9000)])


@pytest.mark.parametrize("name", ["qwen_xml", "qwen3_coder"])
@pytest.mark.parametrize("size", [1000, 1022, 1023, 1024, 1025, 3000])
def test_long_names_read_alike_in_every_chunking(name: str, size: int) -> None:
    for text in (
        f"<tool_call>\n<function={'f' * size}>\n</function>\n</tool_call>",
        f"<tool_call>\n<function=f>\n<parameter={'a' * size}>\nx\n</parameter>\n</function>\n</tool_call>",
        f"<tool_call>{' ' * size}<function=f>{' ' * size}</function>{' ' * size}</tool_call>",
    ):
        check(name, text, [pieces(text, 100), pieces(text, 1000), pieces(text, 1024)])


@pytest.mark.parametrize("size", [900, 1000, 1010, 1024, 1100, 5000])
def test_long_headers_read_alike_in_every_chunking(size: int) -> None:
    for text in (
        f"<|tool_call|>\nTool: {'f' * size}\nArguments: {{}}\n<|end|>",
        f"<|tool_call|>\nTool: f{' ' * size}\nArguments: {{}}\n<|end|>",
        f"<|tool_call|>\nTool: f\nArguments:{' ' * size}{{}}\n<|end|>",
        f"<|tool_call|>{' ' * size}\nTool: f\nArguments: {{}}\n<|end|>",
        f"<|tool_call|>\nTool: f\nArguments: {{}}{' ' * size}\n<|end|>",
    ):
        check("labelled", text, [pieces(text, 10), pieces(text, 1000), pieces(text, 1024)])


@pytest.mark.parametrize("size", [70, 79, 80, 81, 200])
def test_long_fence_labels_read_alike_in_every_chunking(size: int) -> None:
    for text in (
        "```" + "x" * size + "\n" + good("json_fence"),
        "```" + " " * size + "json\n" + '{"name": "f", "arguments": {}}\n```',
        "```" + "`" * size + 'json\n{"name": "f", "arguments": {}}\n' + "`" * (size + 3),
        "```json" + " " * size + '\n{"name": "f", "arguments": {}}\n```',
    ):
        check("json_fence", text, [pieces(text, 1), pieces(text, 10), pieces(text, 80)])


# -- the end-of-turn marker


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


# -- floods

FLOODS: dict[str, Callable[[int], str]] = {
    "spaces": lambda n: " " * n,
    "newlines": lambda n: "\n" * n,
    "space and newline": lambda n: " \n" * (n // 2),
    "backticks": lambda n: "`" * n,
    "backticks and newlines": lambda n: "```\n" * (n // 4),
    "angle brackets": lambda n: "<" * n,
    "braces": lambda n: "{" * n,
    "brackets": lambda n: "[" * n,
    "braces with names": lambda n: '{"a":' * (n // 5),
    "quotes": lambda n: '"' * n,
    "backslashes": lambda n: '{"' + "\\" * n,
    "end marks": lambda n: "<|im_end|>" * (n // 10),
    "end marks and spaces": lambda n: "<|im_end|>  \n" * (n // 13),
    "one end mark, then spaces": lambda n: "<|im_end|>" + " " * n,
    "</think>": lambda n: "</think>" * (n // 8),
    "<think>": lambda n: "<think>" * (n // 7),
    "<think> never closed": lambda n: "<think>\n" + "a " * (n // 2),
    "<think> full of calls": lambda n: "<think>" + '<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>\n' * (n // 56),
    "<tool_call>": lambda n: "<tool_call>" * (n // 11),
    "half-closed call": lambda n: "<tool_call>\n<function=f>\n<parameter=a>\n" * (n // 39),
    "call without a closed value": lambda n: (
        "<tool_call>\n<function=f>\n<parameter=a>\nx\n</function>\n</tool_call>\n" * (n // 67)
    ),
    "call with a value closed wrongly": lambda n: (
        "<tool_call>\n<function=f>\n<parameter=a>\nx\n</parameter>\nz\n</function>\n</tool_call>\n" * (n // 82)
    ),
    "value with its own closing tag": lambda n: (
        "<tool_call>\n<function=f>\n<parameter=a>\n" + "\n</parameter>\n" * (n // 14)
    ),
    "value with the beginning of its end": lambda n: "<tool_call>\n<function=f>\n<parameter=a>\n" + "\n</para" * (n // 8),
    "parameters": lambda n: (
        "<tool_call>\n<function=f>\n"
        + "".join(f"<parameter=a{i}>\nx\n</parameter>\n" for i in range(n // 32))
        + "</function>\n</tool_call>"
    ),
    "parameters, the last twice": lambda n: (
        "<tool_call>\n<function=f>\n"
        + "".join(f"<parameter=a{i}>\nx\n</parameter>\n" for i in range(n // 32))
        + "<parameter=a0>\nx\n</parameter>\n</function>\n</tool_call>"
    ),
    "<function=": lambda n: "<function=" * (n // 10),
    "<function=f>": lambda n: "<function=f>" * (n // 12),
    "spaces inside a call": lambda n: "<tool_call>" + " " * n,
    "spaces after a call": lambda n: "<tool_call>\n<function=f>\n</function>" + " " * n,
    "<start_function_call>": lambda n: "<start_function_call>" * (n // 21),
    "half-closed string": lambda n: "<start_function_call>call:f{a:<escape>" * (n // 38),
    "half-closed string, other mark": lambda n: '<start_function_call>call:f{a:<|"|>' * (n // 35),
    "strings between calls": lambda n: "<start_function_call>call:f{a:<escape>x<escape>,b:[1,2,{" * (n // 56),
    "spaces after a tool's name": lambda n: "<start_function_call>call:f" + " " * n,
    "spaces after a key": lambda n: "<start_function_call>call:f{a" + " " * n,
    "spaces after a number": lambda n: "<start_function_call>call:f{a:1" + " " * n,
    "a long key": lambda n: "<start_function_call>call:f{" + "a" * n + ":1}<end_function_call>",
    "a long number": lambda n: "<start_function_call>call:f{a:0." + "1" * n + "}<end_function_call>",
    "a long tool name": lambda n: "<start_function_call>call:" + "f" * n + "{}<end_function_call>",
    "deep braces": lambda n: "<start_function_call>call:f{a:" + "{a:" * (n // 3),
    "repeated keys": lambda n: "<start_function_call>call:f{" + "a:{b:1}," * (n // 8) + "b:1}<end_function_call>",
    "beginnings of a mark": lambda n: "<start_function_call>call:f{a:<escape>" + "<escap" * (n // 6),
    "fence and brace": lambda n: "```json\n{" * (n // 9),
    "fence and half a call": lambda n: '```json\n{"name": "f", "arguments": {"a": "' * (n // 40),
    "fences of ordinary objects": lambda n: '```json\n{"a": 1}\n```\n' * (n // 21),
    "long fence labels": lambda n: ("```" + "x" * 79) * (n // 82),
    "half an array": lambda n: '[{"name": "f", "arguments": {' * (n // 30),
    "an array of calls": lambda n: (
        "[" + ", ".join(['{"name": "f", "arguments": {"a": 1}}'] * (n // 39)) + "]"
    ),
    "an array of calls, the last bad": lambda n: (
        "[" + ", ".join(['{"name": "f", "arguments": {"a": 1}}'] * (n // 39)) + ", 5]"
    ),
    "an array of calls, cut off": lambda n: "[" + '{"name": "f", "arguments": {"a": 1}}, ' * (n // 39),
    "an array of calls in tags": lambda n: (
        "<tool_call>[" + ", ".join(['{"name": "f", "arguments": {"a": 1}}'] * (n // 39)) + "]</tool_call>"
    ),
    "objects in one block": lambda n: "<tool_call>" + '{"name": "f", "arguments": {"a": 1}}\n' * (n // 38),
    "tag and brace": lambda n: "<tool_call>{" * (n // 12),
    "tag and half a call": lambda n: '<tool_call>\n{"name": "f", "arguments": {' * (n // 41),
    "tag and half a string": lambda n: '<tool_call>\n{"name": "f", "arguments": {"a": "' * (n // 47),
    "tag and a quote": lambda n: '<tool_call>{"' * (n // 13),
    "tag and quotes of both kinds": lambda n: "<tool_call>{'\"" * (n // 14),
    "openers inside a string": lambda n: '<tool_call>\n{"name": "f", "arguments": {"a": "' + "<tool_call>" * (n // 11),
    "openers inside a closed string": lambda n: (
        '<tool_call>\n{"name": "f", "arguments": {"a": "' + "<tool_call>" * (n // 11) + '"}}\n</tool_call>'
    ),
    "openers inside a broken string": lambda n: (
        '<tool_call>\n{"name": "f", "arguments": {"a": "' + "<tool_call>" * (n // 11) + '\n"}}\n</tool_call>'
    ),
    "labelled opener": lambda n: "<|tool_call|>" * (n // 13),
    "labelled half a call": lambda n: '<|tool_call|>\nTool: f\nArguments: {"a": "' * (n // 40),
    "labelled spaces in the header": lambda n: ("<|tool_call|>\nTool:" + " " * 1000) * (n // 1019),
    "labelled spaces before the arguments": lambda n: "<|tool_call|>\nTool: f\nArguments:" + " " * n,
    "<|end|>": lambda n: "<|end|>" * (n // 7),
    "tool_calls": lambda n: '{"tool_calls": [' * (n // 16),
    "tool_calls, spaces at the end": lambda n: '{"tool_calls": []' + " " * n,
    "a long thought": lambda n: '{"thought": "' + "t" * n + '", "tool_calls": []}',
    "a thought cut off": lambda n: '{"thought": "' + "\\n" * (n // 2),
    "keys before the calls": lambda n: "{" + '"thought": "x", ' * (n // 16),
    "minus signs": lambda n: "<tool_call>\n{'name': 'f', 'arguments': {'a': " + "-" * n + "1}}\n</tool_call>",
    "deep JSON": lambda n: '<tool_call>\n{"name": "f", "arguments": {"a": ' + "[" * n + "]" * n + "}}\n</tool_call>",
    "one huge key": lambda n: '<tool_call>\n{"name": "f", "arguments": {"' + "k" * n + '": 1}}\n</tool_call>',
    "one huge outer key": lambda n: '<tool_call>\n{"' + "k" * n + '": 1}\n</tool_call>',
    "many keys": lambda n: (
        '[{"name": "f", "arguments": {' + ", ".join(f'"a{i}": {i}' for i in range(n // 14)) + "}}]"
    ),
    "lone surrogates": lambda n: '[{"name": "f", "arguments": {"a": "' + "\ud800" * n + '"}}]',
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("flood", FLOODS)
def test_floods_small(name: str, flood: str) -> None:
    """Every flood, every promise, every format; the size is such that any chunking is quick."""
    text = FLOODS[flood](1200)
    check(name, text, [pieces(text, 1), pieces(text, 7)], TOOLS)
    text += "\n" + good(name)
    check(name, text, [pieces(text, 3), pieces(text, 100)], TOOLS)


def _seconds(work: Callable[[], object], rounds: int) -> float:
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


ENOUGH = 0.008  # seconds that a measured run must take
FACTOR = 9  # quadratic work gives 16


def assert_linear(work: Callable[[str], object], make: Callable[[int], str], smallest: int, largest: int) -> None:
    """Four times the text, less than nine times the time: at a size that takes long enough to be measured, or is ``largest``.

    Each size is four times the last, so that a run which is suspiciously slow is caught before it takes minutes.
    """
    size, before = smallest, 0.0
    while True:
        text = make(size)
        gc.collect()
        after = _seconds(partial(work, text), 1)
        if before >= ENOUGH and after >= FACTOR * before:  # confirmed on a second look, against noise
            before = _seconds(partial(work, make(size // 4)), 3)
            after = _seconds(partial(work, text), 3)
            assert after < FACTOR * before, f"{size // 4} characters: {before:.3f} s; {size}: {after:.3f} s"
        if size >= largest or after >= 4 * FACTOR * ENOUGH:
            return
        size, before = size * 4, after


def stream_in(name: str, size: int) -> Callable[[str], object]:
    return lambda text: run_stream(name, pieces(text, size), TOOLS)


def about(name: str) -> list[str]:
    """The floods that hold a mark which opens a call in this format, or its reasoning or end of turn."""
    return [flood for flood, make in FLOODS.items() if any(mark in make(1200) for mark in marks(name))]


PAIRS = [pytest.param(name, flood, id=f"{name}: {flood}") for name in FORMATS for flood in about(name)]
OTHERS = [
    pytest.param(name, flood, id=f"{name}: {flood}")
    for name in FORMATS
    for flood in sorted(set(FLOODS) - set(about(name)))
]


@pytest.mark.slow
@pytest.mark.parametrize("name, flood", PAIRS)
def test_linear(name: str, flood: str) -> None:
    assert_linear(lambda text: toolfmt.parse(text, name, tools=TOOLS), FLOODS[flood], 2**13, 2**17)
    assert_linear(stream_in(name, 4), FLOODS[flood], 2**10, 2**14)


@pytest.mark.nightly
@pytest.mark.parametrize("name, flood", PAIRS)
def test_linear_large(name: str, flood: str) -> None:
    assert_linear(lambda text: toolfmt.parse(text, name, tools=TOOLS), FLOODS[flood], 2**15, 2**21)
    assert_linear(stream_in(name, 1), FLOODS[flood], 2**12, 2**18)


@pytest.mark.nightly
@pytest.mark.parametrize("name, flood", OTHERS)
def test_linear_elsewhere(name: str, flood: str) -> None:
    """A flood that is about other formats is text here."""
    assert_linear(lambda text: toolfmt.parse(text, name, tools=TOOLS), FLOODS[flood], 2**15, 2**21)
    assert_linear(stream_in(name, 4), FLOODS[flood], 2**12, 2**18)


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_linear_good_calls(name: str) -> None:
    """Not hostile at all: long arguments, and many calls."""

    def long_argument(n: int) -> str:
        return good(name, 'word \\ " \n ' * (n // 11))

    def many_calls(n: int) -> str:
        count = n // 60
        return toolfmt.render(
            [toolfmt.ToolCall(name="f", arguments={"a": "x"})] * count, name, tools=TOOLS, verify=False
        )

    for make in (long_argument, many_calls):
        assert_linear(lambda text: toolfmt.parse(text, name, tools=TOOLS), make, 2**14, 2**18)
        assert_linear(stream_in(name, 4), make, 2**12, 2**16)


@pytest.mark.nightly
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("flood", FLOODS)
def test_floods_large(name: str, flood: str) -> None:
    """10^6 characters and more, whole and in chunks of 1,000: right, and done."""
    text = FLOODS[flood](10**6)
    check(name, text, [pieces(text, 1000)], TOOLS)


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_a_string_of_50_million_characters(name: str) -> None:
    value = '0123456789 abcdef\n"quotes" \\ {braces} \N{SNOWMAN} ' * (50 * 2**20 // 48)
    call = toolfmt.ToolCall(name="f", arguments={"a": value})
    text = toolfmt.render(call, name, tools=TOOLS, verify=False)
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    parsed = toolfmt.parse(text, name, tools=TOOLS)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert parsed.parts == (call,)
    assert grown * 1024 < 12 * sys.getsizeof(text), f"{grown} KiB for {sys.getsizeof(text)} bytes"
