"""What a call finds, in whichever tool, and where it cannot go."""

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from toolfmt.ir import ToolCall
from toolfmt_train.gym.binaries import Binaries
from toolfmt_train.gym.process import Limits
from toolfmt_train.gym.runner import Attempt, Runner
from toolfmt_train.gym.spans import Span

Search = Callable[..., Attempt]

RG = {"pattern": r"foo\("}
AST = {"pattern": "foo($A)", "language": "python"}


@pytest.mark.parametrize(
    ("content", "places"),
    [
        ("foo(1)\nfoo(2)\n", [(1, 1), (2, 1)]),
        ('x = "é😀"; foo(1)', [(1, 11)]),
        ("\ufefffoo(1); foo(2)\n", [(1, 1), (1, 9)]),
        ("a\r\nfoo(1)\r\n", [(2, 1)]),
        ("a\rfoo(1)\nfoo(2)", [(1, 3), (2, 1)]),
        ("x = 1\u2028\nfoo(1)", [(2, 1)]),
        ("\tfoo(1)", [(1, 2)]),
    ],
)
def test_both_tools_give_the_same_places(content: str, places: list[tuple[int, int]], search: Search) -> None:
    expected = {Span("src/a.py", line, column) for line, column in places}
    ripgrep = search({"src/a.py": content}, "ripgrep_search", **RG)
    ast_grep = search({}, "ast_grep_search", **AST)
    assert ripgrep.spans == ast_grep.spans == expected
    assert ripgrep.digest == ast_grep.digest


def test_a_match_over_lines_begins_on_its_own(search: Search) -> None:
    files = {"a.py": "x\nfoo(\n  1)\nfoo(2)\n"}
    assert search(files, "ripgrep_search", pattern=r"x\nfoo\(", multiline=True).spans == {Span("a.py", 1, 1)}
    assert search(files, "ripgrep_search", pattern=r"\bfoo\(\s*1", multiline=True).spans == {Span("a.py", 2, 1)}
    assert search(files, "ast_grep_search", pattern="foo(1)", language="python").spans == {Span("a.py", 2, 1)}


def test_bytes_that_are_no_utf_8_are_searched_as_text_only(search: Search) -> None:
    files = {"a.py": b'x = b"\xff\xfe"; foo(9)\n'}
    assert search(files, "ripgrep_search", **RG).spans == {Span("a.py", 1, 12)}
    assert search(files, "ast_grep_search", **AST).outcome == "nothing"


def test_an_attempt_says_what_ran(search: Search, programs: Binaries) -> None:
    found = search({"a.py": "foo(1)\n"}, "ripgrep_search", **RG)
    assert (found.outcome, found.code, found.legal, found.error) == ("found", 0, True, "")
    assert found.program == f"ripgrep {programs.rg.version}"
    assert found.answer == "a.py:1:1: foo(1)"
    nothing = search({}, "ast_grep_search", pattern="bar($A)", language="python")
    assert (nothing.outcome, nothing.code, nothing.legal, nothing.answer) == ("nothing", 1, True, "no match")
    assert nothing.program == f"ast-grep {programs.ast_grep.version}"


def test_the_digest_is_of_the_places_alone(programs: Binaries, tmp_path: Path) -> None:
    digests = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.py").write_text("foo(1)\n")
        digests.add(
            Runner(tmp_path / name, binaries=programs).run(ToolCall(name="ripgrep_search", arguments=RG)).digest
        )
    assert len(digests) == 1


def test_a_long_answer_is_cut_and_says_so(search: Search) -> None:
    found = search({"a.py": "foo(1)\n" * 60 + "y" * 500 + " foo(2)"}, "ripgrep_search", **RG)
    assert len(found.hits) == 61
    assert found.answer.splitlines()[-1] == "and 11 more"
    assert len(search({"a.py": "y" * 500 + " foo(2)"}, "ripgrep_search", **RG).answer) < 250


# Options


