"""`toolfmt.convert`: exact examples, A -> B -> A, losses said, files whole or not at all, datasets."""

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolfmt.api import describe_tools, parse, render
from toolfmt.convert import convert
from toolfmt.errors import LayoutError, LossError, ToolSpecError, UnknownFormatError, UnrepresentableError
from toolfmt.ir import Reasoning, Text, ToolCall
from toolfmt.registry import formats, get_format
from toolfmt.report import Loss, Report, ToolfmtWarning
from toolfmt.tools import read_tools

FENCE = (
    'I\'ll use the run_command tool.\n\n```json\n{"name": "run_command", "arguments": {"command": "grep -r ..."}}\n```'
)
QWEN = "I'll use the run_command tool.\n\n<tool_call>\n<function=run_command>\n<parameter=command>\ngrep -r ...\n</parameter>\n</function>\n</tool_call>"  # noqa: E501
ROWS: list[dict[str, Any]] = [
    {
        "messages": [
            {"role": "user", "content": "find x"},
            {"role": "assistant", "content": FENCE},
            {"role": "user", "content": "Tool result: a.py:1: x"},
            {"role": "assistant", "content": "It is in a.py."},
        ]
    }
]
TOOLS = [
    {"name": "f", "parameters": {"type": "object", "properties": {"n": {"type": "integer"}, "s": {"type": "string"}}}}
]
BOTH_WAYS = [
    name
    for name in (info.name for info in formats())
    if get_format(name).limits.text_before and get_format(name).result_opens and name != "xlam_v1"
]


def row_of(text: str, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "assistant", "content": text}], **more}


def openai_row(*ids: str | None, results: tuple[str, ...] = (), content: str | None = None) -> dict[str, Any]:
    calls = [{"id": i, "type": "function", "function": {"name": "f", "arguments": '{"n": 1}'}} for i in ids]
    after = [{"role": "tool", "tool_call_id": i, "content": f"r{i}"} for i in results]
    return {"messages": [{"role": "assistant", "content": content, "tool_calls": calls}, *after]}


# The example


def test_the_example_to_qwen_xml_and_back() -> None:
    before, report = copy.deepcopy(ROWS), Report()
    made = convert(ROWS, to="qwen_xml", report=report)
    assert [message["content"] for message in made[0]["messages"]] == [
        "find x", QWEN, "<tool_response>\na.py:1: x\n</tool_response>", "It is in a.py.",
    ]  # fmt: skip
    assert [message["role"] for message in made[0]["messages"]] == ["user", "assistant", "user", "assistant"]
    assert before == ROWS
    assert (report.rows, report.with_calls, report.direct, report.converted, report.rejected) == (1, 1, 0, 1, 0)
    assert (report.source, report.layout, report.to, report.losses) == ("json_fence", "messages_text", "qwen_xml", [])
    assert "rows: 1, with calls: 1" in report.summary()
    assert json.loads(json.dumps(report.as_dict()))["notice_counts"] == {"tools": 1}
    assert convert(made, to="json_fence") == ROWS


@pytest.mark.parametrize("name", BOTH_WAYS)
def test_there_and_back_through_every_format_with_a_place_for_text(name: str) -> None:
    tools = [{"name": "run_command", "parameters": {"type": "object", "properties": {"command": {"type": "string"}}}}]
    made = convert(ROWS, to=name, tools=tools)
    assert convert(made, to="json_fence", tools=tools) == ROWS
    assert convert(made, to="json_fence", source=name, tools=tools) == ROWS


