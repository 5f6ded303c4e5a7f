"""Where a match begins, the same for both programs: (file, line, column), lines and columns from 1, columns in characters.

They do not count alike.  ripgrep gives the byte in a line; it drops a byte order mark and reads UTF-16 that has one.  ast-grep gives characters
from 0, counts the mark, takes a lone carriage return for a line end, and skips what is not UTF-8.  So its lines and columns are not
used: they are counted here from its byte offset.  A line ends at a line feed.
"""

import base64
import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Hit", "Span", "read_ast_grep", "read_ripgrep"]

_MARK = b"\xef\xbb\xbf"


class Span(NamedTuple):
    """The first character of a match; ``file`` is relative to the project, with `/` between folders."""

    file: str
    line: int
    column: int


class Hit(NamedTuple):
    """A match, with the line in which it begins."""

    span: Span
    text: str


def read_ripgrep(output: bytes) -> tuple[Hit, ...]:
    """The matches in what `rg --json` wrote, in order; a last line that was cut off is left out."""
    hits: list[Hit] = []
    for record in _records(output):
        if record["type"] != "match":
            continue
        data = record["data"]
        file = _normal(_bytes(data["path"]).decode(errors="replace"))
        lines, first = _bytes(data["lines"]), data["line_number"]
        hits += [_hit(file, lines, match["start"], first) for match in data["submatches"]]
    return _in_order(hits)


def read_ast_grep(output: bytes, folder: Path) -> tuple[Hit, ...]:
    """The matches in what `ast-grep --json=stream` wrote when it ran in ``folder``, in order."""
    content = functools.cache(lambda file: (folder / file).read_bytes())
    return _in_order([_ast_grep_hit(record, content) for record in _records(output)])


def _ast_grep_hit(record: dict[str, Any], content: Callable[[str], bytes]) -> Hit:
    file = _normal(record["file"])
    data, start = content(file), record["range"]["byteOffset"]["start"]
    if data.startswith(_MARK):
        data, start = data[len(_MARK) :], max(start - len(_MARK), 0)
    return _hit(file, data, start, 1)


def _hit(file: str, data: bytes, at: int, first_line: int) -> Hit:
    """The place of byte ``at`` of ``data``, whose first line is number ``first_line``."""
    begin = data.rfind(b"\n", 0, at) + 1
    end = data.find(b"\n", at)
    text = data[begin : len(data) if end < 0 else end].decode(errors="replace").removesuffix("\r")
    column = len(data[begin:at].decode(errors="replace")) + 1
    return Hit(Span(file, first_line + data.count(b"\n", 0, at), column), text)


def _records(output: bytes) -> list[Any]:
    """One JSON object a line; what stands after the last line end was cut off."""
    return [json.loads(line) for line in output.split(b"\n")[:-1]]


def _bytes(value: dict[str, str]) -> bytes:
    """ripgrep's text: `text` where it is UTF-8, else `bytes` in base 64."""
    return value["text"].encode() if "text" in value else base64.b64decode(value["bytes"])


def _normal(path: str) -> str:
    return path.replace("\\", "/").removeprefix("./")


def _in_order(hits: list[Hit]) -> tuple[Hit, ...]:
    return tuple(sorted(set(hits)))
