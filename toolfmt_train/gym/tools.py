"""The two search tools, declared once: the methods of `SearchTools`.

Their signatures and docstrings are what TRL shows a model, what `TOOLS` holds as JSON Schemas, and what `read_query` checks
a call against.  A call becomes a `RipgrepSearch` or an `AstGrepSearch`, or an `IllegalCallError` that says what is wrong with it.
Whether its *pattern* is legal is not decided here: that is asked of the programs (`legality.py`).

Calls come from a model: every text is bounded and can be passed to a program, before anything is run.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast

from pydantic import ValidationError

from toolfmt.ir import ToolCall
from toolfmt.tools import read_tools
from toolfmt.validation import validate

__all__ = [
    "LANGUAGES",
    "TOOLS",
    "AstGrepSearch",
    "IllegalCallError",
    "Language",
    "Query",
    "RipgrepSearch",
    "SearchTools",
    "Strictness",
    "read_query",
]

MAX_TEXT = 4000
"""Characters in one argument.  Longer patterns are no searches, and a command line has its own limit."""

Language = Literal["python", "javascript", "typescript", "rust", "go", "java", "cpp", "csharp"]
Strictness = Literal["cst", "smart", "ast", "relaxed", "signature"]

LANGUAGES: tuple[Language, ...] = ("python", "javascript", "typescript", "rust", "go", "java", "cpp", "csharp")

Declared = TypeVar("Declared", bound=Callable[..., str])


class IllegalCallError(Exception):
    """A call that no tool here can run; the text goes back to the model."""


@dataclass(frozen=True, slots=True)
class RipgrepSearch:
    """The arguments of a `ripgrep_search` call."""

    pattern: str
    path: str = "."
    glob: str = ""
    pcre2: bool = False
    fixed_strings: bool = False
    ignore_case: bool = False
    multiline: bool = False


@dataclass(frozen=True, slots=True)
class AstGrepSearch:
    """The arguments of an `ast_grep_search` call."""

    pattern: str
    language: Language
    path: str = "."
    selector: str = ""
    strictness: Strictness = "smart"


Query = RipgrepSearch | AstGrepSearch


def _tool(declared: Declared) -> Declared:
    """A method that answers whatever keywords it is given, unknown and missing ones too, so that every call is counted."""

    @functools.wraps(declared)
    def answer(self: "SearchTools", /, **arguments: Any) -> str:
        try:
            call = ToolCall(name=declared.__name__, arguments=arguments)
        except ValidationError:  # what JSON has no word for, such as NaN: a call without what it needs
            call = ToolCall(name=declared.__name__, arguments={})
        return self._answer(call)

    return cast("Declared", answer)


class SearchTools:
    """The declarations, to be called with keywords; a subclass says in `_answer` what a call does."""

    @_tool
    def ripgrep_search(
        self,
        pattern: str,
        path: str = ".",
        glob: str = "",
        pcre2: bool = False,
        fixed_strings: bool = False,
        ignore_case: bool = False,
        multiline: bool = False,
    ) -> str:
        """Search the text of files with ripgrep, line by line, by a regular expression.

        Args:
            pattern: The regular expression, in the syntax of Rust's regex crate.
            path: A file or folder to search, relative to the project.
            glob: Only files that match this glob, such as `*.py`; with `!` in front, only the others.
            pcre2: Use PCRE2, which look-around and back-references need.
            fixed_strings: Take the pattern as plain text.
            ignore_case: Let upper and lower case match each other.
            multiline: Let a match go over line ends.

        Returns:
            One line for each match, `file:line:column: text`.
        """
        raise NotImplementedError

    @_tool
    def ast_grep_search(
        self, pattern: str, language: Language, path: str = ".", selector: str = "", strictness: Strictness = "smart"
    ) -> str:
        """Search the syntax trees of source files with ast-grep, by a piece of code with metavariables.

        Args:
            pattern: Code in the language; `$NAME` stands for one node, `$$$NAME` for any number.
            language: The language of the pattern and of the files to search.
            path: A file or folder to search, relative to the project.
            selector: The kind of node to look for inside the pattern, such as `call_expression`; the rest is context.
            strictness: How exactly the trees must agree.

        Returns:
            One line for each match, `file:line:column: text`.
        """
        raise NotImplementedError

    def _answer(self, call: ToolCall) -> str:
        raise NotImplementedError


TOOLS = read_tools([SearchTools().ripgrep_search, SearchTools().ast_grep_search])

_QUERIES: dict[str, Callable[..., Query]] = {"ripgrep_search": RipgrepSearch, "ast_grep_search": AstGrepSearch}
_KNOWN = {tool.name: tuple(tool.parameters["properties"]) for tool in TOOLS}


def read_query(call: ToolCall) -> Query:
    """The query that ``call`` states; raises `IllegalCallError` unless it keeps to its tool's schema and can be passed on."""
    violations = validate(call, TOOLS)
    if violations:
        raise IllegalCallError(str(violations[0]))
    for name, value in call.arguments.items():
        if name not in _KNOWN[call.name]:
            raise IllegalCallError(f"{call.name} has no argument `{name[:80]}`; it has {', '.join(_KNOWN[call.name])}")
        _check_text(name, value)
    return _QUERIES[call.name](**call.arguments)


def _check_text(name: str, value: Any) -> None:
    if not isinstance(value, str):
        return
    if len(value) > MAX_TEXT:
        raise IllegalCallError(f"{name}: {len(value):,} characters; at most {MAX_TEXT:,}")
    if "\0" in value:
        raise IllegalCallError(f"{name}: a NUL character cannot be searched for")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise IllegalCallError(f"{name}: a lone surrogate is no text") from None
