"""What is asked of text, for ripgrep: phrases, words, beginnings, ends, alternatives, comments.

And its traps: text full of metacharacters, and what needs look-around or a back-reference, which ripgrep has with PCRE2 only.  Where the row offers
no `pcre2` argument the right answer does without, and finds the same lines as the one with it.
"""

import re

from toolfmt_train.generate.blueprint import Blueprint, Draft, escaped, ripgrep
from toolfmt_train.generate.wordings import Wordings
from toolfmt_train.gym.tools import LANGUAGES, Language

__all__ = ["TEXT"]

_WORD = r"\b[A-Za-z_]\w{3,29}\b"
_CALLED, _NOT_CALLED = r"\b([A-Za-z_]\w{3,29})\(", r"\b([A-Za-z_]\w{3,29})\b(?!\()"
_DOTTED, _NOT_DOTTED = r"\.([A-Za-z_]\w{3,29})\b", r"(?<![.\w])([A-Za-z_]\w{3,29})\b"
_PAIR = rf"({_WORD}[ .,(:]{{1,3}}{_WORD})"
_SNIPPET = r"([\w.]{3,20}(?:\[[^\]\s`]{0,12}\]|\([^()\s`]{0,12}\)|\*|\?\.|\|\||\+\+|\$)[\w.(\[]{0,12})"
_COMMENT = {language: "#" if language == "python" else "//" for language in LANGUAGES}


def _everywhere(find: str) -> dict[Language, str]:
    return dict.fromkeys(LANGUAGES, find)


def _words(text: str) -> dict[str, str]:
    first, second = re.findall(_WORD, text)
    return {"a": first, "b": second}


def _either(subject: str, _: Language) -> Draft:
    words = _words(subject)
    return Draft(ripgrep("{a}|{b}".format_map(words)), slots=words)


def _without(subject: str, _: Language) -> Draft:
    words = _words(subject)
    call = ripgrep(r"^(?!.*\b{b}\b).*\b{a}\b".format_map(words), pcre2=True)
    return Draft(call, trap=ripgrep(r"^.*\b{a}\b".format_map(words)), slots=words)


def _comment(subject: str, language: Language) -> Draft:
    return Draft(ripgrep(rf"{_COMMENT[language]}.*\b{subject}\b"), slots={"mark": _COMMENT[language]})


def _not_followed(subject: str, _: Language) -> Draft:
    with_pcre2, without = ripgrep(rf"\b{subject}\b(?!\()", pcre2=True), ripgrep(rf"\b{subject}\b([^(]|$)")
    return Draft(with_pcre2, same=without, trap=ripgrep(rf"\b{subject}\b"))


def _not_preceded(subject: str, _: Language) -> Draft:
    with_pcre2, without = ripgrep(rf"(?<!\.)\b{subject}\b", pcre2=True), ripgrep(rf"(^|[^.])\b{subject}\b")
    return Draft(with_pcre2, same=without, trap=ripgrep(rf"\b{subject}\b"))


def _not_followed_plain(subject: str, language: Language) -> Draft:
    other = _not_followed(subject, language)
    assert other.same is not None
    return Draft(other.same, same=other.call, trap=other.trap)


def _not_preceded_plain(subject: str, language: Language) -> Draft:
    other = _not_preceded(subject, language)
    assert other.same is not None
    return Draft(other.same, same=other.call, trap=other.trap)


_NOT_FOLLOWED = Wordings(
    (
        "the word `{x}` where no `(` comes right after it",
        "`{x}` as a whole word not followed by an opening parenthesis",
        "mentions of the word `{x}` without a `(` directly behind",
    ),
    ("the whole word `{x}` when the next character is not `(`", "the whole word `{x}` with anything but `(` behind it"),
)
_NOT_PRECEDED = Wordings(
    (
        "the word `{x}` where no dot comes right before it",
        "`{x}` as a whole word not preceded by a `.`",
        "mentions of the word `{x}` without a dot directly in front",
    ),
    (
        "the whole word `{x}` when the character before it is not a dot",
        "the whole word `{x}` with anything but a dot in front",
    ),
)

