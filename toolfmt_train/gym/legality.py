"""Is a pattern legal?  Asked of the programs, as no exit code of a search says it.

ripgrep (15.2.0): a pattern that its default engine refuses may be one that PCRE2 takes.  Both are asked over empty input, and
`--engine=auto`, which would hide the choice, is never used.  Legal in both does not mean the same in both: `a++` is.

ast-grep (0.51.1): a pattern with a syntax error runs, finds nothing, and exits with 0; when it happens to match it does not even warn.
Asked are the warning of a search in an empty text and the tree of `--debug-query=pattern`: the warning looks at the root of the pattern
only (`const x: = 1` gives none), and the tree shows every ERROR node.  `--debug-query=ast` and `sexp` are no help: they parse the source before
metavariables are replaced, and so show an ERROR at each `$` in the languages where `$` is no letter (Python, Go, Rust, C#).

Not covered: a pattern that is legal and means another thing than it seems, such as `fmt.Sprintf($$$A)` in Go, which is read as a
conversion.  A task's ground truth, not its grammar, shows that.
"""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from toolfmt_train.gym.binaries import Binaries, Binary
from toolfmt_train.gym.errors import SearchError
from toolfmt_train.gym.process import Limits, Output, run
from toolfmt_train.gym.tools import AstGrepSearch, Query, RipgrepSearch

__all__ = ["SGCONFIG", "Legality", "ast_grep_legality", "legality", "ripgrep_legality"]

_HERE = Path(__file__).parent
SGCONFIG = _HERE / "sgconfig.yml"
"""The configuration that ast-grep gets.  Without one it would read the `sgconfig.yml` of the project, or of a folder above it."""

Engine = Literal["default", "pcre2", "none"]

_LIMITS = Limits(output_bytes=1 << 20)
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Legality:
    """``legal``, or the program's ``reason``.  ``engine``: the first of ripgrep's engines that takes the pattern.

    Without PCRE2 in the binary a pattern that the default engine refuses has the engine `none`, whatever PCRE2 would say.
    """

    legal: bool
    reason: str = ""
    engine: Engine = "default"


def legality(query: Query, binaries: Binaries) -> Legality:
    """Whether the program would take the query's pattern, as the query asks for it."""
    if isinstance(query, RipgrepSearch):
        return ripgrep_legality(binaries.rg, query.pattern, query.pcre2, query.fixed_strings, query.multiline)
    return ast_grep_legality(binaries.ast_grep, query)


@functools.lru_cache(4096)
def ripgrep_legality(
    rg: Binary, pattern: str, pcre2: bool = False, fixed_strings: bool = False, multiline: bool = False
) -> Legality:
    """Whether ripgrep takes ``pattern`` with these flags, and which engine it needs."""
    if pcre2 and not rg.pcre2:
        return Legality(False, f"ripgrep {rg.version} here is built without PCRE2", "none")
    flags = ["--fixed-strings"] * fixed_strings + ["--multiline"] * multiline
    default = _ask_ripgrep(rg, pattern, flags)
    if default is None:
        return Legality(True) if not pcre2 else _with_pcre2(rg, pattern, flags, "default")
    if not rg.pcre2:
        return Legality(False, f"{default} (and ripgrep {rg.version} here is built without PCRE2)", "none")
    other = _with_pcre2(rg, pattern, flags, "pcre2")
    if pcre2:
        return other
    if other.legal:
        return Legality(False, f"needs PCRE2, set pcre2 to true: {default}", "pcre2")
    return Legality(False, default, "none")


def _with_pcre2(rg: Binary, pattern: str, flags: list[str], engine: Engine) -> Legality:
    refused = _ask_ripgrep(rg, pattern, [*flags, "--pcre2"])
    return Legality(True, engine=engine) if refused is None else Legality(False, refused, "none")


def _ask_ripgrep(rg: Binary, pattern: str, flags: list[str]) -> str | None:
    """Why ripgrep refuses the pattern, without its advice to use `--pcre2`; None when it does not.  Its input is empty."""
    said = _ask([str(rg.path), "--no-config", *flags, "-e", pattern, "--", "-"])
    return None if said.code in (0, 1) else _reason(said).partition(" Consider enabling PCRE2")[0]


def ast_grep_legality(ast_grep: Binary, query: AstGrepSearch) -> Legality:
    """Whether ast-grep takes the query's pattern, with its selector, as code without a syntax error."""
    return _ast_grep_legality(ast_grep, query.pattern, query.language, query.selector, query.strictness)


@functools.lru_cache(4096)
def _ast_grep_legality(ast_grep: Binary, pattern: str, language: str, selector: str, strictness: str) -> Legality:
    # With `=`: a value that begins with a dash is a value all the same.
    command = [str(ast_grep.path), "run", f"--config={SGCONFIG}", f"--pattern={pattern}", f"--lang={language}"]
    command += [f"--selector={selector}"] * bool(selector)
    command += [f"--strictness={strictness}", "--debug-query=pattern", "--stdin"]
    said = _ask(command)
    if said.code not in (0, 1):
        return Legality(False, _reason(said))
    tree, warned, _ = said.stderr.partition("Warning: Pattern contains an ERROR node")
    if warned or _shows_error(tree, pattern):
        return Legality(False, f"the pattern is no {language} code: it has a syntax error")
    return Legality(True)


def _ask(command: list[str]) -> Output:
    """What the program says.  No pattern takes it a second, so no answer is a fault of the machine, and no verdict to be kept."""
    said = run(command, _HERE, _LIMITS)
    if said.timed_out:
        raise SearchError(f"`{command[0]}` did not say in {_LIMITS.seconds:g} s whether a pattern is legal")
    return said


def _shows_error(tree: str, pattern: str) -> bool:
    """Whether a line of the tree is an ERROR node.

    The tree holds the pattern's own text, line ends included, so a pattern with such a line (in a string, say) could pass for one:
    for these the warning alone decides.
    """
    if _has_error_line(pattern):
        return False
    return _has_error_line(tree)


def _has_error_line(text: str) -> bool:
    return any(line.lstrip().startswith("ERROR") for line in text.splitlines())


def _reason(said: Output) -> str:
    """The program's complaint in one line."""
    if said.truncated:
        return "the pattern is nested too deeply to be checked"
    lines = [line.strip(" │╰▻✖") for line in said.stderr.splitlines()]
    kept = [line for line in lines if line and not line.startswith(("Help:", "See also:", "Caused by", "For more"))]
    return " ".join(kept)[:_LONGEST_REASON] or f"exit code {said.code}"
