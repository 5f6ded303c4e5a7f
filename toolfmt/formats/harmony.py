"""Harmony: gpt-oss.  The text of a turn, after ``<|start|>assistant``; every message of it says its channel, and a call its recipient.

    <|channel|>analysis<|message|>Hm.<|end|><|start|>assistant to=functions.get_weather<|channel|>commentary json<|message|>{"city": "Paris"}<|call|>

A turn that begins with a call begins with `` to=functions.NAME``.  Thoughts stand in ``analysis``, the answer in ``final`` (its mark ``<|return|>``),
text before a call in ``commentary``.  A call ends the turn, so one is written; several are read, with the recipient before or after the channel,
and with ``<|constrain|>``.  Text without any channel is text.
``functions.`` is not part of the name.  The built-in tools (``browser.``, ``container.``) keep their namespace, and are written without
``functions.``; the name of a function that the text calls ``functions.browser.x`` is just that, so that the two are not confused.
Source: llama.cpp's copy of gpt-oss-120b's template (in llama-cpp-python 0.3.36): it quotes results as JSON strings, and so does this.  The tools
block is lossy: see `toolfmt.families.typescript`.
"""

import re
from collections.abc import Sequence

from toolfmt.errors import UnrepresentableError
from toolfmt.families.json_header import HeaderReader, JsonHeader
from toolfmt.families.typescript import find_namespace, write_namespace
from toolfmt.format import Limits
from toolfmt.ir import Message, Part, Text, Tool, ToolCall, ToolResult
from toolfmt.reader import CallReader, Outcome
from toolfmt.rule import Arguments, Rule, seq
from toolfmt.stream import StreamParser
from toolfmt.values import JSONTextError, dumps, loads

__all__ = ["Harmony"]

_TURN = "<|start|>assistant"
_FINAL, _ASIDE = "<|channel|>final<|message|>", "<|channel|>commentary<|message|>"
_BUILT_IN = ("browser.", "container.")
_BARE = tuple(f" to={space}" for space in ("functions.", *_BUILT_IN))


class Harmony(JsonHeader):
    name = "harmony"
    opens = (
        *(f"{_TURN} to=", *_BARE),
        *("<|channel|>commentary to=", "<|channel|>analysis to="),
    )
    closes = ("<|call|>",) * len(opens)
    ambiguous = True  # `` to=functions.`` in prose is text: what makes it a call is ``<|message|>`` behind its name
    after_head = "<|message|>"
    frames = (_TURN, "<|end|>", _FINAL, _ASIDE, "<|channel|>final <|constrain|>json<|message|>")
    reasoning, reasoning_inside, after_reasoning = ("<|channel|>analysis<|message|>", "<|end|>"), ("", ""), ("",)
    reasoning_anywhere = True
    end_of_turn = ("<|return|>", "<|call|>")
    result_opens, result_closes = "<|start|>{name} to=assistant<|channel|>commentary<|message|>", "<|end|>"
    between_results = ""
    call_mark = f"{_TURN} to="
    limits = Limits(many_calls=False, text_after=False, reasoning=True, result_names=True, names=r"[^\s<]+")

    def reader(self) -> CallReader:
        return _Reader(self)

    def read_head(self, text: str) -> tuple[str, str | None]:
        found = _HEAD.fullmatch(text.strip())
        if found is None:
            raise JSONTextError("no recipient of a call")
        name = _name_of(found[1])
        self.check_name(name)
        return name, None

    def lead(self, p: StreamParser, at: int) -> int:
        return len(" to=") if p.buf.startswith(_BARE, at) else super().lead(p, at)

    def write_call(self, call: ToolCall) -> str:
        self.write_head(call)
        return f" to={_recipient_of(call.name)}<|channel|>commentary json<|message|>{dumps(call.arguments)}<|call|>"

    def call_rule(self, tool: Tool) -> Rule:
        self.check_written(tool.name)
        head = f" to={_recipient_of(tool.name)}<|channel|>commentary json<|message|>"
        return seq(head, Arguments(tool, self.dialect), "<|call|>")

    def write(self, message: Message, *, end: bool = False) -> str:
        if message.role == "assistant":
            last = len(message.parts) - 1
            parts = [
                Text(text=_FINAL + part.text if i == last else f"{_ASIDE}{part.text}<|end|>")
                if isinstance(part, Text)
                else part
                for i, part in enumerate(message.parts)
            ]
            message = Message(role="assistant", parts=tuple(parts))
        return super().write(message, end=end)

    def joint(self, before: Part | None, part: Part) -> str:
        return "" if before is None else _TURN

    def write_end(self, last: Part | None) -> str:
        """A call's own mark ends the turn too."""
        return "" if isinstance(last, ToolCall) else self.end_of_turn[0]

    def write_results(self, results: Sequence[ToolResult]) -> str:
        for i, result in enumerate(results):
            if result.name is None:
                reason = "harmony writes the tool's name with a result, and this one has none"
                raise UnrepresentableError(f"$.parts[{i}].name", reason)
        quoted = [ToolResult(name=_recipient_of(r.name or ""), content=dumps(r.content)) for r in results]
        return super().write_results(quoted)

    def read_results(self, text: str) -> list[ToolResult] | None:
        found = super().read_results(text) or []
        return [ToolResult(name=_name_of(r.name or ""), content=_unquoted(r.content)) for r in found] or None

    def describe_tools(self, tools: Sequence[Tool]) -> str:
        return f"# Tools\n\n## functions\n\n{write_namespace(tools)}"

    def find_tools(self, text: str) -> tuple[tuple[Tool, ...], int, int] | None:
        found = find_namespace(text)
        if found is None:
            return None
        tools, start, end = found
        head = "# Tools\n\n## functions\n\n"
        return tools, start - len(head) * text.endswith(head, 0, start), end


class _Reader(HeaderReader):
    def begin(self, p: StreamParser, marker: str) -> None:
        start = p.pos
        super().begin(p, marker)
        p.pos = start + marker.index("to=") + 3
        if marker not in _BARE:
            p.commit()

    def head(self, p: StreamParser, final: bool) -> Outcome | None:
        p.commit()
        return super().head(p, final)


def _name_of(recipient: str) -> str:
    name = recipient.removeprefix("functions.")
    return recipient if name.startswith(_BUILT_IN) else name


def _recipient_of(name: str) -> str:
    return name if name.removeprefix("functions.").startswith(_BUILT_IN) else f"functions.{name}"


def _unquoted(text: str) -> str:
    try:
        value = loads(text)
    except JSONTextError:
        return text
    return value if isinstance(value, str) else text


_HEAD = re.compile(r"([^\s<]+)\s*(?:<\|channel\|>(?:commentary|analysis)\s*)?(?:<\|constrain\|>)?(?:json|code)?")
