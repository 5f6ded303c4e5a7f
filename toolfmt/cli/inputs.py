"""What `toolfmt convert` reads and writes: the words of IN and OUT, a split of the files, a sample of the rows, standard input and output."""

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolfmt.cli.common import CommandError, counted, note

if TYPE_CHECKING:
    from toolfmt.containers.jobs import Jobs
    from toolfmt.containers.paths import Place

__all__ = ["STANDARD", "Sample", "Streams", "choose", "find_jobs", "is_saved", "of_split", "streams"]

STANDARD = "-"


def _place(text: str) -> "Place":
    """What a word means: an address has ``://``."""
    from toolfmt.containers.paths import Remote

    return Remote(text) if "://" in text else Path(text)


@dataclass(frozen=True, slots=True)
class Streams:
    """IN and OUT, with files in place of standard input and output."""

    sources: tuple[str, ...]
    out: str | None
    named: tuple[tuple[str, str], ...] = ()
    """The files that stand for a stream, and its name."""
    rows: Path | None = None
    """What goes to standard output at the end; its rejects go to standard error."""

    def said(self, message: str) -> str:
        """A message, with the streams in it called by their names."""
        for path, name in self.named:
            message = message.replace(path, name)
        return message

    def deliver(self) -> None:
        """Write to standard output what goes there; a run that failed, or was dry, has left nothing."""
        if self.rows is None:
            return
        from toolfmt.containers.jobs import REJECTS

        for path, stream in ((self.rows.with_name(self.rows.name + REJECTS), sys.stderr), (self.rows, sys.stdout)):
            if path.exists():
                stream.flush()
                with path.open("rb") as file:
                    shutil.copyfileobj(file, stream.buffer)
                stream.buffer.flush()


@contextmanager
def streams(sources: Sequence[str], out: str | None) -> Iterator[Streams]:
    """IN ``-`` is read to its end first: the format and the tools are found in all rows.  Of OUT ``-`` nothing appears before the run is done."""
    if STANDARD in sources and len(sources) > 1:
        raise CommandError("standard input cannot be converted with files; leave out the other IN, or `-`")
    out = STANDARD if out is None and STANDARD in sources else out
    if STANDARD not in (*sources, out):
        yield Streams(tuple(sources), out)
        return
    with tempfile.TemporaryDirectory(prefix="toolfmt-") as name:
        folder = Path(name)
        spooled, rows = folder / "stdin.jsonl", folder / "stdout.jsonl"
        if STANDARD in sources:
            if sys.stdin.isatty():
                note("reading from the terminal; end with Ctrl-D")
            with spooled.open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
        named = ((str(spooled), "standard input"), (str(rows), "standard output"))
        taken = tuple(str(spooled) if word == STANDARD else word for word in sources)
        yield Streams(taken, str(rows) if out == STANDARD else out, named, rows if out == STANDARD else None)


def find_jobs(sources: Sequence[str], out: str | None, label: str) -> "Jobs":
    """The files of IN, and where each is written: OUT is a folder where it is one, ends with ``/``, or IN is several."""
    from toolfmt.cli import saved
    from toolfmt.containers import jobs

    places = [_place(source) for source in sources]
    for place in filter(saved.is_saved, places):
        if len(places) > 1:
            raise CommandError(f"a saved dataset is converted by itself; leave out the other IN: `{place}`")
        return saved.find_job(place, None if out is None else _place(out))
    if out is None:
        if len(places) > 1:
            raise CommandError(f"many files need -o OUT, a folder: `{sources[0]}` and {len(places) - 1} more")
        return jobs.find_jobs(places[0], None, label)
    target = _place(out)
    _check_folder(target)
    if len(places) > 1 or out.endswith("/") or target.is_dir():
        return jobs.find_all(places, target)
    return jobs.find_jobs(places[0], target, label)


def _check_folder(path: "Place") -> None:
    if isinstance(path, Path) and not path.parent.is_dir():
        raise CommandError(f"no such folder; make it first: `{path.parent}`")


def is_saved(found: "Jobs") -> bool:
    """Whether it is a dataset that `datasets` saved."""
    from toolfmt.cli import saved

    return len(found.files) == 1 and saved.is_saved(found.files[0].source)


def of_split(found: "Jobs", split: str) -> "Jobs":
    """The files with the split as a word of their name, folders below IN included: ``train-00000-of-00002.parquet``, ``train/a.jsonl``."""
    word = re.compile(rf"(?<![A-Za-z0-9]){re.escape(split)}(?![A-Za-z0-9])")
    files = tuple(job for job in found.files if word.search(job.name))
    if not files:
        words = sorted({word for job in found.files for word in _words(job.name)})
        more = f" and {len(words) - 10} more" if len(words) > 10 else ""
        raise CommandError(f"no file of this split; the names have the words {', '.join(words[:10])}{more}: `{split}`")
    return replace(found, files=files)


@dataclass(frozen=True, slots=True)
class Sample:
    """Some of the rows."""

    jobs: "Jobs"
    rows: int
    """How many the files have in all."""

    def as_dict(self) -> dict[str, Any]:
        return {"of": self.rows, "rows": {job.name: sorted(job.only or ()) for job in self.jobs.files}}

    def said(self) -> str:
        """Which rows it has."""
        files = [(job.name, sorted(job.only)) for job in self.jobs.files if job.only]
        listed = [f"{_some(rows)} of {name}" for name, rows in files[:3]] + [f"{len(files) - 3} files more"] * (
            len(files) > 3
        )
        size = sum(len(rows) for _, rows in files)
        return (
            f"sample: {size:,} of {counted(self.rows, 'row')}: row{'s' * (size != 1)} {'; '.join(listed)}"
            if files
            else "sample: no row"
        )


def _some(numbers: list[int]) -> str:
    """A list of numbers, not too long."""
    shown = [f"{number:,}" for number in numbers]
    return ", ".join(shown if len(shown) <= 10 else [*shown[:5], "...", *shown[-2:]])


def choose(jobs: "Jobs", size: int, seed: int | None) -> Sample:
    """Rows that stand evenly over all files, or drawn by ``seed``."""
    from toolfmt.containers.files import sample_jobs

    return Sample(*sample_jobs(jobs, size, seed))


def _words(name: str) -> list[str]:
    """What may be a split in the name of a file."""
    from toolfmt.containers.kinds import split_name

    parts = split_name(name)
    found = re.findall(r"[A-Za-z0-9]+", name if parts is None else parts[0])
    return [word for word in found if not word.isdigit() and word != "of"]
