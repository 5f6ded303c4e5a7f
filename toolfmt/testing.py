"""The laws of a format, for toolfmt's own formats and for yours.

    import pytest
    from toolfmt.testing import LAWS

    @pytest.mark.parametrize("law", LAWS)
    def test_law(law):
        law(MyFormat())

Needs ``pip install "toolfmt[testing]"``.  How many examples a law tries is hypothesis's own setting (a profile).
"""

import json
import re
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

try:
    from hypothesis import event, given
    from hypothesis import strategies as st
except ImportError as error:
    from toolfmt.errors import MissingExtraError

    raise MissingExtraError('the laws need hypothesis: pip install "toolfmt[testing]"') from error

from toolfmt.api import joined, parse, render, stream
from toolfmt.argument_types import SchemaTypes
from toolfmt.errors import ParseError, UnrepresentableError
from toolfmt.events import ArgumentsDelta, CallEnd, CallMalformed, CallStart, Event, Parsed
from toolfmt.format import Format
from toolfmt.ir import Message, Text, Tool, ToolCall
from toolfmt.reference import LOOKAROUND, grammar_text, load_grammar, plain_name, read
from toolfmt.strategies import hostile_text, messages, nasty_strings, plain_messages
from toolfmt.testing_grammar import its_grammars_allow_just_its_calls, its_grammars_allow_plain_calls
from toolfmt.testing_templates import its_template_writes_plain_turns, its_template_writes_what_render_writes

__all__ = [
    "LAWS",
    "check_chunks",
    "check_plain",
    "check_round_trip",
    "check_string",
    "check_total",
    "chunked",
    "sentences",
]


def check_round_trip(fmt: Format, message: Message, tools: Sequence[Tool] | None) -> bool:
    """Law 1: what was written is read back as it was, or it was refused.  False when it was refused."""
    try:
        text = render(message, fmt, tools=tools)
    except UnrepresentableError:
        return False
    if tools is not None:
        read = parse(text, fmt, tools=tools)
        assert read.parts == joined(fmt.numbered(message).parts), f"{text!r} was read as {read.parts!r}"
        assert not read.truncated, text
        assert render(read.message, fmt, tools=tools) == text, f"{text!r} is not canonical"
    return True


def check_plain(fmt: Format, message: Message, tools: Sequence[Tool]) -> None:
    """Law 1a: plain calls are never refused, with tools or without, with the end-of-turn marker or without."""
    text = render(message, fmt, tools=tools)
    assert render(message, fmt) == text
    ended = parse(render(message, fmt, tools=tools, end=True), fmt, tools=tools)
    assert ended.parts == joined(fmt.numbered(message).parts)


def chunked(text: str, cuts: Sequence[int]) -> list[str]:
    """``text`` cut at each of ``cuts``, taken modulo its length."""
    at = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[a:b] for a, b in pairwise(at)]


def check_chunks(fmt: Format, text: str, chunks: Sequence[str], tools: Sequence[Tool] | None) -> None:
    """Law 2: slicing never shows, and the joined deltas of a call are its arguments' JSON."""
    whole = parse(text, fmt, tools=tools)
    parser = stream(fmt, tools=tools)
    events = [event for chunk in chunks for event in parser.feed(chunk)] + parser.close()
    assert parser.parsed == whole, f"{list(chunks)!r}: {parser.parsed!r}, and at once {whole!r}"
    _check_events(events, whole)


def _check_events(events: Sequence[Event], whole: Parsed) -> None:
    deltas: dict[int, list[str]] = {}
    calls, open_call = [], None
    for found in events:
        if isinstance(found, CallStart):
            assert open_call is None
            assert found.index == len(deltas)
            open_call, deltas[found.index] = found, []
        elif isinstance(found, ArgumentsDelta):
            assert open_call is not None
            assert found.index == open_call.index
            deltas[found.index].append(found.json)
        elif isinstance(found, CallEnd):
            assert open_call == CallStart(found.index, found.call.name)
            said = json.loads("".join(deltas[found.index]))
            assert repr(said) == repr(found.call.arguments), f"{deltas[found.index]!r} for {found.call!r}"
            calls.append(found.call)
            open_call = None
        elif isinstance(found, CallMalformed):
            assert found.index == (open_call.index if open_call else None)
            open_call = None
    assert open_call is None
    assert tuple(calls) == whole.calls


