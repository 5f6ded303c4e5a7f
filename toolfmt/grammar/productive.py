"""Which rules allow anything: a grammar of which one part allows nothing would be taken by engines in silence."""

from functools import lru_cache

from toolfmt.grammar.automaton import TooManyStates, is_empty, no_stop
from toolfmt.rule import NEVER, Alt, Both, Lexeme, Not, Raw, Ref, Repeat, Rule, Seq, alt, repeat, seq

__all__ = ["Productive", "needs_automaton"]


class Productive:
    """The named rules without what allows nothing."""

    def __init__(self, rules: dict[str, Rule]) -> None:
        self._all = rules
        self._good = self._found()

    def allows(self, rule: Rule) -> bool:
        """Whether a rule allows some text."""
        return _allows(rule, self._good)

    def rules(self) -> dict[str, Rule]:
        """All rules, so cleared."""
        return {name: self.rule(rule) for name, rule in self._all.items()}

    def _found(self) -> set[str]:
        """Names whose rules allow some text, in rounds until there are no more."""
        good: set[str] = set()
        left = dict(self._all)
        while True:
            more = [name for name, rule in left.items() if _allows(rule, good)]
            if not more:
                return good
            for name in more:
                good.add(name)
                del left[name]

    def rule(self, rule: Rule) -> Rule:
        """A rule without the alternatives that allow nothing."""
        if isinstance(rule, Ref):
            return rule if rule.name in self._good else NEVER
        if isinstance(rule, Seq):
            return seq(*map(self.rule, rule.items))
        if isinstance(rule, Alt):
            return alt(*map(self.rule, rule.items))
        if isinstance(rule, Repeat):
            return repeat(self.rule(rule.item), rule.low, rule.high)
        if isinstance(rule, Raw):
            then = tuple((end, left) for end, following in rule.then if (left := self.rule(following)) != NEVER)
            return Raw(rule.stops, then, rule.body) if then and _has_text(rule) else NEVER
        return rule if _allows(rule, self._good) else NEVER


def _allows(rule: Rule, good: set[str]) -> bool:
    if isinstance(rule, Ref):
        return rule.name in good
    if isinstance(rule, Seq):
        return all(_allows(item, good) for item in rule.items)
    if isinstance(rule, Alt):
        return any(_allows(item, good) for item in rule.items)
    if isinstance(rule, Repeat):
        return not rule.low or _allows(rule.item, good)
    if isinstance(rule, Raw):
        return any(_allows(following, good) for _, following in rule.then) and _has_text(rule)
    return not needs_automaton(rule) or not _is_empty(rule)


def _has_text(raw: Raw) -> bool:
    """Whether some text of its body holds none of its stops."""
    return raw.body is None or not _is_empty(Both((raw.body, no_stop(raw.stops))))


@lru_cache(4096)
def _is_empty(rule: Rule) -> bool:
    """Whether a regular rule allows nothing; taken for not so where it is too large to tell."""
    try:
        return is_empty(rule)
    except TooManyStates:
        return False


@lru_cache(4096)
def needs_automaton(rule: Rule) -> bool:
    """Whether `Both` or `Not` stands in a regular rule."""
    if isinstance(rule, Both | Not):
        return True
    if isinstance(rule, Lexeme | Repeat):
        return needs_automaton(rule.item)
    return isinstance(rule, Seq | Alt) and any(map(needs_automaton, rule.items))
