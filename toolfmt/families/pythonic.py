"""The family whose calls are Python call expressions.

    [get_weather(city='Paris', days=3), now()]

Values are Python literals, and JSON's: both spellings of true, false and null, both kinds of quotes.  They are scanned and never evaluated: a
variable, an operator, a set, bytes, an f-string or a string without quotes makes the call malformed.  A tuple is read as a list.  An argument
without a key has that of the tool's declared parameter in its place; where no tools are given it makes the call malformed.  Arguments are written
with their keys.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar, Literal

from toolfmt.errors import UnrepresentableError
from toolfmt.families.json_body import in_one_block
from toolfmt.families.python_lexis import (
    IDENTIFIER,
    LITERAL,
    NAME,
    NUMBER,
    PLAIN_DEPTH,
    STRING,
    TOKEN,
    WORD,
    NotPlain,
    join_surrogates,
    scalar,
    unescape,
)
from toolfmt.families.python_reader import PythonReader
from toolfmt.format import Format, Limits, openai_tool
from toolfmt.ir import Tool, ToolCall, build_call
from toolfmt.reader import CallReader, Whole
from toolfmt.rule import PYTHON, Arguments, Dialect, Members, Rule, many, seq
from toolfmt.stream import StreamParser
from toolfmt.tools import read_tools
from toolfmt.values import JSONTextError, loads_at

__all__ = ["DOTTED", "Pythonic"]

DOTTED = rf"{IDENTIFIER}(?:\.{IDENTIFIER})*"
_ARGUMENT = re.compile(rf"""({WORD})=(?:'([^'\\]*)'(?!')|"([^"\\]*)"(?!")|({NUMBER}|{LITERAL})(?=[,)]))?""")
_SIMPLE = re.compile(rf"""'([^'\\]*)'(?!')|"([^"\\]*)"(?!")|({NUMBER}|{LITERAL})(?=[,)\]}}])""")
_COMMA = re.compile(r",[ \n]?")


class Pythonic(Format):
    """Calls as Python writes them.  Marks that begin with ``<`` stand in no prose: what they open is a call, or malformed."""

    word: ClassVar[str] = WORD
    """What is read as a tool's name, a regular expression; ``limits`` says what is written."""
    listed: ClassVar[bool] = True
    """Calls are written in a list; ``opens[0]`` may be its bracket."""
    between_in_block: ClassVar[str] = ", "
    missing_commas: ClassVar[bool] = False
    """The comma between arguments may be missing where the next key can be told."""
    needs_tools: ClassVar[Literal["", "names", "types"]] = "types"
    tools_indent: ClassVar[int | None] = None
    tools_array: ClassVar[bool] = True
    """The tools block is one JSON array, else an object for each tool."""
    limits = Limits(names=DOTTED, keys=IDENTIFIER)

    def __init__(self) -> None:
        self.name_token = re.compile(self.word)
        self.call_head = re.compile(rf"({self.word})\(")

    def reader(self) -> CallReader:
        return PythonReader(self)

    def read_whole(self, p: StreamParser, at: int) -> Whole | None:
        """A block in plain spelling, complete."""
        buf, opening, closing = p.buf, self.opens[0], self.closes[0]
        if not buf.startswith(opening, at):
            return None
        names = p.types.names if self.ambiguous else None
        start = at + len(opening)
        if self.listed and opening != "[":
            if not buf.startswith("[", start):
                return None
            start += 1
        calls = []
        try:
            while True:
                call, start = self._plain_call(buf, start)
                if names is not None and call.name not in names:
                    return None
                calls.append(call)
                if not buf.startswith(self.between_in_block, start):
                    break
                start += len(self.between_in_block)
        except NotPlain:
            return None
        ending = ("]" if self.listed else "") + closing
        return in_one_block(calls, at, start + len(ending)) if buf.startswith(ending, start) else None

    def _plain_call(self, buf: str, pos: int) -> tuple[ToolCall, int]:
        head = self.call_head.match(buf, pos, pos + NAME + 1)
        if head is None:
            raise NotPlain
        pos = head.end()
        arguments: dict[str, Any] = {}
        if buf.startswith(")", pos):
            return build_call(head[1], arguments), pos + 1
        while found := _ARGUMENT.match(buf, pos):
            key, kind = found[1], found.lastindex
            pos = found.end()
            if key in arguments or len(key) > TOKEN:
                raise NotPlain
            if kind == 1:
                arguments[key], pos = _plain_value(buf, pos, 1)
            elif kind == 4:
                arguments[key] = _plain_scalar(found[4])
            else:
                arguments[key] = join_surrogates(found[kind])  # type: ignore[index]
            comma = _COMMA.match(buf, pos)
            if comma is None:
                break
            pos = comma.end()
        if not arguments or not buf.startswith(")", pos):
            raise NotPlain
        return build_call(head[1], arguments), pos + 1

    # -- writing

    def write_calls(self, calls: Sequence[ToolCall]) -> str:
        text = self.between_in_block.join(map(self.write_call, calls))
        if not self.listed:
            return self.opens[0] + text + self.closes[0]
        return (self.opens[0] if self.opens[0] != "[" else "") + f"[{text}]" + self.closes[0]

    def write_call(self, call: ToolCall) -> str:
        self._check(call.name, self.limits.names, "$.name", "the tool name")
        for key in call.arguments:
            self._check(key, self.limits.keys, "$.arguments", "the argument's name")
        return f"{call.name}({', '.join(f'{key}={self.write_value(value)}' for key, value in call.arguments.items())})"

    def write_value(self, value: Any) -> str:
        return repr(value)

    def _check(self, word: str, pattern: str, path: str, what: str) -> None:
        if not re.fullmatch(pattern, word):
            raise UnrepresentableError(path, f"{self.name} cannot write {what} `{word}`")

    # -- what may be written

    values: ClassVar[Dialect] = PYTHON
    """How values are written."""

    @property
    def one_block(self) -> bool:
        return True

    @cached_property
    def dialect(self) -> Dialect:
        members = Members(opens="(", key=("", "="), closes=")", keys="bare", pattern=self.limits.keys)
        return replace(self.values, members=members, inner=self.values.inner or self.values)

    def call_rule(self, tool: Tool) -> Rule:
        self._check(tool.name, self.limits.names, "$.name", "the tool name")
        return seq(tool.name, Arguments(tool, self.dialect))

    def calls_rule(self, call: Rule, more: bool) -> Rule:
        calls = seq(call, many(seq(self.between_in_block, call))) if more else call
        opening = self.opens[0].removesuffix("[") + "[" if self.listed else self.opens[0]
        return seq(opening, calls, ("]" if self.listed else "") + self.closes[0])

    # -- the tools block

    def describe_tools(self, tools: Sequence[Tool]) -> str:
        found = [openai_tool(tool) for tool in tools]
        if self.tools_array:
            return self.tools_head + self._written(found) + self.tools_tail
        return self.tools_head + "".join(self._written(tool) + self.tools_tail for tool in found)

    def _written(self, value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, indent=self.tools_indent)

    def find_tools(self, text: str) -> tuple[tuple[Tool, ...], int, int] | None:
        start = text.find(self.tools_head)
        end = start + len(self.tools_head)
        definitions: list[Any] = []
        while start >= 0 and text.startswith("[" if self.tools_array else "{", end):
            try:
                found, end = loads_at(text, end)
            except JSONTextError:
                return None
            definitions += found if self.tools_array else [found]
            end += len(self.tools_tail) if text.startswith(self.tools_tail, end) else 0
            if self.tools_array:
                break
        return (read_tools(definitions), start, end) if definitions else None


