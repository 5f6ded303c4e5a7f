"""What a plan comes to, to be read before the training starts: counts, lengths, licences, and one example with its loss mask."""

from itertools import groupby
from statistics import median_low
from typing import TYPE_CHECKING, Any

from toolfmt.cli.common import counted, visible
from toolfmt_train.train.data import counts
from toolfmt_train.train.tokens import Encoded

if TYPE_CHECKING:
    from rich.console import Console
    from transformers import PreTrainedTokenizerBase

    from toolfmt_train.train.sft import Plan

__all__ = ["as_json", "lengths", "masked_pieces", "show"]

_NAMED = 5
"""How many rows of a reason are named; the others are counted."""


def lengths(encoded: list[Encoded]) -> dict[str, int]:
    """Tokens of the examples."""
    sizes = sorted(len(one.ids) for one in encoded)
    return {"min": sizes[0], "median": median_low(sizes), "p95": sizes[(len(sizes) - 1) * 95 // 100], "max": sizes[-1]}


def masked_pieces(encoded: Encoded, tokenizer: "PreTrainedTokenizerBase") -> list[tuple[str, bool]]:
    """An example's text in pieces, and whether each is learnt."""
    runs = groupby(zip(encoded.ids, encoded.mask, strict=True), key=lambda pair: pair[1])
    return [(str(tokenizer.decode([token for token, _ in run])), bool(learnt)) for learnt, run in runs]


def as_json(plan: "Plan") -> dict[str, Any]:
    """The plan for machines."""
    tokenized = plan.tokenized
    return {
        "recipe": plan.recipe.model_dump(mode="json"),
        "format": plan.data.format,
        "source": plan.data.source,
        "base_licence": plan.base_licence,
        "data_licence": plan.data.licence,
        "data_sha256": plan.data.sha256,
        "rows": len(plan.data.examples),
        "examples": len(tokenized.encoded),
        "buckets": counts([one.example for one in tokenized.encoded]),
        "dropped": tokenized.dropped,
        "lengths": lengths(tokenized.encoded),
        "tokens": sum(len(one.ids) for one in tokenized.encoded),
        "tokens_learnt": sum(sum(one.mask) for one in tokenized.encoded),
        "end_of_turn": tokenized.ending.text,
        "steps": plan.steps,
        "trainable": plan.trainable,
        "parameters": plan.model.num_parameters(),
    }


def show(plan: "Plan", console: "Console") -> None:
    """The plan for people."""
    for name, value in _lines(plan):
        console.print(f"{name:<13}{visible(value)}")
    encoded = next((one for one in plan.tokenized.encoded if _calls(one)), plan.tokenized.encoded[0])
    how = "in colour" if console.is_terminal else "between ⟦ and ⟧"
    console.print(f"\nOne example, {encoded.example.name}; what is learnt stands {how}:\n")
    console.print(_example(encoded, plan.tokenizer, console.is_terminal))


def _calls(encoded: Encoded) -> bool:
    return any(message.get("tool_calls") for message in encoded.example.messages)


def _lines(plan: "Plan") -> list[tuple[str, str]]:
    recipe, data, tokenized = plan.recipe, plan.data, plan.tokenized
    size, encoded = lengths(tokenized.encoded), tokenized.encoded
    buckets = ", ".join(f"{number:,} {name}" for name, number in counts([one.example for one in encoded]).items())
    tokens, learnt = sum(len(one.ids) for one in encoded), sum(sum(one.mask) for one in encoded)
    calls = data.format if data.source in (None, data.format) else f"{data.format}, read from {data.source}"
    return [
        ("base", f"{recipe.model}, {plan.model.num_parameters():,} parameters, licence {plan.base_licence}"),
        (
            "data",
            f"{recipe.data.name}, {counted(len(data.examples), 'row')}, licence {data.licence}, SHA-256 {data.sha256[:16]}..",
        ),
        ("format", calls),
        ("examples", f"{len(encoded):,}: {buckets}"),
        *(("left out", f"{len(names):,}: {reason} ({_some(names)})") for reason, names in tokenized.dropped.items()),
        (
            "tokens",
            f"{size['min']} to {size['max']} an example, median {size['median']}, p95 {size['p95']}; {tokens:,}, {learnt:,} of them learnt",
        ),
        ("end of turn", _ending(plan)),
        (
            "training",
            f"{counted(plan.steps, 'step')} of {recipe.train.batch}, {plan.trainable:,} parameters, seed {recipe.seed}",
        ),
    ]


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _ending(plan: "Plan") -> str:
    ending = plan.tokenized.ending
    if ending.added is None:
        return ending.text
    own = plan.tokenizer.convert_ids_to_tokens(ending.added)
    return f"{ending.text}, which is several tokens to this model; {own} follows it, so that the model stops"


def _example(encoded: Encoded, tokenizer: "PreTrainedTokenizerBase", colour: bool) -> Any:
    from rich.text import Text

    text = Text()
    for piece, learnt in masked_pieces(encoded, tokenizer):
        if learnt:
            text.append(visible(piece) if colour else f"⟦{visible(piece)}⟧", style="bold green" if colour else "")
        else:
            text.append(visible(piece))
    return text
