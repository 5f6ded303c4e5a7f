"""One row at a time: `RowConverter`, plain and picklable, says what a row becomes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from toolfmt.api import parse
from toolfmt.conversion.outcome import Outcome
from toolfmt.conversion.quick import QuickLane, has_lane
from toolfmt.conversion.rewrite import Rewriter, find_block
from toolfmt.detect import may_call, may_hold_calls
from toolfmt.errors import LayoutError, ToolfmtError
from toolfmt.events import Parsed
from toolfmt.format import Format, openai_tool
from toolfmt.ir import Tool, ToolCall, build_call
from toolfmt.layouts.base import Layout, Offer, Row, Turn, converted, find_layout, get_layout, is_object
from toolfmt.registry import get_format
from toolfmt.report import Loss
from toolfmt.tools import ToolSet, as_toolset

__all__ = ["STAGED", "Outcome", "RowConverter", "blocks", "lane_of"]

STAGED: Final = 32
"""Rows that are converted together: enough that a stage is worth its start, few enough that all of them stay in the processor's caches."""


@dataclass(frozen=True, slots=True)
class RowConverter:
    """All that decides what a row becomes; pure, and picklable."""

    to: str | None
    layout: str | None
    source: str | None = None
    """The format of calls in text; None where none was found."""
    others: tuple[str, ...] = ()
    """Formats to try on a row that ``source`` reads no call in."""
    passed_over: tuple[str, ...] = ()
    """Formats that also stand in ordinary text and were not tried."""
    tools: tuple[Tool, ...] | None = None
    inferred: tuple[Tool, ...] | None = None
    padded: bool = False
    """Rows come from Arrow, where a null may be padding."""
    source_layout: str | None = None
    """The layout of every row; None finds it row by row."""

    def __call__(self, row: object) -> Outcome:
        """Convert one row; never raises for what is in it."""
        return self.batch((row,))[0]

    def batch(self, rows: Iterable[object]) -> list[Outcome]:
        """Convert rows: in the quick lane, or one stage after the other.  The code of a stage, and not of all, fits a processor's first cache, which
        saves a third of the time with a few dozen rows (`STAGED`)."""
        rows = list(rows)
        lane = lane_of(self)
        if lane is None:
            return self.carefully(rows)
        outcomes = lane.batch(rows)
        left = [number for number, outcome in enumerate(outcomes) if outcome is None]
        for number, outcome in zip(left, self.carefully([rows[number] for number in left]) if left else (), strict=True):
            outcomes[number] = outcome
        return outcomes  # type: ignore[return-value]

    def carefully(self, rows: Iterable[object]) -> list[Outcome]:
        """The same without the quick lane."""
        open_rows = [_Open(row) for row in rows]
        outcomes = [row.made for row in open_rows]
        for stage in (self._read, self._prepare, self._rewrite, self._prove, self._write):
            for row in open_rows:
                try:
                    stage(row)
                except ToolfmtError as error:
                    row.made.row, row.made.error = None, error
            open_rows = [row for row in open_rows if row.made.row is None and row.made.error is None]
        return outcomes

    def read(self, row: object) -> tuple[Layout, list[Turn], Offer]:
        """The row's layout, its turns and the tools that it states; LayoutError or ToolSpecError says where it is none."""
        layout, row = self._layout(row)
        return layout, layout.read(row), layout.offer(row, padded=self.padded)

    def states_tools(self, row: object) -> bool:
        """Whether the row states tools, likewise."""
        lane = lane_of(self)
        if lane is not None and lane.states_tools(row):
            return True
        layout, read = self._layout(row)
        return layout.offer(read, padded=self.padded).tools is not None

    def _layout(self, row: object) -> tuple[Layout, Row]:
        layout = find_layout(row) if self.source_layout is None else get_layout(self.source_layout)
        if not is_object(row) or (self.source_layout is not None and not layout.fits(row)):
            raise LayoutError("$", f"expected a row of layout `{layout.name}`, got {_kind(row)}")
        return layout, row

    def _read(self, row: "_Open") -> None:
        row.layout, row.turns, row.offer = self.read(row.data)
        row.made.layout = row.layout.name

    def _prepare(self, row: "_Open") -> None:
        """Find the format of its texts; a row without calls is done."""
        layout, turns, made = row.layout, row.turns, row.made
        known: dict[int, Parsed] = {}
        source = self.format_of(turns, row.offer, known)
        structured = True in [turn.structured for turn in turns]
        row.target = target = get_layout(self.layout or (layout.as_text if self.to else layout.name))
        if self.to is None and source is None and not structured and target is layout:
            made.row, made.notices = dict(row.data), list(self._unread(turns))
            return
        work = self._rewriter(source, target, turns, row.offer)
        if work is None:
            raise LayoutError("$", f"the calls of this row stand in fields, and layout `{target.name}` has them in text: pass to=")
        if self.padded:
            _unpad(turns, work)
        if work.tools is None or work.tools is self._stated(row.offer):  # a tools block in the text was not known yet
            work.known = known
        work.same = target is layout
        row.work = work

    def _rewrite(self, row: "_Open") -> None:
        work, made = row.work, row.made
        row.new = work.turns(row.turns)
        made.calls = work.calls > 0
        made.losses, made.notices = work.losses, work.notices
        if not work.calls:
            made.notices = [*work.notices, *self._unread(row.turns)]

    def _prove(self, row: "_Open") -> None:
        row.work.prove()

    def _write(self, row: "_Open") -> None:
        layout, target, offer, work, made = row.layout, row.target, row.offer, row.work, row.made
        made.changed = target is not layout or True in [turn.changed for turn in row.new]
        moved = work.block is not None and offer.definitions is None
        if work.block is not None and moved:
            offer = Offer(tuple(map(openai_tool, work.block)), offer.key or "tools")
        new = converted(row.data, layout, target, row.new, offer, work.lose, work.target) if made.changed else dict(row.data)
        if moved and work.same:
            new |= target.write_offer(offer)
        made.row = new

    def _rewriter(self, source: Format | None, target: Layout, turns: list[Turn], offer: Offer) -> Rewriter | None:
        tools = offer.tools if offer.tools is not None else next(blocks(turns, source), None)
        if tools is None:
            tools = self._stated(offer)
        inferred = as_toolset(self.inferred) if tools is None else None
        if self.to is not None:
            return Rewriter(source, get_format(self.to), tools, inferred)
        if target.places.calls:
            return Rewriter(source, None, tools, places=target.places)
        if any(turn.structured for turn in turns):
            return None
        return Rewriter(source, source, tools) if source else Rewriter(None, None, tools)

    def _stated(self, offer: Offer) -> ToolSet | None:
        """The tools of the row, else those that all rows share."""
        return offer.tools if offer.tools is not None else as_toolset(self.tools)

    def format_of(self, turns: list[Turn], offer: Offer, known: dict[int, Parsed]) -> Format | None:
        """The format that this row's texts are in; what was read to find out is kept in ``known``, by turn."""
        turns = [turn for turn in turns if turn.role == "assistant" and turn.text and not turn.structured]
        main = get_format(self.source) if self.source else None
        if not self.others or not turns:
            return main
        tools = self._stated(offer)
        if main is not None and _is_in(main, turns, tools, known):
            return main
        turns = [turn for turn in turns if turn.text and may_hold_calls(turn.text)]
        others = map(get_format, self.others) if turns else ()
        return next((fmt for fmt in others if _is_in(fmt, turns, tools, known)), main)

    def _unread(self, turns: list[Turn]) -> Iterator[Loss]:
        """Texts that would be calls in a format which was not looked for, because it also stands in ordinary text."""
        for turn in turns if self.passed_over else ():
            if turn.role != "assistant" or not turn.text or not may_hold_calls(turn.text):
                continue
            for name in self.passed_over:
                other = get_format(name)
                if may_call(turn.text, other) and parse(turn.text, other).calls:
                    yield Loss("unread", turn.path, detail=f"stays as text: it looks like a {name} call, and the data is in {self.source}")
                    break


