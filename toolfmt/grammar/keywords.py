"""Subschemas, and what their keywords say, read so that a keyword of the wrong type says nothing."""

import math
import re
from typing import Any, NamedTuple

from toolfmt.schema_types import ANY_TYPES

__all__ = [
    "Given",
    "Part",
    "bounds",
    "is_number",
    "least",
    "listed",
    "mapped",
    "most",
    "names_of",
    "of_other",
    "of_property",
    "prefix_of",
    "types_of",
]


class Part(NamedTuple):
    """A subschema and where it stands; ``done`` are the keywords that were taken apart."""

    pointer: str
    schema: Any
    done: frozenset[str] = frozenset()

    def has(self, keyword: str) -> bool:
        return keyword in self.schema and keyword not in self.done

    def without(self, keyword: str) -> "Part":
        return self._replace(done=self.done | {keyword})


Given = tuple[str, Any]  # a pointer and what stands there: an object or a boolean


def listed(schema: dict[str, Any], key: str) -> list[Any]:
    value = schema.get(key)
    return value if isinstance(value, list) else []


def mapped(schema: dict[str, Any], key: str) -> dict[str, Any]:
    value = schema.get(key)
    return value if isinstance(value, dict) else {}


def types_of(flat: list[Part]) -> frozenset[str]:
    left = ANY_TYPES
    for part in flat:
        given = part.schema.get("type")
        names = given if isinstance(given, list) else [given]
        if names and all(isinstance(name, str) and name in ANY_TYPES for name in names):
            left &= frozenset(names) | ({"integer"} if "number" in names else set())
    return left


def names_of(value: Any) -> frozenset[str]:
    if isinstance(value, bool):
        return frozenset({"boolean"})
    if isinstance(value, float):
        return frozenset({"number", "integer"} if value.is_integer() else {"number"})
    kinds = {str: "string", int: "integer", dict: "object", list: "array", type(None): "null"}
    return frozenset({kinds[type(value)]})


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def most(flat: list[Part], key: str, default: int) -> int:
    return max((math.ceil(part.schema[key]) for part in flat if is_number(part.schema.get(key))), default=default)


def least(flat: list[Part], key: str) -> int | None:
    return min((math.floor(part.schema[key]) for part in flat if is_number(part.schema.get(key))), default=None)


def bounds(schema: dict[str, Any], plain: str, exclusive: str) -> list[tuple[int | float, bool]]:
    """Each bound and whether it is itself left out; Draft 4 wrote the latter as a boolean."""
    found = [(schema[plain], schema.get(exclusive) is True)] if is_number(schema.get(plain)) else []
    return found + ([(schema[exclusive], True)] if is_number(schema.get(exclusive)) else [])


def prefix_of(schema: dict[str, Any]) -> tuple[list[Any], Any, str]:
    """The first elements' schemas, that of the others, and the keyword of the first."""
    if isinstance(schema.get("items"), list):
        return schema["items"], schema.get("additionalItems", True), "items"
    prefix = listed(schema, "prefixItems")
    return prefix, schema.get("items", True), "prefixItems" if prefix else ""


def _matching(part: Part, key: str) -> list[Given]:
    found = []
    for pattern, schema in mapped(part.schema, "patternProperties").items():
        try:
            if re.search(pattern, key):
                found.append((f"{part.pointer}/patternProperties/{pattern}", schema))
        except re.error:
            continue
    return found


def of_property(part: Part, key: str) -> list[Given]:
    """What a part says of the value of ``key``."""
    own = mapped(part.schema, "properties")
    found = [(f"{part.pointer}/properties/{key}", own[key])] if key in own else []
    found += _matching(part, key)
    return found or _additional(part)


def of_other(part: Part, matched: set[str]) -> list[Given]:
    """The same of a key that is not declared and matches ``matched``."""
    patterns = mapped(part.schema, "patternProperties")
    found = [(f"{part.pointer}/patternProperties/{p}", schema) for p, schema in patterns.items() if p in matched]
    return found or _additional(part)


def _additional(part: Part) -> list[Given]:
    said = part.schema.get("additionalProperties")
    return [] if said is None else [(f"{part.pointer}/additionalProperties", said)]
