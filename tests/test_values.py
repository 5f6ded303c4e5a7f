"""Exact values: decoding, spelling, the `schema` law; and the short cuts that speed takes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import toolfmt
from toolfmt.ir import MAX_DEPTH, same
from toolfmt.values import JSONTextError, dumps, dumps_call, literal, loads, loads_python, spell

ALL = frozenset({"string", "integer", "number", "boolean", "null", "object", "array"})
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
_SCALARS = ['"x"', '"x\\"y"', '"\\u0022"', '"a:\\\\"', '"\\\\\\""', "1", "-1.5", "null", "true", "123456789012345678901234567890"]
_KEYS = ['"a"', '"b"', '"\\u0061"', '"\\u0022"', '"a\\\\"']


def _objects(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(st.sampled_from(_KEYS), inner).map(":".join)
    return st.one_of(
        st.lists(pair, max_size=3).map(lambda pairs: "{" + ",".join(pairs) + "}"),
        st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]"),
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise KeyError("twice")
    return dict(pairs)


@given(st.recursive(st.sampled_from(_SCALARS), _objects, max_leaves=8))
def test_a_repeated_key_is_always_seen(text: str) -> None:
    """However its keys and quotes are spelled; the standard library, asked pair by pair, is the judge."""
    try:
        wanted = json.loads(text, object_pairs_hook=_unique)
    except KeyError:
        with pytest.raises(JSONTextError, match="twice"):
            loads(text)
    else:
        assert same(loads(text), wanted)


@pytest.mark.parametrize("text", ["", "{", "NaN", "[Infinity]", '{"a": 1e400}', "[1,]", "'a'", "9" * 5000, "\ufeff[1]"])
def test_what_is_not_json(text: str) -> None:
    with pytest.raises(JSONTextError):
        loads(text)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_nesting_is_bounded(opening: str, closing: str) -> None:
    inner = "1" if closing == "}" else ""
    loads(opening * MAX_DEPTH + inner + closing * MAX_DEPTH)
    for depth in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(JSONTextError, match="nested"):
            loads(opening * depth + inner + closing * depth)


@given(st.text(), st.dictionaries(st.text(max_size=4), st.text() | st.integers() | st.booleans() | st.none() | FLOATS, max_size=3))
def test_a_call_is_spelled_as_any_other_object(name: str, arguments: dict[str, Any]) -> None:
    call = {"name": name, "arguments": arguments}
    assert dumps_call(call, arguments) == dumps(call)


_HELD = ["".join(map(chr, range(0x100))), "\u2028\uffff\U0010ffff\ud800", 2**64, -(2**70), 1e16, -0.0, [1.0], {"a": {}}]


@pytest.mark.parametrize("value", _HELD, ids=repr)
def test_a_call_is_spelled_as_any_other_object_whatever_it_holds(value: Any) -> None:
    call = {"name": "f", "arguments": {"a": value}}
    assert dumps_call(call, call["arguments"]) == dumps(call)


def test_lone_surrogates_stand_as_escapes() -> None:
    assert loads('"\\ud800"') == "\ud800"
    assert dumps("\ud800é") == '"\\ud800é"'


@pytest.mark.parametrize(
    ("text", "types", "value"),
    [
        ("5", ALL, 5), ("05", ALL, "05"), ("1e3", ALL, "1e3"), ("5.0", ALL, 5.0), ("-0", ALL, "-0"), (" 5", ALL, " 5"), ("", ALL, ""),
        ("true", ALL, True), ("True", ALL, True), ("None", ALL, None), ('{"a":1}', ALL, {"a": 1}), ("[1", ALL, "[1"), ('"x"', ALL, '"x"'),
        ("1e3", {"number"}, 1000.0), ("5.5", {"integer"}, "5.5"), ("5.0", {"integer"}, 5.0), (" 5 ", {"integer"}, 5), ("[1]", {"object"}, "[1]"),
        ("9" * 30, {"integer"}, int("9" * 30)), ("1e400", {"number"}, "1e400"), ("NaN", {"number"}, "NaN"), ("null", {"string"}, "null"),
        ("{'a': 1}", {"object"}, {"a": 1}), ("['x', None]", {"array"}, ["x", None]), ("{'a': 1}", ALL, "{'a': 1}"), ("{'a'}", {"object"}, "{'a'}"),
        ("{'a': 1}.get", {"object"}, "{'a': 1}.get"), ("[1] + [2]", {"array"}, "[1] + [2]"), ("{'a': 1, 'a': 2}", {"object"}, "{'a': 1, 'a': 2}"),
    ],
)  # fmt: skip
def test_the_schema_law(text: str, types: Any, value: Any) -> None:
    assert same(literal(text, frozenset(types)), value)


@given(st.one_of(st.none(), st.booleans(), st.integers(), FLOATS))
def test_what_is_spelled_is_read(value: Any) -> None:
    assert same(literal(spell(value), ALL), value)


@pytest.mark.parametrize("text", ["{'a': 1, 'a': 2}", "{1: 2}", "(1,)", "{1}", "f()", "1+1j", "-" * 9999 + "1", "[" * 300 + "]" * 300, "b'x'"])
def test_python_that_is_no_json_value(text: str) -> None:
    with pytest.raises(JSONTextError) as error:
        loads_python(text)
    assert "0x" not in str(error.value)


def test_python_literals() -> None:
    assert loads_python(r"{'a': None, 'b': [True, -1.5, 'it\'s \d'], 'c': {}}") == {"a": None, "b": [True, -1.5, "it's \\d"], "c": {}}


@pytest.mark.parametrize("name", ["json_fence", "xlam"])
def test_a_tool_list_changed_in_place_is_read_again(name: str) -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    text = toolfmt.render(toolfmt.ToolCall(name="g"), name)
    assert not toolfmt.parse(text, name, tools=tools).calls
    tools[0]["function"]["name"] = "g"
    assert toolfmt.parse(text, name, tools=tools).calls
    tools[0]["function"]["parameters"] = {"properties": 1}
    tools.append({"name": "h"})
    with pytest.raises(toolfmt.ToolSpecError):
        toolfmt.parse(text, name, tools=tools)


@pytest.mark.parametrize("text", ['{"\n', '{"\\', "{!", "{<"])
def test_a_broken_outer_object_ends(text: str) -> None:
    """Once an endless loop."""
    assert toolfmt.parse(text, "xlam_v1").text == text
