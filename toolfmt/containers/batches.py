"""`convert_batch`: columns in, columns out, pure and picklable; every container of columns goes through it.

Each row gets a record of what became of it, in a column of its own, so that counts, losses and refusals come back from worker processes and
out of a library's cache like any other value.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from toolfmt.conversion.collect import Collector
from toolfmt.conversion.rows import STAGED, Outcome, RowConverter
from toolfmt.errors import LayoutError, ToolfmtError, ToolSpecError, UnrepresentableError
from toolfmt.report import Loss
from toolfmt.values import dumps, loads

__all__ = ["RECORD", "Columns", "convert_batch", "outcome_of", "record_of", "rows_of", "taken"]

RECORD = "__toolfmt__"
Columns = dict[str, list[Any]]
_ERRORS: Mapping[str, type[LayoutError] | type[ToolSpecError] | type[UnrepresentableError]] = {
    "LayoutError": LayoutError,
    "ToolSpecError": ToolSpecError,
    "UnrepresentableError": UnrepresentableError,
}


def rows_of(columns: Mapping[str, Sequence[Any]]) -> Iterable[dict[str, Any]]:
    """The rows of some columns.  A key that a row does not have is null: columns cannot tell the two apart."""
    names = list(columns)
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(names, values, strict=True))


def convert_batch(columns: Mapping[str, list[Any]], converter: RowConverter, names: Sequence[str] | None = None) -> Columns:
    """The columns ``names`` of the result (None: all in which some row has a value), and the records; as many rows as came in.

    A refused row holds null in every column; its record says why.  What no conversion touched is the object that came in.
    """
    rows = list(rows_of(columns))
    outcomes = [outcome for start in range(0, len(rows), STAGED) for outcome in converter.batch(rows[start : start + STAGED])]
    if names is None:
        names = list(dict.fromkeys(name for outcome in outcomes for name, value in (outcome.row or {}).items() if value is not None))
    checked = [_checked(outcome, names) for outcome in outcomes]
    made: Columns = {name: [row.get(name) for row in checked] for name in names}
    made[RECORD] = list(_records(outcomes))
    return made


def _checked(outcome: Outcome, names: Sequence[str]) -> Mapping[str, Any]:
    """The row, unless it has a column that the result has no place for."""
    for name, value in (outcome.row or {}).items():
        if name not in names and value is not None:
            reason = f"the result has the columns {', '.join(names)}, by its first rows, and this row needs another"
            outcome.row, outcome.error = None, UnrepresentableError(f"$.{name}", reason)
            break
    return outcome.row or {}


# Records


def _records(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """The records of rows that follow one another.  Of each kind of notice a report keeps the first, so later ones repeat its words: most records
    are equal, and written and read once."""
    first: dict[str, Loss] = {}
    for outcome in outcomes:
        if outcome.losses or outcome.error is not None:
            yield record_of(outcome)
        else:
            notices = tuple([first.setdefault(notice.kind, notice) for notice in outcome.notices])
            yield _usual_record(outcome.layout, outcome.calls, outcome.changed, notices)


@lru_cache(maxsize=64)
def _usual_record(layout: str | None, calls: bool, changed: bool, notices: tuple[Loss, ...]) -> str:
    return record_of(Outcome(None, layout, calls, changed, [], list(notices)))


def record_of(outcome: Outcome) -> str:
    """An outcome, without its row, as JSON."""
    return dumps(
        {
            "layout": outcome.layout,
            "calls": outcome.calls,
            "changed": outcome.changed,
            "losses": [[loss.kind, loss.path, loss.detail] for loss in outcome.losses],
            "notices": [[notice.kind, notice.path, notice.detail] for notice in outcome.notices],
            "error": None if outcome.error is None else _error_record(outcome.error),
        }
    )


def _error_record(error: ToolfmtError) -> list[str]:
    if isinstance(error, LayoutError | ToolSpecError | UnrepresentableError):
        return [type(error).__name__, error.path, error.reason]
    return [type(error).__name__, "", str(error)]


@lru_cache(maxsize=64)
def outcome_of(record: str) -> Outcome:
    """The outcome of a record; most rows of a dataset share theirs, so do not change it."""
    held = loads(record)
    losses, notices = ([Loss(kind, path, detail=detail) for kind, path, detail in held[key]] for key in ("losses", "notices"))
    error: ToolfmtError | None = None
    if held["error"] is not None:
        kind, path, reason = held["error"]
        error = _ERRORS[kind](path, reason) if kind in _ERRORS else ToolfmtError(reason)
    return Outcome(None, held["layout"], held["calls"], held["changed"], losses, notices, error)


def taken(
    records: Iterable[str], data: Callable[[int], object], collect: Collector, start: int, *, keep_bad: bool = False, where: str = ""
) -> list[int]:
    """Which rows go on, told to the collector one by one.  The first is row ``start`` of the data, or of its part ``where``."""
    kept = []
    for i, record in enumerate(records):
        outcome = outcome_of(record)
        held = None if outcome.error is None else data(i)
        if collect.take(_placed(outcome, where) if where else outcome, held, start + i, keep_bad=keep_bad):
            kept.append(i)
    return kept


def _placed(outcome: Outcome, where: str) -> Outcome:
    """With the name of the split before every path."""
    error = outcome.error
    if isinstance(error, LayoutError | ToolSpecError | UnrepresentableError):
        error = type(error)(f"{where}: {error.path}", error.reason)
    losses, notices = ([replace(loss, path=f"{where}: {loss.path}") for loss in found] for found in (outcome.losses, outcome.notices))
    return replace(outcome, losses=losses, notices=notices, error=error)
