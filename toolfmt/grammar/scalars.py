"""Strings and numbers: what all of several subschemas say of them."""

import math
from collections.abc import Callable
from typing import Any

from toolfmt.grammar.keywords import Part, bounds, is_number, least, most
from toolfmt.grammar.negation import NOT_PATTERN, NOT_VALUES
from toolfmt.grammar.nodes import MOST_REMAINDERS, Number, Text
from toolfmt.grammar.numbers import decimals, integers
from toolfmt.grammar.patterns import PatternError, read_pattern
from toolfmt.grammar.string_formats import FORMATS
from toolfmt.rule import Both, Chars, Not, Rule, alt, many

__all__ = ["Scalars", "Unsupported", "without"]

Unsupported = Callable[[str, str, str], None]
"""Is told a pointer, a keyword and the reason; may raise."""

_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_OF_STRINGS = frozenset({"maxLength", "minLength", "pattern", "format", NOT_PATTERN})
_ASCII = Chars.of((" ", "~"))


class Scalars:
    def __init__(self, unsupported: Unsupported) -> None:
        self.unsupported = unsupported

    def text(self, flat: list[Part]) -> Text:
        patterns: list[Rule] = []
        for part in flat:
            if isinstance(pattern := part.schema.get("pattern"), str):
                patterns += self.pattern(part.pointer, "pattern", pattern)
            if isinstance(name := part.schema.get("format"), str) and name in FORMATS:
                patterns.append(FORMATS[name])
            never = [value for value in part.schema.get(NOT_VALUES, ()) if isinstance(value, str)]
            patterns += [Not(alt(*never))] if never else []
            for pattern in part.schema.get(NOT_PATTERN, ()):
                patterns += [without(rule) for rule in self.pattern(part.pointer, "not", pattern)]
        keyword = "pattern" if any("pattern" in part.schema for part in flat) else "format"
        said = next((part for part in flat if part.schema.keys() & _OF_STRINGS), flat[0])
        return Text(most(flat, "minLength", 0), least(flat, "maxLength"), tuple(patterns), said.pointer, keyword)

    def pattern(self, pointer: str, keyword: str, pattern: str) -> list[Rule]:
        try:
            return [read_pattern(pattern)]
        except PatternError as error:
            self.unsupported(pointer, keyword, f"`{pattern[:80]}`: {error}")
            return []

    def number(self, flat: list[Part], whole: bool) -> Number:
        low: Any = None
        high: Any = None
        low_open = high_open = False
        multiple, never = 1, list[int]()
        for part in flat:
            for value, is_open in bounds(part.schema, "minimum", "exclusiveMinimum"):
                if low is None or value > low or (value == low and is_open):
                    low, low_open = value, is_open
            for value, is_open in bounds(part.schema, "maximum", "exclusiveMaximum"):
                if high is None or value < high or (value == high and is_open):
                    high, high_open = value, is_open
            if is_number(step := part.schema.get("multipleOf")) and step > 0:
                multiple, whole = self._multiple(part, step, multiple, whole)
            never += [int(v) for v in part.schema.get(NOT_VALUES, ()) if is_number(v) and v == int(v)]
            if never and not whole:
                self.unsupported(part.pointer, "not", "single numbers are taken out of integers only")
                never = []
        if whole:
            multiple = self._countable(flat, low, high, multiple)
            low = None if low is None else math.floor(low) + 1 if low_open else math.ceil(low)
            high = None if high is None else math.ceil(high) - 1 if high_open else math.floor(high)
            low_open = high_open = False
        else:
            low, high = self._said(flat, low, high)
        return Number(whole, low, high, low_open, high_open, multiple if multiple > 1 else None, tuple(never))

    def _said(self, flat: list[Part], low: Any, high: Any) -> tuple[Any, Any]:
        """The bounds of numbers with fractions, where a rule can say them."""
        try:
            decimals(low, high)
        except ValueError as error:
            part = next(part for part in flat if part.schema.keys() & set(_BOUNDS))
            self.unsupported(part.pointer, next(key for key in part.schema if key in _BOUNDS), str(error))
            return None, None
        return low, high

    def _countable(self, flat: list[Part], low: int | float | None, high: int | float | None, multiple: int) -> int:
        """``multiple``, or 1 where no rule can count in it."""
        try:
            integers(
                None if low is None else math.floor(low),
                None if high is None else math.ceil(high),
                multiple if multiple > 1 else None,
            )
        except ValueError as error:
            if multiple <= MOST_REMAINDERS and low in (None, 0, 1) and high is None:
                return multiple
            part = next(part for part in flat if "multipleOf" in part.schema)
            self.unsupported(part.pointer, "multipleOf", str(error))
            return 1
        return multiple

    def _multiple(self, part: Part, step: int | float, multiple: int, whole: bool) -> tuple[int, bool]:
        if step == int(step):
            return math.lcm(multiple, int(step)), True
        if not (whole and (1 / step).is_integer()):
            self.unsupported(part.pointer, "multipleOf", f"a grammar counts in whole numbers, not in `{step}`")
        return multiple, whole


def without(pattern: Rule) -> Rule:
    """The texts that a pattern does not match, ASCII ones: of others, and of line breaks, the rule of a pattern knows less than a validator."""
    return Both((many(_ASCII), Not(pattern)))
