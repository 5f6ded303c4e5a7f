"""What is wrong with an answer: pure functions, each problem with what arrived, why that is likely, and what to do."""

from typing import Any, NamedTuple

import toolfmt
from toolfmt.ir import Tool, ToolCall
from toolfmt.values import JSONTextError, loads
from toolfmt_train.serve.client import Answer, Call
from toolfmt_train.serve.diagnose import Cause, in_content, in_values

__all__ = ["BROKEN", "CUT", "Finding", "Wanted", "compare", "judge", "read_call"]

CUT, BROKEN = "cut off", "broken call"
"""Problems of the model, after which little can be said of the server."""
_REPORT = "report it to the server's authors"


class Finding(NamedTuple):
    """Something wrong with an answer: in ``full``, as ``stream``, or in the ``follow-up``."""

    mode: str
    problem: str
    arrived: str
    reason: str
    step: str


class Wanted(NamedTuple):
    """What an answer is judged by: the format that the server reads, the tools offered, whether there should be a call."""

    format: str
    tools: tuple[Tool, ...]
    calls: bool
    max_tokens: int
    grammar: bool = False
    """Whether the model could write nothing but a call."""

    @property
    def step(self) -> str:
        """How to tell the model's faults from the server's."""
        if self.grammar:
            return "the model wrote a call, under the grammar: the server loses it; choose another parser and report it to its authors"
        return "ask again under a grammar (--grammar): if it passes the model needs more training, if not the server loses calls"


def judge(answer: Answer, mode: str, wanted: Wanted) -> list[Finding]:
    """All that is wrong with one answer."""
    cause = in_content(answer.content, wanted.format, wanted.tools)
    found = _of_content(answer, mode, wanted, cause)
    if answer.finish_reason == "length" or answer.tokens == wanted.max_tokens:
        return [*(found if cause and cause.step and not cause.broken else []), _cut(answer, mode)]
    if cause and cause.broken:
        return [Finding(mode, BROKEN, answer.content, cause.reason, cause.step)]
    found += [finding for call in answer.calls for finding in _of_call(call, mode, wanted)]
    if answer.calls and answer.finish_reason != "tool_calls":
        reason = f"finish_reason is `{answer.finish_reason}`: agents look for `tool_calls` and would not run the call"
        found.append(Finding(mode, "wrong finish_reason", _said(answer), reason, _REPORT))
    return found


def _of_content(answer: Answer, mode: str, wanted: Wanted, cause: Cause | None) -> list[Finding]:
    """What of a call stands in the content; or that there is neither."""
    if cause and answer.calls:
        return [Finding(mode, "leaks into content", answer.content, cause.reason, f"take another parser; {_REPORT}")]
    if cause:
        return [Finding(mode, "no call arrived", answer.content, cause.reason, cause.step or wanted.step)]
    if answer.calls or not wanted.calls:
        return []
    reason = "the model answered with text, and nothing of a call stands in it"
    if not answer.content.strip() and (answer.tokens or 0) > 1:
        reason = f"the model wrote {answer.tokens} tokens and nothing of them arrived: the server's parser took them for a call and lost it"
    return [Finding(mode, "no call arrived", answer.content, reason, wanted.step)]


def _cut(answer: Answer, mode: str) -> Finding:
    reason = "the answer was cut off at the limit of tokens: the model does not end its turn, or needs more"
    if answer.finish_reason != "length":
        reason += f"; the server does not say so (finish_reason `{answer.finish_reason}`), and passes half a call on as a whole one"
    step = "give more with --max-tokens; if it does not help, train on the end of the turn"
    return Finding(mode, CUT, _said(answer), reason, step)


def _of_call(call: Call, mode: str, wanted: Wanted) -> list[Finding]:
    read, shown = read_call(call), _call_text(call)
    if isinstance(read, str):
        return [Finding(mode, "bad arguments", shown, read, _REPORT)]
    if read.name not in {tool.name for tool in wanted.tools}:
        offered = ", ".join(tool.name for tool in wanted.tools)
        return [
            Finding(mode, "unknown tool", shown, f"no tool has the name `{read.name}`; offered: {offered}", wanted.step)
        ]
    violations = toolfmt.validate(read, wanted.tools)
    if not violations:
        return []
    cause = in_values(read, wanted.tools)
    if cause is None:
        return [Finding(mode, "breaks the schema", shown, str(violations[0]), wanted.step)]
    return [Finding(mode, "breaks the schema", shown, f"{violations[0]}; {cause.reason}", cause.step)]


def read_call(call: Call) -> ToolCall | str:
    """The call that arrived, or why its arguments are none."""
    try:
        arguments = loads(call.function.arguments)
    except JSONTextError as error:
        return f"the arguments are no JSON: {error}"
    if not isinstance(arguments, dict):
        return f"the arguments are no JSON object: {type(arguments).__name__}"
    return ToolCall(name=call.function.name, arguments=arguments)


def compare(full: Answer, streamed: Answer) -> list[Finding]:
    """Where the stream says something else than the answer in full; ids apart, which are made anew, and the white space round the content,
    which servers take off in full and cannot in a stream."""
    whole, joined = _comparable(full), _comparable(streamed)
    if whole == joined:
        return []
    part = next(key for key in whole if whole[key] != joined[key])
    arrived = f"in full {_said(full)}; streamed {_said(streamed)}"
    step = f"use answers in full until the server's streaming parser is mended; {_REPORT}"
    return [Finding("stream", "differs", arrived, f"the stream spells another {part} than the answer in full", step)]


def _comparable(answer: Answer) -> dict[str, Any]:
    calls = [(call.function.name, read_call(call)) for call in answer.calls]
    return {"call": calls, "content": answer.content.strip(), "finish_reason": answer.finish_reason}


def _said(answer: Answer) -> str:
    return "; ".join([*map(_call_text, answer.calls), *([answer.content] if answer.content else [])])


def _call_text(call: Call) -> str:
    return f"{call.function.name}({call.function.arguments})"
