"""The look at the data before the first row: a format that reads a text perfectly is not compared with others that cannot win."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from quick_cases import HERMES, QWEN, called
from quick_rows import EACH, FORMATS, MARKS, STRINGS, arguments

from toolfmt.api import write
from toolfmt.conversion import plan as plan_module
from toolfmt.conversion.plan import plan
from toolfmt.conversion.rows import RowConverter
from toolfmt.detect import detect_texts
from toolfmt.errors import UnrepresentableError
from toolfmt.formats.hermes import Hermes
from toolfmt.ir import Text, ToolCall
from toolfmt.stream import StreamParser

PROSE = st.sampled_from(["", "Let me look.", "Let me look."]) | STRINGS


@st.composite
def texts(draw: st.DrawFn, format: str) -> str:
    """A text with calls, most often as the format writes them."""
    calls = [ToolCall(name=draw(st.sampled_from(["f", "get"])), arguments=arguments(draw)) for _ in range(draw(st.sampled_from([1, 1, 1, 2])))]
    prose = draw(PROSE)
    try:
        text = write([Text(text=prose), *calls] if prose else calls, format).text
    except UnrepresentableError:
        return prose
    cut = draw(st.integers(0, len(text)))
    odd = [text] * 6 + [text[:cut] + draw(st.sampled_from(MARKS)) + text[cut:], text + draw(STRINGS), draw(STRINGS) + text, text[:cut]]
    return draw(st.sampled_from(odd))


def _detected_alike(format: str, data: st.DataObject) -> None:
    some = [data.draw(texts(format)) for _ in range(data.draw(st.sampled_from([1, 1, 2])))]
    found = detect_texts([write([ToolCall(name="f", arguments={"a": "x"})], format).text])
    if found[0].format != format or found[0].score < 1:
        return  # it is never the one that is asked first
    best = plan_module._is_best(some, FORMATS[format])
    event(f"best: {best}")
    if best:
        assert detect_texts(some)[0].format == format


@pytest.mark.parametrize("format", EACH)
@given(data=st.data())
def test_what_is_surely_the_best_is_detected(format: str, data: st.DataObject) -> None:
    _detected_alike(format, data)


@given(format=st.sampled_from(list(FORMATS)), data=st.data())
def test_what_is_surely_the_best_is_detected_of_any_format(format: str, data: st.DataObject) -> None:
    _detected_alike(format, data)


def rows_in(*formats: str) -> list[dict[str, Any]]:
    call = ToolCall(name="get_weather", arguments={"city": "Paris", "days": 3})
    return [{"messages": [{"role": "assistant", "content": write([Text(text="So."), call], name).text}]} for name in formats]


@pytest.mark.parametrize(
    "rows",
    [
        rows_in(*["json_fence"] * 30),
        rows_in(*["json_fence"] * 30, *["llama3_json"] * 2),
        rows_in(*["llama3_json", "json_fence"] * 9),
        rows_in("hermes", "qwen_xml", "hermes", "glm45"),
        [{"messages": [called()]}],
        [],
    ],
)
def test_the_plan_is_the_same(rows: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    found = [plan(RowConverter("mistral", None), "auto", lambda: rows)]
    monkeypatch.setattr(plan_module, "_is_best", lambda texts, fmt: False)
    found.append(plan(RowConverter("mistral", None), "auto", lambda: rows))
    assert found[0] == found[1]


@pytest.mark.parametrize("format", ["json_fence", "hermes", "qwen_xml", "deepseek_v3", "glm45", "functiongemma"])
def test_others_are_not_asked_about_common_rows(format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(plan_module, "detect_texts", lambda texts: asked.append(texts) or detect_texts(texts))
    assert plan(RowConverter("xlam", None), "auto", lambda: rows_in(*[format] * 20)).source == format
    assert len(asked) == 1


def test_a_format_that_reads_no_row_perfectly_is_compared_with_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_module, "_is_best", None)
    assert plan(RowConverter("hermes", None), "auto", lambda: rows_in("kimi_k3") * 3).source == "kimi_k3"


PYTHON = QWEN.replace("x", "True")


@pytest.mark.parametrize(
    ("format", "text", "best"),
    [
        ("hermes", HERMES, True),
        ("hermes", f"So.\n{HERMES}", True),
        ("hermes", f"{HERMES}\n{HERMES}", False),
        ("hermes", HERMES.replace(", ", ",  ").replace(": ", ":", 1), False),
        ("hermes", f"{HERMES} So.", False),
        ("hermes", f"</function> {HERMES}", False),
        ("hermes", f"{{}}\n{HERMES}", False),
        ("qwen_xml", QWEN, True),
        ("qwen_xml", PYTHON, False),
        ("qwen3_coder", PYTHON, False),
    ],
)
def test_what_is_surely_the_best(format: str, text: str, best: bool) -> None:
    assert plan_module._is_best([text], FORMATS[format]) is best
    assert plan_module._is_best(["So.", text], FORMATS[format]) is best


class Unwritten(Hermes):
    name = "unwritten"

    def write_calls(self, calls: Sequence[ToolCall]) -> str:
        raise UnrepresentableError("$.name", "no")


def test_what_cannot_be_written_or_is_cut_for_others_is_not_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not plan_module._is_best([HERMES], Unwritten())
    monkeypatch.setattr(StreamParser, "max_chars", len(HERMES))
    assert plan_module._is_best([HERMES], FORMATS["hermes"])
    assert not plan_module._is_best([f"So.\n{HERMES}"], FORMATS["hermes"])
