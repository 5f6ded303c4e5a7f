"""`Watch`: who looks on while files are converted.  It changes nothing of what is written."""

from typing import IO

from toolfmt.containers.base import Read
from toolfmt.containers.jobs import Job
from toolfmt.conversion.rows import Outcome
from toolfmt.report import Report

__all__ = ["Watch"]


class Watch:
    """Looks on and does nothing."""

    def opened(self, job: Job, file: IO[bytes]) -> None:
        """A file is read for conversion; ``file`` is as it is stored: where it stands says how much of it is read."""

    def row(self, job: Job, read: Read, outcome: Outcome) -> None:
        """What a row became; called before anything is decided about losses."""

    def done(self, job: Job, report: Report) -> None:
        """A file was converted elsewhere, whose rows nobody saw here."""
