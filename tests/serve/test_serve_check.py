"""The check: a good server passes, and each way of going wrong is found and named."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from serve_fake import (
    ASK,
    CHAT,
    FORMAT,
    GOOD,
    GOOD_CALL,
    GOOD_CHOICE,
    Json,
    Reply,
    as_stream,
    chunk,
    deltas,
    fake_server,
    honest,
    in_full,
    message,
)  # fmt: skip

import toolfmt
from toolfmt_train.serve.check import Checked, Prompt, Question, check
from toolfmt_train.serve.client import Client
from toolfmt_train.serve.judge import Finding

pytest.importorskip("openai")


def checked(answer: Callable[[Json], Reply], prompt: Prompt = ASK, **options: Any) -> Checked:
    """What the check says of one prompt and a server that answers so."""
    with fake_server(answer) as url:
        (one,) = check(Client(url, "tiny", seconds=20), [prompt], Question(FORMAT, **options))
    return one


def only(answer: Callable[[Json], Reply], *modes: str, prompt: Prompt = ASK) -> Finding:
    """The one problem that the check finds, in each of these modes."""
    found = checked(answer, prompt).findings
    assert [finding.mode for finding in found] == list(modes), found
    assert len({finding.problem for finding in found}) == 1
    assert all(finding.step for finding in found)
    return found[0]


def streamed(chunks: list[Json], end: bytes = b"data: [DONE]\n\n") -> Callable[[Json], Reply]:
    """A server that answers well in full, and streams this."""
    return lambda asked: as_stream(chunks, end) if asked.get("stream") else in_full(GOOD_CHOICE)


# What is right


def test_a_good_server_passes() -> None:
    one = checked(honest(GOOD_CHOICE))
    assert one.findings == ()
    assert [(call.name, call.arguments) for call in one.calls] == [(GOOD.name, GOOD.arguments)]
    assert one.right is True


def test_text_and_calls_pass() -> None:
    one = checked(honest(message("Let me set it.", calls=[GOOD_CALL, ("now", "{}")])))
    assert one.findings == ()
    assert one.right is False  # a call too many is not the server's fault


def test_text_passes_where_no_tool_fits() -> None:
    one = checked(honest(message("You are welcome.")), CHAT)
    assert one.findings == () and one.right is True


def test_arguments_may_be_spelled_otherwise_in_the_stream() -> None:
    tight = message(calls=[("set_level", '{"level":5,"on":true,"tag":"5"}')])
    assert checked(streamed(deltas(tight))).findings == ()


def test_what_is_asked() -> None:
    """In full, as a stream, and with the call and a result; all greedy."""
    asked: list[Json] = []

    def answer(request: Json) -> Reply:
        asked.append(request)
        return honest(GOOD_CHOICE)(request)

    checked(answer, max_tokens=99)
    assert [request.get("stream", False) for request in asked] == [False, True, False]
    assert {request["temperature"] for request in asked} == {0}
    assert [tool["function"]["name"] for tool in asked[0]["tools"]] == ["set_level", "now"]
    assert asked[0]["max_tokens"] == 99 and "structured_outputs" not in asked[0]
    said, result = asked[2]["messages"][-2:]
    assert said["tool_calls"][0]["id"] == result["tool_call_id"] == "c0"
    assert said["tool_calls"][0]["function"]["arguments"] == GOOD_CALL[1]


def test_a_grammar_is_sent() -> None:
    asked: list[Json] = []

    def answer(request: Json) -> Reply:
        asked.append(request)
        return honest(GOOD_CHOICE)(request)

    assert checked(answer, grammar=True).findings == ()
    wanted = toolfmt.grammar_for(ASK.tools, FORMAT).text
    assert [request.get("structured_outputs") for request in asked] == [{"grammar": wanted}, {"grammar": wanted}, None]
    assert asked[0]["tool_choice"] == "auto"


def test_under_a_grammar_every_prompt_calls() -> None:
    one = checked(honest(message("You are welcome.")), CHAT, grammar=True)
    assert [finding.problem for finding in one.findings] == ["no call arrived"] * 2
    assert "--grammar" not in one.findings[0].step


# Calls in the content


@pytest.mark.parametrize("format", ("json_fence", "hermes", "functiongemma", "xlam"))
def test_a_call_in_the_content(format: str) -> None:
    found = only(honest(message(toolfmt.render(GOOD, format))), "full", "stream")
    assert found.problem == "no call arrived"
    assert f"the content as {format} while the server reads {FORMAT}" in found.reason
    assert f"toolfmt convert --to {FORMAT}" in found.step and format in found.step
    assert found.arrived == toolfmt.render(GOOD, format)


def test_a_call_in_the_format_that_the_server_should_read() -> None:
    found = only(honest(message("So:\n" + toolfmt.render(GOOD, FORMAT))), "full", "stream")
    assert found.problem == "no call arrived"
    assert f"as {FORMAT}, which the server should read" in found.reason
    assert "--tool-call-parser" in found.step


def test_half_a_call_in_the_content() -> None:
    found = only(honest(message("<tool_call>\n<function=set_level>\n")), "full", "stream")
    assert found.problem == "broken call"
    assert "a broken call in qwen_xml" in found.reason and "--grammar" in found.step


def test_half_a_call_that_the_stream_begins() -> None:
    """What the arguments are no JSON for, and how the two ways differ, follows from it."""
    raw = "<tool_call>\n<function=set_level>\n<parameter=level>\n5\n"
    begun = message(raw, calls=[("set_level", '{"level": 5')], finish="stop")
    one = checked(lambda asked: as_stream(deltas(begun)) if asked.get("stream") else in_full(message(raw)))
    assert [(found.mode, found.problem) for found in one.findings] == [
        ("full", "broken call"),
        ("stream", "broken call"),
    ]


@pytest.mark.parametrize("mark", ("</tool_call>", "<|im_end|>", "<end_function_call>"))
@pytest.mark.parametrize("prompt", (ASK, CHAT), ids=("call", "text"))
def test_a_mark_in_the_content(mark: str, prompt: Prompt) -> None:
    calls = [GOOD_CALL] if prompt.calls else None
    found = only(honest(message(f"Done.{mark}", calls=calls)), "full", "stream", prompt=prompt)
    assert found.problem == ("leaks into content" if calls else "no call arrived") or not prompt.calls
    assert f"`{mark}`" in found.reason


def test_a_mark_that_only_the_stream_shows() -> None:
    """As vLLM does where the mark is spelled in several tokens."""
    leaking = message("<tool_call>\n", calls=[GOOD_CALL])
    one = checked(lambda asked: as_stream(deltas(leaking)) if asked.get("stream") else in_full(GOOD_CHOICE))
    assert [(found.mode, found.problem) for found in one.findings] == [
        ("stream", "leaks into content"),
        ("stream", "differs"),
    ]
    assert one.findings[0].reason == "the mark `<tool_call>` stands in the content"


def test_text_that_only_looks_like_a_call() -> None:
    """Of no tool that was offered."""
    example = toolfmt.ToolCall(name="left-pad", arguments={"version": "1.3.0"})
    assert checked(honest(message(toolfmt.render(example, "json_fence"))), CHAT).findings == ()


def test_text_instead_of_a_call() -> None:
    found = only(honest(message("I set it to five.")), "full", "stream")
    assert found.problem == "no call arrived"
    assert "the model answered with text" in found.reason and found.arrived == "I set it to five."


def test_a_call_that_is_swallowed() -> None:
    """vLLM's qwen3_xml parser does, in full, with a call in hermes."""
    body = json.dumps({"choices": [message("")], "usage": {"completion_tokens": 31}}).encode()
    one = checked(
        lambda asked: as_stream(deltas(GOOD_CHOICE)) if asked.get("stream") else (200, "application/json", body)
    )
    assert [(found.mode, found.problem) for found in one.findings] == [
        ("full", "no call arrived"),
        ("stream", "differs"),
    ]
    assert "wrote 31 tokens and nothing of them arrived" in one.findings[0].reason


