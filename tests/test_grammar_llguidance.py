"""llguidance's printer, judged by llguidance: what its grammars allow is what the rules say, and the lexer's greed loses nothing."""

import subprocess
import sys
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolfmt.errors import GrammarError
from toolfmt.grammar import automaton
from toolfmt.grammar.engines import accepts
from toolfmt.grammar.llguidance import write
from toolfmt.rule import (
    ANY,
    ANYTHING,
    EMPTY,
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
    many,
    optional,
    repeat,
    seq,
)

pytest.importorskip("llguidance")

SPACE = repeat(Chars.of(" \n\t"), 0, 8)
LETTERS = Repeat(Chars.of(("a", "z")), 1, None)
WORD = Lexeme(LETTERS)
NUMBER = Lexeme(
    seq(optional(Lit("-")), Repeat(Chars.of(("0", "9")), 1, None), optional(seq(".", many(Chars.of(("0", "9"))))))
)
STRING = Lexeme(seq('"', many(alt(~Chars.of('"\\'), seq("\\", Chars.of('"\\')))), '"'))


def allows(rules: Rules | Rule, text: str) -> bool:
    return accepts("llguidance", write({"root": rules} if isinstance(rules, Rule) else rules), text)


NODES: list[tuple[Rules | Rule, list[str], list[str]]] = [
    (Lit("a\n\t\"\\/'é\u2028😀\x00\x7f~"), ["a\n\t\"\\/'é\u2028😀\x00\x7f~"], ["a", ""]),
    (EMPTY, [""], ["a"]),
    (Chars.of("]-^\\/&~[", ("x", "z")), [*"]-^\\/&~[xyz"], ["", "a", "xx"]),
    (~Chars.of("a\n"), ["b", "é", "😀", "\x00"], ["a", "\n", "", "bb"]),
    (ANY, ["a", "\n", "😀"], ["", "ab"]),
    (Seq((Lit("a"), EMPTY, Lit("b"))), ["ab"], ["a", "b"]),
    (Alt((Lit("a"), NEVER, EMPTY)), ["a", ""], ["b"]),
    (Seq((Lit("x"), Alt((NEVER, Lit("y"))))), ["xy"], ["x", "xx"]),
    (Repeat(Lit("ab"), 2, 3), ["abab", "ababab"], ["ab", "abababab", "aba"]),
    (Repeat(Lit("ab"), 0, 0), [""], ["ab"]),
    (Repeat(Alt((Lit("a"), EMPTY)), 2, None), ["", "a", "aaaa"], ["b"]),
    (
        {"root": seq("[", Ref("0_x"), "]"), "0_x": alt(Ref("root"), "start", EMPTY)},
        ["[]", "[[start]]"],
        ["[", "[]]", "start"],
    ),
    (Lexeme(Seq((Lit("a"), Repeat(Lit("b"), 0, 0), Lexeme(Lit("/"))))), ["a/"], ["a", "ab/"]),
    (Lexeme(Repeat(ANY, 2, 3)), ["é😀", "\n\n\n"], ["a", "abcd"]),
    (Both((LETTERS, Not(Lit("if")), Not(holding(("xx",))))), ["i", "ifx", "x"], ["if", "axxb", "1", ""]),
    (Seq((Lit("'"), Lexeme(Seq((Not(holding(("'",))), Lit("'")))))), ["''", "'é'"], ["'''", "'a"]),
    (Not(alt("a", "b")), ["", "c", "ab", "é"], ["a", "b"]),
    (Lexeme(Not(NEVER)), ["", "a"], []),
    (Not(Repeat(Not(Chars.of("ab")), 1, 4)), ["a", "b"], ["", "ab", "cb"]),
    (Lexeme(Alt((Both((LETTERS, Not(Lit("a")))), Repeat(Not(holding(("a",))), 1, 1)))), ["", "1", "aa"], ["a", "1a"]),
]


@pytest.mark.parametrize("rules, good, bad", NODES)
def test_every_node(rules: Rules | Rule, good: list[str], bad: list[str]) -> None:
    assert [text for text in good if not allows(rules, text)] == []
    assert [text for text in bad if allows(rules, text)] == []


