"""What a row layout is: `Turn`, the messages of a row without their spelling; `Layout`, which reads and writes them; the table of layouts.

A layout never loses what it does not know: other keys of a row and of a message stay, in their place.  Turns that were not changed are written
back as they were.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any, ClassVar, Literal

from toolfmt.errors import LayoutError, ToolSpecError
from toolfmt.format import openai_tool
from toolfmt.ir import Part, Tool, ToolCall, build_call, check_json
from toolfmt.tools import ToolSet, as_toolset
from toolfmt.values import JSONTextError, dumps, loads

__all__ = [
    "STRUCTURAL",
    "Layout",
    "Lose",
    "Offer",
    "Places",
    "Row",
    "Turn",
    "arguments_of",
    "call_of",
    "carry",
    "converted",
    "find_layout",
    "get_layout",
    "layouts",
    "text_of",
]

Row = Mapping[str, Any]
Lose = Callable[[str, str, str], None]
"""Is told what a layout has no place for: a kind of `toolfmt.report.Loss`, a JSON path in the row that was read, and what became of it."""

REASONING = ("reasoning_content", "reasoning", "thinking")
STRUCTURAL = frozenset({"tool_calls", "function_call", "tool_call_id", *REASONING})
"""Keys of a message that say what a text can say too."""
_TOOLS = ("tools", "functions")


@dataclass(slots=True)
class Turn:
    """One message of a row."""

    role: str
    """``system``, ``developer``, ``user``, ``assistant`` or ``tool``."""
    path: str
    raw: Mapping[str, Any]
    """The message as it stood."""
    keys: tuple[str, str]
    """Under which keys ``raw`` holds role and text; a turn without a role key is no message of a list."""
    text: str | None = None
    calls: tuple[ToolCall, ...] = ()
    reasoning: str | None = None
    call_id: str | None = None
    name: str | None = None
    structured: bool = False
    """Its calls, or its result, stand in fields of their own, not in the text."""
    changed: bool = False
    plain: bool = True
    """It is spelled as its layout writes it; else it is written anew where the layout stays."""
    parts: tuple[Part, ...] | None = None
    """Texts and calls in their order, where text does not simply stand before the calls."""
    block: tuple[tuple[Tool, ...], int, int] | None = None
    """The tools that its text lists in the layout's own way, and where in the text."""
    objects: bool = False
    """Arguments of its calls stood as objects, not as JSON text: in Arrow, a null among them may be padding."""
    notes: list[tuple[str, str]] = field(default_factory=list)
    """Repairs made on reading: (path, what)."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The tools that a row states beside its messages."""

    definitions: tuple[Any, ...] | None = None
    """Each as it stood, decoded from JSON; None where nothing is stated, which ``()`` is: no tools."""
    key: str | None = None
    """The key of the row that says so."""
    tools: ToolSet | None = None
    """The same, read; None where there are none, which says nothing of types."""


@dataclass(frozen=True, slots=True)
class Places:
    """What there is a place for beside the text of a message."""

    calls: bool = True
    ids: bool = True
    reasoning: bool = True
    text: bool = True
    """Text and calls in one turn."""
    order: bool = False
    """Text after a call stays behind it."""
    many_calls: bool = True
    result_names: bool = False
    """A result says its tool's name."""


