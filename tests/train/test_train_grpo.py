"""TRL's GRPO trainer takes the gym as its environment, our template, and toolfmt's reader."""

from pathlib import Path
from typing import Any

import pytest

import toolfmt
from toolfmt_train.gym.environment import SearchGym
from toolfmt_train.gym.tools import TOOLS
from toolfmt_train.models import load
from toolfmt_train.rows import Row
from toolfmt_train.train.grpo import read_with_toolfmt, tasks

PATTERN = "super().__init__($$$A)"
TRUTH: list[dict[str, str | int]] = [
    {"file": "python/inventory/reports.py", "line": 35, "column": 9},
    {"file": "python/inventory/reports.py", "line": 48, "column": 9},
]


def row() -> Row:
    function = {"name": "ast_grep_search", "arguments": {"pattern": PATTERN, "language": "python"}}
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": "Calls of super().__init__?"},
        {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": function}]},
    ]
    fields = {
        "bucket": "atomic",
        "blueprint": "calls",
        "language": "python",
        "corpus": "bundled",
        "tool": "ast_grep_search",
    }
    return Row.model_validate({"id": "1", **fields, "truth": TRUTH, "messages": messages, "tools": [], "evidence": {}})


def learn_by_heart(model: Any, tokenizer: Any, messages: list[dict[str, Any]]) -> None:
    """The model answers as it is told, whoever asks: so that an episode has a call in it."""
    import torch

    tools = [SearchGym().ast_grep_search, SearchGym().ripgrep_search]
    whole = tokenizer.apply_chat_template(messages, tools=tools, return_dict=True, return_assistant_tokens_mask=True)
    ids = torch.tensor([whole["input_ids"]])
    labels = torch.tensor(
        [
            [
                token if learnt else -100
                for token, learnt in zip(whole["input_ids"], whole["assistant_masks"], strict=True)
            ]
        ]
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(40):
        loss = model(input_ids=ids, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.05


@pytest.mark.parametrize("format", ["qwen_xml", "json_fence"])
def test_what_the_model_writes_is_read_by_toolfmt(tiny: Path, format: str) -> None:
    tokenizer: Any = load(str(tiny)).tokenizer
    read_with_toolfmt(tokenizer, format)
    call = toolfmt.ToolCall(name="ripgrep_search", arguments={"pattern": "  5\n", "pcre2": True})
    text = toolfmt.render(call, format, tools=TOOLS)
    gym = SearchGym()
    tools = [gym.ripgrep_search, gym.ast_grep_search]
    read = tokenizer.parse_response(tokenizer.encode(text + "<|im_end|>"), prefix=[1], tools=tools)
    function = {"name": "ripgrep_search", "arguments": {"pattern": "  5\n", "pcre2": True}}
    assert read == {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": function}]}
    cut = text[: len(text) // 2]
    assert tokenizer.parse_response(tokenizer.encode(cut), tools=tools) == {"role": "assistant", "content": cut}


def test_two_steps_of_grpo_in_the_gym(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trl import GRPOConfig, GRPOTrainer

    monkeypatch.setenv("TRL_EXPERIMENTAL_SILENCE", "1")
    model, tokenizer = load(str(tiny), dtype="float32")
    read_with_toolfmt(tokenizer, "qwen_xml")
    learn_by_heart(model, tokenizer, row().messages)
    arguments = GRPOConfig(
        output_dir=str(tmp_path), max_steps=2, per_device_train_batch_size=2, num_generations=2, max_completion_length=128,
        max_tool_calling_iterations=1, learning_rate=1e-3, logging_steps=1, save_strategy="no", report_to=[], use_cpu=True,
        bf16=False, gradient_checkpointing=False, disable_tqdm=True, dataloader_pin_memory=False, temperature=0.9,
    )  # fmt: skip
    trainer: Any = GRPOTrainer(
        model,
        args=arguments,
        processing_class=tokenizer,
        environment_factory=SearchGym,
        train_dataset=tasks([row()] * 4),
    )
    trainer.train()
    steps = [logged for logged in trainer.state.log_history if "rewards/SearchGym/mean" in logged]
    assert len(steps) == 2 and max(step["rewards/SearchGym/mean"] for step in steps) > 0.5
    assert max(step["tools/call_frequency"] for step in steps) > 0