VALUES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(["true", "5", "null", " x ", "\n", "", "[1]"]),
)
CALLS = st.lists(st.fixed_dictionaries({}, optional={"s": VALUES, "n": st.integers()}), min_size=1, max_size=3)
PAIRS = [
    (a, b)
    for a in ("hermes", "json_fence", "qwen_xml", "qwen3_coder")
    for b in ("hermes", "json_fence", "qwen_xml", "functiongemma_vllm", "labelled")
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
@given(arguments=CALLS, text=st.sampled_from(["", "Let me look.", "a\n\nb", "ünï"]))
def test_there_and_back_keeps_every_value(first: str, second: str, arguments: list[dict[str, Any]], text: str) -> None:
    parts = [*([Text(text=text)] if text else []), *(ToolCall(name="f", arguments=a) for a in arguments)]
    try:
        rows = [row_of(render(parts, first, tools=TOOLS), tools=TOOLS)]
        made = convert(rows, to=second, source=first)
    except UnrepresentableError:
        return
    assert parse(made[0]["messages"][0]["content"], second, tools=TOOLS).parts == tuple(parts)
    assert convert(made, to=first, source=second) == rows


# Texts


def test_a_text_and_its_end_marker() -> None:
    assert convert(FENCE, to="qwen_xml") == QWEN
    ended = convert(QWEN + "<|im_end|>", to="hermes")
    assert ended.endswith("</tool_call><|im_end|>")
    assert convert("no call", to="hermes") == "no call"
    report = Report()
    convert(QWEN + "<|im_end|>", to="json_fence", report=report)
    assert report.notice_counts["end"] == 1


def test_text_bytes_round_calls_are_kept() -> None:
    text = 'a  \n b\t\n\n```json\n{"name": "f", "arguments": {}}\n```\n c '
    assert convert(text, to="hermes") == 'a  \n b\t\n<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>\n c '


# Arguments of `convert`


def test_what_is_not_accepted_is_said() -> None:
    with pytest.raises(TypeError, match=r"a list or a generator of rows, a datasets Dataset.*got `builtins.tuple`"):
        convert(({"messages": []},), to="hermes")
    with pytest.raises(ValueError, match=r"to=.*or layout="):
        convert(ROWS)
    with pytest.raises(ValueError, match="on_loss must be one of raise, warn, ignore; got `no`"):
        convert(ROWS, to="hermes", on_loss="no")
    with pytest.raises(ValueError, match="leave one out, or take layout `messages_text`"):
        convert(ROWS, to="hermes", layout="openai")
    with pytest.raises(ValueError, match="a text has no layout"):
        convert("x", layout="openai")
    with pytest.raises(ValueError, match="out= is for files"):
        convert(ROWS, to="hermes", out=Path("x"))
    for arguments in ({"to": "qwen-xml"}, {"to": "hermes", "source": "qwen-xml"}):
        with pytest.raises(UnknownFormatError, match="did you mean `qwen_xml`"):
            convert(ROWS, **arguments)
    with pytest.raises(LayoutError, match="pass to="):
        convert([openai_row("a")], layout="messages_text")


# Untouched


def test_rows_without_calls_pass_unchanged() -> None:
    rows = [
        {
            "messages": [
                {"role": "user", "content": "Tool result: x"},
                {"role": "assistant", "content": "<think>\nhm\n</think>\n\nHi<|im_end|>"},
            ],
            "k": [1],
        }
    ]
    report = Report()
    assert convert(rows, to="functiongemma", report=report) == rows
    assert (report.direct, report.converted, report.source) == (1, 0, None)


def test_the_result_shares_nothing_that_matters_with_the_input() -> None:
    rows = [{"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": FENCE}]}]
    made = convert(rows, to="hermes")
    made[0]["messages"][0]["content"] = "changed"
    assert rows[0]["messages"][0]["content"] == "x"


@pytest.mark.parametrize("value", [None, [], "[]", "null", ""])
def test_tools_null_empty_and_absent_stay_as_they_are(value: Any) -> None:
    made = convert([row_of(FENCE, tools=value), row_of(FENCE)], to="hermes")
    assert made[0]["tools"] == value and "tools" not in made[1]


# Results and prompts


