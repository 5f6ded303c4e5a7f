"""The type of a place by the values that stand there, for what no schema says: no value changes its type.

A place gets a type of its own only where every value has it; numbers that are integers here and floats there, and everything nested, are JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from toolfmt.containers.arrow_types import Spec, declared, pyarrow

__all__ = ["Observed", "observed"]


@dataclass(slots=True)
class Observed:
    """The values of one place."""

    kinds: set[str] = field(default_factory=set)
    keys: dict[str, "Observed"] = field(default_factory=dict)
    """Of objects, or of those in a list of objects."""

    def add(self, value: Any, spec: Spec) -> None:
        """Look at a value, and into it as far as ``spec`` says that it is a struct."""
        if value is None:
            return
        self.kinds.add(_kind(value))
        if isinstance(spec, list):
            spec, items = spec[0], value if isinstance(value, list) else []
        else:
            items = [value]
        for item in items if isinstance(spec, Mapping) else ():
            for key, held in item.items() if isinstance(item, Mapping) else ():
                self.keys.setdefault(key, Observed()).add(held, spec.get(key))


def _kind(value: Any) -> str:
    if type(value) is int:
        return "int" if -(2**63) <= value < 2**63 else "json"
    kinds = {str: "text", bool: "bool", float: "float", list: "list", dict: "object"}
    return kinds.get(type(value), "text" if isinstance(value, str) else "json")


def observed(found: Observed, spec: Spec, json: Any) -> Any:
    """The type of a place of which a layout says ``spec``, or no layout anything."""
    if isinstance(spec, list) and found.kinds <= {"list"}:
        return pyarrow().list_(_struct(found, spec[0], json) if isinstance(spec[0], Mapping) else declared(spec[0], json))
    if isinstance(spec, Mapping) and found.kinds <= {"object"}:
        return _struct(found, spec, json)
    if spec is None:
        return _scalar(found) or json
    if found.kinds == {"text"}:
        return pyarrow().string()
    return json if found.kinds else declared(spec, json)


def _struct(found: Observed, spec: Mapping[str, Spec], json: Any) -> Any:
    fields = {name: observed(found.keys.get(name, Observed()), inner, json) for name, inner in spec.items()}
    return pyarrow().struct({**fields, **{name: observed(held, None, json) for name, held in found.keys.items() if name not in spec}})


def _scalar(found: Observed) -> Any:
    """The one type of all values; None where there is none."""
    pa = pyarrow()
    types = {"text": pa.string(), "bool": pa.bool_(), "int": pa.int64(), "float": pa.float64()}
    return types.get(next(iter(found.kinds))) if len(found.kinds) == 1 else pa.string() if not found.kinds else None
