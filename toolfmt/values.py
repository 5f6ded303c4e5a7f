"""JSON values and their spellings in text: exact decoding, one canonical spelling, literal styles, the `schema` coercion law.

Hostile input: nesting is bounded by `MAX_DEPTH`, integers by Python's 4,300 digits, and every function is linear in its text.

Decoding takes msgspec where it can (exact, and four times as fast as ``json`` on payloads of 500 characters) and ``json`` for what msgspec
refuses and JSON allows: lone surrogates written as escapes.  Neither tells of a key given twice, so the quotes of the text are counted:
each key and each string has two.
"""

import ast
import json
import math
import re
from collections.abc import Mapping
from json.encoder import encode_basestring
from types import MappingProxyType
from typing import Any, Final, NoReturn

import msgspec

from toolfmt.ir import MAX_DEPTH, check_json

__all__ = [
    "JSON_LITERALS",
    "PYTHON_LITERALS",
    "JSONTextError",
    "check_unique",
    "count_strings",
    "dumps",
    "escape",
    "literal",
    "loads",
    "loads_python",
    "spell",
]


class JSONTextError(ValueError):
    """Text that is not one JSON value which toolfmt can carry exactly; the message says why."""


_decode = msgspec.json.Decoder().decode
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_SURROGATE = re.compile("[\ud800-\udfff]")


def loads(text: str) -> Any:
    """The value of a JSON text, exactly; JSONTextError for anything else, a repeated key and an overflowing number included."""
    try:
        value = _decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return _loads_carefully(text)
    check_unique(text, count_strings(value))
    return value


def check_unique(text: str, strings: int) -> None:
    """Raise JSONTextError unless ``text``, valid JSON, has just ``strings`` strings: fewer in the value means a key given twice."""
    quotes = text.count('"')
    if quotes == 2 * strings:
        return
    if "\\\\" in text:
        text = text.replace("\\\\", "")
    if quotes - text.count('\\"') != 2 * strings:
        raise JSONTextError("an object gives a key twice")


def count_strings(value: Any) -> int:
    """How many strings, keys included, a decoded value holds; JSONTextError when it is nested too deep."""
    kind = type(value)
    if kind is not dict and kind is not list:
        return 1 if kind is str else 0
    strings = depth = 0
    level = [value]
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise JSONTextError(f"nested more than {MAX_DEPTH} deep")
        containers, level = level, []
        for container in containers:
            if type(container) is dict:
                strings += len(container)
                container = container.values()
            for item in container:
                kind = type(item)
                if kind is str:
                    strings += 1
                elif kind is dict or kind is list:
                    level.append(item)
    return strings


def _refuse_constant(name: str) -> NoReturn:
    raise JSONTextError(f"JSON has no `{name}`")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise JSONTextError(f"the number `{text[:40]}` is out of range")
    return value


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise JSONTextError(f"an integer of {len(text)} digits is out of range") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise JSONTextError("an object gives a key twice")
    return made


_careful = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_integer
)


def _loads_carefully(text: str) -> Any:
    try:
        value = _careful.decode(text)
    except json.JSONDecodeError as error:
        raise JSONTextError(f"not JSON: {error.msg.lower()} at character {error.pos}") from None
    except RecursionError:
        raise JSONTextError(f"nested more than {MAX_DEPTH} deep") from None
    count_strings(value)
    return value


def loads_python(text: str) -> Any:
    """The value of a Python literal (older data writes ``{'name': 'f'}``), if it is JSON's; never evaluated, bounded in depth by the caller."""
    try:
        value = ast.literal_eval(text.strip())
        check_json(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError) as error:
        raise JSONTextError(f"neither JSON nor a Python literal: {str(error).splitlines()[0]}") from None
    return value


def dumps(value: Any) -> str:
    """The canonical JSON spelling: one line, ``", "`` and ``": "``, key order and non-ASCII kept (the templates' `tojson`)."""
    text = _encode(value)
    return text if text.isascii() else _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def escape(text: str) -> str:
    """The inside of a JSON string that says ``text``."""
    inside = encode_basestring(text)[1:-1]
    return inside if inside.isascii() else _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", inside)


JSON_LITERALS: Final[Mapping[Any, str]] = MappingProxyType({True: "true", False: "false", None: "null"})
PYTHON_LITERALS: Final[Mapping[Any, str]] = MappingProxyType({True: "True", False: "False", None: "None"})

_SCALAR = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORDS: Final[Mapping[str, Any]] = {
    "true": True, "false": False, "null": None, "True": True, "False": False, "None": None,
}  # fmt: skip


def spell(value: Any, literals: Mapping[Any, str] = JSON_LITERALS) -> str:
    """The text of a value where strings stand bare: top-level scalars by ``literals``, containers as JSON."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return literals[value]
    return dumps(value)


def literal(text: str, types: frozenset[str], values: tuple[Any, ...] | None = None) -> Any:
    """The `schema` law: what an untyped text says under a schema that allows ``types`` (and only ``values``, where given).

    A non-string comes first when the text spells one that is allowed, else the text is the string it is.  Where strings are
    allowed too, a number must have its canonical spelling (``02134`` and ``1e3`` stay strings) and a container must be JSON;
    where they are not, any JSON spelling counts.  ``True``, ``False`` and ``None`` count as ``true``, ``false`` and ``null``.
    """
    if values is not None:
        for value in values:
            if not isinstance(value, str) and text in (spell(value), spell(value, PYTHON_LITERALS)):
                return value
        if text in values:
            return text
    value = _typed(text if "string" in types else text.strip(), types)
    return text if value is _NOT_TYPED else value


_NOT_TYPED: Final = object()


def _typed(text: str, types: frozenset[str]) -> Any:
    head = text[:1]
    if not head:
        return _NOT_TYPED
    if head in "{[":
        if ("object" if head == "{" else "array") not in types:
            return _NOT_TYPED
        try:
            return loads(text)
        except JSONTextError:
            return _NOT_TYPED
    if text in _WORDS:
        value = _WORDS[text]
        return value if ("null" if value is None else "boolean") in types else _NOT_TYPED
    return _number(text, types)


def _number(text: str, types: frozenset[str]) -> Any:
    found = _SCALAR.fullmatch(text) if "integer" in types or "number" in types else None
    if found is None:
        return _NOT_TYPED
    try:
        value: int | float = _finite(text) if found[1] or found[2] else _integer(text)
    except JSONTextError:
        return _NOT_TYPED
    if "number" not in types and value != int(value):
        return _NOT_TYPED
    if "string" in types and dumps(value) != text:
        return _NOT_TYPED
    if text == "-0":
        return _NOT_TYPED if "string" in types else 0
    return value
