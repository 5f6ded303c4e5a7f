"""JSON Schema (Draft 2020-12, and what older drafts and OpenAPI write) -> nodes.

A *goal* is a set of subschemas that must all hold, `$ref` and `allOf` taken apart; there are finitely many, so recursive schemas end.  What cannot be
said is reported to the caller as it is met, who refuses it or takes the schema without it: never a narrower one in silence.

One convention narrows: an object that declares properties and says nothing of others has no others (``additionalProperties: true`` opens it).
"""

import json
import re
from collections.abc import Iterable
from typing import Any

from toolfmt.errors import GrammarError
from toolfmt.grammar.containers import Containers
from toolfmt.grammar.keywords import Given, Part, listed, names_of, types_of
from toolfmt.grammar.negation import ABSENT, NOT_PATTERN, NOT_VALUES, disjoint, negated
from toolfmt.grammar.nodes import (
    ANYTHING_GOES,
    NOTHING,
    Array,
    Goal,
    Node,
    Number,
    Object,
    Text,
    Union,
    Values,
)
from toolfmt.grammar.scalars import Scalars, Unsupported
from toolfmt.ir import Tool
from toolfmt.schema_types import pointed

__all__ = ["SchemaReader"]

_BRANCHING = ("anyOf", "oneOf", "if", "not", "dependentRequired", "dependentSchemas", "dependencies", "nullable")
_NEVER_SAID = ("contains", "unevaluatedItems", "$dynamicRef", "$recursiveRef")
_MOST_GOALS = 5000
_PLAIN_VALUES = frozenset(
    {"type", "enum", "const", "title", "description", "default", "examples", "deprecated", "nullable"}
)


