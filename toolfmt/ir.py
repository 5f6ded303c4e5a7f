"""The one representation of a conversation with tool calls: frozen pydantic models, pure values.

Equality means meaning: `1`, `1.0` and `True` differ, key order does not count, and where a part stood in a
text is beside it (`Placed`), never in it.  Frozen is shallow: `ToolCall.arguments` and `Tool.parameters`
are ordinary dicts, which a caller can change and should not.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

__all__ = [
    "MAX_DEPTH",
    "Conversation",
    "Malformed",
    "Message",
    "Part",
    "Placed",
    "Reasoning",
    "Text",
    "Tool",
    "ToolCall",
    "ToolResult",
    "build_call",
    "build_text",
    "check_json",
    "difference",
    "same",
]

JSON = Any
"""``None | bool | int | float | str | list[JSON] | dict[str, JSON]``; floats finite."""

MAX_DEPTH = 256
"""Containers inside one another, the arguments object included, that toolfmt reads and writes."""

_TOO_LONG: Final = 10**4300


def check_json(value: object, path: str = "$") -> None:
    """Raise ValueError, with the JSON path, unless ``value`` is a JSON value that toolfmt can carry exactly."""
    stack: list[tuple[object, str, int]] = [(value, path, 1)]
    while stack:
        item, at, depth = stack.pop()
        kind = type(item)
        if item is None or kind is str or kind is bool:
            continue
        if kind is int:
            if not -_TOO_LONG < item < _TOO_LONG:  # type: ignore[operator]
                raise ValueError(f"{at}: an integer of more than 4,300 digits, which Python neither reads nor writes")
        elif kind is float:
            if not math.isfinite(item):  # type: ignore[arg-type]
                raise ValueError(f"{at}: JSON has no `{item}`")
        elif kind is dict or kind is list:
            if depth > MAX_DEPTH:
                raise ValueError(f"{at[:80]}...: nested more than {MAX_DEPTH} deep")
            for key, child in _children(item):
                if kind is dict and type(key) is not str:
                    raise ValueError(f"{at}: an object key must be a string, got `{key!r}`")
                stack.append((child, f"{at}.{key}" if kind is dict else f"{at}[{key}]", depth + 1))
        else:
            raise ValueError(f"{at}: expected a JSON value, got `{kind.__name__}`")


def _children(item: Any) -> Iterator[tuple[Any, object]]:
    return iter(item.items()) if type(item) is dict else iter(enumerate(item))


def difference(a: object, b: object, path: str = "$") -> str | None:
    """Where two JSON values first differ, type and value, as ``path: a became b``; None when they are the same.

    Key order does not count; `1`, `1.0` and `True` differ; `0.0` and `-0.0` differ.
    """
    stack: list[tuple[Any, Any, str]] = [(a, b, path)]
    while stack:
        left, right, at = stack.pop()
        if left is right:
            continue
        kind = type(left)
        if kind is not type(right):
            return f"{at}: {_shown(left)} became {_shown(right)}"
        if kind is dict:
            if left.keys() != right.keys():
                missing = [key for key in left if key not in right]
                return f"{at}: key `{missing[0]}` was lost" if missing else f"{at}: a key was added"
            stack += [(child, right[key], f"{at}.{key}") for key, child in left.items()]
        elif kind is list:
            if len(left) != len(right):
                return f"{at}: {len(left)} items became {len(right)}"
            stack += [(x, y, f"{at}[{i}]") for i, (x, y) in enumerate(zip(left, right, strict=True))]
        elif left != right or (kind is float and left == 0.0 and math.copysign(1, left) != math.copysign(1, right)):
            return f"{at}: {_shown(left)} became {_shown(right)}"
    return None


def same(a: object, b: object) -> bool:
    """Whether two JSON values are the same, types included; key order does not count."""
    return difference(a, b) is None


def _shown(value: object) -> str:
    text = repr(value)
    return f"`{text if len(text) <= 60 else text[:57] + '...'}` ({type(value).__name__})"


def _checked(value: object) -> object:
    check_json(value)
    return value


JSONObject = Annotated[dict[str, Any], BeforeValidator(_checked)]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Tool(_Value):
    """A tool: its name, what it is for, and the JSON Schema (an object) of its arguments."""

    name: str = Field(min_length=1)
    description: str = ""
    parameters: JSONObject = Field(default_factory=lambda: {"type": "object", "properties": {}})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tool):
            return NotImplemented
        return (self.name, self.description) == (other.name, other.description) and same(
            self.parameters, other.parameters
        )

    def __hash__(self) -> int:
        return hash((self.name, self.description))


class ToolCall(_Value):
    """One call: the tool's name, its arguments (a JSON object) and, where the format has one, an id."""

    type: Literal["tool_call"] = Field(default="tool_call", repr=False)
    name: str
    arguments: JSONObject = Field(default_factory=dict)
    id: str | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ToolCall):
            return NotImplemented
        return self.name == other.name and self.id == other.id and same(self.arguments, other.arguments)

    def __hash__(self) -> int:
        return hash((self.name, self.id))


