"""The family whose arguments stand in braces, keys bare, strings between marks of their own.

    <start_function_call>call:get_weather{city:<escape>Tokyo, Japan<escape>,days:3}<end_function_call>

Numbers, booleans and null are bare; objects and arrays nest; there are no escapes, so a string cannot hold its own mark.  Of two equal keys the
first counts (the publisher's test).  White space may stand between tokens.
"""

import json
import math
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from toolfmt.errors import UnrepresentableError
from toolfmt.format import Format
from toolfmt.ir import MAX_DEPTH, ToolCall, ToolResult, build_call
from toolfmt.reader import CallReader, Outcome, Whole
from toolfmt.stream import StreamParser
from toolfmt.values import JSONTextError, dumps, escape, loads

__all__ = ["Braces", "write_number"]

_SPACE = re.compile(r"\s*")
_SCALAR = re.compile(r"(?:(-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?)|(true|false|null|<nil>))(?=[\s,}\]])")
_SCALARS = re.compile(r"[-+0-9.eE, \ntruefalsn]*\]")
_decode_array = msgspec.json.Decoder(list[Any]).decode
_PARTIAL_SCALAR = re.compile(r"<?[-+.0-9A-Za-z]*>?")
_TOKEN = 8192  # characters of a name or a number, at most
_TOO_LONG = f"a name or a number has more than {_TOKEN} characters"
_NAME = 1024  # characters of a tool name, at most
_WORDS = {"true": True, "false": False, "null": None, "<nil>": None}  # the last as Ollama (fb30760) writes it

_State = Callable[[StreamParser, bool], Outcome | None]


