"""Projects to search, as content-addressed snapshots.

`corpora.lock` pins each: where its archive comes from, the archive's SHA-256, and the SHA-256 of the tree that is unpacked from it.  Both are
checked: the archive when it is fetched (`fetch.py`), the tree each time it is opened.  `bundled` is a small project of ours in each of the
eight languages, in the package itself, and needs no network.  Any folder can be a corpus: `Corpus.of_folder`.
"""

import functools
import hashlib
import os
import re
import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from toolfmt_train.gym.errors import CorpusError
from toolfmt_train.gym.tools import LANGUAGES, Language

__all__ = ["SUFFIXES", "Corpus", "Pin", "cache_folder", "open_corpus", "open_pin", "read_lock", "tree_digest"]

_HERE = Path(__file__).parent
BUNDLED = "bundled"

SUFFIXES: dict[str, tuple[str, ...]] = {
    "python": (".py", ".pyi"),
    "javascript": (".js", ".mjs", ".cjs", ".jsx"),
    "typescript": (".ts", ".mts", ".cts"),
    "rust": (".rs",),
    "go": (".go",),
    "java": (".java",),
    "cpp": (".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp"),
    "csharp": (".cs",),
}

_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+~-]*$")]
_Package = Annotated[str, Field(pattern=r"^[@A-Za-z0-9][A-Za-z0-9._+/-]*$")]
_Version = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+~:-]*$")]


class Pin(BaseModel):
    """One row of the lock."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: _FileName
    ecosystem: Literal["pypi", "npm", "debian"]
    package: _Package
    version: _Version
    file: _FileName
    sha256: _Sha256
    tree: _Sha256
    licence: str
    languages: tuple[Language, ...]

    @property
    def folder(self) -> Path:
        """Where its tree lies once it is fetched."""
        return cache_folder() / "corpora" / self.sha256


@dataclass(frozen=True, slots=True)
class Corpus:
    """A folder to search; ``digest`` is that of its tree."""

    name: str
    root: Path
    languages: tuple[Language, ...]
    licence: str
    digest: str

    @classmethod
    def of_folder(cls, root: Path, name: str = "", *, licence: str = "unknown") -> "Corpus":
        """Any folder; its languages are read off the names of its files."""
        if not root.is_dir():
            raise CorpusError(f"there is no folder `{root}`")
        digest = tree_digest(root)
        found = {path.suffix for path in _files(root)}
        languages = tuple(language for language in LANGUAGES if found & set(SUFFIXES[language]))
        return cls(name or root.resolve().name, root.resolve(), languages, licence, digest)

    def files(self, language: Language | None = None) -> list[Path]:
        """Its files, in order, relative to ``root``; those of one language, if given."""
        every = [path.relative_to(self.root) for path in _files(self.root)]
        return [path for path in every if language is None or path.suffix in SUFFIXES[language]]


def cache_folder() -> Path:
    """Where fetched things are kept: `$XDG_CACHE_HOME/toolfmt`, else `~/.cache/toolfmt`."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "toolfmt"


def read_lock(path: Path = _HERE / "corpora.lock") -> dict[str, Pin]:
    """The pinned corpora by name."""
    try:
        with path.open("rb") as file:
            rows = tomllib.load(file)["corpus"]
        pins = [Pin.model_validate(row) for row in rows]
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise CorpusError(f"`{path}` is no lock of corpora: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise CorpusError(f"`{path}`: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from None
    by_name = {pin.name: pin for pin in pins}
    if len(by_name) < len(pins):
        raise CorpusError(f"`{path}` gives a name twice")
    return by_name


def open_corpus(name: str) -> Corpus:
    """The corpus of this name: bundled, or fetched before.  Its tree is compared with the lock; nothing is fetched."""
    if name == BUNDLED:
        return _bundled()
    pins = read_lock()
    if name not in pins:
        near = get_close_matches(name, [BUNDLED, *pins], n=1)
        meant = f"did you mean `{near[0]}`?" if near else f"there is {', '.join([BUNDLED, *pins])}"
        raise CorpusError(f"unknown corpus `{name[:80]}`; {meant}")
    return open_pin(pins[name])


def open_pin(pin: Pin) -> Corpus:
    """The fetched tree of ``pin``; raises `CorpusError` when it is not there or has changed."""
    if not pin.folder.is_dir():
        raise CorpusError(f"the corpus `{pin.name}` is not fetched: python -m toolfmt_train.gym.fetch {pin.name}")
    digest = tree_digest(pin.folder)
    if digest != pin.tree:
        raise CorpusError(
            f"the corpus `{pin.name}` in `{pin.folder}` is not what the lock says: "
            f"expected {pin.tree[:12]}, found {digest[:12]}; delete that folder and fetch it again"
        )
    return Corpus(pin.name, pin.folder, pin.languages, pin.licence, digest)


@functools.cache
def _bundled() -> Corpus:
    return Corpus.of_folder(_HERE / "bundled", BUNDLED, licence="Apache-2.0")


def tree_digest(root: Path) -> str:
    """The SHA-256 of a folder's files: of the names and the contents, in order.  Raises `CorpusError` for a name that is not text."""
    whole = hashlib.sha256()
    for path in _files(root):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        name = path.relative_to(root).as_posix()
        try:
            whole.update(f"{content} {name}\n".encode())
        except UnicodeEncodeError:
            raise CorpusError(f"`{root}` holds a file whose name is not UTF-8: {name!r}") from None
    return whole.hexdigest()


_LEFT_OUT = re.compile(r"(^|/)(__pycache__|\.git)/")


def _files(root: Path) -> list[Path]:
    """The plain files below ``root``, in order of their names; left out are links, `.git` and what Python compiled."""
    found = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    kept = [path for path in found if not _LEFT_OUT.search(path.relative_to(root).as_posix())]
    return sorted(kept, key=lambda path: path.relative_to(root).as_posix())
