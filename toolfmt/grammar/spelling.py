"""Nodes -> rules: every value that a schema allows, as a format's dialect writes it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from toolfmt.families.brace_lexis import write_number
from toolfmt.grammar import numbers
from toolfmt.grammar.nodes import ANYTHING_GOES, Array, Goal, Node, Number, Object, Text, Values
from toolfmt.grammar.objects import ObjectRules, Then
from toolfmt.grammar.raw_values import RawValues
from toolfmt.grammar.strings import (
    BARE,
    JSON_QUOTES,
    LOOSE_QUOTES,
    PYTHON_JSON_QUOTES,
    PYTHON_QUOTES,
    Quotes,
)
from toolfmt.grammar.texts import ANY_TEXT, all_of, asked, body_of, easier, is_plain, quoted
from toolfmt.rule import (
    EMPTY,
    NEVER,
    Alt,
    Both,
    Chars,
    Dialect,
    Lexeme,
    Lit,
    Not,
    Raw,
    Ref,
    Rule,
    Strings,
    alt,
    many,
    repeat,
    seq,
)  # fmt: skip
from toolfmt.values import dumps

__all__ = ["Options", "Report", "Speller"]

_MOST_SPACE = 8
_CHAIN = 32  # elements of an array that are counted one by one

Report = Callable[[str, str, str], None]
"""Is told a pointer, a keyword and a reason."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user chose, and what the engine can do."""

    any_order: bool = False
    spaced: bool = False
    intersects: bool = False
    """The engine takes `Both` and `Not` itself, and wants a raw value and what ends it in one piece."""
    fits: Callable[[Rule], bool] = lambda rule: True
    """Whether the engine can hold a rule."""
    exact: int | None = None
    """Up to which length the engine counts characters, not the letters of their escapes; None is any."""


