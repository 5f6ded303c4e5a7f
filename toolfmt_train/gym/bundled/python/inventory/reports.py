"""Reports over a stock: what is short, and what it is worth."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal

from .stock import Item, Stock

logger = logging.getLogger(__name__)

CURRENCY = "€"


class Report:
    title = "report"

    def __init__(self, stock: Stock) -> None:
        self.stock = stock

    def lines(self) -> Iterator[str]:
        raise NotImplementedError

    def render(self) -> str:
        """Render the lines; a subclass calls super().render() to keep the heading."""
        return "\n".join([f"== {self.title} ==", *self.lines()])


class ShortReport(Report):
    title = "running short"

    def __init__(self, stock: Stock, below: int = 5) -> None:
        super().__init__(stock)
        self.below = below

    def lines(self) -> Iterator[str]:
        for item in sorted(self.stock.items.values(), key=lambda item: item.count):
            if item.count < self.below:
                yield f"{item.sku}: {item.count}"


class ValueReport(Report):
    title = "what it is worth"

    def __init__(self, stock: Stock, prices: dict[str, Decimal]) -> None:
        super().__init__(stock)
        self.prices = prices

    def lines(self) -> Iterator[str]:
        total = Decimal(0)
        for item in self.stock.items.values():
            price = self.prices.get(item.sku)
            if price is None:
                logger.warning("no price for %s", item.sku)
                continue
            total += price * item.count
        yield f"total: {total} {CURRENCY}"

    def render(self) -> str:
        return super().render() + "\n"


def by_tag(items: Iterable[Item]) -> dict[str, list[Item]]:
    grouped: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        for tag in item.tags:
            grouped[tag].append(item)
    return dict(grouped)
