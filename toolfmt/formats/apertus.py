"""Apertus: an array of calls, each an object whose one key is the tool's name.

    Let me look.<|tools_prefix|>[{"get_weather": {"city": "Paris"}}, {"now": {}}]<|tools_suffix|>

Source: the chat template of Apertus-8B-Instruct (as llama.cpp has it).  A turn may think, speak and call in any order, and goes on after the
results, which stand in it as ``[..]``, raw.  The template declares tools as TypeScript, which loses much of a schema; toolfmt writes JSON.
"""

from collections.abc import Sequence

from toolfmt.errors import UnrepresentableError
from toolfmt.families.json_body import JsonBody
from toolfmt.format import Limits
from toolfmt.ir import ToolResult

__all__ = ["Apertus"]


class Apertus(JsonBody):
    name = "apertus"
    opens, closes = ("<|tools_prefix|>",), ("<|tools_suffix|>",)
    name_is_key = True
    array = ("[", ", ", "]")
    inside = between_calls = ""
    before_call = after_call = ()
    reasoning = ("<|inner_prefix|>", "<|inner_suffix|>")
    reasoning_inside = ("", "")
    after_reasoning = ("",)
    reasoning_anywhere = True
    end_of_turn = ("<|assistant_end|>",)
    result_opens, result_closes = "[", "]"
    limits = Limits(reasoning=True)

    def write_results(self, results: Sequence[ToolResult]) -> str:
        if len(results) > 1:
            reason = "apertus writes each tool result in a message of its own: side by side, nothing tells them apart"
            raise UnrepresentableError("$.parts[1]", reason)
        return super().write_results(results)
