"""JSON Schema as tools need it: every dialect's type names, and what types one parameter allows.

A format whose text carries no types asks `value_type` what a text may mean.  The answer is never narrower than
the schema: what cannot be decided here (`not`, `if`, a cycle, a remote `$ref`) allows every type.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NamedTuple
from urllib.parse import unquote

from toolfmt.errors import ToolSpecError

__all__ = [
    "ANY_TYPES",
    "UNDECLARED",
    "ValueType",
    "object_parts",
    "pointed",
    "property_schemas",
    "standardise",
    "value_type",
]

ANY_TYPES = frozenset({"string", "integer", "number", "boolean", "null", "object", "array"})

_SPELLINGS = {
    "string": "string str text char character date datetime",
    "integer": "integer int long short byte bigint biginteger",
    "number": "number float double decimal bigdecimal",
    "boolean": "boolean bool",
    "null": "null none nonetype",
    "object": "object dict dictionary map mapping hashmap hashtable",
    "array": "array list tuple set sequence iterable arraylist queue stack",
    "any": "any callable",
}
_TYPE_NAMES = {alias: name for name, aliases in _SPELLINGS.items() for alias in aliases.split()}
"""Lower-case spelling -> JSON Schema type; `any` is none at all.  Read off BFCL's function docs and xLAM-60k."""

_SCHEMA_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_SCHEMA_LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_SCHEMAS = frozenset(
    {"items", "additionalItems", "unevaluatedItems", "contains", "contentSchema", "not", "if", "then", "else"}
    | {"additionalProperties", "unevaluatedProperties", "propertyNames"}
)
_MAX_NESTING = 64


# Spelling: what stands in a tool definition -> JSON Schema


def standardise(schema: object, path: str) -> None:
    """Put JSON Schema's type names in ``schema``, in place, wherever a schema stands; refuse what is none."""
    pending = [(path, schema)]
    while pending:
        at, item = pending.pop()
        if isinstance(item, bool):
            continue
        if not isinstance(item, dict):
            raise ToolSpecError(at, f"expected an object, got `{type(item).__name__}`")
        _check_lists(item, at)
        _standardise_type(item, f"{at}.type")
        pending += reversed(list(_subschemas(item, at)))


def _check_lists(schema: dict[str, Any], path: str) -> None:
    for key in ("required", "enum"):
        if key in schema and not isinstance(schema[key], list):
            raise ToolSpecError(f"{path}.{key}", f"expected a list, got `{type(schema[key]).__name__}`")
    for i, name in enumerate(schema.get("required", ())):
        if not isinstance(name, str):
            raise ToolSpecError(f"{path}.required[{i}]", f"expected a string, got `{type(name).__name__}`")


def _subschemas(schema: dict[str, Any], path: str) -> Iterator[tuple[str, object]]:
    for key, value in schema.items():
        at = f"{path}.{key}"
        if key in _SCHEMA_MAPS:
            if not isinstance(value, dict):
                raise ToolSpecError(at, f"expected an object, got `{type(value).__name__}`")
            yield from ((f"{at}.{name}", child) for name, child in value.items())
        elif key in _SCHEMA_LISTS or (key == "items" and isinstance(value, list)):
            if not isinstance(value, list):
                raise ToolSpecError(at, f"expected a list, got `{type(value).__name__}`")
            yield from ((f"{at}[{i}]", child) for i, child in enumerate(value))
        elif key in _SCHEMAS:
            yield at, value


def _standardise_type(schema: dict[str, Any], path: str) -> None:
    if "type" not in schema:
        return
    spelling = schema["type"]
    if isinstance(spelling, list):
        fragments = [_read_type(name, f"{path}[{i}]") for i, name in enumerate(spelling)]
    else:
        fragments = [_read_type(spelling, path)]
    names = [fragment.get("type") for fragment in fragments]
    if names == (spelling if isinstance(spelling, list) else [spelling]):
        return
    fragment = _union(fragments)
    if "type" in fragment:
        schema["type"] = fragment["type"]
    else:
        del schema["type"]
    for key, value in fragment.items():
        schema.setdefault(key, value)


