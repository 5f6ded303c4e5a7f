"""What a row costs, counted and not timed: calls of functions, and texts that are read, so that a regression shows on any machine.

Counted is what one row more costs, with all that `convert` does for it: the look for its format, its conversion, the proof and the report; in the
quick lane, and for rows that have to go the careful way.
"""

import sys
from collections import Counter
from types import FrameType
from typing import Any

import pytest

import toolfmt
from benchmarks.convert import TOOLS, structured_row, text_row
from toolfmt.conversion import rows
from toolfmt.conversion.plan import SAMPLE
from toolfmt.conversion.rows import STAGED
from toolfmt.stream import StreamParser

_START = -(-SAMPLE // STAGED) * STAGED  # rows by which the format is found, in whole batches
_MORE = 4 * STAGED
CASES = {
    "structured to hermes": (structured_row, {"to": "hermes"}, 195, 560, 1),
    "structured to qwen_xml": (structured_row, {"to": "qwen_xml"}, 200, 700, 1),
    "structured to trl": (structured_row, {"layout": "trl"}, 140, 450, 0),
    "text to hermes": (text_row, {"to": "hermes"}, 70, 330, 2),
    "text to qwen_xml": (text_row, {"to": "qwen_xml", "tools": TOOLS}, 64, 390, 2),
}
"""Rows, settings of `convert`, the most calls a row that are allowed in either way, and how often the careful way reads a text: on converting, and on
proving."""
WAYS = ["quick", "careful"]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "careful":
        monkeypatch.setattr(rows, "lane_of", lambda converter: None)
    return str(request.param)


def convert(data: list[dict[str, Any]], settings: dict[str, Any]) -> None:
    report = toolfmt.Report()
    toolfmt.convert(data, report=report, on_loss="ignore", **settings)
    assert report.converted == len(data)


def calls_in(data: list[dict[str, Any]], settings: dict[str, Any]) -> int:
    """How many functions, of Python and of C, one conversion calls."""
    counts: Counter[str] = Counter()

    def count(frame: FrameType, event: str, argument: object) -> None:
        counts[event] += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        convert(data, settings)
    finally:
        sys.setprofile(before)
    return counts["call"] + counts["c_call"]


@pytest.mark.parametrize("case", CASES)
def test_calls_a_row(case: str, way: str) -> None:
    make, settings, *most, _ = CASES[case]
    made = [make(i) for i in range(_START + _MORE)]
    convert(made, settings)  # what is made once is made
    more = (calls_in(made, settings) - calls_in(made[:_START], settings)) / _MORE
    allowed = most[WAYS.index(way)]
    assert allowed / 2 < more <= allowed, f"{more:.0f} calls a row"


def test_calls_a_row_that_is_looked_at_for_its_format() -> None:
    """Of `SAMPLE` rows, beside what it costs to convert them."""
    made = [text_row(i) for i in range(SAMPLE)]
    few, settings = made[: SAMPLE // 2], {"to": "hermes"}
    convert(made, settings)
    looked = (calls_in(made, settings) - calls_in(few, settings)) - (
        calls_in(made, {**settings, "source": "json_fence"}) - calls_in(few, {**settings, "source": "json_fence"})
    )
    assert 50 < looked / (len(made) - len(few)) <= 170, f"{looked / (len(made) - len(few)):.0f} calls a row"


@pytest.mark.parametrize("case", CASES)
def test_no_text_is_read_twice(case: str, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once to convert it, where it is a text, and once to prove what was written; in the quick lane by no whole reader at all."""
    make, settings, _, _, times = CASES[case]
    made = [make(i) for i in range(_START + _MORE)]
    read, whole = [0], StreamParser.read

    def counted(parser: StreamParser, text: str) -> toolfmt.Parsed:
        read[0] += 1
        return whole(parser, text)

    monkeypatch.setattr(StreamParser, "read", counted)
    convert(made[:_START], settings)
    first, read[0] = read[0], 0
    convert(made, settings)
    assert read[0] - first == (times * _MORE if way == "careful" else 0)