def test_results_get_their_names_by_order() -> None:
    two = "\n\n".join(f'```json\n{{"name": "{name}", "arguments": {{}}}}\n```' for name in ("f", "g"))
    rows = [
        {
            "messages": [
                {"role": "assistant", "content": two},
                {"role": "user", "content": "Tool result: 1\nTool result: 2"},
            ]
        }
    ]
    made = convert(rows, to="functiongemma")
    assert made[0]["messages"][1]["content"].count("response:f{value:<escape>1<escape>}") == 1
    assert "response:g{value:<escape>2<escape>}" in made[0]["messages"][1]["content"]
    assert convert(made, to="json_fence") == rows


def test_results_get_their_names_by_id() -> None:
    row = openai_row("a", "b", results=("b", "a"))
    row["messages"][0]["tool_calls"][1]["function"]["name"] = "g"
    report = Report()
    (made,) = convert([row], to="functiongemma", on_loss="ignore", report=report)
    assert "response:g{" in made["messages"][1]["content"] and "response:f{" in made["messages"][2]["content"]
    assert not report.losses and report.notice_counts == {"id": 2}
    (back,) = convert([made], layout="openai")
    calls, *answers = back["messages"]
    assert [answer["tool_call_id"] for answer in answers] == [call["id"] for call in reversed(calls["tool_calls"])]


def test_a_result_without_a_call_cannot_be_named() -> None:
    rows = [row_of(FENCE), {"messages": [{"role": "user", "content": "Tool result: x"}]}]
    with pytest.raises(UnrepresentableError, match=r"^row 1: \$.messages\[0\]: functiongemma writes the tool's name"):
        convert(rows, to="functiongemma")


def test_results_of_a_format_without_marks_take_the_role() -> None:
    rows = [
        {
            "messages": [
                {"role": "assistant", "content": FENCE[32:]},
                {"role": "user", "content": "Tool result: 1\nTool result: 2"},
            ]
        }
    ]
    report = Report()
    made = convert(rows, to="xlam", report=report)
    assert made[0]["messages"][1:] == [{"role": "tool", "content": "1"}, {"role": "tool", "content": "2"}]
    assert report.notice_counts["role"] == 1


@pytest.mark.parametrize("role", ["system", "developer", "user"])
def test_the_tools_block_is_rewritten_and_gives_the_types(role: str) -> None:
    block = describe_tools(TOOLS, "hermes")
    call = '<tool_call>\n{"name": "f", "arguments": {"n": 5, "s": "5"}}\n</tool_call>'
    rows = [
        {
            "messages": [
                {"role": role, "content": f"Be brief.\n\n{block}\n\nThanks."},
                {"role": "assistant", "content": call},
            ]
        }
    ]
    made = convert(rows, to="qwen_xml")
    assert made[0]["messages"][0]["content"] == f"Be brief.\n\n{describe_tools(TOOLS, 'qwen_xml')}\n\nThanks."
    assert convert(made, to="hermes") == rows
    (fields,) = convert(rows, layout="openai")
    assert fields["messages"][0]["content"] == "Be brief.\n\n\n\nThanks."
    assert read_tools(fields["tools"]) == read_tools(TOOLS)


# Tools and types


def test_types_come_from_the_row_then_from_the_argument() -> None:
    wire = "<tool_call>\n<function=f>\n<parameter=n>\n5\n</parameter>\n</function>\n</tool_call>"
    number, string = '"n": 5}', '"n": "5"}'
    other = [{"name": "f", "parameters": {"type": "object", "properties": {"n": {"type": "string"}}}}]
    for row, tools, wanted in [
        (row_of(wire, tools=TOOLS), other, number),
        (row_of(wire, tools=json.dumps(TOOLS)), None, number),
        (row_of(wire, tools=[json.dumps(tool) for tool in TOOLS]), None, number),
        (row_of(wire, functions=TOOLS), None, number),
        (row_of(wire), TOOLS, number),
        (row_of(wire, tools=[]), TOOLS, number),
        (row_of(wire), other, string),
    ]:
        assert wanted in convert([row], to="hermes", tools=tools)[0]["messages"][0]["content"]


