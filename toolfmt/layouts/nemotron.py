"""`nemotron`: `openai` with ``reasoning_content``, as nvidia/Nemotron-Agentic-v1 has it; its ``tool_calling`` rows hold objects as arguments.

    {"uuid": "..", "messages": [{"role": "user", "content": "time?"},
        {"role": "assistant", "content": "", "reasoning_content": "The user asks ..", "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "now", "arguments": {"zone": "UTC"}}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "12:00"}], "tools": [..]}

The other split, ``interactive_agent``, holds JSON text: such a row is an `openai` row in every point, and is named so.  Here both are read; a call
whose arguments stood as an object is written as one, every other as JSON text.
"""

from collections.abc import Mapping
from typing import Any

from toolfmt.ir import ToolCall
from toolfmt.layouts.base import Row, Turn
from toolfmt.layouts.messages_text import KEYS, list_key
from toolfmt.layouts.openai import OpenAI
from toolfmt.layouts.trl import TRL
from toolfmt.values import dumps

__all__ = ["Nemotron"]


class Nemotron(OpenAI):
    signs = frozenset({"reasoning_content"})
    name = "nemotron"
    kinds = (str, Mapping)
    arrow = TRL.arrow

    def claims(self, row: Row) -> bool:
        key = list_key(row)
        thinks = any(
            isinstance(m, Mapping) and isinstance(m.get("reasoning_content"), str) for m in (row[key] if key else ())
        )
        return thinks and TRL().claims(row)

    def arguments(self, turn: Turn, call: ToolCall) -> Any:
        return call.arguments if turn.objects and turn.keys == KEYS else dumps(call.arguments)
