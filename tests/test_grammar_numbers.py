"""Rules of numbers, judged by counting, by `Decimal` and by Python's own floats; a rule is read by way of Python's `re`."""

import json
import math
import random
import re
import struct
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_regex import rule_regex

from toolfmt.families.brace_lexis import write_number
from toolfmt.grammar.numbers import INTEGER, NUMBER, PLAIN_NUMBER, decimals, digits_between, integers
from toolfmt.rule import NEVER, Rule


@cache
def regex(rule: Rule) -> re.Pattern[str]:
    return re.compile(rule_regex(rule))


def takes(rule: Rule, text: str) -> bool:
    return regex(rule).fullmatch(text) is not None


# Integers

RANGES = [(low, high) for low in (None, -1234, -100, -99, -7, -1, 0, 1, 2, 9, 10, 17, 99, 100, 101, 345)
          for high in (None, -1000, -20, -1, 0, 1, 9, 10, 11, 99, 100, 199, 200, 999, 1000, 1234)]  # fmt: skip


@pytest.mark.parametrize(("low", "high"), RANGES)
def test_a_range_holds_its_integers(low: int | None, high: int | None) -> None:
    rule = integers(low, high)
    for number in range(-1300, 1300):
        inside = (low is None or low <= number) and (high is None or number <= high)
        assert takes(rule, str(number)) == inside, number
    for text in ("-0", "00", "01", "-01", "1.0", "1e1", "", "-", "+1", " 1", "0x1"):
        assert not takes(rule, text)


@given(st.integers(), st.integers(), st.data())
def test_a_range_of_large_integers(first: int, second: int, data: st.DataObject) -> None:
    low, high = sorted((first * 10**3, second))
    rule = integers(low, high)
    number = data.draw(st.integers() | st.integers(low, high) | st.sampled_from((low - 1, low, high, high + 1)))
    assert takes(rule, str(number)) == (low <= number <= high)


@pytest.mark.parametrize(
    "multiple", [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 16, 20, 25, 30, 48, 50, 60, 75, 100, 125, 250, 1000]
)
@pytest.mark.parametrize(("low", "high"), [(None, None), (0, None), (None, -15), (-2000, 2500), (13, 1999), (1, 12)])
def test_multiples(multiple: int, low: int | None, high: int | None) -> None:
    rule = integers(low, high, multiple)
    for number in range(-2600, 2600):
        inside = (low is None or low <= number) and (high is None or number <= high)
        assert takes(rule, str(number)) == (inside and number % multiple == 0), number
    for text in ("-0", "00", f"0{multiple}", f"-0{multiple}", f"{multiple}.0", ""):
        assert not takes(rule, text)


@pytest.mark.parametrize("multiple", [2, 3, 12, 15, 32, 100, 625, 10**9])
def test_multiples_of_many_digits(multiple: int) -> None:
    rule = integers(None, None, multiple)
    for factor in (1, 7, 10**5, 123456789123456789, 10**60 + 1):
        assert takes(rule, str(-multiple * factor))
        assert not takes(rule, str(multiple * factor + 1))


@pytest.mark.parametrize("multiple", [7, 9, 11, 13, 64, 360])
def test_few_multiples_are_listed(multiple: int) -> None:
    rule = integers(-500, 500, multiple)
    taken = [number for number in range(-600, 600) if takes(rule, str(number))]
    assert taken == [number for number in range(-500, 501) if number % multiple == 0]


@pytest.mark.parametrize(("low", "high", "multiple"), [(None, None, 7), (0, None, 9), (0, 10**6, 11), (0, None, 64)])
def test_a_multiple_without_a_short_rule_is_refused(low: int | None, high: int | None, multiple: int) -> None:
    with pytest.raises(ValueError, match=f"multiples of {multiple} .* closer bounds"):
        integers(low, high, multiple)


def test_a_multiple_is_positive() -> None:
    with pytest.raises(ValueError, match="must be 1 or more"):
        integers(0, 5, 0)


def test_an_empty_range_is_never() -> None:
    assert integers(5, 4) == integers(1, 6, 7) == decimals(1.5, 1.5, low_open=True) == decimals(2, 1) == NEVER


