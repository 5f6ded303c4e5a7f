"""What xgrammar's EBNF and llama.cpp's GBNF share: rules, alternatives, literals, classes of characters, and the shapes that make an engine fast.

Two texts of one language may differ a thousandfold in time per token.  Hence the shapes here: a loop over a broad class of characters is
right-recursive and holds what ends it (a token may end inside it); what is equal is one rule of the whole grammar; `Both` and `Not` become automata.
The names of helper rules begin with a capital, those of the rules given do not.
"""

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import ClassVar

from toolfmt.grammar.automaton import compile as automaton_of
from toolfmt.grammar.automaton import no_stop, right_linear
from toolfmt.rule import (
    ANY,
    ANYTHING,
    EMPTY,
    Alt,
    Both,
    Chars,
    Lexeme,
    Lit,
    Not,
    Raw,
    Ref,
    Repeat,
    Rule,
    Rules,
    Seq,
    alt,
    seq,
)

__all__ = ["Printer", "TooLong", "broad", "straddling"]

_RAW_STATES = 300
"""A state of the automaton of raw text costs an engine some 20 ms."""


class TooLong(Exception):  # noqa: N818  it tells of a bound that was met, not of a mistake
    """A repetition with a count that the grammar text has no good form for; ``bound`` is the largest it has."""

    def __init__(self, high: int, bound: int) -> None:
        super().__init__(
            f"{high} times is more than the {bound} that this grammar text can count; leave the bound out or lower it"
        )
        self.bound = bound


