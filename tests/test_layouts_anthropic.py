"""The `anthropic` layout: blocks, their order, and what only they hold."""

from typing import Any

import pytest
from layout_cases import CONVERSATIONS, TOOLS, openai_row
from layout_chat_rows import CALL_TEXT, OPENAI_TOOLS, OWN_TOOLS, RESULT, ROWS, USE

from toolfmt.conversion.rows import RowConverter
from toolfmt.convert import convert
from toolfmt.report import Report


def written(layout: str, case: str) -> Any:
    (row,) = convert([CONVERSATIONS[case]], layout=layout, on_loss="ignore")
    return row


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
