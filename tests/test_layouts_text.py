"""Layouts with calls in text or in odd places: recognised, written as they were, through `openai` and back, mixed in one list."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layout_cases import CONVERSATIONS, openai_row, round_trip, unsaid
from layout_rows import HERMES, OPENAI_TOOLS, OURS, PREFERENCE, QWEN, ROWS, TOUCAN, WEATHER, calls_of

from toolfmt.conversion.rows import RowConverter
from toolfmt.convert import convert
from toolfmt.errors import UnrepresentableError
from toolfmt.layouts.base import converted, find_layout, get_layout
from toolfmt.report import Report


def _lose_nothing(kind: str, path: str, detail: str) -> None:
    raise AssertionError(f"{path}: {detail} ({kind})")


# Recognised, read, and written as they were


@pytest.mark.parametrize(("name", "row"), ROWS)
def test_a_row_is_recognised_and_written_back_as_it_was(name: str, row: dict[str, Any]) -> None:
    layout = find_layout(row)
    assert layout.name == name
    before = copy.deepcopy(row)
    made = converted(row, layout, layout, layout.read(row), layout.offer(row), _lose_nothing)
    assert made == before == row
    assert list(made) == list(before)


@pytest.mark.parametrize(
    ("name", "row"), [(name, row) for name, row in ROWS if row not in (HERMES, TOUCAN, PREFERENCE)]
)
def test_a_row_without_repairs_stays_where_its_layout_stays(name: str, row: dict[str, Any]) -> None:
    assert convert([row], layout=name) == [row]


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({"conversations": [{"from": "human", "value": "Use <tool_call>?"}, {"from": "gpt", "value": "No."}]}, "llamafactory"),
        ({"conversations": [{"from": "human", "value": "x"}, {"from": "gpt", "value": QWEN}, {"from": "human", "value": "y"}]}, "sharegpt"),
        ({"system": "Be brief.", "conversations": [{"from": "user", "value": "x"}, {"from": "assistant", "value": "[1] is a note"}]}, "sharegpt"),
        ({"messages": [{"role": "user", "content": "x"}], "text": "x"}, "messages_text"),
        ({"messages": "[1, 2]", "text": "x"}, "text"),
        ({"chat": "What do you think?", "text": "x"}, "text"),
        ({"question": "What?", "function": [], "text": "x"}, "text"),
        ({"query": "x", "answers": None, "text": "x"}, "text"),
        ({"prompt": "x", "chosen": 1, "text": "x"}, "text"),
    ],
)
def test_a_row_of_another_layout_is_left_to_it(row: dict[str, Any], name: str) -> None:
    assert find_layout(row).name in (name, "sharegpt" if name == "llamafactory" else name)


@pytest.mark.parametrize("layout", OURS)
@pytest.mark.parametrize("title", CONVERSATIONS)
def test_openai_through_the_layout_and_back(layout: str, title: str) -> None:
    changed = round_trip(CONVERSATIONS[title], layout)
    if layout == "prompt_completion":
        assert not changed
    if layout in ("hermes_fc", "toucan") and title in ("single call", "nasty arguments", "unicode", "system", "reasoning"):
        assert changed == {"ids"}
    if layout == "text":
        assert changed == {"refused"}


# Nasty texts


MARKS = (
    "a", " ", "\n", "\n\n\n", "USER: ", "ASSISTANT: ", "FUNCTION RESPONSE: ", "<|endoftext|>", "<functioncall> ", "<tool_call>", "</tool_call>",
    "<tool_response>", "</tool_response>", "<tools>", "</tools>", "[", "]", "{", "}", '{"name": "now", "arguments": {}}', "[now()]", "'", '"', "\\",
    "<think>", "</think>", "\u2028", "é", "<|im_start|>", "null", "5", '{"a":1}', "<function=f>", "<arg_key>", "now(",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(MARKS), max_size=5).map("".join)
VALUES = st.recursive(TEXTS | st.none() | st.booleans() | st.sampled_from([0, 1.0, 2**70]), lambda inner: st.lists(inner, max_size=2), max_leaves=4)


@st.composite
def conversations(draw: st.DrawFn) -> dict[str, Any]:
    """Rows of `openai` whose texts and values are made of marks."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": draw(TEXTS)}] if draw(st.booleans()) else []
    messages.append({"role": "user", "content": draw(TEXTS)})
    calls = []
    for i in range(draw(st.integers(0, 2))):
        arguments = draw(st.dictionaries(st.sampled_from(["city", "b"]), VALUES | st.dictionaries(TEXTS, TEXTS, max_size=2), max_size=2))
        function = {"name": draw(st.sampled_from(["get_weather", "other"])), "arguments": json.dumps(arguments)}
        calls.append({"id": f"c{i}", "type": "function", "function": function})
    if calls:
        thought = {"reasoning_content": draw(TEXTS)} if draw(st.booleans()) else {}
        messages.append({"role": "assistant", "content": draw(st.none() | TEXTS), "tool_calls": calls, **thought})
        messages += [{"role": "tool", "tool_call_id": call["id"], "content": draw(TEXTS)} for call in calls]
    messages.append({"role": "assistant", "content": draw(TEXTS)})
    return {"messages": messages, **draw(st.sampled_from([{}, {"tools": None}, {"tools": []}, {"tools": OPENAI_TOOLS}]))}


