"""Hugging Face datasets: ``Dataset``, ``DatasetDict``, ``IterableDataset`` and ``IterableDatasetDict`` through one pure function of columns.

`convert_batch` gives every row a record of what became of it, in a column of its own, so that counts and losses survive worker processes and the
library's cache; the adapters read that column and take it away.  Messages of one dataset get one set of keys, and every struct its features:
nothing is inferred from the first batch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from toolfmt.conversion.collect import Collector
from toolfmt.conversion.plan import plan
from toolfmt.conversion.rows import Outcome, RowConverter
from toolfmt.errors import LayoutError, ToolfmtError, ToolSpecError, UnrepresentableError
from toolfmt.layouts.base import STRUCTURAL
from toolfmt.report import Loss
from toolfmt.values import dumps, loads

__all__ = ["convert_batch", "convert_datasets"]

_RECORD = "__toolfmt__"
_ERRORS: Mapping[str, type[LayoutError] | type[ToolSpecError] | type[UnrepresentableError]] = {
    "LayoutError": LayoutError,
    "ToolSpecError": ToolSpecError,
    "UnrepresentableError": UnrepresentableError,
}
Columns = dict[str, list[Any]]


def convert_batch(columns: Columns, converter: RowConverter, shape: "Shape") -> Columns:
    """Columns in, columns out, as many rows: pure.  A row that was refused is a copy of a good one; its record says so."""
    names = list(columns)
    outcomes = [converter(dict(zip(names, values, strict=True))) for values in zip(*columns.values(), strict=True)]
    good = next((outcome.row for outcome in outcomes if outcome.row is not None), None) or dict.fromkeys(shape.columns)
    made: Columns = {name: [] for name in shape.columns}
    for outcome in outcomes:
        row = good if outcome.row is None else outcome.row
        for name, held in made.items():
            held.append(shape.fit(name, row.get(name)))
    made[_RECORD] = [_record(outcome) for outcome in outcomes]
    return made


@dataclass(frozen=True, slots=True)
class Shape:
    """What the columns of the result look like, whatever the rows."""

    columns: tuple[str, ...]
    messages: str
    """The column of messages."""
    keys: tuple[str, ...] | None
    """The keys of a message; None where messages need no common ones."""

    def fit(self, name: str, value: Any) -> Any:
        if name != self.messages or self.keys is None or not isinstance(value, list):
            return value
        return [{key: message.get(key) for key in self.keys} for message in value]


@dataclass(frozen=True, slots=True)
class _Batch:
    """What ``Dataset.map`` calls; plain data, so that its fingerprint is stable and it pickles."""

    converter: RowConverter
    shape: Shape

    def __call__(self, columns: Mapping[str, list[Any]]) -> Columns:
        return convert_batch(dict(columns), self.converter, self.shape)


class _LazyBatch:
    """The same for ``IterableDataset.map``: rows come later, and the report fills as they do."""

    def __init__(self, batch: _Batch, collect: Collector) -> None:
        self.batch, self.collect = batch, collect

    def __call__(self, columns: Mapping[str, list[Any]], indices: list[int]) -> Columns:
        made = self.batch(columns)
        kept = []
        for i, record in enumerate(made.pop(_RECORD)):
            data = {name: values[i] for name, values in columns.items()}
            if self.collect.take(_outcome(record), data, indices[i]):
                kept.append(i)
        self.collect.warn()
        return {name: [values[i] for i in kept] for name, values in made.items()}


def convert_datasets(data: Any, base: RowConverter, source: str, collect: Collector) -> Any:
    """Convert a dataset, or each split of a dict of them."""
    kind = type(data).__name__
    if kind in ("DatasetDict", "IterableDatasetDict"):
        return type(data)({name: convert_datasets(split, base, source, collect) for name, split in data.items()})
    if kind not in ("Dataset", "IterableDataset"):
        raise TypeError(f"convert takes a datasets Dataset, DatasetDict or IterableDataset, got `datasets.{kind}`")
    base = replace(base, padded=True)
    if kind == "IterableDataset":
        converter = plan(base, source, lambda: data.take(1000), infer=False)
    else:
        converter = plan(base, source, lambda: data)
    collect.report.source = converter.source
    shape, features = _shape(data, converter)
    batch = _Batch(converter, shape)
    if kind == "Dataset":
        return _convert_dataset(data, batch, features, collect)
    options = {} if features is None else {"features": features}
    return data.map(_LazyBatch(batch, collect), batched=True, with_indices=True, remove_columns=data.column_names, **options)


def _convert_dataset(data: Any, batch: _Batch, features: Any, collect: Collector) -> Any:
    from datasets import Features, Value

    described = None if features is None else Features({**features, _RECORD: Value("string")})
    made = data.map(batch, batched=True, remove_columns=data.column_names, features=described, desc="toolfmt")
    kept = []
    for i, record in enumerate(made.with_format(None)[_RECORD]):
        outcome = _outcome(record)
        if collect.take(outcome, None if outcome.error is None else data.with_format(None)[i], i):
            kept.append(i)
    made = made.remove_columns(_RECORD)
    return made if len(kept) == len(made) else made.select(kept)


# What the result looks like


def _shape(data: Any, converter: RowConverter) -> tuple[Shape, Any]:
    """The columns and message keys of the result, and its features; features are None where the input's are not known."""
    features = data.features
    if features is None:
        first: dict[str, Any] = next(iter(data.take(1)), {})
        outcome = converter(first)
        columns = tuple(outcome.row or first)
        return Shape(columns, "messages", None), None
    name = next((key for key in ("messages", "conversations") if key in features), "messages")
    target = _target_name(name, converter)
    fields = _struct(features.get(name))
    described = {target if key == name else key: value for key, value in features.items() if not (target != name and key == "system")}
    if fields is None:
        return Shape(tuple(described), target, None), type(features)(described)
    from datasets import Features, Value

    made = {key: Value("string") if value == Value("null") else value for key, value in _fields(fields, converter, target).items()}

    described[target] = _like(features[name], made)
    if converter.layout == "openai" and "tools" not in described:
        described["tools"] = Value("string")
    return Shape(tuple(described), target, tuple(made)), Features(described)


