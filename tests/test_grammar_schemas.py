"""What a grammar allows of a schema: the hand-made table of `schema_cases`, and schemas and values that hypothesis makes up.

The judge of validity is jsonschema, so the table itself stands under it too.  A grammar may be narrower than its schema where toolfmt's conventions
say so (`conventional`), and wider only where `relaxed` owns up to it.
"""

import functools
import json
import re
from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime
from itertools import chain
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis_jsonschema import from_schema
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.validators import validator_for
from schema_cases import CASES, CONTRADICTIONS, SchemaCase

import toolfmt
from toolfmt.errors import GrammarError, UnrepresentableError

ENGINES = ("xgrammar", "llguidance")
OTHER_FORMATS = ("qwen_xml", "functiongemma", "pythonic")

case_of = functools.partial(pytest.mark.parametrize, "case", ids=str)


# The judge

FORMATS = FormatChecker(["date", "ipv4", "ipv6", "uuid", "email"])
_ZONE = r"(Z|[+-]([01]\d|2[0-3]):[0-5]\d)"


@FORMATS.checks("date-time", raises=ValueError)
def _date_time(value: object) -> bool:
    whole = re.fullmatch(rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?{_ZONE}", value) if isinstance(value, str) else True
    return bool(whole and (whole is True or datetime.fromisoformat(whole[0][:19])))


@FORMATS.checks("time")
def _time(value: object) -> bool:
    return not isinstance(value, str) or bool(re.fullmatch(rf"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?{_ZONE}", value))


@FORMATS.checks("uri")
def _uri(value: object) -> bool:
    return not isinstance(value, str) or bool(re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+", value))


def with_nullable(schema: Any) -> Any:
    """OpenAPI's `nullable` in JSON Schema's own words."""
    if isinstance(schema, list):
        return [with_nullable(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: with_nullable(child) for key, child in schema.items() if key != "nullable"}
    return {"anyOf": [made, {"type": "null"}]} if schema.get("nullable") is True else made


@functools.lru_cache(maxsize=2000)
def tools_of(case: SchemaCase) -> tuple[toolfmt.Tool, ...]:
    """The tool `f`, as toolfmt reads it."""
    return toolfmt.read_tools([{"name": "f", "parameters": case.parameters}])


def judge_of(parameters: dict[str, Any]) -> Draft202012Validator:
    """What says whether arguments are valid."""
    schema = with_nullable(parameters)
    return validator_for(schema, default=Draft202012Validator)(schema, format_checker=FORMATS)


@case_of(argvalues=[*CASES, *CONTRADICTIONS])
def test_jsonschema_says_what_the_table_says(case: SchemaCase) -> None:
    judge = judge_of(tools_of(case)[0].parameters)
    judge.check_schema(judge.schema)
    assert [value for value in (*case.good, *case.closed) if not judge.is_valid(case.arguments(value))] == []
    assert [value for value in case.bad if judge.is_valid(case.arguments(value))] == []


def test_the_table_names_each_case_once() -> None:
    assert len({str(case) for case in CASES}) == len(CASES) >= 180


# The table


@functools.lru_cache(maxsize=2000)
def grammar_of(case: SchemaCase, format: str, engine: str) -> Any:
    return toolfmt.grammar_for(tools_of(case), format, engine=engine, on_unsupported="relax")


def written(case: SchemaCase, value: Any, format: str) -> str | None:
    """The call with that value; None where the format cannot write it."""
    try:
        call = toolfmt.ToolCall(name="f", arguments=case.arguments(value))
        return toolfmt.render(call, format, tools=tools_of(case))
    except UnrepresentableError:
        return None


def is_counted_with_escapes(grammar: toolfmt.Grammar, case: SchemaCase) -> bool:
    """xgrammar counts a long string as it is written: the grammar says so, and a string without escapes is as long as it may be."""
    plain = "x" * case.schema.get("maxLength", 0)
    listed = [limit.keyword for limit in grammar.narrowed] == ["maxLength"]
    return listed and grammar.matches(written(case, plain, grammar.format) or "")


@pytest.mark.parametrize("engine", ENGINES)
@case_of(argvalues=CASES)
def test_a_grammar_allows_what_the_table_says(case: SchemaCase, engine: str) -> None:
    grammar = grammar_of(case, "hermes", engine)
    refused = [value for value in case.good if not grammar.matches(written(case, value, "hermes"))]
    assert refused == [] or is_counted_with_escapes(grammar, case)
    let_in = [value for value in (*case.bad, *case.closed) if grammar.matches(written(case, value, "hermes"))]
    assert let_in == [] or (grammar.relaxed and not case.exact)
    assert grammar.relaxed == () or not case.exact


@pytest.mark.parametrize("engine", ENGINES)
@case_of(argvalues=[case for case in CASES if not case.exact])
def test_what_is_relaxed_is_named(case: SchemaCase, engine: str) -> None:
    for item in grammar_of(case, "hermes", engine).relaxed:
        assert item.tool == "f"
        assert item.pointer.startswith("/") or case.root
        assert f'"{item.keyword}"' in json.dumps(tools_of(case)[0].parameters)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("format", OTHER_FORMATS)
@case_of(argvalues=CASES)
def test_other_formats_allow_the_same(case: SchemaCase, format: str, engine: str) -> None:
    """Where the format can write the value; one whose text carries no types says more values alike, and `render` refuses those."""
    good, bad = (
        [text for value in values if (text := written(case, value, format)) is not None]
        for values in (case.good, (*case.bad, *case.closed))
    )
    if not good:
        pytest.skip(f"{format} can write none of the values")
    grammar = grammar_of(case, format, engine)
    assert [text for text in good if not grammar.matches(text)] == [] or is_counted_with_escapes(grammar, case)
    assert grammar.relaxed or [text for text in bad if grammar.matches(text)] == []


@pytest.mark.parametrize("policy", ("relax", "error"))
@pytest.mark.parametrize("engine", ENGINES)
@case_of(argvalues=CONTRADICTIONS)
def test_what_nothing_satisfies_is_an_error(case: SchemaCase, engine: str, policy: str) -> None:
    with pytest.raises(GrammarError) as error:
        toolfmt.grammar_for(tools_of(case), "hermes", engine=engine, on_unsupported=policy)
    assert error.value.path
    assert error.value.reason


# Values made up


def conventional(schema: Any) -> Any:
    """A schema that allows less: no key that is not declared, no `$` before a last line break, no `\\d` and `\\w` beyond ASCII."""
    if isinstance(schema, list):
        return [conventional(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {
        key: child if key in ("not", "if", "enum", "const") else conventional(child) for key, child in schema.items()
    }
    if "pattern" in made and isinstance(made["pattern"], str):
        made["pattern"] = _pattern(made["pattern"])
    if isinstance(keys := made.get("patternProperties"), dict):
        made["patternProperties"] = {_pattern(key): child for key, child in keys.items()}
    if ("properties" in made or "patternProperties" in made) and isinstance(made.get("type", "object"), str | list):
        made.setdefault("additionalProperties", False)
    return made


def _pattern(pattern: str) -> str:
    return "(?a:" + pattern.replace("$", r"\Z") + ")"


def names_of(schema: Any) -> Iterator[str]:
    """The names that a schema declares, in order."""
    if isinstance(schema, list):
        yield from chain.from_iterable(map(names_of, schema))
    elif isinstance(schema, dict):
        for key in ("properties", "required"):
            if isinstance(schema.get(key), dict | list):
                yield from (name for name in schema[key] if isinstance(name, str))
        yield from chain.from_iterable(map(names_of, schema.values()))


def tidy(value: Any, order: dict[str, int]) -> Any:
    """A value as a grammar writes it: keys in the order of the schema, whole numbers without a fraction."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: order.get(key, len(order)))
        return {key: tidy(value[key], order) for key in keys}
    if isinstance(value, list):
        return [tidy(item, order) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def ordinary(value: Any) -> bool:
    """No number beyond what a grammar promises: 60 digits, exponents up to 307."""
    if isinstance(value, dict | list):
        return all(map(ordinary, value.values() if isinstance(value, dict) else value))
    if isinstance(value, float):
        return value == 0 or 1e-307 < abs(value) < 1e307
    return not isinstance(value, int) or abs(value) < 10**60


OTHERS = (
    *("", "a", "x", "true", "1"),
    *(0, 1, -1, 7, 1000, 0.5, -2.25),
    True,
    False,
    None,
    [],
    [1],
    ["a"],
    {},
    {"a": 1},
)
UNDECLARED = ("z", "y z", "")
"""Names of which the order among declared ones is known: they come last."""
PLACE = st.integers(0, 10**6)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Each (container, key) within a value."""
    pairs = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    return [(value, key) for key, _ in pairs] + [place for _, child in pairs for place in places(child)]


@st.composite
def mutated(draw: st.DrawFn, arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments of which one thing was changed: a value, its length or its size, a key more, a key fewer."""
    made = deepcopy(arguments)
    holders = [made, *(box[key] for box, key in places(made) if isinstance(box[key], dict))]
    how = draw(st.sampled_from(["replace", "nudge", "drop", "add"]))
    if how == "add":
        holder = holders[draw(PLACE) % len(holders)]
        holder[draw(st.sampled_from(UNDECLARED))] = draw(st.sampled_from(OTHERS))
        return made
    spots = places(made)
    assume(spots)
    box, key = spots[draw(PLACE) % len(spots)]
    if how == "drop":
        del box[key]
    else:
        box[key] = draw(st.sampled_from(OTHERS)) if how == "replace" else nudged(draw, box[key])
    return made


def nudged(draw: st.DrawFn, value: Any) -> Any:
    """A value of the same type, near by."""
    if isinstance(value, str):
        return draw(st.sampled_from([value + "a", value[1:], value[:-1], "é" + value, value.upper()]))
    if isinstance(value, list):
        return draw(st.sampled_from([value + value[:1], value[1:], value[::-1], [*value, 1]]))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return draw(st.sampled_from([value + 1, value - 1, -value, value * 10, value + 0.5]))
    return draw(st.sampled_from(OTHERS))


ANYTHING = st.recursive(
    st.sampled_from(OTHERS) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)
_LEAF_WORDS = {"type", "pattern", "format", "minLength", "maxLength", "minimum", "maximum", "multipleOf"} | {
    "exclusiveMinimum",
    "exclusiveMaximum",
}


@st.composite
def values_of(draw: st.DrawFn, schema: Any, root: dict[str, Any], depth: int = 5) -> Any:
    """Values that are meant for a schema and most often valid; the judge decides.

    hypothesis-jsonschema draws strings and numbers; for objects it does not work with every hypothesis, and it cannot recurse.
    """
    if not isinstance(schema, dict) or not schema or depth < 0:
        return draw(ANYTHING)
    schema = draw(_flat(schema, root))
    if "const" in schema or schema.get("enum"):
        return schema["const"] if "const" in schema else draw(st.sampled_from(schema["enum"]))
    implied = "object" if "properties" in schema else "array" if "items" in schema or "prefixItems" in schema else None
    types = schema.get("type", implied)
    type = draw(st.sampled_from(types)) if isinstance(types, list) else types
    if type is None:
        return draw(ANYTHING)
    if type == "object":
        return draw(_objects_of(schema, root, depth))
    if type == "array":
        first = [draw(values_of(item, root, depth - 1)) for item in schema.get("prefixItems", ())]
        low = max(schema.get("minItems", 0) - len(first), 0)
        high = min(schema.get("maxItems", len(first) + low + 2) - len(first), low + 2)
        more = st.lists(values_of(schema.get("items", True), root, depth - 1), min_size=low, max_size=max(high, low))
        return first if schema.get("items") is False else first + draw(more)
    return draw(_leaves(json.dumps({**{word: schema[word] for word in schema if word in _LEAF_WORDS}, "type": type})))


@functools.lru_cache(maxsize=2000)
def _leaves(schema: str) -> st.SearchStrategy[Any]:
    return from_schema(json.loads(schema))


@st.composite
def _flat(draw: st.DrawFn, schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """A schema with what it refers to and is combined of put beside its own words, of a choice one."""
    made = {key: child for key, child in schema.items() if key not in ("$ref", "anyOf", "oneOf", "allOf")}
    parts = list(schema.get("allOf", ()))
    parts += [draw(st.sampled_from(schema[key])) for key in ("anyOf", "oneOf") if schema.get(key)]
    if isinstance(pointer := schema.get("$ref"), str):
        assume(pointer.startswith("#/$defs/") and pointer[8:] in root.get("$defs", {}))
        parts.append(root["$defs"][pointer[8:]])
    for part in parts:
        for key, child in (draw(_flat(part, root)) if isinstance(part, dict) else {}).items():
            both = made.get(key)
            joins = key == "properties" and isinstance(both, dict)
            made[key] = {**both, **child} if joins else [*both, *child] if key == "required" and both else child
    return made


@st.composite
def _objects_of(draw: st.DrawFn, schema: dict[str, Any], root: dict[str, Any], depth: int) -> dict[str, Any]:
    properties, required = schema.get("properties", {}), schema.get("required", ())
    made = {}
    for key, child in properties.items():
        if key in required or (depth > 0 and draw(st.booleans())):
            made[key] = draw(values_of(child, root, depth - 1))
    others = schema.get("additionalProperties", not properties)
    if others is not False and draw(st.booleans()):
        for key in draw(st.lists(st.sampled_from(UNDECLARED), max_size=2)):
            made.setdefault(key, draw(values_of(others, root, depth - 1)))
    return made


def check_drawn(data: st.DataObject, case: SchemaCase, engine: str, arguments: dict[str, Any]) -> None:
    """What is valid is allowed; what is allowed, of that and of what came of it by a change, is valid."""
    parameters = tools_of(case)[0].parameters
    grammar, judge = grammar_of(case, "hermes", engine), judge_of(parameters)
    narrow = judge_of(conventional(parameters))
    order = {name: i for i, name in enumerate(dict.fromkeys(names_of(parameters)))}
    value = tidy(arguments, order)
    for made in (value, *(tidy(data.draw(mutated(value)), order) for _ in range(3))):
        if not ordinary(made):
            continue
        if judge.is_valid(made) and narrow.is_valid(made):
            assert grammar.matches(hermes(made)), f"{hermes(made)!r} is valid and refused by {parameters}"
        elif not grammar.relaxed and not judge.is_valid(made):
            assert not grammar.matches(hermes(made)), f"{hermes(made)!r} is invalid and allowed by {parameters}"


def hermes(arguments: dict[str, Any]) -> str:
    try:
        return toolfmt.render(toolfmt.ToolCall(name="f", arguments=arguments), "hermes")
    except UnrepresentableError:
        assume(False)
        raise


@pytest.mark.parametrize("engine", ENGINES)
def test_values_drawn_from_the_table(engine: str) -> None:
    @settings(suppress_health_check=list(HealthCheck))
    @given(data=st.data(), case=st.sampled_from(CASES))
    def law(data: st.DataObject, case: SchemaCase) -> None:
        good = st.sampled_from(case.good).map(case.arguments) if case.good else st.nothing()
        parameters = tools_of(case)[0].parameters
        check_drawn(data, case, engine, data.draw(good | values_of(parameters, parameters)))

    law()


# Schemas made up

PATTERNS = ("^[a-z]+$", "^a|b$", "[0-9]{2}", "^x-", "^(on|off)?$", "^[^a]*$")
LITERALS = st.sampled_from(["a", "b", "on", 'q"', "é", 0, 1, 42, -7, 0.5, True, False, None, [], [1], {"a": 1}])


@st.composite
def bounded(draw: st.DrawFn, type: str, low: str, high: str, numbers: st.SearchStrategy[Any]) -> dict[str, Any]:
    """A type with neither, either or both of two bounds."""
    bounds = sorted((draw(numbers), draw(numbers)))
    kept = draw(st.sets(st.sampled_from([0, 1])))
    return {"type": type, **{(low, high)[i]: bounds[i] for i in sorted(kept)}}


LEAVES = st.one_of(
    bounded("string", "minLength", "maxLength", st.integers(0, 5)),
    bounded("integer", "minimum", "maximum", st.integers(-200, 2000)),
    bounded("number", "minimum", "maximum", st.integers(-300, 3000).map(lambda n: n / 100)),
    st.sampled_from(PATTERNS).map(lambda pattern: {"type": "string", "pattern": pattern}),
    st.sampled_from([2, 3, 5, 7, 10]).map(lambda n: {"type": "integer", "multipleOf": n}),
    st.lists(LITERALS, min_size=1, max_size=4).map(lambda values: {"enum": values}),
    LITERALS.map(lambda value: {"const": value}),
    st.sampled_from(
        [{"type": "boolean"}, {"type": "null"}, {"type": ["integer", "null"]}, {"type": "string", "format": "date"}, {}]
    ),
)


@st.composite
def object_schemas(draw: st.DrawFn, inner: st.SearchStrategy[Any]) -> dict[str, Any]:
    named = draw(st.dictionaries(st.sampled_from(["a", "b", "c", "ab", "é"]), inner, max_size=3))
    properties = dict(sorted(named.items()))  # in one order in every object: `tidy` knows but one
    required = [name for name in properties if draw(st.booleans())]
    others = draw(st.one_of(st.sampled_from([None, False, True]), inner))
    said = {} if others is None else {"additionalProperties": others}
    return {"type": "object", "properties": properties, "required": required, **said}


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    arrays = st.builds(
        lambda sizes, items: {**sizes, "items": items},
        bounded("array", "minItems", "maxItems", st.integers(0, 3)),
        inner,
    )
    unions = st.lists(inner, min_size=1, max_size=3).map(lambda branches: {"anyOf": branches})
    merged = st.tuples(inner, st.just({"description": "d"})).map(lambda parts: {"allOf": list(parts)})
    pairs = st.lists(inner, min_size=1, max_size=2).map(
        lambda items: {"type": "array", "prefixItems": items, "items": False}
    )
    return st.one_of(arrays, object_schemas(inner), unions, merged, pairs)


SCHEMAS = st.recursive(LEAVES, _containers, max_leaves=6)


@pytest.mark.parametrize("engine", ENGINES)
def test_schemas_made_up(engine: str) -> None:
    @settings(suppress_health_check=list(HealthCheck), max_examples=settings().max_examples * 3 // 5)
    @given(data=st.data(), schema=SCHEMAS)
    def law(data: st.DataObject, schema: dict[str, Any]) -> None:
        case = SchemaCase("made up", "", schema, (), ())
        for _ in range(2):
            check_drawn(data, case, engine, data.draw(values_of(case.parameters, case.parameters)))

    law()
