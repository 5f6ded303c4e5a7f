"""JSON values and their spellings in text: exact decoding, one canonical spelling, literal styles, the `schema` coercion law.

Hostile input: nesting is bounded by `MAX_DEPTH`, integers by Python's 4,300 digits, and every function is linear in its text.

Decoding takes msgspec where it can (exact, and four times as fast as ``json`` on payloads of 500 characters) and ``json`` for what msgspec
refuses and JSON allows: lone surrogates written as escapes.  Neither tells of a key given twice, so the quotes of the text are counted.
"""

import ast
import contextlib
import json
import math
import re
import warnings
from collections.abc import Iterable, Mapping
from json.encoder import c_make_encoder, encode_basestring  # type: ignore[attr-defined]
from types import MappingProxyType
from typing import Any, Final, NoReturn

import msgspec

from toolfmt.ir import MAX_DEPTH

__all__ = [
    "JSON_LITERALS",
    "PYTHON_LITERALS",
    "STRING",
    "JSONTextError",
    "dumps",
    "escape",
    "is_plain",
    "json_type",
    "literal",
    "loads",
    "loads_at",
    "loads_python",
    "spell",
]


class JSONTextError(ValueError):
    """Text that is not one JSON value which toolfmt can carry exactly; the message says why."""


_decode = msgspec.json.Decoder().decode
_encode_fast, _format = msgspec.json.Encoder().encode, msgspec.json.format
_encode = c_make_encoder(None, json.JSONEncoder().default, encode_basestring, None, ": ", ", ", False, False, False)
"""What `json.JSONEncoder` makes anew for every value, which takes as long as writing a small one."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def loads(text: str, depth: int = MAX_DEPTH) -> Any:
    """The value of a JSON text, exactly; JSONTextError for anything else, a repeated key, an overflowing number, nesting over ``depth``."""
    try:
        value = _decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return _loads_carefully(text, depth)
    if type(value) not in _NESTING or not is_plain(text, value, (value,)):
        _check_strings(text, value, depth)
    return value


def is_plain(text: str, value: Any, containers: Iterable[Any]) -> bool:
    """Whether ``value``, which msgspec decoded from ``text``, is certain to have lost no repeated key and to be nested not too deep.

    Written again it has as many quotes as its text, unless a key was lost or a quote was spelled ``\\u0022``.  ``containers`` are the
    decoded objects and arrays that may be deep.
    """
    if text.count('"') != _encode_fast(value).count(b'"') or ("\\" in text and "\\u0022" in text):
        return False
    return len(text) <= 2 * MAX_DEPTH or text.count("{") + text.count("[") <= MAX_DEPTH or all(map(_is_shallow, containers))


def _is_shallow(value: Any) -> bool:
    """Whether a container is nested no deeper than toolfmt reads."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            item for held in level for item in (held.values() if type(held) is dict else held) if type(item) in _NESTING
        ]
        if not level:
            return True
    return False


_NESTING: Final = (dict, list)


def _check_strings(text: str, value: Any, depth: int) -> None:
    """The same by counting strings one by one: each has two quotes that are not escaped, more in ``text`` are those of a lost key."""
    quotes, strings = text.count('"'), _count_strings(value, depth)
    if "\\" in text:
        quotes -= text.replace("\\\\", "").count('\\"')
    if quotes != 2 * strings:
        raise JSONTextError("an object gives a key twice")


def _count_strings(value: Any, limit: int) -> int:
    """How many strings, keys included, a decoded value holds; JSONTextError when it is nested too deep."""
    kind = type(value)
    if kind is not dict and kind is not list:
        return int(kind is str)
    strings = depth = 0
    level = [value]
    while level:
        depth += 1
        if depth > limit:
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


def json_type(value: object) -> str:
    """What JSON calls a decoded value, for messages."""
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


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


