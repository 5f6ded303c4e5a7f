"""Layouts whose calls are JSON in columns: `xlam`, `toucan`, `bfcl`."""

import json
from typing import Any

import pytest
from layout_cases import CONVERSATIONS, openai_row
from layout_rows import BFCL, OPENAI_TOOLS, QWEN, TOUCAN, WIRE, XLAM, XLAM_TOOL, calls_of, said_of

from toolfmt.cli.bfcl import NoGoldError, find_data, gold_calls, read_entry
from toolfmt.convert import convert
from toolfmt.errors import LayoutError, UnrepresentableError
from toolfmt.layouts.base import find_layout

# xlam


def test_xlam_reads_parallel_calls_and_flat_parameters() -> None:
    made, said = said_of(XLAM, layout="openai")
    assert made["messages"][0] == {"role": "user", "content": "Paris and Rome?"}
    assert calls_of(made) == [("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Rome", "days": 2})]
    assert made["tools"][0]["function"]["parameters"] == {
        "type": "object",
        "properties": {"city": {"description": "Where.", "type": "string"}, "days": {"type": "integer", "default": 1}},
        "required": ["city"],
    }
    assert list(made) == ["id", "messages", "tools"] and not said
    back = convert([made], layout="xlam", on_loss="ignore")[0]
    assert json.loads(back["answers"]) == json.loads(XLAM["answers"]) and back["query"] == XLAM["query"]
    assert json.loads(back["tools"])[0]["parameters"] == {**XLAM_TOOL["parameters"], "days": {"type": "int", "default": 1}}  # type: ignore[dict-item]


def test_xlam_as_text_is_messages() -> None:
    assert convert([XLAM], to="hermes")[0]["messages"][1]["content"] == f'{WIRE}\n{WIRE.replace("Paris", "Rome").replace("}}", ", " + chr(34) + "days" + chr(34) + ": 2}}")}'  # noqa: E501
    assert convert([XLAM], to="qwen_xml")[0]["messages"][1]["content"].startswith(QWEN + "\n<tool_call>")


def test_xlam_says_what_it_has_no_place_for() -> None:
    row = openai_row({"role": "system", "content": "S"}, {"role": "user", "content": "a"}, *CONVERSATIONS["text before a call"]["messages"])
    made, said = said_of(row, layout="xlam")
    assert made["query"] == "go" and json.loads(made["answers"]) == [{"name": "get_weather", "arguments": {"city": "Paris", "days": 3}}]
    assert [line.rpartition("(")[2] for line in said] == ["text)", "tools)", "tools)", "turns)", "turns)", "results)", "turns)", "id)"]
    assert "$.tools[0]: flat parameters of layout `xlam` do not say all of the schema of `get_weather` (tools)" in said
    with pytest.raises(UnrepresentableError, match=r"\$: no user turn stands before the calls"):
        convert([openai_row(CONVERSATIONS["call at the end"]["messages"][1])], layout="xlam", on_loss="raise")


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ("{", r"\$.answers: expected a JSON list of calls, not JSON"),
        ('{"name": "f"}', r"\$.answers: expected a list of calls, got `dict`"),
        ('[{"arguments": {}}]', r"\$.answers\[0\].name: expected a tool name, got `None`"),
        ('[{"name": "f", "arguments": [1]}]', r"\$.answers\[0\].arguments: expected a JSON object, got `\[1\]`"),
    ],
)
def test_a_broken_xlam_row_is_refused_by_place(answers: str, message: str) -> None:
    with pytest.raises(LayoutError, match=f"^row 0: {message}"):
        convert([{"query": "x", "answers": answers}], to="hermes")


# toucan


def test_toucan_joins_calls_and_gives_text_back() -> None:
    made, said = said_of(TOUCAN, layout="openai")
    assert [message["role"] for message in made["messages"]] == ["user", "assistant", "tool", "tool", "assistant"]
    assert made["messages"][1]["content"] == "Let me see."
    assert calls_of(made) == [("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Rome"})]
    assert [message["tool_call_id"] for message in made["messages"][2:4]] == ["call_0", "call_1"]
    assert made["tools"] == OPENAI_TOOLS
    assert said == ["$.messages[0].content: the tools that Kimi K2 declares in its own marks were read as a tools block (encoding)"]
    back = convert([made], layout="toucan", on_loss="ignore")[0]
    assert isinstance(back["messages"], str) and isinstance(back["available_tools"], str)
    again = json.loads(back["messages"])
    assert again == [
        *json.loads(TOUCAN["messages"])[1:3],
        {"role": "tool_call", "content": '{"name": "get_weather", "arguments": {"city": "Paris"}}'},
        *json.loads(TOUCAN["messages"])[4:],
    ]


