"""`trl`: `openai` whose ``arguments`` are objects, as the dataset formats of TRL have them; results carry the tool's ``name``, ids are optional.

    {"messages": [{"role": "user", "content": "time?"},
                  {"role": "assistant", "tool_calls": [{"type": "function", "function": {"name": "now", "arguments": {"zone": "UTC"}}}]},
                  {"role": "tool", "name": "now", "content": "12:00"}],
     "tools": [{"type": "function", "function": {"name": "now", "description": "", "parameters": {...}}}]}

A row without calls is plain `messages_text`.  What TRL's own templates do not read (ids, say) is kept.  In Arrow, objects of different keys must
not share a struct: ``tool_calls`` and ``tools`` are `Json` features.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from toolfmt.ir import ToolCall
from toolfmt.layouts.base import Places, Row, Turn, is_object
from toolfmt.layouts.openai import OpenAI, call_arguments

__all__ = ["TRL"]


class TRL(OpenAI):
    signs = frozenset({"tool_calls"})
    name = "trl"
    places = Places(new_ids=False, result_names=True, call_keys=True)
    kinds = (Mapping,)
    arrow: ClassVar[Mapping[str, Any]] = {
        "messages": [
            {
                "role": "text",
                "content": "text",
                "tool_calls": "json",
                "tool_call_id": "text",
                "name": "text",
                "reasoning_content": "text",
            }
        ],
        "tools": "json",
    }

    def claims(self, row: Row) -> bool:
        return any(is_object(held) for held in call_arguments(row))

    def arguments(self, turn: Turn, call: ToolCall) -> Any:
        return call.arguments
