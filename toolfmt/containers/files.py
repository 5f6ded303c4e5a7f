"""JSONL files: streamed, written atomically, every bad row kept beside the output with its line number and the reason.

The new file appears whole or not at all: a temporary file in the same folder, fsync, rename.  Rows in are rows out plus rejects.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from toolfmt.conversion.collect import Collector
from toolfmt.conversion.plan import plan
from toolfmt.conversion.rows import Outcome, RowConverter
from toolfmt.errors import LayoutError
from toolfmt.report import Reject
from toolfmt.values import JSONTextError, dumps, loads

__all__ = ["convert_file"]

_JSONL = (".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True)
class _Read:
    """One row of a file: its value, or the error for which there is none."""

    line: int | None
    text: str
    value: Any = None
    error: LayoutError | None = None


def convert_file(path: Path, out: Path | None, base: RowConverter, source: str, collect: Collector) -> Path:
    """Convert ``path`` into ``out``; what is bad goes to ``<out>.rejects.jsonl``."""
    if path.suffix not in (*_JSONL, ".json"):
        raise ValueError(f"expected a file of rows (.jsonl, .ndjson, or .json with a list), got `{path.name}`")
    out = path.with_name(f"{path.stem}.{base.to or base.layout}.jsonl") if out is None else out
    if out.resolve() == path.resolve() or (out.exists() and out.samefile(path)):
        raise ValueError(f"out= is the input itself, which is never changed: `{path}`")
    rejects = out.with_name(out.name + ".rejects.jsonl")
    if rejects.resolve() == path.resolve():
        raise ValueError(f"the rejects of `{out}` would replace the input `{path}`; give another out=")
    converter = plan(base, source, lambda: (read.value for read in _read(path) if read.error is None))
    collect.report.source = converter.source
    with ExitStack() as stack:
        good = stack.enter_context(_Atomic(out))
        bad = stack.enter_context(_Atomic(rejects))
        for number, read in enumerate(_read(path)):
            outcome = converter(read.value) if read.error is None else Outcome(error=read.error)
            data = read.value if read.error is None else read.text
            if collect.take(outcome, data, number, read.line, keep_bad=True):
                good.write(dumps(outcome.row) if outcome.changed or not read.text else read.text)
            else:
                bad.write(_reject(collect.report.rejects[-1]))
        bad.commit()
        good.commit()
    return out


def _reject(reject: Reject) -> str:
    return dumps({"line": reject.line, "row": reject.row, "reason": reject.reason, "data": reject.data})


def _read(path: Path) -> Iterator[_Read]:
    return _read_lines(path) if path.suffix in _JSONL else _read_list(path)


def _read_lines(path: Path) -> Iterator[_Read]:
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
            if line.strip():
                yield _read_line(line.rstrip(b"\r\n"), number)


def _read_line(raw: bytes, number: int) -> _Read:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        return _Read(number, raw.decode(errors="backslashreplace"), error=LayoutError("$", f"not UTF-8: {error.reason}"))
    try:
        return _Read(number, text, loads(text))
    except JSONTextError as error:
        return _Read(number, text, error=LayoutError("$", f"expected a JSON object: {error}"))


def _read_list(path: Path) -> Iterator[_Read]:
    """``.json``: one list, read whole."""
    try:
        rows = loads(path.read_bytes().decode("utf-8-sig"))
    except (JSONTextError, UnicodeDecodeError) as error:
        raise LayoutError(str(path), f"expected a JSON list of rows: {error}") from None
    if not isinstance(rows, list):
        raise LayoutError(str(path), f"expected a JSON list of rows, got `{type(rows).__name__}`")
    return iter([_Read(None, "", row) for row in rows])


class _Atomic:
    """A file that appears when it is committed, and leaves nothing when it is not; empty ones that never got a line are left out on request."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
        self.lines = 0

    def __enter__(self) -> "_Atomic":
        self.file: IO[str] = self.temporary.open("x", encoding="utf-8", newline="\n")
        return self

    def write(self, line: str) -> None:
        self.file.write(line + "\n")
        self.lines += 1

    def commit(self) -> None:
        """Put the file in its place; a file of rejects without a line removes what an earlier run left there."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        if self.lines or not self.path.name.endswith(".rejects.jsonl"):
            os.replace(self.temporary, self.path)
        else:
            self.path.unlink(missing_ok=True)
        _sync_folder(self.path.parent)

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self.temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