class Printer:
    """One grammar text as it is made; a subclass says what its engine has."""

    any_char: ClassVar[str]

    def __init__(self, rules: Rules, special: Mapping[str, int]) -> None:
        self._rules = rules
        self._special = special
        apart = sorted(special, key=len, reverse=True)
        self._apart = re.compile(f"({'|'.join(map(re.escape, apart))})" if apart else "(?!)")
        self._helpers: dict[Hashable, str] = {}
        self._parts: dict[Lexeme | Chars, str | None] = {}
        self._lines: list[str] = []

    def text(self) -> str:
        """The grammar; `ValueError` names a rule that allows nothing at all."""
        given = []
        for name, rule in self._rules.items():
            options = self.options(rule)
            if not options:
                raise ValueError(f"rule {name!r} allows no text at all; leave it out together with what needs it")
            given.append(_line(self.name(name), options))
        return "\n".join([*given, *self._lines]) + "\n"

    # What engines write in ways of their own

    def name(self, name: str) -> str:
        """A rule's name as the engine spells it."""
        return name

    def token(self, text: str, number: int) -> str:
        """A special token."""
        raise NotImplementedError

    def ahead(self, lexeme: Lexeme) -> str:
        """What an engine is told of the characters after a lexeme."""
        return ""

    def counted(self, item: Rule, low: int, high: int, end: str) -> str:
        """A broad ``item`` ``low`` to ``high`` times, then ``end``."""
        raise NotImplementedError

    def least(self, item: Rule, low: int, rest: str) -> str:
        """``item`` ``low`` times, then ``rest``."""
        return f"{self.times(self._one(item), low, low)} {rest}".rstrip() if low else rest

    def times(self, item: str, low: int, high: int | None) -> str:
        """``item``, a name or a class, ``low`` to ``high`` times."""
        if high is None:
            return {0: f"{item}*", 1: f"{item}+"}.get(low, f"{item}{{{low},}}")
        return f"{item}{{{low}}}" if low == high else f"{item}{{{low},{high}}}"

    def raw_text(self, stops: tuple[str, ...], body: Rule, tails: tuple[str, ...]) -> str | None:
        """Text of ``body`` that holds none of ``stops`` and ends in none of ``tails``."""
        parts = [] if body == ANYTHING else [body]
        parts += [no_stop(stops)]
        parts += [Not(seq(ANYTHING, alt(*tails)))] if tails else []
        return self.regular(Both(tuple(parts)), EMPTY, _RAW_STATES)

    def ranges(self, chars: Chars) -> Iterable[tuple[int, int]]:
        """The ranges of a class as they are written."""
        return joined(chars)

    # Rules

    def helper(self, key: Hashable, letter: str, options: Callable[[str], Iterable[str]], head: str = "") -> str:
        """The name of the rule of ``options``, given its own name; equal keys are one rule.  ``head`` follows the name where the rule is defined."""
        if key not in self._helpers:
            name = self._helpers[key] = f"{letter}{len(self._helpers)}"
            self._lines.append("")
            at = len(self._lines) - 1
            self._lines[at] = _line(name + head, options(name))
        return self._helpers[key]

    def options(self, rule: Rule, ahead: str = "") -> list[str]:
        """The alternatives of a rule; none where it allows nothing.  ``ahead`` promises to a loop at its end what follows."""
        if isinstance(rule, Alt):
            return [option for item in rule.items for option in self.options(item, ahead)]
        made = self.sequence(rule.items if isinstance(rule, Seq) else (rule,), ahead)
        return [] if made is None else [made or '""']

    def sequence(self, items: Sequence[Rule], ahead: str = "") -> str | None:
        """One after the other; None where one of them allows nothing."""
        parts: list[str] = []
        at = 0
        while at < len(items):
            item, after = items[at], items[at + 1] if at + 1 < len(items) else EMPTY
            at += 1
            if isinstance(item, Repeat | Both | Not):
                end = after if isinstance(after, Lit | Chars) and _carries(item) else EMPTY
                at += end is after and after != EMPTY
                promise = ahead if at == len(items) else ""
                part = self._repeated(item, end, promise) if isinstance(item, Repeat) else self.regular(item, end)
            else:
                part = self._part(item)
            if part is None:
                return None
            parts.append(part)
        return " ".join(filter(None, parts))

    def _part(self, item: Rule) -> str | None:
        """Something to stand in a sequence; empty for the empty text."""
        if isinstance(item, Lexeme | Chars):
            if item not in self._parts:
                self._parts[item] = self._lexeme(item) if isinstance(item, Lexeme) else self.char_class(item)
            return self._parts[item]
        match item:
            case Lit(text):
                return self.literal(text)
            case Ref(name):
                return self.name(name)
            case Seq(items):
                return self.sequence(items)
            case Raw():
                return self._raw(item)
            case Alt():
                return _group(self.options(item))
        raise TypeError(f"{item!r} cannot stand in a grammar text; put in its place what it stands for")

    def _lexeme(self, lexeme: Lexeme) -> str | None:
        inner = lexeme.item
        return self._part(inner) if isinstance(inner, Lit | Chars) else self._named(inner, self.ahead(lexeme))

    def _named(self, rule: Rule, ahead: str = "") -> str | None:
        options = self.options(rule, ahead)
        return self.helper(("named", rule), "L", lambda _: options) if options else None

    # Repetition

    def _repeated(self, repeat: Repeat, end: Rule, ahead: str) -> str | None:
        item, low, high = repeat.item, repeat.low, repeat.high
        options = self.options(item)
        after = self._part(end)
        if after is None or (low and not options):
            return None
        if not options or high == 0:
            return after
        if (low, high) == (0, 1):
            return f"({' | '.join(options)})? {after}".rstrip()
        if high is not None and broad(item):
            return self.counted(item, low, high, after)
        if high is None and self.nullable(item):
            return self.regular(repeat, end)
        if high is None and not (isinstance(item, Chars) and not broad(item)):
            return self.least(item, low, self.loop(item, after, ahead))
        return f"{self.times(self._one(item), low, high)} {after}".rstrip()

    def _one(self, item: Rule) -> str:
        """The name of a rule, or a class: what can be repeated at the least cost."""
        part = self._part(item) if isinstance(item, Chars | Ref) else self._named(item)
        assert part is not None
        return part

    def loop(self, item: Rule, end: str, ahead: str) -> str:
        """``item`` any number of times, then ``end``."""
        options = self.options(item)

        def made(name: str) -> list[str]:
            inner = [end or '""', *_before(options, name)]
            return [f"({' | '.join(inner)}) {ahead}"] if ahead else inner

        return self.helper(("loop", item, end, ahead), "R", made)

    def chain(self, item: Rule, low: int, high: int, end: str) -> str:
        """``item`` ``low`` to ``high`` times, then ``end``: a rule for each time."""
        options, rest = self.options(item), end
        for left in range(high):
            rest = self._step(item, ([end or '""'] if left < high - low else []) + _before(options, rest))
        return rest

    def _step(self, item: Rule, options: list[str]) -> str:
        return self.helper(("step", item, tuple(options)), "R", lambda _: options)

    # Automata

    def regular(self, rule: Rule, end: Rule, cap: int = 1000) -> str | None:
        """A rule by its automaton, with ``end`` after it."""
        automaton = automaton_of(rule, cap)
        if not automaton.states:
            return None
        key = ("states", automaton, end)
        if key not in self._helpers:
            prefix = f"A{len(self._helpers)}-"
            self._helpers[key] = f"{prefix}0"
            self._lines += [
                _line(name, self.options(made)) for name, made in right_linear(automaton, prefix, end).items()
            ]
        return self._helpers[key]

    # Raw text

    def _raw(self, raw: Raw) -> str | None:
        """The ends grouped by what the text before them may not end in: in all but odd cases one group."""
        groups: dict[tuple[str, ...], list[str]] = {}
        for end, rest in raw.then:
            groups.setdefault(straddling(raw.stops, end), []).extend(self.options(seq(end, rest)))
        body = ANYTHING if raw.body is None else raw.body
        made = []
        for tails, ends in groups.items():
            text = self.raw_text(raw.stops, body, tails)
            if text is not None and ends:
                made.append(f"{text} {_group(ends)}")
        return _group(made)

    # Characters

    def literal(self, text: str) -> str:
        """A literal, special tokens apart; empty for the empty text."""
        if "\0" in text:
            raise ValueError(
                f"{text!r} has the character U+0000, which xgrammar and llama.cpp misread in a grammar; leave the text out"
            )
        pieces = filter(None, self._apart.split(text))
        return " ".join(
            self.token(piece, self._special[piece]) if piece in self._special else quoted(piece) for piece in pieces
        )

    def char_class(self, chars: Chars) -> str | None:
        """A class, or its complement where that is of ASCII characters only."""
        if not chars.ranges:
            return None
        if chars == ANY:
            return self.any_char
        if chars.ranges[-1][1] == 0:
            return self.literal("\0")
        outside = ~chars
        if outside.ranges[-1][1] < 0x80:  # beyond ASCII most versions of xgrammar misread a complement
            return f"[^{self._spans(outside)}]"
        return f"[{self._spans(chars)}]"

    def _spans(self, chars: Chars) -> str:
        made = []
        for first, last in self.ranges(chars):
            ends = [_char(chr(code), "[]^-") for code in ((first, last) if first < last else (first,))]
            made.append("-".join(ends) if last - first > 1 else "".join(ends))
        return "".join(made)

    def nullable(self, rule: Rule, seen: frozenset[str] = frozenset()) -> bool:
        """Whether a rule allows the empty text."""
        match rule:
            case Lit(text):
                return not text
            case Seq(items):
                return all(self.nullable(item, seen) for item in items)
            case Alt(items):
                return any(self.nullable(item, seen) for item in items)
            case Repeat(item, low):
                return not low or self.nullable(item, seen)
            case Lexeme(item):
                return self.nullable(item, seen)
            case Ref(name):
                return name not in seen and self.nullable(self._rules[name], seen | {name})
            case Both() | Not():
                return any(state.accepting for state in automaton_of(rule).states[:1])
        return False


