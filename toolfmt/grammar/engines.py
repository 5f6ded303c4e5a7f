"""Talking to the engines that are installed: whether one takes a grammar, which texts the grammar then allows, and decoding under it.

An engine is one of `ENGINES`.  xgrammar's EBNF is a superset of GBNF, so it stands in for llama.cpp: what it takes, llama.cpp may still refuse (a
rule name with `_`).  Engines are imported where they are used: xgrammar brings torch with it.
"""

import json
from functools import lru_cache
from importlib import import_module
from typing import Any

from toolfmt.errors import GrammarError, MissingExtraError

__all__ = ["ENGINES", "accepts", "allowed", "check", "logits_processor"]

ENGINES = ("xgrammar", "llguidance", "gbnf", "structural_tag")


def accepts(engine: str, grammar: str, text: str) -> bool:
    """Whether the whole of ``text`` is a sentence of ``grammar``, spelled in bytes: no tokenizer takes part.

    So a grammar that asks for special tokens by their ids is not for here: write it without them.
    """
    start = _start(engine, grammar)
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return False
    if engine == "llguidance":
        matcher = start.deep_copy()
        taken = matcher.try_consume_tokens(list(data))
        _still_works(matcher)
        return bool(taken == len(data) and matcher.is_accepting())
    matcher = _package(engine).GrammarMatcher(start, terminate_without_stop_token=True)
    return bool(matcher.accept_string(data) and matcher.is_completed())


def allowed(engine: str, grammar: str, text: str) -> int:
    """How many characters of ``text`` may stand at the beginning of a sentence of ``grammar``."""
    start = _start(engine, grammar)
    data = text.encode(errors="surrogatepass")
    if engine == "llguidance":
        taken = start.deep_copy().try_consume_tokens(list(data))
        return len(data[:taken].decode(errors="ignore"))
    matcher = _package(engine).GrammarMatcher(start, terminate_without_stop_token=True)
    return next(
        (i for i, char in enumerate(text) if not matcher.accept_string(char.encode(errors="surrogatepass"))), len(text)
    )


def check(engine: str, grammar: str) -> None:
    """Raises `GrammarError`, with what the engine says, if ``engine`` refuses ``grammar``."""
    package = _package(engine)
    if engine != "llguidance":
        try:
            _start(engine, grammar)
        except GrammarError as error:
            if not _needs_tokenizer(error):
                raise
        return
    # Without a tokenizer: ids of special tokens are taken as they are.
    if message := package.LLMatcher.validate_grammar(package.LLMatcher.grammar_from_lark(grammar)):
        raise _refused(engine, message)


def logits_processor(engine: str, grammar: str, tokenizer: Any) -> Any:
    """A logits processor for transformers' ``generate(logits_processor=[...])``, which decodes under ``grammar``.

    It serves one ``generate()`` call: make a new one for the next.  Each row of the batch is followed by itself; beam search, which swaps rows, is
    not supported.  ``tokenizer`` is a fast one of transformers.  How wide the logits are is seen at the first step, and the grammar compiled then.
    """
    check(engine, grammar)
    return _Processor(engine, grammar, tokenizer)


class _Processor:
    """Masks the logits of one ``generate()`` call."""

    def __init__(self, engine: str, grammar: str, tokenizer: Any) -> None:
        self.made_from = engine, grammar, tokenizer
        self.inner: Any = None

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        if self.inner is None:
            engine, grammar, tokenizer = self.made_from
            make = _llguidance_rows if engine == "llguidance" else _xgrammar_rows
            self.inner = make(engine, grammar, tokenizer, scores)
        return self.inner(input_ids, scores)


def _xgrammar_rows(engine: str, grammar: str, tokenizer: Any, scores: Any) -> Any:
    from xgrammar.contrib.hf import LogitsProcessor

    return LogitsProcessor(_compiled(engine, grammar, _xgrammar_compiler(tokenizer, scores.shape[-1])))


