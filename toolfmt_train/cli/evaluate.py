"""`toolfmt-train evaluate`: what a model's calls are worth."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolfmt.cli.common import CommandError, Json, console, counted, note, print_json

if TYPE_CHECKING:
    from toolfmt_train.evaluate.answers import Progress
    from toolfmt_train.evaluate.records import Record
    from toolfmt_train.rows import Row

__all__ = ["evaluate"]


class Grammars(StrEnum):
    """Under which conditions the model writes."""

    off = "off"
    on = "on"
    both = "both"


_GRAMMARS = {Grammars.off: (False,), Grammars.on: (True,), Grammars.both: (False, True)}


def evaluate(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL", help="A model's folder or name, or `smollm2`; none with --completions.", show_default=False
        ),
    ] = None,
    data: Annotated[
        Path,
        typer.Option("--data", metavar="ROWS", help="Held-out rows of `toolfmt-train generate`.", show_default=False),
    ] = Path(),
    format: Annotated[
        str | None, typer.Option("--format", "-f", help="The format that the model writes.", show_default=False)
    ] = None,
    shots: Annotated[
        list[int] | None,
        typer.Option(help="Examples in the prompt, 0 or 2; may be given twice. Default: 0.", show_default=False),
    ] = None,
    shots_from: Annotated[
        Path | None,
        typer.Option(metavar="ROWS", help="Training rows to take the two examples from.", show_default=False),
    ] = None,
    grammar: Annotated[
        Grammars, typer.Option(help="Free, under the grammar of the row's tools, or one after the other.")
    ] = Grammars.off,
    read_as: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT", help="Score the same answers as this format's parser reads them, too.", show_default=False
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only so many rows, evenly spread over the file.", show_default=False)
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(help="The model's name in the results; by default the end of MODEL.", show_default=False),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            help="The seed the model was trained with; runs of one label are pooled. Draws the examples, too."
        ),
    ] = 0,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Answers are cut off there.")] = 160,
    completions: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Score these completions.jsonl, together, instead of asking a model.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FOLDER",
            help="Keep completions, verdicts, scores and a plot here.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask a model the tasks of held-out rows, read its calls, run them, and print rates with 95% intervals.

    Free and under a grammar, without examples and with two; several runs together with --completions.
    """
    import toolfmt
    from toolfmt_train.evaluate.run import judge_all, save, score_all
    from toolfmt_train.evaluate.verdict import Judge
    from toolfmt_train.lines import write_lines
    from toolfmt_train.rows import read_rows

    if read_as is not None:
        read_as = toolfmt.get_format(read_as).name
    if (model is None) == (completions is None):
        raise CommandError("give a MODEL to ask, or --completions to score what was written before, and not both")
    if data == Path():
        raise CommandError("give the rows to evaluate on: --data held_out.jsonl")
    rows, judge = _spread(read_rows(data), limit), Judge()
    judge.check(rows)  # before the model writes for long what could not be scored
    if model is not None:
        examples = _examples(shots or [0], shots_from, seed)
        about = {"label": label or Path(model).name, "seed": seed, "max_new_tokens": max_new_tokens}
        records = _asked(model, rows, _format(format), examples=examples, grammars=_GRAMMARS[grammar], **about)
    else:
        records = _kept(completions or [], rows, limit is not None)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_lines(records, out / "completions.jsonl")
    judged = judge_all(rows, records, read_as, judge)
    scores, found = score_all(judged, data, rows)
    if out is not None:
        save(out, judged, scores, found)
        note(f"wrote {out}: {counted(len(records), 'completion')}, verdicts, scores.json, scores.png")
    if as_json:
        print_json(found)
    else:
        from toolfmt_train.evaluate.report import table

        console().print(table(scores))


def _format(name: str | None) -> str:
    import toolfmt

    if name is None:
        raise CommandError("say which format the model writes: --format qwen_xml; `toolfmt formats` lists them")
    try:
        toolfmt.chat_template(name)
    except toolfmt.UnrepresentableError as error:
        raise CommandError(error.reason) from None
    return toolfmt.get_format(name).name


def _spread(rows: "Sequence[Row]", limit: int | None) -> "list[Row]":
    """So many rows, from the first to the last at even distances."""
    if limit is None or limit >= len(rows):
        return list(rows)
    return [rows[i * len(rows) // limit] for i in range(limit)]


def _examples(numbers: Sequence[int], source: Path | None, seed: int) -> dict[int, list[dict[str, Any]]]:
    from toolfmt_train.evaluate.answers import shots
    from toolfmt_train.rows import read_rows

    wrong = [number for number in numbers if number not in (0, 2)]
    if wrong:
        raise CommandError(f"--shots is 0 or 2, one example of each tool: `{wrong[0]}`")
    if 2 in numbers and source is None:
        raise CommandError("--shots 2 takes its examples from training rows: --shots-from train.jsonl")
    return {number: shots(read_rows(source), seed) if number and source is not None else [] for number in numbers}


def _asked(name: str, rows: "Sequence[Row]", format: str, **about: Any) -> "list[Record]":
    from toolfmt_train.evaluate.answers import Plan, answers
    from toolfmt_train.models import load

    plan = Plan(format=format, **about)
    loaded = load(name)
    with _bars() as show:
        return list(answers(loaded, rows, plan, show))


def _kept(files: Sequence[Path], rows: "Sequence[Row]", limited: bool) -> "list[Record]":
    """The completions of the files; with a limit, those of the rows that are left."""
    from toolfmt_train.evaluate.records import read_records

    records = [record for file in files for record in read_records(file)]
    known = {row.id for row in rows}
    return [record for record in records if record.row in known or not limited]


@contextmanager
def _bars() -> "Iterator[Progress]":
    """A bar for each condition on standard error."""
    from rich.progress import Progress, TaskID

    with Progress(console=console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def show(condition: str, done: int, whole: int) -> None:
            if condition not in tasks:
                tasks[condition] = bars.add_task(condition, total=whole)
            bars.update(tasks[condition], completed=done)

        yield show
