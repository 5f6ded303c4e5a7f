"""The whole road as commands, each of which can be run alone: `toolfmt-train demo` shows them small, `benchmarks/road.py` runs them long.

It tells one story.  Training data holds its calls in code fences, the server's parser reads Qwen's XML: the tuned model's calls arrive as
text.  `toolfmt convert` writes the same data in the server's format, and a second tuning mends it.  Before, between and after are measured on the
same held-out tasks.

A step whose output is there already is not run again, so an interrupted road goes on where it was.
"""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from toolfmt.values import loads
from toolfmt_train.errors import TrainError

__all__ = ["Done", "Road", "Step", "run", "scores", "steps"]

DATA, HELD_OUT, ALL_SCORES = "train.jsonl", "held_out.jsonl", "scores"
_PROBLEMS_FOUND = 1
_STDERR = 2


@dataclass(frozen=True, slots=True)
class Road:
    """How far each step goes.

    ``wire`` is the format of the data, ``served`` the one that the server reads; ``shots`` are asked of the untuned model.
    """

    model: str = "smollm2"
    wire: str = "json_fence"
    served: str = "qwen_xml"
    corpora: str = "bundled"
    rows: int = 240
    held_out: int = 40
    examples: int = 180
    epochs: int = 1
    batch: int = 4
    max_length: int = 1024
    seeds: tuple[int, ...] = (0,)
    shots: tuple[int, ...] = (0,)
    max_new_tokens: int = 128
    checked: int = 3


class Step(NamedTuple):
    """A command; ``out`` is what it leaves in the folder, ``can_find`` whether exit code 1, problems found, is a result as well."""

    title: str
    command: tuple[str, ...]
    out: str
    can_find: bool = False


class Done(NamedTuple):
    """What a step cost; None for one whose output was there."""

    step: Step
    seconds: float | None
    cpu_seconds: float | None


def steps(road: Road) -> list[Step]:
    """The commands, in order; their paths are relative to the folder that they run in."""
    return [
        *_data(road),
        *_before(road),
        *_tuned(road, road.wire),
        _mend(road),
        *_tuned(road, road.served),
        *_end(road),
    ]


def _data(road: Road) -> Iterator[Step]:
    make = ("toolfmt-train", "generate", "--corpora", road.corpora)
    yield Step("tasks whose answers have been run", (*make, "--rows", str(road.rows), "-o", DATA), DATA)
    held_out = (*make, "--held-out", "--rows", str(road.held_out), "-o", HELD_OUT)
    yield Step("other tasks, to be held out", held_out, HELD_OUT)
    yield Step(f"the data as it is found: calls in {road.wire}", _convert(DATA, road.wire), _file(road.wire))


def _mend(road: Road) -> Step:
    title = f"the same data in {road.served}, which the server reads"
    return Step(title, _convert(_file(road.wire), road.served), _file(road.served))


def _convert(source: str, format: str) -> tuple[str, ...]:
    return ("toolfmt", "convert", source, "--to", format, "-o", _file(format))


def _file(format: str) -> str:
    return f"train.{format}.jsonl"


def _before(road: Road) -> Iterator[Step]:
    shots = [word for number in road.shots for word in ("--shots", str(number))]
    for format in (road.served, road.wire):
        out = f"before.{format}"
        ask = _evaluate(road, road.model, format, "before", 0, out, *shots, "--shots-from", DATA)
        yield Step(f"the untuned model, writing {format}", ask, out)


def _tuned(road: Road, format: str) -> Iterator[Step]:
    for seed in road.seeds:
        folder = f"tuned.{format}.{seed}"
        recipe = f"{format}.toml"
        yield Step(
            f"tune on {_file(format)}", ("toolfmt-train", "sft", recipe, "--seed", str(seed), "-o", folder), folder
        )
        out = f"after.{format}.{seed}"
        read_as = () if format == road.served else ("--read-as", road.served)
        ask = _evaluate(road, f"{folder}/merged", format, "after", seed, out, *read_as)
        yield Step(f"the tuned model, writing {format}", ask, out)


def _evaluate(road: Road, model: str, format: str, label: str, seed: int, out: str, *options: str) -> tuple[str, ...]:
    about = ("--data", HELD_OUT, "--format", format, "--label", label, "--seed", str(seed), *options)
    how = ("--grammar", "both", "--max-new-tokens", str(road.max_new_tokens))
    return ("toolfmt-train", "evaluate", model, *about, *how, "-o", out)


def _end(road: Road) -> Iterator[Step]:
    for format in (road.wire, road.served):
        check = ("toolfmt-train", "serve-check", f"tuned.{format}.{road.seeds[0]}/merged", "--format", road.served)
        asked = (*check, "--data", HELD_OUT, "--limit", str(road.checked))
        yield Step(f"the model tuned on {format} behind a {road.served} server", asked, "", can_find=True)
    kept = [f"before.{format}" for format in (road.served, road.wire)]
    kept += [f"after.{format}.{seed}" for format in (road.wire, road.served) for seed in road.seeds]
    files = [word for name in kept for word in ("--completions", f"{name}/completions.jsonl")]
    together = ("toolfmt-train", "evaluate", "--data", HELD_OUT, *files, "--read-as", road.served, "-o", ALL_SCORES)
    yield Step("all of it in one table", together, ALL_SCORES)


def run(road: Road, folder: Path, on_step: Callable[[int, int, Step], None]) -> Iterator[Done]:
    """Runs the steps in ``folder``, all they say on standard error; raises `TrainError` at the first that fails."""
    folder.mkdir(parents=True, exist_ok=True)
    for format in (road.wire, road.served):
        (folder / f"{format}.toml").write_text(_recipe(road, format), encoding="utf-8")
    every = steps(road)
    for number, step in enumerate(every, 1):
        on_step(number, len(every), step)
        yield _run(step, folder)


def _recipe(road: Road, format: str) -> str:
    """Without a format: it is the one in which the data's calls are written."""
    return (
        f'data = "{_file(format)}"\nout = "tuned.{format}"\nmodel = "{road.model}"\nexamples = {road.examples}\n\n'
        f"[train]\nepochs = {road.epochs}\nbatch = {road.batch}\nmax_length = {road.max_length}\n"
    )


_MODULES = {"toolfmt": "toolfmt.cli.main", "toolfmt-train": "toolfmt_train.cli.main"}


def _run(step: Step, folder: Path) -> Done:
    if step.out and (folder / step.out).exists():
        return Done(step, None, None)
    began, cpu = time.monotonic(), _children()
    command = [sys.executable, "-m", _MODULES[step.command[0]], *step.command[1:]]
    code = subprocess.run(command, cwd=folder, env=_environment(), stdout=_STDERR, check=False).returncode
    if code != 0 and not (step.can_find and code == _PROBLEMS_FOUND):
        raise TrainError(f"exit code {code}: `{' '.join(step.command)}` in {folder}; the steps before it are kept")
    return Done(step, time.monotonic() - began, _children() - cpu)


def _environment() -> dict[str, str]:
    """One thread unless the user says otherwise: threads that wait for each other cost more than they bring on a busy machine."""
    return {"OMP_NUM_THREADS": "1", **os.environ}


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def scores(folder: Path) -> list[dict[str, Any]]:
    """The scores of a road that was run to its end; see `evaluate.summary.Scores.dump`."""
    found: list[dict[str, Any]] = loads((folder / ALL_SCORES / "scores.json").read_text(encoding="utf-8"))["scores"]
    return found
