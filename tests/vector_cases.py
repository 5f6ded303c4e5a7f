"""What public chat templates wrote (../shared/vectors), each text beside the message it was written from, and how toolfmt fares on it.

`judge` says of one text on which aspects toolfmt and the template differ; `vector_decisions` says why.
"""

import functools
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import toolfmt
from toolfmt.format import Format
from toolfmt.ir import Part, Reasoning, Text, ToolCall

__all__ = ["ASPECTS", "FORMAT_OF", "NO_FORMAT", "SELECT", "Case", "cases_of", "judge", "judged", "templates"]

ASPECTS = {
    "calls": "the calls are read, names, values and types; nothing is malformed or truncated",
    "stream": "what is streamed by four characters is the same",
    "ids": "the ids that the template was given are read, where the format has ids",
    "end": "the end-of-turn marker is recognised, and changes nothing",
    "text": "the text beside calls is read as it was, nothing more",
    "reasoning": "the reasoning that the text shows is read as it was, nothing more",
    "rendered": "what was read is rendered back byte for byte",
    "written": "the message that the template was given is rendered to the same bytes",
}
"""What is compared.  Where `calls` differ the rest is not looked at."""

FORMAT_OF = {
    "Salesforce:xLAM-2-3b-fc-r (as quoted in a public document)": "xlam",
    "llama.cpp:Apertus-8B-Instruct": "apertus",
    "llama.cpp:ByteDance-Seed-OSS": "seed_oss",
    "llama.cpp:DeepSeek-V3.1": "deepseek_v31",
    "llama.cpp:DeepSeek-V3.2": "dsml",
    "llama.cpp:GLM-4.6": "glm45",
    "llama.cpp:GLM-4.7-Flash": "glm47",
    "llama.cpp:Kimi-K3": "kimi_k3",
    "llama.cpp:LFM2.5-Instruct": "lfm2",
    "llama.cpp:Llama-3.1-8B-Instruct": "llama3_json",
    "llama.cpp:Llama-3.2-3B-Instruct": "llama3_json",
    "llama.cpp:MiniMax-M1": "minimax_m1",
    "llama.cpp:MiniMax-M2": "minimax_m2",
    "llama.cpp:MiniMax-M3": "minimax_m3",
    "llama.cpp:Ministral-3-14B-Reasoning": "mistral_v13",
    "llama.cpp:Mistral-Nemo-Instruct-2407": "mistral_v3",
    "llama.cpp:Mistral-Small-3.2-24B": "mistral_v11",
    "llama.cpp:NVIDIA-Nemotron-3-Nano-30B-A3B": "qwen3_coder",
    "llama.cpp:NousResearch-Hermes-2-Pro-Llama-3-8B": "hermes",
    "llama.cpp:Qwen2.5-7B-Instruct": "hermes",
    "llama.cpp:Qwen3-0.6B": "hermes",
    "llama.cpp:Qwen3-Coder": "qwen3_coder",
    "llama.cpp:Qwen3.5-4B": "qwen3_coder",
    "llama.cpp:SmolLM3-3B": "hermes",
    "llama.cpp:StepFun3.5-Flash": "qwen3_coder",
    "llama.cpp:command-r7b-12-2024": "cohere",
    "llama.cpp:functionary-medium-v3.1": "functionary_v31",
    "llama.cpp:google-gemma-4-31B-it": "gemma4",
    "llama.cpp:gpt-oss-120b": "harmony",
    "llama.cpp:granite-3.3-2B": "granite",
    "llama.cpp:granite-4.0": "hermes",
    "llama.cpp:moonshotai-Kimi-K2": "kimi_k2",
    "ollama:functiongemma": "functiongemma",
    "ollama:qwen3coder": "qwen_xml",
    "trl:deepseekv3": "deepseek_v3",
    "trl:lfm2_2_5": "lfm2",
    "trl:qwen3_6": "qwen_xml",
    "trl:qwen3_6_training": "qwen_xml",
    "trl:qwen3_instruct_2507": "hermes",
    "trl:qwen3_training": "hermes",
    "unsloth:gemma-4": "gemma4",
    "vllm:deepseekv3": "deepseek_v3",
    "vllm:deepseekv31": "deepseek_v31",
    "vllm:functiongemma": "functiongemma_vllm",
    "vllm:gemma3_pythonic": "pythonic",
    "vllm:gemma4": "gemma4",
    "vllm:hermes": "hermes",
    "vllm:internlm2": "internlm2",
    "vllm:llama3.1_json": "llama3_json",
    "vllm:llama3.2_pythonic": "pythonic",
    "vllm:llama4_json": "llama3_json",
    "vllm:llama4_pythonic": "llama4_pythonic",
    "vllm:mistral": "mistral_v3",
    "vllm:phi4_mini": "phi4",
    "vllm:qwen3coder": "qwen3_coder",
    "vllm:toolace": "toolace",
    "vllm:xlam_llama": "xlam",
    "vllm:xlam_qwen": "xlam",
}
"""The templates, and the format that each writes."""

