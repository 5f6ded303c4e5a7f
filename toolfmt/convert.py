"""`convert`: a text, rows, a file or a Hugging Face dataset from one format, or one layout, to another.

Every kind of data goes through the same `RowConverter`, one row at a time, and through the same `Collector`, which decides what an outcome
means; what differs is where rows come from.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, TypeVar

from toolfmt.conversion.collect import Collector
from toolfmt.conversion.plan import plan
from toolfmt.conversion.rewrite import Rewriter
from toolfmt.conversion.rows import Outcome, RowConverter
from toolfmt.detect import detect_texts
from toolfmt.errors import UnrepresentableError
from toolfmt.layouts.base import Turn, get_layout
from toolfmt.registry import get_format
from toolfmt.report import Reject, Report
from toolfmt.tools import as_toolset, read_tools

__all__ = ["convert"]

ON_LOSS: Final = ("raise", "warn", "ignore")
_Data = TypeVar("_Data")


def convert(
    data: _Data,
    to: str | None = None,
    *,
    source: str = "auto",
    layout: str | None = None,
    tools: object = None,
    on_loss: str = "raise",
    report: Report | None = None,
    out: Path | None = None,
) -> _Data:
    """Rewrite the tool calls of ``data`` in format ``to``, or set them in fields by ``layout``; the same kind of data comes back.

    ``data`` is one text of model output, a list of rows, a `pathlib.Path` (``.jsonl``, or ``.json`` with a list; the path of the new file comes back,
    ``out`` or ``<stem>.<to>.jsonl`` beside it), or a `datasets` ``Dataset``, ``DatasetDict`` or ``IterableDataset``.  Nothing is changed in place.
    ``source`` is the format of the calls in text; ``auto`` finds it.  ``tools`` are those of rows that state none.  ``on_loss`` is ``raise``,
    ``warn`` or ``ignore``; ``report`` collects every loss, notice and refused row.
    """
    base = _settings(to, source, layout, tools, on_loss)
    collect = Collector(Report() if report is None else report, on_loss)
    collect.report.to = base.to or base.layout
    if out is not None and not isinstance(data, Path):
        raise ValueError("out= is for files; give the data as a pathlib.Path")
    if isinstance(data, str):
        made: Any = _convert_text(data, base, source, collect)
    elif isinstance(data, Path):
        from toolfmt.containers.files import convert_file

        made = convert_file(data, out, base, source, collect)
    elif isinstance(data, list):
        made = _convert_list(data, base, source, collect)
    elif type(data).__module__.partition(".")[0] == "datasets":
        from toolfmt.containers.hf import convert_datasets

        made = convert_datasets(data, base, source, collect)
    else:
        raise _not_accepted(data)
    collect.warn()
    return made  # type: ignore[no-any-return]


def _settings(to: str | None, source: str, layout: str | None, tools: object, on_loss: str) -> RowConverter:
    """The arguments, checked; names resolved."""
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
    read = read_tools(tools) or None
    return RowConverter(get_format(to).name if to is not None else None, layout, tools=read)


def _not_accepted(data: object) -> TypeError:
    kind = type(data)
    return TypeError(
        "convert takes a str (one text), a pathlib.Path (a JSONL file), a list of rows, or a datasets Dataset, DatasetDict or IterableDataset; "
        f"got `{kind.__module__}.{kind.__qualname__}`"
    )


def _convert_list(rows: list[Any], base: RowConverter, source: str, collect: Collector) -> list[Any]:
    converter = plan(base, source, lambda: rows)
    collect.report.source = converter.source
    return list(_converted(rows, converter, collect))


def _converted(rows: Iterable[Any], converter: RowConverter, collect: Collector) -> Iterable[Any]:
    for number, row in enumerate(rows):
        outcome = converter(row)
        if collect.take(outcome, row, number):
            yield outcome.row


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
    except UnrepresentableError as error:
        if collect.on_loss != "raise":
            collect.report.reject(Reject(None, None, str(error), text))
        raise
    outcome.calls, outcome.changed = work.calls > 0, turn.changed
    outcome.losses, outcome.notices = work.losses, work.notices
    collect.take(outcome, text, None)
    return turn.text or ""