@pytest.mark.parametrize("layout", [name for name in OURS if name != "text"])
@given(row=conversations())
@settings(max_examples=60)
def test_marks_in_texts_and_values_come_back_or_aresaid_of(layout: str, row: dict[str, Any]) -> None:
    there = RowConverter(None, layout)(row)
    if there.row is None:
        assert isinstance(there.error, UnrepresentableError)
        return
    if not get_layout(layout).claims(there.row):
        assert not any(message.get("tool_calls") for message in row["messages"])
        return
    again = RowConverter(None, "openai", source_layout=layout)(there.row)
    assert again.row is not None, again.error
    unsaid(row, again.row, [*there.losses, *there.notices, *again.losses, *again.notices])


MARKS = [
    "<tool_call><function=f></function>",
    "<tool_call>f<arg_key>k",
    "<tool_call>{function-name}",
    "</tool_call><tool_call>f<arg_key>",
]


@pytest.mark.parametrize("mark", MARKS)
def test_marks_of_other_formats_inside_json_do_not_make_a_row_anothers(mark: str) -> None:
    call = {"id": "a", "type": "function", "function": {"name": "get_weather", "arguments": json.dumps({"city": mark})}}
    tools = [{"type": "function", "function": {**WEATHER, "description": mark}}]
    row = openai_row({"role": "user", "content": "go"}, {"role": "assistant", "content": None, "tool_calls": [call]}, tools=tools)
    (made,) = convert([row], layout="hermes_fc")
    assert find_layout(made).name == "hermes_fc"
    (back,) = convert([made], layout="openai")
    assert calls_of(back) == [("get_weather", {"city": mark})] and back["tools"] == tools


@pytest.mark.parametrize("wire", [QWEN, "x<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n</tool_call>"])
def test_rows_of_qwen_and_glm_are_not_hermes_fc(wire: str) -> None:
    system = {"from": "system", "value": f"<tools>\n{json.dumps(OPENAI_TOOLS)}\n</tools>"}
    assert find_layout({"conversations": [system, {"from": "human", "value": "go"}, {"from": "gpt", "value": wire}]}).name == "sharegpt"


# Mixed


def test_rows_of_all_these_layouts_in_one_list() -> None:
    report = Report()
    rows = [row for _, row in ROWS]
    made = convert(rows, to="qwen_xml", on_loss="ignore", report=report)
    assert len(made) + report.rejected == len(rows) and not report.rejected
    assert report.layout == "hermes_fc, glaive, xlam, toolace, toucan, bfcl, text, prompt_completion"
    assert convert(made, to="qwen_xml", on_loss="ignore") == made