TEXT = (
    Blueprint(
        "plain_text",
        "atomic",
        Wordings(
            (
                "the text `{x}`, taken literally",
                "places with exactly the plain text `{x}`",
                "the literal phrase `{x}`, as plain text",
            ),
            ("the fixed text `{x}`", "occurrences of `{x}` as literal text"),
        ),
        _everywhere(r"\b([a-z]{3,}(?: [a-z]{2,}){1,3})\b"),
        lambda x, _: Draft(ripgrep(x, fixed_strings=True)),
    ),
    Blueprint(
        "string",
        "atomic",
        Wordings(
            (
                "occurrences of the string `{x}`, quotes included, as plain text",
                "places where `{x}` stands, quotes and all, taken literally",
            ),
            ("`{x}` as literal text, with its quotes",),
        ),
        _everywhere(r'("[A-Za-z][\w ./-]{3,30}")'),
        lambda x, _: Draft(ripgrep(x, fixed_strings=True)),
    ),
    Blueprint(
        "word",
        "atomic",
        Wordings(
            (
                "the whole word `{x}`, by a regular expression",
                "`{x}` as a whole word, with word boundaries",
                "mentions of the word `{x}`, not of longer words, by a regular expression",
            ),
            ("`{x}` between word boundaries", "the word `{x}` on its own, by a regular expression"),
        ),
        _everywhere(rf"({_WORD})"),
        lambda x, _: Draft(ripgrep(rf"\b{x}\b")),
    ),
    Blueprint(
        "ignore_case",
        "atomic",
        Wordings(
            (
                "`{x}` in upper or lower case",
                "the text matching `{x}`, whatever its case",
                "places matching `{x}`, ignoring case",
            ),
            ("matches of `{x}` in any case", "`{x}`, where capitals do not matter"),
        ),
        _everywhere(rf"({_WORD})"),
        lambda x, _: Draft(ripgrep(x, ignore_case=True)),
    ),
    Blueprint(
        "line_start",
        "atomic",
        Wordings(
            (
                "lines that begin with `{x}`, by a regular expression",
                "lines starting with `{x}`",
                "`{x}` at the very beginning of a line",
            ),
            ("lines whose first characters are `{x}`", "`{x}` at the start of lines"),
        ),
        _everywhere(r"^([A-Za-z@#][\w.]{3,} ?[\w.]{0,12})"),
        lambda x, _: Draft(ripgrep("^" + escaped(x))),
    ),
    Blueprint(
        "line_end",
        "atomic",
        Wordings(
            (
                "lines that end with `{x}`, by a regular expression",
                "lines ending in `{x}`",
                "`{x}` at the very end of a line",
            ),
            ("lines whose last characters are `{x}`", "`{x}` at the end of lines"),
        ),
        _everywhere(r"(\b\w{4,}[;:,(){]{0,3})$"),
        lambda x, _: Draft(ripgrep(escaped(x) + "$")),
    ),
    Blueprint(
        "prefix",
        "atomic",
        Wordings(
            (
                "words that begin with `{x}` and go on, by a regular expression",
                "longer words starting with `{x}`",
                "names that start with `{x}` and have more letters, by a regular expression",
            ),
            ("words with `{x}` as their beginning and more behind it",),
        ),
        _everywhere(r"\b(_?[a-z]{3,}_|[a-z]{4,}(?=[A-Z]))\w+"),
        lambda x, _: Draft(ripgrep(rf"\b{x}\w+")),
    ),
    Blueprint(
        "suffix",
        "atomic",
        Wordings(
            (
                "longer words that end with `{x}`, by a regular expression",
                "words ending in `{x}` with something before it",
                "names that have letters and then end in `{x}`, by a regular expression",
            ),
            ("words with `{x}` as their end and more in front of it",),
        ),
        _everywhere(r"(?<=[a-z0-9])(_[a-z]{3,}|[A-Z][a-z]{3,})\b"),
        lambda x, _: Draft(ripgrep(rf"\w+{x}\b")),
    ),
    Blueprint(
        "either",
        "atomic",
        Wordings(
            (
                "`{a}` or `{b}`, by one regular expression",
                "places with `{a}` or with `{b}`, in one search",
                "places with either `{a}` or `{b}`",
            ),
            ("matches of `{a}` as well as of `{b}`", "any of `{a}` and `{b}`, in one search"),
        ),
        _everywhere(_PAIR),
        _either,
    ),
    Blueprint(
        "comment",
        "atomic",
        Wordings(
            (
                "the whole word `{x}` somewhere behind `{mark}` on a line",
                "lines with `{mark}` and later the whole word `{x}`, by a regular expression",
                "lines where `{mark}` is followed by the whole word `{x}`, by a regular expression",
            ),
            ("the whole word `{x}` in a comment after `{mark}`", "`{mark}` with the whole word `{x}` behind it"),
        ),
        {language: rf"{mark} .*?\b([A-Za-z]{{4,}})\b" for language, mark in _COMMENT.items()},
        _comment,
    ),
    Blueprint(
        "metacharacters",
        "adversarial",
        Wordings(
            (
                "the text `{x}`, taken literally",
                "places with exactly the plain text `{x}`",
                "the literal code text `{x}`, as plain text",
            ),
            ("the fixed text `{x}`", "occurrences of `{x}` as literal text"),
        ),
        _everywhere(_SNIPPET),
        lambda x, _: Draft(ripgrep(x, fixed_strings=True), same=ripgrep(escaped(x)), trap=ripgrep(x)),
    ),
    Blueprint(
        "escaped",
        "adversarial",
        Wordings(
            (
                "`{x}` by a regular expression that matches just these characters",
                "the characters `{x}`, escaped in a regular expression",
            ),
            ("just `{x}`, with a regular expression and the needed escapes",),
        ),
        _everywhere(_SNIPPET),
        lambda x, _: Draft(ripgrep(escaped(x)), same=ripgrep(x, fixed_strings=True), trap=ripgrep(x)),
    ),
    Blueprint(
        "not_followed", "adversarial", _NOT_FOLLOWED, _everywhere(_CALLED), _not_followed, also=_everywhere(_NOT_CALLED)
    ),
    Blueprint(
        "not_preceded", "adversarial", _NOT_PRECEDED, _everywhere(_DOTTED), _not_preceded, also=_everywhere(_NOT_DOTTED)
    ),
    Blueprint(
        "line_without",
        "adversarial",
        Wordings(
            (
                "lines that have the word `{a}` but not the word `{b}`",
                "lines with `{a}` as a whole word and without the word `{b}`",
            ),
            ("lines where the word `{a}` occurs and the word `{b}` does not",),
        ),
        _everywhere(_PAIR),
        _without,
    ),
    Blueprint(
        "same_name",
        "adversarial",
        Wordings(
            (
                "assignments such as `.name = name`, where both names are the same",
                "fields that are set from a variable of the same name, such as `.size = size`",
            ),
            ("places like `.item = item`, the same name on both sides",),
        ),
        _everywhere(r"\.(\w+) = \1\b"),
        lambda _x, _: Draft(ripgrep(r"\.(\w+) = \1\b", pcre2=True), trap=ripgrep(r"\.(\w+) = (\w+)\b")),
        scoped=True,
    ),
    Blueprint(
        "doubled_word",
        "adversarial",
        Wordings(
            ("words that are written twice in a row, one space between", "the same word twice with a space between"),
            ("a word directly followed by itself after one space",),
        ),
        _everywhere(r"\b(\w+) \1\b"),
        lambda _x, _: Draft(ripgrep(r"\b(\w+) \1\b", pcre2=True), trap=ripgrep(r"\b(\w+) (\w+)\b")),
        scoped=True,
    ),
    Blueprint(
        "not_followed_without_pcre2",
        "adversarial",
        _NOT_FOLLOWED,
        _everywhere(_CALLED),
        _not_followed_plain,
        also=_everywhere(_NOT_CALLED),
        pcre2=False,
    ),
    Blueprint(
        "not_preceded_without_pcre2",
        "adversarial",
        _NOT_PRECEDED,
        _everywhere(_DOTTED),
        _not_preceded_plain,
        also=_everywhere(_NOT_DOTTED),
        pcre2=False,
    ),
)
