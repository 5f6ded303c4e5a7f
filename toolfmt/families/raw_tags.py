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
from typing import Any, ClassVar, Final, NamedTuple

from toolfmt.argument_types import ServerTypes
from toolfmt.families.tags import Tags
from toolfmt.format import SureWriter
from toolfmt.ir import ToolCall, build_call
from toolfmt.reader import Types
from toolfmt.rule import PYTHON, Dialect
from toolfmt.schema_types import ValueType
from toolfmt.stream import StreamParser
from toolfmt.values import JSON_LITERALS, PYTHON_LITERALS, STRING, JSONTextError, dumps, loads_python, spell

__all__ = ["RawTags"]

_SHORT = 2048  # characters of a call that is surely read
_KEPT = 1000  # templates of calls
_HOLE = "\0"  # where a template has a value
_UNSEEN: Final[Any] = object()


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

    def sure_writer(self, types: Types) -> SureWriter | None:
        return _SureTags(self, types).write if self._own else None

    def template(self, name: str, kinds: Mapping[str, type], declared: Mapping[str, ValueType]) -> "_Template | None":
        """How calls of this tool with arguments of these types are spelled, if they are certain to be read as what they are."""
        if not all(key in declared and _is_sure(kind, declared[key]) for key, kind in kinds.items()) or (self.quotes and str in kinds.values()):
            return None
        text = self.write_call(build_call(name, dict.fromkeys(kinds, _HOLE)), 1)
        if text.count(_HOLE) != len(kinds):
            return None
        return _Template(text.replace("%", "%%").replace(_HOLE, "%s"), text.count("<"), bool in kinds.values())

    @cached_property
    def _own(self) -> bool:
        """Whether calls are read and written as those of all tags are."""
        kind = type(self)
        writes = kind.write_calls is Tags.write_calls and kind.write_call is Tags.write_call and kind.spell_value is RawTags.spell_value
        return writes and kind.read_whole is Tags.read_whole and not self.name_rest

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


class _Template(NamedTuple):
    """The text of a call, with ``%s`` for each value."""

    text: str
    tags: int
    """How often ``<`` stands in it: once more, and a value may hold a tag."""
    words: bool
    """Some values are booleans."""


class _SureTags:
    """Writes calls of strings, integers and booleans that the tools declare, in which no tag can begin.  Templates are remembered."""

    def __init__(self, format: RawTags, types: Types) -> None:
        self._format, self._types, self._words, self._bare = format, types, format.words, not format.shared
        self._known: dict[tuple[object, ...], _Template | None] = {}

    def write(self, calls: Sequence[ToolCall]) -> str | None:
        if len(calls) == 1 and self._bare:
            return self._call(calls[0])
        written = [text for call in calls if (text := self._call(call)) is not None]
        return self._format.side_by_side(written) if len(written) == len(calls) else None

    def _call(self, call: ToolCall) -> str | None:
        name, arguments = call.name, call.arguments
        values: Any = arguments.values()
        key = (name, *arguments, *map(type, values))
        template = self._known.get(key, _UNSEEN)
        if template is _UNSEEN:
            template = self._learn(key, name, arguments)
        if template is None:
            return None
        text, tags, words = template
        if words:
            values = [self._words[not value] if value is True or value is False else value for value in values]
        text %= tuple(values)
        return text if text.count("<") == tags and len(text) < _SHORT else None

    def _learn(self, key: tuple[object, ...], name: str, arguments: dict[str, Any]) -> _Template | None:
        if len(self._known) >= _KEPT:
            self._known.clear()
        kinds = {key: type(value) for key, value in arguments.items()}
        self._known[key] = template = self._format.template(name, kinds, self._types.declared(name))
        return template


def _is_sure(kind: type, allowed: ValueType) -> bool:
    """Whether every value of that kind, spelled without a tag, is read as itself."""
    if kind is str:
        return allowed.types == STRING
    return kind in (int, bool) and ("integer" if kind is int else "boolean") in allowed.types and allowed.values is None


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
