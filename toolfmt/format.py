"""`Format`: the one class that a wire format subclasses, usually through a family of `toolfmt.families`.

A subclass says what differs as class attributes: marks, separators, limits.  From them come reading, streaming, writing, tool results and the
tools block.  Third-party formats subclass a family and register under the entry-point group ``toolfmt.formats``.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

from toolfmt.errors import UnrepresentableError
from toolfmt.ir import Message, Part, Reasoning, Text, Tool, ToolCall, ToolResult, build_result
from toolfmt.markers import Markers
from toolfmt.reader import CallReader, Types, Whole
from toolfmt.rule import EMPTY, Dialect, Rule, many, seq
from toolfmt.stream import StreamParser
from toolfmt.tools import read_tools
from toolfmt.turns import Turns
from toolfmt.values import JSONTextError, dumps, loads

__all__ = ["Format", "Limits", "SureWriter", "function_object", "openai_tool"]

SureWriter = Callable[[Sequence[ToolCall]], str | None]
"""Writes calls that are certain to be read as they were meant, by what they hold and without reading; None where that would have to be tried."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a format can say.  Strategies, docs and loss reports read it; the writer proves each case by reading back."""

    ids: str = ""
    """The call ids it can write, a regular expression; empty where calls have none."""
    many_calls: bool = True
    text_before: bool = True
    """Text may stand before the first call of a message."""
    text_after: bool = True
    """Text may stand between and after calls."""
    reasoning: bool = False
    typed_values: bool = True
    """The wire tells ``"5"`` from ``5``; otherwise the reader needs the tools."""
    result_names: bool = False
    """Results carry their tool's name."""
    names: str = r"(?s:.+)"
    """Tool names it can write, a regular expression."""
    keys: str = r"(?s:.*)"
    """Argument names it can write, at the top level; ``deep_keys`` inside containers."""
    deep_keys: str = r"(?s:.*)"
    never: tuple[str, ...] = ()
    """What no string may hold."""


