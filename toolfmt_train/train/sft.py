"""Supervised fine-tuning: a recipe in, an adapter, a merged model and a card out.

    toolfmt-train sft recipe.toml

`plan` reads everything and decides what is trained on; nothing is learnt and nothing written.  `run` trains and saves.  TRL's trainer
and PEFT's LoRA do the work.  Not covered: several processes or devices, quantised bases, mixtures of experts (no expert gets an
adapter), resuming.
"""

import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import toolfmt
from toolfmt.errors import UnrepresentableError
from toolfmt_train.errors import ModelError, RecipeError
from toolfmt_train.models import load
from toolfmt_train.train.card import Card, versions, write_card
from toolfmt_train.train.data import Data, counts, draw, read_data
from toolfmt_train.train.licences import licence_of
from toolfmt_train.train.quiet import check_installed
from toolfmt_train.train.recipe import Recipe
from toolfmt_train.train.tokens import Tokenized, tokenize

if TYPE_CHECKING:
    from peft import LoraConfig
    from transformers import PreTrainedModel, PreTrainedTokenizerBase
    from trl.trainer.sft_config import SFTConfig

__all__ = ["OnStep", "Plan", "plan", "run"]

OnStep = Callable[[int, int, float], None]
"""Called after each step with its number, how many there are, and its loss."""

_LAYER = re.compile(r"(?:^|\.)(?:layers|h|blocks)\.(\d+)\.")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a recipe comes to."""

    recipe: Recipe
    data: Data
    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    tokenized: Tokenized
    base_licence: str
    adapted: tuple[str, ...]
    """The layers that get an adapter."""
    trainable: int
    """How many parameters that adds."""

    @property
    def steps(self) -> int:
        """How many there will be."""
        train = self.recipe.train
        return train.epochs * -(-len(self.tokenized.encoded) // train.batch)


def plan(recipe: Recipe) -> Plan:
    """The data read, drawn and tokenized, the model loaded; raises what stands against the recipe before anything is learnt."""
    check_installed()
    if recipe.out.exists():
        raise RecipeError(f"there is something at `{recipe.out}` already; remove it, or name another `out`")
    data = read_data(recipe.data, recipe.format)
    template = _template(data.format)
    model, tokenizer = load(recipe.model)
    tokenizer.chat_template = template
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    drawn = draw(data.examples, recipe.examples, recipe.seed)
    tokenized = tokenize(drawn, tokenizer, data.format, recipe.train.max_length)
    adapted = _adapted(model, recipe.lora.last_layers)
    trainable = sum(
        recipe.lora.r * sum(module.weight.shape) for name, module in model.named_modules() if name in adapted
    )
    return Plan(recipe, data, model, tokenizer, tokenized, licence_of(recipe.model), adapted, trainable)


def _template(format: str) -> str:
    try:
        return toolfmt.chat_template(format)
    except UnrepresentableError as error:
        raise RecipeError(f"format: {error.reason}; take another, such as `qwen_xml`") from None


def _adapted(model: "PreTrainedModel", last_layers: int) -> tuple[str, ...]:
    """The names of the linear layers in the last so many layers."""
    from torch.nn import Linear

    found = [
        (int(layer[1]), name)
        for name, module in model.named_modules()
        if isinstance(module, Linear) and (layer := _LAYER.search(name)) is not None
    ]
    if not found:
        raise ModelError(f"no layers with linear parts were found in `{type(model).__name__}`; take another model")
    first = max(layer for layer, _ in found) + 1 - last_layers
    return tuple(name for layer, name in found if layer >= first)


def run(plan: Plan, on_step: OnStep | None = None) -> Card:
    """Trains what `plan` says and writes the recipe's ``out``, all of it or nothing."""
    part = plan.recipe.out.with_name(plan.recipe.out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        card = _train(plan, part, on_step)
        part.rename(plan.recipe.out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return card


def _train(plan: Plan, folder: Path, on_step: OnStep | None) -> Card:
    import torch
    from datasets import Dataset
    from transformers import PrinterCallback

    from toolfmt_train.train.progress import Progress
    from toolfmt_train.train.trainer import Trainer, can_share, shared_batch

    torch.manual_seed(plan.recipe.seed)
    rows = [{"input_ids": encoded.ids, "labels": encoded.labels} for encoded in plan.tokenized.encoded]
    shares, progress = can_share(plan.model, rows), Progress(on_step)
    trainer = Trainer(
        plan.model,
        _arguments(plan, folder),
        data_collator=shared_batch if shares else None,
        train_dataset=Dataset.from_list(rows),
        processing_class=plan.tokenizer,
        peft_config=_lora(plan),
        callbacks=[progress],
    )
    trainer.remove_callback(PrinterCallback)
    began, cpu = time.monotonic(), time.process_time()
    trainer.train()
    seconds, cpu_seconds = time.monotonic() - began, time.process_time() - cpu
    _save(plan, trainer.model, folder)
    card = _card(plan, progress.losses, trainer.tokens_read, not shares, seconds, cpu_seconds)
    write_card(card, folder)
    return card


def _arguments(plan: Plan, folder: Path) -> "SFTConfig":
    import torch
    from trl.trainer.sft_config import SFTConfig

    train = plan.recipe.train
    return SFTConfig(
        output_dir=str(folder),
        seed=plan.recipe.seed,
        num_train_epochs=train.epochs,
        per_device_train_batch_size=train.batch,
        learning_rate=train.learning_rate,
        lr_scheduler_type=train.schedule,
        warmup_steps=round(train.warmup * plan.steps),
        max_length=None,  # what is too long was left out
        use_cpu=not torch.accelerator.is_available(),
        bf16=plan.model.dtype == torch.bfloat16,
        gradient_checkpointing=False,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),
    )


def _lora(plan: Plan) -> "LoraConfig":
    from peft import LoraConfig

    lora = plan.recipe.lora
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=list(plan.adapted),
    )


