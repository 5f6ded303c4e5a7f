"""The derivatives of a regular rule by characters (Brzozowski's): of a rule and a character, the rule of what may follow it.

Sub-rules are numbered, so that equal ones are one and comparing costs nothing; characters are taken in the classes that the rule tells apart, never
one by one.  Surrogates are not in the alphabet.
"""

from bisect import bisect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from toolfmt.rule import ANY, Alt, Both, Chars, Lexeme, Lit, Not, Repeat, Rule, Seq

__all__ = ["EMPTY_TEXT", "EVERY_TEXT", "NO_TEXT", "Alphabet", "Nodes", "Step", "each"]

_Ranges = tuple[tuple[int, int], ...]


class Alphabet:
    """Classes of characters that none of ``sets`` tells apart, each a number."""

    def __init__(self, sets: set[_Ranges]) -> None:
        listed = [ANY.ranges, *sets]
        changes: dict[int, set[int]] = {0: set()}
        for number, ranges in enumerate(listed):
            for first, last in ranges:
                changes.setdefault(first, set()).add(number)
                changes.setdefault(last + 1, set()).add(number)
        self._starts = sorted(changes)
        numbers: dict[frozenset[int], int] = {}
        inside: frozenset[int] = frozenset()
        self._classes = []
        for start in self._starts:
            inside ^= changes[start]
            self._classes.append(numbers.setdefault(inside, len(numbers)))
        self._outside = numbers[frozenset()]
        self.of_set = {
            ranges: frozenset(made for held, made in numbers.items() if number in held)
            for number, ranges in enumerate(listed)
        }
        # Most characters are in one class with the last of all; a `Step` is short because it names the others alone.
        self.other = self._classes[bisect(self._starts, 0x10FFFF) - 1]

    def class_of(self, char: str) -> int | None:
        found = self._classes[bisect(self._starts, ord(char)) - 1]
        return None if found == self._outside else found

    def chars(self, classes: Iterable[int]) -> Chars:
        wanted = frozenset(classes)
        spans = zip(self._starts, self._starts[1:], self._classes, strict=False)
        return Chars.of(*((chr(first), chr(after - 1)) for first, after, made in spans if made in wanted))


def _sets(rule: Rule) -> set[_Ranges]:
    """The sets of characters that stand in a rule."""
    match rule:
        case Lit(text):
            return {Chars.of(char).ranges for char in text}
        case Chars(ranges):
            return {ranges}
        case Seq(items) | Alt(items) | Both(items):
            return set().union(*map(_sets, items))
        case Repeat(item) | Not(item) | Lexeme(item):
            return _sets(item)
    return set()


# Sub-rules, by number


@dataclass(frozen=True, slots=True)
class _Set:
    classes: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Pair:
    head: int
    tail: int


@dataclass(frozen=True, slots=True)
class _Times:
    item: int
    low: int
    high: int | None


@dataclass(frozen=True, slots=True)
class _Any:
    items: frozenset[int]


@dataclass(frozen=True, slots=True)
class _All:
    items: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Not:
    item: int


_Node = _Set | _Pair | _Times | _Any | _All | _Not
NO_TEXT, EVERY_TEXT, EMPTY_TEXT = range(3)
Step = tuple[int, dict[int, int]]
"""What follows `Alphabet.other`, and by class what follows each class after which it is something else."""


