"""What `StreamParser` and the readers of calls ask of each other, and of a format."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Protocol

from toolfmt.ir import Part
from toolfmt.markers import Markers
from toolfmt.schema_types import ValueType

if TYPE_CHECKING:
    from toolfmt.stream import StreamParser

__all__ = ["CallReader", "Outcome", "State", "StateReader", "Types", "Whole", "Wire"]

Whole = list[tuple[Part, int, int]]
"""Calls, and text among them, that were read at once, and where each stands in the buffer.

Calls of one block: the first has its span, the others are empty at its end."""


class Outcome(IntEnum):
    """What a reader made of the text so far."""

    MORE = 0  # the call goes on; more text is needed
    DONE = 1  # the call, or the block of calls, ends at ``p.pos``
    BAD = 2  # it is no call: ``p.bad`` was told why
    TEXT = 3  # it is ordinary text up to ``p.pos`` (formats whose marks also stand in prose)


class Types(Protocol):
    """Gives the value of an argument whose wire text has no type: of call number ``index``, tool, key, text."""

    @property
    def names(self) -> frozenset[str] | None:
        """The tools' names; None when no tools were given."""

    def declared(self, tool: str) -> Mapping[str, ValueType]:
        """The declared arguments of a tool, for reading them by `literal` at once; empty where ``read`` must be asked."""

    def is_string(self, index: int, tool: str, key: str) -> bool: ...

    def read(self, index: int, tool: str, key: str, text: str) -> Any: ...


class CallReader(ABC):
    """Reads one block of calls, in as many pieces as it comes.  One object serves all blocks of a message."""

    rescan = True
    """After a broken call, look for the next one from its opening mark on (else from where it broke)."""

    @abstractmethod
    def begin(self, p: "StreamParser", marker: str) -> None:
        """A block opens: ``marker`` stands at ``p.pos``."""

    @abstractmethod
    def advance(self, p: "StreamParser", final: bool) -> Outcome:
        """Read on from ``p.pos`` in ``p.buf`` and move ``p.pos``; what stands before it may be dropped from ``buf``."""


State = Callable[["StreamParser", bool], Outcome | None]
"""A step of a `StateReader`: the parser, whether the text is at its end; an outcome, or None to go on in the next state."""

_SPACE = re.compile(r"\s*")


class StateReader(CallReader):
    """A reader that goes from state to state; ``begin`` sets the first."""

    state: State

    def advance(self, p: "StreamParser", final: bool) -> Outcome:
        outcome = None
        while outcome is None:
            outcome = self.state(p, final)
        return outcome

    def space(self, p: "StreamParser") -> str:
        """Pass over white space; the next character, or nothing."""
        found = _SPACE.match(p.buf, p.pos)
        assert found
        p.pos = found.end()
        return p.buf[p.pos : p.pos + 1]


class Wire(Protocol):
    """What the parser asks of a format."""

    @property
    def markers(self) -> Markers: ...

    @property
    def ambiguous(self) -> bool: ...

    def reader(self) -> CallReader: ...

    def read_whole(self, p: "StreamParser", at: int) -> Whole | None: ...
