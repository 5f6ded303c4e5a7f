"""The family whose arguments stand in braces, keys bare, strings between marks of their own.

    <start_function_call>call:get_weather{city:<escape>Tokyo, Japan<escape>,days:3}<end_function_call>

Numbers, booleans and null are bare; objects and arrays nest; there are no escapes, so a string cannot hold its own mark.  Of two equal keys the
first counts (the publisher's test).  White space may stand between tokens.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import msgspec

from toolfmt.errors import UnrepresentableError
from toolfmt.families.brace_lexis import (
    NAME,
    PLAIN_DEPTH,
    SCALARS,
    TOKEN,
    WORDS,
    NotPlain,
    decode_array,
    scalar,
    scalar_pattern,
    write_number,
)
from toolfmt.families.brace_reader import BraceReader
from toolfmt.format import Format
from toolfmt.ir import Tool, ToolCall, ToolResult, build_call
from toolfmt.reader import CallReader, Whole
from toolfmt.rule import Arguments, Dialect, Members, Rule, Strings, seq
from toolfmt.stream import StreamParser
from toolfmt.values import JSONTextError, dumps, loads

__all__ = ["Braces"]


class Braces(Format):
    """Calls in braces; ``opens`` is followed by ``call_open``, the name and the arguments."""

    call_open: ClassVar[str] = "call:"
    word: ClassVar[str] = r"[A-Za-z_][A-Za-z0-9_.\-]*"
    """What is read as a tool's or an argument's name, a regular expression; ``limits`` says what is written."""
    key: ClassVar[str] = ""
    """What is read as an argument's name, where that is more than ``word``."""
    words: ClassVar[Mapping[str, Any]] = WORDS
    """Words that stand for a value."""
    null: ClassVar[str] = "null"
    """How null is written."""
    loose: ClassVar[bool] = False
    """Whether what models drift to is read too: strings and keys in quotes, ``=`` for ``:``, further calls inside a block."""
    string_marks: ClassVar[tuple[str, ...]]
    """Marks that open and close a string; the first is written."""
    response_opens: ClassVar[str]
    response_closes: ClassVar[str]
    declaration_opens: ClassVar[str]
    declaration_closes: ClassVar[str]

    def __init__(self) -> None:
        self.head = re.compile(rf"\s*{re.escape(self.call_open)}({self.word})(?=[^\w.\-:])")
        self.part_of_head = re.compile(rf"({self.word})?")
        key, scalars = self.key or self.word, scalar_pattern(self.words)
        self.scalar = re.compile(scalars)
        self.pair = re.compile(rf"\s*({key})\s*:\s*(?:({re.escape(self.string_marks[0])})|{scalars})?")
        self.key_word = re.compile(rf"({key})(?=[\s:=])")
        self.part_of_key = re.compile(key)
        self.mark_starts = {mark[:size] for mark in self.string_marks for size in range(1, len(mark) + 1)}

    def reader(self) -> CallReader:
        return BraceReader(self)

    def read_whole(self, p: StreamParser, at: int) -> Whole | None:
        """Calls that are complete, without a repeated key, side by side."""
        buf, opening, closing = p.buf, self.opens[0], self.closes[0]
        calls: Whole = []
        while buf.startswith(opening, at):
            found = self.head.match(buf, at + len(opening))
            if found is None or len(found[1]) > NAME or not buf.startswith("{", found.end()):
                break
            try:
                arguments, end = self._object(buf, found.end() + 1, 1)
            except NotPlain:
                break
            if not buf.startswith(closing, end):
                break
            end += len(closing)
            calls.append((build_call(found[1], arguments), at, end))
            at = end + len(self.between_calls)
        return calls or None

    def _object(self, buf: str, pos: int, depth: int) -> tuple[dict[str, Any], int]:
        made: dict[str, Any] = {}
        if buf.startswith("}", pos):
            return made, pos + 1
        mark = self.string_marks[0]
        while found := self.pair.match(buf, pos):
            key, pos, kind = found[1], found.end(), found.lastindex
            if key in made or pos - found.start() > TOKEN:
                raise NotPlain
            if kind == 2:
                end = buf.find(mark, pos)
                if end < 0:
                    raise NotPlain
                made[key] = self.string_value(buf[pos:end], depth)
                pos = end + len(mark)
            elif kind == 1:
                made[key], pos = self._value(buf, pos, depth)
            else:
                made[key] = scalar(found, 3, self.words)
            after = buf[pos : pos + 1]
            if after == "}":
                return made, pos + 1
            if after != ",":
                break
            pos += 1
        raise NotPlain

    def _array(self, buf: str, pos: int, depth: int) -> tuple[list[Any], int]:
        made: list[Any] = []
        if buf.startswith("]", pos):
            return made, pos + 1
        scalars = SCALARS.match(buf, pos)
        if scalars and scalars.end() - pos <= TOKEN:  # numbers and words are spelled as in JSON
            try:
                return decode_array(buf[pos - 1 : scalars.end()]), scalars.end()
            except msgspec.DecodeError:
                raise NotPlain from None
        while True:
            value, pos = self._value(buf, pos, depth)
            made.append(value)
            if buf.startswith("]", pos):
                return made, pos + 1
            if not buf.startswith(",", pos):
                raise NotPlain
            pos += 1

    def _value(self, buf: str, pos: int, depth: int) -> tuple[Any, int]:
        mark = self.string_marks[0]
        if buf.startswith(mark, pos):
            start = pos + len(mark)
            end = buf.find(mark, start)
            if end < 0:
                raise NotPlain
            return self.string_value(buf[start:end], depth), end + len(mark)
        found = self.scalar.match(buf, pos)
        if found and found.end() - pos <= TOKEN:
            return scalar(found, 1, self.words), found.end()
        if depth < PLAIN_DEPTH and buf.startswith("{", pos):
            return self._object(buf, pos + 1, depth + 1)
        if depth < PLAIN_DEPTH and buf.startswith("[", pos):
            return self._array(buf, pos + 1, depth + 1)
        raise NotPlain

    def string_value(self, text: str, depth: int) -> Any:
        """What a string between marks says, ``depth`` containers deep."""
        return text

    def streams_strings(self, depth: int) -> bool:
        """Whether a string's text is its value, so that it can stream as it arrives."""
        return True

    # -- writing

    def write_calls(self, calls: Sequence[ToolCall]) -> str:
        return self.between_calls.join(
            f"{self.opens[0]}{self.call_open}{self._word(call.name, '$.name')}{self.write_arguments(call)}{self.closes[0]}"
            for call in calls
        )

    def write_arguments(self, call: ToolCall) -> str:
        return self.write_value(call.arguments, "$.arguments")

    def write_value(self, value: Any, path: str) -> str:
        if isinstance(value, str):
            return self.write_string(value, path)
        if isinstance(value, dict):
            pairs = (
                f"{self._word(key, path)}:{self.write_value(item, f'{path}.{key}')}" for key, item in value.items()
            )
            return "{" + ",".join(pairs) + "}"
        if isinstance(value, list):
            return "[" + ",".join(self.write_value(item, f"{path}[{i}]") for i, item in enumerate(value)) + "]"
        if value is None:
            return self.null
        return write_number(value) if isinstance(value, float) else dumps(value)

    def write_string(self, value: str, path: str) -> str:
        mark = self.string_marks[0]
        if mark in value:
            raise UnrepresentableError(path, f"{self.name} cannot write a string holding `{mark}`")
        return mark + value + mark

    def _word(self, word: str, path: str) -> str:
        what, pattern = ("the tool name", self.limits.names) if path == "$.name" else ("the key", self.limits.keys)
        if not re.fullmatch(pattern, word):
            raise UnrepresentableError(path, f"{self.name} cannot write {what} `{word}`: it must match `{pattern}`")
        return word

    # -- what may be written

    @cached_property
    def dialect(self) -> Dialect:
        members = Members(key=("", ":"), between=",", keys="bare", pattern=self.limits.keys)
        strings = Strings("marked", mark=self.string_marks[0])
        return Dialect(members, strings, ("true", "false", self.null), ("[", ",", "]"), plain_numbers=True)

    def call_rule(self, tool: Tool) -> Rule:
        head = f"{self.opens[0]}{self.call_open}{self._word(tool.name, '$.name')}"
        return seq(head, Arguments(tool, self.dialect), self.closes[0])

    # -- tool results and declarations

    def write_results(self, results: Sequence[ToolResult]) -> str:
        """Content that is a JSON object in canonical spelling as an object, any other as ``{value:<text>}``."""
        pieces = []
        for i, result in enumerate(results):
            try:
                pieces.append(self._write_result(result))
            except UnrepresentableError as error:
                raise UnrepresentableError(f"$.parts[{i}]{error.path[1:]}", error.reason) from None
        return "".join(pieces)

    def _write_result(self, result: ToolResult) -> str:
        if result.name is None:
            raise UnrepresentableError(
                "$.name", f"{self.name} writes the tool's name with a result, and this one has none"
            )
        name = self._word(result.name, "$.name")
        return f"{self.response_opens}response:{name}{self._write_content(result.content)}{self.response_closes}"

    def _write_content(self, content: str) -> str:
        try:
            value = loads(content)
            if isinstance(value, dict) and dumps(value) == content and value.keys() != {"value"}:
                return self.write_value(value, "$.content")
        except (JSONTextError, UnrepresentableError):
            pass
        return self.write_value({"value": content}, "$.content")

    def read_results(self, text: str) -> list[ToolResult] | None:
        results: list[ToolResult] = []
        pos = 0
        while found := self.read_block("response", text, pos, self.response_opens, self.response_closes):
            name, value, pos = found
            only = value.get("value") if len(value) == 1 else None
            results.append(ToolResult(name=name, content=only if isinstance(only, str) else dumps(value)))
        return results if results and not text[pos:].strip() else None

    def read_block(
        self, kind: str, text: str, pos: int, opens: str, closes: str
    ) -> tuple[str, dict[str, Any], int] | None:
        """``<opens>kind:NAME{...}<closes>`` at ``pos``: the name, the object and where it ends."""
        found = re.compile(rf"\s*{re.escape(opens)}{kind}:({self.word})\{{").match(text, pos)
        if found is None:
            return None
        try:
            value, end = self._object(text, found.end(), 1)
        except NotPlain:
            return None
        return (found[1], value, end + len(closes)) if text.startswith(closes, end) else None
