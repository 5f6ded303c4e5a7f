"""Texts of JSON numbers in a range, as rules.

Ranges are told by their digits, most significant first, so a rule grows with the digits of its bounds and not with the numbers between them.
No text stands for a number that overflows.
"""

from decimal import Decimal
from functools import cache, lru_cache
from math import gcd
from typing import Final, NamedTuple

from toolfmt.rule import EMPTY, NEVER, Both, Chars, Lit, Repeat, Rule, alt, many, optional, repeat, seq

__all__ = ["INTEGER", "NUMBER", "PLAIN_NUMBER", "decimals", "digits_between", "integers"]

_DIGIT = Chars.of(("0", "9"))
_NONZERO = Chars.of(("1", "9"))
_DIGITS = many(_DIGIT)
_FRACTION = optional(seq(".", repeat(_DIGIT, 1, None)))
_E = Chars.of("eE")
_ZERO = optional(Lit("0"))

_MAX_DIGITS = 100
"""Of a bound, zeros or nines at its end not counted: a rule is nested about as deep."""
_MAX_LISTED = 1000
"""Multiples that are written out one by one."""
_MAX_ENDINGS = 5**5
"""Of the multiples of a number: those of 32 have as many."""
_MAX_EXPONENT = 307
_MIN_EXPONENT = -323
"""Of a number with one digit before the point: one more, and some overflow."""
_MANTISSA = 17
"""Digits that tell any float from its neighbours."""


# Whole numbers


@lru_cache(1024)
def integers(low: int | None, high: int | None, multiple: int | None = None) -> Rule:
    """The integers from ``low`` to ``high``, both included, that ``multiple`` divides, each in its one spelling (zero has no sign).

    ValueError for a multiple that has no short rule: but for factors of 2, 5 and one of 3 it needs both bounds, with few numbers between them.
    """
    if multiple is None or multiple == 1:
        return _integers(low, high)
    if multiple < 1:
        raise ValueError(f"a multiple of {multiple} was asked for; it must be 1 or more")
    endings, others = _split(multiple)
    listed = _listed(low, high, multiple, 32 if others in (1, 3) else _MAX_LISTED)
    if listed is not None:
        return listed
    if others not in (1, 3) or 10 ** _last_places(endings) // endings > _MAX_ENDINGS:
        raise ValueError(f"the multiples of {multiple} are too many to list and have no short rule; set closer bounds")
    rules = [_ending_in_multiple(endings)] if endings > 1 else []
    if others == 3:
        rules.append(seq(optional(Lit("-")), _multiple_of_three()))
    if low is not None or high is not None or others == 3:
        rules.insert(0, _integers(low, high))
    return rules[0] if len(rules) == 1 else Both(tuple(rules))


def _integers(low: int | None, high: int | None) -> Rule:
    above = _naturals(1 if low is None else max(low, 1), high)
    below = _naturals(1 if high is None else max(-high, 1), None if low is None else -low)
    zero = (low is None or low <= 0) and (high is None or high >= 0)
    return alt("0" if zero else NEVER, _signed(above, below))


def _signed(above: Rule, below: Rule) -> Rule:
    """The first without a sign, the second behind a minus."""
    return seq(optional(Lit("-")), above) if above == below else alt(above, seq("-", below))


def _naturals(low: int, high: int | None) -> Rule:
    """The numbers from ``low``, which is not 0, to ``high``."""
    if high is not None and high < low:
        return NEVER
    first, last = _checked(str(low)), "" if high is None else _checked(str(high))
    if len(first) == len(last):
        return digits_between(first, last)
    parts: list[Rule] = []
    shortest, longest = len(first), len(last) if last else None
    if first.strip("0") != "1":
        parts.append(digits_between(first, "9" * shortest))
        shortest += 1
    if longest and last.strip("9"):
        parts.append(digits_between("1" + "0" * (longest - 1), last))
        longest -= 1
    if longest is None or shortest <= longest:
        parts.append(seq(_NONZERO, repeat(_DIGIT, shortest - 1, None if longest is None else longest - 1)))
    return alt(*parts)


def _checked(digits: str) -> str:
    if min(len(digits.rstrip("0")), len(digits.rstrip("9"))) > _MAX_DIGITS:
        raise ValueError(f"the bound with the digits {digits[:20]}... has more than {_MAX_DIGITS} of them; round it")
    return digits


def digits_between(low: str, high: str) -> Rule:
    """The texts of as many digits as ``low`` and ``high`` have, from one to the other."""
    if low == high:
        return Lit(low)
    at = next(place for place, digit in enumerate(low) if digit != high[place])
    first, last, rest = int(low[at]), int(high[at]), len(low) - at - 1
    low_tail, high_tail = low[at + 1 :], high[at + 1 :]
    parts: list[Rule] = []
    if low_tail.strip("0"):
        parts.append(seq(low[at], digits_between(low_tail, "9" * rest)))
        first += 1
    if high_tail.strip("9"):
        parts.append(seq(high[at], digits_between("0" * rest, high_tail)))
        last -= 1
    return seq(low[:at], alt(seq(_one_digit(first, last), repeat(_DIGIT, rest, rest)), *parts))


