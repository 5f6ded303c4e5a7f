"""The command `tools`: tool definitions, inferred from the calls of a file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from toolfmt.cli.common import CommandError, Json, note, print_json, problems

__all__ = ["tools"]

Source = Annotated[
    Path,
    typer.Argument(
        metavar="IN",
        help="A file of rows: .jsonl, .json, .csv, .parquet; also .gz, .zst.",
        show_default=False,
    ),
]


def tools(source: Source, as_json: Json = False) -> None:
    """Infer tool definitions from the calls of a file: argument types, `required`, `enum` where values are few.

    They are printed as JSON, for --tools; how sure they are is said on standard error, with --json beside them. Exit code 1 when there are none, or
    rows could not be read.
    """
    from toolfmt.inference import infer_placed

    try:
        found = infer_placed(lambda: _rows(source))
    except ValueError as error:
        raise CommandError(str(error)) from None
    data = found.as_dict()
    print_json(data if as_json else data["tools"])
    if not as_json:
        note(found.summary())
    if found.unread or not found.tools:
        problems()


def _rows(source: Path) -> Iterator[tuple[str, object]]:
    from toolfmt.containers.files import file_rows
    from toolfmt.report import place

    for read in file_rows(source):
        yield place(read.row, read.line), read.value if read.error is None else read.error
