"""What an episode is worth: five parts, each from 0 to 1, and a total that no part can buy alone.

* `R_parse`   the share of calls that were calls: read, in their schema, with a legal pattern, and run
* `R_find`    F1 of what the *last* call found against the ground truth
* `R_scope`   intersection over union of the files found and the files of the truth
* `R_effort`  1 / number of calls
* `R_safety`  0 once a call pointed out of the project or had to be ended by the clock, else 1

total = R_parse * R_safety * (0.7 R_find + 0.15 R_scope + 0.15 R_find R_effort)

What was tried against it, each a test: an empty truth (refused when the task is read: F1(empty, empty) pays nothing); finding everything
(precision; a search that had to be cut off counts as finding nothing); many calls with the hits put together (only the last counts, and
effort falls); one quick wrong call (effort pays only with what was found); leaving the project; burning time.

Spans are compared as (file, line, column) when the last call used the tool that the truth came from, else as (file, line): ripgrep
finds text and ast-grep nodes, which begin elsewhere.

Without a truth (`Truth.none()`) no tool fits the task: the total is 1 for no call and 0 for any, written badly or well.  Only calls that the caller
counts are known here: pass `malformed` for those that were written and could not be parsed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from toolfmt_train.gym.errors import BlueprintError
from toolfmt_train.gym.runner import Attempt
from toolfmt_train.gym.spans import Span

__all__ = ["MAX_TRUTH", "Rewards", "Truth", "f1", "score"]

MAX_TRUTH = 500
"""Spans in a ground truth.  More is no finding but a listing."""

_FIND, _SCOPE, _EFFORT = 0.7, 0.15, 0.15

_Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """The spans to find, and the tool that they came from (empty: compare lines only).  None: no tool fits."""

    spans: frozenset[Span] | None
    tool: str = ""

    @classmethod
    def none(cls) -> "Truth":
        """The truth of a task that is to be answered without a call."""
        return cls(None)

    @classmethod
    def of(cls, spans: Iterable[Span], tool: str = "") -> "Truth":
        """A truth that can be scored; raises `BlueprintError` when it is empty or larger than `MAX_TRUTH`."""
        found = frozenset(spans)
        if not found:
            raise BlueprintError("the ground truth is empty: finding nothing would be right; drop the task")
        if len(found) > MAX_TRUTH:
            raise BlueprintError(f"the ground truth has {len(found):,} spans, more than {MAX_TRUTH}; narrow the task")
        return cls(found, tool)


@dataclass(frozen=True, slots=True)
class Rewards:
    """The parts of an episode's reward; the fields are in the order of the module's docstring."""

    parse: float
    find: float
    scope: float
    effort: float
    safety: float
    abstain: float | None = None
    """For a task without a truth: 1 if nothing was called, else 0; it is the total."""

    @property
    def total(self) -> float:
        if self.abstain is not None:
            return self.abstain
        gained = _FIND * self.find + _SCOPE * self.scope + _EFFORT * self.find * self.effort
        return self.parse * self.safety * gained


def score(attempts: Sequence[Attempt], truth: Truth, *, malformed: int = 0) -> Rewards:
    """The rewards of an episode: its calls in order, and how many more could not be parsed."""
    calls = len(attempts) + malformed
    parse = sum(attempt.legal for attempt in attempts) / calls if calls else 0.0
    safety = 0.0 if any(attempt.outcome in ("escape", "timeout") for attempt in attempts) else 1.0
    effort = 1 / calls if calls else 0.0
    if truth.spans is None:
        return Rewards(parse, 0.0, 0.0, effort, safety, abstain=float(calls == 0))
    last = attempts[-1] if attempts and attempts[-1].outcome == "found" else None
    if last is None:
        return Rewards(parse, 0.0, 0.0, effort, safety)
    by_column = last.call.name == truth.tool
    find = f1(_places(last.spans, by_column), _places(truth.spans, by_column))
    return Rewards(parse, find, _overlap(_files(last.spans), _files(truth.spans)), effort, safety)


def f1(found: frozenset[_Place], truth: frozenset[_Place]) -> float:
    """The harmonic mean of precision and recall; 0 when either is empty, both included."""
    common = len(found & truth)
    return 2 * common / (len(found) + len(truth)) if common else 0.0


def _places(spans: Iterable[Span], by_column: bool) -> frozenset[_Place]:
    return frozenset(tuple(span) if by_column else (span.file, span.line) for span in spans)


def _files(spans: Iterable[Span]) -> frozenset[str]:
    return frozenset(span.file for span in spans)


def _overlap(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / len(a | b)
