"""What a row layout is: `Layout`, which reads a row as turns (`Turn`) and writes it; the table of layouts.

A layout never loses what it does not know: other keys of a row and of a message stay, in their place.  Turns that were not changed are written
back as they were.
"""

import difflib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from importlib import import_module
from typing import Any, ClassVar, Literal, TypeGuard

from toolfmt.errors import LayoutError, ToolSpecError
from toolfmt.format import Format, function_object
from toolfmt.ir import ToolCall, build_call, check_json
from toolfmt.layouts.turns import Offer, Places, Turn
from toolfmt.tools import as_toolset, read_tools
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
    "function_of",
    "get_layout",
    "is_object",
    "layouts",
    "shown",
    "text_of",
]

Row = Mapping[str, Any]
Lose = Callable[[str, str, str], None]
"""Is told what a layout has no place for: a kind of `toolfmt.report.Loss`, a JSON path in the row that was read, and what became of it."""

REASONING = ("reasoning_content", "reasoning", "thinking")
STRUCTURAL = frozenset({"tool_calls", "function_call", "tool_call_id", *REASONING})
"""Keys of a message that say what a text can say too."""
_TOOLS = ("tools", "functions")


class Layout(ABC):
    """How a row holds a conversation.  A layout keeps nothing between rows."""

    name: ClassVar[str]
    owns: ClassVar[tuple[str, ...]]
    """The keys of a row that hold the conversation: the first always, others where they hold something."""
    as_text: ClassVar[str]
    """The layout of the same rows with calls as text."""
    places: ClassVar[Places]
    arrow: ClassVar[Mapping[str, Any]]
    """What its keys hold: ``text``, ``json`` (any JSON value), a mapping (a struct), or a list of one of these."""
    signs: ClassVar[frozenset[str]] = frozenset()
    """A key or a role of which some message of ``messages`` or ``conversations`` has one, in every row that the layout claims; empty: not said."""
    tools_as: ClassVar[Literal["list", "json"]] = "list"
    """Tools are written as a list, or as the JSON text of one."""

    @abstractmethod
    def claims(self, row: Row) -> bool:
        """Whether the row looks like one."""

    def fits(self, row: Row) -> bool:
        """Whether it can be read as one, for a caller who says that it is one: a row without calls may have no sign of its layout."""
        return self.claims(row)

    @abstractmethod
    def read(self, row: Row) -> list[Turn]:
        """The turns; LayoutError says where the row is none."""

    @abstractmethod
    def write(self, row: Row, turns: Sequence[Turn], lose: Lose) -> dict[str, Any]:
        """The keys that hold these turns, tools apart.  ``row`` is the one that was read, in this or in another layout."""

    def left(self, row: Row, turns: Sequence[Turn], lose: Lose) -> None:  # noqa: B027 - most layouts leave nothing
        """Say what these turns do not say of the row, where another layout is written; UnrepresentableError where they would say it wrongly."""

    def stated(self, turns: Sequence[Turn], offer: Offer, lose: Lose, to: Format | None) -> Sequence[Turn]:
        """The turns of a row that had another layout, with the tools among them where this one lists them in a prompt; as ``to`` declares them,
        where calls stand in text of that format."""
        return turns

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
        if is_object(given) and given.get("type") == "function" and is_object(given.get("function")):
            return given
        return {"type": "function", "function": function_of(given)}


