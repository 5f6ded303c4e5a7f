"""What the tests of the evaluation share: tasks in the bundled project, and a random model that takes prompts of any format."""

from collections.abc import Callable
from functools import cache
from typing import Any

import toolfmt
from toolfmt_train.evaluate.records import Record
from toolfmt_train.gym.brief import brief, definitions
from toolfmt_train.gym.corpora import open_corpus
from toolfmt_train.gym.runner import Runner
from toolfmt_train.gym.tools import TOOLS
from toolfmt_train.rows import Row

__all__ = ["NO_TOOL", "TEXT", "TREE", "Written", "call", "make_row", "random_model", "record"]

TEXT: dict[str, Any] = {"pattern": "errors.Is", "glob": "*.go", "fixed_strings": True}
TREE: dict[str, Any] = {"pattern": "super().__init__($$$A)", "language": "python"}
NO_TOOL = "Neither tool can send mail."

Written = Callable[..., Record]


def call(name: str, arguments: dict[str, Any]) -> toolfmt.ToolCall:
    return toolfmt.ToolCall(name=name, arguments=arguments)


def make_row(name: str, asked: str, gold: toolfmt.ToolCall | None) -> Row:
    answer: dict[str, Any] = {"role": "assistant", "content": NO_TOOL}
    spans: list[Any] = []
    if gold is not None:
        function = {"name": gold.name, "arguments": gold.arguments}
        answer = {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": function}]}
        spans = sorted(Runner(open_corpus("bundled").root).run(gold).spans)
        assert spans
    return Row(
        id=name,
        bucket="atomic" if gold else "no_tool",
        blueprint="test",
        language={"text": "go", "tree": "python", "none": ""}[name],
        corpus="bundled",
        tool=gold.name if gold else None,
        truth=[span._asdict() for span in spans] if gold else None,
        messages=[{"role": "user", "content": asked}, answer],
        tools=definitions(brief(TOOLS)),
        evidence={},
    )


def record(row: str, text: str, **about: Any) -> Record:
    """A completion; what is not said is the same for all."""
    usual = {
        "model": "m",
        "format": "qwen_xml",
        "shots": 0,
        "grammar": False,
        "seed": 0,
        "tokens": 9,
        "finish_reason": "stop",
    }
    return Record(row=row, text=text, **{**usual, **about})


@cache
def random_model(kind: str = "llama", key_heads: int = 2, **more: Any) -> Any:
    """(model, tokenizer): two random layers in float32, four heads, and a token for each byte and each mark of the formats."""
    import torch
    from tiny_model import tiny
    from transformers import AutoConfig, AutoModelForCausalLM

    tokenizer = tiny(("<|im_end|>", "<end_of_turn>")).tokenizer
    torch.manual_seed(0)
    config = AutoConfig.for_model(
        kind, vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=key_heads, head_dim=8, eos_token_id=None, pad_token_id=0, bos_token_id=None, max_position_embeddings=8192,
        initializer_range=0.5, **more,
    )  # fmt: skip
    return AutoModelForCausalLM.from_config(config).eval(), tokenizer
