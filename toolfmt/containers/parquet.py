"""Parquet: read and written a batch at a time, under one schema that is known before the first row.

Metadata and compression of the file stay, and so does every column that no conversion touches, type and all: it is copied from array to array.
Where rows leave Parquet (rejects, another kind of file), what JSON has no word for is text: dates and times in ISO 8601, decimals, NaN and the
infinities by name, bytes in base64.
"""

import base64
import contextlib
import datetime
import decimal
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, Any

from toolfmt.containers.arrow_types import Write, holds_structs, json_type, pyarrow, reader, said, storage, writer
from toolfmt.containers.base import BEGIN, DamageError, Read, Source, Start
from toolfmt.containers.schema import (
    Column,
    check_schema,
    describe,
    describe_rows,
    known_columns,
    padded_columns,
    stripper,
)
from toolfmt.conversion.rows import Outcome, RowConverter
from toolfmt.errors import LayoutError, UnrepresentableError

__all__ = ["ParquetSink", "count_parquet", "is_padded_file", "plain", "read_parquet"]

_BATCH = 1000
"""Rows that are Python objects at one time."""
_BATCH_BYTES = 32 * 1024 * 1024
"""So many bytes of them, about."""
_GROUP_ROWS = 20_000
_GROUP_BYTES = 64 * 1024 * 1024
"""After so many rows, or bytes in memory, a row group is written."""
_SAMPLE = 500  # rows by which the columns of the result are known
_MAGIC = b"PAR1"


def read_parquet(file: IO[bytes], start: Start = BEGIN) -> Iterator[Read]:
    """The rows; DamageError where the file is no Parquet, or its schema none of conversations."""
    opened = _opened(file)
    try:
        check_schema(opened.schema_arrow)
    except LayoutError as error:
        raise DamageError(str(error)) from None
    row = 0
    for batch in _batches(opened):
        for read in _rows(batch, row):
            if read.row >= start.row:
                yield read
        row += batch.num_rows


def is_padded_file(file: IO[bytes]) -> bool:
    """Whether free-form values stand in structs, whose nulls may be padding; of a file that cannot be read, its reader tells."""
    try:
        return padded_columns(_opened(file).schema_arrow)
    except DamageError:
        return False


def count_parquet(file: IO[bytes]) -> int:
    """How many rows there are; DamageError where the file is no Parquet."""
    return int(_opened(file).metadata.num_rows)


def _opened(file: IO[bytes]) -> Any:
    arrow = pyarrow()
    from pyarrow.parquet import ParquetFile

    try:
        return ParquetFile(file, pre_buffer=False, buffer_size=1024 * 1024)
    except arrow.ArrowInvalid as error:
        raise DamageError(f"not Parquet: {_first_line(error)}") from None


def _batches(opened: Any) -> Iterator[Any]:
    pa = pyarrow()
    try:
        yield from opened.iter_batches(batch_size=_batch_rows(opened.metadata), use_threads=False)
    except (pa.ArrowInvalid, OSError) as error:
        raise DamageError(f"the Parquet data is broken: {_first_line(error)}") from None
    except (pa.ArrowNotImplementedError, pa.ArrowCapacityError) as error:
        raise DamageError(f"pyarrow cannot read this: {_first_line(error)}") from None


