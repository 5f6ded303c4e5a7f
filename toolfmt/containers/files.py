"""Files, folders and patterns of them: streamed, written atomically, every bad row kept beside its output with its line and the reason.

A new file appears whole or not at all, and rows in are rows out plus rejects: counted apart, and compared before a file gets its name.  Every
10,000 rows, or 64 MiB, of a file of lines a run notes how far it is; compressed output ends a member there, whether it is ever resumed or not.
"""

import errno
import random
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final

from toolfmt.containers.base import BEGIN, DamageError, Read, Start
from toolfmt.containers.compressed import unpacked
from toolfmt.containers.jobs import Job, Jobs
from toolfmt.containers.kinds import kind_of
from toolfmt.containers.output import Output
from toolfmt.containers.paths import Place
from toolfmt.containers.resume import Progress, State
from toolfmt.containers.sinks import data_of
from toolfmt.containers.watch import Watch
from toolfmt.conversion.collect import Collector
from toolfmt.conversion.plan import SAMPLE, plan
from toolfmt.conversion.rows import Outcome, RowConverter
from toolfmt.errors import LayoutError, ToolfmtError, ToolSpecError, UnrepresentableError
from toolfmt.report import Loss, place

__all__ = ["convert_job", "convert_jobs", "file_rows", "plan_jobs", "sample_jobs"]

ROWS: Final = 10_000
BYTES: Final = 64 * 1024 * 1024
"""After so many rows, or bytes, of input a run notes how far it is."""
_PIECE = 1024 * 1024


def convert_jobs(
    jobs: Jobs, base: RowConverter, source: str, collect: Collector, resume: bool = False, *, watch: Watch | None = None, dry: bool = False
) -> Place:
    """Convert every file of ``jobs``; where the result is.

    What is bad goes to ``<out>.rejects.jsonl``.  Files of no known kind are passed over with a notice.  With ``resume`` a run that was killed
    or failed goes on; with ``dry`` everything is done but the writing.
    """
    converter = plan_jobs(jobs, base, source, collect, dry=dry)
    progress = Progress(jobs, converter, collect.on_loss, collect.report)
    if not resume and not dry:
        progress.clear()
    if dry or any(job.only is not None for job in jobs.files):  # nobody goes on from a part of the rows
        progress.off()
    state = progress.load() if resume else State()
    run = _Run(converter, collect, progress, jobs.folder, resume, watch or Watch(), dry)
    if state == State():
        for name in jobs.skipped:
            collect.report.notice(Loss("skipped", name, detail="passed over: not a file of rows, or one of rejects"))
    try:
        for index, job in enumerate(jobs.files[state.job :], state.job):
            run.convert(job, state if index == state.job else State(index))
            if index + 1 < len(jobs.files):
                progress.save(State(index + 1))
    except BaseException:
        if not resume:
            progress.clear()
        raise
    progress.clear()
    return jobs.out


def plan_jobs(jobs: Jobs, base: RowConverter, source: str, collect: Collector, *, dry: bool = False) -> RowConverter:
    """What converts the rows of all files, by one plan; the folders for them are made."""
    base = replace(base, padded=any(_Input(job).padded() for job in jobs.files))
    converter = plan(base, source, lambda: _sampled(jobs))
    collect.report.source = converter.source
    if not dry:
        _make_folders(jobs)
    return converter


def convert_job(job: Job, converter: RowConverter, collect: Collector, folder: bool, *, dry: bool = False) -> int:
    """Convert one file of a run that is planned, as the worker of another engine does; how many rows it has.

    Nobody goes on from a part of it.
    """
    progress = Progress(Jobs((job,), (), job.out, folder), converter, collect.on_loss, collect.report)
    progress.off()
    return _Run(converter, collect, progress, folder, False, Watch(), dry).convert(job, State())


def file_rows(data: Place) -> Iterator[Read]:
    """The rows of one file; ValueError where it is of no known kind."""
    return _Input(Job(data.name, data, data)).rows()


def _make_folders(jobs: Jobs) -> None:
    """The folder for many files, and those in it; what it stands in has to be there."""
    if not isinstance(jobs.out, Path):
        return
    if not jobs.out.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "no such folder; make it first", str(jobs.out.parent))
    for job in jobs.files if jobs.folder else ():
        assert isinstance(job.out, Path)
        job.out.parent.mkdir(parents=True, exist_ok=True)


@dataclass(frozen=True, slots=True)
class _Input:
    """The file of a job: a `Source`."""

    job: Job

    def open(self, watch: Watch | None = None) -> IO[bytes]:
        file = self.job.source.open("rb")
        if watch is not None:
            watch.opened(self.job, file)
        packing = kind_of(self.job.source.name)[1]
        return file if packing is None else unpacked(file, packing)

    def padded(self) -> bool:
        """Whether nulls in its rows may be Arrow's padding."""
        find = kind_of(self.job.source.name)[0].padded
        if find is None:
            return False
        with self.open() as file:
            return find(file)

    def count(self) -> int:
        """How many rows the file has."""
        find = kind_of(self.job.source.name)[0].count
        if find is None:
            return sum(1 for _ in self.rows())
        with self.open() as file:
            try:
                return find(file)
            except DamageError as error:
                raise LayoutError(str(self.job.source), f"{error}; get the file anew, or repair it") from None

    def rows(self, start: Start = BEGIN, watch: Watch | None = None) -> Iterator[Read]:
        """The rows from ``start`` on; LayoutError names the file, and the last line, where its data is damaged."""
        kind, packing = kind_of(self.job.source.name)
        last = Read(start.row - 1, start.line or None, start.offset, b"")
        only = self.job.only
        end = None if only is None else max(only, default=-1) + 1
        with self.open(watch) as file:
            try:
                if packing is None:
                    file.seek(start.offset)
                else:
                    _skip(file, start.offset)
                for last in islice(kind.read(file, start), end):
                    if only is None or last.row in only:
                        yield last
            except DamageError as error:
                after = "before the first row" if last.row < 0 else f"after {place(last.row, last.line)[:-2]}"
                raise LayoutError(str(self.job.source), f"{error}, {after}; get the file anew, or repair it") from None


