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


def test_results_are_put_in_the_order_of_their_calls_where_there_are_no_ids() -> None:
    report = Report()
    made = contents(convert(rows("call_a", "call_b", "call_c"), to="hermes", report=report))
    assert [text for text in made if "response" in text] == [f"<tool_response>\n{said}\n</tool_response>" for said in ("of f", "of g", "of f again")]
    assert report.notice_counts == {"id": 3, "order": 1}
    assert "$.messages[2]: results stand in the order of their calls now" in report.summary()


def test_results_that_name_their_tools_keep_their_order() -> None:
    report = Report()
    made = convert(rows("call_a", "call_b", "call_c"), to="functiongemma", report=report)
    assert report.notice_counts == {"id": 3}
    back = convert(made, layout="openai")[0]["messages"]
    assert [message["content"] for message in back if message["role"] == "tool"] == ["of g", "of f", "of f again"]
    calls = [call["id"] for message in back for call in message.get("tool_calls") or ()]
    assert [message["tool_call_id"] for message in back if message["role"] == "tool"] == [calls[1], calls[0], calls[2]]


@pytest.mark.parametrize("layout, wanted", [("hermes_fc", ["of g", "of f"]), ("toolace", ["of g", "of f"]), ("toucan", ["of f", "of g"])])
def test_results_in_layouts_without_ids_are_linked_by_name_else_put_in_order(layout: str, wanted: list[str]) -> None:
    report = Report()
    made = convert(rows("call_a", "call_b", "call_c"), layout=layout, report=report)
    assert report.notice_counts["order"] == (wanted[0] == "of f")
    back = convert(made, layout="openai")[0]["messages"]
    calls = {call["id"]: call["function"]["name"] for message in back for call in message.get("tool_calls") or ()}
    results = [message for message in back if message["role"] == "tool"]
    assert [message["content"] for message in results][:2] == wanted
    assert [f"of {calls[message['tool_call_id']]}" for message in results] == [*wanted, "of f"]  # "of f again" is of f
    assert {message["tool_call_id"] for message in results} == set(calls)


def test_a_link_that_neither_order_nor_name_can_tell_is_lost() -> None:
    given = rows("call_a", "call_b", "call_c")
    del given[0]["messages"][3]
    with pytest.raises(LossError, match=r"messages\[2\]: which call this answers is lost: .*`call_b`"):
        convert(given, to="hermes")
    with pytest.raises(LossError, match=r"messages\[2\]: which call this answers is lost: .*`call_b`"):
        convert(given, layout="sharegpt")


def test_a_late_result_is_linked_by_its_id() -> None:
    given = rows("call_a", "call_b", "call_c")
    messages = given[0]["messages"]
    messages.append(messages.pop(3))  # that of call_a, after the other round
    back = convert(convert(given, to="mistral_v3"), layout="openai")[0]["messages"]
    assert [message["tool_call_id"] for message in back if message["role"] == "tool"] == ["call00001", "call00002", "call00000"]
    with pytest.raises(LossError, match=r"messages\[5\]: which call this answers is lost: .*`call_a`"):
        convert(given, to="hermes")


def test_an_id_of_no_call_is_said_where_it_is_dropped() -> None:
    given = rows("call_a", "call_b", "call_c")
    given[0]["messages"][5]["tool_call_id"] = "other"
    with pytest.raises(LossError, match=r"messages\[5\]: 'other' is the id of no call before this result, and dropped"):
        convert(given, to="hermes")
    assert convert(given, layout="openai") == given


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
