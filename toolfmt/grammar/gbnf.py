"""A grammar as llama.cpp's GBNF."""

from collections.abc import Mapping

from toolfmt.grammar.ebnf import Printer, TooLong
from toolfmt.rule import Rule, Rules

__all__ = ["LONGEST", "write"]

LONGEST = 2000
"""How many times llama.cpp repeats; it reads a larger upper bound as none."""


def write(rules: Rules, *, special: Mapping[str, int] = {}) -> str:
    """The grammar text; ``special`` gives the ids of texts that are one token."""
    return _Writer(rules, special).text()


class _Writer(Printer):
    any_char = r"[\u0000-\U0010FFFF]"

    def name(self, name: str) -> str:
        return name.replace("_", "-")

    def token(self, text: str, number: int) -> str:
        return f"<[{number}]>"

    def counted(self, item: Rule, low: int, high: int, end: str) -> str:
        return f"{self.times(self._one(item), low, high)} {end}".rstrip()

    def times(self, item: str, low: int, high: int | None) -> str:
        most = low if high is None else high
        if most > LONGEST:
            raise TooLong(most, LONGEST)
        return super().times(item, low, high)
