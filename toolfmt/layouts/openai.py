"""`openai`: ``messages`` whose calls stand in ``tool_calls``, arguments as JSON text, results in messages of role ``tool`` with ``tool_call_id``.

Also read: arguments as objects, the legacy ``function_call`` and role ``function``, reasoning under ``reasoning_content``, ``reasoning`` or
``thinking``.  Written: ``tool_calls`` with ids, and ``reasoning_content`` unless the message had another of the three.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, ClassVar

from toolfmt.errors import LayoutError
from toolfmt.ir import ToolCall
from toolfmt.layouts.base import REASONING, Layout, Lose, Places, Row, Turn, call_of, carry, is_object
from toolfmt.layouts.messages_text import KEYS, MessagesText, list_key, read_message, role_of
from toolfmt.values import dumps

__all__ = ["OpenAI", "call_arguments"]


_CALL, _FUNCTION = frozenset({"id", "type", "function", "name", "arguments"}), frozenset({"name", "arguments"})
_TYPES = (None, "function")


class OpenAI(Layout):
    name = "openai"
    owns: ClassVar[tuple[str, ...]] = MessagesText.owns
    as_text = "messages_text"
    places = Places(call_keys=True)
    signs = frozenset({"tool_calls", "function_call", "tool_call_id", "function"})
    kinds: ClassVar[tuple[type, ...]] = (str,)
    """What it writes as arguments."""
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
        for message in row[key] if key else ():
            if (type(message) is dict or is_object(message)) and (
                message.get("tool_calls")
                or message.get("tool_call_id")
                or message.get("function_call")
                or message.get("role") == "function"
            ):
                return True
        return False

    def fits(self, row: Row) -> bool:
        return list_key(row) is not None

    def read(self, row: Row) -> list[Turn]:
        key = list_key(row)
        return [self._turn(message, f"$.{key}[{i}]") for i, message in enumerate(row[key] if key else ())]

    def _turn(self, message: object, path: str) -> Turn:
        turn = read_message(message, path)
        role = turn.role
        if role == "tool":
            turn.structured = True
            turn.call_id = _string(turn.raw, "tool_call_id", path)
            turn.name = _string(turn.raw, "name", path)
            if turn.text is None:
                raise LayoutError(f"{path}.content", "expected the text of a tool result")
        elif role == "assistant":
            raw = turn.raw
            for key in REASONING:
                if key in raw and turn.reasoning is None:
                    turn.reasoning = _string(raw, key, path)
            if raw.get("tool_calls") or raw.get("function_call"):
                self._read_calls(turn)
                turn.structured = bool(turn.calls)
                turn.plain = not raw.get("function_call") and all(map(self._is_plain, raw["tool_calls"]))
        return turn

    def _read_calls(self, turn: Turn) -> None:
        path, calls = turn.path, turn.raw.get("tool_calls") or []
        if not isinstance(calls, list):
            raise LayoutError(f"{path}.tool_calls", f"expected a list, got `{type(calls).__name__}`")
        places = [(f"{path}.tool_calls[{i}]", call) for i, call in enumerate(calls)] if calls else []
        if turn.raw.get("function_call"):
            if calls:
                raise LayoutError(path, "expected `tool_calls` or `function_call`, got both")
            places = [(f"{path}.function_call", turn.raw["function_call"])]
        made: list[ToolCall] = []
        for place, call in places:
            held = call.get("function", call) if is_object(call) else call
            inner = f"{place}.function" if held is not call else place
            read, twice = call_of(held, inner, call.get("id") if is_object(call) else None)
            if twice:
                turn.notes += ((f"{inner}.arguments", "were encoded twice and decoded once more"),)
            turn.objects |= is_object(held) and is_object(held.get("arguments"))
            if not (call.keys() <= _CALL and call.get("type") in _TYPES and (held is call or held.keys() <= _FUNCTION)):
                turn.others += _others(len(made), place.removeprefix(f"{path}."), call, held)
            made.append(read)
        turn.calls = tuple(made)

    def write(self, row: Row, turns: Sequence[Turn], lose: Lose) -> dict[str, Any]:
        made = [self._message(turn) if turn.changed or turn.keys != KEYS else dict(turn.raw) for turn in turns]
        return {list_key(row) or "messages": made}

    def _message(self, turn: Turn) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        if turn.calls:
            fields = {"content": turn.text or None, "tool_calls": [self._call(turn, i, call) for i, call in enumerate(turn.calls)]}
            if turn.keys == KEYS and turn.text == turn.raw.get("content"):
                del fields["content"]
        if turn.reasoning is not None:
            fields[next((key for key in REASONING if turn.raw.get(key) is not None), REASONING[0])] = turn.reasoning
        if turn.role == "tool" and turn.call_id is not None:
            fields["tool_call_id"] = turn.call_id
        if turn.role == "tool" and turn.name is not None:
            fields["name"] = turn.name
        return carry(turn, KEYS, role_of(turn), fields)


    def _call(self, turn: Turn, index: int, call: ToolCall) -> dict[str, Any]:
        function = {"name": call.name, "arguments": self.arguments(turn, call)}
        made = {**({} if call.id is None else {"id": call.id}), "type": "function", "function": function}
        for number, place, others in turn.others:
            if number == index:
                (function if place.endswith(".function") else made).update(others)
        return made

    def _is_plain(self, call: Any) -> bool:
        """Whether a call is spelled as it would be written, but for the space in its JSON."""
        held = call.get("function")
        return is_object(held) and isinstance(held.get("arguments"), self.kinds)

    def arguments(self, turn: Turn, call: ToolCall) -> Any:
        """A call's arguments as they are written: JSON text."""
        return dumps(call.arguments)


def call_arguments(row: Row) -> Iterator[Any]:
    """What stands as arguments of the calls in ``tool_calls``; nothing where the row has no such calls."""
    key = list_key(row)
    objects = [message for message in row[key] if type(message) is dict or is_object(message)] if key else []
    lists = [calls for message in objects if isinstance(calls := message.get("tool_calls"), list)]
    for call in chain.from_iterable(lists):
        held = call.get("function") if is_object(call) else None
        if is_object(held):
            yield held.get("arguments")


def _string(message: Mapping[str, Any], key: str, path: str) -> str | None:
    value = message.get(key)
    if value is None or isinstance(value, str):
        return value
    raise LayoutError(f"{path}.{key}", f"expected a string, got `{type(value).__name__}`")


def _others(number: int, place: str, call: Mapping[str, Any], held: Mapping[str, Any]) -> tuple[tuple[int, str, Mapping[str, Any]], ...]:
    """The keys beside those that a call has, and inside its function; a null may be Arrow's, and says nothing."""
    beside = {key: value for key, value in call.items() if (key not in _CALL or (key == "type" and value != "function")) and value is not None}
    inside = {key: value for key, value in held.items() if key not in _FUNCTION and value is not None} if held is not call else {}
    return tuple((number, where, others) for where, others in ((place, beside), (f"{place}.function", inside)) if others)
