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

__all__ = ["PlainTexts", "UnusualError", "gap_before_calls", "read_plain", "reads_back", "split_prose"]


def read_plain(text: str, fmt: Format, types: Types) -> tuple[str, list[ToolCall]] | None:
    """The text before the calls and the calls; None where there are none, or where anything else stands in it."""
    split = split_prose(text, fmt)
    calls = None if split is None else fmt.read_rest(text, split[1], types)
    return None if split is None or calls is None else (split[0], calls)


def split_prose(text: str, fmt: Format) -> tuple[str, int] | None:
    """The text before the first mark, if that opens a call, and where it stands."""
    markers = fmt.markers
    found = markers.first.search(text)
    if found is None or markers.kinds.get(found[0]) != "call" or (markers.think_open and markers.think_open in text):
        return None
    at = end = found.start()
    if not at:
        return "", 0
    for mark in markers.before_call:
        if text.endswith(mark, 0, at):
            end -= len(mark)
            break
    prose = text[:end]
    if not prose or prose.isspace():
        return "", at  # it stands round calls
    return None if markers.only_at_start else (prose, at)


def reads_back(text: str, prose: str, gap: str, calls: Sequence[ToolCall], fmt: Format, types: Types) -> bool:
    """Whether the format reads what it wrote of these, a gap between them, as it was meant; no is no proof that it does not."""
    at = len(prose) + len(gap)
    if split_prose(text, fmt) != (prose, at):
        return False
    if fmt.surely_read(text, at, calls, types):
        return True
    read = fmt.read_rest(text, at, types)
    return read is not None and same_calls(calls, read)


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


class UnusualError(Exception):
    """It is for the careful way."""


class PlainTexts:
    """The texts of rows in the source format, and what they are in the target format.  What is not plain raises `UnusualError`."""

    def __init__(self, source: Format | None, target: Format | None, others: Iterable[Format] = ()) -> None:
        """``others`` are the formats that a row may be in where it is not in ``source``."""
        self.source, self.target = source, target
        marks = [mark for fmt in (source, target) if fmt is not None for mark in (*fmt.opens, *fmt.frames)]
        self._other_marks = re.compile("|".join(re.escape(mark) for fmt in others for mark in fmt.opens) or r"(?!)")
        self._marks = re.compile("|".join(map(re.escape, marks)) or r"(?!)")
        self._gaps = (target and gap_before_calls(target)) or ("", "")
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

    def write_calls(self, prose: str, calls: Sequence[ToolCall], types: Types | None) -> str:
        """An assistant's text in the target format, read back under these types."""
        target = self.target
        if target is None or types is None:
            raise UnusualError
        limits = target.limits
        if (prose and not limits.text_before) or (len(calls) > 1 and not limits.many_calls):
            raise UnusualError
        gap = self._gaps[1 if prose else 0]
        text = f"{prose}{gap}{target.write_calls(calls)}"
        if not text.isascii():
            text.encode()
        if not reads_back(text, prose, gap, calls, target, types):
            raise UnusualError
        return text

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
