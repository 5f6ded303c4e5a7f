"""Every shape of tool definition, every refusal, and what a schema allows, with jsonschema as the judge."""

import copy
import json
import pickle
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Optional

import jsonschema
import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from toolfmt.errors import ToolSpecError
from toolfmt.ir import Tool, same
from toolfmt.schema_types import ANY_TYPES, UNDECLARED, value_type
from toolfmt.tools import ToolSet, as_toolset, read_tools

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "Where"}, "days": {"type": "integer", "default": 3}},
    "required": ["city"],
}
TOOL = Tool(name="weather", description="The weather", parameters=SCHEMA)
EMPTY = {"type": "object", "properties": {}}


class MCPTool(BaseModel):
    """The fields of mcp.types.Tool that matter here."""

    name: str
    title: str | None = None
    description: str | None = None
    inputSchema: dict[str, Any]  # noqa: N815
    outputSchema: dict[str, Any] | None = None  # noqa: N815
    annotations: dict[str, Any] | None = None


# Shapes

SHAPES: dict[str, Any] = {
    "tool": TOOL,
    "openai": {
        "type": "function",
        "function": {"name": "weather", "description": "The weather", "parameters": SCHEMA, "strict": True},
    },
    "responses": {
        "type": "function",
        "name": "weather",
        "description": "The weather",
        "parameters": SCHEMA,
        "strict": True,
    },
    "bare": {"name": "weather", "description": "The weather", "parameters": SCHEMA},
    "anthropic": {"name": "weather", "description": "The weather", "input_schema": SCHEMA},
    "anthropic custom": {
        "type": "custom",
        "name": "weather",
        "description": "The weather",
        "input_schema": SCHEMA,
        "cache_control": {"type": "ephemeral"},
    },
    "mcp": {
        "name": "weather",
        "title": "Weather",
        "description": "The weather",
        "inputSchema": SCHEMA,
        "outputSchema": {"type": "object"},
        "annotations": {"readOnlyHint": True},
    },
    "mcp object": MCPTool(name="weather", description="The weather", inputSchema=SCHEMA),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_reads_as_the_same_tool(shape: str) -> None:
    before = copy.deepcopy(SHAPES[shape])
    (read,) = read_tools([SHAPES[shape]])
    assert read == TOOL
    assert json.dumps(read.parameters) == json.dumps(SCHEMA)  # key order too
    assert read_tools(SHAPES[shape]) == (TOOL,)  # one definition without a list
    assert SHAPES[shape] == before


def test_shapes_may_be_mixed_and_come_from_any_iterable() -> None:
    named = [{**SHAPES["bare"], "name": "a"}, {**SHAPES["anthropic"], "name": "b"}, TOOL]
    for source in (named, tuple(named), iter(named), (one for one in named)):
        assert [tool.name for tool in read_tools(source)] == ["a", "b", "weather"]
    assert read_tools(None) == read_tools([]) == ()


def test_what_is_read_shares_nothing_with_what_was_given() -> None:
    given_ = copy.deepcopy(SHAPES["openai"])
    (tool,) = read_tools(given_)
    given_["function"]["parameters"]["properties"]["city"]["type"] = "integer"
    assert tool == TOOL
    shared = {"type": "float"}  # one dict in a schema position and in a value position
    (tool,) = read_tools({"name": "f", "parameters": {"properties": {"a": shared, "b": {"default": shared}}}})
    assert tool.parameters == {"properties": {"a": {"type": "number"}, "b": {"default": {"type": "float"}}}}
    assert shared == {"type": "float"}


@pytest.mark.parametrize(
    "definition", [{"name": "f"}, {"name": "f", "parameters": None}, {"name": "f", "parameters": {}}]
)
def test_no_parameters(definition: dict[str, Any]) -> None:
    assert read_tools(definition) == (Tool(name="f", description="", parameters=EMPTY),)


def test_standard_schemas_come_out_unchanged() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}}, "type": "object"}},
        "x-order": ["float", {"type": "float"}],
        "type": ["object", "null"],
        "properties": {
            "type": {"type": "string", "enum": ["dict", "float"], "default": "any"},
            "properties": {"type": "object", "properties": {"type": {"const": {"type": "tuple"}}}},
            "any": True,
            "never": False,
            "n": {"anyOf": [{"type": "number"}, {"type": ["string", "null"]}], "examples": [{"type": "long"}]},
            "items": {"type": "array", "items": [{"type": "string"}, True], "prefixItems": [{}]},
            "big": {"const": 10**40},
        },
        "required": [],
        "additionalProperties": False,
        "if": {"required": ["n"]},
        "then": {"properties": {"n": {}}},
    }
    (tool,) = read_tools({"name": "f", "parameters": schema})
    assert json.dumps(tool.parameters) == json.dumps(schema)
    jsonschema.Draft202012Validator.check_schema({**schema, "properties": {}})
    short: list[Any] = [{"type": "object"}, {"properties": {"a": {}}}, {"additionalProperties": {"type": "string"}}]
    for bare in short:
        assert read_tools({"name": "f", "parameters": bare})[0].parameters == bare


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


