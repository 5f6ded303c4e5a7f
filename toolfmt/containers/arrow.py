"""Arrow: ``Table``, ``RecordBatch`` and readers of record batches; what Hugging Face, Parquet and polars are made of.

Columns that no layout reads are never looked into, and columns that no conversion touched are the arrays that came in.  A row that needs a
column or a field which the result does not have is refused by name.  ``None`` and an absent key are the same to Arrow, and so they are here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any

from toolfmt.containers.arrow_types import Write, holds_structs, json_type, pyarrow, reader, storage, write_json, writer
from toolfmt.containers.batches import RECORD, Columns, convert_batch, outcome_of, record_of, rows_of, taken
from toolfmt.containers.schema import Column, check_schema, describe, known_columns, padded_columns, stripper
from toolfmt.conversion.collect import Collector
from toolfmt.conversion.plan import plan
from toolfmt.conversion.rows import Outcome, RowConverter
from toolfmt.errors import LayoutError, UnrepresentableError
from toolfmt.report import Loss
from toolfmt.version import __version__

__all__ = [
    "BATCH",
    "Remarks",
    "TableConverter",
    "collected",
    "convert_arrow",
    "convert_table",
    "prepare",
    "read_rows",
    "row_of",
    "slices",
    "table_converter",
]

BATCH = 1000
"""Rows that are Python objects at one time."""
_SAMPLE = 500  # rows by which the columns of the result are known
Remarks = list[tuple[str, str]]
"""(path, what a library makes of the value there)."""


@dataclass(frozen=True, slots=True)
class TableConverter:
    """A table in, a table of as many rows out, with a column of records; pure, and picklable."""

    converter: RowConverter
    columns: tuple[Column, ...]
    reads: tuple[str, ...]
    """The columns of its input."""
    json: Callable[[Remarks], Write] | None = None
    """Makes the writer of JSON for a library that does not read all of it back as it is; what it remarks is lost."""
    version: str = __version__
    """What another version made, a cache must not return."""

    def __call__(self, table: Any) -> Any:
        """The converted rows; those that were refused hold nulls."""
        pa = pyarrow()
        if set(table.column_names) != set(self.reads):
            shown = ", ".join(table.column_names)
            raise LayoutError("columns", f"expected those of the first rows, {', '.join(self.reads)}, got `{shown}`")
        held, bad = _read_columns(table)
        passed = {name for name in table.column_names if name not in held}
        made = convert_batch(held, self.converter, [column.name for column in self.columns if column.name not in passed])
        records = made.pop(RECORD)
        for i, error in bad.items():
            records[i] = record_of(Outcome(error=error))
        arrays = [
            table.column(column.name) if column.name in passed else self._array(table, column, made[column.name], held, records)
            for column in self.columns
        ]
        return pa.table([*arrays, pa.array(records, pa.string())], names=[*(column.name for column in self.columns), RECORD])

    def _array(self, table: Any, column: Column, values: list[Any], held: Columns, records: list[str]) -> Any:
        """The column: as it came in where no row of it was touched."""
        if column.name in held and table.schema.field(column.name).type == column.kind:
            rows = zip(values, held[column.name], records, strict=True)
            if all(new is old or outcome_of(record).error for new, old, record in rows):
                return table.column(column.name)
        remarks: Remarks = []
        write = writer(column.kind, column.spec, write_json if self.json is None else self.json(remarks))
        cells = []
        for i, value in enumerate(values):
            try:
                cells.append(write(value, f"$.{column.name}"))
            except UnrepresentableError as error:
                cells.append(None)
                records[i] = record_of(Outcome(error=error))
            if remarks:
                records[i] = _remarked(records[i], remarks)
                remarks.clear()
        plain = storage(column.kind)
        array = pyarrow().array(cells, plain)
        return array if plain == column.kind else array.cast(column.kind)


def _remarked(record: str, remarks: Remarks) -> str:
    outcome = outcome_of(record)
    losses = [*outcome.losses, *(Loss("json", path, detail=detail) for path, detail in remarks)]
    return record_of(replace(outcome, losses=losses))


def _read_columns(table: Any) -> tuple[Columns, dict[int, LayoutError]]:
    """The columns that layouts read, as Python values, and the rows that are none: JSON that does not decode."""
    columns: Columns = {}
    bad: dict[int, LayoutError] = {}
    for name in table.column_names:
        if name not in known_columns():
            continue
        values = table.column(name).to_pylist()
        kind = table.schema.field(name).type
        read, strip = reader(kind), stripper(name) if holds_structs(kind) else None
        if read is not None:
            for i, value in enumerate(values):
                try:
                    values[i] = read(value, f"$.{name}")
                except LayoutError as error:
                    values[i], bad[i] = None, error
        columns[name] = values if strip is None else [None if value is None else strip(value) for value in values]
    return columns, bad


# What must be known first


Rows = Callable[[], Iterator[dict[str, Any]]]
"""Rows of the data, from the first on, whenever it is called."""


def prepare(schema: Any, rows: Rows, base: RowConverter, source: str, json: Any, *, infer: bool = True) -> TableConverter:
    """What converts tables of this schema; ``rows`` are those to find it out by, ``json`` is the type of free-form values."""
    check_schema(schema)
    converter = plan(replace(base, padded=padded_columns(schema)), source, rows, infer=infer)
    return table_converter(schema, rows, converter, json)


def table_converter(schema: Any, rows: Rows, converter: RowConverter, json: Any) -> TableConverter:
    """The same where the format is known."""
    return TableConverter(converter, describe(schema, islice(rows(), _SAMPLE), converter, json), tuple(schema.names))


def read_rows(table: Any) -> Iterator[dict[str, Any]]:
    """The rows of a table as the converter is given them; those whose JSON does not decode are left out."""
    for part in slices(table):
        columns, bad = _read_columns(part)
        yield from (row for i, row in enumerate(rows_of(columns)) if i not in bad)


def slices(table: Any) -> Iterator[Any]:
    """A table, `BATCH` rows at a time."""
    for start in range(0, table.num_rows, BATCH):
        yield table.slice(start, BATCH)


# What became of the rows


def collected(
    made: Any, table: Any, collect: Collector, start: int, *, keep_bad: bool = False, where: str = ""
) -> tuple[Any, list[int]]:
    """The good rows of a converted table without their records, and which they are; ``table`` is what it was, from row ``start`` on."""
    pa = pyarrow()
    records = made.column(RECORD).to_pylist()
    kept = taken(records, lambda i: row_of(table, i), collect, start, keep_bad=keep_bad, where=where)
    made = made.drop_columns([RECORD])
    return (made if len(kept) == made.num_rows else made.take(pa.array(kept, pa.int64()))), kept


def row_of(table: Any, index: int) -> dict[str, Any]:
    """A row as it was, JSON decoded where it is JSON."""
    made = {}
    for name in table.column_names:
        value, read = table.column(name)[index].as_py(), reader(table.schema.field(name).type)
        try:
            made[name] = value if read is None else read(value, name)
        except LayoutError:
            made[name] = value
    return made


# Tables and batches


def convert_arrow(data: Any, base: RowConverter, source: str, collect: Collector) -> Any:
    """Convert a ``Table``, a ``RecordBatch`` or a ``RecordBatchReader``."""
    pa, kind = pyarrow(), type(data).__name__
    if isinstance(data, pa.Table):
        return convert_table(data, base, source, collect, json_type())[0]
    if isinstance(data, pa.RecordBatch):
        return _one_batch(convert_table(pa.Table.from_batches([data]), base, source, collect, json_type())[0])
    if isinstance(data, pa.RecordBatchReader):
        return _convert_reader(data, base, source, collect)
    raise TypeError(f"convert takes a pyarrow Table, RecordBatch or RecordBatchReader, got `pyarrow.{kind}`")


def convert_table(table: Any, base: RowConverter, source: str, collect: Collector, json: Any) -> tuple[Any, list[int]]:
    """The converted table, and the rows that are in it."""
    if not table.num_rows:
        return table, []
    convert = prepare(table.schema, lambda: read_rows(table), base, source, json)
    collect.report.source = convert.converter.source
    made, kept = [], []
    for number, part in enumerate(slices(table)):
        good, which = collected(convert(part), part, collect, number * BATCH)
        made.append(good)
        kept += [number * BATCH + i for i in which]
    return pyarrow().concat_tables(made).cast(_schema_of(convert, table.schema)), kept


def _schema_of(convert: TableConverter, schema: Any) -> Any:
    """The schema of the result; fields and metadata of the input stay where their type does."""
    pa = pyarrow()
    fields = []
    for column in convert.columns:
        old = schema.field(column.name) if column.name in schema.names else None
        fields.append(old if old is not None and old.type == column.kind else pa.field(column.name, column.kind))
    return pa.schema(fields, metadata=schema.metadata)


def _one_batch(table: Any) -> Any:
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pyarrow().RecordBatch.from_pylist([], table.schema)


def _convert_reader(data: Any, base: RowConverter, source: str, collect: Collector) -> Any:
    """A reader that converts as it is read.  Its first rows say what the format and the columns are, and no tools are inferred."""
    pa = pyarrow()
    first: list[Any] = []
    rest = _alike(data)
    while sum(batch.num_rows for batch in first) < _SAMPLE and (batch := next(rest, None)) is not None:
        first.append(batch)
    head = pa.Table.from_batches(first, data.schema)
    if not head.num_rows:
        return pa.RecordBatchReader.from_batches(data.schema, iter(first))
    convert = prepare(data.schema, lambda: read_rows(head), base, source, json_type(), infer=False)
    collect.report.source = convert.converter.source
    schema = _schema_of(convert, data.schema)

    def batches() -> Iterator[Any]:
        start = 0
        for batch in chain(first, rest):
            for part in slices(pa.Table.from_batches([batch])):
                good, _ = collected(convert(part), part, collect, start)
                start += part.num_rows
                yield from good.cast(schema).to_batches()
        collect.warn()

    return pa.RecordBatchReader.from_batches(schema, batches())


def _alike(data: Any) -> Iterator[Any]:
    """The batches of a reader that is made of an iterator; LayoutError where one has another schema."""
    for number, batch in enumerate(data):
        if batch.schema != data.schema:
            new = next((item for item in batch.schema if item not in list(data.schema)), None)
            what = "a column is missing" if new is None else f"`{new.name}` is of type {new.type}"
            raise LayoutError(f"batch {number}", f"its schema is not that of the first; make them alike, as by RecordBatch.cast: {what}")
        yield batch
