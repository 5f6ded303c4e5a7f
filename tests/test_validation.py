"""Violations with their exact paths."""

import subprocess
import sys
from typing import Any

import pytest

from toolfmt.errors import ToolSpecError
from toolfmt.ir import Message, Text, Tool, ToolCall
from toolfmt.tools import ToolSet
from toolfmt.validation import Violation, validate

SEARCH = Tool(
    name="search",
    parameters={
        "type": "object",
        "properties": {
            "path": {"type": "string"},
            "limit": {"type": "integer", "maximum": 9},
            "a b": {"type": "array", "items": {"type": "object", "properties": {"x-y": {"type": "null"}}}},
        },
        "required": ["path"],
        "additionalProperties": False,
    },
)


def _found(arguments: dict[str, Any], name: str = "search", tools: Any = SEARCH) -> list[str]:
    return [str(violation) for violation in validate(ToolCall(name=name, arguments=arguments), tools)]


@pytest.mark.parametrize(
    ("arguments", "violations"),
    [
        ({"path": "a", "limit": 5, "a b": [{"x-y": None}]}, []),
        ({"path": "a", "limit": 5.0}, []),  # JSON Schema counts 5.0 as an integer
        ({"path": "a", "limit": True}, ["$.calls[0].arguments.limit: True is not of type 'integer'"]),
        ({"path": 1}, ["$.calls[0].arguments.path: 1 is not of type 'string'"]),
        ({}, ["$.calls[0].arguments: 'path' is a required property"]),
        (
            {"path": "a", "z": 1},
            ["$.calls[0].arguments: Additional properties are not allowed ('z' was unexpected)"],
        ),
        (
            {"path": "a", "a b": [{}, {"x-y": 0}]},
            ['$.calls[0].arguments["a b"][1]["x-y"]: 0 is not of type \'null\''],
        ),
        (
            {"path": 1, "limit": 10},
            [
                "$.calls[0].arguments.path: 1 is not of type 'string'",
                "$.calls[0].arguments.limit: 10 is greater than the maximum of 9",
            ],
        ),
    ],
)
def test_violations(arguments: dict[str, Any], violations: list[str]) -> None:
    assert _found(arguments) == violations


def test_unknown_tools() -> None:
    assert _found({}, "serach") == ["$.calls[0].name: unknown tool `serach`; did you mean `search`?"]
    assert _found({}, "zzz") == ["$.calls[0].name: unknown tool `zzz`; there is search"]
    assert _found({}, "zzz", []) == ["$.calls[0].name: unknown tool `zzz`; there is none"]
    many = [{"name": f"t{i}"} for i in range(7)]
    assert _found({}, "zzz", many) == ["$.calls[0].name: unknown tool `zzz`; there is t0, t1, t2, t3, t4, ..."]


def test_calls_may_be_one_many_or_a_message() -> None:
    good, bad = ToolCall(name="search", arguments={"path": "a"}), ToolCall(name="search", arguments={"path": 2})
    expected = Violation(call=1, path="$.calls[1].arguments.path", message="2 is not of type 'string'")
    assert validate(Message(parts=(Text(text="hi"), good, bad)), [SEARCH]) == [expected]
    assert validate((good, bad), [SEARCH]) == validate(iter([good, bad]), ToolSet((SEARCH,))) == [expected]
    assert validate(good, SEARCH) == validate([], SEARCH) == validate(Message(), SEARCH) == []


def test_no_tools_is_not_no_violations() -> None:
    with pytest.raises(ToolSpecError, match=r"^tools: there are none to validate against; pass tools=$"):
        validate([], None)


def test_the_dialect_is_the_schemas_own() -> None:
    pair = {"properties": {"a": {"items": [{"type": "string"}]}}}  # a tuple in draft 7; no schema at all in 2020-12
    seven = {"$schema": "http://json-schema.org/draft-07/schema#", **pair}
    assert _found({"a": [1]}, "f", Tool(name="f", parameters=seven)) == [
        "$.calls[0].arguments.a[0]: 1 is not of type 'string'"
    ]
    with pytest.raises(ToolSpecError) as caught:
        _found({"a": [1]}, "f", [SEARCH, Tool(name="f", parameters=pair)])
    assert caught.value.path == "tools[1].parameters.properties.a.items"
    assert "the schema of `f` cannot be used" in str(caught.value)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "strng"}, "tools[0].parameters.type: the schema of `f` cannot be used: 'strng' is not valid under"),
        ({"$schema": 5}, 'tools[0].parameters["$schema"]: the schema of `f` cannot be used: 5 is not of type'),
        (
            {"properties": {"a": {"pattern": "("}}},
            "tools[0].parameters.properties.a.pattern: the schema of `f` cannot be used: '(' is not a 'regex'",
        ),
        (  # draft 4's own schema does not look at these
            {"$schema": "http://json-schema.org/draft-04/schema#", "patternProperties": {"(": {}}},
            "tools[0].parameters: the schema of `f` cannot be used: missing )",
        ),
        (
            {"properties": {"a": {"$ref": "#/$defs/x"}}},
            "tools[0].parameters: the schema of `f` cannot be used: Pointer",
        ),
        ({"$ref": "https://example.invalid/x"}, "tools[0].parameters: the schema of `f` cannot be used: Unresolvable"),
    ],
)
def test_unusable_schemas_name_the_tool(schema: dict[str, Any], message: str) -> None:
    with pytest.raises(ToolSpecError) as caught:
        _found({"a": "x"}, "f", Tool(name="f", parameters=schema))
    assert str(caught.value).startswith(message)


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[object] = []
    monkeypatch.setattr("urllib.request.urlopen", lambda request, *_: fetched.append(request))
    with pytest.raises(ToolSpecError, match="cannot be used"):
        _found({}, "f", Tool(name="f", parameters={"$ref": "https://example.invalid/x"}))
    assert fetched == []


def test_hostile_arguments_are_violations() -> None:
    tree = Tool(
        name="f",
        parameters={"$defs": {"n": {"properties": {"n": {"$ref": "#/$defs/n"}}}}, "$ref": "#/$defs/n"},
    )
    deep: dict[str, Any] = {}
    for _ in range(250):
        deep = {"n": deep}
    unchecked = "$.calls[0].arguments: cannot be checked: nested too deeply, or a number too large"
    assert _found(deep, "f", tree) == [unchecked]
    step = Tool(name="f", parameters={"properties": {"a": {"multipleOf": 0.01}}})
    assert _found({"a": 10**400}, "f", step) == [unchecked]
    (long,) = validate(ToolCall(name="search", arguments={"path": ["x"] * 10_000}), SEARCH)
    assert len(long.message) < 400
    assert long.message.endswith("is not of type 'string'")


def test_importing_costs_no_jsonschema() -> None:
    code = "import sys, toolfmt.validation; sys.exit('jsonschema' in sys.modules or 'referencing' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
