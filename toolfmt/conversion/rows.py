"""One row at a time: `RowConverter`, plain and picklable, says what a row becomes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from toolfmt.api import parse
from toolfmt.conversion.rewrite import Rewriter, find_block
from toolfmt.detect import may_call
from toolfmt.errors import LayoutError, ToolfmtError
from toolfmt.events import Parsed
from toolfmt.format import Format, openai_tool
from toolfmt.ir import Tool, ToolCall, build_call
from toolfmt.layouts.base import Layout, Offer, Turn, converted, find_layout, get_layout
from toolfmt.registry import get_format
from toolfmt.report import Loss
from toolfmt.tools import ToolSet, as_toolset

__all__ = ["Outcome", "RowConverter", "blocks"]


@dataclass(slots=True)
class Outcome:
    """What became of a row: the new one, or the error for which there is none."""

    row: dict[str, Any] | None = None
    layout: str | None = None
    calls: bool = False
    changed: bool = False
    losses: list[Loss] = field(default_factory=list)
    notices: list[Loss] = field(default_factory=list)
    error: ToolfmtError | None = None


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
        made = Outcome()
        try:
            self._convert(row, made)
        except ToolfmtError as error:
            made.row, made.error = None, error
        return made

    def read(self, row: object) -> tuple[Layout, list[Turn], Offer]:
        """The row's layout, its turns and the tools that it states; LayoutError or ToolSpecError says where it is none."""
        if self.source_layout is None:
            layout = find_layout(row)
        else:
            layout = get_layout(self.source_layout)
            if not isinstance(row, Mapping) or not layout.claims(row):
                raise LayoutError("$", f"expected a row of layout `{layout.name}`, got {_kind(row)}")
        assert isinstance(row, Mapping)
        return layout, layout.read(row), layout.offer(row, padded=self.padded)

    def _convert(self, row: object, made: Outcome) -> None:
        layout, turns, offer = self.read(row)
        assert isinstance(row, Mapping)
        made.layout = layout.name
        known: dict[int, Parsed] = {}
        source = self.format_of(turns, offer, known)
        structured = any(turn.structured for turn in turns)
        target = get_layout(self.layout or (layout.as_text if self.to else layout.name))
        if source is None and not structured and target is layout:
            made.row, made.notices = dict(row), list(self._unread(turns))
            return
        work = self._rewriter(source, target, turns, offer)
        if work is None:
            raise LayoutError("$", f"the calls of this row stand in fields, and layout `{target.name}` has them in text: pass to=")
        if self.padded:
            _unpad(turns, work)
        if work.tools is None or work.tools is self._stated(offer):  # a tools block in the text was not known yet
            work.known = known
        new = work.turns(turns)
        made.calls = work.calls > 0
        made.losses, made.notices = work.losses, work.notices
        if not work.calls:
            made.notices += self._unread(turns)
        made.changed = target is not layout or any(turn.changed for turn in new)
        if work.block is not None and offer.definitions is None:
            offer = Offer(tuple(map(openai_tool, work.block)), offer.key or "tools")
        made.row = converted(row, layout, target, new, offer, work.lose) if made.changed else dict(row)

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
        for fmt in ([main] if main else []) + [get_format(name) for name in self.others]:
            for turn in turns:
                assert turn.text
                if may_call(turn.text, fmt):
                    parsed = parse(turn.text, fmt, tools=tools)
                    if parsed.calls:
                        known[id(turn)] = parsed
                        return fmt
        return main

    def _unread(self, turns: list[Turn]) -> Iterator[Loss]:
        """Texts that would be calls in a format which was not looked for, because it also stands in ordinary text."""
        for turn in turns:
            for name in self.passed_over if turn.role == "assistant" and turn.text else ():
                assert turn.text
                other = get_format(name)
                if may_call(turn.text, other) and parse(turn.text, other).calls:
                    yield Loss("unread", turn.path, detail=f"stays as text: it looks like a {name} call, and the data is in {self.source}")
                    break


def _kind(row: object) -> str:
    return f"the keys `{', '.join(map(str, row))[:80]}`" if isinstance(row, Mapping) else f"`{type(row).__name__}`"


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
            turn.calls = tuple(_unpadded(turn, i, call, work) for i, call in enumerate(turn.calls))


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