class Braces(Format):
    """Calls in braces; ``opens`` is followed by ``call_open``, the name and the arguments."""

    call_open: ClassVar[str] = "call:"
    word: ClassVar[str] = r"[A-Za-z_][A-Za-z0-9_.\-]*"
    """What is read as a tool's or an argument's name, a regular expression; ``limits`` says what is written."""
    string_marks: ClassVar[tuple[str, ...]]
    """Marks that open and close a string; the first is written."""
    response_opens: ClassVar[str]
    response_closes: ClassVar[str]
    declaration_opens: ClassVar[str]
    declaration_closes: ClassVar[str]

    def __init__(self) -> None:
        self.head = re.compile(rf"\s*{re.escape(self.call_open)}({self.word})(?=[^\w.\-])")
        self.part_of_head = re.compile(rf"({self.word})?")
        self.pair = re.compile(rf"\s*({self.word})\s*:\s*(?:({re.escape(self.string_marks[0])})|{_SCALAR.pattern})?")
        self.key_word = re.compile(rf"({self.word})(?=[\s:])")
        self.part_of_key = re.compile(self.word)
        self.mark_starts = {mark[:size] for mark in self.string_marks for size in range(1, len(mark) + 1)}

    def reader(self) -> CallReader:
        return BraceReader(self)

    def read_whole(self, p: StreamParser, at: int) -> Whole | None:
        """Calls that are complete, without a repeated key, side by side."""
        buf, opening, closing = p.buf, self.opens[0], self.closes[0]
        calls: Whole = []
        while buf.startswith(opening, at):
            found = self.head.match(buf, at + len(opening))
            if found is None or len(found[1]) > _NAME or not buf.startswith("{", found.end()):
                break
            try:
                arguments, end = self._object(buf, found.end() + 1, 1)
            except _NotPlain:
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
            if key in made or pos - found.start() > _TOKEN:
                raise _NotPlain
            if kind == 2:
                end = buf.find(mark, pos)
                if end < 0:
                    raise _NotPlain
                made[key] = self.string_value(buf[pos:end], depth)
                pos = end + len(mark)
            elif kind == 1:
                made[key], pos = self._value(buf, pos, depth)
            else:
                made[key] = _scalar(found, 3)
            after = buf[pos : pos + 1]
            if after == "}":
                return made, pos + 1
            if after != ",":
                break
            pos += 1
        raise _NotPlain

    def _array(self, buf: str, pos: int, depth: int) -> tuple[list[Any], int]:
        made: list[Any] = []
        if buf.startswith("]", pos):
            return made, pos + 1
        scalars = _SCALARS.match(buf, pos)
        if scalars and scalars.end() - pos <= _TOKEN:  # numbers and words are spelled as in JSON
            try:
                return _decode_array(buf[pos - 1 : scalars.end()]), scalars.end()
            except msgspec.DecodeError:
                raise _NotPlain from None
        while True:
            value, pos = self._value(buf, pos, depth)
            made.append(value)
            if buf.startswith("]", pos):
                return made, pos + 1
            if not buf.startswith(",", pos):
                raise _NotPlain
            pos += 1

    def _value(self, buf: str, pos: int, depth: int) -> tuple[Any, int]:
        mark = self.string_marks[0]
        if buf.startswith(mark, pos):
            start = pos + len(mark)
            end = buf.find(mark, start)
            if end < 0:
                raise _NotPlain
            return self.string_value(buf[start:end], depth), end + len(mark)
        found = _SCALAR.match(buf, pos)
        if found and found.end() - pos <= _TOKEN:
            return _scalar(found, 1), found.end()
        if depth < _PLAIN_DEPTH and buf.startswith("{", pos):
            return self._object(buf, pos + 1, depth + 1)
        if depth < _PLAIN_DEPTH and buf.startswith("[", pos):
            return self._array(buf, pos + 1, depth + 1)
        raise _NotPlain

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
        return write_number(value) if isinstance(value, float) else dumps(value)

    def write_string(self, value: str, path: str) -> str:
        mark = self.string_marks[0]
        if mark in value:
            raise UnrepresentableError(path, f"{self.name} cannot write a string holding `{mark}`")
        return mark + value + mark

    def _word(self, word: str, path: str) -> str:
        if not re.fullmatch(self.limits.names if path == "$.name" else self.limits.keys, word):
            what = "the tool name" if path == "$.name" else "the key"
            raise UnrepresentableError(
                path, f"{self.name} cannot write {what} `{word}`: it must match `{self.limits.keys}`"
            )
        return word

    # -- tool results and declarations

    def write_results(self, results: Sequence[ToolResult]) -> str:
        """Content that is a JSON object in canonical spelling as an object, any other as ``{value:<text>}``."""
        return "".join(map(self._write_result, results))

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
        except _NotPlain:
            return None
        return (found[1], value, end + len(closes)) if text.startswith(closes, end) else None


_PLAIN_DEPTH = 16


class _NotPlain(Exception):  # noqa: N818 - control flow: the incremental reader says what is the matter
    pass


def _scalar(found: re.Match[str], first: int) -> Any:
    """The value of a scalar whose groups begin at ``first``."""
    if found[first + 3]:
        return _WORDS[found[first + 3]]
    text = found[first]
    if not (found[first + 1] or found[first + 2]):
        if len(text) > 4300:
            raise _NotPlain
        return int(text)
    value = float(text)
    if math.isinf(value):
        raise _NotPlain
    return value


def write_number(value: float) -> str:
    """A float with a fraction or an exponent, never both: Google's lexer reads ``-0.0025`` and ``15e-8``, not ``1.5e-7``."""
    text = json.dumps(value)
    if "e" not in text or "." not in text:
        return text
    sign, digits, exponent = Decimal(text).as_tuple()
    return f"{'-' if sign else ''}{''.join(map(str, digits))}e{exponent}"


