"""Unpacking an archive that a registry gave us, which is to say, that anyone wrote.

Kept are plain files with a source suffix, and licences.  Names that lead out, a name twice, and archives beyond the limits are refused
whole: nothing half unpacked stays.  Links, devices and everything else in an archive are left out.  Sizes are counted while reading, not
believed; what is left out is read past and not counted.
"""

import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from toolfmt_train.gym.errors import CorpusError

__all__ = ["MAX_FILE", "MAX_FILES", "MAX_TOTAL", "unpack"]

MAX_FILES = 20_000
MAX_FILE = 8 << 20
MAX_TOTAL = 200 << 20

_LICENCES = ("LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE")
_CHUNK = 1 << 16

_BROKEN = (
    EOFError,
    NotImplementedError,  # a zip's compression method
    RuntimeError,  # an encrypted zip
    gzip.BadGzipFile,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)

_Entry = tuple[str, IO[bytes]]


def unpack(archive: Path, folder: Path, suffixes: Iterable[str]) -> None:
    """Write the sources in ``archive`` (a zip, or a tar in any compression) below ``folder``, which must exist and be empty."""
    wanted = frozenset(suffixes)
    total = count = 0
    try:
        for name, stream in _entries(archive, wanted):
            count += 1
            if count > MAX_FILES:
                raise CorpusError(f"`{archive.name}` holds more than {MAX_FILES:,} source files")
            total += _write(stream, _target(folder, name, archive), name, archive, MAX_TOTAL - total)
    except _BROKEN as error:
        raise CorpusError(f"`{archive.name}` cannot be unpacked: {error}") from error
    if not count:
        raise CorpusError(f"`{archive.name}` holds no {', '.join(sorted(wanted))} file")


def _entries(archive: Path, suffixes: frozenset[str]) -> Iterator[_Entry]:
    """The names and contents of the files that are kept."""
    if zipfile.is_zipfile(archive):
        yield from _zip_entries(archive, suffixes)
    else:
        yield from _tar_entries(archive, suffixes)


def _zip_entries(archive: Path, suffixes: frozenset[str]) -> Iterator[_Entry]:
    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            kind = info.external_attr >> 16 & 0o170000
            if not info.is_dir() and kind in (0, 0o100000) and _kept(info.filename, suffixes):
                with file.open(info) as stream:
                    yield info.filename, stream


def _tar_entries(archive: Path, suffixes: frozenset[str]) -> Iterator[_Entry]:
    with tarfile.open(archive, "r:*") as file:
        for member in file:
            if member.isreg() and _kept(member.name, suffixes):
                stream = file.extractfile(member)
                assert stream is not None  # it is a regular file
                yield member.name, stream


def _kept(name: str, suffixes: frozenset[str]) -> bool:
    path = PurePosixPath(name)
    return path.suffix in suffixes or path.name.upper().startswith(_LICENCES)


def _target(folder: Path, name: str, archive: Path) -> Path:
    parts = name.split("/")
    while parts and parts[0] == ".":
        parts = parts[1:]
    odd = "\\" in name or "\0" in name or ":" in name or not name.isprintable()
    if not parts or odd or any(part in ("", ".", "..") for part in parts):
        raise CorpusError(f"`{archive.name}` holds a name that is refused: {name[:80]!r}")
    return folder.joinpath(*parts)


def _write(stream: IO[bytes], target: Path, name: str, archive: Path, left: int) -> int:
    """Copy at most the limits; the bytes written."""
    size = 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as out:
            while chunk := stream.read(_CHUNK):
                size += len(chunk)
                if size > min(MAX_FILE, left):
                    raise CorpusError(f"`{archive.name}`: `{name[:80]}` is larger than the limits allow")
                out.write(chunk)
    except (FileExistsError, NotADirectoryError):
        raise CorpusError(f"`{archive.name}` holds `{name[:80]}` twice") from None
    return size
