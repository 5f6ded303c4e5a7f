"""Tool definitions as they are read: every shape, Python objects, and every refusal with its place."""

import copy
import json
import threading
from functools import partial
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from pydantic import BaseModel, Field
from tool_definitions import SCHEMA, SHAPES, TOOL, City, search

from toolfmt.errors import ToolSpecError
from toolfmt.ir import Tool, same
from toolfmt.tools import ToolSet, read_tools

EMPTY = {"type": "object", "properties": {}}

# Shapes


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


# Python objects


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