def test_options_do_what_they_say(search: Search) -> None:
    files = {"a.py": "FOO(1)\n", "b.js": "foo(2)\n"}
    assert search(files, "ripgrep_search", pattern="foo(", fixed_strings=True).spans == {Span("b.js", 1, 1)}
    assert len(search(files, "ripgrep_search", **RG, ignore_case=True).spans) == 2
    assert search(files, "ripgrep_search", **RG, ignore_case=True, glob="*.py").spans == {Span("a.py", 1, 1)}
    assert search(files, "ripgrep_search", **RG, ignore_case=True, glob="!*.py").spans == {Span("b.js", 1, 1)}
    assert search(files, "ripgrep_search", **RG, path="a.py").outcome == "nothing"
    assert search(files, "ripgrep_search", pattern="(?<=f)oo", pcre2=True).spans == {Span("b.js", 1, 2)}


def test_go_and_cpp_calls_need_a_selector(search: Search) -> None:
    go = {"a.go": 'package a\n\nfunc f() string { return fmt.Sprintf("%d", 1) }\n'}
    assert search(go, "ast_grep_search", pattern="fmt.Sprintf($$$A)", language="go").outcome == "nothing"
    within = {"pattern": "func f() { fmt.Sprintf($$$A) }", "selector": "call_expression"}
    assert search(go, "ast_grep_search", **within, language="go").spans == {Span("a.go", 3, 26)}


def test_strictness_is_passed_on(search: Search) -> None:
    files = {"a.py": "foo(1)\nfoo(1,)\n"}
    loose = search(files, "ast_grep_search", pattern="foo(1)", language="python", strictness="relaxed")
    exact = search(files, "ast_grep_search", pattern="foo(1)", language="python", strictness="cst")
    assert len(loose.spans) == 2 and exact.spans == {Span("a.py", 1, 1)}


def test_headers_are_cpp(search: Search) -> None:
    found = search(
        {"a.h": "int x = static_cast<int>(1);\n"}, "ast_grep_search", pattern="static_cast<$T>($A)", language="cpp"
    )
    assert found.spans == {Span("a.h", 1, 9)}


@pytest.mark.parametrize("pattern", ["--files", "--pre=cat", "-e", "--version", "--"])
def test_a_pattern_that_looks_like_an_option_is_a_pattern(pattern: str, search: Search) -> None:
    found = search({"a.txt": f"x {pattern} y\n"}, "ripgrep_search", pattern=pattern, fixed_strings=True)
    assert Span("a.txt", 1, 3) in found.spans


def test_ast_grep_too_takes_it_for_a_pattern(search: Search) -> None:
    found = search({"a.js": "x = 1;\n--help;\n"}, "ast_grep_search", pattern="--help", language="javascript")
    assert found.spans == {Span("a.js", 2, 1)}


def test_a_file_that_looks_like_an_option_is_a_file(search: Search) -> None:
    files = {"--files": "foo(1)\n", "a.py": "foo(2)\n"}
    assert search(files, "ripgrep_search", **RG, path="--files").spans == {Span("--files", 1, 1)}


# What the project's own files cannot do


def test_ignore_files_and_configurations_of_the_project_are_not_read(search: Search) -> None:
    files = {
        "a.py": "foo(1)\n",
        ".hidden/b.py": "foo(2)\n",
        ".gitignore": "*.py\n",
        ".ignore": "*.py\n",
        ".rgignore": "*.py\n",
        "sgconfig.yml": 'languageGlobs:\n  html: ["*.py"]\n',
        "__pycache__/c.txt": "foo(3)\n",
        ".git/d": "foo(4)\n",
    }
    expected = {Span("a.py", 1, 1), Span(".hidden/b.py", 1, 1)}
    assert search(files, "ripgrep_search", **RG).spans == expected
    assert search(files, "ast_grep_search", **AST).spans == expected


def test_the_configuration_would_have_been_read(programs: Binaries, tmp_path: Path) -> None:
    """Why ast-grep is given one: without, the project says which files are Python."""
    (tmp_path / "a.py").write_text("foo(1)\n")
    (tmp_path / "sgconfig.yml").write_text('languageGlobs:\n  html: ["*.py"]\n')
    command = [str(programs.ast_grep.path), "run", "-p", "foo($A)", "-l", "python"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60).stdout == b""


