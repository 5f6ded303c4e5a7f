"""InternLM 2, 2.5 and 3: a block per call, glued.

    Let me look.<|action_start|><|plugin|>
    {"name": "get_weather", "arguments": {"city": "Paris"}}<|action_end|>

Source: vLLM 0.33.0's example template and parser; the models also write ``parameters``, which is read.  Code for the interpreter
(``<|action_start|><|interpreter|>``) is no call and stays text.
"""

from dataclasses import replace

from toolfmt.families.json_body import JsonBody
from toolfmt.format import Limits, function_object
from toolfmt.ir import Tool
from toolfmt.turns import CHATML
from toolfmt.values import dumps

__all__ = ["InternLM2"]


class InternLM2(JsonBody):
    name = "internlm2"
    opens, closes = ("<|action_start|><|plugin|>",), ("<|action_end|>",)
    inside = between_calls = ""
    before_call = after_call = ()
    end_of_turn = ("<|im_end|>",)
    result_opens = ""
    tools_head, between_tools, tools_tail = "[", ", ", "]"
    turns = replace(CHATML, tool=("<|im_start|>environment name=<|plugin|>\n", "<|im_end|>\n"))
    limits = Limits()

    def write_opening(self) -> str:
        return f"{self.opens[0]}\n"

    def write_tool(self, tool: Tool) -> str:
        return dumps(function_object(tool))
