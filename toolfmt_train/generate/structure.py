"""What is asked of syntax, for ast-grep: calls, constructions, imports, throws, returns and more, in each language's own pattern.

Each form also has the regular expression that one would write for it.  An atomic task is one where ripgrep sees the very same lines: a second opinion
on the ground truth, without which a pattern that is legal and means something else would pass (Go and C++ read `f($$$A)` as a conversion and a
declaration; hence their contexts and selectors).  An adversarial task is one where it sees others: definitions, comments,
strings, calls over several lines, longer expressions.
"""

import functools
from typing import NamedTuple

from toolfmt_train.generate.blueprint import Blueprint, Draft, ast_grep, escaped, ripgrep
from toolfmt_train.generate.wordings import Wordings
from toolfmt_train.gym.corpora import SUFFIXES
from toolfmt_train.gym.tools import LANGUAGES, Language

__all__ = ["STRUCTURE"]


class Form(NamedTuple):
    """How a language says it: the pattern (`{x}` is the subject), what finds subjects, the naive regular expression."""

    pattern: str
    find: str
    text: str
    selector: str = ""


class Kind(NamedTuple):
    """What is asked for, in each language that has it.

    ``trap`` finds, among the subjects, those of which ripgrep is likely to see more (`{find}` is the form's own pattern); empty: no such tasks.
    """

    name: str
    what: Wordings
    forms: dict[Language, Form]
    trap: str = ""
    plain: bool = True


_GLOBS = {language: "*{" + ",".join(SUFFIXES[language]) + "}" for language in LANGUAGES}

_ANY = "{find}"
_IN_A_COMMENT = r"(?:#|//|^\s*\*|\"|').*?{find}"

_NAME = r"(?!(?:function|return|class|interface|throw|async|await|catch|while|switch|sizeof|typeof|super|this|self)\b)[A-Za-z_]\w{2,29}"


def _calls(pattern: str, find: str, text: str) -> dict[Language, Form]:
    """A call in each language; Go and C++ need context to see one."""
    forms = {language: Form(pattern, find, text) for language in LANGUAGES}
    forms["go"] = Form(f"func f() {{ {pattern} }}", find, text, "call_expression")
    forms["cpp"] = Form(f"void f() {{ {pattern}; }}", find, text, "call_expression")
    return forms


def _only(forms: dict[Language, Form], *languages: Language) -> dict[Language, Form]:
    return {language: forms[language] for language in languages}


def _same(pattern: str, find: str, text: str, *languages: Language) -> dict[Language, Form]:
    return dict.fromkeys(languages, Form(pattern, find, text))


# Not a definition: none of the words before it, and a `;` later on the line or no `{` at its end, where methods have no such word.
_CALLED = rf"(?<!def )(?<!fn )(?<!func )(?<!function )(?<![\w.:>!])({_NAME})\("
_CALL = _calls("{x}($$$A)", _CALLED, r"\b{x}\(")
_CALL |= {language: _CALL[language]._replace(find=_CALLED + r"(?=[^\n]*;)") for language in ("java", "cpp", "csharp")}
_CALL |= {
    language: _CALL[language]._replace(find=_CALLED + r"(?![^\n]*\{$)") for language in ("javascript", "typescript")
}
_METHOD = _calls("$O.{x}($$$A)", rf"\.({_NAME})\(", r"\.{x}\(")
_QUALIFIED = _calls("{x}($$$A)", rf"(?<![\w.:>])({_NAME}\.{_NAME})\(", r"\b{x}\(")
_SCOPED = rf"(?<![\w.:>])({_NAME}::{_NAME})\("
_QUALIFIED |= {language: _CALL[language]._replace(find=_SCOPED) for language in ("rust", "cpp")}

_NEW = _same(
    "new {x}($$$A)", rf"\bnew ({_NAME})\(", r"\bnew {x}\(", "javascript", "typescript", "java", "cpp", "csharp"
)
_NEW["go"] = Form("var x = {x}{$$$A}", rf"[=&( ]({_NAME})\{{", r"\b{x}\{", "composite_literal")

