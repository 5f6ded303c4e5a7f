"""The user's words: a frame round what is asked for and where.

    "Show me {what}."  +  "all calls of `{x}`"  +  " in the Python code"  +  ", below `{path}`"

Each table has two disjoint lists, for training and for held-out rows.  The words determine the call: how a pattern is to be read (plain text,
a regular expression, code) and each argument beside it are said.
"""

from random import Random
from typing import NamedTuple

from toolfmt_train.gym.tools import Language

__all__ = ["LANGUAGE_NAMES", "Scope", "Wordings", "say"]

LANGUAGE_NAMES: dict[Language, str] = {
    "python": "Python",
    "javascript": "JavaScript",
    "typescript": "TypeScript",
    "rust": "Rust",
    "go": "Go",
    "java": "Java",
    "cpp": "C++",
    "csharp": "C#",
}


class Wordings(NamedTuple):
    """Ways to say the same."""

    train: tuple[str, ...]
    held_out: tuple[str, ...]

    def draw(self, rng: Random, held_out: bool) -> str:
        """One of them."""
        return rng.choice(self.held_out if held_out else self.train)


class Scope(NamedTuple):
    """Where to search, and its words; empty: the whole project."""

    arguments: dict[str, str]
    kind: str = ""


FRAMES = Wordings(
    (
        "Find {what}.",
        "Show me {what}.",
        "List {what}.",
        "Where in this project are {what}?",
        "I want to see {what}.",
        "Please find {what}.",
        "I am looking for {what}.",
        "Search for {what}.",
    ),
    ("Look up {what}.", "Can you give me {what}?", "I need {what}, please.", "Which are {what}?"),
)

IN_LANGUAGE = Wordings(
    (" in the {language} code", " in {language} files", ", language {language}"),
    (" in the {language} sources", " in everything written in {language}"),
)

SCOPES = {
    "folder": Wordings(
        (", in the folder `{path}`", ", below `{path}`", ", only in the directory `{path}`"),
        (", inside `{path}` and nowhere else", ", restricted to the path `{path}`"),
    ),
    "file": Wordings(
        (", in the file `{path}`", ", only in `{path}`"), (", within the file `{path}`", ", in `{path}` alone")
    ),
    "glob": Wordings(
        (", only in files that match `{glob}`", ", in `{glob}` files only"), (", limited to the files `{glob}`",)
    ),
    "not_glob": Wordings(
        (", but not in files that match `{without}`", ", except in `{without}` files"),
        (", leaving out the files `{without}`",),
    ),
}


def say(rng: Random, held_out: bool, what: Wordings, slots: dict[str, str], scope: Scope, language: str = "") -> str:
    """A request in words; a ``language`` is named when it is given."""
    words = [what, *([IN_LANGUAGE] if language else ()), *([SCOPES[scope.kind]] if scope.kind else ())]
    every = (
        slots | scope.arguments | {"language": language, "without": scope.arguments.get("glob", "").removeprefix("!")}
    )
    asked = "".join(_fill(wording.draw(rng, held_out), every) for wording in words)
    return _fill(FRAMES.draw(rng, held_out), {"what": asked})


def _fill(words: str, slots: dict[str, str]) -> str:
    return words.format_map(slots)
