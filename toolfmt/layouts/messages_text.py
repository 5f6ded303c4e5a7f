"""`messages_text`: ``{"messages": [{"role", "content"}]}``, with calls, if any, as text inside the content.

Chat data without calls is of this layout too.  ``conversations`` with ``role`` and ``content`` is read likewise, and its key kept.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from toolfmt.errors import LayoutError
from toolfmt.layouts.base import Layout, Lose, Places, Row, Turn, carry, text_of

__all__ = ["KEYS", "MessagesText", "list_key", "read_message"]

KEYS = ("role", "content")
_ROLES = {name: name for name in ("system", "developer", "user", "assistant", "tool")} | {"function": "tool", "ipython": "tool"}


class MessagesText(Layout):
    name = as_text = "messages_text"
    owns = ("messages", "conversations")
    places = Places(calls=False, ids=False, reasoning=False)
    arrow: ClassVar[Mapping[str, Any]] = {"messages": [{"role": "text", "content": "text"}], "tools": "json"}

    def claims(self, row: Row) -> bool:
        return list_key(row) is not None

    def read(self, row: Row) -> list[Turn]:
        key = list_key(row)
        return [read_message(message, f"$.{key}[{i}]") for i, message in enumerate(row[key] if key else ())]

    def write(self, row: Row, turns: Sequence[Turn], lose: Lose) -> dict[str, Any]:
        return {list_key(row) or "messages": [self._message(turn) for turn in turns]}

    def _message(self, turn: Turn) -> dict[str, Any]:
        if turn.keys == KEYS and not turn.changed:
            return dict(turn.raw)
        return carry(turn, KEYS, role_of(turn))


def list_key(row: Row) -> str | None:
    """The key that holds the messages, if their shape is ``role`` and ``content``."""
    for key in ("messages", "conversations"):
        messages = row.get(key)
        if isinstance(messages, list) and (key == "messages" or any(isinstance(m, Mapping) and "role" in m for m in messages)):
            return key
    return None


def read_message(message: object, path: str) -> Turn:
    if not isinstance(message, Mapping):
        raise LayoutError(path, f"expected an object with `role` and `content`, got `{type(message).__name__}`")
    role = message.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise LayoutError(f"{path}.role", f"expected one of {', '.join(_ROLES)}, got `{role!r}`")
    return Turn(_ROLES[role], path, message, KEYS, text=text_of(message, "content", path, _ROLES[role]))


def role_of(turn: Turn) -> str:
    """The role's spelling: as it was where that says the same."""
    was = turn.raw.get("role") if turn.keys == KEYS else None
    return was if isinstance(was, str) and was != "function" and _ROLES.get(was) == turn.role else turn.role
