"""How far a run is, kept beside its output, so that one that was killed goes on where it was and ends with the same bytes.

Two small files: what the run is (its settings, and size and time of every input), and how far it is: the file, the row, how many bytes of the
input are read and of the output written, and the report until there.  They are written when the first part of a run is done, replaced whole,
and removed at its end.
"""

import hashlib
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from toolfmt.containers.base import BEGIN, Start
from toolfmt.containers.jobs import Jobs
from toolfmt.containers.paths import Remote, fingerprint
from toolfmt.containers.sinks import sync_folder
from toolfmt.conversion.rows import RowConverter
from toolfmt.errors import LayoutError
from toolfmt.report import Report
from toolfmt.values import JSONTextError, dumps, loads
from toolfmt.version import __version__

__all__ = ["Progress", "State"]

_ANEW = "run without resume= to begin anew"


@dataclass(frozen=True, slots=True)
class State:
    """How far a run is."""

    job: int = 0
    """The number of its file, from 0."""
    start: Start = BEGIN
    """What of that file is read."""
    good: int = 0
    """How many bytes of its output are written,"""
    bad: int = 0
    """and of its rejects;"""
    good_rows: int = 0
    """how many rows these are,"""
    bad_rows: int = 0
    """and these."""
    complete: bool = False
    """The file is written whole; what is left is to give it its name."""


class Progress:
    """The two files of a run; none where the output is not on this machine."""

    def __init__(self, jobs: Jobs, converter: RowConverter, on_loss: str, report: Report) -> None:
        self.report = report
        self._before = report.copy()
        self._run = _describe(jobs, converter, on_loss)
        self._id = hashlib.sha256(dumps(self._run).encode()).hexdigest()
        self._place: Path | None = None
        if isinstance(jobs.out, Path):
            self._place = jobs.out / ".toolfmt.progress" if jobs.folder else jobs.out.with_name(f".{jobs.out.name}.progress")
        self.saved = False

    def load(self) -> State:
        """Where the interrupted run was, its report added to this one's; the start where there is none, LayoutError where it was another run."""
        if self._place is None:
            raise ValueError("resume= needs an out= on this machine")
        if not self._place.exists():
            return State()
        run, held = self._read(self._run_file()), self._read(self._place)
        self._check(run)
        if held.get("run") != self._id:
            raise LayoutError(str(self._place), f"it is of another run than `{self._run_file().name}`; {_ANEW}")
        self.report.merge(Report.from_dict(held["report"]))
        self.saved = True
        state = held["state"]
        return State(**{**state, "start": Start(**state["start"])})

    def save(self, state: State) -> None:
        """Keep that the run is there; what it wrote until there has to be on the disk."""
        if self._place is None:
            return
        if not self._run_file().exists():
            _write(self._run_file(), self._run)
        self.saved = True
        report = self.report.since(self._before)
        _write(self._place, {"run": self._id, "state": asdict(state), "report": report.as_dict()})

    def off(self) -> None:
        """Keep nothing from here on."""
        self._place = None

    def clear(self) -> None:
        """Remove both: the run is at its end, or begins anew."""
        if self._place is not None:
            for path in (self._place, self._run_file()):
                path.unlink(missing_ok=True)
                _hidden(path).unlink(missing_ok=True)
        self.saved = False

    def _run_file(self) -> Path:
        assert self._place is not None
        return self._place.with_name(self._place.name + ".run")

    def _read(self, path: Path) -> Any:
        try:
            return loads(path.read_text(encoding="utf-8"))
        except (JSONTextError, UnicodeDecodeError, FileNotFoundError) as error:
            raise LayoutError(str(path), f"the interrupted run left no whole file here ({error}); {_ANEW}") from None

    def _check(self, run: Any) -> None:
        """LayoutError for the first thing in which this run is another."""
        if run == self._run:
            return
        files, known = dict(self._run["files"]), dict(run["files"])
        for name in [*files, *known]:
            if files.get(name) != known.get(name):
                raise LayoutError(str(self._place), f"the input is not as the interrupted run read it: `{name}`; {_ANEW}")
        for name, value in self._run.items():
            if run.get(name) != value and name not in ("files", "rest"):
                raise LayoutError(str(self._place), f"the interrupted run had {name} `{run.get(name)}`, not `{value}`; give the same, or {_ANEW}")
        raise LayoutError(str(self._place), f"the interrupted run had other tools; give the same, or {_ANEW}")


def _describe(jobs: Jobs, converter: RowConverter, on_loss: str) -> dict[str, Any]:
    """Everything that the bytes of the output depend on."""
    return {
        "toolfmt": __version__,
        "out": str(jobs.out if isinstance(jobs.out, Remote) else jobs.out.name),
        "to": converter.to,
        "layout": converter.layout,
        "source": converter.source,
        "on_loss": on_loss,
        "rest": hashlib.sha256(repr(converter).encode(errors="backslashreplace")).hexdigest(),
        "files": [[job.name, fingerprint(job.source)] for job in jobs.files],
    }


def _hidden(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _write(path: Path, value: Any) -> None:
    hidden = _hidden(path)
    with hidden.open("wb") as file:
        file.write(dumps(value).encode())
        file.flush()
        os.fsync(file.fileno())
    os.replace(hidden, path)
    sync_folder(path.parent)
