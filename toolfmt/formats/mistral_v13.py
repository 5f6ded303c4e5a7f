"""Mistral, tokenizers v13 and v15: Devstral, Magistral, Ministral 3.

    [THINK]Paris, then.[/THINK]Let me look.[TOOL_CALLS]get_weather[ARGS]{"city": "Paris"}[TOOL_CALLS]now[ARGS]{}</s>

Calls have no ids; v11's ``[CALL_ID]`` is read.
Source: llama.cpp's copy of Ministral-3-14B-Reasoning's template (in llama-cpp-python 0.3.36).
"""

from toolfmt.format import Limits
from toolfmt.formats.mistral_v11 import MistralV11
from toolfmt.ir import ToolCall

__all__ = ["MistralV13"]


class MistralV13(MistralV11):
    name = "mistral_v13"
    id_rule = None
    reasoning, reasoning_inside, after_reasoning = ("[THINK]", "[/THINK]"), ("", ""), ("",)
    limits = Limits(reasoning=True, names=MistralV11.limits.names)

    def new_id(self, name: str, number: int) -> str | None:
        return None

    def evidence(self, call: ToolCall) -> int:
        """A call without an id: v11 would have given it one."""
        return 1 if call.id is None else 0