def test_toucan_as_text_keeps_its_columns() -> None:
    for to, wire in (("qwen_xml", QWEN), ("hermes", WIRE)):
        made = convert([TOUCAN], to=to)[0]
        messages = json.loads(made["messages"])
        assert wire in messages[2]["content"] and messages[2]["content"].startswith("Let me see.")
        assert "<|im_system|>" not in messages[0]["content"] and "get_weather" in messages[0]["content"]
        assert messages[3] == {"role": "tool", "content": "<tool_response>\n21\n</tool_response>"}
        assert list(made) == list(TOUCAN)


def test_toucan_reads_function_calls_and_refuses_by_place() -> None:
    call = {"role": "assistant", "content": "", "function_call": {"name": "f", "arguments": "{}"}}
    row: dict[str, Any] = {"messages": json.dumps([call, call, {"role": "function", "name": "f", "content": "1"}])}
    made = convert([row], layout="openai")[0]
    assert [len(message.get("tool_calls", ())) for message in made["messages"]] == [2, 0]
    assert made["messages"][1]["tool_call_id"] == "call_0"
    for messages, message in [
        ('[{"role": "user"', r"\$.messages: expected a JSON list of messages, not JSON"),
        ('[{"role": "tool_call", "content": "{x"}]', r"\$.messages\[0\].content: expected a call, neither JSON nor a Python literal"),
        ('[{"role": "bot"}]', r"\$.messages\[0\].role: expected one of"),
        ('[{"role": "tool_response", "content": null}]', r"\$.messages\[0\].content: expected the text of a tool result"),
    ]:
        with pytest.raises(LayoutError, match=f"^row 0: {message}"):
            convert([{"messages": messages}], to="hermes")


# bfcl


def test_bfcl_takes_the_first_allowed_values() -> None:
    made, said = said_of(BFCL, layout="openai")
    assert calls_of(made) == [("geometry.area", {"base": 10, "unit": "m", "name": "", "o": {"k": "a"}})]
    assert said == ["$.ground_truth: 2 arguments allow other values: the first of each is taken (alternatives)"]
    assert made["tools"][0]["function"]["parameters"]["properties"]["o"]["type"] == "object"
    back, said = said_of(made, layout="bfcl")
    assert back["question"] == BFCL["question"] and back["function"][0]["name"] == "geometry.area"
    assert back["ground_truth"] == [{"geometry.area": {"base": [10], "unit": ["m"], "name": [""], "o": [{"k": ["a"]}]}}]
    made["messages"][1]["tool_calls"][0]["function"]["arguments"] = '{"unit": ""}'
    with pytest.raises(UnrepresentableError, match=r"messages\[1\].calls\[0\].arguments.unit: layout `bfcl` cannot write an empty string here"):
        convert([made], layout="bfcl", on_loss="raise")
    assert convert([BFCL], to="hermes", on_loss="ignore")[0]["messages"][1]["content"].startswith('<tool_call>\n{"name": "geometry.area", ')


def test_bfcl_answers_are_read_as_the_leaderboard_reads_them() -> None:
    data = find_data()
    if data is None:
        pytest.skip("bfcl-eval is not installed")
    compared = 0
    for name in ("simple_python", "live_multiple", "parallel_multiple"):
        questions = [json.loads(line) for line in (data / f"BFCL_v4_{name}.json").read_text("utf-8").splitlines()[::10]]
        lines = (data / "possible_answer" / f"BFCL_v4_{name}.json").read_text("utf-8").splitlines()
        answers = {row["id"]: row["ground_truth"] for row in map(json.loads, lines)}
        for row in questions:
            entry = read_entry(row, answers[row["id"]])
            layout = find_layout({**row, "ground_truth": entry.answer})
            assert layout.name == "bfcl"
            try:
                wanted = gold_calls(entry)
            except NoGoldError:
                continue
            (turn,) = (turn for turn in layout.read({**row, "ground_truth": entry.answer}) if turn.calls)
            required = {tool.name: tool.parameters.get("required", ()) for tool in entry.tools}
            for call, gold in zip(turn.calls, wanted, strict=True):
                assert {key: value for key, value in call.arguments.items() if value != "" or key not in required[call.name]} == gold.arguments
                compared += 1
    assert compared > 100


@pytest.mark.parametrize(
    ("truth", "message"),
    [
        ("x", r"\$.ground_truth: expected a list of calls, got `str`"),
        ([["cd()"]], r"\$.ground_truth\[0\]: expected an object with one tool's name, got `\['cd\(\)'\]`"),
        ([{"f": {"a": 1}}], r"\$.ground_truth\[0\].f.a: expected a list of allowed values, got `1`"),
        ([{"f": {"a": []}}], r"\$.ground_truth\[0\].f.a: expected a list of allowed values, got `\[\]`"),
    ],
)
def test_a_broken_bfcl_row_is_refused_by_place(truth: Any, message: str) -> None:
    with pytest.raises(LayoutError, match=f"^row 0: {message}"):
        convert([{**BFCL, "ground_truth": truth}], layout="openai")
