"""Objects and arrays: what all of several subschemas say of their keys and elements."""

from collections.abc import Callable, Iterable
from itertools import combinations
from typing import Any

from toolfmt.grammar.keywords import Given, Part, least, mapped, most, of_other, of_property, prefix_of
from toolfmt.grammar.negation import ABSENT
from toolfmt.grammar.nodes import ANYTHING_GOES, NOTHING, Array, Goal, Member, Node, Object, Text, Values
from toolfmt.grammar.scalars import Scalars, without
from toolfmt.rule import ANY, ANYTHING, Both, Not, Rule, alt, repeat

__all__ = ["Containers"]

_MOST_PATTERNS = 4
_DISTINCT = 8


class Containers:
    """Reads them; ``goal`` reads what stands in them."""

    def __init__(self, scalars: Scalars, goal: Callable[[Iterable[Part | Given]], Goal]) -> None:
        self.scalars, self.goal = scalars, goal
        self.unsupported = scalars.unsupported

    def array(self, flat: list[Part]) -> Array:
        low, high = most(flat, "minItems", 0), least(flat, "maxItems")
        prefixes = [(part, *prefix_of(part.schema)) for part in flat]
        longest = max((len(prefix) for _, prefix, _, _ in prefixes), default=0)
        prefix = []
        for i in range(longest):
            given = [
                (f"{p.pointer}/{at}/{i}", pre[i]) if i < len(pre) else (f"{p.pointer}/items", rest)
                for (p, pre, rest, at) in prefixes
            ]
            prefix.append(self.goal(given))
        items = self.goal(
            [
                (f"{p.pointer}/{'items' if not at or at == 'prefixItems' else 'additionalItems'}", rest)
                for p, _, rest, at in prefixes
            ]
        )
        distinct = any(part.schema.get("uniqueItems") is True for part in flat)
        if distinct and (high is None or high > 1):
            listed = items.branches
            if longest or len(listed) != 1 or not isinstance(listed[0], Values) or len(listed[0].values) > _DISTINCT:
                part = next(part for part in flat if part.schema.get("uniqueItems") is True)
                reason = f"a grammar tells values apart only where they are listed, up to {_DISTINCT} of them"
                self.unsupported(part.pointer, "uniqueItems", reason)
                distinct = False
        return Array(
            tuple(prefix), None if items is NOTHING else items, low, high, distinct and (high is None or high > 1)
        )

    def object(self, flat: list[Part]) -> Object:
        absent = {key for part in flat for key in part.schema.get(ABSENT, ())}
        required = [key for part in flat for key in part.schema.get("required", ())]
        declared = [key for part in flat for key in mapped(part.schema, "properties")]
        members = []
        for key in dict.fromkeys([*declared, *required]):
            names = [
                (f"{p.pointer}/propertyNames(of {key})", _of_key(key, p.schema["propertyNames"]))
                for p in flat
                if p.has("propertyNames")
            ]
            parts = [given for part in flat for given in of_property(part, key)]
            goal = NOTHING if key in absent or not all(ok for _, ok in names) else self.goal(parts)
            members.append(Member(key, goal, key in required))
        rest = self._rest(flat, absent)
        low, high = most(flat, "minProperties", 0), least(flat, "maxProperties")
        return Object(tuple(members), tuple(rest), low, high)

    def _is_open(self, flat: list[Part]) -> bool:
        """Whether keys that nothing names are allowed."""
        for part in flat:
            declares = "properties" in part.schema or "patternProperties" in part.schema
            if (
                part.schema.get("additionalProperties", not declares) is False
                or part.schema.get("unevaluatedProperties") is False
            ):
                return False
        return True

    def _rest(self, flat: list[Part], absent: set[str]) -> list[tuple[Rule, Goal]]:
        """The keys that are not declared: by which patterns they match."""
        for part in flat:
            if isinstance(part.schema.get("unevaluatedProperties"), dict):
                self.unsupported(part.pointer, "unevaluatedProperties", "only true and false can be said")
        known = {
            pattern: self.scalars.pattern(part.pointer, "patternProperties", pattern)
            for part in flat
            for pattern in mapped(part.schema, "patternProperties")
        }
        patterns = [(pattern, rules[0]) for pattern, rules in known.items() if rules]
        if len(patterns) > _MOST_PATTERNS:
            self.unsupported(flat[0].pointer, "patternProperties", f"more than {_MOST_PATTERNS} patterns")
            return [(ANYTHING, ANYTHING_GOES)]
        common = self._key_rules(flat, absent)
        made: list[tuple[Rule, Goal]] = []
        for size in range(len(patterns), -1, -1):
            for matched in combinations(patterns, size):
                if not size and not self._is_open(flat):
                    continue
                parts = [given for part in flat for given in of_other(part, {pattern for pattern, _ in matched})]
                goal = self.goal(parts)
                keys = [rule for _, rule in matched] + [
                    without(rule) for pattern, rule in patterns if (pattern, rule) not in matched
                ]
                if goal is not NOTHING:
                    made.append((_all_of([*keys, *common]), goal))
        return made

    def _key_rules(self, flat: list[Part], absent: set[str]) -> list[Rule]:
        rules: list[Rule] = [Not(alt(*sorted(absent)))] if absent else []
        for part in flat:
            if part.has("propertyNames"):
                goal = self.goal([(f"{part.pointer}/propertyNames", part.schema["propertyNames"])])
                rules.append(alt(*(rule for node in goal.branches if (rule := _as_key(node)) is not None)))
        return rules


def _of_key(key: str, schema: Any) -> bool:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(schema).is_valid(key)


def _as_key(node: Node) -> Rule | None:
    """The strings that a node allows, as a rule; None where there are none."""
    if isinstance(node, Values):
        return alt(*(value for value in node.values if isinstance(value, str)))
    if not isinstance(node, Text):
        return None
    return _all_of([*node.patterns, *_lengths(node)])


def _lengths(node: Text) -> list[Rule]:
    return [repeat(ANY, node.low, node.high)] if node.low or node.high is not None else []


def _all_of(rules: list[Rule]) -> Rule:
    return ANYTHING if not rules else rules[0] if len(rules) == 1 else Both(tuple(rules))
