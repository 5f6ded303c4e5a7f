"""GRPO with the gym as environment: TRL's trainer, our chat template, and toolfmt's reader for what the model writes.

    read_with_toolfmt(tokenizer, "qwen_xml")
    GRPOTrainer(model, args=args, processing_class=tokenizer, environment_factory=SearchGym, train_dataset=tasks(rows))

TRL (1.16) reads completions by a `response_template` of the tokenizer, which loses white space at the ends of values and takes a call that
was cut off for a whole one.  `read_with_toolfmt` puts toolfmt's parser in its place, for every format that has a chat template; what opens
like a call and is none stays text, and no tool is called.

This is a beginning: run in the tests for two steps on a model of two layers.  Not covered: long runs, vLLM as the generator.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import toolfmt
from toolfmt_train.rows import Row

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

__all__ = ["read_with_toolfmt", "tasks"]


def tasks(rows: Iterable[Row]) -> "Dataset":
    """Rows as `GRPOTrainer` and `SearchGym.reset` take them: prompt, corpus, truth and its tool."""
    from datasets import Dataset

    return Dataset.from_list(
        [{"prompt": row.prompt, "corpus": row.corpus, "tool": row.tool, "truth": row.truth} for row in rows]
    )


def read_with_toolfmt(tokenizer: "PreTrainedTokenizerBase", format: str) -> None:
    """Gives the tokenizer the format's chat template, and its `parse_response` to toolfmt."""
    fmt = toolfmt.get_format(format)
    tokenizer.chat_template = toolfmt.chat_template(fmt)

    def parse_response(ids: list[int], prefix: Any = None, tools: Any = None) -> dict[str, Any]:
        text = str(tokenizer.decode(ids)).removesuffix(str(tokenizer.eos_token))
        return _message(toolfmt.parse(text, fmt, tools=tools))

    given: Any = tokenizer
    given.parse_response = parse_response
    given.response_template = {
        "defaults": {"role": "assistant"}
    }  # TRL asks whether there is one, and then calls parse_response


def _message(parsed: toolfmt.Parsed) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "".join(_text(part) for part in parsed.parts)}
    if parsed.reasoning:
        message["reasoning_content"] = parsed.reasoning
    if parsed.calls:
        functions = [{"name": call.name, "arguments": call.arguments} for call in parsed.calls]
        message["tool_calls"] = [{"type": "function", "function": function} for function in functions]
    return message


def _text(part: toolfmt.Part) -> str:
    match part:
        case toolfmt.Text(text=text) | toolfmt.Malformed(raw=text):
            return text
    return ""
