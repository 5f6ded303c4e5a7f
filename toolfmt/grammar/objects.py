"""Objects: one rule for each state of what has been written, so that no key stands twice and none is missing."""

from typing import TYPE_CHECKING

from toolfmt.errors import UnrepresentableError
from toolfmt.grammar.nodes import NOTHING, Goal, Member, Object
from toolfmt.rule import EMPTY, NEVER, Dialect, Lexeme, Lit, Rule, alt, seq

if TYPE_CHECKING:
    from toolfmt.grammar.raw_values import RawValues
    from toolfmt.grammar.spelling import Speller

__all__ = ["ObjectRules"]

_MOST_UNORDERED = 10
_INLINE = 16  # members that stand in one another's rules

State = tuple[int, int]
"""How many members, or which of them as bits, have been written or passed; how many stand, where that is counted."""
Then = list[tuple[str, Rule]]


class ObjectRules:
    """The rules of one object in one dialect."""

    def __init__(self, speller: "Speller", node: Object, dialect: Dialect, raw: "RawValues | None" = None) -> None:
        self.speller, self.node, self.dialect, self.raw = speller, node, dialect, raw
        self.m = dialect.members
        self.members = [member for member in node.members if self._is_writable(member)]
        self.count = len(self.members)
        self.required = sum(1 << i for i, member in enumerate(self.members) if member.required)
        self.unordered = speller.options.any_order and 1 < self.count <= _MOST_UNORDERED
        if speller.options.any_order and self.count > _MOST_UNORDERED:
            speller.narrowed("", "order", f"more than {_MOST_UNORDERED} properties stand in the schema's order")
        needed = self.required.bit_count()
        most = None if node.rest else self.count
        self.counted = node.low > needed or (node.high is not None and (most is None or node.high < most))
        self._named: dict[State, Rule] = {}

    def _is_writable(self, member: Member) -> bool:
        """Whether a member can stand at all; one that must and cannot makes the object impossible by its value."""
        if self.speller.can_write_key(member.key, self.dialect):
            return member.goal is not NOTHING or member.required
        if member.required:
            raise UnrepresentableError(
                f"/properties/{member.key}", f"the format cannot write the required key `{member.key}`"
            )
        self.speller.narrowed(
            f"/properties/{member.key}", "properties", "the format cannot write this key, which is optional"
        )
        return False

    def whole(self) -> Rule:
        start = (0, 0)
        some = (
            seq(self.speller.lit(self.m.opens + self.m.key[0], self.dialect), self.keys(start))
            if self.goes_on(start)
            else NEVER
        )
        empty = self.m.opens + self.m.closes if self.m.empty is None else self.m.empty
        return alt(some, self.speller.lit(empty, self.dialect) if self.is_complete(start) else NEVER)

    def is_complete(self, state: State) -> bool:
        written, count = state
        if self.counted and count < self.node.low:
            return False
        done = written if self.unordered else (1 << written) - 1
        return self.required & ~done == 0

    def goes_on(self, state: State) -> bool:
        written, count = state
        if self.node.high is not None and (count if self.counted else 0) >= self.node.high:
            return False
        left = self.count - (written.bit_count() if self.unordered else written)
        return left > 0 or bool(self.node.rest)

    def keys(self, state: State) -> Rule:
        """A member, from its key on, and all that follows it."""
        written, _ = state
        if state in self._named:
            return self._named[state]
        last = self.members[written - 1] if not self.unordered and 0 < written <= self.count else None
        again = last is not None and (not last.required or self._ends_often(last.goal))
        if not (self.unordered or again or written == self.count or written % _INLINE == _INLINE - 1):
            return self._keys(state)
        self._named[state] = ref = self.speller.reserve()
        self.speller.rules[ref.name] = self._keys(state)
        return ref

    def _ends_often(self, goal: Goal) -> bool:
        """Whether what follows a value is written once for each way in which the value may stand."""
        return self.raw is not None and (len(goal.branches) > 1 or self.raw.spells_strings_twice)

    def _keys(self, state: State) -> Rule:
        written, count = state
        more = self._more(count)
        if self.unordered:
            made = [
                self._member(self.members[i], (written | 1 << i, more))
                for i in range(self.count)
                if not written >> i & 1
            ]
            return alt(*made, *self._others(state))
        if written == self.count:
            return alt(*self._others(state))
        member = self.members[written]
        own = self._member(member, (written + 1, more))
        passed = (written + 1, count)
        return own if member.required or not self.goes_on(passed) else alt(own, self.keys(passed))

    def _more(self, count: int) -> int:
        """One more than ``count``, as far as that is counted."""
        return min(count + 1, self.node.low if self.node.high is None else self.node.high) if self.counted else 0

    def _others(self, state: State) -> list[Rule]:
        """Members that nothing declares."""
        after = state[0], self._more(state[1])
        taken = [member.key for member in self.node.members]
        made = []
        for rule, goal in self.node.rest:
            key = self.speller.open_key(rule, taken, self.dialect)
            made.append(self._pair(None, key, goal, after))
        return made

    def _member(self, member: Member, after: State) -> Rule:
        key = self.speller.key(member.key, self.dialect)
        if self.node.rest:  # beside keys that are lexemes it must be one, to be told from them
            key = Lexeme(key)
        return self._pair(member.key, key, member.goal, after)

    def _pair(self, name: str | None, key: Rule, goal: Goal, after: State) -> Rule:
        then = self._follow(name, key, after)
        if not then:
            return NEVER
        if self.raw is not None:
            return self.raw.pair(name, key, goal, then)
        value = self.speller.value(goal, self.dialect)
        colon = self.speller.lit(self.m.key[1], self.dialect)
        return seq(key, colon, value, alt(*(seq(self.speller.lit(end, self.dialect), rule) for end, rule in then)))

    def _follow(self, name: str | None, key: Rule, after: State) -> Then:
        """What may stand after a value: the next member, or the end."""
        ends, tail = self.m.ends, ""
        if "{key}" in ends and name is None:
            ends, _, tail = ends.partition("{key}")
        elif name is not None:
            ends = ends.replace("{key}", name)
        then: Then = []
        if self.goes_on(after):
            then.append(self._end(ends, key, tail, self.m.between + self.m.key[0], self.keys(after)))
        if self.is_complete(after):
            then.append(self._end(ends, key, tail, self.m.closes, EMPTY))
        return then

    def _end(self, ends: str, key: Rule, tail: str, more: str, rule: Rule) -> tuple[str, Rule]:
        return (ends, seq(key, Lit(tail + more), rule)) if tail else (ends + more, rule)