# Containment


@pytest.mark.parametrize("tool", ["ripgrep_search", "ast_grep_search"])
@pytest.mark.parametrize(
    "path", ["..", "../", "src/../..", "/etc", "/", "~", "\\\\host\\share", "src\\..\\..", "link", "src/link/x.py"]
)
def test_no_path_leads_out(path: str, tool: str, search: Search, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "x.py").write_text("foo(1)\n")
    files = {"src/a.py": "foo(1)\n"}
    search(files, "ripgrep_search", **RG)
    for folder in (tmp_path / "project", tmp_path / "project" / "src"):
        os.symlink(tmp_path / "secret", folder / "link")
    attempt = search(files, tool, **(RG if tool == "ripgrep_search" else AST), path=path)
    assert (attempt.outcome, attempt.legal, attempt.hits, attempt.code) == ("escape", False, (), None)
    assert attempt.answer.startswith("error: path: ")


def test_links_are_not_followed(search: Search, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "x.py").write_text("foo(1)\n")
    search({"a.py": "x\n"}, "ripgrep_search", **RG)
    os.symlink(tmp_path / "secret", tmp_path / "project" / "link")
    os.symlink(tmp_path / "secret" / "x.py", tmp_path / "project" / "link.py")
    assert search({}, "ripgrep_search", **RG).outcome == "nothing"
    assert search({}, "ast_grep_search", **AST).outcome == "nothing"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"path": "nope"}, "there is no `nope` in the project"),
        ({"path": "x" * 3000}, "cannot be looked up|there is no"),
        ({"path": "a.py/b"}, "there is no"),
        ({"glob": "["}, "error parsing glob"),
        ({"pattern": "foo("}, "regex parse error"),
        ({"pattern": "(?=x)"}, "set pcre2 to true"),
    ],
)
def test_what_cannot_be_run_is_told(arguments: dict[str, str], says: str, search: Search) -> None:
    attempt = search({"a.py": "foo(1)\n"}, "ripgrep_search", **(RG | arguments))
    assert (attempt.outcome, attempt.legal) == ("illegal", False)
    assert any(part in attempt.answer for part in says.split("|")), attempt.answer
    assert "\n" not in attempt.answer


def test_a_missing_path_is_no_search_without_matches(search: Search) -> None:
    """ast-grep itself exits with 1 for it, as for no match."""
    assert search({"a.py": "foo(1)\n"}, "ast_grep_search", **AST, path="nope").outcome == "illegal"


# Bounds


@pytest.mark.usefixtures("no_hang")
@pytest.mark.skipif(os.name == "nt", reason="the slow program is a script")
def test_a_search_that_takes_too_long_is_ended(programs: Binaries, tmp_path: Path) -> None:
    slow = tmp_path / "rg"  # takes any pattern, and never ends a search
    slow.write_text(f"#!{sys.executable} -I\nimport sys\nwhile '--json' in sys.argv: pass\n")
    slow.chmod(0o755)
    changed = dataclasses.replace(programs, rg=dataclasses.replace(programs.rg, path=slow))
    runner = Runner(tmp_path, binaries=changed, limits=Limits(seconds=0.2))
    attempt = runner.run(ToolCall(name="ripgrep_search", arguments=RG))
    assert (attempt.outcome, attempt.code, attempt.hits) == ("timeout", None, ())
    assert attempt.answer == "error: the search took too long and was ended"


@pytest.mark.parametrize("tool", ["ripgrep_search", "ast_grep_search"])
def test_a_search_that_finds_too_much_is_ended(tool: str, programs: Binaries, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("foo(1)\n" * 2000)
    runner = Runner(tmp_path, binaries=programs, limits=Limits(output_bytes=20_000))
    attempt = runner.run(ToolCall(name=tool, arguments=RG if tool == "ripgrep_search" else AST))
    assert (attempt.outcome, attempt.code) == ("truncated", None)
    assert 0 < len(attempt.hits) < 2000
    assert attempt.answer.endswith("error: too many matches, the search was ended")