class _Open:
    """A row between two stages; each sets what the next ones need."""

    __slots__ = ("data", "layout", "made", "new", "offer", "target", "turns", "work")
    layout: Layout
    turns: list[Turn]
    offer: Offer
    target: Layout
    work: Rewriter
    new: list[Turn]

    def __init__(self, data: Any) -> None:
        self.data = data
        self.made = Outcome()


_latest: tuple[RowConverter, QuickLane | None] | None = None


def lane_of(converter: RowConverter) -> QuickLane | None:
    """The quick lane of a converter; most calls ask for that of the same one."""
    global _latest
    latest = _latest
    if latest is None or latest[0] is not converter:
        source, target = (None if name is None else get_format(name) for name in (converter.source, converter.to))
        lane = None
        if has_lane(source, target, converter.layout):
            shared, inferred = as_toolset(converter.tools), as_toolset(converter.inferred)
            layout = converter.layout or "messages_text"
            others = map(get_format, converter.others)
            lane = QuickLane(source, target, others, layout, shared, inferred, converter.padded, converter.source_layout)
        _latest = latest = (converter, lane)
    return latest[1]


def _kind(row: object) -> str:
    return f"the keys `{', '.join(map(str, row))[:80]}`" if isinstance(row, Mapping) else f"`{type(row).__name__}`"


def _is_in(fmt: Format, turns: list[Turn], tools: ToolSet | None, known: dict[int, Parsed]) -> bool:
    """Whether the format reads a call in one of the texts; what it read there is kept in ``known``."""
    for turn in turns:
        if turn.text and may_call(turn.text, fmt):
            parsed = parse(turn.text, fmt, tools=tools)
            if parsed.calls:
                known[id(turn)] = parsed
                return True
    return False


def blocks(turns: Iterable[Turn], source: Format | None) -> Iterator[ToolSet]:
    """The tools that prompts list, in the layout's own way or in the source format's."""
    for turn in turns:
        found = find_block(turn, source)
        if found and found[0]:
            yield ToolSet(found[0])


def _unpad(turns: list[Turn], work: Rewriter) -> None:
    """Arguments held as Arrow structs: drop the nulls of keys that the tool does not have; where nobody knows, say so."""
    for turn in turns:
        if turn.objects:
            calls = tuple(_unpadded(turn, i, call, work) for i, call in enumerate(turn.calls))
            turn.plain = turn.plain and calls == turn.calls
            turn.calls, new = calls, iter(calls)
            turn.parts = turn.parts and tuple(next(new) if isinstance(part, ToolCall) else part for part in turn.parts)


def _unpadded(turn: Turn, index: int, call: ToolCall, work: Rewriter) -> ToolCall:
    path = f"{turn.path}.calls[{index}].arguments"
    known = work.tools.parameters(call.name) if work.tools is not None and call.name in work.tools else None
    kept = dict(call.arguments)
    for key in [key for key, value in kept.items() if value is None]:
        if known is None:
            work.losses.append(Loss("null", f"{path}.{key}", detail="null may be Arrow's padding, and no tool list says; pass tools="))
        elif key not in known:
            work.notices.append(Loss("null", f"{path}.{key}", detail="null dropped: Arrow's padding, the tool has no such parameter"))
            del kept[key]
    return build_call(call.name, kept, call.id)
