"""xLAM-2: the whole answer is a JSON array of calls, or it is text.

    [{"name": "get_weather", "arguments": {"city": "Paris"}}, {"name": "now", "arguments": {}}]

Source: the chat templates of xLAM-2-3b-fc-r and vLLM 0.33's examples.  Also read, after optional reasoning: the array in a code fence, after
``[TOOL_CALLS]``, in ``<tool_call>`` tags; objects separated by ``;``.  Any array may be an answer: a call has just the keys ``name`` and
``arguments``, and its tool is among those given.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal

from toolfmt.families.json_body import JsonBody, in_one_block, json_objects
from toolfmt.format import Limits
from toolfmt.ir import Tool
from toolfmt.reader import Whole
from toolfmt.stream import StreamParser
from toolfmt.tools import read_tools
from toolfmt.turns import CHATML, Turns

__all__ = ["Xlam"]


class Xlam(JsonBody):
    name = "xlam"
    opens: ClassVar[tuple[str, ...]] = ("[", "{", "```json", "```", "[TOOL_CALLS]", "<tool_call>")
    closes: ClassVar[tuple[str, ...]] = ("", "", "```", "```", "", "</tool_call>")
    array = ("[", ", ", "]")
    inside = ""
    ambiguous = only_at_start = exact_keys = True
    needs_tools: ClassVar[Literal["", "names", "types"]] = "names"
    arguments_keys: ClassVar[tuple[str, ...]] = ("arguments",)
    before_call = after_call = ()
    reasoning: ClassVar[tuple[str, str] | None] = ("<think>", "</think>")
    end_of_turn: ClassVar[tuple[str, ...]] = ("<|im_end|>", "<|eot_id|>")
    result_opens = ""
    tools_indent = 4
    turns: ClassVar[Turns | None] = replace(CHATML, tool=("<|im_start|>tool\n", "<|im_end|>\n"), before_tools="\n")
    limits = Limits(text_before=False, text_after=False, reasoning=True)

    def read_whole(self, p: StreamParser, at: int) -> Whole | None:
        end = p.buf.rfind("]") + 1
        if not p.buf.startswith("[", at) or end <= at:
            return None
        calls = self.plain_calls(p.buf[at:end])
        names = p.types.names
        if not calls or (names is not None and any(call.name not in names for call in calls)):
            return None
        return in_one_block(calls, at, end)

    def describe_tools(self, tools: Sequence[Tool]) -> str:
        """The publisher's template: each tool as JSON with an indent of 4, and an empty line after it."""
        return "".join(self.write_tool(tool) + "\n\n" for tool in tools)

    def find_tools(self, text: str) -> tuple[tuple[Tool, ...], int, int] | None:
        start = text.find('{\n    "')
        definitions, end = json_objects(text, start) if start >= 0 else ([], 0)
        end += len(text[end:]) - len(text[end:].lstrip("\n"))
        return (read_tools(definitions), start, end) if definitions else None
