"""The strict readers: what each grammar accepts and as what, what it refuses and why, and sentences made from it."""

import json
import logging
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import lark
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolfmt.errors import ParseError, UnknownFormatError
from toolfmt.ir import MAX_DEPTH, Part, Reasoning, Text, ToolCall, difference
from toolfmt.reference import grammar_text, load_grammar, read
from toolfmt.testing import sentences

FORMATS = (
    *("json_fence", "qwen_xml", "qwen3_coder", "functiongemma", "functiongemma_vllm"),
    *("xlam", "xlam_v1", "hermes", "labelled"),
)
GRAMMARS = Path(__file__).resolve().parent.parent / "grammars"


def raw(tool: str, key: str, text: str) -> str:
    return text


def call(name: str, **arguments: Any) -> ToolCall:
    return ToolCall(name=name, arguments=arguments)


def text(written: str) -> Text:
    return Text(text=written)


def hermes(name: str = "f", arguments: str = "{}") -> str:
    return f'<tool_call>\n{{"name": "{name}", "arguments": {arguments}}}\n</tool_call>'


def qwen(name: str = "f", **values: str) -> str:
    inside = "".join(f"<parameter={key}>\n{value}\n</parameter>\n" for key, value in values.items())
    return f"<tool_call>\n<function={name}>\n{inside}</function>\n</tool_call>"


def fence(body: str = '{"name": "f", "arguments": {}}', label: str = "json") -> str:
    return f"```{label}\n{body}\n```"


def gemma(body: str = "call:f{}") -> str:
    return f"<start_function_call>{body}<end_function_call>"


def labelled(name: str = "f", arguments: str = "{}") -> str:
    return f"<|tool_call|>\nTool: {name}\nArguments: {arguments}\n<|end|>"


XLAM = '[{"name": "f", "arguments": {"a": 1}}, {"arguments": {}, "name": "g"}]'