def _plain_scalar(text: str) -> Any:
    if len(text) > TOKEN:
        raise NotPlain
    return scalar(text)


def _plain_value(buf: str, pos: int, depth: int) -> tuple[Any, int]:
    """A value in plain spelling, ``depth`` containers deep, and where it ends."""
    if found := _SIMPLE.match(buf, pos):
        kind = found.lastindex or 0
        return _plain_scalar(found[3]) if kind == 3 else join_surrogates(found[kind]), found.end()
    char = buf[pos : pos + 1]
    if char and char in "\"'":
        return _plain_string(buf, pos)
    if depth == PLAIN_DEPTH or not char or char not in "[{":
        raise NotPlain
    made: Any = [] if char == "[" else {}
    closing = "]" if char == "[" else "}"
    pos += 1
    if buf.startswith(closing, pos):
        return made, pos + 1
    while True:
        if char == "[":
            value, pos = _plain_value(buf, pos, depth + 1)
            made.append(value)
        else:
            key, pos = _plain_value(buf, pos, PLAIN_DEPTH)
            if not isinstance(key, str) or key in made or not buf.startswith(": ", pos):
                raise NotPlain
            made[key], pos = _plain_value(buf, pos + 2, depth + 1)
        if buf.startswith(closing, pos):
            return made, pos + 1
        comma = _COMMA.match(buf, pos)
        if comma is None:
            raise NotPlain
        pos = comma.end()


def _plain_string(buf: str, pos: int) -> tuple[str, int]:
    pattern = STRING.get(buf[pos : pos + 1])
    found = pattern.match(buf, pos) if pattern else None
    if found is None:
        raise NotPlain
    return join_surrogates(unescape(found[1])), found.end()
