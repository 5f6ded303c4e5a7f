"""Every shape in which a tool definition comes -> `Tool`, and fast look-ups of what a tool's parameters allow.

`read_tools` copies: the definitions are never changed, and changing them later does not change a `Tool`.
"""

import inspect
import marshal
import re
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema

from toolfmt.errors import ToolSpecError
from toolfmt.ir import Tool, check_json
from toolfmt.schema_types import UNDECLARED, ValueType, object_parts, property_schemas, standardise, value_type

__all__ = ["ToolSet", "as_toolset", "check_tools", "read_tools", "tool_names"]

_PARAMETER_KEYS = ("parameters", "input_schema", "inputSchema")


def read_tools(tools: object) -> tuple[Tool, ...]:
    """Read one definition or an iterable of them, shapes mixed as they come; None is no tools.

    `Tool`, OpenAI (chat, responses, legacy `functions`), Anthropic, MCP (JSON or objects), BFCL function docs,
    xLAM-60k's flat parameters, pydantic model classes, annotated functions with Google-style docstrings.
    Raises `ToolSpecError` with the place in the definition as it was given.
    """
    if tools is None:
        return ()
    if isinstance(tools, dict | BaseModel | type) or callable(tools):
        tools = [tools]
    if isinstance(tools, str | bytes) or not isinstance(tools, Iterable):
        raise ToolSpecError("tools", f"expected tool definitions, got `{type(tools).__name__}`")
    read: list[Tool] = []
    names: set[str] = set()
    for i, definition in enumerate(tools):
        tool = _read_tool(definition, f"tools[{i}]")
        if tool.name in names:
            raise ToolSpecError(f"tools[{i}].name", f"`{tool.name}` is given twice")
        names.add(tool.name)
        read.append(tool)
    return tuple(read)


def _read_tool(definition: object, path: str) -> Tool:
    if isinstance(definition, Tool):
        return definition
    if isinstance(definition, type) and issubclass(definition, BaseModel):
        return _read_model_class(definition, path)
    if inspect.isfunction(definition) or inspect.ismethod(definition):
        return _read_function(definition, path)
    if isinstance(definition, BaseModel):
        definition = definition.model_dump(by_alias=True)
    if not isinstance(definition, dict):
        raise ToolSpecError(path, f"expected a tool definition, got `{type(definition).__name__}`")
    return _read_object(definition, path)


# JSON objects


def _read_object(definition: dict[Any, Any], path: str) -> Tool:
    kind = definition.get("type")
    if kind not in (None, "function") and not (kind == "custom" and "input_schema" in definition):
        raise ToolSpecError(f"{path}.type", f"only `function` tools have a schema to read, got `{kind}`")
    if "function" in definition:
        path, definition = f"{path}.function", definition["function"]
        if not isinstance(definition, dict):
            raise ToolSpecError(path, f"expected an object, got `{type(definition).__name__}`")
    given = [key for key in _PARAMETER_KEYS if definition.get(key) is not None]
    if len(given) > 1:
        raise ToolSpecError(path, f"`{given[0]}` and `{given[1]}` are both given")
    key = given[0] if given else "parameters"
    return _build(definition.get("name"), definition.get("description"), definition.get(key), path, key)


def _build(name: object, description: object, parameters: object, path: str, key: str = "parameters") -> Tool:
    if name is None or name == "":
        raise ToolSpecError(f"{path}.name", "a tool needs a name")
    if not isinstance(name, str):
        raise ToolSpecError(f"{path}.name", f"expected a string, got `{type(name).__name__}`")
    if description is not None and not isinstance(description, str):
        raise ToolSpecError(f"{path}.description", f"expected a string, got `{type(description).__name__}`")
    return Tool(name=name, description=description or "", parameters=_read_parameters(parameters, f"{path}.{key}"))


def _read_parameters(parameters: object, path: str) -> dict[str, Any]:
    if parameters is None or parameters == {}:
        return {"type": "object", "properties": {}}
    if not isinstance(parameters, dict):
        raise ToolSpecError(path, f"expected an object, got `{type(parameters).__name__}`")
    schema = _copy_json(parameters, path)
    if _is_flat(schema):
        return _read_flat(schema, path)
    standardise(schema, path)
    types = schema.get("type", "object")
    if "object" not in (types if isinstance(types, list) else [types]):
        raise ToolSpecError(f"{path}.type", f"expected `object`, got `{types}`")
    return schema


def _copy_json(value: dict[Any, Any], path: str) -> dict[str, Any]:
    """A copy that shares nothing, not even within itself; marshal of plain JSON values is exact and runs in C."""
    try:
        check_json(value, path)
    except ValueError as error:
        place, _, reason = str(error).partition(": ")
        raise ToolSpecError(place, reason) from None
    copy: dict[str, Any] = marshal.loads(marshal.dumps(value, 2))
    return copy


_NEVER_FLAT = frozenset(
    {"properties", "additionalProperties", "unevaluatedProperties", "propertyNames", "not", "if", "else"}
)


