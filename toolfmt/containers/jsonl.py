"""JSONL: a row a line.  Lines are read and written as bytes, so that a row that is not changed keeps its spelling.

What is not kept: a byte order mark, blank lines, and the way lines end (``\\n`` is written).  Bounded: a line over `MAX_ROW` bytes never
stands in memory whole.
"""

from collections.abc import Iterator
from functools import partial
from typing import IO

from toolfmt.containers import base
from toolfmt.containers.base import BEGIN, Read, Source, Start
from toolfmt.conversion.rows import Outcome, RowConverter
from toolfmt.errors import LayoutError
from toolfmt.values import JSONTextError, dumps, loads

__all__ = ["LinesSink", "count_lines", "line_of", "one_line", "read_lines", "read_row"]

_PIECE = 1024 * 1024


def read_lines(file: IO[bytes], start: Start = BEGIN) -> Iterator[Read]:
    """The rows from ``start`` on, where ``file`` stands."""
    row, line, end = start.row, start.line, start.offset
    bound = base.MAX_ROW
    for raw in iter(partial(file.readline, bound + 1), b""):
        line += 1
        end += len(raw)
        if line == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        if not raw or raw.isspace():
            continue
        if len(raw) > bound and not raw.endswith(b"\n"):
            rest = _Rest(file)
            yield Read(row, line, end, raw, error=_too_long(bound), more=rest)
            end += rest.drain()
        else:
            yield read_row(raw.rstrip(b"\r\n"), row, line, end)
        row += 1


def count_lines(file: IO[bytes]) -> int:
    """How many rows `read_lines` finds: lines that are not blank; none is decoded."""
    count, blank = 0, True
    piece = file.readline(_PIECE).removeprefix(b"\xef\xbb\xbf")
    while piece:
        blank = blank and piece.isspace()
        if piece.endswith(b"\n"):
            count, blank = count + (not blank), True
        piece = file.readline(_PIECE)
    return count + (not blank)


def read_row(raw: bytes, row: int, line: int | None, end: int) -> Read:
    """The row that these bytes of JSON are."""
    try:
        return Read(row, line, end, raw, loads(raw.decode()))
    except UnicodeDecodeError as error:
        found = LayoutError("$", f"not UTF-8: {error.reason} at byte {error.start}: `0x{raw[error.start]:02x}`")
    except JSONTextError as error:
        found = LayoutError("$", f"expected a JSON object: {error}")
    return Read(row, line, end, raw, error=found)


def _too_long(bound: int) -> LayoutError:
    return LayoutError("$", f"a row of more than {bound} bytes, the most that is read; split it")


class _Rest:
    """The rest of a long line, in pieces."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._size, self._more = file, 0, True

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = self._file.readline(_PIECE) if self._more else b""
        if not piece:
            raise StopIteration
        self._size += len(piece)
        self._more = not piece.endswith(b"\n")
        return piece

    def drain(self) -> int:
        """Read what nobody did; how many bytes the rest had."""
        for _ in self:
            pass
        return self._size


class LinesSink:
    """Writes a row a line; one that is not changed, and stood in a line or a list of JSON, as it stood."""

    def __init__(self, file: IO[bytes], _source: Source, _converter: RowConverter) -> None:
        self._write = file.write

    def add(self, read: Read, outcome: Outcome) -> None:
        self._write(line_of(read, outcome) + b"\n")

    def finish(self) -> None:
        """Nothing: a file of lines ends with its last one."""

    def close(self) -> None:
        """Nothing is held."""


def line_of(read: Read, outcome: Outcome) -> bytes:
    """The row in one line of JSON."""
    return dumps(outcome.row).encode() if outcome.changed or not read.raw else one_line(read.raw)


def one_line(raw: bytes) -> bytes:
    """JSON without the ends of lines, which can stand only between its tokens."""
    return raw if b"\n" not in raw and b"\r" not in raw else raw.replace(b"\r", b"").replace(b"\n", b"")