def test_a_value_whose_type_nobody_knows_is_a_loss() -> None:
    wire = "<tool_call>\n<function=f>\n<parameter=n>\n5\n</parameter>\n</function>\n</tool_call>"
    with pytest.raises(
        LossError, match=r"row 0: \$.messages\[0\].calls\[0\].arguments.n: `5` is written as a string.*\(type\)"
    ):
        convert([row_of(wire)], to="hermes")
    assert convert([row_of(wire)], to="qwen3_coder") == [row_of(wire)]


def test_tools_are_inferred_and_what_they_cannot_tell_is_a_loss() -> None:
    rows = [
        row_of(f'<tool_call>\n{{"name": "f", "arguments": {{"v": {value}}}}}\n</tool_call>')
        for value in ("5", '"x"', '"5"')
    ]
    report = Report()
    made = convert(rows, to="qwen_xml", on_loss="ignore", report=report)
    assert len(made) == 3 and [(loss.row, loss.kind) for loss in report.losses] == [(2, "type")]
    assert convert(rows[:2], to="qwen_xml") == made[:2]


def test_broken_tools_reject_the_row() -> None:
    for tools in ("{", [{"description": "no name"}], {"name": "f"}, [3]):
        with pytest.raises(ToolSpecError, match=r"^row 1: "):
            convert([row_of(FENCE), row_of(FENCE, tools=tools)], to="hermes")
        report = Report()
        assert (
            len(convert([row_of(FENCE), row_of(FENCE, tools=tools)], to="hermes", on_loss="ignore", report=report)) == 1
        )
        assert (report.rejected, report.rejects[0].row) == (1, 1)


def test_arguments_encoded_twice_are_decoded_once() -> None:
    row, report = openai_row("a"), Report()
    row["messages"][0]["tool_calls"][0]["function"]["arguments"] = json.dumps('{"n": 1}')
    (made,) = convert([row], to="hermes", report=report)
    assert '"arguments": {"n": 1}' in made["messages"][0]["content"]
    assert report.notice_counts["encoding"] == 1
    assert convert([row], layout="openai") == [openai_row("a")]


# Losses


def test_a_loss_reads_like_this() -> None:
    loss = Loss("id", "$.messages[2].calls[0].id", 17, "'call_1' dropped: hermes has no ids")
    assert str(loss) == "row 17: $.messages[2].calls[0].id: 'call_1' dropped: hermes has no ids (id)"
    assert str(Loss("id", "$.x", 17, "y", 18)) == "row 17 (line 18): $.x: y (id)"


def test_ids_are_a_loss_only_where_order_does_not_link() -> None:
    for row in (openai_row("a", "b", results=("a", "b")), openai_row("a", "b"), openai_row("a", "b", results=("a",))):
        report = Report()
        convert([row], to="hermes", report=report)
        assert report.notice_counts["id"] == 2 and not report.losses
    with pytest.raises(LossError, match="which call this answers is lost: without ids it is taken for another's result: `b`"):
        convert([openai_row("a", "b", results=("b",))], to="hermes")


