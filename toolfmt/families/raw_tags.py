"""The family whose arguments stand as bare text between tags; types come from the tools.

    <tool_call>
    <function=get_weather>
    <parameter=city>
    Paris
    </parameter>
    </function>
    </tool_call>

How values end, and what a family member can vary: `toolfmt.families.tags`.  A value that is framed by newlines is also read inline
(``<parameter=city>Paris</parameter>``), where it ends likewise, without the newlines.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from toolfmt.argument_types import ServerTypes
from toolfmt.families.tags import Tags
from toolfmt.reader import Types
from toolfmt.rule import PYTHON, Dialect
from toolfmt.schema_types import ValueType
from toolfmt.stream import StreamParser
from toolfmt.values import JSON_LITERALS, PYTHON_LITERALS, JSONTextError, dumps, loads_python, spell

__all__ = ["RawTags"]


class RawTags(Tags):
    """Calls as tags, types by the tools."""

    needs_tools = "types"
    literals: ClassVar[Mapping[Any, str]] = JSON_LITERALS
    """How `true`, `false` and `null` are written at the top level; containers are JSON."""
    reads_python: ClassVar[bool] = False
    """Containers are also read as Python writes them, where the tools allow containers."""
    writes_python: ClassVar[bool] = False
    """Everything is written as Python writes it, containers too."""

    def is_string(self, p: StreamParser, index: int, tool: str, key: str, kind: str) -> bool:
        return p.types.is_string(index, tool, key)

    def value(self, p: StreamParser, index: int, tool: str, key: str, kind: str, text: str) -> Any:
        return p.types.read(index, tool, key, text)

    def spell_value(self, value: Any) -> tuple[str, str]:
        if not self.writes_python:
            return "", spell(value, self.literals)
        return "", repr(value) if isinstance(value, dict | list) else spell(value, PYTHON_LITERALS)

    @property
    def words(self) -> tuple[str, str, str]:
        literals = PYTHON_LITERALS if self.writes_python else self.literals
        return literals[True], literals[False], literals[None]

    @property
    def inner(self) -> Dialect:
        return PYTHON if self.writes_python else Dialect()

    def hide(self, text: str) -> str:
        return text.replace("<", "\\x3c") if self.writes_python else super().hide(text)

    def typed(self, types: Types) -> Types:
        return _PythonTypes(types) if self.reads_python and not isinstance(types, ServerTypes) else types


class _PythonTypes:
    """Types that also read a container as Python writes it, where the tools allow that container."""

    __slots__ = ("names", "types")

    def __init__(self, types: Types) -> None:
        self.types = types
        self.names = types.names

    def declared(self, tool: str) -> Mapping[str, ValueType]:
        return {}

    def is_string(self, index: int, tool: str, key: str) -> bool:
        return self.types.is_string(index, tool, key)

    def read(self, index: int, tool: str, key: str, text: str) -> Any:
        value = self.types.read(index, tool, key, text)
        if not isinstance(value, str) or text.lstrip()[:1] not in ("{", "["):
            return value
        if self.types.is_string(index, tool, key):
            return value
        try:
            again = self.types.read(index, tool, key, dumps(loads_python(text)))
        except (JSONTextError, RecursionError):
            return value
        return value if isinstance(again, str) else again
