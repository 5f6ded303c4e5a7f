"""Which files a run reads, and where it writes each of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from toolfmt.containers.kinds import KNOWN, split_name
from toolfmt.containers.paths import Place, Remote, is_pattern, walk

__all__ = ["Job", "Jobs", "find_all", "find_jobs"]

REJECTS = ".rejects.jsonl"


@dataclass(frozen=True, slots=True)
class Job:
    """One file."""

    name: str
    """Its name below the folder that is converted; that of the file where it is the only one."""
    source: Place
    out: Place
    only: frozenset[int] | None = None
    """The rows that are converted, the others passed over; None: all."""

    @property
    def rejects(self) -> Place:
        return self.out.with_name(self.out.name + REJECTS)


@dataclass(frozen=True, slots=True)
class Jobs:
    """All files of a run, in order."""

    files: tuple[Job, ...]
    skipped: tuple[str, ...]
    """Files of no known kind, and what earlier runs put aside."""
    out: Place
    folder: bool
    """``out`` is a folder."""


def find_jobs(data: Place, out: Place | None, label: str) -> Jobs:
    """The files of ``data``; ValueError where ``out`` would replace one of them, or does not fit."""
    return _checked(_many(data, out) if is_pattern(data) or data.is_dir() else _one(data, out, label))


def find_all(places: Sequence[Place], out: Place) -> Jobs:
    """The files of several places, all into the folder ``out``; a file keeps its name there.  ValueError also where two would be one."""
    if isinstance(out, Path) and out.exists() and not out.is_dir():
        raise ValueError(f"many files need out= to be a folder, and this is a file: `{out}`")
    found = [_many(place, out) if is_pattern(place) or place.is_dir() else _one(place, out / place.name, "") for place in places]
    files = tuple(job for jobs in found for job in jobs.files)
    written: set[str] = set()
    for job in files:
        both = {_identity(job.out), _identity(job.rejects)}
        if both & written:
            raise ValueError(f"two files would be written into one; convert them apart: `{job.out}`")
        written |= both
    return _checked(Jobs(files, tuple(name for jobs in found for name in jobs.skipped), out, True))


def _checked(found: Jobs) -> Jobs:
    sources = {_identity(job.source) for job in found.files}
    for job in found.files:
        if _identity(job.out) in sources:
            raise ValueError(f"out= is the input itself, which is never changed; give another: `{job.out}`")
        if _identity(job.rejects) in sources:
            raise ValueError(f"the rejects of out= would replace the input, which is never changed; give another: `{job.rejects}`")
    return found


def _one(data: Place, out: Place | None, label: str) -> Jobs:
    parts = split_name(data.name)
    if parts is None:
        raise ValueError(f"expected a file of rows ({KNOWN}), or a folder of such files, got `{data.name}`")
    if out is None:
        out = data.with_name(f"{parts[0]}.{label}{parts[1]}{parts[2]}")
    elif out.is_dir():
        raise ValueError(f"out= is a folder and the input one file; give the name of a file: `{out}`")
    _check_kinds(data.name, out.name)
    return Jobs((Job(data.name, data, out),), (), out, False)


def _check_kinds(source: str, out: str) -> None:
    made, read = split_name(out), split_name(source)
    if made is None:
        raise ValueError(f"expected out= to be a file of rows ({KNOWN}), got `{out}`")
    if made[1] == ".csv" and read is not None and read[1] != ".csv":
        raise ValueError(f"a CSV cannot tell a number or null from a text; write .jsonl: `{out}`")


def _many(data: Place, out: Place | None) -> Jobs:
    if out is None:
        raise ValueError(f"many files need out=, a folder: `{data}`")
    base, names = walk(data)
    if not is_pattern(data) and (_identity(out) == _identity(base) or _identity(out).startswith(_identity(base) + "/")):
        raise ValueError(f"out= lies in the folder that is read, whose files are never changed; give another: `{out}`")
    if isinstance(out, Path) and out.exists() and not out.is_dir():
        raise ValueError(f"many files need out= to be a folder, and this is a file: `{out}`")
    taken = [name for name in names if split_name(name) is not None and not name.endswith(REJECTS)]
    if not taken:
        there = f"{len(names)} others are there" if names else "nothing is there"
        raise ValueError(f"no file of rows ({KNOWN}); {there}: `{data}`")
    if any(_identity(_below(base, name)).startswith(_identity(out) + "/") for name in taken):
        raise ValueError(f"out= holds files that are read, which are never changed; give another: `{out}`")
    files = tuple(Job(name, _below(base, name), _below(out, name)) for name in taken)
    return Jobs(files, tuple(name for name in names if name not in set(taken)), out, True)


def _below(base: Place, name: str) -> Place:
    for part in name.split("/"):
        base = base / part
    return base


def _identity(place: Place) -> str:
    """The same for every name of one file."""
    if isinstance(place, Remote) and not place.url.startswith(("file://", "local://")):
        return place.url.rstrip("/")
    local = Path(place.url.partition("://")[2]) if isinstance(place, Remote) else place
    return local.resolve().as_posix()