ACCEPT: dict[str, list[tuple[str, tuple[Part, ...]]]] = {
    "hermes": [
        ("", ()),
        ("Hi.\n", (text("Hi.\n"),)),
        (" \n", (text(" \n"),)),
        (" <|im_end|>\n", ()),
        ("Hi.<|eot_id|>", (text("Hi."),)),
        ("<|im_end|> in text", (text("<|im_end|> in text"),)),
        ("a <think>b</think>", (text("a <think>b</think>"),)),
        ("a</tool_call>", (text("a</tool_call>"),)),
        (f"Hi.\n{hermes()}\nBye.", (text("Hi."), call("f"), text("Bye."))),
        (f"Hi.\n\n{hermes()}\n\nBye.", (text("Hi.\n"), call("f"), text("\nBye."))),
        (f" \n\n{hermes()} \n \n{hermes('g')}\n\n<|im_end|>", (call("f"), call("g"))),
        (f"{hermes()}{hermes('g')}x", (call("f"), call("g"), text("x"))),
        ('<tool_call>{\n"arguments" : {"a":[1,1.0]} , "name":"f" }</tool_call>', (call("f", a=[1, 1.0]),)),
        ('<tool_call>\n{"name": "f"}\n</tool_call>', (call("f"),)),
        (
            hermes(arguments='{"s": "</tool_call><tool_call>\\n\\ud800"}'),
            (call("f", s="</tool_call><tool_call>\n\ud800"),),
        ),
        ("<think>\nR\n\n</think>\n\n\nHi.", (Reasoning(text="R\n"), text("\nHi."))),
        (f"\n<think>\n\n</think>\n{hermes()}", (Reasoning(text=""), call("f"))),
        ("<think></think>", (Reasoning(text=""),)),
        ("<think>a <tool_call> <think> b</think>Hi.", (Reasoning(text="a <tool_call> <think> b"), text("Hi."))),
        ("\nR\n</think>\n\nHi.</think>", (Reasoning(text="\nR"), text("Hi.</think>"))),
        ("\n</think>\n\n", (Reasoning(text=""),)),
        (f"{hermes()}a</think>", (call("f"), text("a</think>"))),
    ],
    "qwen_xml": [
        (f"Hi.\n\n{qwen(k='v')}\n{qwen('now')}\nBye.", (text("Hi."), call("f", k="v"), call("now"), text("Bye."))),
        (f"Hi.\n{qwen()}{qwen('g')}", (text("Hi."), call("f"), call("g"))),
        (f"Hi.\n\n\n{qwen()}", (text("Hi.\n"), call("f"))),
        (qwen(e="", n="\n", s="  a\n"), (call("f", e="", n="\n", s="  a\n"),)),
        (qwen(a="x</parameter>y", b="a\n</parameter>\nb"), (call("f", a="x</parameter>y", b="a\n</parameter>\nb"),)),
        (qwen(a="a\n</parameter>\n</tool_call>"), (call("f", a="a\n</parameter>\n</tool_call>"),)),
        (qwen(a="a\n</parameter>"), (call("f", a="a\n</parameter>"),)),
        (f"<think>\nR\n</think>\n\n{qwen()}\n<|im_end|>\n", (Reasoning(text="R"), call("f"))),
    ],
    "json_fence": [
        (f"Hi.\n\n{fence()}\n\n{fence()}\nBye.", (text("Hi."), call("f"), call("f"), text("Bye."))),
        (f"Hi.\n{fence(label='tool_call')}\n\nBye.", (text("Hi."), call("f"), text("\nBye."))),
        (
            fence('[{"name": "f", "arguments": {"a": "\\n```"}}, {"arguments": {}, "name": "g"}]', ""),
            (call("f", a="\n```"), call("g")),
        ),
        (fence('{"name": "Ann", "age": 3}'), (text(fence('{"name": "Ann", "age": 3}')),)),
        (f"{fence()}\n\n{fence('{}')}\n\n{fence()}", (call("f"), text("\n" + fence("{}")), call("f"))),
        (fence("[1, {}]"), (text(fence("[1, {}]")),)),
        ("```python\nprint(1)\n```", (text("```python\nprint(1)\n```"),)),
        ('A `{"a": 1}` b ``` c', (text('A `{"a": 1}` b ``` c'),)),
    ],
    "functiongemma": [
        (gemma("call:f{k:<escape>v<escape>,n:3}"), (call("f", k="v", n=3),)),
        (f" a {gemma()}{gemma('call:now')}\nb<end_of_turn>\n", (text(" a "), call("f"), call("now"), text("\nb"))),
        (
            gemma("call:f { a : [ 1 , true,null,-1.5e-7] ,\n b:{c-d.e:{}}\n} "),
            (call("f", a=[1, True, None, -1.5e-7], b={"c-d.e": {}}),),
        ),
        (gemma("call:f{a:1,b:2,a:3}"), (call("f", a=1, b=2),)),
        (gemma('call:f{s:<escape>}<end_function_call>"\\n<escape>}'), (call("f", s='}<end_function_call>"\\n'),)),
        (gemma("call:f{e:<escape><escape>}") + "<start_function_response>", (call("f", e=""),)),
    ],
    "functiongemma_vllm": [
        (
            gemma('call:f{s:<escape>v<escape>,n:<escape>5<escape>,q:<escape>"5"<escape>,e:<escape><escape>}'),
            (call("f", s="v", n=5, q="5", e=""),),
        ),
        (
            gemma('call:f{o:<escape>{"k": [null]}<escape>,é_1:<escape>{k}<escape>}'),
            (call("f", o={"k": [None]}, é_1="{k}"),),
        ),
    ],
    "xlam": [
        (XLAM, (call("f", a=1), call("g"))),
        (f" \n{XLAM}\n<|im_end|>\n", (call("f", a=1), call("g"))),
        (f"```json\n{XLAM}\n```", (call("f", a=1), call("g"))),
        ("[]", (text("[]"),)),
        ('[{"city": "A"}]', (text('[{"city": "A"}]'),)),
        (f"See {XLAM}<|eot_id|>", (text(f"See {XLAM}"),)),
    ],
    "xlam_v1": [
        ('{"tool_calls": [{"name": "f", "arguments": {}}]}<|EOT|>', (call("f"),)),
        ('{"thought": "T", "tool_calls": [{"name": "f"}]}', (text("T"), call("f"))),
        ('{"thought": "", "tool_calls": []}', ()),
        ('{"a": 1}', (text('{"a": 1}'),)),
    ],
    "labelled": [
        (f"Hi.\n{labelled()}\n{labelled('g')}\n", (text("Hi."), call("f"), call("g"))),
        (f"Hi.{labelled()}{labelled('g')}", (text("Hi."), call("f"), call("g"))),
        (labelled(arguments='{\n  "s": "\\n<|end|>"\n}'), (call("f", s="\n<|end|>"),)),
        ("Hi.<|end|>\n", (text("Hi."),)),
        ("<|end|>Hi.", (text("<|end|>Hi."),)),
    ],
}
ACCEPT["qwen3_coder"] = ACCEPT["qwen_xml"]

