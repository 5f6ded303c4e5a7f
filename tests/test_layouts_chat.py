"""Layouts whose calls stand in fields or in messages of their own: recognised, written back as they were, exact or loud, refused by place."""

import copy
import json
from typing import Any

import pytest
from hypothesis import event, given
from layout_cases import CONVERSATIONS, TOOLS, conversations, openai_row, round_trip
from layout_chat_rows import CALL_TEXT, CASES, PLAIN, ROWS, USE

from toolfmt.convert import convert
from toolfmt.errors import LayoutError, LossError, UnrepresentableError
from toolfmt.layouts.base import find_layout, get_layout
from toolfmt.report import Report


@pytest.mark.parametrize(("name", "row"), CASES + PLAIN)
def test_a_row_is_recognised(name: str, row: dict[str, Any]) -> None:
    assert find_layout(row).name == name


@pytest.mark.parametrize(("name", "row"), CASES)
def test_a_row_comes_back_as_it_was(name: str, row: dict[str, Any]) -> None:
    before, report = copy.deepcopy(row), Report()
    (made,) = convert([row], layout=name, report=report)
    assert made == before == row
    assert list(made) == list(row)
    assert not report.converted and not report.losses


EXACT = ("trl", "nemotron", "anthropic")
NO_IDS = {"ids"}
MERGED = {"ids", "links", "names", "order", "results"}
DIFFERENCES: dict[str, dict[str, set[str]]] = {
    "trl": {},
    "nemotron": {},
    "anthropic": {"system later": {"refused"}, "developer": {"order", "texts"}},
    "swift": {
        "parallel, out of order": {"ids", "links", "results"},
        "text turn, then calls": {"ids", "order"},
        "think in the text": {"ids", "texts", "reasoning"},
    },
    "llamafactory": {
        "parallel, in order": MERGED,
        "parallel, out of order": MERGED,
        "text before a call": {"ids", "order", "texts"},
        "think in the text": {"ids", "order", "texts"},
        "text before parallel calls": MERGED | {"texts"},
        "reasoning": {"ids", "reasoning"},
        "reasoning and text": {"ids", "order", "reasoning", "texts"},
        "reasoning beside an answer": {"ids", "reasoning"},
        "user after results": {"refused"},
        "two user turns": {"refused"},
        "text turn, then calls": {"refused"},
        "system later": {"refused"},
        "developer": {"ids", "order", "texts"},
    },
}
DIFFERENCES["sharegpt"] = {
    "parallel, out of order": {"ids", "links", "results"},
    "reasoning": {"ids", "reasoning"},
    "reasoning and text": {"ids", "reasoning"},
    "reasoning beside an answer": {"ids", "reasoning"},
    "text turn, then calls": {"ids", "order"},
}
DIFFERENCES["apigen_mt"] = DIFFERENCES["llamafactory"]


@pytest.mark.parametrize("layout", list(DIFFERENCES))
@pytest.mark.parametrize("case", list(CONVERSATIONS))
def test_openai_and_back_is_the_same_or_says_what_is_not(layout: str, case: str) -> None:
    row = CONVERSATIONS[case]
    calls = any(message.get("tool_calls") for message in row["messages"])
    usual = NO_IDS if calls and layout not in EXACT else set()
    before = copy.deepcopy(row)
    assert round_trip(row, layout) == DIFFERENCES[layout].get(case, usual)
    assert row == before


@pytest.mark.parametrize("layout", list(DIFFERENCES))
@given(row=conversations())
def test_generated_conversations_are_the_same_or_say_what_is_not(layout: str, row: dict[str, Any]) -> None:
    changed = round_trip(row, layout)
    event(f"{layout}: {', '.join(sorted(changed)) or 'the same'}")
    if layout in ("trl", "nemotron"):
        assert not changed


@pytest.mark.parametrize("case", ["single call", "parallel, in order", "nasty arguments", "unicode", "two rounds"])
@pytest.mark.parametrize("layout", list(DIFFERENCES))
def test_what_is_written_is_a_row_of_the_layout(layout: str, case: str) -> None:
    rows: list[Any] = convert([CONVERSATIONS[case]], layout=layout, on_loss="ignore")
    target = get_layout(layout)
    if layout not in ("nemotron", "apigen_mt", "sharegpt"):  # shapes that have a more general name
        assert target.claims(rows[0])
    assert convert(rows, layout=layout) == rows