class Nodes:
    """The numbered sub-rules of a rule and of its derivatives, each made as plain as is cheap."""

    def __init__(self, rule: Rule) -> None:
        self.alphabet = Alphabet(_sets(rule))
        self._numbers: dict[_Node, int] = {}
        self._nodes: list[_Node] = []
        self.nullable: list[bool] = []
        """By number: whether the empty text is allowed."""
        self.allows: list[bool] = []
        """By number: whether some text is known to be allowed."""
        nothing: frozenset[int] = frozenset()
        self._number(_Any(nothing), False, False)
        self._number(_All(nothing), True, True)
        self._number(_Times(NO_TEXT, 0, 0), True, True)
        self._steps: dict[int, Step] = {NO_TEXT: (NO_TEXT, {}), EVERY_TEXT: (EVERY_TEXT, {}), EMPTY_TEXT: (NO_TEXT, {})}
        self.start = self._of(rule)

    def step(self, node: int) -> Step:
        """The derivatives by each class of characters."""
        if node not in self._steps:
            self._steps[node] = self._derived(self._nodes[node])
        return self._steps[node]

    def _derived(self, node: _Node) -> Step:
        match node:
            case _Set(classes):
                if self.alphabet.other not in classes:
                    return NO_TEXT, dict.fromkeys(classes, EMPTY_TEXT)
                return EMPTY_TEXT, dict.fromkeys(self.alphabet.of_set[ANY.ranges] - classes, NO_TEXT)
            case _Pair():
                return self._derived_pair(node)
            case _Times(item, low, high):
                tail = self._times(item, max(low - 1, 0), None if high is None else high - 1)
                return each(self.step(item), partial(self._pair, tail=tail))
            case _Any(items):
                return self._joined([self.step(item) for item in items], self._any, NO_TEXT)
            case _All(items):
                return self._joined([self.step(item) for item in items], self._all, EVERY_TEXT)
            case _Not(item):
                return each(self.step(item), self._not)

    def _derived_pair(self, pair: _Pair) -> Step:
        """A loop, as a pair may be a long row of optional parts."""
        steps = []
        node: _Node = pair
        while isinstance(node, _Pair):
            tail = node.tail
            steps.append(each(self.step(node.head), partial(self._pair, tail=tail)))
            if not self.nullable[node.head]:
                return self._joined(steps, self._any, NO_TEXT)
            node = self._nodes[tail]
        return self._joined([*steps, self.step(tail)], self._any, NO_TEXT)

    def _joined(self, steps: Sequence[Step], join: Callable[[Iterable[int]], int], neutral: int) -> Step:
        """``join`` of what follows in each of ``steps``; ``neutral`` adds nothing to it."""
        by_class: dict[int, list[int]] = {}
        for _, edges in steps:
            for char_class, made in edges.items():
                by_class.setdefault(char_class, []).append(made)
        for rest, edges in steps:
            if rest != neutral:
                for char_class in by_class.keys() - edges.keys():
                    by_class[char_class].append(rest)
        joined = join(rest for rest, _ in steps)
        return _sparse(joined, {char_class: join(made) for char_class, made in by_class.items()})

    def _of(self, rule: Rule) -> int:
        match rule:
            case Lit(text):
                return self._row(self._of(Chars.of(char)) for char in text)
            case Chars(ranges):
                classes = self.alphabet.of_set[ranges]
                return self._number(_Set(classes), False, True) if classes else NO_TEXT
            case Seq(items):
                return self._row(map(self._of, items))
            case Alt(items):
                return self._any(map(self._of, items))
            case Both(items):
                return self._all(map(self._of, items))
            case Repeat(item, low, high):
                return self._times(self._of(item), low, high)
            case Not(item):
                return self._not(self._of(item))
            case Lexeme(item):
                return self._of(item)
        raise TypeError(
            f"{rule!r:.100} is not regular, and no automaton holds it; put in its place what it stands for, in "
            "Lit, Chars, Seq, Alt, Repeat, Both, Not and Lexeme"
        )

    def _number(self, node: _Node, nullable: bool, allows: bool) -> int:
        number = self._numbers.setdefault(node, len(self._nodes))
        if number == len(self._nodes):
            self._nodes.append(node)
            self.nullable.append(nullable)
            self.allows.append(allows)
        return number

    def _row(self, parts: Iterable[int]) -> int:
        row = EMPTY_TEXT
        for part in reversed(list(parts)):
            row = self._pair(part, row)
        return row

    def _pair(self, head: int, tail: int) -> int:
        if NO_TEXT in (head, tail):
            return NO_TEXT
        if head == EMPTY_TEXT or tail == EMPTY_TEXT:
            return tail if head == EMPTY_TEXT else head
        node = self._nodes[head]
        if isinstance(node, _Any):
            return self._any(self._pair(item, tail) for item in node.items)
        nullable = self.nullable[head] and self.nullable[tail]
        return self._number(_Pair(head, tail), nullable, self.allows[head] and self.allows[tail])

    def _times(self, item: int, low: int, high: int | None) -> int:
        if high == 0 or item in (EMPTY_TEXT, EVERY_TEXT):
            return EMPTY_TEXT if high == 0 else item
        if item == NO_TEXT:
            return NO_TEXT if low else EMPTY_TEXT
        if self.nullable[item]:
            low = 0
        if (low, high) == (0, None) and self._nodes[item] == _Set(self.alphabet.of_set[ANY.ranges]):
            return EVERY_TEXT
        return self._number(_Times(item, low, high), low == 0, low == 0 or self.allows[item])

    def _any(self, items: Iterable[int]) -> int:
        flat = self._flat(items, _Any)
        if EVERY_TEXT in flat or len(flat) == 1:
            return EVERY_TEXT if EVERY_TEXT in flat else flat.pop()
        nullable, allows = any(self.nullable[item] for item in flat), any(self.allows[item] for item in flat)
        return self._number(_Any(frozenset(flat)), nullable, allows)

    def _all(self, items: Iterable[int]) -> int:
        flat = self._flat(items, _All)
        if NO_TEXT in flat or len(flat) == 1:
            return NO_TEXT if NO_TEXT in flat else flat.pop()
        nullable = all(self.nullable[item] for item in flat)
        return self._number(_All(frozenset(flat)), nullable, nullable)

    def _flat(self, items: Iterable[int], kind: type[_Any] | type[_All]) -> set[int]:
        flat: set[int] = set()
        for item in items:
            node = self._nodes[item]
            flat |= node.items if isinstance(node, kind) else {item}
        return flat

    def _not(self, item: int) -> int:
        if item in (NO_TEXT, EVERY_TEXT):
            return EVERY_TEXT if item == NO_TEXT else NO_TEXT
        return self._number(_Not(item), not self.nullable[item], not self.nullable[item])


def each(step: Step, change: Callable[[int], int]) -> Step:
    rest, edges = step
    return _sparse(change(rest), {char_class: change(made) for char_class, made in edges.items()})


def _sparse(rest: int, edges: dict[int, int]) -> Step:
    return rest, {char_class: made for char_class, made in edges.items() if made != rest}
