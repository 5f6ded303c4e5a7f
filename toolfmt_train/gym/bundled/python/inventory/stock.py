"""Stock levels of a small shop, kept in memory and saved as JSON."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path

logger = logging.getLogger(__name__)


class StockError(Exception):
    """An item that is unknown, or too few of it."""


@dataclass
class Item:
    sku: str
    title: str
    count: int = 0
    tags: list[str] = field(default_factory=list)

    def reserve(self, count: int) -> None:
        # reserve(0) is allowed: a basket may hold an empty line.
        if count > self.count:
            raise StockError(f"only {self.count} of {self.sku} left, cannot reserve({count})")
        self.count -= count


class Stock:
    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.items: dict[str, Item] = {}
        if path is not None and path.exists():
            self.load(path)

    def load(self, path: Path) -> None:
        logger.info("loading %s", path)
        for row in json.loads(path.read_text(encoding="utf-8")):
            self.items[row["sku"]] = Item(**row)

    def save(self) -> None:
        if self.path is None:
            raise StockError("save() needs a path")
        rows = [vars(item) for item in self.items.values()]
        self.path.write_text(json.dumps(rows, indent=2), encoding="utf-8")
        logger.info("saved %d items to %s", len(rows), self.path)

    def find(self, sku: str) -> Item:
        try:
            return self.items[sku]
        except KeyError:
            raise StockError(f"unknown item: {sku}") from None

    def reserve_all(self, wanted: dict[str, int]) -> None:
        done: list[tuple[Item, int]] = []
        try:
            for sku, count in wanted.items():
                item = self.find(sku)
                item.reserve(count)
                done.append((item, count))
        except StockError:
            for item, count in done:
                item.count += count
            logger.warning("nothing reserved: %s", wanted)
            raise
