"""`anthropic`: messages of the Messages API, calls and results as content blocks, ``system`` and ``tools`` beside them.

    {"system": "Be brief.",
     "messages": [{"role": "user", "content": "time?"},
                  {"role": "assistant", "content": [{"type": "thinking", "thinking": "The clock.", "signature": "Er.."},
                                                    {"type": "text", "text": "Let me look."},
                                                    {"type": "tool_use", "id": "toolu_1", "name": "now", "input": {"zone": "UTC"}}]},
                  {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "12:00"},
                                               {"type": "text", "text": "And in Rome?"}]}],
     "tools": [{"name": "now", "description": "", "input_schema": {..}}]}

A row is one by its blocks, by its tools, or by a ``system`` beside messages of none but user and assistant.  Text and calls keep their order.
A user message with results is several turns; results that follow one another are written in one message, with the user's text behind them.
Blocks that are no text, ``signature`` and the bounds between texts stay only in this layout.  A system text stands before the messages; one among
them is refused.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from toolfmt.errors import UnrepresentableError
from toolfmt.ir import Text, ToolCall
from toolfmt.layouts.anthropic_blocks import KEYS, SYSTEM, kinds, read_message, read_system
from toolfmt.layouts.base import Layout, Lose, Places, Row, Turn, function_of
from toolfmt.layouts.unplaced import others, plain_text, system_text

__all__ = ["Anthropic"]

_SIGNS = frozenset({"tool_use", "tool_result", "thinking", "redacted_thinking"})
_TOOL = frozenset({"type", "name", "description", "input_schema", "strict"})


class Anthropic(Layout):
    name = "anthropic"
    owns = ("messages", "system")
    as_text = "messages_text"
    places = Places(order=True)
    arrow: ClassVar[Mapping[str, Any]] = {
        "messages": [{"role": "text", "content": "json"}],
        "system": "json",
        "tools": "json",
    }

    def claims(self, row: Row) -> bool:
        messages = row.get("messages")
        if not isinstance(messages, list) or not all(
            isinstance(m, Mapping) and m.get("role") in ("user", "assistant") for m in messages
        ):
            return False
        if any(_SIGNS & kinds(message.get("content")) for message in messages) or _has_own_tools(row.get("tools")):
            return True
        return bool(row.get("system")) and not any(message.get("tool_calls") for message in messages)

    def fits(self, row: Row) -> bool:
        return isinstance(row.get("messages"), list)

    def read(self, row: Row) -> list[Turn]:
        turns: list[Turn] = list(read_system(row))
        for i, message in enumerate(row["messages"]):
            turns += read_message(message, f"$.messages[{i}]")
        if turns and isinstance(row.get("tools"), list):
            turns[0].bound += tuple(
                ("tools", f"$.tools[{i}].{key}", "dropped: it stays only in layout `anthropic`")
                for i, tool in enumerate(row["tools"])
                if isinstance(tool, Mapping)
                for key in tool.keys() - _TOOL
                if tool[key] is not None
            )
        return turns

    def write(self, row: Row, turns: Sequence[Turn], lose: Lose) -> dict[str, Any]:
        first = next((i for i, turn in enumerate(turns) if turn.role not in ("system", "developer")), len(turns))
        system, turns = turns[:first], turns[first:]
        groups: list[list[Turn]] = []
        for turn in turns:
            if turn.role in ("system", "developer"):
                raise UnrepresentableError(
                    turn.path, f"layout `{self.name}` has no `{turn.role}` message after the first of the others"
                )
            if groups and _together(groups[-1][-1], turn):
                groups[-1].append(turn)
            else:
                groups.append([turn])
        names = {call.id: call.name for turn in turns for call in turn.calls}
        made: dict[str, Any] = {"messages": [self._message(group, names, lose) for group in groups]}
        if held := self._system(row, system, lose):
            made["system"] = held
        elif row.get("system") and any(map(_is_own, turns)):
            made["system"] = ""  # it was a tools block, and is gone
        return made

    def definition(self, given: Any) -> Any:
        """``parameters`` under the name ``input_schema``."""
        if isinstance(given, Mapping) and isinstance(given.get("input_schema"), Mapping):
            return given
        return {("input_schema" if key == "parameters" else key): value for key, value in function_of(given).items()}

    def _system(self, row: Row, turns: Sequence[Turn], lose: Lose) -> Any:
        if (
            turns
            and all(turn.raw is row and not turn.changed for turn in turns)
            and len(turns) == len(list(read_system(row)))
        ):
            return row["system"]
        texts = [text for turn in turns if (text := system_text(turn, lose, self.name))]
        return texts[0] if len(texts) == 1 else [_text(text) for text in texts] or None

    def _message(self, group: Sequence[Turn], names: Mapping[str | None, str], lose: Lose) -> dict[str, Any]:
        head = group[0]
        original = head.messages[0] if _is_own(head) else None
        if original is not None and not any(turn.changed for turn in group):
            return dict(original)
        if original is not None and head.role == "assistant" and (blocks := _replaced(original, head)) is not None:
            return {**original, "content": blocks}
        if original is not None:
            for kind, path, detail in (bound for turn in group for bound in turn.bound):
                lose(kind, path, detail)
        role = "assistant" if head.role == "assistant" else "user"
        if role == "assistant":
            content = _said(head)
        elif len(group) == 1 and head.role == "user":
            content = plain_text(head, lose, self.name)
        else:
            content = [self._block(turn, original, names, lose) for turn in group]
        keys = original if original is not None else others(head) if head.role != "tool" else {}
        return {
            "role": role,
            "content": content,
            **{key: value for key, value in keys.items() if key not in ("role", "content")},
        }

    def _block(
        self, turn: Turn, original: Mapping[str, Any] | None, names: Mapping[str | None, str], lose: Lose
    ) -> dict[str, Any]:
        text = plain_text(turn, lose, self.name) or ""
        if turn.role != "tool":
            return _text(text)
        if turn.call_id is None:
            raise UnrepresentableError(
                turn.path,
                f"layout `{self.name}` writes the call's id with a result, and no call stands before this one",
            )
        if turn.name is not None and turn.name != names.get(turn.call_id):
            lose(
                "name",
                turn.path,
                f"`{turn.name}` dropped: layout `{self.name}` has no names of results, and the call has another",
            )
        more = {key: value for key, value in others(turn).items() if original is None or key not in original}
        return {"type": "tool_result", "tool_use_id": turn.call_id, "content": text, **more}


def _has_own_tools(tools: object) -> bool:
    if isinstance(tools, str):
        return '"input_schema"' in tools
    return isinstance(tools, list) and any(isinstance(tool, Mapping) and "input_schema" in tool for tool in tools)


def _is_own(turn: Turn) -> bool:
    """Whether it was read in this layout."""
    return turn.keys in (KEYS, SYSTEM)


def _together(before: Turn, turn: Turn) -> bool:
    """Whether two turns are written in one message: they came from one, or they are results and what the user says after them."""
    if _is_own(before) or _is_own(turn):
        return before.path.partition("]")[0] == turn.path.partition("]")[0] and before.keys == turn.keys
    return before.role == "tool" and (turn.role == "tool" or (turn.role == "user" and not others(turn)))


def _replaced(original: Mapping[str, Any], turn: Turn) -> list[Any] | None:
    """The blocks of a message with new calls in the places of the old; None where its text has changed too."""
    blocks = original["content"]
    if not isinstance(blocks, list) or sum(block["type"] == "tool_use" for block in blocks) != len(turn.calls):
        return None
    if turn.text != "".join(block["text"] for block in blocks if block["type"] == "text"):
        return None
    calls = iter(turn.calls)
    return [{**block, **_use(next(calls))} if block["type"] == "tool_use" else block for block in blocks]


def _said(turn: Turn) -> Any:
    """What an assistant says: a text, or blocks."""
    if turn.reasoning is None and not turn.calls:
        return turn.text or ""
    blocks: list[dict[str, Any]] = [] if turn.reasoning is None else [{"type": "thinking", "thinking": turn.reasoning}]
    if turn.calls and turn.parts is not None:
        said = [
            _use(part) if isinstance(part, ToolCall) else _text(part.text)
            for part in turn.parts
            if isinstance(part, ToolCall | Text)
        ]
        return blocks + said
    return [*blocks, *([_text(turn.text)] if turn.text else []), *map(_use, turn.calls)]


def _use(call: ToolCall) -> dict[str, Any]:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}
