"""The EBNF texts of `toolfmt.grammar`: read by xgrammar itself, and judged by the automaton of the same rule."""

import json
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolfmt.grammar import ebnf, gbnf, structural_tag
from toolfmt.grammar import xgrammar as ours
from toolfmt.grammar.automaton import accepts, no_stop
from toolfmt.grammar.follow import BEYOND, END, followers
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
    alt,
    many,
    optional,
    repeat,
    seq,
)

xgr = pytest.importorskip("xgrammar")

OLD, MIDDLE, NEW = None, (0, 1, 34), (0, 2, 8)
WRITERS: dict[str, Callable[[Rules], str]] = {
    "oldest": lambda rules: ours.write(rules, version=OLD),
    "0.1.34": lambda rules: ours.write(rules, version=MIDDLE),
    "0.2.8": lambda rules: ours.write(rules, version=NEW),
    "gbnf": gbnf.write,
}
every_writer = pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS.keys())

QWEN = ("\n</parameter>\n<parameter=", "\n</parameter>\n</function>")
DIGIT = Chars.of(("0", "9"))
ESCAPED = seq("\\", alt(Chars.of('"\\/bfnrt'), seq("u", Repeat(Chars.of(("0", "9"), ("a", "f"), ("A", "F")), 4, 4))))
CHAR = alt(~Chars.of('"\\', ("\0", "\x1f")), ESCAPED)


def string(low: int = 0, high: int | None = None) -> Rule:
    return Lexeme(seq('"', Repeat(CHAR, low, high), '"'))


class Read:
    """A grammar text as xgrammar reads it."""

    def __init__(self, text: str, *, tag: bool = False) -> None:
        compiler = xgr.GrammarCompiler(xgr.TokenizerInfo([]))
        self._grammar = (
            compiler.compile_structural_tag(text) if tag else compiler.compile_grammar(xgr.Grammar.from_ebnf(text))
        )

    def accepts(self, text: str) -> bool:
        matcher = xgr.GrammarMatcher(self._grammar, terminate_without_stop_token=True)
        return bool(matcher.accept_string(text) and matcher.is_completed())

    def check(self, good: list[str], bad: list[str]) -> None:
        assert [text for text in good if not self.accepts(text)] == []
        assert [text for text in bad if self.accepts(text)] == []


NODES: list[tuple[Rules, list[str], list[str]]] = [
    ({"root": Lit('a"\\\n\t\x01é中😀｜')}, ['a"\\\n\t\x01é中😀｜'], ["a", ""]),
    ({"root": EMPTY}, [""], ["a"]),
    ({"root": Chars.of("]^-[\\\"'")}, list("]^-[\\\"'"), ["a", "x", "", "]]"]),
    ({"root": ~Chars.of("]^-\\")}, ["a", "\n", "[", "é", "\U0010ffff", "\0"], ["]", "^", "-", "\\"]),
    ({"root": ~Chars.of("<｜▁")}, ["a", "\u257f", "\uff5b", "\ud7ff", "\ue000", "\U0010ffff"], ["<", "｜", "▁"]),
    ({"root": Chars.of(("一", "龥"), "x")}, ["一", "龥", "x", "鑈"], ["龦", "y"]),
    ({"root": seq("a", alt("b", "", seq("c", alt("d", "e"))), "f")}, ["abf", "af", "acdf", "acef"], ["acf", "abacef"]),
    ({"root": seq("a", Alt((EMPTY,)), "b")}, ["ab"], ["a"]),
    ({"root": alt("a", seq("b", NEVER), Lexeme(Chars(())), repeat(NEVER, 1, 2))}, ["a"], ["b", ""]),
    ({"root": seq("a", Repeat(Chars(()), 0, None), "b")}, ["ab"], ["a"]),
    ({"root": seq(optional(Lit("-")), Repeat(DIGIT, 1, None))}, ["1", "-12"], ["", "-", "1-"]),
    ({"root": seq(Repeat(DIGIT, 2, 4), Repeat(Lit("ab"), 0, 2), Repeat(DIGIT, 3, None))}, ["12345", "12abab345"], ["1234"]),
    ({"root": seq("[", Repeat(alt("a", Lit("")), 0, None), "]")}, ["[]", "[aaa]"], ["[b]", "["]),
    ({"root": seq("[", Repeat(ANY, 2, None), "]")}, ["[ab]", "[]]]", "[a]b]"], ["[a]", "[]]"]),
    ({"root": seq("(", optional(Ref("root")), Ref("t_2"), ")"), "t_2": Lit("x")}, ["(x)", "((x)x)"], ["()", "(x"]),
    ({"root": seq(string(), ",", string(2, 3))}, ['"é\\n\\u00e9]","ab"', '"","\\nab"'], ['"a,"ab"', '"","a"', '"","abcd"']),
    ({"root": seq('"', Not(alt("a", "b")), '"')}, ['""', '"ab"', '"""'], ['"a"', '"b"', '"']),
    ({"root": seq("<", Both((many(DIGIT), Not(Lit("0")))), ">")}, ["<>", "<00>", "<7>"], ["<0>", "<a>"]),
    ({"root": alt("x", Both((Lit("a"), Lit("b"))))}, ["x"], ["a", "b"]),
    ({"root": Lexeme(seq("'", Both((many(ANY), Not(seq(ANYTHING, "'", ANYTHING)))), "'"))}, ["''", "'é\n'"], ["'''"]),
]  # fmt: skip


