"""llguidance's Lark: rules in lower case, and lexemes in upper case that its lexer reads by derivatives, with ``&`` and ``~``.

The lexer is greedy over all lexemes that may stand at a place and never goes back.  So what is outside a `Lexeme` is written such that nothing
can be lost:

* a repeat stays a repeat in the grammar, over single characters, which the parser (not the lexer) counts;
* a literal is cut wherever another literal or a lexeme of the grammar could end inside it, so that no literal hides what it begins with;
* a `Raw` text and the first stop of its end are one lexeme, which can go on no further.

Inside a `Lexeme` all is exact.  Whoever makes one vouches that where it may end, no character that may follow it could also continue it, or another
lexeme that may stand in its place.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from toolfmt.errors import GrammarError
from toolfmt.rule import (
    ANYTHING,
    NEVER,
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
    holding,
    seq,
)

__all__ = ["write"]

_NOTHING = "[a&&b]"
_ANY_BYTES = f"~/{_NOTHING}/"


def write(rules: Rules, *, special: Mapping[str, int] = {}) -> str:
    """The grammar text of ``rules``.  ``special``: the texts that are tokens marked special, which no quoted text matches, and their ids."""
    return _Writer(rules, special).text()


class _Writer:
    """Writes one grammar; holds its lexemes by their text and the cuts of its literals."""

    def __init__(self, rules: Rules, special: Mapping[str, int]) -> None:
        self.rules = rules
        self.special = special
        self.specials = re.compile("|".join(map(re.escape, sorted(special, key=len, reverse=True))) or "(?!)")
        self.lexemes: dict[str, str] = {}
        self.name = ""
        lits: list[str] = []
        pieces: list[Rule] = []
        for name, rule in rules.items():
            self.name = name
            for node in _outside_lexemes(rule):
                if isinstance(node, Lit):
                    lits.append(node.text)
                elif isinstance(node, Raw):
                    lits += [self.end_of(node, end)[1] for end, _ in node.then]
                else:
                    pieces.append(node)
        plain = {part for text in lits for part in self.specials.split(text) if part}
        self.cuts = _cuts(plain, list(dict.fromkeys(pieces)))

    def text(self) -> str:
        lines = ["%llguidance {}", "start: r_root"]
        lines += [f"r_{name}: {self.rule(rule)}" for name, rule in self.rules.items()]
        return "\n".join([*lines, *(f"{name}: {text}" for text, name in self.lexemes.items()), ""])

    def rule(self, rule: Rule) -> str:
        """``rule`` as part of a rule's line."""
        match rule:
            case Lit(text):
                return self.literal(text)
            case Seq(items):
                return " ".join(map(self.rule, items)) or '""'
            case Alt(items) if items:
                return f"({' | '.join(map(self.rule, items))})"
            case Repeat(_, _, 0):
                return '""'
            case Repeat(item, low, high):
                return f"({self.rule(item)}){_times(low, high)}"
            case Ref(name):
                return f"r_{name}"
            case Raw(_, then):
                return f"({' | '.join(self.raw(rule, end, after) for end, after in then)})"
            case _:
                return self.lexeme(_lexeme(rule))

    def raw(self, rule: Raw, end: str, after: Rule) -> str:
        """One way in which a raw text may end, and what comes then."""
        mark, rest = self.end_of(rule, end)
        early = alt(*_early(rule.stops, mark, end))
        refused = [Not(holding(rule.stops)), Not(seq(ANYTHING, early))]
        text = _lexeme(Both((rule.body or ANYTHING, *refused)))
        lexeme = self.lexeme(f"{text} {_text(mark)}" if mark else text)
        return " ".join(part for part in (lexeme, self.literal(rest) if rest else "", self.rule(after)) if part != '""')

    def end_of(self, rule: Raw, end: str) -> tuple[str, str]:
        """``end`` in two: what belongs to the lexeme of the raw text, up to where a stop ends or a special token begins, and the rest."""
        token = self.specials.search(end)
        cut = min(_first_stop(rule.stops, end), token.start() if token else len(end) + 1)
        if end and cut > len(end):
            raise GrammarError(
                self.name,
                f"llguidance's lexer is greedy and would read past the end of a raw text; let the end hold one of the stops: `{end}`",
            )
        return end[:cut], end[cut:]

    def literal(self, text: str) -> str:
        """A literal: quoted pieces and the special tokens between them."""
        made, at = [], 0
        for token in self.specials.finditer(text):
            made += [*self.quoted(text[at : token.start()]), f"<[{self.special[token[0]]}]>"]
            at = token.end()
        return " ".join([*made, *self.quoted(text[at:])]) or '""'

    def quoted(self, text: str) -> list[str]:
        if cut := self.cuts.get(text):
            return self.quoted(text[:cut]) + self.quoted(text[cut:])
        return [_text(text)] if text else []

    def lexeme(self, text: str) -> str:
        return self.lexemes.setdefault(text, f"T{len(self.lexemes)}")


