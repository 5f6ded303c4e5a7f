"""Legality is what the programs say, and not their exit codes."""

import dataclasses
import subprocess
from pathlib import Path

import pytest

from toolfmt_train.gym import legality
from toolfmt_train.gym.binaries import Binaries
from toolfmt_train.gym.errors import SearchError
from toolfmt_train.gym.legality import Legality, ast_grep_legality, ripgrep_legality
from toolfmt_train.gym.process import Output
from toolfmt_train.gym.tools import AstGrepSearch, Language


@pytest.mark.parametrize(
    ("pattern", "engine"),
    [
        ("foo", "default"),
        ("", "default"),
        (r"\bfoo\(", "default"),
        ("-x", "default"),
        ("a++", "default"),
        (r"\p{Lu}+", "default"),
        ("(?<=def )foo", "pcre2"),
        (r"(\w)\1", "pcre2"),
        ("foo(?!bar)", "pcre2"),
        ("(?>a+)b", "pcre2"),
        ("foo(", "none"),
        ("[a", "none"),
        ("*", "none"),
    ],
)
def test_the_engine_that_a_pattern_needs(pattern: str, engine: str, programs: Binaries) -> None:
    if not programs.rg.pcre2:
        pytest.skip(f"ripgrep {programs.rg.version} here is built without PCRE2")
    plain = ripgrep_legality(programs.rg, pattern)
    assert (plain.legal, plain.engine) == (engine == "default", engine)
    with_pcre2 = ripgrep_legality(programs.rg, pattern, pcre2=True)
    assert with_pcre2.legal == (engine != "none")
    assert ("set pcre2 to true" in plain.reason) == (engine == "pcre2")
    assert "\n" not in plain.reason + with_pcre2.reason


def test_flags_count(programs: Binaries) -> None:
    assert ripgrep_legality(programs.rg, "foo(", fixed_strings=True).legal
    assert not ripgrep_legality(programs.rg, r"a\nb").legal
    assert ripgrep_legality(programs.rg, r"a\nb", multiline=True).legal


def test_a_binary_without_pcre2(programs: Binaries) -> None:
    lacking = dataclasses.replace(programs.rg, pcre2=False)
    for pcre2 in (False, True):
        verdict = ripgrep_legality(lacking, "(?<=def )foo", pcre2)
        assert (verdict.legal, verdict.engine) == (False, "none")
        assert "built without PCRE2" in verdict.reason
    assert ripgrep_legality(lacking, "foo").legal


LEGAL: list[tuple[Language, str]] = [
    ("python", "foo($A)"),
    ("python", "ERROR"),
    ("python", '"""\nERROR\n"""'),
    ("javascript", "foo($A)"),
    ("typescript", "interface $I {}"),
    ("rust", "$X.unwrap()"),
    ("rust", "println!($$$A)"),
    ("go", "if err != nil { $$$B }"),
    ("java", "class $C {}"),
    ("cpp", "static_cast<$T>($A)"),
    ("csharp", "throw $E;"),
]

ILLEGAL: list[tuple[Language, str]] = [
    ("python", "foo("),
    ("python", "class $C"),
    ("python", "a; b"),
    ("python", ""),
    ("python", "$$$A"),
    ("javascript", "let x ="),
    ("typescript", "const x: = 1"),
    ("rust", "fn f("),
    ("go", "if err != nil {"),
    ("java", "class $C"),
    ("cpp", "foo("),
    ("csharp", "foo("),
]


@pytest.mark.parametrize(("language", "pattern"), LEGAL)
def test_legal_patterns(language: Language, pattern: str, programs: Binaries) -> None:
    verdict = ast_grep_legality(programs.ast_grep, AstGrepSearch(pattern, language))
    assert verdict.legal, verdict.reason


@pytest.mark.parametrize(("language", "pattern"), ILLEGAL)
def test_illegal_patterns(language: Language, pattern: str, programs: Binaries) -> None:
    verdict = ast_grep_legality(programs.ast_grep, AstGrepSearch(pattern, language))
    assert not verdict.legal and verdict.reason and "\n" not in verdict.reason


def test_a_pattern_too_deep_to_be_checked(programs: Binaries) -> None:
    verdict = ast_grep_legality(programs.ast_grep, AstGrepSearch("(" * 1500 + ")" * 1500, "python"))
    assert verdict == Legality(False, "the pattern is nested too deeply to be checked")


def test_no_answer_is_no_verdict(programs: Binaries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(legality, "run", lambda *_: Output(None, b"", "", timed_out=True))
    with pytest.raises(SearchError, match="did not say in 30 s whether a pattern is legal"):
        ripgrep_legality(programs.rg, "no_answer_is_no_verdict")
    monkeypatch.undo()
    assert ripgrep_legality(programs.rg, "no_answer_is_no_verdict").legal


def test_selectors(programs: Binaries) -> None:
    inside = "func f() { fmt.Sprintf($$$A) }"
    assert ast_grep_legality(programs.ast_grep, AstGrepSearch(inside, "go", selector="call_expression")).legal
    for selector, says in {"nonsense": "`nonsense` is invalid", "import_spec": "matches no node"}.items():
        verdict = ast_grep_legality(programs.ast_grep, AstGrepSearch(inside, "go", selector=selector))
        assert not verdict.legal and says in verdict.reason


def test_values_that_look_like_options(programs: Binaries) -> None:
    assert ripgrep_legality(programs.rg, "--no-such-option").legal
    assert ast_grep_legality(programs.ast_grep, AstGrepSearch("--help", "javascript")).legal  # a decrement
    assert ast_grep_legality(programs.ast_grep, AstGrepSearch("-x", "python")).legal


def test_why_neither_the_exit_code_nor_the_other_dumps_are_asked(programs: Binaries, tmp_path: Path) -> None:
    """What `legality.py` says of ast-grep; when this fails, ast-grep has changed and a simpler question may do."""
    (tmp_path / "a.py").write_text("foo(1)\n")

    def ask(pattern: str, *more: str) -> subprocess.CompletedProcess[str]:
        command = [str(programs.ast_grep.path), "run", "-p", pattern, "-l", "python", *more, "a.py"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert ask("foo(").returncode == 0  # a syntax error
    assert "ERROR" in ask("foo($A)", "--debug-query=ast").stderr  # a legal pattern
    assert "ERROR" not in ask("foo($A)", "--debug-query=pattern").stderr
