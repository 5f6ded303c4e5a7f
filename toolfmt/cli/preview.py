"""`toolfmt convert --show N`: the first rows that a run changes, as they were and as they are, the calls in them coloured.

Shown is what differs: the keys of a row, and of a list of messages the items, by their place in it.  Texts have their own lines, everything
else is JSON; control characters are escaped.  A long text is cut.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolfmt.api import parse
from toolfmt.cli.common import console, counted, visible
from toolfmt.containers.base import Read
from toolfmt.containers.jobs import Job
from toolfmt.containers.watch import Watch
from toolfmt.conversion.rows import Outcome
from toolfmt.detect import detect_texts
from toolfmt.ir import ToolCall
from toolfmt.report import place

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["Preview"]

_LONG = 2_000  # characters of a text that are shown
_SIDE_BY_SIDE = 120  # columns of a terminal
_CALLS = frozenset({"tool_calls", "function_call", "answers"})
"""Keys whose values are calls, in any layout."""
_KEY, _BEFORE, _AFTER = "bold cyan", "bold yellow", "bold green"


@dataclass(frozen=True, slots=True)
class _Change:
    where: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


class Preview(Watch):
    """Keeps the first ``size`` rows that are changed; those with calls come first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._calls: list[_Change] = []
        self._others: list[_Change] = []

    def row(self, job: Job, read: Read, outcome: Outcome) -> None:
        kept = self._calls if outcome.calls else self._others
        if len(kept) < self._size and outcome.row is not None and outcome.row != read.value:
            kept.append(_Change(f"{job.name}: {place(read.row, read.line)[:-2]}", read.value, outcome.row))

    def _changes(self) -> list[_Change]:
        return [*self._calls, *self._others][: self._size]

    def as_list(self) -> list[dict[str, Any]]:
        """The same for machines."""
        return [{"where": change.where, "before": change.before, "after": change.after} for change in self._changes()]

    def show(self, *, stderr: bool = False) -> None:
        """Print them, side by side where the terminal is wide."""
        out = console(stderr=stderr)
        terminal = (sys.stderr if stderr else sys.stdout).isatty() or "COLUMNS" in os.environ
        for change in self._changes():
            out.print(visible(change.where), style="bold")
            sides = (_lines(change.before, change.after, _BEFORE), _lines(change.after, change.before, _AFTER))
            if terminal and out.width >= _SIDE_BY_SIDE:
                out.print(_beside(*sides), soft_wrap=False)
            else:
                for name, lines in zip(("before", "after"), sides, strict=True):
                    out.print(name, style="dim")
                    for line in lines:
                        out.print(_quoted(line))
            out.print()


def _beside(before: Sequence["Text"], after: Sequence["Text"]) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, expand=True)
    for name in ("before", "after"):
        table.add_column(name, ratio=1, overflow="fold", header_style="dim")
    table.add_row(Text("\n").join(before), Text("\n").join(after))
    return table


def _quoted(line: "Text") -> "Text":
    from rich.text import Text

    return Text("  | ") + line


# What differs of a row, in lines


def _lines(row: Mapping[str, Any], other: Mapping[str, Any], style: str) -> list["Text"]:
    made: list[Text] = []
    for key, value in row.items():
        against = other.get(key)
        if key in other and value == against:
            continue
        if isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value) and key not in _CALLS:
            made += _items(key, value, against if isinstance(against, list) else [], style)
        else:
            made += _field(key, value, style)
    return made


def _items(key: str, items: Sequence[Mapping[str, Any]], against: Sequence[Any], style: str) -> Iterator["Text"]:
    from rich.text import Text

    same = 0
    for index, item in enumerate(items):
        if index < len(against) and item == against[index]:
            same += 1
            continue
        yield Text(f"{visible(key)}[{index}]", _KEY)
        for name, value in item.items():
            yield from _field(name, value, style)
    if same:
        yield Text(f"({counted(same, 'item')} of {visible(key)} as before)", "dim")


def _field(key: str, value: Any, style: str) -> Iterator["Text"]:
    from rich.text import Text

    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    head = Text(f"{visible(key)}: ", _KEY)
    shown = (
        _coloured(text, style)
        if isinstance(value, str) and key not in _CALLS
        else _plain(text, style if key in _CALLS else "")
    )
    lines = shown.split("\n", allow_blank=True)
    if len(lines) == 1:
        yield head + lines[0]
        return
    yield head
    for line in lines:
        yield Text("  ") + line


def _coloured(text: str, style: str) -> "Text":
    """A text with its calls in ``style``, in whichever format they are."""
    from rich.text import Text

    made = Text()
    found = detect_texts([text])
    if len(text) > _LONG or not found:
        return _plain(text, "")
    for placed in parse(text, found[0].format).placed:
        made.append(visible(text[placed.start : placed.end]), style if isinstance(placed.part, ToolCall) else None)
    return made


def _plain(text: str, style: str) -> "Text":
    from rich.text import Text

    made = Text(visible(text[:_LONG]), style)
    if len(text) > _LONG:
        made.append(f" ... {counted(len(text) - _LONG, 'character')} more", "dim")
    return made
