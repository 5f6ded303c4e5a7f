"""What a stream of model output has said so far: the events of `StreamParser.feed`, and `Parsed`, the whole.

The order of events is the order of the text.  A call is `CallStart`, any number of `ArgumentsDelta` whose joined ``json`` is the
JSON text of its arguments, then `CallEnd`; or `CallMalformed` with the same index when it breaks after it began.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from toolfmt.ir import Malformed, Message, Part, Placed, ToolCall

__all__ = [
    "ArgumentsDelta",
    "CallEnd",
    "CallMalformed",
    "CallStart",
    "Event",
    "Parsed",
    "ReasoningDelta",
    "ReasoningImplied",
    "TextDelta",
]


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More text for the user."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningImplied:
    """All text deltas so far were reasoning: its closing tag came, and the opening one stood in the prompt."""


@dataclass(frozen=True, slots=True)
class CallStart:
    """A call began; ``index`` counts the calls of this message from 0."""

    index: int
    name: str


@dataclass(frozen=True, slots=True)
class ArgumentsDelta:
    """The next piece of the JSON text of a call's arguments."""

    index: int
    json: str


@dataclass(frozen=True, slots=True)
class CallEnd:
    """A call is complete."""

    index: int
    call: ToolCall


@dataclass(frozen=True, slots=True)
class CallMalformed:
    """What opened like a call is none; ``index`` is None when no `CallStart` was sent for it."""

    index: int | None
    malformed: Malformed


Event = TextDelta | ReasoningDelta | ReasoningImplied | CallStart | ArgumentsDelta | CallEnd | CallMalformed


class Parsed:
    """A message that was read: its parts in order, where they stood, and whether it was ended or cut off."""

    __slots__ = ("_placed", "ended", "length", "truncated")

    def __init__(self, placed: list[tuple[Part, int, int]], length: int, *, ended: bool, truncated: bool) -> None:
        self._placed = placed
        self.length = length
        """Characters read."""
        self.ended = ended
        """Whether the format's end-of-turn marker stood at the end."""
        self.truncated = truncated
        """Whether the text stopped inside a call or a reasoning block."""

    @property
    def parts(self) -> tuple[Part, ...]:
        return tuple([part for part, _, _ in self._placed])

    @property
    def placed(self) -> tuple[Placed, ...]:
        """Every part with its span; what lies between is markup, a `Placed` without a part: the spans tile the text."""
        return tuple(self._tiles())

    def _tiles(self) -> Iterator[Placed]:
        at = 0
        for part, start, end in self._placed:
            if start > at:
                yield Placed(None, at, start)
            yield Placed(part, start, end)
            at = end
        if self.length > at:
            yield Placed(None, at, self.length)

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        return tuple([part for part, _, _ in self._placed if part.type == "tool_call"])

    @property
    def text(self) -> str:
        """All text for the user, joined; ``""`` when there is none."""
        return "".join([part.text for part, _, _ in self._placed if part.type == "text"])

    @property
    def reasoning(self) -> str | None:
        """The reasoning; None when there was no reasoning block."""
        found = [part.text for part, _, _ in self._placed if part.type == "reasoning"]
        return "".join(found) if found else None

    @property
    def malformed(self) -> tuple[Malformed, ...]:
        return tuple([part for part, _, _ in self._placed if part.type == "malformed"])

    @property
    def message(self) -> Message:
        return Message(role="assistant", parts=self.parts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Parsed):
            return NotImplemented
        return (self.placed, self.ended, self.truncated) == (other.placed, other.ended, other.truncated)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        flags = "".join(f", {name}=True" for name in ("ended", "truncated") if getattr(self, name))
        return f"Parsed(parts={self.parts!r}{flags})"
