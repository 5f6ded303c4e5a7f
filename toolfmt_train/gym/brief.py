"""Tools as a row offers them: short enough for a small model's context.

`brief` leaves out the descriptions and defaults of parameters, and all but the first clause of a tool's own.  What a call is checked
against stays exact: names, types, `required`, `enum`.  `without_arguments` leaves out optional arguments.
"""

import re
from collections.abc import Iterable
from typing import Any

from toolfmt.ir import Tool

__all__ = ["brief", "definitions", "without_arguments"]

_SAID = ("description", "default", "title")


def brief(tools: Iterable[Tool]) -> tuple[Tool, ...]:
    """The same tools in fewer words."""
    return tuple(
        Tool(name=tool.name, description=_first_clause(tool.description), parameters=_bare(tool.parameters))
        for tool in tools
    )


def without_arguments(tools: Iterable[Tool], *names: str) -> tuple[Tool, ...]:
    """The same tools, none of which takes the arguments ``names``."""
    return tuple(tool.model_copy(update={"parameters": _without(tool.parameters, names)}) for tool in tools)


def definitions(tools: Iterable[Tool]) -> list[dict[str, Any]]:
    """The tools as the `trl` layout has them."""
    return [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
        }
        for tool in tools
    ]


def _first_clause(text: str) -> str:
    first = re.split(r"[.,;:](?:\s|$)", text, maxsplit=1)[0]
    return first and first + "."


def _bare(parameters: dict[str, Any]) -> dict[str, Any]:
    """The schema with the words about its parameters left out; a parameter may itself have the name `description`."""
    properties = parameters.get("properties", {})
    bare = {
        name: {key: value for key, value in schema.items() if key not in _SAID} for name, schema in properties.items()
    }
    return parameters | {"properties": bare}


def _without(parameters: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    kept = {key: schema for key, schema in parameters.get("properties", {}).items() if key not in names}
    return parameters | {"properties": kept}
