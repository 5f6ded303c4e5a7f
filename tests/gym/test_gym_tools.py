"""The declaration of the two tools, and what a call must keep to before anything is run."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from toolfmt.ir import ToolCall
from toolfmt_train.gym.tools import (
    LANGUAGES,
    TOOLS,
    AstGrepSearch,
    IllegalCallError,
    RipgrepSearch,
    SearchTools,
    read_query,
)


def test_the_schemas() -> None:
    ripgrep, ast_grep = TOOLS
    assert (ripgrep.name, ast_grep.name) == ("ripgrep_search", "ast_grep_search")
    assert ripgrep.parameters["required"] == ["pattern"]
    assert ast_grep.parameters["required"] == ["pattern", "language"]
    assert ast_grep.parameters["properties"]["language"]["enum"] == list(LANGUAGES)
    assert "template" not in ast_grep.parameters["properties"]["strictness"]["enum"]
    for tool in TOOLS:
        Draft202012Validator.check_schema(tool.parameters)
        assert all(schema["description"] for schema in tool.parameters["properties"].values())
        assert json.loads(json.dumps(tool.parameters)) == tool.parameters


@pytest.mark.parametrize("query", [RipgrepSearch, AstGrepSearch])
def test_a_query_has_the_arguments_of_its_tool(query: Any) -> None:
    tool = TOOLS[query is AstGrepSearch]
    declared = {name: schema.get("default", ...) for name, schema in tool.parameters["properties"].items()}
    made = query("x", "go") if query is AstGrepSearch else query("x")
    assert list(declared) != [] and set(declared) == set(query.__slots__)
    assert all(getattr(made, name) == default for name, default in declared.items() if default is not ...)


def test_trl_reads_the_same_schema() -> None:
    get_json_schema = pytest.importorskip("transformers.utils").get_json_schema
    for tool in TOOLS:
        read = get_json_schema(getattr(SearchTools(), tool.name))["function"]
        ours = {
            name: {key: value for key, value in schema.items() if key != "default"}
            for name, schema in tool.parameters["properties"].items()
        }
        assert read["parameters"]["properties"] == ours
        assert read["parameters"]["required"] == tool.parameters["required"]
        assert read["description"] == tool.description


def test_a_call_becomes_a_query() -> None:
    assert read_query(ToolCall(name="ripgrep_search", arguments={"pattern": "x", "pcre2": True})) == RipgrepSearch(
        "x", pcre2=True
    )
    arguments = {"pattern": " x\n", "language": "go", "selector": "call_expression"}
    assert read_query(ToolCall(name="ast_grep_search", arguments=arguments)) == AstGrepSearch(
        " x\n", "go", selector="call_expression"
    )


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("ripgrep_search", {}, "'pattern' is a required property"),
        ("ripgrep_search", {"pattern": 5}, "arguments.pattern: 5 is not of type 'string'"),
        ("ripgrep_search", {"pattern": "x", "pcre2": "true"}, "arguments.pcre2"),
        ("ripgrep_search", {"pattern": "x", "pre": "cat"}, "has no argument `pre`; it has pattern"),
        ("ast_grep_search", {"pattern": "x", "language": "klingon"}, "'klingon' is not one of"),
        ("ast_grep_search", {"pattern": "x"}, "'language' is a required property"),
        ("ripgrep", {"pattern": "x"}, "unknown tool `ripgrep`; did you mean `ripgrep_search`?"),
        ("ripgrep_search", {"pattern": "a\0b"}, "NUL"),
        ("ripgrep_search", {"pattern": "a", "glob": "\ud800"}, "glob: a lone surrogate"),
        ("ripgrep_search", {"pattern": "a" * 4001}, "pattern: 4,001 characters; at most 4,000"),
    ],
)
def test_what_is_no_call(name: str, arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(IllegalCallError) as raised:
        read_query(ToolCall(name=name, arguments=arguments))
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)
