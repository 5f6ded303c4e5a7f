"""Values that stand as bare text up to what closes them: what a reader will take them for decides what may be written."""

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from toolfmt.grammar import numbers
from toolfmt.grammar.automaton import accepts
from toolfmt.grammar.nodes import ANYTHING_GOES, Array, Goal, Node, Number, Object, Text, Values
from toolfmt.grammar.objects import ObjectRules, Then
from toolfmt.ir import Tool
from toolfmt.rule import ANYTHING, NEVER, Chars, Dialect, Lexeme, Lit, Not, Raw, Rule, alt, many, optional, repeat, seq
from toolfmt.schema_types import ANY_TYPES
from toolfmt.tools import ToolSet
from toolfmt.values import STRING

if TYPE_CHECKING:
    from toolfmt.grammar.spelling import Speller

__all__ = ["RawValues"]

_DIGITS = many(Chars.of(("0", "9")))
_EXPONENT = seq(Chars.of("eE"), optional(Chars.of("+-")), _DIGITS)
_LONG = seq(optional(Lit("-")), Chars.of(("0", "9")), _DIGITS, optional(seq(".", _DIGITS)), optional(_EXPONENT))
_SPACE = many(Chars.of(" \t\n\r"))
_SPELLINGS: dict[str, Rule] = {
    "integer": numbers.INTEGER,
    "number": numbers.NUMBER,
    "boolean": alt("true", "false", "True", "False"),
    "null": alt("null", "None"),
    "object": seq(_SPACE, "{", ANYTHING),
    "array": seq(_SPACE, "[", ANYTHING),
}
"""What a reader may take for a value of each type where strings are allowed too; wider than what it does, never narrower."""
_WORDS = alt("NaN", "Infinity", "-Infinity", "-0", *("true", "false", "null"))
_JSON_LIKE = seq(_SPACE, alt(seq(Chars.of('"{['), ANYTHING), seq(alt(_LONG, _WORDS), _SPACE)))
"""What Python's ``json`` may read."""
_NO_TREE = "such a container stands as JSON, not as a tree of tags"


