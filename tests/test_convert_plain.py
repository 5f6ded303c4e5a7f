"""Texts of the quick lane: what is read and written plainly is what the whole reader reads; what is surely read needs no reader to know it."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from quick_cases import F
from quick_rows import EACH, FORMATS, LANE, NAMES, STRINGS, arguments, text_in, tools

from toolfmt.api import parse, write
from toolfmt.argument_types import argument_types
from toolfmt.conversion.plain import PlainReader, PlainWriter, UnusualError, gap_before_calls
from toolfmt.errors import UnrepresentableError
from toolfmt.format import Format
from toolfmt.formats.hermes import Hermes
from toolfmt.formats.qwen_xml import QwenXml
from toolfmt.ir import Text, ToolCall
from toolfmt.stream import StreamParser


def _plain_and_parse(format: str, data: st.DataObject) -> None:
    text = text_in(data.draw, format, data.draw(st.booleans()))
    fmt, stated = FORMATS[format], data.draw(st.none() | tools())
    plain = PlainReader(fmt, fmt.typed(argument_types(stated, needs=fmt.needs_tools))).read(text)
    if plain is not None:
        parsed = parse(text, fmt, tools=stated)
        prose, calls = plain
        assert repr(parsed.parts) == repr(((Text(text=prose),) if prose else ()) + tuple(calls))
        assert not parsed.ended and not parsed.truncated
    event(f"plain: {plain is not None}")


def _written_and_parse(format: str, data: st.DataObject) -> None:
    """What is written plainly is written as ever, and read by the whole reader."""
    draw, fmt = data.draw, FORMATS[format]
    stated, gaps = draw(st.none() | tools()), gap_before_calls(fmt) if format in LANE else None
    types = fmt.typed(argument_types(stated, needs=fmt.needs_tools))
    surely = fmt.sure_writer(types)
    for _ in range(2):  # of the second it may remember something
        calls = [ToolCall(name=draw(NAMES), arguments=arguments(draw)) for _ in range(draw(st.sampled_from([1, 1, 2])))]
        prose = draw(STRINGS)
        try:
            text = PlainWriter(fmt, types, gaps).write(prose, calls) if gaps is not None else ""
            assert not text or text == write([Text(text=prose), *calls] if prose else calls, fmt).text
            sure = surely(calls) if surely is not None else None
        except (UnusualError, UnrepresentableError, UnicodeEncodeError):
            continue
        event(f"written: {bool(text)}, sure: {sure is not None}")
        for said, meant in ((text, ((Text(text=prose),) if prose else ()) + tuple(calls)), (sure, tuple(calls))):
            if said:
                parsed = parse(said, fmt, tools=stated)
                assert repr(parsed.parts) == repr(meant)
                assert not parsed.ended and not parsed.truncated


@pytest.mark.parametrize("format", EACH)
@given(data=st.data())
def test_what_is_read_plainly_is_what_parse_reads(format: str, data: st.DataObject) -> None:
    _plain_and_parse(format, data)


@given(format=st.sampled_from(list(FORMATS)), data=st.data())
def test_what_is_read_plainly_is_what_parse_reads_in_any_format(format: str, data: st.DataObject) -> None:
    _plain_and_parse(format, data)


@pytest.mark.parametrize("format", EACH)
@given(data=st.data())
def test_what_is_written_plainly_is_read(format: str, data: st.DataObject) -> None:
    _written_and_parse(format, data)


@given(format=st.sampled_from(list(FORMATS)), data=st.data())
def test_what_is_written_plainly_is_read_in_any_format(format: str, data: st.DataObject) -> None:
    _written_and_parse(format, data)


# Formats that do it in their own way


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


class Spaced(QwenXml):
    name = "spaced"

    def spell_value(self, value: Any) -> tuple[str, str]:
        return "", f" {value}"


class Numbered(QwenXml):
    name = "numbered"
    name_rest = " {index}"


class First(Hermes):
    name, reasoning = "first", None
    only_at_start = True


@pytest.mark.parametrize("fmt", [Shouting(), Spaced(), Numbered()])
def test_tags_that_are_written_in_their_own_way_are_not_sure(fmt: Format) -> None:
    types = argument_types([F])
    assert QwenXml().sure_writer(types) is not None and fmt.sure_writer(types) is None


@pytest.mark.parametrize("fmt", [First(), *(FORMATS[name] for name in LANE)], ids=lambda fmt: str(fmt.name))
def test_a_text_that_is_read_otherwise_is_not_written(fmt: Format) -> None:
    """As reasoning, or, where calls stand only at the start, as no call."""
    types = fmt.typed(argument_types([F], needs=fmt.needs_tools))
    gaps = gap_before_calls(fmt)
    assert gaps is not None
    writer, mark = PlainWriter(fmt, types, gaps), (fmt.reasoning or ("", ""))[0]
    for prose, value in ((f"So {mark} it.", "x"), ("So.", f"a{mark}b")):
        calls = [ToolCall(name="f", arguments={"a": value})]
        if mark or fmt.only_at_start or not fmt.limits.text_before:
            with pytest.raises(UnusualError):
                writer.write(prose, calls)
        else:
            assert writer.write(prose, calls)


def test_a_format_that_writes_or_reads_in_its_own_way_is_not_sure() -> None:
    calls, text = [ToolCall(name="f")], Hermes().write_calls([ToolCall(name="f")])
    types = argument_types(None, needs="")
    surely = Hermes().sure_writer(types)
    assert surely is not None and surely(calls) == text and Hermes().read_rest(text, 0, types) == calls
    assert Backwards().sure_writer(types) is None and Backwards().read_rest(text, 0, types) is None


class Quoted(QwenXml):
    name = "quoted"
    quotes = ("<![CDATA[", "]]>")


@pytest.mark.parametrize("fmt", [FORMATS["qwen_xml"], FORMATS["glm45"], FORMATS["minimax_m2"], Quoted()], ids=lambda fmt: str(fmt.name))
@pytest.mark.parametrize("key", ["a", "100%", "%s", "a\0b", "a{b}"])
@pytest.mark.parametrize("value", ["x", "50% {b} %s", "a\0", "\n", "<b>", "</parameter>", "x" * 4096, "true", 7, -7, 2**70, True, False, None, 1.5])
def test_calls_from_a_template_are_those_that_are_written(fmt: Format, key: str, value: Any) -> None:
    properties = {key: {"type": {str: "string", int: "integer", bool: "boolean"}.get(type(value), "number")}, "n": {"type": "integer"}}
    types = argument_types([{**F, "function": {**F["function"], "parameters": {"type": "object", "properties": properties}}}])
    surely = fmt.sure_writer(types)
    assert surely is not None
    call = ToolCall(name="f", arguments={key: value, "n": 1})
    for calls in ([call], [call, call]):
        try:
            wanted = fmt.write_calls(calls)
        except UnrepresentableError:
            return
        for _ in range(2):
            assert surely(calls) in (wanted, None)
    assert surely([call]) is None or len(str(value)) < 2048
    plain = value in (("x", 7, -7, True, False) if fmt.name != "quoted" else (7, True)) and key != "a\0b"
    assert (surely([call]) is not None) >= plain


def test_templates_of_calls_are_forgotten_in_time() -> None:
    tools = [{"type": "function", "function": {"name": f"f{i}", "parameters": {"type": "object", "properties": {}}}} for i in range(1500)]
    surely = FORMATS["qwen_xml"].sure_writer(argument_types(tools))
    assert surely is not None
    for _ in range(2):
        assert all(surely([ToolCall(name=tool["function"]["name"])]) is not None for tool in tools)
    assert len(surely.__self__._known) <= 1000  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["hermes", "json_fence"])
def test_a_block_with_its_closing_mark_inside_or_a_long_one_is_not_sure(name: str) -> None:
    fmt = FORMATS[name]
    surely = fmt.sure_writer(argument_types(None, needs=fmt.needs_tools))
    assert surely is not None
    for value, sure in (("x", True), (fmt.closes[0], False), ("x" * 5000, False)):
        assert (surely([ToolCall(name="f", arguments={"a": value})]) is not None) is sure


def test_what_stands_between_a_call_and_its_fence_is_seen() -> None:
    text = '```json\n{"name": "f", "arguments": {}}x```'
    assert PlainReader(FORMATS["json_fence"], argument_types(None, needs="names")).read(text) is None
    assert parse(text, "json_fence").malformed


@pytest.mark.parametrize("fmt", [FORMATS[name] for name in LANE if not FORMATS[name].limits.many_calls], ids=lambda fmt: str(fmt.name))
def test_a_second_call_that_a_format_has_no_place_for_is_not_written(fmt: Format) -> None:
    writer = PlainWriter(fmt, argument_types(None, needs=fmt.needs_tools), gap_before_calls(fmt) or ("", ""))
    assert writer.write("", [ToolCall(name="f")])
    with pytest.raises(UnusualError):
        writer.write("", [ToolCall(name="f")] * 2)