def check_total(fmt: Format, text: str, tools: Sequence[Tool] | None = None) -> Parsed:
    """Law 3: reading never raises, the spans tile the text, and text stands where its span says."""
    read = parse(text, fmt, tools=tools)
    at = 0
    for part, start, end in read.placed:
        assert start == at, f"{read.placed!r} leaves a gap in {text!r}"
        assert end >= start
        if isinstance(part, Text) and text[start:end] != part.text:  # only where it stands as a JSON string
            assert part.text in _json_strings(text[start:end]), f"{part!r} is not what stands at {start}"
        if part is None:
            assert not _left_over(fmt, text[start:end]), f"{text[start:end]!r} of {text!r} is in no part"
        at = end
    assert at == len(text)
    return read


def _json_strings(text: str) -> list[str]:
    return [
        json.loads(found, strict=False) for found in re.findall(r'"(?:[^"\\]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"', text)
    ]


def _left_over(fmt: Format, gap: str) -> str:
    """What is neither white space, nor one of the format's marks, nor punctuation between the calls of a block."""
    marks = {*fmt.opens, *fmt.closes, *fmt.end_of_turn, *(fmt.reasoning or ()), *fmt.frames} - {""}
    for mark in sorted(marks, key=len, reverse=True):
        gap = gap.replace(mark, "")
    return re.sub(r"[\s\[\]{},;]", "", gap)


def check_string(fmt: Format, value: str) -> None:
    """Law 1b: a declared string stays that string; only one that holds a mark that ``limits.never`` names may be refused."""
    tool = Tool(name="f", parameters={"type": "object", "properties": {"s": {"type": "string"}}})
    call = ToolCall(name="f", arguments={"s": value})
    try:
        text = render(call, fmt, tools=[tool])
    except UnrepresentableError:
        event("refused")
        assert any(mark in f"\n{value}\n" for mark in fmt.limits.never), f"{fmt.name} refused {value!r}"
        return
    assert parse(text, fmt, tools=[tool]).calls == fmt.numbered(Message(parts=(call,))).calls


_cuts = st.lists(st.integers(0, 10**6), max_size=12)


def what_is_written_is_read_back_or_refused(fmt: Format) -> None:
    @given(drawn=messages(fmt))
    def law(drawn: tuple[Message, list[Tool]]) -> None:
        message, tools = drawn
        event("written" if check_round_trip(fmt, message, tools) else "refused")
        event("written without tools" if check_round_trip(fmt, message, None) else "refused without tools")

    law()


def plain_calls_are_never_refused(fmt: Format) -> None:
    @given(drawn=plain_messages(fmt))
    def law(drawn: tuple[Message, list[Tool]]) -> None:
        check_plain(fmt, *drawn)

    law()


def a_declared_string_stays_that_string(fmt: Format) -> None:
    @given(value=nasty_strings(fmt))
    def law(value: str) -> None:
        check_string(fmt, value)

    law()


def slicing_never_shows(fmt: Format) -> None:
    @given(drawn=messages(fmt), cuts=_cuts)
    def law(drawn: tuple[Message, list[Tool]], cuts: list[int]) -> None:
        message, tools = drawn
        try:
            text = fmt.write(message)
        except UnrepresentableError:
            return
        check_chunks(fmt, text, chunked(text, cuts), tools)
        check_chunks(fmt, text, list(text), tools)

    law()


def hostile_text_never_raises(fmt: Format) -> None:
    @given(text=hostile_text(fmt), cuts=_cuts)
    def law(text: str, cuts: list[int]) -> None:
        check_total(fmt, text)
        check_chunks(fmt, text, chunked(text, cuts), None)
        check_chunks(fmt, text, list(text), None)

    law()


def both_readers_agree(fmt: Format) -> None:
    @given(text=sentences(fmt.name, fmt.grammar))
    def law(text: str) -> None:
        types = SchemaTypes(None)
        strict = read(fmt.name, text, lambda tool, key, raw: types.read(0, tool, key, raw), grammar=fmt.grammar)
        fast = parse(text, fmt).parts
        assert fast == strict, f"{text!r} is {strict!r} to the grammar, and to the fast reader {fast!r}"
        event("calls" if parse(text, fmt).calls else "no call")

    law()


