"""Schemas inferred from calls, which every one of those calls keeps to; rows of any kind as data; how sure it is."""

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from cli_runner import run, run_json
from hypothesis import given
from hypothesis import strategies as st

import toolfmt
from toolfmt.conversion.plan import plan
from toolfmt.conversion.rows import RowConverter
from toolfmt.errors import ToolSpecError
from toolfmt.evidence import ENUM_SEEN, ENUM_VALUES, seen_in, tools_of
from toolfmt.inference import infer, infer_tools
from toolfmt.ir import Message, Text, Tool, ToolCall
from toolfmt.report import ToolfmtWarning
from toolfmt.validation import validate


def _inferred(*arguments: dict[str, Any]) -> dict[str, Any]:
    (tool,) = infer_tools(ToolCall(name="f", arguments=one) for one in arguments)
    return tool.parameters


def test_inferred_types() -> None:
    seen = {"s": "a", "i": 1, "n": 1.5, "b": True, "z": None, "o": {}, "l": []}
    properties = {
        "s": {"type": "string"},
        "i": {"type": "integer"},
        "n": {"type": "number"},
        "b": {"type": "boolean"},
        "z": {"type": "null"},
        "o": {"type": "object", "properties": {}},
        "l": {"type": "array"},
    }
    expected = {"type": "object", "properties": properties, "required": list(seen)}
    assert json.dumps(_inferred(seen)) == json.dumps(expected)


@pytest.mark.parametrize(
    ("values", "schema"),
    [
        ([1, 2.5], {"type": "number"}),
        ([2.0], {"type": "number"}),
        ([1, None], {"type": ["integer", "null"]}),
        ([True, 1, "a"], {"type": ["boolean", "integer", "string"]}),
        ([[1], [], ["a"]], {"type": "array", "items": {"type": ["integer", "string"]}}),
        ([[[]], [[1]]], {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}),
        (
            [[{"a": 1}, {"b": None, "a": 2.5}]],
            {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"a": {"type": "number"}, "b": {"type": "null"}},
                    "required": ["a"],
                },
            },
        ),
        ([{"a": 1}, 5], {"type": ["integer", "object"], "properties": {"a": {"type": "integer"}}, "required": ["a"]}),
        ([{"a": 1}, {}], {"type": "object", "properties": {"a": {"type": "integer"}}}),
    ],
)
def test_inferred_merges(values: list[Any], schema: dict[str, Any]) -> None:
    parameters = _inferred(*({"v": value} for value in values))
    assert json.dumps(parameters["properties"]["v"]) == json.dumps(schema)
    assert parameters["required"] == ["v"]


def test_inferred_order_and_names() -> None:
    calls = [
        ToolCall(name="b", arguments={"y": 1, "x": 2}),
        ToolCall(name="a"),
        ToolCall(name="b", arguments={"x": 1, "z": 1, "y": 0}),
    ]
    b, a = infer_tools(calls)
    assert (b.name, list(b.parameters["properties"]), b.parameters["required"]) == ("b", ["y", "x", "z"], ["y", "x"])
    assert a == Tool(name="a", parameters={"type": "object", "properties": {}})
    assert infer_tools([]) == []
    with pytest.raises(ToolSpecError, match=r"^\$\.calls\[1\]\.name: a tool needs a name$"):
        infer_tools([calls[0], ToolCall(name="")])


@pytest.mark.parametrize(
    ("wrap", "times", "types"),
    [
        (lambda deep: {"a": deep}, 255, "object"),
        (lambda deep: [deep], 255, "array"),
        (lambda deep: [{"a": deep}, None, 1], 127, "array"),
    ],
)
def test_the_deepest_calls_have_a_schema(wrap: Any, times: int, types: str) -> None:
    deep: Any = 1
    for _ in range(times):
        deep = wrap(deep)
    schema = _inferred({"v": deep})["properties"]["v"]
    assert schema["type"] == types
    assert json.dumps(schema).count('"type"') > 100


_SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3)
)
_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "a b"]), inner, max_size=3),
    max_leaves=8,
)
_CALLS = st.lists(
    st.builds(
        lambda name, arguments: ToolCall(name=name, arguments=arguments),
        st.sampled_from(["f", "g"]),
        st.dictionaries(st.sampled_from(["x", "y", "z"]), _JSON, max_size=3),
    ),
    max_size=6,
)


@given(_CALLS)
def test_observed_calls_keep_to_inferred_tools(calls: list[ToolCall]) -> None:
    assert validate(calls, infer_tools(calls)) == []
    tools, again = (tools_of(seen_in(many), enums=False) for many in (calls, calls * 2))
    assert validate(calls, tools) == []
    assert json.dumps([tool.model_dump() for tool in again]) == json.dumps([tool.model_dump() for tool in tools])


