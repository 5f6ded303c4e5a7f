"""Running a call: read it, check where it points, ask whether its pattern is legal, search, and keep what happened.

Contained: ``path`` is relative, has no `..`, and what it leads to, links followed, is inside the project.  Hidden files are searched and
ignore files are not read, so that a project's answer does not depend on where it lies; left out are
`.git` and what Python compiled.  Never passed on: `--pre`, and any other argument
than those below.  Each value is bound to its option (`-e`, `--glob=`), and `--` stands before the path.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from toolfmt.ir import ToolCall
from toolfmt_train.gym.binaries import Binaries, find
from toolfmt_train.gym.legality import SGCONFIG, Legality, legality
from toolfmt_train.gym.process import Limits, Output, run
from toolfmt_train.gym.spans import Hit, Span, read_ast_grep, read_ripgrep
from toolfmt_train.gym.tools import AstGrepSearch, IllegalCallError, Query, RipgrepSearch, read_query

__all__ = ["Attempt", "EscapeError", "Outcome", "Runner"]

Outcome = Literal["found", "nothing", "illegal", "escape", "timeout", "truncated"]

_NO_IGNORE = [f"--no-ignore={kind}" for kind in ("hidden", "dot", "exclude", "global", "parent", "vcs")]
_MOST_SHOWN = 50
_LONGEST_LINE = 200


class EscapeError(IllegalCallError):
    """A path that leads out of the project."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call and what came of it.

    ``code`` is the program's exit code, None when it was not run or was ended.  ``program`` names program and version.  ``digest`` is the
    SHA-256 of the spans, the same wherever the project lies.  Hits of a search that was `truncated` are the first that came, not all.
    """

    call: ToolCall
    outcome: Outcome
    hits: tuple[Hit, ...] = ()
    error: str = ""
    code: int | None = None
    program: str = ""

    @property
    def legal(self) -> bool:
        """The call was read, its path and pattern were accepted, and the program ran."""
        return self.outcome in ("found", "nothing", "truncated", "timeout")

    @property
    def spans(self) -> frozenset[Span]:
        return frozenset(hit.span for hit in self.hits)

    @property
    def digest(self) -> str:
        lines = "".join(f"{span.file}:{span.line}:{span.column}\n" for span in sorted(self.spans))
        return hashlib.sha256(lines.encode()).hexdigest()

    @property
    def answer(self) -> str:
        """What the model is told."""
        if self.outcome in ("illegal", "escape"):
            return f"error: {self.error}"
        if self.outcome == "timeout":
            return "error: the search took too long and was ended"
        if self.outcome == "nothing":
            return "no match"
        shown = [f"{s.file}:{s.line}:{s.column}: {text[:_LONGEST_LINE]}" for s, text in self.hits[:_MOST_SHOWN]]
        if self.outcome == "truncated":
            return "\n".join([*shown, "error: too many matches, the search was ended"])
        more = len(self.hits) - len(shown)
        return "\n".join([*shown, f"and {more} more"] if more else shown)


class Runner:
    """Runs calls in one project."""

    def __init__(self, root: Path, *, binaries: Binaries | None = None, limits: Limits | None = None) -> None:
        self.root = root.resolve()
        self.binaries = binaries or find()
        self.limits = limits or Limits()

    def run(self, call: ToolCall) -> Attempt:
        """Never raises for what a model says; raises `SearchError` when a program does not work."""
        try:
            query = read_query(call)
            path = self._contained(query.path)
        except EscapeError as error:
            return Attempt(call, "escape", error=str(error))
        except IllegalCallError as error:
            return Attempt(call, "illegal", error=str(error))
        verdict = self.legality(query)
        if not verdict.legal:
            return Attempt(call, "illegal", error=verdict.reason, program=self._program(query))
        return self._attempt(call, query, run(self._command(query, path), self.root, self.limits))

    def legality(self, query: Query) -> Legality:
        """What the program says of the query's pattern."""
        return legality(query, self.binaries)

    def _contained(self, path: str) -> str:
        """``path``, as it is passed on."""
        parts = path.replace("\\", "/").split("/")
        if path.startswith(("/", "\\", "~")) or ".." in parts or Path(path).is_absolute():
            raise EscapeError(f"path: only what is inside the project can be searched, got `{path[:80]}`")
        try:
            real = (self.root / path).resolve()
        except (OSError, RuntimeError) as error:  # a name that is too long, a loop of links
            raise IllegalCallError(f"path: `{path[:80]}` cannot be looked up: {error}") from None
        if not real.is_relative_to(self.root):
            raise EscapeError(f"path: `{path[:80]}` leads out of the project")
        try:
            real.stat()
        except OSError:
            raise IllegalCallError(f"path: there is no `{path[:80]}` in the project") from None
        return path or "."

    def _command(self, query: Query, path: str) -> list[str]:
        if isinstance(query, RipgrepSearch):
            return [*self._ripgrep(query), "--", path]
        return [*self._ast_grep(query), "--", path]

    def _ripgrep(self, query: RipgrepSearch) -> list[str]:
        command = [str(self.binaries.rg.path), "--no-config", "--json", "--sort=path", "--no-ignore", "--hidden"]
        command += [f"--glob={query.glob}"] * bool(query.glob) + ["--glob=!__pycache__", "--glob=!.git"]
        command += ["--pcre2"] * query.pcre2 + ["--fixed-strings"] * query.fixed_strings
        command += ["--ignore-case"] * query.ignore_case + ["--multiline"] * query.multiline
        return [*command, "-e", query.pattern]

    def _ast_grep(self, query: AstGrepSearch) -> list[str]:
        command = [str(self.binaries.ast_grep.path), "run", f"--config={SGCONFIG}", "--json=stream", "--threads=1"]
        command += [f"--selector={query.selector}"] * bool(query.selector)
        command += [f"--strictness={query.strictness}", f"--lang={query.language}", f"--pattern={query.pattern}"]
        return [*command, *_NO_IGNORE]

    def _program(self, query: Query) -> str:
        if isinstance(query, RipgrepSearch):
            return f"ripgrep {self.binaries.rg.version}"
        return f"ast-grep {self.binaries.ast_grep.version}"

    def _attempt(self, call: ToolCall, query: Query, said: Output) -> Attempt:
        program = self._program(query)
        if said.timed_out:
            return Attempt(call, "timeout", program=program)
        if said.code not in (0, 1, None):
            return Attempt(call, "illegal", error=_first_line(said), code=said.code, program=program)
        if isinstance(query, RipgrepSearch):
            hits = read_ripgrep(said.stdout)
        else:
            hits = read_ast_grep(said.stdout, self.root)
        outcome: Outcome = "truncated" if said.truncated else "found" if hits else "nothing"
        return Attempt(call, outcome, hits, code=said.code, program=program)


def _first_line(said: Output) -> str:
    return said.stderr.partition("\n")[0][:_LONGEST_LINE] or f"the program ended with exit code {said.code}"
