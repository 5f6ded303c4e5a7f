"""The family whose arguments stand as bare text between tags; types come from the tools.

    <tool_call>
    <function=get_weather>
    <parameter=city>
    Paris
    </parameter>
    </function>
    </tool_call>

A value ends only where its closing tag, newlines included, is followed by what may follow it; so a value may hold any tag, its own too.  A value
that stands inline (``<parameter=city>Paris</parameter>``) ends likewise, without the newlines.  A value in which a whole next call begins was
never closed: the call is malformed and the next one is read.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from toolfmt.coercion import CallLost
from toolfmt.errors import UnrepresentableError
from toolfmt.format import Format
from toolfmt.ir import ToolCall, build_call
from toolfmt.reader import CallReader, Outcome, Whole
from toolfmt.stream import StreamParser
from toolfmt.values import JSON_LITERALS, STRING, dumps, escape, literal, spell

__all__ = ["RawTags"]

_NEAR = 4096  # characters in which a value's end is looked for without a look at the next call
_NAME = 1024  # characters of a tool or argument name, at most
_SPACE = re.compile(r"\s*")

_State = Callable[[StreamParser, bool], Outcome | None]


class RawTags(Format):
    """Calls as tags.  ``opens[0]`` wraps a call; ``opens[1]``, the call's own tag, also opens one where the wrapper is missing."""

    needs_tools = "types"
    call_open: ClassVar[str] = "<function="
    call_close: ClassVar[str] = "</function>"
    key_open: ClassVar[str] = "<parameter="
    value_close: ClassVar[str] = "</parameter>"
    tag_end: ClassVar[str] = ">"
    literals: ClassVar[Mapping[Any, str]] = JSON_LITERALS
    """How `true`, `false` and `null` are written at the top level; containers are JSON."""

    def __init__(self) -> None:
        followers = (self.key_open, self.call_close)
        next_call = f"\n{self.call_close}\n{self.closes[0]}\n{self.opens[0]}\n{self.call_open}"
        self.framed = _Delimiters([f"\n{self.value_close}\n{after}" for after in followers], next_call)
        self.inline = _Delimiters(
            [f"{self.value_close}{gap}{after}" for after in followers for gap in ("", "\n")], next_call
        )
        self.next_call = next_call
        self._head = f"{self.opens[0]}\n{self.call_open}"
        self._tail = f"{self.call_close}\n{self.closes[0]}"
        self._joint = self.between_calls + self._head
        self._close = f"\n{self.value_close}\n"
        self._followers = followers
        self._name_end = f"{self.tag_end}\n"

    def reader(self) -> CallReader:
        return TagReader(self)

    def read_whole(self, p: StreamParser, at: int) -> Whole | None:
        """Calls in their canonical spelling, side by side."""
        found: Whole = []
        while call := self._read_plain(p, at, p.calls + len(found)):
            found.append(call)
            at = call[2] + len(self.between_calls)
            if not p.buf.startswith(self._joint, call[2]):
                break
        return found or None

    def _read_plain(self, p: StreamParser, at: int, index: int) -> tuple[ToolCall, int, int] | None:
        buf, close, followers, key_open, tag_end = p.buf, self._close, self._followers, self.key_open, self.tag_end
        if not buf.startswith(self._head, at):
            return None
        opened, start = at, at + len(self._head)
        pos = buf.find(tag_end, start, start + _NAME)
        name = buf[start:pos]
        if pos <= start or "\n" in name or not buf.startswith(self._name_end, pos):
            return None
        pos += len(self._name_end)
        read, declared = p.types.read, p.types.declared(name)
        limit = -1
        arguments: dict[str, Any] = {}
        while buf.startswith(key_open, pos):
            start = pos + len(key_open)
            pos = buf.find(tag_end, start, start + _NAME)
            key = buf[start:pos]
            start = pos + len(self._name_end)
            end = buf.find(close, start - 1, limit if limit >= 0 else start + _NEAR)
            if end < 0 and limit < 0:
                limit = p.find(self.next_call, start - 1)
                limit = len(buf) if limit < 0 else limit + 1
                end = buf.find(close, start - 1, limit)
            while end >= 0 and not buf.startswith(followers, end + len(close)):
                end = buf.find(close, end + 1, limit if limit >= 0 else start + _NEAR)
            if end < 0 or pos < 0 or key in arguments or "\n" in key or not buf.startswith(self._name_end, pos):
                return None
            allowed = declared.get(key)
            if allowed is not None:
                text = buf[start:end]
                arguments[key] = text if allowed.types == STRING else literal(text, allowed.types, allowed.values)
            else:
                try:
                    arguments[key] = read(index, name, key, buf[start:end])
                except CallLost:
                    return None
            pos = end + len(close)
        if not buf.startswith(self._tail, pos) or (limit < 0 and buf.find(self.next_call, opened, pos) >= 0):
            return None
        return build_call(name, arguments), opened, pos + len(self._tail)

    def write_calls(self, calls: Sequence[ToolCall]) -> str:
        return self.between_calls.join(map(self.write_call, calls))

    def write_call(self, call: ToolCall) -> str:
        if self.tag_end in call.name or "\n" in call.name or not call.name:
            raise UnrepresentableError("$.name", f"{self.name} cannot write the tool name `{call.name}`")
        pieces = [self._head, call.name, self._name_end]
        for key, value in call.arguments.items():
            if self.tag_end in key or "\n" in key:
                raise UnrepresentableError(
                    f"$.arguments.{key}", f"{self.name} cannot write a key with `>` or a newline"
                )
            pieces += [self.key_open, key, self._name_end, spell(value, self.literals), self._close]
        pieces.append(self._tail)
        return "".join(pieces)


