"""Runs the recipes of docs/datasets.md and writes what comes out into it; `python docs/generate.py` does so too.

A recipe is a section.  A block ``json title="x.jsonl"`` before its commands holds the rows of that file, one after another, spread over lines; a
block ``console`` is run, in a folder of its own; a block ``json title=..`` after it shows the file that was written.
"""

import contextlib
import json
import os
import re
import shlex
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from toolfmt.cli.main import app

__all__ = ["refreshed", "rows_in", "run", "sections", "spread"]

_BLOCK = re.compile(r'^```(json|console)(?: title="([^"\n]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_WIDTH = 140
_SPACE = re.compile(r"\s*")


def sections(text: str) -> list[str]:
    """The page, cut before each heading."""
    return re.split(r"^(?=## )", text, flags=re.MULTILINE)


def refreshed(text: str) -> str:
    """The page with what its commands say and write now."""
    return "".join(map(_refreshed, sections(text)))


def _refreshed(section: str) -> str:
    written = section.find("\n```console\n")
    if written < 0:
        return section
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        return _BLOCK.sub(partial(_block, written), section)


def _block(written: int, found: re.Match[str]) -> str:
    kind, name, body = found.groups()
    if kind == "console":
        body = "".join(f"$ {command}\n{run(command)}" for command in _commands(body))
    elif found.start() < written:
        Path(name).write_text(
            "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows_in(body)), encoding="utf-8"
        )
    else:
        body = "".join(spread(row) + "\n" for row in rows_in(Path(name).read_text(encoding="utf-8")))
    return f"```{kind}" + (f' title="{name}"' if name else "") + f"\n{body}```"


def _commands(body: str) -> Iterator[str]:
    return (line.removeprefix("$ ") for line in body.splitlines() if line.startswith("$ "))


def run(command: str) -> str:
    """What the `toolfmt` command says, on both streams."""
    name, *words = shlex.split(command)
    assert name == "toolfmt", f"a recipe runs toolfmt, not `{name}`"
    os.environ.pop("COLUMNS", None)
    result = CliRunner().invoke(app, words)
    assert result.exit_code in (0, 1), f"{command}: {result.output}"
    return result.output


def rows_in(text: str) -> Iterator[Any]:
    """JSON values, one after another."""
    at = 0
    while at < len(text):
        value, end = json.JSONDecoder().raw_decode(text, at)
        yield value
        found = _SPACE.match(text, end)
        at = found.end() if found else end


def spread(value: Any, indent: str = "", before: int = 0) -> str:
    """JSON on one line where it fits, else an item a line."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(indent) + before + len(flat) <= _WIDTH or not isinstance(value, dict | list) or not value:
        return flat
    inner = indent + "  "
    if isinstance(value, list):
        items = [inner + spread(item, inner) for item in value]
    else:
        keys = [json.dumps(key, ensure_ascii=False) + ": " for key in value]
        items = [f"{inner}{key}{spread(held, inner, len(key))}" for key, held in zip(keys, value.values(), strict=True)]
    opens, closes = "[]" if isinstance(value, list) else "{}"
    return f"{opens}\n" + ",\n".join(items) + f"\n{indent}{closes}"
