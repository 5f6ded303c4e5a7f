"""`Outcome`: what became of a row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from toolfmt.errors import ToolfmtError
from toolfmt.report import Loss

__all__ = ["Outcome"]


@dataclass(slots=True)
class Outcome:
    """What became of a row: the new one, or the error for which there is none."""

    row: dict[str, Any] | None = None
    layout: str | None = None
    calls: bool = False
    changed: bool = False
    losses: Sequence[Loss] = ()
    notices: Sequence[Loss] = ()
    error: ToolfmtError | None = None
