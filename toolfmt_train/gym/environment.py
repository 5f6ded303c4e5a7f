"""`SearchGym`: code search as an environment for reinforcement learning.

The shape is that of TRL's `environment_factory`: the public methods are the tools, `reset(**row)` begins an episode, `get_reward()` ends it.  Neither
TRL nor torch is imported; any loop that calls these methods will do.

    trainer = GRPOTrainer(..., environment_factory=SearchGym, train_dataset=rows)

A row has `corpus` (a name) and `truth`: a list of `{"file", "line", "column"}`, or None when no tool fits.  `tool` says which tool the truth came
from.  Other columns are not looked at.  The truth is private to the object, and no tool can reach it.

Not seen here: a call to a tool that does not exist, which TRL answers itself, and text that was meant as a call and did not parse.
An evaluation that reads the text passes their number to `rewards.score`.
"""

from collections.abc import Mapping
from typing import Any

from toolfmt.ir import ToolCall
from toolfmt_train.gym.binaries import Binaries
from toolfmt_train.gym.corpora import Corpus, open_corpus
from toolfmt_train.gym.errors import BlueprintError, GymError
from toolfmt_train.gym.process import Limits
from toolfmt_train.gym.rewards import Rewards, Truth, score
from toolfmt_train.gym.runner import Attempt, Runner
from toolfmt_train.gym.spans import Span
from toolfmt_train.gym.tools import SearchTools

__all__ = ["MAX_CALLS", "SearchGym", "read_truth"]

MAX_CALLS = 8
"""Calls an episode runs.  Later ones are refused, and being the last they find nothing."""


class SearchGym(SearchTools):
    """One episode at a time: what a model calls is run in the row's corpus and kept.

    ``corpora`` are projects by name, tried before the bundled and the fetched ones.  Nothing is fetched here.
    """

    def __init__(
        self,
        corpora: Mapping[str, Corpus] | None = None,
        *,
        binaries: Binaries | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._corpora = dict(corpora or {})
        self._binaries, self._limits = binaries, limits
        self._runners: dict[str, Runner] = {}
        self._runner: Runner | None = None
        self._truth = Truth.none()
        self._attempts: list[Attempt] = []

    def reset(self, **row: Any) -> None:
        """Begin the episode of ``row``; raises `BlueprintError` when it cannot be scored, `CorpusError` when its corpus is not there."""
        self._runner = None
        truth = read_truth(row)
        self._runner = self._runner_for(_text(row, "corpus"))
        self._truth, self._attempts = truth, []

    def get_reward(self) -> float:
        """The total of the episode so far, from 0 to 1."""
        return self.rewards.total

    @property
    def rewards(self) -> Rewards:
        """The parts of the reward of the episode so far."""
        self._begun()
        return score(self._attempts, self._truth)

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The calls of the episode, in order."""
        return tuple(self._attempts)

    def _answer(self, call: ToolCall) -> str:
        runner = self._begun()
        if len(self._attempts) >= MAX_CALLS:
            attempt = Attempt(call, "illegal", error=f"no more than {MAX_CALLS} calls")
        else:
            attempt = runner.run(call)
        self._attempts.append(attempt)
        return attempt.answer

    def _begun(self) -> Runner:
        if self._runner is None:
            raise GymError("no episode has begun: call reset(**row) first")
        return self._runner

    def _runner_for(self, name: str) -> Runner:
        if name not in self._runners:
            corpus = self._corpora[name] if name in self._corpora else open_corpus(name)
            self._runners[name] = Runner(corpus.root, binaries=self._binaries, limits=self._limits)
        return self._runners[name]


def read_truth(row: Mapping[str, Any]) -> Truth:
    """The ground truth of a row; raises `BlueprintError` when it is not there or cannot be scored."""
    if "truth" not in row:
        raise BlueprintError("the row has no `truth`: give a list of spans, or None when no tool fits")
    truth = row["truth"]
    if truth is None:
        return Truth.none()
    if not isinstance(truth, list):
        raise BlueprintError(f"truth: expected a list of spans or None, got `{type(truth).__name__}`")
    tool = row.get("tool")
    return Truth.of([_span(item, f"truth[{i}]") for i, item in enumerate(truth)], tool if isinstance(tool, str) else "")


def _span(item: object, place: str) -> Span:
    if not isinstance(item, dict) or not {"file", "line", "column"} <= item.keys():
        raise BlueprintError(f'{place}: expected {{"file", "line", "column"}}, got `{str(item)[:80]}`')
    file, line, column = item["file"], item["line"], item["column"]
    if type(file) is not str or type(line) is not int or type(column) is not int:
        raise BlueprintError(f"{place}: a file is text, a line and a column are whole numbers, got `{str(item)[:80]}`")
    return Span(file, line, column)


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        raise BlueprintError(f"the row's `{key}` is not a text but `{type(value).__name__}`")
    return value