def loads_at(text: str, at: int) -> tuple[Any, int]:
    """The JSON value that begins at ``at``, and where it ends; JSONTextError where none does.  What may follow it is not looked at."""
    try:
        return _careful.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise JSONTextError(f"not JSON: {error.msg.lower()} at character {error.pos}") from None
    except RecursionError:
        raise JSONTextError(f"nested more than {MAX_DEPTH} deep") from None


def _loads_carefully(text: str, depth: int) -> Any:
    try:
        value = _careful.decode(text)
    except json.JSONDecodeError as error:
        raise JSONTextError(f"not JSON: {error.msg.lower()} at character {error.pos}") from None
    except RecursionError:
        raise JSONTextError(f"nested more than {MAX_DEPTH} deep") from None
    _count_strings(value, depth)
    return value


def loads_python(text: str, depth: int = MAX_DEPTH) -> Any:
    """The value of a Python literal (older data writes ``{'name': 'f'}``), if it is JSON's; parsed, never evaluated."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns of ``'\\d'``, which it reads
            tree = ast.parse(text.strip(), mode="eval")
        return _literal_of(tree.body, depth)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        reason = str(error) if isinstance(error, JSONTextError) else "it does not parse"
        raise JSONTextError(f"neither JSON nor a Python literal: {reason}") from None


def _literal_of(node: ast.expr, depth: int) -> Any:
    if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, str | int | float)):
        if isinstance(node.value, float) and not math.isfinite(node.value):
            raise JSONTextError("a number is out of range")
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        value = node.operand.value
        if type(value) in (int, float):
            return -_literal_of(node.operand, depth)
    if depth == 0:
        raise JSONTextError(f"nested more than {MAX_DEPTH} deep")
    if isinstance(node, ast.List):
        return [_literal_of(item, depth - 1) for item in node.elts]
    if isinstance(node, ast.Dict):
        return _unique(
            [(_key_of(key), _literal_of(item, depth - 1)) for key, item in zip(node.keys, node.values, strict=True)]
        )
    raise JSONTextError(f"a {type(node).__name__} is no JSON value")


def _key_of(node: ast.expr | None) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise JSONTextError("an object key must be a string")


_FLAT: Final = frozenset({str, int, bool, type(None)})


def dumps_call(call: dict[str, Any], arguments: dict[str, Any]) -> str:
    """`dumps` of a call, quicker where its arguments are flat; ``call`` holds nothing but strings beside them."""
    if _FLAT.issuperset(map(type, arguments.values())):
        try:
            return _format(_encode_fast(call), indent=0).decode()
        except UnicodeEncodeError:  # a lone surrogate
            pass
    return dumps(call)


def dumps(value: Any) -> str:
    """The canonical JSON spelling: one line, ``", "`` and ``": "``, key order and non-ASCII kept (the templates' `tojson`)."""
    text = "".join(_encode(value, 0))
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


STRING: Final = frozenset({"string"})
"""The types of what is a string and nothing else."""


def literal(text: str, types: frozenset[str], values: tuple[Any, ...] | None = None) -> Any:
    """The `schema` law: what an untyped text says under a schema that allows ``types`` (and only ``values``, where given).

    A non-string comes first when the text spells one that is allowed, else the text is the string it is.  Where strings are
    allowed too, a number must have its canonical spelling (``02134`` and ``1e3`` stay strings) and a container must be JSON;
    where they are not, any JSON spelling counts, and of a container Python's too (``{'a': 1}``).  ``True``, ``False`` and ``None``
    count as ``true``, ``false`` and ``null``.
    """
    if values is None:
        if text.isdecimal() and text.isascii() and len(text) < 16 and text[0] != "0" and "integer" in types:
            return int(text)  # the most common case, for speed
        if text in _WORDS:
            value = _WORDS[text]
            return value if ("null" if value is None else "boolean") in types else text
    else:
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
        for decode in (loads,) if "string" in types else (loads, loads_python):
            with contextlib.suppress(JSONTextError):
                return decode(text)
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
