"""MiniMax-M1: calls on lines of their own, in one block.

    <tool_calls>
    {"name": "get_weather", "arguments": {"city": "Paris"}}
    {"name": "now", "arguments": {}}
    </tool_calls><end_of_sentence>

Source: the chat template of MiniMax-M1 (as llama.cpp has it), which drops text beside calls.
"""

from collections.abc import Sequence

from toolfmt.families.json_body import JsonBody
from toolfmt.format import Limits
from toolfmt.ir import ToolResult
from toolfmt.turns import Turns

__all__ = ["MinimaxM1"]


class MinimaxM1(JsonBody):
    name = "minimax_m1"
    opens, closes = ("<tool_calls>",), ("</tool_calls>",)
    array = ("", "\n", "")
    reasoning = ("<think>", "</think>")
    end_of_turn = ("<end_of_sentence>",)
    result_opens = "tool result: "
    between_results = "\n\n"
    tools_head = "You are provided with these tools:\n<tools>\n"
    tools_tail = (
        "\n</tools>\n\nIf you need to call tools, please respond with <tool_calls></tool_calls> XML tags, and provide tool-name and json-object of "
        'arguments, following the format below:\n<tool_calls>\n{"name": <tool-name>, "arguments": <args-json-object>}\n...\n</tool_calls>'
    )
    turns = Turns(
        system=("<beginning_of_sentence>system ai_setting=assistant\n", "<end_of_sentence>\n"),
        user=("<beginning_of_sentence>user name=user\n", "<end_of_sentence>\n"),
        assistant=("<beginning_of_sentence>ai name=assistant\n", "\n"),
        tool=("<beginning_of_sentence>tool name=tools\n", "<end_of_sentence>\n"),
    )
    limits = Limits(reasoning=True)

    def write_results(self, results: Sequence[ToolResult]) -> str:
        return super().write_results(results) + "\n\n"

    def read_results(self, text: str) -> list[ToolResult] | None:
        return super().read_results(text.removesuffix("\n\n"))