REFUSE: list[tuple[str, str, int, int, tuple[str, ...]]] = [
    ("hermes", hermes(arguments='{"a": 1,}'), 2, 36, ("a string",)),
    ("hermes", hermes(arguments='{"a": }'), 2, 34, ("a JSON value",)),
    ("hermes", hermes(arguments="5"), 2, 28, ("`{`",)),
    ("hermes", hermes()[:-1], 3, 1, ("`</tool_call>`",)),
    ("hermes", '<tool_call>\n{"nme": "f"}\n</tool_call>', 2, 2, ('`"arguments":`', '`"name":`')),
    ("hermes", '<tool_call>\n{"name": "f", "arguments": {}, "x": 1}\n</tool_call>', 2, 30, ("`}`",)),
    ("hermes", "<think>\nR", 2, 2, ("`</think>`",)),
    ("hermes", hermes(arguments='{"a": 1, "a": 1}'), 2, 37, ()),
    ("hermes", hermes(arguments='{"a": NaN}'), 2, 34, ("a JSON value",)),
    ("hermes", hermes(arguments='{"a": -1e400}'), 2, 34, ()),
    ("qwen_xml", qwen()[:-4], 4, 1, ("`</tool_call>`",)),
    ("qwen_xml", qwen(a="1").replace("</parameter>\n", ""), 6, 13, ("`</parameter>`",)),
    ("qwen_xml", "The <tool_call> tag", 1, 17, ("`<function=`",)),
    ("qwen3_coder", qwen(a="1").replace("</function>", "<parameter=a>\n2\n</parameter>\n</function>"), 6, 1, ()),
    ("json_fence", fence('{"name": "f", "arguments": {}').removesuffix("\n```"), 2, 30, ("`}`",)),
    ("json_fence", fence('[{"name": "f", "arguments": {}}, {}]'), 2, 35, ('`"arguments":`', '`"name":`')),
    ("json_fence", fence('{"n\\u0061me": "f", "arguments": {}}'), 2, 1, ('`"name"`', '`"arguments"`')),
    ("json_fence", fence("not JSON"), 1, 1, ("text",)),
    ("functiongemma", gemma("call:f{x:1,}"), 1, 33, ("a name",)),
    ("functiongemma", gemma("call:{x:1}"), 1, 27, ("a name",)),
    ("functiongemma", gemma("call:f[1,2]"), 1, 28, ("`<end_function_call>`", "`{`")),
    ("functiongemma", gemma('call:f{s:"x"}'), 1, 31, ("`<escape>`", "a number")),
    ("functiongemma", gemma("print{x:1}"), 1, 22, ("`call:`",)),
    ("functiongemma_vllm", gemma("call:f{a:1}"), 1, 31, ("`<escape>`",)),
    ("functiongemma_vllm", gemma("call:f{a:<escape>NaN<escape>}"), 1, 39, ()),
    ("functiongemma_vllm", gemma("call:f{a:<escape>1<escape>,a:<escape>1<escape>}"), 1, 49, ()),
    ("xlam", f"{XLAM} and text", 1, 72, ("the end of the text", "the end-of-turn marker")),
    ("xlam", '[{"name": "Ann", "age": 3}]', 1, 18, ('`"arguments":`',)),
    ("xlam_v1", '{"tool_calls": {}}', 1, 16, ("`[`",)),
    ("labelled", f"{labelled()}\nBye.", 5, 1, ("`<|tool_call|>`", "the end of the text")),
    ("labelled", "<|tool_call|>\nTool: f\n<|end|>", 3, 1, ("`Arguments:`",)),
]


