"""What types the arguments have where the wire does not say: by the tools and a coercion law, or by the call itself."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from toolfmt.coercion import SERVER_LAWS
from toolfmt.ir import ToolCall
from toolfmt.schema_types import ValueType
from toolfmt.tools import ToolSet, as_toolset, check_tools, tool_names
from toolfmt.values import STRING, literal

__all__ = ["COERCIONS", "OwnTypes", "SchemaTypes", "ServerTypes", "Untyped", "argument_types"]

COERCIONS: Final = ("schema", *SERVER_LAWS)
"""The names of the coercion laws."""

_EMPTY: Final = ToolSet(())


class SchemaTypes:
    """The `schema` law: exactly what the tools' schemas allow (`toolfmt.values.literal`)."""

    __slots__ = ("names", "tools")

    def __init__(self, tools: ToolSet | None) -> None:
        self.tools = tools or _EMPTY
        self.names: frozenset[str] | None = None if tools is None else tools.names

    def declared(self, tool: str) -> Mapping[str, ValueType]:
        return self.tools.parameters(tool)

    def is_string(self, index: int, tool: str, key: str) -> bool:
        return self.tools.parameter(tool, key).types == STRING

    def read(self, index: int, tool: str, key: str, text: str) -> Any:
        allowed = self.tools.parameter(tool, key)
        return text if allowed.types == STRING else literal(text, allowed.types, allowed.values)


class ServerTypes:
    """What a server makes of the text; `CallLost` where it loses the call."""

    __slots__ = ("law", "names", "tools")

    def __init__(self, tools: ToolSet | None, law: str) -> None:
        self.law = SERVER_LAWS[law]
        self.tools = tools or _EMPTY
        self.names: frozenset[str] | None = None if tools is None else tools.names

    def declared(self, tool: str) -> Mapping[str, ValueType]:
        return {}

    def is_string(self, index: int, tool: str, key: str) -> bool:
        return False

    def read(self, index: int, tool: str, key: str, text: str) -> Any:
        allowed = self.tools.parameter(tool, key)
        return self.law(text, allowed.schema, allowed.root, allowed.declared)


class OwnTypes:
    """A call is its own schema: each argument is read as the type that it has in ``calls``."""

    __slots__ = ("calls", "names")

    def __init__(self, calls: Sequence[ToolCall]) -> None:
        self.calls = calls
        self.names: frozenset[str] | None = None

    def declared(self, tool: str) -> Mapping[str, ValueType]:
        return {}

    def _types(self, index: int, key: str) -> frozenset[str]:
        arguments = self.calls[index].arguments if index < len(self.calls) else {}
        return _OWN[type(arguments.get(key, ""))]

    def is_string(self, index: int, tool: str, key: str) -> bool:
        return self._types(index, key) == STRING

    def read(self, index: int, tool: str, key: str, text: str) -> Any:
        return literal(text, self._types(index, key))


_OWN: Final[dict[type, frozenset[str]]] = {
    str: STRING,
    int: frozenset({"integer", "number"}),
    float: frozenset({"integer", "number"}),
    bool: frozenset({"boolean"}),
    type(None): frozenset({"null"}),
    dict: frozenset({"object"}),
    list: frozenset({"array"}),
}


class Untyped:
    """For formats whose wire tells types: nothing is asked but, maybe, the tools' names."""

    __slots__ = ("names",)

    def __init__(self, names: frozenset[str] | None = None) -> None:
        self.names = names

    def declared(self, tool: str) -> Mapping[str, ValueType]:
        return {}

    def is_string(self, index: int, tool: str, key: str) -> bool:
        return True

    def read(self, index: int, tool: str, key: str, text: str) -> Any:
        return text


_UNTOLD: Final = Untyped()


def argument_types(
    tools: object, coercion: str = "schema", *, needs: Literal["", "names", "types"] = "types"
) -> SchemaTypes | ServerTypes | Untyped:
    """The types by ``tools``, in any shape, under a coercion law; ValueError for an unknown law.

    ``needs`` is `Format.needs_tools`: where types stand on the wire, the tools are only checked, or asked for their names.
    """
    if coercion != "schema" and coercion not in SERVER_LAWS:
        raise ValueError(f"coercion must be one of {', '.join(COERCIONS)}; got `{coercion}`")
    if needs == "names":
        return Untyped(tool_names(tools))
    if not needs:
        check_tools(tools)
        return _UNTOLD
    toolset = as_toolset(tools)
    return SchemaTypes(toolset) if coercion == "schema" else ServerTypes(toolset, coercion)
