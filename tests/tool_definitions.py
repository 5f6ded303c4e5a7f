"""The same tool in every shape of definition, a model class and a function, for `test_tools.py` and `test_toolset.py`."""

from typing import Any, Optional

from pydantic import BaseModel

from toolfmt.ir import Tool

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "Where"}, "days": {"type": "integer", "default": 3}},
    "required": ["city"],
}
TOOL = Tool(name="weather", description="The weather", parameters=SCHEMA)


class MCPTool(BaseModel):
    """The fields of mcp.types.Tool that matter here."""

    name: str
    title: str | None = None
    description: str | None = None
    inputSchema: dict[str, Any]  # noqa: N815
    outputSchema: dict[str, Any] | None = None  # noqa: N815
    annotations: dict[str, Any] | None = None


SHAPES: dict[str, Any] = {
    "tool": TOOL,
    "openai": {
        "type": "function",
        "function": {"name": "weather", "description": "The weather", "parameters": SCHEMA, "strict": True},
    },
    "responses": {
        "type": "function",
        "name": "weather",
        "description": "The weather",
        "parameters": SCHEMA,
        "strict": True,
    },
    "bare": {"name": "weather", "description": "The weather", "parameters": SCHEMA},
    "anthropic": {"name": "weather", "description": "The weather", "input_schema": SCHEMA},
    "anthropic custom": {
        "type": "custom",
        "name": "weather",
        "description": "The weather",
        "input_schema": SCHEMA,
        "cache_control": {"type": "ephemeral"},
    },
    "mcp": {
        "name": "weather",
        "title": "Weather",
        "description": "The weather",
        "inputSchema": SCHEMA,
        "outputSchema": {"type": "object"},
        "annotations": {"readOnlyHint": True},
    },
    "mcp object": MCPTool(name="weather", description="The weather", inputSchema=SCHEMA),
}


class City(BaseModel):
    """A place to live."""

    name: str
    parts: list["City"] = []


def search(query: str, limit: int = 10, *, tags: Optional[list[str]] = None, _model: Any = "x") -> str:  # noqa: UP045
    """Search the web.

    In two paragraphs.

    Args:
        query (str): What to look for:
            in full.
        limit: At most so many.

        unknown: not a parameter.

    Returns:
        str: the answer.
    """
    return query