def _outside_lexemes(rule: Rule) -> Iterator[Rule]:
    """What of ``rule`` is read in one piece: its literals, raw texts, single characters and lexemes."""
    match rule:
        case Seq(items) | Alt(items):
            for item in items:
                yield from _outside_lexemes(item)
        case Repeat(item):
            yield from _outside_lexemes(item)
        case Raw(_, then):
            yield rule
            for _, after in then:
                yield from _outside_lexemes(after)
        case Ref():
            pass
        case _:
            yield rule


# Literals that hide nothing


def _cuts(texts: set[str], pieces: list[Rule]) -> dict[str, int]:
    """Where each text is cut first, so that in the end none begins with another, nor with the most that one of ``pieces`` can take of it."""
    cuts: dict[str, int] = {}
    whole: set[str] = set()
    made = texts
    taken: dict[str, int] = {}
    while made:
        taken |= {text: _taken(text, pieces) for text in made}
        whole |= made
        made = set()
        for text in whole - cuts.keys():
            cut = next((end for end in range(1, len(text)) if end == taken[text] or text[:end] in whole), 0)
            if cut:
                cuts[text] = cut
                made |= {text[:cut], text[cut:]} - whole
    return cuts


def _taken(text: str, pieces: list[Rule]) -> int:
    """How much of ``text`` a lexeme among ``pieces`` takes, where that is not all; the least, where there are several."""
    taken = (_most_of(piece, text) for piece in pieces if _begins(piece, text[0]))
    return min((end for end in taken if 0 < end < len(text)), default=0)


@lru_cache(maxsize=16384)
def _most_of(piece: Rule, text: str) -> int:
    """How much of ``text`` a regular rule can take."""
    return max(_ends(piece, text, 0), default=0)


@lru_cache(maxsize=4096)
def _begins(rule: Rule, char: str) -> bool:
    """Whether a regular rule may allow a text that begins with ``char``; True where it takes more to tell."""
    match rule:
        case Lit(text):
            return text.startswith(char)
        case Chars():
            return char in rule
        case Seq((Lit() | Chars() as first, *_)):
            return _begins(first, char)
        case Alt(items):
            return any(_begins(item, char) for item in items)
        case Lexeme(item):
            return _begins(item, char)
        case Repeat(item, low, _) if low:
            return _begins(item, char)
        case Both(items):
            return all(_begins(item, char) for item in items)
    return True


def _ends(rule: Rule, text: str, start: int) -> set[int]:
    """Where in ``text`` what a regular ``rule`` matches from ``start`` may end."""
    match rule:
        case Lit(lit):
            return {start + len(lit)} if text.startswith(lit, start) else set()
        case Chars():
            return {start + 1} if start < len(text) and text[start] in rule else set()
        case Seq(items):
            ends = {start}
            for item in items:
                ends = {end for at in ends for end in _ends(item, text, at)}
            return ends
        case Alt(items):
            return {end for item in items for end in _ends(item, text, start)}
        case Repeat(item, low, high):
            return _repeat_ends(item, low, high, text, start)
        case Both(items):
            return set.intersection(*(_ends(item, text, start) for item in items))
        case Not(item):
            return set(range(start, len(text) + 1)) - _ends(item, text, start)
        case Lexeme(item):
            return _ends(item, text, start)
    raise TypeError(f"not a regular rule: {rule}")


def _repeat_ends(item: Rule, low: int, high: int | None, text: str, start: int) -> set[int]:
    made: set[int] = {start} if not low else set()
    ends, times = {start}, 0
    while ends and (high is None or times < high):
        times += 1
        ends = {end for at in ends for end in _ends(item, text, at)}
        if times > low:
            ends -= made
        if times >= low:
            made |= ends
    return made


# Raw texts


