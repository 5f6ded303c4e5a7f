"""Cohere: Command R7B and Command A.

    <|START_THINKING|>I look it up.<|END_THINKING|><|START_ACTION|>[
        {"tool_call_id": "0", "tool_name": "get_weather", "parameters": {"city": "Paris"}}
    ]<|END_ACTION|><|END_OF_TURN_TOKEN|>

(The lines inside have an indent of 4 and the last one none.)  Source: the chat template of c4ai-command-r7b-12-2024 (as llama.cpp has it).  Every
call has an id; the template numbers them over the conversation, and here a call without one gets its number in the message.  Text stands between
``<|START_RESPONSE|>`` marks, in newer models ``<|START_TEXT|>``.  Also read: one object for the array, calls without ids, ``name`` and ``arguments``.
"""

import json
from collections.abc import Sequence
from typing import Any

from toolfmt.families.json_body import JsonBody
from toolfmt.format import Limits, function_object
from toolfmt.ir import Part, Text, Tool, ToolResult
from toolfmt.values import JSONTextError, dumps, loads

__all__ = ["Cohere"]


class Cohere(JsonBody):
    name = "cohere"
    opens, closes = ("<|START_ACTION|>",), ("<|END_ACTION|>",)
    name_key, also_names = "tool_name", ("name",)
    arguments_keys = ("parameters", "arguments")
    id_key, id_first, ids_always = "tool_call_id", True, True
    array = ("[\n    ", ",\n    ", "\n]")
    inside = between_calls = ""
    before_call = after_call = ()
    reasoning = ("<|START_THINKING|>", "<|END_THINKING|>")
    reasoning_inside = ("", "")
    after_reasoning = ("",)
    no_reasoning = "<|START_THINKING|><|END_THINKING|>"
    frames = ("<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|START_TEXT|>", "<|END_TEXT|>")
    end_of_turn = ("<|END_OF_TURN_TOKEN|>",)
    result_opens, result_closes = "<|START_TOOL_RESULT|>", "<|END_TOOL_RESULT|>"
    tools_head, between_tools, tools_tail = "```json\n[\n    ", ",\n    ", "\n]\n```"
    limits = Limits(reasoning=True, ids=r"(?s:.+)")

    def new_id(self, name: str, number: int) -> str:
        return str(number)

    def _write_part(self, part: Part, index: int) -> str:
        written = super()._write_part(part, index)
        return f"{self.frames[0]}{written}{self.frames[1]}" if isinstance(part, Text) else written

    def write_tool(self, tool: Tool) -> str:
        return dumps({**function_object(tool), "responses": None})

    def write_results(self, results: Sequence[ToolResult]) -> str:
        made = [
            {
                "tool_call_id": result.call_id or "",
                "results": {"0": result.content},
                "is_error": None,
            }
            for result in results
        ]
        return f"{self.result_opens}{json.dumps(made, ensure_ascii=False, indent=4)}{self.result_closes}"

    def read_results(self, text: str) -> list[ToolResult] | None:
        body = text.strip()
        if not (body.startswith(self.result_opens) and body.endswith(self.result_closes)):
            return None
        try:
            made = loads(body[len(self.result_opens) : -len(self.result_closes)])
        except JSONTextError:
            return None
        if not isinstance(made, list) or not all(isinstance(item, dict) for item in made):
            return None
        return [
            ToolResult(content=_content(item.get("results")), call_id=item.get("tool_call_id") or None) for item in made
        ]


def _content(results: Any) -> str:
    """What a call gave, each piece on a line of its own."""
    pieces = list(results.values()) if isinstance(results, dict) else [results]
    return "\n".join(piece if isinstance(piece, str) else dumps(piece) for piece in pieces)
