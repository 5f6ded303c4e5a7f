"""The commands that look: `detect` at data, `formats` at what there is."""

import dataclasses
from pathlib import Path
from typing import Any

from toolfmt.cli.common import (
    File,
    Json,
    console,
    note,
    print_json,
    problems,
    read_text,
    visible,
)
from toolfmt.errors import LayoutError
from toolfmt.values import JSONTextError, loads

__all__ = ["detect", "formats"]


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