def _read_type(spelling: object, path: str) -> dict[str, Any]:
    if not isinstance(spelling, str):
        raise ToolSpecError(path, f"expected a type name, got `{type(spelling).__name__}`")
    fragment = _fragment(spelling) if spelling.count("[") <= _MAX_NESTING else None
    if fragment is None:
        near = get_close_matches(spelling[:40].lower(), _TYPE_NAMES, n=1)
        step = f"did you mean `{near[0]}`?" if near else f"JSON Schema has {', '.join(sorted(ANY_TYPES))}"
        raise ToolSpecError(path, f"unknown type `{spelling}`; {step}")
    return fragment


def _fragment(spelling: str) -> dict[str, Any] | None:
    """The schema of a type name or of a Python type expression such as ``Dict[str, List[int]]``; None: unknown.

    The empty name, which one BFCL function has, says nothing.
    """
    head, bracket, inside = spelling.strip().removeprefix("typing.").partition("[")
    if not bracket:
        name = _TYPE_NAMES.get(head.lower()) if head else "any"
        return None if name is None else {} if name == "any" else {"type": name}
    if not inside.endswith("]"):
        return None
    kind = head.lower()
    if kind == "callable":
        return {}
    parts = [_fragment(part) for part in _arguments(inside[:-1])]
    known = [part for part in parts if part is not None]
    if not known or len(known) != len(parts):
        return None
    if kind in ("optional", "union"):
        return _union([*known, {"type": "null"}] if kind == "optional" else known)
    name = _TYPE_NAMES.get(kind)
    if name == "array":
        return {"type": "array", "items": _union(known)}
    return {"type": "object", "additionalProperties": known[-1]} if name == "object" else None


def _arguments(text: str) -> list[str]:
    """Split at the commas outside brackets; the ellipsis of ``Tuple[int, ...]`` is no argument."""
    parts, depth = [""], 0
    for char in text:
        depth += (char == "[") - (char == "]")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return [part for part in parts if part.strip() != "..."]


def _union(fragments: list[dict[str, Any]]) -> dict[str, Any]:
    if any(not fragment for fragment in fragments):
        return {}
    if all(set(fragment) == {"type"} for fragment in fragments):
        given = (fragment["type"] for fragment in fragments)
        groups = (names if isinstance(names, list) else [names] for names in given)
        names = list(dict.fromkeys(name for group in groups for name in group))
        return {"type": names[0] if len(names) == 1 else names}
    distinct = [fragment for i, fragment in enumerate(fragments) if fragment not in fragments[:i]]
    return distinct[0] if len(distinct) == 1 else {"anyOf": distinct}


# Meaning: what values a schema allows


@dataclass(frozen=True, slots=True)
class ValueType:
    """What one parameter allows.

    ``types`` are JSON types, `integer` and `number` both where any number may stand.  ``values`` are the values
    of `enum` and `const` that are left, None where the schema names none.  ``root`` is what `$ref` points into.
    """

    types: frozenset[str]
    values: tuple[Any, ...] | None
    schema: Any
    root: dict[str, Any]
    declared: bool


UNDECLARED = ValueType(types=frozenset({"string"}), values=None, schema={}, root={}, declared=False)


class _Allowed(NamedTuple):
    types: frozenset[str]
    values: tuple[Any, ...] | None


_ANY = _Allowed(ANY_TYPES, None)
_NOTHING = _Allowed(frozenset(), ())
_NULL = _Allowed(frozenset({"null"}), (None,))


def value_type(schema: object, root: dict[str, Any]) -> ValueType:
    """What ``schema``, which stands somewhere in ``root``, allows."""
    types, values = _allowed(schema, root, {}, 0)
    return ValueType(types=types, values=values, schema=schema, root=root, declared=True)


def _allowed(schema: object, root: dict[str, Any], refs: dict[str, _Allowed], depth: int) -> _Allowed:
    """``refs`` holds what each `$ref` allows, everything while it is being read: cycles end, none is read twice."""
    if schema is False:
        return _NOTHING
    if not isinstance(schema, dict) or depth > _MAX_NESTING:
        return _ANY
    result = _own(schema)
    ref = schema.get("$ref")
    if isinstance(ref, str):
        if ref not in refs:
            refs[ref] = _ANY
            refs[ref] = _allowed(pointed(ref, root), root, refs, depth + 1)
        result = _both(result, refs[ref])
    for key in ("anyOf", "oneOf"):
        if branches := _branches(schema, key):
            result = _both(result, _either([_allowed(branch, root, refs, depth + 1) for branch in branches]))
    for branch in _branches(schema, "allOf"):
        result = _both(result, _allowed(branch, root, refs, depth + 1))
    if schema.get("nullable") is True and "null" not in result.types:
        result = _either([result, _NULL])
    return result


