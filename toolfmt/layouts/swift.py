"""`swift`: ms-swift's agent rows, a message of role ``tool_call`` for each call, ``tools`` as JSON text.

    {"tools": "[{\\"type\\": \\"function\\", \\"function\\": {..}}]",
     "messages": [{"role": "user", "content": "time?"},
                  {"role": "assistant", "content": "<think>\\nThe clock.\\n</think>\\n\\nLet me look."},
                  {"role": "tool_call", "content": "{\\"name\\": \\"now\\", \\"arguments\\": {\\"zone\\": \\"UTC\\"}}"},
                  {"role": "tool_response", "content": "12:00"},
                  {"role": "assistant", "content": "Noon."}]}

Calls that follow one another are parallel, and an assistant's text right before calls belongs to their turn: ms-swift joins them too.  Also read:
``function_call``, ``tool``, ``function-response``, ``observation`` and ``observations``.  Reasoning beside calls stands in the text, in ``<think>``;
in an answer without calls that text, or a ``reasoning_content`` beside it, stays as it is.  There are no ids.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from toolfmt.errors import LayoutError, UnrepresentableError
from toolfmt.layouts.base import Layout, Lose, Places, Row, Turn, call_of, carry, is_object
from toolfmt.layouts.messages_text import KEYS, MessagesText, list_key, read_message, role_of
from toolfmt.layouts.sharegpt import call_object
from toolfmt.layouts.thinking import CLOSES, OPENS, split_thought
from toolfmt.layouts.unplaced import others, plain_text
from toolfmt.values import JSONTextError, dumps, loads

__all__ = ["Swift"]

_CALLS = ("tool_call", "function_call")
_RESULTS = ("tool_response", "function-response", "observation", "observations")


class Swift(Layout):
    signs = frozenset({*_CALLS, *_RESULTS})
    name = "swift"
    owns = MessagesText.owns
    as_text = "messages_text"
    places = Places(ids=False, think_tags=True)
    arrow: ClassVar[Mapping[str, Any]] = {"messages": [{"role": "text", "content": "text"}], "tools": "text"}
    tools_as = "json"

    def claims(self, row: Row) -> bool:
        key = list_key(row)
        return key is not None and any(
            is_object(m) and m.get("role") in self.signs for m in row[key]
        )

    def fits(self, row: Row) -> bool:
        return list_key(row) is not None

    def read(self, row: Row) -> list[Turn]:
        key = list_key(row)
        made: list[Turn] = []
        for i, message in enumerate(row[key] if key else ()):
            turn = _turn(message, f"$.{key}[{i}]")
            before = made[-1] if made else None
            if before is not None and turn.calls and _belongs(before, turn):
                made[-1] = _joined(before, turn)
            else:
                made.append(turn)
        for turn in made:
            if turn.calls and turn.text:
                turn.reasoning, turn.text = split_thought(turn.text)
        return made

    def write(self, row: Row, turns: Sequence[Turn], lose: Lose) -> dict[str, Any]:
        messages: list[dict[str, Any]] = []
        for i, turn in enumerate(turns):
            if i and turn.calls and not turn.text and turn.reasoning is None and _belongs(turns[i - 1], turn):
                lose(
                    "turns",
                    turn.path,
                    f"these calls and the message before them become one turn in layout `{self.name}`",
                )
            messages += self._messages(turn, lose)
        return {list_key(row) or "messages": messages}

    def _messages(self, turn: Turn, lose: Lose) -> list[dict[str, Any]]:
        if turn.keys == KEYS and not turn.changed:
            return [dict(message) for message in (turn.messages or (turn.raw,))]
        if not turn.calls:
            role = "tool_response" if turn.role == "tool" else role_of(turn)
            return [carry(turn, KEYS, role, {"content": plain_text(turn, lose, self.name)})]
        text = _with_reasoning(turn)
        before = [carry(turn, KEYS, "assistant", {"content": text})] if text else []
        return [
            *before,
            *(carry(turn, KEYS, "tool_call", {"content": dumps(call_object(call))}) for call in turn.calls),
        ]


def _turn(message: object, path: str) -> Turn:
    role = message.get("role") if isinstance(message, Mapping) else None
    if not isinstance(message, Mapping) or role not in (*_CALLS, *_RESULTS):
        turn = read_message(message, path)
        turn.structured = turn.role == "tool"
    elif role in _CALLS:
        turn = _call(message, path)
    else:
        turn = Turn("tool", path, message, KEYS, text=message.get("content"), structured=True)
    if turn.role == "tool" and not isinstance(turn.text, str):
        raise LayoutError(f"{path}.content", "expected the text of a tool result")
    return turn


def _call(message: Mapping[str, Any], path: str) -> Turn:
    value = message.get("content")
    try:
        decoded = loads(value) if isinstance(value, str) else value
    except JSONTextError as error:
        raise LayoutError(f"{path}.content", f"expected a call as JSON, {error}") from None
    call, twice = call_of(decoded, f"{path}.content")
    turn = Turn("assistant", path, message, KEYS, calls=(call,), structured=True, objects=decoded is value)
    if twice:
        turn.notes += ((f"{path}.content.arguments", "were encoded twice and decoded once more"),)
    return turn


def _belongs(before: Turn, calls: Turn) -> bool:
    """Whether calls are of the turn of the message right before them."""
    return before.role == "assistant" and (
        bool(before.calls) or (bool(before.text) and others(before) == others(calls))
    )


def _joined(before: Turn, turn: Turn) -> Turn:
    """The two as one turn; it keeps the other keys that both have alike."""
    kept, more = others(before), others(turn)
    same = {key: value for key, value in kept.items() if key in more and more[key] == value}
    apart = [key for key in {**kept, **more} if key not in same]
    return Turn(
        "assistant",
        before.path,
        {"role": "assistant", "content": before.text, **same},
        KEYS,
        text=before.text,
        calls=before.calls + turn.calls,
        structured=True,
        objects=before.objects or turn.objects,
        notes=before.notes + turn.notes,
        bound=before.bound
        + tuple(("key", f"{turn.path}.{key}", "dropped: the messages of one turn differ in it") for key in apart),
        messages=(*(before.messages or (before.raw,)), turn.raw),
    )


def _with_reasoning(turn: Turn) -> str:
    if turn.reasoning is None:
        return turn.text or ""
    if CLOSES in turn.reasoning:
        raise UnrepresentableError(
            f"{turn.path}.reasoning", f"layout `swift` cannot write reasoning that holds `{CLOSES}`"
        )
    return f"{OPENS}\n{turn.reasoning}\n{CLOSES}\n\n{turn.text or ''}"
