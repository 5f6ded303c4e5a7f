"""The results for people: a table, and bars with their intervals."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from toolfmt.errors import MissingExtraError
from toolfmt_train.evaluate.summary import MEASURES, Rate, Scores

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["plot", "table"]

_PLOTTED = ("parsed", "tool", "exact", "legal", "found", "abstained")


_MOST_ACROSS = 4
"""Conditions that fit side by side; more of them stand below one another, with the measures that are plotted."""


def table(scores: Sequence[Scores]) -> "Table":
    """Value, interval and number of rows of each measure and condition."""
    from rich.table import Table

    if len(scores) > _MOST_ACROSS:
        names = [name for name in (*_PLOTTED, "truncated", "as_text") if any(name in score.rates for score in scores)]
        long = Table("condition", *names)
        for score in scores:
            long.add_row(score.condition.name, *(_short(score.rates.get(name)) for name in names))
        return long
    made = Table("measure", *(score.condition.name for score in scores))
    for name in MEASURES:
        if any(name in score.rates for score in scores):
            made.add_row(name, *(_cell(score.rates.get(name)) for score in scores))
    return made


def _cell(rate: Rate | None) -> str:
    if rate is None:
        return "-"
    spread = f" ±{rate.spread * 100:.1f}" if rate.spread is not None else ""
    return f"{rate.value * 100:.1f}{spread} [{rate.low * 100:.0f}, {rate.high * 100:.0f}] of {rate.of}"


def _short(rate: Rate | None) -> str:
    return "-" if rate is None else f"{rate.value * 100:.1f}\n[{rate.low * 100:.0f}, {rate.high * 100:.0f}]"


def plot(scores: Sequence[Scores], path: Path) -> None:
    """A PNG: a group of bars for each measure, a bar for each condition."""
    try:
        from matplotlib import colormaps
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError('the plot needs the package matplotlib: pip install "toolfmt[train]"') from None
    names = [name for name in (*_PLOTTED, "as_text") if any(name in score.rates for score in scores)]
    figure = Figure(figsize=(3 + 1.2 * len(names), 4.5 + 0.1 * len(scores)), layout="constrained")
    axes, width = figure.subplots(), 0.8 / len(scores)
    for place, score in enumerate(scores):
        at = [i for i, name in enumerate(names) if name in score.rates]
        rates = [score.rates[names[i]] for i in at]
        bars = [[100 * (rate.value - rate.low) for rate in rates], [100 * (rate.high - rate.value) for rate in rates]]
        left = [i + (place - (len(scores) - 1) / 2) * width for i in at]
        values = [100 * rate.value for rate in rates]
        colour = colormaps["tab20"](place % 20)
        axes.bar(left, values, width * 0.95, color=colour, yerr=bars, capsize=2, label=score.condition.name)
    axes.set_xticks(range(len(names)), names)
    axes.set_ylim(0, 105)
    axes.set_ylabel("% of the rows that the measure is about")
    figure.legend(loc="outside upper center", ncols=2, fontsize="small")
    part = path.with_name(path.name + ".part")
    figure.savefig(part, format="png", dpi=120)
    os.replace(part, path)
