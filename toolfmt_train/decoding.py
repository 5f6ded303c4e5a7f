"""Writing answers with a model: greedy, many prompts at once, free or under a grammar.

The prompts of an evaluation begin alike (system message, tools, examples): that beginning is run once.  Prompts of like length stand
in one batch, and a row that has ended leaves it.  In float32 the texts are those of ``model.generate(do_sample=False)``; in bfloat16 a
close decision can fall differently from one batch to another, as it does there.

Not covered: sampling, beam search, more than one device.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from toolfmt import chat_template, get_format
from toolfmt.errors import GrammarError, MissingExtraError
from toolfmt.grammar.result import Grammar
from toolfmt.ir import Tool

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from toolfmt_train.shared_prefix import Prefix

__all__ = [
    "Completion",
    "Decoder",
    "Ends",
    "GrammarProcessor",
    "TextStream",
    "ends_of",
    "grammar_processor",
    "special_tokens",
]

_BATCH = 32

Progress = Callable[[int, int], None]


class Completion(NamedTuple):
    """What a model wrote, without its end-of-turn marker; ``length``: it was cut off after so many tokens."""

    text: str
    finish_reason: Literal["stop", "length"]
    tokens: int


class Decoder:
    """A model that answers in a format, about these tools."""

    def __init__(
        self,
        model: "PreTrainedModel",
        tokenizer: "PreTrainedTokenizerBase",
        format: str,
        tools: Sequence[Tool],
        *,
        max_new_tokens: int = 160,
        batch_size: int = _BATCH,
    ) -> None:
        self._model, self._tokenizer = model, tokenizer
        self._template = chat_template(format)
        self._tools: list[Any] = [{"type": "function", "function": tool.model_dump()} for tool in tools]
        self._room, self._batch_size = max_new_tokens, batch_size
        self._ends = ends_of(model, tokenizer, format)

    def generate(
        self,
        conversations: Sequence[list[dict[str, Any]]],
        *,
        grammar: Grammar | None = None,
        on_progress: Progress | None = None,
    ) -> list[Completion]:
        """An answer to each conversation, in their order; ``on_progress`` is told how many of how many are done."""
        import torch

        from toolfmt_train.shared_prefix import Prefix, shared_attention

        prompts = [self.prompt(conversation) for conversation in conversations]
        if not prompts:
            return []
        order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
        done: dict[int, Completion] = {}
        with torch.inference_mode():
            prefix = Prefix(self._model, _common(prompts))
            with shared_attention(self._model):
                for start in range(0, len(order), self._batch_size):
                    rows = order[start : start + self._batch_size]
                    for row, completion in self._answers(prefix, [prompts[row] for row in rows], grammar):
                        done[rows[row]] = completion
                        if on_progress is not None:
                            on_progress(len(done), len(prompts))
        return [done[i] for i in range(len(prompts))]

    def prompt(self, conversation: list[dict[str, Any]]) -> list[int]:
        """The tokens that the model is given."""
        text = self._tokenizer.apply_chat_template(
            conversation,
            tools=self._tools or None,
            chat_template=self._template,
            add_generation_prompt=True,
            tokenize=False,
        )
        return list(self._tokenizer(text, add_special_tokens=False).input_ids)

    def _answers(
        self, prefix: "Prefix", prompts: Sequence[list[int]], grammar: Grammar | None
    ) -> Iterator[tuple[int, Completion]]:
        """The rows of a batch, each as it ends."""
        batch = _Batch(self._model, prefix, prompts, self._room)
        masks = self._masks(grammar) if grammar is not None else None
        written: dict[int, list[int]] = {row: [] for row in range(len(prompts))}
        while written:
            scores = batch.scores()
            chosen = (masks(batch.tokens, scores) if masks is not None else scores).argmax(-1)
            going = []
            for at, (row, token) in enumerate(zip(list(written), chosen.tolist(), strict=True)):
                ended = self._after(written[row], token)
                if ended is None:
                    going.append(at)
                else:
                    del written[row]
                    yield row, ended
            if going:
                batch.go_on(chosen, going)
            if masks is not None:
                masks.keep(going)

    def _masks(self, grammar: Grammar) -> "GrammarProcessor":
        return grammar_processor(grammar, self._tokenizer, self._model.config.vocab_size, stops=self._ends.tokens)

    def _after(self, tokens: list[int], token: int) -> Completion | None:
        """Adds a token to a row; what the row is, if that ends it."""
        if token in self._ends.tokens:
            return Completion(self._text(tokens), "stop", len(tokens) + 1)
        tokens.append(token)
        mark = self._ends.mark
        if mark and mark in self._text(tokens[-self._ends.longest :]):
            return Completion(self._text(tokens).partition(mark)[0], "stop", len(tokens))
        if len(tokens) == self._room:
            return Completion(self._text(tokens), "length", len(tokens))
        return None

    def _text(self, tokens: list[int]) -> str:
        return _text(self._tokenizer, tokens)


def _text(tokenizer: "PreTrainedTokenizerBase", tokens: list[int]) -> str:
    return str(tokenizer.decode(tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False))


class TextStream:
    """The text of tokens as they come: nothing of a character before the whole of it."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        self._tokenizer, self._tokens, self._given = tokenizer, list[int](), 0

    def add(self, token: int) -> str:
        """What is whole with this token, and was not before."""
        self._tokens.append(token)
        text = _text(self._tokenizer, self._tokens)
        return "" if text.endswith("\N{REPLACEMENT CHARACTER}") else self._new(text)

    def rest(self) -> str:
        """What is left at the end: half a character stands as U+FFFD."""
        return self._new(_text(self._tokenizer, self._tokens))

    def _new(self, text: str) -> str:
        new, self._given = text[self._given :], len(text)
        return new


