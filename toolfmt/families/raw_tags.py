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

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from toolfmt.argument_types import ServerTypes
from toolfmt.families.tags import Tags
from toolfmt.ir import ToolCall
from toolfmt.reader import Types
from toolfmt.rule import PYTHON, Dialect
from toolfmt.schema_types import ValueType
from toolfmt.stream import StreamParser
from toolfmt.values import JSON_LITERALS, PYTHON_LITERALS, STRING, JSONTextError, dumps, loads_python, spell

__all__ = ["RawTags"]

_SHORT = 2048  # characters of a string
_LARGE = 10**15  # under which an integer is the first thing that its text may mean


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

    def surely_read(self, text: str, at: int, calls: Sequence[ToolCall], types: Types) -> bool:
        """Strings, integers and booleans that the tools declare, in which no tag can begin."""
        if not self._own:
            return False
        for call in calls:
            declared = types.declared(call.name)
            if not call.arguments.keys() <= declared.keys():
                return False
            for key, value in call.arguments.items():
                kind, allowed = type(value), declared[key]
                if kind is str:
                    sure = allowed.types == STRING and len(value) < _SHORT and "<" not in value
                elif kind is int:
                    sure = "integer" in allowed.types and allowed.values is None and 0 <= value < _LARGE
                else:
                    sure = kind is bool and "boolean" in allowed.types and allowed.values is None
                if not sure:
                    return False
        return True

    @cached_property
    def _own(self) -> bool:
        """Whether calls are read and written as those of all tags are."""
        kind = type(self)
        return kind.read_whole is Tags.read_whole and kind.write_calls is Tags.write_calls and kind.write_call is Tags.write_call

    def spell_value(self, value: Any) -> tuple[str, str]:
        if type(value) is str:
            return "", value
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
