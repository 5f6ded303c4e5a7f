"""BFCL's tools under every format's grammars: each list compiles, its gold calls are allowed, and spoilt ones are not."""

import itertools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import toolfmt
from toolfmt.cli.bfcl import Entry, read_entries, valid_calls
from toolfmt.grammar.result import Grammar
from toolfmt.testing_grammar import closed, engines, mutants
from toolfmt.tools import ToolSet

NAMES = [info.name for info in toolfmt.formats()]
IN_FULL = ("hermes", "qwen_xml", "functiongemma")
NO_DATE = "live_multiple_862-181-3"
"""Its gold date, 05/15/2023, is none by the `format` of its schema, which only grammars hold it to."""
CONTRADICTION = "live_simple_71-35-0"
"""One of its parameters is a list that must be one of some strings."""
FREE_TREE = "such a container stands as JSON, not as a tree of tags"
"""No context-free grammar says that each tag of an unknown name is closed by its own, and one named `item` may be an array's: `minimax_m3` alone."""

pytestmark = pytest.mark.skipif(len(engines()) < 3, reason='needs both engines: pip install "toolfmt[grammar]"')


def in_order(value: Any, schema: Any) -> Any:
    """A value with the keys of its objects as the schema has them."""
    if isinstance(value, list):
        return [in_order(item, schema.get("items", {})) for item in value]
    if not isinstance(value, dict):
        return value
    declared = schema.get("properties", {})
    keys = sorted(value, key=lambda key: list(declared).index(key) if key in declared else len(declared))
    return {key: in_order(value[key], declared.get(key, {})) for key in keys}


@dataclass
class Case:
    """An entry's tools, its gold calls that have declared keys only, in the schema's order, and what is wrong with others."""

    entry: Entry
    calls: list[toolfmt.ToolCall] = field(default_factory=list)
    undeclared: int = 0
    spoilt: list[tuple[str, toolfmt.ToolCall]] = field(default_factory=list)
    taken: ToolSet = field(init=False)

    def __post_init__(self) -> None:
        tools = self.entry.tools
        self.taken = closed(tools)
        for call in valid_calls(self.entry) or []:
            tool = next(tool for tool in tools if tool.name == call.name)
            if toolfmt.validate(call, self.taken):
                self.undeclared += 1
            else:
                self.calls.append(toolfmt.ToolCall(name=call.name, arguments=in_order(call.arguments, tool.parameters)))
        for call in self.calls[:2]:
            each = {(what, path): mutant for what, path, mutant in reversed(list(mutants(call, self.taken)))}
            self.spoilt += [(what, mutant) for (what, _), mutant in each.items()]


def try_case(case: Case, format: str, engine: str) -> Counter[str]:
    """What became of one entry: what must not be there begins with a capital letter."""
    fmt, tools, found = toolfmt.get_format(format), case.entry.tools, Counter[str](entries=1)
    many = len(case.calls) > 1 and fmt.limits.many_calls
    try:
        grammar = toolfmt.grammar_for(tools, fmt, engine=engine)
        more = toolfmt.grammar_for(tools, fmt, engine=engine, calls="many") if many else None
    except toolfmt.UnrepresentableError as error:
        found[
            "names or keys that the format cannot write" if "cannot write" in error.reason else f"Refused: {error}"
        ] += 1
        return found
    except toolfmt.GrammarError as error:
        found["contradictory schema" if case.entry.id == CONTRADICTION else f"Refused: {case.entry.id} {error}"] += 1
        return found
    grammar.check()
    found["compiled"] += 1
    found["gold with undeclared keys"] += case.undeclared
    for call in case.calls:
        found[gold(call, case, fmt, grammar)] += 1
    if more:
        found[gold(case.calls, case, fmt, more)] += 1
    for what, mutant in case.spoilt:
        found[spoilt(what, mutant, case, fmt, grammar)] += 1
    return +found


def gold(calls: Any, case: Case, fmt: toolfmt.Format, grammar: Grammar) -> str:
    try:
        text = toolfmt.render(calls, fmt, tools=case.entry.tools)
    except toolfmt.UnrepresentableError:
        return "gold calls that the format cannot write"
    if grammar.matches(text):
        return "gold accepted"
    if any(limit.reason == FREE_TREE for limit in grammar.narrowed):
        return "gold with such a tree"
    return "gold that is no date" if case.entry.id == NO_DATE else f"Gold refused: {case.entry.id}"


def spoilt(what: str, call: toolfmt.ToolCall, case: Case, fmt: toolfmt.Format, grammar: Grammar) -> str:
    try:
        text = toolfmt.render(call, fmt)
    except toolfmt.UnrepresentableError:
        return "mutants that the format cannot write"
    if not grammar.matches(text):
        return "mutants refused"
    read = toolfmt.parse(text, fmt, tools=case.entry.tools)
    if len(read.parts) == 1 and read.calls and not toolfmt.validate(read.calls, case.taken):
        return "mutants that are calls by their text"
    return f"Mutant accepted: {case.entry.id} {what}"


def check(cases: list[Case], format: str, engine: str) -> None:
    found = sum((try_case(case, format, engine) for case in cases), Counter[str]())
    assert [what for what in found if what[0].isupper()] == []
    assert found["compiled"] + found["names or keys that the format cannot write"] >= len(cases) - 1
    assert found["gold accepted"] > len(cases) // 3
    assert found["mutants refused"] > len(cases)
    assert found["gold with such a tree"] <= (len(cases) // 50 + 1 if format == "minimax_m3" else 0)


@pytest.fixture(scope="module")
def entries(bfcl: Path) -> list[Entry]:
    return list(read_entries(bfcl))


@pytest.fixture(scope="module")
def cases(entries: list[Entry]) -> list[Case]:
    return list(map(Case, entries))


def pairs(names: Iterable[str]) -> list[tuple[str, str]]:
    return list(itertools.product(names, ("xgrammar", "llguidance")))


@pytest.mark.parametrize(("name", "engine"), pairs(NAMES))
def test_a_sample_of_bfcl(entries: list[Entry], name: str, engine: str) -> None:
    """All formats and engines together see every entry."""
    every = pairs(NAMES)
    check([Case(entry) for entry in entries[every.index((name, engine)) :: len(every)]], name, engine)


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_of_bfcl_as_gbnf(entries: list[Entry], name: str) -> None:
    check([Case(entry) for entry in entries[NAMES.index(name) :: 250]], name, "gbnf")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "engine"), pairs(IN_FULL))
def test_bfcl_in_some_formats(cases: list[Case], name: str, engine: str) -> None:
    check(cases, name, engine)


@pytest.mark.nightly
@pytest.mark.parametrize(("name", "engine"), pairs(NAMES))
def test_bfcl_in_every_format(cases: list[Case], name: str, engine: str) -> None:
    check(cases, name, engine)
