"""Law 7 of `toolfmt.testing`: a format's grammars allow what it writes of schema-valid calls, and nothing that is none, in every engine alike."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from typing import Any
from unittest import SkipTest

from hypothesis import event, given, settings
from hypothesis import strategies as st

from toolfmt.api import parse, render
from toolfmt.errors import UnrepresentableError
from toolfmt.format import Format
from toolfmt.grammar.emit import grammar_for
from toolfmt.grammar.result import Grammar
from toolfmt.ir import Message, Tool, ToolCall
from toolfmt.strategies import REALS, edited, plain_messages, schema_calls
from toolfmt.tools import ToolSet
from toolfmt.validation import validate

__all__ = [
    "check_grammars",
    "closed",
    "engines",
    "its_grammars_allow_just_its_calls",
    "its_grammars_allow_plain_calls",
    "mutants",
]


@cache
def engines() -> tuple[str, ...]:
    """The engines whose grammars can be read here."""
    readers = {"xgrammar": ("xgrammar", "gbnf"), "llguidance": ("llguidance",)}
    return tuple(engine for package, names in readers.items() if find_spec(package) for engine in names)


def closed(tools: Sequence[Tool]) -> ToolSet:
    """Tools as grammars take them: an object that declares properties and says nothing of others has no others."""
    return ToolSet(tuple(Tool(name=tool.name, parameters=_closed(tool.parameters)) for tool in tools))


def _closed(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return [_closed(item) for item in schema] if isinstance(schema, list) else schema
    made = {key: value if key in ("enum", "const", "default") else _closed(value) for key, value in schema.items()}
    if "properties" not in schema:
        return made
    properties = {key: _closed(inner) for key, inner in schema["properties"].items()}
    return {"additionalProperties": False, **made, "properties": properties}


def mutants(call: ToolCall, tools: ToolSet) -> Iterator[tuple[str, str, ToolCall]]:
    """What was changed, where, and the call, which keeps to no tool's schema: a name, a key more or less, another value."""
    changed = [("name", "$", ToolCall(name=f"{call.name}x", arguments=call.arguments))]
    spoilt = [(what, path, made) for what, path, made in _changed(call.arguments, "$") if isinstance(made, dict)]
    changed += [(what, path, ToolCall(name=call.name, arguments=made)) for what, path, made in spoilt]
    yield from (mutant for mutant in changed if validate(mutant[2], tools))


_OTHERS = ("no such value", 7, 2.5, True, None, ["x"], {"x": 1})