def _llguidance_rows(_: str, grammar: str, tokenizer: Any, scores: Any) -> "_Rows":
    matcher = _matcher(grammar, _llguidance_tokenizer(tokenizer, scores.shape[-1]))
    return _Rows([matcher.deep_copy() for _ in range(scores.shape[0])])


class _Rows:
    """An llguidance matcher for each row of a batch."""

    def __init__(self, matchers: list[Any]) -> None:
        self.matchers = matchers
        self.begun = False

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        import torch

        if self.begun:
            for matcher, token in zip(self.matchers, input_ids[:, -1].tolist(), strict=True):
                if not matcher.is_stopped():
                    matcher.consume_token(token)
                _still_works(matcher)
        self.begun = True
        # A stopped matcher allows the end of the turn and nothing else.
        masks = [
            torch.frombuffer(bytearray(matcher.compute_logit_bias()), dtype=torch.uint8) for matcher in self.matchers
        ]
        allowed = torch.stack(masks)
        return scores.masked_fill(allowed.to(scores.device) == 0, float("-inf"))


# What is costly to make, kept for the next use


@lru_cache(maxsize=64)
def _start(engine: str, grammar: str) -> Any:
    """What a text is judged from: a compiled grammar of xgrammar, or a matcher of llguidance that has read nothing."""
    package = _package(engine)
    if engine == "llguidance":
        return _matcher(grammar, package.LLTokenizer("byte"))
    return _compiled(engine, grammar, package.GrammarCompiler(package.TokenizerInfo([]), cache_enabled=False))


@lru_cache(maxsize=4)
def _xgrammar_compiler(tokenizer: Any, width: int) -> Any:
    """xgrammar's compiler for a tokenizer and the width of its logits; it keeps what it compiled."""
    package = _package("xgrammar")
    return package.GrammarCompiler(package.TokenizerInfo.from_huggingface(tokenizer, vocab_size=width))


@lru_cache(maxsize=4)
def _llguidance_tokenizer(tokenizer: Any, width: int) -> Any:
    """llguidance's view of a tokenizer and the width of its logits."""
    from llguidance.hf import from_tokenizer

    return from_tokenizer(tokenizer, n_vocab=width)


# The engines


def _package(engine: str) -> Any:
    if engine not in ENGINES:
        raise ValueError(f"unknown engine, choose one of {', '.join(ENGINES)}: `{engine}`")
    try:
        return import_module("llguidance" if engine == "llguidance" else "xgrammar")
    except ImportError as error:
        raise MissingExtraError(f'the engine {engine} is not installed: pip install "toolfmt[grammar]"') from error


def _matcher(grammar: str, tokenizer: Any) -> Any:
    matchers = _package("llguidance").LLMatcher
    matcher = matchers(tokenizer, matchers.grammar_from_lark(grammar), log_level=0)
    if matcher.is_error():
        raise _refused("llguidance", matcher.get_error())
    return matcher


def _still_works(matcher: Any) -> None:
    """llguidance reports a bound that it met, or a token that was not allowed, as the end of the text."""
    if matcher.is_error():
        raise GrammarError("", f"llguidance gave up on the text: {matcher.get_error().splitlines()[0]}")


def _compiled(engine: str, grammar: str, compiler: Any) -> Any:
    try:
        if engine == "structural_tag":
            return compiler.compile_structural_tag(json.loads(grammar))
        return compiler.compile_grammar(_package(engine).Grammar.from_ebnf(grammar))
    except (RuntimeError, ValueError) as error:
        raise _refused(engine, str(error)) from error


def _needs_tokenizer(error: GrammarError) -> bool:
    """Whether a grammar was refused only because special tokens are ids, which mean nothing without a tokenizer."""
    return "out of the vocabulary range" in str(error)


def _refused(engine: str, message: str) -> GrammarError:
    return GrammarError("", f"{engine} refuses the grammar: {message.strip()}")