@pytest.mark.parametrize(("name", "written", "parts"), [(n, t, p) for n, cases in ACCEPT.items() for t, p in cases])
def test_what_is_accepted(name: str, written: str, parts: tuple[Part, ...]) -> None:
    assert read(name, written, raw) == parts


@pytest.mark.parametrize(("name", "written", "line", "column", "expected"), REFUSE)
def test_what_is_refused(name: str, written: str, line: int, column: int, expected: tuple[str, ...]) -> None:
    with pytest.raises(ParseError) as caught:
        read(name, written, raw)
    error = caught.value
    assert (error.line, error.column) == (line, column), str(error)
    assert set(expected) <= set(error.expected), error.expected
    assert error.span[0] <= len(written)


def test_every_format_has_cases() -> None:
    assert set(ACCEPT) == {name for name, *_ in REFUSE} == set(FORMATS)
    assert {path.stem for path in GRAMMARS.glob("*.lark")} >= {*FORMATS, "json_value"}


@pytest.mark.parametrize("name", [*FORMATS, "json_value"])
def test_grammars_are_lalr_without_conflicts(name: str, caplog: pytest.LogCaptureFixture) -> None:
    start = "value" if name == "json_value" else "start"
    lark.logger.addHandler(caplog.handler)
    with caplog.at_level(logging.DEBUG, logger=lark.logger.name):
        lark.Lark(grammar_text(name), parser="lalr", start=start, import_paths=[str(GRAMMARS)], debug=True)
    lark.logger.removeHandler(caplog.handler)
    assert [line for line in caplog.messages if "conflict" in line.lower()] == []


@pytest.mark.parametrize("name", FORMATS)
def test_grammars_open_with_a_sample_and_ignore_nothing(name: str) -> None:
    source = grammar_text(name)
    comment = source.split("\n\n")[0].splitlines()
    assert all(line.startswith("//") for line in comment)
    sample = "\n".join(line[3:] for line in comment).split("\n\n")
    longest = max(("\n\n".join(sample[:n]) for n in range(1, len(sample))), key=lambda s: len(_calls(name, s)))
    assert _calls(name, longest)
    assert "%ignore" not in source


