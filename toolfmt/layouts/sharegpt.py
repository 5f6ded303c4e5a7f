"""`sharegpt`: ``{"conversations": [{"from", "value"}], "system"?, "tools"?}``.

Calls are turns of role ``function_call`` whose value is JSON (a list of objects for parallel calls), or wire text inside a ``gpt`` turn.  A message
with text and calls is two messages, the text first, and is read as one turn again.  There are no ids and there is no place for reasoning.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from toolfmt.errors import LayoutError
from toolfmt.ir import ToolCall
from toolfmt.layouts.base import Layout, Lose, Places, Row, Turn, call_of, carry, text_of
from toolfmt.layouts.messages_text import list_key
from toolfmt.layouts.unplaced import lose_reasoning, others, plain_text
from toolfmt.values import JSONTextError, dumps, loads

__all__ = ["KEYS", "ShareGPT", "call_object"]

KEYS = ("from", "value")
_ROLES = {
    "human": "user", "user": "user",
    "gpt": "assistant", "assistant": "assistant", "function_call": "assistant",
    "observation": "tool", "tool": "tool",
    "system": "system", "developer": "developer",
}  # fmt: skip
_WRITTEN = {"user": "human", "assistant": "gpt", "tool": "observation"}


class ShareGPT(Layout):
    name = as_text = "sharegpt"
    owns = ("conversations", "system")
    places = Places(ids=False, reasoning=False)
    arrow: ClassVar[Mapping[str, Any]] = {
        "conversations": [{"from": "text", "value": "text"}],
        "system": "text",
        "tools": "text",
    }
    tools_as = "json"

    def claims(self, row: Row) -> bool:
        return isinstance(row.get("conversations"), list) and list_key(row) is None

    def fits(self, row: Row) -> bool:
        return isinstance(row.get("conversations"), list)

    def read(self, row: Row) -> list[Turn]:
        turns: list[Turn] = []
        for i, message in enumerate(row["conversations"]):
            turn = _turn(message, f"$.conversations[{i}]")
            if self.places.text and turns and _belongs(turns[-1], turn):
                before = turns.pop()
                turn = turn.copy(path=before.path, raw=before.raw, text=before.text, messages=(before.raw, turn.raw))
            turns.append(turn)
        if any(turn.calls for turn in turns):
            for turn in turns:
                turn.structured = bool(turn.calls) or turn.role == "tool"
        system = row.get("system")
        if isinstance(system, str) and system:
            turns.insert(0, Turn("system", "$.system", row, ("", "system"), text=system))
        return turns

    def write(self, row: Row, turns: Sequence[Turn], lose: Lose) -> dict[str, Any]:
        messages: list[dict[str, Any]] = []
        system: dict[str, Any] = {}
        for i, turn in enumerate(turns):
            if i and not turn.text and _belongs(turns[i - 1], turn):
                lose(
                    "turns", turn.path, f"these calls and the text before them become one turn in layout `{self.name}`"
                )
            if turn.path == "$.system":
                system["system"] = turn.text
            else:
                messages += self._messages(turn, lose)
        return {"conversations": messages, **system}

    def _messages(self, turn: Turn, lose: Lose) -> list[dict[str, Any]]:
        if turn.keys == KEYS and not turn.changed:
            return [dict(message) for message in turn.messages or (turn.raw,)]
        if not turn.calls:
            lose_reasoning(turn, lose, self.name)
            return [carry(turn, KEYS, _role(turn), {"value": plain_text(turn, lose, self.name)})]
        value = [call_object(call) for call in turn.calls]
        before = [carry(turn, KEYS, "gpt")] if turn.text else []
        return [*before, carry(turn, KEYS, "function_call", {"value": dumps(value[0] if len(value) == 1 else value)})]


def _turn(message: object, path: str) -> Turn:
    if not isinstance(message, Mapping):
        raise LayoutError(path, f"expected an object with `from` and `value`, got `{type(message).__name__}`")
    role, value = message.get("from"), message.get("value")
    if not isinstance(role, str) or role not in _ROLES:
        raise LayoutError(f"{path}.from", f"expected one of {', '.join(_ROLES)}, got `{role!r}`")
    turn = Turn(_ROLES[role], path, message, KEYS)
    if role != "function_call":
        turn.text = text_of(message, "value", path, turn.role)
        return turn
    try:
        decoded = loads(value) if isinstance(value, str) else value
    except JSONTextError as error:
        raise LayoutError(f"{path}.value", f"expected a call as JSON, {error}") from None
    calls = decoded if isinstance(decoded, list) else [decoded]
    if not calls:
        raise LayoutError(f"{path}.value", "expected at least one call, got `[]`")
    read = [call_of(call, f"{path}.value[{i}]") for i, call in enumerate(calls)]
    turn.calls = tuple(call for call, _ in read)
    turn.objects = decoded is value
    turn.notes += tuple(
        (f"{path}.value[{i}].arguments", "were encoded twice and decoded once more")
        for i, (_, twice) in enumerate(read)
        if twice
    )
    return turn


def _belongs(before: Turn, turn: Turn) -> bool:
    """Whether a text and the calls right behind it are one turn."""
    if before.role != "assistant" or before.calls or not before.text:
        return False
    return bool(turn.calls) and others(before) == others(turn)


def call_object(call: ToolCall) -> dict[str, Any]:
    return {"name": call.name, "arguments": call.arguments}


def _role(turn: Turn) -> str:
    was = turn.raw.get("from") if turn.keys == KEYS else None
    if isinstance(was, str) and was != "function_call" and _ROLES.get(was) == turn.role:
        return was
    return _WRITTEN.get(turn.role, turn.role)
