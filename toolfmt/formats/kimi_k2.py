"""Kimi K2 to K2.6 and K2-Thinking.

    Let me look.<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{"city": "Paris"}<|tool_call_end|>
    <|tool_calls_section_end|>

(on one line).  The id, ``functions.NAME:INDEX``, is the only place of the name, so every call has one; the index counts the calls of a message.
An id is read with or without ``functions.``, and the name is what is left before the last ``:INDEX``.  A result names the id that it answers.
Source: llama.cpp's copy of the template (in llama-cpp-python 0.3.36), and the parser tests of smg.
"""

import re
from collections.abc import Sequence

from toolfmt.errors import UnrepresentableError
from toolfmt.families.json_header import JsonHeader
from toolfmt.format import Limits
from toolfmt.ir import Message, ToolCall, ToolResult
from toolfmt.rule import Chars, Rule, repeat, seq
from toolfmt.values import JSONTextError

__all__ = ["KimiK2"]


class KimiK2(JsonHeader):
    name = "kimi_k2"
    opens = ("<|tool_calls_section_begin|>", "<|tool_call_begin|>", "<|tool_call_section_begin|>")
    closes = ("<|tool_calls_section_end|>", "<|tool_call_end|>", "<|tool_call_section_end|>")
    call_marks = ("<|tool_call_begin|>", "<|tool_call_end|>")
    frames = ("<|tool_calls_section_end|>", "<|tool_call_section_end|>")
    after_head = "<|tool_call_argument_begin|>"
    ids_always = True
    reasoning, reasoning_inside, after_reasoning = ("<think>", "</think>"), ("", ""), ("",)
    no_reasoning = "<think></think>"
    end_of_turn = ("<|im_end|>",)
    result_opens, result_closes, between_results = "<|im_system|>{name}<|im_middle|>", "<|im_end|>", ""
    tools_head, between_tools, tools_tail = "<|im_system|>tool_declare<|im_middle|>[", ", ", "]<|im_end|>"
    limits = Limits(
        ids=r"(functions\.)?[^\s<](?:[^\n<]*[^\s<])?:[0-9]+", reasoning=True, names=r"[^\s<](?:[^\n<]*[^\s<])?"
    )

    def read_head(self, text: str) -> tuple[str, str | None]:
        head = text.strip()
        name, colon, index = head.rpartition(":")
        numbered = colon and index.isascii() and index.isdigit()
        name = (name if numbered else head).removeprefix("functions.")
        self.check_name(name)
        return name, head if numbered else None

    def head_rule(self, name: str) -> Rule:
        self.check_written(name)
        return seq(f"functions.{name}:", repeat(Chars.of(("0", "9")), 1, 4))

    def write_head(self, call: ToolCall) -> str:
        super().write_head(call)
        if not self.takes_id(call):
            raise UnrepresentableError(
                "$.id", f"`{call.id}` does not name the tool: an id is `{self.new_id(call.name, 0)}`"
            )
        return call.id or ""

    def _check_order(self, message: Message) -> None:
        for i, call in enumerate(message.calls):
            self.check_written(
                call.name, f"$.calls[{i}].name"
            )  # first: an id made of a bad name is no fault of the caller's
        super()._check_order(message)

    def new_id(self, name: str, number: int) -> str:
        return f"functions.{name}:{number}"

    def takes_id(self, call: ToolCall) -> bool:
        try:
            return self.read_head(call.id or "") == (call.name, call.id)
        except JSONTextError:
            return False

    def write_calls(self, calls: Sequence[ToolCall]) -> str:
        ids = [call.id or self.new_id(call.name, i) for i, call in enumerate(calls)]
        return super().write_calls([call.model_copy(update={"id": i}) for call, i in zip(calls, ids, strict=True)])

    def write_results(self, results: Sequence[ToolResult]) -> str:
        return "".join(map(self._write_result, results))

    def _write_result(self, result: ToolResult) -> str:
        answers = "" if result.call_id is None else f"## Return of {result.call_id}\n"
        return f"<|im_system|>{result.name or 'tool'}<|im_middle|>{answers}{result.content}<|im_end|>"

    def read_results(self, text: str) -> list[ToolResult] | None:
        return [_answer(result) for result in super().read_results(text) or ()] or None


def _answer(result: ToolResult) -> ToolResult:
    found = _ANSWERS.match(result.content)
    name = None if result.name == "tool" else result.name
    return ToolResult(
        name=name, call_id=found and found[1], content=result.content[found.end() :] if found else result.content
    )


_ANSWERS = re.compile(r"## Return of ([^\n]+?)(?:\n|\\n)")  # one copy of the template writes a backslash and an n
