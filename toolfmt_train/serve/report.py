"""What a check found, for people and as JSON."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from toolfmt.values import dumps
from toolfmt_train.serve.check import Checked
from toolfmt_train.serve.judge import Finding

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Report"]

_MODES = ("full", "stream", "follow-up")
_PLACES, _LONGEST = 4, 200
"""Prompts that a problem names, and characters of what arrived that it shows, for people."""


class Report(NamedTuple):
    """The check of one server."""

    model: str
    format: str
    server: str
    """The backend that was started, or the address of a server that ran already."""
    grammar: bool
    checked: Sequence[Checked]
    seconds_to_start: float | None = None

    @property
    def passed(self) -> int:
        """Prompts with nothing wrong."""
        return sum(not one.findings for one in self.checked)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "model": self.model,
            "format": self.format,
            "server": self.server,
            "grammar": self.grammar,
            "seconds_to_start": self.seconds_to_start,
            "passed": self.passed,
            "prompts": [_one(checked) for checked in self.checked],
        }

    def table(self) -> "Table":
        """A row for each prompt."""
        from rich import box
        from rich.table import Table

        table = Table(box=box.SIMPLE)
        for column in ("prompt", *_MODES, "seconds", "call"):
            table.add_column(column, overflow="fold")
        for one in self.checked:
            table.add_row(one.prompt.id, *(_verdict(one, mode) for mode in _MODES), f"{one.seconds:.1f}", _calls(one))
        return table

    def lines(self) -> list[str]:
        """Each thing that is wrong, and where, then the sum of it."""
        wanted = [one for one in self.checked if one.prompt.calls or self.grammar]
        arrived = sum(bool(one.calls) for one in wanted)
        known = [] if self.grammar else [one.right for one in self.checked if one.right is not None]
        right = f"; {sum(known)} of {len(known)} known answers are right" if known else ""
        return [
            *self._problems(),
            f"{self.passed} of {len(self.checked)} prompts pass; calls arrive for {arrived} of {len(wanted)}{right}",
        ]

    def _problems(self) -> Iterator[str]:
        places: dict[tuple[str, str, str], list[tuple[str, Finding]]] = {}
        for one in self.checked:
            for finding in one.findings:
                places.setdefault((finding.problem, finding.reason, finding.step), []).append((one.prompt.id, finding))
        for (problem, reason, step), found in places.items():
            arrived = _short(found[0][1].arrived)
            yield f"{problem}: {reason}\n  where: {_where(found)}\n  arrived: {arrived}\n  next: {step}"


def _where(found: Sequence[tuple[str, Finding]]) -> str:
    """The prompts, each with the ways in which it was asked."""
    modes: dict[str, list[str]] = {}
    for prompt, finding in found:
        modes.setdefault(prompt, []).append(finding.mode)
    named = [f"{prompt} ({', '.join(ways)})" for prompt, ways in modes.items()]
    more = f" and {len(named) - _PLACES} more" if len(named) > _PLACES else ""
    return ", ".join(named[:_PLACES]) + more


def _short(text: str) -> str:
    """One line of what arrived."""
    quoted = dumps(text)
    return f"{quoted[:_LONGEST]}…" if len(quoted) > _LONGEST else quoted


def _one(checked: Checked) -> dict[str, Any]:
    return {
        "id": checked.prompt.id,
        "wants_call": checked.prompt.calls,
        "calls": [call.model_dump(exclude={"id", "type"}) for call in checked.calls],
        "right": checked.right,
        "seconds": round(checked.seconds, 3),
        "findings": [finding._asdict() for finding in checked.findings],
    }


def _verdict(checked: Checked, mode: str) -> str:
    found = [finding.problem for finding in checked.findings if finding.mode == mode]
    if found:
        return ", ".join(found)
    return "-" if mode == "follow-up" and not checked.calls else "ok"


def _calls(checked: Checked) -> str:
    return "\n".join(f"{call.name}({dumps(call.arguments)})" for call in checked.calls)
