"""Kimi K3 (XTML): tags of three marks, each argument with its type; thought, answer and calls each in a block of their own, always written.

    <|open|>think<|sep|>R<|close|>think<|sep|><|open|>response<|sep|>Look.<|close|>response<|sep|><|open|>tools<|sep|>
    <|open|>call tool="get_weather" index="1"<|sep|><|open|>argument key="city" type="string"<|sep|>Paris<|close|>argument<|sep|>
    <|close|>call<|sep|><|close|>tools<|sep|><|close|>message<|sep|><|end_of_msg|>

Without the newlines shown here.  Strings stand bare, anything else is JSON; in names ``"`` is ``&quot;``.  The number of a call is written and not
asked for.  Source: the chat template of Kimi-K3 (llama.cpp).  Its block of raw JSON, for arguments that are no object, is malformed here.
"""

import json
from collections.abc import Sequence
from typing import Any

from toolfmt.families.typed_tags import TypedTags
from toolfmt.format import Limits, openai_tool
from toolfmt.ir import Message, Reasoning, Text, Tool, ToolResult
from toolfmt.rule import Lit, Rule, optional, seq
from toolfmt.tools import read_tools
from toolfmt.values import JSONTextError, loads

__all__ = ["KimiK3"]


class KimiK3(TypedTags):
    name = "kimi_k3"
    opens, closes = ("<|open|>tools<|sep|>", '<|open|>call tool="'), ("<|close|>tools<|sep|>", "")
    call_open, name_char, name_rest = '<|open|>call tool="', r'[^"\n]', '" index="{index}'
    name_close = key_close = '"<|sep|>'
    call_close = "<|close|>call<|sep|>"
    key_open, key_char, key_rest = '<|open|>argument key="', r'[^"\n]', '" type="{type}'
    value_close = "<|close|>argument<|sep|>"
    line = ""
    shared = escaped = True
    before_call = after_call = ()
    between_calls = ""
    reasoning, reasoning_inside = ("<|open|>think<|sep|>", "<|close|>think<|sep|>"), ("", "")
    after_reasoning = ("",)
    no_reasoning = "<|open|>think<|sep|><|close|>think<|sep|>"
    frames = ("<|open|>response<|sep|>", "<|close|>response<|sep|>", "<|close|>message<|sep|>")
    end_of_turn = ("<|end_of_msg|>",)
    result_opens = ""
    tools_head = "# Tools\nHere are the available tools, described in JSONSchema.\n\n```json\n"
    tools_tail = "\n```"
    limits = Limits(
        reasoning=True,
        text_after=False,
        names=r"[^\n]+",
        keys=r"[^\n]*",
        never=(
            '<|close|>argument<|sep|><|open|>argument key="',
            '<|close|>argument<|sep|>\n<|open|>argument key="',
            "<|close|>argument<|sep|><|close|>call<|sep|>",
            "<|close|>argument<|sep|>\n<|close|>call<|sep|>",
            '<|close|>argument<|sep|><|open|>call tool="',
            '<|close|>call<|sep|><|open|>call tool="',
        ),
    )

    def write(self, message: Message, *, end: bool = False) -> str:
        if message.role != "assistant" or any(isinstance(part, ToolResult) for part in message.parts):
            return super().write(message, end=end)
        parts: list[Any] = list(message.parts)
        self._check_order(message)
        thought = answer = ""
        if parts and isinstance(parts[0], Reasoning):
            thought = parts.pop(0).text
        if parts and isinstance(parts[0], Text):
            answer = parts.pop(0).text
        opening, closing, ending = self.frames
        calls = super().write(Message(parts=tuple(parts)))
        text = f"{self.reasoning[0]}{thought}{self.reasoning[1]}{opening}{answer}{closing}{calls}{ending}"
        return text + self.end_of_turn[0] if end else text

    @property
    def around_calls(self) -> tuple[Rule, Rule]:
        thought, answer = "".join(self.reasoning), self.frames[0] + self.frames[1]
        return optional(seq(optional(Lit(thought)), answer)), optional(Lit(self.frames[2]))

    def describe_tools(self, tools: Sequence[Tool]) -> str:
        listed = [openai_tool(tool) for tool in tools]
        body = json.dumps(listed, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return self.tools_head + body + self.tools_tail

    def read_tools_body(self, body: str) -> tuple[Tool, ...] | None:
        try:
            return read_tools(loads(body))
        except JSONTextError:
            return None
