"""The rows of a recipe as examples: a message list with structured calls each, whatever the file's format and layout.

`toolfmt.convert` reads the file and no Arrow table comes near the arguments, so that they arrive at the template as they stand in the row.
"""

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import toolfmt
from toolfmt.containers.files import file_rows
from toolfmt.errors import LayoutError, LossError, UnrepresentableError
from toolfmt_train.errors import RecipeError, RowError
from toolfmt_train.gym.corpora import BUNDLED, read_lock
from toolfmt_train.train.recipe import AUTO

__all__ = ["Data", "Example", "counts", "draw", "read_data"]


@dataclass(frozen=True, slots=True)
class Example:
    """One row: ``name`` says where it stands in the file."""

    name: str
    bucket: str
    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]] | None


@dataclass(frozen=True, slots=True)
class Data:
    """The examples of a file, and the ``format`` to train in."""

    format: str
    source: str | None
    """The format of its calls, where they stand as text."""
    examples: tuple[Example, ...]
    sha256: str
    licence: str


def read_data(path: Path, format: str = AUTO) -> Data:
    """The file's rows; raises `RowError` when one cannot be read or none has a call, `RecipeError` when the format is left open."""
    rows = _rows(path)
    found = toolfmt.detect(row for _, row in rows)
    source = found[0].format if found else None
    name = _format(path, format, source)
    try:
        converted = toolfmt.convert([row for _, row in rows], layout="trl", source=source or AUTO)
    except (LayoutError, LossError, UnrepresentableError) as error:
        raise RowError(f"`{path}`: {error}; `toolfmt convert --layout trl` sets such rows aside") from None
    examples = tuple(_example(place, row) for (place, _), row in zip(rows, converted, strict=True))
    if not any(_has_call(example.messages) for example in examples):
        raise RowError(f"no call in `{path}` (rows: {len(rows):,}); `toolfmt detect` says what it holds")
    return Data(name, source, examples, hashlib.sha256(path.read_bytes()).hexdigest(), _licence(row for _, row in rows))


def _rows(path: Path) -> list[tuple[str, dict[str, Any]]]:
    if not path.is_file():
        raise RowError(f"there is no file `{path}`")
    rows = []
    try:
        for read in file_rows(path):
            place = f"line {read.line}" if read.line is not None else f"row {read.row}"
            if read.error is not None:
                raise RowError(f"{path}, {place}: {read.error}")
            if not isinstance(read.value, dict):
                raise RowError(f"{path}, {place}: expected an object, got `{type(read.value).__name__}`")
            rows.append((place, read.value))
    except (LayoutError, OSError, ValueError) as error:  # ValueError: a file of no kind that toolfmt knows
        raise RowError(f"`{path}`: {error}") from None
    if not rows:
        raise RowError(f"`{path}` holds no rows")
    return rows


def _format(path: Path, format: str, source: str | None) -> str:
    if format != AUTO:
        return toolfmt.get_format(format).name
    if source is None:
        raise RecipeError(
            f'the calls of `{path}` do not stand as text, so name the format to train, as in `format = "qwen_xml"`'
        )
    return source


def _example(place: str, row: dict[str, Any]) -> Example:
    bucket = row.get("bucket")
    if not isinstance(bucket, str):
        bucket = "calls" if _has_call(row["messages"]) else "no call"
    return Example(place, bucket, row["messages"], row.get("tools") or None)


def _has_call(messages: list[dict[str, Any]]) -> bool:
    return any(message.get("tool_calls") for message in messages)


def _licence(rows: Any) -> str:
    """Those of the corpora that the gym's rows name; other data does not say."""
    names = {row["corpus"] for row in rows if isinstance(row.get("corpus"), str) and row["corpus"]}
    known = {name: pin.licence for name, pin in read_lock().items()} | {BUNDLED: "Apache-2.0"}
    licences = sorted({known.get(name, "unknown") for name in names})
    return ", ".join(licences) if licences else "not stated in the data"


def counts(examples: Sequence[Example]) -> dict[str, int]:
    """How many there are of each bucket."""
    return dict(sorted(Counter(example.bucket for example in examples).items()))


def draw(examples: Sequence[Example], number: int | None, seed: int) -> list[Example]:
    """``number`` of them, the same for a seed, as even over the buckets as these allow; all in the file's order without a number."""
    if number is None:
        return list(examples)
    if number > len(examples):
        raise RecipeError(f"examples = {number}: the data has only {len(examples):,}")
    groups: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        groups[example.bucket].append(example)
    shuffled = [random.Random(f"{seed} {bucket}").sample(group, len(group)) for bucket, group in sorted(groups.items())]
    drawn: list[Example] = []
    for turn in range(max(map(len, shuffled))):
        drawn += [group[turn] for group in shuffled if turn < len(group)]
    return drawn[:number]
