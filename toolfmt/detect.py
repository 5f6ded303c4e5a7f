"""Which format is this text in?  Every format reads it; what was read, and what was left over, decides.

Hostile input: each format reads each text once, in linear time, and never raises; texts longer than the reader's bound are cut there.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import groupby

from toolfmt.argument_types import argument_types
from toolfmt.errors import LayoutError, UnrepresentableError
from toolfmt.events import Parsed
from toolfmt.format import Format
from toolfmt.ir import Text, ToolCall, build_message
from toolfmt.layouts.base import find_layout
from toolfmt.registry import every_format
from toolfmt.stream import StreamParser

__all__ = ["Detection", "detect", "detect_texts", "may_call", "may_hold_calls", "may_rival"]

_SAMPLE = 1000  # texts that are read, at most
# What is left of a score where no call has the property, each:
_BORROWED = 0.7  # it stands in marks that the format reads and does not write
_UNCLOSED = 0.8
_RESPELLED = 0.9  # the format would write it just so
_RULED_OUT = 0.9  # of two formats that spell a text alike, the one against which the values speak


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
        texts = (turn.wire or turn.text for turn in turns if turn.role == "assistant")
        yield from (text for text in texts if text)


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
    respelled: int = 0
    """Calls that the format would have written otherwise."""
    evidence: int = 0
    quality: float = 0.0

    def add(self, text: str, parsed: Parsed) -> None:
        fmt = self.format
        malformed = len(parsed.malformed)
        if not parsed.calls:
            self.malformed += malformed
            return
        calls = respelled = 0
        own = closed = 0.0
        for part, start, end in parsed.placed:
            if isinstance(part, ToolCall):
                calls += 1
                self.covered += end - start
                self.evidence += fmt.evidence(part)
                own += start == end or _opener(fmt, text, start) == fmt.opens[0]
                closed += start == end or _is_closed(fmt, text, start, end)
        for run in _runs(parsed):
            respelled += len(run) * (not _is_spelled(fmt, text, run))
        leftover = sum(len(_marks().findall(part.text)) for part in parsed.parts if isinstance(part, Text))
        read = calls / (calls + malformed + leftover)
        self.calls += calls
        self.texts += 1
        self.malformed += malformed
        self.leftover += leftover
        self.unclosed += calls - int(closed)
        self.respelled += respelled
        shares = (_BORROWED, own / calls), (_UNCLOSED, closed / calls), (_RESPELLED, 1 - respelled / calls)
        for worst, share in shares:
            read *= worst + (1 - worst) * share
        self.quality += read


def _runs(parsed: Parsed) -> Iterator[list[ToolCall]]:
    """Calls that stand side by side."""
    for is_call, parts in groupby(parsed.parts, key=lambda part: isinstance(part, ToolCall)):
        if is_call:
            yield [part for part in parts if isinstance(part, ToolCall)]


def _is_spelled(fmt: Format, text: str, calls: list[ToolCall]) -> bool:
    """Whether the format writes these calls just so."""
    try:
        return fmt.write(build_message(calls)) in text
    except (UnrepresentableError, UnicodeEncodeError, RecursionError):
        return False


def _opener(fmt: Format, text: str, start: int) -> str:
    """The mark that opens the block at ``start``."""
    return max((mark for mark in fmt.opens if text.startswith(mark, start)), key=len, default="")


def _is_closed(fmt: Format, text: str, start: int, end: int) -> bool:
    for opening, closing in zip(fmt.opens, fmt.closes, strict=False):
        if text.startswith(opening, start):
            return text.endswith(closing, start, end)
    return True


@cache
def _pattern(every: tuple[Format, ...]) -> re.Pattern[str]:
    marks = {mark for fmt in every if not fmt.ambiguous for mark in (*fmt.opens, *fmt.closes) if len(mark) > 3 and mark not in fmt.end_of_turn}
    return re.compile("|".join(re.escape(mark) for mark in sorted(marks, key=len, reverse=True)))


def _marks() -> re.Pattern[str]:
    """The marks of calls that no prose holds."""
    return _pattern(every_format())


def may_call(text: str, fmt: Format) -> bool:
    """Whether a mark of the format stands where it could open a call."""
    if _only_starts(fmt):
        return text.lstrip().startswith(fmt.opens)
    return any(mark in text for mark in fmt.opens)


def _only_starts(fmt: Format) -> bool:
    """Whether calls of the format stand at the very start of a text or nowhere."""
    return fmt.only_at_start and fmt.reasoning is None


def _candidates(text: str) -> list[Format]:
    """The formats for which `may_call` holds, in order: quicker than to ask for each."""
    every = every_format()
    starts, anywhere = _marks_of(every)
    begin = text.lstrip()
    found = {place for place, marks in starts if begin.startswith(marks)}
    return [every[place] for place in sorted(found.union(*[places for mark, places in anywhere if mark in text]))]


@cache
def _marks_of(every: tuple[Format, ...]) -> tuple[list[tuple[int, tuple[str, ...]]], list[tuple[str, set[int]]]]:
    starts, anywhere = list[tuple[int, tuple[str, ...]]](), dict[str, set[int]]()
    for place, fmt in enumerate(every):
        if _only_starts(fmt):
            starts.append((place, fmt.opens))
        for mark in () if _only_starts(fmt) else fmt.opens:
            anywhere.setdefault(mark, set()).add(place)
    return starts, list(anywhere.items())


@cache
def _openers(every: tuple[Format, ...]) -> re.Pattern[str]:
    """The marks that open calls anywhere, and, at the start of a text, those that do only there; a NUL stands before each text."""
    anywhere, first = set[str](), set[str]()
    for fmt in every:
        (first if _only_starts(fmt) else anywhere).update(fmt.opens)
    found = [re.escape(mark) for mark in sorted(anywhere)]
    # no mark need be told from one that it begins with, so the shorter ones will do
    shortest = [mark for mark in found if not any(mark != other and mark.startswith(other) for other in found)]
    return re.compile("|".join([*shortest, *(rf"\0\s*{re.escape(mark)}" for mark in sorted(first - anywhere))]))


@cache
def _rare(every: tuple[Format, ...]) -> re.Pattern[str]:
    """A character of each mark that opens calls, one that is rare in prose where it has one: what has none of them holds no mark."""
    found = {next((char for char in mark if not char.isalnum() and char not in " ._"), mark[0]) for fmt in every for mark in fmt.opens}
    return re.compile(f"[{re.escape(''.join(sorted(found)))}]")


def may_hold_calls(*texts: str) -> bool:
    """Whether `may_call` holds for any format in one of the texts: one search, or two.  A NUL in a text may make it true where none does."""
    rare, openers = _searches()
    text = "\0".join(texts)
    return rare.search(text) is not None and openers.search(f"\0{text}") is not None


_kept: tuple[tuple[Format, ...], re.Pattern[str], re.Pattern[str]] | None = None


def _searches() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Both patterns of all formats, which are most often the same ones; to ask a cache for them takes as long as a search."""
    global _kept
    every, kept = every_format(), _kept
    if kept is None or kept[0] is not every:
        _kept = kept = (every, _rare(every), _openers(every))
    return kept[1], kept[2]