def written(layout: str, case: str) -> Any:
    (row,) = convert([CONVERSATIONS[case]], layout=layout, on_loss="ignore")
    return row


def test_trl_writes_objects_and_names() -> None:
    row = written("trl", "single call")
    assert row["messages"][1]["tool_calls"] == [
        {
            "id": "call_a",
            "type": "function",
            "function": {"name": "get_weather", "arguments": {"city": "Paris", "days": 3}},
        }
    ]
    assert row["messages"][2] == {
        "role": "tool",
        "tool_call_id": "call_a",
        "content": '{"t": 21}',
        "name": "get_weather",
    }
    (back,) = convert([ROWS["trl"][0]], layout="openai")
    assert back["messages"][1]["tool_calls"][0] == {
        "id": "call_0",
        "type": "function",
        "function": {"name": "now", "arguments": '{"zone": "UTC"}'},
    }
    assert back["messages"][2]["tool_call_id"] == "call_0"


def test_nemotron_keeps_the_kind_of_arguments() -> None:
    (row,) = convert([ROWS["nemotron"][0]], layout="trl")
    assert row["messages"][2]["tool_calls"][0]["function"]["arguments"] == {"zone": "UTC"}
    (again,) = convert([row], layout="nemotron")
    assert again["messages"][2]["tool_calls"][0]["function"]["arguments"] == {"zone": "UTC"}
    assert (
        written("nemotron", "single call")["messages"][1]["tool_calls"][0]["function"]["arguments"]
        == '{"city": "Paris", "days": 3}'
    )


def test_nemotron_takes_objects_from_trl() -> None:
    (row,) = convert([ROWS["trl"][0]], layout="nemotron")
    assert row["messages"][1]["tool_calls"][0]["function"]["arguments"] == {"zone": "UTC"}


def test_swift_writes_a_message_for_each_call() -> None:
    row = written("swift", "text before parallel calls")
    assert [message["role"] for message in row["messages"]] == [
        "user", "assistant", "tool_call", "tool_call", "tool_response", "tool_response", "assistant",
    ]  # fmt: skip
    assert row["messages"][2] == {
        "role": "tool_call",
        "content": '{"name": "get_weather", "arguments": {"city": "Paris", "days": 3}}',
    }
    assert json.loads(row["tools"]) == TOOLS


def test_swift_has_reasoning_in_the_text() -> None:
    row = written("swift", "reasoning and text")
    assert row["messages"][1] == {"role": "assistant", "content": "<think>\nHm.\n</think>\n\nLet me look."}
    bad = openai_row({**CONVERSATIONS["reasoning"]["messages"][1], "reasoning_content": "a</think>b"})
    with pytest.raises(
        UnrepresentableError, match=r"\$.messages\[0\].reasoning: layout `swift` cannot write reasoning that holds"
    ):
        convert([bad], layout="swift")


def test_swift_messages_of_one_turn_that_differ_in_another_key_say_so() -> None:
    report = Report()
    (row,) = convert([ROWS["swift"][0]], layout="openai", on_loss="ignore", report=report)
    assert [(loss.kind, loss.path) for loss in report.losses] == [("key", "$.messages[4].loss")]
    message = row["messages"][2]
    assert (message["reasoning_content"], message["content"], len(message["tool_calls"])) == ("clock", None, 2)


def test_swift_tells_every_key_in_which_calls_differ_and_keeps_texts_apart_that_do() -> None:
    call = {"role": "tool_call", "content": CALL_TEXT}
    said = {"role": "assistant", "content": "a", "loss": True}
    row = {"messages": [said, {**call, "loss": False}, {**call, "loss": False, "n": 1}, {**call, "loss": True}]}
    report = Report()
    (made,) = convert([row], layout="openai", on_loss="ignore", report=report)
    assert [(loss.kind, loss.path) for loss in report.losses] == [
        ("key", "$.messages[2].n"),
        ("key", "$.messages[3].loss"),
    ]
    assert [len(message.get("tool_calls") or ()) for message in made["messages"]] == [0, 3]
    assert made["messages"][0] == said


