"""Layouts of rendered texts: `text` and `prompt_completion`."""

from typing import Any

import pytest
from layout_cases import CONVERSATIONS, openai_row
from layout_rows import COMPLETION, FENCE, PREFERENCE, QWEN, TEXT, WIRE, said_of

from toolfmt.convert import convert
from toolfmt.errors import LayoutError, UnrepresentableError
from toolfmt.layouts.base import get_layout
from toolfmt.layouts.transcript import split
from toolfmt.report import Report

# text


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        (
            "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\n a <|im_end|>\n<|im_start|>assistant\n",
            [("system", "S"), ("user", " a "), ("assistant", "")],
        ),
        ("<|im_start|>user<|im_sep|>a<|im_end|><|im_start|>assistant<|im_sep|>b<|im_end|>", [("user", "a"), ("assistant", "b")]),
        (
            "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\na<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nb<|eom_id|>"
            "<|start_header_id|>ipython<|end_header_id|>\n\nc<|eot_id|>",
            [("user", "a"), ("assistant", "b"), ("tool", "c")],
        ),
        ("<bos><start_of_turn>user\na<end_of_turn>\n<start_of_turn>model\nb\n<end_of_turn>\n", [("user", "a"), ("assistant", "b\n")]),
        (
            "<s>[AVAILABLE_TOOLS] [1][/AVAILABLE_TOOLS][INST] a [/INST] b</s>[TOOL_RESULTS] {}[/TOOL_RESULTS] c</s>[INST] d [/INST]",
            [
                ("system", "[AVAILABLE_TOOLS] [1][/AVAILABLE_TOOLS]"), ("user", "a"), ("assistant", "b"),
                ("tool", "[TOOL_RESULTS] {}[/TOOL_RESULTS]"), ("assistant", " c"), ("user", "d"), ("assistant", ""),
            ],
        ),
        (
            "<｜begin▁of▁sentence｜>S<｜User｜>a<｜Assistant｜>b<｜end▁of▁sentence｜><｜tool▁outputs▁begin｜><｜tool▁output▁begin｜>c<｜tool▁output▁end｜>"
            "<｜tool▁outputs▁end｜>d<｜end▁of▁sentence｜>",
            [("system", "S"), ("user", "a"), ("assistant", "b"), ("tool", "<｜tool▁output▁begin｜>c<｜tool▁output▁end｜>"), ("assistant", "d")],
        ),
        (
            "<｜User｜>a<｜Assistant｜>b<｜end▁of▁sentence｜><｜tool▁output▁begin｜>c<｜tool▁output▁end｜><｜tool▁output▁begin｜>d<｜tool▁output▁end｜>e",
            [
                ("user", "a"), ("assistant", "b"),
                ("tool", "<｜tool▁output▁begin｜>c<｜tool▁output▁end｜><｜tool▁output▁begin｜>d<｜tool▁output▁end｜>"), ("assistant", "e"),
            ],
        ),
        (
            "[gMASK]<sop><|system|>\nS<|user|>\na<|assistant|>\nb<|observation|>\nc",
            [("system", "S"), ("user", "a"), ("assistant", "b"), ("tool", "c")],
        ),
        ("<|user|>\na<|end|>\n<|assistant|>\nb<|end|>\n", [("user", "a"), ("assistant", "b")]),
        ("<|user|>\na<|assistant|>\n<|tool_call|>\nTool: f\n<|end|>", [("user", "a"), ("assistant", "<|tool_call|>\nTool: f\n<|end|>")]),
        ("USER: a\nb\nASSISTANT: c\n\nUSER: d", [("user", "a\nb"), ("assistant", "c"), ("user", "d")]),
    ],
)  # fmt: skip
def test_the_marks_of_a_known_template_split_a_transcript(text: str, turns: list[tuple[str, str]]) -> None:
    assert [(span.role, text[span.start : span.end]) for span in split(text) or ()] == turns


@pytest.mark.parametrize(
    "text",
    [
        "", "prose", "He said USER: x", "USER: a\nUSER: b", "ASSISTANT: a\nUSER: b", "SYSTEM: only", "before <|im_start|>user\na<|im_end|>",
        "<|im_start|>user\na<|im_end|> and more\n<|im_start|>assistant\nb", "<|im_start|>robot\na<|im_end|>", "<|im_start|>system\na<|im_end|>",
    ],
)  # fmt: skip
def test_what_no_template_tiles_is_one_text(text: str) -> None:
    assert split(text) is None
    (turn,) = get_layout("text").read({"text": text})
    assert (turn.role, turn.text) == ("assistant", text)


def test_text_changes_only_what_says_a_call_or_a_result() -> None:
    (made,) = convert([TEXT], to="qwen_xml")
    assert made == {**TEXT, "text": TEXT["text"].replace(f"Ok.\n{WIRE}", f"Ok.\n\n{QWEN}")}
    (fence,) = convert([TEXT], to="json_fence")
    wanted = TEXT["text"].replace(f"Ok.\n{WIRE}", f"Ok.\n\n{FENCE}").replace("<tool_response>\n21\n</tool_response>", "Tool result: 21")
    assert fence["text"] == wanted
    assert convert([fence], to="hermes", source="json_fence") == [TEXT]
    unmarked = {"text": f"Look:\n{WIRE}\n and more "}
    assert convert([unmarked], to="json_fence") == [{"text": f"Look:\n\n{FENCE}\n and more "}]


