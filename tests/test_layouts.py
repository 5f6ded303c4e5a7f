"""Row layouts: what is read, what is written, what stays, and what is refused by name."""

import copy
from typing import Any

import pytest

from toolfmt.convert import convert
from toolfmt.errors import LayoutError
from toolfmt.layouts.base import converted, find_layout, get_layout, layouts
from toolfmt.report import Report

CALL = {"id": "call_7", "type": "function", "function": {"name": "now", "arguments": '{"zone": "UTC"}'}}
OPENAI: dict[str, Any] = {
    "id": 9,
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "time?", "weight": 0},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_7", "content": "12:00"},
        {"role": "assistant", "content": "Noon."},
    ],
    "tools": None,
    "meta": {"x": 1.0},
}
TEXT: dict[str, Any] = {"messages": [{"role": "user", "content": "time?"}, {"role": "assistant", "content": "Noon."}]}
SHARE: dict[str, Any] = {
    "system": "Be brief.",
    "conversations": [
        {"from": "human", "value": "time?"},
        {"from": "function_call", "value": '{"name": "now", "arguments": {"zone": "UTC"}}'},
        {"from": "observation", "value": "12:00"},
        {"from": "gpt", "value": "Noon.", "loss": True},
    ],
    "n": 1,
}


def _lose_nothing(kind: str, path: str, detail: str) -> None:
    raise AssertionError(f"{path}: {detail} ({kind})")


@pytest.mark.parametrize(("row", "name"), [(OPENAI, "openai"), (TEXT, "messages_text"), (SHARE, "sharegpt")])
def test_rows_are_recognised_and_written_back_as_they_were(row: dict[str, Any], name: str) -> None:
    layout = find_layout(row)
    assert layout.name == name
    before = copy.deepcopy(row)
    made = converted(row, layout, layout, layout.read(row), layout.offer(row), _lose_nothing)
    assert made == before == row
    assert list(made) == list(before)


def test_every_layout_of_the_table_loads() -> None:
    assert [get_layout(name).name for name in layouts()] == list(layouts())
    with pytest.raises(LayoutError, match=r"known: .*openai, messages_text, .*sharegpt.*: `alpaca`"):
        get_layout("alpaca")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (3, r"\$: expected an object, got `int`"),
        ({"body": "x"}, r"\$: expected a key `messages` or `conversations`.*got the keys `body`"),
        ({"messages": "x"}, r"\$.messages: expected a list of messages, got `'x'`"),
        ({"messages": [3]}, r"\$.messages\[0\]: expected an object"),
        ({"messages": [{"role": "bot"}]}, r"\$.messages\[0\].role: expected one of .*got `'bot'`"),
        ({"messages": [{"role": "assistant", "content": 3}]}, r"\$.messages\[0\].content: expected text or null"),
        ({"conversations": [{"from": "x", "value": ""}]}, r"\$.conversations\[0\].from: expected one of"),
        (
            {"conversations": [{"from": "function_call", "value": "{"}]},
            r"\$.conversations\[0\].value: expected a call as JSON",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "[1]"}}]}]},
            r"arguments: expected a JSON object, got `'\[1\]'`",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{'a': 1}"}}]}]},
            r"expected a JSON object, not JSON",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"arguments": {}}}]}]},
            r"function.name: expected a tool name, got `None`",
        ),
        ({"messages": [{"role": "assistant", "tool_calls": 3}]}, r"tool_calls: expected a list, got `int`"),
    ],
)
def test_a_row_that_is_none_is_refused_by_place_and_expectation(row: Any, message: str) -> None:
    with pytest.raises(
        LayoutError, match=f"^row 0: .*{message.removeprefix('^')}" if message.startswith(r"\$") else message
    ):
        convert([row], to="hermes")


def test_openai_becomes_text_and_other_keys_stay_in_place() -> None:
    (made,) = convert([OPENAI], to="hermes")
    assert list(made) == ["id", "messages", "tools", "meta"]
    assert made["tools"] is None and made["messages"][1] == OPENAI["messages"][1]
    assert made["messages"][2] == {
        "role": "assistant",
        "content": '<tool_call>\n{"name": "now", "arguments": {"zone": "UTC"}}\n</tool_call>',
    }
    assert made["messages"][3] == {"role": "tool", "content": "<tool_response>\n12:00\n</tool_response>"}


def test_sharegpt_and_openai_say_the_same() -> None:
    (made,) = convert([SHARE], layout="openai")
    assert list(made) == ["messages", "n"]
    assert made["messages"][0] == {"role": "system", "content": "Be brief."}
    assert made["messages"][2]["tool_calls"] == [{**CALL, "id": "call_0"}]
    assert made["messages"][3] == {"role": "tool", "content": "12:00", "tool_call_id": "call_0"}
    assert made["messages"][4] == {"role": "assistant", "content": "Noon.", "loss": True}
    (back,) = convert([made], layout="sharegpt")
    assert back["conversations"][1:] == SHARE["conversations"]


