"""Rows of `openai` as an Arrow table that needs no inference, and what rows say, to compare containers by."""

import json
from collections.abc import Mapping
from typing import Any

from layout_cases import CONVERSATIONS, TOOLS

from toolfmt.containers.arrow import row_of

__all__ = ["FENCE", "MIXED", "TOOLS", "base_rows", "base_table", "mixed_tools", "rows_of", "said", "text_row"]

FENCE = 'Look.\n\n```json\n{"name": "run", "arguments": {"n": 1.0, "s": "42"}}\n```'

MIXED: list[dict[str, Any]] = [
    {"n": 1},
    {"n": 1.0, "s": "42"},
    {"s": 42, "deep": {"a": [1, None, "x"]}},
    {"deep": {"b": {}}, "none": None},
    {"n": "1", "deep": [], "big": 2**62},
    {},
]
"""Arguments of one parameter name and many types."""


def mixed_tools(i: int) -> list[dict[str, Any]]:
    """A tool list that no other row has: the parameters are those of the i-th arguments."""
    properties = {key: {"description": key} for key in MIXED[i]}
    return [{"type": "function", "function": {"name": "f", "description": "", "parameters": {"type": "object", "properties": properties}}}]


def text_row(text: str = FENCE, **keys: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "go"}, {"role": "assistant", "content": text}], **keys}


def base_rows() -> list[dict[str, Any]]:
    """The conversations of all kinds, and calls with arguments of mixed shapes; tools as JSON text."""
    rows = list(CONVERSATIONS.values())
    for i, arguments in enumerate(MIXED):
        call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": json.dumps(arguments)}}
        rows.append(
            {
                "messages": [{"role": "user", "content": "go"}, {"role": "assistant", "content": None, "tool_calls": [call]}],
                "tools": mixed_tools(i),
            }
        )
    return [row | ({"tools": json.dumps(row["tools"])} if row.get("tools") is not None else {}) for row in rows]


def base_table(rows: list[dict[str, Any]]) -> Any:
    """The same as a table, with the schema that they have."""
    import pyarrow as pa

    text = pa.string()
    call = pa.struct({"id": text, "type": text, "function": pa.struct({"name": text, "arguments": text})})
    message = {"role": text, "content": text, "tool_calls": pa.list_(call), "tool_call_id": text, "name": text, "reasoning_content": text}
    messages = pa.list_(pa.struct({**message, "weight": pa.int64()}))
    schema = pa.schema({"messages": messages, "tools": text, "id": pa.int64(), "source": text})
    return pa.Table.from_pylist(rows, schema=schema)


def rows_of(table: Any) -> list[dict[str, Any]]:
    return [row_of(table, i) for i in range(table.num_rows)]


def said(rows: list[dict[str, Any]]) -> list[Any]:
    """Rows by what they say: an absent key is null, JSON text of messages and tools is their value; arguments and schemas by the letter."""
    return [_said(row) for row in rows]


_EXACT = ("arguments", "input", "ground_truth", "parameters", "input_schema")


def _said(value: Any) -> Any:
    if isinstance(value, Mapping):
        texts = {key: json.loads(held) for key, held in value.items() if key in ("messages", "tools", "available_tools") and isinstance(held, str)}
        held = {key: texts.get(key, held) for key, held in value.items() if held is not None and held == held}
        return {key: json.dumps(value) if key in _EXACT else _said(value) for key, value in held.items()}
    if isinstance(value, list):
        return [_said(held) for held in value]
    return (type(value).__name__, value)