def test_text_becomes_messages_and_is_not_written_from_them() -> None:
    made = convert([TEXT], layout="openai")[0]
    assert [message["role"] for message in made["messages"]] == ["user", "assistant", "tool", "assistant"]
    assert made["messages"][3] == {"role": "assistant", "content": "21 "} and made["source"] == "web"
    with pytest.raises(LayoutError, match="layout `text` has them in text: pass to="):
        convert([CONVERSATIONS["single call"]], layout="text")
    message = r"\$: layout `text` is not written from others: write layout `messages_text` and apply the model's chat template"
    with pytest.raises(UnrepresentableError, match=message):
        convert([CONVERSATIONS["single call"]], layout="text", to="hermes")
    with pytest.raises(UnrepresentableError, match=message):
        convert([CONVERSATIONS["direct answer"]], layout="text")


def test_text_says_which_role_a_result_keeps() -> None:
    _, said = said_of(TEXT, to="llama3_json")
    assert "the text of role `tool` stays where the template has role `user` (role)" in said[0]
    two = {"text": TEXT["text"].replace("21\n</tool_response>", "21\n</tool_response>\n<tool_response>\n22\n</tool_response>")}
    assert convert([two], to="qwen_xml")[0]["text"].count("<tool_response>") == 2
    with pytest.raises(UnrepresentableError, match="several results in one turn become a message each, and a transcript has no mark"):
        convert([two], to="llama3_json")


# prompt_completion


def test_a_completion_goes_on_in_the_thought_that_the_prompt_opens() -> None:
    assert convert([COMPLETION], to="qwen_xml") == [{**COMPLETION, "completion": f"Hm.\n</think>\n\n{QWEN}<|im_end|>\n"}]
    with pytest.raises(UnrepresentableError, match=r"^row 0: \$.completion: the prompt opens a reasoning block with `<think>`"):
        convert([COMPLETION], to="json_fence", on_loss="raise")
    whole = {"prompt": "Paris?", "completion": f"<think>\nHm.\n</think>\n\n{WIRE}"}
    assert convert([whole], to="qwen_xml") == [{**whole, "completion": f"<think>\nHm.\n</think>\n\n{QWEN}"}]


@pytest.mark.parametrize("end", ["", "<|im_end|>", "<|im_end|>\n", "</s>", "<end_of_turn>\n", "<|eot_id|>"])
def test_a_completion_ends_as_it_did(end: str) -> None:
    row = {"prompt": "<|im_start|>user\nParis?<|im_end|>\n<|im_start|>assistant\n", "completion": WIRE + end}
    assert convert([row], to="json_fence") == [{**row, "completion": FENCE + end}]
    report = Report()
    rows: list[Any] = [row]
    made = convert(rows, layout="openai", report=report)[0]
    assert [message["role"] for message in made["messages"]] == ["user", "assistant"] and made["messages"][1]["content"] is None


def test_a_call_never_crosses_the_boundary() -> None:
    row = {"prompt": f"Say this:\n{WIRE[:30]}", "completion": WIRE[30:]}
    other = {"prompt": "Paris?", "completion": WIRE}
    assert convert([row, other], to="json_fence", on_loss="ignore") == [row, {**other, "completion": FENCE}]


def test_preferences_are_rewritten_on_both_sides_and_become_nothing_else() -> None:
    row = {**PREFERENCE, "rejected": [{"role": "assistant", "content": f"Hm. {WIRE}"}]}
    (made,) = convert([row], to="json_fence")
    assert made == {**row, "chosen": [{"role": "assistant", "content": FENCE}], "rejected": [{"role": "assistant", "content": f"Hm. \n\n{FENCE}"}]}
    (fields,) = convert([row], layout="prompt_completion")
    assert [call["id"] for side in ("chosen", "rejected") for call in fields[side][0]["tool_calls"]] == ["call_0", "call_1"]
    assert convert([fields], to="json_fence")[0]["chosen"] == made["chosen"]
    with pytest.raises(UnrepresentableError, match=r"\$.rejected: a preference row is two conversations"):
        convert([row], layout="openai")
    texts = {"prompt": "Paris?", "chosen": WIRE, "rejected": "No."}
    assert convert([texts], to="json_fence") == [{**texts, "chosen": FENCE}]


def test_the_last_turn_of_the_assistant_is_the_completion() -> None:
    row = CONVERSATIONS["two rounds"]
    (made,) = convert([row], layout="prompt_completion")
    assert made["prompt"] == row["messages"][:-1] and made["completion"] == row["messages"][-1:] and list(made) == ["prompt", "completion", "tools"]
    assert convert([made], layout="openai") == [row]
    moved = {**made, "prompt": row["messages"][:5], "completion": row["messages"][5:]}
    said = said_of(moved, layout="openai")[1]
    assert said == ["$.completion: where the prompt ends is no longer said: it is not before the assistant's last turn (boundary)"]
    with pytest.raises(UnrepresentableError, match=r"\$: no turn of the assistant, which would be the completion"):
        convert([openai_row({"role": "user", "content": "x"})], layout="prompt_completion")
    with pytest.raises(LayoutError, match=r"^row 0: \$.completion\[0\].role: expected one of"):
        convert([{"prompt": "x", "completion": [{"role": "bot"}]}], to="hermes")
