"""What the tests of training share: rows with arguments of differing types, a recipe, and a random model of two layers with its tokenizer."""

import json
from pathlib import Path
from typing import Any

import toolfmt

TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "function": {
            "name": "look",
            "description": "Look.",
            "parameters": {
                "type": "object",
                "properties": {
                    "at": {"type": "string"},
                    "deep": {"type": "boolean"},
                    "n": {"type": "integer"},
                    "o": {"type": "object"},
                },
            },
        },
    }
]
MIXED: list[dict[str, Any]] = [
    {"at": "5"},
    {"at": "true", "deep": True},
    {"n": 5},
    {"n": 10**20, "deep": False},
    {"o": {"k": [1, 2.5, None, "x"]}},
    {"o": {"k": "a string where the row before has a list"}},
    {},
]
"""Arguments that Arrow cannot hold in one column, or pads with nulls."""


def call(arguments: dict[str, Any], asked: str = "Look!") -> list[dict[str, Any]]:
    function = {"name": "look", "arguments": arguments}
    return [
        {"role": "user", "content": asked},
        {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": function}]},
    ]


def talk(answer: str, asked: str = "Hello?") -> list[dict[str, Any]]:
    return [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]


def rows() -> list[dict[str, Any]]:
    """Twelve rows: eight calls, four without."""
    calls = [call(arguments, f"Look {i}!") for i, arguments in enumerate([*MIXED, {"at": " x "}])]
    texts = [talk("No tool fits.", f"Hello {i}?") for i in range(4)]
    return [{"messages": messages, "tools": TOOLS} for messages in (*calls, *texts)]


def write(path: Path, made: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in made), encoding="utf-8")
    return path


def write_recipe(folder: Path, model: Path | str, text: str = "", **keys: Any) -> Path:
    """A recipe beside its data; ``keys`` instead of the usual ones, None leaves one out."""
    usual = {"data": "rows.jsonl", "out": "out", "model": str(model), "format": "qwen_xml"} | keys
    lines = [f"{key} = {json.dumps(value)}" for key, value in usual.items() if value is not None]
    path = folder / "recipe.toml"
    path.write_text("\n".join([*lines, text]) + "\n", encoding="utf-8")
    return path


def save_tiny(folder: Path, specials: tuple[str, ...] = ("<|im_start|>", "<|im_end|>")) -> Path:
    """A random two-layer model and a tokenizer of 400 tokens, whose last special token ends a turn."""
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer, raw.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=[AddedToken(text, special=True, normalized=False) for text in specials],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    block = toolfmt.describe_tools(toolfmt.read_tools(TOOLS), "qwen_xml")
    raw.train_from_iterator([block, "a\n\n\nb " * 9], trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token=specials[-1], pad_token=specials[-1])
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, head_dim=32, tie_word_embeddings=True, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id, bos_token_id=None, max_position_embeddings=4096,
        initializer_range=0.2,
    )  # fmt: skip
    Qwen3ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
