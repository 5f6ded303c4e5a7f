"""Tasks that no search answers: things to be done, things to be known, sums, talk.  The right answer is text and no call.

Things to be done name files and identifiers of a project, so that a backtick alone is no sign of a search.  Questions, kinds of
requests and wordings are two disjoint lists (`no_tool_words.py`); identifiers are split as everywhere.
"""

import itertools
from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

from toolfmt_train.generate.no_tool_words import (
    ACTIONS,
    CANNOT_DO,
    CANNOT_KNOW,
    FACTS,
    OUTSIDE,
    QUESTIONS,
    SUMS,
    TALK,
)
from toolfmt_train.generate.proposal import Proposal
from toolfmt_train.generate.source import Source
from toolfmt_train.generate.split import belongs

__all__ = ["no_tool_proposals"]


class _Asked(NamedTuple):
    blueprint: str
    prompt: str
    answer: str
    corpus: str
    subject: str = ""


def no_tool_proposals(sources: Sequence[Source], rng: Random, held_out: bool) -> Iterator[Proposal]:
    """Tasks without a call, never the same words twice."""
    kinds = (_actions, _facts, _sums, _outside, _talk)
    asked = [kind(sources, Random(f"{rng.random()}"), held_out) for kind in kinds]
    seen: set[str] = set()
    for one in _in_turn(asked):
        if one.prompt not in seen:
            seen.add(one.prompt)
            yield Proposal(one.blueprint, "no_tool", "", one.corpus, one.subject, one.prompt, None, answer=one.answer)


def _in_turn(every: list[Iterator[_Asked]]) -> Iterator[_Asked]:
    """Two of the first, which has the most, then one of each of the others, until all have ended."""
    first, *rest = every
    for group in itertools.zip_longest(first, first, *rest):
        yield from (one for one in group if one is not None)


def _actions(sources: Sequence[Source], rng: Random, held_out: bool) -> Iterator[_Asked]:
    requests = ACTIONS.held_out if held_out else ACTIONS.train
    names = [[word for word in source.words if belongs(word, held_out)] for source in sources]
    known = [(source, words) for source, words in zip(sources, names, strict=True) if len(words) > 1]
    for request in itertools.chain.from_iterable(rng.sample(requests, len(requests)) for _ in range(200) if known):
        source, words = rng.choice(known)
        name, other = rng.sample(words, 2)
        prompt = request.format(x=name, y=other, file=rng.choice(source.files))
        answer = CANNOT_DO.draw(rng, held_out)
        yield _Asked("action", prompt, answer, source.corpus.name, name if "{x}" in request else "")


def _facts(sources: Sequence[Source], rng: Random, held_out: bool) -> Iterator[_Asked]:
    facts = FACTS.held_out if held_out else FACTS.train
    ways = QUESTIONS.held_out if held_out else QUESTIONS.train
    every = [(way, fact) for way in ways for fact in facts]
    for way, fact in rng.sample(every, len(every)):
        question, _, answer = fact.partition(" | ")
        yield _Asked("fact", way.format(what=question), answer, rng.choice(sources).corpus.name)


def _sums(sources: Sequence[Source], rng: Random, held_out: bool) -> Iterator[_Asked]:
    for _ in range(500):
        a, b = rng.randint(2, 99), rng.randint(2, 99)
        words, result = rng.choice([("plus", a + b), ("times", a * b), ("minus", a - b)])
        prompt = SUMS.draw(rng, held_out).format(a=a, b=b, op=words)
        yield _Asked("sum", prompt, f"{a} {words} {b} is {result}.", rng.choice(sources).corpus.name)


def _outside(sources: Sequence[Source], rng: Random, held_out: bool) -> Iterator[_Asked]:
    questions = OUTSIDE.held_out if held_out else OUTSIDE.train
    for question in rng.sample(questions, len(questions)):
        yield _Asked("outside", question, CANNOT_KNOW.draw(rng, held_out), rng.choice(sources).corpus.name)


def _talk(sources: Sequence[Source], rng: Random, held_out: bool) -> Iterator[_Asked]:
    lines = TALK.held_out if held_out else TALK.train
    for line in rng.sample(lines, len(lines)):
        said, _, answer = line.partition(" | ")
        yield _Asked("talk", said, answer, rng.choice(sources).corpus.name)