def test_sharegpt_as_text_keeps_its_layout() -> None:
    (made,) = convert([SHARE], to="hermes")
    assert [turn["from"] for turn in made["conversations"]] == ["human", "gpt", "observation", "gpt"]
    assert made["conversations"][2]["value"] == "<tool_response>\n12:00\n</tool_response>"
    assert made["system"] == SHARE["system"]
    (same,) = convert([made], to="json_fence")
    assert same["conversations"][1]["value"].startswith("```json\n")


def test_parallel_calls_and_text_in_sharegpt() -> None:
    calls = [CALL, {**CALL, "id": "call_8"}]
    row = {"messages": [{"role": "assistant", "content": "Wait.", "tool_calls": calls}]}
    (made,) = convert([row], layout="sharegpt")
    assert [turn["from"] for turn in made["conversations"]] == ["gpt", "function_call"]
    assert made["conversations"][1]["value"].startswith('[{"name": "now"')


def test_trl_and_legacy_rows_are_read() -> None:
    trl = {
        "messages": [
            {"role": "assistant", "tool_calls": [{"function": {"name": "now", "arguments": {"zone": "UTC"}}}]},
            {"role": "tool", "name": "now", "content": "12"},
        ]
    }
    old = {
        "messages": [
            {"role": "assistant", "content": "", "function_call": {"name": "now", "arguments": '{"zone": "UTC"}'}},
            {"role": "function", "name": "now", "content": "12"},
        ]
    }
    for row in (trl, old):
        (made,) = convert([row], layout="openai")
        assert made["messages"][0]["tool_calls"] == [{**CALL, "id": "call_0"}]
        assert made["messages"][1] == {"role": "tool", "name": "now", "content": "12", "tool_call_id": "call_0"}
    assert "function_call" not in made["messages"][0]


def test_new_ids_avoid_the_ones_that_are_there() -> None:
    other = {"type": "function", "function": {"name": "now", "arguments": "{}"}}
    row = {"messages": [{"role": "assistant", "content": None, "tool_calls": [other, {**CALL, "id": "call_0"}]}]}
    (made,) = convert([row], layout="openai")
    assert [call["id"] for call in made["messages"][0]["tool_calls"]] == ["call_1", "call_0"]


def test_openai_that_is_canonical_stays_as_it_is() -> None:
    spaced = copy.deepcopy(OPENAI)
    spaced["messages"][2]["tool_calls"][0]["function"]["arguments"] = '{"zone":"UTC"}'
    assert convert([spaced], layout="openai") == [spaced]


def test_content_parts_of_users_pass_and_those_of_assistants_are_refused() -> None:
    parts = [{"type": "text", "text": "hi"}]
    row = {"messages": [{"role": "user", "content": parts}, OPENAI["messages"][2]]}
    assert convert([row], to="hermes")[0]["messages"][0] == {"role": "user", "content": parts}
    with pytest.raises(LayoutError, match="expected text or null"):
        convert([{"messages": [{"role": "assistant", "content": parts}]}], to="hermes")


EXTRA: dict[str, Any] = {
    "index": 0,
    "id": "call_7",
    "type": "function",
    "function": {"name": "now", "arguments": '{"zone": "UTC"}', "strict": True},
    "provider_data": {"a": [1]},
}


def test_other_keys_inside_a_call_stay_where_calls_are_spelled_so() -> None:
    row = {"messages": [{"role": "user", "content": "time?"}, {"role": "assistant", "content": None, "tool_calls": [CALL, EXTRA]}]}
    assert convert([row], layout="openai") == [row]
    (made,) = convert([row], layout="trl")
    assert made["messages"][1]["tool_calls"][1] == {**EXTRA, "function": {**EXTRA["function"], "arguments": {"zone": "UTC"}}}
    assert convert([made], layout="openai") == [row]
    (made,) = convert([row], layout="prompt_completion")
    assert made["completion"][0]["tool_calls"] == [CALL, EXTRA]