@every_writer
@pytest.mark.parametrize(("rules", "good", "bad"), NODES)
def test_each_node_reads_as_it_says(
    write: Callable[[Rules], str], rules: Rules, good: list[str], bad: list[str]
) -> None:
    Read(write(rules)).check(good, bad)


@every_writer
def test_the_end_of_raw_text_is_its_first(write: Callable[[Rules], str]) -> None:
    key = seq("k>\n", Raw(QWEN, ((QWEN[0], Ref("key")), (QWEN[1], Lit("\n</tool_call>")))))
    head, tail = "<parameter=k>\n", "\n</parameter>\n</function>\n</tool_call>"
    values = [
        "",
        "\n",
        "a\n</parameter>\nb",
        "</function>",
        "\n</parameter>",
        "\n</parameter>\n",
        "\n</parameter>\n<",
        "é\n\n",
    ]
    read = Read(write({"root": seq("<parameter=", Ref("key")), "key": key}))
    read.check(
        [head + value + tail for value in values] + [head + f"a\n</parameter>\n{head}b" + tail],
        [head + "a" + tail + tail, head + f"a\n</parameter>\n<parameter=x>\nb{tail}", head + "a", "a" + tail],
    )


@every_writer
def test_marks_around_raw_text(write: Callable[[Rules], str]) -> None:
    mark = "<escape>"
    read = Read(write({"root": seq(mark, Raw((mark,), ((mark + ",", Ref("root")), (mark + "}", EMPTY))))}))
    read.check(
        [f"{mark}{text}{mark}}}" for text in ("", "<<escape", "a<escape", "x<e<es<esc", "}")] + [f"{mark}a{mark},{mark}{mark}}}"],
        [f"{mark}a{mark}b{mark}}}", f"{mark}{mark}{mark}}}", f"{mark}a{mark}"],
    )  # fmt: skip


@every_writer
def test_prose_and_calls(write: Callable[[Rules], str]) -> None:
    call = seq("1", Ref("root"))
    read = Read(write({"root": Raw(("<c>", "<d>"), (("<c>\n", call), ("", EMPTY)))}))
    read.check(["", "ab<c", "a<c>\n1b<c>\n1c"], ["<c>", "<c>1", "<d>", "a<c>\n2", "<c>\n1<c>"])