def _is_flat(parameters: dict[str, Any]) -> bool:
    """xLAM-60k's ``{"city": {"type": "str, optional", "description": ..}}`` instead of a schema."""
    return not _NEVER_FLAT & parameters.keys() and all(
        isinstance(value, dict) and (isinstance(value.get("type"), str) or isinstance(value.get("description"), str))
        for value in parameters.values()
    )


def _read_flat(parameters: dict[str, Any], path: str) -> dict[str, Any]:
    required = []
    for key, schema in parameters.items():
        spelling = schema.get("type")
        optional = isinstance(spelling, str) and ", optional" in spelling
        if optional:
            schema["type"] = spelling.replace(", optional", "")
        if not optional and "default" not in schema:
            required.append(key)
        standardise(schema, f"{path}.{key}")
    schema = {"type": "object", "properties": parameters}
    return {**schema, "required": required} if required else schema


# Python objects


class _Untitled(GenerateJsonSchema):
    """A parameter's title only repeats its name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _read_model_class(model: type[BaseModel], path: str) -> Tool:
    schema = _generated(model.model_json_schema, path)
    return _build(model.__name__, inspect.cleandoc(model.__doc__ or ""), schema, path)


def _read_function(function: Any, path: str) -> Tool:
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise ToolSpecError(path, f"`{function.__name__}` takes `{parameter}`, which a call cannot give by name")
    generated = _generated(lambda: TypeAdapter(function).json_schema(schema_generator=_Untitled), path)
    description, documented = _read_docstring(inspect.getdoc(function) or "")
    properties = generated.get("properties", {})
    for key, text in documented.items():
        if key in properties and text:
            properties[key].setdefault("description", text)
    schema = {"type": "object", "properties": properties}
    schema |= {key: generated[key] for key in ("required", "$defs") if key in generated}
    return _build(function.__name__, description, schema, path)


def _generated(generate: Callable[[], dict[str, Any]], path: str) -> dict[str, Any]:
    try:
        return generate()
    except (PydanticUserError, NameError) as error:
        raise ToolSpecError(path, f"no JSON Schema can be made of this: {str(error).splitlines()[0]}") from error


_SECTION = re.compile(r"^(Args|Arguments|Parameters|Returns|Yields|Raises):", re.MULTILINE)
_ENTRY = re.compile(r"(\w+) ?(?:\([^)\n]*\))?:(.*)")


def _read_docstring(doc: str) -> tuple[str, dict[str, str]]:
    """The text before the first section, and what `Args:` says of each parameter."""
    first = _SECTION.search(doc)
    if first is None:
        return doc, {}
    sections = list(_SECTION.finditer(doc))
    ends = [section.start() for section in sections[1:]] + [len(doc)]
    documented: dict[str, str] = {}
    for section, end in zip(sections, ends, strict=True):
        if section[1] in ("Args", "Arguments", "Parameters"):
            documented |= _read_entries(inspect.cleandoc("\n" + doc[section.end() : end]))
    return doc[: first.start()].rstrip(), documented


def _read_entries(text: str) -> dict[str, str]:
    entries: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        entry = _ENTRY.match(line)
        if entry:
            name = entry[1]
            entries[name] = entry[2].strip()
        elif line[:1].isspace() and name:
            entries[name] = f"{entries[name]} {line.strip()}".strip()
        elif line:
            break
    return entries


# Look-ups


class ToolSet:
    """Tools by name, and what each parameter allows; build it once, look up often."""

    __slots__ = ("__weakref__", "_parameters", "_rest", "_tools", "names", "tools")

    def __init__(self, tools: tuple[Tool, ...]) -> None:
        self.tools = tools
        self.names = frozenset(tool.name for tool in tools)
        self._tools = {tool.name: tool for tool in tools}
        self._parameters: dict[str, dict[str, ValueType]] = {}
        self._rest: dict[str, _Rest] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._tools

    def get(self, name: str) -> Tool | None:
        """The tool of this name."""
        return self._tools.get(name)

    def parameters(self, name: str) -> dict[str, ValueType]:
        """The declared parameters of a tool, in order, to read only; none for an unknown tool."""
        known = self._parameters.get(name)
        if known is not None:
            return known
        tool = self._tools.get(name)
        if tool is None:
            return {}
        root = tool.parameters
        read = {key: value_type(schema, root) for key, schema in property_schemas(root).items()}
        self._rest[name] = _Rest(root)  # before `_parameters`: whoever sees a tool there finds it here
        self._parameters[name] = read
        return read

    def parameter(self, name: str, key: str) -> ValueType:
        """What argument ``key`` of tool ``name`` allows.  Only declared keys are kept: made-up ones cost no memory."""
        declared = self._parameters.get(name)
        if declared is None:
            declared = self.parameters(name)
        found = declared.get(key)
        if found is not None:
            return found
        return self._rest[name].value(key) if name in self._rest else UNDECLARED


class _Rest:
    """What a tool says of parameters it does not name."""

    __slots__ = ("other", "patterns")

    def __init__(self, root: dict[str, Any]) -> None:
        self.patterns: list[tuple[re.Pattern[str], ValueType]] = []
        self.other = UNDECLARED
        for part in object_parts(root):
            patterns = part.get("patternProperties")
            for pattern, schema in patterns.items() if isinstance(patterns, dict) else ():
                self._add(pattern, value_type(schema, root))
            if self.other is UNDECLARED and isinstance(part.get("additionalProperties"), dict):
                self.other = value_type(part["additionalProperties"], root)

    def _add(self, pattern: str, value: ValueType) -> None:
        """JSON Schema's patterns are JavaScript's: one that Python cannot compile matches nothing."""
        try:
            self.patterns.append((re.compile(pattern), value))
        except re.error:
            return

    def value(self, key: str) -> ValueType:
        return next((value for pattern, value in self.patterns if pattern.search(key)), self.other)


# The same list is given again and again, and equal lists come with every row of a dataset.  So what was read is
# kept under the *value* of the definitions, never under the identity of something that can change in place.
# `==` would be no such key (True == 1 == 1.0, and key order does not count); marshal's bytes are exact and made in C.
# Version 4 is twice as fast as version 2 but also writes which strings are shared, so equal lists may differ in it:
# a miss asks again by version 2, which depends on the values alone.
# Measured on 5 tools of 490 bytes, in us: `==` 2.1, version 4 1.9, version 2 4.3, a look-up in all 2.9, reading 99.
_KEPT = 16  # keys: two for each of the eight tool lists last seen
_kept: OrderedDict[object, tuple[ToolSet, object]] = OrderedDict()
_lock = threading.Lock()
_last: tuple[tuple[object, ...] | None, ToolSet | None] = (None, None)
_recent: tuple[bytes | None, ToolSet | None] = (None, None)
_named: tuple[object, list[object] | None, frozenset[str]] = (None, None, frozenset())
_checked: deque[object] = deque(maxlen=8)


def as_toolset(tools: object) -> ToolSet | None:
    """The `ToolSet` of any tool definitions; None stays None.  Reading the same definitions again costs a look-up."""
    global _recent
    if tools is None or isinstance(tools, ToolSet):
        return tools
    last, known = _last
    if tools is last and known is not None:
        return known
    key = _key(tools, 4)
    spelled, known = _recent
    if key == spelled and known is not None:
        return known
    found = _recall(key)
    if found is None:
        exact = _key(tools, 2)
        # What is read is what the key says, even when another thread changes the list meanwhile.
        source = marshal.loads(exact) if isinstance(exact, bytes) else tools
        found = _recall(exact) or ToolSet(read_tools(source))
        _keep(key, found, tools)
        _keep(exact, found, tools)
    if isinstance(tools, tuple) and not isinstance(key, bytes | None):
        _remember(tools, found)
    elif isinstance(key, bytes):
        _recent = (key, found)  # the rows of a dataset often state the same tools
    return found


def tool_names(tools: object) -> frozenset[str] | None:
    """The names of any tool definitions, None for None; of a list that was read before only the names are read again."""
    global _named
    if tools is None:
        return None
    last, spelled, names = _named
    if tools is not last or spelled is None or _spelled_names(tools) != spelled:
        toolset = as_toolset(tools)
        names = toolset.names if toolset is not None else frozenset()
        _named = (tools, _spelled_names(tools), names)
    return names


def _spelled_names(tools: object) -> list[object] | None:
    """The names as they stand in a list of JSON definitions; None for any other kind of list."""
    if not isinstance(tools, list):
        return None
    try:
        return [tool["function"]["name"] if "function" in tool else tool["name"] for tool in tools]
    except (TypeError, KeyError):
        return None


def check_tools(tools: object) -> None:
    """Raise `ToolSpecError` for a bad definition, once for each list: for formats that do not need the tools to read."""
    if tools is None or isinstance(tools, ToolSet):
        return
    for seen in _checked:
        if tools is seen:
            return
    as_toolset(tools)
    _checked.appendleft(tools)


def _remember(tools: tuple[object, ...], toolset: ToolSet) -> None:
    """A tuple of what does not change, what `read_tools` gives: known by its identity alone."""
    global _last
    _last = (tools, toolset)


def _key(tools: Any, version: int) -> object:
    """The value of plain JSON, the identity of what does not change (`Tool`, functions, classes), None for the rest."""
    try:
        return marshal.dumps(tools, version)
    except ValueError:
        items = tools if isinstance(tools, list | tuple) else [tools]
        fixed = all(isinstance(item, Tool | FunctionType | type) for item in items)
        return tuple(map(id, items)) if fixed else None


def _recall(key: object) -> ToolSet | None:
    with _lock:
        entry = _kept.get(key)
        if entry is None:
            return None
        _kept.move_to_end(key)
        return entry[0]


def _keep(key: object, toolset: ToolSet, tools: object) -> None:
    if key is None:
        return
    held = tuple(tools) if isinstance(tools, list) else tools  # while these live, no other object has their ids
    with _lock:
        _kept[key] = (toolset, held)
        if len(_kept) > _KEPT:
            _kept.popitem(last=False)
