"""What stood in calls, place by place, and the JSON Schemas that all of it keeps to.

It grows with what the schemas say, not with the data; so an object that is used as a map, with other keys in every call, is not covered: each of
its keys becomes a property.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from toolfmt.errors import ToolSpecError
from toolfmt.ir import MAX_DEPTH, Tool, ToolCall

__all__ = ["ENUM_SEEN", "ENUM_VALUES", "Seen", "seen_in", "tools_of"]

ENUM_VALUES: Final = 8
"""A string is an enumeration where it took no more values than this,"""
ENUM_SEEN: Final = 20
"""was seen at least so often, and each value twice."""
_ENUM_CHARS = 64  # no longer text is one of a few fixed values

_TYPES = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    dict: "object",
    list: "array",
    type(None): "null",
}


class Seen:
    """What stood in one place of the calls."""

    __slots__ = ("items", "objects", "properties", "times", "types", "values")

    def __init__(self) -> None:
        self.times = 0
        self.types: Counter[str] = Counter()
        self.objects = 0
        self.properties: dict[str, Seen] = {}
        self.items: Seen | None = None
        self.values: dict[str, int] | None = {}
        """How often each string stood here; None where they are too many, or too long, to be an enumeration."""

    def add(self, value: Any) -> None:
        self.times += 1
        self.types[_TYPES[type(value)]] += 1
        if type(value) is str:
            self._count(value)
        elif type(value) is dict:
            self.objects += 1
            for key, child in value.items():
                self.properties.setdefault(key, Seen()).add(child)
        elif type(value) is list and value:
            self.items = self.items or Seen()
            for child in value:
                self.items.add(child)

    def _count(self, text: str) -> None:
        values = self.values
        if values is None:
            return
        if text in values:
            values[text] += 1
        elif len(values) < ENUM_VALUES and len(text) <= _ENUM_CHARS:
            values[text] = 1
        else:
            self.values = None

    def enum(self) -> list[str] | None:
        """The values, in the order in which they came, where they make an enumeration."""
        values = self.values
        if values is None or self.times < ENUM_SEEN or self.types.keys() != {"string"} or min(values.values()) < 2:
            return None
        return list(values)

    def required(self) -> list[str]:
        """The keys that every object had."""
        return [key for key, child in self.properties.items() if child.times == self.objects]

    def schema(self, *, enums: bool, depth: int = 1) -> dict[str, Any]:
        """A schema nests deeper than its values; where it would pass `MAX_DEPTH` it says the type and no more."""
        types = sorted(self.types.keys() - {"integer"} if "number" in self.types else self.types)
        schema: dict[str, Any] = {"type": types[0] if len(types) == 1 else types}
        if enums and (values := self.enum()):
            schema["enum"] = values
        if depth > MAX_DEPTH - 3:
            return schema
        if self.objects:
            schema["properties"] = properties = {}
            for key, child in self.properties.items():  # no comprehension: each level of nesting costs one frame
                properties[key] = child.schema(enums=enums, depth=depth + 2)
            if required := self.required():
                schema["required"] = required
        if self.items is not None:
            schema["items"] = self.items.schema(enums=enums, depth=depth + 1)
        return schema


def seen_in(calls: Iterable[ToolCall]) -> dict[str, Seen]:
    """What the arguments of each tool were, tools in the order of their first call."""
    seen: dict[str, Seen] = {}
    for i, call in enumerate(calls):
        if not call.name:
            raise ToolSpecError(f"$.calls[{i}].name", "a tool needs a name")
        seen.setdefault(call.name, Seen()).add(call.arguments)
    return seen


def tools_of(seen: Mapping[str, Seen], *, enums: bool) -> list[Tool]:
    """Tools that every call keeps to: order and types as seen, `required` what was always there, on demand `enum`."""
    return [Tool(name=name, parameters=arguments.schema(enums=enums)) for name, arguments in seen.items()]