def test_swift_keeps_the_white_space_of_text_after_reasoning() -> None:
    row = openai_row(*CONVERSATIONS["reasoning and text"]["messages"])
    row["messages"][1] = {**row["messages"][1], "content": "\n\nLook.\n", "reasoning_content": "\nHm."}
    assert round_trip(row, "swift") == {"ids"}


def test_llamafactory_merges_results_and_moves_the_system_text() -> None:
    row = written("llamafactory", "parallel, in order")
    assert [message["from"] for message in row["conversations"]] == ["human", "function_call", "observation", "gpt"]
    assert row["conversations"][2]["value"] == '["21", "25"]'
    assert [tool["name"] for tool in json.loads(row["tools"])] == ["get_weather", "now", "store"]
    assert written("llamafactory", "system")["system"] == "Be brief."
    with pytest.raises(LossError, match=r"2 results become one observation"):
        convert([CONVERSATIONS["parallel, in order"]], layout="llamafactory")


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (
            "user after results",
            r"\$.messages\[3\]: layout `llamafactory` has gpt or function_call after `observation`, got `human`",
        ),
        (
            "two user turns",
            r"\$.messages\[1\]: layout `llamafactory` has gpt or function_call after `human`, got `human`",
        ),
        (
            "text turn, then calls",
            r"\$.messages\[2\]: layout `llamafactory` has human or observation after `gpt`, got `function_call`",
        ),
        ("system later", r"\$.messages\[3\]: .* got `system`"),
    ],
)
def test_llamafactory_refuses_what_breaks_the_alternation(case: str, message: str) -> None:
    report = Report()
    assert convert([CONVERSATIONS[case]], layout="llamafactory", on_loss="ignore", report=report) == []
    assert report.rejects[0].data == CONVERSATIONS[case]
    with pytest.raises(UnrepresentableError, match=message):
        convert([{**CONVERSATIONS[case], "tools": None}], layout="llamafactory")


def test_llamafactory_ends_with_an_answer() -> None:
    row = openai_row({"role": "user", "content": "hi"})
    with pytest.raises(
        UnrepresentableError,
        match=r"\$.messages\[0\]: layout `llamafactory` ends with gpt or function_call, got `human`",
    ):
        convert([row], layout="llamafactory")


def test_several_text_parts_of_one_message_become_one_text() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    row = openai_row({"role": "user", "content": parts}, *CONVERSATIONS["call at the end"]["messages"][1:])
    report = Report()
    (made,) = convert([row], layout="llamafactory", on_loss="ignore", report=report)
    assert made["conversations"][0]["value"] == "ab"
    assert ("content", "$.messages[0].content") in [(loss.kind, loss.path) for loss in report.losses]


@pytest.mark.parametrize(("name", "row"), [(name, rows[0]) for name, rows in ROWS.items()])
def test_calls_as_text_and_back(name: str, row: dict[str, Any]) -> None:
    (text,) = convert([row], to="hermes", on_loss="ignore")
    assert find_layout(text).name in ("messages_text", "sharegpt", "llamafactory")
    said = json.dumps(text)
    assert said.count("<tool_call>") == json.dumps(row).count("UTC") and "<tool_response>" in said
    (made,) = convert([text], layout="openai", on_loss="ignore")
    calls = [call for message in made["messages"] for call in message.get("tool_calls") or []]
    assert {call["function"]["arguments"] for call in calls} == {'{"zone": "UTC"}'}