def _batch_rows(metadata: Any) -> int:
    """How many rows are read at a time: fewer where they are large."""
    size = int(sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups)))
    return max(1, min(_BATCH, _BATCH_BYTES * int(metadata.num_rows) // max(1, size)))


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _rows(batch: Any, first: int) -> Iterator[Read]:
    names = batch.schema.names
    readers = {name: reader(batch.schema.field(name).type) for name in names}
    structs = [name for name in names if holds_structs(batch.schema.field(name).type)]
    strips = {name: strip for name in structs if (strip := stripper(name)) is not None}
    columns = [batch.column(i).to_pylist() for i in range(len(names))]
    for i, values in enumerate(zip(*columns, strict=True)):
        read = Read(first + i, None, 0, b"")
        row: dict[str, Any] = {}
        for name, value in zip(names, values, strict=True):
            decode = readers[name]
            try:
                held = value if decode is None else decode(value, f"$.{name}")
            except LayoutError as error:
                held, read.error = value, error
            row[name] = plain(held)
        read.value = {name: strips[name](held) if name in strips else held for name, held in row.items()}
        read.cells = row if read.error is not None else None  # what the reject says the row was
        yield read


def plain(value: Any) -> Any:
    """A value as JSON can say it."""
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, dict):
        return {key: plain(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [plain(held) for held in value]
    if isinstance(value, bytes):
        return said(base64.b64encode(value).decode(), value)
    if isinstance(value, datetime.date | datetime.time):
        return said(value.isoformat(), value)
    if isinstance(value, datetime.timedelta | decimal.Decimal) or (isinstance(value, float) and not math.isfinite(value)):
        return said(str(value), value)
    return value


class _Copy:
    """The input of a sink, read beside its rows, batch by batch, for the arrays that are copied."""

    def __init__(self, opened: Any) -> None:
        self._batches = _batches(opened)
        self._first = 0
        self._batch: Any = next(self._batches, None)

    def holds(self, row: int) -> bool:
        """Whether the row is in the batch that is at hand."""
        return row < self._first + int(self._batch.num_rows)

    def rows(self, rows: list[int]) -> Any:
        """These rows, all of one batch."""
        if len(rows) == self._batch.num_rows:
            return self._batch
        return self._batch.take(pyarrow().array([row - self._first for row in rows], pyarrow().int64()))

    def go_to(self, row: int) -> None:
        while not self.holds(row):
            self._first += self._batch.num_rows
            self._batch = next(self._batches)


@dataclass(slots=True)
class _Field:
    """A column of the file to be, and its cells that are still to be written."""

    column: Column
    write: Write | None
    """None where it is copied from the input, whatever the row."""
    same: bool
    """The input has it, in the same type."""
    cells: list[Any] = field(default_factory=list)
    touched: bool = False

    def array(self, held: Any) -> Any:
        """The pending cells, which ``held`` has as they were; they are forgotten."""
        pa = pyarrow()
        cells, touched, kind = self.cells, self.touched, self.column.kind
        self.cells, self.touched = [], False
        if self.same and not touched:
            return held.column(self.column.name)
        array = pa.array(cells, storage(kind))
        return array if array.type == kind else array.cast(kind)


class ParquetSink:
    """Writes rows into a Parquet file; from one, columns that nothing touched are copied as they are."""

    def __init__(self, file: IO[bytes], source: Source, converter: RowConverter) -> None:
        pyarrow()  # says what to install
        from pyarrow.parquet import ParquetWriter

        self._opened = opened = _source_file(source)
        old = None if opened is None else opened.schema_arrow
        rows = (read.value for read in source.rows() if read.error is None)
        if old is None:
            columns = describe_rows(rows, converter, json_type())
        else:
            columns = describe(old, islice(rows, _SAMPLE), converter, json_type())
        self._fields = [_field(column, old) for column in columns]
        self._names = {column.name for column in columns}
        self._schema = _schema(columns, old)
        self._copy = None if opened is None or not opened.metadata.num_rows else _Copy(opened)
        self._file = ParquetWriter(file, self._schema, compression=_compression(opened))
        self._rows: list[int] = []
        self._bytes = 0
        self._tables: list[Any] = []

    def add(self, read: Read, outcome: Outcome) -> None:
        """Keep the row; LayoutError where a column cannot hold what it has."""
        row = outcome.row or {}
        cells = self._cells(row)
        if self._rows and not self._has_room(read):
            self._flush()
        if self._copy is not None:
            self._copy.go_to(read.row)
        for place, cell in zip(self._fields, cells, strict=True):
            name = place.column.name
            place.cells.append(cell)
            place.touched |= place.write is not None and row.get(name) is not read.value.get(name)
        self._rows.append(read.row)
        self._bytes += len(read.raw)

    def _has_room(self, read: Read) -> bool:
        """Whether the row is one of the batch that is pending."""
        if self._copy is not None:
            return self._copy.holds(read.row)
        return len(self._rows) < _BATCH and self._bytes < _BATCH_BYTES

    def _cells(self, row: Mapping[str, Any]) -> list[Any]:
        for name, value in row.items():
            if name not in self._names and value is not None:
                shown = ", ".join(place.column.name for place in self._fields)
                raise LayoutError(f"$.{name}", f"the file has the columns {shown}, by its first rows, and this row needs another")
        try:
            return [
                None if place.write is None else place.write(row.get(place.column.name), f"$.{place.column.name}")
                for place in self._fields
            ]
        except UnrepresentableError as error:
            raise LayoutError(error.path, error.reason) from None

    def finish(self) -> None:
        """Write what is left, and the footer."""
        if self._rows:
            self._flush()
        self._write()
        self._file.close()

    def close(self) -> None:
        """Let go of both files; a writer that is given up would else write its footer when nobody looks."""
        with contextlib.suppress(OSError):
            self._file.close()
        if self._opened is not None:
            self._opened.close(force=True)

    def _flush(self) -> None:
        """Make a table of the rows that are pending."""
        held = None if self._copy is None else self._copy.rows(self._rows)
        self._tables.append(pyarrow().table([place.array(held) for place in self._fields], schema=self._schema))
        self._rows, self._bytes = [], 0
        if sum(table.num_rows for table in self._tables) >= _GROUP_ROWS or sum(table.nbytes for table in self._tables) >= _GROUP_BYTES:
            self._write()

    def _write(self) -> None:
        """Write a row group."""
        if self._tables:
            table = pyarrow().concat_tables(self._tables)
            self._file.write_table(table, row_group_size=table.num_rows)
            self._tables = []


def _source_file(source: Source) -> Any:
    """The input, if it is Parquet."""
    file = source.open()
    if file.read(len(_MAGIC)) != _MAGIC:
        file.close()
        return None
    try:
        return _opened(file)
    except DamageError:
        file.close()
        next(source.rows(), None)  # says it with the name of the file
        raise


def _field(column: Column, old: Any) -> _Field:
    held = old is not None and column.name in old.names
    copied = held and column.name not in known_columns()
    return _Field(column, None if copied else writer(column.kind, column.spec), held and old.field(column.name).type == column.kind)


def _schema(columns: Iterable[Column], old: Any) -> Any:
    """The schema of the result; fields and metadata of the input stay where their type does."""
    pa = pyarrow()
    if old is None:
        return pa.schema([(column.name, column.kind) for column in columns])
    fields = [
        old.field(column.name)
        if column.name in old.names and old.field(column.name).type == column.kind
        else pa.field(column.name, column.kind)
        for column in columns
    ]
    return pa.schema(fields, metadata=old.metadata)


def _compression(opened: Any) -> str:
    """As the input is compressed."""
    if opened is None or not opened.metadata.num_row_groups or not opened.metadata.num_columns:
        return "snappy"
    return str(opened.metadata.row_group(0).column(0).compression).lower().replace("uncompressed", "none")