def _save(plan: Plan, model: Any, folder: Path) -> None:
    """The adapter, and the model with the adapter in it, which loads and stops by itself."""
    model.peft_config["default"].base_model_name_or_path = plan.recipe.model
    model.save_pretrained(folder / "adapter", save_embedding_layers=False)  # else it asks the hub for the base
    merged = model.merge_and_unload()
    merged.generation_config.eos_token_id = list(plan.tokenized.ending.stops)
    merged.generation_config.pad_token_id = plan.tokenizer.pad_token_id
    merged.save_pretrained(folder / "merged")
    plan.tokenizer.save_pretrained(folder / "merged")


def _card(
    plan: Plan, losses: list[float], tokens_read: int, plain_batches: bool, seconds: float, cpu_seconds: float
) -> Card:
    recipe, encoded = plan.recipe, plan.tokenized.encoded
    return Card(
        recipe=recipe.model_dump(mode="json") | {"data": recipe.data.name, "out": recipe.out.name},
        format=plan.data.format,
        base=recipe.model,
        base_licence=plan.base_licence,
        data=recipe.data.name,
        data_sha256=plan.data.sha256,
        data_licence=plan.data.licence,
        examples=len(encoded),
        buckets=counts([one.example for one in encoded]),
        dropped={reason: len(names) for reason, names in plan.tokenized.dropped.items()},
        trainable=plan.trainable,
        parameters=plan.model.num_parameters(),
        steps=len(losses),
        plain_batches=plain_batches,
        tokens=recipe.train.epochs * sum(len(one.ids) for one in encoded),
        tokens_read=tokens_read,
        tokens_learnt=recipe.train.epochs * sum(sum(one.mask) for one in encoded),
        seconds=round(seconds, 1),
        cpu_seconds=round(cpu_seconds, 1),
        losses=[round(loss, 5) for loss in losses],
        versions=versions(),
    )
