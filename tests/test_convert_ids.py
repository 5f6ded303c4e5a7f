"""Call ids through `convert`: kept where the target can write them, else made, and results follow their calls; and text in frames."""

import json
from typing import Any

import pytest

from toolfmt import LossError, Report, convert, parse


def call(name: str, call_id: str | None) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": '{"n": 1}'}}


def rows(first: str | None, second: str | None, third: str | None) -> list[dict[str, Any]]:
    """Two calls at once, whose results come in the other order, then another call."""
    return [
        {
            "messages": [
                {"role": "user", "content": "go"},
                {"role": "assistant", "content": None, "tool_calls": [call("f", first), call("g", second)]},
                {"role": "tool", "tool_call_id": second, "content": "of g"},
                {"role": "tool", "tool_call_id": first, "content": "of f"},
                {"role": "assistant", "content": None, "tool_calls": [call("f", third)]},
                {"role": "tool", "tool_call_id": third, "content": "of f again"},
            ]
        }
    ]


def contents(made: Any) -> list[str]:
    return [message["content"] for message in made[0]["messages"]]


def ids(made: Any, format: str) -> list[str | None]:
    texts = [message["content"] for message in made[0]["messages"] if message["role"] == "assistant"]
    return [call.id for text in texts for call in parse(text, format).calls]


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        ("mistral_v3", ["call00000", "call00001", "call00002"]),
        ("mistral_v11", ["call00000", "call00001", "call00002"]),
        ("kimi_k2", ["functions.f:0", "functions.g:1", "functions.f:2"]),
        ("cohere", ["call_a", "call_b", "call_c"]),
    ],
)
def test_ids_that_the_target_writes_are_kept_and_others_made_anew(target: str, wanted: list[str]) -> None:
    report = Report()
    made = convert(rows("call_a", "call_b", "call_c"), to=target, report=report)
    assert ids(made, target) == wanted
    assert not report.losses
    assert report.notice_counts["id"] == (0 if target == "cohere" else 3)


def test_ids_are_lost_where_the_target_has_none_and_order_does_not_tell() -> None:
    with pytest.raises(LossError, match=r"calls\[0\].id: 'call_a' dropped: hermes has no ids"):
        convert(rows("call_a", "call_b", "call_c"), to="hermes")


def test_results_follow_their_calls() -> None:
    made = contents(convert(rows("call_a", "call_b", "call_c"), to="mistral_v3"))
    said = [
        json.loads(text.removeprefix("[TOOL_RESULTS]").removesuffix("[/TOOL_RESULTS]"))
        for text in (made[2], made[3], made[5])
    ]
    assert said == [
        {"content": "of g", "call_id": "call00001"},
        {"content": "of f", "call_id": "call00000"},
        {"content": "of f again", "call_id": "call00002"},
    ]
    made = contents(convert(rows("call_a", "call_b", "call_c"), to="kimi_k2"))
    assert "## Return of functions.g:1\nof g" in made[2] and "## Return of functions.f:0\nof f" in made[3]


def test_fitting_ids_are_kept_beside_new_ones() -> None:
    assert ids(convert(rows("call00001", "x", "y"), to="mistral_v11"), "mistral_v11") == [
        "call00001",
        "call00000",
        "call00002",
    ]


def test_there_and_back_links_the_same_results() -> None:
    back = convert(convert(rows("call_a", "call_b", "call_c"), to="mistral_v3"), layout="openai")[0]["messages"]
    calls = [call["id"] for message in back for call in message.get("tool_calls") or ()]
    answers = [message["tool_call_id"] for message in back if message["role"] == "tool"]
    assert calls == ["call00000", "call00001", "call00002"]
    assert answers == ["call00001", "call00000", "call00002"]


def test_calls_that_had_no_ids_get_some() -> None:
    text = '<tool_call>\n{"name": "f", "arguments": {"n": 1}}\n</tool_call>'
    given = [
        {
            "messages": [
                {"role": "assistant", "content": text},
                {"role": "tool", "content": "<tool_response>\nr\n</tool_response>"},
            ]
        }
    ]
    made = contents(convert(given, to="mistral_v3"))
    assert made == [
        '[TOOL_CALLS][{"name": "f", "arguments": {"n": 1}, "id": "call00000"}]',
        '[TOOL_RESULTS]{"content": "r", "call_id": "call00000"}[/TOOL_RESULTS]',
    ]


def test_an_answer_in_frames_is_text() -> None:
    turns = [
        {"role": "assistant", "content": ' to=functions.f<|channel|>commentary json<|message|>{"n": 1}<|call|>'},
        {"role": "assistant", "content": "<|channel|>final<|message|>It is 5."},
    ]
    made = contents(convert([{"messages": turns}], to="hermes"))
    assert made == ['<tool_call>\n{"name": "f", "arguments": {"n": 1}}\n</tool_call>', "It is 5."]


def test_results_of_one_message_become_messages_where_the_target_cannot_tell_them_apart() -> None:
    calls = "\n".join(f'<tool_call>\n{{"name": "{name}", "arguments": {{}}}}\n</tool_call>' for name in "fg")
    results = "<tool_response>\n1\n</tool_response>\n<tool_response>\n2\n</tool_response>"
    turns = [{"role": "assistant", "content": calls}, {"role": "user", "content": results}]
    made = convert([{"messages": turns}], to="apertus")[0]["messages"]
    assert len(made) == 3
    assert "1" in made[1]["content"] and "2" in made[2]["content"]
