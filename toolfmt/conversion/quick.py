"""`QuickLane`: rows of the common plain shapes, converted without `Turn`s.  It gives just what the stages of `RowConverter` give, or None.

What it takes: ``messages`` of layouts `openai`, `trl` and `messages_text`, in which every message is a role and a text, calls that stand in
``tool_calls`` with nothing beside what they are made of, results that follow their calls in order, and texts that are prose and then calls, in the
source format as it writes them.  Whatever needs a repair, a loss or a decision raises `UnusualError` inside, and the row goes the careful way.

What it writes it reads back, as the careful way does, but for calls of which their format is certain (`Format.sure_writer`).
"""

import marshal
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from toolfmt.argument_types import argument_types
from toolfmt.conversion.outcome import Outcome
from toolfmt.conversion.plain import PlainReader, PlainTexts, PlainWriter, UnusualError, gap_before_calls
from toolfmt.conversion.quick_row import Given, QuickRow, Task
from toolfmt.errors import ToolfmtError
from toolfmt.format import Format
from toolfmt.ir import ToolCall
from toolfmt.layouts.base import get_layout, layouts
from toolfmt.tools import ToolSet

__all__ = ["QuickLane", "has_lane"]

_NOTHING: Final[Any] = object()
_KEPT = 64  # lists of tools that a lane remembers
_UNUSUAL = (UnusualError, ToolfmtError, ValueError, RecursionError)  # ValueError: JSON and Unicode that is none, integers that Python does not write


@cache
def _meant() -> frozenset[str]:
    """Keys of a row that some layout has a meaning for, messages and tools apart."""
    return frozenset(key for name in layouts() for key in get_layout(name).owns).union(("functions",)) - {"messages"}


def has_lane(source: Format | None, target: Format | None, layout: str | None) -> bool:
    """Whether there is a quick lane from calls in text of one format to another, or to a layout."""
    if source is not None and source.limits.ids:
        return False
    if target is None:
        return layout in ("openai", "trl")
    return layout in (None, "messages_text") and not target.limits.ids and gap_before_calls(target) is not None


def _read_nothing(text: str) -> None:
    """Where no text holds calls."""


def _write_nothing(prose: str, calls: Sequence[ToolCall]) -> str:
    """Where the target is none, or asks for tools and there are none."""
    raise UnusualError


class QuickLane:
    """Converts one row after the other; it remembers the tools that rows stated."""

    def __init__(
        self,
        source: Format | None,
        target: Format | None,
        others: Iterable[Format],
        layout: str,
        shared: ToolSet | None,
        inferred: ToolSet | None,
        padded: bool,
        read_as: str | None,
    ) -> None:
        self.source, self.target, self.layout = source, target, get_layout(layout)
        self.padded, self.read_as = padded, read_as
        self._shared, self._inferred = shared, inferred
        self._gaps = (target and gap_before_calls(target)) or ("", "")
        self._none = self._given(shared)
        self._known: dict[bytes | str, Given | None] = {}
        self._last = (_NOTHING, self._none)
        untold = ""
        if target is not None and not target.limits.typed_values:
            untold = f"{target.name} does not say types: a reader will need the tool list"
        self._task = Task(PlainTexts(source, target, others), self.layout, target, padded, untold)

    def batch(self, rows: Iterable[object]) -> list[Outcome | None]:
        """What becomes of rows; None where that is for the careful way to say."""
        self._last = (_NOTHING, self._none)  # what a list holds may be another by now
        made: list[Outcome | None] = []
        for row in rows:
            try:
                made.append(self._convert(row))
            except _UNUSUAL:
                made.append(None)
        return made

    def _convert(self, row: object) -> Outcome:
        if type(row) is not dict:
            raise UnusualError
        messages = row.get("messages")
        stated = "tools" in row
        if type(messages) is not list or (len(row) > 1 + stated and not row.keys().isdisjoint(_meant())):
            raise UnusualError
        given = self.given(row) if stated else self._none
        work = QuickRow(self._task, given)
        made: list[dict[str, Any]] = []
        for message in messages:
            made.append(work.message(len(made), message))
        name = "trl" if work.objects else "openai" if work.structured else "messages_text"
        if (self.read_as is not None and self.read_as != name) or (work.unread and not work.calls):
            raise UnusualError
        if name == self.layout.name:
            if self.target is None:
                raise UnusualError
            new = {**row, "messages": made} if work.changed else dict(row)
            return Outcome(new, name, work.calls, work.changed, (), work.notices)
        new = {**row, "messages": made}
        if stated:
            new["tools"] = self._moved(row["tools"], given)
        return Outcome(new, name, work.calls, True, (), work.notices)

    # -- tools

    def given(self, row: Mapping[str, Any]) -> Given:
        """The tools of a row that has a key for them."""
        tools = row["tools"]
        last, given = self._last
        if tools is last:
            return given
        try:
            key = tools if type(tools) is str else marshal.dumps(tools, 2)
        except ValueError:
            raise UnusualError from None
        if key not in self._known:
            if len(self._known) == _KEPT:
                self._known.clear()
            self._known[key] = self._read_given(row)
        found = self._known[key]
        if found is None:
            raise UnusualError
        self._last = (tools, found)
        return found

    def states_tools(self, row: object) -> bool:
        """Whether the row is sure to state tools, whatever layout of the lane it has."""
        if type(row) is not dict or "tools" not in row or type(row.get("messages")) is not list:
            return False
        if len(row) > 2 and not row.keys().isdisjoint(_meant()):
            return False
        try:
            given = self.given(row)
        except (UnusualError, ToolfmtError):
            return False
        return given.offers and given.moves

    def _read_given(self, row: Mapping[str, Any]) -> Given | None:
        given, layout = row["tools"], self.layout
        offer = layout.offer({"tools": given}, padded=self.padded)
        tools = offer.definitions or ()
        if any("input_schema" in tool for tool in tools):
            return None  # a row of layout `anthropic`
        made = self._given(self._shared if offer.tools is None else offer.tools)
        return made._replace(
            offers=offer.tools is not None,
            moves=all(layout.definition(tool) is tool for tool in tools),
            as_is=type(given) is list and not self.padded and str not in map(type, given),
            definitions=None if offer.definitions is None else marshal.dumps(list(tools), 2),
        )

    def _given(self, tools: ToolSet | None) -> Given:
        source, target = self.source, self.target
        read: Callable[[str], tuple[str, list[ToolCall]] | None] = _read_nothing
        write: Callable[[str, Sequence[ToolCall]], str] = _write_nothing
        if source is not None:
            names = None if source.limits.typed_values else frozenset[str]() if tools is None else tools.names
            read = PlainReader(source, source.typed(argument_types(tools, needs=source.needs_tools)), names).read
        known = self._inferred if tools is None else tools
        if target is not None and not (known is None and target.needs_tools == "types"):
            write = PlainWriter(target, target.typed(argument_types(known, needs=target.needs_tools)), self._gaps).write
        return Given(tools is not None, read, write)

    def _moved(self, tools: Any, given: Given) -> Any:
        """The tools as another layout's row holds them."""
        if not given.moves:
            raise UnusualError
        if given.as_is:
            return list(tools)
        return None if given.definitions is None else marshal.loads(given.definitions)
