"""Verdicts of many rows and seeds as rates with intervals, for a whole condition, each bucket and each language.

Of which rows a measure is the share or the mean:

* ``parsed``, ``missed`` (only prose was written): tasks for a tool, without those that were cut off
* ``tool``, ``exact``, ``legal``, ``found``, ``reward``: tasks for a tool, all of them
* ``abstained``: tasks for no tool, without those that were cut off before a call
* ``false_calls``: tasks for no tool, all of them; ``truncated``: all rows
* ``as_text``: answers in which the writer's own format reads a call
"""

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from toolfmt_train.evaluate.intervals import bootstrap, wilson
from toolfmt_train.evaluate.records import Condition
from toolfmt_train.evaluate.verdict import Verdict
from toolfmt_train.rows import Row

__all__ = ["MEANS", "MEASURES", "Judged", "Rate", "Scores", "summarize"]

Measure = Callable[[Verdict], float | None]


def _shut(verdict: Verdict) -> bool:
    """Ended by itself, or did what cannot be taken back."""
    return not verdict.truncated or bool(verdict.calls or verdict.malformed)


def _missed(verdict: Verdict) -> float | None:
    due = verdict.due and not verdict.truncated
    return float(not verdict.calls and not verdict.malformed) if due else None


MEASURES: dict[str, Measure] = {
    "parsed": lambda verdict: None if verdict.truncated else verdict.parsed,
    "tool": lambda verdict: verdict.tool,
    "exact": lambda verdict: verdict.exact,
    "legal": lambda verdict: verdict.legal,
    "found": lambda verdict: verdict.found,
    "reward": lambda verdict: verdict.reward,
    "abstained": lambda verdict: verdict.abstained if _shut(verdict) else None,
    "missed": _missed,
    "false_calls": lambda verdict: None if verdict.due else bool(verdict.calls or verdict.malformed),
    "truncated": lambda verdict: verdict.truncated,
    "as_text": lambda verdict: verdict.as_text,
}
MEANS = ("found", "reward")
"""Measures that are means of values between 0 and 1; the others are shares."""


class Judged(NamedTuple):
    """A verdict and what it is counted under."""

    condition: Condition
    seed: int
    row: Row
    verdict: Verdict


class Rate(NamedTuple):
    """A measure's value, its 95% interval, the number of rows behind it, its value in each seed, and their standard deviation."""

    value: float
    low: float
    high: float
    of: int
    seeds: dict[int, float]
    spread: float | None


class Scores(NamedTuple):
    """A condition: its seeds, its rows, and its rates by measure; a measure that applies to no row is not there."""

    condition: Condition
    seeds: tuple[int, ...]
    rows: int
    rates: dict[str, Rate]
    buckets: dict[str, dict[str, Rate]]
    languages: dict[str, dict[str, Rate]]

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        groups = {"buckets": self.buckets, "languages": self.languages}
        return {
            "condition": self.condition._asdict() | {"name": self.condition.name},
            "seeds": list(self.seeds),
            "rows": self.rows,
            "rates": _dump(self.rates),
            **{kind: {name: _dump(rates) for name, rates in group.items()} for kind, group in groups.items()},
        }


def summarize(judged: Iterable[Judged]) -> list[Scores]:
    """The scores of every condition, in the order in which they come."""
    by_condition: dict[Condition, list[Judged]] = defaultdict(list)
    for item in judged:
        by_condition[item.condition].append(item)
    return [_scores(condition, items) for condition, items in by_condition.items()]


def _scores(condition: Condition, items: Sequence[Judged]) -> Scores:
    return Scores(
        condition,
        tuple(sorted({item.seed for item in items})),
        len({item.row.id for item in items}),
        _rates(items),
        _grouped(items, lambda row: row.bucket),
        _grouped(items, lambda row: row.language or "none"),
    )


def _grouped(items: Sequence[Judged], key: Callable[[Row], str]) -> dict[str, dict[str, Rate]]:
    groups: dict[str, list[Judged]] = defaultdict(list)
    for item in items:
        groups[key(item.row)].append(item)
    return {name: _rates(groups[name]) for name in sorted(groups)}


def _rates(items: Sequence[Judged]) -> dict[str, Rate]:
    found = {name: _rate(name, items) for name in MEASURES}
    return {name: rate for name, rate in found.items() if rate is not None}


def _rate(name: str, items: Sequence[Judged]) -> Rate | None:
    by_row, by_seed = defaultdict(list), defaultdict(list)
    for item in items:
        value = MEASURES[name](item.verdict)
        if value is not None:
            by_row[item.row.id].append(float(value))
            by_seed[item.seed].append(float(value))
    if not by_row:
        return None
    rows = [statistics.fmean(values) for values in by_row.values()]
    total = math.fsum(rows)
    low, high = bootstrap(rows) if name in MEANS else wilson(total, len(rows))
    seeds = {seed: statistics.fmean(values) for seed, values in sorted(by_seed.items())}
    spread = statistics.stdev(seeds.values()) if len(seeds) > 1 else None
    return Rate(total / len(rows), low, high, len(rows), seeds, spread)


def _dump(rates: Mapping[str, Rate]) -> dict[str, Any]:
    return {
        name: rate._asdict() | {"seeds": {str(seed): value for seed, value in rate.seeds.items()}}
        for name, rate in rates.items()
    }
