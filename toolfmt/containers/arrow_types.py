"""Arrow types of a conversion's result, declared before its first row, and the values that go into them.

Nothing is inferred from rows: a struct inferred from arguments of different shapes pads each with the keys of the others.  A place of which a
layout says ``json`` has Arrow's JSON type (JSON text in storage, exact in every digit and in the order of keys), or is JSON text where the
library at hand does not know that type.  What a type has no place for is refused; Arrow itself would drop unknown keys without a word.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from toolfmt.errors import LayoutError, MissingExtraError, UnrepresentableError
from toolfmt.layouts.base import STRUCTURAL
from toolfmt.values import JSONTextError, dumps, loads

__all__ = [
    "Spec",
    "Write",
    "declared",
    "holds_structs",
    "is_json",
    "is_list",
    "is_padded",
    "is_text",
    "json_type",
    "list_like",
    "merged",
    "pyarrow",
    "reader",
    "said",
    "storage",
    "write_json",
    "writer",
]

Spec = Any
"""What a layout's ``arrow`` says of a place: ``text``, ``json``, a mapping (a struct), or a list of one of these."""
Read = Callable[[Any, str], Any]
Write = Callable[[Any, str], Any]
"""The value as it is stored.  Takes its JSON path, for `UnrepresentableError`."""

_CALLS = STRUCTURAL - {"reasoning_content", "reasoning", "thinking"}
"""Fields of a message that a text layout has no use for, also where they are declared and empty."""


def pyarrow() -> Any:
    """The module; MissingExtraError where it is not installed."""
    try:
        import pyarrow
    except ImportError as error:
        raise MissingExtraError('Arrow data needs pyarrow: pip install "toolfmt[files]"') from error
    return pyarrow


def json_type() -> Any:
    """Arrow's JSON type, which pyarrow has from version 19; before that, JSON text."""
    pa = pyarrow()
    return pa.json_() if int(pa.__version__.partition(".")[0]) >= 19 else pa.string()


def is_json(kind: Any) -> bool:
    return isinstance(kind, pyarrow().BaseExtensionType) and kind.extension_name == "arrow.json"


def is_text(kind: Any) -> bool:
    types = pyarrow().types
    return bool(
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_string_view(kind)
        or (types.is_dictionary(kind) and is_text(kind.value_type))
    )


def is_list(kind: Any) -> bool:
    types = pyarrow().types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_list_view(kind) or types.is_large_list_view(kind))


def fields_of(kind: Any) -> dict[str, Any]:
    """The fields of a struct, by name."""
    return {field.name: field.type for field in kind}


def holds_structs(kind: Any) -> bool:
    """Whether a column is of structs, or of lists of them: those have nulls in the place of absent keys."""
    while is_list(kind):
        kind = kind.value_type
    return bool(pyarrow().types.is_struct(kind))


def list_like(kind: Any, inner: Any) -> Any:
    """A list type of the same width with another inside."""
    pa = pyarrow()
    return pa.large_list(inner) if pa.types.is_large_list(kind) else pa.list_(inner)


def is_padded(kind: Any, specs: Sequence[Spec]) -> bool:
    """Whether free-form values stand in structs, whose nulls may be Arrow's padding; what one layout declares a struct is not free."""
    types = pyarrow().types
    if is_list(kind):
        return is_padded(kind.value_type, [spec[0] if isinstance(spec, list) else spec for spec in specs])
    if not types.is_struct(kind):
        return False
    structs = [spec for spec in specs if isinstance(spec, Mapping)]
    if not structs:
        return any(spec in ("text", "json") for spec in specs)
    return any(is_padded(held, [spec[name] for spec in structs if name in spec]) for name, held in fields_of(kind).items())


# The types of the result


def declared(spec: Spec, json: Any) -> Any:
    """The type of a place that the input does not have."""
    pa = pyarrow()
    if isinstance(spec, list):
        return pa.list_(declared(spec[0], json))
    if isinstance(spec, Mapping):
        return pa.struct([(name, declared(inner, json)) for name, inner in spec.items()])
    return json if spec == "json" else pa.string()


def merged(held: Any, spec: Spec, was: Spec, json: Any) -> Any:
    """The type of a place that holds ``held`` in the input, where its layout declares ``was``, and shall hold what ``spec`` says.

    What can stay does; fields that no layout knows keep their types.
    """
    pa = pyarrow()
    if is_text(held):
        return held if spec in ("text", was) else declared(spec, json)
    if spec == "text":
        return held if was == "text" and not pa.types.is_null(held) else pa.string()
    if is_json(held):
        return held
    if is_list(held) and isinstance(spec, list):
        return list_like(held, merged(held.value_type, spec[0], was[0] if isinstance(was, list) else None, json))
    if pa.types.is_struct(held) and isinstance(spec, Mapping):
        return pa.struct(_merged_fields(fields_of(held), spec, was if isinstance(was, Mapping) else {}, json))
    return declared(spec, json)


def _merged_fields(held: Mapping[str, Any], spec: Mapping[str, Spec], was: Mapping[str, Spec], json: Any) -> dict[str, Any]:
    names = _renamed(was, spec)
    made: dict[str, Any] = {}
    for old, kind in held.items():
        new = names.get(old, old)
        if new in spec:
            made[new] = merged(kind, spec[new], was.get(old), json)
        elif not (new in _CALLS or (new in STRUCTURAL and names)):
            made[new] = kind
    return made | {name: declared(inner, json) for name, inner in spec.items() if name not in made}


