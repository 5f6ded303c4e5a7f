"""Automata of regular rules, against Python's `re` and against a recogniser too plain to be wrong."""

import re
from collections.abc import Mapping
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolfmt.grammar.automaton import (
    Automaton,
    TooManyStates,
    accepts,
    compile,
    first_ending,
    is_empty,
    no_stop,
    right_linear,
)
from toolfmt.ir import Tool
from toolfmt.rule import (
    ANY,
    ANYTHING,
    EMPTY,
    NEVER,
    Alt,
    Arguments,
    Both,
    Chars,
    Dialect,
    Lexeme,
    Lit,
    Not,
    Raw,
    Ref,
    Repeat,
    Rule,
    Seq,
    many,
    optional,
    seq,
)

_LETTERS = "ab<\U0010ffff"
_TEXTS = ["".join(letters) for size in range(5) for letters in product(_LETTERS, repeat=size)]
_STOPS = (
    "\n</parameter>\n<parameter=",
    "\n</parameter>\n</function>",
    "\n</function>\n</tool_call>\n<tool_call>\n<function=",
)

_NOTHING = Both((Lit("a"), Lit("b")))

_leaves = st.one_of(
    st.text(_LETTERS, max_size=3).map(Lit),
    st.sampled_from([ANY, ANYTHING, NEVER, Chars.of("ab"), Chars.of(("b", "z")), ~Chars.of("a"), ~Chars.of("<b")]),
)


