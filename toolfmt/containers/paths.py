"""What a path means: one file, a folder, a pattern such as ``in/*.jsonl.gz``, or the same of what fsspec reaches (`Remote`).

A folder is walked to its end; links to folders are not followed.  Names that begin with a dot are nobody's data and are passed over.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from toolfmt.errors import LayoutError, MissingExtraError

__all__ = ["Place", "Remote", "fingerprint", "is_pattern", "walk"]


@dataclass(frozen=True, slots=True)
class Remote:
    """A file, a folder or a pattern that fsspec reaches: ``Remote("s3://bucket/in/*.jsonl.gz")``.

    It has what is used of `pathlib.Path`, under the same names.  Not covered: addresses with a query (``?token=..``), whose end says no kind.
    """

    url: str

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> "Remote":
        return Remote(f"{self.url}{'' if self.url.endswith('/') else '/'}{name}")

    @property
    def name(self) -> str:
        return self.url.rstrip("/").rpartition("/")[2]

    def with_name(self, name: str) -> "Remote":
        return Remote(f"{self.url.rstrip('/').rpartition('/')[0]}/{name}")

    def open(self, mode: str = "rb") -> IO[bytes]:
        system, path = self.system()
        opened: IO[bytes] = system.open(path, mode)
        return opened

    def is_dir(self) -> bool:
        system, path = self.system()
        return bool(system.isdir(path))

    def exists(self) -> bool:
        system, path = self.system()
        return bool(system.exists(path))

    def unlink(self, missing_ok: bool = False) -> None:
        system, path = self.system()
        if not missing_ok or system.exists(path):
            system.rm_file(path)

    def put(self, local: Path) -> None:
        """Make this file a copy of ``local``; it appears whole."""
        system, path = self.system()
        folder, _, name = path.rpartition("/")
        hidden = f"{folder}/.{name}.part"
        system.makedirs(folder, exist_ok=True)
        system.put_file(str(local), hidden)
        system.mv(hidden, path)

    def system(self) -> tuple[Any, str]:
        """The file system of fsspec, and the path on it."""
        try:
            import fsspec
        except ImportError as error:
            raise MissingExtraError(f'`{self.url}` needs fsspec, which is not installed: pip install "toolfmt[files]"') from error
        try:
            system, path = fsspec.core.url_to_fs(self.url)
        except ImportError as error:
            raise MissingExtraError(f"`{self.url}` needs a package for its kind of address: {error}") from error
        except ValueError as error:
            raise LayoutError(self.url, f"not an address that fsspec knows: {error}") from None
        return system, path


Place = Path | Remote


def is_pattern(place: Place) -> bool:
    """Whether it stands for many files; a file whose own name holds ``*``, ``?`` or ``[`` is that file."""
    return any(sign in str(place) for sign in "*?[") and not place.exists()


def walk(place: Place) -> tuple[Place, list[str]]:
    """The folder that a folder or pattern begins at, and the names below it of all files, in order."""
    base, names = _walk_remote(place) if isinstance(place, Remote) else _walk_local(place)
    return base, sorted(name for name in names if not any(part.startswith(".") for part in name.split("/")))


def _walk_local(place: Path) -> tuple[Place, list[str]]:
    if not is_pattern(place):
        return place, [Path(root, name).relative_to(place).as_posix() for root, _, files in os.walk(place) for name in files]
    at = next(i for i, part in enumerate(place.parts) if any(sign in part for sign in "*?["))
    base = Path(*place.parts[:at])
    found = base.glob(str(Path(*place.parts[at:])))
    return base, [path.relative_to(base).as_posix() for path in found if path.is_file()]


def _walk_remote(place: Remote) -> tuple[Place, list[str]]:
    system, path = place.system()
    if not is_pattern(place):
        return place, list(_below(path, system.find(path)))
    parts = place.url.split("/")
    at = next(i for i, part in enumerate(parts) if any(sign in part for sign in "*?["))
    base = Remote("/".join(parts[:at]) + "/")
    found = [name for name in system.glob(path) if system.isfile(name)]
    return base, list(_below(base.system()[1], found))


def _below(folder: str, paths: list[str]) -> Iterator[str]:
    for path in paths:
        yield path.removeprefix(folder.rstrip("/")).lstrip("/")


def fingerprint(place: Place) -> list[Any]:
    """What tells that a file is the one that it was: its size and the time of its last change, or what its system says instead."""
    if isinstance(place, Path):
        held = place.stat()
        return [held.st_size, held.st_mtime_ns]
    system, path = place.system()
    return [system.size(path), str(system.checksum(path))]
