"""A tokenizer and a random model, made in a moment, that write whatever a grammar lets them: what `generate()` gives is the grammar's own text.

The vocabulary is the 256 bytes and, as plain tokens, what is likely to go wrong: marks of the formats, and pieces of values together with what closes
them.  So a string is now and then offered a whole `</parameter>`, and a token may begin in a value and end behind it.
"""

import codecs
from functools import cache
from typing import Any, NamedTuple

import toolfmt

__all__ = ["EOS", "Output", "Tiny", "generate", "marks", "tiny"]

EOS = "<|eos|>"
_EDGES = ('": ', '", "', '"}', '"]', "'}", '"}}', "}]", ": {", ": [", '\\"', "\\\\", "\\u00", ">\n", "\n<", "</", "0.", "e+")  # fmt: skip
_PROMPT = "hi"


class Output(NamedTuple):
    """One row of a batch."""

    text: str
    tokens: tuple[int, ...]
    ended: bool
    """Whether it ended by itself; else it was cut off."""


class Tiny(NamedTuple):
    """A model and its tokenizer."""

    tokenizer: Any
    model: Any


def marks() -> tuple[str, ...]:
    """The marks of every registered format."""
    formats = [toolfmt.get_format(info.name) for info in toolfmt.formats()]
    texts = [text for fmt in formats for text in (*fmt.opens, *fmt.closes, *fmt.end_of_turn)]
    return tuple(dict.fromkeys(filter(None, texts)))


@cache
def tiny(special: tuple[str, ...] = ()) -> Tiny:
    """A random model of one layer; ``special`` are marked special in its tokenizer, and all other marks are not."""
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

    torch.set_num_threads(1)
    torch.manual_seed(0)
    plain = [text for text in (*marks(), *_EDGES) if text not in special]
    spelled = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    pieces = [*sorted(spelled.alphabet()), *(spelled.pre_tokenize_str(text)[0][0] for text in plain)]
    raw = Tokenizer(models.BPE(vocab={piece: i for i, piece in enumerate(dict.fromkeys(pieces))}, merges=[]))
    raw.pre_tokenizer, raw.decoder = spelled, decoders.ByteLevel()
    raw.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in (EOS, *special)])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token=EOS, pad_token=EOS)
    end = tokenizer.eos_token_id
    config = Qwen3Config(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, head_dim=16, tie_word_embeddings=True, eos_token_id=end, pad_token_id=end, bos_token_id=None,
    )  # fmt: skip
    return Tiny(tokenizer, Qwen3ForCausalLM(config).eval())


class _Utf8:
    """Keeps what is written to UTF-8, as a trained model does by itself, unless the grammar leaves no other way.

    xgrammar's `TagDispatch` lets any byte stand, and `max_chars` cuts it off inside a character.
    """

    def __init__(self, tokenizer: Any) -> None:
        alphabet = {char: byte for byte, char in _spelled_bytes().items()}
        self.tokens = [
            None if i in tokenizer.added_tokens_decoder else bytes(alphabet[char] for char in piece)
            for i, piece in enumerate(tokenizer.convert_ids_to_tokens(range(len(tokenizer))))
        ]
        self.begun: list[bytes] = []
        self.masks: dict[bytes, Any] = {}

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        import torch

        if self.begun:
            last = [self.tokens[token] or b"" for token in input_ids[:, -1].tolist()]
            self.begun = [_rest(begun + token) or b"" for begun, token in zip(self.begun, last, strict=True)]
        else:
            self.begun = [b""] * len(input_ids)
        for begun in set(self.begun) - self.masks.keys():
            fits = [not begun if token is None else _rest(begun + token) is not None for token in self.tokens]
            self.masks[begun] = torch.tensor(fits)
        kept = scores.masked_fill(~torch.stack([self.masks[begun] for begun in self.begun]), float("-inf"))
        return torch.where(kept.isfinite().any(1, keepdim=True), kept, scores)


def _rest(text: bytes) -> bytes | None:
    """The bytes of a character that is begun at the end of ``text``; None where it is no UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(text)
        rest, _ = decoder.getstate()
        if len(rest) > 1:  # the decoder is late to see that a second byte is wrong
            decoder.decode(b"\x80" * ((rest[0] >= 0xF0) + 3 - len(rest)))
    except UnicodeDecodeError:
        return None
    return rest


def _spelled_bytes() -> dict[int, str]:
    """How a byte-level tokenizer spells each byte: those that print as themselves, the others by the characters from U+0100."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(0x100) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {byte: chr(0x100 + i) for i, byte in enumerate(others)}


def generate(made: Tiny, grammar: toolfmt.Grammar, rows: int, *, longest: int = 600, seed: int = 0) -> list[Output]:
    """What the model writes under a grammar, a batch of ``rows``; the same for the same ``seed``."""
    import torch

    torch.manual_seed(seed)
    inputs = made.tokenizer([_PROMPT] * rows, return_tensors="pt")
    processors = [grammar.transformers(made.tokenizer), _Utf8(made.tokenizer)]
    out = made.model.generate(**inputs, do_sample=True, top_k=0, max_new_tokens=longest, logits_processor=processors)
    end, begins = made.tokenizer.eos_token_id, inputs.input_ids.shape[1]
    return [_output(made.tokenizer, row[begins:], end) for row in out.tolist()]


def _output(tokenizer: Any, row: list[int], end: int) -> Output:
    ended = end in row
    tokens = row[: row.index(end)] if ended else row
    return Output(tokenizer.decode(tokens, clean_up_tokenization_spaces=False), tuple(tokens), ended)