BODIES: list[tuple[Rule, list[str], list[str]]] = [
    (Repeat(ANY, 1, None), ["a", "</e", "</enD></en"], ["", "a</end>", "</end>"]),
    (Repeat(ANY, 2, 4), ["ab", "abcd"], ["a", "abcde", "</end>"]),
    (Repeat(ANY, 0, 3), ["", "abc"], ["abcd", "a</end>"]),
    (Repeat(ANY, 0, 0), [""], ["a"]),
    (seq(ANYTHING, "x", ANYTHING), ["x", "</enx"], ["", "a", "x</end>", "</end>x"]),
]


@every_writer
@pytest.mark.parametrize(("body", "good", "bad"), BODIES)
def test_bodies_of_raw_text(write: Callable[[Rules], str], body: Rule, good: list[str], bad: list[str]) -> None:
    read = Read(write({"root": Raw(("</end>",), (("</end>", Lit("!")), ("</end>?", EMPTY)), body)}))
    ends = ("</end>!", "</end>?")
    read.check([text + end for text in good for end in ends], [text + end for text in bad for end in ends])


@every_writer
def test_a_stop_half_in_the_end_is_found(write: Callable[[Rules], str]) -> None:
    """Before ``)`` the text may not end in ``>``; before ``!`` it may."""
    read = Read(write({"root": Raw((">)", "#"), ((")", EMPTY), ("!", EMPTY)))}))
    read.check(["a)", "a>!", "!!", ">>-)"], ["a>)", ">)", ">)!", "#!"])


@pytest.mark.parametrize(
    ("stops", "end", "found"),
    [
        (QWEN, QWEN[1] + "\n</tool_call>", ()),
        (("<escape>",), "<escape>}", ()),
        ((">)",), ")", (">",)),
        (("aba",), "aba", ("ab",)),
        (("aba", "ab"), "aba", ("ab",)),
        (("xa", "a"), "ab", ()),
        (("stop",), "", ()),
    ],
)
def test_straddling(stops: tuple[str, ...], end: str, found: tuple[str, ...]) -> None:
    assert ebnf.straddling(stops, end) == found


def test_long_strings_are_counted() -> None:
    read = Read(ours.write({"root": string(1, 200)}, version=NEW))
    read.check(
        ['"a"', '"' + "a" * 200 + '"', '"' + "é" * 199 + '\\n"'], ['""', '"' + "a" * 201 + '"', '"' + "\\n" * 201 + '"']
    )
    read = Read(ours.write({"root": string(20, 40)}, version=NEW))
    read.check(['"' + "a" * n + '"' for n in (20, 40)], ['"' + "a" * n + '"' for n in (19, 41)])


def test_escapes_never_make_a_counted_string_longer() -> None:
    for escape in ("\\n", "\\u0041"):
        read = Read(ours.write({"root": string(20, 40)}, version=NEW))
        read.check([f'"{escape * 20}"'], [f'"{escape * times}"' for times in (19, 41, 60)])


def test_old_dialects_and_llama_say_how_far_they_count() -> None:
    assert (ours.exact(OLD), ours.exact(MIDDLE), ours.exact(NEW)) == (None, None, 16)
    Read(ours.write({"root": string(0, 16)}, version=NEW)).check(
        [f'"{16 * escaped}"' for escaped in ("a", "\\n")], [f'"{17 * "a"}"']
    )
    read = Read(ours.write({"root": string(1, 64)}, version=MIDDLE))
    read.check(['"' + "\\n" * 64 + '"'], ['"' + "a" * 65 + '"'])
    with pytest.raises(ebnf.TooLong, match="65 times is more than the 64") as found:
        ours.write({"root": string(1, 65)}, version=MIDDLE)
    assert found.value.bound == 64
    gbnf.write({"root": string(0, 2000)})
    for rule in (string(0, 2001), string(2001), Repeat(Lit("ab"), 0, 2001)):
        with pytest.raises(ebnf.TooLong, match="than the 2000"):
            gbnf.write({"root": rule})


def test_a_rule_that_allows_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="rule 'a' allows no text"):
        ours.write({"root": Ref("a"), "a": seq("x", Chars(()))})