class Format(ABC):
    """One wire format; stateless, one object serves all threads."""

    name: ClassVar[str]
    limits: ClassVar[Limits] = Limits()
    grammar: ClassVar[str | None] = None
    """The reference grammar, Lark; None for toolfmt's own formats, whose grammars are files: ``grammars/<name>.lark``."""
    ambiguous: ClassVar[bool] = False
    """Whether the marks of a call also stand in ordinary text (a code fence, a bare array)."""

    opens: ClassVar[tuple[str, ...]]
    """Marks that open a block of calls; the first is written."""
    closes: ClassVar[tuple[str, ...]] = ()
    """Marks that close one: ``closes[i]`` the block that ``opens[i]`` opened; ``""`` where nothing does."""
    only_at_start: ClassVar[bool] = False
    """Calls are the whole message or there are none."""
    before_call: ClassVar[tuple[str, ...]] = ("\n",)
    """Between text and a call; the first is written, one of them is removed on reading."""
    between_calls: ClassVar[str] = "\n"
    after_call: ClassVar[tuple[str, ...]] = ("\n",)
    """Between a call and text."""
    reasoning: ClassVar[tuple[str, str] | None] = None
    """Tags round reasoning, without what stands inside them."""
    reasoning_inside: ClassVar[tuple[str, str]] = ("\n", "\n")
    """What frames a thought inside its tags: written, and removed once on reading; a newline or nothing, each."""
    after_reasoning: ClassVar[tuple[str, ...]] = ("\n\n", "\n")
    """Between reasoning and what follows; the first is written, one of them is removed on reading."""
    no_reasoning: ClassVar[str] = ""
    """What its templates write in a turn without reasoning, an empty block; where this is set an empty block says nothing."""
    reasoning_anywhere: ClassVar[bool] = False
    """Reasoning may stand after text and calls, not only first."""
    frames: ClassVar[tuple[str, ...]] = ()
    """Marks round text and calls that say nothing themselves; read wherever they stand outside of calls, and dropped."""
    end_of_turn: ClassVar[tuple[str, ...]] = ()
    """End-of-turn markers; the first is written."""
    result_opens: ClassVar[str] = "Tool result: "
    """Before a tool result; ``{name}`` stands for the tool's name.  Empty: a result is the whole of its message."""
    result_closes: ClassVar[str] = ""
    between_results: ClassVar[str] = "\n"
    ids_always: ClassVar[bool] = False
    """Every call on the wire has an id; calls without one get theirs on writing, by `new_id`."""
    turns: ClassVar[Turns | None] = None
    """How chat templates frame messages; None where that is not known."""
    tools_head: ClassVar[str] = "You have access to these tools:\n\n<tools>\n"
    tools_tail: ClassVar[str] = "\n</tools>"
    between_tools: ClassVar[str] = "\n"

    # -- reading

    needs_tools: ClassVar[Literal["", "names", "types"]] = ""
    """What reading asks of the tools: their names, to tell calls from answers, or the types of their arguments."""

    @cached_property
    def markers(self) -> Markers:
        return Markers(
            openers=self.opens,
            closers=[mark for mark in self.closes if mark],
            ends=self.end_of_turn,
            think=self.reasoning,
            before_call=self.before_call,
            after_call=self.after_call,
            after_reasoning=self.after_reasoning,
            think_inside=self.reasoning_inside,
            no_thought=bool(self.no_reasoning),
            think_anywhere=self.reasoning_anywhere,
            frames=self.frames,
            only_at_start=self.only_at_start,
        )

    def typed(self, types: Types) -> Types:
        """``types`` as this format asks them, where it spells values in a way of its own."""
        return types

    @abstractmethod
    def reader(self) -> CallReader:
        """A new reader of call blocks, for one message."""

    def read_whole(self, p: StreamParser, at: int) -> Whole | None:
        """The calls at ``p.buf[at:]``, and where each stands, if they stand there complete and in plain form; else None.

        A short cut for speed: what it gives must be just what ``reader`` would give.
        """
        return None

    def read_rest(self, text: str, at: int, types: Types) -> list[ToolCall] | None:
        """The calls that ``text[at:]`` is, and nothing else, if `read_whole` takes them all; else None.  A family may be quicker, not different."""
        parser = StreamParser(self, types, events=False)
        parser.hold(text)
        whole = self.read_whole(parser, at)
        if whole is None or whole[-1][2] != len(text):
            return None
        calls = [part for part, _, _ in whole if part.type == "tool_call"]
        return calls if len(calls) == len(whole) else None

    def sure_writer(self, types: Types) -> SureWriter | None:
        """What writes calls as `write_calls` does, where `read_rest` is certain to give them back under these types; None for a family without it."""
        return None

    def evidence(self, call: ToolCall) -> int:
        """How many values of a call that was read without tools are spelled as this format, and no twin of it, spells them."""
        return 0

    # -- writing

    def numbered(self, message: Message) -> Message:
        """The message as its text will say it: where the wire gives every call an id, calls without one get theirs."""
        if not self.ids_always or all(call.id is not None for call in message.calls):
            return message
        parts: list[Part] = []
        used = {call.id for call in message.calls}
        number = 0
        for part in message.parts:
            if isinstance(part, ToolCall):
                if part.id is None:
                    while (made := self.new_id(part.name, number)) in used:
                        number += 1
                    part = part.model_copy(update={"id": made})
                number += 1
            parts.append(part)
        return Message(role=message.role, parts=tuple(parts))

    def new_id(self, name: str, number: int) -> str | None:
        """An id in the format's spelling, for call ``number`` (from 0) of the message or the conversation; None where it has no ids."""
        return None

    def takes_id(self, call: ToolCall) -> bool:
        """Whether the format can write the call's id, which it has."""
        return bool(self.limits.ids) and re.fullmatch(self.limits.ids, call.id or "") is not None

    def write(self, message: Message, *, end: bool = False) -> str:
        """The text of an assistant message, or of tool results.  What it means on reading is for the caller to check."""
        if message.role not in ("assistant", "tool"):
            return self._write_plain(message)
        parts = message.parts
        results = [part for part in parts if part.type == "tool_result"]
        if results:
            if len(results) != len(parts):
                raise UnrepresentableError("$.parts", f"{self.name} writes tool results in a message of their own")
            return self.write_results(results)
        self._check_order(message)
        pieces: list[str] = []
        calls: list[ToolCall] = []
        written = 0
        before: Part | None = None
        for i, part in enumerate(parts):
            if part.type == "tool_call":
                calls.append(part)
                if i + 1 < len(parts) and parts[i + 1].type == "tool_call":
                    continue
                pieces += [self.joint(before, part), self._write_run(calls, written)]
                written += len(calls)
                calls = []
            else:
                pieces += [self.joint(before, part), self._write_part(part, i)]
            before = part
        if end and self.end_of_turn:
            pieces.append(self.write_end(before))
        return "".join(pieces)

    def _write_run(self, calls: Sequence[ToolCall], before: int) -> str:
        """Calls side by side; an error names the call by its number in the message, ``before`` being those already written."""
        try:
            return self.write_calls(calls)
        except UnrepresentableError:
            for i, call in enumerate(calls):
                try:
                    self.write_calls([call])
                except UnrepresentableError as error:
                    raise UnrepresentableError(f"$.calls[{before + i}]{error.path[1:]}", error.reason) from None
            raise

    def _check_order(self, message: Message) -> None:
        """Refuse, by name, what ``limits`` says the format has no place for."""
        calls = 0
        for i, part in enumerate(message.parts):
            if part.type == "tool_call":
                if not calls and i and not self.limits.text_before and isinstance(message.parts[i - 1], Text):
                    raise UnrepresentableError(f"$.parts[{i - 1}]", f"{self.name} has no place for text beside calls")
                if part.id is not None and not self.takes_id(part):
                    can = (
                        f"writes ids that match `{self.limits.ids}`, not"
                        if self.limits.ids
                        else "has no call ids, and would lose"
                    )
                    raise UnrepresentableError(f"$.calls[{calls}].id", f"{self.name} {can} `{part.id}`")
                calls += 1
                if calls > 1 and not self.limits.many_calls:
                    raise UnrepresentableError(f"$.calls[{calls - 1}]", f"{self.name} writes one call a message")
            elif calls and part.type == "text" and not self.limits.text_after:
                raise UnrepresentableError(f"$.parts[{i}]", f"{self.name} has no place for text after a call")

    def _write_plain(self, message: Message) -> str:
        for i, part in enumerate(message.parts):
            if not isinstance(part, Text):
                raise UnrepresentableError(
                    f"$.parts[{i}]", f"a {message.role} message holds text, got `{type(part).__name__}`"
                )
        return message.text

    def joint(self, before: Part | None, part: Part) -> str:
        """What stands between two parts."""
        if before is None:
            return ""
        if before.type == "text" and part.type != "text":
            return self.before_call[0] if self.before_call else ""
        if before.type in ("tool_call", "malformed"):
            return (self.after_call[0] if self.after_call else "") if part.type == "text" else self.between_calls
        return ""

    def _write_part(self, part: Part, index: int) -> str:
        if part.type == "text":
            return part.text
        if part.type == "malformed":
            return part.raw
        assert isinstance(part, Reasoning)
        if self.reasoning is None:
            raise UnrepresentableError(f"$.parts[{index}]", f"{self.name} has no place for reasoning")
        if index and not self.reasoning_anywhere:
            raise UnrepresentableError(
                f"$.parts[{index}]", f"{self.name} writes reasoning first, before text and calls"
            )
        (opening, closing), (inside, before) = self.reasoning, self.reasoning_inside
        return f"{opening}{inside}{part.text}{before}{closing}{self.after_reasoning[0]}"

    def write_end(self, last: Part | None) -> str:
        """The end-of-turn marker after ``last``."""
        return self.end_of_turn[0]

    @abstractmethod
    def write_calls(self, calls: Sequence[ToolCall]) -> str:
        """The text of calls that stand side by side."""

    # -- what may be written

    call_mark: ClassVar[str] = ""
    """What begins calls among prose; empty: ``opens[0]``."""
    not_in_prose: ClassVar[tuple[str, ...]] = ()
    """What no prose may hold, where that is not just ``opens``."""

    @property
    def dialect(self) -> Dialect:
        """How arguments are written."""
        raise UnrepresentableError("format", f"{self.name} says no rule of its calls, which grammars are made of")

    @property
    def one_block(self) -> bool:
        """Whether calls side by side share a block."""
        return False

    def call_rule(self, tool: Tool) -> Rule:
        """One call of ``tool``, as it is written; `toolfmt.rule.Arguments` stands where its arguments do."""
        raise UnrepresentableError("format", f"{self.name} says no rule of its calls, which grammars are made of")

    def calls_rule(self, call: Rule, more: bool) -> Rule:
        """One call, or (``more``) one and any number after it, side by side."""
        return seq(call, many(seq(self.between_calls, call))) if more else call

    @property
    def around_calls(self) -> tuple[Rule, Rule]:
        """What stands before and after the calls of a turn that is nothing else."""
        return EMPTY, EMPTY

    # -- tool results

    def write_results(self, results: Sequence[ToolResult]) -> str:
        """The text of tool results in one message: one, or several where marks tell them apart."""
        if len(results) > 1 and not self.result_opens:
            raise UnrepresentableError("$.parts[1]", f"{self.name} writes each tool result in a message of its own")
        opens, closes = self.result_opens, self.result_closes
        written = [(opens.format(name=result.name) if "{" in opens else opens) + result.content + closes for result in results]
        return self.between_results.join(written)

    def read_results(self, text: str) -> list[ToolResult] | None:
        """The tool results of a message that is nothing else; None when it is not."""
        if not self.result_opens:
            return [build_result(text)]
        opens, closes, gaps = self._result_marks
        first = opens.match(text)
        body = text.rstrip() if self.result_closes else text
        if first is None or not body.endswith(closes) or len(body) < first.end() + len(closes):
            return None
        named = bool(gaps.groups)
        results, at, name = list[ToolResult](), first.end(), first["name"] if named else None
        for gap in gaps.finditer(body, 0, len(body) - len(closes)):
            if gap.start() >= at:
                results.append(build_result(body[at : gap.start()], name))
                at, name = gap.end(), gap["name"] if named else None
        results.append(build_result(body[at : len(body) - len(closes)], name))
        return results

    @cached_property
    def _result_marks(self) -> tuple[re.Pattern[str], str, re.Pattern[str]]:
        head, brace, tail = self.result_opens.partition("{name}")
        pattern = re.escape(head) + (r"(?P<name>[^\n]+?)" if brace else "") + re.escape(tail)
        return re.compile(pattern), self.result_closes, re.compile(re.escape(self.result_closes) + r"\n*" + pattern)

    # -- the tools block

    def describe_tools(self, tools: Sequence[Tool]) -> str:
        """The tool-definitions block of the prompt, in the format's own declaration syntax."""
        return self.tools_head + self.between_tools.join(self.write_tool(tool) for tool in tools) + self.tools_tail

    def write_tool(self, tool: Tool) -> str:
        return dumps(openai_tool(tool))

    def find_tools(self, text: str) -> tuple[tuple[Tool, ...], int, int] | None:
        """The tools block in a prompt: the tools and where the block stands, ``text[start:end]``; None when there is none."""
        start = text.find(self.tools_head)
        begin = start + len(self.tools_head)
        end = text.find(self.tools_tail, begin)
        if start < 0 or end < 0:
            return None
        tools = self.read_tools_body(text[begin:end])
        return None if tools is None else (tools, start, end + len(self.tools_tail))

    def read_tools_body(self, body: str) -> tuple[Tool, ...] | None:
        try:
            return read_tools([loads(line) for line in body.split(self.between_tools) if line])
        except JSONTextError:
            return None


def function_object(tool: Tool) -> dict[str, Any]:
    """``{"name", "description", "parameters"}``."""
    return {"name": tool.name, "description": tool.description, "parameters": tool.parameters}


def openai_tool(tool: Tool) -> dict[str, Any]:
    """``{"type": "function", "function": {...}}``, the wrapper of the OpenAI chat API."""
    return {"type": "function", "function": function_object(tool)}
