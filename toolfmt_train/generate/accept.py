"""The acceptance run: what of a proposal is true, asked of the real programs.

A proposal becomes a row when its gold call keeps to the schema of the tools that the row offers, has a legal pattern, runs, finds
something and not too much, and earns the whole reward; when the call that must find the same lines does, and the naive one does not.
"""

from collections.abc import Mapping
from typing import Any

from toolfmt.ir import Tool, ToolCall
from toolfmt.validation import validate
from toolfmt_train.generate.proposal import Proposal, Reason, Refusal
from toolfmt_train.gym.brief import brief, definitions, without_arguments
from toolfmt_train.gym.rewards import Truth, score
from toolfmt_train.gym.runner import Attempt, Runner
from toolfmt_train.gym.tools import TOOLS
from toolfmt_train.rows import Row

__all__ = ["MOST_SPANS", "OFFERED", "OFFERED_WITHOUT_PCRE2", "Judge"]

MOST_SPANS = 100
"""Places in a ground truth; more is no finding."""

OFFERED = without_arguments(brief(TOOLS), "strictness", "multiline")
"""The tools of a row: no gold call has the two arguments left out, which would only make prompts longer."""

OFFERED_WITHOUT_PCRE2 = without_arguments(OFFERED, "pcre2")

_DEFINITIONS = {True: definitions(OFFERED), False: definitions(OFFERED_WITHOUT_PCRE2)}


class _RefusedError(Exception):
    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


class Judge:
    """Runs proposals in their projects; safe to use from several threads, as the programs are what takes the time."""

    def __init__(self, runners: Mapping[str, Runner]) -> None:
        self._runners = runners

    def judge(self, proposal: Proposal) -> Row | Refusal:
        """A row, its ``id`` still to be given, or the reason for which it is none."""
        if proposal.call is None:
            return _row(proposal, None)
        try:
            return _row(proposal, self._verified(proposal, proposal.call))
        except _RefusedError as refused:
            return Refusal(proposal, refused.reason, refused.detail)

    def _verified(self, proposal: Proposal, call: ToolCall) -> Attempt:
        _check_offered(call, OFFERED if proposal.pcre2 else OFFERED_WITHOUT_PCRE2)
        runner = self._runners[proposal.corpus]
        attempt = runner.run(call)
        _check_outcome(attempt)
        if score([attempt], Truth.of(attempt.spans, call.name)).total < 1:
            raise _RefusedError("reward", "the gym does not pay its own truth in full")
        if proposal.same is not None:
            _check_same(attempt, runner.run(proposal.same))
        if proposal.trap is not None:
            _check_trap(attempt, runner.run(proposal.trap))
        return attempt


def _check_offered(call: ToolCall, offered: tuple[Tool, ...]) -> None:
    violations = validate(call, offered)
    if violations:
        raise _RefusedError("illegal", str(violations[0]))
    known = next(tool for tool in offered if tool.name == call.name).parameters["properties"]
    for name in call.arguments.keys() - known.keys():  # the schemas do not forbid others
        raise _RefusedError("illegal", f"the row offers no argument `{name}`")


def _check_outcome(attempt: Attempt) -> None:
    if attempt.outcome in ("illegal", "escape"):
        raise _RefusedError("illegal", attempt.error)
    if attempt.outcome == "truncated":
        raise _RefusedError("unbounded", "the output was cut off")
    if attempt.outcome == "timeout":
        raise _RefusedError("failed", "the search took too long")
    if not attempt.spans:
        raise _RefusedError("empty", "nothing is found")
    if len(attempt.spans) > MOST_SPANS:
        raise _RefusedError("unbounded", f"{len(attempt.spans)} places are found, more than {MOST_SPANS}")


def _check_same(gold: Attempt, other: Attempt) -> None:
    if _lines(gold) != _lines(other):
        seen = f"{len(_lines(other))} lines, not {len(_lines(gold))}" if other.legal else other.error
        raise _RefusedError("disagreement", f"`{other.call.arguments['pattern']}` finds others: {seen}")


def _check_trap(gold: Attempt, naive: Attempt) -> None:
    by_column = naive.call.name == gold.call.name
    if naive.legal and (naive.spans == gold.spans if by_column else _lines(naive) == _lines(gold)):
        raise _RefusedError("no trap", f"the naive `{naive.call.arguments['pattern']}` finds the same")
    if not by_column:
        _check_seen(gold, naive)


def _check_seen(gold: Attempt, naive: Attempt) -> None:
    """A syntax pattern must find in files where ripgrep sees the text, and at least half of the lines it sees outside comments."""
    if not {file for file, _ in _lines(gold)} <= {file for file, _ in _lines(naive)}:
        raise _RefusedError("disagreement", "ast-grep finds in files in which ripgrep sees nothing")
    code = {(hit.span.file, hit.span.line) for hit in naive.hits if not hit.text.lstrip().startswith(_COMMENTS)}
    if 2 * len(code & _lines(gold)) < len(code):
        raise _RefusedError(
            "disagreement", f"ast-grep finds {len(code & _lines(gold))} of {len(code)} lines of code that ripgrep sees"
        )


_COMMENTS = ("#", "//", "/*", "*")


def _lines(attempt: Attempt) -> set[tuple[str, int]]:
    return {(span.file, span.line) for span in attempt.spans}


def _row(proposal: Proposal, attempt: Attempt | None) -> Row:
    return Row(
        id="",
        bucket=proposal.bucket,
        blueprint=proposal.blueprint,
        language=proposal.language,
        corpus=proposal.corpus,
        tool=attempt.call.name if attempt else None,
        truth=[span._asdict() for span in sorted(attempt.spans)] if attempt else None,
        messages=[{"role": "user", "content": proposal.prompt}, _answer(proposal)],
        tools=_DEFINITIONS[proposal.pcre2],
        evidence=_evidence(attempt) if attempt else {},
    )


def _answer(proposal: Proposal) -> dict[str, Any]:
    if proposal.call is None:
        return {"role": "assistant", "content": proposal.answer}
    function = {"name": proposal.call.name, "arguments": _in_order(proposal.call)}
    return {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": function}]}


def _in_order(call: ToolCall) -> dict[str, Any]:
    """The arguments in the order of the schema, the one that a server's grammar asks for unless told otherwise."""
    declared = next(tool for tool in OFFERED if tool.name == call.name).parameters["properties"]
    return {name: call.arguments[name] for name in declared if name in call.arguments}


def _evidence(attempt: Attempt) -> dict[str, str | int]:
    assert attempt.code is not None
    return {"program": attempt.program, "code": attempt.code, "spans": len(attempt.spans), "digest": attempt.digest}