def _plain_over(inner: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    items = st.lists(inner, max_size=3).map(tuple)
    bounds = st.sampled_from([(0, None), (1, None), (2, None), (0, 1), (0, 3), (2, 2), (1, 3), (0, 0)])
    return st.one_of(
        items.map(Seq),
        items.map(Alt),
        inner.map(Lexeme),
        st.builds(lambda item, pair: Repeat(item, *pair), inner, bounds),
    )


def _any_over(inner: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    return st.one_of(_plain_over(inner), inner.map(Not), st.lists(inner, max_size=3).map(tuple).map(Both))


_plain_rules = st.recursive(_leaves, _plain_over, max_leaves=6)
_rules = st.recursive(_leaves, _any_over, max_leaves=6)


def _as_re(rule: Rule) -> str:
    match rule:
        case Lit(text):
            return re.escape(text)
        case Chars(ranges):
            return "[" + "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges) + "]"
        case Seq(items):
            return "".join(map(_as_re, items))
        case Alt(items):
            return "(?:" + "|".join(map(_as_re, items)) + ")" if items else "(?!)"
        case Lexeme(item):
            return _as_re(item)
        case Repeat(item, low, high):
            return f"(?:{_as_re(item)}){{{low},{'' if high is None else high}}}"
    raise AssertionError(rule)


class _Ends:
    """Where each rule may end in a text, by the meaning of the rules alone."""

    def __init__(self, text: str, rules: Mapping[str, Rule]) -> None:
        self.text, self.rules = text, rules

    def of(self, rule: Rule, starts: set[int]) -> set[int]:
        return set().union(*(self._from(rule, start) for start in starts))

    def _from(self, rule: Rule, at: int) -> set[int]:
        match rule:
            case Lit(text):
                return {at + len(text)} if self.text.startswith(text, at) else set()
            case Chars():
                return {at + 1} if at < len(self.text) and self.text[at] in rule else set()
            case Seq(items):
                ends = {at}
                for item in items:
                    ends = self.of(item, ends)
                return ends
            case Alt(items):
                return set().union(*(self._from(item, at) for item in items))
            case Both(items):
                return set(range(at, len(self.text) + 1)).intersection(*(self._from(item, at) for item in items))
            case Not(item):
                return set(range(at, len(self.text) + 1)) - self._from(item, at)
            case Lexeme(item):
                return self._from(item, at)
            case Repeat(item, low, high):
                rounds = [{at}]
                for _ in range(low + len(self.text) if high is None else high):
                    rounds.append(self.of(item, rounds[-1]))
                return set().union(*rounds[low:])
            case Ref(name):
                return self._from(self.rules[name], at)
        raise AssertionError(rule)


def _allowed(rule: Rule, text: str, rules: Mapping[str, Rule] | None = None) -> bool:
    return len(text) in _Ends(text, rules or {}).of(rule, {0})


def _walked(automaton: Automaton, text: str) -> bool:
    at = [0] if automaton.states else []
    for char in text:
        at = [target for state in at for chars, target in automaton.states[state].edges if char in chars]
        assert len(at) <= 1, "two ways"
    return any(automaton.states[state].accepting for state in at)


@given(_plain_rules)
def test_a_plain_rule_is_a_regular_expression(rule: Rule) -> None:
    pattern = re.compile(_as_re(rule), re.DOTALL)
    wanted = [text for text in _TEXTS if pattern.fullmatch(text)]
    automaton = compile(rule)
    assert [text for text in _TEXTS if _walked(automaton, text)] == wanted
    assert [text for text in _TEXTS[:85] if accepts(rule, text)] == [text for text in wanted if len(text) < 4]


@given(_rules)
def test_both_and_not_stand_anywhere(rule: Rule) -> None:
    wanted = [text for text in _TEXTS[:85] if _allowed(rule, text)]
    automaton = compile(rule)
    assert [text for text in _TEXTS[:85] if _walked(automaton, text)] == wanted
    assert [text for text in _TEXTS[:85] if accepts(rule, text)] == wanted


@given(_plain_rules, _plain_rules, st.sampled_from(_TEXTS))
def test_both_and_not_of_regular_expressions(one: Rule, other: Rule, text: str) -> None:
    in_one, in_other = (re.fullmatch(_as_re(rule), text, re.DOTALL) is not None for rule in (one, other))
    assert accepts(Both((one, other)), text) == (in_one and in_other)
    assert accepts(Both((one, Not(other))), text) == (in_one and not in_other)
    assert accepts(Not(Alt((one, other))), text) == (not in_one and not in_other)


@given(_rules, _rules, _rules)
def test_rules_of_the_same_texts_have_equal_automata(one: Rule, two: Rule, three: Rule) -> None:
    for left, right in [
        (Both((one, two)), Not(Alt((Not(one), Not(two))))),
        (Seq((one, Alt((two, three)))), Alt((Seq((one, two)), Seq((one, three))))),
        (Seq((Seq((one, two)), three)), Seq((one, Seq((two, three))))),
        (many(one), Alt((Seq((one, many(one))), EMPTY))),
        (many(Alt((one, two))), many(Seq((many(one), many(two))))),
        (Repeat(one, 1, 3), Seq((one, optional(one), optional(one)))),
        (Alt((one, Both((one, two)))), one),
    ]:
        assert compile(left) == compile(right)


@given(_rules)
def test_every_state_is_reached_and_can_end(rule: Rule) -> None:
    states = compile(rule).states
    reached = {0, *(target for state in states for _, target in state.edges)}
    assert not states or reached == set(range(len(states)))
    ending = {number for number, state in enumerate(states) if state.accepting}
    for _ in states:
        ending |= {number for number, state in enumerate(states) if any(target in ending for _, target in state.edges)}
    assert ending == set(range(len(states)))
    for state in states:
        targets = [target for _, target in state.edges]
        assert len(set(targets)) == len(targets), "the edges to a state are one"
        assert list(state.edges) == sorted(state.edges, key=lambda edge: edge[0].ranges)
        assert all(chars == ~~chars and chars.ranges for chars, _ in state.edges)


@pytest.mark.parametrize(
    ("rule", "states"),
    [
        (NEVER, 0),
        (EMPTY, 1),
        (ANYTHING, 1),
        (Not(NEVER), 1),
        (Not(ANYTHING), 0),
        (seq(many(Chars.of("ab")), "abb"), 4),
        (Repeat(ANY, 0, 5), 6),
        (Repeat(ANY, 1000, 1000), 1001),
        (Repeat(Alt((Lit("a"), Lit("aa"))), 0, 60), 121),
        (Both((Repeat(ANY, 0, 5), many(Lit("ab")))), 5),
        (no_stop(["<escape>"]), 8),
        (no_stop(_STOPS), 77),
        (seq(*[optional(Lit("a"))] * 400), 401),
    ],
)
def test_no_state_too_many(rule: Rule, states: int) -> None:
    assert len(compile(rule, 2000).states) == states


@given(_rules)
def test_emptiness(rule: Rule) -> None:
    assert is_empty(rule) == (compile(rule).states == ())


@pytest.mark.parametrize(
    ("rule", "empty"),
    [
        (Both((Repeat(ANY, 300, None), Repeat(ANY, 0, 299))), True),
        (Both((Repeat(ANY, 300, None), Repeat(ANY, 0, 300))), False),
        (seq("a", _NOTHING, "b"), True),
        (seq("a", many(_NOTHING), "b"), False),
        (many(_NOTHING), False),
        (Repeat(_NOTHING, 1, None), True),
        (Alt((_NOTHING, Lit("a"))), False),
        (Not(many(Alt((Lit("a"), ~Chars.of("a"))))), True),
        (Repeat(ANY, 5000, None), False),
    ],
)
def test_emptiness_is_not_of_the_spelling(rule: Rule, empty: bool) -> None:
    assert is_empty(rule) == empty


@given(_rules)
def test_right_linear_rules_say_what_the_automaton_says(rule: Rule) -> None:
    wanted = [text for text in _TEXTS[:85] if accepts(rule, text)]
    rules = right_linear(compile(rule), "r")
    assert [text for text in _TEXTS[:85] if _allowed(Ref("r0"), text, rules)] == wanted
    closed = right_linear(compile(rule), "r", Lit("!"))
    assert [text for text in _TEXTS[:85] if _allowed(Ref("r0"), text + "!", closed)] == wanted
    assert not any(_allowed(Ref("r0"), text, closed) for text in _TEXTS[:85])


@pytest.mark.parametrize(
    ("rule", "end", "rules"),
    [
        (NEVER, EMPTY, {"r0": NEVER}),
        (EMPTY, Lit("!"), {"r0": Lit("!")}),
        (Lit("abc"), Lit("!"), {"r0": Lit("abc!")}),
        (
            Alt((Lit("abc"), Lit("xyc"))),
            EMPTY,
            {"r0": Alt((seq("ab", Ref("r1")), seq("xy", Ref("r1")))), "r1": Lit("c")},
        ),
        (
            no_stop(["<e"]),
            Lit("<e"),
            {
                "r0": Alt((Seq((~Chars.of("<"), Ref("r0"))), Seq((Lit("<"), Ref("r1"))), Lit("<e"))),
                "r1": Alt((Seq((~Chars.of("<e"), Ref("r0"))), Seq((Lit("<"), Ref("r1"))), Lit("<e"))),
            },
        ),
    ],
)
def test_right_linear_rules_are_short(rule: Rule, end: Rule, rules: dict[str, Rule]) -> None:
    made = right_linear(compile(rule), "r", end)
    assert made.keys() == rules.keys()
    for name, wanted in rules.items():
        parts = [set(side.items) if isinstance(side, Alt) else {side} for side in (made[name], wanted)]
        assert parts[0] == parts[1]


@pytest.mark.parametrize("stops", [(), ("",), ("a",), ("ab",), ("aab", "b"), ("aba", "bb"), ("abb", "ab")], ids=str)
def test_stops(stops: tuple[str, ...]) -> None:
    for text in _TEXTS:
        assert accepts(no_stop(stops), text) == (not any(stop in text for stop in stops))
        ends = [text.find(stop) + len(stop) for stop in stops if stop in text]
        assert accepts(first_ending(stops), text) == (bool(ends) and min(ends) == len(text))


def test_a_surrogate_is_in_no_text() -> None:
    for rule in (ANYTHING, Not(Lit("a")), Not(NEVER), Lit("\ud800"), no_stop(["\ud800"])):
        assert not accepts(rule, "\ud800")
    assert is_empty(Lit("a\udfff"))
    assert compile(no_stop(["\ud800"])) == compile(ANYTHING)
    assert [accepts(~Chars.of("a"), char) for char in "\ud7ff\ue000\U0010ffffa"] == [True, True, True, False]


def test_the_cap_bounds_the_work() -> None:
    assert len(compile(Repeat(ANY, 0, 99), 100).states) == 100
    assert len(compile(Both((Lit("a"), Repeat(ANY, 1, 2000)))).states) == 2
    assert len(compile(Alt((ANYTHING, Repeat(ANY, 1, 2000)))).states) == 1
    with pytest.raises(TooManyStates, match="99 states"):
        compile(Repeat(ANY, 0, 99), 99)
    with pytest.raises(TooManyStates):
        compile(seq(ANYTHING, "a", Repeat(ANY, 40, 40)))
    with pytest.raises(TooManyStates):
        is_empty(Both((seq(ANYTHING, "a", Repeat(ANY, 40, 40)), Not(seq(ANYTHING, "a", Repeat(ANY, 40, 40))))))


def test_long_rules_are_no_deep_recursion() -> None:
    assert accepts(Lit("ab" * 5000), "ab" * 5000)
    assert accepts(seq(*[optional(Chars.of("ab"))] * 600, "c"), "abc")
    assert accepts(Repeat(ANY, 3000, None), "x" * 3001)


@pytest.mark.parametrize(
    "rule", [Ref("x"), Raw(("<",), (("<", EMPTY),)), Arguments(Tool(name="f", parameters={}), Dialect())], ids=type
)
def test_what_is_not_regular(rule: Rule) -> None:
    for whole in (rule, Both((ANYTHING, Seq((Lit("a"), rule))))):
        with pytest.raises(TypeError, match=f"{type(rule).__name__}.* is not regular"):
            accepts(whole, "a")
