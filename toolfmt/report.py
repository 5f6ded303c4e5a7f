"""What a conversion lost, noticed and refused: `Loss`, `Reject`, and `Report`, which counts them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from reprlib import Repr
from types import MappingProxyType
from typing import Any, Final

__all__ = ["CUT", "KEEP", "KINDS", "LARGE", "Loss", "Reject", "Report", "ToolfmtWarning"]

KEEP: Final = 1000
"""How many losses of a kind, and how many rejects, a report keeps."""
LARGE: Final = 10_000
"""Characters and parts beyond which the row of a reject is cut,"""
CUT: Final = 2_000
"""to a text of so many characters."""

KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "alternatives": "other values that would be right as well",
        "ambiguous": "a text in which the target would read a call or a result that is none there, or a mark that it drops",
        "boundary": "where a prompt ends and a completion begins",
        "content": "parts of a message that are no text, or the bounds between texts",
        "encoding": "a value was spelled otherwise than its layout says: encoded twice, or as a Python literal",
        "end": "the marker of the end of a turn",
        "id": "the id of a call or a result: dropped, or another one",
        "json": "a value that the reader of this container does not give back exactly",
        "key": "a key of a row, a message or a call that has no place, or another meaning",
        "malformed": "what opens like a call and is none; it stays as text",
        "name": "the name of a result, or of a call",
        "null": "a null that is, or may be, Arrow's padding",
        "order": "the order of texts and calls, or of results",
        "reasoning": "reasoning, or what belongs to it",
        "results": "results that are joined or dropped",
        "role": "the role of a message is another one",
        "skipped": "a file that was passed over",
        "space": "white space beside calls",
        "text": "text that has no place",
        "tools": "what the definitions of tools say, or that a reader will need them",
        "turns": "a turn that has no place",
        "type": "the type of a value",
        "unlisted": "what looks like a call to a tool that is not listed, and stays as text",
        "unread": "what looks like a call in a format that was not looked for, and stays as text",
    }
)
"""Every kind of loss and notice, and what it is about; most can be either, by whether anything is lost for good."""


class ToolfmtWarning(UserWarning):
    """A conversion under ``on_loss="warn"`` lost something or refused rows."""


@dataclass(frozen=True, slots=True)
class Loss:
    """One thing that the output does not say as the input did.

    ``kind``: ``id``, ``reasoning``, ``text``, ``order``, ``malformed``, ``type``, ``tools``, ``ambiguous``, ``name``, ``null``,
    ``key`` (a key that has no place), ``content`` (a part that is no text), ``turns`` (turns that became one), ``results`` (likewise results),
    ``role``, ``alternatives`` (other answers that were right too), ``boundary`` (where a prompt ends) and ``json`` (a value that a library
    reads back as another).  ``row`` counts from 0, ``line``, in files, from 1.
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
    cut: bool = False
    """``data`` is a text that shows some of a row too large to be kept; the file of rejects has it whole."""

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

    Counts are exact, whatever the size of the data: ``rows`` is ``with_calls + direct + rejected``, and ``loss_counts`` and ``notice_counts`` say
    how often each kind came.  Findings are kept up to a bound: the first ``keep`` losses of each kind, the first ``keep`` rejects (of large rows
    only some text), and the first notice of each kind, which is worth knowing and loses nothing.  With ``keep=None`` all losses and rejects are
    kept, whole.
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
    loss_counts: Counter[str] = field(default_factory=Counter)
    notices: list[Loss] = field(default_factory=list)
    notice_counts: Counter[str] = field(default_factory=Counter)
    rejects: list[Reject] = field(default_factory=list)
    source: str | None = None
    """The format read; None when no text held a call."""
    layout: str | None = None
    """The layouts read, in order of their first row."""
    to: str | None = None
    """The format, or the layout, written."""
    keep: int | None = KEEP

    @property
    def lost(self) -> int:
        """How many losses there were, kept or not."""
        return self.loss_counts.total()

    def lose(self, loss: Loss) -> None:
        """A loss of a row that is in the output all the same."""
        self.loss_counts[loss.kind] += 1
        if self.keep is None or self.loss_counts[loss.kind] <= self.keep:
            self.losses.append(loss)

    def notice(self, notice: Loss) -> None:
        """What is worth knowing of a row, and no loss."""
        if not self.notice_counts[notice.kind]:
            self.notices.append(notice)
        self.notice_counts[notice.kind] += 1

    def count(self, calls: bool, changed: bool) -> None:
        """A row that is in the output."""
        self.rows += 1
        if calls:
            self.with_calls += 1
        else:
            self.direct += 1
        if changed:
            self.converted += 1

    def reject(self, reject: Reject) -> None:
        """A row that is not in the output."""
        self.rows += 1
        self.rejected += 1
        if self.keep is None:
            self.rejects.append(reject)
        elif len(self.rejects) < self.keep:
            self.rejects.append(_bounded(reject))

    def saw_layout(self, name: str) -> None:
        self.layout = _joined(self.layout, name)

    def merge(self, other: "Report") -> None:
        """Add what another run found, or another worker of this one; its findings come after those that are here."""
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        kept = Counter(loss.kind for loss in self.losses)
        for loss in other.losses:
            if self.keep is None or kept[loss.kind] < self.keep:
                self.losses.append(loss)
                kept[loss.kind] += 1
        self.loss_counts.update(other.loss_counts)
        self.notices += [notice for notice in other.notices if not self.notice_counts[notice.kind]]
        self.notice_counts.update(other.notice_counts)
        self.rejects += other.rejects if self.keep is None else other.rejects[: max(0, self.keep - len(self.rejects))]
        for name in ("source", "layout", "to"):
            setattr(self, name, _joined(getattr(self, name), getattr(other, name)))

    def since(self, before: "Report") -> "Report":
        """What this report says more than it did when ``before`` was a `copy` of it."""
        made = replace(
            self,
            losses=self.losses[len(before.losses) :],
            loss_counts=self.loss_counts - before.loss_counts,
            notices=self.notices[len(before.notices) :],
            notice_counts=self.notice_counts - before.notice_counts,
            rejects=self.rejects[len(before.rejects) :],
        )
        for name in _COUNTS:
            setattr(made, name, getattr(self, name) - getattr(before, name))
        return made

    def copy(self) -> "Report":
        """Another report that says the same."""
        return self.since(Report())

    def summary(self) -> str:
        """A few lines for people."""
        lines = [
            self._title(),
            f"rows: {self.rows}, with calls: {self.with_calls}, direct answers: {self.direct}, "
            f"converted: {self.converted}, losses: {self.lost}, rejected: {self.rejected}",
        ]
        first = self._first_losses()
        lines += [f"lost, {times} times: {first[kind]}" for kind, times in self.loss_counts.most_common()]
        lines += [f"note, {self.notice_counts[notice.kind]} times: {notice}" for notice in self.notices]
        lines += [f"rejected: {reject}" for reject in self.rejects[:3]]
        if self.rejected > 3:
            lines.append(f"rejected: {self.rejected - 3} more")
        return "\n".join(lines)

    def table(self) -> str:
        """Every kind of finding for people, most frequent first: how often it came, and the first of it with its row and JSON path."""
        counts = f"rows in: {self.rows} = out: {self.rows - self.rejected} + rejected: {self.rejected}"
        cells: list[tuple[str, ...]] = [("", "kind", "times", "first at", "what")]
        first = self._first_losses()
        for kind, times in self.loss_counts.most_common():
            cells.append(_cells("loss", kind, times, first[kind]))
        cells += [_cells("note", notice.kind, self.notice_counts[notice.kind], notice) for notice in self.notices]
        if self.rejects:
            found = self.rejects[0]
            cells.append(("reject", "", str(self.rejected), place(found.row, found.line)[:-2], _line(found.reason)))
        return "\n".join([self._title(), counts, *(_aligned(cells) if len(cells) > 1 else ())])

    def _title(self) -> str:
        return f"{self.source or 'no calls in text'} -> {self.to}" + (f" ({self.layout})" if self.layout else "")

    def _first_losses(self) -> dict[str, Loss | str]:
        """The first of each kind; of one that was counted without being kept, a word for it."""
        return {**dict.fromkeys(self.loss_counts, "none was kept"), **{loss.kind: loss for loss in reversed(self.losses)}}

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; `from_dict` reads them."""
        made = {name: getattr(self, name) for name in self.__slots__}
        listed = {key: [_fields(item) for item in made[key]] for key in ("losses", "notices", "rejects")}
        return {**made, **listed, "loss_counts": dict(self.loss_counts), "notice_counts": dict(self.notice_counts)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Report":
        """The report of which these are the values; ValueError names one that is missing, others are passed over."""
        for name in cls.__slots__:
            if name not in data:
                raise ValueError(f"expected the values of a report, as as_dict() gives them; there is no `{name}`")
        held = {name: data[name] for name in cls.__slots__}
        for name, kind in (("losses", Loss), ("notices", Loss), ("rejects", Reject)):
            held[name] = [kind(**item) for item in held[name]]
        return cls(**{**held, "loss_counts": Counter(held["loss_counts"]), "notice_counts": Counter(held["notice_counts"])})


_COUNTS = ("rows", "with_calls", "direct", "converted", "rejected")
_SHAPE = Repr()
_SHAPE.maxlevel, _SHAPE.maxdict, _SHAPE.maxlist, _SHAPE.maxstring, _SHAPE.maxother = 6, 10, 4, 200, 200


def _fields(item: Loss | Reject) -> dict[str, Any]:
    return {name: getattr(item, name) for name in item.__slots__}


def _joined(names: str | None, more: str | None) -> str | None:
    """Both lists of names as one, each name once."""
    held = [held for held in (names, more) if held]
    return ", ".join(dict.fromkeys(", ".join(held).split(", "))) or None


def _bounded(reject: Reject) -> Reject:
    if not _is_large(reject.data):
        return reject
    shape = reject.data if isinstance(reject.data, str) else _SHAPE.repr(reject.data)
    return replace(reject, data=shape[:CUT], cut=True)


def _is_large(value: object) -> bool:
    """Whether a value has more than `LARGE` characters and parts; it is looked at no further than that."""
    room, rest = LARGE, [value]
    while rest and room >= 0:
        held = rest.pop()
        room -= 1
        if isinstance(held, str | bytes):
            room -= len(held)
        elif isinstance(held, Mapping):
            rest += [*held, *held.values()]
        elif isinstance(held, list | tuple):
            rest += held
    return room < 0


# The table


def _cells(what: str, kind: str, times: int, found: Loss | str) -> tuple[str, ...]:
    if isinstance(found, str):
        return what, kind, str(times), "", found
    return what, kind, str(times), place(found.row, found.line)[:-2], _line(f"{found.path}: {found.detail}")


def _line(text: str) -> str:
    return text.replace("\n", "\\n")


def _aligned(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for what, kind, times, at, said in rows:
        yield f"{what:{widths[0]}}  {kind:{widths[1]}}  {times:>{widths[2]}}  {at:{widths[3]}}  {said}"
