"""Where things stand in a JSON text that arrives in pieces.

`JsonScan` follows brackets and strings and keeps no values: what it finds complete is decoded by `toolfmt.values`, which alone decides what is
JSON.  It is bounded in nothing but its text, one regular expression match per run of characters, no recursion.
"""

import re

__all__ = ["JsonScan"]

_STRING_RUN = {'"': re.compile(r'[^"\\\x00-\x1f]*'), "'": re.compile(r"[^'\\\x00-\x1f]*")}
# Between strings and brackets stand no letters but those of JSON's words, NaN and Infinity; in Python those of True, False, None too.
_JSON_ATOMS = re.compile(r"[\s0-9truefalsnNIiyE,:.+\-]*")
_ATOMS = re.compile(r"[\s0-9_truefalsnNIiyETFo,:.+\-]*")


class JsonScan:
    """Scans one value.  ``run`` stops at the end of the buffer, at each bracket and each string down to ``watch`` brackets deep."""

    __slots__ = ("_atoms", "_kept", "_quotes", "comma", "depth", "event", "quote", "string", "watch")

    def __init__(self, watch: int, *, json_only: bool = False) -> None:
        self.watch = watch
        self.depth = 0
        self.event = ""
        """What ``run`` stopped at: a bracket, ``"`` after a whole string, ``""`` at the end of the buffer, ``!`` where it is not JSON."""
        self.string = ""
        """The last whole string at a watched depth, quotes included."""
        self.comma = True
        """Whether a comma (or the beginning) stood before the last stop at a watched depth; the caller sets it back."""
        self.quote = ""
        self._quotes = '"' if json_only else ""
        self._atoms = _JSON_ATOMS if json_only else _ATOMS
        self._kept: list[str] = []

    @property
    def pythonic(self) -> bool:
        """Whether strings stand in single quotes: a Python literal, not JSON."""
        return self._quotes == "'"

    def run(self, buf: str, pos: int) -> int:
        """Scan on from ``pos``; where it stopped, just after what ``event`` names."""
        self.event = ""
        while True:
            if self.quote:
                pos = self._in_string(buf, pos)
                if self.quote or self.event:
                    return pos
                if self.depth <= self.watch:
                    self.event = '"'
                    return pos
                continue
            found = self._atoms.match(buf, pos)
            assert found
            if self.depth <= self.watch and "," in found.group():
                self.comma = True
            pos = found.end()
            if pos == len(buf):
                return pos
            char = buf[pos]
            if char in "\"'":
                self._open_string(char)
                if self.event:
                    return pos
                pos += 1
            elif char in "{[":
                self.depth += 1
                pos += 1
                if self.depth <= self.watch + 1:
                    self.event = char
                    return pos
            elif char in "}]":
                self.depth -= 1
                pos += 1
                if self.depth <= self.watch:
                    self.event = char
                    return pos
            else:
                self.event = "!"
                return pos

    def _open_string(self, char: str) -> None:
        self._quotes = self._quotes or char
        if char == "'" and self._quotes == '"':
            self.event = "!"
            return
        self.quote = char
        self._kept = [char]

    def _in_string(self, buf: str, pos: int) -> int:
        run, watched = _STRING_RUN[self.quote], self.depth <= self.watch
        start = pos
        while True:
            found = run.match(buf, pos)
            assert found
            pos = found.end()
            if pos == len(buf):
                break
            char = buf[pos]
            if char == "\\":
                if pos + 1 == len(buf):
                    break
                pos += 2
            elif char == self.quote:
                pos += 1
                self.quote = ""
                if watched:
                    self.string = "".join([*self._kept, buf[start:pos]])
                return pos
            else:
                self.event = "!"
                break
        if watched:
            self._kept.append(buf[start:pos])
        return pos
