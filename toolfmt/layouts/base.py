"""What a row layout is: `Turn`, the messages of a row without their spelling; `Layout`, which reads and writes them; the table of layouts.

A layout never loses what it does not know: other keys of a row and of a message stay, in their place.  Turns that were not changed are written
back as they were.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any, ClassVar, Protocol

from toolfmt.errors import LayoutError
from toolfmt.ir import ToolCall, build_call, check_json
from toolfmt.values import JSONTextError, loads

__all__ = ["STRUCTURAL", "Layout", "Row", "Turn", "arguments_of", "carry", "find_layout", "get_layout", "layouts", "text_of"]

Row = Mapping[str, Any]

REASONING = ("reasoning_content", "reasoning", "thinking")
STRUCTURAL = frozenset({"tool_calls", "function_call", "tool_call_id", *REASONING})
"""Keys of a message that say what a text can say too."""


@dataclass(slots=True)
class Turn:
    """One message of a row."""

    role: str
    """``system``, ``developer``, ``user``, ``assistant`` or ``tool``."""
    path: str
    raw: Mapping[str, Any]
    """The message as it stood."""
    keys: tuple[str, str]
    """Under which keys ``raw`` holds role and text; a turn without a role key stands at the top of its row."""
    text: str | None = None
    calls: tuple[ToolCall, ...] = ()
    reasoning: str | None = None
    call_id: str | None = None
    name: str | None = None
    structured: bool = False
    """Its calls, or its result, stand in fields of their own, not in the text."""
    changed: bool = False
    notes: list[tuple[str, str]] = field(default_factory=list)
    """Repairs made on reading: (path, what)."""


class Layout(Protocol):
    """How a row holds a conversation."""

    name: ClassVar[str]
    holds_calls: ClassVar[bool]
    """Calls can stand in fields of their own."""
    holds_ids: ClassVar[bool]
    """Calls in fields have ids, and there is a field for reasoning."""
    as_text: ClassVar[str]
    """The layout of the same rows with calls as text."""

    def claims(self, row: Row) -> bool:
        """Whether the row looks like one."""

    def read(self, row: Row) -> list[Turn]:
        """The turns; LayoutError says where the row is none."""

    def write(self, row: Row, turns: Sequence[Turn]) -> dict[str, Any]:
        """The row with these turns."""


_TABLE: tuple[tuple[str, str], ...] = (
    ("openai", "toolfmt.layouts.openai:OpenAI"),
    ("messages_text", "toolfmt.layouts.messages_text:MessagesText"),
    ("sharegpt", "toolfmt.layouts.sharegpt:ShareGPT"),
)
"""In the order in which a row is offered to them."""


def layouts() -> tuple[str, ...]:
    """The names of all layouts."""
    return tuple(name for name, _ in _TABLE)


@cache
def get_layout(name: str) -> Layout:
    """The layout of this name; LayoutError names the others."""
    for known, target in _TABLE:
        if known == name:
            module, _, cls = target.partition(":")
            loaded: Layout = vars(import_module(module))[cls]()
            return loaded
    raise LayoutError("layout", f"unknown layout; known: {', '.join(layouts())}: `{name}`")


def find_layout(row: object) -> Layout:
    """The layout of a row; LayoutError says what was expected."""
    if not isinstance(row, Mapping):
        raise LayoutError("$", f"expected an object, got `{type(row).__name__}`")
    for name in layouts():
        layout = get_layout(name)
        if layout.claims(row):
            return layout
    for key in ("messages", "conversations"):
        if key in row:
            raise LayoutError(f"$.{key}", f"expected a list of messages, got `{_shown(row[key])}`")
    keys = ", ".join(map(str, row))[:80]
    raise LayoutError("$", f"expected a key `messages` or `conversations` that holds a list of messages, got the keys `{keys}`")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


# Helpers of the layouts


def text_of(message: Mapping[str, Any], key: str, path: str, role: str) -> str | None:
    """The text under ``key``; None where there is none, or where it is a list of parts that nobody needs to read."""
    text = message.get(key)
    if text is None or isinstance(text, str):
        return text
    if isinstance(text, list) and role != "assistant":
        return None
    raise LayoutError(f"{path}.{key}", f"expected text or null, got `{_shown(text)}`")


def call_of(value: object, path: str, call_id: object = None) -> tuple[ToolCall, bool]:
    """The call that ``{"name", "arguments"}`` is, and whether its arguments were encoded twice."""
    if not isinstance(value, Mapping):
        raise LayoutError(path, f"expected an object with `name` and `arguments`, got `{_shown(value)}`")
    name = value.get("name")
    if not isinstance(name, str) or not name:
        raise LayoutError(f"{path}.name", f"expected a tool name, got `{_shown(name)}`")
    if call_id is not None and not isinstance(call_id, str):
        raise LayoutError(f"{path}.id", f"expected a string, got `{_shown(call_id)}`")
    arguments, twice = arguments_of(value.get("arguments"), f"{path}.arguments")
    return build_call(name, arguments, call_id), twice


def arguments_of(value: object, path: str) -> tuple[dict[str, Any], bool]:
    """The arguments object, given as it is or as JSON, and whether it was encoded twice."""
    decoded, times = value, 0
    while isinstance(decoded, str) and times < 2:
        try:
            decoded = loads(decoded)
        except JSONTextError as error:
            raise LayoutError(path, f"expected a JSON object, {error}: `{_shown(value)}`") from None
        times += 1
    if not isinstance(decoded, dict):
        raise LayoutError(path, f"expected a JSON object, got `{_shown(value)}`")
    try:
        check_json(decoded, path)
    except ValueError as error:
        place, _, reason = str(error).partition(": ")
        raise LayoutError(place, reason) from None
    return decoded, times > 1


def carry(
    turn: Turn,
    keys: tuple[str, str],
    role: str,
    fields: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The message with its new role, text and ``fields``; every other key stays in its place.

    Fields for calls, ids and reasoning are left out unless they are among ``fields``.
    """
    fields = {keys[0]: role, keys[1]: turn.text, **(fields or {})}
    names = dict(zip(turn.keys, keys, strict=True)) if turn.keys[0] else {}
    made: dict[str, Any] = {}
    for key, value in turn.raw.items() if turn.keys[0] else ():
        new = names.get(key, key)
        if new in fields:
            made[new] = fields[new]
        elif key not in STRUCTURAL:
            made[new] = value
    return made | {key: value for key, value in fields.items() if key not in made}


def replace(row: Row, old: str, new: str, value: Any, drop: tuple[str, ...] = ()) -> dict[str, Any]:
    """The row with ``new: value`` in the place of ``old``."""
    return {new if key == old else key: value if key == old else held for key, held in row.items() if key not in drop}
