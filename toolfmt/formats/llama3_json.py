"""Llama 3.1, 3.2, 3.3 and Llama 4 with JSON calls: an object with ``name`` and ``parameters``, bare.

    {"name": "get_weather", "parameters": {"city": "Paris"}}

Source: the chat templates of Llama-3.1-8B-Instruct and Llama-3.2-3B-Instruct (as llama.cpp has them) and vLLM 0.33.0's examples for 3.1 and 4.  The
templates of Llama 3 write one call a message; that of Llama 4 glues calls, and text before them.  Also read: ``<|python_tag|>`` before the call,
``;`` between calls, an array of them, ``arguments`` for ``parameters``, ``"type": "function"``.

Prose holds JSON too.  An object is a call when it has just these keys and, where tools are given, names one of them; what stands behind
``<|python_tag|>`` is always meant as a call.
"""

import json
from collections.abc import Sequence
from typing import Any

from toolfmt.families.json_body import JsonBody, in_one_block, last_of
from toolfmt.format import Limits
from toolfmt.ir import ToolResult
from toolfmt.reader import Whole
from toolfmt.stream import StreamParser
from toolfmt.turns import LLAMA3
from toolfmt.values import JSONTextError, dumps

__all__ = ["Llama3Json"]

_OPENING = '{"name": "'


class Llama3Json(JsonBody):
    name = "llama3_json"
    opens, closes = ("{", "[", "<|python_tag|>"), ("", "", "")
    sure = ("<|python_tag|>",)
    arguments_keys = ("parameters", "arguments")
    ambiguous = exact_keys = True
    needs_tools = "names"
    inside = ""
    before_call = after_call = ()
    between_calls = "; "
    end_of_turn = ("<|eot_id|>", "<|eom_id|>", "<|eot|>")
    result_opens = ""
    tools_indent = 4
    between_tools = "\n\n"
    tools_head = (
        "Given the following functions, please respond with a JSON for a function call with its proper arguments that best answers the given "
        'prompt.\n\nRespond in the format {"name": function name, "parameters": dictionary of argument name and its value}.'
        "Do not use variables.\n\n"
    )
    tools_tail = "\n\n"
    call_mark = '{"name": "'
    not_in_prose = ('{"name"', '{ "name"', '{"parameters"', '{"arguments"', "[{", "<|python_tag|>")
    turns = LLAMA3
    limits = Limits(many_calls=False, text_after=False)

    def check_exact(self, value: dict[str, Any]) -> None:
        if "id" in value or not any(key in value for key in self.arguments_keys):
            raise JSONTextError("a call has just the keys `name` and `parameters`")

    def read_whole(self, p: StreamParser, at: int) -> Whole | None:
        """One call that ends the message: behind it another may stand."""
        buf, names = p.buf, p.types.names
        if not p.closed or not buf.startswith(_OPENING, at):
            return None
        end = last_of(p, at, _OPENING, "}")
        if end < 0 or buf[end:].strip() not in ("", *self.end_of_turn):
            return None
        call = self.plain_call(buf[at:end])
        return None if call is None or (names is not None and call.name not in names) else in_one_block([call], at, end)

    def write_results(self, results: Sequence[ToolResult]) -> str:
        """As the templates of Llama 3 do: a JSON string."""
        return super().write_results([ToolResult(content=dumps(result.content)) for result in results])

    def read_results(self, text: str) -> list[ToolResult] | None:
        try:
            content = json.loads(text) if text.startswith('"') else text
        except ValueError:
            content = text
        return [ToolResult(content=content)]