def _renamed(was: Mapping[str, Spec], spec: Mapping[str, Spec]) -> dict[str, str]:
    """Role and text stand first in every declared message."""
    pairs = zip(list(was)[:2], list(spec)[:2], strict=False)
    return {old: new for old, new in pairs if old != new and old not in spec}


# Values


class Said(str):
    """A value that JSON has no word for, as text; ``value`` is the value."""

    __slots__ = ("value",)
    value: Any


def said(text: str, value: Any) -> Said:
    made = Said(text)
    made.value = value
    return made


def storage(kind: Any) -> Any:
    """The same type with JSON as text: pyarrow builds no nested arrays of extension types, and casts to them."""
    pa = pyarrow()
    if is_json(kind):
        return kind.storage_type
    if is_list(kind):
        inner = storage(kind.value_type)
        return kind if inner == kind.value_type else list_like(kind, inner)
    if pa.types.is_struct(kind):
        return pa.struct([(name, storage(inner)) for name, inner in fields_of(kind).items()])
    return kind


def reader(kind: Any) -> Read | None:
    """What makes a value of a stored one: JSON is decoded, exactly; None where nothing is to be done."""
    if is_json(kind):
        return _read_json
    if is_list(kind):
        item = reader(kind.value_type)
        return None if item is None else _list_of(item)
    if pyarrow().types.is_struct(kind):
        inner = {name: read for name, held in fields_of(kind).items() if (read := reader(held)) is not None}
        return _struct_reader(inner) if inner else None
    return None


def _read_json(value: Any, path: str) -> Any:
    try:
        return None if value is None else loads(value)
    except JSONTextError as error:
        raise LayoutError(path, f"the column is of type JSON: {error}") from None


def _list_of(item: Read) -> Read:
    def read(value: Any, path: str) -> Any:
        return None if value is None else [item(held, f"{path}[{i}]") for i, held in enumerate(value)]

    return read


def _struct_reader(fields: Mapping[str, Read]) -> Read:
    def read(value: Any, path: str) -> Any:
        if value is None:
            return None
        return {key: fields[key](held, f"{path}.{key}") if key in fields else held for key, held in value.items()}

    return read


def write_json(value: Any, path: str) -> Any:
    """JSON text, in which a lone surrogate is an escape."""
    return None if value is None else dumps(value)


def writer(kind: Any, spec: Spec, json: Write = write_json) -> Write:
    """What stores a value of the result in this type, which is `merged` of ``spec``; what does not fit raises UnrepresentableError.

    ``json`` writes places of the JSON type.
    """
    if is_json(kind):
        return json
    if is_text(kind):
        return _write_json_text if spec == "json" else _write_text
    if is_list(kind):
        return _list_writer(writer(kind.value_type, spec[0] if isinstance(spec, list) else None, json))
    if pyarrow().types.is_struct(kind):
        inner = spec if isinstance(spec, Mapping) else {}
        return _struct_writer({name: writer(held, inner.get(name), json) for name, held in fields_of(kind).items()})
    return _other_writer(kind)


def _write_text(value: Any, path: str) -> Any:
    if value is None:
        return None
    if not isinstance(value, str):
        raise UnrepresentableError(path, f"the column holds text here, got `{_shown(value)}`")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise UnrepresentableError(path, f"Arrow text is UTF-8, which has no lone surrogate: `{value[error.start]!a}`") from None
    return value


def _write_json_text(value: Any, path: str) -> Any:
    """A column of text that the layout says is JSON: text came in as text, everything else is written as JSON."""
    return _write_text(value if value is None or isinstance(value, str) else dumps(value), path)


def _list_writer(item: Write) -> Write:
    def write(value: Any, path: str) -> Any:
        if value is None:
            return None
        if not isinstance(value, list):
            raise UnrepresentableError(path, f"the column holds a list here, got `{_shown(value)}`")
        return [item(held, f"{path}[{i}]") for i, held in enumerate(value)]

    return write


def _struct_writer(fields: Mapping[str, Write]) -> Write:
    def write(value: Any, path: str) -> Any:
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise UnrepresentableError(path, f"the column holds an object here, got `{_shown(value)}`")
        made = {}
        for key, held in value.items():
            if key in fields:
                made[key] = fields[key](held, f"{path}.{key}")
            elif held not in (None, [], ""):
                raise UnrepresentableError(f"{path}.{key}", f"the column has the fields {', '.join(fields)}, and no place for `{_shown(held)}`")
        return made

    return write


def _other_writer(kind: Any) -> Write:
    """Numbers, dates and the like, which came from a column of the same type: what Arrow makes of them must be what they were."""
    pa = pyarrow()

    def write(value: Any, path: str) -> Any:
        value = value.value if isinstance(value, Said) else value
        try:
            if value is not None and pa.scalar(value, kind).as_py() != value and value == value:
                raise pa.ArrowInvalid("it would change")
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
            raise UnrepresentableError(path, f"the column is of type {kind}, got `{_shown(value)}`: {error}") from None
        return value

    return write


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