def _target_name(name: str, converter: RowConverter) -> str:
    if converter.layout is None:
        return name
    return "conversations" if converter.layout == "sharegpt" else "messages"


def _struct(feature: Any) -> dict[str, Any] | None:
    """The fields of a list of structs, however it is declared."""
    inner = feature[0] if isinstance(feature, list) and feature else getattr(feature, "feature", feature)
    return dict(inner) if isinstance(inner, Mapping) else None


def _like(feature: Any, fields: dict[str, Any]) -> Any:
    return [fields] if isinstance(feature, list) or not hasattr(feature, "feature") else type(feature)(fields)


def _fields(fields: dict[str, Any], converter: RowConverter, target: str) -> dict[str, Any]:
    """The features of a message in the result."""
    from datasets import Value

    names = {"from": "role", "value": "content"} if target == "messages" else {"role": "from", "content": "value"}
    text = Value("string")
    renamed = {names.get(key, key) if converter.layout else key: value for key, value in fields.items()}
    if converter.layout != "openai":
        if "tool_calls" in renamed or "function_call" in renamed:
            renamed = {key: value for key, value in renamed.items() if key not in STRUCTURAL}
        return renamed
    call = {"id": text, "type": text, "function": {"name": text, "arguments": text}}
    renamed.pop("function_call", None)
    renamed |= {"tool_calls": [call], "tool_call_id": text, "name": text}
    return renamed if {"reasoning_content", "reasoning", "thinking"} & renamed.keys() else {**renamed, "reasoning_content": text}


# Records


def _record(outcome: Outcome) -> str:
    """An outcome, without its row, as JSON."""
    error = outcome.error
    return dumps(
        {
            "layout": outcome.layout,
            "calls": outcome.calls,
            "changed": outcome.changed,
            "losses": [[loss.kind, loss.path, loss.detail] for loss in outcome.losses],
            "notices": [[notice.kind, notice.path, notice.detail] for notice in outcome.notices],
            "error": None if error is None else [type(error).__name__, str(getattr(error, "path", "")), str(getattr(error, "reason", error))],
        }
    )


def _outcome(record: str) -> Outcome:
    held = loads(record)
    losses, notices = ([Loss(kind, path, detail=detail) for kind, path, detail in held[key]] for key in ("losses", "notices"))
    error: ToolfmtError | None = None
    if held["error"] is not None:
        kind, path, reason = held["error"]
        error = _ERRORS[kind](path, reason) if kind in _ERRORS else ToolfmtError(reason)
    return Outcome(None, held["layout"], held["calls"], held["changed"], losses, notices, error)
