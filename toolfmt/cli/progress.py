"""The progress of `toolfmt convert` on standard error: by the bytes that are read, so that no file is read twice to count its rows."""

import sys
import time
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from toolfmt.cli.common import console, visible
from toolfmt.containers.base import Read
from toolfmt.containers.jobs import Job, Jobs
from toolfmt.containers.kinds import split_name
from toolfmt.containers.paths import Place
from toolfmt.containers.watch import Watch
from toolfmt.conversion.rows import Outcome
from toolfmt.report import Report

__all__ = ["Progress", "Watches"]

_EVERY = 0.1  # seconds between two looks at the file
_PACKED = 6  # a guess at how much smaller a compressed file is than its rows; it matters only beside other files


class Watches(Watch):
    """Several that look on."""

    def __init__(self, watches: Sequence[Watch]) -> None:
        self._watches = watches

    def opened(self, job: Job, file: IO[bytes]) -> None:
        for watch in self._watches:
            watch.opened(job, file)

    def row(self, job: Job, read: Read, outcome: Outcome) -> None:
        for watch in self._watches:
            watch.row(job, read, outcome)

    def done(self, job: Job, report: Report) -> None:
        for watch in self._watches:
            watch.done(job, report)


class Progress(Watch):
    """Counts; where standard error is a terminal it shows a bar, which goes when the run ends."""

    def __init__(self, jobs: Jobs) -> None:
        self.begun = 0
        """How many files were begun."""
        self._index = {job.name: number for number, job in enumerate(jobs.files, 1)}
        self._rows = self._losses = self._rejects = 0
        self._sizes: dict[str, int] = {}
        self._starts: dict[str, int] = {}
        self._before, self._total, self._weight = 0, 0, 1
        self._file: IO[bytes] | None = None
        self._bar: Any = None
        self._task: Any = None
        self._next = self._since = 0.0
        if sys.stderr.isatty():
            self._sizes = {job.name: _size(job.source) * _weight(job) for job in jobs.files}
            self._starts = dict(zip(self._sizes, accumulate(self._sizes.values(), initial=0), strict=False))
            self._total = sum(self._sizes.values())
            self._bar = _bar()

    def __enter__(self) -> "Progress":
        if self._bar is not None:
            self._bar.start()
            self._task = self._bar.add_task("looking at the rows", total=None, said="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is None:
            return
        if error is None and self.begun:
            self._show(time.monotonic(), self._total)
        self._bar.stop()

    def opened(self, job: Job, file: IO[bytes]) -> None:
        self._begin(job)
        self._file, self._weight = file, _weight(job)

    def _begin(self, job: Job) -> None:
        self.begun = self._index[job.name]
        if self._bar is None:
            return
        self._since = self._since or time.monotonic()
        self._before = self._starts[job.name]
        which = f"{self.begun}/{len(self._sizes)} " if len(self._sizes) > 1 else ""
        self._bar.update(self._task, description=f"{which}{visible(job.name)}", total=self._total or None)

    def row(self, job: Job, read: Read, outcome: Outcome) -> None:
        self._rows += 1
        if outcome.error is not None:
            self._rejects += 1
        self._losses += len(outcome.losses)
        if self._bar is not None and (now := time.monotonic()) >= self._next:
            assert self._file is not None
            self._next = now + _EVERY
            self._show(now, self._before + self._file.tell() * self._weight)

    def done(self, job: Job, report: Report) -> None:
        self._begin(job)
        self._rows += report.rows
        self._losses += report.lost
        self._rejects += report.rejected
        if self._bar is not None:
            self._show(time.monotonic(), self._before + self._sizes[job.name])

    def _show(self, now: float, read: int) -> None:
        speed = self._rows / max(now - self._since, 1e-3)
        said = f"{self._rows:,} rows, {speed:,.0f} rows/s, {self._losses:,} losses, {self._rejects:,} rejects"
        self._bar.update(self._task, completed=read, said=said)


def _weight(job: Job) -> int:
    _, suffix, packing = split_name(job.name) or ("", "", "")
    return _PACKED if packing or suffix == ".parquet" else 1


def _size(place: Place) -> int:
    """In bytes; nothing where the file system does not say, or there is no file: its reader tells of that."""
    if isinstance(place, Path):
        return place.stat().st_size if place.exists() else 0
    system, path = place.system()
    return int(system.size(path) or 0)


def _bar() -> Any:
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        TextColumn("{task.fields[said]}", markup=False),
        TimeRemainingColumn(compact=True),
    )
    return Bar(*columns, console=console(stderr=True), transient=True)