# Python objects


class City(BaseModel):
    """A place to live."""

    name: str
    parts: list["City"] = []


class Flight(BaseModel):
    to: City
    seat: Literal["aisle", "window"] = "aisle"


def test_model_classes() -> None:
    flight, city = read_tools([Flight, City])
    assert (flight.name, flight.description) == ("Flight", "")
    assert flight.parameters == Flight.model_json_schema()
    assert (city.name, city.description) == ("City", "A place to live.")
    tools = ToolSet((flight, city))
    assert list(tools.parameters("City")) == ["name", "parts"]  # the schema's root is a $ref
    assert tools.parameter("City", "name").types == {"string"}
    assert tools.parameter("Flight", "to").types == {"object"}
    assert tools.parameter("Flight", "seat").values == ("aisle", "window")
    assert read_tools(City) == (city,)


def search(query: str, limit: int = 10, *, tags: Optional[list[str]] = None, _model: Any = "x") -> str:  # noqa: UP045
    """Search the web.

    In two paragraphs.

    Args:
        query (str): What to look for:
            in full.
        limit: At most so many.

        unknown: not a parameter.

    Returns:
        str: the answer.
    """
    return query


def test_functions() -> None:
    (tool,) = read_tools(search)
    assert (tool.name, tool.description) == ("search", "Search the web.\n\nIn two paragraphs.")
    assert same(
        tool.parameters,
        {
            "type": "object",
            "properties": {
                "query": {"type": "string", "description": "What to look for: in full."},
                "limit": {"type": "integer", "default": 10, "description": "At most so many."},
                "tags": {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}], "default": None},
                "_model": {"default": "x"},
            },
            "required": ["query"],
        },
    )
    assert list(tool.parameters) == ["type", "properties", "required"]


class Box:
    def put(self, what: Annotated[City, Field(description="from the hint")], schema: bool) -> None:
        """Put.

        Args:
            what: from the docstring
            schema: a name that pydantic models have too
        """


def test_methods_and_hints() -> None:
    (tool,) = read_tools([Box().put])
    assert (tool.name, tool.description) == ("put", "Put.")
    assert list(tool.parameters) == ["type", "properties", "required", "$defs"]
    assert tool.parameters["required"] == ["what", "schema"]
    assert tool.parameters["properties"]["what"]["description"] == "from the hint"
    assert tool.parameters["properties"]["schema"]["description"] == "a name that pydantic models have too"
    assert ToolSet((tool,)).parameter("put", "what").types == {"object"}


def test_a_function_without_anything() -> None:
    def now():  # type: ignore[no-untyped-def]
        return 0

    assert read_tools(now) == (Tool(name="now", parameters=EMPTY),)


# Refusals


def variadic(*args: int) -> None: ...
def keywords(**options: int) -> None: ...
def positional(a: int, /) -> None: ...
def undefined(a: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821
def unsayable(a: threading.Thread) -> None: ...


def _deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"not": schema}
    return {"type": "object", **schema}


def _with(**schema: Any) -> dict[str, Any]:
    return {"name": "f", "parameters": {"type": "object", **schema}}