def _first_stop(stops: tuple[str, ...], end: str) -> int:
    """Where the stop that ends first in ``end`` ends; behind it, if none does."""
    return min((at + len(stop) for stop in stops if (at := end.find(stop)) >= 0), default=len(end) + 1)


def _early(stops: tuple[str, ...], mark: str, end: str) -> Iterator[str]:
    """How a text may not end: with the beginning of a stop which ``end`` would complete before it is itself complete."""
    for stop in stops:
        for inside in range(1, min(len(stop), _first_stop(stops, end))):
            if end.startswith(stop[-inside:]):
                yield stop[:-inside]


# Lexemes


@lru_cache(maxsize=1024)
def _lexeme(rule: Rule) -> str:
    """A regular rule as the text of a lexeme, which stands well between others and before ``&``."""
    match rule:
        case Both(items):
            wanted = [_lexeme(item) for item in items if not isinstance(item, Not)] or [_lexeme(ANYTHING)]
            refused = [f"~{_refused(item.item)}" for item in items if isinstance(item, Not) and item.item != NEVER]
            return f"({' & '.join(wanted + refused)})"
        case Not():
            return _lexeme(Both((rule,)))
        case Lexeme(item):
            return _lexeme(item)
        case Lit(text):
            return _text(text)
        case _ if _is_regex(rule):
            return _regex_text(_regex(rule))
        case Seq(items):
            return f"({' '.join(map(_lexeme, items))})"
        case Alt(items):
            return f"({' | '.join(map(_lexeme, items))})"
        case Repeat(_, _, 0):
            return '""'
        case Repeat(item, low, high):
            return f"(({_lexeme(item)}){_times(low, high)})"  # "~" would else take the item alone
    raise TypeError(f"not a regular rule: {rule}")


def _refused(rule: Rule) -> str:
    """What stands behind ``~``.

    A rest that may be anything is written as any bytes: once it is reached the engine knows at once that nothing more
    is allowed, where it would else search long, and fail, in a body with a length.  No more texts are refused by it.
    """
    match rule:
        case Seq((*items, last)) if last == ANYTHING:
            return f"({_lexeme(Seq(tuple(items)))} {_ANY_BYTES})"
        case _:
            return _lexeme(rule)


def _is_regex(rule: Rule) -> bool:
    match rule:
        case Seq(items) | Alt(items):
            return all(map(_is_regex, items))
        case Repeat(item) | Lexeme(item):
            return _is_regex(item)
        case _:
            return isinstance(rule, Lit | Chars)


def _regex(rule: Rule) -> str:
    """In the syntax of Rust's regex crate; closed, so that it may be repeated or followed."""
    match rule:
        case Lit(text):
            return f"(?:{_quoted(text)})"
        case Chars(ranges):
            return _class(ranges)
        case Seq(items):
            return f"(?:{''.join(map(_regex, items))})"
        case Alt(items) if items:
            return f"(?:{'|'.join(map(_regex, items))})"
        case Repeat(item, low, high):
            return f"(?:{_regex(item)}{_times(low, high)})"
        case Lexeme(item):
            return _regex(item)
    return _NOTHING


def _class(ranges: tuple[tuple[int, int], ...]) -> str:
    if ranges == ((0, 0xD7FF), (0xE000, 0x10FFFF)):
        return "(?s:.)"
    if not ranges:
        return _NOTHING
    return f"[{''.join(_char(first) if first == last else f'{_char(first)}-{_char(last)}' for first, last in ranges)}]"


def _char(code: int) -> str:
    char = chr(code)
    return char if char.isascii() and char.isalnum() else f"\\u{{{code:X}}}"


def _quoted(text: str) -> str:
    """``text`` in a regular expression."""
    return "".join(c if c.isascii() and (c.isalnum() or c in " \"<>=_:,;!@%'`") else _char(ord(c)) for c in text)


def _times(low: int, high: int | None) -> str:
    if high is None:
        return {0: "*", 1: "+"}.get(low, f"{{{low},}}")
    return "?" if (low, high) == (0, 1) else f"{{{low},{high}}}"


def _regex_text(regex: str) -> str:
    return f"/{_not_ebnf(regex, 'x3A')}/"


def _text(text: str) -> str:
    return _not_ebnf(json.dumps(text), "u003A")


def _not_ebnf(text: str, colon: str) -> str:
    """Without ``::=``, by which vLLM tells another dialect."""
    return text.replace("::=", f":\\{colon}=")