# Calls that are wrong


def test_types_that_were_lost() -> None:
    found = only(honest(message(calls=[("set_level", '{"level": "5", "on": "true", "tag": "5"}')])), "full", "stream")
    assert found.problem == "breaks the schema"
    assert "`level`, `on` came as a string" in found.reason and "$.calls[0].arguments.level" in found.reason


def test_a_value_out_of_bounds() -> None:
    found = only(honest(message(calls=[("set_level", '{"level": 99, "on": true, "tag": "5"}')])), "full", "stream")
    assert found.problem == "breaks the schema"
    assert "99" in found.reason and "came as a string" not in found.reason


def test_a_tool_that_is_not_there() -> None:
    found = only(honest(message(calls=[("set_volume", "{}")])), "full", "stream")
    assert found.problem == "unknown tool"
    assert "`set_volume`; offered: set_level, now" in found.reason


@pytest.mark.parametrize(
    "arguments, why", (('{"level": 5', "no JSON:"), ("[5]", "no JSON object: list"), ("", "no JSON:"))
)
def test_arguments_that_are_none(arguments: str, why: str) -> None:
    found = only(honest(message(calls=[("set_level", arguments)])), "full", "stream")
    assert found.problem == "bad arguments" and why in found.reason


def test_arguments_that_are_no_text() -> None:
    choice = message(calls=[("set_level", GOOD.arguments)])
    found = only(lambda asked: as_stream(deltas(GOOD_CHOICE)) if asked.get("stream") else in_full(choice), "full")
    assert found.problem == "no answer" and "function.arguments: Input should be a valid string" in found.reason


def test_a_finish_reason_that_hides_the_call() -> None:
    found = only(honest(message(calls=[GOOD_CALL], finish="stop")), "full", "stream")
    assert found.problem == "wrong finish_reason" and "`stop`" in found.reason


