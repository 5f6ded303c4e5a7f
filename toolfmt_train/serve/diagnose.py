"""Why a call did not arrive: what stands in the content instead, and what to do about it.

The content is read in every format that toolfmt knows (`toolfmt.detect`).  It is a guess: a model that writes calls in a format of its own is told
from one that answers with text only by the marks it leaves.
"""

from functools import cache
from typing import NamedTuple

import toolfmt
from toolfmt.ir import Tool, ToolCall
from toolfmt.values import JSONTextError, loads

__all__ = ["Cause", "in_content", "in_values"]


class Cause(NamedTuple):
    """What is likely wrong, and the next step; without one, whether model or server is to blame is still to be found out."""

    reason: str
    step: str = ""
    broken: bool = False
    """The model wrote a call that is none."""


def in_content(content: str, format: str, tools: tuple[Tool, ...]) -> Cause | None:
    """What of a call stands in ``content``, which a server gave that reads ``format``; None where it is text for a user."""
    own = toolfmt.parse(content, format, tools=tools)
    if own.calls:
        return Cause(
            f"the call stands in the content as {format}, which the server should read: it does not run this format's parser",
            "start the server with its tool parser for this format (vLLM: --enable-auto-tool-choice --tool-call-parser)",
        )
    found = _foreign(content, tools)
    if found:
        return Cause(
            f"the call stands in the content as {found} while the server reads {format}",
            f"`toolfmt convert --to {format}` the training data and train again, or serve with a parser for {found}",
        )
    broken = own.malformed[0] if own.malformed else None
    if broken and broken.raw.strip() not in _marks():
        step = "the model writes calls that are none: train it more, or ask under a grammar (--grammar)"
        return Cause(f"a broken call in {format} stands in the content: {broken.reason}", step, broken=True)
    mark = next((mark for mark in _marks() if mark in content), None)
    if mark:
        return Cause(f"the mark `{mark}` stands in the content")
    return None


_RETRAIN = (
    "ask again under a grammar (--grammar): if it passes the model needs more training, if not the server loses calls"
)


def _foreign(content: str, tools: tuple[Tool, ...]) -> str | None:
    """The likeliest format in which calls of these tools stand here."""
    names = {tool.name for tool in tools}
    for detection in toolfmt.detect(content):
        calls = toolfmt.parse(content, detection.format, tools=tools).calls
        if names & {call.name for call in calls}:
            return detection.format
    return None


@cache
def _marks() -> tuple[str, ...]:
    """The marks of every format that no prose holds, longest first."""
    formats = [toolfmt.get_format(info.name) for info in toolfmt.formats()]
    marks = {
        mark for fmt in formats for mark in (*fmt.end_of_turn, *(() if fmt.ambiguous else (*fmt.opens, *fmt.closes)))
    }
    return tuple(sorted((mark.strip() for mark in marks if len(mark.strip()) > 3), key=len, reverse=True))


def in_values(call: ToolCall, tools: tuple[Tool, ...]) -> Cause | None:
    """Why ``call`` breaks its schema; None where it is the model that broke it."""
    typed = call
    for key, value in call.arguments.items():
        changed = call.model_copy(update={"arguments": typed.arguments | {key: _decoded(value)}})
        if len(toolfmt.validate(changed, tools)) < len(toolfmt.validate(typed, tools)):
            typed = changed
    if toolfmt.validate(typed, tools):
        return None
    strings = ", ".join(f"`{key}`" for key in call.arguments if typed.arguments[key] is not call.arguments[key])
    return Cause(
        f"{strings} came as a string: the server's parser reads values without the tools' schema",
        "serve with a parser that asks the schema, or train on a format that writes types (hermes, say)",
    )


def _decoded(value: object) -> object:
    try:
        return loads(value) if isinstance(value, str) else value
    except JSONTextError:
        return value
