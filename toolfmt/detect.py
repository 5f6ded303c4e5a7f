"""Which format is this text in?  Every format reads it; what was read, and what was left over, decides.

Hostile input: each format reads each text once, in linear time, and never raises; texts longer than the reader's bound are cut there.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from toolfmt.argument_types import argument_types
from toolfmt.errors import LayoutError
from toolfmt.events import Parsed
from toolfmt.format import Format
from toolfmt.ir import Text, ToolCall
from toolfmt.layouts.base import find_layout
from toolfmt.registry import formats, get_format
from toolfmt.stream import StreamParser

__all__ = ["Detection", "detect", "detect_texts", "may_call"]

_SAMPLE = 1000  # texts that are read, at most
_BORROWED = 0.7  # for a call in marks that the format reads and does not write
_RULED_OUT = 0.9  # for the format of a pair against which the evidence speaks


@dataclass(frozen=True, slots=True)
class Detection:
    """One format that reads calls here: ``score`` from 0 to 1, how many ``calls``, and why."""

    format: str
    score: float
    calls: int
    reason: str


def detect(data: object) -> list[Detection]:
    """The formats in which a text, or the assistant texts of rows of any layout, holds calls; best first, none when there is no call."""
    if isinstance(data, str):
        return detect_texts([data])
    if isinstance(data, Mapping):
        data = [data]
    if not isinstance(data, Iterable):
        raise TypeError(f"detect takes a text or rows, got `{type(data).__name__}`")
    return detect_texts(_texts(data))


def _texts(rows: Iterable[object]) -> Iterable[str]:
    for row in rows:
        if isinstance(row, str):
            yield row
            continue
        try:
            turns = find_layout(row).read(row)  # type: ignore[arg-type]
        except LayoutError:
            continue
        yield from (turn.text for turn in turns if turn.role == "assistant" and turn.text)


@dataclass(slots=True)
class _Tally:
    """What one format read in all texts."""

    format: Format
    calls: int = 0
    texts: int = 0
    malformed: int = 0
    leftover: int = 0
    covered: int = 0
    unclosed: int = 0
    quality: float = 0.0
    values: list[Any] = field(default_factory=list)
    """Top-level argument values, for the rules between twins."""

    def add(self, text: str, parsed: Parsed) -> None:
        calls = malformed = 0
        own = closed = 0.0
        for part, start, end in parsed.placed:
            if isinstance(part, ToolCall):
                calls += 1
                self.covered += end - start
                self.values += part.arguments.values()
                own += start == end or text.startswith(self.format.opens[0], start)
                closed += start == end or _is_closed(self.format, text, start, end)
        malformed = len(parsed.malformed)
        if not calls:
            self.malformed += malformed
            return
        leftover = sum(len(_marks().findall(part.text)) for part in parsed.parts if isinstance(part, Text))
        read = calls / (calls + malformed + leftover)
        self.calls += calls
        self.texts += 1
        self.malformed += malformed
        self.leftover += leftover
        self.unclosed += calls - int(closed)
        self.quality += read * (_BORROWED + (1 - _BORROWED) * own / calls) * (0.8 + 0.2 * closed / calls)


def _is_closed(fmt: Format, text: str, start: int, end: int) -> bool:
    for opening, closing in zip(fmt.opens, fmt.closes, strict=False):
        if text.startswith(opening, start):
            return text.endswith(closing, start, end)
    return True


@cache
def _known(names: tuple[str, ...]) -> tuple[Format, ...]:
    return tuple(get_format(name) for name in names)


def _every() -> tuple[Format, ...]:
    return _known(tuple(info.name for info in formats()))


@cache
def _pattern(every: tuple[Format, ...]) -> re.Pattern[str]:
    marks = {mark for fmt in every if not fmt.ambiguous for mark in (*fmt.opens, *fmt.closes) if len(mark) > 3 and mark not in fmt.end_of_turn}
    return re.compile("|".join(re.escape(mark) for mark in sorted(marks, key=len, reverse=True)))


def _marks() -> re.Pattern[str]:
    """The marks of calls that no prose holds."""
    return _pattern(_every())


def may_call(text: str, fmt: Format) -> bool:
    """Whether a mark of the format stands where it could open a call."""
    if fmt.only_at_start and fmt.reasoning is None:
        return text.lstrip().startswith(fmt.opens)
    return any(mark in text for mark in fmt.opens)


def read_calls(text: str, fmt: Format) -> Parsed:
    return StreamParser(fmt, argument_types(None), events=False).read(text[: StreamParser.max_chars])


def detect_texts(texts: Iterable[str]) -> list[Detection]:
    """`detect` on assistant texts; reads the first thousand that may hold a call."""
    tallies = [_Tally(fmt) for fmt in _every()]
    likely = 0
    for text in texts:
        if likely == _SAMPLE:
            break
        called = False
        for tally in tallies:
            if may_call(text, tally.format):
                before = tally.calls
                tally.add(text, read_calls(text, tally.format))
                called |= tally.calls > before
        likely += called
    found = {t.format.name: t for t in tallies if t.calls}
    scores = {name: tally.quality / likely for name, tally in found.items()}
    reasons = {name: _reason(tally, likely) for name, tally in found.items()}
    for rule in (_qwen, _functiongemma, _fence):
        rule(found, scores, reasons)
    order = sorted(found, key=lambda name: (-scores[name], -found[name].covered))  # stable: the registry's order between equals
    return [Detection(name, round(scores[name], 4), found[name].calls, reasons[name]) for name in order]


def _reason(tally: _Tally, likely: int) -> str:
    said = f"{tally.calls} call{'s' * (tally.calls != 1)} in {tally.texts} of {likely} text{'s' * (likely != 1)}"
    for count, what in ((tally.malformed, "malformed"), (tally.leftover, "marks left over"), (tally.unclosed, "not closed")):
        said += f", {count} {what}" if count else ""
    return said


# Rules between formats that read each other's text

_Found = dict[str, _Tally]


def _between(scores: dict[str, float], reasons: dict[str, str], winner: str, loser: str, why: str) -> None:
    scores[loser] *= _RULED_OUT
    reasons[winner] += f"; rather than {loser}: {why}"
    reasons[loser] += f"; less likely than {winner}: {why}"


def _qwen(found: _Found, scores: dict[str, float], reasons: dict[str, str]) -> None:
    if not {"qwen_xml", "qwen3_coder"} <= found.keys():
        return
    values = [value for value in found["qwen_xml"].values if isinstance(value, str)]
    python = sum(value in ("True", "False", "None") for value in values)
    json = sum(value in ("true", "false", "null") for value in values)
    if python > json:
        _between(scores, reasons, "qwen3_coder", "qwen_xml", "values are spelled True, False or None")
    elif json:
        _between(scores, reasons, "qwen_xml", "qwen3_coder", "values are spelled true, false or null")
    else:
        reasons["qwen_xml"] += "; qwen3_coder spells this the same: no value is true, false or null"
        reasons["qwen3_coder"] += "; qwen_xml spells this the same, and is the safe guess"


def _functiongemma(found: _Found, scores: dict[str, float], reasons: dict[str, str]) -> None:
    if not {"functiongemma", "functiongemma_vllm"} <= found.keys():
        return
    if any(not isinstance(value, str) for value in found["functiongemma"].values):
        _between(scores, reasons, "functiongemma", "functiongemma_vllm", "values stand bare")
    else:
        reasons["functiongemma"] += "; functiongemma_vllm may spell this the same: every value is a string"
        reasons["functiongemma_vllm"] += "; functiongemma may spell this the same: every value is a string"


def _fence(found: _Found, scores: dict[str, float], reasons: dict[str, str]) -> None:
    if {"json_fence", "xlam"} <= found.keys():
        fence = scores["json_fence"] >= scores["xlam"]
        winner, loser = ("json_fence", "xlam") if fence else ("xlam", "json_fence")
        why = "the JSON stands in a code fence" if fence else "the JSON is a bare array"
        reasons[winner] += f"; rather than {loser}: {why}"
        reasons[loser] += f"; less likely than {winner}: {why}"