def test_rules_are_small() -> None:
    assert rule_regex(integers(0, None)) == "(?:0|[1-9][0-9]*)"
    assert len(rule_regex(integers(0, 10**18 - 3))) < 700
    assert len(rule_regex(integers(-(2**63), 2**63 - 1))) < 1200
    assert not any(takes(decimals(0, None), text) for text in ("-1", "-0.5", "-1e5", "-0"))
    assert len(rule_regex(decimals(-180, 180))) < 250
    assert len(rule_regex(integers(None, None, 16))) < 800


@pytest.mark.parametrize(("low", "high"), [("0001", "9999"), ("000", "255"), ("17", "17"), ("109", "901")])
def test_digits_between(low: str, high: str) -> None:
    rule = digits_between(low, high)
    assert [n for n in range(10**4) if takes(rule, f"{n:0{len(low)}}")] == list(range(int(low), int(high) + 1))


# Decimals

BOUNDS = [None, -250, -1, -0.75, 0, 0.001, 0.25, 1, 1.5, 7.125, 9.99, 10, 99.5, 100, 1e22, 1e-7, -1e-5]


def inside(number: Decimal, low: float | None, high: float | None, low_open: bool, high_open: bool) -> bool:
    if low is not None and (number < Decimal(repr(low)) or (low_open and number == Decimal(repr(low)))):
        return False
    return high is None or not (number > Decimal(repr(high)) or (high_open and number == Decimal(repr(high))))


def neighbours(bound: float) -> list[str]:
    exact = Decimal(repr(bound))
    steps = [Decimal(0), *(sign * Decimal(step) for sign in (1, -1) for step in ("1", "0.1", "0.001", "1e-9"))]
    return [f"{exact + step:f}{zeros}" for step in steps for zeros in ("", ".0", "0", "00")]


@pytest.mark.parametrize("low_open", [False, True])
@pytest.mark.parametrize("high_open", [False, True])
def test_a_range_holds_its_decimals(low_open: bool, high_open: bool) -> None:
    rng = random.Random(5)
    for low in BOUNDS:
        for high in BOUNDS:
            rule = decimals(low, high, low_open=low_open, high_open=high_open)
            texts = [text for bound in (low, high) if bound is not None for text in neighbours(bound)]
            texts += [f"{rng.randint(-300, 300)}.{rng.randint(0, 10 ** rng.randint(1, 5))}" for _ in range(8)]
            texts += ["0", "0.0", "0.00", "0.5", "-0.5", "12", "-12", "12.25", "1.50", "0.00000001", "100.000"]
            for text in texts:
                well = re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", text) is not None
                wanted = well and inside(Decimal(text), low, high, low_open, high_open)
                if not well or Decimal(text) or "-" not in text:
                    assert takes(rule, text) == wanted, (low, high, text)


def test_zero_has_a_minus_where_numbers_below_are_allowed() -> None:
    assert all(takes(decimals(low, high), "-0.0") for low, high in [(None, None), (-1, 0), (-1, 5), (None, 3)])
    assert not any(takes(decimals(low, high), "-0.0") for low, high in [(0, 1), (0, None), (1, None), (None, -1)])
    assert not takes(decimals(-1, 0, high_open=True), "-0.0")


floats = st.floats(allow_nan=False, allow_infinity=False) | st.floats(-100, 100) | st.floats(-1e-4, 1e-4)
bounds = floats.map(lambda value: value if abs(value) > 1e-80 else 0.0)


def in_cut_decade(value: float, *bounds: float) -> bool:
    """Whether a bound lies in the decade of ``value``, or that is one which no exponent reaches."""
    decade = Decimal(repr(value)).adjusted()
    return not -307 <= decade <= 307 or any(Decimal(repr(bound)).adjusted() == decade for bound in bounds)