GREED: list[tuple[Rule, list[str], list[str]]] = [
    (seq("[", NUMBER, ",", NUMBER, "]"), ["[1,2]", "[-1.5,2.]"], ["[1,]", "[1,2"]),
    # A literal that another begins with.
    (alt("abc", seq("ab", Chars.of("cd"), "d")), ["abc", "abcd", "abdd"], ["ab", "abd"]),
    (
        alt(seq('{"a": ', NUMBER, "}"), '{"a": null}', seq('{"a": "x', "y}")),
        ['{"a": 1}', '{"a": null}', '{"a": "xy}'],
        ['{"a": }'],
    ),
    (seq(many(Lit("a")), "ab"), ["ab", "aaab"], ["aa", "b"]),
    # A cut that makes another one necessary, in what has been cut.
    (alt("bbb:", "bb"), ["bbb:", "bb"], ["b", "bbb"]),
    (alt("bbb:", "bb", "bbbb"), ["bbb:", "bb", "bbbb"], ["b", "bbb"]),
    # White space before a literal that begins with some.
    (seq("{", SPACE, "\n}"), ["{\n}", "{ \n\t\n}", "{" + " " * 8 + "\n}"], ["{}", "{ }", "{" + " " * 9 + "\n}"]),
    (
        seq(SPACE, alt(seq(" ", WORD), seq("\n\n", NUMBER))),
        [" x", "  \n\n1", "\n\n\n2", " " * 9 + "x"],
        ["x", "\n1", " " * 10 + "x"],
    ),
    # A literal that a lexeme would end in.
    (alt(seq('"a": ', NUMBER), seq(STRING, ": ", WORD)), ['"a": 1', '"a": x', '"b": x'], ['"b": 1']),
    (alt(seq(WORD, ".x"), "ab.y"), ["ab.x", "ab.y", "abc.x"], ["abc.y"]),
    # An enum beside a lexeme of the same texts.
    (seq(alt('"a"', '"ab"', NUMBER, STRING), ","), ['"a",', '"abc",', "7,"], ['"a"']),
]


@pytest.mark.parametrize("rule, good, bad", GREED)
def test_the_greed_of_the_lexer_loses_nothing(rule: Rule, good: list[str], bad: list[str]) -> None:
    assert [text for text in good if not allows(rule, text)] == []
    assert [text for text in bad if allows(rule, text)] == []


# Raw texts

NEXT, LAST = "\n</parameter>\n<parameter=", "\n</parameter>\n</function>"
VALUE = Raw((NEXT, LAST), ((NEXT, Lit("b>\n1" + LAST + "\n</tool_call>")), (LAST + "\n</tool_call>", EMPTY)))
QWEN = seq("<parameter=a>\n", VALUE)
CLOSED = LAST + "\n</tool_call>"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        "a\n</parameter>\nb",
        "</parameter>",
        "\n</parameter>" * 3,
        "if x < 3:\n</function>\n</tool_call>\n",
        "\n",
        "é😀\x00",
    ],
)
def test_a_raw_text_ends_at_the_long_delimiter_only(value: str) -> None:
    assert allows(QWEN, f"<parameter=a>\n{value}{CLOSED}")
    assert allows(QWEN, f"<parameter=a>\n{value}{NEXT}b>\n1{CLOSED}")


@pytest.mark.parametrize(
    "text",
    [
        f"x{NEXT}c>\n1{CLOSED}",
        f"x{NEXT}b>\n1{NEXT}b>\n1{CLOSED}",
        f"x{LAST}y{CLOSED}",
        f"x{CLOSED}\n",
        f"x{LAST}",
        "x",
        f"x{NEXT}{CLOSED}",
    ],
)
def test_a_raw_text_holds_no_delimiter(text: str) -> None:
    assert not allows(QWEN, "<parameter=a>\n" + text)


@pytest.mark.parametrize("text", ["<<escape", "a<escape", "<esc<escape", "x<e<es<esc", "", "\n"])
def test_a_marked_string_may_nearly_hold_its_mark(text: str) -> None:
    rule = seq("{a:<escape>", Raw(("<escape>",), (("<escape>", Lit("}")),)))
    assert allows(rule, f"{{a:<escape>{text}<escape>}}")
    assert not allows(rule, f"{{a:<escape>{text}<escape>x<escape>}}")


