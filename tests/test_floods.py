"""Floods: texts of a hundred thousand characters that strain one thing; time is measured as a ratio, never by the clock.

Four times the text may cost less than nine times the time.
"""

import gc
import itertools
import resource
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from hostile import FLOODS, FORMATS, TOOLS, check, flood_of, good, own_floods, pieces, run_stream

import toolfmt

pytestmark = pytest.mark.usefixtures("no_hang")


@pytest.fixture(scope="module", autouse=True)
def _small_heap() -> Iterator[None]:
    """Collections between measurements pass over what the test session itself holds."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_floods_small(name: str) -> None:
    """Every flood, every promise, every format; the size is such that any chunking is quick."""
    for flood in (*FLOODS, *own_floods(name)):
        text = flood_of(name, flood)(1200)
        try:
            check(name, text, [pieces(text, 1), pieces(text, 7)], TOOLS)
            text += "\n" + good(name)
            check(name, text, [pieces(text, 3), pieces(text, 100)], TOOLS)
        except Exception as error:
            raise AssertionError(f"{flood}: {type(error).__name__}: {error}") from error


def _seconds(work: Callable[[], object], rounds: int) -> float:
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


ENOUGH = 0.004  # seconds that a measured run must take
FACTOR = 9  # quadratic work gives 16


def assert_linear(work: Callable[[str], object], make: Callable[[int], str], smallest: int, largest: int) -> None:
    """Four times the text, less than nine times the time: at a size that takes long enough to be measured, or is ``largest``.

    Each size is four times the last, so that a run which is suspiciously slow is caught before it takes minutes.
    """
    size, before = smallest, 0.0
    while True:
        text = make(size)
        gc.collect()
        after = _seconds(partial(work, text), 1)
        if before >= ENOUGH and after >= FACTOR * before:  # confirmed on a second look, against noise
            before = _seconds(partial(work, make(size // 4)), 3)
            after = _seconds(partial(work, text), 3)
            assert after < FACTOR * before, f"{size // 4} characters: {before:.3f} s; {size}: {after:.3f} s"
        if size >= largest or after >= 4 * FACTOR * ENOUGH:
            return
        size, before = size * 4, after


def stream_in(name: str, size: int) -> Callable[[str], object]:
    return lambda text: run_stream(name, pieces(text, size), TOOLS)


def about(name: str) -> list[str]:
    """The floods that hold a mark which opens a call in this format, and those made of its own calls."""
    opens = toolfmt.get_format(name).opens
    marks, brackets = [mark for mark in opens if len(mark) > 1], tuple(mark for mark in opens if len(mark) == 1)
    near = [
        flood
        for flood, make in FLOODS.items()
        if make(1200).startswith(brackets) or any(mark in make(1200) for mark in marks)
    ]
    return [*near, *own_floods(name)]


PAIRS = [pytest.param(name, flood, id=f"{name}: {flood}") for name in FORMATS for flood in about(name)]
OTHERS = [
    pytest.param(name, flood, id=f"{name}: {flood}")
    for name in FORMATS
    for flood in sorted(set(FLOODS) - set(about(name)))
]


@pytest.mark.slow
@pytest.mark.parametrize("name, flood", PAIRS)
def test_linear(name: str, flood: str) -> None:
    assert_linear(lambda text: toolfmt.parse(text, name, tools=TOOLS), flood_of(name, flood), 2**13, 2**17)
    assert_linear(stream_in(name, 4), flood_of(name, flood), 2**13, 2**15)


class Counted(str):
    """A text that counts the characters over which ``find`` has gone."""

    searched = 0

    def find(self, mark: str, start: int = 0, end: int | None = None) -> int:  # type: ignore[override]
        stop = len(self) if end is None else end
        at = super().find(mark, start, stop)
        self.searched += max(0, (at if at >= 0 else stop) - start)
        return at


@pytest.mark.parametrize("name", FORMATS)
def test_one_end_behind_many_beginnings_is_looked_for_once(name: str) -> None:
    fmt = toolfmt.get_format(name)
    for opening, closing in itertools.zip_longest(fmt.opens, fmt.closes, fillvalue=""):
        for inside in ("", "{", "\n{"):
            shares = []
            for count in (2000, 8000):  # beyond what each beginning may look ahead
                text = Counted((opening + inside) * count + closing)
                toolfmt.parse(text, name)
                shares.append(text.searched / len(text))
            assert shares[1] < 1.5 * shares[0] + 1, (opening, inside, shares)


@pytest.mark.nightly
@pytest.mark.parametrize("name, flood", PAIRS)
def test_linear_large(name: str, flood: str) -> None:
    assert_linear(lambda text: toolfmt.parse(text, name, tools=TOOLS), flood_of(name, flood), 2**15, 2**21)
    assert_linear(stream_in(name, 1), flood_of(name, flood), 2**12, 2**18)


@pytest.mark.nightly
@pytest.mark.parametrize("name, flood", OTHERS)
def test_linear_elsewhere(name: str, flood: str) -> None:
    """A flood that is about other formats is text here."""
    assert_linear(lambda text: toolfmt.parse(text, name, tools=TOOLS), flood_of(name, flood), 2**15, 2**21)
    assert_linear(stream_in(name, 4), flood_of(name, flood), 2**12, 2**18)


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_linear_good_calls(name: str) -> None:
    """Not hostile at all: long arguments, and many calls."""

    def long_argument(n: int) -> str:
        return good(name, 'word \\ " \n ' * (n // 11))

    def many_calls(n: int) -> str:
        count = n // 60
        return toolfmt.render(
            [toolfmt.ToolCall(name="f", arguments={"a": "x"})] * count, name, tools=TOOLS, verify=False
        )

    for make in (long_argument, many_calls) if toolfmt.get_format(name).limits.many_calls else (long_argument,):
        assert_linear(lambda text: toolfmt.parse(text, name, tools=TOOLS), make, 2**14, 2**18)
        assert_linear(stream_in(name, 4), make, 2**12, 2**16)


@pytest.mark.nightly
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("flood", FLOODS)
def test_floods_large(name: str, flood: str) -> None:
    """10^6 characters and more, whole and in chunks of 1,000: right, and done."""
    text = FLOODS[flood](10**6)
    check(name, text, [pieces(text, 1000)], TOOLS)


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_a_string_of_50_million_characters(name: str) -> None:
    value = '0123456789 abcdef\n"quotes" \\ {braces} \N{SNOWMAN} ' * (50 * 2**20 // 48)
    call = toolfmt.ToolCall(name="f", arguments={"a": value})
    text = toolfmt.render(call, name, tools=TOOLS, verify=False)
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    parsed = toolfmt.parse(text, name, tools=TOOLS)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert parsed.parts == toolfmt.get_format(name).numbered(toolfmt.Message(parts=(call,))).parts
    assert grown * 1024 < 12 * sys.getsizeof(text), f"{grown} KiB for {sys.getsizeof(text)} bytes"
