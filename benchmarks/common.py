"""What the benchmarks share beside the workload: the command line, timing in turn, and tables."""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from typing import Any

import toolfmt

FORMATS = tuple(info.name for info in toolfmt.formats())


def arguments(description: str, *more: tuple[str, dict[str, Any]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="a smaller workload, fewer rounds")
    parser.add_argument("--formats", type=_formats, default=FORMATS, help=f"some of {','.join(FORMATS)}", metavar="A,B")
    parser.add_argument("--rounds", type=int, help="how often each thing is timed; the best counts")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="print the figures as JSON")
    how.add_argument("--markdown", action="store_true", help="print Markdown tables")
    for flag, options in more:
        parser.add_argument(flag, **options)
    return parser.parse_args()


def _formats(text: str) -> tuple[str, ...]:
    try:
        return tuple(toolfmt.get_format(name).name for name in text.split(","))
    except toolfmt.UnknownFormatError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def machine() -> dict[str, str]:
    packages = {name: version(name) for name in ("toolfmt", "msgspec", "orjson", "pydantic")}
    return {"python": platform.python_version(), "cores": str(os.cpu_count()), **packages}


def best_of(rounds: int, *timed: Callable[[], float]) -> list[float]:
    """The best time of each, measured in turn (A B C A B C), so that noise hits all alike."""
    times = [[once() for once in timed] for _ in range(rounds)]
    return [min(column) for column in zip(*times, strict=True)]


def note(text: str) -> None:
    """Progress, on stderr."""
    print(text, file=sys.stderr, flush=True)


def print_table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]], *, markdown: bool) -> None:
    """Columns after the first to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [list(head), *cells]) for i in range(len(head))]

    def line(row: Sequence[str]) -> str:
        padded = [
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |" if markdown else "  ".join(padded).rstrip()

    print(f"\n{title}\n")
    print(line(head))
    if markdown:
        print(
            "|"
            + "|".join("-" * (width + 2) if i == 0 else "-" * (width + 1) + ":" for i, width in enumerate(widths))
            + "|"
        )
    for row in cells:
        print(line(row))
