"""One row at a time: `RowConverter`, plain and picklable, says what a row becomes; `Collector` decides what that means for the whole;
`plan` finds out first what must be known of the data.
"""

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from toolfmt.api import parse
from toolfmt.detect import detect_texts, may_call
from toolfmt.errors import LayoutError, LossError, ToolfmtError, ToolSpecError, UnrepresentableError
from toolfmt.format import Format, openai_tool
from toolfmt.ir import Tool, ToolCall, build_call
from toolfmt.layouts.base import Layout, Turn, find_layout, get_layout
from toolfmt.registry import formats, get_format
from toolfmt.report import Loss, Reject, Report, ToolfmtWarning, place
from toolfmt.conversion.rewrite import Rewriter, find_block
from toolfmt.tools import ToolSet, as_toolset
from toolfmt.validation import infer_tools
from toolfmt.values import JSONTextError, dumps, loads

__all__ = ["Collector", "Outcome", "RowConverter", "plan"]

_SAMPLE = 500  # rows with calls by which the format is found
_SHARE = 0.05  # of them that an ambiguous format needs to be looked for in every row


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

    def __call__(self, row: object) -> Outcome:
        """Convert one row; never raises for what is in it."""
        made = Outcome()
        try:
            self._convert(row, made)
        except ToolfmtError as error:
            made.row, made.error = None, error
        return made

    def _convert(self, row: object, made: Outcome) -> None:
        layout = find_layout(row)
        assert isinstance(row, Mapping)
        made.layout = layout.name
        turns = layout.read(row)
        given = row_tools(row, self.padded)
        source = self._source(turns)
        structured = any(turn.structured for turn in turns)
        target = get_layout(self.layout or (layout.as_text if structured else layout.name))
        if source is None and not structured and target is layout:
            made.row, made.notices = dict(row), list(self._unread(turns))
            return
        work = self._rewriter(source, target, turns, given)
        if work is None:
            raise LayoutError("$", f"the calls of this row stand in fields, and layout `{target.name}` has them in text: pass to=")
        if self.padded:
            _unpad(turns, work)
        new = work.turns(turns)
        made.calls = work.calls > 0
        made.losses, made.notices = work.losses, work.notices
        if not work.calls:
            made.notices += self._unread(turns)
        made.changed = target is not layout or any(turn.changed for turn in new)
        made.row = target.write(row, new) if made.changed else dict(row)
        if work.block is not None:
            self._add_tools(made.row, work.block)

    def _rewriter(self, source: Format | None, target: Layout, turns: list[Turn], given: ToolSet | None) -> Rewriter | None:
        tools = given if given is not None else next(iter(_blocks(turns, source)), None)
        if tools is None:
            tools = as_toolset(self.tools)
        inferred = as_toolset(self.inferred) if tools is None else None
        if self.to is not None:
            return Rewriter(source, get_format(self.to), tools, inferred)
        if target.holds_calls:
            return Rewriter(source, None, tools, ids=target.holds_ids)
        if any(turn.structured for turn in turns):
            return None
        return Rewriter(source, source, tools) if source else Rewriter(None, None, tools)

    def _source(self, turns: list[Turn]) -> Format | None:
        """The format that this row's texts are in."""
        texts = [turn.text for turn in turns if turn.role == "assistant" and turn.text]
        main = get_format(self.source) if self.source else None
        if not self.others or (main and any(may_call(text, main) and parse(text, main).calls for text in texts)):
            return main
        for name in self.others:
            other = get_format(name)
            if any(may_call(text, other) and parse(text, other).calls for text in texts):
                return other
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

    def _add_tools(self, row: dict[str, Any], tools: tuple[Tool, ...]) -> None:
        if row.get("tools") is None:
            definitions = [openai_tool(tool) for tool in tools]
            row["tools"] = dumps(definitions) if self.padded else definitions


def _blocks(turns: Iterable[Turn], source: Format | None) -> Iterator[ToolSet]:
    for turn in turns if source else ():
        found = find_block(turn, source) if source else None
        if found and found[0]:
            yield ToolSet(found[0])


def row_tools(row: Mapping[str, Any], padded: bool = False) -> ToolSet | None:
    """The tools that a row states, in any shape; None where it states none, ``[]`` included: they say nothing of types."""
    for key in ("tools", "functions"):
        given = row.get(key)
        if isinstance(given, str) and given:
            given = _decode(given, key)
        if isinstance(given, list) and given and all(isinstance(tool, str) for tool in given):
            given = [_decode(tool, f"{key}[{i}]") for i, tool in enumerate(given)]
        if given:
            if not isinstance(given, list):
                raise ToolSpecError(key, f"expected a list of tool definitions, got `{type(given).__name__}`")
            return as_toolset(_without_nulls(given) if padded else given)
    return None


def _decode(text: str, path: str) -> Any:
    try:
        return loads(text)
    except JSONTextError as error:
        raise ToolSpecError(path, f"expected a JSON list of tool definitions, {error}") from None


