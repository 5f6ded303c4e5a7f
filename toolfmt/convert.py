"""`convert`: a text, rows, a file or a Hugging Face dataset from one format, or one layout, to another.

Every kind of data goes through the same `RowConverter`, one row at a time, and through the same `Collector`, which decides what an outcome
means; what differs is where rows come from.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

from toolfmt.containers.paths import Remote
from toolfmt.conversion.collect import Collector
from toolfmt.conversion.plan import plan
from toolfmt.conversion.rewrite import Rewriter
from toolfmt.conversion.rows import STAGED, Outcome, RowConverter
from toolfmt.detect import detect_texts
from toolfmt.errors import UnrepresentableError
from toolfmt.layouts.base import Turn, get_layout
from toolfmt.registry import get_format
from toolfmt.report import Reject, Report
from toolfmt.tools import as_toolset, read_tools

__all__ = ["convert", "prepare"]

ON_LOSS: Final = ("raise", "warn", "ignore")
_Data = TypeVar("_Data")


def convert(
    data: _Data,
    to: str | None = None,
    *,
    source: str = "auto",
    source_layout: str = "auto",
    layout: str | None = None,
    tools: object = None,
    on_loss: str = "raise",
    report: Report | None = None,
    out: Path | Remote | None = None,
    resume: bool = False,
    num_proc: int | None = None,
) -> _Data:
    """Rewrite the tool calls of ``data`` in format ``to``, or set them in fields by ``layout``; the same kind of data comes back.

    ``data`` is one text of model output, a list or a generator of rows, a file, a `datasets` ``Dataset``, ``DatasetDict``, ``IterableDataset`` or
    ``IterableDatasetDict``, a ``ray.data.Dataset``, a `pyarrow` ``Table``, ``RecordBatch`` or ``RecordBatchReader``, or a pandas or polars
    ``DataFrame``.  A file is a `pathlib.Path` to ``.parquet``, ``.jsonl``, ``.json`` with a list or ``.csv``, the last three also with ``.gz`` or
    ``.zst``, to a folder of such files, or a pattern (``in/*.jsonl.gz``), or a `Remote`, the same where fsspec reaches it; the path of the new
    file comes back, ``out`` or ``<stem>.<to>.jsonl`` beside it (many files need ``out``, a folder).  With ``resume`` a run on files that was killed
    goes on.  Nothing is changed in place.
    ``source`` is the format of the calls in text, ``source_layout`` the layout of the rows; ``auto`` finds them.  ``tools`` are those of rows
    that state none.  ``on_loss`` is ``raise``, ``warn`` or ``ignore``; ``report`` collects every loss, notice and refused row.  ``num_proc`` is how
    many processes convert a ``Dataset``, or how many files are converted at a time.
    """
    base, collect = prepare(to, source, source_layout, layout, tools, on_loss, report)
    if (out is not None or resume) and not isinstance(data, Path | Remote):
        raise ValueError(f"{'resume' if out is None else 'out'}= is for files; give the data as a pathlib.Path")
    if num_proc is not None and not isinstance(data, Path | Remote) and _library(data) != "datasets":
        raise ValueError("num_proc= is for a datasets Dataset or DatasetDict and for files; others are converted in this process")
    if isinstance(data, str):
        made: Any = _convert_text(data, base, source, collect)
    elif isinstance(data, Path | Remote):
        made = _convert_files(data, out, base, source, collect, resume, num_proc)
    elif isinstance(data, list):
        made = _convert_list(data, base, source, collect)
    else:
        made = _convert_other(data, base, source, collect, num_proc)
    collect.warn()
    return made  # type: ignore[no-any-return]


def prepare(
    to: str | None, source: str, source_layout: str, layout: str | None, tools: object, on_loss: str, report: Report | None
) -> tuple[RowConverter, Collector]:
    """The arguments of `convert`, checked, and names resolved: what its adapters take."""
    if to is None and layout is None:
        raise ValueError("convert needs to= (a format, see toolfmt.formats()) or layout= (such as `openai`)")
    if on_loss not in ON_LOSS:
        raise ValueError(f"on_loss must be one of {', '.join(ON_LOSS)}; got `{on_loss}`")
    if source != "auto":
        get_format(source)
    if layout is not None and to is not None and get_layout(layout).as_text != layout:
        text = get_layout(layout).as_text
        raise ValueError(f"layout `{layout}` has calls in fields and to= writes them as text: leave one out, or take layout `{text}`")
    if layout is not None:
        get_layout(layout)
    if source_layout != "auto":
        get_layout(source_layout)
    target = get_format(to).name if to is not None else None
    collect = Collector(Report() if report is None else report, on_loss)
    collect.report.to = target or layout
    read_as = None if source_layout == "auto" else source_layout
    return RowConverter(target, layout, tools=read_tools(tools) or None, source_layout=read_as), collect


def _convert_files(
    data: Path | Remote, out: Path | Remote | None, base: RowConverter, source: str, collect: Collector, resume: bool, num_proc: int | None
) -> Path | Remote:
    from toolfmt.containers.files import convert_jobs
    from toolfmt.containers.jobs import find_jobs

    jobs = find_jobs(data, out, base.to or base.layout or "")
    if num_proc is None or num_proc == 1:
        return convert_jobs(jobs, base, source, collect, resume)
    if resume:
        raise ValueError(f"resume= is for a run in one process; leave out num_proc=: `{num_proc}`")
    from toolfmt.containers.parallel import convert_parallel

    return convert_parallel(jobs, base, source, collect, num_proc)


def _library(data: object) -> str:
    return type(data).__module__.partition(".")[0]


def _convert_other(data: Any, base: RowConverter, source: str, collect: Collector, num_proc: int | None) -> Any:
    """What other libraries make, known by the name of the type's module, so that none is imported that the caller has not."""
    kind = type(data)
    library = _library(data)
    if library == "datasets":
        from toolfmt.containers.hf import convert_datasets

        return convert_datasets(data, base, source, collect, num_proc)
    if library == "pyarrow":
        from toolfmt.containers.arrow import convert_arrow

        return convert_arrow(data, base, source, collect)
    if library == "pandas":
        from toolfmt.containers.frames import convert_pandas

        return convert_pandas(data, base, source, collect)
    if library == "polars":
        from toolfmt.containers.frames import convert_polars

        return convert_polars(data, base, source, collect)
    if library == "ray":
        from toolfmt.containers.ray_data import convert_ray

        return convert_ray(data, base, source, collect)
    if isinstance(data, Iterator):
        from toolfmt.containers.iterators import convert_iterator

        return convert_iterator(data, base, source, collect)
    raise TypeError(
        "convert takes a str (one text), a pathlib.Path (a file), a list or a generator of rows, a datasets Dataset, DatasetDict or "
        "IterableDataset, a ray.data Dataset, a pyarrow Table, RecordBatch or RecordBatchReader, or a pandas or polars DataFrame; "
        f"got `{kind.__module__}.{kind.__qualname__}`"
    )


def _convert_list(rows: list[Any], base: RowConverter, source: str, collect: Collector) -> list[Any]:
    converter = plan(base, source, lambda: rows)
    collect.report.source = converter.source
    made: list[Any] = []
    for start in range(0, len(rows), STAGED):
        some = rows[start : start + STAGED]
        for number, outcome in enumerate(converter.batch(some)):
            if collect.take(outcome, some[number], start + number):
                made.append(outcome.row)
    return made


def _convert_text(text: str, base: RowConverter, source: str, collect: Collector) -> str:
    if base.to is None or base.layout is not None:
        raise ValueError("a text has no layout: give to=, and rows or a file for layout=")
    found = [detection.format for detection in detect_texts([text])] if source == "auto" else [get_format(source).name]
    if not found:
        collect.report.count(False, False)
        return text
    collect.report.source = found[0]
    work = Rewriter(get_format(found[0]), get_format(base.to), as_toolset(base.tools))
    outcome = Outcome()
    try:
        turn = work.turns([Turn("assistant", "$", {}, ("role", "content"), text=text)])[0]
        work.prove()
    except UnrepresentableError as error:
        if collect.on_loss != "raise":
            collect.report.reject(Reject(None, None, str(error), text))
        raise
    outcome.calls, outcome.changed = work.calls > 0, turn.changed
    outcome.losses, outcome.notices = work.losses, work.notices
    collect.take(outcome, text, None)
    return turn.text or ""
