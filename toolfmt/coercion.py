"""What four servers make of an argument that stands in a call as bare text (the Qwen XML family).

    SERVER_LAWS["vllm"](text, schema, root, declared) -> a JSON value, or CallLost

* ``vllm``           vLLM 0.33.0          vllm/tool_parsers/utils.py, vllm/parser/engine/parser_engine.py
* ``sglang``         SGLang 0.5.23        sglang/srt/function_call/qwen3_coder_detector.py and utils.py
* ``mlx``            mlx-lm 0.32.2        mlx_lm/tool_parsers/qwen3_coder.py
* ``transformers``   transformers 5.23.0  transformers/utils/chat_parsing/response_parser.py, with TRL >= 1.16

``text`` has lost the format's framing newline on each side and nothing else.  ``schema`` is the parameter's
JSON Schema as written; ``declared`` is False where the tool or the parameter is unknown.  ``root`` is the
tool's whole parameters schema: no law reads it, because none of the four servers resolves ``$ref``.

The laws keep the servers' faults.  They differ only where toolfmt's values cannot follow: `CallLost` instead
of inf, nan and more than 256 levels; text instead of a Python value that is not JSON (`_python_literal`).
That a parameter given twice becomes a list in transformers is the reader's to do: a law sees one value.

Bounds on hostile text: a Python literal at most 100,000 characters and 256 levels; JSON and integers as
Python bounds them (its recursion limit, 4,300 digits).

A reader is a function from text to a value; it raises ValueError or KeyError on text that is not its own.
"""

import ast
import json
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from itertools import accumulate
from types import NoneType
from typing import Any

from toolfmt.ir import MAX_DEPTH, check_json

__all__ = ["SERVER_LAWS", "CallLost", "Law", "vllm_value"]

Law = Callable[[str, Any, dict[str, Any], bool], Any]
_Reader = Callable[[str], Any]

MAX_LITERAL = 100_000  # characters of text that are tried as a Python literal


class CallLost(ValueError):  # noqa: N818 - what happened, not an error of toolfmt
    """The server drops the whole call, or makes a value of it that toolfmt cannot carry; the message says which."""


# --- what the laws share ------------------------------------------------------------------------------------


def _finite_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"JSON has no `{number}`")
    return number


def _boolean(text: str) -> bool:
    return {"true": True, "1": True, "false": False, "0": False}[text.lower().strip()]


_KIND = {
    NoneType: "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def _enum_types(schema: dict[str, Any]) -> set[str]:
    values = schema.get("enum")
    return {_KIND[type(value)] for value in values} if isinstance(values, list) else set()


def _type_names(schema: dict[str, Any]) -> list[str]:
    declared = schema.get("type")
    return [name for name in (declared if isinstance(declared, list) else [declared]) if isinstance(name, str)]


def _choices(schema: dict[str, Any], *keywords: str) -> list[Any]:
    return [choice for keyword in keywords if isinstance(schema.get(keyword), list) for choice in schema[keyword]]


def _python_literal(text: str) -> Any:
    """`ast.literal_eval` where its value is JSON, else ValueError (TypeError: an unhashable key or set item).

    SGLang and mlx-lm keep values that are not JSON, and what leaves the server is: a tuple as an array, keys
    that are not strings as strings (``{1: 2}`` as ``{"1": 2}``), and no call at all for a set, bytes, a complex
    number or ``...``.  All of them count as failed here, so the argument stays text.
    """
    depths = accumulate(1 if c in "([{" else -1 for c in text[:MAX_LITERAL] if c in "()[]{}")
    if len(text) > MAX_LITERAL or max(depths, default=0) > MAX_DEPTH:
        raise ValueError("too large for a Python literal")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape is the model's, not the user's
            value = ast.literal_eval(text)
    except (SyntaxError, MemoryError, RecursionError) as error:
        raise ValueError("not a Python literal") from error
    if not _has_json_types(value):
        raise ValueError("a Python literal that JSON cannot say")
    return value


def _has_json_types(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _has_json_types(child) for key, child in value.items())
    return all(map(_has_json_types, value)) if isinstance(value, list) else type(value) in _KIND


# --- vLLM: every type the schema names, in vLLM's own order; then any finite JSON; then the text --------------

_VLLM_ALIASES = {
    **dict.fromkeys(["str", "text", "varchar", "char", "enum"], "string"),
    **dict.fromkeys(["int", "int32", "int64", "uint", "uint32", "uint64", "long", "short", "unsigned"], "integer"),
    **dict.fromkeys(["float", "float32", "float64", "double"], "number"),
    "bool": "boolean",
    "dict": "object",
    **dict.fromkeys(["arr", "list", "sequence"], "array"),
}


def vllm_value(value: Any, schema: Any) -> Any:
    """What vLLM's shared engine makes of one value; a string is coerced as text, whatever wire it came from.

    On a wire with typed values the engine meets containers, and walks them by ``properties`` and ``items``;
    any other scalar is coerced again from its JSON text (so under ``string`` 5 becomes ``"5"``).  A container
    that it has itself read from text is not walked: there ``{"n": "5"}`` keeps its string.
    """
    if not isinstance(schema, dict):
        return value
    if isinstance(value, dict):
        inner = schema.get("properties")
        inner = inner if isinstance(inner, dict) else {}
        return {key: vllm_value(child, inner.get(key)) for key, child in value.items()}
    if isinstance(value, list):
        return [vllm_value(child, schema.get("items")) for child in value]
    return _vllm_text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), schema)


