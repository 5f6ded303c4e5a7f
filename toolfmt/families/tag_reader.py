"""The reader of `toolfmt.families.tags`: a call in whatever pieces it comes; string values stream as they arrive."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from toolfmt.coercion import CallLost
from toolfmt.ir import build_call
from toolfmt.reader import Outcome, State, StateReader
from toolfmt.stream import StreamParser
from toolfmt.values import JSONTextError, dumps, escape

if TYPE_CHECKING:
    from toolfmt.families.tags import Tags

__all__ = ["Delimiters", "TagReader"]

_TAG = 1200  # characters inside a tag, at most
_BLANK = re.compile(r"[ \t]*")


class Delimiters:
    """Fixed texts of which the first one found ends a value, and how much of a text's end may be the beginning of one."""

    def __init__(self, ends: Sequence[str], broken: Sequence[str]) -> None:
        every = [*ends, *broken]
        self.marks = tuple(every)
        self.find = re.compile("|".join(map(re.escape, every))).search
        self.broken = frozenset(broken)
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


class TagReader(StateReader):
    """Reads a section of calls, or one call."""

    rescan = False

    def __init__(self, format: "Tags") -> None:
        self.format = format

    def begin(self, p: StreamParser, marker: str) -> None:
        self.wrapped = marker != self.format.call_open
        p.pos += len(marker)
        self.state: State = self.before_call if self.wrapped else self.call_name

    def _one_of(self, p: StreamParser, final: bool, *marks: str) -> str | Outcome:
        """Which of ``marks`` stands next, after white space; it is passed over."""
        self.space(p)
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

    def inside(self, p: StreamParser, closing: str, what: str) -> str | Outcome:
        """The rest of a tag, up to its end."""
        end = p.buf.find(closing, p.pos, p.pos + _TAG)
        inside = p.buf[p.pos : end] if end >= 0 else p.buf[p.pos : p.pos + _TAG]
        if "\n" in inside or (end < 0 and len(inside) == _TAG):
            return p.bad(f"the {what}'s tag is not closed")
        if end < 0:
            return Outcome.MORE
        p.pos = end + len(closing)
        return inside

    def _word(self, p: StreamParser, final: bool) -> str | Outcome:
        """A name that no tag closes; blanks before it are passed over."""
        found = _BLANK.match(p.buf, p.pos)
        assert found
        p.pos = found.end()
        word = self.format.name_inside.match(p.buf, p.pos)
        end = word.end() if word else p.pos
        if end == len(p.buf):
            return Outcome.MORE
        p.pos = end
        return word[0] if word else ""

    def call_name(self, p: StreamParser, final: bool) -> Outcome | None:
        closing = self.format.name_close
        inside = self.inside(p, closing, "tool") if closing else self._word(p, final)
        if isinstance(inside, Outcome):
            return inside
        found = self.format.name_inside.fullmatch(inside)
        if found is None:
            return p.bad("the tool's tag is not as it should be" if inside else "the tool has no name")
        self.name, self.arguments = self.format.plain_name(found[1]), dict[str, Any]()
        p.begin_call(self.name)
        self.state = self.next_part
        return None

    def next_part(self, p: StreamParser, final: bool) -> Outcome | None:
        """Before an argument or the end of the call."""
        found = self._one_of(p, final, self.format.key_open, self.format.call_close)
        if isinstance(found, Outcome):
            return found
        if found == self.format.key_open:
            self.state = self.parameter
            return None
        return self.end_call(p)

    def end_call(self, p: StreamParser) -> Outcome | None:
        p.delta("}" if self.arguments else "{}")
        p.end_call(build_call(self.name, self.arguments))
        if not self.format.wrapped:
            return Outcome.DONE
        self.state = self.after_call
        return None

    def parameter(self, p: StreamParser, final: bool) -> Outcome | None:
        """The tag that tells a key."""
        inside = self.inside(p, self.format.key_close, "parameter")
        if isinstance(inside, Outcome):
            return inside
        return self.key_of(p, inside)

    def key_of(self, p: StreamParser, inside: str) -> Outcome | None:
        found = self.format.key_inside.fullmatch(inside)
        if found is None:
            return p.bad("the parameter's tag is not as it should be")
        key = self.format.plain_name(found[1])
        if key in self.arguments:
            return p.bad(f"parameter `{key}` is given twice")
        self.key, self.kind = key, found[2]
        self.state = self.value_tag if self.format.value_open else self.value_start
        return None

    def value_tag(self, p: StreamParser, final: bool) -> Outcome | None:
        found = self._one_of(p, final, self.format.value_open)
        if isinstance(found, Outcome):
            return found
        self.state = self.value_start
        return None

    def value_start(self, p: StreamParser, final: bool) -> Outcome | None:
        frame, (quote, _) = self.format.frame, self.format.quotes or ("", "")
        if p.pos == len(p.buf) and (frame or quote):
            return Outcome.MORE
        self.at_frame = p.buf.startswith(frame, p.pos) if frame else False
        self.delimiters = self.format.framed if self.at_frame else self.format.inline
        if quote and p.buf.startswith(quote, p.pos):
            p.pos += len(quote)
            self.delimiters = self.format.quoted
        elif quote and not final and quote.startswith(p.buf[p.pos : p.pos + len(quote)]):
            return Outcome.MORE
        self.streams = self.format.is_string(p, p.calls, self.name, self.key, self.kind)
        p.delta(("{" if not self.arguments else ", ") + dumps(self.key) + ": " + ('"' if self.streams else ""))
        self.pieces: list[str] = []
        self.searched = 0  # characters of the value, from ``p.pos`` on, that hold no delimiter's beginning
        self.state = self.value
        return None

    def value(self, p: StreamParser, final: bool) -> Outcome | None:
        """Inside a value, up to its delimiter; the newline that frames it may be the delimiter's own."""
        found = self.delimiters.find(p.buf, p.pos + self.searched)
        if found is None:
            self.settle(p, self.delimiters.settled(p.buf, p.pos))
            self.searched = max(0, len(p.buf) - self.delimiters.longest + 1 - p.pos)
            return Outcome.MORE
        self.settle(p, found.start())
        if found.group() in self.delimiters.broken:
            closed = self.format.value_close in found.group()
            return p.bad("the call is not closed" if closed else f"parameter `{self.key}` is not closed")
        broken = self.end_value(p)
        if broken is not None:
            return broken
        after = self.format.key_open if found.group().endswith(self.format.key_open) else self.format.call_close
        p.pos = found.end() - len(after)
        self.state = self.next_part
        return None

    def end_value(self, p: StreamParser) -> Outcome | None:
        """The value's text is whole."""
        text = "".join(self.pieces)
        try:
            value = text if self.streams else self.format.value(p, p.calls, self.name, self.key, self.kind, text)
        except (CallLost, JSONTextError) as error:
            return p.bad(str(error))
        p.delta('"' if self.streams else dumps(value))
        self.arguments[self.key] = value
        return None

    def settle(self, p: StreamParser, upto: int) -> None:
        if upto <= p.pos:
            return
        piece = p.buf[p.pos + self.at_frame : upto]
        self.at_frame = False
        p.pos = upto
        self.pieces.append(piece)
        if self.streams:
            p.delta(escape(piece))

    def after_call(self, p: StreamParser, final: bool) -> Outcome | None:
        """After a call: the section's closing tag, another call in the same section, or neither; in a section of many, nothing else."""
        fmt = self.format
        many = fmt.shared and self.wrapped
        ends = (*fmt.opens, *fmt.end_of_turn) if many else ()
        found = self._one_of(p, final, fmt.closes[0], *([fmt.call_open] if self.wrapped else []), *ends)
        if found == fmt.closes[0]:
            p.account()
        elif found in ends and found != fmt.call_open:
            p.pos -= len(found)
        elif found is Outcome.BAD and many:
            p.account()
            return found
        elif found == fmt.call_open:
            p.pos -= len(found)
            p.account()
            p.pos += len(found)
            self.state = self.call_name
            return None
        elif found is Outcome.MORE and not final:
            return Outcome.MORE
        return Outcome.DONE