@pytest.mark.parametrize(
    ("parts", "source", "to", "kind", "kept"),
    [
        ([Reasoning(text="hm"), ToolCall(name="f")], "hermes", "json_fence", "reasoning", [ToolCall(name="f")]),
        ([Text(text="look"), ToolCall(name="f")], "hermes", "xlam", "text", [ToolCall(name="f")]),
        ([ToolCall(name="f"), Text(text="done")], "hermes", "labelled", "text", [ToolCall(name="f")]),
    ],
)
def test_what_has_no_place_is_dropped_and_said(
    parts: list[Any], source: str, to: str, kind: str, kept: list[Any]
) -> None:
    rows, report = [row_of(render(parts, source))], Report()
    with pytest.raises(LossError) as caught:
        convert(rows, to=to)
    assert (
        caught.value.losses[0].kind == kind and pickle.loads(pickle.dumps(caught.value)).losses == caught.value.losses
    )
    with pytest.warns(ToolfmtWarning, match=f"1 losses, 0 rows refused: row 0: .*\\({kind}\\)"):
        made = convert(rows, to=to, on_loss="warn")
    assert convert(rows, to=to, on_loss="ignore", report=report) == made == [row_of(render(kept, to))]
    assert [loss.kind for loss in report.losses] == [kind]


def test_a_broken_call_stays_as_text_with_its_separators() -> None:
    text = 'a\n<tool_call>\n{broken\n</tool_call>\nb\n<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>'
    report = Report()
    (made,) = convert([row_of(text)], to="json_fence", on_loss="ignore", report=report)
    assert made == row_of('a\n<tool_call>\n{broken\n</tool_call>\nb\n\n```json\n{"name": "f", "arguments": {}}\n```')
    assert [loss.kind for loss in report.losses] == ["malformed"]


def test_text_that_the_target_would_read_as_a_call_is_a_loss() -> None:
    rows = [row_of('<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>'), row_of(FENCE)]
    report = Report()
    made = convert(rows, to="json_fence", source="hermes", on_loss="ignore", report=report)
    assert made[1] == rows[1] and [(loss.kind, loss.row) for loss in report.losses] == [("ambiguous", 1)]


def test_a_fence_among_other_calls_is_text_and_said() -> None:
    rows = [row_of(f'<tool_call>\n{{"name": "f", "arguments": {{"n": {i}}}}}\n</tool_call>') for i in range(40)] + [
        row_of(FENCE)
    ]
    report = Report()
    made = convert(rows, to="functiongemma", report=report)
    assert made[40] == rows[40] and report.notice_counts["unread"] == 1


def test_mixed_formats_are_found_row_by_row() -> None:
    rows = [
        row_of(render(ToolCall(name="f", arguments={"s": "x"}), name))
        for name in ("hermes", "qwen_xml", "labelled", "functiongemma", "hermes")
    ]
    made = convert(rows, to="hermes")
    assert all(row == made[0] for row in made)


def test_what_cannot_be_written_at_all() -> None:
    rows = [
        row_of('<tool_call>\n{"name": "f", "arguments": {"s": "<escape>"}}\n</tool_call>'),
        row_of(render(ToolCall(name="f"), "hermes")),
    ]
    with pytest.raises(
        UnrepresentableError, match=r"^row 0: \$.messages\[0\].*functiongemma cannot write a string holding `<escape>`"
    ):
        convert(rows, to="functiongemma")
    report = Report()
    assert len(convert(rows, to="functiongemma", on_loss="ignore", report=report)) == 1
    assert (report.rows, report.with_calls, report.rejected, report.rejects[0].data) == (2, 1, 1, rows[0])


@pytest.mark.parametrize("to", ({"layout": "openai"}, {"to": "hermes"}, {"to": "qwen_xml"}))
def test_an_integer_that_python_does_not_write_is_a_reject(to: dict[str, str]) -> None:
    """Only rows in memory hold one: no JSON text can."""
    call = {"type": "function", "function": {"name": "f", "arguments": {"n": 10**4300}}}
    row: Any = {"messages": [{"role": "assistant", "content": None, "tool_calls": [call]}]}
    report = Report()
    assert convert([row], report=report, on_loss="ignore", **to) == []
    assert "$.messages[0].tool_calls[0]" in report.rejects[0].reason and "4,300 digits" in report.rejects[0].reason
    call["function"]["arguments"]["n"] = 10**4300 - 1  # type: ignore[index]
    assert len(convert([row], report=report, on_loss="ignore", **to)) == 1
