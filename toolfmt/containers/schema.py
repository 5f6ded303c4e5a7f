"""The columns of a result, known before its first row: from the schema that came in, what the layouts declare, and a sample of rows."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from toolfmt.containers.arrow_types import (
    Spec,
    holds_structs,
    is_json,
    is_list,
    is_padded,
    is_text,
    list_like,
    merged,
    pyarrow,
)
from toolfmt.containers.observed import Observed, observed
from toolfmt.conversion.rows import RowConverter
from toolfmt.errors import LayoutError
from toolfmt.layouts.base import Layout, get_layout, layouts

__all__ = ["Column", "check_names", "check_schema", "describe", "describe_rows", "in_order", "known_columns", "padded_columns", "stripper"]

_TOOLS = ("tools", "functions")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the result."""

    name: str
    kind: Any
    """Its Arrow type."""
    spec: Spec = None
    """What the layout says of it; None where none knows it."""


@cache
def known_columns() -> frozenset[str]:
    """The columns that some layout reads or writes; no other is looked into."""
    known = {name for layout in map(get_layout, layouts()) for name in (*layout.owns, *layout.arrow)}
    return frozenset(known | set(_TOOLS))


def check_schema(schema: Any) -> None:
    """LayoutError where no row of this schema can be a conversation; names the columns and their types."""
    found = check_names(schema.names)
    wrong = [name for name in found if not _may_hold(schema.field(name).type)]
    if len(wrong) == len(found):
        kind = schema.field(wrong[0]).type
        more = "; a struct of lists is what Sequence({...}) of datasets makes, use List({...})" if pyarrow().types.is_struct(kind) else ""
        raise LayoutError(f"column `{wrong[0]}`", f"expected text, or a list of messages (structs or JSON), got the type `{kind}`{more}")


def check_names(names: Iterable[Any]) -> list[str]:
    """Those of the columns in which a conversation may stand; LayoutError where there is none."""
    every = [get_layout(name) for name in layouts()]
    owned = {name for layout in every for name in layout.owns} - {"system"}
    found = [name for name in names if name in owned]
    if not found:
        shown = ", ".join(map(str, names))
        wanted = " or ".join(f"`{name}`" for name in dict.fromkeys(layout.owns[0] for layout in every))
        raise LayoutError("columns", f"expected a column {wanted}, got `{shown if len(shown) <= 200 else shown[:197] + '...'}`")
    twice = next((name for name in found if found.count(name) > 1), None)
    if twice is not None:
        raise LayoutError(f"column `{twice}`", "stands there twice; rename one of them")
    return found


def _may_hold(kind: Any) -> bool:
    """Whether a conversation can be of this type."""
    inner = kind
    while is_list(inner):
        inner = inner.value_type
    return is_json(inner) or is_text(inner) or (is_list(kind) and holds_structs(kind))


def padded_columns(schema: Any) -> bool:
    """Whether some free-form value stands in a struct, whose nulls may be padding."""
    return any(is_padded(item.type, _specs(item.name)) for item in schema)


def _specs(name: str) -> list[Spec]:
    """What the layouts that know a column say of it."""
    found = [_spec(name, [get_layout(layout)]) for layout in layouts()]
    return [spec for spec in found if spec is not None]


@cache
def stripper(name: str) -> Callable[[Any], Any] | None:
    """What takes the nulls of absent keys out of a column's messages and calls; None for a column that no layout has structs in.

    What is free-form keeps its nulls: which of those are padding only a tool's schema says.
    """
    return _stripper(_specs(name))


def _stripper(specs: list[Spec]) -> Callable[[Any], Any] | None:
    """Where a layout declares a struct, for values of any shape."""
    inner = [spec[0] for spec in specs if isinstance(spec, list)]
    if inner:
        item = _stripper([*inner, *(spec for spec in specs if isinstance(spec, Mapping))])
        return None if item is None else lambda value: [item(held) for held in value] if type(value) is list else item(value)
    structs = [spec for spec in specs if isinstance(spec, Mapping)]
    if not structs:
        return None
    names = {name for spec in structs for name in spec}
    fields = {name: inside for name in names if (inside := _stripper([spec[name] for spec in structs if name in spec])) is not None}

    def strip(value: Any) -> Any:
        if type(value) is not dict:
            return value
        return {key: fields[key](held) if key in fields else held for key, held in value.items() if held is not None}

    return strip


@dataclass(slots=True)
class _Seen:
    """What a sample of rows became."""

    changes: dict[Layout, Layout] = field(default_factory=dict)
    """The layouts that rows have, and what each becomes."""
    touched: dict[str, bool] = field(default_factory=dict)
    """The columns in which results have values, and whether some row has another there than it came with."""
    values: dict[str, Observed] = field(default_factory=dict)
    """What results have in a column."""

    @property
    def structured(self) -> bool:
        """Whether calls move into fields, and tools with them."""
        return any(source is not target and target.places.calls for source, target in self.changes.items())