_THROW = _same(
    "throw new {x}($$$A)",
    rf"\bthrow new ({_NAME})\(",
    r"\bthrow new {x}\(",
    "javascript",
    "typescript",
    "java",
    "csharp",
)
_THROW["python"] = Form("raise {x}($$$A)", rf"\braise ({_NAME})\(", r"\braise {x}\(")

_RETURN = _same("return {x}", rf"\breturn ({_NAME})$", r"\breturn {x}\b", "python", "go")
_RETURN |= _same("return {x};", rf"\breturn ({_NAME});", r"\breturn {x}\b", *(set(LANGUAGES) - {"python", "go"}))

_NULL: dict[Language, Form] = {
    "python": Form("{x} is None", rf"\b({_NAME}) is None\b", r"\b{x} is None\b"),
    "javascript": Form("{x} === null", rf"\b({_NAME}) === null\b", r"\b{x} === null\b"),
    "typescript": Form("{x} === undefined", rf"\b({_NAME}) === undefined\b", r"\b{x} === undefined\b"),
    "rust": Form("{x}.is_none()", rf"\b({_NAME})\.is_none\(\)", r"\b{x}\.is_none\(\)"),
    "go": Form("{x} != nil", rf"\b({_NAME}) != nil\b", r"\b{x} != nil\b"),
    "java": Form("{x} == null", rf"\b({_NAME}) == null\b", r"\b{x} == null\b"),
    "cpp": Form("{x} == nullptr", rf"\b({_NAME}) == nullptr\b", r"\b{x} == nullptr\b"),
    "csharp": Form("{x} == null", rf"\b({_NAME}) == null\b", r"\b{x} == null\b"),
}

_IMPORT: dict[Language, Form] = {
    "python": Form("from {x} import $$$N", r"^from ([\w.]+) import ", r"^\s*from {x} import "),
    "javascript": Form("require({x})", r"require\((['\"][\w./-]+['\"])\)", r"\brequire\({x}\)"),
    "typescript": Form(
        "import { $$$N } from {x}", r"^import \{[^}]*\} from (['\"][\w./-]+['\"])", r"^import \{.*\} from {x}"
    ),
    "rust": Form("use {x};", r"^use ([\w:]+);", r"^\s*use {x};"),
    "go": Form("import {x}", r'^(?:import |\t)("[a-z][\w./-]*")$', r"{x}$", "import_spec"),
    "java": Form("import {x};", r"^import ([\w.]+);", r"^import {x};"),
    "cpp": Form("#include {x}", r'^#include ([<"][\w./-]+[>"])', r"#include {x}"),
    "csharp": Form("using {x};", r"^using ([\w.]+);", r"^\s*using {x};"),
}

_DEFINED: dict[Language, Form] = {
    "python": Form("def {x}($$$A): $$$B", rf"^\s*def ({_NAME})\(", r"\bdef {x}\("),
    "javascript": Form("function {x}($$$A) { $$$B }", rf"\bfunction ({_NAME})\(", r"\bfunction {x}\("),
    "typescript": Form("function {x}($$$A) { $$$B }", rf"\bfunction ({_NAME})\(", r"\bfunction {x}\("),
    "rust": Form("fn {x}($$$A) { $$$B }", rf"\bfn ({_NAME})\([^)]*\) \{{", r"\bfn {x}\("),
    "go": Form("func {x}($$$A) { $$$B }", rf"^func ({_NAME})\([^)]*\) \{{", r"^func {x}\("),
}

_TYPE: dict[Language, Form] = {
    "typescript": Form("interface {x} { $$$B }", rf"\binterface ({_NAME}) \{{", r"\binterface {x}\b"),
    "go": Form("type {x} struct { $$$B }", rf"^type ({_NAME}) struct", r"\btype {x} struct\b"),
    "rust": Form("struct {x} { $$$B }", rf"\bstruct ({_NAME}) \{{", r"\bstruct {x}\b"),
    "cpp": Form("enum class {x} { $$$B }", rf"\benum class ({_NAME}) \{{", r"\benum class {x}\b"),
    "java": Form("class {x} { $$$B }", rf"\bclass ({_NAME}) \{{", r"\bclass {x}\b"),
    "csharp": Form("class {x} { $$$B }", rf"\bclass ({_NAME})$", r"\bclass {x}\b"),
}

