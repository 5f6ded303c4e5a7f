"""A folder that `datasets` saved (``save_to_disk``): loaded, converted as the dataset that it is, and saved likewise.

The new folder appears whole or not at all.  As with files, what is bad goes to ``<out>.rejects.jsonl``, here with the split in its reason.  Not
covered: samples, and going on after a kill.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from toolfmt.cli.common import CommandError
from toolfmt.containers.jobs import Job, Jobs
from toolfmt.containers.parquet import plain
from toolfmt.containers.paths import Place
from toolfmt.containers.sinks import sync_folder
from toolfmt.conversion.collect import Collector
from toolfmt.conversion.rows import Outcome, RowConverter
from toolfmt.errors import LayoutError, MissingExtraError
from toolfmt.report import Reject
from toolfmt.values import dumps

__all__ = ["convert_saved", "find_job", "is_saved"]


def is_saved(place: Place) -> bool:
    """Whether it is such a folder."""
    if not isinstance(place, Path):
        return False
    return (place / "dataset_dict.json").is_file() or all(
        (place / name).is_file() for name in ("state.json", "dataset_info.json")
    )


def find_job(source: Place, out: Place | None) -> Jobs:
    """The folder as a job; CommandError where there is something in the place of the new one already."""
    if not isinstance(out, Path):
        raise CommandError(f"a saved dataset needs -o OUT, a new folder on this machine: `{source}`")
    if out.exists():
        raise CommandError(
            f"a dataset is saved in a new folder, and this is there already; remove it, or give another: `{out}`"
        )
    if not out.parent.is_dir():
        raise CommandError(f"no such folder; make it first: `{out.parent}`")
    if isinstance(source, Path) and out.resolve().is_relative_to(source.resolve()):
        raise CommandError(f"OUT lies in the folder that is read, whose files are never changed; give another: `{out}`")
    return Jobs((Job(source.name, source, out),), (), out, False)


def convert_saved(
    job: Job,
    base: RowConverter,
    source: str,
    collect: Collector,
    *,
    split: str | None = None,
    num_proc: int | None = None,
    dry: bool = False,
) -> None:
    """Convert all splits, or one."""
    data = _load(job.source, split)
    from toolfmt.containers.hf import convert_datasets

    rejects: list[Reject] = []
    made = convert_datasets(data, base, source, _Keeper(collect, rejects.append), num_proc)
    if not dry:
        assert isinstance(job.out, Path)
        _save(made, job.out)
        _save_rejects(rejects, job.rejects)


class _Keeper(Collector):
    """Rejects broken rows also where losses raise, as files do, and keeps every reject whole."""

    def __init__(self, collect: Collector, keep: Callable[[Reject], None]) -> None:
        super().__init__(collect.report, collect.on_loss)
        self._keep = keep

    def take(
        self, outcome: Outcome, data: object, row: int | None, line: int | None = None, *, keep_bad: bool = False
    ) -> bool:
        goes_on = super().take(outcome, data, row, line, keep_bad=True)
        if not goes_on:
            self._keep(Reject(row, line, str(outcome.error), data))
        return goes_on


def _load(source: Place, split: str | None) -> Any:
    try:
        import datasets
    except ImportError as error:
        raise MissingExtraError(
            f'`{source}` is a saved dataset and needs datasets: pip install "toolfmt[hf]"'
        ) from error
    datasets.disable_caching()  # a cache would stand in the folder that is read
    datasets.disable_progress_bars()  # the command has its own
    try:
        data = datasets.load_from_disk(str(source))
    except (ValueError, KeyError, FileNotFoundError) as error:
        raise LayoutError(str(source), f"the saved dataset cannot be loaded: {error}") from None
    if split is None:
        return data
    if not isinstance(data, datasets.DatasetDict):
        raise CommandError(f"this saved dataset has no splits; leave it out: `--split {split}`")
    if split not in data:
        raise CommandError(f"the saved dataset has no such split; it has {', '.join(data)}: `{split}`")
    return data[split]


def _save(made: Any, out: Path) -> None:
    hidden = out.with_name(f".{out.name}.part")
    shutil.rmtree(hidden, ignore_errors=True)
    try:
        made.save_to_disk(str(hidden))
        os.rename(hidden, out)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
    sync_folder(out.parent)


def _save_rejects(rejects: list[Reject], path: Place) -> None:
    assert isinstance(path, Path)
    if not rejects:
        path.unlink(missing_ok=True)
        return
    with path.open("wb") as file:
        for reject in rejects:
            place = {"line": reject.line, "row": reject.row, "reason": reject.reason}
            file.write(dumps({**place, "data": plain(reject.data)}).encode() + b"\n")
