"""Types in schemas: other people's names for them, and what a schema allows, with jsonschema as the judge."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from toolfmt.ir import same
from toolfmt.schema_types import ANY_TYPES, value_type
from toolfmt.tools import read_tools

# Other people's type names

TYPE_NAMES = [
    *[(name, {"type": name}) for name in sorted(ANY_TYPES)],
    *[(name, {"type": "string"}) for name in ["String", "str", "char", "Date", "STRING"]],
    *[
        (name, {"type": "integer"})
        for name in ["int", "Integer", "long", "byte", "short", "bigint", "Bigint", "INTEGER"]
    ],
    *[(name, {"type": "number"}) for name in ["float", "double", "Double"]],
    *[(name, {"type": "boolean"}) for name in ["bool", "Boolean"]],
    *[(name, {"type": "object"}) for name in ["dict", "HashMap", "hashtable", "Hashtable", "Dict"]],
    *[(name, {"type": "array"}) for name in ["list", "tuple", "Tuple", "ArrayList", "Array", "Queue", "Stack", "set"]],
    *[(name, {}) for name in ["any", "Any", "", "Callable", "Callable[[float], float]"]],
    ("List[int]", {"type": "array", "items": {"type": "integer"}}),
    ("List[Any]", {"type": "array", "items": {}}),
    ("typing.List[List[float]]", {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}),
    ("Tuple[int, ...]", {"type": "array", "items": {"type": "integer"}}),
    ("Tuple[int, str]", {"type": "array", "items": {"type": ["integer", "string"]}}),
    ("Dict[str, Union[int, float]]", {"type": "object", "additionalProperties": {"type": ["integer", "number"]}}),
    ("Optional[str]", {"type": ["string", "null"]}),
    ("Optional[List[str]]", {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]}),
    ("Union[str]", {"type": "string"}),
    (["float", "null"], {"type": ["number", "null"]}),
    (["float", "double"], {"type": "number"}),
    (["string", "any"], {}),
]


@pytest.mark.parametrize(("spelling", "schema"), TYPE_NAMES)
def test_type_names(spelling: object, schema: dict[str, Any]) -> None:
    given_ = {"description": "d", "type": spelling, "optional": True}
    (tool,) = read_tools({"name": "f", "parameters": {"type": "dict", "properties": {"a": given_}}})
    assert tool.parameters["type"] == "object"
    assert tool.parameters["properties"]["a"] == {"description": "d", **schema, "optional": True}


@pytest.mark.parametrize(
    "place",
    [
        lambda schema: {"properties": {"type": schema}},
        lambda schema: {"patternProperties": {"^a": schema}},
        lambda schema: {"$defs": {"a": schema}},
        lambda schema: {"type": "object", "items": schema},
        lambda schema: {"type": "object", "items": [schema]},
        lambda schema: {"additionalProperties": schema},
        lambda schema: {"type": "object", "not": schema},
        lambda schema: {"anyOf": [{}, schema]},
        lambda schema: {"allOf": [{"oneOf": [{"properties": {"x": {"prefixItems": [schema]}}}]}]},
    ],
)
def test_types_are_read_wherever_a_schema_stands(place: Any) -> None:
    (tool,) = read_tools({"name": "f", "parameters": place({"type": "float", "default": {"type": "float"}})})
    assert tool.parameters == place({"type": "number", "default": {"type": "float"}})


def test_a_type_expression_does_not_overrule_what_is_declared_beside_it() -> None:
    parameters = {"properties": {"a": {"type": "List[int]", "items": {"type": "string"}}}}
    (tool,) = read_tools({"name": "f", "parameters": parameters})
    assert tool.parameters["properties"]["a"] == {"type": "array", "items": {"type": "string"}}


def test_flat_parameters() -> None:
    parameters: dict[str, Any] = {
        "q": {"description": "Query", "type": "str"},
        "tags": {"type": "List[str], optional"},
        "n": {"type": "int", "default": 10},
        "type": {"description": "a parameter of this name"},
    }
    (tool,) = read_tools({"name": "f", "description": "d", "parameters": parameters})
    assert json.dumps(tool.parameters) == json.dumps(
        {
            "type": "object",
            "properties": {
                "q": {"description": "Query", "type": "string"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "n": {"type": "integer", "default": 10},
                "type": {"description": "a parameter of this name"},
            },
            "required": ["q", "type"],
        }
    )
    optional = read_tools({"name": "f", "parameters": {"a": {"type": "str, optional"}}})[0].parameters
    assert optional == {"type": "object", "properties": {"a": {"type": "string"}}}
    assert parameters["q"]["type"] == "str"


def _function_docs(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(folder.rglob("*.json")):
        if "possible_answer" in path.parts:
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line) if line.startswith("{") and line.endswith("}") else {}
            found = row.get("function", [row] if "parameters" in row else [])
            for doc in found or []:  # one file of chats says "" for none
                yield f"{path.name}: {doc['name']}", doc


def test_every_bfcl_function_reads_as_json_schema(bfcl: Path) -> None:
    docs = list(_function_docs(bfcl))
    assert len(docs) >= 3258
    distinct = {json.dumps(doc): (place, doc) for place, doc in docs}
    for text, (place, doc) in distinct.items():
        (tool,) = read_tools(doc)
        assert json.dumps(doc) == text, place
        jsonschema.Draft202012Validator.check_schema(tool.parameters)
        assert tool.parameters["type"] == "object", place
        assert list(tool.parameters["properties"]) == list(doc["parameters"]["properties"]), place


# What a schema allows

NUMBER = {"number", "integer"}
ROOT: dict[str, Any] = {
    "$defs": {
        "s": {"type": "string"},
        "a/b~c d": {"enum": [1, "x"]},
        "loop": {"$ref": "#/$defs/loop"},
        "tree": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/tree"}]},
        "list": [{"type": "null"}, {"type": "boolean"}],
    },
    "type": "object",
}

ALLOWED: list[tuple[Any, set[str] | frozenset[str], tuple[Any, ...] | None]] = [
    (True, ANY_TYPES, None),
    ({}, ANY_TYPES, None),
    (False, set(), ()),
    ({"type": "string"}, {"string"}, None),
    ({"type": "number"}, NUMBER, None),
    ({"type": "integer"}, {"integer"}, None),
    ({"type": ["integer", "null"]}, {"integer", "null"}, None),
    ({"type": "strng"}, ANY_TYPES, None),
    ({"type": ["string", 5]}, ANY_TYPES, None),
    ({"properties": {}, "items": {}}, ANY_TYPES, None),
    ({"type": "string", "nullable": True}, {"string", "null"}, None),
    ({"type": "string", "nullable": False}, {"string"}, None),
    ({"type": "string", "enum": ["a"], "nullable": True}, {"string", "null"}, ("a", None)),
    ({"enum": ["a", None], "nullable": True}, {"string", "null"}, ("a", None)),
    ({"enum": ["a", 1, True, None, 1.5, [], {}]}, ANY_TYPES, ("a", 1, True, None, 1.5, [], {})),
    ({"enum": [True]}, {"boolean"}, (True,)),
    ({"enum": [1]}, {"integer"}, (1,)),
    ({"enum": [1.0]}, NUMBER, (1.0,)),
    ({"enum": [1.5]}, {"number"}, (1.5,)),
    ({"enum": [1.5, 2], "type": "integer"}, {"integer"}, (2,)),
    ({"enum": [1.0], "type": "integer"}, {"integer"}, (1.0,)),
    ({"enum": ["a", 1], "type": "string"}, {"string"}, ("a",)),
    ({"enum": []}, set(), ()),
    ({"const": None}, {"null"}, (None,)),
    ({"const": 1, "enum": [1.0, True]}, NUMBER, (1.0,)),
    ({"const": True, "enum": [1, 2]}, set(), ()),
    ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, {"string", "integer"}, None),
    ({"anyOf": [{"enum": ["a"]}, {"const": 1}, False]}, {"string", "integer"}, ("a", 1)),
    ({"anyOf": [{"enum": ["a"]}, {"type": "integer"}]}, {"string", "integer"}, None),
    ({"anyOf": []}, ANY_TYPES, None),
    ({"anyOf": [{"type": "string"}, {}]}, ANY_TYPES, None),
    ({"type": "string", "anyOf": [{"minLength": 1}, {"type": "null"}]}, {"string"}, None),
    ({"oneOf": [{"type": "number"}, {"type": "integer"}]}, NUMBER, None),
    ({"anyOf": [{"type": ["string", "null"]}], "oneOf": [{"type": ["null", "integer"]}]}, {"null"}, None),
    ({"allOf": [{"type": ["string", "null"]}, {"type": ["null", "integer"]}]}, {"null"}, None),
    ({"allOf": [{"type": "number"}, {"type": "integer"}]}, {"integer"}, None),
    ({"allOf": [{"enum": [1, 2]}, {"enum": [2, 3]}]}, {"integer"}, (2,)),
    ({"allOf": [{"type": "string"}, False]}, set(), ()),
    ({"not": {"type": "string"}}, ANY_TYPES, None),
    ({"if": {"type": "string"}, "then": False, "else": {"type": "null"}}, ANY_TYPES, None),
    ({"$ref": "#/$defs/s"}, {"string"}, None),
    ({"$ref": "#/$defs/s", "enum": [1, "a"]}, {"string"}, ("a",)),
    ({"$ref": "#/$defs/a~1b~0c%20d"}, {"integer", "string"}, (1, "x")),
    ({"$ref": "#/$defs/list/1"}, {"boolean"}, None),
    ({"$ref": "#/$defs/list/2"}, ANY_TYPES, None),
    ({"$ref": "#/$defs/list/" + "9" * 5000}, ANY_TYPES, None),
    ({"$ref": "#"}, {"object"}, None),
    ({"$ref": "#/$defs/missing"}, ANY_TYPES, None),
    ({"$ref": "#anchor"}, ANY_TYPES, None),
    ({"$ref": "https://example.com/schema"}, ANY_TYPES, None),
    ({"$ref": 5}, ANY_TYPES, None),
    ({"$ref": "#/$defs/loop"}, ANY_TYPES, None),
    ({"$ref": "#/$defs/tree"}, ANY_TYPES, None),
    ({"$ref": "#/$defs/loop", "type": "string"}, {"string"}, None),
    ("no schema", ANY_TYPES, None),
]


@pytest.mark.parametrize(("schema", "types", "values"), ALLOWED)
def test_value_type(schema: Any, types: set[str], values: tuple[Any, ...] | None) -> None:
    found = value_type(schema, ROOT)
    assert found.types == types
    assert found.values is None if values is None else same(list(found.values or ()), list(values))
    assert found.schema is schema
    assert found.root is ROOT
    assert found.declared


def test_references_are_read_once_and_long_chains_end() -> None:
    twice = {f"d{i}": {"anyOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(60)}
    assert value_type({"$ref": "#/$defs/d0"}, {"$defs": {**twice, "d30": {"type": "null"}}}).types == {"null"}
    braid = {"$ref": "#/$defs/braid"}
    assert value_type(braid, {"$defs": {"braid": {"anyOf": [braid, braid, {"type": "null"}]}}}).types == ANY_TYPES
    chain = {f"d{i}": {"$ref": f"#/$defs/d{i + 1}"} for i in range(5000)}
    assert value_type({"$ref": "#/$defs/d0"}, {"$defs": {**chain, "d5000": {"type": "null"}}}).types == ANY_TYPES


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.0, 1.0, -2.0, 0.5, 1e300])
    | st.sampled_from(["", "a", "1", "true"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
    max_leaves=3,
)
_TYPE = st.sampled_from(sorted(ANY_TYPES))
_DEFS = ("d0", "d1", "d2")


def _combined(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    branches = st.lists(inner, min_size=1, max_size=3)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": _TYPE | st.lists(_TYPE, min_size=1, max_size=3, unique=True),
            "enum": st.lists(VALUES, max_size=3),
            "const": VALUES,
            "anyOf": branches,
            "oneOf": branches,
            "allOf": branches,
            "not": inner,
            "$ref": st.sampled_from([f"#/$defs/{name}" for name in _DEFS]),
            "properties": st.fixed_dictionaries({"a": inner}),
        },
    )


LEAVES = (
    st.booleans() | st.builds(lambda name: {"type": name}, _TYPE) | st.builds(lambda value: {"const": value}, VALUES)
)
SCHEMAS = st.recursive(LEAVES, _combined, max_leaves=6)


@st.composite
def rooted(draw: st.DrawFn) -> tuple[Any, dict[str, Any]]:
    """A schema and its root; a definition refers only to later ones, which jsonschema needs to come to an end."""
    defs: dict[str, Any] = {}
    for i, name in enumerate(_DEFS):
        text = json.dumps(draw(SCHEMAS))
        for earlier in _DEFS[: i + 1]:
            text = text.replace(
                f'"#/$defs/{earlier}"', f'"#/$defs/{_DEFS[i + 1]}"' if i + 1 < len(_DEFS) else '"#/$defs/end"'
            )
        defs[name] = json.loads(text)
    return draw(SCHEMAS), {"$defs": {**defs, "end": draw(LEAVES)}}


def _types_of(value: Any) -> set[str]:
    """Written apart from the library's."""
    if isinstance(value, bool):
        return {"boolean"}
    if isinstance(value, int):
        return {"integer"}
    if isinstance(value, float):
        return {"number"} | ({"integer"} if value == int(value) else set())
    return {{str: "string", list: "array", dict: "object", type(None): "null"}[type(value)]}


@given(rooted(), st.lists(VALUES, min_size=1, max_size=5))
def test_what_value_type_excludes_never_validates(schemas: tuple[Any, dict[str, Any]], values: list[Any]) -> None:
    schema, root = schemas
    allowed = value_type(schema, root)
    judged = {**root, **schema} if isinstance(schema, dict) else schema
    judge = jsonschema.Draft202012Validator(judged)
    for value in values + list(allowed.values or ()):
        excluded = not _types_of(value) & allowed.types
        unlisted = allowed.values is not None and all(value != listed for listed in allowed.values)
        event("excluded" if excluded or unlisted else "allowed")
        if excluded or unlisted:
            assert not judge.is_valid(value)


@given(_TYPE, VALUES)
def test_a_plain_type_is_decided_exactly(name: str, value: Any) -> None:
    """The floor: the answer is not simply every type."""
    allowed = bool(_types_of(value) & value_type({"type": name}, {}).types)
    assert allowed == jsonschema.Draft202012Validator({"type": name}).is_valid(value)
