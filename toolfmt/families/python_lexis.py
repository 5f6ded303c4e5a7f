"""The lexis of Python calls: words, numbers and string literals, read and written; nothing is ever evaluated.

Strings follow Python, with three rules of toolfmt's own: a line feed may stand in any of them (models write it), an escape that Python does not know
stays as it is (Python's own reading, of which it warns), and two halves of a surrogate pair are one character (as in JSON).
"""

import keyword
import math
import re
import unicodedata
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from toolfmt.ir import MAX_DEPTH
from toolfmt.values import dumps

__all__ = [
    "ATOM",
    "IDENTIFIER",
    "LITERAL",
    "NAME",
    "NUMBER",
    "PLAIN_DEPTH",
    "RAW_RUN",
    "RUN",
    "STRING",
    "TOKEN",
    "TOO_LONG",
    "WORD",
    "NotPlain",
    "is_bare",
    "join_surrogates",
    "may_be_escape",
    "scalar",
    "unescape",
    "write_double",
]

WORD = r"[^\W\d][\w.\-]*"
"""What is read as a name or a key: wider than Python, because the templates write ``page-size=5`` and nothing else can be meant."""
IDENTIFIER = rf"(?!(?:{'|'.join(keyword.kwlist)})(?!\w))[^\W\d]\w*"
"""What Python can name an argument."""
NUMBER = r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
LITERAL = "True|False|None|true|false|null"
ATOM = re.compile(r"[\w.+\-]+")
TOKEN = 4400  # characters of a word or a number, at most
TOO_LONG = f"a name or a number has more than {TOKEN} characters"
NAME = 256  # characters of a tool name, at most
PLAIN_DEPTH = min(16, MAX_DEPTH)

_HEX = "[0-9a-fA-F]"
_ESCAPE = (
    rf"\\(?:[^xuUN0-7]|x{_HEX}{{2}}|u{_HEX}{{4}}|U000{_HEX}{{5}}|U0010{_HEX}{{4}}"
    r"|N\{[^{}'\"\\]{1,96}\}|[0-7]{3}|[0-7]{1,2}(?=[^0-7]))"
)
_INSIDE = {quote: rf"[^{quote}\\]*+(?:{_ESCAPE}[^{quote}\\]*+)*+" for quote in "\"'"}
RUN = {quote: re.compile(inside) for quote, inside in _INSIDE.items()}
"""The inside of a string up to its quote, or to what is no whole escape."""
RAW_RUN = {quote: re.compile(rf"[^{quote}\\]*+(?:\\[\s\S][^{quote}\\]*+)*+") for quote in _INSIDE}
STRING = {quote: re.compile(f"{quote}({inside}){quote}(?!{quote})") for quote, inside in _INSIDE.items()}
"""A whole string on its own, in single quotes or double ones."""

_escape = re.compile(_ESCAPE.replace("(?=[^0-7])", ""))
_PART = re.compile(rf"\\(?:x{_HEX}?|u{_HEX}{{0,3}}|U{_HEX}{{0,7}}|N(?:\{{[^{{}}'\"\\]{{0,96}})?|[0-7]{{1,2}})?\Z")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NUMBER = re.compile(NUMBER)
_LETTERS = dict(zip("abfnrtv\\'\"\n", ["\a", "\b", "\f", "\n", "\r", "\t", "\v", "\\", "'", '"', ""], strict=True))
_WORDS: dict[str, Any] = {"True": True, "False": False, "None": None, "true": True, "false": False, "null": None}
_DIGITS = 4300


class NotPlain(Exception):  # noqa: N818 - control flow: the incremental reader says what is the matter
    """It is no value, or not one in plain spelling."""


def scalar(text: str) -> Any:
    """The value of a word or a number; `NotPlain` says why it is none."""
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.fullmatch(text) is None:
        raise NotPlain(f"`{text[:40]}` is no value: strings stand in quotes")
    if text.removeprefix("-").isdecimal():
        if len(text) > _DIGITS:
            raise NotPlain(f"an integer of {len(text)} digits is out of range")
        return int(text)
    value = float(text)
    if math.isinf(value):
        raise NotPlain(f"the number `{text[:40]}` is out of range")
    return value


def unescape(text: str) -> str:
    """The text that the inside of a string literal says, whose escapes are all whole; `NotPlain` for a name that Unicode does not have."""
    if "\\" not in text:
        return text
    if "\\/" not in text:  # otherwise the escapes that JSON knows mean the same, and JSON's scanner is fast
        shown = text if '\\"' in text else text.replace('"', '\\"')
        try:
            value, end = scanstring(shown + '"', 0, False)
        except ValueError:
            end = 0
        if end > len(shown):
            return str(value)
    return _escape.sub(_unescaped, text)


def _unescaped(found: re.Match[str]) -> str:
    text = found.group()
    kind = text[1]
    if kind in _LETTERS:
        return _LETTERS[kind]
    if kind in "xuU":
        return chr(int(text[2:], 16))
    if kind in "01234567":
        return chr(int(text[1:], 8))
    if kind == "N":
        try:
            return unicodedata.lookup(text[3:-1])
        except (KeyError, ValueError):
            raise NotPlain(f"Unicode has no character `{text[3:-1]}`") from None
    return text


def may_be_escape(text: str, at: int) -> bool:
    """Whether the backslash at ``at`` may begin an escape that more text would make whole."""
    return _PART.match(text, at) is not None


def join_surrogates(text: str) -> str:
    """Two halves of a surrogate pair as the one character that they are."""
    if text.isascii() or _SURROGATE.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def is_bare(text: str) -> bool:
    """Whether a string may stand between single quotes just as it is, and says itself."""
    if "'" in text or _SURROGATE.search(text):
        return False
    if "\\" not in text:
        return True
    try:
        return RUN["'"].fullmatch(text) is not None and unescape(text) == text
    except NotPlain:
        return False


def write_double(value: Any) -> str:
    """A Python literal whose strings stand in double quotes, escaped as in JSON."""
    if isinstance(value, str):
        return dumps(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{dumps(key)}: {write_double(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(write_double, value)) + "]"
    return repr(value)