@every_writer
def test_nul_alone_is_refused(write: Callable[[Rules], str]) -> None:
    for rule in (Lit("a\0"), Chars.of("\0")):
        with pytest.raises(ValueError, match=r"U\+0000"):
            write({"root": rule})
    Read(write({"root": Chars.of("\0a")})).check(["\0", "a"], ["b", ""])


def test_characters_beyond_ascii_in_a_class_are_refused_where_they_are_misread() -> None:
    rules = {"root": Chars.of(("à", "ü"))}
    with pytest.raises(ValueError, match=r"xgrammar 0\.1\.29 misreads .* up to U\+00FC"):
        ours.write(rules, version=(0, 1, 29))
    ours.write({"root": ~Chars.of("<")}, version=(0, 1, 29))
    split = "[\\u0080-߿ࠀ-\\u0FFFက-쿿퀀-ힿퟀퟁ]"
    assert ours.write({"root": Chars.of(("\x80", "\ud7c1"))}, version=MIDDLE) == f"root ::= {split}\n"
    assert ours.write({"root": ~Chars.of("｜")}, version=NEW) == "root ::= [\\u0000-｛｝-\\U0010FFFF]\n"


# Shapes, on which speed hangs


def rule_of(text: str, name: str) -> str:
    found = re.search(rf"^{re.escape(name)}(?:\[.*?\])? ::= (.*)$", text, re.MULTILINE)
    assert found, (name, text)
    return found[1]


@every_writer
def test_the_loop_of_a_string_is_right_recursive_and_holds_its_end(write: Callable[[Rules], str]) -> None:
    text = write({"root": seq("{", string(), ", ", string(), "}")})
    opened = re.search(r'^(L\d+) ::= "\\"" (R\d+)$', text, re.MULTILINE)
    assert opened and rule_of(text, "root") == f'"{{" {opened[1]} ", " {opened[1]} "}}"'
    body = opened[2]
    inner = r'\(?"\\"" \| \[[^]]*\] BODY \| "\\\\" \(.*\) BODY(\) \(= .*\))?'.replace("BODY", body)
    assert re.fullmatch(inner, rule_of(text, body))
    assert "*" not in text


def test_what_may_follow_a_string() -> None:
    a, b, c, d, e = (Lexeme(Lit(name)) for name in "abcde")
    rules: Rules = {
        "root": seq(many(seq(a, optional(Lit(",")))), "]", Ref("x"), optional(Ref("empty")), Raw(("!",), (("", d),))),
        "x": alt(seq(b, alt(":", Chars.of(("0", "1"), "é"))), seq("-", optional(c), Ref("empty"))),
        "empty": many(Lit(" ")),
        "unused": seq(a, "u"),
        "e": e,
    }
    found = followers(rules)
    shown = {lexeme.item: {chr(n) for n in range(128) if bits >> n & 1} for lexeme, bits in found.items()}
    assert (shown[Lit("a")], shown[Lit("b")], shown[Lit("d")]) == (set(",]a"), set(":01"), set())
    assert (found[b] & BEYOND, found[a] & BEYOND, found[d]) == (BEYOND, 0, END)
    assert found[c] & END and found[c] & BEYOND and e not in found


def test_strings_are_told_what_follows_them() -> None:
    rules: Rules = {"root": seq("[", string(), many(seq(", ", string())), "]")}
    assert re.search(r"^R\d+ ::= \(.*\) \(= \[,\\u005D\]\)$", ours.write(rules), re.MULTILINE)
    assert "(= " not in ours.write({"root": string()})
    assert "(= " not in gbnf.write(rules)


