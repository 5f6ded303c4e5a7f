"""Granite 3.x: a mark, then an array of calls.  (Granite 4 speaks `hermes`.)

    <|tool_call|>[{"name": "get_weather", "arguments": {"city": "Paris"}}]

Source: the system prompt of granite-3.3-2b-instruct's chat template (as llama.cpp has it), which itself leaves calls out, and vLLM 0.33.0's parser,
which also reads ``<tool_call>``, the mark of 3.0.  Granite 3.3 thinks in ``<think>`` tags and answers in ``<response>`` tags.
"""

import json
from collections.abc import Sequence

from toolfmt.families.json_body import JsonBody
from toolfmt.format import Limits, openai_tool
from toolfmt.ir import Tool

__all__ = ["Granite"]


class Granite(JsonBody):
    name = "granite"
    opens, closes = ("<|tool_call|>", "<tool_call>"), ("", "")
    array = ("[", ", ", "]")
    inside = ""
    before_call = after_call = ()
    reasoning = ("<think>", "</think>")
    reasoning_inside = ("", "")
    after_reasoning = ("",)
    frames = ("<response>", "</response>")
    end_of_turn = ("<|end_of_text|>",)
    result_opens = ""
    tools_head, tools_tail = "[", "]"
    limits = Limits(text_after=False, reasoning=True)

    def describe_tools(self, tools: Sequence[Tool]) -> str:
        return json.dumps([openai_tool(tool) for tool in tools], ensure_ascii=False, indent=4)
