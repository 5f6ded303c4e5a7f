"""The look-ups of a `ToolSet`, and the cache that reads the same definitions once."""

import copy
import json
import pickle
import threading
from typing import Any

import pytest
from tool_definitions import SHAPES, TOOL, City, search

from toolfmt.errors import ToolSpecError
from toolfmt.ir import Tool
from toolfmt.schema_types import ANY_TYPES, UNDECLARED
from toolfmt.tools import ToolSet, as_toolset, read_tools

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
