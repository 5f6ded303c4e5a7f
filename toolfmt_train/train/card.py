"""`Card`: what a fine-tuning was, beside what came of it: recipe, data, counts, versions, cost and losses."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

import toolfmt
from toolfmt.values import dumps, loads
from toolfmt_train.errors import ModelError

__all__ = ["Card", "read_card", "versions", "write_card"]

_PACKAGES = ("torch", "transformers", "trl", "peft", "datasets")


class Card(BaseModel):
    """The figures of one run.  ``tokens`` are those of the examples, ``tokens_read`` those that the model was given: shared prefixes count once,
    unless ``plain_batches`` says that the model could not share them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: dict[str, Any]
    format: str
    base: str
    base_licence: str
    data: str
    data_sha256: str
    data_licence: str
    examples: int
    buckets: dict[str, int]
    dropped: dict[str, int]
    trainable: int
    parameters: int
    steps: int
    plain_batches: bool
    tokens: int
    tokens_read: int
    tokens_learnt: int
    seconds: float
    cpu_seconds: float
    losses: list[float]
    versions: dict[str, str]


def versions() -> dict[str, str]:
    """Of toolfmt and of what trained."""
    return {"toolfmt": toolfmt.__version__} | {name: version(name) for name in _PACKAGES}


def write_card(card: Card, folder: Path) -> None:
    """``card.json`` for machines, ``card.md`` for people."""
    (folder / "card.json").write_text(dumps(card.model_dump()) + "\n", encoding="utf-8")
    (folder / "card.md").write_text(_markdown(card), encoding="utf-8")


def read_card(folder: Path) -> Card:
    """The card that `write_card` wrote; raises `ModelError` when there is none."""
    path = folder / "card.json"
    try:
        return Card.model_validate(loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise ModelError(f"`{path}` is no card of `toolfmt-train sft`: {str(error).partition(chr(10))[0]}") from None


def _markdown(card: Card) -> str:
    buckets = ", ".join(f"{number:,} {bucket}" for bucket, number in card.buckets.items())
    rows = {
        "base model": f"{card.base} ({card.base_licence})",
        "format of the calls": card.format,
        "data": f"{card.data}, SHA-256 `{card.data_sha256}`",
        "licence of the data": card.data_licence,
        "examples": f"{card.examples:,} ({buckets})",
        "left out": "; ".join(f"{number:,}: {reason}" for reason, number in card.dropped.items()) or "none",
        "trained": f"{card.trainable:,} of {card.parameters:,} parameters, {card.steps:,} steps",
        "tokens": f"{card.tokens:,}, of which {card.tokens_learnt:,} learnt; {card.tokens_read:,} read"
        + " in plain batches" * card.plain_batches,
        "time": f"{card.seconds:.0f} s, {card.cpu_seconds:.0f} CPU-s",
        "loss": f"{card.losses[0]:.3f} in the first step, {card.losses[-1]:.3f} in the last",
        "versions": ", ".join(f"{name} {number}" for name, number in card.versions.items()),
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    recipe = "\n".join(f"{key} = {value}" for key, value in card.recipe.items())
    return f"# A fine-tuned model\n\nMade by `toolfmt-train sft`.\n\n| | |\n|---|---|\n{table}\n\n## Recipe\n\n```\n{recipe}\n```\n"