class RawValues:
    """The values of one tool's arguments."""

    def __init__(self, speller: "Speller", tool: Tool, dialect: Dialect) -> None:
        self.speller, self.dialect = speller, dialect
        self.tool, self.tools = tool, ToolSet((tool,))
        self.spells_strings_twice = dialect.strings.or_json or bool(dialect.strings.quotes[0])

    def pair(self, name: str | None, key: Rule, goal: Goal, then: Then) -> Rule:
        """A key, its value, and what follows."""
        if self.dialect.members.types:
            return self._typed(key, goal, then)
        allowed = self.tools.parameter(self.tool.name, "\0" if name is None else name)
        json = self.dialect.strings.or_json
        types, listed = (ANY_TYPES, False) if json else (allowed.types, allowed.values is not None)
        return seq(key, self.dialect.members.key[1], self.value(goal, types, then, listed=listed))

    def _typed(self, key: Rule, goal: Goal, then: Then) -> Rule:
        """The tag of the key tells the value's type."""
        m = self.dialect.members
        made: dict[str, list[Rule]] = {}
        for node in goal.branches:
            for kind, part in _by_type(node):
                value = self._text(part, then) if isinstance(part, Text) else seq(self._plain(part), _then(then))
                made.setdefault(m.types[kind], []).append(value)
        return alt(*(seq(key, m.key[1].replace("{type}", label), alt(*values)) for label, values in made.items()))

    def value(self, goal: Goal, types: frozenset[str], then: Then, *, listed: bool = False) -> Rule:
        """A value whose type the reader takes from the schema, which allows ``types``."""
        nodes = goal.branches
        if types == STRING:
            nodes = [node for whole in nodes for kind, node in _by_type(whole) if kind == "string"]
            return alt(*(self._text(node, then) for node in nodes))
        general = {kind for node in nodes for kind in _general(node)}
        json = self.dialect.strings.or_json
        if "string" in general and types <= general and not json:
            if self.dialect.tree:
                self.speller.narrowed("", "items", _NO_TREE)
            return self._text(Text(), then)
        apart = [_SPELLINGS[kind] for kind in sorted(types - general - {"string"})] if not listed else []
        if apart and any(isinstance(node, Text) for node in nodes):
            said = f"no string is allowed that may be read as {' or '.join(sorted(types - general - {'string'}))}"
            self.speller.narrowed(next(node.pointer for node in nodes if isinstance(node, Text)), "type", said)
        apart = [_JSON_LIKE] if json else apart
        made = []
        for node in nodes:
            if isinstance(node, Text):
                made.append(self._text(node, then, Not(alt(*apart)) if apart else None))
            elif isinstance(node, Array | Object):
                made += [seq(self._plain(node), _then(then)), seq(self._tree(node), _then(then))]
            else:
                made.append(self._scalar(node, then, any(isinstance(other, Text) for other in nodes)))
        return alt(*made)

    def _scalar(self, node: Node, then: Then, among_texts: bool) -> Rule:
        """A value without brackets: where strings are allowed too, an engine that wants texts in one piece with their ends wants this one so."""
        rule = self._constants(node, then) if isinstance(node, Values) else self._plain(node)
        if rule == NEVER or not (among_texts and self.speller.options.intersects):
            return seq(rule, _then(then))
        return Raw(self.dialect.strings.never, tuple(then), rule.item if isinstance(rule, Lexeme) else rule)

    def _text(self, node: Node, then: Then, also: Rule | None = None) -> Rule:
        if isinstance(node, Values):
            return seq(self._constants(node, then), _then(then))
        assert isinstance(node, Text)
        strings = self.dialect.strings
        stops = (*strings.never, strings.quotes[0]) if strings.quotes[0] else strings.never
        if strings.or_json:
            quoted = seq(self.speller.string(node, self.dialect.inner or self.dialect), _then(then))
            if self.speller.holds_raw(node, stops, then, also):
                return alt(self.speller.raw(node, stops, then, also), quoted)
            self.speller.narrowed(node.pointer, "type", "this engine can hold the string only as JSON, in quotes")
            return quoted
        return alt(self.speller.raw(node, stops, then, also), self._in_quotes(node, then, also))

    def _in_quotes(self, node: Text, then: Then, also: Rule | None) -> Rule:
        """The same in the format's quotes, in which a tag needs no care but behind the closing one."""
        opening, closing = self.dialect.strings.quotes
        if not opening:
            return NEVER
        ends = [(closing + end, rule) for end, rule in then]
        stops = tuple(
            closing + end
            for end in dict.fromkeys(self.dialect.strings.never)
            if end.startswith(self.dialect.members.ends)
        )
        others = tuple(stop for stop in self.dialect.strings.never if not stop.startswith(self.dialect.members.ends))
        return seq(opening, self.speller.raw(node, (*stops, *others), ends, also))

    def _constants(self, node: Node, then: Then) -> Rule:
        """Listed values; a string that would end early, or in which a stop stands, cannot be written."""
        assert isinstance(node, Values)
        made = []
        for value in node.values:
            if isinstance(value, str) and (self.dialect.strings.or_json or self.dialect.strings.quotes[0]):
                made.append(self._constant_string(value))
            elif isinstance(value, str) and any(
                stop in value + end for stop in self.dialect.strings.never for end in _before(stop, then)
            ):
                self.speller.narrowed("", "enum", f"the format cannot write `{value[:40]}`, which spells its own tags")
            else:
                made.append(self.speller.constant(value, self.dialect))
        return alt(*made)

    def _constant_string(self, value: str) -> Rule:
        """A string as it stands or in its quotes, whichever may be."""
        strings = self.dialect.strings
        if strings.or_json:
            plain = _is_json_like(value) or any(stop in value for stop in strings.never)
            return alt(*([] if plain else [value]), self.speller.constant(value, self.dialect.inner or self.dialect))
        opening, closing = strings.quotes
        plain = any(stop in value for stop in (*strings.never, opening, strings.never[0][:2]))
        return alt(*([] if plain else [value]), *([] if closing in value else [opening + value + closing]))

    def _plain(self, node: Node) -> Rule:
        return self.speller.node(node, self.dialect)

    # -- trees

    def _tree(self, node: Node) -> Rule:
        """A container as a tree of tags, where it has elements and its keys are known."""
        mark = self.dialect.tree
        if not mark or (isinstance(node, Array | Object) and node.high == 0):
            return NEVER
        m = self.dialect.members
        inside = _TreeValues(
            self.speller, self.tool, replace(self.dialect, members=replace(m, opens="", closes="", empty=""))
        )
        if isinstance(node, Array) and node.items is not None and not (node.prefix or node.distinct or _general(node)):
            item = seq(f"{mark}<item>", inside.value(node.items, ANY_TYPES, [(f"{mark}</item>", Lit(""))]))
            return repeat(item, max(node.low, 1), node.high)
        if isinstance(node, Object) and self._names_its_keys(node):
            rules = ObjectRules(self.speller, replace(node, low=max(node.low, 1)), inside.dialect, inside)
            return rules.whole()
        self.speller.narrowed("", "items", _NO_TREE)
        return NEVER

    def _names_its_keys(self, node: Object) -> bool:
        """Whether the tags of a tree are known; one with a tag `item` could be taken for an array."""
        if node.rest or any(member.required and not self._can_write(member.key) for member in node.members):
            return False
        keys = [member.key for member in node.members if self._can_write(member.key)]
        return bool(keys) and "item" not in keys

    def _can_write(self, key: str) -> bool:
        return self.speller.can_write_key(key, self.dialect)


