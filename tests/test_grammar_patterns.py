"""Patterns and formats of strings, judged by Python's `re`, jsonschema, `ipaddress`, `datetime`, `uuid` and `urllib`."""

import contextlib
import ipaddress
import re
import uuid
from datetime import date, datetime
from functools import cache
from urllib.parse import urlsplit

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from rule_regex import rule_regex

from toolfmt.grammar.patterns import PatternError, read_pattern
from toolfmt.grammar.string_formats import FORMATS
from toolfmt.rule import ANY, ANYTHING, NEVER, Chars, Lit, Rule, alt, repeat, seq


@cache
def regex(rule: Rule) -> re.Pattern[str]:
    return re.compile(rule_regex(rule))


def takes(rule: Rule, text: str) -> bool:
    return regex(rule).fullmatch(text) is not None


# Patterns as they are written: accepted texts, refused texts

REAL = [
    (r"^[a-z]+$", ["abc"], ["", "aB", "abc\n"]),
    (r"^[^\s]+$", ["a", "ä-b", "a/b"], ["", "a b", "a\t", "a\xa0"]),
    (r"^(a|b)$", ["a", "b"], ["ab", "", "c"]),
    (r"^a|b$", ["a", "axx", "xxb", "b"], ["xa", "bx", ""]),
    (r"\d{3}-\d{4}", ["555-1234", "tel 555-12345"], ["55-1234", "555-123"]),
    (r"^\d{3}-\d{4}$", ["555-1234"], ["5555-1234", "555-1234 "]),
    (r"^\d+$", ["1", "007"], ["", "1.0", "٣"]),
    (r"^-?\d+(\.\d+)?$", ["1", "-1.5"], ["1.", ".5", "--1"]),
    (r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$", ["a.b+c@d-e.org"], ["a@b", "@b.org", "a b@c.org"]),
    (r"^\S+@\S+\.\S+$", ["a@b.c"], ["a@b", "a @b.c"]),
    (r"^[^@]+@[^@]+$", ["a@b"], ["a@@b", "a"]),
    (r"^.+@.+$", ["a@b", "a@@"], ["@b", "a@"]),
    (r"^\w+([.-]?\w+)*@\w+([.-]?\w+)*(\.\w{2,3})+$", ["john.doe@ex-ample.co.uk"], ["john..@x.com", "x@y"]),
    (r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$", ["0.1.2", "10.20.30"], ["01.1.1", "1.2"]),
    (r"^v?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$", ["v1.2.3-rc.1+b5", "1.2.3"], ["1.2", "1.2.3-"]),
    (r"^[a-z0-9]+(?:-[a-z0-9]+)*$", ["a-b-c1"], ["a--b", "-a", "A"]),
    (r"^#?([a-fA-F0-9]{6}|[a-fA-F0-9]{3})$", ["#fff", "00FF7f"], ["#ffff", "ggg"]),
    (r"^#[0-9a-f]{3,8}$", ["#abc", "#12345678"], ["#ab", "#123456789"]),
    (r"^\+?[1-9]\d{1,14}$", ["+4915112345678"], ["+0123", "+"]),
    (r"^\(?\d{3}\)?[-.\s]?\d{3}[-.\s]?\d{4}$", ["(555) 123-4567", "5551234567"], ["555--123-4567"]),
    (r"^\d{5}(-\d{4})?$", ["12345", "12345-6789"], ["1234", "12345-"]),
    (r"^[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}$", ["SW1A 1AA", "M11AE"], ["sw1a 1aa"]),
    (r"^[A-Z]{3}$", ["USD"], ["usd", "US", "USDX"]),
    (r"^[a-z]{2}(-[A-Z]{2})?$", ["en", "en-GB"], ["EN", "en-"]),
    (r"^\d{4}-\d{2}-\d{2}$", ["2024-02-30"], ["24-02-03"]),
    (r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$", ["2024-12-31"], ["2024-13-01", "2024-00-10"]),
    (r"^([01]\d|2[0-3]):[0-5]\d$", ["23:59"], ["24:00", "1:00"]),
    (r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$", ["2024-01-01T00:00:00.5Z"], ["2024-01-01"]),
    (r"^P(\d+Y)?(\d+M)?(\d+D)?$", ["P", "P1Y2D"], ["1Y", "P1D1Y"]),
    (r"^((25[0-5]|2[0-4]\d|1?\d?\d)(\.|$)){3}", None, None),
    (r"^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)$", ["192.168.0.1"], ["256.1.1.1", "1.1.1"]),
    (r"^https?://", ["http://x", "https://"], ["ftp://x", " http://"]),
    (r"^https?:\/\/[^\s\/$.?#].[^\s]*$", ["https://a.b/c?d"], ["http://.a", "https://ab c"]),
    (r"^(http|https)://\S+$", ["http://x"], ["http://"]),
    (r"\.(jpg|png|gif)$", ["a.png", ".gif"], ["a.png.txt", "png"]),
    (r"^/", ["/", "/a"], ["a/"]),
    (r"^(/[^/]+)+/?$", ["/a/b/"], ["//", "a"]),
    (r"^[A-Za-z_][A-Za-z0-9_]*$", ["_a1"], ["1a", "a-b"]),
    (r"^[a-zA-Z_$][\w$]*$", ["$x", "_1"], ["1x"]),
    (r"^[\w.-]+/[\w.-]+$", ["owner/repo.js"], ["owner", "a/b/c"]),
    (r"^[\w\-\.]+$", ["a-b.c"], ["a b", "ä"]),
    (r"^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$", ["123e4567-e89b-12d3-a456-426614174000"], ["123e4567"]),
    (r"^[0-9a-f]{40}$", ["a" * 40], ["a" * 39, "A" * 40]),
    (r"^sha256:[a-f0-9]{64}$", ["sha256:" + "0" * 64], ["sha256:" + "0" * 63]),
    (r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$", ["", "QQ==", "abcd"], ["abc", "="]),
    (r"^arn:aws:iam::\d{12}:role/.+$", ["arn:aws:iam::123456789012:role/x"], ["arn:aws:iam::1:role/x"]),
    (r"^([0-9A-F]{2}:){5}[0-9A-F]{2}$", ["00:1B:44:11:3A:B7"], ["00-1B-44-11-3A-B7"]),
    (r"^\$?\d{1,3}(,\d{3})*(\.\d{2})?$", ["$1,234.50", "12"], ["1,23", "$"]),
    (r"^(\d{1,2}|100)%$", ["5%", "100%"], ["101%", "%"]),
    (r"^(true|false)$", ["true"], ["True", "truefalse"]),
    (r"^$|^\d+$", ["", "12"], ["a", "1a"]),
    (r"^(|yes|no)$", ["", "no"], ["maybe"]),
    (r"^$", [""], ["a", "\n"]),
    (r"", ["", "anything\n"], []),
    (r".*", ["", "a\nb"], []),
    (r".+", ["a", "\na"], ["", "\n"]),
    (r"^.*$", ["", "abc"], ["a\nb", "a\u2028b", "a\r"]),
    (r"^[\s\S]*$", ["a\nb\x85\ufeff", ""], []),
    (r"^[\s\S]{1,5}$", ["a\n", "12345"], ["", "123456"]),
    (r"^(?!\s*$).+", None, None),
    (r"^(?=.*\d).{8,}$", None, None),
    (r"\bfoo\b", None, None),
    (r"^(['\"]).*\1$", None, None),
    (r"(?i)^abc$", None, None),
    (r"(^|,)foo(,|$)", ["foo", "a,foo", "foo,b", "x,foo,y"], ["afoo", "foob", ""]),
    (r"(^foo$)|(^bar$)", ["foo", "bar"], ["foobar"]),
    (r"(^\d)?x", ["x", "ax", "1x"], ["", "1"]),
    (r"^(?<year>\d{4})-(?P<month>\d\d)$", ["2024-05"], ["2024-5"]),
    (r"^\x41\u0042\u{43}\/\.$", ["ABC/."], ["abc/."]),
    (r"^\t\n\r\f\v\0$", ["\t\n\r\f\v\0"], ["tnrfv0"]),
    (r"^[\]\\^\-a]+$", ["]\\^-a"], ["b", "["]),
    (r"^[]a-]+$", ["]a-"], ["b"]),
    (r"^[^]]$", ["a"], ["]"]),
    (r"^[\b]$", ["\b"], ["b"]),
    (r"^\p{Lu}\p{L}*$", ["Éa", "A"], ["a", "A1"]),
    (r"^\P{L}$", ["1", " "], ["a", "é"]),
    (r"^[^\d\W]\D$", ["a-", "_x"], ["1a", "a1", "a٣"]),
    (r"^a{2,3}?b{0,2}c{1,}d{2}$", ["aacdd", "aaabbcccdd"], ["acdd", "aacd"]),
    (r"^a{,2}$", ["", "aa"], ["aaa"]),
    (r"^a{b}{}$", ["a{b}{}"], ["ab"]),
    (r"^\{\{[a-z]+\}\}$", ["{{x}}"], ["{x}"]),
    (r"^{{[a-z]+}}$", ["{{x}}"], ["{x}"]),
    (r"\Aab?\Z", ["a", "ab"], ["abb", "ab\n"]),
    (r"a$b", [], ["ab", "a$b", "a"]),
    (r"x*$", ["", "abc"], []),
    (r"^\w{1,63}$", ["a" * 63], ["a" * 64, ""]),
    (r"^[à-ü€🙂]+$", ["é€🙂"], ["e"]),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "good", "bad"), [row for row in REAL if row[1] is not None])
def test_real_patterns(pattern: str, good: list[str], bad: list[str]) -> None:
    rule = read_pattern(pattern)
    assert [text for text in good if not takes(rule, text)] == [text for text in bad if takes(rule, text)] == []
    if not re.search(r"\\[uU]\{|\\[pP]\{|\(\?<[a-z]", pattern):
        assert all(re.search(pattern, text) for text in good)


UNSUPPORTED = [
    (r"^(?!\s*$).+", "lookahead at character 1"), (r"^(?=.*\d).{8,}$", "lookahead at character 1"), (r"(?<=a)b", "lookbehind at character 0"),
    (r"a(?<!a)b", "lookbehind at character 1"), (r"\bfoo\b", r"word boundary `\\b` at character 0"), (r"a\Bb", "word boundary .* 1"),
    (r"^(['\"]).*\1$", r"backreference `\\1` at character 10"), (r"(?P<a>x)(?P=a)", "backreference at character 8"),
    (r"(?i)^abc$", "options at character 0"), (r"(?i:a)", "options"), (r"(?>a)", "atomic"), (r"(a)?(?(1)b|c)", "condition"), (r"a++", "possessive"),
    (r"^(^a|b)*$", "repeated anchor at character 1"), (r"(a$){2}", "repeated anchor"), (r"^*", "repetition of nothing"),
    (r"\q", r"the escape `\\q`"), (r"\cA", "the escape"), (r"\012", r"`\\0`"), (r"\u12", "the escape"), (r"\p{Greek}", "property `Greek`"),
    (r"\uD83D\uDE00", "an escape that is no character at character 0"), ("\ud83d", "a surrogate"), (r"\u{110000}", "no character"),
    (r"a)", "`\\)` that closes nothing at character 1"), (r"(a", "a group without an end at character 0"), (r"[a", "no end of the class"),
    (r"[]", "no end of the class"), (r"a**", "repetition of a repetition"), (r"a{2}{3}", "repetition of a repetition at character 4"),
    (r"+a", "repetition of nothing at character 0"), (r"(*a)", "repetition of nothing"), (r"a|*", "repetition of nothing"), (r"[z-a]", "no order"),
    (r"[\w-z]", "no order"), (r"a{3,2}", "the wrong way round"), ("a\\", "a backslash with nothing behind it"),
    (r"(?P<a>x)(?P<a>y)", "second group `a`"),
    (r"(?<1>x)", "options"), (r"[\B]", "word boundary"),
    ("a" * 10_001, "10001 characters; at most 10000"), ("(" * 101 + ")" * 101, "more than 100 groups"), (r"a{10001}", "more than 10000 times"),
    (r"a{99999999999999999999}", "more than 10000 times"), (r"((a{100}){100}){100}", "more than 20000 characters"),
    ("a{10000}" * 3, "more than 20000 characters"), ("(^|a)" * 51, "more than 50 parts"),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "said"), UNSUPPORTED)
def test_what_cannot_be_read_is_named(pattern: str, said: str) -> None:
    with pytest.raises(PatternError, match=said):
        read_pattern(pattern)


def test_the_unsupported_rows_of_the_table_are_refused() -> None:
    refused = [pattern for pattern, good, _ in REAL if good is None]
    assert len(refused) == 6
    for pattern in refused:
        with pytest.raises(PatternError):
            read_pattern(pattern)


def test_hostile_patterns_end() -> None:
    for pattern in (
        "^" * 10_000,
        "a?" * 5000,
        "a|" * 5000,
        "(a|" * 99 + "b" + ")" * 99,
        "(^a|" * 99 + "b$" + ")" * 99,
        "[" * 9999,
    ):
        with contextlib.suppress(PatternError):
            assert read_pattern(pattern)


def test_rules_are_plain() -> None:
    assert read_pattern("^abc$") == Lit("abc")
    assert read_pattern("abc") == seq(ANYTHING, "abc", ANYTHING)
    assert read_pattern("^(?:a|b)$") == alt("a", "b")
    assert read_pattern(r"\d+") == seq(ANYTHING, Chars.of(("0", "9")), ANYTHING)
    assert read_pattern(r"\d{2,5}x*") == seq(ANYTHING, repeat(Chars.of(("0", "9")), 2, 2), ANYTHING)
    assert read_pattern("") == read_pattern("a*") == read_pattern("^.*|x?") == read_pattern("$") == ANYTHING
    assert read_pattern(r"^[\s\S]$") == read_pattern(r"^[\d\D]$") == read_pattern(r"^[\w\W]$") == ANY
    assert read_pattern("a$b") == read_pattern("b^a") == NEVER


# Against Python

texts = st.text("ab1_ -\n", max_size=5) | st.text("ab1é٣\xa0\ufeff\x1c\x85\u2028\r\n ", max_size=4)
_atoms = st.sampled_from(
    ["a", "b", "1", ".", r"\d", r"\w", r"\s", r"\D", r"\W", r"\S", "[ab]", "[^a]", r"[^\w]", r"[^\s1]", r"[\Wa-]", r"\-", "^", "$", "", "[a-b_]"]
)  # fmt: skip


def _larger(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    times = st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{,2}", "{1,}", "*?", "??", "{1,2}?"])
    return (
        st.lists(parts, min_size=1, max_size=4).map("".join)
        | st.lists(parts, min_size=1, max_size=3).map(lambda branches: f"({'|'.join(branches)})")
        | st.builds("(?:{}){}".format, parts, times)
    )


def check_against_python(pattern: str, text: str) -> None:
    rule = read_pattern(pattern)
    found = re.search(pattern, text) is not None
    event(f"{'found' if found else 'not found'}, {'taken' if takes(rule, text) else 'not taken'}")
    assert found or not takes(rule, text)
    if text.isascii() and not set(text) & set("\r\x1c") and not text.endswith("\n"):
        assert takes(rule, text) == found


@given(st.recursive(_atoms, _larger, max_leaves=8), texts)
def test_patterns_against_python(pattern: str, text: str) -> None:
    try:
        read_pattern(pattern)
    except PatternError as error:
        assume("a repeated anchor" not in str(error) and "repetition of nothing" not in str(error))
        raise
    check_against_python(pattern, text)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@given(st.text("ab1(|)*+?{},[]^-$\\dDsb.:<P>", max_size=10), texts)
def test_any_text_as_a_pattern(pattern: str, text: str) -> None:
    """What Python refuses is refused, and the rest means what it means there."""
    try:
        read_pattern(pattern)
    except PatternError:
        return
    assume(not re.search(r"\(\?<[abPD]", pattern))
    check_against_python(pattern, text)


def test_shorthands_mean_what_both_mean() -> None:
    everything = "".join(chr(code) for code in range(0x3100)) + "\ufeff🙂"
    ecma_space = "\t\n\v\f\r \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
    for letter, ecma in (("d", "[0-9]"), ("w", "[0-9A-Za-z_]"), ("s", f"[{ecma_space}]")):
        for pattern, other in ((f"\\{letter}", ecma), (f"\\{letter.upper()}", f"(?!{ecma})(?s:.)")):
            rule = read_pattern(f"^{pattern}$")
            for char in everything:
                assert takes(rule, char) == bool(re.fullmatch(pattern, char) and re.fullmatch(other, char)), (
                    pattern,
                    char,
                )


# Formats

VALID = {
    "date": ["2024-02-29", "2000-02-29", "1999-12-31", "0001-01-01", "9999-12-31", "2023-04-30", "0004-02-29"],
    "time": ["00:00:00Z", "23:59:59.123456789+23:59", "12:30:00-05:00"],
    "date-time": ["2024-02-29T23:59:59Z", "1985-04-12T23:20:50.52Z", "1996-12-19T16:39:57-08:00"],
    "duration": ["P1Y", "P3Y6M4DT12H30M5S", "PT0S", "P4W", "P1DT1M", "PT36H", "P1M"],
    "email": ["a@b.org", "first.last+tag@sub.example.co.uk", "o'brien@x-y.ie", "a" * 32 + "@example.com"],
    "hostname": ["localhost", "example.com", "a-b.c1.xn--p1ai", "123.example.org", "ip-10-0-0-1.eu-west-1.compute.internal"],
    "ipv4": ["0.0.0.0", "255.255.255.255", "192.168.1.10"],
    "ipv6": ["::", "::1", "1::", "2001:db8::8a2e:370:7334", "1:2:3:4:5:6:7:8", "::ffff:192.0.2.1",
             "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:1.2.3.4", "1::5:1.2.3.4"],
    "json-pointer": ["", "/", "/a/b", "/a~0b~1c/0", "/é//"],
    "uri": ["https://example.com", "http://u:p@h:80/a/b?c=d&e#f", "mailto:a@b.org", "urn:isbn:123",
            "http://[::1]/", "http://a/%20", "x:/y", "ftp://h/"],
    "uri-reference": ["", "/a/b", "a/b:c", "?q", "#f", "//h/p", "../x", "https://e.com/"],
    "uuid": ["123e4567-e89b-12d3-a456-426614174000", "FFFFFFFF-ffff-ffff-ffff-FFFFFFFFFFFF"],
}  # fmt: skip
INVALID = {
    "date": ["2023-02-29", "1900-02-29", "2024-04-31", "2024-00-01", "2024-13-01", "0000-01-01", "24-01-01", "2024-1-1", "2024-01-32"],
    "time": ["24:00:00Z", "12:60:00Z", "12:00:61Z", "12:00Z", "12:00:00", "12:00:00.Z", "12:00:00+5:00"],
    "date-time": ["2024-02-30T00:00:00Z", "2024-01-01 00:00:00Z", "2024-01-01T00:00:00", "2024-01-01"],
    "duration": ["P", "PT", "P1S", "1Y", "P1YT", "P1D1Y", "P1W1D", "P1Y1D", "PT1H1S"],
    "email": ["a", "@b.org", "a@", "a..b@c.org", ".a@c.org", "a.@c.org", "a b@c.org", "a@b", "a@-b.org", "a@b.org."],
    "hostname": ["", "-a", "a-", "a..b", "a_b", ".a", "a.", "a b", "a" * 64],
    "ipv4": ["256.0.0.1", "1.2.3", "01.2.3.4", "1.2.3.4.5", "1.2.3.-4", "1.2.3.4\n"],
    "ipv6": ["", ":", ":::", "1:2:3:4:5:6:7", "1::2::3", "1:2:3:4:5:6:7:8:9", "12345::", "1::2:3:4:5:6:7:8",
             "::1%eth0", "::1.2.3", "1:2:3:4:5:6:7:1.2.3.4", "1::2:3:4:5:6:1.2.3.4", "1.2.3.4", "g::"],
    "json-pointer": ["a", "/~", "/~2", "a/b"],
    "uri": ["", "/a", "example.com", "http://a b", "http://a/%zz", "1a:b", "http://[::1", "http://é", "http://a#b#c", "http://a\\b"],
    "uri-reference": ["a b", "a:b c", ":a", "%", "//[1]", "\\"],
    "uuid": ["123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400", "{123e4567-e89b-12d3-a456-426614174000}"],
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_formats(name: str) -> None:
    rule = FORMATS[name]
    assert [text for text in VALID[name] if not takes(rule, text)] == []
    assert [text for text in INVALID[name] if takes(rule, text)] == []


def test_the_table_of_formats() -> None:
    assert set(FORMATS) == set(VALID) == set(INVALID) and len(FORMATS) == len(VALID)
    assert "regex" not in FORMATS and "date" in FORMATS and FORMATS.get("idn-email") is None
    with pytest.raises(KeyError):
        FORMATS["regex"]


def test_dates_are_all_of_them() -> None:
    rule = FORMATS["date"]
    for year in (1, 4, 100, 400, 1900, 2000, 2023, 2024, 9996, 9999):
        for month in range(14):
            for day in range(33):
                text = f"{year:04}-{month:02}-{day:02}"
                try:
                    real = bool(date.fromisoformat(text))
                except ValueError:
                    real = False
                assert takes(rule, text) == real, text
    for year in range(1, 10_000):
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        assert takes(rule, f"{year:04}-02-29") == leap, year


def written(name: str) -> st.SearchStrategy[str]:
    """Texts that a format's rule allows."""
    return st.from_regex(regex(FORMATS[name]), fullmatch=True)


CHECKER = Draft202012Validator.FORMAT_CHECKER


@pytest.mark.parametrize("name", sorted(FORMATS.keys() & CHECKER.checkers.keys()))
def test_what_a_format_allows_jsonschema_does(name: str) -> None:
    @given(written(name))
    def check(text: str) -> None:
        assert CHECKER.conforms(text, name)

    check()


@given(written("date-time"), written("time"))
def test_datetime_reads_them(moment: str, time: str) -> None:
    assert datetime.fromisoformat(moment).tzinfo is not None
    assert datetime.fromisoformat(f"2000-01-01T{time}").tzinfo is not None


@given(written("ipv6"), written("ipv4"), written("uuid"))
def test_addresses_and_ids_are_read(six: str, four: str, identifier: str) -> None:
    assert ipaddress.IPv6Address(six) and ipaddress.IPv4Address(four)
    assert str(uuid.UUID(identifier)) == identifier.lower()


@given(
    st.lists(st.sampled_from(["1", "ab", "ffff", "0", ":", ":", ":", "::", "1.2.3.4", "12345"]), max_size=17).map(
        "".join
    )
)
def test_ipv6_is_exact(text: str) -> None:
    try:
        real = bool(ipaddress.IPv6Address(text)) or True
    except ValueError:
        real = False
    assert takes(FORMATS["ipv6"], text) == real


@given(st.integers(0, 2**128 - 1))
def test_any_ipv6_address(number: int) -> None:
    address = ipaddress.IPv6Address(number)
    assert takes(FORMATS["ipv6"], address.compressed) and takes(FORMATS["ipv6"], address.exploded)


@given(written("hostname"), written("email"))
def test_hosts_are_no_longer_than_allowed(host: str, email: str) -> None:
    local, _, domain = email.partition("@")
    assert len(local) <= 64 and len(local) > 0
    for name in (host, domain):
        assert len(name) <= 253 and all(0 < len(label) <= 63 and label.strip("-") == label for label in name.split("."))


# RFC 3986, appendix B, and the characters of its components
_URI = re.compile(r"(?:([^:/?#]+):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?")


@given(written("uri"), written("uri-reference"))
def test_uris_have_their_parts(uri: str, reference: str) -> None:
    for text in (uri, reference):
        found = _URI.fullmatch(text)
        assert found is not None and re.fullmatch(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*", text)
        scheme, host, path, _, fragment = found.groups()
        assert scheme is None or re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme)
        assert host is None or path == "" or path.startswith("/")
        assert host is not None or not path.startswith("//")
        assert "#" not in (fragment or "")
        if "[" in text:
            assert host is not None and ipaddress.IPv6Address(host[host.index("[") + 1 : host.index("]")])
    assert urlsplit(uri).scheme
