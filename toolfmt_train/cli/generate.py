"""`toolfmt-train generate`: verified tasks from projects, for training or held out."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolfmt.cli.common import CommandError, Json, console, counted, note, print_json

if TYPE_CHECKING:
    from toolfmt_train.generate.run import Generated
    from toolfmt_train.gym.corpora import Corpus

__all__ = ["generate"]


def generate(
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="The rows, one a line (JSONL).", show_default=False)
    ],
    rows: Annotated[int, typer.Option(min=1, help="At most so many rows.")] = 3000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
    corpora: Annotated[
        str,
        typer.Option(
            metavar="NAMES", help="`bundled`, `all` fetched projects of the side, or names with commas between."
        ),
    ] = "bundled",
    held_out: Annotated[
        bool, typer.Option("--held-out", help="Rows for evaluation: other projects, identifiers and wordings.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make tasks with a gold answer that has been run: code searches, traps, and what no tool fits.

    What is refused stands beside the rows, in FILE's `.refused.jsonl`, with the reason.
    """
    from toolfmt_train.generate.files import named_corpora, save

    if not out.parent.is_dir():
        raise CommandError(f"there is no folder `{out.parent}` to write `{out.name}` to; make it first")
    if out.is_dir():
        raise CommandError(f"`{out}` is a folder; name a file, such as `{out / 'rows.jsonl'}`")
    made = _with_progress(named_corpora(corpora, held_out), rows, seed, held_out)
    if not made.rows:
        raise CommandError(
            f"no row in {counted(rows, 'row')} was accepted: `{corpora}` has nothing to ask about; name other corpora"
        )
    save(made, out)
    if as_json:
        print_json(_summary(made, out))
    else:
        _show(made, out)
    if len(made.rows) < rows:
        note(f"that is all: `{corpora}` has no more than {counted(len(made.rows), 'row')} to give, not {rows:,}")


def _with_progress(corpora: "list[Corpus]", rows: int, seed: int, held_out: bool) -> "Generated":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from toolfmt_train.generate.run import generate as run

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task("accepted rows", total=rows)
        return run(
            corpora,
            rows,
            seed=seed,
            held_out=held_out,
            threads=os.cpu_count() or 1,
            on_row=lambda number: bar.advance(task, number),
        )


def _summary(made: "Generated", out: Path) -> dict[str, Any]:
    from toolfmt_train.generate.files import refused_file

    return {
        "rows": len(made.rows),
        "file": str(out),
        "refused": len(made.refused),
        "refused_file": str(refused_file(out)),
        "counts": [
            {"bucket": bucket, "blueprint": blueprint, "language": language, "rows": number}
            for (bucket, blueprint, language), number in made.counts.items()
        ],
        "refusals": [
            {"reason": reason, "blueprint": blueprint, "number": number}
            for (reason, blueprint), number in made.reasons.items()
        ],
    }


def _show(made: "Generated", out: Path) -> None:
    """The rows of each kind by language, then why others were refused."""
    from rich.table import Table

    from toolfmt_train.generate.files import refused_file

    languages = sorted({language for _, _, language in made.counts if language})
    table = Table(box=None, pad_edge=False)
    for name in ("bucket", "blueprint"):
        table.add_column(name)
    for name in (*languages, "rows", "refused"):
        table.add_column(name, justify="right")
    for bucket, blueprint in sorted({key[:2] for key in made.counts}):
        cells = [made.counts.get((bucket, blueprint, language), 0) for language in languages]
        total = sum(number for key, number in made.counts.items() if key[:2] == (bucket, blueprint))
        refused = sum(number for (_, kind), number in made.reasons.items() if kind == blueprint)
        table.add_row(bucket, blueprint, *map(str, cells), str(total), str(refused))
    console().print(table)
    reasons: dict[str, int] = {}
    for (reason, _), number in made.reasons.items():
        reasons[reason] = reasons.get(reason, 0) + number
    said = ", ".join(f"{reason} {number:,}" for reason, number in reasons.items()) or "none"
    print(f"{counted(len(made.rows), 'row')} in {out}; refused: {said} ({refused_file(out)})")
