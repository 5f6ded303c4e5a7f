"""Which call a result answers: `Links` tells by the id, else by the tool's name, else by the order.

A reader of what is written without ids has names and order alone.  Results that those would give to other calls are put in the order of their calls;
where that does not help, because some call has no result, the link is lost, and said to be.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import is_
from typing import Literal, NamedTuple

from toolfmt.ir import ToolCall, ToolResult
from toolfmt.layouts.base import Turn

__all__ = ["Link", "Links"]

Sent = tuple[ToolCall, str | None]
"""A call, and the id it was written with."""
Say = Callable[[str, str, str], None]
Names = Literal["all", "given", "none"]
"""Which results are written with a name: all, those that had one, none."""


class Link(NamedTuple):
    """A result and the call that it answers."""

    turn: Turn
    result: ToolResult
    name: str | None
    """The tool's: the result's own, else its call's."""
    call: ToolCall | None
    new_id: str | None
    """What was written as the call's id."""


class Links:
    """The calls of a conversation whose results are still to come."""

    __slots__ = ("_earlier", "_read", "pending")

    def __init__(self) -> None:
        self.pending: list[Sent] = []
        """Of the last turn with calls, those that have no result yet."""
        self._earlier: list[Sent] = []
        self._read: list[ToolCall] = []
        """The same for one who reads what is written, without ids."""

    def begin(self, sent: list[Sent]) -> None:
        """A turn with these calls."""
        self.pending = sent
        self._earlier += sent
        self._read = [call for call, _ in sent]

    def skip(self) -> None:
        """A result that nobody can read is taken for the next."""
        del self.pending[:1], self._read[:1]

    def link(self, turn: Turn, result: ToolResult) -> Link:
        """The call that the next result answers; by order, if its id is none that was seen."""
        pending, call_id, name = self.pending, result.call_id, result.name
        at = 0
        if call_id and not (pending and pending[0][0].id == call_id):
            at = next((i for i, (call, _) in enumerate(pending) if call.id == call_id), -1)
            late = next((sent for sent in reversed(self._earlier) if sent[0].id == call_id), None) if at < 0 else None
            if late is not None:
                return Link(turn, result, late[0].name if name is None else name, *late)
            at = max(at, 0)
        elif name is not None and not call_id:
            at = _named([call for call, _ in pending], name)
        if not pending:
            return Link(turn, result, name, None, None)
        call, new_id = pending.pop(at)
        return Link(turn, result, call.name if name is None else name, call, new_id)

    def tell_apart(self, links: list[Link], named: Names, notice: Say, lose: Say) -> list[Link]:
        """Results that follow one another, in an order in which one who has no ids links them as they are linked."""
        if named == "none" and len(links) <= len(self._read) and all(map(is_, (link.call for link in links), self._read)):
            del self._read[: len(links)]
            return links  # as most are
        left = list(self._read)
        wrong = list(_misread(links, left, named))
        if wrong:
            ordered = sorted(links, key=lambda link: _place(link.call, self._read))
            again = list(self._read)
            if not list(_misread(ordered, again, named)):
                notice("order", wrong[0].turn.path, "results stand in the order of their calls now: without ids, order links them")
                self._read = again
                return ordered
        for link in wrong:
            lose("id", link.turn.path, f"which call this answers is lost: without ids it is taken for another's result: `{link.result.call_id}`")
        self._read = left
        return links


def _misread(links: Iterable[Link], pending: list[ToolCall], named: Names) -> Iterable[Link]:
    """Those that a reader gives to another call; the calls that are answered leave ``pending``."""
    for link in links:
        name = link.name if named == "all" else link.result.name if named == "given" else None
        call = pending.pop(_named(pending, name)) if pending else None
        if call is not link.call:
            yield link


def _named(pending: Sequence[ToolCall], name: str | None) -> int:
    """Which of these calls a result without an id answers: the first to this tool, else the first."""
    return next((i for i, call in enumerate(pending) if call.name == name), 0)


def _place(call: ToolCall | None, pending: Sequence[ToolCall]) -> int:
    return next((i for i, other in enumerate(pending) if other is call), len(pending))
