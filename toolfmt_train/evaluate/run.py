"""From completions to results, and the folder that keeps both.

`completions.jsonl` is what the models wrote, `verdicts.jsonl` what each was judged, `scores.json` the rates, `scores.png` a picture of them.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from toolfmt.values import dumps
from toolfmt_train.errors import RowError
from toolfmt_train.evaluate.records import Record
from toolfmt_train.evaluate.summary import Judged, Scores, summarize
from toolfmt_train.evaluate.verdict import Judge
from toolfmt_train.rows import Row

__all__ = ["judge_all", "save", "score_all"]


def judge_all(
    rows: Sequence[Row], records: Sequence[Record], read_as: str | None = None, judge: Judge | None = None
) -> list[Judged]:
    """The verdict on every completion, as its own format reads it, and with ``read_as`` once more by that format's parser.

    Raises `RowError` for a completion of a row that is not among ``rows``, and for two of one row under one condition and seed.
    """
    by_id = {row.id: row for row in rows}
    _check(by_id, records)
    judge = judge or Judge()
    judged = []
    for reader in (None, read_as) if read_as is not None else (None,):
        for record in records:
            row = by_id[record.row]
            if reader != record.format:
                judged.append(Judged(record.condition(reader), record.seed, row, judge.judge(row, record, reader)))
    return judged


def _check(rows: dict[str, Row], records: Sequence[Record]) -> None:
    unknown = next((record.row for record in records if record.row not in rows), None)
    if unknown is not None:
        raise RowError(
            f"a completion is of the row `{unknown}`, which the data has not; give the data that it was written for"
        )
    times = Counter((record.condition(), record.seed, record.row) for record in records)
    for (condition, seed, row), number in times.items():
        if number > 1:
            raise RowError(
                f"{number} completions of the row `{row}` by {condition.name}, seed {seed}; give each run a label or a seed of its own"
            )


def score_all(judged: Sequence[Judged], data: Path, rows: Sequence[Row]) -> tuple[list[Scores], dict[str, Any]]:
    """The scores, and all that is kept of them as one JSON value; ``data`` is the file of the rows."""
    scores = summarize(judged)
    about = {"file": data.name, "sha256": hashlib.sha256(data.read_bytes()).hexdigest(), "rows": len(rows)}
    return scores, {"data": about, "scores": [score.dump() for score in scores]}


def save(folder: Path, judged: Sequence[Judged], scores: Sequence[Scores], found: dict[str, Any]) -> None:
    """What was made of the completions, beside them; each file is whole or not there."""
    from toolfmt_train.evaluate.report import plot

    _write(folder / "verdicts.jsonl", "".join(_line(item) for item in judged))
    _write(folder / "scores.json", dumps(found) + "\n")
    plot(scores, folder / "scores.png")


def _line(item: Judged) -> str:
    return dumps({**item.condition._asdict(), "seed": item.seed, **item.verdict.model_dump()}) + "\n"


def _write(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    part.write_bytes(text.encode())
    os.replace(part, path)