def _one_digit(first: int, last: int) -> Rule:
    if first >= last:
        return Lit(str(first)) if first == last else NEVER
    return Chars.of((str(first), str(last)))


# Multiples


def _split(multiple: int) -> tuple[int, int]:
    """As the product of two numbers: what the last digits decide, and what all of them do."""
    others = multiple
    for prime in (2, 5):
        while others % prime == 0:
            others //= prime
    return multiple // others, others


def _last_places(multiple: int) -> int:
    """How many digits decide whether ``multiple``, of factors 2 and 5, divides."""
    places = 0
    while 10**places % multiple:
        places += 1
    return places


def _listed(low: int | None, high: int | None, multiple: int, limit: int) -> Rule | None:
    """The multiples one by one, unless there are more than ``limit``."""
    if low is None or high is None or high // multiple - -(-low // multiple) >= limit:
        return None
    return alt(*(str(number) for number in range(-(-low // multiple) * multiple, high + 1, multiple)))


def _ending_in_multiple(multiple: int) -> Rule:
    """The integers that ``multiple``, of factors 2 and 5, divides."""
    places = _last_places(multiple)
    whole = seq(_NONZERO, _DIGITS, _endings(multiple, 0, places))
    short = [_endings(multiple, 0, count, nonzero=True) for count in range(1, places + 1)]
    return alt("0", seq(optional(Lit("-")), alt(whole, *short)))


@cache
def _endings(multiple: int, remainder: int, places: int, nonzero: bool = False) -> Rule:
    """The texts of ``places`` digits which make a multiple of a number that leaves ``remainder`` and is written before them."""
    if -remainder * 10**places % multiple >= 10**places:
        return NEVER
    if places == 0:
        return EMPTY
    tails: dict[Rule, str] = {}
    for digit in range(nonzero, 10):
        tail = _endings(multiple, (10 * remainder + digit) % _told_apart(multiple, places - 1), places - 1)
        tails[tail] = tails.get(tail, "") + str(digit)
    return alt(*(seq(_any_of(digits), tail) for tail, digits in tails.items()))


def _told_apart(multiple: int, places: int) -> int:
    """How many remainders differ where so many digits follow."""
    return multiple // gcd(multiple, 10**places)


def _any_of(digits: str) -> Rule:
    return Lit(digits) if len(digits) == 1 else Chars.of(digits)


@cache
def _multiple_of_three() -> Rule:
    """Digits, the sum of which 3 divides: the automaton of remainders with remainder 2 taken out, then 1."""
    stay, up, down = Chars.of("0369"), Chars.of("147"), Chars.of("258")
    stays = many(stay)
    zero_to_zero = alt(stay, seq(down, stays, up))
    zero_to_one = alt(up, seq(down, stays, down))
    one_to_one = alt(stay, seq(up, stays, down))
    one_to_zero = alt(down, seq(up, stays, up))
    return many(alt(zero_to_zero, seq(zero_to_one, many(one_to_one), one_to_zero)))


# Numbers with a fraction or an exponent


class _Span(NamedTuple):
    """What lies between two decimals that are not negative."""

    low: Decimal
    high: Decimal | None
    low_open: bool
    high_open: bool


@lru_cache(1024)
def decimals(
    low: int | float | None,
    high: int | float | None,
    *,
    low_open: bool = False,
    high_open: bool = False,
    plain: bool = False,
) -> Rule:
    """The numbers from ``low`` to ``high``, without a bound where that is open.

    Without an exponent: all of them, fractions of any length.  With one: those between two powers of ten, from 1e-307, that both lie in the range, so
    of the decade in which a bound lies there are none; one digit stands before the point.  ``plain`` numbers have a fraction or an exponent, never
    both: up to 17 digits stand before the exponent.  Zero has a minus sign only where numbers below it are allowed.
    """
    least, most = _decimal(low), _decimal(high)
    if least is not None and most is not None and (least > most or (least == most and (low_open or high_open))):
        return NEVER
    above: Rule = NEVER
    below: Rule = NEVER
    if most is None or most >= 0:
        span = _Span(Decimal(0), most, False, high_open)
        above = _between(span if least is None or least < 0 else span._replace(low=least, low_open=low_open), plain)
    if least is None or least < 0:
        span = _Span(Decimal(0), None if least is None else least.copy_negate(), False, low_open)
        nearest = span if most is None or most > 0 else span._replace(low=most.copy_abs(), low_open=high_open)
        below = _between(nearest, plain)
    return _signed(above, below)


def _decimal(bound: int | float | None) -> Decimal | None:
    """The number that ``bound`` is written as."""
    number = None if bound is None else Decimal(repr(bound))
    if number is not None and not number.is_finite():
        raise ValueError(f"{bound} is no bound; it must be finite")
    return number


def _between(span: _Span, plain: bool) -> Rule:
    return alt(_without_exponent(span), _with_exponent(span, plain))


def _without_exponent(span: _Span) -> Rule:
    first, low = _places(span.low)
    last, high = (None, None) if span.high is None else _places(span.high)
    if first == last:
        return seq(str(first), _fractions(low, high, span))
    parts: list[Rule] = []
    at_low = _fractions(low, None, span)
    if at_low != _FRACTION:
        parts.append(seq(str(first), at_low))
        first += 1
    if last is not None:
        parts.append(seq(str(last), _fractions(None, high, span)))
        last -= 1
    return alt(seq(_wholes(first, last), _FRACTION), *parts)


def _places(number: Decimal) -> tuple[int, str]:
    """The whole part, and the digits behind the point without zeros at their end."""
    whole, _, fraction = f"{number:f}".partition(".")
    return int(whole), _checked(fraction.rstrip("0"))


def _wholes(low: int, high: int | None) -> Rule:
    zero = low == 0 and (high is None or high >= 0)
    return alt("0" if zero else NEVER, _naturals(max(low, 1), high))


def _fractions(low: str | None, high: str | None, span: _Span) -> Rule:
    """What may follow a whole number: a point and digits from ``low`` to ``high``, or nothing.  None: no bound."""
    digits = seq(".", _digits_after(low, high, span))
    return optional(digits) if _may_end(low, high, span) else digits


def _may_end(low: str | None, high: str | None, span: _Span) -> bool:
    """Whether a number may end where ``low`` and ``high`` are what is left of its bounds."""
    return (low is None or (low == "" and not span.low_open)) and not (high == "" and span.high_open)


def _digits_after(low: str | None, high: str | None, span: _Span) -> Rule:
    """Digits, one or more, from ``low`` to ``high``; neither bound ends with a zero."""
    if low == "" and not span.low_open:
        low = None
    if high == "":
        return repeat(Lit("0"), 1, None) if low is None and not span.high_open else NEVER
    if high is None and not low:
        return repeat(_DIGIT, 1, None) if low is None else seq(many(Lit("0")), _NONZERO, _DIGITS)
    first, last = (low or "0")[0], (high or "9")[0]
    tails: dict[Rule, str] = {}
    for digit in "0123456789"[int(first) : int(last) + 1]:
        rest_low = low[1:] if low is not None and digit == first else None
        rest_high = high[1:] if high is not None and digit == last else None
        tail = _tail(rest_low, rest_high, span)
        tails[tail] = tails.get(tail, "") + digit
    return alt(*(seq(_any_of(digits), tail) for tail, digits in tails.items()))


def _tail(low: str | None, high: str | None, span: _Span) -> Rule:
    """The same, or nothing where that will do."""
    more = _digits_after(low, high, span)
    if not _may_end(low, high, span):
        return more
    return many(more.item) if isinstance(more, Repeat) else optional(more)


def _with_exponent(span: _Span, plain: bool) -> Rule:
    if span.high == 0:
        return NEVER
    lowest, highest = _MIN_EXPONENT, _MAX_EXPONENT
    if span.low:
        power = span.low == Decimal(1).scaleb(span.low.adjusted()) and not span.low_open
        lowest = max(lowest, span.low.adjusted() + (not power))
    if span.high is not None:
        highest = min(highest, span.high.adjusted() - 1)
    if plain:
        return seq(_NONZERO, _plain_exponents(lowest, highest))
    return seq(_NONZERO, _FRACTION, _exponents(lowest, highest))


def _plain_exponents(lowest: int, highest: int) -> Rule:
    """More digits and an exponent: as many digits as leave the number between both powers of ten, where those are of the range."""
    exponents: dict[tuple[int, int], list[int]] = {}
    for exponent in range(lowest - _MANTISSA + 1, highest + 1):
        width = max(lowest - exponent, 0), min(highest - exponent, _MANTISSA - 1)
        if width[0] <= width[1]:
            exponents.setdefault(width, []).append(exponent)
    return alt(*(seq(repeat(_DIGIT, *width), _exponents(some[0], some[-1])) for width, some in exponents.items()))


def _exponents(lowest: int, highest: int) -> Rule:
    """An exponent from the first to the second, perhaps with a zero before its digits, as Python writes ``e-05``."""
    below = seq("-", _ZERO, _naturals(max(-highest, 1), -lowest))
    above = seq(optional(Lit("+")), _ZERO, _wholes(max(lowest, 0), highest))
    return seq(_E, alt(below, above))


INTEGER: Final = integers(None, None)
NUMBER: Final = decimals(None, None)
PLAIN_NUMBER: Final = decimals(None, None, plain=True)