MALFORMED: list[tuple[dict[str, Any], str]] = [
    (
        {
            "messages": [
                {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {"a": float("inf")}}}]}
            ]
        },
        "row 0: $.messages[0].tool_calls[0].function.arguments.a: JSON has no `inf`",
    ),
    (
        {"messages": [{"role": "tool_call", "content": "{"}]},
        "row 0: $.messages[0].content: expected a call as JSON, not JSON",
    ),
    (
        {"messages": [{"role": "tool_call", "content": f"[{CALL_TEXT}]"}]},
        "row 0: $.messages[0].content: expected an object with `name` and `arguments`, got `[{'name': 'now', 'arguments': {'zone': 'UTC'}}]`",
    ),
    (
        {"messages": [{"role": "tool_call", "content": '{"name": "f"}'}]},
        "row 0: $.messages[0].content.arguments: expected a JSON object, got `None`",
    ),
    (
        {"messages": [{"role": "tool_response", "content": None}]},
        "row 0: $.messages[0].content: expected the text of a tool result",
    ),
    (
        {"messages": [{"role": "tool_call", "content": CALL_TEXT}, {"role": "bot", "content": "x"}]},
        "row 0: $.messages[1].role: expected one of system, developer, user, assistant, tool, function, ipython, got `'bot'`",
    ),
    (
        {"conversations": [{"from": "human", "value": ""}, {"from": "function_call", "value": "[]"}], "tools": "[]"},
        "row 0: $.conversations[1].value: expected at least one call, got `[]`",
    ),
    (
        {"messages": [{"role": "assistant", "content": [{**USE, "input": [1]}]}]},
        "row 0: $.messages[0].content[0].input: expected a JSON object, got `[1]`",
    ),
    (
        {"messages": [{"role": "assistant", "content": [{**USE, "name": ""}]}]},
        "row 0: $.messages[0].content[0].name: expected a tool name, got `''`",
    ),
    (
        {"messages": [{"role": "assistant", "content": [{**USE, "id": 4}]}]},
        "row 0: $.messages[0].content[0].id: expected a string, got `4`",
    ),
    (
        {"messages": [{"role": "assistant", "content": [USE]}, {"role": "user", "content": [{"type": "tool_result"}]}]},
        "row 0: $.messages[1].content[0].tool_use_id: expected a string, got `None`",
    ),
    (
        {"messages": [{"role": "assistant", "content": [USE, "x"]}]},
        "row 0: $.messages[0].content[1]: expected a content block with a `type`, got `'x'`",
    ),
    (
        {"messages": [{"role": "assistant", "content": [USE]}, {"role": "user", "content": None}]},
        "row 0: $.messages[1].content: expected text or a list of blocks, got `None`",
    ),
    (
        {"messages": [{"role": "assistant", "content": [USE]}], "system": 3},
        "row 0: $.system: expected text or a list of blocks, got `3`",
    ),
    (
        {"messages": [{"role": "assistant", "content": [{"type": "thinking", "thinking": None}]}]},
        "row 0: $.messages[0].content[0].thinking: expected text, got `None`",
    ),
]


@pytest.mark.parametrize(("row", "message"), MALFORMED)
def test_a_broken_row_is_refused_by_place(row: dict[str, Any], message: str) -> None:
    with pytest.raises(LayoutError) as caught:
        convert([row], layout="openai")
    assert str(caught.value).startswith(message)
    report = Report()
    assert convert([row], layout="openai", on_loss="ignore", report=report) == []
    assert report.rejects[0].data is row


@pytest.mark.parametrize(
    "call, lost",
    [
        ({"index": 7, "id": "a", "function": {"name": "f", "arguments": "{}"}}, "tool_calls[0].index"),
        ({"type": "custom", "id": "a", "function": {"name": "f", "arguments": "{}"}}, "tool_calls[0].type"),
        ({"type": "function", "function": {"name": "f", "arguments": "{}", "strict": True}}, "tool_calls[0].function.strict"),
        ({"type": None, "id": "a", "function": {"name": "f", "arguments": "{}"}}, None),
    ],
)
def test_what_stands_in_a_call_beside_its_own_keys_is_said(call: dict[str, Any], lost: str | None) -> None:
    report = Report()
    convert([{"messages": [{"role": "assistant", "content": None, "tool_calls": [call]}]}], to="hermes", on_loss="ignore", report=report)
    assert [loss.path for loss in report.losses] == [f"$.messages[0].{path}" for path in (lost,) if path]
