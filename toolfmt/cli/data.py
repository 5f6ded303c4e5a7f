"""The commands on data, and on what there is: `convert`, `detect`, `formats`."""

import contextlib
import dataclasses
import re
import sys
import threading
import warnings
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolfmt.cli.common import (
    CommandError,
    File,
    Json,
    ToolsFile,
    console,
    note,
    print_json,
    problems,
    read_text,
    read_tools_file,
    visible,
)
from toolfmt.errors import LayoutError, LossError, UnrepresentableError
from toolfmt.values import JSONTextError, loads

if TYPE_CHECKING:
    from toolfmt.report import Report

__all__ = ["OnLoss", "convert", "detect", "formats"]


class OnLoss(StrEnum):
    """What to do when the target cannot say what a row says."""

    RAISE = "raise"
    WARN = "warn"
    IGNORE = "ignore"


Source = Annotated[Path, typer.Argument(metavar="IN", help="A JSONL file; it is never changed.", show_default=False)]
Out = Annotated[Path | None, typer.Option(help="The file to write.", show_default="beside IN")]
To = Annotated[str | None, typer.Option(help="Write calls as text in this format.", show_default=False)]
From = Annotated[str, typer.Option("--from", help="The format of the calls in IN.")]
Layout = Annotated[str | None, typer.Option(help="Write rows in this layout.", show_default=False)]
Loses = Annotated[OnLoss, typer.Option(help="What to do when something would be lost.")]
ReportFile = Annotated[
    Path | None, typer.Option("--report", help="Write the report here, as JSON.", show_default=False)
]


def convert(
    source: Source,
    out: Out = None,
    to: To = None,
    read_as: From = "auto",
    layout: Layout = None,
    tools: ToolsFile = None,
    on_loss: Loses = OnLoss.RAISE,
    report_file: ReportFile = None,
    as_json: Json = False,
) -> None:
    """Convert a JSONL file of conversations to another format or layout.

    Exit code 1 when rows were rejected or something was lost; every rejected row is kept beside the output, with its reason.
    """
    from toolfmt.report import Report

    if to is None and layout is None:
        raise CommandError("nothing to do: give --to FORMAT, --layout LAYOUT or both; see `toolfmt formats`")
    for path in (out, report_file):
        if path is not None and not path.parent.is_dir():
            raise CommandError(f"no such folder; make it first: `{path.parent}`")
    report = Report()
    settings = {"layout": layout, "source": read_as, "tools": read_tools_file(tools), "on_loss": on_loss.value}
    written, failed = _run(source, to, out, report, settings)
    _tell(report, written, failed, report_file, as_json)
    if failed or report.rejected or report.losses:
        problems()


def _run(
    source: Path, to: str | None, out: Path | None, report: "Report", settings: dict[str, Any]
) -> tuple[Path | None, str | None]:
    """The file that was written, or why there is none."""
    from toolfmt.convert import convert as run

    try:
        with _progress(source, report), _warnings_as_notes():
            return run(source, to, out=out, report=report, **settings), None
    except LossError as error:
        return None, _as_options(str(error))
    except UnrepresentableError as error:
        return None, f"{error}; with --on-loss warn such rows are put aside and the others written"
    except ValueError as error:
        raise CommandError(_as_options(str(error))) from None


_ARGUMENT = re.compile(r"(?<![-\w])(to|out|layout|tools|source|on_loss)=")


def _as_options(message: str) -> str:
    """What the library says of its arguments, said of the command's options."""
    message = message.replace('on_loss="warn" or "ignore"', "--on-loss warn or ignore")
    return _ARGUMENT.sub(
        lambda found: {"source": "--from", "on_loss": "--on-loss"}.get(found[1], f"--{found[1]}"), message
    )


def _tell(report: "Report", written: Path | None, failed: str | None, report_file: Path | None, as_json: bool) -> None:
    data = {
        **report.as_dict(),
        "out": None if written is None else str(written),
        "error": failed,
    }
    if report_file is not None:
        _write_json(report_file, data)
    if as_json:
        print_json(data)
    elif failed is None:
        print(f"{visible(report.summary())}\nwrote {visible(str(written))}")
    if failed is not None:
        note(f"error: {failed}; nothing was written")


def _write_json(path: Path, data: Any) -> None:
    import json

    text = json.dumps(data, ensure_ascii=False, indent=2) + "\n"
    path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")


@contextlib.contextmanager
def _progress(path: Path, report: "Report") -> Iterator[None]:
    """A bar on standard error while a file is converted; nothing where standard error is no terminal."""
    if not sys.stderr.isatty() or not path.is_file():
        yield
        return
    from rich.progress import Progress

    done = threading.Event()
    with path.open("rb") as lines:
        total = sum(1 for _ in lines)
    with Progress(console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(path.name, total=total)

        def watch() -> None:
            while not done.wait(0.1):
                bar.update(task, completed=report.rows)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()


@contextlib.contextmanager
def _warnings_as_notes() -> Iterator[None]:
    from toolfmt.report import ToolfmtWarning

    with warnings.catch_warnings():
        warnings.simplefilter("always", ToolfmtWarning)
        warnings.showwarning = lambda message, *_, **__: note(f"warning: {message}")
        yield


def detect(file: File = None, as_json: Json = False) -> None:
    """Say in which format a text, or the rows of a JSONL file, writes its calls.

    Exit code 1 when no format finds a call.
    """
    from toolfmt.detect import detect as run

    text = read_text(file)
    rows = _rows(text, file)
    found = run(text if rows is None else rows)
    if as_json:
        print_json([dataclasses.asdict(one) for one in found])
    elif found:
        _show_detections(found)
    else:
        print(f"no format finds a call in {'this text' if rows is None else f'these {len(rows)} rows'}")
    if not found:
        problems()


def _show_detections(found: list[Any]) -> None:
    table = _table("format", "score", "calls", "reason")
    for one in found:
        table.add_row(one.format, f"{one.score:.2f}", str(one.calls), visible(one.reason))
    console().print(table, soft_wrap=False)


def _rows(text: str, file: Path | None) -> list[Any] | None:
    """The rows of a JSONL text; None for a text that is none: its first line is no row of a layout and its name does not say so."""
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    named = file is not None and file.suffix in (".jsonl", ".ndjson")
    if not lines or not (named or _is_row(lines[0][1])):
        return None
    rows, bad = [], []
    for number, line in lines:
        try:
            rows.append(loads(line))
        except JSONTextError as error:
            bad.append(f"line {number}: {error}")
    if bad:
        note(f"note: {len(bad)} of {len(lines)} lines are not JSON and were left out; the first: {bad[0]}")
    return rows


def _is_row(line: str) -> bool:
    from toolfmt.layouts.base import find_layout

    try:
        find_layout(loads(line))
    except (JSONTextError, LayoutError):
        return False
    return True


def formats(as_json: Json = False) -> None:
    """List the formats: names, aliases, the models that speak them, their parsers elsewhere."""
    from toolfmt.registry import formats as registered

    every = registered()
    if as_json:
        keys = ("name", "aliases", "models", "parsers")
        print_json([{key: getattr(info, key) for key in keys} for info in every])
        return
    table = _table("format", "aliases", "models", "parsers elsewhere")
    for info in every:
        parsers = [f"{where}: {name}" for where, name in info.parsers.items()]
        table.add_row(info.name, ", ".join(info.aliases), ", ".join(info.models), ", ".join(parsers))
    console().print(table, soft_wrap=False)


def _table(*columns: str) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column == columns[0])
    return table