def test_a_raw_text_with_a_body() -> None:
    def bounded(low: int, high: int | None) -> Rule:
        return Raw(("<e>",), (("<e>", EMPTY),), Repeat(ANY, low, high))

    assert [n for n in range(6) if allows(bounded(2, 4), "é" * n + "<e>")] == [2, 3, 4]
    assert not allows(bounded(2, 9), "<e>xx<e>")
    assert allows(bounded(0, 4000), "ab<e" * 900 + "<e>")
    enum = Raw(("<e>",), (("<e>", EMPTY),), alt("a", "a<", EMPTY))
    assert [text for text in ("", "a", "a<", "a<e", "b") if allows(enum, text + "<e>")] == ["", "a", "a<"]


def test_a_stop_may_lie_over_the_edge_of_text_and_end() -> None:
    """It is found where it first ends: in ``aaa`` that is after the second character, and one is left over."""
    assert [text for text in ("aa", "aaa", "baa", "abaa", "aabaa") if allows(Raw(("aa",), (("aa", EMPTY),)), text)] == [
        "aa",
        "baa",
        "abaa",
    ]
    longer = Raw(("ab", "ba"), (("ab!", EMPTY),))
    assert [text for text in ("ab!", "bab!", "cab!", "aab!") if allows(longer, text)] == ["ab!", "cab!", "aab!"]


def test_a_raw_text_without_a_stop_is_all_there_is() -> None:
    assert all(allows(seq("<", Raw((), (("", EMPTY),))), text) for text in ("<", "<a\n>", "<<"))


def test_prose_and_any_number_of_calls() -> None:
    call = seq("{", WORD, "}</call>", Ref("root"))
    rules = {"root": Raw(("<call>",), (("<call>", call), ("", EMPTY)))}
    for text in (
        "",
        "hi",
        "hi <call",
        "<call>{a}</call>",
        "hi\n<call>{a}</call>, then <call>{b}</call> bye.",
        "<<call>{a}</call>",
    ):
        assert allows(rules, text), text
    for text in ("<call>", "hi <call>{a}", "<call>{A}</call>", "hi <call>{a}</call> <call> bye"):
        assert not allows(rules, text), text


def test_an_end_without_a_stop_is_refused_by_name() -> None:
    with pytest.raises(GrammarError, match=r"^value: .*`</p>`"):
        write({"root": Ref("value"), "value": Raw(("</p>\n<q",), (("</p>", Lit("\n<q")),))})


# Special tokens and multi-character tokens

TAGS = {"<call>": 300, "</call>": 301, "<escape>": 302}
MERGED = [b"</", b"\n</", b">\n", b"parameter", b"</parameter>", b">\n<", b"\n\n", b'": "', b'"}', b"ab", b", ", b"esc"]


class _Vocabulary:
    """Bytes, a few longer tokens, and tags marked special; cuts a text at the longest token of at most ``longest`` bytes.

    As with true tokenizers the mask of a text that the grammar forces holds the token which the tokenizer itself would choose, and no other.
    """

    eos_token_id = 303
    bos_token_id = None
    tokens = (
        *(bytes([n]) for n in range(256)),
        *MERGED,
        *(b"<unused%d>" % n for n in range(300 - 256 - len(MERGED))),
        *map(str.encode, TAGS),
        b"<eos>",
    )
    special_token_ids = (*TAGS.values(), 303)

    def __init__(self, longest: int) -> None:
        self.known = {token: n for n, token in enumerate(self.tokens[: 256 + len(MERGED)]) if len(token) <= longest}

    def __call__(self, text: bytes, special: Mapping[str, int] = {}) -> list[int]:
        known = self.known | {tag.encode(): n for tag, n in special.items()}
        made, at = [], 0
        while at < len(text):
            token = max((token for token in known if text.startswith(token, at)), key=len)
            made.append(known[token])
            at += len(token)
        return made