_TABLE: tuple[tuple[str, str], ...] = (
    ("anthropic", "toolfmt.layouts.anthropic:Anthropic"),
    ("swift", "toolfmt.layouts.swift:Swift"),
    ("nemotron", "toolfmt.layouts.nemotron:Nemotron"),
    ("trl", "toolfmt.layouts.trl:TRL"),
    ("openai", "toolfmt.layouts.openai:OpenAI"),
    ("messages_text", "toolfmt.layouts.messages_text:MessagesText"),
    ("hermes_fc", "toolfmt.layouts.hermes_fc:HermesFC"),
    ("toolace", "toolfmt.layouts.toolace:ToolACE"),
    ("llamafactory", "toolfmt.layouts.llamafactory:LlamaFactory"),
    ("apigen_mt", "toolfmt.layouts.apigen_mt:APIGenMT"),
    ("sharegpt", "toolfmt.layouts.sharegpt:ShareGPT"),
    ("toucan", "toolfmt.layouts.toucan:Toucan"),
    ("glaive", "toolfmt.layouts.glaive:Glaive"),
    ("xlam", "toolfmt.layouts.xlam:Xlam"),
    ("bfcl", "toolfmt.layouts.bfcl:BFCL"),
    ("prompt_completion", "toolfmt.layouts.prompt_completion:PromptCompletion"),
    ("text", "toolfmt.layouts.text:Text"),
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
    near = difflib.get_close_matches(name.lower().replace("-", "_"), layouts(), 2)
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    raise LayoutError("layout", f"unknown layout; {meant}known: {', '.join(layouts())}: `{name}`")


@lru_cache(maxsize=256)
def _candidates(keys: tuple[Any, ...], signs: frozenset[str]) -> tuple[Layout, ...]:
    """The layouts whose conversation could stand under one of these keys, in messages that have these of all `Layout.signs`."""
    known = map(get_layout, layouts())
    return tuple(one for one in known if any(key in keys for key in one.owns) and not (one.signs and one.signs.isdisjoint(signs)))


@cache
def _every_sign() -> frozenset[str]:
    return frozenset().union(*(get_layout(name).signs for name in layouts()))


def _signs(row: Row) -> frozenset[str]:
    """Which of all `Layout.signs` are among the keys and the roles of a row's messages."""
    found: set[Any] = set()
    for key in ("messages", "conversations"):
        messages = row.get(key)
        if isinstance(messages, list):
            objects = [message for message in messages if type(message) is dict or isinstance(message, Mapping)]
            found.update(*objects, [role for message in objects if type(role := message.get("role")) is str])
    return _every_sign().intersection(found)


def find_layout(row: object) -> Layout:
    """The layout of a row; LayoutError says what was expected."""
    if not is_object(row):
        raise LayoutError("$", f"expected an object, got `{type(row).__name__}`")
    for layout in _candidates(tuple(row), _signs(row)):
        if layout.claims(row):
            return layout
    for key in ("messages", "conversations"):
        if key in row:
            raise LayoutError(f"$.{key}", f"expected a list of messages, got `{shown(row[key])}`")
    keys = ", ".join(map(str, row))[:80]
    wanted = "a key `messages` or `conversations` that holds a list of messages, or the keys of another layout"
    raise LayoutError("$", f"expected {wanted}, got the keys `{keys}`")


def shown(value: object) -> str:
    """A value as messages show it."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def converted(row: Row, old: Layout, new: Layout, turns: Sequence[Turn], offer: Offer, lose: Lose, to: Format | None = None) -> dict[str, Any]:
    """The row with these turns, in the ``new`` layout; every key that does not hold the conversation stays in its place."""
    if new is old:
        return {**row, **new.write(row, turns, lose)}
    for turn in turns:
        for kind, path, detail in turn.bound:
            lose(kind, path, detail)
    old.left(row, turns, lose)
    for turn in turns:
        turn.changed |= bool(turn.calls) or turn.role == "tool"
    fields = new.write(row, new.stated(turns, offer, lose, to), lose)
    tools = new.write_offer(offer)
    made: dict[str, Any] = {}
    for key, held in row.items():
        if key == offer.key:
            made |= {name: value for name, value in tools.items() if name not in made}
        elif key in old.owns and (held or key == old.owns[0]):
            made |= {name: value for name, value in fields.items() if name not in made}
        elif key in fields or key in tools or key in new.owns:
            if held is not None:
                lose("key", f"$.{key}", f"`{shown(held)}` is dropped: layout `{new.name}` has a meaning for this key")
        else:
            made[key] = held
    return {**made, **{name: value for name, value in (fields | tools).items() if name not in made}}


# Helpers of the layouts


def is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether it is a mapping; for a dict, as most are, five times as fast as asking an abstract class."""
    return type(value) is dict or isinstance(value, Mapping)


def offered(row: Row, keys: Sequence[str], padded: bool) -> Offer:
    """The tools under the first of ``keys`` that states some, as a list of definitions or as JSON text of one; or of a list of texts."""
    empty = Offer()
    for key in keys:
        if key not in row:
            continue
        given = row[key]
        if isinstance(given, str):
            given = _decoded(given, key) if given else None
        if isinstance(given, list) and given and isinstance(given[0], str) and all(isinstance(tool, str) for tool in given):
            given = [_decoded(tool, f"{key}[{i}]") for i, tool in enumerate(given)]
        if given is not None and not isinstance(given, list):
            raise ToolSpecError(key, f"expected a list of tool definitions, got `{type(given).__name__}`")
        if given:
            given = without_nulls(given) if padded else given
            return Offer(tuple(given), key, as_toolset(given))
        empty = Offer(None if given is None else (), key) if empty.key is None else empty
    return empty


def function_of(given: Any) -> Mapping[str, Any]:
    """A definition as a function object, read and written anew only where it is spelled otherwise."""
    held = given.get("function", given) if isinstance(given, Mapping) else given
    if is_object(held):
        if _is_schema(held.get("parameters")):
            return {key: value for key, value in held.items() if key != "type"}
        if _is_schema(held.get("input_schema")):
            names = {"name": "name", "description": "description", "input_schema": "parameters", "strict": "strict"}
            return {names[key]: value for key, value in held.items() if key in names}
    return function_object(read_tools([given])[0])


def _is_schema(parameters: object) -> bool:
    return isinstance(parameters, Mapping) and parameters.get("type") == "object" and "properties" in parameters


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
    raise LayoutError(f"{path}.{key}", f"expected text or null, got `{shown(text)}`")


def call_of(value: object, path: str, call_id: object = None) -> tuple[ToolCall, bool]:
    """The call that ``{"name", "arguments"}`` is, and whether its arguments were encoded twice."""
    if not is_object(value):
        raise LayoutError(path, f"expected an object with `name` and `arguments`, got `{shown(value)}`")
    name = value.get("name")
    if not isinstance(name, str) or not name:
        raise LayoutError(f"{path}.name", f"expected a tool name, got `{shown(name)}`")
    if call_id is not None and not isinstance(call_id, str):
        raise LayoutError(f"{path}.id", f"expected a string, got `{shown(call_id)}`")
    arguments, twice = arguments_of(value.get("arguments"), f"{path}.arguments")
    return build_call(name, arguments, call_id), twice


def arguments_of(value: object, path: str) -> tuple[dict[str, Any], bool]:
    """The arguments object, given as it is or as JSON, and whether it was encoded twice."""
    decoded, times = value, 0
    while isinstance(decoded, str) and times < 2:
        try:
            decoded = loads(decoded)
        except JSONTextError as error:
            raise LayoutError(path, f"expected a JSON object, {error}: `{shown(value)}`") from None
        times += 1
    if not isinstance(decoded, dict):
        raise LayoutError(path, f"expected a JSON object, got `{shown(value)}`")
    if times:
        return decoded, times > 1
    try:
        check_json(decoded, path)
    except ValueError as error:
        place, _, reason = str(error).partition(": ")
        raise LayoutError(place, reason) from None
    return decoded, False


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
    if turn.keys == keys:
        kept = {key: fields.get(key, value) for key, value in turn.raw.items() if key in fields or key not in STRUCTURAL}
        return kept if kept.keys() >= fields.keys() else kept | {key: value for key, value in fields.items() if key not in kept}
    names = dict(zip(turn.keys, keys, strict=True)) if turn.keys[0] else {}
    made: dict[str, Any] = {}
    for key, value in turn.raw.items() if turn.keys[0] else ():
        new = names.get(key, key)
        if new in fields:
            made[new] = fields[new]
        elif key not in STRUCTURAL:
            made[new] = value
    return made | {key: value for key, value in fields.items() if key not in made}
