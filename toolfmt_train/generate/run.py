"""Proposals in, rows out: `generate` draws tasks in turn from every kind, language and project, and keeps what the judge accepts.

The same corpora, number, side and seed give the same bytes, with any number of threads: proposals are judged in batches and taken in their order.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random

from toolfmt_train.generate.accept import Judge
from toolfmt_train.generate.blueprint import Blueprint, proposals
from toolfmt_train.generate.no_tool import no_tool_proposals
from toolfmt_train.generate.proposal import Proposal, Refusal
from toolfmt_train.generate.source import Source
from toolfmt_train.generate.structure import STRUCTURE
from toolfmt_train.generate.text import TEXT
from toolfmt_train.gym.corpora import Corpus
from toolfmt_train.gym.runner import Runner
from toolfmt_train.gym.tools import LANGUAGES, Language
from toolfmt_train.rows import Bucket, Row

__all__ = ["BLUEPRINTS", "SHARES", "Generated", "generate", "propose"]

BLUEPRINTS: tuple[Blueprint, ...] = (*TEXT, *STRUCTURE)

SHARES: dict[Bucket, float] = {"atomic": 0.6, "adversarial": 0.28, "no_tool": 0.12}
"""The share of each bucket in the rows."""

_BATCH = 64

Progress = Callable[[int], None]


@dataclass(slots=True)
class Generated:
    """Accepted rows, and what was refused."""

    rows: list[Row] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)

    @property
    def counts(self) -> dict[tuple[str, str, str], int]:
        """Rows by bucket, blueprint and language."""
        return dict(sorted(Counter((row.bucket, row.blueprint, row.language) for row in self.rows).items()))

    @property
    def reasons(self) -> dict[tuple[str, str], int]:
        """Refusals by reason and blueprint."""
        return dict(sorted(Counter((one.reason, one.proposal.blueprint) for one in self.refused).items()))


def generate(
    corpora: Sequence[Corpus],
    rows: int,
    *,
    seed: int = 0,
    held_out: bool = False,
    threads: int = 2,
    on_row: Progress | None = None,
) -> Generated:
    """At most so many rows; fewer when the corpora have no more to ask about."""
    sources = [Source(corpus, language) for corpus in corpora for language in corpus.languages]
    judge = Judge({corpus.name: Runner(corpus.root) for corpus in corpora})
    done = Generated()
    with ThreadPoolExecutor(threads) as pool:
        for bucket, number in _quotas(rows).items():
            proposed = propose(bucket, sources, seed, held_out)
            _fill(done, judge, pool, proposed, number, on_row or _ignore)
    Random(f"{seed} order").shuffle(done.rows)
    done.rows = [row.model_copy(update={"id": f"{i:05}-{row.blueprint}"}) for i, row in enumerate(done.rows)]
    return done


def _ignore(_: int) -> None:
    pass


def _quotas(rows: int) -> dict[Bucket, int]:
    """Whole numbers in the shares, which add up to ``rows``; the largest bucket takes what rounding leaves."""
    quotas = {bucket: int(rows * share) for bucket, share in SHARES.items()}
    quotas["atomic"] += rows - sum(quotas.values())
    return quotas


def _fill(
    done: Generated, judge: Judge, pool: ThreadPoolExecutor, proposed: Iterator[Proposal], number: int, on_row: Progress
) -> None:
    """Judges batches until ``number`` rows are there; what a batch has beyond that is dropped without a word."""
    seen: set[str] = set()
    left = number
    while left and (batch := list(itertools.islice(_new(proposed, seen), _BATCH))):
        for verdict in pool.map(judge.judge, batch):
            if not left:
                break
            if isinstance(verdict, Refusal):
                done.refused.append(verdict)
            else:
                done.rows.append(verdict)
                left -= 1
                on_row(1)


def _new(proposed: Iterator[Proposal], seen: set[str]) -> Iterator[Proposal]:
    """Those whose call was not proposed before in the same project."""
    for proposal in proposed:
        key = f"{proposal.corpus} {proposal.call!r}" if proposal.call else proposal.prompt
        if key not in seen:
            seen.add(key)
            yield proposal


def propose(bucket: Bucket, sources: Sequence[Source], seed: int, held_out: bool) -> Iterator[Proposal]:
    """The proposals of a bucket: the languages in turn, in each its kinds, in each its projects."""
    if bucket == "no_tool":
        return no_tool_proposals(sources, Random(f"{seed} no_tool {held_out}"), held_out)
    kinds = [blueprint for blueprint in BLUEPRINTS if blueprint.bucket == bucket]
    return _in_turn([_of_language(language, kinds, sources, seed, held_out) for language in LANGUAGES])


def _of_language(
    language: Language, kinds: Sequence[Blueprint], sources: Sequence[Source], seed: int, held_out: bool
) -> Iterator[Proposal]:
    here = [source for source in sources if source.language == language]
    turns: list[Iterator[Proposal]] = []
    for number, kind in enumerate(kind for kind in kinds if language in kind.find):
        first = number % max(
            len(here), 1
        )  # each kind begins with another project, so that few rows come from all of them
        cells = [_cell(kind, source, seed, held_out) for source in (*here[first:], *here[:first])]
        turns += [_in_turn(cells)] * kind.weight
    return _in_turn(turns)


def _cell(blueprint: Blueprint, source: Source, seed: int, held_out: bool) -> Iterator[Proposal]:
    rng = Random(f"{seed} {blueprint.name} {source.corpus.name} {source.language} {held_out}")
    return proposals(blueprint, source, rng, held_out)


def _in_turn(every: Sequence[Iterator[Proposal]]) -> Iterator[Proposal]:
    """One of each, again and again, until all have ended."""
    left = list(every)
    while left:
        kept = []
        for one in left:
            proposal = next(one, None)
            if proposal is not None:
                kept.append(one)
                yield proposal
        left = kept
