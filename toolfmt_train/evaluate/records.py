"""What models wrote, as it is kept: one completion a line, with the condition it was written under.  Scoring needs nothing else of the model."""

from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from toolfmt_train.lines import read_lines

__all__ = ["Condition", "Record", "read_records"]


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
    return read_lines(path, Record, called="completions", command="toolfmt-train evaluate MODEL -o FOLDER")