class SchemaReader:
    """Reads the parameters of one tool."""

    def __init__(self, tool: Tool, unsupported: Unsupported) -> None:
        self.root = tool.parameters
        self.unsupported = unsupported
        self.scalars = Scalars(unsupported)
        self.containers = Containers(self.scalars, self.goal)
        self._goals: dict[frozenset[tuple[str, frozenset[str]]], Goal] = {}

    def arguments(self) -> Goal:
        """What the whole arguments object may be."""
        return self.goal([Part("", self.root), Part("(an object)", {"type": "object"})])

    def goal(self, parts: Iterable[Part | Given]) -> Goal:
        flat = self._flatten(parts)
        if flat is None:
            return NOTHING
        if all(not (part.schema.keys() - part.done - _IGNORED) for part in flat):
            return ANYTHING_GOES
        key = frozenset((part.pointer, part.done) for part in flat)
        if key not in self._goals:
            if len(self._goals) >= _MOST_GOALS:
                raise GrammarError(
                    "",
                    f"the schema has more than {_MOST_GOALS} combinations of subschemas; simplify its anyOf and allOf",
                )
            self._goals[key] = goal = Goal()
            goal.node = self._node(flat)
        return self._goals[key]

    def _flatten(self, given: Iterable[Part | Given]) -> list[Part] | None:
        """The parts with `$ref` and `allOf` taken apart, each once; None where one of them is false."""
        pending, flat = list(given), dict[str, Part]()
        while pending:
            item = pending.pop(0)
            part = item if isinstance(item, Part) else Part(*item)
            if part.schema is False:
                return None
            if not isinstance(part.schema, dict) or not part.schema:
                continue
            known = flat.get(part.pointer)
            if known is not None:  # it holds already; what was taken apart of it need not be again
                flat[part.pointer] = known._replace(done=known.done | part.done)
                continue
            flat[part.pointer] = part._replace(done=part.done | {"$ref", "allOf"})
            pending[:0] = [*self._target(part), *self._all_of(part)]
        return list(flat.values())

    def _target(self, part: Part) -> list[Given]:
        ref = part.schema.get("$ref")
        if not isinstance(ref, str) or "$ref" in part.done:
            return []
        target = pointed(ref, self.root, None)
        if target is None:
            self.unsupported(part.pointer, "$ref", f"`{ref}` is not found in the schema, and nothing is fetched")
            return []
        return [(ref.removeprefix("#"), target)]

    def _all_of(self, part: Part) -> list[Given]:
        branches = [] if "allOf" in part.done else listed(part.schema, "allOf")
        return [(f"{part.pointer}/allOf/{i}", branch) for i, branch in enumerate(branches)]

    # -- alternatives

    def _node(self, flat: list[Part]) -> Node:
        for i, part in enumerate(flat):
            for keyword in _BRANCHING:
                if part.has(keyword) and (branches := self._branches(part, keyword, flat)) is not None:
                    rest = [*flat[:i], part.without(keyword), *flat[i + 1 :]]
                    return Union(tuple(self.goal([*(() if alone else rest), *more]) for alone, more in branches))
        return self._leaf(flat)

    def _branches(self, part: Part, keyword: str, flat: list[Part]) -> list[tuple[bool, list[Given]]] | None:
        """What a keyword's alternatives add to the rest, or (True) put in its place; None where it says nothing that can be said."""
        at, schema = f"{part.pointer}/{keyword}", part.schema
        value = schema[keyword]
        if keyword == "nullable":
            wanted = schema.get("type")
            wanted = wanted if isinstance(wanted, list) else [wanted]
            return [(False, []), (True, [(at, {"type": "null"})])] if value is True and "null" not in wanted else None
        if keyword == "anyOf":
            return [(False, [(f"{at}/{i}", branch)]) for i, branch in enumerate(listed(schema, keyword))] or None
        if keyword == "oneOf":
            alone = not any("properties" in other.schema or "patternProperties" in other.schema for other in flat)
            return self._one_of(part, listed(schema, keyword), alone=alone)
        if keyword == "not":
            return self._added(part, keyword, value, [])
        if keyword == "if":
            then, other = ((f"{part.pointer}/{key}", schema.get(key, True)) for key in ("then", "else"))
            if then[1] is True and other[1] is True:
                return None
            otherwise = self._added(part, keyword, value, [other])
            return otherwise and [(False, [(at, value), then]), *otherwise]
        return self._dependent(part, keyword, value)

    def _added(self, part: Part, keyword: str, schema: Any, more: list[Given]) -> list[tuple[bool, list[Given]]] | None:
        """The alternatives of which ``schema`` does not hold."""
        opposite = negated(schema)
        if opposite is None:
            self.unsupported(
                part.pointer, keyword, "what does not hold can be said of types, values, bounds and required keys only"
            )
            return None
        at = f"{part.pointer}/{keyword}"
        return [(False, [(f"{at}(not {i})", branch), *more]) for i, branch in enumerate(opposite)]

    def _one_of(self, part: Part, branches: list[Any], *, alone: bool) -> list[tuple[bool, list[Given]]] | None:
        at = f"{part.pointer}/oneOf"
        given = [(f"{at}/{i}", branch) for i, branch in enumerate(branches)]
        made: list[tuple[bool, list[Given]]] = []
        for i, branch in enumerate(given):
            others = [
                other
                for j, other in enumerate(branches)
                if j != i and not disjoint(branch[1], other, self.root, is_closed=alone)
            ]
            opposite = negated({"anyOf": others}) if others else [True]
            if opposite is None:
                self.unsupported(part.pointer, "oneOf", "its branches overlap, and the overlap cannot be taken out")
                opposite = [True]
            made += [(False, [branch, (f"{at}/{i}(alone {k})", only)]) for k, only in enumerate(opposite)]
        return made or None

    def _dependent(self, part: Part, keyword: str, value: Any) -> list[tuple[bool, list[Given]]] | None:
        """One key of `dependentRequired`, `dependentSchemas` or the older `dependencies`; the others come after."""
        if not isinstance(value, dict) or not value:
            return None
        at = f"{part.pointer}/{keyword}"
        (key, wanted), *others = value.items()
        rest = [(f"{at}(after {key})", {keyword: dict(others)})] if others else []
        then: list[Given] = [
            (f"{at}/{key}(given)", {"required": [key, *wanted] if isinstance(wanted, list) else [key]})
        ]
        if not isinstance(wanted, list):
            then.append((f"{at}/{key}", wanted))
        return [(False, [(f"{at}/{key}(absent)", {ABSENT: [key]}), *rest]), (False, [*then, *rest])]

    # -- without alternatives

    def _leaf(self, flat: list[Part]) -> Node:
        types = types_of(flat)
        for part in flat:
            for keyword in _NEVER_SAID:
                if part.has(keyword):
                    self.unsupported(part.pointer, keyword, "no grammar counts or looks back so")
        listed = [part for part in flat if "enum" in part.schema or "const" in part.schema]
        if listed:
            return Values(tuple(self._values(flat, listed[0].schema, types)))
        made: list[Node] = []
        if "string" in types:
            made.append(self.scalars.text(flat))
        if "number" in types or "integer" in types:
            made.append(self.scalars.number(flat, whole="number" not in types))
        never = [value for part in flat for value in part.schema.get(NOT_VALUES, ())]
        words = [value for name, value in _WORDS if name in types and not any(value is other for other in never)]
        made += [Values(tuple(words))] if words else []
        if "array" in types:
            made.append(self.containers.array(flat))
        if "object" in types:
            made.append(self.containers.object(flat))
        return Union(tuple(node for node in made if not _impossible(node)))

    def _values(self, flat: list[Part], first: dict[str, Any], types: frozenset[str]) -> list[Any]:
        """The listed values that all parts allow."""
        values = [first["const"]] if "const" in first else first["enum"]
        distinct = list({json.dumps(value, sort_keys=True): value for value in values}.values())
        if all(part.schema.keys() - part.done <= _PLAIN_VALUES for part in flat) and len(flat) <= 2:
            plain = [part.schema for part in flat]
            distinct = [value for value in distinct if names_of(value) & types]
            if sum(("enum" in schema) + ("const" in schema) for schema in plain) < 2:
                return distinct
        from jsonschema import Draft202012Validator
        from referencing.exceptions import Unresolvable

        left = [
            {key: value for key, value in part.schema.items() if key not in _TAKEN_APART | part.done} for part in flat
        ]
        kept = {key: self.root[key] for key in ("$defs", "definitions") if key in self.root}
        validator = Draft202012Validator({"allOf": left, **kept})
        never = [json.dumps(value) for part in flat for value in part.schema.get(NOT_VALUES, ())]
        try:
            return [value for value in distinct if json.dumps(value) not in never and validator.is_valid(value)]
        except (Unresolvable, re.error, RecursionError):
            return distinct


# Reading keywords

_IGNORED = frozenset(
    {
        "title",
        "description",
        "default",
        "examples",
        "deprecated",
        "$ref",
        "allOf",
        "$defs",
        "definitions",
        "$schema",
        "$id",
        "$comment",
    }
)
_TAKEN_APART = frozenset({"$ref", "allOf", "$defs", "definitions", ABSENT, NOT_VALUES, NOT_PATTERN})
_WORDS: tuple[tuple[str, Any], ...] = (("boolean", True), ("boolean", False), ("null", None))


def _impossible(node: Node) -> bool:
    """Whether its own bounds leave nothing."""
    if isinstance(node, Number) and node.low is not None and node.high is not None:
        return node.low > node.high or (node.low == node.high and (node.low_open or node.high_open))
    if isinstance(node, Text | Array | Object):
        return node.high is not None and node.low > node.high
    return isinstance(node, Values) and not node.values
