"""`toolfmt-train sft`: fine-tune a model by a recipe."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from toolfmt.cli.common import Json, console, note, print_json

if TYPE_CHECKING:
    from toolfmt_train.train.sft import OnStep

__all__ = ["sft"]


def sft(
    recipe: Annotated[
        Path,
        typer.Argument(
            metavar="RECIPE", help="A TOML file; `data` and `out` are enough, with `format` where calls are fields."
        ),
    ],
    format: Annotated[
        str | None, typer.Option("--format", "-f", help="Instead of the recipe's format.", show_default=False)
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Instead of the recipe's seed.", show_default=False)] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FOLDER", help="Instead of the recipe's out.", show_default=False),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Stop before the first step.")] = False,
    as_json: Json = False,
) -> None:
    """Fine-tune a model: adapter, merged model, tokenizer with chat template, and a card with the figures."""
    from toolfmt_train.train.recipe import read_recipe

    given = {"format": format, "seed": seed, "out": None if out is None else out.absolute()}
    read = read_recipe(recipe).model_copy(update={key: value for key, value in given.items() if value is not None})

    from toolfmt_train.train import report
    from toolfmt_train.train import sft as stage
    from toolfmt_train.train.quiet import quiet

    with quiet():
        plan = stage.plan(read)
        if not as_json:
            report.show(plan, console())
        elif dry_run:
            print_json(report.as_json(plan))
        if dry_run:
            return
        with _progress(plan.steps) as on_step:
            card = stage.run(plan, on_step)
    if as_json:
        print_json(card.model_dump())
    if card.plain_batches:
        note("plain batches: there is one row, or a model that cannot read several in one sequence, which would be quicker")
    note(
        f"wrote {read.out}: adapter, merged, card.md, card.json; {card.cpu_seconds:.0f} CPU-s, loss {card.losses[0]:.3f} to {card.losses[-1]:.3f}"
    )


@contextlib.contextmanager
def _progress(steps: int) -> "Iterator[OnStep]":
    """A bar on a terminal, else a line now and then."""
    if not sys.stderr.isatty():
        every = max(steps // 10, 1)
        yield lambda step, total, loss: note(f"step {step} of {total}, loss {loss:.3f}") if step % every == 0 else None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task("training", total=steps)
        yield lambda step, total, loss: bar.update(task, completed=step, description=f"loss {loss:.3f}")
