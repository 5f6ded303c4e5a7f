"""The tokens of an example are those of prompt and answer, and the mask is exactly the answer."""

from pathlib import Path
from typing import Any

import pytest
from train_cases import TOOLS, call, rows, save_tiny, talk, write

import toolfmt
from toolfmt.templates.chat import assistant_text
from toolfmt_train.errors import ModelError, RowError
from toolfmt_train.models import load
from toolfmt_train.train.data import Example, read_data
from toolfmt_train.train.report import lengths, masked_pieces
from toolfmt_train.train.tokens import IGNORED, ending, tokenize

FORMATS = ["qwen_xml", "json_fence", "hermes"]


def tokenizer_of(folder: Path, format: str) -> Any:
    tokenizer = load(str(folder)).tokenizer
    tokenizer.chat_template = toolfmt.chat_template(format)
    return tokenizer


def answer(format: str, message: dict[str, Any]) -> str:
    """What `render` writes for a message of a chat, end of turn included."""
    parts: list[toolfmt.Part] = [toolfmt.Text(text=message["content"])] if message["content"] else []
    parts += [toolfmt.ToolCall(**each["function"]) for each in message.get("tool_calls", ())]
    return assistant_text(toolfmt.get_format(format), toolfmt.Message(role="assistant", parts=tuple(parts)), TOOLS)


@pytest.mark.parametrize("format", FORMATS)
def test_the_mask_is_what_render_writes(tiny: Path, tmp_path: Path, format: str) -> None:
    tokenizer = tokenizer_of(tiny, format)
    examples = read_data(write(tmp_path / "rows.jsonl", rows()), format).examples
    made = tokenize(examples, tokenizer, format, 4096)
    assert not made.dropped and len(made.encoded) == 12
    for encoded in made.encoded:
        learnt = [piece for piece, is_learnt in masked_pieces(encoded, tokenizer) if is_learnt]
        assert learnt == [answer(format, encoded.example.messages[-1])]
        assert [label for label in encoded.labels if label != IGNORED] == tokenizer.encode(
            learnt[0], add_special_tokens=False
        )


@pytest.mark.parametrize("format", FORMATS)
def test_every_turn_of_the_assistant_is_learnt_and_no_result(tiny: Path, format: str) -> None:
    tokenizer = tokenizer_of(tiny, format)
    messages = [*call({"at": "5"}), {"role": "tool", "name": "look", "content": "It is on."}, *talk("Yes.")[1:]]
    encoded = tokenize([Example("line 1", "calls", messages, TOOLS)], tokenizer, format, 4096).encoded[0]
    pieces = masked_pieces(encoded, tokenizer)
    assert [piece for piece, learnt in pieces if learnt] == [answer(format, messages[1]), answer(format, messages[3])]
    prompt = tokenizer.apply_chat_template(messages[:3], tools=TOOLS, add_generation_prompt=True)["input_ids"]
    assert (
        encoded.ids[: len(prompt)] == prompt and encoded.mask[len(prompt)] == 1 and encoded.mask[len(prompt) - 1] == 0
    )


def test_what_cannot_be_an_example_is_left_out_by_name(tiny: Path) -> None:
    tokenizer = tokenizer_of(tiny, "qwen_xml")
    said = {
        "fine": talk("Fine."),
        "long": talk("Long. " * 500),
        "also long": talk("Longer. " * 500),
        "a call in text": talk("Write <tool_call> for it."),
        "joined": talk("\n\nFine."),
        "silent": talk("x")[:1],
    }
    made = tokenize([Example(name, "", messages, None) for name, messages in said.items()], tokenizer, "qwen_xml", 300)
    assert [encoded.example.name for encoded in made.encoded] == ["fine"]
    assert made.dropped == {
        "longer than max_length = 300": ["long", "also long"],
        "messages[1].content: qwen_xml cannot write text that holds `<tool_call>`": ["a call in text"],
        "the tokenizer joins the end of the prompt with the begin of the answer": ["joined"],
        "the assistant writes nothing": ["silent"],
    }


def test_nothing_left_is_an_error_that_names_a_row(tiny: Path) -> None:
    tokenizer = tokenizer_of(tiny, "qwen_xml")
    with pytest.raises(RowError, match=r"none of 2 rows can be trained on; line 1: longer than max_length = 8"):
        tokenize([Example(f"line {i}", "", talk("Long."), None) for i in (1, 2)], tokenizer, "qwen_xml", 8)


def test_an_end_of_several_tokens_is_followed_by_the_models_own(tiny: Path) -> None:
    tokenizer = tokenizer_of(tiny, "functiongemma")
    end = ending(toolfmt.get_format("functiongemma"), tokenizer)
    assert (end.text, end.stops, end.added) == ("<end_of_turn>", (tokenizer.eos_token_id,), tokenizer.eos_token_id)
    encoded = tokenize([Example("line 1", "", call({"at": "5"}), TOOLS)], tokenizer, "functiongemma", 4096).encoded[0]
    learnt = tokenizer.decode([token for token in encoded.labels if token != IGNORED])
    assert learnt == answer("functiongemma", call({"at": "5"})[1]) + "<|im_end|>"
    assert tokenizer.decode(encoded.ids).endswith("<end_of_turn><|im_end|>\n")


def test_an_end_of_one_token_is_where_generation_stops(tmp_path: Path) -> None:
    tokenizer = tokenizer_of(save_tiny(tmp_path, ("<|im_start|>", "<|im_end|>", "<eos>")), "qwen_xml")
    end = ending(toolfmt.get_format("qwen_xml"), tokenizer)
    assert end == ("<|im_end|>", tuple(tokenizer.convert_tokens_to_ids(["<|im_end|>", "<eos>"])), None)
    tokenizer.eos_token = None
    with pytest.raises(ModelError, match=r"no end token, and `<end_of_turn>` of functiongemma is \d+ tokens"):
        ending(toolfmt.get_format("functiongemma"), tokenizer)


def test_lengths(tiny: Path) -> None:
    tokenizer = tokenizer_of(tiny, "qwen_xml")
    made = tokenize([Example("x", "", talk("a " * i), None) for i in range(1, 22)], tokenizer, "qwen_xml", 4096)
    sizes = [len(encoded.ids) for encoded in made.encoded]
    assert lengths(made.encoded) == {"min": sizes[0], "median": sizes[10], "p95": sizes[19], "max": sizes[20]}
