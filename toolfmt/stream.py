"""`StreamParser`: model output in, events and parts out, in any chunking; sans-IO, linear, bounded.

The parser knows what every message is made of: reasoning, text, calls, an end-of-turn marker.  How a call is written is the business of the
format's `CallReader`.  ``parse`` feeds the whole text at once to the same machine.

What it holds: the text that is not yet decided (``buf``, which starts ``base`` characters into the message) and, inside a call, the pieces
already read (``_held``), so that a broken call can be given back whole.  Nothing is searched twice: every search goes on where the last one ended.
"""

import re

from toolfmt.events import (
    CallMalformed,
    ReasoningDelta,
    ReasoningImplied,
    TextDelta,
)
from toolfmt.ir import Malformed, Reasoning, Text, build_text
from toolfmt.reader import Outcome, Types, Whole, Wire
from toolfmt.recorder import Recorder

__all__ = ["StreamParser"]

_NONSPACE = re.compile(r"\S")


class StreamParser(Recorder):
    """Feed it text as it comes; ``feed`` and ``close`` return the events, ``parsed`` is the message so far."""

    _hunt: re.Pattern[str] | None
    _lead: tuple[str, ...] = ()
    _end_at = -1

    def __init__(self, format: Wire, types: Types, *, events: bool = True) -> None:
        super().__init__(events=events)
        self.format = format
        self.types = types
        self._markers = markers = format.markers
        self._hunt = markers.first
        self._step = StreamParser._start if markers.think_open else StreamParser._text

    # -- reasoning

    def _start(self, final: bool) -> bool:
        """At the very start: a reasoning block, or not."""
        if self.buf and not (self.buf[0].isspace() or self.buf[0] == self._markers.think_open[0]):
            self._step = StreamParser._text
            return True
        found = _NONSPACE.search(self.buf)
        opening = self._markers.think_open
        if found is None and not final:
            self._blank = bool(self.buf)
            return False
        at = found.start() if found else 0
        if found and self.buf.startswith(opening, at):
            self._step = StreamParser._think
            self.pos = self._scan = at + len(opening)
            return True
        if found and not final and opening.startswith(self.buf[at : at + len(opening)]):
            return False
        self._step = StreamParser._text
        return True

    def _think(self, final: bool) -> bool:
        """Inside a reasoning block: up to its closing tag.  What frames a thought inside its tags is not part of it."""
        buf, closing = self.buf, self._markers.think_close
        if self._text_at < 0:
            if self.pos == len(buf) and not final:
                return False
            inside = self._markers.think_inside[0]
            self.pos += len(inside) if buf.startswith(inside, self.pos) else 0
            self._text_at = self.base + self.pos
        found = buf.find(closing, self._scan)
        if found < 0:
            if final:
                return self._unclosed()
            safe = self._markers.settled_thought(buf, self.pos)
            self._grow(safe, ReasoningDelta)
            self._scan = max(self.pos, len(buf) - len(closing) + 1)
            return False
        self._grow(self._thought_end(found), ReasoningDelta)
        self._add_thought(self.base + self.pos)
        self._to_text(found + len(closing), self._markers.after_reasoning, self._markers.hunt)
        return True

    def _thought_end(self, at: int) -> int:
        """Where a thought ends whose closing tag stands at ``at``."""
        inside = self._markers.think_inside[1]
        return at - len(inside) if self.buf.endswith(inside, self.pos, at) else at

    def _add_thought(self, end: int) -> None:
        thought = "".join(self._pieces)
        if thought or not self._markers.no_thought:
            self._parts.append((Reasoning(text=thought), self._text_at, end))
        self._pieces.clear()
        self._text_at = -1

    def _unclosed(self) -> bool:
        """The text ended inside a reasoning block: calls that are all of its end are calls, the rest is reasoning."""
        end = len(self.buf)
        thought = "".join(self._pieces) + self.buf[self.pos : end]
        origin = self._text_at
        found = self._markers.hunt.search(thought)
        if found:
            inner = StreamParser(self.format, self.types, events=False)
            inner._hunt = self._markers.hunt
            inner._step = StreamParser._text
            rest = inner.read(thought[found.start() :])
            if rest.calls and len(rest.calls) == len(rest.parts):
                kept = self._markers.without_separator(thought, 0, found.start())
                self._parts.append((Reasoning(text=thought[:kept]), origin, origin + kept))
                self._adopt(inner, origin + found.start())
                return False
        self._grow(end, ReasoningDelta)
        self._add_thought(self.base + end)
        self._truncated = True
        self._step = StreamParser._over
        return False

    def _adopt(self, inner: "StreamParser", offset: int) -> None:
        for part, start, end in inner._parts:
            self._parts.append((part, start + offset, end + offset))
            self._announce(part)
        self._ended = inner._ended
        self._step = StreamParser._over

    def _over(self, final: bool) -> bool:
        return False

    # -- text

    def _to_text(self, pos: int, lead: tuple[str, ...], hunt: re.Pattern[str] | None) -> None:
        self.pos = self._scan = pos
        self._lead, self._hunt = lead, hunt
        self._step = StreamParser._text
        self._in_call = False

    def _text(self, final: bool) -> bool:
        """In text: up to the next mark."""
        if self._end_at >= 0 and not self._still_ended(final):
            return False
        buf = self.buf
        if final and self.pos == len(buf) and self._text_at < 0:
            self._step = StreamParser._over
            return False
        found = self._hunt.search(buf, self._scan) if self._hunt else None
        if found is None:
            return self._finish() if final else self._wait()
        at, marker = found.start(), found[0]
        if not final and self._markers.may_grow(buf, at):
            self._scan = at
            return self._wait()
        kind = self._markers.kinds[marker]
        if kind == "end":
            self._end_at, self._scan = self.base + at, found.end()
            return True
        if kind == "think":
            return self._imply(at, found.end())
        if kind in ("frame", "thought"):
            self._end_text(at)
            self._to_text(found.end(), (), self._markers.hunt if self._parts else self._hunt)
            if kind == "thought":
                self._step = StreamParser._think
            return True
        if self._markers.only_at_start and (self._text_at >= 0 or not _blank(buf, self.pos, at)):
            self._hunt, self._scan = self._markers.ends, at
            return True
        return self._open(at, marker)

    def _wait(self) -> bool:
        buf = self.buf
        self._grow_text(self._markers.settled(buf, self.pos))
        self._scan = max(self.pos, self._scan, self._markers.unhunted(buf))
        self._blank = self._text_at < 0 and self.pos < len(buf) and _blank(buf, self.pos, len(buf))
        return False

    def _still_ended(self, final: bool) -> bool:
        """After an end-of-turn marker: whitespace leaves it one, anything else makes it text.  False: more text is needed."""
        found = _NONSPACE.search(self.buf, self._scan)
        if found is None:
            self._scan = len(self.buf)
            if final:
                self._finish()
                return False
            self._grow_text(self._end_at - self.base)
            self._blank = self._scan > self._end_at - self.base
            return False
        self._scan = self._end_at - self.base + 1
        self._end_at = -1
        return True

    def _finish(self) -> bool:
        end = len(self.buf)
        if self._end_at >= 0:
            self._ended, end = True, self._end_at - self.base
        self._end_text(end)
        if end and self.base + self.pos == 0 and not self._ended:
            self._text_at = 0
            self._grow(end, TextDelta)
            self._add_text()
        self._step = StreamParser._over
        return False

    def _imply(self, at: int, after: int) -> bool:
        """A closing reasoning tag without an opening one: all text so far was reasoning."""
        if self._text_at < 0:
            self._text_at = self.base + self.pos
        if self._pieces and self._events is not None:
            self._events.append(ReasoningImplied())
        self._grow(self._thought_end(at), ReasoningDelta)
        self._add_thought(self.base + self.pos)
        self._to_text(after, self._markers.after_reasoning, self._markers.hunt)
        return True

    def _grow_text(self, upto: int) -> None:
        """Settle the text before ``upto``, if it is more than the whitespace around calls."""
        if upto <= self.pos:
            return
        if self._text_at < 0:
            if _blank(self.buf, self.pos, upto):
                return
            for lead in self._lead:
                if self.buf.startswith(lead, self.pos):
                    self.pos += len(lead)
                    break
            self._text_at = self.base + self.pos
        self._grow(upto, TextDelta)

    def _end_text(self, upto: int) -> None:
        """The text before ``upto`` is settled, and nothing more comes to it."""
        if self._text_at < 0 and self._events is None and not self._lead:
            if upto > self.pos and not _blank(self.buf, self.pos, upto):
                start = self.base + self.pos
                self._parts.append((build_text(self.buf[self.pos : upto]), start, self.base + upto))
                self.pos = upto
        else:
            self._grow_text(upto)
            self._add_text()

    # -- calls

    def _open(self, at: int, marker: str) -> bool:
        """A call's mark stands at ``at``."""
        whole = self.format.read_whole(self, at)
        upto = self._markers.without_separator(self.buf, self.pos, at) if at > self.pos else at
        if whole is not None:
            self._end_text(upto)
            self._add_whole(whole)
            return True
        self._grow_text(upto)
        self.mark, self._opened = self.base + self.pos, self.base + at
        self._resume = self._opened + len(marker)
        self.pos = at
        self.committed = self._begun = False
        if self.reader is None:
            self.reader = self.format.reader()
        if not self.format.ambiguous:
            self.commit()
        self.reader.begin(self, marker)
        self._step = StreamParser._call
        self._in_call = True
        return True

    def _add_whole(self, whole: Whole) -> None:
        """Calls that were read at once."""
        if self.base or self._events is not None:
            for part, start, end in whole:
                self._parts.append((part, self.base + start, self.base + end))
                self._announce(part)
        else:
            self._parts += whole
            self.calls += len(whole) - isinstance(whole[0][0], Text)
        self._to_text(whole[-1][2], self._markers.after_call, self._markers.after)

    def _call(self, final: bool) -> bool:
        assert self.reader is not None
        outcome = self.reader.advance(self, final)
        if outcome is Outcome.MORE:
            if not final:
                return False
            self._restore()
            ended = self._markers.before_end(self.buf) < len(self.buf)
            self._truncated = self.committed and not ended
            outcome = self.bad("the turn ends inside the call" if ended else "the text ends inside the call")
        after = self.base + self.pos
        self._restore()
        self.pos = self.mark - self.base
        if outcome is Outcome.DONE:
            self._settle_block(self.mark)
            self._to_text(self.pos, self._markers.after_call, self._markers.after)
        elif outcome is Outcome.TEXT or not self.committed:
            self._scan = max(after, self._resume) - self.base
            self._step = StreamParser._text
            self._in_call = False
        else:
            self._settle_block(self.mark)
            self._scan = self._resume - self.base
            self._step = StreamParser._recover
        return True

    def _recover(self, final: bool) -> bool:
        """A broken call runs to its closing mark, or to the next opening one."""
        found = self._markers.recover.search(self.buf, self._scan) if self._markers.recover else None
        if found is None:
            if not final:
                self._scan = self.pos = max(self._scan, self._markers.unhunted(self.buf))
                return False
            self._restore()
            end = self._markers.before_end(self.buf)
        else:
            end = found.end() if found.group() in self._markers.closers else found.start()
        low = max(0, self.mark - self.base)
        raw = ("".join(self._held) + self.buf[low:end]).rstrip()
        self._held.clear()
        malformed = Malformed(raw=raw, reason=self._reason)
        if raw:
            self._parts.append((malformed, self.mark, self.mark + len(raw)))
            if self._events is not None:
                self._events.append(CallMalformed(self.calls if self._begun else None, malformed))
            self.calls += self._begun
        self._to_text(end, self._markers.after_call, self._markers.after)
        return True


def _blank(text: str, start: int, end: int) -> bool:
    if start < end and not text[start].isspace():
        return False
    return _NONSPACE.search(text, start, end) is None
