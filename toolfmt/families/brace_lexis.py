"""The lexis of the braces family: its scalars, its bounds, and how a number is written."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

__all__ = [
    "NAME",
    "PARTIAL_SCALAR",
    "PLAIN_DEPTH",
    "QUOTED",
    "SCALARS",
    "SPACE",
    "TOKEN",
    "TOO_LONG",
    "WORDS",
    "NotPlain",
    "decode_array",
    "scalar",
    "scalar_pattern",
    "unquote",
    "write_number",
]

SPACE = re.compile(r"\s*")
SCALARS = re.compile(r"[-+0-9.eE, \ntruefalsn]*\]")
decode_array = msgspec.json.Decoder(list[Any]).decode
PARTIAL_SCALAR = re.compile(r"<?[-+.0-9A-Za-z]*>?")
TOKEN = 8192  # characters of a name or a number, at most
TOO_LONG = f"a name or a number has more than {TOKEN} characters"
NAME = 1024  # characters of a tool name, at most
WORDS = {"true": True, "false": False, "null": None, "<nil>": None}  # the last as Ollama (fb30760) writes it
PLAIN_DEPTH = 16
QUOTED = {quote: re.compile(rf"(?s:\\.)|{quote}") for quote in "\"'"}


class NotPlain(Exception):  # noqa: N818 - control flow: the incremental reader says what is the matter
    pass


def scalar_pattern(words: Iterable[str]) -> str:
    """A number or one of the words, in four groups; what may follow it stands behind."""
    spelled = "|".join(map(re.escape, words))
    return rf"(?:(-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?)|({spelled}))(?=[\s,}}\]])"


def scalar(found: re.Match[str], first: int, words: Mapping[str, Any]) -> Any:
    """The value of a scalar whose groups begin at ``first``."""
    if found[first + 3]:
        return words[found[first + 3]]
    text = found[first]
    if not (found[first + 1] or found[first + 2]):
        if len(text) > 4300:
            raise NotPlain
        return int(text)
    value = float(text)
    if math.isinf(value):
        raise NotPlain
    return value


def unquote(text: str) -> str:
    """The string that stands in quotes, escaped as in JSON; a line break may stand unescaped.  `ValueError` where it is none."""
    if text[0] == "'":
        body = re.sub(r"(?s)\\'|\\.|\"", lambda found: {"\\'": "'", '"': '\\"'}.get(found[0], found[0]), text[1:-1])
        text = f'"{body}"'
    return str(json.loads(text, strict=False))


def write_number(value: float) -> str:
    """A float with a fraction or an exponent, never both: Google's lexer reads ``-0.0025`` and ``15e-8``, not ``1.5e-7``."""
    text = json.dumps(value)
    if "e" not in text or "." not in text:
        return text
    sign, digits, exponent = Decimal(text).as_tuple()
    return f"{'-' if sign else ''}{''.join(map(str, digits))}e{exponent}"
