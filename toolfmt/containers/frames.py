"""Data frames of pandas and polars.

A pandas column of Python objects holds messages as they are: nothing has to be declared, and what comes back are lists and dicts.  Arrays and NaN,
which pandas makes of Arrow's lists and nulls when it reads Parquet, are read as lists and as nothing.  Columns of Arrow types (``ArrowDtype``) and
polars are converted as Arrow is.  polars holds free-form values as ``arrow.json`` from version 2 on, before that as JSON text.

Saving objects of a pandas frame by its own ``to_parquet`` infers structs, which pad arguments with each other's keys; layout ``openai``, whose
arguments are text, survives that.
"""

from dataclasses import replace
from typing import Any

from toolfmt.containers.arrow import BATCH, convert_table
from toolfmt.containers.arrow_types import is_json, json_type, pyarrow
from toolfmt.containers.batches import RECORD, Columns, convert_batch, rows_of, taken
from toolfmt.containers.schema import check_names, in_order, known_columns, stripper
from toolfmt.conversion.collect import Collector
from toolfmt.conversion.plan import plan
from toolfmt.conversion.rows import RowConverter

__all__ = ["convert_pandas", "convert_polars"]


def convert_pandas(data: Any, base: RowConverter, source: str, collect: Collector) -> Any:
    """Convert a pandas ``DataFrame``; index and other columns stay as they are."""
    import pandas

    if not isinstance(data, pandas.DataFrame):
        raise TypeError(f"convert takes a pandas DataFrame, got `pandas.{type(data).__name__}`")
    if not data.columns.is_unique:
        raise ValueError(f"two columns have one name; rename one of them: `{data.columns[data.columns.duplicated()][0]}`")
    if not len(data):
        return data.copy()
    check_names(data.columns)
    known = [name for name in data.columns if name in known_columns()]
    if _as_arrow(data, known):
        return _convert_arrow_columns(data, known, base, source, collect)
    held, padded = _plain_columns(data, known)
    converter = plan(replace(base, padded=padded), source, lambda: rows_of(held))
    collect.report.source = converter.source
    made = _converted(held, len(data), converter)
    kept = taken(made.pop(RECORD), lambda i: data.iloc[i].to_dict(), collect, 0)
    if not kept:
        return data.iloc[kept]
    gone = [name for name in known if name not in made and any(value is not None for value in held[name])]
    new = {
        name: _series(data, name, values, held.get(name), kept)
        for name, values in made.items()
        if any(values[i] is not held[name][i] if name in held else True for i in kept)
    }
    names = in_order(data.columns, gone, [name for name in new if name not in known], gone)
    return data.iloc[kept].assign(**new)[names]


def _as_arrow(data: Any, known: list[str]) -> bool:
    """Whether columns are of Arrow types; TypeError where lists of Arrow stand beside Python objects."""
    from pandas import ArrowDtype

    arrow = [name for name in known if isinstance(data[name].dtype, ArrowDtype)]
    objects = [name for name in known if data[name].dtype == object]
    kinds = [data[name].dtype.pyarrow_dtype for name in arrow]
    if objects and any(pyarrow().types.is_nested(kind) or is_json(kind) for kind in kinds):
        raise TypeError(f"some columns are of Arrow types and one holds Python objects; make them alike, see DataFrame.astype: `{objects[0]}`")
    return bool(arrow) and not objects


def _plain_columns(data: Any, names: list[str]) -> tuple[Columns, bool]:
    """Columns as plain Python values, and whether they came out of Arrow."""
    from numpy import ndarray
    from pandas import NA, NaT

    def plain(value: Any, name: str) -> Any:
        if isinstance(value, ndarray | dict):
            strip = stripper(name)
            return _plain(value) if strip is None else strip(_plain(value))
        return None if value is NA or value is NaT or (isinstance(value, float) and value != value) else value

    columns = {name: [plain(value, name) for value in data[name]] for name in names}
    return columns, any(isinstance(value, ndarray) for name in names for value in data[name])


def _plain(value: Any) -> Any:
    """Lists instead of arrays, at every depth."""
    from numpy import ndarray

    if isinstance(value, ndarray):
        value = value.tolist()
    if isinstance(value, dict):
        return {key: _plain(held) for key, held in value.items()}
    return [_plain(held) for held in value] if isinstance(value, list) else value


def _converted(held: Columns, rows: int, converter: RowConverter) -> Columns:
    """All rows, a batch at a time."""
    made: Columns = {RECORD: []}
    for start in range(0, rows, BATCH):
        part = convert_batch({name: values[start : start + BATCH] for name, values in held.items()}, converter)
        for name, values in part.items():
            made.setdefault(name, [None] * start).extend(values)
        for values in made.values():
            values += [None] * (len(made[RECORD]) - len(values))
    return made


def _series(data: Any, name: str, values: list[Any], before: list[Any] | None, kept: list[int]) -> Any:
    """A column of the result; a cell that nothing touched is the object that was there."""
    from pandas import Series

    cells = [data[name].iloc[i] if before is not None and values[i] is before[i] else values[i] for i in kept]
    texts = name in data.columns and data[name].dtype != object and all(value is None or isinstance(value, str) for value in values)
    return Series(cells, index=data.index[kept], dtype=data[name].dtype if texts else object)


def _convert_arrow_columns(data: Any, known: list[str], base: RowConverter, source: str, collect: Collector) -> Any:
    from pandas import ArrowDtype, Series

    pa = pyarrow()
    table = pa.table({name: pa.array(data[name]) for name in known})
    result, kept = convert_table(table, base, source, collect, json_type())
    new = {
        name: Series(result.column(name), index=data.index[kept], dtype=ArrowDtype(result.schema.field(name).type))
        for name in result.column_names
        if name not in known or not result.column(name).equals(table.column(name).take(pa.array(kept, pa.int64())))
    }
    gone = [name for name in known if name not in result.column_names]
    return data.iloc[kept].assign(**new)[in_order(data.columns, gone, [name for name in new if name not in known], gone)]


def convert_polars(data: Any, base: RowConverter, source: str, collect: Collector) -> Any:
    """Convert a polars ``DataFrame``."""
    import polars

    if isinstance(data, polars.LazyFrame):
        raise TypeError("convert takes a polars DataFrame: collect() the LazyFrame first, or give its file as a pathlib.Path")
    if not isinstance(data, polars.DataFrame):
        raise TypeError(f"convert takes a polars DataFrame, got `polars.{type(data).__name__}`")
    if not data.height:
        return data.clone()
    check_names(data.columns)
    known = [name for name in data.columns if name in known_columns()]
    objects = [name for name in known if data.schema[name] == polars.Object]
    if objects:
        raise TypeError(f"a column of Python objects is no Arrow column; give a list of rows, or a pandas DataFrame: `{objects[0]}`")
    json = json_type() if int(polars.__version__.partition(".")[0]) >= 2 else pyarrow().string()
    result, kept = convert_table(data.select(known).to_arrow(), base, source, collect, json)
    new = {series.name: series for series in polars.DataFrame(result).get_columns()}
    gone = [name for name in known if name not in new]
    rest = data[kept]
    names = in_order(data.columns, gone, [name for name in new if name not in known], gone)
    return polars.DataFrame([new[name] if name in new else rest[name] for name in names])