class _TreeValues(RawValues):
    """Leaves of a tree: a reader may or may not know their schema, so each is written as one that reads the same either way."""

    def pair(self, name: str | None, key: Rule, goal: Goal, then: Then) -> Rule:
        return seq(key, self.dialect.members.key[1], self.value(goal, ANY_TYPES, then))


@lru_cache(4096)
def _is_json_like(text: str) -> bool:
    return accepts(_JSON_LIKE, text)


def _then(then: Then) -> Rule:
    return alt(*(seq(end, rule) for end, rule in then))


def _before(stop: str, then: Then) -> list[str]:
    """The ends, without what of them is the stop itself: where it first ends there, it ends the value."""
    return [end[:-1] if stop == end else end[: end.find(stop)] + stop[:-1] if stop in end else end for end, _ in then]


def _by_type(node: Node) -> list[tuple[str, Node]]:
    """A node, or its values by type."""
    if isinstance(node, Values):
        kinds: dict[str, list[Any]] = {}
        for value in node.values:
            kinds.setdefault(_TYPES[type(value)], []).append(value)
        return [(kind, Values(tuple(values))) for kind, values in kinds.items()]
    kinds_of = {Text: "string", Number: "number", Array: "array", Object: "object"}
    return [(kinds_of[type(node)], node)]


_TYPES = {
    str: "string",
    bool: "boolean",
    type(None): "null",
    int: "number",
    float: "number",
    dict: "object",
    list: "array",
}


def _general(node: Node) -> frozenset[str]:
    """The types of which a node allows everything."""
    if isinstance(node, Text):
        return frozenset({"string"}) if node.low == 0 and node.high is None and not node.patterns else frozenset()
    if isinstance(node, Number):
        return frozenset({"integer"} if node.whole else {"integer", "number"}) if node.plain else frozenset()
    if isinstance(node, Values):
        return frozenset({"null"} if None in node.values else set()) | (
            {"boolean"} if any(v is True for v in node.values) and any(v is False for v in node.values) else set()
        )
    if isinstance(node, Array):
        free = node.items is ANYTHING_GOES and not (node.prefix or node.low or node.distinct) and node.high is None
        return frozenset({"array"} if free else ())
    assert isinstance(node, Object)
    free = not (node.members or node.low) and node.high is None and any(goal is ANYTHING_GOES for _, goal in node.rest)
    return frozenset({"object"} if free else ())
