"""What every kind of file shares: `Read`, a row as it stood; `Start`, where reading begins; `Sink`, which writes rows; `Kind`, both of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, Final, Protocol

from toolfmt.conversion.rows import Outcome, RowConverter
from toolfmt.errors import LayoutError

__all__ = ["BEGIN", "MAX_ROW", "DamageError", "Kind", "Read", "Sink", "Source", "Start"]

MAX_ROW: Final = 256 * 1024 * 1024
"""How many bytes a row may have; a longer line is put aside with its reason, in pieces, so that it never stands in memory whole."""


class DamageError(Exception):
    """Data that ends too early or does not decompress; the message says what of it is wrong, the caller says where."""


@dataclass(slots=True)
class Read:
    """One row of a file: its value, or the error for which there is none."""

    row: int
    """From 0."""
    line: int | None
    """The first line of it, from 1."""
    end: int
    """How many bytes of the (decompressed) file are read with it."""
    raw: bytes
    """Its spelling, without the line's end; empty where the file has no text for a row."""
    value: Any = None
    error: LayoutError | None = None
    more: Iterator[bytes] | None = None
    """The rest of a line that is too long to be held."""
    cells: dict[str, str] | list[str] | None = None
    """The cells of a CSV row, as they stood; a list where they are not those of the header."""


@dataclass(frozen=True, slots=True)
class Start:
    """What is read already: bytes of the decompressed file, and the rows and lines in them."""

    offset: int = 0
    row: int = 0
    line: int = 0


BEGIN: Final = Start()
class Source(Protocol):
    """The input once more, for a sink that has to know the columns of all rows before the first."""

    def open(self) -> IO[bytes]:
        """The file, decompressed."""

    def rows(self) -> Iterator[Read]:
        """All rows of it."""


class Sink(Protocol):
    """Writes rows into a file that is open."""

    def add(self, read: Read, outcome: Outcome) -> None:
        """Write the row that ``read`` became; LayoutError, and nothing written, where this kind of file cannot hold it."""

    def finish(self) -> None:
        """Write what the file ends with."""

    def close(self) -> None:
        """Let go of what is held, whether the file is whole or given up; it is still open, and nothing is raised for what it does not take."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: how its rows are read, and written."""

    read: Callable[[IO[bytes], Start], Iterator[Read]]
    sink: Callable[[IO[bytes], Source, RowConverter], Sink]
    packs: bool = True
    """It may be compressed as a whole."""
    padded: Callable[[IO[bytes]], bool] | None = None
    """Whether nulls in the rows of a file may be Arrow's padding; None where they never are."""
    count: Callable[[IO[bytes]], int] | None = None
    """How many rows a file has, where that is known sooner than by reading them."""
    resumes: bool = False
    """A run that was killed goes on inside the file; otherwise it begins the file anew."""