class Speller:
    """The rules of one grammar; named rules gather in ``rules``."""

    def __init__(self, rules: dict[str, Rule], options: Options) -> None:
        self.rules = rules
        self.options = options
        self.unsupported: Report = _ignore
        self.narrowed: Report = _ignore
        self.prefix = "v"
        self._named: dict[tuple[int, Dialect], Ref] = {}
        self._remainders: dict[int, list[Ref]] = {}
        self._kept: list[Goal] = []  # so that no other goal gets the id of one that is named

    def add(self, build: Callable[[Ref], Rule]) -> Ref:
        """A named rule, which is given itself to refer to."""
        ref = self.reserve()
        self.rules[ref.name] = build(ref)
        return ref

    def reserve(self, prefix: str = "") -> Ref:
        """A name whose rule is to come."""
        name = f"{prefix or self.prefix}_{len(self.rules)}"
        self.rules[name] = NEVER
        return Ref(name)

    # -- values

    def value(self, goal: Goal, dialect: Dialect) -> Rule:
        """A value that ends by itself: whatever ``goal`` allows but strings without marks."""
        nodes = goal.branches
        if not any(isinstance(node, Array | Object) for node in nodes):
            return self._nodes(nodes, dialect)
        key = id(goal), dialect
        if key not in self._named:
            self._kept.append(goal)
            self._named[key] = ref = self.reserve("any" if goal is ANYTHING_GOES else "")
            self.rules[ref.name] = self._nodes(nodes, dialect)
        return self._named[key]

    def _nodes(self, nodes: list[Node], dialect: Dialect) -> Rule:
        made = [(node, self.node(node, dialect)) for node in nodes]
        if dialect.strings.style == "marked" or not any(isinstance(node, Text) for node in nodes):
            return alt(*(rule for _, rule in made))
        # A listed string beside strings that are lexemes must be one, to be told from them; between marks they are none.
        return alt(
            *(
                Lexeme(rule) if isinstance(node, Values) and rule != NEVER and _is_listed(rule) else rule
                for node, rule in made
            )
        )

    def node(self, node: Node, dialect: Dialect) -> Rule:
        if isinstance(node, Text):
            return self.string(node, dialect)
        if isinstance(node, Number):
            return self.number(node, dialect)
        if isinstance(node, Values):
            return alt(*(self.constant(value, dialect) for value in node.values))
        if isinstance(node, Array):
            return self._array(node, dialect.inner or dialect)
        return self.object(node, dialect.objects or dialect.inner or dialect)

    def object(self, node: Node, dialect: Dialect) -> Rule:
        assert isinstance(node, Object)
        return ObjectRules(self, node, dialect).whole()

    def arguments(self, goal: Goal, dialect: Dialect, readings: "RawValues | None") -> Rule:
        """The arguments object, written by ``dialect`` itself."""
        nodes = [node for node in goal.branches if isinstance(node, Object)]
        return alt(*(ObjectRules(self, node, dialect, readings).whole() for node in nodes))

    def number(self, node: Number, dialect: Dialect) -> Rule:
        if node.plain:
            return Lexeme(
                numbers.INTEGER if node.whole else numbers.PLAIN_NUMBER if dialect.plain_numbers else numbers.NUMBER
            )
        if node.whole:
            try:
                made = numbers.integers(_whole(node.low), _whole(node.high), node.multiple)
            except ValueError:  # only of a multiple that can be counted by its remainders
                return self._multiples(node.multiple or 1, _whole(node.low))
            made = Both((made, Not(alt(*map(str, node.never))))) if node.never and made != NEVER else made
        else:
            plain = dialect.plain_numbers
            made = numbers.decimals(node.low, node.high, low_open=node.low_open, high_open=node.high_open, plain=plain)
        return made if made == NEVER else Lexeme(made)

    def _multiples(self, multiple: int, low: int | None) -> Rule:
        """The multiples from ``low`` (None, 0 or 1) on: a rule for each remainder."""
        if multiple not in self._remainders:
            refs = [self.reserve(f"multiple{multiple}") for _ in range(multiple)]
            for i, ref in enumerate(refs):
                steps = [seq(str(digit), refs[(10 * i + digit) % multiple]) for digit in range(10)]
                self.rules[ref.name] = alt(*steps, *([] if i else [EMPTY]))
            self._remainders[multiple] = refs
        refs = self._remainders[multiple]
        some = alt(*(seq(str(digit), refs[digit % multiple]) for digit in range(1, 10)))
        return alt(*([] if low == 1 else ["0"]), *([seq("-", some)] if low is None else []), some)

    # -- strings

    def string(self, node: Text, dialect: Dialect) -> Rule:
        style = dialect.strings
        if style.style == "json":
            return self._quoted(node, _json_quotes(style), style.never)
        if style.style == "python":
            if not style.loose:
                return alt(*(self._quoted(node, quotes, style.never) for quotes in PYTHON_QUOTES))
            quoted = [self._quoted(node, quotes, style.never) for quotes in LOOSE_QUOTES]
            plain = not (node.patterns or node.low or node.high is not None)
            return alt(*quoted, *([] if plain else [self._bare(node)]))
        assert style.style == "marked"
        return seq(style.mark, self.raw(node, (style.mark,), [(style.mark, EMPTY)]))

    def _bare(self, node: Text) -> Rule:
        """A string of which something is asked, between single quotes just as it is; its escaped spelling stands beside it."""
        made = Lexeme(seq("'", all_of([BARE, *asked(node, None)]), "'"))
        if self.options.fits(made):
            return made
        self.narrowed(node.pointer, "type", "this engine can hold line breaks and backslashes only as escapes")
        return NEVER

    def _quoted(self, node: Text, quotes: Quotes, never: tuple[str, ...]) -> Rule:
        exact, high = self.options.exact, node.high
        if high is not None and exact is not None and high > exact and not (node.patterns or never):
            self.narrowed(node.pointer, "maxLength", "an escape counts as the characters that it is written with")
        return self._fitting(node, lambda told: quoted(told, quotes, never), lambda made: made)

    def raw(self, node: Text, stops: tuple[str, ...], then: Then, also: Rule | None = None) -> Rule:
        """A string as it stands, up to one of ``then``; ``also`` is one more thing that it must be."""
        ends = tuple((end, EMPTY) for end, _ in then)

        def probe(body: Rule) -> Rule:
            return Raw(stops, ends, body)

        body = self._fitting(node, lambda told: body_of(told, also), probe)
        return Raw(stops, tuple(then), None if body == ANY_TEXT else body)

    def holds_raw(self, node: Text, stops: tuple[str, ...], then: Then, also: Rule | None) -> bool:
        """Whether the engine can hold such a string with all that is asked of it."""
        return self.options.fits(Raw(stops, tuple((end, EMPTY) for end, _ in then), body_of(node, also)))

    def _fitting(self, node: Text, write: Callable[[Text], Rule], probe: Callable[[Rule], Rule]) -> Rule:
        """``write`` of the string, without what the engine cannot hold; ``probe`` makes of it what the engine will be given."""
        for told, keyword, lost in easier(node):
            made = write(told)
            if keyword:
                self.unsupported(node.pointer, keyword, f"this engine cannot hold {lost} here; llguidance can")
            if is_plain(told, made) or self.options.fits(probe(made)):
                break
        return made

    # -- constants

    def constant(self, value: Any, dialect: Dialect) -> Rule:
        """Just this value."""
        if isinstance(value, str):
            return self._constant_string(value, dialect)
        if value is None or isinstance(value, bool):
            return Lit(dialect.words[2 if value is None else 1 - value])
        if isinstance(value, int | float):
            return Lit(write_number(value) if dialect.plain_numbers and isinstance(value, float) else dumps(value))
        inner = dialect.inner or dialect
        if isinstance(value, list):
            return self._listed([self.constant(item, inner) for item in value], *inner.array)
        inner = dialect.objects or inner
        m = inner.members
        pairs = [seq(self.key(key, inner), m.key[1], self.constant(item, inner)) for key, item in value.items()]
        return (
            self._listed(pairs, m.opens + m.key[0], m.between + m.key[0], m.closes)
            if pairs
            else self.lit(m.opens + m.closes, inner)
        )

    def _listed(self, items: list[Rule], opening: str, between: str, closing: str) -> Rule:
        joined = [part for item in items for part in (Lit(between), item)][1:]
        return seq(opening, *joined, closing)

    def _constant_string(self, value: str, dialect: Dialect) -> Rule:
        style = dialect.strings
        if style.style == "marked":
            if style.mark in value:
                self.narrowed("", "enum", f"no string of this format can hold `{style.mark}`")
                return NEVER
            return Lit(style.mark + value + style.mark)
        if style.style == "raw":
            return Lit(value)
        if style.style == "json":
            return _hidden(dumps(value), style.never, "\\u003c")
        bare = [f"'{value}'"] if "'" not in value and "\\" not in value else []
        return alt(*(_hidden(text, style.never, "\\x3c") for text in (repr(value), *bare)))

    def key(self, key: str, dialect: Dialect) -> Rule:
        """A declared key as it is written."""
        m = dialect.members
        if m.keys == "bare":
            for plain, written in m.escapes:
                key = key.replace(plain, written)
            return Lit(key)
        return self._constant_string(key, replace(dialect, strings=replace(dialect.strings, style=m.keys)))

    def can_write_key(self, key: str, dialect: Dialect) -> bool:
        m = dialect.members
        return m.keys != "bare" or re.fullmatch(m.pattern, key) is not None

    def open_key(self, rule: Rule, taken: list[str], dialect: Dialect) -> Rule:
        """Keys that ``rule`` allows, but those of ``taken``."""
        m = dialect.members
        patterns = [rule] if rule != ANY_TEXT else []
        patterns += [Not(alt(*taken))] if taken else []
        if m.keys == "bare":
            first = [char for char in _MARKS if re.fullmatch(m.pattern, f"{char}a")]
            more = [char for char in _MARKS if re.fullmatch(m.pattern, f"a{char}b")]
            some = _LETTER | Chars.of(*first)
            return Lexeme(all_of([seq(some, many(some | Chars.of(("0", "9"), *more))), *patterns]))
        node = Text(patterns=tuple(patterns))
        style = dialect.strings
        return self._quoted(node, _json_quotes(style) if m.keys == "json" else PYTHON_QUOTES[0], style.never)

    # -- arrays

    def _array(self, node: Array, dialect: Dialect) -> Rule:
        opening, between, closing = dialect.array
        if node.distinct:
            return self._distinct(node, dialect)
        items = None if node.items is None else self.value(node.items, dialect)
        elements = [self.value(goal, dialect) for goal in node.prefix]
        counted = max(len(elements), node.low, node.high or 0)
        if counted > _CHAIN and not elements and items is not None:
            high = None if node.high is None else node.high - 1
            some = seq(
                self.lit(opening, dialect),
                items,
                repeat(seq(self.lit(between, dialect), items), max(node.low - 1, 0), high),
            )
            whole = seq(some, self.lit(closing, dialect))
            return whole if node.low else alt(whole, self.lit(opening + closing, dialect))

        def element(at: int) -> Rule:
            return elements[at] if at < len(elements) else items if items is not None else NEVER

        def rest(at: int) -> Rule:
            """After ``at`` elements."""
            ends = [self.lit(closing, dialect)] if at >= node.low else []
            if node.high is not None and at >= node.high:
                return alt(*ends)
            if at >= counted and node.high is None and items is not None:
                return self.add(lambda again: alt(*ends, seq(self.lit(between, dialect), items, again)))
            return alt(
                *ends, seq(self.lit(between, dialect), element(at), rest(at + 1)) if element(at) != NEVER else NEVER
            )

        first = NEVER if node.high == 0 or element(0) == NEVER else seq(self.lit(opening, dialect), element(0), rest(1))
        return alt(first, *([self.lit(opening + closing, dialect)] if not node.low else []))

    def _distinct(self, node: Array, dialect: Dialect) -> Rule:
        opening, between, closing = (self.lit(text, dialect) for text in dialect.array)
        [listed] = node.items.branches if node.items else [Values(())]
        assert isinstance(listed, Values)
        values = [self.constant(value, dialect) for value in listed.values]
        named: dict[int, Rule] = {}

        def rest(taken: int) -> Rule:
            """After the elements whose bits are set."""
            if taken not in named:
                count = taken.bit_count()
                more = (
                    []
                    if count == node.high
                    else [seq(between, v, rest(taken | 1 << i)) for i, v in enumerate(values) if not taken >> i & 1]
                )
                named[taken] = self.add(lambda _: alt(*([closing] if count >= node.low else []), *more))
            return named[taken]

        some = [seq(opening, value, rest(1 << i)) for i, value in enumerate(values)] if node.high != 0 else []
        return alt(*some, *([seq(*(self.lit(dialect.array[0] + dialect.array[2], dialect),))] if not node.low else []))

    # -- punctuation

    def lit(self, text: str, dialect: Dialect) -> Rule:
        """Punctuation, with white space round it where the user wants that allowed."""
        if not (self.options.spaced and dialect.space):
            return Lit(text)
        gap = repeat(Chars.of(dialect.space), 0, _MOST_SPACE)
        marks = text.split()
        if len(marks) != 1:
            return Lit(text)
        mark = marks[0]
        if mark in ("[]", "{}", "()"):
            return seq(mark[0], gap, mark[1])
        before = mark[0] not in "[{("
        after = mark[-1] not in "]})"
        return seq(gap if before else EMPTY, mark, gap if after else EMPTY)


_LETTER = Chars.of(("A", "Z"), ("a", "z"), "_")
_MARKS = "-.$@/"
"""What may stand in an undeclared key beside letters and digits, where the format writes it bare and can."""


def _ignore(pointer: str, keyword: str, reason: str) -> None:
    return None


def _whole(value: int | float | None) -> int | None:
    return None if value is None else int(value)


def _is_listed(rule: Rule) -> bool:
    return isinstance(rule, Lit) or (isinstance(rule, Alt) and all(isinstance(item, Lit) for item in rule.items))


def _hidden(text: str, never: tuple[str, ...], less: str) -> Rule:
    """A constant; where a mark may stand nowhere in its container, ``<`` is an escape in all of it as soon as it is in some of it."""
    if not never or "<" not in text:
        return Lit(text)
    return alt(*([] if any(mark in text for mark in never) else [text]), text.replace("<", less))


def _json_quotes(style: Strings) -> Quotes:
    return JSON_QUOTES if style.solidus else PYTHON_JSON_QUOTES