@given(bounds, bounds, st.data())
def test_floats_as_python_writes_them(first: float, second: float, data: st.DataObject) -> None:
    low, high = sorted((first, second))
    value = data.draw(floats | st.floats(low, high) | st.sampled_from((low, high)))
    rule, text = decimals(low, high), repr(value)
    if not low <= value <= high:
        assert not takes(rule, text)
    elif ("e" not in text and (value or low < 0 or text == "0.0")) or ("e" in text and not in_cut_decade(value, low, high)):
        assert takes(rule, text)


@given(floats)
def test_any_float(value: float) -> None:
    for rule, text in ((NUMBER, json.dumps(value)), (PLAIN_NUMBER, write_number(value))):
        decade = Decimal(text).adjusted()
        if "e" not in text or (-291 if rule == PLAIN_NUMBER else -307) <= decade <= (
            291 if rule == PLAIN_NUMBER else 307
        ):
            assert takes(rule, text)


@given(bounds, bounds, st.data())
def test_plain_floats(first: float, second: float, data: st.DataObject) -> None:
    low, high = sorted((first, second))
    value = data.draw(st.floats(low, high) | floats)
    text, rule = write_number(value), decimals(low, high, plain=True)
    if not low <= value <= high:
        assert not takes(rule, text)
    elif "e" in text and -290 <= Decimal(text).adjusted() <= 290 and not in_cut_decade(value, low, high):
        assert takes(rule, text)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (0, None), (None, None), (-90, 90), (0.5, 2e8), (None, -3), (3e-7, 5e-2)]
)
def test_what_a_range_writes_with_an_exponent_is_inside(low: float | None, high: float | None, plain: bool) -> None:
    rule, rng = decimals(low, high, plain=plain), random.Random(3)
    seen = 0
    for _ in range(4000):
        sign, exponent = rng.choice(("", "-")), rng.choice((rng.randint(-330, 330), rng.randint(-12, 12)))
        mantissa = rng.choice(("1", "9", "9.99", "1.0", "5", "15", "100", "99999999999999999", "10000000000000000"))
        text = (
            f"{sign}{mantissa}{rng.choice('eE')}{rng.choice(('', '+', '0', '+0')) if exponent >= 0 else ''}{exponent}"
        )
        if takes(rule, text):
            seen += 1
            assert inside(Decimal(text), low, high, False, False), text
            assert math.isfinite(float(text))
            assert not (plain and "." in text)
    assert seen > 20


@pytest.mark.parametrize(
    "text", ["1e400", "9e308", "12345678901234567890e300", "01", ".5", "1.", "+1", "1e", "NaN", "-", "1e5.0"]
)
def test_no_number(text: str) -> None:
    assert not takes(NUMBER, text) and not takes(PLAIN_NUMBER, text) and not takes(INTEGER, text)


def test_plain_numbers_have_a_fraction_or_an_exponent() -> None:
    for text in ("15e-8", "1e-05", "1e+22", "1.5", "-0.0025", "-3", "17e290", "0.0"):
        assert takes(PLAIN_NUMBER, text), text
    assert not takes(PLAIN_NUMBER, "1.5e-7") and takes(NUMBER, "1.5e-7")


def test_a_bound_that_is_none() -> None:
    with pytest.raises(ValueError, match="must be finite"):
        decimals(0, math.inf)
    with pytest.raises(ValueError, match="more than 100 of them"):
        integers(int("12" * 80), None)
    with pytest.raises(ValueError, match="more than 100 of them"):
        decimals(5e-324, None)


def test_huge_round_bounds() -> None:
    largest = 1.7976931348623157e308
    assert takes(decimals(-largest, largest), "1" + "0" * 308) and not takes(
        decimals(-largest, largest), "18" + "0" * 307
    )
    assert takes(integers(0, 10**300), "9" * 300) and not takes(integers(0, 10**300), "1" * 301)
    assert takes(decimals(0, 1e300, high_open=True), "9" * 300)


def test_floats_of_any_bits() -> None:
    rng = random.Random(8)
    for _ in range(3000):
        (value,) = struct.unpack("<d", rng.randbytes(8))
        if math.isfinite(value) and -307 <= Decimal(repr(value)).adjusted() <= 307:
            assert takes(NUMBER, repr(value))
