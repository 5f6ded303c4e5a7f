"""What the tests of hostile input share: the promises that `parse` and `stream` make for any text at all, and texts that strain them.

`check` holds the promises: no exception, spans that tile the text, the same parts in every chunking, events that are well nested and that say
what the parts say.
"""

import functools
import itertools
import json
import random
import re
from collections.abc import Callable, Iterable

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
        elif isinstance(part, toolfmt.Reasoning):
            assert part.text == said
        elif isinstance(part, toolfmt.Text):
            assert part.text == said or part.text in map(
                json.loads, re.findall(r'"(?:[^"\\]|\\.)*"', said)
            )  # a thought
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


JSON = ['{"name": "f", "arguments": {"a": "x"}}', '{"name": "f", "arguments": {', '"a": "', "}}", '"arguments"', '\\"',
        "[", "]", ",", ", ", '{"name": "g", "arguments": {}}', '{"arguments": {"a": 1}, "name": "f"}', "{'name': 'f', 'arguments': {'a': True}}",
        '{"name": "f"}', '{"name": "f", "arguments": "{\\"a\\": \\"x\\"}"}', '"a": 1, "a": 2', "null", "{", "}", '{"id": "x", "name": "f"',
        "```json\n", "```python\n", "````\n", "\n```", "```\n", "`", "``", "tool_call\n",
        '{"tool_calls": [', '{"thought": "t", "tool_calls": [', ']}', '{"tool_calls": []}', '{"thought": 5, ', '"tool_calls": ']  # fmt: skip


@functools.cache
def tokens(name: str) -> list[str]:
    """Two calls in the format's own spelling, and a beginning of each length, taken apart at the borders of words."""
    first = toolfmt.ToolCall(name="f", arguments={"a": "x", "b": 5, "o": {"k": [1, None]}, "c": True})
    calls = [first, toolfmt.ToolCall(name="f", arguments={})][: 2 if toolfmt.get_format(name).limits.many_calls else 1]
    text = toolfmt.render(calls, name, tools=TOOLS)
    return re.findall(r"\w+|\s+|[^\w\s]+", text)


def fragment(name: str, rng: random.Random) -> str:
    """Some neighbouring words of such calls."""
    words = tokens(name)
    start = rng.randrange(len(words))
    return "".join(words[start : start + rng.choice([1, 1, 2, 3, 5, 8, 13, 40])])


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
    own, near = marks(name), JSON + PROSE
    made = []
    for _ in range(rng.randint(1, 12)):
        kind = rng.random()
        made.append(fragment(name, rng) if kind < 0.4 else rng.choice(own) if kind < 0.6 else rng.choice(near))
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


def own_floods(name: str) -> dict[str, Callable[[int], str]]:
    """Made of the format's own call: each of its beginnings again and again, or followed by nothing but spaces; marks inside a string."""
    text = "".join(tokens(name))
    borders = list(itertools.accumulate(map(len, tokens(name))))[:-1]
    cuts = sorted({borders[len(borders) * i // 3] for i in range(3)})
    made: dict[str, Callable[[int], str]] = {}
    for i, cut in enumerate(cuts):
        made[f"its beginning {i}"] = functools.partial(_again, text[:cut])
        made[f"spaces after its beginning {i}"] = functools.partial(_spaces, text[:cut])
    head, _, tail = text.partition("x")
    inside = toolfmt.get_format(name).opens[0]
    made["its marks in a string"] = lambda n: head + inside * (n // len(inside)) + tail
    made["its marks in a string that never ends"] = lambda n: head + inside * (n // len(inside))
    made["its beginnings, then its end once"] = lambda n: head * (n // len(head)) + tail
    made["its end cut off"] = functools.partial(_again, text[:-1] + "\n")
    made["beginnings of its end in a string"] = lambda n: head + tail[:4] * (n // 4)
    return made


def _again(text: str, n: int) -> str:
    return text * (n // len(text) + 1)


def _spaces(text: str, n: int) -> str:
    return text + " " * n


def flood_of(name: str, flood: str) -> Callable[[int], str]:
    return FLOODS[flood] if flood in FLOODS else own_floods(name)[flood]
