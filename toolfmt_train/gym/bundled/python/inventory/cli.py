"""The command line: `inventory short`, `inventory reserve SKU=COUNT ...`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .reports import ShortReport
from .stock import Stock, StockError

USAGE = """
inventory short            print(...) what runs short
inventory reserve A=1 B=2  reserve, all or nothing
"""


def parse_wanted(words: list[str]) -> dict[str, int]:
    wanted = {}
    for word in words:
        sku, _, count = word.partition("=")
        if not count.isdigit():
            raise ValueError(f"expected SKU=COUNT, got {word!r}")
        wanted[sku] = int(count)
    return wanted


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="inventory", usage=USAGE)
    parser.add_argument("command", choices=["short", "reserve"])
    parser.add_argument("words", nargs="*")
    parser.add_argument("--file", type=Path, default=Path("stock.json"))
    parser.add_argument(
        "--below",
        type=int,
        default=5,
        help="what counts as short",
    )
    options = parser.parse_args(argv)
    stock = Stock(options.file)
    try:
        if options.command == "short":
            print(ShortReport(stock, options.below).render())
        else:
            stock.reserve_all(parse_wanted(options.words))
            stock.save()
            print("reserved")
    except (StockError, ValueError) as error:
        print(f"inventory: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
