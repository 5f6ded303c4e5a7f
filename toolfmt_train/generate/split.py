"""What is held out: projects, identifiers, wordings.

A held-out row comes from a project, is about an identifier, and is asked in words, that no training row has.  Projects are the table
below.  A word falls on one side by a digest, so that two runs that know nothing of each other agree; a training subject has no word of the held-out
side.  Wordings are two lists (`wordings.py`).  `bundled` is one project for both sides: there only identifiers and wordings
differ.  C# has one pinned project, so none that is held out.  Folders and file names are not split.
"""

import functools
import hashlib
import re

from toolfmt_train.gym.corpora import BUNDLED, read_lock

__all__ = ["HELD_OUT", "belongs", "corpora_of", "identifier", "serves"]

HELD_OUT = frozenset({"requests", "express", "zod", "serde", "mux", "jackson-core", "nlohmann-json"})
"""The projects of which no row is for training."""

_ONE_IN = 4
_SHORTEST = 4


def corpora_of(held_out: bool) -> tuple[str, ...]:
    """The pinned projects of one side."""
    return tuple(name for name in read_lock() if (name in HELD_OUT) == held_out)


def serves(corpus: str, held_out: bool) -> bool:
    """Whether the project is of this side; `bundled` and folders of the user's are of both."""
    return corpus == BUNDLED or corpus not in read_lock() or (corpus in HELD_OUT) == held_out


def identifier(subject: str) -> str:
    """The word that a subject is about: its longest, the first among equals, without its case."""
    return max(_words(subject), key=len, default=subject)


def belongs(subject: str, held_out: bool) -> bool:
    """Whether a subject is of this side: held out by its longest word, for training when none of its words is held out."""
    if held_out:
        return _is_held_out(identifier(subject))
    return not any(map(_is_held_out, _words(subject)))


def _words(subject: str) -> list[str]:
    """Its words, short ones left out unless there are no others."""
    words: list[str] = re.findall(r"\w+", subject.casefold())
    return [word for word in words if len(word) >= _SHORTEST] or words


@functools.lru_cache(1 << 16)
def _is_held_out(word: str) -> bool:
    """One word in four."""
    return hashlib.sha256(word.encode()).digest()[0] % _ONE_IN == 0