def _branches(schema: dict[str, Any], key: str) -> list[Any]:
    branches = schema.get(key)
    return branches if isinstance(branches, list) else []


def _own(schema: dict[str, Any]) -> _Allowed:
    declared = schema.get("type")
    names = declared if isinstance(declared, list) else [declared]
    result = _ANY
    if names and all(isinstance(name, str) and name in ANY_TYPES for name in names):
        result = _Allowed(frozenset(names) | ({"integer"} if "number" in names else set()), None)
    if isinstance(schema.get("enum"), list):
        result = _both(result, _Allowed(ANY_TYPES, tuple(schema["enum"])))
    if "const" in schema:
        result = _both(result, _Allowed(ANY_TYPES, (schema["const"],)))
    return result


def _both(a: _Allowed, b: _Allowed) -> _Allowed:
    types = a.types & b.types
    if a.values is not None and b.values is not None:
        values = [x for x in a.values if any(_equal(x, y) for y in b.values)]
    else:
        listed = a.values if a.values is not None else b.values
        if listed is None:
            return _Allowed(types, None if types else ())
        values = list(listed)
    kept = tuple(value for value in values if types & _types_of(value))
    return _Allowed(types & frozenset().union(*map(_types_of, kept)), kept)


def _either(branches: list[_Allowed]) -> _Allowed:
    types = frozenset[str]().union(*(branch.types for branch in branches))
    listed = [branch.values for branch in branches if branch.values is not None]
    values = tuple(value for group in listed for value in group) if len(listed) == len(branches) else None
    return _Allowed(types, values)


def _equal(x: object, y: object) -> bool:
    """JSON Schema's equality, where 1 is 1.0 and not True; looser inside containers, which only keeps a value more."""
    return x == y and isinstance(x, bool) == isinstance(y, bool)


def _types_of(value: object) -> frozenset[str]:
    if isinstance(value, bool):
        return frozenset({"boolean"})
    if isinstance(value, float):
        return frozenset({"number", "integer"} if value.is_integer() else {"number"})
    named = {str: "string", int: "integer", dict: "object", list: "array", type(None): "null"}.get(type(value))
    return frozenset() if named is None else frozenset({named})


def pointed(ref: str, root: dict[str, Any], missing: object = True) -> object:
    """What a local JSON pointer leads to; ``missing``, at first what allows everything, for any other reference."""
    node: Any = root
    if ref == "#":
        return node
    if not ref.startswith("#/"):
        return missing
    for part in unquote(ref[2:]).split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and key in node:
            node = node[key]
        elif isinstance(node, list) and key.isdecimal() and len(key) < 6 and int(key) < len(node):
            node = node[int(key)]
        else:
            return missing
    return node


def object_parts(root: dict[str, Any]) -> list[dict[str, Any]]:
    """The schemas that describe the arguments object itself: the root and what it refers to or is combined of."""
    parts: list[dict[str, Any]] = []
    pending: list[object] = [root]
    seen: set[int] = set()
    while pending:
        part = pending.pop(0)
        if not isinstance(part, dict) or id(part) in seen:
            continue
        seen.add(id(part))
        parts.append(part)
        if isinstance(part.get("$ref"), str):
            pending.append(pointed(part["$ref"], root))
        for key in ("allOf", "anyOf", "oneOf"):
            pending += _branches(part, key)
    return parts


def property_schemas(root: dict[str, Any]) -> dict[str, Any]:
    """Every declared parameter's schema; one that only several branches of the root declare may be any of theirs."""
    found: dict[str, list[Any]] = {}
    parts = object_parts(root)
    for part in parts:
        properties = part.get("properties")
        for key, schema in properties.items() if isinstance(properties, dict) else ():
            found.setdefault(key, []).append(schema)
    own = root.get("properties")
    direct = own if isinstance(own, dict) else {}
    return {key: given[0] if key in direct or len(given) == 1 else {"anyOf": given} for key, given in found.items()}
