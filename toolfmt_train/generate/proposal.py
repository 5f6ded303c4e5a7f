"""`Proposal`: a task before anything has been run, and `Refusal`: why it did not become a row."""

from dataclasses import dataclass
from typing import Any, Literal

from toolfmt.ir import ToolCall
from toolfmt_train.rows import Bucket

__all__ = ["Proposal", "Reason", "Refusal"]

Reason = Literal["illegal", "failed", "empty", "unbounded", "disagreement", "no trap", "reward"]
"""Why a proposal is refused.

* `illegal`       the gold call, or its pattern, is not legal, or not in the schema of the tools that the row offers
* `failed`        it ran out of time, or its output was cut off
* `empty`         it finds nothing
* `unbounded`     it finds more than a task may
* `disagreement`  the call that must find the same does not
* `no trap`       the naive call finds the same, so nothing is adversarial about it
* `reward`        the gym does not pay it in full
"""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A gold call, and the words of the user.

    ``same`` is a call that must find the same lines: a second opinion.  ``trap`` is the naive call, which must not: it is illegal or finds
    other places.  ``pcre2`` says whether the row offers that argument.  Without a ``call`` no tool fits and ``answer`` is
    the answer.
    """

    blueprint: str
    bucket: Bucket
    language: str
    corpus: str
    subject: str
    prompt: str
    call: ToolCall | None
    same: ToolCall | None = None
    trap: ToolCall | None = None
    pcre2: bool = True
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A proposal that is no row."""

    proposal: Proposal
    reason: Reason
    detail: str

    def record(self) -> dict[str, Any]:
        """It as a line of the file of refusals."""
        asked = self.proposal
        call = asked.call and {"name": asked.call.name, "arguments": asked.call.arguments}
        return {
            "reason": self.reason,
            "detail": self.detail,
            "bucket": asked.bucket,
            "blueprint": asked.blueprint,
            "language": asked.language,
            "corpus": asked.corpus,
            "subject": asked.subject,
            "prompt": asked.prompt,
            "call": call,
        }
