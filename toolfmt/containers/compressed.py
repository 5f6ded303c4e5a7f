"""gzip and Zstandard, read and written as streams; data that is cut off or damaged is never taken for its end.

Hostile input is bounded: what a piece of a file decompresses to is handed on before the next one is read.  For gzip that is exact; a piece
of Zstandard is 4 KiB, which decompresses to 128 MiB at most.
"""

import io
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import IO, Any, Final, Protocol

from toolfmt.containers.base import DamageError
from toolfmt.errors import MissingExtraError

__all__ = ["PACKINGS", "Packed", "Packing", "unpacked"]

_BUFFER = 1024 * 1024


class _Decoder(Protocol):
    """One member of a file, being read."""

    ended: bool

    def decode(self, data: bytes) -> tuple[bytes, bytes]:
        """What these bytes say, and those of them that were not used."""


class _Encoder(Protocol):
    def compress(self, data: Any, /) -> bytes: ...

    def flush(self) -> bytes: ...


class _Gunzip:
    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)
        self.ended = False

    def decode(self, data: bytes) -> tuple[bytes, bytes]:
        try:
            made = self._inner.decompress(data, _BUFFER)
        except zlib.error as error:
            raise DamageError(f"the gzip data is damaged ({error})") from None
        self.ended = self._inner.eof
        return made, self._inner.unused_data if self.ended else self._inner.unconsumed_tail


class _Unzstd:
    def __init__(self) -> None:
        self._library = _zstandard()
        self._inner = self._library.ZstdDecompressor().decompressobj()
        self.ended = False

    def decode(self, data: bytes) -> tuple[bytes, bytes]:
        try:
            made = self._inner.decompress(data)
        except self._library.ZstdError as error:
            raise DamageError(f"the Zstandard data is damaged ({error})") from None
        self.ended = self._inner.eof
        return made, self._inner.unused_data


def _gzip() -> _Encoder:
    return zlib.compressobj(level=6, wbits=31)  # its header says neither time nor name: the same rows give the same bytes


def _zstd() -> _Encoder:
    made: _Encoder = _zstandard().ZstdCompressor(level=3, write_checksum=True).compressobj()
    return made


def _zstandard() -> Any:
    try:
        import zstandard
    except ImportError as error:
        raise MissingExtraError('files in .zst need zstandard, which is not installed: pip install "toolfmt[files]"') from error
    return zstandard


@dataclass(frozen=True, slots=True)
class Packing:
    """A way to compress."""

    name: str
    decoder: Callable[[], _Decoder]
    encoder: Callable[[], _Encoder]
    piece: int
    """How many bytes are decompressed at a time."""
    padding: bytes
    """What may fill a file after its last member."""


PACKINGS: Final[Mapping[str, Packing]] = MappingProxyType(
    {
        ".gz": Packing("gzip", _Gunzip, _gzip, 64 * 1024, b"\0"),
        ".zst": Packing("Zstandard", _Unzstd, _zstd, 4 * 1024, b""),
    }
)


def unpacked(file: IO[bytes], packing: Packing) -> IO[bytes]:
    """The decompressed data of all members of a file."""
    return io.BufferedReader(_Unpacked(file, packing), _BUFFER)


def _pieces(file: IO[bytes], packing: Packing) -> Iterator[bytes]:
    decoder, members = None, 0
    while data := file.read(packing.piece):
        while data:
            if decoder is None:
                data = data.lstrip(packing.padding) if members else data
                if not data:
                    break
                decoder = packing.decoder()
                members += 1
            made, data = decoder.decode(data)
            if decoder.ended:
                decoder = None
            if made:
                yield made
    if decoder is not None:
        raise DamageError(f"the {packing.name} data ends too early")
    if not members:
        raise DamageError(f"the file is empty, which is no {packing.name} data")


class _Unpacked(io.RawIOBase):
    """The pieces, as a file."""

    def __init__(self, file: IO[bytes], packing: Packing) -> None:
        self._file, self._pieces = file, _pieces(file, packing)
        self._held = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._held:
            self._held = memoryview(next(self._pieces, b""))
        size = min(len(buffer), len(self._held))
        buffer[:size] = self._held[:size]
        self._held = self._held[size:]
        return size

    def close(self) -> None:
        self._file.close()
        super().close()


class Packed(io.RawIOBase):
    """Compresses what is written to it into ``file``; a member ends where `cut` says, and the next row begins another."""

    def __init__(self, file: IO[bytes], packing: Packing) -> None:
        self._file, self._packing = file, packing
        self._encoder: _Encoder | None = None
        self._begun = file.tell() > 0
        self._dropped = False

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if self._dropped:
            return len(data)
        if self._encoder is None:
            self._encoder, self._begun = self._packing.encoder(), True
        self._file.write(self._encoder.compress(data))
        return len(data)

    def cut(self) -> None:
        """End the member that is being written; a file without any gets an empty one."""
        if self._encoder is None and not self._begun:
            self.write(b"")
        if self._encoder is not None:
            self._file.write(self._encoder.flush())
            self._encoder = None

    def drop(self) -> None:
        """Take what is still written for nothing: the file is given up, or done."""
        self._dropped = True
