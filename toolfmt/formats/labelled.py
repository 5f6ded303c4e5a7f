"""The labelled guide format: a name line, an arguments line.

    <|tool_call|>
    Tool: execute_python
    Arguments: {"code": "print(1)"}
    <|end|>

Source: the guide defines one call and one result block.  What it leaves open toolfmt defines (docs/decisions.md): JSON on one line when written
and on any number of lines when read, a whole block per call, text only before the calls, and the tools block, which is provisional.
"""

import re
from collections.abc import Sequence

from toolfmt.errors import UnrepresentableError
from toolfmt.families.json_header import JsonHeader
from toolfmt.format import Limits, function_object
from toolfmt.ir import Part, Text, Tool, ToolResult
from toolfmt.turns import Turns
from toolfmt.values import dumps

__all__ = ["Labelled"]


class Labelled(JsonHeader):
    name = "labelled"
    opens, closes = ("<|tool_call|>",), ("<|end|>",)
    before_name, after_head, after_arguments = "\nTool: ", "\nArguments: ", "\n"
    before_call, between_calls, after_call = ("\n",), "\n", ("\n",)
    end_of_turn = ("<|end|>",)
    result_opens, result_closes = "<|tool_result|>\nTool: {name}\nOutput: ", "\n<|end|>"
    tools_head, tools_tail = "", ""
    turns = Turns(
        system=("<|system|>\n", "<|end|>\n"),
        user=("<|user|>\n", "<|end|>\n"),
        assistant=("<|assistant|>\n", "\n"),
        tool=("", "\n"),
    )
    limits = Limits(text_after=False, result_names=True, names=r"(?!\s)(?:(?!<\|(?:tool_call|end)\|>)[^\n])+(?<!\s)")

    def write_end(self, last: Part | None) -> str:
        """A call's own mark ends the turn too."""
        return self.end_of_turn[0] if last is None or isinstance(last, Text) else ""

    def write_results(self, results: Sequence[ToolResult]) -> str:
        for i, result in enumerate(results):
            if result.name is None:
                raise UnrepresentableError(
                    f"$.parts[{i}].name", "labelled writes the tool's name with a result, and this one has none"
                )
        return super().write_results(results)

    def write_tool(self, tool: Tool) -> str:
        return f"Tool: {dumps(function_object(tool))}"

    def find_tools(self, text: str) -> tuple[tuple[Tool, ...], int, int] | None:
        found = _TOOL_LINES.search(text)
        if found is None:
            return None
        tools = self.read_tools_body("\n".join(line.removeprefix("Tool: ") for line in found[0].split("\n")))
        return None if tools is None else (tools, found.start(), found.end())


_TOOL_LINES = re.compile(r"^Tool: \{.*\}(?:\nTool: \{.*\})*$", re.MULTILINE)
