"""xLAM-1: one object, whose ``tool_calls`` are an array; the agent variant has a ``thought`` before it.

    {"thought": "I look it up.", "tool_calls": [{"name": "get_weather", "arguments": {"city": "Paris"}}]}

Source: the publisher's prompt and model card (xLAM-7b-fc-r, xLAM-1b-fc-r).  A thought is read as the text before the calls; no call is an
empty array.
"""

from collections.abc import Sequence
from typing import Any

from toolfmt.errors import UnrepresentableError
from toolfmt.families.json_body import JsonReader, in_one_block
from toolfmt.families.json_scan import JsonScan
from toolfmt.format import Limits
from toolfmt.formats.xlam import Xlam
from toolfmt.ir import Message, Text, Tool, ToolCall, build_text
from toolfmt.reader import CallReader, Outcome, Whole
from toolfmt.rule import EMPTY, Rule, many, seq
from toolfmt.stream import StreamParser
from toolfmt.tools import read_tools
from toolfmt.values import JSONTextError, dumps, loads

__all__ = ["XlamV1"]


class XlamV1(Xlam):
    name = "xlam_v1"
    opens = ("{",)
    closes = ("",)
    exact_keys = False
    needs_tools = ""
    arguments_keys = ("arguments", "parameters")
    reasoning = None
    end_of_turn = ("<|EOT|>",)
    turns = None
    tools_head, tools_tail = "[BEGIN OF AVAILABLE TOOLS]\n", "\n[END OF AVAILABLE TOOLS]"
    limits = Limits(text_after=False)

    def reader(self) -> CallReader:
        return ObjectReader(self)

    def read_whole(self, p: StreamParser, at: int) -> Whole | None:
        buf, end = p.buf, p.buf.rfind("]") + 2
        start = at + len(_HEAD)
        thought: str | None = ""
        if buf.startswith('{"thought": "', at):
            start = buf.find(_CALLS, at) + len(_CALLS)
            thought = _thought(buf[at:start])
        elif not buf.startswith(_HEAD, at):
            return None
        calls = self.plain_calls(buf[start - 1 : end - 1]) if buf.startswith("]}", end - 2) and end > start else None
        if not calls or thought is None:
            return None
        text: Whole = [(build_text(thought), at, start)] if thought else []
        return text + in_one_block(calls, start if thought else at, end)

    def write(self, message: Message, *, end: bool = False) -> str:
        parts = message.parts
        if message.calls and isinstance(parts[0], Text):
            if not all(isinstance(part, ToolCall) for part in parts[1:]):
                raise UnrepresentableError(
                    "$.parts", f"{self.name} writes one text before the calls, and nothing after them"
                )
            self._check_order(message)
            text = f'{{"thought": {dumps(parts[0].text)}, ' + self.write_calls(message.calls)[1:]
            return text + (self.end_of_turn[0] if end else "")
        return super().write(message, end=end)

    def write_calls(self, calls: Sequence[ToolCall]) -> str:
        return _HEAD + ", ".join(map(self.write_body, calls)) + "]}"

    def calls_rule(self, call: Rule, more: bool) -> Rule:
        return seq(_HEAD, call, many(seq(", ", call)) if more else EMPTY, "]}")

    def describe_tools(self, tools: Sequence[Tool]) -> str:
        """The publisher's flat form: ``{"name", "description", "parameters": {argument: schema}}``, in one array."""
        return self.tools_head + dumps([_flat(tool) for tool in tools]) + self.tools_tail

    def find_tools(self, text: str) -> tuple[tuple[Tool, ...], int, int] | None:
        start = text.find(self.tools_head)
        end = text.find(self.tools_tail, start)
        if start < 0 or end < 0:
            return None
        try:
            definitions = loads(text[start + len(self.tools_head) : end])
        except JSONTextError:
            return None
        return read_tools(definitions), start, end + len(self.tools_tail)


_HEAD = '{"tool_calls": ['
_CALLS = '", "tool_calls": ['


def _thought(head: str) -> str | None:
    """The thought that the outer object's beginning says, up to the bracket of its calls; None when it is not that, "" without one."""
    try:
        outer = loads(head + "]}")
    except JSONTextError:
        return None
    if not isinstance(outer, dict) or not outer.keys() <= {"thought", "tool_calls"} or outer.get("tool_calls") != []:
        return None
    thought = outer.get("thought", "")
    return thought if isinstance(thought, str) else None


def _flat(tool: Tool) -> dict[str, Any]:
    required = tool.parameters.get("required", ())
    properties = tool.parameters.get("properties", {})
    flat = {key: schema if key in required else _optional(schema) for key, schema in properties.items()}
    return {"name": tool.name, "description": tool.description, "parameters": flat}


def _optional(schema: Any) -> Any:
    """The flat form says `, optional` in the type."""
    if not isinstance(schema, dict) or not isinstance(schema.get("type"), str):
        return schema
    return {**schema, "type": f"{schema['type']}, optional"}


class ObjectReader(JsonReader):
    """Reads the outer object's keys, then its calls like any array."""

    def begin(self, p: StreamParser, marker: str) -> None:
        super().begin(p, marker)
        self.outer = JsonScan(1, json_only=True)
        self.outer_at = p.base + p.pos
        self.key = ""
        self.state = self.keys

    def keys(self, p: StreamParser, final: bool) -> Outcome | None:
        """Before the array of calls: ``thought``, or nothing."""
        scan = self.outer
        while True:
            p.pos = scan.run(p.buf, p.pos)
            if not scan.event:
                return Outcome.MORE
            if scan.event == '"':
                self.key = scan.string if scan.comma else self.key
                scan.comma = False
            elif scan.event == "[" and self.key == '"tool_calls"':
                return self.open_array(p)
            elif scan.event != "{" or scan.depth != 1:
                return p.bad("not an object with `tool_calls`", p.base + p.pos)

    def open_array(self, p: StreamParser) -> Outcome | None:
        thought = _thought(p.since(self.outer_at, p.pos))
        if thought is None:
            return p.bad("not an object with just `thought` and `tool_calls`", p.base + p.pos)
        p.commit()
        if thought:
            p.add_text(build_text(thought))
        self.in_array = True
        self.state = self.item
        return None

    def after(self, p: StreamParser, final: bool) -> Outcome | None:
        """After the array: the end of the outer object."""
        p.pos = len(p.buf) - len(p.buf[p.pos :].lstrip())
        char = p.buf[p.pos : p.pos + 1]
        if not char:
            return Outcome.MORE
        if char != "}":
            return p.bad(f"expected `}}` after the calls, got `{char}`")
        p.pos += 1
        p.account()
        return Outcome.DONE
