"""What a schema asks of one string, as rules: of its text as it stands, or in quotes; and with less asked of it, for engines that cannot hold all."""

from dataclasses import replace

from toolfmt.grammar.nodes import Text
from toolfmt.grammar.productive import needs_automaton
from toolfmt.grammar.strings import Quotes, encoded, hiding
from toolfmt.rule import ANY, Both, Lexeme, Not, Rule, holding, many, repeat

__all__ = ["ANY_TEXT", "all_of", "asked", "body_of", "easier", "is_plain", "quoted"]

ANY_TEXT = many(ANY)


def all_of(rules: list[Rule]) -> Rule:
    return rules[0] if len(rules) == 1 else Both(tuple(rules))


def quoted(node: Text, quotes: Quotes, never: tuple[str, ...]) -> Rule:
    """A string in quotes."""
    lengths = node.low > 0 or node.high is not None
    if not node.patterns:
        content = repeat(quotes.counted, node.low, node.high) if lengths else many(quotes.char)
    else:
        rules = [encoded(pattern, hiding(quotes) if never else quotes) for pattern in node.patterns]
        content = all_of([*rules, *([repeat(quotes.counted, node.low, node.high)] if lengths else [])])
    whole = quotes.string(content)
    return Lexeme(Both((whole, Not(holding(never)))) if never else whole)


def is_plain(node: Text, rule: Rule) -> bool:
    """Whether any engine can hold it."""
    quoted = isinstance(rule, Lexeme) and not needs_automaton(rule)
    return not (node.low or node.patterns) and node.high is None and (rule == ANY_TEXT or quoted)


def easier(node: Text) -> list[tuple[Text, str, str]]:
    """The string, then with ever less asked of it: what is left out, and its name."""
    made = [(node, "", "")]
    if node.high is not None:
        made.append((node := replace(node, high=None), "maxLength", "that many characters"))
    if node.low:
        made.append((node := replace(node, low=0), "minLength", "that many characters"))
    if node.patterns:
        made.append((replace(node, patterns=()), node.keyword, "the states of its pattern"))
    return made


def body_of(node: Text, also: Rule | None) -> Rule:
    rules = asked(node, also)
    return all_of(rules) if rules else ANY_TEXT


def asked(node: Text, also: Rule | None) -> list[Rule]:
    """All that is asked of a string as it stands."""
    rules = [*node.patterns, *([also] if also is not None else [])]
    return [*rules, repeat(ANY, node.low, node.high)] if node.low or node.high is not None else rules
