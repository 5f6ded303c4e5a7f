"""DeepSeek V3.1 (and V3.1-Terminus).

    Let me look.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city": "Paris"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>

Calls stand glued.  A thought is ``<think>R</think>`` without newlines (the prompt opens it); a turn without one begins with ``</think>``.
Source: llama.cpp's copy of the template and vLLM's ``deepseekv31`` (0.33.0), from which the tools block is.
"""

import re

from toolfmt.errors import ToolSpecError
from toolfmt.families.json_header import JsonHeader
from toolfmt.format import Format, Limits
from toolfmt.ir import Tool
from toolfmt.tools import read_tools
from toolfmt.values import JSONTextError, dumps, loads

__all__ = ["DeepSeekV31"]


class DeepSeekV31(JsonHeader):
    name = "deepseek_v31"
    opens = ("<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>")
    closes = ("<｜tool▁calls▁end｜>", "<｜tool▁call▁end｜>")
    call_marks = ("<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>")
    frames = ("<｜tool▁calls▁end｜>",)
    after_head = "<｜tool▁sep｜>"
    reasoning, reasoning_inside, after_reasoning = ("<think>", "</think>"), ("", ""), ("",)
    no_reasoning = "</think>"
    end_of_turn = ("<｜end▁of▁sentence｜>",)
    result_opens, result_closes, between_results = "<｜tool▁output▁begin｜>", "<｜tool▁output▁end｜>", ""
    tools_head, between_tools = "## Tools\nYou have access to the following tools:\n\n", "\n\n"
    tools_tail = (
        "\n\nIMPORTANT: ALWAYS adhere to this exact format for tool use:\n"
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>tool_call_name<｜tool▁sep｜>tool_call_arguments<｜tool▁call▁end｜>"
        "{{additional_tool_calls}}<｜tool▁calls▁end｜>\n\nWhere:\n\n"
        "- `tool_call_name` must be an exact match to one of the available tools\n"
        "- `tool_call_arguments` must be valid JSON that strictly follows the tool's Parameters Schema\n"
        "- For multiple tool calls, chain them directly without separators or spaces\n"
    )
    limits = Limits(reasoning=True, names=r"[^\s<](?:[^\n<]*[^\s<])?")

    find_tools = Format.find_tools

    def write_tool(self, tool: Tool) -> str:
        return f"### {tool.name}\nDescription: {tool.description}\n\nParameters: {dumps(tool.parameters)}"

    def read_tools_body(self, body: str) -> tuple[Tool, ...] | None:
        found = _TOOL.findall(body)
        try:
            return read_tools([{"name": n, "description": d, "parameters": loads(p)} for n, d, p in found]) or None
        except (JSONTextError, ToolSpecError):
            return None


_TOOL = re.compile(
    r"^### ([^\n]+)\nDescription: ((?:(?!\n### ).)*?)\n\nParameters: (\{[^\n]*\})$", re.MULTILINE | re.DOTALL
)