class Text(_Value):
    """What the model says to the user."""

    type: Literal["text"] = Field(default="text", repr=False)
    text: str


class Reasoning(_Value):
    """What the model says to itself; an empty one is a reasoning block that was written and left empty."""

    type: Literal["reasoning"] = Field(default="reasoning", repr=False)
    text: str


class Malformed(_Value):
    """Text that opens like a call and is none, kept whole, with the reason."""

    type: Literal["malformed"] = Field(default="malformed", repr=False)
    raw: str
    reason: str


class ToolResult(_Value):
    """What a tool returned, as text.  ``name`` and ``call_id`` are None where the format does not say them."""

    type: Literal["tool_result"] = Field(default="tool_result", repr=False)
    content: str
    name: str | None = None
    call_id: str | None = None


Part = Text | Reasoning | ToolCall | Malformed | ToolResult
"""``type`` tells the parts apart in JSON; it is never given."""


class Message(_Value):
    """One turn: a role and its parts in order."""

    role: Literal["system", "developer", "user", "assistant", "tool"] = "assistant"
    parts: tuple[Annotated[Part, Field(discriminator="type")], ...] = ()

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        return tuple([part for part in self.parts if part.type == "tool_call"])

    @property
    def text(self) -> str:
        return "".join([part.text for part in self.parts if part.type == "text"])


class Conversation(_Value):
    """Messages, the tools that were offered (None: not stated) and whatever else the row held."""

    messages: tuple[Message, ...] = ()
    tools: tuple[Tool, ...] | None = None
    meta: dict[str, Any] = Field(default_factory=dict)


class Placed(NamedTuple):
    """A part and where it stood: ``text[start:end]``, in characters.  None is markup that belongs to no part."""

    part: Part | None
    start: int
    end: int


_new = object.__new__
_set_dict, _set_fields, _set_extra, _set_private = (
    vars(BaseModel)[name].__set__ for name in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
)
_CALL, _TEXT = {"name", "arguments", "id"}, {"text"}
_RESULT, _MESSAGE = {"content", "name", "call_id"}, {"role", "parts"}
_Model = TypeVar("_Model", bound=BaseModel)


def _build(kind: type[_Model], fields: dict[str, Any], given: set[str]) -> _Model:
    """A value of fields that a reader made and that are right by construction: no validation, a third of the time."""
    made = _new(kind)
    _set_dict(made, fields)
    _set_fields(made, given)
    _set_extra(made, None)
    _set_private(made, None)
    return made


def build_call(name: str, arguments: dict[str, Any], id: str | None = None) -> ToolCall:
    """A `ToolCall` from values that a reader made and that are JSON by construction: no validation, a third of the time."""
    return _build(ToolCall, {"type": "tool_call", "name": name, "arguments": arguments, "id": id}, _CALL)


def build_text(text: str) -> Text:
    """A `Text`, likewise."""
    return _build(Text, {"type": "text", "text": text}, _TEXT)


def build_result(content: str, name: str | None = None, call_id: str | None = None) -> ToolResult:
    """A `ToolResult`, likewise."""
    fields = {"type": "tool_result", "content": content, "name": name, "call_id": call_id}
    return _build(ToolResult, fields, _RESULT)


def build_message(parts: Sequence[Part], role: str = "assistant") -> Message:
    """A `Message`, likewise."""
    return _build(Message, {"role": role, "parts": tuple(parts)}, _MESSAGE)