def _vllm_text(text: str, schema: dict[str, Any]) -> Any:
    names = (name.strip().lower() for name in _vllm_types(schema))
    types = {_VLLM_ALIASES.get(name, name) for name in names}
    for name, read in _VLLM_ORDER:
        if name in types or name == "any":
            with suppress(ValueError, KeyError):
                return read(text)
    return text


def _vllm_types(schema: Any) -> set[str]:
    """``type``, the types of ``enum``, and those of every choice; a schema, or a choice, that says none is a string."""
    if not isinstance(schema, dict):
        return {"string"}
    types = {*_type_names(schema), *_enum_types(schema)}
    for choice in _choices(schema, "anyOf", "oneOf", "allOf"):
        types |= _vllm_types(choice)
    return types or {"string"}


def _vllm_number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        number = _finite_float(text)
    return int(number) if number.is_integer() else number


def _finite_json(text: str) -> Any:
    value = json.loads(text)
    json.dumps(value, allow_nan=False)  # vLLM's own test
    return value


_VLLM_ORDER: tuple[tuple[str, _Reader], ...] = (
    ("null", lambda text: {"null": None}[text.lower()]),
    ("integer", int),
    ("number", _vllm_number),
    ("boolean", _boolean),
    ("object", _finite_json),  # the kind is not checked: `[1]` and `5` pass as objects
    ("array", _finite_json),
    ("string", str),
    ("any", _finite_json),  # the fallback, whatever the types
)


# --- SGLang and mlx-lm, both descendants of Qwen's own parser: null first, then one type -----------------------

_FAMILIES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (  # (family, names, how names begin)
    ("string", ("string", "str", "text", "varchar", "char", "enum"), ()),
    ("integer", (), ("int", "uint", "long", "short", "unsigned")),
    ("number", (), ("num", "float")),
    ("boolean", ("boolean", "bool", "binary"), ()),
    ("container", ("object", "array", "arr"), ("dict", "list")),
)


def _family(type_name: Any) -> str:
    name = str(type_name).strip().lower()
    return next((kind for kind, names, starts in _FAMILIES if name in names or name.startswith(starts)), "other")


def _sglang(text: str, schema: Any) -> Any:
    """What does not fit its type stays text; under boolean it is false."""
    if text.lower() == "null":
        return None
    inferred = _sglang_type(schema)
    with suppress(ValueError, TypeError):
        return _SGLANG_READERS["string" if inferred is None else _family(inferred)](text)
    return text


def _sglang_type(schema: Any) -> Any:
    """The one type SGLang sees in a schema; None where nothing says it (a string)."""
    if not isinstance(schema, dict):
        return None
    if isinstance(declared := schema.get("type"), str):
        return declared
    if isinstance(declared, list) and declared:
        return next((name for name in declared if name != "null"), "string")
    choices = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(choices, list) and (found := [name for choice in choices if (name := _sglang_type(choice))]):
        return _one_of(found)
    if isinstance(schema.get("enum"), list):
        types = _enum_types(schema)
        return types.pop() if len(types) == 1 else "string"
    if isinstance(schema.get("allOf"), list):
        found = [name for choice in schema["allOf"] if (name := _sglang_type(choice))]
        return next((name for name in found if name != "string"), "string")
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema else None


def _one_of(found: list[Any]) -> Any:
    """X where all are X, or X and null; string where one is; else the first."""
    others = [name for name in found if name != "null"]
    if others and all(name == others[0] for name in others):
        return others[0]
    return "string" if "string" in found else found[0]


def _sglang_number(text: str) -> int | float:
    number = float(text)
    whole = "." not in text and "e" not in text.lower() and number.is_integer()
    return int(number) if whole else number


