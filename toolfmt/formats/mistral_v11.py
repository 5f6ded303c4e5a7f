"""Mistral, tokenizer v11: Mistral-Small-3.2.

    [TOOL_CALLS]get_weather[CALL_ID]call00000[ARGS]{"city": "Paris"}[TOOL_CALLS]now[CALL_ID]call00001[ARGS]{}</s>

A call without an id is written, and read, without ``[CALL_ID]``: that is v13's spelling.  Nothing closes a call but the end of its arguments.
Source: llama.cpp's copy of Mistral-Small-3.2's template (in llama-cpp-python 0.3.36), which drops text beside calls; the format has a place for it.
"""

import re
from collections.abc import Sequence
from typing import ClassVar

from toolfmt.errors import UnrepresentableError
from toolfmt.families.json_header import JsonHeader
from toolfmt.format import Limits
from toolfmt.ir import ToolResult
from toolfmt.rule import Chars, Rule, repeat

__all__ = ["MistralV11"]


class MistralV11(JsonHeader):
    name = "mistral_v11"
    opens, closes = ("[TOOL_CALLS]",), ("",)
    id_rule: ClassVar[Rule | None] = repeat(Chars.of(("0", "9"), ("A", "Z"), ("a", "z")), 9, 9)
    id_mark, after_head = "[CALL_ID]", "[ARGS]"
    end_of_turn = ("</s>",)
    result_opens, result_closes, between_results = "[TOOL_RESULTS]", "[/TOOL_RESULTS]", ""
    tools_head, between_tools, tools_tail = "[AVAILABLE_TOOLS][", ", ", "][/AVAILABLE_TOOLS]"
    limits = Limits(ids=r"[a-zA-Z0-9]{9}", names=r"[^\s\[](?:[^\n\[]*[^\s\[])?")

    def new_id(self, name: str, number: int) -> str | None:
        return f"call{number:05d}"

    def write_results(self, results: Sequence[ToolResult]) -> str:
        for i, result in enumerate(results):
            if result.call_id is not None and not re.fullmatch(self.limits.ids, result.call_id):
                can = (
                    f"writes ids that match `{self.limits.ids}`, not"
                    if self.limits.ids
                    else "has no call ids, and would lose"
                )
                reason = f"{self.name} {can} `{result.call_id}`"
                raise UnrepresentableError(f"$.parts[{i}].call_id", reason)
        written = (
            f"{result.call_id}[TOOL_CONTENT]{result.content}" if result.call_id else result.content
            for result in results
        )
        return super().write_results([ToolResult(content=content) for content in written])

    def read_results(self, text: str) -> list[ToolResult] | None:
        return [_answer(result.content) for result in super().read_results(text) or ()] or None


def _answer(text: str) -> ToolResult:
    found = re.match(r"([a-zA-Z0-9]{9})\[TOOL_CONTENT\]", text)
    return ToolResult(call_id=found[1], content=text[found.end() :]) if found else ToolResult(content=text)
