"""The family whose tags tell the types of their values, so that reading needs no tools.

    <｜DSML｜parameter name="city" string="true">Paris</｜DSML｜parameter>
    <｜DSML｜parameter name="days" string="false">3</｜DSML｜parameter>

A string stands bare; anything else is JSON, whatever its tag calls it.  How values end, and what a family member can vary: `toolfmt.families.tags`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from toolfmt.families.tags import Tags
from toolfmt.ir import MAX_DEPTH
from toolfmt.stream import StreamParser
from toolfmt.values import dumps, loads

__all__ = ["TypedTags"]


class TypedTags(Tags):
    """Calls as tags, types on the wire."""

    frame = ""
    kinds: ClassVar[Mapping[type, str]] = MappingProxyType({
        str: "string", int: "number", float: "number", bool: "boolean", type(None): "null", dict: "object", list: "array",
    })  # fmt: skip
    """What a tag calls each type."""

    @property
    def types(self) -> Mapping[str, str]:
        return {json_kind: self.kinds[kind] for kind, json_kind in _JSON_KINDS.items()}

    def is_string(self, p: StreamParser, index: int, tool: str, key: str, kind: str) -> bool:
        return kind == self.kinds[str]

    def value(self, p: StreamParser, index: int, tool: str, key: str, kind: str, text: str) -> Any:
        return text if kind == self.kinds[str] else loads(text, MAX_DEPTH - 1)

    def spell_value(self, value: Any) -> tuple[str, str]:
        return self.kinds[type(value)], value if isinstance(value, str) else dumps(value)


_JSON_KINDS = {
    str: "string", float: "number", bool: "boolean", type(None): "null", dict: "object", list: "array",
}  # fmt: skip
