"""An answer in the JSON of OpenAI's API, in one piece or as the chunks of a stream.

A call that breaks off comes back as content, whole: the API has no other place for it.
"""

import uuid
from collections.abc import Iterator
from itertools import chain

from toolfmt.events import ArgumentsDelta, CallMalformed, CallStart, Event, ReasoningDelta, TextDelta
from toolfmt.ir import Malformed, Part, Text
from toolfmt.values import dumps
from toolfmt_train.serve.chat import Json, Reply

__all__ = ["chunks", "completion"]


def _delta(event: Event) -> Json:
    """What an event adds to the message; nothing where it ends a call."""
    match event:
        case TextDelta(text):
            return {"content": text}
        case CallMalformed(_, malformed):
            return {"content": malformed.raw}
        case ReasoningDelta(text):
            return {"reasoning_content": text}
        case CallStart(index, name):
            return {"tool_calls": [_call(name, "") | {"index": index}]}
        case ArgumentsDelta(index, text):
            return {"tool_calls": [{"index": index, "function": {"arguments": text}}]}
    return {}


def chunks(reply: Reply, *, with_usage: bool) -> Iterator[Json]:
    """The answer as chunks of a stream."""
    kind = {"object": "chat.completion.chunk"}
    for delta in chain([{"role": "assistant", "content": ""}], filter(None, map(_delta, reply.events()))):
        yield kind | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield kind | {"choices": [{"index": 0, "delta": {}, "finish_reason": reply.reason}]}
    if with_usage:
        yield kind | {"choices": [], "usage": reply.usage()}


def completion(reply: Reply) -> Json:
    """The answer in one piece."""
    for _ in reply.events():
        pass
    said = reply.parser.parsed
    content = "".join(_text(part) for part in said.parts)
    calls = [_call(call.name, dumps(call.arguments)) for call in said.calls]
    message = {
        "role": "assistant",
        "content": content or None,
        "reasoning_content": said.reasoning,
        "tool_calls": calls,
    }
    choice = {"index": 0, "message": message, "finish_reason": reply.reason}
    return {"object": "chat.completion", "choices": [choice], "usage": reply.usage()}


def _text(part: Part) -> str:
    return part.text if isinstance(part, Text) else part.raw if isinstance(part, Malformed) else ""


def _call(name: str, arguments: str) -> Json:
    return {"id": f"call_{uuid.uuid4().hex}", "type": "function", "function": {"name": name, "arguments": arguments}}