def _decodes(rule: Rule, special: Mapping[str, int], longest: int, *parts: str | list[int]) -> bool:
    """Whether each token is in the mask of its place, and the text may end then.  A list is of tokens; in a text special ones are read."""
    from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

    vocabulary = _Vocabulary(longest)
    grammar = LLMatcher.grammar_from_lark(write({"root": rule}, special=special))
    matcher = LLMatcher(LLTokenizer(TokenizerWrapper(vocabulary)), grammar, log_level=0)
    assert not matcher.is_error(), matcher.get_error()
    for part in parts:
        for token in part if isinstance(part, list) else vocabulary(part.encode(), special):
            if not matcher.compute_logit_bias()[token]:
                return False
            assert matcher.consume_token(token)
    return bool(matcher.is_accepting())


TAGGED = seq("<call>f{a:<escape>", Raw(("<escape>",), (("<escape>", seq("}", "</call>")),)))


START, END = "<call>f{a:<escape>", "<escape>}</call>"


@pytest.mark.parametrize("longest", [1, 3, 99])
def test_special_tokens_stand_by_their_ids(longest: int) -> None:
    def spelled(text: str) -> list[int]:
        return _Vocabulary(longest)(text.encode())

    for value in ("", "ab", "a < b\n</", "</call>", "<call>", "<esc"):
        assert _decodes(TAGGED, TAGS, longest, START, spelled(value), END), value
    assert not _decodes(TAGGED, TAGS, longest, spelled(START + "x" + END))
    assert not _decodes(TAGGED, TAGS, longest, START, spelled("<escape>"), END)
    assert not _decodes(TAGGED, TAGS, longest, START, "<call>", END)


def test_a_special_token_may_follow_plain_text_in_an_end() -> None:
    rule = Raw(("\n</call>", "a\n"), (("\n</call>", EMPTY),))
    assert _decodes(rule, TAGS, 1, "b\n\n</call>")
    assert not _decodes(rule, TAGS, 1, "ba\n</call>"), "the second stop ends first"
    assert not _decodes(rule, TAGS, 1, "b</call>")


@pytest.mark.parametrize("longest", [1, 2, 4, 99])
def test_tokens_may_reach_over_any_edge(longest: int) -> None:
    for value in ("ab", "", "ab\n</parameter>\n", "\n\n"):
        assert _decodes(QWEN, {}, longest, f"<parameter=a>\n{value}{CLOSED}"), value
    json = seq('{"a": ', STRING, ', "b": ', STRING, "}")
    assert _decodes(json, {}, longest, '{"a": "ab", "b": "ab, "}')


def test_a_bound_on_a_raw_text_keeps_the_engine_within_its_own_bounds() -> None:
    """Before ``~`` reached any bytes, llguidance gave up at the end of such a text: "too many expressions constructed"."""
    rule = Raw((NEXT, LAST), ((CLOSED, EMPTY),), Repeat(ANY, 0, 1000))
    code = "def f(x):\n    return {'a': x < 3}  # </parameter> y\n\n</div>\n" * 12
    assert _decodes(rule, {}, 99, code + CLOSED)


def test_no_line_can_be_taken_for_ebnf() -> None:
    """By ``::=`` vLLM tells the dialect of a grammar."""
    raw = Raw(("::=",), (("::=", EMPTY),), alt("::", ":"))
    texts = ["::=", ":::=", "a::=b"]
    rule = alt(
        *texts,
        seq("1", Lexeme(alt(*(seq(text) for text in texts)))),
        seq("2", Lexeme(Alt((Lit(":="), Lit("=")))), "::="),
        seq("3", raw),
    )
    text = write({"root": rule})
    assert "::=" not in text
    for good in (*texts, "1::=", "1a::=b", "2:=::=", "3:::="):
        assert accepts("llguidance", text, good), good
    assert not accepts("llguidance", text, "3:::::=")


def test_equal_lexemes_are_one() -> None:
    assert write({"root": seq(STRING, ",", STRING), "other": STRING}).count("\nT") == 1


def test_writing_imports_no_engine() -> None:
    code = "import sys, toolfmt.grammar.llguidance; assert not {'llguidance', 'xgrammar', 'torch'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)


# Made rules

LEAVES = st.one_of(
    st.text("ab:=", max_size=3).map(Lit),
    st.sampled_from([Chars.of("a"), Chars.of("ab"), Chars.of("b", (":", ">")), ~Chars.of("a"), Lit("é\n"), NEVER]),
)


