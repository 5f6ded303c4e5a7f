"""`Collector` decides what the outcome of a row means for the whole: loss, reject, or a row of the result."""

import warnings
from collections.abc import Sequence

from toolfmt.conversion.rows import Outcome
from toolfmt.errors import LayoutError, LossError, ToolfmtError, ToolSpecError, UnrepresentableError
from toolfmt.report import Loss, Reject, Report, ToolfmtWarning, place

__all__ = ["Collector"]


class Collector:
    """Decides by ``on_loss`` what an outcome means, and keeps the report."""

    def __init__(self, report: Report, on_loss: str) -> None:
        self.report = report
        self.on_loss = on_loss
        self._losses = len(report.losses)
        self._rejects = len(report.rejects)

    def take(self, outcome: Outcome, data: object, row: int | None, line: int | None = None, *, keep_bad: bool = False) -> bool:
        """Whether the row goes on.  ``keep_bad`` rejects broken rows also where losses raise."""
        error = outcome.error
        if error is not None:
            if self.on_loss == "raise" and not (keep_bad and isinstance(error, LayoutError | ToolSpecError)):
                raise _with_row(error, row, line) from None
            self.report.reject(Reject(row, line, str(error), data))
            return False
        losses = [Loss(loss.kind, loss.path, row, loss.detail, line) for loss in outcome.losses]
        if losses and self.on_loss == "raise":
            raise LossError(losses)
        report = self.report
        report.losses += losses
        for notice in outcome.notices:
            report.notice(Loss(notice.kind, notice.path, row, notice.detail, line))
        report.count(outcome.calls, outcome.changed)
        if outcome.layout:
            report.saw_layout(outcome.layout)
        return True

    def warn(self) -> None:
        """One warning for all that was lost or refused since the last one."""
        losses, rejects = self.report.losses[self._losses :], self.report.rejects[self._rejects :]
        self._losses, self._rejects = len(self.report.losses), len(self.report.rejects)
        found: Sequence[object] = [*losses, *rejects]
        if self.on_loss == "warn" and found:
            more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
            said = f"{len(losses)} losses, {len(rejects)} rows refused: {'; '.join(map(str, found[:3]))}{more}"
            warnings.warn(said, ToolfmtWarning, stacklevel=3)


def _with_row(error: ToolfmtError, row: int | None, line: int | None) -> ToolfmtError:
    if isinstance(error, LayoutError | ToolSpecError | UnrepresentableError):
        return type(error)(place(row, line) + error.path, error.reason)
    return error