LAWS = (
    what_is_written_is_read_back_or_refused,
    plain_calls_are_never_refused,
    a_declared_string_stays_that_string,
    slicing_never_shows,
    hostile_text_never_raises,
    both_readers_agree,
    its_grammars_allow_just_its_calls,
    its_grammars_allow_plain_calls,
    its_template_writes_what_render_writes,
    its_template_writes_plain_turns,
)
"""Laws 1, 1a, 1b, 2, 3, 4, 7 and 8; each takes a `Format` and raises AssertionError, with the smallest counterexample, where it does not hold."""


def sentences(format_name: str, grammar: str | None = None, *, checked: bool = True) -> st.SearchStrategy[str]:
    """Messages that a format's reference grammar reads, made from the grammar itself; their text is as tricky as it allows.

    ``checked=False`` leaves in what no context-free grammar can forbid (a key given twice, text that a neighbour changes).
    """
    return _sentences(format_name, grammar if grammar is not None else grammar_text(format_name), checked)


@cache  # a new strategy builds the strategies of all its terminals anew
def _sentences(format_name: str, grammar: str, checked: bool) -> st.SearchStrategy[str]:
    from hypothesis.extra.lark import from_lark

    lark = load_grammar(grammar)
    own = [t.pattern.value for t in lark.terminals if t.pattern.type == "str" and len(t.pattern.value) > 2]
    tricky = st.lists(st.sampled_from([*_TRICKY, *own]) | st.text(max_size=3), max_size=6).map("".join)
    explicit = {t.name: _terminal(plain_name(t.name), t.pattern.to_regexp(), tricky) for t in lark.terminals}
    drawn = from_lark(lark, start="start", explicit=explicit)
    return drawn.filter(lambda text: _is_read(format_name, text, grammar)) if checked else drawn


def _is_read(format_name: str, text: str, grammar: str) -> bool:
    try:
        read(format_name, text, lambda tool, key, raw: raw, grammar=grammar)
    except ParseError:
        return False
    return True


_TRICKY = [
    *"<think> </think> <tool_call> </tool_call> <|tool_call|> <|end|> <|im_end|> <end_of_turn> <|EOT|>".split(),
    *"<function= </function> <parameter= </parameter> <escape> <end_function_call> call:f{} Tool: Arguments:".split(),
    *"``` ```json [ { } ] < > \" ' \\ \\n , : &lt; null True 5 1e400 NaN é 🙂 \u2028 \x00".split(" "),
    *("\n", "\n\n", " ", "\t", "\r\n", "\n```\n", "\n</parameter>\n", '{"name": "f", "arguments": {}}'),
]
_numbers = st.sampled_from("-0 0 1.0 -0.0 1E5 2.50e-3 1e+2 1e-400 123456789012345678901234567890".split()) | (
    st.integers() | st.floats(allow_nan=False, allow_infinity=False)
).map(json.dumps)
_SPACES = re.compile(r"(\[[ \t\n\r]+\]|\\s)\*")
_FREE = ("TEXT", "REASONED", "BEGUN", "RAW", "QUOTED")
_names = st.sampled_from(("f", "get_weather", "now", "a", "b", "city", "days", "true", "name", "x1"))


def _terminal(name: str, pattern: str, tricky: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Texts of one terminal; what it wants beside it is left to the neighbours that the grammar puts there."""
    whole = re.compile(pattern)
    by_pattern = st.from_regex(_SPACES.sub(r"\1{0,2}", LOOKAROUND.sub("", pattern)), fullmatch=True)
    if name == "STRING":
        words = tricky | _names
        return words.map(json.dumps) | words.map(lambda text: json.dumps(text, ensure_ascii=False)) | by_pattern
    if name == "PYSTRING":
        return tricky.map(repr) | tricky.map(json.dumps) | by_pattern
    if name == "NUMBER":
        return _numbers
    if name in ("NAME", "KEY"):
        return (_names | by_pattern).filter(lambda text: whole.fullmatch(text) is not None)
    if name.startswith(_FREE):
        return tricky.filter(lambda text: any(_reaches(whole, text, behind) for behind in ("", "</think>")))
    return by_pattern


def _reaches(pattern: re.Pattern[str], text: str, behind: str) -> bool:
    match = pattern.match(text + behind)
    return match is not None and match.end() == len(text)
