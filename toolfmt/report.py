"""What a conversion lost, noticed and refused: `Loss`, `Reject`, and `Report`, which counts them."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Loss", "Reject", "Report", "ToolfmtWarning"]


class ToolfmtWarning(UserWarning):
    """A conversion under ``on_loss="warn"`` lost something or refused rows."""


@dataclass(frozen=True, slots=True)
class Loss:
    """One thing that the output does not say as the input did.

    ``kind``: ``id``, ``reasoning``, ``text``, ``order``, ``malformed``, ``type``, ``tools``, ``ambiguous``, ``name``, ``null``.  ``row`` counts
    from 0, ``line``, in files, from 1.
    """

    kind: str
    path: str
    row: int | None = None
    detail: str = ""
    line: int | None = None

    def __str__(self) -> str:
        return f"{place(self.row, self.line)}{self.path}: {self.detail} ({self.kind})"


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that is not in the output, and why; ``data`` is the row, or the line where it is none."""

    row: int | None
    line: int | None
    reason: str
    data: Any = None

    def __str__(self) -> str:
        return f"{place(self.row, self.line)}{self.reason}"


def place(row: int | None, line: int | None) -> str:
    """``row 17 (line 18): ``."""
    if row is None:
        return "" if line is None else f"line {line}: "
    return f"row {row}: " if line is None else f"row {row} (line {line}): "


@dataclass(slots=True)
class Report:
    """Counts and findings of one conversion, or of several that were given the same object.

    ``rows`` is ``with_calls + direct + rejected``.  ``notices`` are the first of each kind of what is worth knowing and loses nothing;
    ``notice_counts`` says how often each came.
    """

    rows: int = 0
    with_calls: int = 0
    """Rows that hold a call."""
    direct: int = 0
    """Rows that hold none: direct answers."""
    converted: int = 0
    """Rows that were changed."""
    rejected: int = 0
    losses: list[Loss] = field(default_factory=list)
    notices: list[Loss] = field(default_factory=list)
    notice_counts: Counter[str] = field(default_factory=Counter)
    rejects: list[Reject] = field(default_factory=list)
    source: str | None = None
    """The format read; None when no text held a call."""
    layout: str | None = None
    """The layouts read, in order of their first row."""
    to: str | None = None
    """The format, or the layout, written."""

    def notice(self, notice: Loss) -> None:
        if not self.notice_counts[notice.kind]:
            self.notices.append(notice)
        self.notice_counts[notice.kind] += 1

    def count(self, calls: bool, changed: bool) -> None:
        """A row that is in the output."""
        self.rows += 1
        self.with_calls += calls
        self.direct += not calls
        self.converted += changed

    def reject(self, reject: Reject) -> None:
        self.rows += 1
        self.rejected += 1
        self.rejects.append(reject)

    def saw_layout(self, name: str) -> None:
        known = self.layout.split(", ") if self.layout else []
        if name not in known:
            self.layout = ", ".join([*known, name])

    def summary(self) -> str:
        """A few lines for people."""
        lines = [
            f"{self.source or 'no calls in text'} -> {self.to}" + (f" ({self.layout})" if self.layout else ""),
            f"rows: {self.rows}, with calls: {self.with_calls}, direct answers: {self.direct}, "
            f"converted: {self.converted}, losses: {len(self.losses)}, rejected: {self.rejected}",
        ]
        kinds = Counter(loss.kind for loss in self.losses)
        for kind, times in kinds.most_common():
            lines.append(f"lost, {times} times: {next(loss for loss in self.losses if loss.kind == kind)}")
        lines += [f"note, {self.notice_counts[notice.kind]} times: {notice}" for notice in self.notices]
        lines += [f"rejected: {reject}" for reject in self.rejects[:3]]
        if len(self.rejects) > 3:
            lines.append(f"rejected: {len(self.rejects) - 3} more")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        made = {name: getattr(self, name) for name in self.__slots__}
        listed = {key: [asdict(item) for item in made[key]] for key in ("losses", "notices", "rejects")}
        return {**made, **listed, "notice_counts": dict(self.notice_counts)}
