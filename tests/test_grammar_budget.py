"""What a grammar costs, by counting: how its text grows with the tools, what stands in it once, and the shapes that keep engines fast.

No engine takes part and nothing is timed; benchmarks/grammar.py does both.
"""

import re
from collections import Counter
from typing import Any

import pytest

import toolfmt

FORMATS = [info.name for info in toolfmt.formats()]
TEXTS = ("xgrammar", "gbnf", "llguidance")
FEW = ("hermes", "qwen_xml", "functiongemma", "pythonic", "kimi_k3")
"""One of each family."""
RAW = (
    "qwen_xml",
    "qwen3_coder",
    "functiongemma",
    "gemma4",
    "glm45",
    "minimax_m2",
    "seed_oss",
    "dsml",
    "kimi_k3",
    "hy3",
)
"""Formats whose strings end at a mark."""


PLACE = {"type": "object", "properties": {"name": {"type": "string"}, "floor": {"type": "integer"}}}


def tools(count: int, **properties: Any) -> list[dict[str, Any]]:
    """Tools that differ in their names alone, of some of every kind of value."""
    given = properties or {
        "text": {"type": "string"},
        "number": {"type": "number"},
        "kind": {"enum": ["small", "large"]},
        "short": {"type": "string", "maxLength": 8},
        "place": PLACE,
        "lines": {"type": "array", "items": {"type": "string"}},
    }
    parameters = {"type": "object", "properties": given, "required": list(given)[:1]}
    return [{"name": f"tool_{i:03}", "parameters": parameters} for i in range(count)]


def text_of(fmt: str, engine: str, count: int, **more: Any) -> str:
    return toolfmt.grammar_for(tools(count), fmt, engine=engine, **more).text


@pytest.mark.parametrize("engine", TEXTS)
@pytest.mark.parametrize("fmt", FEW)
def test_the_text_grows_by_the_same_for_each_tool(fmt: str, engine: str) -> None:
    some = {"text": {"type": "string"}, "kind": {"enum": ["small", "large"]}, "place": PLACE}
    made = [toolfmt.grammar_for(tools(count, **some), fmt, engine=engine).text for count in (1, 10, 100)]
    one, ten, hundred = made
    assert (len(hundred) - len(ten)) / 90 == pytest.approx((len(ten) - len(one)) / 9, rel=0.1)
    assert (len(hundred) - len(ten)) / 90 <= CHARACTERS
    assert (hundred.count("\n") - ten.count("\n")) / 90 <= LINES


CHARACTERS, LINES = 1200, 6
"""How much text, and how many rules, each of these tools of five values may cost."""


def right_sides(text: str) -> Counter[str]:
    """What each rule stands for, with its options and without its own name."""
    rules = re.findall(r"^([\w.-]+)(\[[\w=\"]+\])?(?: ::=|:) (.*)", text, re.MULTILINE)
    return Counter(head + made.replace(name, "itself") for name, head, made in rules)


@pytest.mark.parametrize("engine", TEXTS)
@pytest.mark.parametrize("fmt", FORMATS)
def test_strings_and_numbers_are_written_once_for_all_tools(fmt: str, engine: str) -> None:
    """Rules that hold a class of very many characters are the costly ones, and as many with five tools as with two."""
    costly = [
        sum(
            bool(re.search(r"\[\^|u\{10FFFF\}|\(\?s:|TagDispatch", made))
            for made in right_sides(text_of(fmt, engine, count)).elements()
        )
        for count in (2, 5)
    ]
    assert 0 < costly[0] == costly[1]


@pytest.mark.parametrize("fmt", FORMATS)
def test_no_two_helper_rules_are_the_same(fmt: str) -> None:
    made = right_sides(text_of(fmt, "xgrammar", 3))
    helpers = {side: number for side, number in made.items() if number > 1}
    assert {side: number for side, number in helpers.items() if "[^" in side or "TagDispatch" in side} == {}


STARRED = re.compile(r"\[\^(?:\\.|[^\]\\])*\](?:[*+]|\{)")


def bare(text: str) -> str:
    """A grammar without its literals."""
    return re.sub(
        r'"(?:\\.|[^"\\])*"', '""', re.sub(r"\[(?:\\.|[^\]\\])*\]", lambda found: found[0].replace('"', "'"), text)
    )


STRINGS = {
    "free": {"type": "string"},
    "filled": {"type": "string", "minLength": 1},
    "bounded": {"type": "string", "maxLength": 12},
    "open": {"type": "object", "additionalProperties": {"type": "string"}},
}


@pytest.mark.parametrize("engine", ["xgrammar", "gbnf"])
@pytest.mark.parametrize("fmt", FORMATS)
def test_no_broad_class_is_starred(fmt: str, engine: str) -> None:
    """A loop over very many characters is a right-recursive rule: a star costs a thousand times as much at every token."""
    text = toolfmt.grammar_for(tools(1, **STRINGS), fmt, engine=engine, on_unsupported="relax").text
    assert STARRED.findall(bare(text)) == []


def test_a_starred_class_would_be_found() -> None:
    assert STARRED.findall(bare('root ::= "[^a]*" [^"\\\\\\u0000-\\u001F]* "x" [^a]{0,3}')) == [
        "[^'\\\\\\u0000-\\u001F]*",
        "[^a]{",
    ]
    assert STARRED.findall(bare('root ::= "[^" [^"] "]*" R')) == []


@pytest.mark.parametrize("fmt", RAW)
def test_the_automata_of_raw_text_are_small_and_shared(fmt: str) -> None:
    """In GBNF, which has nothing else for text up to a mark."""
    sizes = []
    for count in (1, 3):
        made = toolfmt.grammar_for(tools(count, a={"type": "string"}, b={"type": "string"}), fmt, engine="gbnf").text
        sizes.append(sorted(Counter(re.findall(r"^(A\d+)-\d+ ::=", made, re.MULTILINE)).values()))
    assert 0 < len(sizes[0]) <= AUTOMATA and max(sizes[0]) <= STATES
    assert sizes[0] == sizes[1]


AUTOMATA, STATES = 4, 200


@pytest.mark.parametrize("fmt", ["hermes", "functiongemma", "qwen_xml", "pythonic"])
def test_any_order_of_keys_takes_a_rule_for_each_set_of_them(fmt: str) -> None:
    def rules(count: int, order: str) -> int:
        keys = {f"key_{i}": {"type": "boolean"} for i in range(count)}
        return toolfmt.grammar_for(tools(1, **keys), fmt, order=order).text.count("\n")

    for count in range(1, 9):
        assert rules(count, "any") <= 2**count + 2  # root and call
    assert rules(8, "schema") <= 8 + 2


@pytest.mark.parametrize("engine", TEXTS)
@pytest.mark.parametrize("fmt", FORMATS)
def test_what_follows_a_value_stands_once_however_many_ways_the_value_has(fmt: str, engine: str) -> None:
    """Ten required parameters of any type: the text would else double, or worse, with each."""
    sizes = []
    for count in (5, 10):
        properties: dict[str, Any] = {f"key_{i}": {} for i in range(count)}
        parameters = {"type": "object", "properties": properties, "required": list(properties)}
        sizes.append(len(toolfmt.grammar_for([{"name": "f", "parameters": parameters}], fmt, engine=engine).text))
    assert sizes[1] < 2.2 * sizes[0]
