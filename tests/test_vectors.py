"""What public chat templates write (../shared/vectors): read to the original calls, and rendered back byte for byte where the template is canonical.

Every exception stands in a table with its reason, and a table entry that no longer applies fails the test: nothing is excused in silence.
"""

import functools
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import toolfmt
from toolfmt.ir import same

Row = dict[str, Any]

FORMAT_OF = {"qwen3_coder": "qwen3_coder", "hermes": "hermes", "xlam_json": "xlam"}
JSON_LITERALS = {"trl:qwen3_6", "trl:qwen3_6_training", "ollama:qwen3coder"}
TEMPLATES = (
    "Salesforce:xLAM-2-3b-fc-r (as quoted in a public document)",
    "llama.cpp:NVIDIA-Nemotron-3-Nano-30B-A3B",
    "llama.cpp:NousResearch-Hermes-2-Pro-Llama-3-8B",
    "llama.cpp:Qwen2.5-7B-Instruct",
    "llama.cpp:Qwen3-0.6B",
    "llama.cpp:Qwen3-Coder",
    "llama.cpp:Qwen3.5-4B",
    "llama.cpp:SmolLM3-3B",
    "llama.cpp:StepFun3.5-Flash",
    "llama.cpp:granite-4.0",
    "ollama:functiongemma",
    "ollama:qwen3coder",
    "trl:qwen3_6",
    "trl:qwen3_6_training",
    "trl:qwen3_instruct_2507",
    "trl:qwen3_training",
    "vllm:hermes",
    "vllm:qwen3coder",
    "vllm:xlam_llama",
    "vllm:xlam_qwen",
)

WRONG_CALLS = {
    # The value holds `\n</parameter>\n<parameter=`: the template writes what no reader can tell from two arguments, and `render` refuses it.
    (template, "lookalike_parameter", 0)
    for template in TEMPLATES
    if template
    in {
        "llama.cpp:NVIDIA-Nemotron-3-Nano-30B-A3B", "llama.cpp:Qwen3-Coder", "llama.cpp:Qwen3.5-4B", "llama.cpp:StepFun3.5-Flash",
        "ollama:qwen3coder", "trl:qwen3_6", "trl:qwen3_6_training", "vllm:qwen3coder",
    }
}  # fmt: skip

ROUGH_START = {
    # `assistant_text_method` is after_longest_common_prefix: the text begins with the end of the turn before and this turn's header.
    (template, conversation, turn)
    for template in ("llama.cpp:NousResearch-Hermes-2-Pro-Llama-3-8B", "vllm:hermes")
    for conversation, turn in (
        ("multi_turn", 1),
        ("multi_turn_two_steps", 1),
        ("multi_turn_two_steps", 2),
        ("user_after_result", 1),
    )
}

OTHER_SPELLING = {
    "llama.cpp:NVIDIA-Nemotron-3-Nano-30B-A3B": "`</think>` without its newlines, one newline before a call, one after the last",
    "llama.cpp:StepFun3.5-Flash": "one newline after `</think>`, calls glued to the text and to each other",
}
"""Templates of which no output is canonical."""

OTHER_LINES = {
    "ollama:functiongemma": "null is written `<nil>`",
    "ollama:qwen3coder": "a newline stands before the first call of a message that has no text",
}
"""Templates of which only some outputs are canonical; the lines are `other_line`'s."""


def holds_null(value: object) -> bool:
    if isinstance(value, dict | list):
        return any(map(holds_null, value.values() if isinstance(value, dict) else value))
    return value is None


def other_line(row: Row, content: str, calls: list[toolfmt.ToolCall]) -> bool:
    if row["template"] == "ollama:functiongemma":
        return any(holds_null(call.arguments) for call in calls)
    if row["template"] == "ollama:qwen3coder":
        return bool(calls) and not content
    return False