REFUSALS: list[tuple[object, str]] = [
    ("[]", "tools: expected tool definitions, got `str`"),
    (b"[]", "tools: expected tool definitions, got `bytes`"),
    (7, "tools: expected tool definitions, got `int`"),
    ([None], "tools[0]: expected a tool definition, got `NoneType`"),
    ([TOOL, []], "tools[1]: expected a tool definition, got `list`"),
    (int, "tools[0]: expected a tool definition, got `type`"),
    (len, "tools[0]: expected a tool definition, got `builtin_function_or_method`"),
    (partial(search), "tools[0]: expected a tool definition, got `partial`"),
    ({"description": "d"}, "tools[0].name: a tool needs a name"),
    ([TOOL, {"name": ""}], "tools[1].name: a tool needs a name"),
    ({"name": 5}, "tools[0].name: expected a string, got `int`"),
    ({"name": "f", "description": ["d"]}, "tools[0].description: expected a string, got `list`"),
    ({"type": "web_search"}, "tools[0].type: only `function` tools have a schema to read, got `web_search`"),
    ({"type": "custom", "name": "f"}, "tools[0].type: only `function` tools have a schema to read, got `custom`"),
    ({"type": "function", "function": []}, "tools[0].function: expected an object, got `list`"),
    ({"function": {"name": "f", "parameters": 1}}, "tools[0].function.parameters: expected an object, got `int`"),
    ({"name": "f", "input_schema": []}, "tools[0].input_schema: expected an object, got `list`"),
    (
        {"name": "f", "inputSchema": {"properties": []}},
        "tools[0].inputSchema.properties: expected an object, got `list`",
    ),
    ({"name": "f", "parameters": "{}"}, "tools[0].parameters: expected an object, got `str`"),
    ({"name": "f", "parameters": True}, "tools[0].parameters: expected an object, got `bool`"),
    (
        {"name": "f", "parameters": {"a": 1}, "input_schema": {}},
        "tools[0]: `parameters` and `input_schema` are both given",
    ),
    ({"name": "f", "parameters": {"type": "string"}}, "tools[0].parameters.type: expected `object`, got `string`"),
    ({"name": "f", "parameters": {"type": "tuple"}}, "tools[0].parameters.type: expected `object`, got `array`"),
    (
        [TOOL, {"name": "g"}, _with(properties={"x": []})],
        "tools[2].parameters.properties.x: expected an object, got `list`",
    ),
    (
        _with(properties={"a": {"type": "strng"}}),
        "tools[0].parameters.properties.a.type: unknown type `strng`; did you mean `string`?",
    ),
    (
        _with(properties={"a": {"type": ["null", "Qqq"]}}),
        "tools[0].parameters.properties.a.type[1]: unknown type `Qqq`; "
        "JSON Schema has array, boolean, integer, null, number, object, string",
    ),
    (
        _with(properties={"a": {"type": "List[strng]"}}),
        "tools[0].parameters.properties.a.type: unknown type `List[strng]`; "
        "JSON Schema has array, boolean, integer, null, number, object, string",
    ),
    (
        _with(properties={"a": {"type": None}}),
        "tools[0].parameters.properties.a.type: expected a type name, got `NoneType`",
    ),
    (
        {"name": "f", "parameters": {"a": {"type": "flot"}}},
        "tools[0].parameters.a.type: unknown type `flot`; did you mean `float`?",
    ),
    (_with(required="a"), "tools[0].parameters.required: expected a list, got `str`"),
    (_with(required=["a", 1]), "tools[0].parameters.required[1]: expected a string, got `int`"),
    (
        _with(properties={"a": {"required": True}}),
        "tools[0].parameters.properties.a.required: expected a list, got `bool`",
    ),
    (_with(properties={"a": {"enum": "ab"}}), "tools[0].parameters.properties.a.enum: expected a list, got `str`"),
    (_with(anyOf={}), "tools[0].parameters.anyOf: expected a list, got `dict`"),
    (_with(anyOf=[True, 5]), "tools[0].parameters.anyOf[1]: expected an object, got `int`"),
    (_with(additionalProperties=None), "tools[0].parameters.additionalProperties: expected an object, got `NoneType`"),
    (
        _with(properties={"a": {"default": float("nan")}}),
        "tools[0].parameters.properties.a.default: JSON has no `nan`",
    ),
    (_with(x=[{1, 2}]), "tools[0].parameters.x[0]: expected a JSON value, got `set`"),
    (_with(properties={1: {}}), "tools[0].parameters.properties: an object key must be a string, got `1`"),
    ([TOOL, {"name": "g"}, TOOL], "tools[2].name: `weather` is given twice"),
    (variadic, "tools[0]: `variadic` takes `*args: int`, which a call cannot give by name"),
    (keywords, "tools[0]: `keywords` takes `**options: int`, which a call cannot give by name"),
    (positional, "tools[0]: `positional` takes `a: int`, which a call cannot give by name"),
]


@pytest.mark.parametrize(("tools", "message"), REFUSALS, ids=[message[:70] for _, message in REFUSALS])
def test_refusals_name_the_place(tools: object, message: str) -> None:
    with pytest.raises(ToolSpecError) as caught:
        read_tools(tools)
    assert str(caught.value) == message
    assert caught.value.path == message.partition(": ")[0]