def test_no_token_is_lost_to_what_strings_are_told() -> None:
    tokens = ['"', '",', '", "', '"]', '"}', "a", 'a"]', "[", '["', ", ", "]", "</s>"]
    compiler = xgr.GrammarCompiler(xgr.TokenizerInfo(tokens, stop_token_ids=[11]))
    text = ours.write({"root": seq("[", string(), many(seq(", ", string())), "]")}, version=NEW)
    matcher = xgr.GrammarMatcher(compiler.compile_grammar(xgr.Grammar.from_ebnf(text)))
    assert matcher.accept_string('["a')
    mask = xgr.allocate_token_bitmask(1, len(tokens))
    matcher.fill_next_token_bitmask(mask)
    allowed = {token for at, token in enumerate(tokens) if int(mask[0][0]) >> at & 1}
    assert allowed == {'"', '",', '", "', '"]', "a", 'a"]', "[", '["', ", ", "]"}


def test_raw_text_is_one_dispatch_where_there_is_one() -> None:
    raws = [Raw(QWEN, ((end, EMPTY),), body) for end in QWEN for body in (None, Repeat(ANY, 1, None))]
    text = ours.write({"root": alt(*raws)}, version=MIDDLE)
    assert [line.split(" ")[0] for line in text.splitlines()[1:]] == ["T0", "T1"]
    assert "TagDispatch" not in ours.write({"root": alt(*raws)}, version=OLD)


def test_long_counts_are_rule_options() -> None:
    text = ours.write({"root": string(0, 200)}, version=NEW)
    loop = re.search(r"^C\d+\[max_chars=200\] ::= (R\d+)$", text, re.MULTILINE)
    assert loop and "{" not in text.replace("{4}", "")
    assert re.fullmatch(r'\(.*\) \(= "\\""\)', rule_of(text, loop[1]))


def test_names_are_spelled_for_llama() -> None:
    text = gbnf.write({"root": Ref("a_b"), "a_b": seq(string(), Not(Lit("a")))})
    assert all(re.fullmatch("[a-zA-Z0-9-]+", line.split(" ")[0]) for line in text.splitlines())


# Special tokens


def test_special_tokens() -> None:
    rules = {"root": seq("a<t>b", Raw(("</t>",), (("</t>\n", EMPTY),)))}
    special = {"<t>": 7, "</t>": 8}
    assert rule_of(ours.write(rules, version=NEW, special=special), "root") == '"a" Token(7) "b" T0 Token(8) "\\n"'
    assert 'excludes=("</t>",)' in ours.write(rules, version=NEW, special=special)
    assert rule_of(gbnf.write(rules, special=special), "root") == '"a" <[7]> "b" A0-0 <[8]> "\\n"'
    Read(ours.write(rules, special=special)).check(["a<t>bx</t>\n"], ["ab</t>\n"])


def test_a_special_token_is_forced() -> None:
    tokens = ["<t>", "<", "t", ">", "a", "</s>"]
    info = xgr.TokenizerInfo(tokens, stop_token_ids=[5])
    text = ours.write({"root": Lit("a<t>")}, version=NEW, special={"<t>": 0})
    matcher = xgr.GrammarMatcher(xgr.GrammarCompiler(info).compile_grammar(xgr.Grammar.from_ebnf(text)))
    assert matcher.accept_token(4)
    assert not matcher.accept_token(1)
    assert matcher.accept_token(0)


# Structural tags

CALLS: Rules = {"root": NEVER, "call": seq("{", Ref("n_1"), "}"), "n_1": string()}
TEXTS = ["", "a", '<c>\n{"x"}', 'a<c>\n{"x"}b<c>\n{"y"} c', '<c>{"x"}', "<c>", '<c>\n{"x}', "a<d>b", 'a<c>\n{"x"}b<c>']


@pytest.mark.parametrize("again", [True, False])
def test_a_structural_tag_reads_as_the_grammar_does(again: bool) -> None:
    after = Ref("root") if again else EMPTY
    stops = ("<c>", "<d>")
    rules = {**CALLS, "root": Raw(stops, (("<c>\n", seq(Ref("call"), after)), ("", EMPTY)))}
    whole = Read(structural_tag.write(rules, version=NEW), tag=True)
    triggered = Read(structural_tag.write_triggered(rules, "call", "<c>\n", stops, repeat=again, version=NEW), tag=True)
    good = TEXTS[:4] if again else TEXTS[:3]
    for read in (whole, triggered):
        assert [text for text in TEXTS if read.accepts(text)] == good


