"""Asking a model: the prompts of each condition, and the completions as records.

A prompt is the row's own, written by the format's chat template with the row's tools.  With two shots, two example dialogues stand
before it, one call of each tool, out of training rows and written by the same template.

Under a grammar the model may write prose or calls (`grammar_for(calls="auto")`).  With `calls="one"` every answer would be a call:
nothing would parse wrongly, and no task could be declined.  So whether to call at all stays the model's own decision.  Arguments may stand
in any order (``order="any"``), as in a text that is read.
"""

import functools
import random
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import toolfmt
from toolfmt.ir import Tool
from toolfmt.values import dumps
from toolfmt_train.decoding import Completion, Decoder, special_tokens
from toolfmt_train.errors import RowError
from toolfmt_train.evaluate.records import Record
from toolfmt_train.models import Loaded
from toolfmt_train.rows import Row

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["Plan", "answers", "calls_or_prose", "shots"]

Progress = Callable[[str, int, int], None]


class Plan(NamedTuple):
    """What is asked: ``label`` and ``seed`` name the model in the results; ``examples`` holds the messages of each number of shots."""

    label: str
    format: str
    examples: dict[int, list[dict[str, Any]]]
    grammars: Sequence[bool]
    seed: int = 0
    max_new_tokens: int = 160


def shots(rows: Sequence[Row], seed: int = 0) -> list[dict[str, Any]]:
    """Two example dialogues, one call of each tool, drawn from the rows; raises `RowError` when a tool has none."""
    every = sorted({tool.name for row in rows for tool in row.offered})
    plain = [row for row in rows if row.bucket == "atomic"]
    rng, messages = random.Random(seed), []
    for name in every:
        of_tool = [row for row in plain if row.tool == name]
        if not of_tool:
            raise RowError(
                f"no row with an atomic call of `{name}` to take an example from; give rows of `toolfmt-train generate`"
            )
        messages += rng.choice(of_tool).messages
    return messages


def answers(loaded: Loaded, rows: Sequence[Row], plan: Plan, on_progress: Progress) -> Iterator[Record]:
    """The model's answer to every row, condition by condition; ``on_progress`` is told the condition and how many of how many are done."""
    for number, examples in plan.examples.items():
        for grammar in plan.grammars:
            tell = functools.partial(on_progress, f"{number}-shot{' with grammar' if grammar else ''}")
            completions = _complete(loaded, rows, plan, examples, grammar, tell)
            about: dict[str, Any] = {
                "model": plan.label,
                "format": plan.format,
                "shots": number,
                "grammar": grammar,
                "seed": plan.seed,
            }
            for row, said in zip(rows, completions, strict=True):
                yield Record(row=row.id, text=said.text, finish_reason=said.finish_reason, tokens=said.tokens, **about)


def _complete(
    loaded: Loaded,
    rows: Sequence[Row],
    plan: Plan,
    examples: list[dict[str, Any]],
    grammar: bool,
    tell: Callable[[int, int], None],
) -> list[Completion]:
    """In the order of the rows; those that offer the same tools are answered together."""
    done: dict[int, Completion] = {}
    for tools, places in _by_tools(rows):
        decoder = Decoder(*loaded, plan.format, tools, max_new_tokens=plan.max_new_tokens)
        rules = calls_or_prose(tools, plan.format, loaded.tokenizer) if grammar else None
        progress = functools.partial(_tell, tell, len(done), len(rows))
        conversations = [examples + rows[place].prompt for place in places]
        found = decoder.generate(conversations, grammar=rules, on_progress=progress)
        done.update(zip(places, found, strict=True))
    return [done[place] for place in range(len(rows))]


def _tell(tell: Callable[[int, int], None], before: int, whole: int, done: int, _: int) -> None:
    tell(before + done, whole)


def _by_tools(rows: Sequence[Row]) -> list[tuple[tuple[Tool, ...], list[int]]]:
    groups: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        groups.setdefault(dumps(row.tools), []).append(place)
    return [(rows[places[0]].offered, places) for places in groups.values()]


def calls_or_prose(tools: Sequence[Tool], format: str, tokenizer: "PreTrainedTokenizerBase") -> toolfmt.Grammar:
    """The grammar of the answers, see above."""
    return toolfmt.grammar_for(tools, format, calls="auto", order="any", special_tokens=special_tokens(tokenizer))
