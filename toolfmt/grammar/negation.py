"""What does *not* keep to a schema, said as schemas; and which schemas have nothing in common.

Three keywords of our own say what JSON Schema can only negate: values, a pattern, keys.  Their names hold a space, so no schema has them by accident.
"""

from typing import Any, Final

from toolfmt.grammar.keywords import bounds
from toolfmt.schema_types import ANY_TYPES, pointed, value_type

__all__ = ["ABSENT", "NOT_PATTERN", "NOT_VALUES", "disjoint", "negated"]

ABSENT: Final = "absent keys"
NOT_VALUES: Final = "no such value"
NOT_PATTERN: Final = "no such pattern"

_ANNOTATIONS = frozenset({"title", "description", "default", "examples", "deprecated", "$comment"})
_STEPS = {
    "minimum": ("number", "exclusiveMaximum", 0),
    "maximum": ("number", "exclusiveMinimum", 0),
    "exclusiveMinimum": ("number", "maximum", 0),
    "exclusiveMaximum": ("number", "minimum", 0),
    "minLength": ("string", "maxLength", -1),
    "maxLength": ("string", "minLength", 1),
    "minItems": ("array", "maxItems", -1),
    "maxItems": ("array", "minItems", 1),
    "minProperties": ("object", "maxProperties", -1),
    "maxProperties": ("object", "minProperties", 1),
}
"""Each bound: of which type, what says the opposite, and how far from it."""


def negated(schema: Any) -> list[Any] | None:
    """Schemas of which one holds where ``schema`` does not; None where that cannot be said."""
    if isinstance(schema, bool):
        return [] if schema else [True]
    if not isinstance(schema, dict):
        return None
    found: list[Any] = []
    for keyword, value in schema.items():
        if keyword in _ANNOTATIONS:
            continue
        opposite = _negated(keyword, value)
        if opposite is None:
            return None
        found += opposite
    return found


def _negated(keyword: str, value: Any) -> list[Any] | None:
    if keyword in _STEPS and isinstance(value, int | float) and not isinstance(value, bool):
        kind, other, step = _STEPS[keyword]
        return [{"type": kind, other: value + step}]
    if keyword == "type":
        return _of_other_types(value)
    if keyword in ("const", "enum"):
        values = [value] if keyword == "const" else value
        return None if any(isinstance(item, dict | list) for item in values) else [{NOT_VALUES: values}]
    if keyword == "pattern":
        return [{"type": "string", NOT_PATTERN: [value]}]
    if keyword == "required":
        return [{"type": "object", ABSENT: [key]} for key in value]
    if keyword == "properties":
        return _of_properties(value)
    if keyword == "not":
        return [value]
    if keyword == "anyOf":
        return _all_negated(value)
    if keyword == "allOf":
        each = [negated(item) for item in value]
        return None if None in each else [item for group in each for item in group or ()]
    return None


def _of_other_types(value: Any) -> list[Any] | None:
    names = set(value if isinstance(value, list) else [value])
    if not names <= ANY_TYPES or ("integer" in names and "number" not in names):
        return None
    left = sorted(ANY_TYPES - names - ({"integer"} if "number" in names else set()))
    return [{"type": left}] if left else []


def _of_properties(value: Any) -> list[Any] | None:
    found = []
    for key, schema in value.items():
        opposite = negated(schema)
        if opposite is None:
            return None
        found += [{"type": "object", "required": [key], "allOf": [_at(key, item)]} for item in opposite]
    return found


def _at(key: str, schema: Any) -> dict[str, Any]:
    return {"properties": {key: schema}, "additionalProperties": True}


def _all_negated(schemas: list[Any]) -> list[Any] | None:
    """What keeps to none of them."""
    made: list[list[Any]] = [[]]
    for schema in schemas:
        opposite = negated(schema)
        if opposite is None or len(made) * len(opposite) > 64:
            return None
        made = [[*before, item] for before in made for item in opposite]
    return [{"allOf": parts} for parts in made]


def disjoint(a: Any, b: Any, root: dict[str, Any], *, is_closed: bool = False) -> bool:
    """Whether nothing can keep to both, as far as types, listed values, bounds and required keys tell.

    ``is_closed``: what is written of ``a`` has no other keys than it declares.
    """
    one, other = value_type(a, root), value_type(b, root)
    common = one.types & other.types
    if not common:
        return True
    if one.values is not None and other.values is not None:
        return not any(x == y and isinstance(x, bool) == isinstance(y, bool) for x in one.values for y in other.values)
    if common <= {"integer", "number"}:
        return _bounds_apart(a, b) or _bounds_apart(b, a)
    return common == {"object"} and _keys_apart(a, b, root, is_closed=is_closed)


def _bounds_apart(a: Any, b: Any) -> bool:
    """Whether every number of ``a`` is below every one of ``b``."""
    if not (isinstance(a, dict) and isinstance(b, dict)):
        return False
    highs, lows = bounds(a, "maximum", "exclusiveMaximum"), bounds(b, "minimum", "exclusiveMinimum")
    return any(high < low or (high == low and (cut or off)) for high, cut in highs for low, off in lows)


def _keys_apart(a: Any, b: Any, root: dict[str, Any], *, is_closed: bool) -> bool:
    """Whether a key that both require has different values, or one requires what the other has no place for."""
    if not (isinstance(a, dict) and isinstance(b, dict)):
        return False
    a, b = _target(a, root), _target(b, root)
    needed = set(a.get("required", ())) & set(b.get("required", ()))
    own, others = a.get("properties", {}), b.get("properties", {})
    if any(key in own and key in others and disjoint(own[key], others[key], root) for key in needed):
        return True
    return _has_no_place(a, b, is_closed=False) or _has_no_place(b, a, is_closed=is_closed)


def _has_no_place(a: dict[str, Any], b: dict[str, Any], *, is_closed: bool) -> bool:
    """Whether ``a`` requires a key that ``b``, closed, does not declare."""
    said = b.get("additionalProperties", not (is_closed and "properties" in b))
    return (
        said is False
        and "patternProperties" not in b
        and any(key not in b.get("properties", {}) for key in a.get("required", ()))
    )


def _target(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    found = pointed(schema["$ref"], root) if isinstance(schema.get("$ref"), str) else schema
    return found if isinstance(found, dict) else schema
