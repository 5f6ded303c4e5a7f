"""Hugging Face datasets: ``Dataset``, ``DatasetDict``, ``IterableDataset`` and ``IterableDatasetDict``.

They are Arrow tables and are converted as such, so nothing is decoded that is not read: images stay bytes.  Free-form values (arguments that
are objects, tool definitions) get the feature ``Json()`` where datasets has it, from 4.7 on, and are JSON text before that.  What is stored is
exact, but ``Json()`` is read back by ujson, which is not: an integer over 64 bits is an error, and some floats come back with another last digit
(of those with two decimals 1 in 1,500, with four 1 in 130, of any at random 9 in 10; measured with datasets 5.2).  The first is refused, the
second a loss of kind ``json``; layout ``openai`` holds arguments as text and knows neither.

An ``IterableDataset`` is converted as it is iterated, and the report fills as it is; its first rows say what the format and the columns are, and
no tools are inferred.  It comes back without the format (torch, numpy) that it may have had.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any

from toolfmt.containers.arrow import BATCH, Remarks, TableConverter, collected, read_rows, row_of, table_converter
from toolfmt.containers.arrow_types import Write, json_type, pyarrow
from toolfmt.containers.batches import RECORD, Columns, convert_batch, taken
from toolfmt.containers.schema import check_schema, padded_columns, stripper
from toolfmt.conversion.collect import Collector
from toolfmt.conversion.plan import plan
from toolfmt.conversion.rows import RowConverter
from toolfmt.errors import UnrepresentableError
from toolfmt.ir import difference
from toolfmt.values import dumps

__all__ = ["convert_datasets"]

_HEAD = 1000  # rows of an IterableDataset by which the format is found


def convert_datasets(data: Any, base: RowConverter, source: str, collect: Collector, num_proc: int | None = None) -> Any:
    """Convert a dataset, or all splits of a dict of them by one plan."""
    kind = type(data).__name__
    if kind not in ("Dataset", "DatasetDict", "IterableDataset", "IterableDatasetDict"):
        raise TypeError(f"convert takes a datasets Dataset, DatasetDict, IterableDataset or IterableDatasetDict, got `datasets.{kind}`")
    lazy = kind.startswith("Iterable")
    if lazy and num_proc is not None:
        raise ValueError("num_proc= is for a Dataset or DatasetDict: an IterableDataset is converted by whoever iterates it")
    splits = dict(data) if kind.endswith("Dict") else {"": data}
    if not splits:
        return data
    made = _lazily(splits, base, source, collect) if lazy else _at_once(splits, base, source, collect, num_proc)
    return type(data)(made) if kind.endswith("Dict") else made[""]


# Datasets


def _at_once(splits: Mapping[str, Any], base: RowConverter, source: str, collect: Collector, num_proc: int | None) -> dict[str, Any]:
    tables = {name: split.with_format("arrow") for name, split in splits.items()}
    converters = _converters([table for table in tables.values() if len(table)], _rows, base, source, collect)
    made = dict(splits)
    for name, table in tables.items():
        convert = next((convert for features, convert in converters if features == table.features), None)
        if convert is None:
            continue  # without rows, and no other split is like it
        if not len(table):
            made[name] = _empty(splits[name], _features(convert, table.features))
            continue
        result = table.map(
            convert,
            batched=True,
            batch_size=BATCH,
            remove_columns=table.column_names,
            features=_features(convert, table.features, record=True),
            num_proc=num_proc,
            desc="toolfmt",
        )
        made[name] = _formatted_as(_collected(result, table, collect, name), splits[name])
    return made


def _rows(tables: Iterable[Any]) -> Iterator[dict[str, Any]]:
    for table in tables:
        for part in table.iter(batch_size=BATCH):
            yield from read_rows(part)


def _converters(
    tables: Sequence[Any],
    rows: Callable[[Iterable[Any]], Iterator[dict[str, Any]]],
    base: RowConverter,
    source: str,
    collect: Collector,
    infer: bool = True,
) -> list[tuple[Any, TableConverter]]:
    """One for each kind of features that splits have, all by the same plan."""
    json = json_type() if _has_json() else pyarrow().string()
    made: list[tuple[Any, TableConverter]] = []
    for table in tables:
        check_schema(table.features.arrow_schema)
    if tables:
        padded = any(padded_columns(table.features.arrow_schema) for table in tables)
        base = plan(replace(base, padded=padded), source, lambda: rows(tables), infer=infer)
        collect.report.source = base.source
    for table in tables:
        if all(table.features != features for features, _ in made):
            alike = [other for other in tables if other.features == table.features]
            convert = table_converter(table.features.arrow_schema, partial(rows, alike), base, json)
            made.append((table.features, replace(convert, json=_for_datasets)))
    return made


def _collected(result: Any, table: Any, collect: Collector, name: str) -> Any:
    """The good rows of what `Dataset.map` made, or found in its cache; the records come from either."""
    kept: list[int] = []
    for number, part in enumerate(result.select_columns(RECORD).iter(batch_size=BATCH)):
        start = number * BATCH
        records = part.column(RECORD).to_pylist()
        kept += (start + i for i in taken(records, partial(_row, table, start), collect, start, where=name))
    result = result.remove_columns(RECORD)
    return result if len(kept) == len(result) else result.select(kept)


def _row(table: Any, start: int, index: int) -> dict[str, Any]:
    return row_of(table[start + index : start + index + 1], 0)


def _formatted_as(made: Any, data: Any) -> Any:
    """With the format that the dataset had; columns that it left out stay left out."""
    was = data.format
    hidden = set(data.column_names) - set(was["columns"])
    columns = [name for name in made.column_names if name not in hidden] if hidden else None
    return made.with_format(was["type"], columns, was["output_all_columns"], **was["format_kwargs"])


def _empty(data: Any, features: Any) -> Any:
    return type(data).from_dict({name: [] for name in features}, features=features, split=data.split)


# Datasets that are iterated


def _lazily(splits: Mapping[str, Any], base: RowConverter, source: str, collect: Collector) -> dict[str, Any]:
    if any(split.features is None for split in splits.values()):
        heads = [split.take(_HEAD) for split in splits.values()]
        converter = plan(replace(base, padded=True), source, lambda: chain.from_iterable(heads), infer=False)
        collect.report.source = converter.source
        return {name: _mapped(split, _LazyColumns(converter, collect, name), None) for name, split in splits.items()}
    tables = {name: split.with_format("arrow") for name, split in splits.items()}
    converters = _converters(list(tables.values()), _heads, base, source, collect, infer=False)
    made = {}
    for name, table in tables.items():
        convert = next(convert for features, convert in converters if features == table.features)
        made[name] = _mapped(table, _LazyTable(convert, collect, name), _features(convert, table.features)).with_format(None)
    return made


def _heads(tables: Iterable[Any]) -> Iterator[dict[str, Any]]:
    return _rows(table.take(_HEAD) for table in tables)


def _mapped(data: Any, convert: Callable[..., Any], features: Any) -> Any:
    if features is None:
        return data.map(convert, batched=True, batch_size=BATCH, with_indices=True, remove_columns=data.column_names)
    return data.map(convert, batched=True, batch_size=BATCH, with_indices=True, features=features)


@dataclass(frozen=True, slots=True)
class _LazyTable:
    """What ``IterableDataset.map`` calls on tables."""

    convert: TableConverter
    collect: Collector
    name: str

    def __call__(self, table: Any, indices: list[int]) -> Any:
        good, _ = collected(self.convert(table), table, self.collect, indices[0], where=self.name)
        self.collect.warn()
        return good


@dataclass(frozen=True, slots=True)
class _LazyColumns:
    """The same on columns of Python values, where the dataset does not know its features."""

    converter: RowConverter
    collect: Collector
    name: str

    def __call__(self, columns: Mapping[str, list[Any]], indices: list[int]) -> Columns:
        strips = {name: strip for name in columns if (strip := stripper(name)) is not None}
        held = {name: list(map(strips[name], values)) if name in strips else values for name, values in columns.items()}
        made = convert_batch(held, self.converter)
        records = made.pop(RECORD)
        kept = taken(records, lambda i: {name: values[i] for name, values in columns.items()}, self.collect, indices[0], where=self.name)
        self.collect.warn()
        return {name: [values[i] for i in kept] for name, values in made.items()}


# Features


def _has_json() -> bool:
    from datasets import __version__

    major, minor = __version__.split(".")[:2]
    return (int(major), int(minor)) >= (4, 7)


def _features(convert: TableConverter, features: Any, *, record: bool = False) -> Any:
    """The features of the result: those of the input where the type is still the same."""
    pa = pyarrow()
    schema = features.arrow_schema
    made = {}
    for column in convert.columns:
        if column.name in features and schema.field(column.name).type == column.kind:
            made[column.name] = features[column.name]
        else:
            made |= type(features).from_arrow_schema(pa.schema([(column.name, column.kind)]))
    return type(features)(made | (type(features).from_arrow_schema(pa.schema([(RECORD, pa.string())])) if record else {}))


def _for_datasets(remarks: Remarks) -> Write:
    """Writes JSON text, and says what ujson, by which `Json()` is read back, makes of it."""
    from datasets.utils.json import ujson_loads

    def write(value: Any, path: str) -> Any:
        if value is None:
            return None
        text = dumps(value)
        try:
            back = ujson_loads(text)
        except ValueError as error:
            excerpt = text if len(text) <= 60 else text[:57] + "..."
            said = f"the Json() of datasets cannot read this back ({error}); layout openai keeps arguments as text: `{excerpt}`"
            raise UnrepresentableError(path, said) from None
        if dumps(back) != text:
            where, _, what = (difference(value, back) or "$: its text would be another").partition(": ")
            remarks.append((path + where[1:], f"the Json() of datasets reads it back as another value: {what}"))
        return text

    return write
