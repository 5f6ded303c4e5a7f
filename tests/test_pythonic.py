"""Python calls: literals are read as Python reads them, or not at all; nothing is evaluated."""

import ast
import random
import warnings
from typing import Any

import pytest

import toolfmt
from toolfmt.ir import same

PIECES = [
    *"'\"\\nrtxuUN{}01789abf \n,:[]()=", "\\n", "\\x41", "\\u00e9", "\\U0001F600", "\\N{BULLET}", "\\'", '\\"', "\\\\", "\\7", "\\101", "\\d",
    "'''", '"""', "é", "r'", "u'", "True", "None", "1", "-2.5", "1e5", ".5", "1.", "[1, 2]", "{'a': 1}", "(1, 2)", "(1,)", "''", '""', "'ab'",
    '"c"', ", ", ": ", "]",
]  # fmt: skip
TOOLS = [{"name": "f", "parameters": {"type": "object", "properties": {"a": {}, "b": {}}}}]


def python(text: str) -> Any:
    """What Python makes of a literal, as JSON; ValueError where that is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            call = ast.parse(f"f(a={text})", mode="eval").body
            assert isinstance(call, ast.Call) and not call.args and len(call.keywords) == 1
            return plain(ast.literal_eval(call.keywords[0].value))
        except (SyntaxError, AssertionError, TypeError, MemoryError) as error:
            raise ValueError from error


def plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: plain(item) for key, item in value.items()}
    if value is None or isinstance(value, str | int | float):
        return value
    raise ValueError


def literals(count: int) -> list[str]:
    rng = random.Random(7)
    made = []
    for _ in range(count):
        text = "".join(rng.choices(PIECES, k=rng.randint(1, 6)))
        quote = rng.choice(["", "'", '"', "'''", '"""', "r'"])
        made.append(f"{quote}{text}{quote.lstrip('r')}")
    return made


@pytest.mark.parametrize("name", ["pythonic", "lfm2", "olmo3"])
def test_literals_are_pythons(name: str) -> None:
    fmt = toolfmt.get_format(name)
    opening, closing = ("[", "]") if fmt.opens[0] == "[" else (fmt.opens[0], fmt.closes[0])
    both = 0
    for text in literals(4000):
        parsed = toolfmt.parse(f"{opening}f(a={text}){closing}", name)
        if not (len(parsed.parts) == len(parsed.calls) == 1 and list(parsed.calls[0].arguments) == ["a"]):
            continue
        try:
            value = python(text)
        except ValueError:
            continue
        assert same(parsed.calls[0].arguments["a"], value), text
        both += 1
    assert both > 1000


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("a=__import__('os').system('x')", "no value"), ("a=b", "no value"), ("a=1+1", "no value"), ("a=1 + 1", "expected"),
        ("a=[x for x in y]", "no value"), ("a={1}", "key"), ("a={'x'}", "expected `:`"), ("a=b'x'", "prefix"), ("a=f'{x}'", "prefix"),
        ("a=rb'x'", "prefix"), ("*a", "expected a value"), ("**{'a': 1}", "expected a"), ("a=1_000", "no value"), ("a=0x1f", "no value"),
        ("a=+1", "no value"), ("a=1j", "no value"), ("a=inf", "no value"), ("a=1e999", "out of range"), ("a=" + "1" * 4301, "out of range"),
        ("a='\\x4'", "broken escape"), ("a='\\N{no such name}'", "Unicode"), ("a='\\U00110000'", "broken escape"),
        ("a=" + "[" * 300, "nested"), ("a=1, a=2", "twice"), ("a={'k': 1, 'k': 2}", "twice"), ("1, 2, 3", "no key"), ("1, a=2", "twice"),
        ("a=...", "no value"), ("a=lambda: 1", "no value"), ("a=1 if b else 2", "expected"), ("a==1", "expected a value"),
        ("a", "no value"), ("a=(1)", "parentheses"),
    ],
)  # fmt: skip
def test_what_is_no_literal_is_malformed(arguments: str, reason: str) -> None:
    text = f"<|tool_call_start|>[f({arguments})]<|tool_call_end|>"
    parsed = toolfmt.parse(text, "lfm2", tools=TOOLS)
    assert not parsed.calls
    assert [part.raw for part in parsed.malformed] == [text]
    assert reason in parsed.malformed[0].reason


def test_arguments_without_keys_need_the_tools() -> None:
    text = "[f(1, b='x')]"
    assert toolfmt.parse(text, "pythonic", tools=TOOLS).calls[0].arguments == {"a": 1, "b": "x"}
    assert toolfmt.parse(text, "pythonic").text == text
    assert toolfmt.parse(f"<function_calls>{text}</function_calls>", "olmo3").malformed


def test_a_pair_of_surrogates_is_a_character() -> None:
    text = r"[f(a='\ud83d\ude00')]"
    assert toolfmt.parse(text, "pythonic").calls[0].arguments == {"a": "😀"}
    stream = toolfmt.stream("pythonic")
    for char in text:
        stream.feed(char)
    stream.close()
    assert stream.parsed.calls[0].arguments == {"a": "😀"}


@pytest.mark.parametrize("key", ["from", "None", "a-b", "a b", "1a", ""])
def test_keys_that_python_has_not_are_refused(key: str) -> None:
    call = toolfmt.ToolCall(name="f", arguments={key: 1})
    for name in ("pythonic", "toolace", "llama4_pythonic"):
        with pytest.raises(toolfmt.UnrepresentableError):
            toolfmt.render(call, name)


def test_strings_of_lfm2_stand_as_they_are_where_they_can() -> None:
    for value, text in (
        ("\\d+\n", "'\\d+\n'"),
        ("a'b", '"a\'b"'),
        ("a\\nb", r"'a\\nb'"),
        ("a\\", r"'a\\'"),
        ('"', "'\"'"),
    ):
        call = toolfmt.ToolCall(name="f", arguments={"a": value})
        written = toolfmt.render(call, "lfm2")
        assert written == f"<|tool_call_start|>[f(a={text})]<|tool_call_end|>"
        assert toolfmt.parse(written, "lfm2").calls == (call,)
