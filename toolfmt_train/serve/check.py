"""Do calls arrive?  Prompts asked of a real server, in full and as a stream, and all that is wrong with the answers.

A prompt passes when its calls come in ``tool_calls``, name offered tools, and have arguments that are JSON objects of the declared types; when
nothing of a call stands in the content; when the stream spells the same answer; and when the server takes the call and its result back.  Whether it
is the *right* call is counted and no finding: that is the model's affair (`toolfmt-train evaluate`).
"""

import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import toolfmt
from toolfmt.ir import Tool, ToolCall
from toolfmt_train.gym.brief import definitions
from toolfmt_train.rows import Row
from toolfmt_train.serve.client import Answer, BrokenAnswerError, Client
from toolfmt_train.serve.judge import BROKEN, CUT, Finding, Wanted, compare, judge, read_call

__all__ = ["Checked", "Prompt", "Question", "check"]

Json = dict[str, Any]
_FOLLOW_UP_TOKENS = 32
_RESULT = "python/inventory/reports.py:35:9:         super().__init__(stock)"


class Prompt(NamedTuple):
    """What is asked; ``gold`` is the right call where that is known, ``calls`` whether there should be one."""

    id: str
    messages: list[Json]
    tools: tuple[Tool, ...]
    calls: bool = True
    gold: ToolCall | None = None

    @classmethod
    def of_row(cls, row: Row) -> "Prompt":
        return cls(row.id, row.prompt, row.offered, row.call is not None, row.call)


class Question(NamedTuple):
    """How every prompt is asked."""

    format: str
    grammar: bool = False
    """Under `toolfmt.grammar_for`, in the field that vLLM has for it: so an untrained model calls, and the check is one of the server."""
    max_tokens: int = 256

    def fields(self, prompt: Prompt) -> Json:
        asked: Json = {"max_tokens": self.max_tokens}
        if self.grammar:
            wanted = toolfmt.grammar_for(prompt.tools, self.format).vllm()
            asked |= {"tool_choice": wanted.pop("tool_choice"), "extra_body": wanted}
        return asked


class Checked(NamedTuple):
    """A prompt, what arrived for it, and what is wrong."""

    prompt: Prompt
    calls: tuple[ToolCall, ...]
    """Of the answer in full."""
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def right(self) -> bool | None:
        """Whether the gold call arrived; None where there is no right one to compare with."""
        if self.prompt.gold is not None:
            return self.calls == (self.prompt.gold,)
        return None if self.prompt.calls else not (self.calls or self.findings)


def check(client: Client, prompts: Iterable[Prompt], question: Question) -> Iterator[Checked]:
    """Each prompt in turn, as it is done."""
    for prompt in prompts:
        begun = time.monotonic()
        calls, findings = _Check(client, prompt, question).run()
        yield Checked(prompt, calls, tuple(findings), time.monotonic() - begun)


class _Check:
    """The check of one prompt."""

    def __init__(self, client: Client, prompt: Prompt, question: Question) -> None:
        self.client, self.prompt, self.question = client, prompt, question
        self.tools = definitions(prompt.tools)
        self.findings: list[Finding] = []

    def run(self) -> tuple[tuple[ToolCall, ...], list[Finding]]:
        full, streamed = self._ask("full", stream=False), self._ask("stream", stream=True)
        spoiled = any(finding.problem in (CUT, BROKEN) for finding in self.findings)
        if full and streamed and not spoiled:
            self.findings += compare(full, streamed)
        if full and full.calls and not spoiled:
            self._follow_up(full)
        calls = [read_call(call) for call in full.calls] if full and not spoiled else []
        return tuple(call for call in calls if isinstance(call, ToolCall)), self.findings

    def _ask(self, mode: str, *, stream: bool) -> Answer | None:
        question, prompt = self.question, self.prompt
        try:
            answer = self.client.ask(prompt.messages, self.tools, stream=stream, **question.fields(prompt))
        except BrokenAnswerError as error:
            self._broken(mode, error)
            return None
        wanted = Wanted(
            question.format, prompt.tools, prompt.calls or question.grammar, question.max_tokens, question.grammar
        )
        self.findings += judge(answer, mode, wanted)
        return answer

    def _follow_up(self, full: Answer) -> None:
        """The calls go back with a result each; what the model makes of it is its affair, up to what leaks."""
        said = {
            "role": "assistant",
            "content": full.content or None,
            "tool_calls": [call.model_dump() for call in full.calls],
        }
        results = [{"role": "tool", "tool_call_id": call.id, "content": _RESULT} for call in full.calls]
        messages = [*self.prompt.messages, said, *results]
        try:
            self.client.ask(messages, self.tools, stream=False, max_tokens=_FOLLOW_UP_TOKENS)
        except BrokenAnswerError as error:
            self._broken("follow-up", error)

    def _broken(self, mode: str, error: BrokenAnswerError) -> None:
        step = "the server's log (--log) says more; where it refuses a field of the request it is no OpenAI-compatible server"
        self.findings.append(Finding(mode, "no answer", "", str(error), step))
