"""The buffer under `StreamParser`: what was fed and is not settled, what is put aside inside a call, and the events not yet handed out."""

from collections.abc import Callable
from typing import Any

from toolfmt.errors import SizeLimitError
from toolfmt.events import Event, Parsed
from toolfmt.ir import Part

__all__ = ["Feed"]


class Feed:
    """Takes text in pieces, steps through it, drops what is settled.  A subclass sets ``_step`` and the positions."""

    max_chars = 128 * 2**20
    """`SizeLimitError` is raised by the feed that would pass this many characters."""

    buf = ""
    """The text that is not settled; it starts ``base`` characters into the message."""
    base = 0
    pos = 0
    """Where reading stands, in ``buf``."""
    mark = 0
    """Where, in the message, the block of calls begins, or what is left of it after its last whole call."""

    # What starts at nothing stands on the class: a parser is made for every message.
    _step: Callable[[Any, bool], bool]
    _scan = _fed = 0
    _in_call = _blank = _closed = _ended = _truncated = False

    def __init__(self, *, events: bool) -> None:
        self._held: list[str] = []
        self._waiting: list[str] = []
        self._found: dict[str, tuple[int, int, int]] = {}
        self._parts: list[tuple[Part, int, int]] = []
        self._events: list[Event] | None = [] if events else None

    def feed(self, chunk: str) -> list[Event]:
        """Read more text; the events it settles.  Raises SizeLimitError past ``max_chars``, ValueError after ``close``."""
        if self._closed:
            raise ValueError("this stream was closed; make a new StreamParser for the next message")
        if self._fed + len(chunk) > self.max_chars:
            raise SizeLimitError(
                f"the stream passed {self.max_chars:,} characters; close it, or set StreamParser.max_chars higher"
            )
        self._fed += len(chunk)
        if self._blank and chunk.isspace():
            self._waiting.append(chunk)
            return []
        self._take(chunk)
        while self._step(self, False):
            pass
        self._trim()
        return self._drain()

    def close(self) -> list[Event]:
        """The text is at its end; the last events."""
        if self._closed:
            return []
        self._closed = True
        self._take("")
        while self._step(self, True):
            pass
        return self._drain()

    def read(self, text: str) -> Parsed:
        """The whole text at once: ``feed`` and ``close`` in one, without events."""
        self.hold(text)
        while self._step(self, True):
            pass
        return self.parsed

    def hold(self, text: str) -> None:
        """Take the whole text; nothing of it is read yet, and nothing more comes."""
        self._closed = True
        self._fed = len(text)
        self.buf = text

    @property
    def closed(self) -> bool:
        """Whether all of the text is in ``buf``; nothing more comes."""
        return self._closed

    @property
    def parsed(self) -> Parsed:
        """What has been read so far; after ``close``, the message."""
        return Parsed(self._parts, self._fed, ended=self._ended, truncated=self._truncated)

    def _take(self, chunk: str) -> None:
        if self._waiting:
            chunk = "".join([*self._waiting, chunk])
            self._waiting.clear()
        self._blank = False
        self.buf = self.buf + chunk if self.buf else chunk

    def _trim(self) -> None:
        """Drop what is settled from the buffer; inside a call keep it aside."""
        pos = self.pos
        if pos:
            if self._in_call:
                self._held.append(self.buf[max(0, self.mark - self.base) : pos])
            self.buf = self.buf[pos:]
            self.base += pos
            self._scan = max(0, self._scan - pos)
            self.pos = 0
        elif self._blank:
            self._waiting.append(self.buf)
            self.buf = ""

    def _drain(self) -> list[Event]:
        if not self._events:
            return []
        events, self._events = self._events, []
        return events

    def find(self, mark: str, start: int) -> int:
        """``buf.find(mark, start)``, remembered: asked again from further on, the text is not searched again."""
        asked, found, end = self._found.get(mark, (1, 0, 0))
        if (
            asked <= self.base + start
            and end == self.base + len(self.buf)
            and (found < 0 or found >= self.base + start)
        ):
            return found - self.base if found >= 0 else -1
        at = self.buf.find(mark, start)
        self._found[mark] = (self.base + start, self.base + at if at >= 0 else -1, self.base + len(self.buf))
        return at

    def since(self, start: int, end: int) -> str:
        """The text from ``start`` (in the message, not before ``mark``) to ``end`` (in the buffer)."""
        low = start - self.base
        if low >= 0:
            return self.buf[low:end]
        return ("".join(self._held) + self.buf[:end])[start - self.mark :]

    def _restore(self) -> None:
        """Bring back what was put aside, so that ``buf`` holds all from ``mark`` on."""
        if self._held:
            self.buf = "".join(self._held) + self.buf
            self.pos += self.base - self.mark
            self.base = self.mark
            self._held.clear()