def _grown(inner: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    items = st.lists(inner, max_size=3).map(tuple)
    times = st.tuples(st.integers(0, 2), st.sampled_from([None, 0, 1, 3]))
    repeats = st.builds(lambda item, lh: Repeat(item, lh[0], None if lh[1] is None else lh[0] + lh[1]), inner, times)
    return st.one_of(items.map(Seq), items.map(Alt), repeats)


PLAIN = st.recursive(LEAVES, _grown, max_leaves=8)
REGULAR = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        _grown(inner), inner.map(Not), st.lists(inner, min_size=1, max_size=2).map(tuple).map(Both)
    ),
    max_leaves=6,
)
TEXTS = st.lists(st.text("ab:=é\n", max_size=7), max_size=30, unique=True)


@given(PLAIN, TEXTS)
def test_rules_outside_lexemes_are_exact(rule: Rule, texts: list[str]) -> None:
    _agree(rule, rule, texts)


@given(REGULAR, TEXTS)
def test_lexemes_are_exact(rule: Rule, texts: list[str]) -> None:
    _agree(Lexeme(rule), rule, texts)


@given(
    st.lists(st.sampled_from([STRING, NUMBER, Lit(","), Lit('"a"'), Lit(', "'), Lit("1"), SPACE]), max_size=4), TEXTS
)
def test_lexemes_beside_literals_are_exact(items: list[Rule], texts: list[str]) -> None:
    """Each lexeme here ends where a comma stands."""
    rule = seq(*(part for item in items for part in (item, ",")))
    changed = [text.translate(str.maketrans("ab:=é", '"1, a')) for text in texts]
    _agree(rule, rule, [*changed, '"a",1,', '"",,', '1,"a",'])


STOPS = st.lists(st.text("ab:", min_size=1, max_size=3), min_size=1, max_size=2, unique=True).map(tuple)
SHORT = st.text("ab:", max_size=2)
BODIES = st.sampled_from([None, Repeat(ANY, 1, 3), many(Chars.of("ab")), alt("", "ab", "b:"), Not(Lit("a"))])
AFTER = st.one_of(SHORT.map(Lit), st.just(many(Chars.of("ab"))))


@st.composite
def raws(draw: st.DrawFn) -> Raw:
    stops = draw(STOPS)
    ends = draw(
        st.lists(
            st.builds(lambda a, stop, b: a + stop + b, SHORT, st.sampled_from(stops), SHORT),
            min_size=1,
            max_size=2,
            unique=True,
        )
    )
    then: list[tuple[str, Rule]] = [(end, draw(AFTER)) for end in ends]
    return Raw(stops, (*then, ("", EMPTY)) if draw(st.booleans()) else tuple(then), draw(BODIES))


@given(raws(), SHORT, st.lists(st.text("ab:", max_size=7), max_size=40, unique=True))
def test_raw_texts_are_exact(raw: Raw, before: str, texts: list[str]) -> None:
    grammar = write({"root": seq(before, raw)})
    for text in texts:
        assert accepts("llguidance", grammar, before + text) == _is_raw(raw, text), (text, grammar)


def _agree(rule: Rule, regular: Rule, texts: list[str]) -> None:
    grammar = write({"root": rule})
    for text in texts:
        assert accepts("llguidance", grammar, text) == automaton.accepts(regular, text), (text, grammar)


def _is_raw(raw: Raw, text: str) -> bool:
    """As `Raw` says it: a stop is found where it first ends, and that is in the end."""

    def found(text: str) -> int | None:
        return min((text.find(stop) + len(stop) for stop in raw.stops if stop in text), default=None)

    def splits(at: int, end: str, after: Rule) -> bool:
        inside, taken = found(end), found(text[:at] + end)
        return (
            text.startswith(end, at)
            and automaton.accepts(after, text[at + len(end) :])
            and automaton.accepts(raw.body or ANYTHING, text[:at])
            and taken == (None if inside is None else at + inside)
        )

    return any(splits(at, end, after) for at in range(len(text) + 1) for end, after in raw.then)
