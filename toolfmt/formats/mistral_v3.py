"""Mistral, tokenizer v3: 7B-Instruct-v0.3, Mixtral-8x22B, Nemo, Large-2407, Small-2409.

    [TOOL_CALLS][{"name": "get_weather", "arguments": {"city": "Paris"}, "id": "call00001"}]</s>

Source: the chat template of Mistral-Nemo-Instruct-2407 (as llama.cpp has it) and vLLM 0.33.0's example, which puts a space behind each mark as
SentencePiece does.  An id has 9 letters or digits; any is read, and a call without.  The templates drop text beside calls.

A result is ``[TOOL_RESULTS]{"content": .., "call_id": ".."}[/TOOL_RESULTS]``.  The templates paste its content as it stands; here what is no JSON
is written as a JSON string.  Both are read, and so is that of tokenizer v7, ``[TOOL_RESULTS]ID[TOOL_CONTENT]..[/TOOL_RESULTS]``.
"""

import json
import re
from collections.abc import Sequence

from toolfmt.families.json_body import JsonBody
from toolfmt.format import Limits
from toolfmt.ir import ToolResult
from toolfmt.rule import Chars, repeat
from toolfmt.values import JSONTextError, dumps, loads, loads_at

__all__ = ["MistralV3"]


class MistralV3(JsonBody):
    name = "mistral_v3"
    opens, closes = ("[TOOL_CALLS]",), ("",)
    array = ("[", ", ", "]")
    inside = ""
    before_call = after_call = ()
    end_of_turn = ("</s>",)
    between_results = ""
    tools_head, between_tools, tools_tail = "[AVAILABLE_TOOLS][", ", ", "][/AVAILABLE_TOOLS]"
    id_rule = repeat(Chars.of(("0", "9"), ("A", "Z"), ("a", "z")), 9, 9)
    limits = Limits(text_after=False, ids=r"[A-Za-z0-9]{9}")

    def new_id(self, name: str, number: int) -> str:
        return f"call{number:05d}"

    def write_results(self, results: Sequence[ToolResult]) -> str:
        return self.between_results.join(map(_write_result, results))

    def read_results(self, text: str) -> list[ToolResult] | None:
        results, at = [], 0
        while found := _V7_RESULT.match(text, at):
            results.append(ToolResult(content=found[2], call_id=found[1]))
            at = found.end()
        while found := _RESULT.match(text, at):
            at = found.end()
            content = _content(text, at)
            close = _CLOSE.match(text, content[1]) if content else None
            if content is None or close is None:  # pasted as it stands: up to what closes it
                close = _CLOSE.search(text, at)
                if close is None:
                    return None
                content = text[at : close.start()], close.start()
            results.append(ToolResult(content=content[0], call_id=close["id"] and json.loads(close["id"])))
            at = close.end()
        return results if results and not text[at:].strip() else None


_RESULT = re.compile(r'\s*\[TOOL_RESULTS\]\s*\{"content": ')
_V7_RESULT = re.compile(r"\s*\[TOOL_RESULTS\]\s*([A-Za-z0-9]{9})\[TOOL_CONTENT\](.*?)\[/TOOL_RESULTS\]", re.DOTALL)
_CLOSE = re.compile(r'(?:, "call_id": (?P<id>"[^"\\]*"))?\}\s*\[/TOOL_RESULTS\]')


def _write_result(result: ToolResult) -> str:
    try:
        as_it_stands = not isinstance(loads(result.content), str) and result.content == result.content.strip()
    except JSONTextError:
        as_it_stands = False
    content = result.content if as_it_stands else dumps(result.content)
    call_id = "" if result.call_id is None else f', "call_id": {dumps(result.call_id)}'
    return f'[TOOL_RESULTS]{{"content": {content}{call_id}}}[/TOOL_RESULTS]'


def _content(text: str, at: int) -> tuple[str, int] | None:
    """The JSON value at ``at``, a string as what it says, any other as it stands, and its end; None where there is none."""
    try:
        value, end = loads_at(text, at)
    except JSONTextError:
        return None
    return (value if isinstance(value, str) else text[at:end]), end