def read_calls(text: str, fmt: Format) -> Parsed:
    return StreamParser(fmt, argument_types(None), events=False).read(text[: StreamParser.max_chars])


def detect_texts(texts: Iterable[str]) -> list[Detection]:
    """`detect` on assistant texts; reads the first thousand that may hold a call."""
    tallies: dict[str, _Tally] = {}
    likely = 0
    for text in filter(may_hold_calls, texts):
        if likely == _SAMPLE:
            break
        called = False
        for fmt in _candidates(text):
            parsed = read_calls(text, fmt)
            tallies.setdefault(fmt.name, _Tally(fmt)).add(text, parsed)
            called |= bool(parsed.calls)
        likely += called
    found = {fmt.name: tallies[fmt.name] for fmt in every_format() if fmt.name in tallies and tallies[fmt.name].calls}
    scores = {name: tally.quality / likely for name, tally in found.items()}
    reasons = {name: _reason(tally, likely) for name, tally in found.items()}
    _tell_twins_apart(found, scores, reasons)
    order = sorted(found, key=lambda name: (-scores[name], -found[name].covered))  # stable: the registry's order between equals
    return [Detection(name, round(scores[name], 4), found[name].calls, reasons[name]) for name in order]


def may_rival(text: str, fmt: Format, call: ToolCall, at: int) -> bool:
    """Whether `detect` could name another format where ``fmt`` reads prose and a call, which is written as it writes it and begins at ``at``."""
    found = _searches()[1].search(f"\0{text}")
    if found is None or found.start() != at + 1 or _marks().search(text, 0, at):
        return True  # something stands before the call
    first = True  # of formats that read the same, `detect` names the first
    for other in _candidates(text):
        if other is fmt:
            first = False
            continue
        wins = first and text.startswith(other.opens[0], at)
        if wins or type(other).evidence is not Format.evidence:
            read = read_calls(text, other).calls
            if read and (wins or sum(map(other.evidence, read)) > fmt.evidence(call)):
                return True
    return False


def _reason(tally: _Tally, likely: int) -> str:
    said = f"{tally.calls} call{'s' * (tally.calls != 1)} in {tally.texts} of {likely} text{'s' * (likely != 1)}"
    notes = (
        (tally.malformed, "malformed"),
        (tally.leftover, "marks left over"),
        (tally.unclosed, "not closed"),
        (tally.respelled, "spelled otherwise than it writes them"),
    )
    for count, what in notes:
        said += f", {count} {what}" if count else ""
    return said


def _tell_twins_apart(found: Mapping[str, _Tally], scores: dict[str, float], reasons: dict[str, str]) -> None:
    """Formats that read and write these texts alike: the values may speak for one of them (`Format.evidence`)."""
    top = max(scores.values(), default=0.0)
    twins = [name for name, score in scores.items() if score == top]
    most = max((found[name].evidence for name in twins), default=0)
    for name in twins if len(twins) > 1 else ():
        others = ", ".join(twin for twin in twins if twin != name)
        if found[name].evidence < most:
            scores[name] *= _RULED_OUT
            reasons[name] += "; the values speak for a twin of it"
        elif any(found[twin].evidence < most for twin in twins):
            reasons[name] += f"; rather than {others}: the values speak for it ({most})"
        else:
            reasons[name] += f"; {others} would spell this the same, and the first of them is the safe guess"
