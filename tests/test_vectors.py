"""What public chat templates write (../shared/vectors): read to the original calls, and rendered back byte for byte where the template is canonical.

Every difference stands in `vector_decisions` with its reason, and a reason that no longer applies fails the test: nothing is excused in silence.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from vector_cases import ASPECTS, FORMAT_OF, NO_FORMAT, SELECT, cases_of, judged, templates
from vector_decisions import DECISIONS, DROPS_CALLS, RAW_TAGS, Decision, explained

import toolfmt
from toolfmt.ir import same

Row = dict[str, Any]


def test_no_template_is_left_out(shared: Path) -> None:
    assert templates(shared / "vectors") == FORMAT_OF.keys() | NO_FORMAT.keys()
    assert not FORMAT_OF.keys() & NO_FORMAT.keys()
    assert not {info.name for info in toolfmt.formats()} & {name for name, _ in NO_FORMAT.values()}


@pytest.mark.parametrize("template", FORMAT_OF)
def test_as_the_template_writes_it(shared: Path, template: str) -> None:
    """Each difference is explained, and each explanation needed."""
    wrong = []
    for aspect, meaning in ASPECTS.items():
        for case, found in judged(shared / "vectors", template):
            covered = any(decision.covers(case) for decision in explained(template, aspect))
            if aspect in found and not covered:
                wrong.append(f"{case.key}: {meaning}? No: {found[aspect]}, of {case.model_text!r}")
            elif covered and aspect not in found and not ("calls" in found and aspect != "calls"):
                wrong.append(f"{case.key}: a decision about `{aspect}` no longer applies")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("template", FORMAT_OF)
def test_enough_is_compared(shared: Path, template: str) -> None:
    cases = cases_of(shared / "vectors", template)
    with_calls = sum(bool(case.calls) for case in cases)
    assert (len(cases), with_calls) == (5, 0) if template in DROPS_CALLS else len(cases) >= 32 and with_calls >= 28


@pytest.mark.parametrize("decision", DECISIONS, ids=range(len(DECISIONS)))
def test_each_decision_is_about_something(shared: Path, decision: Decision) -> None:
    assert set(decision.about.split()) <= set(ASPECTS) - {"stream"}
    assert set(decision.templates) <= set(FORMAT_OF)
    for template in decision.templates:
        keys = {case.key for case in cases_of(shared / "vectors", template)}
        known = {*SELECT, *keys, *(key.partition(":")[0] for key in keys)}
        assert set(decision.cases) <= known
        needed = {
            aspect for case, found in judged(shared / "vectors", template) if decision.covers(case) for aspect in found
        }
        assert set(decision.about.split()) <= needed


@pytest.mark.parametrize("template", RAW_TAGS)
def test_what_no_reader_could_tell_is_refused(shared: Path, template: str) -> None:
    [case] = [case for case in cases_of(shared / "vectors", template) if case.key == "lookalike_parameter:0"]
    calls = [call.model_copy(update={"id": None}) for call in case.calls]
    with pytest.raises(toolfmt.UnrepresentableError):
        toolfmt.render(calls, FORMAT_OF[template], tools=case.tools)


# -- FunctionGemma: the publisher's cases


OPENS, CLOSES = "<start_function_call>", "<end_function_call>"


def cases(shared: Path, kind: str) -> list[Row]:
    lines = (shared / "vectors" / "functiongemma_cases.jsonl").read_text(encoding="utf-8").splitlines()
    found = [case for case in map(json.loads, lines) if case["kind"] == kind]
    assert found
    return found


def streamed(text: str, size: int) -> toolfmt.Parsed:
    stream = toolfmt.stream("functiongemma")
    for i in range(0, len(text), size):
        stream.feed(text[i : i + size])
    stream.close()
    return stream.parsed


def test_functiongemma_parse(shared: Path) -> None:
    for case in cases(shared, "parse"):
        text = OPENS + case["text"] + CLOSES
        for parsed in (toolfmt.parse(text, "functiongemma"), *(streamed(text, size) for size in (1, 2, 5, 13))):
            [call] = parsed.parts
            assert isinstance(call, toolfmt.ToolCall)
            assert call.name == case["name"]
            assert same(call.arguments, case["arguments"])


def test_functiongemma_invalid(shared: Path) -> None:
    for case in cases(shared, "invalid"):
        text = OPENS + case["text"] + CLOSES
        for parsed in (toolfmt.parse(text, "functiongemma"), *(streamed(text, size) for size in (1, 2, 5, 13))):
            [part] = parsed.parts
            assert isinstance(part, toolfmt.Malformed), case["note"]
            assert part.raw == text


def test_functiongemma_write_value(shared: Path) -> None:
    for case in cases(shared, "write_value"):
        call = toolfmt.ToolCall(name="f", arguments={"v": case["value"]})
        assert toolfmt.render(call, "functiongemma") == f"{OPENS}call:f{{v:{case['text']}}}{CLOSES}"


def test_functiongemma_write_tool(shared: Path) -> None:
    fmt = toolfmt.get_format("functiongemma")
    for case in cases(shared, "write_tool"):
        tool = toolfmt.Tool(**case["tool"].get("function", case["tool"]))
        written = f"<start_function_declaration>{case['text']}<end_function_declaration>"
        assert fmt.write_tool(tool) == written
        if tool.parameters:  # `read_tools` says {} in full
            assert toolfmt.describe_tools([case["tool"]], "functiongemma").endswith(written)
