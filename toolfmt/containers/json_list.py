"""``.json``: one list of rows, read as a stream, each row with its own spelling.

The list is cut into its items by brackets and quotes; each item is then decoded like a line of JSONL.  What is between the items has to be
JSON's, else the file is refused as a whole, as is one with an item over `MAX_ROW` bytes.
"""

import re
from collections.abc import Iterator
from typing import IO

from toolfmt.containers import base
from toolfmt.containers.base import BEGIN, DamageError, Read, Source, Start
from toolfmt.containers.jsonl import read_row
from toolfmt.conversion.rows import Outcome, RowConverter
from toolfmt.values import dumps

__all__ = ["ListSink", "read_list"]

_PIECE = 1024 * 1024
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["\[\]{},]', re.DOTALL)
_SPACE = b" \t\r\n"
_NO_SPACE = re.compile(rb"[^ \t\r\n]")


def read_list(file: IO[bytes], _start: Start = BEGIN) -> Iterator[Read]:
    """The items of the list; DamageError where the file is no list."""
    text = _Text(file)
    text.open()
    for row, (raw, line) in enumerate(text.items()):
        yield read_row(raw, row, line, 0)


class _Text:
    """The part of the file that is held, and where reading stands in it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._held, self._at, self._line = b"", 0, 1

    def open(self) -> None:
        """Read up to the list's bracket."""
        self._fill()
        self._at = 3 if self._held.startswith(b"\xef\xbb\xbf") else 0
        if self._next() != b"[":
            shown = self._held[self._at : self._at + 20].decode(errors="backslashreplace") or "nothing"
            raise DamageError(f"expected a JSON list of rows (rows in lines are .jsonl), got `{shown}`")
        self._at += 1

    def items(self) -> Iterator[tuple[bytes, int]]:
        """Each item and its line; after them the list has to end, and the file with it."""
        more = self._next() != b"]"
        while more:
            self._next()
            line, end = self._line, self._find_end()
            raw = self._held[self._at : end].rstrip(_SPACE)
            sign = self._held[end : end + 1]
            if not raw:
                raise DamageError(f"expected a row at line {line}, got `{sign.decode()}`")
            yield raw, line
            self._go(end)
            more = sign == b","
            self._at += more
        self._at += 1
        if self._next():
            raise DamageError(f"expected the end of the file after the list, at line {self._line}")

    def _find_end(self) -> int:
        """Where the item that begins here is followed by ``,`` or ``]``."""
        depth, at = 0, self._at
        while True:
            token = _TOKEN.search(self._held, at)
            if token is None or token[0] == b'"':  # nothing, or a string whose end is not held yet
                at = (len(self._held) if token is None else token.start()) - self._at  # `_fill` moves what is held
                if not self._fill():
                    raise DamageError(f"expected the end of the list; the file ends in the row that begins at line {self._line}")
                continue
            if depth == 0 and token[0] in (b",", b"]"):
                return token.start()
            depth += (token[0] in (b"[", b"{")) - (token[0] in (b"]", b"}"))
            at = token.end()

    def _next(self) -> bytes:
        """Go to the next byte that is no space, and look at it; nothing at the end of the file."""
        while True:
            found = _NO_SPACE.search(self._held, self._at)
            self._go(len(self._held) if found is None else found.start())
            if found is not None:
                return found[0]
            if not self._fill():
                return b""

    def _go(self, at: int) -> None:
        self._line += self._held.count(b"\n", self._at, at)
        self._at = at

    def _fill(self) -> bool:
        """Let go of what is read, and hold twice as much of the rest; False at the end of the file."""
        held = self._held[self._at :]
        if len(held) > base.MAX_ROW:
            raise DamageError(f"the row that begins at line {self._line} has more than {base.MAX_ROW} bytes, the most that is read; split it")
        more = self._file.read(max(_PIECE, len(held)))
        self._held, self._at = held + more, 0
        return bool(more)


class ListSink:
    """Writes one list, a row a line; a row that is not changed as it stood."""

    def __init__(self, file: IO[bytes], _source: Source, _converter: RowConverter) -> None:
        self._write = file.write
        self._before = b"[\n"

    def add(self, read: Read, outcome: Outcome) -> None:
        raw = dumps(outcome.row).encode() if outcome.changed or not read.raw else read.raw
        self._write(self._before + raw)
        self._before = b",\n"

    def finish(self) -> None:
        self._write(b"[]\n" if self._before == b"[\n" else b"\n]\n")

    def close(self) -> None:
        """Nothing is held."""
