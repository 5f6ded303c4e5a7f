"""What was read so far: `Recorder` keeps the parts and their places, and the events that tell of them.  A reader of calls speaks to it."""

from toolfmt.buffer import Feed
from toolfmt.events import (
    ArgumentsDelta,
    CallEnd,
    CallStart,
    ReasoningDelta,
    TextDelta,
)
from toolfmt.ir import Part, Text, ToolCall, build_text
from toolfmt.reader import CallReader, Outcome
from toolfmt.values import dumps

__all__ = ["Recorder"]


class Recorder(Feed):
    """Text as it grows, and the block of calls that is open: from ``_opened`` on, its parts from ``_block`` on."""

    calls = 0
    """Calls begun so far."""
    committed = True
    """Whether what was opened is a call for certain."""
    reader: CallReader | None = None
    _text_at = -1
    _block = _opened = _resume = 0
    _reason = ""
    _begun = False

    def __init__(self, *, events: bool) -> None:
        super().__init__(events=events)
        self._pieces: list[str] = []

    # -- text

    def _grow(self, upto: int, event: type[TextDelta] | type[ReasoningDelta]) -> None:
        if upto > self.pos:
            piece = self.buf[self.pos : upto]
            self._pieces.append(piece)
            self.pos = upto
            if self._events is not None:
                self._events.append(event(piece))

    def _add_text(self) -> None:
        if self._text_at >= 0:
            pieces = self._pieces
            text = pieces[0] if len(pieces) == 1 else "".join(pieces)
            self._parts.append((build_text(text), self._text_at, self._text_at + len(text)))
            self._pieces = []
            self._text_at = -1

    # -- calls

    def commit(self) -> None:
        """It is a call, whatever comes: end the text before it."""
        if not self.committed:
            self.committed = True
            self._add_text()
            if self._held:
                self._held = ["".join(self._held)[self._opened - self.mark :]]
            self.mark = self._opened
            self._block = len(self._parts)

    def _settle_block(self, end: int) -> None:
        """Calls of one block: the first one's span is the block, the others are empty at its end."""
        parts = self._parts
        for i in range(self._block, len(parts)):
            part, start, _ = parts[i]
            parts[i] = (part, start if i == self._block else end, end)

    def begin_call(self, name: str) -> None:
        """The call's name is known."""
        self._begun = True
        if self._events is not None:
            self._events.append(CallStart(self.calls, name))

    def delta(self, json: str) -> None:
        """The next piece of the arguments' JSON is known."""
        if self._events is not None and json:
            self._events.append(ArgumentsDelta(self.calls, json))

    def end_call(self, call: ToolCall) -> None:
        """A call is complete at ``pos``."""
        self._parts.append((call, self.mark, self.base + self.pos))
        self.account()
        self._begun = False
        if self._events is not None:
            self._events.append(CallEnd(self.calls, call))
        self.calls += 1

    def add_text(self, text: Text) -> None:
        """Text that stands inside the block, before its calls."""
        at = self.base + self.pos
        self._parts.append((text, self.mark, at))
        self.account()
        self._block = len(self._parts)
        if self._events is not None:
            self._events.append(TextDelta(text.text))

    def account(self) -> None:
        """What stands before ``pos`` belongs to the block, whatever comes: its closing mark, say."""
        self.mark = self.base + self.pos
        self._held.clear()

    def call_opens(self, size: int) -> None:
        """A mark of ``size`` characters at ``pos`` opens a call of the block: if that is broken, the next one is looked for behind it."""
        self._resume = self.base + self.pos + size

    def bad(self, reason: str, resume: int | None = None) -> Outcome:
        """It is no call.  The next one is looked for from ``resume`` (in the message) on, else as the reader's ``rescan`` says."""
        self._reason = reason
        if resume is not None:
            self._resume = resume
        elif self.reader is not None and not self.reader.rescan:
            self._resume = self.base + self.pos
        self._resume = max(self._resume, self.mark)
        return Outcome.BAD

    def _announce(self, part: Part) -> None:
        """A part that was read at once."""
        events = self._events
        if isinstance(part, ToolCall):
            if events is not None:
                index = self.calls
                events += (
                    CallStart(index, part.name),
                    ArgumentsDelta(index, dumps(part.arguments)),
                    CallEnd(index, part),
                )
            self.calls += 1
        elif isinstance(part, Text) and events is not None:
            events.append(TextDelta(part.text))
