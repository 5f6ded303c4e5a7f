"""The lexis of the braces family: its scalars, its bounds, and how a number is written."""

import json
import math
import re
from decimal import Decimal
from typing import Any

import msgspec

__all__ = [
    "NAME",
    "PARTIAL_SCALAR",
    "PLAIN_DEPTH",
    "SCALAR",
    "SCALARS",
    "SPACE",
    "TOKEN",
    "TOO_LONG",
    "NotPlain",
    "decode_array",
    "scalar",
    "write_number",
]

SPACE = re.compile(r"\s*")
SCALAR = re.compile(r"(?:(-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?)|(true|false|null|<nil>))(?=[\s,}\]])")
SCALARS = re.compile(r"[-+0-9.eE, \ntruefalsn]*\]")
decode_array = msgspec.json.Decoder(list[Any]).decode
PARTIAL_SCALAR = re.compile(r"<?[-+.0-9A-Za-z]*>?")
TOKEN = 8192  # characters of a name or a number, at most
TOO_LONG = f"a name or a number has more than {TOKEN} characters"
NAME = 1024  # characters of a tool name, at most
WORDS = {"true": True, "false": False, "null": None, "<nil>": None}  # the last as Ollama (fb30760) writes it
PLAIN_DEPTH = 16


class NotPlain(Exception):  # noqa: N818 - control flow: the incremental reader says what is the matter
    pass


def scalar(found: re.Match[str], first: int) -> Any:
    """The value of a scalar whose groups begin at ``first``."""
    if found[first + 3]:
        return WORDS[found[first + 3]]
    text = found[first]
    if not (found[first + 1] or found[first + 2]):
        if len(text) > 4300:
            raise NotPlain
        return int(text)
    value = float(text)
    if math.isinf(value):
        raise NotPlain
    return value


def write_number(value: float) -> str:
    """A float with a fraction or an exponent, never both: Google's lexer reads ``-0.0025`` and ``15e-8``, not ``1.5e-7``."""
    text = json.dumps(value)
    if "e" not in text or "." not in text:
        return text
    sign, digits, exponent = Decimal(text).as_tuple()
    return f"{'-' if sign else ''}{''.join(map(str, digits))}e{exponent}"