def test_refusals_of_hints() -> None:
    with pytest.raises(ToolSpecError, match=r"^tools\[0\]: no JSON Schema can be made of this: .*Nowhere"):
        read_tools(undefined)
    with pytest.raises(ToolSpecError, match=r"^tools\[0\]: no JSON Schema can be made of this: .*Thread") as caught:
        read_tools(unsayable)
    assert "\n" not in str(caught.value)


def test_depth_is_bounded() -> None:
    assert read_tools({"name": "f", "parameters": _deep(250)})[0].parameters == _deep(250)
    with pytest.raises(ToolSpecError, match="nested more than 256 deep"):
        read_tools({"name": "f", "parameters": _deep(300)})
    with pytest.raises(ToolSpecError, match="unknown type `List"):
        read_tools(_with(properties={"a": {"type": "List[" * 20_000 + "int" + "]" * 20_000}}))


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


# Look-ups


def test_toolset() -> None:
    other = Tool(name="now")
    tools = ToolSet((TOOL, other))
    assert tools.tools == (TOOL, other)
    assert tools.names == {"weather", "now"}
    assert "now" in tools
    assert "then" not in tools
    assert tools.get("now") is other
    assert tools.get("then") is None
    assert {key: value.types for key, value in tools.parameters("weather").items()} == {
        "city": {"string"},
        "days": {"integer"},
    }
    assert tools.parameters("weather") is tools.parameters("weather")
    assert tools.parameter("weather", "days").schema == {"type": "integer", "default": 3}
    assert tools.parameter("weather", "days").root is TOOL.parameters
    for name, key in (("weather", "other"), ("now", "x"), ("then", "city")):
        assert tools.parameter(name, key) is UNDECLARED
    assert tools.parameters("then") == tools.parameters("now") == {}
    assert UNDECLARED.types == {"string"}
    assert not UNDECLARED.declared


def _lookups(parameters: dict[str, Any]) -> ToolSet:
    return ToolSet((Tool(name="f", parameters=parameters),))


def test_parameters_no_property_names() -> None:
    tools = _lookups(
        {
            "properties": {"n_x": {"type": "string"}},
            "patternProperties": {"(": {"type": "null"}, "^n_": {"type": "integer"}, "_flag$": {"type": "boolean"}},
            "additionalProperties": {"type": "array"},
        }
    )
    types = {key: set(tools.parameter("f", key).types) for key in ("n_x", "n_y", "a_flag", "other", "")}
    assert types == {"n_x": {"string"}, "n_y": {"integer"}, "a_flag": {"boolean"}, "other": {"array"}, "": {"array"}}
    assert tools.parameter("f", "other").declared
    for closed in (True, False, None):
        assert _lookups({"additionalProperties": closed}).parameter("f", "x") is UNDECLARED
    assert _lookups({"additionalProperties": {}}).parameter("f", "x").types == ANY_TYPES


def test_parameters_of_combined_roots() -> None:
    tools = _lookups(
        {
            "$ref": "#/$defs/base",
            "$defs": {"base": {"properties": {"a": {"type": "null"}}, "additionalProperties": {"type": "object"}}},
            "properties": {"b": {"type": "string"}},
            "oneOf": [
                {"properties": {"kind": {"const": "x"}, "b": {"type": "integer"}}},
                {"properties": {"kind": {"const": "y"}, "c": {"type": "boolean"}}},
            ],
            "allOf": [{"$ref": "#"}, {"additionalProperties": {"type": "integer"}}],
        }
    )
    assert {key: set(value.types) for key, value in tools.parameters("f").items()} == {
        "b": {"string"},
        "a": {"null"},
        "kind": {"string"},
        "c": {"boolean"},
    }
    assert tools.parameter("f", "kind").values == ("x", "y")
    assert tools.parameter("f", "zzz").types == {"object"}


def test_unread_tools_with_odd_schemas_do_not_crash() -> None:
    odd: list[dict[str, Any]] = [
        {},
        {"properties": []},
        {"properties": {"a": 5}},
        {"patternProperties": 5, "allOf": 5, "$ref": "#/x"},
    ]
    for parameters in odd:
        assert _lookups(parameters).parameter("f", "b") is UNDECLARED


def test_made_up_keys_and_names_cost_no_memory() -> None:
    tools = _lookups({"properties": {"a": {}}, "additionalProperties": {"type": "string"}})
    tools.parameter("f", "a")
    before = len(pickle.dumps(tools))
    for i in range(100):
        tools.parameter("f", f"made up {i}")
        tools.parameter(f"made up {i}", "a")
    assert len(pickle.dumps(tools)) == before
    assert pickle.loads(pickle.dumps(tools)).parameter("f", "a").declared


# The cache


