"""Layouts whose calls stand in fields or in messages of their own: recognised, written back as they were, exact or loud, refused by place."""

import copy
import json
from typing import Any

import pytest
from hypothesis import event, given
from layout_cases import CONVERSATIONS, TOOLS, conversations, openai_row, round_trip

from toolfmt.conversion.rows import RowConverter
from toolfmt.convert import convert
from toolfmt.errors import LayoutError, LossError, UnrepresentableError
from toolfmt.layouts.base import find_layout, get_layout
from toolfmt.report import Report

FUNCTION = {
    "name": "now",
    "description": "The time.",
    "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]},
}
OPENAI_TOOLS = [{"type": "function", "function": FUNCTION}]
OWN_TOOLS = [
    {
        "name": "now",
        "description": "The time.",
        "input_schema": FUNCTION["parameters"],
        "cache_control": {"type": "ephemeral"},
    }
]
CALL_TEXT = '{"name": "now", "arguments": {"zone": "UTC"}}'
USE = {"type": "tool_use", "id": "toolu_1", "name": "now", "input": {"zone": "UTC"}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "12:00"}

ROWS: dict[str, list[dict[str, Any]]] = {
    "trl": [
        {
            "messages": [
                {"role": "user", "content": "time?"},
                {
                    "role": "assistant",
                    "tool_calls": [{"type": "function", "function": {"name": "now", "arguments": {"zone": "UTC"}}}],
                },
                {"role": "tool", "name": "now", "content": "12:00"},
                {"role": "assistant", "content": "Noon."},
            ],
            "tools": OPENAI_TOOLS,
        },
    ],
    "nemotron": [
        {
            "uuid": "5f",
            "messages": [
                {"role": "system", "content": ""},
                {"role": "user", "content": "time?"},
                {
                    "role": "assistant",
                    "content": "",
                    "reasoning_content": "The clock.\n",
                    "tool_calls": [
                        {"id": "call_1", "type": "function", "function": {"name": "now", "arguments": {"zone": "UTC"}}}
                    ],
                },
                {"role": "tool", "content": "12:00", "tool_call_id": "call_1"},
                {"role": "assistant", "content": "Noon.", "reasoning_content": ""},
            ],
            "license": "cc-by-4.0",
            "tools": OPENAI_TOOLS,
        },
    ],
    "swift": [
        {
            "tools": json.dumps(OPENAI_TOOLS),
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "time?"},
                {"role": "assistant", "content": "<think>\nclock\n</think>\n", "loss": True},
                {"role": "tool_call", "content": '{"name":"now",  "arguments": {"zone": "UTC"}}', "loss": True},
                {"role": "tool_call", "content": CALL_TEXT, "loss": False},
                {"role": "tool_response", "content": "12:00"},
                {"role": "tool_response", "content": "12:00"},
                {"role": "assistant", "content": "Noon."},
            ],
            "images": [],
        },
        {
            "messages": [
                {"role": "user", "content": "x"},
                {"role": "function_call", "content": CALL_TEXT},
                {"role": "observation", "content": ""},
            ]
        },
    ],
    "llamafactory": [
        {
            "conversations": [
                {"from": "human", "value": "time?"},
                {"from": "function_call", "value": '[{"name":"now","arguments":{"zone":"UTC"}}, ' + CALL_TEXT + "]"},
                {"from": "observation", "value": '["12:00", "12:00"]'},
                {"from": "gpt", "value": "Noon.", "loss": False},
            ],
            "system": "Be brief.",
            "tools": json.dumps([FUNCTION]),
        },
        {
            "conversations": [
                {"from": "system", "value": "s"},
                {"from": "human", "value": "hi"},
                {"from": "gpt", "value": "ho"},
            ],
            "tools": "",
        },
    ],
    "apigen_mt": [
        {
            "conversations": [
                {"from": "human", "value": "time?"},
                {"from": "gpt", "value": "One moment."},
                {"from": "function_call", "value": CALL_TEXT},
                {"from": "observation", "value": "12:00"},
                {"from": "gpt", "value": "Noon."},
            ],
            "system": "# Clock agent policy",
            "tools": json.dumps([FUNCTION]),
        },
    ],
    "anthropic": [
        {
            "id": 3,
            "system": "Be brief.",
            "messages": [
                {"role": "user", "content": "time?"},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "The clock.", "signature": "Er=="},
                        {"type": "text", "text": "Let me look."},
                        USE,
                        {"type": "text", "text": "And wait."},
                    ],
                },
                {"role": "user", "content": [RESULT, {"type": "text", "text": "And in Rome?"}], "weight": 1},
                {"role": "assistant", "content": "Noon."},
            ],
            "tools": OWN_TOOLS,
        },
        {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}], "tools": OWN_TOOLS},
        {
            "system": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
            "messages": [{"role": "user", "content": []}],
        },
    ],
}
ROWS["sharegpt"] = [
    {
        "conversations": [
            {"from": "human", "value": "time?"},
            {"from": "gpt", "value": "Let me look.", "loss": True},
            {"from": "function_call", "value": '{"name":"now","arguments":{"zone": "UTC"}}', "loss": True},
            {"from": "observation", "value": "12:00"},
            {"from": "gpt", "value": "Noon."},
        ],
        "tools": "[]",
    }
]
CASES = [(name, row) for name, rows in ROWS.items() for row in rows]
PLAIN: list[tuple[str, dict[str, Any]]] = [
    ("openai", CONVERSATIONS["single call"]),
    ("openai", CONVERSATIONS["reasoning"]),
    ("messages_text", CONVERSATIONS["direct answer"]),
    ("messages_text", {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}),
    (
        "messages_text",
        {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "x"}], "system": "s"},
    ),
    ("messages_text", {"messages": [], "system": ""}),
    ("anthropic", {"messages": [], "system": "s"}),
    ("sharegpt", {"conversations": [{"from": "human", "value": "x"}, {"from": "gpt", "value": "y"}]}),
    ("sharegpt", {"conversations": [{"from": "human", "value": "x"}], "tools": "[]"}),
    (
        "sharegpt",
        {"conversations": [{"from": "user", "value": "x"}, {"from": "assistant", "value": "y"}], "tools": "[]"},
    ),
    ("sharegpt", {**ROWS["apigen_mt"][0], "system": ""}),
    ("sharegpt", {**ROWS["apigen_mt"][0], "conversations": [{"from": "gpt", "value": "x"}]}),
]


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


