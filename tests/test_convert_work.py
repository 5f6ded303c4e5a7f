"""What a row costs, counted and not timed: calls of functions, and texts that are read, so that a regression shows on any machine.

Counted is what one row more costs, with all that `convert` does for it: the look for its format, its conversion, the proof and the report.
"""

import sys
from collections import Counter
from types import FrameType
from typing import Any

import pytest

import toolfmt
from benchmarks.convert import TOOLS, structured_row, text_row
from toolfmt.conversion.plan import SAMPLE
from toolfmt.conversion.rows import STAGED
from toolfmt.stream import StreamParser

_START = -(-SAMPLE // STAGED) * STAGED  # rows by which the format is found, in whole batches
_MORE = 4 * STAGED
CASES = {
    "structured to hermes": (structured_row, {"to": "hermes"}, 620, 1),
    "structured to qwen_xml": (structured_row, {"to": "qwen_xml"}, 780, 1),
    "structured to trl": (structured_row, {"layout": "trl"}, 450, 0),
    "text to hermes": (text_row, {"to": "hermes"}, 340, 2),
    "text to qwen_xml": (text_row, {"to": "qwen_xml", "tools": TOOLS}, 410, 2),
}
"""Rows, settings of `convert`, the most calls a row that are allowed, and how often a text is read: on converting, and on proving."""


def convert(rows: list[dict[str, Any]], settings: dict[str, Any]) -> None:
    report = toolfmt.Report()
    toolfmt.convert(rows, report=report, on_loss="ignore", **settings)
    assert report.converted == len(rows)


def calls_in(rows: list[dict[str, Any]], settings: dict[str, Any]) -> int:
    """How many functions, of Python and of C, one conversion calls."""
    counts: Counter[str] = Counter()

    def count(frame: FrameType, event: str, argument: object) -> None:
        counts[event] += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        convert(rows, settings)
    finally:
        sys.setprofile(before)
    return counts["call"] + counts["c_call"]


@pytest.mark.parametrize("case", CASES)
def test_calls_a_row(case: str) -> None:
    make, settings, most, _ = CASES[case]
    rows = [make(i) for i in range(_START + _MORE)]
    convert(rows, settings)  # what is made once is made
    more = (calls_in(rows, settings) - calls_in(rows[:_START], settings)) / _MORE
    assert most / 2 < more <= most, f"{more:.0f} calls a row"


@pytest.mark.parametrize("case", CASES)
def test_no_text_is_read_twice(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once to convert it, where it is a text, and once to prove what was written."""
    make, settings, _, times = CASES[case]
    rows = [make(i) for i in range(_START + _MORE)]
    read, whole = [0], StreamParser.read

    def counted(parser: StreamParser, text: str) -> toolfmt.Parsed:
        read[0] += 1
        return whole(parser, text)

    monkeypatch.setattr(StreamParser, "read", counted)
    convert(rows[:_START], settings)
    first, read[0] = read[0], 0
    convert(rows, settings)
    assert read[0] - first == times * _MORE
