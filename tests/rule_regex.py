"""A regular rule as a Python regular expression: a judge that shares nothing with the automata of toolfmt."""

import re

from toolfmt.rule import Alt, Both, Chars, Lit, Not, Repeat, Rule, Seq

__all__ = ["rule_regex"]


def rule_regex(rule: Rule) -> str:
    """For `re.fullmatch`."""
    match rule:
        case Lit(text):
            return re.escape(text)
        case Chars(ranges):
            return "[" + "".join(_char(a) if a == b else f"{_char(a)}-{_char(b)}" for a, b in ranges) + "]"
        case Seq(items):
            return "".join(map(rule_regex, items))
        case Alt(items):
            return f"(?:{'|'.join(map(rule_regex, items))})" if items else "(?!)"
        case Repeat(item, low, high):
            inner = rule_regex(item)
            return (inner if isinstance(item, Chars | Alt) and inner != "(?!)" else f"(?:{inner})") + _times(low, high)
        case Both(items):
            return "".join(f"(?={rule_regex(item)}\\Z)" for item in items[1:]) + f"(?:{rule_regex(items[0])})"
        case Not(item):
            return f"(?!{rule_regex(item)}\\Z)(?s:.*)"
    raise AssertionError(f"{rule} is not regular")


def _char(code: int) -> str:
    return chr(code) if chr(code).isalnum() and code < 128 else f"\\U{code:08x}"


def _times(low: int, high: int | None) -> str:
    return {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((low, high), f"{{{low},{'' if high is None else high}}}")
