"""Tools as a TypeScript namespace, the declaration that gpt-oss and Functionary v3.2 are shown.

    namespace functions {

    // The weather for a city.
    type get_weather = (_: {
    // City name
    city: string,
    days?: number, // default: 1
    unit?: "celsius" | "fahrenheit",
    }) => any;

    } // namespace functions

Lossy, as the published templates are: integers are numbers, and of a schema nothing is said but types, enums of strings, properties, items,
descriptions and defaults at the top.  What is written is read back as far as it says.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from toolfmt.errors import ToolSpecError
from toolfmt.ir import MAX_DEPTH, Tool
from toolfmt.tools import read_tools
from toolfmt.values import JSONTextError, dumps, loads

__all__ = ["find_namespace", "write_namespace"]

_OPENS, _CLOSES = "namespace functions {\n\n", "} // namespace functions"
_WORDS = {
    "integer": "number",
    "number": "number",
    "string": "string",
    "boolean": "boolean",
    "null": "null",
    "object": "object",
}


def write_namespace(tools: Sequence[Tool]) -> str:
    return _OPENS + "".join(map(_write_tool, tools)) + _CLOSES


def _write_tool(tool: Tool) -> str:
    properties = tool.parameters.get("properties")
    head = f"{_comment(tool.description)}type {tool.name} = "
    if not isinstance(properties, Mapping) or not properties:
        return f"{head}() => any;\n\n"
    lines = [_write_property(key, schema, tool.parameters) for key, schema in properties.items()]
    return f"{head}(_: {{\n{''.join(lines)}}}) => any;\n\n"


def _write_property(key: str, schema: Any, parameters: Mapping[str, Any]) -> str:
    said = schema if isinstance(schema, Mapping) else {}
    default = f" // default: {dumps(said['default'])}" if "default" in said else ""
    return f"{_comment(said.get('description'))}{key}{_mark(key, parameters)}: {_write_type(said)},{default}\n"


def _comment(text: Any) -> str:
    return "".join(f"// {line}\n" for line in text.split("\n")) if isinstance(text, str) and text else ""


def _mark(key: str, schema: Mapping[str, Any]) -> str:
    required = schema.get("required")
    return "" if isinstance(required, Sequence) and key in required else "?"


def _write_type(schema: Any, depth: int = 0) -> str:
    if not isinstance(schema, Mapping) or depth > MAX_DEPTH // 4:
        return "any"
    enum, kind, options = schema.get("enum"), schema.get("type"), schema.get("anyOf") or schema.get("oneOf")
    if isinstance(enum, list) and enum and all(isinstance(value, str) for value in enum):
        return " | ".join(map(dumps, enum))
    if isinstance(kind, list) or (isinstance(options, list) and options):
        each = [{**schema, "type": name} for name in kind] if isinstance(kind, list) else options
        return " | ".join(dict.fromkeys(_write_type(option, depth + 1) for option in each or ())) or "any"
    if kind == "array":
        item = _write_type(schema.get("items"), depth + 1)
        return f"({item})[]" if " | " in item else f"{item}[]"
    properties = schema.get("properties")
    if kind == "object" and isinstance(properties, Mapping) and properties:
        inside = (f"{key}{_mark(key, schema)}: {_write_type(value, depth + 1)}" for key, value in properties.items())
        return "{" + ", ".join(inside) + "}"
    return _WORDS.get(kind, "any") if isinstance(kind, str) else "any"


def find_namespace(text: str) -> tuple[tuple[Tool, ...], int, int] | None:
    """The tools of a namespace, and where it stands; None where there is none, or one that cannot be read."""
    start = text.find(_OPENS)
    end = text.find(_CLOSES, start)
    if start < 0 or end < 0:
        return None
    try:
        tools = read_tools(_read_tools(text[start + len(_OPENS) : end]))
    except (JSONTextError, ToolSpecError):
        return None
    return (tools, start, end + len(_CLOSES)) if tools else None


_TYPE = re.compile(r"type (.+) = (?:\(_: \{|\(\) => any;)$")
_PROPERTY = re.compile(r"(.+?)(\??): (.+?),(?: // default: (.*))?$")


def _read_tools(body: str) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    comment: list[str] = []
    for line in _lines(body):
        if line.startswith("// "):
            comment.append(line[3:])
            continue
        description = {"description": "\n".join(comment)} if comment else {}
        if found := _TYPE.match(line):
            made.append({"name": found[1], **description, "parameters": {"type": "object", "properties": {}}})
        elif line and line != "}) => any;":
            found = _PROPERTY.match(line)
            if not found or not made:
                raise JSONTextError(f"no declaration: `{line[:80]}`")
            schema = {**_Types(found[3]).whole(), **description}
            if found[4] is not None:
                schema["default"] = loads(found[4])
            _add(made[-1]["parameters"], found[1], schema, optional=bool(found[2]))
        comment = []
    return made


def _lines(body: str) -> Iterator[str]:
    """The lines; the templates break one after the brace of a nested object and after the colon of its properties."""
    pieces: list[str] = []
    for line in body.split("\n"):
        piece = line.lstrip() if pieces else line
        pieces.append(piece)
        if pieces[0].startswith("// ") or not (line.endswith(": ") or _BROKEN.search(line)):
            yield "".join(pieces)
            pieces = []
    if pieces:
        yield "".join(pieces)


_BROKEN = re.compile(r"(?<!\(_: )\{$")


def _add(parameters: dict[str, Any], key: str, schema: dict[str, Any], *, optional: bool) -> None:
    parameters["properties"][key] = schema
    if not optional:
        parameters.setdefault("required", []).append(key)


class _Types:
    """Reads one type expression."""

    def __init__(self, text: str) -> None:
        self.tokens = _TOKEN.findall(text)
        self.tokens.reverse()
        self.depth = 0

    def whole(self) -> dict[str, Any]:
        schema = self.union()
        if self.tokens:
            raise JSONTextError(f"unexpected `{self.tokens[-1]}`")
        return schema

    def take(self, *wanted: str) -> str:
        token = self.tokens.pop() if self.tokens else ""
        if not token or (wanted and token not in wanted):
            raise JSONTextError(f"unexpected `{token}`")
        return str(token)

    def union(self) -> dict[str, Any]:
        options = [self.postfix()]
        while self.tokens and self.tokens[-1] == "|":
            self.tokens.pop()
            options.append(self.postfix())
        if all("enum" in option for option in options):
            return {"type": "string", "enum": [value for option in options for value in option["enum"]]}
        if len(options) == 1:
            return options[0]
        simple = all(option.keys() == {"type"} for option in options)
        return {"type": [option["type"] for option in options]} if simple else {"anyOf": options}

    def postfix(self) -> dict[str, Any]:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise JSONTextError("nested too deep")
        schema = self.single()
        while self.tokens and self.tokens[-1] == "[]":
            self.tokens.pop()
            schema = {"type": "array", "items": schema} if schema else {"type": "array"}
        self.depth -= 1
        return schema

    def single(self) -> dict[str, Any]:
        token = self.take()
        if token == "(":
            schema = self.union()
            self.take(")")
            return schema
        if token == "{":
            return self.properties()
        if token.startswith('"'):
            return {"type": "string", "enum": [loads(token)]}
        if token != "any" and token not in _WORDS:
            raise JSONTextError(f"unexpected `{token}`")
        return {} if token == "any" else {"type": token}

    def properties(self) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "object", "properties": {}}
        while True:
            key = self.take()
            _add(schema, key.rstrip(":").removesuffix("?"), self.union(), optional=key.endswith("?:"))
            if self.take(",", "}") == "}":
                return schema


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\[\]|[(){}|,]|[^\s(){}|,"\[\]]+')
