"""The new file of one input and the file of its rejects, both under hidden names until they are whole."""

import io
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO

from toolfmt.containers.base import Read, Sink, Source
from toolfmt.containers.compressed import Packed
from toolfmt.containers.jobs import Job
from toolfmt.containers.kinds import kind_of
from toolfmt.containers.paths import Remote
from toolfmt.containers.resume import State
from toolfmt.containers.sinks import NoPart, Part, write_reject
from toolfmt.conversion.rows import Outcome, RowConverter

__all__ = ["Output"]


class Output:
    """Rows go to `add` or to `reject`; `commit` gives both files their names.

    A file that fsspec reaches is written here first and sent whole.  Without `commit` nothing is left, unless ``keep`` is set.  With ``dry``
    rows are written nowhere.
    """

    def __init__(self, job: Job, state: State, dry: bool = False) -> None:
        self.job = job
        self.good_rows, self.bad_rows = state.good_rows, state.bad_rows
        self.keep = False
        """Leave the hidden files for a run that goes on."""
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._dry = dry
        self._good: Part
        self._bad: Part
        if dry:
            self._good, self._bad = NoPart(), NoPart()
        elif isinstance(job.out, Path) and isinstance(job.rejects, Path):
            self._good, self._bad = Part(job.out), Part(job.rejects)
        else:
            self._folder = tempfile.TemporaryDirectory(prefix="toolfmt-")
            self._good, self._bad = (Part(Path(self._folder.name, name)) for name in ("rows", "rejects"))
        self._packed: Packed | None = None
        self._file: IO[bytes] = io.BytesIO()
        self._sink: Sink | None = None

    def __enter__(self) -> "Output":
        return self

    def open(self, source: Source, converter: RowConverter, state: State) -> None:
        """Open both files, after what an interrupted run wrote."""
        self._good.open(state.good)
        self._bad.open(state.bad)
        kind, packing = kind_of(self.job.out.name)
        self._file = self._good.file
        if packing is not None:
            self._packed = Packed(self._good.file, packing)
            self._file = io.BufferedWriter(self._packed)
        self._sink = kind.sink(self._file, source, converter)

    def add(self, read: Read, outcome: Outcome) -> None:
        """Write a row; LayoutError where this kind of file cannot hold it."""
        assert self._sink is not None, "not open"
        self._sink.add(read, outcome)
        self.good_rows += 1

    def reject(self, read: Read, reason: str) -> None:
        write_reject(self._bad.file, read, reason)
        self.bad_rows += 1

    def sync(self) -> tuple[int, int]:
        """Bring to the disk what is written, a compressed file to the end of a member; how many bytes both files have."""
        self._file.flush()
        if self._packed is not None:
            self._packed.cut()
        return self._good.sync(), self._bad.sync()

    def finish(self) -> tuple[int, int]:
        """Write what the file ends with."""
        assert self._sink is not None, "not open"
        self._sink.finish()
        return self.sync()

    def commit(self) -> None:
        """Give both files their names, the rejects first; without a row they remove what an earlier run left there."""
        self._bad.commit(keep=self.bad_rows > 0)
        self._good.commit()
        self._send()

    def place(self) -> None:
        """The same for files that were written whole by a run that ended just there."""
        self._bad.place(keep=self.bad_rows > 0)
        self._good.place(keep=True)

    def _send(self) -> None:
        out, rejects = self.job.out, self.job.rejects
        if self._dry or not isinstance(out, Remote) or not isinstance(rejects, Remote):
            return
        if self.bad_rows:
            rejects.put(self._bad.path)
        else:
            rejects.unlink(missing_ok=True)
        out.put(self._good.path)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._sink is not None:
            self._sink.close()
        if self._packed is not None:
            self._packed.drop()
        keep = self.keep and error is not None
        self._good.close(remove=not keep)
        self._bad.close(remove=not keep)
        if self._folder is not None:
            self._folder.cleanup()
