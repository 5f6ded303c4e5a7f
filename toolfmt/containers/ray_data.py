"""Ray Data: a ``ray.data.Dataset`` is converted as Arrow is, block by block, when Ray executes it.

Its first rows say what the format and the columns are, and no tools are inferred.  Rows of Python objects, which Ray pickles where Arrow finds no
one type for them, come back in columns of their own types; free-form values are Arrow's JSON, as everywhere in Arrow.  No column is a pickle.

What tasks find goes to an actor, under the numbers of the rows: a block that is converted again, because a worker died, replaces what it said
before.  At the end of an execution the report is what that execution found (before the first it is empty), so give each dataset a report of its
own.  ``row`` counts within a part, which is a task of Ray's, and the path says which: ``part 3``.  Not covered: the report stays as it is where
another process begins the execution (``streaming_split``), or the dataset is joined to one that stands before it (``other.union(made)``); two
executions at one time share it; and Ray's own ``max_map_retries`` gives rows new numbers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from toolfmt.containers.arrow import TableConverter, collected, read_rows, slices, table_converter
from toolfmt.containers.arrow_types import json_type, pyarrow
from toolfmt.containers.schema import check_schema, known_columns, padded_columns
from toolfmt.conversion.collect import Collector
from toolfmt.conversion.plan import plan
from toolfmt.conversion.rows import RowConverter
from toolfmt.errors import LayoutError
from toolfmt.report import Report

__all__ = ["convert_ray"]

_HEAD = 1000  # rows by which the format and the columns are found
_ID = "__toolfmt_row__"
_PART = 33  # bits of Ray's row ids that count within a task


def convert_ray(data: Any, base: RowConverter, source: str, collect: Collector) -> Any:
    """Convert a ``Dataset``; the result is as lazy as any other of Ray's."""
    import ray
    from ray.data.expressions import monotonically_increasing_id

    kind: Any = ray.data.Dataset
    if not isinstance(data, kind):
        raise TypeError(f"convert takes a ray.data Dataset, got `ray.{type(data).__name__}`")
    head: Any = next(iter(data.limit(_HEAD).iter_batches(batch_size=_HEAD, batch_format="pyarrow")), None)
    if head is None or not head.num_rows:
        return data
    convert = _prepared(head, base, source)
    collect.report.source = convert.converter.source
    reports = ray.remote(num_cpus=0)(_Reports).remote()
    task = _Task(convert, collect.on_loss, reports)
    blocks: dict[str, Any] = {"batch_size": None, "batch_format": "pyarrow"}
    aligned = data.map_batches(_in_order, fn_kwargs={"names": convert.reads}, udf_modifying_row_count=False, **blocks)
    numbered = aligned.with_column(_ID, monotonically_increasing_id())
    made = numbered.map_batches(_convert_block, fn_kwargs={"task": task}, **blocks)
    callback = type("ToolfmtReport", (_Callback,), {"conversion": _Conversion(reports, collect)})
    made.context.custom_execution_callback_classes.append(callback)
    return made


def _prepared(head: Any, base: RowConverter, source: str) -> TableConverter:
    """What converts blocks such as the first rows; columns of Python objects get types by what they hold."""
    from ray.data.extensions import ArrowPythonObjectType

    pa = pyarrow()
    objects = [item.name for item in head.schema if isinstance(item.type, ArrowPythonObjectType) and item.name in known_columns()]
    check_schema(pa.schema([pa.field(item.name, json_type()) if item.name in objects else item for item in head.schema]))
    converter = plan(replace(base, padded=padded_columns(head.schema)), source, lambda: read_rows(head), infer=False)
    typed = pa.schema([item for item in head.schema if item.name not in objects])
    made = table_converter(typed, lambda: read_rows(head), converter, json_type())
    places = {name: place for place, name in enumerate(head.column_names)}
    columns = sorted(made.columns, key=lambda column: places.get(column.name, len(places)))
    return replace(made, columns=tuple(columns), reads=tuple(head.column_names))


# In the workers


@dataclass(frozen=True, slots=True)
class _Task:
    """What a worker has to know."""

    convert: TableConverter
    on_loss: str
    reports: Any


def _in_order(table: Any, names: Sequence[str]) -> Iterator[Any]:
    """The columns in the order of the first rows, with nulls for those that this block does not have.

    A generator, for the errors of which Ray has no other name.
    """
    more = [name for name in table.column_names if name not in names]
    if more:
        raise LayoutError("columns", f"expected those of the first rows, {', '.join(names)}, and a later block has another: `{more[0]}`")
    for name in names:
        if name not in table.column_names:
            table = table.append_column(name, pyarrow().nulls(table.num_rows))
    yield table.select(list(names))


def _convert_block(table: Any, task: _Task) -> Iterator[Any]:
    """What ``map_batches`` calls on a block that has rows; the good ones of it, and the report of all goes to the actor."""
    from ray import get, get_runtime_context

    convert = replace(task.convert, converter=replace(task.convert.converter, padded=padded_columns(table.schema)))
    numbers, table = table.column(_ID), table.drop_columns([_ID])
    name, first = get_runtime_context().get_task_id(), numbers[0].as_py()
    task.reports.start.remote(name)
    collect = Collector(Report(), task.on_loss)
    part, row = first >> _PART, first & (1 << _PART) - 1
    for piece in slices(table):
        good, _ = collected(convert(piece), piece, collect, row, where=f"part {part}")
        row += piece.num_rows
        yield good
    get(task.reports.add.remote(name, first, collect.report))


class _Reports:
    """An actor: what the tasks of the execution that goes on found."""

    def __init__(self) -> None:
        self._run = 0
        self._tasks: dict[str, int] = {}
        self._found: dict[int, Report] = {}

    def begin(self) -> None:
        """An execution begins; what tasks of others still say is forgotten."""
        self._run += 1
        self._found = {}

    def start(self, task: str) -> None:
        """A task of this execution starts, or starts again."""
        self._tasks.setdefault(task, self._run)

    def add(self, task: str, first: int, report: Report) -> None:
        """Keep the report of the block whose first row has this number; it replaces one that was there."""
        if self._tasks[task] == self._run:
            self._found[first] = report

    def take(self) -> list[Report]:
        """All reports in the order of the rows."""
        return [self._found[first] for first in sorted(self._found)]


# Here, when an execution begins and ends


class _Conversion:
    """Fills the report of a conversion; in another process it is nothing."""

    def __init__(self, reports: Any, collect: Collector) -> None:
        self._reports, self._collect = reports, collect
        self._before = collect.report.copy()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(None), ()

    def begin(self) -> None:
        from ray import get

        get(self._reports.begin.remote())

    def end(self) -> None:
        """Make the report what it was when the conversion was planned, and what the execution found; nothing where it ran no task of ours."""
        from ray import get

        found = get(self._reports.take.remote())
        if not found:
            return
        new, full = Collector(Report(), self._collect.on_loss), self._before.copy()
        for report in found:
            new.report.merge(report)
        full.merge(new.report)
        for name in Report.__slots__:
            setattr(self._collect.report, name, getattr(full, name))
        new.warn()


class _Callback:
    """What Ray makes for each execution, and calls when it begins and ends."""

    conversion: _Conversion | None

    def before_execution_starts(self, _executor: Any) -> None:
        if self.conversion is not None:
            self.conversion.begin()

    def on_execution_step(self, _executor: Any) -> None:
        """Nothing."""

    def after_execution_succeeds(self, _executor: Any) -> None:
        if self.conversion is not None:
            self.conversion.end()

    def after_execution_fails(self, executor: Any, _error: Exception) -> None:
        self.after_execution_succeeds(executor)