_SUBCLASS = _same(
    "class $C extends {x} { $$$B }", rf"\bextends ({_NAME}) \{{", r"\bextends {x}\b", "javascript", "typescript"
)
_SUBCLASS["python"] = Form("class $C({x}): $$$B", rf"^\s*class \w+\(({_NAME})\):", r"\bclass \w+\(.*\b{x}\b")

_ASSIGNED: dict[Language, Form] = {
    "python": Form("{x} = $V", rf"^\s+({_NAME}) = ", r"\b{x} = "),
    "javascript": Form("const {x} = $V", rf"\bconst ({_NAME}) = ", r"\bconst {x} = "),
    "typescript": Form("const {x} = $V", rf"\bconst ({_NAME}) = ", r"\bconst {x} = "),
    "rust": Form("let {x} = $V;", rf"\blet ({_NAME}) = ", r"\blet {x} = "),
    "go": Form("{x} := $V", rf"\b({_NAME}) := ", r"\b{x} := "),
}

_MARK = _same("@{x}", rf"^\s*@({_NAME})$", r"@{x}\b", "python", "java")
_MACRO: dict[Language, Form] = {"rust": Form("{x}!($$$A)", rf"\b({_NAME})!\(", r"\b{x}!\(")}

_NOTHING_ELSE = ", not what only looks like them"
_NO_LOOK_ALIKE = ", and no look-alikes"

