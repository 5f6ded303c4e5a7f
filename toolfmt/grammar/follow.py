"""Which characters may follow each `Lexeme` of a grammar: the promise that xgrammar's lookahead takes.

It halves the time of a mask within a string.  Sets are bits: one for each character of ASCII, and those below.  They are never too small: a wrong
promise would cost valid tokens in silence.
"""

from collections.abc import Mapping, Sequence

from toolfmt.rule import Alt, Chars, Lexeme, Lit, Raw, Ref, Repeat, Rule, Rules, Seq

__all__ = ["BEYOND", "END", "followers"]

BEYOND = 1 << 0x80
"""Some character beyond ASCII."""
END = BEYOND << 1
"""The end of everything."""
_EMPTY = END << 1
"""The text may be empty."""
_ANY = END - 1


def followers(rules: Rules) -> Mapping[Lexeme, int]:
    """What may follow each lexeme, wherever it stands in what ``root`` leads to."""
    firsts = _firsts(rules)
    found: dict[Lexeme, int] = {}
    after_rule = {"root": END}
    waiting = ["root"]

    def visit(rule: Rule, after: int) -> None:
        match rule:
            case Lexeme():
                found[rule] = found.get(rule, 0) | after
            case Ref(name):
                known = after_rule.get(name)
                if known is None or after & ~known:
                    after_rule[name] = (known or 0) | after
                    waiting.append(name)
            case Alt(items):
                for item in items:
                    visit(item, after)
            case Seq(items):
                for item in reversed(items):
                    visit(item, after)
                    after = _then(_first(item, firsts), after)
            case Repeat(item, _, high):
                visit(item, after if high == 1 else after | _first(item, firsts) & ~_EMPTY)
            case Raw(then=then):
                for _, rest in then:
                    visit(rest, after)

    while waiting:
        name = waiting.pop()
        visit(rules[name], after_rule[name])
    return found


def _firsts(rules: Rules) -> dict[str, int]:
    """The characters that each rule may begin with."""
    firsts = dict.fromkeys(rules, 0)
    changed = True
    while changed:
        changed = False
        for name in reversed(firsts):
            made = _first(rules[name], firsts)
            changed |= made != firsts[name]
            firsts[name] = made
    return firsts


def _first(rule: Rule, firsts: Mapping[str, int]) -> int:
    match rule:
        case Lit(text):
            return _bit(ord(text[0])) if text else _EMPTY
        case Chars(ranges):
            return sum((2 << min(last, 0x80)) - (1 << first) for first, last in ranges if first < 0x80) | _beyond(
                ranges
            )
        case Ref(name):
            return firsts[name]
        case Lexeme(item):
            return _first(item, firsts)
        case Alt(items):
            made = 0
            for item in items:
                made |= _first(item, firsts)
            return made
        case Seq(items):
            return _first_of_row(items, firsts)
        case Repeat(item, low):
            return _first(item, firsts) | (0 if low else _EMPTY)
    return _ANY | _EMPTY | END


def _first_of_row(items: Sequence[Rule], firsts: Mapping[str, int]) -> int:
    made = _EMPTY
    for item in items:
        made = _then(made, _first(item, firsts))
        if not made & _EMPTY:
            break
    return made


def _then(first: int, after: int) -> int:
    """What a text of ``first`` begins with where ``after`` follows it."""
    return first & ~_EMPTY | after if first & _EMPTY else first


def _beyond(ranges: tuple[tuple[int, int], ...]) -> int:
    return BEYOND if ranges and ranges[-1][1] > 0x7F else 0


def _bit(code: int) -> int:
    return 1 << min(code, 0x80)