def test_what_a_triggered_tag_cannot_say_is_refused() -> None:
    with pytest.raises(ValueError, match=r"trigger '<c>' begins with none of the stops \['<d>'\]"):
        structural_tag.write_triggered(CALLS, "call", "<c>", ["<d>"])
    with pytest.raises(ValueError, match=r"before xgrammar 0\.1\.34 .* exclude \['<d>'\]"):
        structural_tag.write_triggered(CALLS, "call", "<c>", ["<c>", "<d>"])
    made = json.loads(structural_tag.write_triggered(CALLS, "call", "<c>", ["<c>"]))
    assert "excludes" not in made["format"]


# The automaton as the judge

LETTERS = "ab]"
LEAVES = st.one_of(
    st.text(LETTERS, max_size=3).map(Lit),
    st.sets(st.sampled_from(LETTERS), min_size=1).map(lambda found: Chars.of(*found)),
    st.sets(st.sampled_from(LETTERS), max_size=2).map(lambda found: ~Chars.of(*found)),
)


def grown(rules: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    some = st.lists(rules, min_size=1, max_size=3)
    return st.one_of(
        some.map(lambda items: seq(*items)),
        some.map(lambda items: alt(*items)),
        st.builds(Lexeme, rules),
        st.builds(Not, rules),
        st.lists(rules, min_size=2, max_size=2).map(lambda items: Both(tuple(items))),
        st.tuples(rules, st.integers(0, 2), st.one_of(st.none(), st.integers(0, 2))).map(
            lambda made: Repeat(made[0], made[1], None if made[2] is None else made[1] + made[2])
        ),
    )


REGULAR = st.recursive(LEAVES, grown, max_leaves=6)
SAMPLES = st.lists(st.text("ab]é", max_size=6), min_size=1, max_size=20)


def agrees(write: Callable[[Rules], str], rules: Rules, judge: Rule, texts: list[str]) -> None:
    try:
        text = write(rules)
    except ValueError:
        assert not any(accepts(judge, sample) for sample in texts)
        return
    read = Read(text)
    for sample in texts:
        assert read.accepts(sample) == accepts(judge, sample), (sample, text)


@every_writer
@settings(max_examples=40)
@given(rule=REGULAR, texts=SAMPLES)
def test_every_regular_rule_reads_as_its_automaton(write: Callable[[Rules], str], rule: Rule, texts: list[str]) -> None:
    agrees(write, {"root": rule}, rule, texts)


STOPS = st.lists(st.text("ab]", min_size=1, max_size=3), min_size=1, max_size=2, unique=True).map(tuple)


def first_end(stops: tuple[str, ...], end: str, text: str) -> bool:
    """Whether ``text`` is raw text and ``end``, by looking at each place."""
    body = text.removesuffix(end) if text.endswith(end) else None
    if body is None or any(stop in body for stop in stops):
        return False
    places = [(at + len(stop), at) for stop in stops for at in range(len(text)) if text.startswith(stop, at)]
    return not places or min(places)[0] >= min((p[0] for p in places if p[1] >= len(body)), default=len(text) + 1)


@every_writer
@settings(max_examples=40)
@given(stops=STOPS, end=st.text("ab]", max_size=4), texts=st.lists(st.text("ab]", max_size=7), max_size=20))
def test_raw_text_ends_at_its_first_end(
    write: Callable[[Rules], str], stops: tuple[str, ...], end: str, texts: list[str]
) -> None:
    read = Read(write({"root": Raw(stops, ((end, EMPTY),))}))
    for text in [*texts, *(text + end for text in texts)]:
        assert read.accepts(text) == first_end(stops, end, text), text
    assert accepts(no_stop(stops), "") and read.accepts(end)
