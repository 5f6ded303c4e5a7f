"""Assistant texts of the common shape, nothing but a text and then calls: read and written without a `StreamParser`'s states.

Read is only what one `Format.read_whole` takes from the first mark to the end, which is what `StreamParser` does with such a text; anything else is
left to it.
"""

import marshal
import re
from collections.abc import Iterable, Sequence

from toolfmt.detect import may_hold_calls
from toolfmt.format import Format
from toolfmt.ir import ToolCall, build_call, build_result, build_text
from toolfmt.reader import Types

__all__ = ["PlainReader", "PlainTexts", "PlainWriter", "UnusualError", "gap_before_calls"]


class UnusualError(Exception):
    """It is for the careful way."""


class PlainReader:
    """Reads texts in one format that are prose and then calls; nothing where a text is anything else."""

    __slots__ = ("_before_call", "_first", "_names", "_only_at_start", "_openers", "_read_rest", "_think_open", "_types")

    def __init__(self, fmt: Format, types: Types, names: frozenset[str] | None = None) -> None:
        """A call of another tool than ``names``, where these are given, is unusual."""
        markers, self._names = fmt.markers, names
        self._types, self._read_rest, self._first, self._openers = types, fmt.read_rest, markers.first.search, markers.openers
        self._before_call, self._only_at_start, self._think_open = markers.before_call, markers.only_at_start, markers.think_open

    def read(self, text: str) -> tuple[str, list[ToolCall]] | None:
        """The prose and the calls."""
        split = self.split(text)
        if split is None:
            return None
        prose, at = split
        calls = self._read_rest(text, at, self._types)
        if calls is None:
            return None
        if self._names is not None and not self._names.issuperset([call.name for call in calls]):
            raise UnusualError
        return prose, calls

    def split(self, text: str) -> tuple[str, int] | None:
        """The text before the first mark, if that opens a call, and where it stands."""
        found = self._first(text)
        if found is None or found[0] not in self._openers or (self._think_open and self._think_open in text):
            return None
        at = found.start()
        prose = text[:at]
        for mark in self._before_call:
            if prose.endswith(mark):
                prose = prose[: -len(mark)]
                break
        if not prose or prose.isspace():
            return "", at  # it stands round calls
        return None if self._only_at_start else (prose, at)

    def opens_at(self, text: str, at: int) -> bool:
        """Whether `split` finds calls, which stand there."""
        found = self._first(text)
        return found is not None and found.start() == at and not (self._think_open and self._think_open in text)


class PlainWriter:
    """Writes texts that are prose and then calls in one format, and reads them back, unless it is certain what they say.  What is not plain raises
    `UnusualError`."""

    __slots__ = ("_alone", "_back", "_format", "_gap", "_surely", "_usual")

    def __init__(self, fmt: Format, types: Types, gaps: tuple[str, str]) -> None:
        """``gaps`` are those of `gap_before_calls`."""
        self._format, self._back, self._surely = fmt, PlainReader(fmt, types), fmt.sure_writer(types)
        markers = fmt.markers
        self._alone, self._gap = gaps
        self._usual = not markers.only_at_start and self._gap == "".join(markers.before_call[:1])
        """Reading takes the gap from the end of the prose, and nothing else but white space."""

    def write(self, prose: str, calls: Sequence[ToolCall]) -> str:
        gap = self._gap if prose else self._alone
        written = self._surely(calls) if self._surely is not None else None
        text = f"{prose}{gap}{self._format.write_calls(calls) if written is None else written}"
        if not text.isascii():
            text.encode()
        if written is None:
            read = self._back.read(text)
            if read is None or read[0] != prose or not same_calls(calls, read[1]):
                raise UnusualError
        elif self._usual and prose[-1:].strip():
            if not self._back.opens_at(text, len(text) - len(written)):
                raise UnusualError
        elif self._back.split(text) != (prose, len(text) - len(written)):
            raise UnusualError
        return text


def gap_before_calls(fmt: Format) -> tuple[str, str] | None:
    """What the format writes before calls: where nothing stands before them, and after a text; None for one that does not put them side by side."""
    call = build_call("f", {})
    if type(fmt).write is not Format.write:
        return None
    return fmt.joint(None, call), fmt.joint(build_text("a"), call)


def same_calls(wanted: Sequence[ToolCall], got: Sequence[ToolCall]) -> bool:
    """Whether the calls are the same, order of keys and types of values included."""
    return len(wanted) == len(got) and all(
        one.name == other.name and one.id == other.id and marshal.dumps(one.arguments, 2) == marshal.dumps(other.arguments, 2)
        for one, other in zip(wanted, got, strict=True)
    )


class PlainTexts:
    """The other texts of rows, and what results are in the target format.  What is not plain raises `UnusualError`."""

    def __init__(self, source: Format | None, target: Format | None, others: Iterable[Format] = ()) -> None:
        """``others`` are the formats that a row may be in where it is not in ``source``."""
        self.source, self.target = source, target
        marks = [mark for fmt in (source, target) if fmt is not None for mark in (*fmt.opens, *fmt.frames)]
        self._other_marks = re.compile("|".join(re.escape(mark) for fmt in others for mark in fmt.opens) or r"(?!)")
        self._marks = re.compile("|".join(map(re.escape, marks)) or r"(?!)")
        self._result_head = "" if target is None or target is source else target.result_opens.partition("{name}")[0]

    def may_call(self, text: str) -> bool:
        """Whether a text in which the source reads no call may hold one of a format that is not looked for; of another it must not."""
        if self._marks.search(text):
            raise UnusualError
        if not may_hold_calls(text):
            return False
        if self._other_marks.search(text):
            raise UnusualError
        return True

    def check_prompt(self, role: str, text: str) -> None:
        """Nor may a prompt hold results or a list of tools."""
        source = self.source
        if role == "user":
            if source is not None and source.result_opens and source.read_results(text):
                raise UnusualError
            if self._result_head and text.startswith(self._result_head):
                raise UnusualError
        if source is not None and source.find_tools(text) is not None:
            raise UnusualError

    def read_result(self, text: str) -> tuple[str, str | None]:
        """The one result that a text in the source format is, and its tool's name."""
        results = None if self.source is None else self.source.read_results(text)
        if results is None or len(results) != 1:
            raise UnusualError
        return results[0].content, results[0].name

    def write_result(self, content: str, name: str) -> str:
        """A result's text in the target format, read back."""
        target = self.target
        assert target is not None
        said = name if target.limits.result_names else None
        text = target.write_results([build_result(content, said)])
        if not text.isascii():
            text.encode()
        read = target.read_results(text)
        if read is None or len(read) != 1 or read[0].content != content or (said is not None and read[0].name != said):
            raise UnusualError
        return text
