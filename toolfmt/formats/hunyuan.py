"""Hunyuan-A13B: an array of calls between tags.

    <tool_calls>[{"name": "get_weather", "arguments": {"city": "Paris"}}, {"name": "now", "arguments": {}}]</tool_calls>

Source: vLLM 0.33.0's example template and parsers for Hunyuan-A13B.  A thinking model writes ``<think>\\n..\\n</think>\\n`` and frames its answer in
``<answer>\\n..\\n</answer>``; the frame is read and not written.
"""

from toolfmt.families.json_body import JsonBody
from toolfmt.format import Limits

__all__ = ["Hunyuan"]


class Hunyuan(JsonBody):
    name = "hunyuan"
    opens, closes = ("<tool_calls>",), ("</tool_calls>",)
    array = ("[", ", ", "]")
    inside = ""
    before_call = after_call = ()
    reasoning = ("<think>", "</think>")
    after_reasoning = ("\n",)
    no_reasoning = "<think>\n\n</think>\n"
    frames = ("<answer>\n", "\n</answer>", "<answer>", "</answer>")
    end_of_turn = ("<|eos|>",)
    result_opens, result_closes, between_results = "<tool_response>", "</tool_response>", ""
    tools_head, between_tools, tools_tail = "以下是你可以调用的函数列表，格式为JSON。\n\n[", ", ", "]\n"
    limits = Limits(text_after=False, reasoning=True)