def _look(rows: Iterable[Mapping[str, Any]], converter: RowConverter) -> _Seen:
    seen = _Seen()
    for row in rows:
        outcome = converter(row)
        if outcome.row is None or outcome.layout is None:
            continue
        source = get_layout(outcome.layout)
        seen.changes[source] = get_layout(converter.layout or (source.as_text if converter.to else source.name))
        for name, value in outcome.row.items():
            if value is not None:
                seen.touched[name] = seen.touched.get(name, False) or value is not row.get(name)
                seen.values.setdefault(name, Observed()).add(value, _spec(name, [seen.changes[source]]))
    return seen


def describe(schema: Any, rows: Iterable[Mapping[str, Any]], converter: RowConverter, json: Any) -> tuple[Column, ...]:
    """The columns of the result.  ``rows`` are some of its input, ``json`` is the type of free-form values."""
    seen = _look(rows, converter)
    held = {item.name: item.type for item in schema}
    return tuple(_column(name, held, seen, json) for name in _names(schema.names, seen, converter))


def _names(names: list[str], seen: _Seen, converter: RowConverter) -> list[str]:
    """As `toolfmt.layouts.base.converted` orders the keys of a row."""
    moved = [(source, target) for source, target in seen.changes.items() if source is not target]
    stays = {name for source, target in seen.changes.items() if source is target for name in source.owns}
    optional = {name for _, target in moved if converter.layout for name in target.arrow if name != target.owns[0]}
    left = {name for source, _ in moved for name in (*source.owns, *source.arrow, *_TOOLS)} - seen.touched.keys() - stays - optional
    new = [name for name in dict.fromkeys([*seen.touched, *sorted(optional)]) if name not in names]
    return in_order(names, left, new, {name for source, _ in moved for name in source.owns})


def _spec(name: str, among: Iterable[Layout]) -> Spec:
    """What the first layout that knows the column says of it; a second name for the conversation is of its first one's kind."""
    for layout in among:
        if name in layout.arrow:
            return layout.arrow[name]
        if name in layout.owns and isinstance(layout.arrow[layout.owns[0]], list):
            return layout.arrow[layout.owns[0]]
    return None


def _column(name: str, held: Mapping[str, Any], seen: _Seen, json: Any) -> Column:
    spec, was = _spec(name, seen.changes.values()), _spec(name, seen.changes)
    kind = held.get(name)
    if kind is None:
        kind, was = next(_before(name, held, seen), (None, None))
    found = seen.values.get(name, Observed())
    if kind is None:
        return Column(name, observed(found, spec, json), "json" if spec is None else spec)
    if spec is None or not (isinstance(spec, list) or seen.touched.get(name) or (pyarrow().types.is_null(kind) and seen.structured)):
        return Column(name, kind, spec)
    made = merged(kind, spec, was, json)
    return Column(name, made if made == kind else _with_others(made, observed(found, spec, json)), spec)


def _with_others(kind: Any, seen: Any) -> Any:
    """A list of messages with the further keys that a sample of them has."""
    pa = pyarrow()
    if not all(is_list(held) and pa.types.is_struct(held.value_type) for held in (kind, seen)):
        return kind
    fields = {item.name: item.type for item in (*seen.value_type, *kind.value_type)}
    names = dict.fromkeys(item.name for item in (*kind.value_type, *seen.value_type))
    return list_like(kind, pa.struct([(name, fields[name]) for name in names]))


def _before(name: str, held: Mapping[str, Any], seen: _Seen) -> Iterator[tuple[Any, Spec]]:
    """The type of the column that becomes this one: messages stay messages under another name."""
    for source, target in seen.changes.items():
        first = source.owns[0]
        lists = first in held and is_list(held[first]) and isinstance(source.arrow[first], list)  # a prompt may be a text
        if name == target.owns[0] and lists and isinstance(target.arrow[name], list):
            yield held[first], source.arrow[first]


def in_order(names: Iterable[Any], gone: Collection[str], new: Iterable[str], places: Collection[str]) -> list[Any]:
    """The columns of a result: ``new`` ones, but for tools, stand at the first of ``places``, before it where it is not ``gone``."""
    left, made = list(new), []
    for name in names:
        if name in places:
            made += [other for other in left if other not in _TOOLS]
            left = [other for other in left if other in _TOOLS]
        if name not in gone:
            made.append(name)
    return [*made, *left]


def describe_rows(rows: Iterable[Mapping[str, Any]], converter: RowConverter, json: Any) -> tuple[Column, ...]:
    """The columns of what ``rows``, all of them, become, where nothing says the schema of the input."""
    seen = _look(rows, converter)
    return tuple(_column(name, {}, seen, json) for name in seen.touched)
