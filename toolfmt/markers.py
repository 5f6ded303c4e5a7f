"""The literal marks that a format's messages are made of, compiled once per format."""

import re
from collections.abc import Iterable, Sequence

__all__ = ["Markers"]


class Markers:
    """What `StreamParser` looks for in text, and how much of a text's end it must hold back because a mark may begin there."""

    def __init__(
        self,
        *,
        openers: Sequence[str],
        closers: Sequence[str] = (),
        ends: Sequence[str] = (),
        think: tuple[str, str] | None = None,
        before_call: Sequence[str] = (),
        after_call: Sequence[str] = (),
        after_reasoning: Sequence[str] = (),
        think_inside: tuple[str, str] = ("\n", "\n"),
        no_thought: bool = False,
        think_anywhere: bool = False,
        frames: Sequence[str] = (),
        only_at_start: bool = False,
    ) -> None:
        self.think_open, self.think_close = think or ("", "")
        self.think_inside, self.no_thought = think_inside, no_thought
        self.openers, self.closers = frozenset(openers), frozenset(closers)
        self.before_call, self.after_call = tuple(before_call), tuple(after_call)
        self.after_reasoning = tuple(after_reasoning)
        self.only_at_start = only_at_start
        self.kinds = {
            **dict.fromkeys(ends, "end"),
            **dict.fromkeys(frames, "frame"),
            **({self.think_open: "thought"} if think_anywhere else {}),
            **({self.think_close: "think"} if think and self.think_close not in frames else {}),
            **dict.fromkeys(openers, "call"),
        }
        every = [mark for mark, kind in self.kinds.items() if kind != "think"]
        self.hunt = _either([*every, *frames])
        self.first = _either([*every, *frames, *([self.think_close] if think else [])])
        self.ends = _either(ends) if ends else None
        self.after = self.ends if only_at_start else self.hunt  # after a call
        self.recover = None if only_at_start else _either([*closers, *openers])
        self._end = re.compile(f"(?:{_either(ends).pattern})\\s*\\Z") if ends else None
        self._longest = max(len(mark) for mark in [*self.kinds, *closers])
        self._starts = {mark[:size] for mark in self.kinds for size in range(1, len(mark))}
        framed = think_inside[1] + self.think_close
        self._think_starts = {framed[:size] for size in range(1, len(framed))} | {
            self.think_close[:size] for size in range(1, len(self.think_close))
        }
        self._separator = max([len(mark) for mark in before_call] + [len(think_inside[1]) if think else 0])

    def may_grow(self, buf: str, at: int) -> bool:
        """Whether the mark at ``at`` may yet turn out to be a longer one."""
        return len(buf) - at < self._longest and buf[at:] in self._starts

    def settled(self, buf: str, start: int) -> int:
        """Where the text is settled up to: no mark and no separator before one can begin earlier."""
        at = _before_start(buf, start, self._starts, self._longest)
        low = max(start, at - self._separator)
        while at > low and buf[at - 1] == "\n":
            at -= 1
        return at

    def settled_thought(self, buf: str, start: int) -> int:
        """The same inside a reasoning block."""
        return _before_start(buf, start, self._think_starts, len(self.think_close) + 1)

    def unhunted(self, buf: str) -> int:
        """Where a search for marks must go on when more text comes."""
        return max(0, len(buf) - self._longest + 1)

    def without_separator(self, buf: str, start: int, at: int) -> int:
        """The end of the text in ``buf[start:at]`` that stands before a call at ``at``."""
        for mark in self.before_call:
            if buf.endswith(mark, start, at):
                return at - len(mark)
        return at

    def before_end(self, buf: str) -> int:
        """Where an end-of-turn marker at the end of ``buf`` begins, else its length."""
        found = self._end.search(buf) if self._end else None
        return found.start() if found else len(buf)


def _either(marks: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(mark) for mark in sorted(set(marks), key=len, reverse=True)))


def _before_start(buf: str, start: int, starts: set[str], longest: int) -> int:
    """The earliest place from which the rest of ``buf`` is the start of a mark."""
    for at in range(max(start, len(buf) - longest + 1), len(buf)):
        if buf[at:] in starts:
            return at
    return len(buf)