def test_as_toolset_keeps_what_it_is_given() -> None:
    tools = ToolSet((TOOL,))
    assert as_toolset(None) is None
    assert as_toolset(tools) is tools
    assert as_toolset([]).tools == ()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "tools",
    [
        [SHAPES["openai"], {"name": "now"}],
        SHAPES["bare"],
        (SHAPES["mcp"],),
        [TOOL],
        (TOOL, Tool(name="now")),
        TOOL,
        search,
        [search, City],
        City,
    ],
)
def test_the_same_definitions_are_read_once(tools: Any) -> None:
    first = as_toolset(tools)
    assert first is as_toolset(tools) is as_toolset(tools)
    assert isinstance(first, ToolSet)
    assert first.tools == read_tools(tools)


def test_equal_definitions_are_read_once() -> None:
    """Every row of a dataset brings its own copy of the same tools."""
    texts = json.dumps([SHAPES["openai"]])
    assert as_toolset(json.loads(texts)) is as_toolset(json.loads(texts)) is as_toolset([SHAPES["openai"]])


def _change(path: str, value: Any) -> Any:
    def apply(tools: Any) -> None:
        *parents, last = path.split(".")
        node = tools[0]
        for key in parents:
            node = node[key]
        node[last] = value

    return apply


def _reorder(tools: Any) -> None:
    properties = tools[0]["parameters"]["properties"]
    properties["city"] = properties.pop("city")


@pytest.mark.parametrize(
    "change",
    [
        lambda tools: tools.append({"name": "now"}),
        lambda tools: tools.clear(),
        _change("name", "other"),
        _change("parameters.properties.days.default", 3.0),
        _change("parameters.properties.days.enum", [True]),
        _change("parameters.properties.days.enum", [1.0]),
        _change("parameters.properties.days.const", -0.0),
        _change("parameters.properties.city.description", "where"),
        _reorder,
    ],
)
def test_a_list_changed_in_place_is_read_again(change: Any) -> None:
    tools = copy.deepcopy([SHAPES["bare"]])
    tools[0]["parameters"]["properties"]["days"] |= {"enum": [1], "const": 0.0}
    for _ in range(3):
        before = as_toolset(tools)
    change(tools)
    after = as_toolset(tools)
    assert after is not before
    assert after is not None
    read = [tool.model_dump() for tool in after.tools]
    assert json.dumps(read) == json.dumps([tool.model_dump() for tool in read_tools(tools)])


def test_lists_of_tools_and_functions_changed_in_place() -> None:
    for one, two in ((TOOL, Tool(name="now")), (search, City)):
        tools: list[Any] = [one]
        before = as_toolset(tools)
        tools[0] = two
        after = as_toolset(tools)
        assert after is not None
        assert before is not None
        assert before.names != after.names == {read_tools(two)[0].name}


def test_what_can_change_unseen_or_runs_out_is_read_each_time() -> None:
    mcp = copy.deepcopy(SHAPES["mcp object"])
    assert as_toolset([mcp]) is not as_toolset([mcp])
    mixed = [TOOL, {"name": "now"}]
    assert as_toolset(mixed) is not as_toolset(mixed)
    assert as_toolset(iter(mixed)).names == {"weather", "now"}  # type: ignore[union-attr]


def _function(name: str) -> Any:
    def function(a: int) -> None: ...

    function.__name__ = name
    return function


@pytest.mark.parametrize("make", [lambda name: Tool(name=name), _function])
def test_ids_of_dead_objects_are_not_trusted(make: Any) -> None:
    for i in range(50):
        found = as_toolset([make(f"tool{i}")])
        assert found is not None
        assert found.names == {f"tool{i}"}


def test_the_cache_is_bounded_and_forgets_the_least_used() -> None:
    from toolfmt.tools import _kept

    often = [{"name": "often"}]
    first = as_toolset(often)
    for i in range(50):
        as_toolset([{"name": f"f{i}"}])
        assert as_toolset(often) is first
        assert len(_kept) <= 16
    for i in range(50):
        as_toolset([{"name": f"g{i}"}])
    assert as_toolset(often) is not first


def test_bad_definitions_are_refused_each_time() -> None:
    for _ in range(2):
        with pytest.raises(ToolSpecError, match=r"^tools\[0\]\.name: a tool needs a name$"):
            as_toolset([{}])


def test_threads_share_the_cache() -> None:
    wrong: list[int] = []

    def work(seed: int) -> None:
        for i in range(300):
            n = (i * seed) % 20
            found = as_toolset([{"name": f"t{n}"}])
            if found is None or found.names != {f"t{n}"}:
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 3, 7, 11)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
