"""`toucan`: Agent-Ark/Toucan-1.5M, columns of text of which two are JSON, the messages and the tools.

    {"uuid": "..", "question": "..", "messages": "[{\\"role\\": \\"user\\", \\"content\\": \\"..\\"},
       {\\"role\\": \\"tool_call\\", \\"content\\": \\"{\\\\\\"name\\\\\\": \\\\\\"now\\\\\\", \\\\\\"arguments\\\\\\": {}}\\"}, ...]",
     "available_tools": "[{\\"type\\": \\"function\\", \\"function\\": {..}}]", "target_tools": ".."}

Calls stand in messages of role ``tool_call``, one each (side by side they are parallel), or under ``function_call``; results in messages of role
``tool_response``, ``function`` or ``tool``.  The tools that Kimi K2's prompt declares in its own marks are read as a tools block, with a note.
There is no place for ids.  Source: the data set's card; the configuration for fine-tuning was not opened.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from toolfmt.errors import LayoutError
from toolfmt.ir import ToolCall
from toolfmt.layouts.base import Lose, Offer, Places, Row, Turn, call_of, carry, offered, text_of
from toolfmt.layouts.messages_text import KEYS
from toolfmt.layouts.openai import OpenAI
from toolfmt.layouts.payload import REPR, payload, tools_of
from toolfmt.values import JSONTextError, dumps, loads, loads_at

__all__ = ["Toucan"]

_CALLS = ("tool_call", "function_call")
_RESULTS = ("tool_response", "function_response", "observation", "function", "tool")
_LIST = re.compile(r'\s*\[\s*(?:\{\s*"|\])')
_DECLARES, _ENDS = "<|im_system|>tool_declare<|im_middle|>", "<|im_end|>"
_MERGED = ("", "messages")
"""The keys of a turn of several messages."""


class Toucan(OpenAI):
    signs = frozenset()  # its messages are text
    name = as_text = "toucan"
    owns = ("messages",)
    places = Places(ids=False, given_names=True)
    arrow: ClassVar[Mapping[str, Any]] = {"messages": "text", "available_tools": "text"}
    tools_as = "json"

    def claims(self, row: Row) -> bool:
        messages = row.get("messages")
        return isinstance(messages, str) and _LIST.match(messages) is not None

    def fits(self, row: Row) -> bool:
        return self.claims(row)

    def read(self, row: Row) -> list[Turn]:
        try:
            messages = loads(row["messages"])
        except JSONTextError as error:
            raise LayoutError("$.messages", f"expected a JSON list of messages, {error}") from None
        turns: list[Turn] = []
        for i, message in enumerate(messages):
            turn = self._read(message, f"$.messages[{i}]")
            if turns and _goes_on(turns[-1], turn):
                turns[-1] = _merged(turns[-1], turn)
            else:
                turns.append(turn)
        called = any(turn.calls for turn in turns)
        for turn in turns:
            turn.structured = turn.structured and called
        return turns

    def _read(self, message: Any, path: str) -> Turn:
        role = message.get("role") if isinstance(message, Mapping) else None
        if role in _CALLS:
            return _call(message, path)
        if role in _RESULTS:
            turn = Turn("tool", path, message, KEYS, text=text_of(message, "content", path, "assistant"), structured=True)
            name = message.get("name")
            turn.name = name if isinstance(name, str) else None
            if turn.text is None:
                raise LayoutError(f"{path}.content", "expected the text of a tool result")
            return turn
        turn = self._turn(message, path)
        if turn.role == "system" and turn.text:
            _find_tools(turn)
        return turn

    def write(self, row: Row, turns: Sequence[Turn], lose: Lose) -> dict[str, Any]:
        if self.claims(row) and turns and all(not turn.changed for turn in turns):
            return {"messages": row["messages"]}
        messages: list[dict[str, Any]] = []
        for i, turn in enumerate(turns):
            if i and turn.changed and turn.calls and turns[i - 1].role == "assistant":
                lose("order", turn.path, "layout `toucan` reads these calls as one turn with the one before")
            messages += _messages(turn, lose)
        return {"messages": dumps(messages)}

    def offer(self, row: Row, *, padded: bool = False) -> Offer:
        return offered(row, ("available_tools", "tools"), padded)

    def write_offer(self, offer: Offer) -> dict[str, Any]:
        made = super().write_offer(offer)
        return {"available_tools": made["tools"]} if made else {}


def _goes_on(before: Turn, turn: Turn) -> bool:
    return before.role == "assistant" and bool(turn.calls) and not turn.text and turn.reasoning is None


def _merged(before: Turn, turn: Turn) -> Turn:
    messages = before.raw["messages"] if before.keys == _MERGED else [before.raw]
    return replace(
        before,
        raw={"messages": [*messages, turn.raw]},
        keys=_MERGED,
        calls=before.calls + turn.calls,
        structured=True,
        notes=before.notes + turn.notes,
        broken=before.broken + turn.broken,
        plain=before.plain and turn.plain,
    )


def _call(message: Mapping[str, Any], path: str) -> Turn:
    turn = Turn("assistant", path, message, KEYS, structured=True)
    content = message.get("content")
    try:
        value, was_repr = payload(content) if isinstance(content, str) else (content, False)
    except JSONTextError as error:
        raise LayoutError(f"{path}.content", f"expected a call, {error}") from None
    if was_repr:
        turn.notes += ((f"{path}.content", f"a call {REPR}"),)
    calls = value if isinstance(value, list) and value else [value]
    turn.calls = tuple(call_of(call, f"{path}.content")[0] for call in calls)
    return turn


def _find_tools(turn: Turn) -> None:
    """The tools that Kimi K2 declares in a system text."""
    text = turn.text or ""
    start = text.find(_DECLARES)
    if start < 0:
        return
    try:
        listed, end = loads_at(text, start + len(_DECLARES))
    except JSONTextError:
        return
    turn.block = tools_of(listed, f"{turn.path}.content"), start, end + len(_ENDS) * text.startswith(_ENDS, end)
    turn.notes += ((f"{turn.path}.content", "the tools that Kimi K2 declares in its own marks were read as a tools block"),)


def _messages(turn: Turn, lose: Lose) -> list[dict[str, Any]]:
    if turn.keys == _MERGED and not turn.changed:
        return [dict(message) for message in turn.raw["messages"]]
    if turn.keys == KEYS and not turn.changed:
        return [dict(turn.raw)]
    thought = {} if turn.reasoning is None else {"reasoning_content": turn.reasoning}
    if turn.calls:
        said = [carry(turn, KEYS, "assistant", thought)] if turn.text or thought else []
        first = [] if said else [carry(turn, KEYS, "tool_call", {"content": _written(turn.calls[0])})]
        return [*said, *first, *({"role": "tool_call", "content": _written(call)} for call in turn.calls[len(first) :])]
    was = turn.raw.get("role") if turn.keys == KEYS else None
    if turn.role == "tool" and turn.structured:
        named = {} if turn.name is None else {"name": turn.name}
        return [carry(turn, KEYS, was if was in ("tool_response", "function", "observation") else "tool_response", named)]
    return [carry(turn, KEYS, turn.role, thought)]


def _written(call: ToolCall) -> str:
    return dumps({"name": call.name, "arguments": call.arguments})
