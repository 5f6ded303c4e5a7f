"""What models wrote, as it is kept: one completion a line, with the condition it was written under.  Scoring needs nothing else of the model."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from toolfmt.values import JSONTextError, dumps, loads
from toolfmt_train.errors import RowError

__all__ = ["Condition", "Record", "read_records", "write_lines"]


class Condition(NamedTuple):
    """How answers came about; what is compared in a table.  ``read_as`` is the format of the parser, usually the one they were written in."""

    model: str
    format: str
    read_as: str
    shots: int
    grammar: bool

    @property
    def name(self) -> str:
        """For people."""
        words = [self.model, self.format, f"{self.shots}-shot"] + ["grammar"] * self.grammar
        return " ".join(words) + (f", read as {self.read_as}" if self.read_as != self.format else "")


class Record(BaseModel):
    """A completion: of which row, by which model (and which of its seeds), in which format, how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    row: str
    model: str
    format: str
    shots: int
    grammar: bool
    seed: int
    text: str
    finish_reason: Literal["stop", "length"]
    tokens: int

    def condition(self, read_as: str | None = None) -> Condition:
        return Condition(self.model, self.format, read_as or self.format, self.shots, self.grammar)


def read_records(path: Path) -> list[Record]:
    """The completions of a JSONL file; raises `RowError` naming the line."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        raise RowError(f"there is no file `{path}`; `toolfmt-train evaluate MODEL -o FOLDER` writes one") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RowError(f"`{path}` cannot be read: {error}") from None
    records = [_record(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not records:
        raise RowError(f"`{path}` holds no completions")
    return records


def _record(path: Path, number: int, line: str) -> Record:
    try:
        return Record.model_validate(loads(line))
    except JSONTextError as error:
        raise RowError(f"{path}, line {number}: not JSON: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RowError(
            f"{path}, line {number}: {where}: {first['msg']}; completions come from `toolfmt-train evaluate`"
        ) from None


def write_lines(items: Iterable[BaseModel], path: Path) -> None:
    """JSONL, whole or not at all; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes("".join(dumps(item.model_dump()) + "\n" for item in items).encode())
    os.replace(part, path)
