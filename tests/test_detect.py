"""`toolfmt.detect`: every format recognises what it writes, twins are told apart by rule, and hostile text does no harm."""

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vector_cases import FORMAT_OF, judged

from toolfmt.api import render
from toolfmt.detect import Detection, _candidates, detect, may_call
from toolfmt.ir import Message, Text, ToolCall
from toolfmt.registry import every_format, formats, get_format

NAMES = [info.name for info in formats()]
CALL = ToolCall(name="run_command", arguments={"command": "grep -r x .", "flag": True, "n": 3})
STRINGS = ToolCall(name="run_command", arguments={"command": "grep -r x ."})


MARKS = sorted({mark for fmt in every_format() for mark in fmt.opens})


@given(st.lists(st.sampled_from([*MARKS, "a", " ", "\n"]), max_size=4).map("".join))
def test_candidates_are_the_formats_whose_marks_stand_in_a_text(text: str) -> None:
    assert _candidates(text) == [fmt for fmt in every_format() if may_call(text, fmt)]


def best(text: str) -> str:
    return detect(text)[0].format


@pytest.mark.parametrize("name", NAMES)
def test_a_format_is_recognised_by_what_it_writes(name: str) -> None:
    call = CALL.model_copy(update={"id": get_format(name).new_id(CALL.name, 0)})
    found = {detection.format: detection for detection in detect(render(call, name))}
    top = max(detection.score for detection in found.values())
    assert found[name].score == top or name == "functiongemma_vllm"
    assert all(isinstance(d, Detection) and 0 < d.score <= 1 and d.calls and d.reason for d in found.values())


@pytest.mark.parametrize(
    ("text", "name", "word"),
    [
        (
            "<tool_call>\n<function=f>\n<parameter=a>\nTrue\n</parameter>\n</function>\n</tool_call>",
            "qwen3_coder",
            "the values speak for it (1)",
        ),
        (
            "<tool_call>\n<function=f>\n<parameter=a>\nnull\n</parameter>\n</function>\n</tool_call>",
            "qwen_xml",
            "the values speak for it (1)",
        ),
        (
            "<tool_call>\n<function=f>\n<parameter=a>\nx is True\n</parameter>\n</function>\n</tool_call>",
            "qwen_xml",
            "qwen3_coder",
        ),
        ("<start_function_call>call:f{a:1}<end_function_call>", "functiongemma", "call"),
        ('Look:\n\n```json\n{"name": "f", "arguments": {}}\n```', "json_fence", "call"),
        ('```json\n[{"name": "f", "arguments": {}}]\n```', "json_fence", "call"),
        ('[{"name": "f", "arguments": {}}]', "xlam", "call"),
        ('<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>', "hermes", "call"),
        ('{"tool_calls": [{"name": "f", "arguments": {}}]}', "xlam_v1", "call"),
    ],
)
def test_twins_are_told_apart_and_the_reason_says_how(text: str, name: str, word: str) -> None:
    found = detect(text)
    assert found[0].format == name
    assert word in found[0].reason


def test_where_twins_spell_alike_the_safe_one_is_first_with_the_same_score() -> None:
    first, second = detect(render(STRINGS, "qwen_xml"))[:2]
    assert (first.format, second.format) == ("qwen_xml", "qwen3_coder")
    assert first.score == second.score


@pytest.mark.parametrize(
    "text", ["", "  ", "hello", "```json\n{}\n```", "[1, 2]", '```json\n{"a": 1}\n```', "<tool_call>"]
)
def test_text_without_calls_is_in_no_format(text: str) -> None:
    assert detect(text) == []


def test_rows_of_any_layout_and_broken_ones() -> None:
    text = render(CALL, "hermes")
    rows: list[Any] = [
        {"messages": [{"role": "assistant", "content": text}]},
        {"conversations": [{"from": "gpt", "value": text}]},
        {"prompt": "x"},
        None,
    ]
    assert detect(rows)[0].format == "hermes"
    assert detect(rows)[0].calls == 2
    assert detect(rows[0])[0].calls == 1


def test_broken_calls_cost_points() -> None:
    good = render(CALL, "hermes")
    assert detect(good)[0].score == 1
    assert detect(good + "\n<tool_call>\n{broken\n</tool_call>")[0].score < 1


def test_only_texts_and_rows() -> None:
    with pytest.raises(TypeError, match="takes a text or rows, got `int`"):
        detect(3)


MARKS = [
    "<tool_call>",
    "</tool_call>",
    "<function=",
    "```json\n",
    "```",
    "[",
    "{",
    '{"name": "f", "arguments": ',
    "<|tool_call|>",
    "<escape>",
    "call:f{",
    "<think>",
]


@given(st.lists(st.sampled_from([*MARKS, "\n", "x", "}", '"', "\ud800"])).map("".join))
def test_hostile_text_never_raises(text: str) -> None:
    detect(text)


@pytest.mark.slow
@pytest.mark.parametrize("mark", MARKS)
def test_hostile_text_is_read_in_linear_time(mark: str) -> None:
    start = time.perf_counter()
    detect(mark * (200_000 // len(mark)))
    assert time.perf_counter() - start < 20


@pytest.mark.parametrize(
    "name", [n for n in NAMES if not get_format(n).only_at_start and get_format(n).limits.text_before]
)
def test_prose_round_a_call_does_not_hide_it(name: str) -> None:
    text = render(Message(parts=(Text(text="I look. [1] {x}"), CALL)), name)
    assert name in {detection.format for detection in detect(text)}


AMBIGUOUS = {
    (
        "functiongemma_vllm",
        "functiongemma",
    ): "the template writes neither dialect, and strings alone look alike in both",
    ("phi4", "llama3_json"): "vLLM's template leaves `functools` out, and its bare objects are more like Llama's",
    (
        "pythonic",
        "llama4_pythonic",
    ): "vLLM's templates write Llama 3.2's and Gemma's lists in double quotes, as Llama 4 does",
    ("toolace", "pythonic"): "ToolACE's template writes containers by `repr`, as `pythonic` does",
    (
        "qwen3_coder",
        "qwen_xml",
    ): "a string that says `true` looks like Qwen3.6's boolean; nothing else tells the two apart",
}
"""What is taken for another format, and why the text alone says no better."""


@pytest.mark.slow
def test_what_public_templates_write(shared: Path) -> None:
    """The right format is named first, or second with the same score, or the pair is listed."""
    taken: dict[tuple[str, str], int] = {}
    for template, name in FORMAT_OF.items():
        for case, wrong in judged(shared / "vectors", template):
            if not case.calls or "calls" in wrong:
                continue
            found = detect(case.model_text)
            scores = {each.format: each.score for each in found}
            if found[0].format != name and scores.get(name) != found[0].score:
                taken[name, found[0].format] = taken.get((name, found[0].format), 0) + 1
    assert taken.keys() == AMBIGUOUS.keys()
    assert sum(taken.values()) < 60
