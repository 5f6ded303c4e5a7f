"""`Blueprint`: a kind of task.  It looks for subjects in a source and makes a gold call of each; it never looks at a result.

What all kinds share is here: which side of the split a subject is on, where to search, the words, and the order, which a seed decides.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple

from toolfmt.ir import ToolCall
from toolfmt_train.generate.proposal import Proposal
from toolfmt_train.generate.source import Source
from toolfmt_train.generate.split import belongs
from toolfmt_train.generate.wordings import LANGUAGE_NAMES, Scope, Wordings, say
from toolfmt_train.gym.tools import Language
from toolfmt_train.rows import Bucket

__all__ = ["Blueprint", "Draft", "ast_grep", "escaped", "proposals", "ripgrep"]

_ROUNDS = 4
"""How often a subject comes up, each time in another scope if there is one."""

_METACHARACTERS = frozenset(r"\.+*?()|[]{}^$")


class Draft(NamedTuple):
    """The calls for a subject, as in `Proposal`, before they are narrowed to a scope; ``slots`` are for the wording."""

    call: ToolCall
    same: ToolCall | None = None
    trap: ToolCall | None = None
    slots: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Blueprint:
    """A kind of task.  ``find`` is the pattern of its subjects for each language that has it; ``also`` must find them too, where it is given."""

    name: str
    bucket: Bucket
    what: Wordings
    find: dict[Language, str]
    draft: Callable[[str, Language], Draft]
    also: dict[Language, str] | None = None
    pcre2: bool = True
    scoped: bool = False
    """A folder or file is always named."""
    weight: int = 1
    """How many proposals to one of another kind; more where more are refused."""


def ripgrep(pattern: str, **arguments: Any) -> ToolCall:
    """A `ripgrep_search` call."""
    return ToolCall(name="ripgrep_search", arguments={"pattern": pattern, **arguments})


def ast_grep(pattern: str, language: Language, selector: str = "") -> ToolCall:
    """An `ast_grep_search` call."""
    arguments = {"pattern": pattern, "language": language} | ({"selector": selector} if selector else {})
    return ToolCall(name="ast_grep_search", arguments=arguments)


def escaped(text: str) -> str:
    """A regular expression for just this text, with no more backslashes than it needs."""
    return "".join("\\" + character if character in _METACHARACTERS else character for character in text)


def proposals(blueprint: Blueprint, source: Source, rng: Random, held_out: bool) -> Iterator[Proposal]:
    """The tasks of one kind in one source, the same ones in the same order for the same ``rng``."""
    found = source.find(blueprint.find[source.language])
    also = source.find(blueprint.also[source.language]) if blueprint.also else found
    subjects = [subject for subject in found if subject in also and belongs(subject, held_out)]
    for _ in range(_ROUNDS):
        rng.shuffle(subjects)
        for subject in subjects:
            draft = blueprint.draft(subject, source.language)
            scope = _scope(blueprint, draft.call, source, rng.choice(found[subject]), rng)
            if scope is not None:
                yield _proposal(blueprint, source, subject, draft, scope, rng, held_out)


def _proposal(
    blueprint: Blueprint, source: Source, subject: str, draft: Draft, scope: Scope, rng: Random, held_out: bool
) -> Proposal:
    language = LANGUAGE_NAMES[source.language] if draft.call.name == "ast_grep_search" else ""
    slots = {"x": subject} | (draft.slots or {})
    return Proposal(
        blueprint=blueprint.name,
        bucket=blueprint.bucket,
        language=source.language,
        corpus=source.corpus.name,
        subject=subject,
        prompt=say(rng, held_out, blueprint.what, slots, scope, language),
        call=_within(draft.call, scope),
        same=draft.same and _within(draft.same, scope),
        trap=draft.trap and _within(draft.trap, scope),
        pcre2=blueprint.pcre2,
    )


def _within(call: ToolCall, scope: Scope) -> ToolCall:
    return ToolCall(name=call.name, arguments=call.arguments | scope.arguments)


def _scope(blueprint: Blueprint, call: ToolCall, source: Source, file: str, rng: Random) -> Scope | None:
    """Where to search, so that ``file`` is searched too; None when the project is too large and nothing smaller is there."""
    if call.name == "ast_grep_search":
        paths = source.tree_scopes(file)
        return _path_scope(rng.choice(paths), file) if paths else None
    draw = rng.random()
    paths = source.scopes(file)[1:]
    if blueprint.scoped or draw < 0.3:
        return _path_scope(rng.choice(paths), file) if paths else None
    if draw < 0.45:
        return _glob_scope(rng.choice(_globs(file)))
    if draw < 0.55:
        return _glob_scope("!" + rng.choice(_globs(rng.choice(source.files))[1:]))
    return Scope({})


def _path_scope(path: str, file: str) -> Scope:
    if path == ".":
        return Scope({})
    return Scope({"path": path}, "file" if path == file else "folder")


def _glob_scope(glob: str) -> Scope:
    return Scope({"glob": glob}, "not_glob" if glob.startswith("!") else "glob")


def _globs(file: str) -> list[str]:
    """Globs that take a file in: by its ending, by the beginning of its name, by its name."""
    name = file.rpartition("/")[2]
    stem, _, ending = name.rpartition(".")
    return [f"*.{ending}", f"{stem[:4]}*", name]