def _without_nulls(value: Any) -> Any:
    """Without the nulls with which Arrow pads structs; a schema has a use for null only inside lists."""
    if isinstance(value, dict):
        return {key: _without_nulls(held) for key, held in value.items() if held is not None}
    return [_without_nulls(held) for held in value] if isinstance(value, list) else value


def _unpad(turns: list[Turn], work: Rewriter) -> None:
    """Arguments held as Arrow structs: drop the nulls of keys that the tool does not have; where nobody knows, say so."""
    for turn in turns:
        turn.calls = tuple(_unpadded(turn, i, call, work) for i, call in enumerate(turn.calls))


def _unpadded(turn: Turn, index: int, call: ToolCall, work: Rewriter) -> ToolCall:
    if not _held_as_object(turn, index):
        return call
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


def _held_as_object(turn: Turn, index: int) -> bool:
    calls = turn.raw.get("tool_calls")
    if not isinstance(calls, list) or index >= len(calls):
        return False
    held = calls[index].get("function") or calls[index]
    return isinstance(held.get("arguments"), dict)


class Collector:
    """Decides by ``on_loss`` what an outcome means, and keeps the report."""

    def __init__(self, report: Report, on_loss: str) -> None:
        self.report = report
        self.on_loss = on_loss
        self._losses = len(report.losses)
        self._rejects = len(report.rejects)

    def take(self, outcome: Outcome, data: object, row: int | None, line: int | None = None, *, keep_bad: bool = False) -> bool:
        """Whether the row goes on.  ``keep_bad`` rejects broken rows also where losses raise."""
        error = outcome.error
        if error is not None:
            if self.on_loss == "raise" and not (keep_bad and isinstance(error, LayoutError | ToolSpecError)):
                raise _with_row(error, row, line) from None
            self.report.reject(Reject(row, line, str(error), data))
            return False
        losses = [Loss(loss.kind, loss.path, row, loss.detail, line) for loss in outcome.losses]
        if losses and self.on_loss == "raise":
            raise LossError(losses)
        report = self.report
        report.losses += losses
        for notice in outcome.notices:
            report.notice(Loss(notice.kind, notice.path, row, notice.detail, line))
        report.count(outcome.calls, outcome.changed)
        if outcome.layout:
            report.saw_layout(outcome.layout)
        return True

    def warn(self) -> None:
        """One warning for all that was lost or refused since the last one."""
        losses, rejects = self.report.losses[self._losses :], self.report.rejects[self._rejects :]
        self._losses, self._rejects = len(self.report.losses), len(self.report.rejects)
        found: Sequence[object] = [*losses, *rejects]
        if self.on_loss == "warn" and found:
            more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
            said = f"{len(losses)} losses, {len(rejects)} rows refused: {'; '.join(map(str, found[:3]))}{more}"
            warnings.warn(said, ToolfmtWarning, stacklevel=3)


def _with_row(error: ToolfmtError, row: int | None, line: int | None) -> ToolfmtError:
    if isinstance(error, LayoutError | ToolSpecError | UnrepresentableError):
        return type(error)(place(row, line) + error.path, error.reason)
    return error


# What must be known of the data first


def plan(base: RowConverter, source: str, rows: Callable[[], Iterable[object]], *, infer: bool = True) -> RowConverter:
    """``base`` with the format found in the data (``source="auto"``) and, where they are needed, tools inferred from its calls."""
    made = _find_source(base, rows()) if source == "auto" else replace(base, source=get_format(source).name)
    if not infer or made.tools is not None or made.to is None or get_format(made.to).limits.typed_values:
        return made
    inferred = tuple(infer_tools(_calls_without_tools(made, rows())))
    return replace(made, inferred=inferred) if inferred else made


def _find_source(base: RowConverter, rows: Iterable[object]) -> RowConverter:
    best: Counter[str] = Counter()
    for row in rows:
        try:
            turns = find_layout(row).read(row)  # type: ignore[arg-type]
        except ToolfmtError:
            continue
        found = detect_texts([turn.text for turn in turns if turn.role == "assistant" and turn.text])
        if found:
            best[found[0].format] += 1
            if best.total() >= _SAMPLE:
                break
    others = [info.name for info in formats() if not get_format(info.name).ambiguous]
    others += [name for name, times in best.items() if get_format(name).ambiguous and times >= _SHARE * best.total()]
    source = best.most_common(1)[0][0] if best else None
    passed_over = tuple(info.name for info in formats() if info.name not in (source, *others))
    return replace(base, source=source, others=tuple(name for name in others if name != source), passed_over=passed_over)


def _calls_without_tools(converter: RowConverter, rows: Iterable[object]) -> Iterator[ToolCall]:
    """The calls of rows that state no tools, where the spelling says their types."""
    for row in rows:
        try:
            turns = find_layout(row).read(row)  # type: ignore[arg-type]
            source = converter._source(turns)
            if row_tools(row) is not None or next(_blocks(turns, source), None):  # type: ignore[arg-type]
                continue
            for turn in turns:
                yield from turn.calls
                if source and source.limits.typed_values and turn.role == "assistant" and turn.text and not turn.structured:
                    yield from parse(turn.text, source).calls
        except ToolfmtError:
            continue