class Layout:
    """How a row holds a conversation.  A layout keeps nothing between rows."""

    name: ClassVar[str]
    owns: ClassVar[tuple[str, ...]]
    """The keys of a row that hold the conversation: the first always, others where they hold something."""
    as_text: ClassVar[str]
    """The layout of the same rows with calls as text."""
    places: ClassVar[Places]
    arrow: ClassVar[Mapping[str, Any]]
    """What its keys hold: ``text``, ``json`` (any JSON value), a mapping (a struct), or a list of one of these."""
    tools_as: ClassVar[Literal["list", "json"]] = "list"
    """Tools are written as a list, or as the JSON text of one."""

    def claims(self, row: Row) -> bool:
        """Whether the row looks like one."""
        raise NotImplementedError

    def read(self, row: Row) -> list[Turn]:
        """The turns; LayoutError says where the row is none."""
        raise NotImplementedError

    def write(self, row: Row, turns: Sequence[Turn], lose: Lose) -> dict[str, Any]:
        """The keys that hold these turns, tools apart.  ``row`` is the one that was read, in this or in another layout."""
        raise NotImplementedError

    def offer(self, row: Row, *, padded: bool = False) -> Offer:
        """The tools that the row states; ToolSpecError says where they are none.  ``padded``: nulls in them may be Arrow's."""
        return offered(row, _TOOLS, padded)

    def write_offer(self, offer: Offer) -> dict[str, Any]:
        """The key that holds the tools of a row which had another layout; none where nothing was said."""
        if offer.key is None:
            return {}
        if offer.definitions is None:
            return {"tools": None}
        definitions = [self.definition(given) for given in offer.definitions]
        return {"tools": dumps(definitions) if self.tools_as == "json" else definitions}

    def definition(self, given: Any) -> Any:
        """A tool as this layout defines it: what is one already stays as it is."""
        if isinstance(given, Mapping) and given.get("type") == "function" and isinstance(given.get("function"), Mapping):
            return given
        return openai_tool(as_toolset([given])[0])  # type: ignore[index]


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


@cache
def _every() -> tuple[Layout, ...]:
    return tuple(map(get_layout, layouts()))


def find_layout(row: object) -> Layout:
    """The layout of a row; LayoutError says what was expected."""
    if not isinstance(row, Mapping):
        raise LayoutError("$", f"expected an object, got `{type(row).__name__}`")
    for layout in _every():
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


def converted(row: Row, old: Layout, new: Layout, turns: Sequence[Turn], offer: Offer, lose: Lose) -> dict[str, Any]:
    """The row with these turns, in the ``new`` layout; every key that does not hold the conversation stays in its place."""
    fields = new.write(row, turns, lose)
    if new is old:
        return {**row, **fields}
    tools = new.write_offer(offer)
    owned = {key for key in old.owns if key == old.owns[0] or row.get(key)}
    made: dict[str, Any] = {}
    for key, held in row.items():
        if key == offer.key:
            made |= {name: value for name, value in tools.items() if name not in made}
        elif key in owned:
            made |= {name: value for name, value in fields.items() if name not in made}
        elif key in fields or key in tools:
            lose("key", f"$.{key}", f"`{_shown(held)}` is dropped: layout `{new.name}` has a meaning for this key")
        else:
            made[key] = held
    return {**made, **{name: value for name, value in (fields | tools).items() if name not in made}}


# Helpers of the layouts


def offered(row: Row, keys: Sequence[str], padded: bool) -> Offer:
    """The tools under the first of ``keys`` that states some, as a list of definitions or as JSON text of one; or of a list of texts."""
    empty = Offer()
    for key in keys:
        if key not in row:
            continue
        given = row[key]
        if isinstance(given, str):
            given = _decoded(given, key) if given else None
        if isinstance(given, list) and given and all(isinstance(tool, str) for tool in given):
            given = [_decoded(tool, f"{key}[{i}]") for i, tool in enumerate(given)]
        if given is not None and not isinstance(given, list):
            raise ToolSpecError(key, f"expected a list of tool definitions, got `{type(given).__name__}`")
        if given:
            given = without_nulls(given) if padded else given
            return Offer(tuple(given), key, as_toolset(given))
        empty = Offer(None if given is None else (), key) if empty.key is None else empty
    return empty


def _decoded(text: str, path: str) -> Any:
    try:
        return loads(text)
    except JSONTextError as error:
        raise ToolSpecError(path, f"expected a JSON list of tool definitions, {error}") from None


def without_nulls(value: Any) -> Any:
    """Without the nulls with which Arrow pads structs; a schema has a use for null only inside lists."""
    if isinstance(value, dict):
        return {key: without_nulls(held) for key, held in value.items() if held is not None}
    return [without_nulls(held) for held in value] if isinstance(value, list) else value


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