class BraceReader(CallReader):
    """Reads a call token by token, in whatever pieces it comes."""

    def __init__(self, format: Braces) -> None:
        self.format = format

    def begin(self, p: StreamParser, marker: str) -> None:
        p.pos += len(marker)
        self.state: _State = self.head
        self.stack: list[tuple[Any, str]] = []  # containers, and the key under which the next value goes
        self.muted = 0  # containers deep in a value whose key was given before
        self.result: dict[str, Any] = {}

    def advance(self, p: StreamParser, final: bool) -> Outcome:
        outcome = None
        while outcome is None:
            outcome = self.state(p, final)
        return outcome

    def _space(self, p: StreamParser) -> str:
        """Pass over white space; the next character, or nothing."""
        found = _SPACE.match(p.buf, p.pos)
        assert found
        p.pos = found.end()
        return p.buf[p.pos : p.pos + 1]

    def _partial(self, p: StreamParser, token: re.Pattern[str], what: str) -> Outcome:
        """No whole token stands here: it may be the beginning of one, or it is none."""
        found = token.match(p.buf, p.pos)
        if found and found.end() - p.pos > _TOKEN:
            return p.bad(_TOO_LONG)
        if found and found.end() == len(p.buf):
            return Outcome.MORE
        return p.bad(f"expected {what}, got `{p.buf[p.pos]}`")

    def head(self, p: StreamParser, final: bool) -> Outcome | None:
        if not self._space(p):
            return Outcome.MORE
        found = self.format.head.match(p.buf, p.pos, p.pos + _NAME + 8)
        if found is None:
            rest, opening = p.buf[p.pos : p.pos + _NAME], self.format.call_open
            part = rest.startswith(opening) and self.format.part_of_head.fullmatch(rest, len(opening))
            if len(rest) < _NAME and (part or opening.startswith(rest)):
                return Outcome.MORE
            return p.bad(f"expected `{opening}` and a tool name")
        self.name = found[1]
        p.pos = found.end()
        self.state = self.body
        return None

    def body(self, p: StreamParser, final: bool) -> Outcome | None:
        """After the name: the arguments in braces, or the closing mark and no arguments."""
        self._space(p)
        rest, closing = p.buf[p.pos : p.pos + 64], self.format.closes[0]
        if rest.startswith(closing):
            p.begin_call(self.name)
            p.delta("{}")
            self.state = self.close
            return None
        if rest.startswith("{"):
            p.begin_call(self.name)
            return self._push(p, {}, "")
        if closing.startswith(rest):
            return Outcome.MORE
        return p.bad(f"expected `{{`, got `{rest[:1]}`")

    def _push(self, p: StreamParser, container: Any, comma: str) -> Outcome | None:
        if len(self.stack) == MAX_DEPTH:
            return p.bad(f"nested more than {MAX_DEPTH} deep")
        self._say(p, comma + ("{" if isinstance(container, dict) else "["))
        self.stack.append((container, ""))
        self.muted += self.muted > 0
        p.pos += 1
        self.state = self.first
        return None

    def _say(self, p: StreamParser, text: str) -> None:
        if not self.muted:
            p.delta(text)

    def first(self, p: StreamParser, final: bool) -> Outcome | None:
        """After an opening bracket."""
        char = self._space(p)
        if not char:
            return Outcome.MORE
        container = self.stack[-1][0]
        if char == ("}" if isinstance(container, dict) else "]"):
            return self._pop(p)
        self.state = self.key if isinstance(container, dict) else self.value
        return None

    def key(self, p: StreamParser, final: bool) -> Outcome | None:
        if not self._space(p):
            return Outcome.MORE
        found = self.format.key_word.match(p.buf, p.pos)
        if found is None:
            return self._partial(p, self.format.part_of_key, "a key")
        if len(found[1]) > _TOKEN:
            return p.bad(_TOO_LONG)
        p.pos = found.end()
        container, key = self.stack[-1][0], found[1]
        if key in container and not self.muted:
            self.muted = 1
        self._say(p, (", " if container else "") + dumps(key) + ": ")
        self.stack[-1] = (container, key)
        self.state = self.colon
        return None

    def colon(self, p: StreamParser, final: bool) -> Outcome | None:
        char = self._space(p)
        if not char:
            return Outcome.MORE
        if char != ":":
            return p.bad(f"expected `:`, got `{char}`")
        p.pos += 1
        self.state = self.value
        return None

    def value(self, p: StreamParser, final: bool) -> Outcome | None:
        char = self._space(p)
        if not char:
            return Outcome.MORE
        container = self.stack[-1][0]
        comma = ", " if isinstance(container, list) and container else ""
        for mark in self.format.string_marks:
            if p.buf.startswith(mark, p.pos):
                return self._begin_string(p, mark, comma)
        if char in "{[":
            return self._push(p, {} if char == "{" else [], comma)
        found = _SCALAR.match(p.buf, p.pos)
        if found is not None and found.end() - p.pos > _TOKEN:
            return p.bad(_TOO_LONG)
        if found is None:
            if p.buf[p.pos : p.pos + 64] in self.format.mark_starts:
                return Outcome.MORE
            return self._partial(p, _PARTIAL_SCALAR, "a value")
        try:
            value = _scalar(found, 1)
        except _NotPlain:
            return p.bad(f"the number `{found[1][:40]}` is out of range")
        p.pos = found.end()
        self._say(p, comma + dumps(value))
        return self._put(p, value)

    def _begin_string(self, p: StreamParser, mark: str, comma: str) -> Outcome | None:
        self.mark, self.pieces = mark, list[str]()
        self.streams = self.format.streams_strings(len(self.stack))
        p.pos += len(mark)
        self._say(p, comma + ('"' if self.streams else ""))
        self.state = self.string
        return None

    def string(self, p: StreamParser, final: bool) -> Outcome | None:
        """Inside a string, up to its mark."""
        end = p.buf.find(self.mark, p.pos)
        upto = end if end >= 0 else _settled(p.buf, p.pos, self.mark)
        if upto > p.pos:
            piece = p.buf[p.pos : upto]
            self.pieces.append(piece)
            if self.streams:
                self._say(p, escape(piece))
            p.pos = upto
        if end < 0:
            return Outcome.MORE
        p.pos = end + len(self.mark)
        value = self.format.string_value("".join(self.pieces), len(self.stack))
        self._say(p, '"' if self.streams else dumps(value))
        return self._put(p, value)

    def _put(self, p: StreamParser, value: Any) -> Outcome | None:
        """A value is whole: into its container."""
        container, key = self.stack[-1]
        if isinstance(container, list):
            container.append(value)
        elif key not in container:
            container[key] = value
        if self.muted == 1:
            self.muted = 0
        self.state = self.after_value
        return None

    def after_value(self, p: StreamParser, final: bool) -> Outcome | None:
        char = self._space(p)
        if not char:
            return Outcome.MORE
        container = self.stack[-1][0]
        if char == ",":
            p.pos += 1
            self.state = self.key if isinstance(container, dict) else self.value
            return None
        if char == ("}" if isinstance(container, dict) else "]"):
            return self._pop(p)
        return p.bad(f"expected `,` or `{'}' if isinstance(container, dict) else ']'}`, got `{char}`")

    def _pop(self, p: StreamParser) -> Outcome | None:
        container, _ = self.stack.pop()
        self._say(p, "}" if isinstance(container, dict) else "]")
        p.pos += 1
        if self.muted:
            self.muted -= 1
        if self.stack:
            return self._put(p, container)
        self.result = container
        self.state = self.close
        return None

    def close(self, p: StreamParser, final: bool) -> Outcome | None:
        """After the arguments: the closing mark."""
        char = self._space(p)
        closing = self.format.closes[0]
        if p.buf.startswith(closing, p.pos):
            p.pos += len(closing)
        elif char and not (closing.startswith(p.buf[p.pos : p.pos + 64])):
            return p.bad(f"expected `{closing}`, got `{char}`")
        else:
            return Outcome.MORE
        p.end_call(build_call(self.name, self.result))
        return Outcome.DONE


def _settled(buf: str, start: int, mark: str) -> int:
    """Where a string is settled up to: ``mark`` cannot begin earlier."""
    for at in range(max(start, len(buf) - len(mark) + 1), len(buf)):
        if mark.startswith(buf[at:]):
            return at
    return len(buf)
