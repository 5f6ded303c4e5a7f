"""`messages_text`: ``{"messages": [{"role", "content"}]}``, with calls, if any, as text inside the content.

Chat data without calls is of this layout too.  ``conversations`` with ``role`` and ``content`` is read likewise, and its key kept.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from toolfmt.errors import LayoutError
from toolfmt.layouts.base import Layout, Lose, Places, Row, Turn, carry, is_object, text_of

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
        made = [carry(turn, KEYS, role_of(turn)) if turn.changed or turn.keys != KEYS else dict(turn.raw) for turn in turns]
        return {list_key(row) or "messages": made}


def list_key(row: Row) -> str | None:
    """The key that holds the messages, if their shape is ``role`` and ``content``."""
    if isinstance(row.get("messages"), list):
        return "messages"
    messages = row.get("conversations")
    return "conversations" if isinstance(messages, list) and any(is_object(m) and "role" in m for m in messages) else None


def read_message(message: object, path: str) -> Turn:
    if not (type(message) is dict or is_object(message)):
        raise LayoutError(path, f"expected an object with `role` and `content`, got `{type(message).__name__}`")
    role = message.get("role")
    known = _ROLES.get(role) if isinstance(role, str) else None
    if known is None:
        raise LayoutError(f"{path}.role", f"expected one of {', '.join(_ROLES)}, got `{role!r}`")
    text = message.get("content")
    if text is not None and type(text) is not str:
        text = text_of(message, "content", path, known)
    return Turn(known, path, message, KEYS, text)


def role_of(turn: Turn) -> str:
    """The role's spelling: as it was where that says the same."""
    was = turn.raw.get("role") if turn.keys == KEYS else None
    return was if isinstance(was, str) and was != "function" and _ROLES.get(was) == turn.role else turn.role