def format_of(row: Row) -> str:
    if row["template"] == "ollama:functiongemma":
        return "functiongemma"
    return "qwen_xml" if row["template"] in JSON_LITERALS else FORMAT_OF[row["family"]]


@functools.cache
def read(shared: Path) -> tuple[dict[str, Row], dict[str, list[Row]]]:
    conversations: dict[str, Row] = {}
    rows: dict[str, list[Row]] = defaultdict(list)
    with (shared / "vectors" / "conversations.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["kind"] == "conversation":
                conversations[row["conversation_id"]] = row
            elif row["template"] in TEMPLATES:
                rows[row["template"]].append(row)
    return conversations, rows


def kept(shared: Path, template: str) -> Iterator[tuple[Row, list[Row] | None, str, list[toolfmt.ToolCall]]]:
    """Each text whose calls the template kept: row, tools, content, calls."""
    conversations, rows = read(shared)
    for row in rows[template]:
        if "error" in row or not row["all_call_names_in_text"]:
            continue
        conversation = conversations[row["conversation_id"]]
        message = conversation["messages"][row["message_index"]]
        calls = [
            toolfmt.ToolCall(name=call["function"]["name"], arguments=call["function"]["arguments"])
            for call in message.get("tool_calls") or []
        ]
        yield row, conversation["tools"] or None, message.get("content") or "", calls


def key(row: Row) -> tuple[str, str, int]:
    return row["template"], row["conversation_id"], row["turn"]


def test_no_template_is_left_out(shared: Path) -> None:
    with (shared / "vectors" / "conversations.jsonl").open(encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row["kind"] == "vector"]
    ours = {row["template"] for row in rows if row["family"] in FORMAT_OF} | {"ollama:functiongemma"}
    assert ours == set(TEMPLATES)


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_calls_are_read(shared: Path, template: str) -> None:
    count, wrong = 0, set()
    for row, tools, _, calls in kept(shared, template):
        count += 1
        name = format_of(row)
        model_text = row["assistant_text"][: row["model_text_length"]]
        for text in (model_text, row["assistant_text"]):
            parsed = toolfmt.parse(text, name, tools=tools)
            if list(parsed.calls) != calls:
                wrong.add(key(row))
                continue
            assert not parsed.malformed
            assert not parsed.truncated
            stream = toolfmt.stream(name, tools=tools)
            for i in range(0, len(text), 4):
                stream.feed(text[i : i + 4])
            stream.close()
            assert stream.parsed == parsed
    assert wrong == {entry for entry in WRONG_CALLS if entry[0] == template}
    assert count >= (5 if "SmolLM3" in template else 30)


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_end_marker_is_read(shared: Path, template: str) -> None:
    unended = set()
    for row, tools, _, _ in kept(shared, template):
        text, length = row["assistant_text"], row["model_text_length"]
        if length == len(text):
            continue
        parsed = toolfmt.parse(text, format_of(row), tools=tools)
        if not parsed.ended:
            unended.add(text[length:])
        assert parsed.parts == toolfmt.parse(text[:length], format_of(row), tools=tools).parts
    assert not unended


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_text_beside_calls_is_kept(shared: Path, template: str) -> None:
    wrong, count = set(), 0
    for row, tools, content, _ in kept(shared, template):
        if key(row) in WRONG_CALLS:
            continue
        for text in (row["assistant_text"][: row["model_text_length"]], row["assistant_text"]):
            parsed = toolfmt.parse(text, format_of(row), tools=tools)
            if row["content_in_text"]:
                count += 1
                if parsed.text != content:
                    wrong.add(key(row))
            elif parsed.text:
                wrong.add(key(row))
    assert wrong == {entry for entry in ROUGH_START if entry[0] == template}
    assert count


@pytest.mark.parametrize("template", TEMPLATES)
def test_canonical_text_is_rendered_back(shared: Path, template: str) -> None:
    same_text, other, count = 0, set(), 0
    expected = set()
    for row, tools, content, calls in kept(shared, template):
        if key(row) in WRONG_CALLS:
            continue
        count += 1
        text = row["assistant_text"][: row["model_text_length"]]
        name = format_of(row)
        rendered = toolfmt.render(toolfmt.parse(text, name, tools=tools).message, name, tools=tools)
        if rendered in (text, "<think>\n" + text):
            same_text += 1
        else:
            other.add(key(row))
        if template in OTHER_SPELLING or other_line(row, content, calls):
            expected.add(key(row))
    assert other == expected
    assert bool(expected) == (template in OTHER_SPELLING or template in OTHER_LINES)
    assert same_text + len(other) == count
    assert same_text or template in OTHER_SPELLING


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_calls_are_written_as_the_template_writes_them(shared: Path, template: str) -> None:
    """From the original message, not from what was read."""
    if template in OTHER_SPELLING or template in OTHER_LINES:
        pytest.skip("not canonical")
    count = 0
    for row, tools, content, calls in kept(shared, template):
        if key(row) in WRONG_CALLS:
            with pytest.raises(toolfmt.UnrepresentableError):
                toolfmt.render(calls, format_of(row), tools=tools)
            continue
        if not calls or (content and not row["content_in_text"]) or key(row) in ROUGH_START:
            continue
        count += 1
        parts = ([toolfmt.Text(text=content)] if content else []) + calls
        rendered = toolfmt.render(parts, format_of(row), tools=tools)
        assert row["assistant_text"][: row["model_text_length"]].endswith(rendered)
    assert count >= 5 or "SmolLM3" in template


# -- FunctionGemma: the publisher's cases


OPENS, CLOSES = "<start_function_call>", "<end_function_call>"


def cases(shared: Path, kind: str) -> list[Row]:
    lines = (shared / "vectors" / "functiongemma_cases.jsonl").read_text(encoding="utf-8").splitlines()
    found = [case for case in map(json.loads, lines) if case["kind"] == kind]
    assert found
    return found


def streamed(text: str, size: int) -> toolfmt.Parsed:
    stream = toolfmt.stream("functiongemma")
    for i in range(0, len(text), size):
        stream.feed(text[i : i + size])
    stream.close()
    return stream.parsed


def test_functiongemma_parse(shared: Path) -> None:
    for case in cases(shared, "parse"):
        text = OPENS + case["text"] + CLOSES
        for parsed in (toolfmt.parse(text, "functiongemma"), *(streamed(text, size) for size in (1, 2, 5, 13))):
            [call] = parsed.parts
            assert isinstance(call, toolfmt.ToolCall)
            assert call.name == case["name"]
            assert same(call.arguments, case["arguments"])


def test_functiongemma_invalid(shared: Path) -> None:
    for case in cases(shared, "invalid"):
        text = OPENS + case["text"] + CLOSES
        for parsed in (toolfmt.parse(text, "functiongemma"), *(streamed(text, size) for size in (1, 2, 5, 13))):
            [part] = parsed.parts
            assert isinstance(part, toolfmt.Malformed), case["note"]
            assert part.raw == text


def test_functiongemma_write_value(shared: Path) -> None:
    for case in cases(shared, "write_value"):
        call = toolfmt.ToolCall(name="f", arguments={"v": case["value"]})
        assert toolfmt.render(call, "functiongemma") == f"{OPENS}call:f{{v:{case['text']}}}{CLOSES}"


def test_functiongemma_write_tool(shared: Path) -> None:
    fmt = toolfmt.get_format("functiongemma")
    for case in cases(shared, "write_tool"):
        tool = toolfmt.Tool(**case["tool"].get("function", case["tool"]))
        written = f"<start_function_declaration>{case['text']}<end_function_declaration>"
        assert fmt.write_tool(tool) == written
        if tool.parameters:  # `read_tools` says {} in full
            assert toolfmt.describe_tools([case["tool"]], "functiongemma").endswith(written)
