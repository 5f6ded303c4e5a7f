"""Files that appear whole or not at all, and the rows that are put aside.

A file is written under a hidden name in the folder of its place (``.<name>.part``), brought to the disk and renamed.  While it is written it is
locked, so that two runs into one place are an error (not on Windows).
"""

import codecs
import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from toolfmt.containers.base import Read
from toolfmt.containers.jsonl import one_line
from toolfmt.errors import LayoutError
from toolfmt.values import dumps, escape

__all__ = ["NoPart", "Part", "data_of", "sync_folder", "write_reject"]

_BUFFER = 1024 * 1024


class Part:
    """A file on its way to its place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.hidden = path.with_name(f".{path.name}.part")
        self.file: IO[bytes] = io.BytesIO()
        self._ours = False

    def open(self, size: int = 0) -> None:
        """Begin, or go on after ``size`` bytes of what a run that was interrupted wrote."""
        with _named(self.path):
            raw = _Raw(self.path, self.hidden)
        try:
            _lock(raw, self.path, self.hidden)
            if raw.seek(0, os.SEEK_END) < size:
                raise LayoutError(str(self.hidden), "shorter than the interrupted run left it; run without resume= to begin anew")
            raw.truncate(size)
            raw.seek(size)
        except BaseException:
            raw.close()
            raise
        self.file, self._ours = io.BufferedWriter(raw, _BUFFER), True

    def sync(self) -> int:
        """Bring to the disk what is written; how much it is."""
        self.file.flush()
        with _named(self.path):
            os.fsync(self.file.fileno())
        return self.file.tell()

    def commit(self, keep: bool = True) -> None:
        """Put the file in its place; where it is not to be kept, remove it and what an earlier run left there."""
        self.sync()
        self.file.close()
        self.place(keep)

    def place(self, keep: bool) -> None:
        """The end of `commit`, also for a run that goes on just there; what is done already stays done."""
        with _named(self.path):
            if not keep:
                self.hidden.unlink(missing_ok=True)
                self.path.unlink(missing_ok=True)
            elif self.hidden.exists():
                os.replace(self.hidden, self.path)
            sync_folder(self.path.parent)

    def close(self, remove: bool) -> None:
        """Leave the file; what a full disk does not take is no error here: the run has failed already."""
        with contextlib.suppress(OSError):
            self.file.close()
        if remove and self._ours:
            self.hidden.unlink(missing_ok=True)


class NoPart(Part):
    """A file that is written nowhere."""

    def __init__(self) -> None:
        super().__init__(Path(os.devnull))

    def open(self, size: int = 0) -> None:
        self.file = io.BufferedWriter(_Nowhere(), _BUFFER)

    def sync(self) -> int:
        self.file.flush()
        return self.file.tell()

    def commit(self, keep: bool = True) -> None:
        self.file.close()

    def place(self, keep: bool) -> None:
        """Nothing: there is no file."""


class _Nowhere(io.RawIOBase):
    """Takes what is written, and knows only how much it was."""

    def __init__(self) -> None:
        super().__init__()
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._size += len(data)
        return len(data)

    def tell(self) -> int:
        return self._size


class _Raw(io.FileIO):
    """A file whose errors name the place that it is written for."""

    def __init__(self, path: Path, hidden: Path) -> None:
        super().__init__(hidden, "r+", opener=lambda name, flags: os.open(name, flags | os.O_CREAT, 0o666))
        self._path = path

    def write(self, data: Any) -> int:
        with _named(self._path):
            return super().write(data)


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def _lock(raw: io.FileIO, path: Path, hidden: Path) -> None:
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(raw, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held = os.path.samestat(os.fstat(raw.fileno()), hidden.stat())
    except (BlockingIOError, FileNotFoundError):
        held = False
    if not held:
        raise LayoutError(str(path), "another run is writing this file; wait for its end")


def sync_folder(folder: Path) -> None:
    """Bring to the disk which names a folder holds."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# Rows that are put aside


def data_of(read: Read) -> Any:
    """What the report says a refused row was; nothing for one too long to be held."""
    if read.more is not None:
        return None
    if read.cells is not None:
        return read.cells
    return read.value if read.error is None else read.raw.decode(errors="surrogateescape")


def write_reject(file: IO[bytes], read: Read, reason: str) -> None:
    """One line for a row: where it stood, why it is here, and the row: as it stood where it is JSON, else its text.

    A byte that is not UTF-8 is ``\\udcXX`` in the text: ``data.encode("utf-8", "surrogateescape")`` are the bytes of the line.
    """
    place = dumps({"line": read.line, "row": read.row, "reason": reason})
    file.write(f'{place[:-1]}, "data": '.encode())
    if read.more is not None:
        _write_pieces(file, read)
    elif read.error is None and read.raw:
        file.write(one_line(read.raw))
    else:
        file.write(dumps(data_of(read)).encode())
    file.write(b"}\n")


def _write_pieces(file: IO[bytes], read: Read) -> None:
    decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
    file.write(b'"' + escape(decode(read.raw)).encode())
    for piece in read.more or ():
        file.write(escape(decode(piece.rstrip(b"\r\n") if piece.endswith(b"\n") else piece)).encode())
    file.write(escape(decode(b"", True)).encode() + b'"')
