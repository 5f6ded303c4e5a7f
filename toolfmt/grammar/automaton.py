"""The automaton of a regular rule: what `Both` and `Not` come to where an engine knows neither, and whether a rule allows anything at all.

Its states are the rule and its derivatives (see `toolfmt.grammar.derivatives`).  A text with a surrogate is in no rule, in no `Not` either.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from toolfmt.grammar.derivatives import NO_TEXT, Alphabet, Nodes, Step, each
from toolfmt.rule import ANY, ANYTHING, EMPTY, NEVER, Both, Chars, Lit, Not, Ref, Rule, alt, holding, seq

__all__ = [
    "Automaton",
    "State",
    "TooManyStates",
    "accepts",
    "compile",
    "first_ending",
    "is_empty",
    "no_stop",
    "right_linear",
]


class TooManyStates(Exception):  # noqa: N818  it tells of a bound that was met, not of a mistake
    """The automaton of a rule passes its cap before it is minimal."""


@dataclass(frozen=True, slots=True)
class State:
    """Whether a text may end here, and which state each character leads to; a character of no edge may not follow."""

    accepting: bool
    edges: tuple[tuple[Chars, int], ...]


@dataclass(frozen=True, slots=True)
class Automaton:
    """Deterministic, minimal, without states from which no text is accepted; the start is state 0.  Rules of the same texts have equal automata."""

    states: tuple[State, ...]


def accepts(rule: Rule, text: str) -> bool:
    """Whether the regular ``rule`` allows ``text``."""
    nodes = Nodes(rule)
    node = nodes.start
    for char in text:
        char_class = nodes.alphabet.class_of(char)
        if node == NO_TEXT or char_class is None:
            return False
        rest, edges = nodes.step(node)
        node = edges.get(char_class, rest)
    return nodes.nullable[node]


@lru_cache(maxsize=256)
def compile(rule: Rule, cap: int = 1000) -> Automaton:
    """The automaton of the regular ``rule``; `TooManyStates` where more than ``cap`` states are met on the way to it."""
    nodes = Nodes(rule)
    steps = {node: nodes.step(node) for node in (NO_TEXT, *_reached(nodes, cap))}
    block = _blocks(steps, {node for node in steps if nodes.nullable[node]})
    member = {number: node for node, number in block.items()}
    order = [block[nodes.start]] if block[nodes.start] != block[NO_TEXT] else []
    numbers = dict.fromkeys(order, 0)
    states = []
    for at in order:
        edges = _edges(nodes.alphabet, steps[member[at]], block)
        for _, target in edges:
            if target not in numbers:
                numbers[target] = len(order)
                order.append(target)
        renumbered = tuple((chars, numbers[target]) for chars, target in edges)
        states.append(State(nodes.nullable[member[at]], renumbered))
    return Automaton(tuple(states))


def is_empty(rule: Rule, cap: int = 1000) -> bool:
    """Whether the regular ``rule`` allows no text; `TooManyStates` where ``cap`` states do not tell."""
    nodes = Nodes(rule)
    return not any(nodes.allows[node] for node in _reached(nodes, cap))


def right_linear(automaton: Automaton, prefix: str, end: Rule = EMPTY) -> dict[str, Rule]:
    """The rules ``prefix0`` (the start), ``prefix1``, ... that write the texts of ``automaton`` and then ``end``.

    There is one for each state, but a state that one edge leads to and one edge leaves stands in the rule before it, and the state in which a text
    can only end is ``end`` itself.
    """
    states = automaton.states
    entries = Counter(target for state in states for _, target in state.edges)
    inner = {n for n, state in enumerate(states) if entries[n] == len(state.edges) == 1 and not state.accepting}
    own = [n for n, state in enumerate(states) if n == 0 or (state.edges and n not in inner)]
    names = {n: f"{prefix}{number}" for number, n in enumerate(own)}

    def path(chars: Chars, target: int) -> Rule:
        parts = [_plain(chars)]
        while target in inner:
            ((chars, target),) = states[target].edges
            parts.append(_plain(chars))
        return seq(*parts, Ref(names[target]) if states[target].edges else end)

    def choice(state: State) -> Rule:
        return alt(*(path(*edge) for edge in state.edges), *([end] if state.accepting else []))

    return {names[n]: choice(states[n]) for n in own} or {f"{prefix}0": NEVER}


def no_stop(stops: Sequence[str]) -> Rule:
    """Every text that holds none of ``stops``."""
    return Not(holding(stops))


def first_ending(stops: Sequence[str]) -> Rule:
    """Every text that ends where a stop ends for the first time in it."""
    stop = seq(ANYTHING, alt(*stops))
    return Both((stop, Not(seq(stop, ANY, ANYTHING))))


def _plain(chars: Chars) -> Rule:
    first, last = chars.ranges[0][0], chars.ranges[-1][1]
    return Lit(chr(first)) if first == last else chars


# States


def _reached(nodes: Nodes, cap: int) -> Iterator[int]:
    """The start and what steps lead to, each once, `NO_TEXT` never."""
    order = [nodes.start] if nodes.start != NO_TEXT else []
    seen = {NO_TEXT, *order}
    for node in order:
        yield node
        rest, edges = nodes.step(node)
        for made in (rest, *edges.values()):
            if made not in seen:
                seen.add(made)
                order.append(made)
        if len(order) > cap:
            raise TooManyStates(
                f"the automaton of a rule passes {cap} states; allow more of them, or a shorter or looser rule"
            )


def _before(steps: dict[int, Step]) -> dict[int, set[int]]:
    before: dict[int, set[int]] = {}
    for node, (rest, edges) in steps.items():
        for made in (rest, *edges.values()):
            before.setdefault(made, set()).add(node)
    return before


def _blocks(steps: dict[int, Step], accepting: set[int]) -> dict[int, int]:
    """Which block of states that accept the same texts each state is in.

    Blocks are split by what their states lead to.  Only states one of whose targets has moved are looked at again, and the largest part of a block
    stays where it is (so each state moves seldom: Hopcroft's argument).
    """
    before = _before(steps)
    members = [accepting, steps.keys() - accepting]
    block = {node: number for number, nodes in enumerate(members) for node in nodes}
    changed = {number: set(nodes) for number, nodes in enumerate(members)}
    while changed:
        number, looked_at = changed.popitem()
        members[number] -= looked_at
        parts: dict[object, set[int]] = {None: members[number]}
        for node in looked_at:
            rest, edges = each(steps[node], block.__getitem__)
            parts.setdefault((rest, frozenset(edges.items())), set()).add(node)
        *moving, members[number] = sorted(parts.values(), key=len)
        for part in filter(None, moving):
            block |= dict.fromkeys(part, len(members))
            members.append(part)
        for node in {source for part in moving for moved in part for source in before.get(moved, ())}:
            changed.setdefault(block[node], set()).add(node)
    return block


def _edges(alphabet: Alphabet, step: Step, block: dict[int, int]) -> list[tuple[Chars, int]]:
    """The edges of a state to blocks in which some text is accepted, in the order of their characters."""
    dead = block[NO_TEXT]
    rest, edges = each(step, block.__getitem__)
    by_target: dict[int, set[int]] = {}
    for char_class, target in edges.items():
        by_target.setdefault(target, set()).add(char_class)
    made = [(alphabet.chars(classes), target) for target, classes in by_target.items() if target != dead]
    if rest != dead:
        made.append((~alphabet.chars(edges), rest))
    return sorted(made, key=lambda edge: edge[0].ranges)
