"""`Collector` decides what the outcome of a row means for the whole: loss, reject, or a row of the result."""

import warnings

from toolfmt.conversion.rows import Outcome
from toolfmt.errors import LayoutError, LossError, ToolfmtError, ToolSpecError, UnrepresentableError
from toolfmt.report import Loss, Reject, Report, ToolfmtWarning, place

__all__ = ["Collector"]


class Collector:
    """Decides by ``on_loss`` what an outcome means, and keeps the report."""

    def __init__(self, report: Report, on_loss: str) -> None:
        self.report = report
        self.on_loss = on_loss
        self._told = report.copy()
        self._layout: str | None = None
        """The layout of the last row: most have the same."""

    def take(self, outcome: Outcome, data: object, row: int | None, line: int | None = None, *, keep_bad: bool = False) -> bool:
        """Whether the row goes on.  ``keep_bad`` rejects broken rows also where losses raise."""
        error = outcome.error
        if error is not None:
            if self.on_loss == "raise" and not (keep_bad and isinstance(error, LayoutError | ToolSpecError)):
                raise _with_row(error, row, line) from None
            self.report.reject(Reject(row, line, str(error), data))
            return False
        report = self.report
        if outcome.losses:
            losses = [Loss(loss.kind, loss.path, row, loss.detail, line) for loss in outcome.losses]
            if self.on_loss == "raise":
                raise LossError(losses)
            for loss in losses:
                report.lose(loss)
        for notice in outcome.notices:
            if notice.kind in report.notice_counts:  # of which a report keeps the first
                report.notice_counts[notice.kind] += 1
            else:
                report.notice(Loss(notice.kind, notice.path, row, notice.detail, line))
        report.count(outcome.calls, outcome.changed)
        layout = outcome.layout
        if layout != self._layout and layout:
            report.saw_layout(layout)
            self._layout = layout
        return True

    def warn(self) -> None:
        """One warning for all that was lost or refused since the last one."""
        if self.on_loss != "warn":
            return
        new, self._told = self.report.since(self._told), self.report.copy()
        found = new.lost + new.rejected
        if found:
            said = [str(one) for one in (*new.losses, *new.rejects)][:3]
            said += [f"and {found - len(said)} more"] if found > len(said) else []
            warnings.warn(f"{new.lost} losses, {new.rejected} rows refused: {'; '.join(said)}", ToolfmtWarning, stacklevel=3)


def _with_row(error: ToolfmtError, row: int | None, line: int | None) -> ToolfmtError:
    if isinstance(error, LayoutError | ToolSpecError | UnrepresentableError):
        return type(error)(place(row, line) + error.path, error.reason)
    return error
