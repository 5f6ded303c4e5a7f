"""Decoding for real: what a random model writes under a grammar of `toolfmt.grammar_for` is read back as calls that keep to the tools' schemas."""

import os
from typing import Any

import pytest

import toolfmt

os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads of torch spin on a shared machine
for package in ("torch", "transformers", "xgrammar", "llguidance"):
    pytest.importorskip(package, reason=f"{package} is not installed: pip install torch 'toolfmt[grammar,hf]'")

from tiny_model import Output, generate, tiny  # noqa: E402

pytestmark = pytest.mark.slow

FORMATS = [info.name for info in toolfmt.formats()]
ENGINES = ("xgrammar", "llguidance")


def _tool(name: str, *required: str, **properties: Any) -> dict[str, Any]:
    return {"name": name, "parameters": {"type": "object", "properties": properties, "required": list(required)}}


SHORT = {"type": "string", "maxLength": 8}
PLACE = {
    "type": "object",
    "properties": {"name": SHORT, "floor": {"type": ["integer", "null"], "minimum": -3, "maximum": 40}},
    "required": ["name"],
}


def _tools(longest: int) -> list[dict[str, Any]]:
    """No string and no array without a bound, so that whatever is written comes to an end."""
    city = {"type": "string", "minLength": 1, "maxLength": longest}
    days = {"type": "integer", "minimum": 1, "maximum": 14}
    unit = {"enum": ["celsius", "fahrenheit"]}
    guests = {"type": "array", "items": SHORT, "maxItems": 3}
    length = {"type": "number", "minimum": 0.5, "maximum": 8}
    note = {"anyOf": [SHORT, {"type": "null"}]}
    return [
        _tool("get_weather", "city", city=city, days=days, unit=unit, hourly={"type": "boolean"}),
        _tool("plan_meeting", "place", "guests", place=PLACE, guests=guests, note=note, length=length),
        _tool("list_files"),
    ]


TOOLS = _tools(24)


def grammar(fmt: str, engine: str, **more: Any) -> toolfmt.Grammar:
    """The grammar of the tools; of those with shorter strings, where the engine cannot count so far."""
    fewer = (fmt, engine) == ("functiongemma_vllm", "xgrammar")
    return toolfmt.grammar_for(_tools(12) if fewer else TOOLS, fmt, engine=engine, **more)


def faults(output: Output, fmt: str, calls: range) -> list[str]:
    """What is wrong with a text that was to be so many calls and nothing else."""
    parsed = toolfmt.parse(output.text, fmt, tools=TOOLS)
    found = [] if output.ended else ["cut off"]
    found += ["truncated"] if parsed.truncated else []
    found += [
        f"{type(part).__name__} beside the calls" for part in parsed.parts if not isinstance(part, toolfmt.ToolCall)
    ]
    found += [] if len(parsed.calls) in calls else [f"{len(parsed.calls)} calls"]
    return found + violations(parsed)


def violations(parsed: toolfmt.Parsed) -> list[str]:
    return [str(bad) for bad in toolfmt.validate(parsed.calls, TOOLS)] if parsed.calls else []


def check(outputs: list[Output], fmt: str, calls: range = range(1, 2)) -> None:
    """Every text is calls that keep to the schemas, and not of one tool alone."""
    assert [(output.text, wrong) for output in outputs if (wrong := faults(output, fmt, calls))] == []
    assert len({call.name for output in outputs for call in toolfmt.parse(output.text, fmt, tools=TOOLS).calls}) > 1


@pytest.mark.parametrize("rows", [20, pytest.param(200, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("fmt", FORMATS)
def test_every_text_is_one_valid_call(fmt: str, engine: str, rows: int) -> None:
    check(generate(tiny(), grammar(fmt, engine), rows), fmt)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("fmt", ["hermes", "functiongemma", "pythonic", "mistral_v3"])
def test_many_calls(fmt: str, engine: str) -> None:
    outputs = generate(tiny(), grammar(fmt, engine, calls="many"), 12, longest=4000)
    check(outputs, fmt, range(1, 100))
    assert max(len(toolfmt.parse(output.text, fmt, tools=TOOLS).calls) for output in outputs) > 1


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("fmt", ["hermes", "qwen_xml", "functiongemma", "labelled", "glm45", "kimi_k2"])
def test_prose_with_calls(fmt: str, engine: str) -> None:
    """Random prose comes to no end, so the last call may be cut off; every other one is whole and valid."""
    outputs = generate(tiny(), grammar(fmt, engine, calls="auto"), 20, longest=400)
    calls = 0
    for output in outputs:
        parsed = toolfmt.parse(output.text, fmt, tools=TOOLS)
        last = parsed.parts[-1] if parsed.parts else None
        whole = [bad for bad in parsed.malformed if bad is not last or output.ended]
        assert whole == [] and violations(parsed) == [], output.text
        calls += len(parsed.calls)
    assert calls > 5


@pytest.mark.parametrize("engine", ENGINES)
def test_marks_that_are_special_tokens(engine: str) -> None:
    special = ("<start_function_call>", "<end_function_call>", "<escape>")
    made = tiny(special)
    ids = dict(zip(special, made.tokenizer.convert_tokens_to_ids(list(special)), strict=True))
    outputs = generate(made, grammar("functiongemma", engine, special_tokens=ids), 20)
    check(outputs, "functiongemma")
    for output in outputs:
        assert (output.tokens[0], output.tokens[-1]) == (ids["<start_function_call>"], ids["<end_function_call>"])
        assert output.tokens.count(ids["<escape>"]) == output.text.count("<escape>")


def test_marks_that_are_special_tokens_may_be_spelled_where_the_grammar_is_not_told() -> None:
    """In xgrammar; llguidance takes a mark that is a special token for that token, refuses it, and says so."""
    made = tiny(("<tool_call>", "</tool_call>"))
    check(generate(made, grammar("hermes", "xgrammar"), 20), "hermes")
    with pytest.raises(toolfmt.GrammarError, match=r"llguidance gave up on the text: .*doesn't satisfy the grammar"):
        generate(made, grammar("hermes", "llguidance"), 20)
