"""`openai`: ``messages`` whose calls stand in ``tool_calls``, arguments as JSON text, results in messages of role ``tool`` with ``tool_call_id``.

Also read: arguments as objects (TRL), the legacy ``function_call`` and role ``function``, reasoning under ``reasoning_content``, ``reasoning`` or
``thinking``.  Written: ``tool_calls`` with ids, and ``reasoning_content`` unless the message had another of the three.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from toolfmt.errors import LayoutError
from toolfmt.ir import ToolCall
from toolfmt.layouts.base import REASONING, Layout, Lose, Places, Row, Turn, call_of, carry
from toolfmt.layouts.messages_text import KEYS, MessagesText, list_key, read_message, role_of
from toolfmt.values import dumps

__all__ = ["OpenAI"]

_SIGNS = ("tool_calls", "function_call", "tool_call_id")


class OpenAI(Layout):
    name = "openai"
    owns = MessagesText.owns
    as_text = "messages_text"
    places = Places()
    arrow: ClassVar[Mapping[str, Any]] = {
        "messages": [
            {
                "role": "text",
                "content": "text",
                "tool_calls": [{"id": "text", "type": "text", "function": {"name": "text", "arguments": "text"}}],
                "tool_call_id": "text",
                "name": "text",
                "reasoning_content": "text",
            }
        ],
        "tools": "json",
    }

    def claims(self, row: Row) -> bool:
        key = list_key(row)
        return key is not None and any(
            isinstance(m, Mapping) and (m.get("role") == "function" or any(m.get(sign) for sign in _SIGNS)) for m in row[key]
        )

    def read(self, row: Row) -> list[Turn]:
        key = list_key(row)
        return [self._turn(message, f"$.{key}[{i}]") for i, message in enumerate(row[key] if key else ())]

    def _turn(self, message: object, path: str) -> Turn:
        turn = read_message(message, path)
        if turn.role == "tool":
            turn.structured = True
            turn.call_id, turn.name = (_string(turn.raw, key, path) for key in ("tool_call_id", "name"))
            if turn.text is None:
                raise LayoutError(f"{path}.content", "expected the text of a tool result")
        elif turn.role == "assistant":
            for key in REASONING:
                if turn.reasoning is None:
                    turn.reasoning = _string(turn.raw, key, path)
            self._read_calls(turn)
            turn.structured = bool(turn.calls)
            turn.plain = not turn.raw.get("function_call") and all(map(_is_plain, turn.raw.get("tool_calls") or ()))
        return turn

    def _read_calls(self, turn: Turn) -> None:
        path, calls = turn.path, turn.raw.get("tool_calls") or []
        if not isinstance(calls, list):
            raise LayoutError(f"{path}.tool_calls", f"expected a list, got `{type(calls).__name__}`")
        places = [(f"{path}.tool_calls[{i}]", call) for i, call in enumerate(calls)]
        if turn.raw.get("function_call"):
            if calls:
                raise LayoutError(path, "expected `tool_calls` or `function_call`, got both")
            places = [(f"{path}.function_call", turn.raw["function_call"])]
        made = []
        for place, call in places:
            held = call.get("function", call) if isinstance(call, Mapping) else call
            inner = f"{place}.function" if held is not call else place
            read, twice = call_of(held, inner, call.get("id") if isinstance(call, Mapping) else None)
            if twice:
                turn.notes.append((f"{inner}.arguments", "were encoded twice and decoded once more"))
            turn.objects |= isinstance(held, Mapping) and isinstance(held.get("arguments"), Mapping)
            made.append(read)
        turn.calls = tuple(made)

    def write(self, row: Row, turns: Sequence[Turn], lose: Lose) -> dict[str, Any]:
        return {list_key(row) or "messages": [self._message(turn) for turn in turns]}

    def _message(self, turn: Turn) -> dict[str, Any]:
        if turn.keys == KEYS and not turn.changed:
            return dict(turn.raw)
        fields: dict[str, Any] = {}
        if turn.calls:
            fields = {"content": turn.text or None, "tool_calls": [_call(call) for call in turn.calls]}
            if turn.keys == KEYS and turn.text == turn.raw.get("content"):
                del fields["content"]
        if turn.reasoning is not None:
            fields[next((key for key in REASONING if turn.raw.get(key) is not None), REASONING[0])] = turn.reasoning
        if turn.role == "tool" and turn.call_id is not None:
            fields["tool_call_id"] = turn.call_id
        if turn.role == "tool" and turn.name is not None:
            fields["name"] = turn.name
        return carry(turn, KEYS, role_of(turn), fields)


def _is_plain(call: Any) -> bool:
    """Whether a call is spelled as it would be written, but for the space in its JSON."""
    held = call.get("function")
    return isinstance(held, Mapping) and isinstance(held.get("arguments"), str)


def _call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": dumps(call.arguments)}}


def _string(message: Mapping[str, Any], key: str, path: str) -> str | None:
    value = message.get(key)
    if value is None or isinstance(value, str):
        return value
    raise LayoutError(f"{path}.{key}", f"expected a string, got `{type(value).__name__}`")
