"""A grammar as xgrammar's EBNF, in the words that a version of xgrammar knows.

Measured with 151,000 tokens: `TagDispatch` costs 10 ms once and 2 us a token, an automaton 20 ms for each state; a counted repetition of a broad
class 0.9 s for each token, where the option `max_chars` takes under 1 ms.
"""

from collections.abc import Iterable, Iterator, Mapping

from toolfmt.grammar.ebnf import Printer, TooLong, broad, quoted
from toolfmt.grammar.follow import BEYOND, END, followers
from toolfmt.rule import ANY, Chars, Lexeme, Repeat, Rule, Rules

__all__ = ["exact", "write"]

_EXCLUDES = (0, 1, 34)
"""The first version with `TagDispatch(excludes=...)` and `Token(...)`."""
_UNICODE = (0, 1, 32)
"""The first version that reads ranges of characters beyond ASCII."""
_RANGES = (0, 2, 8)
"""The first version that reads each of them in full."""
_OPTIONS = (0, 2, 6)
"""The first version with rule options."""
_CHAIN = 64
"""How far a chain of rules counts where there are no options."""
_EXACT = 16
"""How far a chain counts where there are: beyond, characters are counted as they are written, escapes in full."""
_PROMISED = 16
"""Of how many characters that may follow a string it pays to tell."""
_CUT = 5
"""How much of a stop is left at the least to be looked for behind the characters that a text must have."""


def write(rules: Rules, *, version: tuple[int, ...] | None = None, special: Mapping[str, int] = {}) -> str:
    """The grammar text; ``version`` None is the oldest dialect, which all read.  ``special`` gives the ids of texts that are one token."""
    return _Writer(rules, version or (0,), special).text()


def exact(version: tuple[int, ...] | None) -> int | None:
    """Up to which length characters are counted, and not the letters of their escapes; None: any that it takes."""
    return _EXACT if version and version >= _OPTIONS else None


class _Writer(Printer):
    any_char = "[^]"

    def __init__(self, rules: Rules, version: tuple[int, ...], special: Mapping[str, int]) -> None:
        super().__init__(rules, special)
        self._version = version
        self._followers = followers(rules)

    def token(self, text: str, number: int) -> str:
        return f"Token({number})" if self._version >= _EXCLUDES else quoted(text)

    def ahead(self, lexeme: Lexeme) -> str:
        after = self._followers.get(lexeme, END)
        if after >= BEYOND or after.bit_count() > _PROMISED:
            return ""
        return f"(= {self.char_class(Chars.of(*(chr(code) for code in range(0x80) if after >> code & 1)))})"

    def ranges(self, chars: Chars) -> Iterable[tuple[int, int]]:
        """Old versions read ranges beyond ASCII in full only if split where UTF-8 changes its leading bytes, and the oldest not at all."""
        whole = super().ranges(chars)
        if self._version >= _RANGES:
            return whole
        made = [part for first, last in whole for part in _aligned(first, last)]
        if (0,) < self._version < _UNICODE and made[-1][1] > 0x7F:
            shown = ".".join(map(str, self._version))
            raise ValueError(
                f"xgrammar {shown} misreads classes of characters beyond ASCII, here up to U+{made[-1][1]:04X}; "
                "they need xgrammar 0.1.32 or later, or a grammar in ASCII"
            )
        return made

    def counted(self, item: Rule, low: int, high: int, end: str) -> str:
        if high > _EXACT and self._version >= _OPTIONS:
            # What ends the loop is outside of it: a rule is let run on from where its budget does not allow its end.
            ahead = f"(= {end})" if end.startswith(('"', "[")) else ""
            inner = self.least(item, low, self.loop(item, "", ahead))
            more = self.helper(("up to", inner, high), "C", lambda _: [inner], f"[max_chars={high}]")
            return f"{more} {end}".rstrip()
        if high > _CHAIN:
            raise TooLong(high, _CHAIN)
        return self.chain(item, low, high, end)

    def least(self, item: Rule, low: int, rest: str) -> str:
        return self.chain(item, low, low, rest) if broad(item) and low <= _EXACT else super().least(item, low, rest)

    def raw_text(self, stops: tuple[str, ...], body: Rule, tails: tuple[str, ...]) -> str | None:
        dispatched = None if tails or not stops or self._version < _EXCLUDES else self._dispatched(stops, body)
        return dispatched or super().raw_text(stops, body, tails)

    def _dispatched(self, stops: tuple[str, ...], body: Rule) -> str | None:
        """Text by `TagDispatch`, where ``body`` says no more than a length.

        Behind ``low`` free characters the text holds no stop without its first ``low`` characters, and so no stop: a little less than it might.
        """
        if not isinstance(body, Repeat) or body.item != ANY:
            return None
        low, high = body.low, body.high
        cut = [stop[low:] for stop in stops]
        if (low and min(map(len, cut)) < _CUT) or (high is not None and self._version < _OPTIONS):
            return None
        head = "" if high is None else f"[max_chars={high - low}]"
        dispatch = f"TagDispatch(loop_after_dispatch=false, excludes=({' '.join(f'{quoted(stop)},' for stop in cut)}))"
        text = self.helper(("text", tuple(cut), head), "T", lambda _: [dispatch], head)
        return " ".join(
            [self.any_char] * low + [text]
        )  # one by one: `{n}` is a rule of its own, and masks take it for longer


def _aligned(first: int, last: int) -> Iterator[tuple[int, int]]:
    """A range in parts of each of which all characters have as many bytes, and all trailing bytes or the same."""
    cuts = [limit for limit in (0x7F, 0x7FF, 0xFFFF) if first <= limit < last]
    for size in (0x40, 0x1000, 0x40000) if not cuts and last > 0x7F else ():
        if first // size != last // size:
            cuts += [first | (size - 1)] if first % size else []
            cuts += [last - last % size - 1] if (last + 1) % size else []
        if cuts:
            break
    if not cuts:
        yield first, last
        return
    yield from _aligned(first, cuts[0])
    yield from _aligned(cuts[0] + 1, last)
