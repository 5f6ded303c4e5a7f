"""What one completion is worth: read by a format's parser, compared with the gold call, run in the gym.

An answer is judged by *all* its calls, as one was asked for: the tool is right when every call names it, the arguments are exact
when there is one call and it is the gold call, and what the gym pays falls with every call more.  An argument that is spelled out and
has its default counts as left out.

A completion that was cut off by the token limit is no failure of the format: `summary.py` keeps such rows out of `parsed` and
`abstained` and counts them apart.  In the other measures it stands as what it is, an answer that did not arrive.
"""

import functools
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict

import toolfmt
from toolfmt.events import Parsed
from toolfmt.ir import ToolCall, same
from toolfmt.values import dumps
from toolfmt_train.evaluate.records import Record
from toolfmt_train.gym.corpora import open_corpus
from toolfmt_train.gym.environment import MAX_CALLS, read_truth
from toolfmt_train.gym.rewards import score
from toolfmt_train.gym.runner import Attempt, Runner
from toolfmt_train.gym.tools import TOOLS
from toolfmt_train.rows import Row

__all__ = ["Judge", "Verdict", "without_defaults"]

_DEFAULTS: dict[str, dict[str, Any]] = {
    tool.name: {
        name: schema["default"] for name, schema in tool.parameters["properties"].items() if "default" in schema
    }
    for tool in TOOLS
}


class Verdict(BaseModel):
    """The measures of one completion; None where a measure does not apply.

    * ``due``: a call was due.  ``truncated``: the completion was cut off.
    * ``parsed``: a call was read, and nothing that looks like one and is none.  ``tool``, ``exact``, ``legal``: see above and `gym.legality`.
    * ``found``, ``reward``: F1 of the places found, and the gym's total.
    * ``abstained``: nothing was called, in whatever shape; for tasks that no tool fits.
    * ``as_text``: the writer's own format reads a call here, and this reader none; only where the two differ and a call was written.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    row: str
    due: bool
    truncated: bool
    calls: int
    malformed: int
    parsed: bool | None = None
    tool: bool | None = None
    exact: bool | None = None
    legal: bool | None = None
    found: float | None = None
    reward: float | None = None
    abstained: bool | None = None
    as_text: bool | None = None


class Judge:
    """Scores completions.  A call is run once, however many completions make it."""

    def __init__(self) -> None:
        self._runner = functools.cache(lambda corpus: Runner(open_corpus(corpus).root))
        self._attempts: dict[tuple[str, str], Attempt] = {}

    def check(self, rows: Iterable[Row]) -> None:
        """Raises what would end the scoring: a search tool or a project that is not there, a truth that cannot be scored."""
        for row in rows:
            if row.call is not None:
                self._runner(row.corpus)
                read_truth(row.model_dump())

    def judge(self, row: Row, record: Record, read_as: str | None = None) -> Verdict:
        """The verdict on a completion as the parser of ``read_as`` reads it, by default that of its own format."""
        parsed = toolfmt.parse(record.text, read_as or record.format, tools=row.offered)
        about: dict[str, Any] = {
            "row": row.id,
            "due": row.call is not None,
            "truncated": record.finish_reason == "length",
            "calls": len(parsed.calls),
            "malformed": len(parsed.malformed),
            "as_text": _as_text(row, record, parsed) if read_as not in (None, record.format) else None,
        }
        if row.call is None:
            return Verdict(**about, abstained=not parsed.calls and not parsed.malformed)
        return Verdict(**about, **self._answer(row, row.call, parsed))

    def _answer(self, row: Row, gold: ToolCall, parsed: Parsed) -> dict[str, Any]:
        calls = parsed.calls
        attempts = [self._attempt(row, call) for call in calls[:MAX_CALLS]]
        attempts += [Attempt(call, "illegal", error=f"no more than {MAX_CALLS} calls") for call in calls[MAX_CALLS:]]
        rewards = score(attempts, read_truth(row.model_dump()), malformed=len(parsed.malformed))
        return {
            "parsed": bool(calls) and not parsed.malformed,
            "tool": bool(calls) and all(call.name == gold.name for call in calls),
            "exact": len(calls) == 1 and _equal(calls[0], gold),
            "legal": bool(calls) and all(attempt.legal for attempt in attempts),
            "found": rewards.find,
            "reward": rewards.total,
        }

    def _attempt(self, row: Row, call: ToolCall) -> Attempt:
        refused = _not_offered(row, call)
        if refused:
            return Attempt(call, "illegal", error=refused)
        key = row.corpus, dumps([call.name, call.arguments])
        if key not in self._attempts:
            self._attempts[key] = self._runner(row.corpus).run(call)
        return self._attempts[key]


def _not_offered(row: Row, call: ToolCall) -> str:
    """What the call uses that the gym has and this task has not: PCRE2 is taken away in some."""
    for tool in row.offered:
        if tool.name == call.name:
            unknown = call.arguments.keys() - tool.parameters["properties"].keys()
            return f"{tool.name} has no argument `{min(unknown)[:80]}` here" if unknown else ""
    return f"no tool `{call.name[:80]}` is offered here"


def _as_text(row: Row, record: Record, parsed: Parsed) -> bool | None:
    meant = toolfmt.parse(record.text, record.format, tools=row.offered).calls
    return not parsed.calls and not parsed.malformed if meant else None


def _equal(call: ToolCall, gold: ToolCall) -> bool:
    return call.name == gold.name and same(without_defaults(call), without_defaults(gold))


def without_defaults(call: ToolCall) -> dict[str, Any]:
    """The arguments that say something: those that differ from the tool's defaults."""
    defaults = _DEFAULTS.get(call.name, {})
    return {
        name: value for name, value in call.arguments.items() if name not in defaults or not same(value, defaults[name])
    }
