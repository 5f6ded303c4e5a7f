"""JSON Schema's ``pattern`` as a rule.

A pattern is ECMA-262 to JSON Schema and Python's `re` to jsonschema, and found anywhere in a text.  Read here is what both of them find.  That is
less than Python finds alone: ``$`` does not stand before a final line break, ``\\d`` and ``\\w`` are ASCII's.  So the complement of a rule is a
little more than what Python does not find.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from itertools import groupby
from typing import Final, NamedTuple, NoReturn

from toolfmt.rule import ANY, ANYTHING, EMPTY, NEVER, Alt, Chars, Lit, Repeat, Rule, Seq, alt, repeat, seq

__all__ = ["PatternError", "read_pattern"]

_MAX_LENGTH = 10_000
_MAX_NESTING = 100
_MAX_TIMES = 10_000
_MAX_SIZE = 20_000
"""Characters of a pattern in which every repetition is written out."""
_MAX_EDGES = 50
"""Parts that may or may not be held by an anchor, such as ``(^|,)``: a rule is nested about as deep."""


class PatternError(ValueError):
    """A pattern that is malformed, or says what no rule can say; the message tells what and where."""


def read_pattern(pattern: str) -> Rule:
    """Every text in which ``pattern`` is found; PatternError where it cannot be read."""
    if len(pattern) > _MAX_LENGTH:
        raise PatternError(f"a pattern of {len(pattern)} characters; at most {_MAX_LENGTH} are read")
    pieces = _Reader(pattern).read()
    return alt(*(_found(rule, starts, ends) for (starts, ends), rule in pieces.items()))


# What a part of a pattern matches

_Pieces = dict[tuple[bool, bool], Rule]
"""Whether a match must start where the text starts, and end where it ends -> what it is made of."""

_START: Final[_Pieces] = {(True, False): EMPTY}
_END: Final[_Pieces] = {(False, True): EMPTY}


def _plain(rule: Rule) -> _Pieces:
    return {(False, False): rule}


def _followed(first: _Pieces, second: _Pieces) -> _Pieces:
    """One after the other.  What must start the text follows only what is empty, and only that follows what must end it."""
    made: _Pieces = {}
    for (starts, ends), rule in first.items():
        for (late_start, early_end), next_rule in second.items():
            before = _emptied(rule) if late_start else rule
            after = _emptied(next_rule) if ends else next_rule
            sides = starts or late_start, ends or early_end
            made[sides] = alt(made.get(sides, NEVER), seq(before, after))
    return {sides: rule for sides, rule in made.items() if rule != NEVER}


def _either(branches: Iterable[_Pieces]) -> _Pieces:
    found: dict[tuple[bool, bool], list[Rule]] = {}
    for branch in branches:
        for sides, rule in branch.items():
            found.setdefault(sides, []).append(rule)
    return {sides: alt(*rules) for sides, rules in found.items()}


def _emptied(rule: Rule) -> Rule:
    return EMPTY if _may_be_empty(rule) else NEVER


def _may_be_empty(rule: Rule) -> bool:
    if isinstance(rule, Repeat):
        return rule.low == 0 or _may_be_empty(rule.item)
    if isinstance(rule, Alt):
        return any(map(_may_be_empty, rule.items))
    return rule == EMPTY if not isinstance(rule, Seq) else all(map(_may_be_empty, rule.items))


def _found(rule: Rule, starts: bool, ends: bool) -> Rule:
    """Texts in which ``rule`` is found; what an open end takes up anyway is left out."""
    parts = list(rule.items) if isinstance(rule, Seq) else [rule]
    if not starts:
        parts = [ANYTHING, *_without_excess(parts)]
    if not ends:
        parts = [*reversed(_without_excess(parts[::-1])), ANYTHING]
    return seq(*parts)


def _without_excess(parts: list[Rule]) -> list[Rule]:
    """What is left of ``parts`` behind any text: repetitions at their edge need no more than their least."""
    while parts and _may_be_empty(parts[0]):
        parts = parts[1:]
    if parts and isinstance(edge := parts[0], Repeat):
        parts = [repeat(edge.item, edge.low, edge.low), *parts[1:]]
    return parts


# Characters


class _Set(NamedTuple):
    """The characters that an escape or a class means to each of both."""

    python: Chars
    ecma: Chars

    def both(self) -> Rule:
        chars = self.python if self.python == self.ecma else self.python & self.ecma
        if not chars.ranges:
            return NEVER
        (first, last), *more = chars.ranges
        return Lit(chr(first)) if first == last and not more else chars

    def negated(self) -> "_Set":
        return _Set(~self.python, ~self.ecma)


def _same(chars: Chars) -> _Set:
    return _Set(chars, chars)


_DIGIT = Chars.of(("0", "9"))
_WORD = Chars.of(("0", "9"), ("A", "Z"), "_", ("a", "z"))
_SPACE = Chars.of("\t\n\v\f\r \xa0\u1680", ("\u2000", "\u200a"), "\u2028\u2029\u202f\u205f\u3000")
_DOT: Final = _Set(~Chars.of("\n"), ~Chars.of("\n\r\u2028\u2029")).both()

_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v"}
_CATEGORIES = frozenset(
    "L Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z Zs Zl Zp".split()
)


@cache
def _shorthand(letter: str) -> _Set:
    """What ``\\d``, ``\\w``, ``\\s`` and their capitals stand for."""
    if letter.isupper():
        return _shorthand(letter.lower()).negated()
    if letter == "d":
        return _Set(_category("Nd"), _DIGIT)
    if letter == "w":
        return _Set(_python_word(), _WORD)
    return _Set(_SPACE | Chars.of(("\x1c", "\x1f"), "\x85"), _SPACE | Chars.of("\ufeff"))


@cache
def _python_word() -> Chars:
    found = re.finditer(r"\w+", "".join(map(chr, range(0x110000))))
    return ANY & Chars(tuple((run.start(), run.end() - 1) for run in found))


@cache
def _category(name: str) -> Chars:
    """The characters of a general category of Unicode, or of all whose names begin so."""
    runs = groupby(range(0x110000), lambda code: unicodedata.category(chr(code)).startswith(name))
    spans = [(codes[0], codes[-1]) for held, run in runs if held and (codes := list(run))]
    return ANY & Chars(tuple(spans))


# Reading

_GROUP = re.compile(r"\((?:\?:|\?P?<([A-Za-z_][A-Za-z0-9_]*)>|(?!\?))")
_BRACES = re.compile(r"\{([0-9]*)(?:(,)([0-9]*))?\}")
_CODE = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\}")
_PROPERTY = re.compile(r"[pP]\{(\w+)\}")
_UNSUPPORTED_GROUPS = {
    "(?=": "lookahead", "(?!": "lookahead", "(?<=": "lookbehind", "(?<!": "lookbehind", "(?P=": "a backreference",
    "(?>": "an atomic group", "(?(": "a condition", "(?#": "a comment",
}  # fmt: skip


class _Reader:
    """Recursive descent over one pattern."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.depth = 0
        self.edges = 0
        self.names: set[str] = set()

    def read(self) -> _Pieces:
        found = self._alternatives()
        if self.at < len(self.pattern):
            self._refuse("a `)` that closes nothing", self.at)
        return found

    def _refuse(self, what: str, at: int) -> NoReturn:
        shown = self.pattern if len(self.pattern) <= 60 else f"{self.pattern[:60]}..."
        raise PatternError(f"the pattern `{shown}` has {what} at character {at}; write it without")

    def _ahead(self, text: str) -> bool:
        return self.pattern.startswith(text, self.at)

    def _take(self, what: str) -> str:
        """The next character; ``what`` names what lacks one."""
        if self.at == len(self.pattern):
            self._refuse(what, self.at)
        char = self.pattern[self.at]
        if "\ud800" <= char <= "\udfff":
            self._refuse("a surrogate", self.at)
        self.at += 1
        return char

    def _alternatives(self) -> _Pieces:
        branches = [self._branch()]
        while self._ahead("|"):
            self.at += 1
            branches.append(self._branch())
        return _either(branches)

    def _branch(self) -> _Pieces:
        """One alternative.  What has no anchors is joined first, and the whole is measured as it grows."""
        start, made, run = self.at, _plain(EMPTY), list[Rule]()
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            item = self._repeated()
            if item.keys() == {(False, False)}:
                run += item.values()
                continue
            self.edges += len(item) > 1
            if self.edges > _MAX_EDGES:
                self._refuse(f"more than {_MAX_EDGES} parts with an anchor in one of their alternatives", self.at)
            made, run = _followed(_followed(made, _plain(seq(*run))), item), []
            self._measure(made, start)
        made = _followed(made, _plain(seq(*run)))
        self._measure(made, start)
        return made

    def _measure(self, made: _Pieces, at: int) -> None:
        if sum(map(_size, made.values())) > _MAX_SIZE:
            self._refuse(f"more than {_MAX_SIZE} characters once repetitions are written out", at)

    def _repeated(self) -> _Pieces:
        at = self.at
        item, anchor = self._item()
        times_at = self.at
        times = self._times()
        if times is None:
            return item
        if anchor:
            self._refuse("a repetition of nothing", times_at)
        if self._ahead("+"):
            self._refuse("a possessive repetition", times_at)
        if self._ahead("?"):
            self.at += 1
        again = self.at
        if self._times() is not None:
            self._refuse("a repetition of a repetition", again)
        return self._multiplied(item, times, at)

    def _multiplied(self, item: _Pieces, times: tuple[int, int | None], at: int) -> _Pieces:
        if item.keys() <= {(False, False)}:
            return _plain(repeat(item.get((False, False), NEVER), *times))
        if times[1] == 0:
            return _plain(EMPTY)
        if times[1] != 1:
            self._refuse("a repeated anchor", at)
        return item if times[0] else _either([item, _plain(EMPTY)])

    def _times(self) -> tuple[int, int | None] | None:
        """What says how often, if that stands here; other braces are characters."""
        sign = self.pattern[self.at : self.at + 1]
        if sign and sign in "*+?":
            self.at += 1
            return int(sign == "+"), 1 if sign == "?" else None
        found = _BRACES.match(self.pattern, self.at)
        if found is None or found[0] == "{}":
            return None
        low, comma, high = found.groups()
        if max(len(low), len(high or "")) > 9 or max(int(low or 0), int(high or 0)) > _MAX_TIMES:
            self._refuse(f"a repetition of more than {_MAX_TIMES} times", self.at)
        least = int(low or 0)
        most = least if not comma else int(high) if high else None
        if most is not None and most < least:
            self._refuse("a repetition with its bounds the wrong way round", self.at)
        self.at = found.end()
        return least, most

    def _item(self) -> tuple[_Pieces, bool]:
        """What stands here, and whether it is an anchor."""
        at = self.at
        if self._ahead("("):
            return self._group(), False
        char = self._take("nothing")
        if char in "^$":
            return _START if char == "^" else _END, True
        if char in "*+?":
            self._refuse("a repetition of nothing", at)
        if char == "[":
            return _plain(self._class(at)), False
        if char == ".":
            return _plain(_DOT), False
        if char == "\\" and self.pattern[self.at : self.at + 1] in ("A", "Z"):
            self.at += 1
            return _START if self.pattern[self.at - 1] == "A" else _END, True
        return _plain(self._escape(at).both() if char == "\\" else Lit(char)), False

    def _group(self) -> _Pieces:
        at, found = self.at, _GROUP.match(self.pattern, self.at)
        if found is None:
            kind = next(
                (kind for start, kind in _UNSUPPORTED_GROUPS.items() if self._ahead(start)), "a group with options"
            )
            self._refuse(kind, at)
        if found[1] in self.names:
            self._refuse(f"a second group `{found[1]}`", at)
        self.names |= {found[1]} - {None}
        self.at = found.end()
        self.depth += 1
        if self.depth > _MAX_NESTING:
            self._refuse(f"more than {_MAX_NESTING} groups inside one another", at)
        made = self._alternatives()
        self.depth -= 1
        if not self._ahead(")"):
            self._refuse("a group without an end", at)
        self.at += 1
        return made

    def _escape(self, at: int, inside: bool = False) -> _Set:
        """What stands behind a backslash; ``inside`` a class or not."""
        if found := _CODE.match(self.pattern, self.at):
            code = int(found[1] or found[2] or found[3], 16)
            if 0xD800 <= code <= 0xDFFF or code > 0x10FFFF:
                self._refuse("an escape that is no character", at)
            self.at = found.end()
            return _same(Chars(((code, code),)))
        if found := _PROPERTY.match(self.pattern, self.at):
            if found[1] not in _CATEGORIES:
                self._refuse(f"the property `{found[1]}`, which is no general category", at)
            self.at = found.end()
            chars = _same(_category(found[1]))
            return chars.negated() if found[0][0] == "P" else chars
        char = self._take("a backslash with nothing behind it")
        if char in "dwsDWS":
            return _shorthand(char)
        if char in _CONTROLS:
            return _same(Chars.of(_CONTROLS[char]))
        if char == "0" and not self.pattern[self.at : self.at + 1].isdigit():
            return _same(Chars.of("\0"))
        if char == "b" and inside:
            return _same(Chars.of("\b"))
        if char.isalnum() and char.isascii():
            what = "a backreference" if char in "123456789" else "a word boundary" if char in "bB" else "the escape"
            self._refuse(f"{what} `\\{char}`", at)
        return _same(Chars.of(char))

    def _class(self, at: int) -> Rule:
        """A class, of which the bracket is read."""
        negated = self._ahead("^")
        self.at += negated
        python = ecma = Chars(())
        first = True
        while first or not self._ahead("]"):
            first = False
            member = self._member(at)
            python, ecma = python | member.python, ecma | member.ecma
        self.at += 1
        whole = _Set(python, ecma)
        return (whole.negated() if negated else whole).both()

    def _member(self, at: int) -> _Set:
        """One character, escape or range of the class that began at ``at``."""
        member_at = self.at
        low = self._character(at)
        if not self._ahead("-") or self.pattern[self.at + 1 : self.at + 2] in ("]", ""):
            return low
        self.at += 1
        high = self._character(at)
        ends = [chars.python.ranges for chars in (low, high)]
        if any(len(ranges) != 1 or ranges[0][0] != ranges[0][1] for ranges in ends) or ends[0] > ends[1]:
            self._refuse("a range that has no order", member_at)
        return _same(ANY & Chars(((ends[0][0][0], ends[1][0][0]),)))

    def _character(self, at: int) -> _Set:
        char_at, char = self.at, self._take("no end of the class")
        return self._escape(char_at, inside=True) if char == "\\" else _same(Chars.of(char))


def _size(rule: Rule) -> int:
    """How many characters a rule is when every repetition is written out."""
    if isinstance(rule, Repeat):
        times = rule.low + 1 if rule.high is None else rule.high
        return max(1, times) * (1 + _size(rule.item))
    if isinstance(rule, Seq | Alt):
        return sum(map(_size, rule.items)) + 1
    return len(rule.text) if isinstance(rule, Lit) else 1