def broad(item: Rule) -> bool:
    """Whether a repeated item is one character of very many, as in a string: what an engine counts slowly."""
    match item:
        case Chars(ranges):
            return sum(last - first + 1 for first, last in ranges) > 256
        case Alt(items):
            return any(isinstance(inner, Chars) and broad(inner) for inner in items)
        case Lexeme(inner):
            return broad(inner)
    return False


def straddling(stops: Sequence[str], end: str) -> tuple[str, ...]:
    """What text may not end in before ``end``: beginnings of stops whose other part ``end`` begins with, before a stop is whole within it."""
    first = min((end.find(stop) + len(stop) for stop in stops if stop in end), default=len(end) + 1)
    cuts = ((stop[:cut], stop[cut:]) for stop in stops for cut in range(1, len(stop)))
    return tuple(dict.fromkeys(begun for begun, left in cuts if end.startswith(left) and len(left) < first))


def _carries(item: Rule) -> bool:
    """Whether what ends an item is to stand inside it: loops over more than a narrow class, and automata."""
    if isinstance(item, Repeat):
        return item.high is None or broad(item.item)
    return True


def _before(options: Iterable[str], rest: str) -> list[str]:
    return [f"{option} {rest}".rstrip() for option in options]


def _line(name: str, options: Iterable[str]) -> str:
    return f"{name} ::= {' | '.join(options)}"


def _group(options: Sequence[str]) -> str | None:
    """The alternatives as one part of a sequence."""
    if len(options) > 1:
        return f"({' | '.join(options)})"
    return None if not options else "" if options[0] == '""' else options[0]


_NAMED = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\\": r"\\"}


@lru_cache(8192)
def quoted(text: str) -> str:
    """A literal as both engines read it."""
    inner = "".join(r"\"" if char == '"' else _char(char) for char in text)
    return f'"{inner}"'


def _char(char: str, marks: str = "") -> str:
    if char in _NAMED:
        return _NAMED[char]
    if char in marks or not char.isprintable():
        code = ord(char)
        return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"  # xgrammar reads any number of digits after \x
    return char


def joined(chars: Chars) -> list[tuple[int, int]]:
    """The ranges, those around the surrogates as one: no text holds a surrogate."""
    made: list[tuple[int, int]] = []
    for first, last in chars.ranges:
        if made and (made[-1][1], first) == (0xD7FF, 0xE000):
            made[-1] = made[-1][0], last
        else:
            made.append((first, last))
    return made
