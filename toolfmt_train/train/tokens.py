"""Examples as tokens, with a mask of what the assistant wrote: what the trainer sees, made before it starts.

The text is `toolfmt.chat_template(format)`'s, the mask that of its generation marks.  Each example is checked: the tokens before every
answer are those that the model will be prompted with.  Nothing is cut; what cannot be an example is set aside with the reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import toolfmt
from toolfmt.format import Format
from toolfmt_train.errors import ModelError, RowError
from toolfmt_train.train.data import Example

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["Encoded", "Ending", "Tokenized", "ending", "tokenize"]

IGNORED = -100
"""The label of a token that takes no part in the loss, as torch and transformers have it."""


class Ending(NamedTuple):
    """How an assistant's turn ends in the tokens of a model."""

    text: str
    """The format's end-of-turn marker."""
    stops: tuple[int, ...]
    """The tokens at which generation stops."""
    added: int | None
    """The tokenizer's own end token, written after a marker that is several tokens; None where the marker is one."""


class Encoded(NamedTuple):
    """An example's tokens; ``mask`` is 1 on those that the assistant writes."""

    example: Example
    ids: list[int]
    mask: list[int]

    @property
    def labels(self) -> list[int]:
        """The tokens to be learnt, `IGNORED` elsewhere."""
        return [token if learnt else IGNORED for token, learnt in zip(self.ids, self.mask, strict=True)]


@dataclass
class Tokenized:
    """The examples that can be trained on, and by reason the names of those that cannot."""

    ending: Ending
    encoded: list[Encoded] = field(default_factory=list)
    dropped: dict[str, list[str]] = field(default_factory=dict)


def ending(format: Format, tokenizer: "PreTrainedTokenizerBase") -> Ending:
    """How turns end; raises `ModelError` where neither the format nor the tokenizer has a token for it."""
    markers = format.end_of_turn or ((format.turns.end,) if format.turns is not None else ())
    pieces = [tokenizer.encode(marker, add_special_tokens=False) for marker in markers]
    stops = [ids[0] for ids in pieces if len(ids) == 1]
    own = tokenizer.eos_token_id
    if isinstance(own, int):
        stops.append(own)
    if not stops:
        raise ModelError(
            f"the tokenizer has no end token, and `{markers[0]}` of {format.name} is {len(pieces[0])} tokens: set `eos_token`"
        )
    return Ending(markers[0], tuple(dict.fromkeys(stops)), None if len(pieces[0]) == 1 else own)


def tokenize(
    examples: Sequence[Example], tokenizer: "PreTrainedTokenizerBase", format: str, max_length: int
) -> Tokenized:
    """The examples as tokens of a tokenizer whose chat template is the format's; raises `RowError` when none is left."""
    made = Tokenized(ending(toolfmt.get_format(format), tokenizer))
    for example in examples:
        try:
            encoded = _encode(example, tokenizer, made.ending)
            _check_length(encoded, max_length)
        except RowError as error:
            made.dropped.setdefault(str(error), []).append(example.name)
        else:
            made.encoded.append(encoded)
    if not made.encoded:
        reason, names = next(iter(made.dropped.items()))
        raise RowError(f"none of {len(examples):,} rows can be trained on; {names[0]}: {reason}")
    return made


def _encode(example: Example, tokenizer: "PreTrainedTokenizerBase", ending: Ending) -> Encoded:
    whole = _apply(example, example.messages, tokenizer, return_assistant_tokens_mask=True)
    ids, mask = list(whole["input_ids"]), list(whole["assistant_masks"])
    if not any(mask):
        raise RowError("the assistant writes nothing")
    for at, message in enumerate(example.messages):
        if message["role"] == "assistant":
            _check_prompt(
                _apply(example, example.messages[:at], tokenizer, add_generation_prompt=True)["input_ids"], ids, mask
            )
    if ending.added is not None:
        end = len(mask) - mask[::-1].index(1)
        ids.insert(end, ending.added)
        mask.insert(end, 1)
    return Encoded(example, ids, mask)


def _apply(example: Example, messages: list[dict[str, Any]], tokenizer: "PreTrainedTokenizerBase", **how: bool) -> Any:
    from jinja2 import TemplateError

    given: dict[str, Any] = {"tools": example.tools, "tokenize": True, "return_dict": True, **how}
    try:
        return tokenizer.apply_chat_template(messages, **given)
    except TemplateError as error:
        raise RowError(str(error)) from None


def _check_prompt(prompt: list[int], ids: list[int], mask: list[int]) -> None:
    """A prompt has to end where its answer begins: a token across that line is one that the model is never prompted with."""
    end = len(prompt)
    if ids[:end] != prompt or mask[end - 1] or not mask[end]:
        raise RowError("the tokenizer joins the end of the prompt with the begin of the answer")


def _check_length(encoded: Encoded, max_length: int) -> None:
    if len(encoded.ids) > max_length:
        raise RowError(f"longer than max_length = {max_length}")