NO_FORMAT = {
    "llama.cpp:functionary-medium-v3.2": (
        "functionary_v32",
        "A bare name stands on the first line and its arguments on the next, `get_weather\\n{...}`, a text behind `all`: toolfmt has no such format.",
    ),
}
"""Templates that write what toolfmt does not read: the name that such a format would have, and the reason."""

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Case:
    """A text that a template wrote, and the message it was written from."""

    template: str
    key: str
    """``conversation:turn``."""
    text: str
    length: int
    """``text[:length]`` is without the end-of-turn marker."""
    tools: list[Any] | None
    content: str
    """The text beside calls, where the template kept it."""
    reasoning: str
    """The reasoning, where the template kept it."""
    calls: tuple[ToolCall, ...]
    """With the ids that the template was given."""
    rough: bool
    """The text may begin with the end of the turn before, or with this turn's header."""

    @property
    def model_text(self) -> str:
        return self.text[: self.length]

    @property
    def parts(self) -> list[Part]:
        """The message, as far as the template kept it."""
        thought = [Reasoning(text=self.reasoning)] if self.reasoning else []
        return [*thought, *([Text(text=self.content)] if self.content else []), *self.calls]


def holds(value: object, test: Callable[[object], bool]) -> bool:
    """Whether the test holds of the value, or of a value in it."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return test(value) or any(holds(item, test) for item in inside)


def anywhere(test: Callable[[object], bool]) -> Callable[[Case], bool]:
    return lambda case: any(holds(call.arguments, test) for call in case.calls)


SELECT: Mapping[str, Callable[[Case], bool]] = {
    "@all": lambda case: True,
    "@calls": lambda case: bool(case.calls),
    "@calls alone": lambda case: bool(case.calls) and not case.content,
    "@calls and text": lambda case: bool(case.calls) and bool(case.content),
    "@text": lambda case: bool(case.content),
    "@null": anywhere(lambda value: value is None),
    "@unsorted": anywhere(lambda value: isinstance(value, dict) and list(value) != sorted(value)),
    "@strings": anywhere(lambda value: isinstance(value, str)),
    "@string arguments": lambda case: any(
        isinstance(value, str) for call in case.calls for value in call.arguments.values()
    ),
    "@rough start": lambda case: case.rough,
}
"""Kinds of cases, by name."""


@functools.cache
def _rows(folder: Path) -> tuple[dict[str, Row], dict[str, list[Row]]]:
    conversations: dict[str, Row] = {}
    rows: dict[str, list[Row]] = defaultdict(list)
    with (folder / "conversations.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["kind"] == "conversation":
                conversations[row["conversation_id"]] = row
            else:
                rows[row["template"]].append(row)
    return conversations, rows


def templates(folder: Path) -> set[str]:
    return set(_rows(folder)[1])


@functools.cache
def cases_of(folder: Path, template: str) -> tuple[Case, ...]:
    """Each text of the template in which no call was left out."""
    conversations, rows = _rows(folder)
    return tuple(
        _case(row, conversations[row["conversation_id"]])
        for row in rows[template]
        if "error" not in row and row["all_call_names_in_text"]
    )


def _case(row: Row, conversation: Row) -> Case:
    index, length = row["message_index"], row["model_text_length"]
    message = conversation["messages"][index]
    earlier = sum(len(each.get("tool_calls") or ()) for each in conversation["messages"][:index])
    thought = message.get("reasoning_content") or ""
    return Case(
        template=row["template"],
        key=f"{row['conversation_id']}:{row['turn']}",
        text=row["assistant_text"],
        length=length,
        tools=conversation["tools"] or None,
        content=(message.get("content") or "") if row["content_in_text"] else "",
        reasoning=thought if thought in row["assistant_text"][:length] else "",
        calls=tuple(
            ToolCall(**call["function"], id=_given_id(row["tool_call_id_form"], call["function"]["name"], i, earlier))
            for i, call in enumerate(message.get("tool_calls") or ())
        ),
        rough=row["assistant_text_method"] in ("after_previous_messages", "after_longest_common_prefix"),
    )


def _given_id(form: str, name: str, index: int, earlier: int) -> str | None:
    return {"nine": f"call{earlier + index:05}", "kimi": f"functions.{name}:{index}", "none": None}[form]


# -- toolfmt on one text


def judge(case: Case, fmt: Format) -> dict[str, str]:
    """The aspects on which toolfmt and the template differ, each with what was found."""
    found: dict[str, str] = {}
    parsed, ended = (toolfmt.parse(text, fmt, tools=case.tools) for text in (case.model_text, case.text))
    for each in (parsed, ended):
        if _without_ids(each.calls) != _without_ids(case.calls) or each.malformed or each.truncated:
            found["calls"] = repr(each.parts)
    for text, whole in ((case.model_text, parsed), (case.text, ended)):
        streamed = _streamed(case, fmt, text)
        if streamed != whole:
            found["stream"] = repr(streamed)
    if "calls" in found:
        return found
    wanted = [call.id if fmt.limits.ids else None for call in case.calls]
    if [call.id for call in parsed.calls] != wanted and (any(wanted) or not fmt.limits.ids):
        found["ids"] = repr([call.id for call in parsed.calls])
    if case.length < len(case.text) and not (ended.ended and ended.parts == parsed.parts):
        found["end"] = repr(ended.parts)
    if parsed.text != case.content:
        found["text"] = repr(parsed.text)
    if (parsed.reasoning or "") != case.reasoning:
        found["reasoning"] = repr(parsed.reasoning)
    kept = [call.model_copy(update={"id": read.id}) for call, read in zip(case.calls, parsed.calls, strict=True)]
    parts = [part for part in case.parts if not isinstance(part, ToolCall)]
    for aspect, message in (("rendered", parsed.message), ("written", [*parts, *kept])):
        try:
            written = toolfmt.render(message, fmt, tools=case.tools)
        except toolfmt.UnrepresentableError as error:
            written = f"refused: {error}"
        if not is_spelling(fmt, written, case.model_text):
            found[aspect] = repr(written)
    return found


def is_spelling(fmt: Format, written: str, text: str) -> bool:
    """Whether both are the same, but for what templates and prompts write round reasoning.

    A template may write an empty block where there is no thought, and the prompt may have written the beginning of a block.
    """
    if text == written:
        return True
    if fmt.reasoning is None:
        return False
    opening, closing = fmt.reasoning
    first, last = fmt.reasoning_inside
    if text.endswith(written):
        head = text.removesuffix(written)
        for block in filter(None, (fmt.no_reasoning, opening + first + last + closing + fmt.after_reasoning[0])):
            rest = closing + block.partition(closing)[2]
            if head and head in (block, block.removeprefix(opening), block.removeprefix(opening + first), rest):
                return True
    return written == opening + first + text


def _without_ids(calls: Sequence[ToolCall]) -> list[ToolCall]:
    return [call.model_copy(update={"id": None}) for call in calls]


def _streamed(case: Case, fmt: Format, text: str) -> toolfmt.Parsed:
    stream = toolfmt.stream(fmt, tools=case.tools)
    for i in range(0, len(text), 4):
        stream.feed(text[i : i + 4])
    stream.close()
    return stream.parsed


@functools.cache
def judged(folder: Path, template: str) -> tuple[tuple[Case, dict[str, str]], ...]:
    """Each case of the template with what `judge` says of it."""
    fmt = toolfmt.get_format(FORMAT_OF[template])
    return tuple((case, judge(case, fmt)) for case in cases_of(folder, template))