@given(_CALLS.filter(bool), st.sampled_from(["type", "required"]))
def test_inferred_tools_are_no_wider_than_needed(calls: list[ToolCall], what: str) -> None:
    """The floor: a type that was never seen, or a missing key that was always there, is a violation."""
    for tool in infer_tools(calls):
        seen = [call.arguments for call in calls if call.name == tool.name]
        for key in tool.parameters.get("required", []):
            broken = {name: value for name, value in seen[0].items() if name != key}
            if what == "type":
                types = tool.parameters["properties"][key]["type"]
                if "null" in types:
                    continue
                broken = {**seen[0], key: None}
            assert validate(ToolCall(name=tool.name, arguments=broken), [tool])


# Enumerations


def _strings(*values: str) -> dict[str, Any]:
    schema: dict[str, Any] = _inferred(*({"v": value} for value in values))["properties"]["v"]
    return schema


@pytest.mark.parametrize(
    ("values", "enum"),
    [
        (["C", "F"] * (ENUM_SEEN // 2), ["C", "F"]),
        (["F", "C"] * (ENUM_SEEN // 2), ["F", "C"]),
        (["C"] * (ENUM_SEEN - 1), None),
        (["C"] * ENUM_SEEN + ["F"], None),
        ([str(i % ENUM_VALUES) for i in range(99)], [str(i) for i in range(ENUM_VALUES)]),
        ([str(i % (ENUM_VALUES + 1)) for i in range(99)], None),
        (["x" * 65, "y"] * ENUM_SEEN, None),
        (["", " "] * ENUM_SEEN, ["", " "]),
    ],
    ids=["two", "in order", "too few", "one only once", "eight", "nine", "long", "blank"],
)
def test_strings_of_few_values_are_enumerations(values: list[str], enum: list[str] | None) -> None:
    assert _strings(*values) == {"type": "string", **({"enum": enum} if enum else {})}


def test_only_strings_are_enumerations_and_only_where_asked_for() -> None:
    mixed = _inferred(*[{"v": "C"}, {"v": None}, {"n": 1}, {"l": ["a", "b"]}] * ENUM_SEEN)["properties"]
    assert mixed == {
        "v": {"type": ["null", "string"]},
        "n": {"type": "integer"},
        "l": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}},
    }
    calls = [ToolCall(name="f", arguments={"v": "C"})] * ENUM_SEEN
    (tool,) = tools_of(seen_in(calls), enums=False)
    assert "enum" not in tool.parameters["properties"]["v"]


def test_conversion_never_refuses_a_value_for_an_inferred_enumeration() -> None:
    def row(unit: str) -> dict[str, Any]:
        return {"messages": [{"role": "assistant", "content": None, "tool_calls": [call(unit)]}]}

    def call(unit: str) -> dict[str, Any]:
        return {"id": "a", "type": "function", "function": {"name": "f", "arguments": json.dumps({"unit": unit})}}

    rows = [row("C" if i % 2 else "F") for i in range(3 * ENUM_SEEN)]
    assert infer_tools(rows)[0].parameters["properties"]["unit"]["enum"] == ["F", "C"]
    (inferred,) = plan(RowConverter("qwen_xml", None), "auto", lambda: rows).inferred or ()
    assert inferred.parameters["properties"]["unit"] == {"type": "string"}
    made = toolfmt.convert([*rows, row("K")], to="qwen_xml", on_loss="ignore")
    assert len(made) == 61 and "\nK\n" in made[-1]["messages"][0]["content"]


# Rows, texts, calls

ARGUMENTS = {"city": "Paris", "days": 3, "where": {"lat": 1.5}, "tags": ["a", "b"]}
PARAMETERS = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer"},
        "where": {"type": "object", "properties": {"lat": {"type": "number"}}, "required": ["lat"]},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["city", "days", "where", "tags"],
}
CALL = ToolCall(name="weather", arguments=ARGUMENTS)
HERMES = toolfmt.render(CALL, "hermes")
OPENAI = {
    "messages": [
        {"role": "user", "content": "q"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "weather", "arguments": json.dumps(ARGUMENTS)}}
            ],
        },
    ]
}
GIVEN: dict[str, Any] = {
    "call": CALL,
    "text": HERMES,
    "message": Message(parts=(Text(text="Hm."), CALL)),
    "openai": OPENAI,
    "messages_text": {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": HERMES}]},
    "xlam": {"query": "q", "answers": json.dumps([{"name": "weather", "arguments": ARGUMENTS}]), "tools": "[]"},
    "sharegpt": {
        "conversations": [
            {"from": "human", "value": "q"},
            {"from": "function_call", "value": json.dumps({"name": "weather", "arguments": ARGUMENTS})},
        ]
    },
}


@pytest.mark.parametrize("kind", GIVEN)
def test_every_kind_of_data(kind: str) -> None:
    expected = [Tool(name="weather", parameters=PARAMETERS)]
    assert infer_tools([GIVEN[kind]]) == infer_tools(iter([GIVEN[kind]] * 3)) == infer_tools(GIVEN[kind]) == expected


def test_kinds_may_be_mixed() -> None:
    found = infer([*GIVEN.values(), "No call here."])
    assert found.tools == (Tool(name="weather", parameters=PARAMETERS),)
    assert (found.rows, found.evidence[0].calls, found.unread, found.untyped) == (8, 7, 0, 0)


def test_text_without_types_is_read_by_the_tools_of_its_row() -> None:
    text = toolfmt.render(ToolCall(name="f", arguments={"n": 5}), "qwen_xml")
    row = {"messages": [{"role": "assistant", "content": text}]}
    tools = [{"name": "f", "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}}}]
    found = infer([row])
    assert (found.untyped, found.tools[0].parameters["properties"]) == (1, {"n": {"type": "string"}})
    assert "without types: 1 calls, whose arguments count as strings" in found.summary()
    found = infer([{**row, "tools": tools}])
    assert (found.untyped, found.tools[0].parameters["properties"]) == (0, {"n": {"type": "integer"}})


def test_rows_that_cannot_be_read_are_said() -> None:
    broken = {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{"}}]}]}
    rows = [OPENAI, 7, broken, {"x": 1}]
    with pytest.warns(
        ToolfmtWarning, match=r"^3 of 4 rows were not read; the first: row 1: \$: expected an object, got `int`$"
    ):
        assert [tool.name for tool in infer_tools(rows)] == ["weather"]
    assert (infer(rows).unread, infer(rows).rows) == (3, 4) and "not read: 3 rows" in infer(rows).summary()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert infer_tools([]) == []


# How sure it is


def test_the_evidence() -> None:
    calls = [ToolCall(name="f", arguments={"a": "x", "l": [1, 2.5]})] * 2 + [
        ToolCall(name="f", arguments={"a": None, "o": {"k": True}})
    ]
    found = infer(calls)
    (tool,) = found.evidence
    said = [(p.path, p.seen, p.of, dict(p.types), p.required, p.values) for p in tool.parameters]
    assert (tool.name, tool.calls) == ("f", 3)
    assert said == [
        ("a", 3, 3, {"string": 2, "null": 1}, True, {"x": 2}),
        ("l", 2, 3, {"array": 2}, False, None),
        ("l[]", 4, 4, {"integer": 2, "number": 2}, False, None),
        ("o", 1, 3, {"object": 1}, False, None),
        ("o.k", 1, 1, {"boolean": 1}, True, None),
    ]
    assert [p.sure for p in tool.parameters] == [0.8, 0.75, 0.83, 0.67, 0.67]
    assert found.summary().split("\n") == [
        "rows: 3, tools: 1, calls: 3",
        "f: 3 calls",
        "  a: string 2, null 1; required; seen 3 times, sure 0.80",
        "  l: array; in 2 of 3; seen 2 times, sure 0.75",
        "  l[]: integer 2, number 2; items; seen 4 times, sure 0.83",
        "  o: object; in 1 of 3; seen 1 times, sure 0.67",
        "  o.k: boolean; required; seen 1 times, sure 0.67",
    ]
    data = json.loads(json.dumps(found.as_dict()))
    assert toolfmt.read_tools(data["tools"]) == found.tools
    assert data["evidence"][0]["parameters"][0] == {
        "path": "a", "seen": 3, "of": 3, "types": {"string": 2, "null": 1}, "required": True, "enum": False, "values": {"x": 2}, "sure": 0.8,
    }  # fmt: skip


@given(_CALLS)
def test_the_evidence_counts_every_value(calls: list[ToolCall]) -> None:
    found = infer(calls)
    assert sum(tool.calls for tool in found.evidence) == len(calls) == found.rows
    for tool, told in zip(found.tools, found.evidence, strict=True):
        for parameter in told.parameters:
            assert sum(parameter.types.values()) == parameter.seen <= parameter.of
            assert not parameter.required or parameter.seen == parameter.of
        direct = [p for p in told.parameters if p.path in tool.parameters["properties"] and p.of == told.calls]
        assert {p.path for p in direct if p.required} >= set(tool.parameters.get("required", []))


# The command


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.jsonl").write_text(json.dumps(OPENAI) + "\n{\n" + json.dumps(OPENAI) + "\n", encoding="utf-8")
    result = run("tools", "rows.jsonl", code=1)
    Path("tools.json").write_text(result.stdout, encoding="utf-8")
    assert toolfmt.read_tools(json.loads(result.stdout)) == (Tool(name="weather", parameters=PARAMETERS),)
    assert (
        "weather: 2 calls" in result.stderr
        and "not read: 1 rows; the first: row 1 (line 2): $: expected a JSON object: not JSON" in result.stderr
    )
    data = run_json("tools", "rows.jsonl", code=1)
    assert data["evidence"][0]["calls"] == 2 and data["unread"] == 1 and data["tools"] == json.loads(result.stdout)
    run(
        "render",
        "--format",
        "hermes",
        "--tools",
        "tools.json",
        stdin=json.dumps({"name": "weather", "arguments": ARGUMENTS}),
    )
    Path("none.jsonl").write_text('{"messages": []}\n', encoding="utf-8")
    assert "rows: 1, tools: 0, calls: 0" in run("tools", "none.jsonl", code=1).stderr
    for words, said in ((["tools", "gone.jsonl"], "no such file"), (["tools", "tools.txt"], "expected a file of rows")):
        assert said in run(*words, code=2).stderr