@pytest.mark.parametrize("settings", [{"to": "hermes"}, {"layout": "sharegpt"}, {"layout": "toucan"}, {"layout": "anthropic"}])
def test_other_keys_inside_a_call_are_a_loss_elsewhere(settings: dict[str, str]) -> None:
    row = {"messages": [{"role": "user", "content": "time?"}, {"role": "assistant", "content": None, "tool_calls": [CALL, EXTRA]}]}
    report = Report()
    convert([row], on_loss="ignore", report=report, **settings)
    assert [(loss.kind, loss.path) for loss in report.losses] == [
        ("key", "$.messages[1].tool_calls[1].index"),
        ("key", "$.messages[1].tool_calls[1].provider_data"),
        ("key", "$.messages[1].tool_calls[1].function.strict"),
    ]


FROM_VALUE = {"conversations": [{"from": "human", "value": "time?"}, {"from": "gpt", "value": "Noon."}]}
PLAIN: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("openai", "trl", "nemotron", "swift", "messages_text", "anthropic"), TEXT),
    **dict.fromkeys(("sharegpt", "llamafactory", "apigen_mt", "hermes_fc"), FROM_VALUE),
    "toolace": {"conversations": [{"from": "user", "value": "time?"}, {"from": "assistant", "value": "Noon."}]},
    "bfcl": {"question": [[{"role": "user", "content": "time?"}]]},
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_row_is_read_as_the_layout_that_it_is_said_to_be(name: str) -> None:
    row = PLAIN[name]
    report = Report()
    (made,) = convert([row], layout="openai", source_layout=name, report=report)
    assert [turn["content"] for turn in made["messages"]] == ["time?", "Noon."][: len(made["messages"])]
    assert report.layout == name and report.direct == 1


WRONG: list[Any] = [
    *(PLAIN.values()),
    {"body": "x"},
    {"messages": 3},
    {"messages": [3]},
    {"messages": [{"role": 3}], "system": 3},
    {"messages": [{"role": "assistant", "content": [3], "tool_calls": {"a": 1}}]},
    {"messages": "[3]", "available_tools": "3"},
    {"conversations": [{"from": "gpt"}, {"from": ["x"], "value": {}}], "tools": 3},
    {"conversations": [{"from": "gpt", "value": 3}], "system": ["x"]},
    {"question": [[3]], "ground_truth": 3},
    {"chat": 3, "system": 3},
    {"query": "x", "answers": "x"},
    {"prompt": [3], "completion": [None]},
    {"text": None},
    {},
    [],
    None,
]


@pytest.mark.parametrize("name", layouts())
def test_a_row_that_cannot_be_read_as_the_layout_is_a_reject(name: str) -> None:
    report = Report()
    for settings in ({"layout": "openai"}, {"to": "hermes"}):
        convert(WRONG, source_layout=name, on_loss="ignore", report=report, **settings)
    assert report.rejected > len(WRONG) and report.rows == 2 * len(WRONG)


THOUGHTS = {
    "<think>\nHm.\n</think>\n\nLook.": ("Hm.", "Look."),
    "<think>Hm.</think>Look.": ("Hm.", "Look."),
    "<think>\n\nHm. \n\n</think>\n": ("\nHm. \n", None),
    "<think>\n\n</think>\n\nLook.": (None, "Look."),
}


@pytest.mark.parametrize("settings", [{"to": "hermes"}, {"to": "seed_oss"}, {"layout": "hermes_fc"}, {"layout": "swift"}])
@pytest.mark.parametrize("text", THOUGHTS)
def test_a_thought_in_the_text_beside_calls_is_reasoning(text: str, settings: dict[str, str]) -> None:
    row = {"messages": [{"role": "user", "content": "time?"}, {"role": "assistant", "content": text, "tool_calls": [CALL]}]}
    report = Report()
    (made,) = convert([row], report=report, **settings)
    assert report.notice_counts["reasoning"] == 1 and not report.losses
    (back,) = convert([made], layout="openai", source=settings.get("to", "auto"))
    message = back["messages"][1]
    assert (message.get("reasoning_content"), message["content"]) == THOUGHTS[text]


@pytest.mark.parametrize("settings", [{"to": "json_fence"}, {"layout": "trl"}, {"layout": "sharegpt"}])
def test_a_thought_stays_in_the_text_where_there_is_no_reasoning_or_it_may_stand_there(settings: dict[str, str]) -> None:
    text = "<think>\nHm.\n</think>\n\nLook."
    row = {"messages": [{"role": "user", "content": "time?"}, {"role": "assistant", "content": text, "tool_calls": [CALL]}]}
    report = Report()
    (made,) = convert([row], report=report, **settings)
    (back,) = convert([made], layout="openai", source=settings.get("to", "auto"))
    assert back["messages"][1]["content"] == text and not report.notice_counts["reasoning"]


def test_an_unknown_layout_suggests_near_ones() -> None:
    with pytest.raises(LayoutError, match=r"unknown layout; did you mean openai\? known: .*: `open-ai`"):
        get_layout("open-ai")