class Ends(NamedTuple):
    """What ends an answer: tokens, or, where none of them is a mark of the format's, the mark as it is spelled."""

    tokens: tuple[int, ...]
    mark: str = ""

    @property
    def longest(self) -> int:
        """The most tokens that the mark can take: one for each byte."""
        return len(self.mark.encode())


def ends_of(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", format: str) -> Ends:
    """What ends the answers of a model that writes in this format: its own end tokens and the format's end-of-turn marks."""
    fmt = get_format(format)
    marks = [*fmt.end_of_turn, *([fmt.turns.end] if fmt.turns is not None and fmt.turns.end else [])]
    spelled = [tokenizer(mark, add_special_tokens=False).input_ids for mark in marks]
    single = [ids[0] for ids in spelled if len(ids) == 1]
    configured = model.generation_config.eos_token_id if model.generation_config is not None else None
    own = configured if isinstance(configured, list) else [configured]
    tokens = {token for token in (*single, *own, tokenizer.eos_token_id) if token is not None}
    return Ends(tuple(sorted(tokens)), "" if single or not marks else marks[0])


def _common(prompts: Sequence[list[int]]) -> list[int]:
    """What all prompts begin with, without the last token of any: from it the answer begins."""
    first, last = min(prompts), max(prompts)  # in the order of words: what these two share, all share
    longest = min(map(len, prompts)) - 1
    length = next((i for i in range(longest) if first[i] != last[i]), longest)
    return first[:length]


class _Batch:
    """Prompts that are being answered; what follows their prefix is padded on the left."""

    def __init__(self, model: "PreTrainedModel", prefix: "Prefix", prompts: Sequence[list[int]], room: int) -> None:
        import torch

        from toolfmt_train.shared_prefix import CACHE, Rest

        rests = [prompt[prefix.length :] for prompt in prompts]
        width = max(map(len, rests))
        self._model = model
        self._rest = Rest(prefix, len(rests), width + room)
        self._context: dict[str, Any] = {CACHE: self._rest, "prefix": prefix}
        self.tokens = torch.tensor([[0] * (width - len(rest)) + rest for rest in rests], device=model.device)
        self._seen = torch.tensor(
            [[False] * (width - len(rest)) + [True] * len(rest) for rest in rests], device=model.device
        )
        self._positions = prefix.length + (self._seen.cumsum(-1) - 1).clamp(min=0)
        self._mask = (
            self._seen[:, None, None, :] & torch.ones((width, width), dtype=torch.bool, device=model.device).tril()
        )

    def scores(self) -> "torch.Tensor":
        """The logits of the next token of each row, in float32."""
        said = self._model(
            input_ids=self.tokens,
            attention_mask=self._mask,
            position_ids=self._positions,
            logits_to_keep=1,
            **self._context,
        )
        scores: torch.Tensor = said.logits[:, -1].float()
        return scores

    def go_on(self, chosen: "torch.Tensor", rows: list[int]) -> None:
        """Each row goes on with its chosen token; of the batch only ``rows`` are kept."""
        import torch

        seen, positions = self._seen, self._positions
        if len(rows) < len(chosen):
            self._rest.keep(rows)
            seen, positions, chosen = seen[rows], positions[rows], chosen[rows]
        self.tokens = chosen[:, None]
        self._seen = torch.cat([seen, torch.ones_like(self.tokens, dtype=torch.bool)], dim=1)
        self._mask = self._seen[:, None, None, :]
        self._positions = positions[:, -1:] + 1


class GrammarProcessor:
    """A logits processor for one ``generate()`` of transformers: every row may only go on as the grammar does."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._matchers: list[Any] | None = None

    def __call__(self, input_ids: "torch.Tensor", scores: "torch.Tensor") -> "torch.Tensor":
        import xgrammar

        if self._matchers is None:
            self._matchers = [xgrammar.GrammarMatcher(self._compiled) for _ in range(len(scores))]
        else:
            self._accept(input_ids[:, -1].tolist())
        mask = xgrammar.allocate_token_bitmask(len(scores), scores.shape[-1])
        for row, matcher in enumerate(self._matchers):
            if not matcher.is_terminated():
                matcher.fill_next_token_bitmask(mask, row)
        xgrammar.apply_token_bitmask_inplace(scores, mask.to(scores.device))
        return scores

    def _accept(self, tokens: list[int]) -> None:
        for matcher, token in zip(self._matchers or [], tokens, strict=True):
            if not matcher.is_terminated() and not matcher.accept_token(token):
                raise GrammarError(
                    "", f"token {token} was written against the grammar; nothing else may choose tokens beside it"
                )

    def keep(self, rows: list[int]) -> None:
        """Drop the other rows of the batch; transformers itself never does."""
        self._matchers = [(self._matchers or [])[row] for row in rows]


def grammar_processor(
    grammar: Grammar | str, tokenizer: "PreTrainedTokenizerBase", vocab_size: int, *, stops: Sequence[int] = ()
) -> GrammarProcessor:
    """The processor of a grammar made for xgrammar, or of the text of one; a new processor for each ``generate()``.

    ``vocab_size`` is the width of the logits, which can be larger than the tokenizer; ``stops`` are the tokens that end an answer,
    else the tokenizer's ``eos_token``.
    """
    if isinstance(grammar, Grammar) and grammar.engine != "xgrammar":
        raise GrammarError(
            "engine",
            f'decoding here reads grammars for xgrammar; make it with engine="xgrammar", not `{grammar.engine}`',
        )
    compiler = _compiler(tokenizer, vocab_size, tuple(stops))
    return GrammarProcessor(_compiled(compiler, grammar if isinstance(grammar, str) else grammar.text))


@functools.lru_cache(maxsize=4)
def _compiler(tokenizer: "PreTrainedTokenizerBase", vocab_size: int, stops: tuple[int, ...]) -> Any:
    try:
        import xgrammar
    except ImportError:
        raise MissingExtraError('grammars need the package xgrammar: pip install "toolfmt[train]"') from None
    info = xgrammar.TokenizerInfo.from_huggingface(tokenizer, vocab_size=vocab_size, stop_token_ids=list(stops) or None)
    return xgrammar.GrammarCompiler(info)


def _compiled(compiler: Any, text: str) -> Any:
    try:
        return compiler.compile_grammar(text)
    except (RuntimeError, ValueError) as error:
        raise GrammarError("", f"xgrammar refuses the grammar: {error}") from None


def special_tokens(tokenizer: "PreTrainedTokenizerBase") -> dict[str, int]:
    """The tokenizer's special tokens, as `toolfmt.grammar_for` wants them."""
    return {token.content: number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