KINDS = (
    Kind(
        "call",
        Wordings(
            ("calls of the function `{x}`", "all calls of `{x}`", "places that call the function `{x}`"),
            ("the call sites of `{x}`", "calls made to the function `{x}`"),
        ),
        _CALL,
        trap=_ANY,
    ),
    Kind(
        "method_call",
        Wordings(
            ("calls of the method `{x}`, on whatever object", "method calls `.{x}(...)` on any object"),
            ("places where the method `{x}` is called on any object",),
        ),
        _METHOD,
        trap=_IN_A_COMMENT,
    ),
    Kind(
        "qualified_call",
        Wordings(
            ("calls of `{x}`", "all calls of `{x}`, whatever their arguments"),
            ("the call sites of `{x}`, with any arguments",),
        ),
        _QUALIFIED,
        trap=_IN_A_COMMENT,
    ),
    Kind(
        "call_without_arguments",
        Wordings(
            ("calls of `{x}` without any argument", "calls of `{x}` that pass nothing"),
            ("places where the function `{x}` is called with no argument",),
        ),
        _only(
            _calls("{x}()", rf"(?<![\w.:>!])({_NAME})\(\)", r"\b{x}\(\)"),
            "python",
            "javascript",
            "typescript",
            "rust",
            "java",
        ),
    ),
    Kind(
        "call_with_two",
        Wordings(
            ("calls of `{x}` with exactly two arguments", "calls of the function `{x}` that pass two arguments"),
            ("places where the function `{x}` is called with just two arguments",),
        ),
        _calls("{x}($A, $B)", rf"(?<![\w.:>!])({_NAME})\([^(),\n]+,[^(),\n]+\)", r"\b{x}\([^,]*,[^,]*\)"),
        trap=_ANY,
        plain=False,
    ),
    Kind(
        "construct",
        Wordings(
            ("places where a `{x}` is made", "places that create a new `{x}`"),
            ("constructions of `{x}`", "creations of `{x}` values"),
        ),
        _NEW,
        trap=_IN_A_COMMENT,
    ),
    Kind(
        "throw",
        Wordings(
            ("places where a new `{x}` is thrown or raised", "statements that raise or throw `{x}(...)`"),
            ("all spots that throw or raise a new `{x}`",),
        ),
        _THROW,
        trap=_IN_A_COMMENT,
    ),
    Kind(
        "return",
        Wordings(
            ("statements that return just `{x}`", "`return` statements whose value is exactly `{x}`"),
            ("returns of `{x}` and nothing more",),
        ),
        _RETURN,
        trap=rf"\breturn ({_NAME})\b(?![;\n])",
    ),
    Kind(
        "compare",
        Wordings(
            ("comparisons `{code}`, as code", "expressions `{code}`, by their syntax"),
            ("uses of the expression `{code}` in code",),
        ),
        _NULL,
        trap=_IN_A_COMMENT,
    ),
    Kind(
        "import",
        Wordings(
            ("imports from `{x}`, by their syntax", "import statements for `{x}`"),
            ("statements that import from `{x}`",),
        ),
        _IMPORT,
    ),
    Kind(
        "definition",
        Wordings(
            ("definitions of the function `{x}`", "places where the function `{x}` is defined"),
            ("function definitions with the name `{x}`",),
        ),
        _DEFINED,
    ),
    Kind(
        "type",
        Wordings(
            (
                "declarations of the type `{x}` with its body",
                "places where the type `{x}` is declared, by their syntax",
            ),
            ("type declarations with the name `{x}`, body included",),
        ),
        _TYPE,
    ),
    Kind(
        "subclass",
        Wordings(
            ("classes whose only base class is `{x}`", "classes that derive from `{x}` alone"),
            ("direct subclasses of `{x}` alone",),
        ),
        _SUBCLASS,
    ),
    Kind(
        "assign",
        Wordings(
            ("definitions of the variable `{x}` by assignment", "statements that give the variable `{x}` its value"),
            ("places where the variable `{x}` receives its value",),
        ),
        _ASSIGNED,
    ),
    Kind(
        "mark",
        Wordings(
            ("uses of `@{x}` before a definition, by their syntax", "definitions marked with `@{x}`"),
            ("annotations or decorators `@{x}`",),
        ),
        _MARK,
    ),
    Kind(
        "macro",
        Wordings(("uses of the macro `{x}!`", "calls of the macro `{x}!`"), ("places that use the macro `{x}!`",)),
        _MACRO,
    ),
)


def _fill(template: str, subject: str) -> str:
    return template.replace("{x}", subject)


def _draft(forms: dict[Language, Form], trap: bool, subject: str, language: Language) -> Draft:
    form = forms[language]
    call = ast_grep(_fill(form.pattern, subject), language, form.selector)
    text = ripgrep(_fill(form.text, escaped(subject)), glob=_GLOBS[language])
    slots = {"code": _fill(form.pattern, subject)}
    return Draft(call, trap=text, slots=slots) if trap else Draft(call, same=text, slots=slots)


def _blueprint(kind: Kind) -> Blueprint:
    find = {language: form.find for language, form in kind.forms.items()}
    return Blueprint(kind.name, "atomic", kind.what, find, functools.partial(_draft, kind.forms, False), weight=2)


def _trap(kind: Kind, name: str, pcre2: bool = True) -> Blueprint:
    find = {language: form.find for language, form in kind.forms.items()}
    also = {language: kind.trap.replace("{find}", form.find) for language, form in kind.forms.items()}
    what = Wordings(_with_tail(kind.what.train, _NOTHING_ELSE), _with_tail(kind.what.held_out, _NO_LOOK_ALIKE))
    return Blueprint(
        name, "adversarial", what, find, functools.partial(_draft, kind.forms, True), also, pcre2, weight=2
    )


def _with_tail(ways: tuple[str, ...], tail: str) -> tuple[str, ...]:
    return tuple(words + end for words in ways for end in ("", tail))


STRUCTURE = (
    *(_blueprint(kind) for kind in KINDS if kind.plain),
    *(_trap(kind, f"{kind.name}_not_text") for kind in KINDS if kind.trap),
    _trap(KINDS[0], "call_without_pcre2", pcre2=False),
)