class _Delimiters:
    """Fixed texts of which the first one found ends a value, and how much of a text's end may be the beginning of one."""

    def __init__(self, ends: Sequence[str], broken: str) -> None:
        every = [*ends, broken]
        self.find = re.compile("|".join(map(re.escape, every))).search
        self.broken = broken
        self.longest = max(map(len, every))
        self.starts = {mark[:size] for mark in every for size in range(1, len(mark))}
        self.firsts = sorted({mark[0] for mark in every})

    def settled(self, buf: str, start: int) -> int:
        """Where the value is settled up to."""
        low, settled = max(start, len(buf) - self.longest + 1), len(buf)
        for first in self.firsts:
            at = buf.find(first, low, settled)
            while at >= 0:
                if buf[at:] in self.starts:
                    settled = at
                    break
                at = buf.find(first, at + 1, settled)
        return settled


class TagReader(CallReader):
    """Reads a call in whatever pieces it comes; string values stream as they arrive."""

    rescan = False

    def __init__(self, format: RawTags) -> None:
        self.format = format

    def begin(self, p: StreamParser, marker: str) -> None:
        self.wrapped = marker == self.format.opens[0]
        p.pos += len(marker)
        self.state: _State = self.before_call if self.wrapped else self.call_name

    def advance(self, p: StreamParser, final: bool) -> Outcome:
        outcome = None
        while outcome is None:
            outcome = self.state(p, final)
        return outcome

    def _one_of(self, p: StreamParser, final: bool, *marks: str) -> str | Outcome:
        """Which of ``marks`` stands next, after white space; it is passed over."""
        found = _SPACE.match(p.buf, p.pos)
        assert found
        p.pos = found.end()
        for mark in marks:
            if p.buf.startswith(mark, p.pos):
                p.pos += len(mark)
                return mark
        rest = p.buf[p.pos : p.pos + 64]
        if not final and any(mark.startswith(rest) for mark in marks):
            return Outcome.MORE
        if final and not rest:
            return Outcome.MORE
        return p.bad(f"expected {' or '.join(f'`{mark}`' for mark in marks)}")

    def before_call(self, p: StreamParser, final: bool) -> Outcome | None:
        found = self._one_of(p, final, self.format.call_open)
        if isinstance(found, Outcome):
            return found
        self.state = self.call_name
        return None

    def _name(self, p: StreamParser, final: bool, what: str) -> str | Outcome:
        """The rest of a tag, up to its end."""
        end = p.buf.find(self.format.tag_end, p.pos, p.pos + _NAME)
        name = p.buf[p.pos : end] if end >= 0 else p.buf[p.pos : p.pos + _NAME]
        if "\n" in name or (end < 0 and len(name) == _NAME):
            return p.bad(f"the {what}'s tag is not closed")
        if end < 0:
            return Outcome.MORE
        if not name and what == "tool":
            return p.bad("the tool has no name")
        p.pos = end + len(self.format.tag_end)
        return name

    def call_name(self, p: StreamParser, final: bool) -> Outcome | None:
        name = self._name(p, final, "tool")
        if isinstance(name, Outcome):
            return name
        self.name, self.arguments = name, dict[str, Any]()
        p.begin_call(name)
        self.state = self.next_part
        return None

    def next_part(self, p: StreamParser, final: bool) -> Outcome | None:
        """Before a parameter or the end of the call."""
        found = self._one_of(p, final, self.format.key_open, self.format.call_close)
        if isinstance(found, Outcome):
            return found
        if found == self.format.key_open:
            self.state = self.parameter
            return None
        p.delta("}" if self.arguments else "{}")
        p.end_call(build_call(self.name, self.arguments))
        self.state = self.after_call
        return None

    def parameter(self, p: StreamParser, final: bool) -> Outcome | None:
        """The tag that opens a value."""
        start = p.pos
        key = self._name(p, final, "parameter")
        if isinstance(key, Outcome):
            return key
        if p.pos == len(p.buf):
            p.pos = start
            return Outcome.MORE
        if key in self.arguments:
            return p.bad(f"parameter `{key}` is given twice")
        self.key = key
        self.at_frame = p.buf[p.pos] == "\n"
        self.delimiters = self.format.framed if self.at_frame else self.format.inline
        self.streams = p.types.is_string(p.calls, self.name, key)
        p.delta(("{" if not self.arguments else ", ") + dumps(key) + ": " + ('"' if self.streams else ""))
        self.pieces: list[str] = []
        self.searched = 0  # characters of the value, from ``p.pos`` on, that hold no delimiter's beginning
        self.state = self.value
        return None

    def value(self, p: StreamParser, final: bool) -> Outcome | None:
        """Inside a value, up to its delimiter; the newline that frames it may be the delimiter's own."""
        found = self.delimiters.find(p.buf, p.pos + self.searched)
        if found is None:
            self._settle(p, self.delimiters.settled(p.buf, p.pos))
            self.searched = max(0, len(p.buf) - self.delimiters.longest + 1 - p.pos)
            return Outcome.MORE
        self._settle(p, found.start())
        if found.group() == self.delimiters.broken:
            return p.bad(f"parameter `{self.key}` is not closed")
        text = "".join(self.pieces)
        try:
            value = text if self.streams else p.types.read(p.calls, self.name, self.key, text)
        except CallLost as error:
            return p.bad(str(error))
        p.delta('"' if self.streams else dumps(value))
        self.arguments[self.key] = value
        after = self.format.key_open if found.group().endswith(self.format.key_open) else self.format.call_close
        p.pos = found.end() - len(after)
        self.state = self.next_part
        return None

    def _settle(self, p: StreamParser, upto: int) -> None:
        if upto <= p.pos:
            return
        piece = p.buf[p.pos + self.at_frame : upto]
        self.at_frame = False
        p.pos = upto
        self.pieces.append(piece)
        if self.streams:
            p.delta(escape(piece))

    def after_call(self, p: StreamParser, final: bool) -> Outcome | None:
        """After a call: the wrapper's closing tag, another call in the same wrapper, or neither."""
        found = self._one_of(p, final, self.format.closes[0], *([self.format.call_open] if self.wrapped else []))
        if found == self.format.closes[0]:
            p.account()
        elif found == self.format.call_open:
            self.state = self.call_name
            return None
        elif found is Outcome.MORE and not final:
            return Outcome.MORE
        return Outcome.DONE