def _skip(file: IO[bytes], size: int) -> None:
    while size > 0:
        piece = file.read(min(size, _PIECE))
        if not piece:
            raise DamageError("the data ends before the row at which the interrupted run was")
        size -= len(piece)


def _sampled(jobs: Jobs) -> Iterator[Any]:
    """The values of all rows, some of each file first: by the first ones the format is found."""
    share = SAMPLE // len(jobs.files) + 1
    for part in (slice(None, share), slice(share, None)):
        for job in jobs.files:
            rows = islice(_Input(job).rows(), part.start, part.stop)
            yield from (read.value for read in rows if read.error is None)


@dataclass(frozen=True, slots=True)
class _Run:
    """What the files of a run share."""

    converter: RowConverter
    collect: Collector
    progress: Progress
    folder: bool
    resume: bool
    watch: Watch
    dry: bool

    def convert(self, job: Job, state: State) -> int:
        """Convert one file, from where ``state`` says; how many rows of it are read here."""
        with Output(job, state, self.dry) as output:
            if state.complete:
                output.place()
                return 0
            source = _Input(job)
            run = replace(self, converter=replace(self.converter, padded=source.padded()))
            output.open(source, run.converter, state)
            try:
                rows = run._copy(source, output, state)
                self._commit(output, rows, state)
            finally:
                output.keep = self.resume and self.progress.saved
        return rows - state.start.row

    def _copy(self, source: _Input, output: Output, state: State) -> int:
        """Convert the rows; how many the file has."""
        resumes = all(kind_of(side.name)[0].resumes for side in (source.job.source, source.job.out))
        mark, read, count = state.start, None, state.start.row
        try:
            for read in source.rows(state.start, self.watch):
                count += 1
                self._convert_row(read, output)
                if resumes and read.more is None and (read.row + 1 - mark.row >= ROWS or read.end - mark.offset >= BYTES):
                    mark = Start(read.end, read.row + 1, read.line or 0)
                    self._note(output, state, mark)
        except OSError as error:
            if read is None:
                raise
            at = place(read.row, read.line)[:-2]
            raise OSError(error.errno, f"{error.strerror}, at {at}", error.filename) from None
        return count

    def _convert_row(self, read: Read, output: Output) -> None:
        outcome = self.converter(read.value) if read.error is None else Outcome(error=read.error)
        if outcome.error is None:
            try:
                output.add(read, outcome)
            except LayoutError as error:
                outcome = Outcome(error=error)
        self.watch.row(output.job, read, outcome)
        if self.folder:
            _name(outcome, output.job.name)
        if not self.collect.take(outcome, data_of(read) if outcome.error else None, read.row, read.line, keep_bad=True):
            output.reject(read, str(outcome.error))

    def _note(self, output: Output, state: State, mark: Start) -> None:
        good, bad = output.sync()
        self.progress.save(State(state.job, mark, good, bad, output.good_rows, output.bad_rows))

    def _commit(self, output: Output, rows: int, state: State) -> None:
        good, bad = output.finish()
        if output.good_rows + output.bad_rows != rows:
            counts = f"{rows} rows in, {output.good_rows} out and {output.bad_rows} rejects"
            raise ToolfmtError(f"{counts}: a mistake of toolfmt, please report it; nothing is written: `{output.job.out}`")
        if self.progress.saved:
            self.progress.save(State(state.job, BEGIN, good, bad, output.good_rows, output.bad_rows, complete=True))
        output.commit()


def _name(outcome: Outcome, name: str) -> None:
    """Say in which of many files a finding stands."""
    outcome.losses = [replace(loss, path=f"{name}: {loss.path}") for loss in outcome.losses]
    if outcome.notices:
        outcome.notices = [replace(notice, path=f"{name}: {notice.path}") for notice in outcome.notices]
    error = outcome.error
    if isinstance(error, LayoutError | ToolSpecError | UnrepresentableError):
        outcome.error = type(error)(f"{name}: {error.path}", error.reason)


# Samples


def sample_jobs(jobs: Jobs, size: int, seed: int | None = None) -> tuple[Jobs, int]:
    """The files with ``size`` of their rows, and how many rows they have in all.  The rows stand evenly over all of them, or are drawn by ``seed``.

    The format and the tools are then found in these rows alone.
    """
    counts = [_Input(job).count() for job in jobs.files]
    total = sum(counts)
    size = min(size, total)
    chosen = [i * total // size for i in range(size)] if seed is None else sorted(random.Random(seed).sample(range(total), size))
    files, first = [], 0
    for job, count in zip(jobs.files, counts, strict=True):
        here = slice(bisect_left(chosen, first), bisect_left(chosen, first + count))
        files.append(replace(job, only=frozenset(row - first for row in chosen[here])))
        first += count
    return replace(jobs, files=tuple(files)), total