def _changed(value: Any, path: str) -> Iterator[tuple[str, str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield "missing", f"{path}.{key}", {name: other for name, other in value.items() if name != key}
            yield from ((what, at, {**value, key: made}) for what, at, made in _changed(inner, f"{path}.{key}"))
        yield "extra", path, {**value, "zzz_extra": 1}
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from (
                (what, at, [*value[:i], made, *value[i + 1 :]]) for what, at, made in _changed(inner, f"{path}[{i}]")
            )
    yield from (("value", path, other) for other in _OTHERS)


def check_grammars(
    fmt: Format, grammars: Sequence[Grammar], tools: Sequence[Tool], text: str, *, exact: bool = True
) -> bool:
    """Law 7: the grammars agree on ``text``, and (``exact``) it is one whole call that keeps to its schema if they accept it.  What they say."""
    said = {grammar.engine: grammar.matches(text) for grammar in grammars}
    assert len(set(said.values())) == 1, f"{said!r} of {text!r}"
    accepted = next(iter(said.values()))
    if accepted and exact:
        found = parse(text, fmt, tools=tools)
        assert len(found.parts) == len(found.calls) == 1, f"{text!r} is accepted, and read as {found.parts!r}"
        assert not validate(found.calls, closed(tools)), f"{text!r} is accepted, and read as {found.calls!r}"
    return accepted


def _left_out(fmt: Format, tools: Sequence[Tool], call: ToolCall, grammars: Sequence[Grammar]) -> bool:
    """Whether the format can write the call and its grammars leave it out, because of

    * a string that holds what ends a value only where it begins one, or that begins like a container where its schema allows one too and the wire
      does not say which: readers look further than a grammar can;
    * a container that stands as a tree of tags, of which no schema tells the names, as `Grammar.narrowed` says;
    * a key that stands bare, is not declared, and holds more than ASCII.
    """
    dialect = fmt.dialect
    if any("tree of tags" in limit.reason for grammar in grammars for limit in grammar.narrowed):
        return True
    if any(held.members.keys == "bare" for held in (dialect, dialect.inner or dialect)) and _has_foreign_key(call.arguments, _declared(tools)):
        return True
    ends = [stop for stop in dialect.strings.never if f"\n{stop}" in fmt.limits.never]
    for key, value in call.arguments.items():
        if isinstance(value, str):
            types = ToolSet(tuple(tools)).parameter(call.name, key).types
            like = (
                not (dialect.typed or dialect.strings.or_json)
                and types & {"array", "object"}
                and re.match(r"\s*[\[{]", value)
            )
            if like or any(stop in value for stop in ends):
                return True
    return False


def _declared(schema: Any) -> frozenset[str]:
    """Every property that schemas name, at any depth."""
    if isinstance(schema, Tool):
        return _declared(schema.parameters)
    if isinstance(schema, dict):
        properties = schema.get("properties")
        own = frozenset(properties) if isinstance(properties, dict) else frozenset[str]()
        return own.union(*map(_declared, schema.values()))
    return frozenset[str]().union(*map(_declared, schema)) if isinstance(schema, list | tuple) else frozenset()


def _has_foreign_key(value: Any, declared: frozenset[str]) -> bool:
    if isinstance(value, dict):
        return any(not (key.isascii() or key in declared) or _has_foreign_key(held, declared) for key, held in value.items())
    return isinstance(value, list) and any(_has_foreign_key(held, declared) for held in value)


def its_grammars_allow_just_its_calls(fmt: Format) -> None:
    @settings(deadline=None)  # the first grammar imports an engine
    @given(drawn=schema_calls(fmt), data=st.data())
    def law(drawn: tuple[list[Tool], ToolCall, bool], data: st.DataObject) -> None:
        tools, call, is_closed = drawn
        try:
            text = render(call, fmt, tools=tools)
            grammars = [grammar_for(tools, fmt, engine=engine) for engine in engines()]
        except UnrepresentableError:
            event("refused")
            return
        accepted = check_grammars(fmt, grammars, tools, text)
        event("accepted" if accepted else "left out")
        assert accepted or _left_out(fmt, tools, call, grammars), f"{text!r} is not accepted"
        for spoilt in data.draw(_spoilt(fmt, call, tools, text)):
            is_call = check_grammars(fmt, grammars, tools, spoilt, exact=is_closed)
            event("a spoilt text is a call" if is_call else "a spoilt text is refused")

    _with_engines(law)


def its_grammars_allow_plain_calls(fmt: Format) -> None:
    @settings(deadline=None)
    @given(drawn=plain_messages(fmt, REALS))
    def law(drawn: tuple[Message, list[Tool]]) -> None:
        message, tools = drawn
        calls = "many" if len(message.calls) > 1 else "one"
        grammars = [grammar_for(tools, fmt, engine=engine, calls=calls) for engine in engines()]
        text = render(Message(parts=message.calls), fmt, tools=tools)
        left_out = any(_left_out(fmt, tools, call, grammars) for call in message.calls)
        assert check_grammars(fmt, grammars, tools, text, exact=False) or left_out, f"{text!r} is not accepted"

    _with_engines(law)


def _with_engines(law: Callable[[], None]) -> None:
    if not engines():
        raise SkipTest('law 7 needs an engine: pip install "toolfmt[grammar]"')
    law()


@st.composite
def _spoilt(draw: st.DrawFn, fmt: Format, call: ToolCall, tools: Sequence[Tool], text: str) -> list[str]:
    """Texts that are not the call's: of mutants, and edited ones."""
    made = [draw(edited(fmt, text)) for _ in range(3)]
    for _, _, mutant in draw(st.lists(st.sampled_from(list(mutants(call, closed(tools)))), max_size=3)):
        with suppress(UnrepresentableError):
            made.append(fmt.write(Message(parts=(mutant,))))
    return made