def test_anthropic_joins_results_and_what_the_user_says_after_them() -> None:
    row = written("anthropic", "user after results")
    assert row["messages"] == [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "call_c", "name": "now", "input": {}}]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "call_c", "content": "12:00"},
                {"type": "text", "text": "and?"},
            ],
        },
        {"role": "assistant", "content": "Noon."},
    ]
    assert row["tools"][0]["input_schema"] == TOOLS[0]["function"]["parameters"]
    assert written("anthropic", "reasoning and text")["messages"][1]["content"][:2] == [
        {"type": "thinking", "thinking": "Hm."},
        {"type": "text", "text": "Let me look."},
    ]


def test_anthropic_to_openai_says_what_only_blocks_hold() -> None:
    report = Report()
    (row,) = convert([ROWS["anthropic"][0]], layout="openai", on_loss="ignore", report=report)
    assert sorted((loss.kind, loss.path) for loss in report.losses) == [
        ("order", "$.messages[1]"),
        ("reasoning", "$.messages[1].content[0].signature"),
        ("tools", "$.tools[0].cache_control"),
    ]
    assert row["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "time?"},
        {
            "role": "assistant",
            "content": "Let me look.And wait.",
            "tool_calls": [
                {"id": "toolu_1", "type": "function", "function": {"name": "now", "arguments": '{"zone": "UTC"}'}}
            ],
            "reasoning_content": "The clock.",
        },
        {"role": "tool", "content": "12:00", "weight": 1, "tool_call_id": "toolu_1"},
        {"role": "user", "content": "And in Rome?"},
        {"role": "assistant", "content": "Noon."},
    ]
    assert row["tools"] == OPENAI_TOOLS


IMAGE = {"type": "image", "source": {"type": "url", "url": "x"}}


@pytest.mark.parametrize(
    ("content", "losses", "text"),
    [
        ([{"type": "text", "text": "a"}, IMAGE], [("content", "$.messages[0].content[1]")], "a"),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], [("content", "$.messages[0].content")], "ab"),
        (
            [{"type": "text", "text": "a", "cache_control": {}}],
            [("key", "$.messages[0].content[0].cache_control")],
            "a",
        ),
        ([{"type": "text", "text": "a", "citations": None}], [], "a"),
    ],
)
def test_anthropic_blocks_stay_and_are_told_where_the_layout_changes(content: Any, losses: Any, text: str) -> None:
    row = {
        "messages": [
            {"role": "user", "content": content},
            {"role": "assistant", "content": [USE]},
            {"role": "user", "content": [RESULT]},
        ]
    }
    assert convert([row], layout="anthropic") == [row]
    report = Report()
    (made,) = convert([row], layout="openai", on_loss="ignore", report=report)
    assert [(loss.kind, loss.path) for loss in report.losses] == losses
    assert made["messages"][0]["content"] == text


