"""CSV with a header (comma, double quotes): a cell that holds a list of messages as JSON is that list for reading, any other cell a text.

A row that is not changed, and a column that the conversion leaves alone, comes back with the same text in its cells; quotes around cells are
written only where they are needed, and lines end in ``\\n``.  What a CSV cannot tell: null from an empty text, and a number, a list or a word
such as ``true`` from the text that spells it.  Null is written as an empty cell, other values as JSON.
"""

import contextlib
import csv
import io
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

from toolfmt.containers import base
from toolfmt.containers.base import BEGIN, DamageError, Read, Source, Start
from toolfmt.conversion.rows import Outcome, RowConverter
from toolfmt.errors import LayoutError
from toolfmt.values import JSONTextError, dumps, loads

if TYPE_CHECKING:
    import _csv

__all__ = ["CSVSink", "read_csv"]

_LISTS = ("messages", "conversations")
"""Columns that hold lists and nothing else, an empty one too."""


def read_csv(file: IO[bytes], _start: Start = BEGIN) -> Iterator[Read]:
    """The rows after the header; DamageError where there is no header that names every column once."""
    with _lines(file) as lines:
        header = _header(lines)
        number, line = 0, lines.line_num + 1
        for cells in lines:
            if cells:
                yield _read_cells(header, cells, number, line)
                number += 1
            line = lines.line_num + 1


@contextlib.contextmanager
def _lines(file: IO[bytes]) -> "Iterator[_csv.Reader]":
    csv.field_size_limit(max(csv.field_size_limit(), base.MAX_ROW))  # of the whole process; its default, 128 KiB, is less than a conversation
    text = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
    lines = csv.reader(text, strict=True)
    try:
        yield lines
    except csv.Error as error:
        raise DamageError(f"line {lines.line_num}: not CSV: {error}") from None
    finally:
        text.detach()


def _header(lines: Iterator[list[str]]) -> list[str]:
    header = next(lines, [])
    if not header:
        raise DamageError("expected a first line with the names of the columns")
    for name in header:
        if header.count(name) > 1:
            raise DamageError(f"line 1: two columns have the name `{name}`")
    return header


def _read_cells(header: list[str], cells: list[str], row: int, line: int) -> Read:
    read = Read(row, line, 0, b"", cells=cells)
    if len(cells) != len(header):
        read.error = LayoutError("$", f"expected {len(header)} cells, as in the header, got {len(cells)}")
    elif not all(_is_utf8(cell) for cell in cells):
        read.error = LayoutError("$", "not UTF-8")
    else:
        read.cells = dict(zip(header, cells, strict=True))
        read.value = {name: _decoded(name, cell) for name, cell in read.cells.items()}
    return read


def _is_utf8(text: str) -> bool:
    return text.isascii() or not any("\udc80" <= sign <= "\udcff" for sign in text)


def _decoded(name: str, cell: str) -> Any:
    """The messages that a cell holds, else its text: a text may well be JSON, as calls are in many formats."""
    if cell[:1] != "[":
        return cell
    try:
        value = loads(cell)
    except JSONTextError:
        return cell
    return value if isinstance(value, list) and (name in _LISTS or _are_messages(value)) else cell


def _are_messages(value: list[Any]) -> bool:
    return bool(value) and all(isinstance(item, dict) and ("role" in item or "from" in item) for item in value)


class CSVSink:
    """Writes rows under one header: the columns of all rows, which are converted once more for it before the first is written."""

    def __init__(self, file: IO[bytes], source: Source, converter: RowConverter) -> None:
        self._file = file
        self._line = io.StringIO(newline="")
        self._writer = csv.writer(self._line)  # ends lines in \r\n, and so puts quotes around both
        self._columns = _columns(source, converter)
        self._write(self._columns)

    def add(self, read: Read, outcome: Outcome) -> None:
        row = outcome.row or {}
        try:
            self._write([_cell(row, name, read) for name in self._columns])
        except UnicodeEncodeError:
            raise LayoutError("$", "a CSV has no spelling for half a surrogate pair; write .jsonl") from None

    def finish(self) -> None:
        """Nothing: the file ends with its last row."""

    def close(self) -> None:
        """Nothing is held."""

    def _write(self, cells: list[str]) -> None:
        self._line.seek(0)
        self._line.truncate()
        self._writer.writerow(cells)
        self._file.write(self._line.getvalue().removesuffix("\r\n").encode() + b"\n")


def _columns(source: Source, converter: RowConverter) -> list[str]:
    made: dict[str, None] = {}
    for read in source.rows():
        made |= dict.fromkeys(converter(read.value).row or () if read.error is None else ())
    if made:
        return list(made)
    with source.open() as file, _lines(file) as lines:
        return _header(lines)


def _cell(row: dict[str, Any], name: str, read: Read) -> str:
    """The text of a cell: as it stood where the row has the value that was read from it."""
    value = row.get(name)
    if isinstance(value, str):
        return value
    if isinstance(read.cells, dict) and name in read.cells and value is read.value[name]:
        return read.cells[name]
    return "" if value is None else dumps(value)
