"""Generators and other iterators, of rows or of record batches: a generator comes back, and nothing is read before it is asked for.

The first rows say what the format is (and, of record batches, what the columns are), and no tools are inferred: the rest is not seen before its
turn.  The report fills as the generator is consumed.
"""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from toolfmt.conversion.collect import Collector
from toolfmt.conversion.plan import plan
from toolfmt.conversion.rows import RowConverter

__all__ = ["convert_iterator"]

_HEAD = 1000  # rows by which the format is found
_WARN = 1000  # rows between two warnings


def convert_iterator(data: Iterator[Any], base: RowConverter, source: str, collect: Collector) -> Iterator[Any]:
    """Convert rows, or record batches, one by one."""
    first = next(data, None)
    if first is None:
        return
    if type(first).__module__.partition(".")[0] == "pyarrow":
        yield from _batches(first, data, base, source, collect)
        return
    head = [first, *islice(data, _HEAD - 1)]
    converter = plan(base, source, lambda: head, infer=False)
    collect.report.source = converter.source
    for number, row in enumerate(chain(head, data), 1):
        outcome = converter(row)
        if collect.take(outcome, row, number - 1):
            yield outcome.row
        if number % _WARN == 0:
            collect.warn()
    collect.warn()


def _batches(first: Any, data: Iterator[Any], base: RowConverter, source: str, collect: Collector) -> Iterator[Any]:
    from pyarrow import RecordBatch, RecordBatchReader

    from toolfmt.containers.arrow import convert_arrow

    if not isinstance(first, RecordBatch):
        raise TypeError(f"convert takes a generator of rows or of pyarrow RecordBatches, got one of `pyarrow.{type(first).__name__}`")
    yield from convert_arrow(RecordBatchReader.from_batches(first.schema, chain([first], data)), base, source, collect)