def test_anthropic_results_keep_is_error_and_parts_that_are_no_text_are_told() -> None:
    result = {**RESULT, "content": [{"type": "text", "text": "bad"}, IMAGE], "is_error": True}
    row = {"messages": [{"role": "assistant", "content": [USE]}, {"role": "user", "content": [result]}]}
    report = Report()
    (made,) = convert([row], layout="openai", on_loss="ignore", report=report)
    assert made["messages"][1] == {"role": "tool", "content": "bad", "is_error": True, "tool_call_id": "toolu_1"}
    assert [(loss.kind, loss.path) for loss in report.losses] == [("content", "$.messages[1].content[0].content[1]")]
    (back,) = convert([made], layout="anthropic")
    assert back["messages"][1]["content"] == [{**RESULT, "content": "bad", "is_error": True}]


def test_anthropic_rewrites_a_call_in_its_place() -> None:
    use = {**USE, "input": '{"zone": "UTC"}', "cache_control": {"type": "ephemeral"}}
    thought = {"type": "thinking", "thinking": "t", "signature": "s"}
    row = {"messages": [{"role": "assistant", "content": [thought, use, {"type": "text", "text": "x"}], "n": 1}]}
    (made,) = convert([row], layout="anthropic")
    assert made["messages"] == [
        {
            "role": "assistant",
            "content": [thought, {**use, "input": {"zone": "UTC"}}, {"type": "text", "text": "x"}],
            "n": 1,
        }
    ]
    answered = {"role": "user", "content": [RESULT, {"type": "text", "text": "ok"}, RESULT], "n": 2}
    (made,) = convert([{"messages": [*row["messages"], answered, answered]}], layout="anthropic")
    assert made["messages"][1:] == [answered, answered]


def test_anthropic_keeps_the_order_of_text_and_calls() -> None:
    wire = f"Look.<tool_call>\n{CALL_TEXT}\n</tool_call>\nDone."
    (row,) = convert([{"messages": [{"role": "assistant", "content": wire}]}], layout="anthropic")
    blocks = row["messages"][0]["content"]
    assert [block["type"] for block in blocks] == ["text", "tool_use", "text"]
    assert "Look." in blocks[0]["text"] and "Done." in blocks[2]["text"]


def test_anthropic_nulls_of_arrow_go_where_text_follows_a_call() -> None:
    use = {**USE, "input": {"zone": "UTC", "city": None}, "text": None}
    said = [{"type": "text", "text": "a", "id": None}, use, {"type": "text", "text": "b", "input": None}]
    row = {"messages": [{"role": "assistant", "content": said}], "tools": OWN_TOOLS}
    outcome = RowConverter(None, "openai", padded=True)(row)
    assert outcome.row is not None and [loss.kind for loss in outcome.losses] == ["tools", "order"][::-1]
    assert outcome.row["messages"][0]["tool_calls"][0]["function"]["arguments"] == '{"zone": "UTC"}'
    again = RowConverter(None, "anthropic", padded=True)(row)
    assert again.row is not None and again.row["messages"][0]["content"][1]["input"] == {"zone": "UTC"}


def test_anthropic_tells_other_parts_of_an_openai_message() -> None:
    parts = [{"type": "text", "text": "what?"}, {"type": "image_url", "image_url": {"url": "x"}}]
    report = Report()
    for layout, text in (("anthropic", "content"), ("llamafactory", "value"), ("swift", "content")):
        row = openai_row({"role": "user", "content": parts}, *CONVERSATIONS["call at the end"]["messages"][1:])
        (made,) = convert([row], layout=layout, on_loss="ignore", report=report)
        messages = made["messages"] if "messages" in made else made["conversations"]
        if messages[0][text] != parts:
            assert messages[0][text] == "what?"
            assert ("content", "$.messages[0].content[1]") in [(loss.kind, loss.path) for loss in report.losses]


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