def test_an_answer_that_was_cut_off() -> None:
    found = only(honest(message("<tool_call>\n<function=set_l", finish="length")), "full", "stream")
    assert found.problem == "cut off" and "--max-tokens" in found.step


def test_a_call_in_the_content_of_an_answer_that_was_cut_off() -> None:
    found = checked(honest(message(toolfmt.render(GOOD, "json_fence"), finish="length"))).findings
    assert [(one.mode, one.problem) for one in found] == [
        (mode, problem) for mode in ("full", "stream") for problem in ("no call arrived", "cut off")
    ]


def test_half_a_call_that_is_passed_on_as_a_whole_one() -> None:
    """vLLM's qwen3_xml parser does, in full."""
    half = message(calls=[("set_level", '{"level": 5}')])
    body = json.dumps({"choices": [half], "usage": {"prompt_tokens": 1, "completion_tokens": 256, "total_tokens": 257}})
    cut = message(calls=[("set_level", '{"level": 5')], finish="length")
    one = checked(
        lambda asked: as_stream(deltas(cut)) if asked.get("stream") else (200, "application/json", body.encode())
    )
    assert [(found.mode, found.problem) for found in one.findings] == [("full", "cut off"), ("stream", "cut off")]
    assert "finish_reason `tool_calls`" in one.findings[0].reason and "finish_reason" not in one.findings[1].reason
    assert one.calls == ()


# Streams that are wrong

HEAD = {"index": 0, "id": "c", "type": "function", "function": {"name": "set_level", "arguments": ""}}


def piece(**fields: Any) -> Json:
    return chunk({"tool_calls": [fields]})


@pytest.mark.parametrize(
    "chunks, why",
    (
        (deltas(GOOD_CHOICE)[:-1], "the stream broke off"),
        ([], "the stream broke off: 0 chunks"),
        ([piece(**HEAD | {"id": None}), *deltas(GOOD_CHOICE)[-1:]], "chunk 0 of the stream: call 0 begins without an id"),
        ([piece(index=0, id="c", function={"arguments": "{}"})], "call 0 begins without its name"),
        ([piece(**HEAD), piece(**HEAD)], "the name of call 0 comes twice"),
        ([piece(**HEAD), piece(**HEAD | {"index": 2})], "index 2 after 1 calls"),
        ([*deltas(GOOD_CHOICE), chunk({"content": "x"})], "comes after the finish_reason `tool_calls`"),
        ([{"error": {"message": "engine died"}}], "engine died"),
        ([{"choices": [{"index": 0, "delta": {"content": 5}}]}], "choices.0.delta.content: Input should be a valid string"),
    ),
)  # fmt: skip
def test_a_broken_stream(chunks: list[Json], why: str) -> None:
    found = only(streamed(chunks), "stream")
    assert found.problem == "no answer" and why in found.reason


def test_a_stream_of_no_json() -> None:
    assert "JSONDecodeError" in only(streamed([], b'data: {"choi\n\n'), "stream").reason


def test_a_stream_that_cuts_the_arguments() -> None:
    found = checked(streamed([*deltas(GOOD_CHOICE)[:-2], deltas(GOOD_CHOICE)[-1]])).findings
    assert [(one.mode, one.problem) for one in found] == [("stream", "bad arguments"), ("stream", "differs")]


@pytest.mark.parametrize(
    "other, part",
    (
        (message(calls=[("set_level", '{"level": 6, "on": true, "tag": "5"}')]), "call"),
        (message(calls=[GOOD_CALL, ("now", "{}")]), "call"),
        (message("Let me see.", calls=[GOOD_CALL]), "content"),
    ),
)
def test_a_stream_that_says_something_else(other: Json, part: str) -> None:
    found = only(streamed(deltas(other)), "stream")
    assert found.problem == "differs" and f"another {part}" in found.reason


def test_types_count_in_the_comparison() -> None:
    choice = message(calls=[("set_level", '{"level": 5.0, "on": true, "tag": "5"}')])
    assert only(streamed(deltas(choice)), "stream").problem == "differs"


# Servers that are wrong


def test_a_server_that_refuses() -> None:
    refusal = json.dumps({"error": {"message": "no tools here", "type": "x"}}).encode()
    found = only(lambda _: (400, "application/json", refusal), "full", "stream")
    assert found.problem == "no answer" and "no tools here" in found.reason


def test_a_server_that_refuses_results() -> None:
    def answer(asked: Json) -> Reply:
        if asked["messages"][-1]["role"] == "tool":
            return 400, "application/json", b'{"error": {"message": "unknown role"}}'
        return honest(GOOD_CHOICE)(asked)

    found = only(answer, "follow-up")
    assert found.problem == "no answer" and "unknown role" in found.reason


def test_a_server_of_something_else() -> None:
    found = checked(lambda _: (200, "text/html", b"<html>")).findings
    assert [(one.mode, one.problem) for one in found] == [("full", "no answer"), ("stream", "no answer")]
    assert "no JSON object" in found[0].reason