def _calls(name: str, written: str) -> list[Part]:
    try:
        return [part for part in read(name, written, raw) if isinstance(part, ToolCall)]
    except ParseError:
        return []


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
def test_sentences_are_read(name: str, data: st.DataObject) -> None:
    read(name, data.draw(sentences(name)), raw)


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_few_sentences_are_refused_and_many_hold_calls(name: str) -> None:
    seen: list[bool] = []
    calls: list[bool] = []

    @settings(max_examples=200, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(sentences(name, checked=False))
    def draw(written: str) -> None:
        try:
            calls.append(any(isinstance(part, ToolCall) for part in read(name, written, raw)))
        except ParseError:
            seen.append(False)
        else:
            seen.append(True)

    draw()
    assert sum(seen) > 0.5 * len(seen)
    assert sum(calls) > 0.1 * len(seen)


def test_the_caller_types_raw_values() -> None:
    asked = []

    def types(tool: str, key: str, written: str) -> Any:
        asked.append((tool, key, written))
        return json.loads(written)

    assert read("qwen_xml", qwen("g", a="[1]"), types) == (call("g", a=[1]),)
    assert asked == [("g", "a", "[1]")]


@pytest.mark.parametrize(("name", "block"), [("json_fence", fence()), ("xlam", '[{"name": "f", "arguments": {}}]')])
def test_a_block_of_unknown_tools_is_an_answer(name: str, block: str) -> None:
    assert read(name, f" {block}\n" if name == "xlam" else block, raw, names=["f"]) == (call("f"),)
    assert read(name, block, raw, names=["g"]) == (text(block),)


def test_an_answer_keeps_its_place_between_calls() -> None:
    other = fence('{"name": "h", "arguments": {}}')
    written = f"a\n\n{other}\n\n\n{fence()}\n{other}\n"
    assert read("json_fence", written, raw, names=["f"]) == (text(f"a\n\n{other}\n"), call("f"), text(f"{other}\n"))


@pytest.mark.parametrize(("digits", "ok"), [(4300, True), (4301, False)])
def test_integers_are_exact_up_to_their_bound(digits: int, ok: bool) -> None:
    number = "-" + "9" * digits
    written = [("hermes", hermes(arguments=f'{{"a": {number}}}')), ("functiongemma", gemma(f"call:f{{a:{number}}}"))]
    for name, sentence in written:
        if ok:
            assert read(name, sentence, raw) == (call("f", a=int(number)),)
        else:
            with pytest.raises(ParseError, match="4300 digits"):
                read(name, sentence, raw)
    if not ok:
        with pytest.raises(ParseError):
            read("functiongemma_vllm", gemma(f"call:f{{a:<escape>{number}<escape>}}"), raw)


@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 1, 20_000])
def test_depth_is_bounded(depth: int) -> None:
    value = "[" * (depth - 1) + "]" * (depth - 1)
    for name, written in (
        ("hermes", hermes(arguments=f'{{"a": {value}}}')),
        ("functiongemma", gemma(f"call:f{{a:{value}}}")),
    ):
        if depth <= MAX_DEPTH:
            (read_call,) = read(name, written, raw)
            assert isinstance(read_call, ToolCall)
            assert difference(read_call.arguments, {"a": json.loads(value)}) is None
        else:
            with pytest.raises(ParseError, match="256 deep"):
                read(name, written, raw)
            with pytest.raises(ParseError):
                read(name, written[: len(written) // 2], raw)


HOSTILE = {
    "hermes": ["\n", "<", "</think>", "<think>", " ", "<|im_end|> ", "a\n", "</tool_call>"],
    "qwen_xml": ["\n\n<tool_cal", qwen(a="")[:-30] + "\n</parameter>\n", "\n"],
    "json_fence": ["`", "```\n", "``` ", "\n\n``", "```json", fence("{}") + "\n"],
    "xlam": ["[ ", "[{", "```\n", " ", "<|im_end|> "],
    "xlam_v1": ["{", '{"tool_calls', " "],
    "functiongemma": ["<escape>", "<end_of_turn> ", gemma("call:f{a:") + "<escape><escape"],
    "labelled": ["<|end|> ", "\n", " "],
}


@pytest.mark.parametrize(("name", "piece"), [(name, piece) for name, pieces in HOSTILE.items() for piece in pieces])
def test_hostile_text_is_read_in_linear_time(name: str, piece: str) -> None:
    began = time.process_time()
    for written in (piece * (60_000 // len(piece)), piece * (60_000 // len(piece)) + "x"):
        try:
            read(name, written, raw)
        except ParseError:
            continue
    assert time.process_time() - began < 10  # a quadratic expression takes minutes


def test_a_grammar_of_ones_own() -> None:
    grammar = """
        // @f {"a": 1}@
        start: (text | call)*
        text: TEXT
        call: "@" name " " arguments "@"
        name: NAME
        arguments: object
        NAME: /[a-z]+/
        TEXT: /[^@]+/
        %import .json_value (object)
    """
    assert read("mine", 'Hi @f {"a": 1}@', raw, grammar=grammar) == (text("Hi "), call("f", a=1))
    with pytest.raises(ParseError) as caught:
        read("mine", "@f 1@", raw, grammar=grammar)
    assert caught.value.expected == ("`{`",)
    assert load_grammar(grammar) is load_grammar(grammar)


@pytest.mark.parametrize("name", ["no_such_format", "../grammars/hermes", ""])
def test_a_format_without_a_grammar(name: str) -> None:
    with pytest.raises(UnknownFormatError, match="no reference grammar"):
        read(name, "", raw)


def test_lark_is_imported_when_a_grammar_is_read() -> None:
    code = "import sys, toolfmt.reference; sys.exit('lark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_publishers_own_cases(shared: Path) -> None:
    lines = (shared / "vectors" / "functiongemma_cases.jsonl").read_text(encoding="utf-8").splitlines()
    for case in map(json.loads, lines):
        if case["kind"] == "parse":
            expected = ToolCall(name=case["name"], arguments=case["arguments"])
            assert read("functiongemma", gemma(case["text"]), raw) == (expected,)
        elif case["kind"] == "invalid":
            with pytest.raises(ParseError):
                read("functiongemma", gemma(case["text"]), raw)