def _sglang_container(text: str) -> Any:
    with suppress(ValueError):
        return json.loads(text)
    return _python_literal(text)


def _mlx(text: str, schema: Any) -> Any:
    """What does not fit its type raises, and an exception loses the call."""
    if text.lower() == "null":
        return None
    if not schema:
        return text
    try:
        if "type" not in schema:  # the schema `true` raises TypeError here, in mlx-lm too
            return _mlx_untyped(text)
        return _MLX_READERS[_family(schema["type"])](text)  # a list of types is its Python text: family "other"
    except (ValueError, OverflowError, TypeError) as error:
        raise CallLost(f"mlx-lm raises {type(error).__name__} on `{_shown(text)}` and loses the call") from error


def _mlx_untyped(text: str) -> Any:
    with suppress(json.JSONDecodeError):
        return value if isinstance(value := json.loads(text), dict | list) else text
    return text


def _mlx_number(text: str) -> int | float:
    number = float(text)
    return int(number) if number == int(number) else number


def _mlx_integer(text: str) -> int | float:
    if isinstance(number := _mlx_number(text), float):
        raise ValueError("not a whole number")
    return number


def _mlx_container(text: str) -> Any:
    with suppress(json.JSONDecodeError):  # not for an integer over 4,300 digits: that loses the call
        return json.loads(text, strict=False)  # control characters may stand bare in strings
    return _literal_or_text(text)


def _literal_or_text(text: str) -> Any:
    with suppress(ValueError):
        return _python_literal(text)
    return text


_SGLANG_READERS: Mapping[str, _Reader] = {
    "string": str,
    "integer": int,
    "number": _sglang_number,
    "boolean": lambda text: text.lower() == "true",
    "container": _sglang_container,
    "other": _python_literal,
}
_MLX_READERS: Mapping[str, _Reader] = {
    **_SGLANG_READERS,
    "integer": _mlx_integer,
    "number": _mlx_number,
    "container": _mlx_container,
    "other": _literal_or_text,
}


# --- transformers: the declared types in their order, the first that fits; `string` does not stop the search ----


def _transformers(text: str, schema: Any) -> Any:
    raw = text.strip()  # TRL's response template for Qwen
    for name in _declared_order(schema):
        with suppress(ValueError, KeyError):  # KeyError also for `string`, and for names that are no JSON type
            return _TRANSFORMERS_READERS[name](raw)
    return raw


def _declared_order(schema: Any) -> Iterator[str]:
    """``type``, then each choice of anyOf and oneOf, then null where ``nullable``: no enum, no allOf, no aliases."""
    if isinstance(schema, dict):
        yield from _type_names(schema)
        for choice in _choices(schema, "anyOf", "oneOf"):
            yield from _declared_order(choice)
        if schema.get("nullable"):
            yield "null"


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        number = _finite_float(text)
    if not number.is_integer():
        raise ValueError("not a whole number")
    return int(number)


def _transformers_number(text: str) -> int | float:
    number = _finite_float(text)
    return int(number) if number.is_integer() and "." not in text else number


def _json_of(kind: type, text: str) -> Any:
    if not isinstance(value := json.loads(text), kind):
        raise ValueError("JSON of another kind")
    return value


_TRANSFORMERS_READERS: Mapping[str, _Reader] = {
    "integer": _whole_number,
    "number": _transformers_number,
    "boolean": _boolean,
    "null": {"null": None, "None": None}.__getitem__,
    "object": partial(_json_of, dict),
    "array": partial(_json_of, list),
}


# --- the table: what `coercion=` names beside "schema" ------------------------------------------------------


def _apply(
    server: str, read: Callable[[str, Any], Any], text: str, schema: Any, root: dict[str, Any], declared: bool
) -> Any:
    """One law: what ``read`` gives, as long as it is a value that JSON can say and toolfmt can carry."""
    try:
        value = read(text, schema if declared else None)
    except RecursionError:
        raise CallLost(f"`{_shown(text)}` is nested deeper than the {MAX_DEPTH} levels toolfmt carries") from None
    try:
        check_json({"value": value})
    except ValueError as error:
        made = f"{value}, which JSON cannot say" if isinstance(value, float) else f"no value toolfmt carries: {error}"
        raise CallLost(f"{server} reads `{_shown(text)}` as {made}") from None
    return value


def _shown(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


SERVER_LAWS: Mapping[str, Law] = {
    "vllm": partial(_apply, "vLLM", vllm_value),
    "sglang": partial(_apply, "SGLang", _sglang),
    "mlx": partial(_apply, "mlx-lm", _mlx),
    "transformers": partial(_apply, "transformers", _transformers),
}
