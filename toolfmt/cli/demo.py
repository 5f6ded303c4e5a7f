"""`toolfmt demo`: the main job on real data, in well under two minutes."""

import sys
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolfmt.cli.common import Json, console, counted, note, print_json, problems, visible

if TYPE_CHECKING:
    from toolfmt.cli.bfcl import Entry, Tally
    from toolfmt.ir import ToolCall

__all__ = ["demo"]

Gold = list[tuple["Entry", list["ToolCall"]]]

_FENCED = """I'll search the project for it.

```json
{"name": "ripgrep_search", "arguments": {"pattern": "fn \\\\w+\\\\(", "path": "src/", "max_results": 20, "hidden": false}}
```"""

ROW: dict[str, Any] = {
    "messages": [
        {"role": "user", "content": "Where are the functions defined?"},
        {"role": "assistant", "content": _FENCED},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "ripgrep_search",
                "description": "Search files with a regular expression.",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "pattern": {"type": "string"},
                        "path": {"type": "string"},
                        "max_results": {"type": "integer"},
                        "hidden": {"type": "boolean"},
                    },
                    "required": ["pattern"],
                },
            },
        }
    ],
}
"""A row of training data in the wrong format for the model: its call stands in a JSON code fence."""


def demo(
    limit: Annotated[
        int | None, typer.Option(min=1, help="Use this many BFCL entries, spread over all.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the main job on real data: convert a row, then take every BFCL v4 call through every format and back.

    Exit code 1 if a call came back otherwise than it was sent and was not refused.
    """
    started = time.perf_counter()
    conversion = _convert_row()
    if not as_json:
        _show_conversion(conversion)
    entries, source = _entries(limit)
    gold, counts = _gold(entries)
    tallies = _round_trips(gold)
    result = {
        "source": source,
        **counts,
        "formats": [tally.as_dict() for tally in tallies],
        "seconds": round(time.perf_counter() - started, 1),
    }
    if as_json:
        print_json({"conversion": conversion, "bfcl": result})
    else:
        _show_round_trips(result, tallies)
    if any(tally.lost for tally in tallies):
        problems()


# A row in the wrong format


def _convert_row() -> dict[str, Any]:
    from toolfmt.convert import convert
    from toolfmt.report import Report

    report = Report()
    (row,) = convert([ROW], to="qwen_xml", report=report)
    return {
        "before": ROW["messages"][-1]["content"],
        "after": row["messages"][-1]["content"],
        "from": report.source,
        "to": report.to,
        "counts": {key: getattr(report, key) for key in ("rows", "with_calls", "direct", "converted", "rejected")},
        "losses": report.lost,
    }


def _show_conversion(conversion: dict[str, Any]) -> None:
    out = console()
    out.print(f"1. A row whose call stands in a code fence, converted for Qwen ({conversion['to']})\n", style="bold")
    for name in ("before", "after"):
        out.print(f"   {name}", style="dim")
        for line in conversion[name].split("\n"):
            out.print(f"   | {line}")
        out.print()
    said = [f"{key.replace('_', ' ')}: {count}" for key, count in conversion["counts"].items()]
    out.print(f"   detected: {conversion['from']}; " + ", ".join([*said, f"losses: {conversion['losses']}"]) + "\n")


# Every format, there and back


def _entries(limit: int | None) -> tuple[list["Entry"], str]:
    from toolfmt.cli import bfcl
    from toolfmt.cli.bfcl_sample import sample_entries

    data = bfcl.find_data()
    if data is None:
        note(
            "note: bfcl-eval is not installed, so this is a sample of ten entries; for all: pip install --no-deps bfcl-eval"
        )
        entries, source = sample_entries(), "a sample of ten entries"
    else:
        entries, source = list(bfcl.read_entries(data)), f"BFCL v4, bfcl-eval {_version()}"
    if limit is not None and limit < len(entries):
        entries = [entries[i * len(entries) // limit] for i in range(limit)]
    return entries, source


def _version() -> str:
    try:
        return version("bfcl-eval")
    except PackageNotFoundError:
        return "(version unknown)"


def _gold(entries: list["Entry"]) -> tuple[Gold, dict[str, int]]:
    """The entries whose gold calls keep to their own schemas, and how many do by their first alternatives and by any."""
    from toolfmt.cli import bfcl
    from toolfmt.validation import validate

    gold: Gold = []
    first = 0
    for entry in _track(entries, "reading the answers"):
        calls = bfcl.valid_calls(entry)
        if calls is not None:
            gold.append((entry, calls))
            first += calls == bfcl.gold_calls(entry) and not validate(calls, entry.toolset)
    counts = {
        "entries": len(entries),
        "valid_by_first_alternative": first,
        "valid_by_any_alternative": len(gold),
        "calls": sum(len(calls) for _, calls in gold),
    }
    return gold, counts


def _round_trips(gold: Gold) -> list["Tally"]:
    from toolfmt.cli.bfcl import Tally
    from toolfmt.registry import formats

    tallies = [Tally(info.name) for info in formats()]
    for entry, calls in _track(gold, "there and back"):
        for tally in tallies:
            tally.add(entry, calls)
    return tallies


def _track(items: Sequence[Any], what: str) -> Any:
    if not sys.stderr.isatty():
        return items
    from rich.progress import track

    return track(items, what, console=console(stderr=True), transient=True)


def _show_round_trips(result: dict[str, Any], tallies: list["Tally"]) -> None:
    from rich import box
    from rich.table import Table

    out = console()
    out.print(
        f"2. {result['source']}: every schema-valid gold call, written in every format and read back\n", style="bold"
    )
    entries, valid = result["entries"], result["valid_by_any_alternative"]
    out.print(
        f"   {entries:,} entries; {result['valid_by_first_alternative']:,} keep to their own schema by the first acceptable"
        f" values, {valid:,} by any; {entries - valid:,} by none: left out"
    )
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("format", "entries", "calls", "exact", "refused", "silent losses"):
        table.add_column(name, justify="left" if name == "format" else "right")
    for tally in tallies:
        numbers = (tally.entries, tally.calls, tally.exact, tally.refused, tally.lost)
        table.add_row(tally.format, *(f"{number:,}" for number in numbers))
    out.print(table, soft_wrap=False)
    out.print("   exact, refused and lost count calls; the calls of an entry are one message, refused as a whole\n")
    _show_refusals(tallies, out)
    out.print(f"\n   silent losses: {sum(tally.lost for tally in tallies)}; {result['seconds']} s", style="bold")


def _show_refusals(tallies: Sequence["Tally"], out: Any) -> None:
    """Each reason once, with the formats that have it and one of their entries."""
    alike: dict[tuple[str, int], list[Tally]] = {}
    for tally in tallies:
        for reason, cases in tally.refusals.items():
            alike.setdefault((reason, len(cases)), []).append(tally)
    for (reason, count), having in alike.items():
        names = ", ".join(tally.format for tally in having)
        out.print(f"   {names} refused {counted(count, 'entry', 'entries')}: {visible(reason)}")
        out.print(f"      {visible(having[0].refusals[reason][0])}", style="dim")
    for tally in tallies:
        for case in tally.losses[:3]:
            out.print(f"   {tally.format} lost {visible(case)}", style="bold red")
