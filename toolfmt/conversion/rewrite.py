"""One conversation from one spelling to another: `Rewriter` changes the turns that hold calls, results or a tools block, and no other.

What the target has no place for is dropped and recorded as a `Loss`; what it cannot write at all raises `UnrepresentableError`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from toolfmt.api import parse, render, write
from toolfmt.conversion.results import ResultRewriter, at_turn
from toolfmt.errors import ToolSpecError, UnrepresentableError
from toolfmt.events import Parsed
from toolfmt.format import Format
from toolfmt.ir import (
    Malformed,
    Part,
    Reasoning,
    Text,
    Tool,
    ToolCall,
    build_call,
    build_message,
    build_text,
)
from toolfmt.layouts.base import Turn
from toolfmt.layouts.thinking import OPENS, split_thought
from toolfmt.tools import ToolSet
from toolfmt.values import literal

__all__ = ["Block", "Rewriter", "find_block"]

Block = tuple[tuple[Tool, ...], int, int]
"""A tools block in a text: the tools, and where it stands."""

_ANY_TYPE = frozenset({"string", "integer", "number", "boolean", "null", "object", "array"})
_CONTAINERS = frozenset({"object", "array"})


def find_block(turn: Turn, source: Format | None) -> Block | None:
    """The tools block in a prompt, the layout's own or the source format's; ToolSpecError when a system text holds a broken one."""
    if turn.block is not None:
        return turn.block
    if not turn.text or source is None or turn.role not in ("system", "developer", "user"):
        return None
    try:
        return source.find_tools(turn.text)
    except ToolSpecError:
        if turn.role == "user":
            return None
        raise


@dataclass(slots=True)
class Rewriter(ResultRewriter):
    """Rewrites the turns of one row in place, and notes what it lost; `prove` then reads back what it wrote."""

    tools: ToolSet | None = None
    """What the arguments are read and written by."""
    inferred: ToolSet | None = None
    """Tools made up from the data: written by where there are no others."""
    same: bool = False
    """The layout to write is the one that was read: the tools that it lists in a prompt stay there."""
    known: dict[int, Parsed] = field(default_factory=dict)
    """What the source format read in some turns, by their ids."""
    calls: int = 0
    block: tuple[Tool, ...] | None = None
    """The tools of a block that was taken out of a prompt."""
    _turns: Sequence[Turn] = ()
    _used: set[str] | None = None
    """The ids that the conversation has, once one is made up."""
    _made: int = 0

    def turns(self, turns: Sequence[Turn]) -> list[Turn]:
        self._turns = turns
        made: list[Turn] = []
        results: list[Turn] = []  # that follow one another
        for turn in turns:
            for path, what in turn.notes:
                self.notice("encoding", path, what)
            for path, why in turn.broken:
                self.lose("malformed", path, f"a broken call stays as text: {why}")
            alone = self.same and self.target is None and not turn.structured and not turn.keys[0]  # a text, which has no fields
            if not alone and (turn.role == "tool" or (turn.role == "user" and self.holds_results(turn))):
                results.append(turn)
                continue
            if results:
                made += self.results(results)
                results = []
            if alone or (self.source is None and turn.block is None and turn.role != "assistant"):
                if turn.role == "user":
                    self._check_prompt(turn)
                made.append(turn)
            elif turn.role == "assistant":
                made.append(self._assistant(turn))
            else:
                made += self._prompt(turn)
        return made + self.results(results) if results else made

    # -- assistant turns

    def _assistant(self, turn: Turn) -> Turn:
        if not turn.text and not turn.structured:
            return turn
        if self.source is None and not turn.structured:
            self._check_plain(turn, ())
            return turn
        if turn.structured and turn.text and turn.text.startswith(OPENS):
            self._find_thought(turn)
        parts, ended = self._read(turn)
        calls = [part for part in parts if part.type == "tool_call"]
        if not calls and "text" not in [part.type for part in parts]:
            self._check_plain(turn, parts)
            return turn
        self.calls += len(calls)
        if turn.others and (self.target is not None or not (self.places.call_keys or (self.same and turn.plain))):
            self._lose_others(turn)
        if self.target is None:
            return self._structure(turn, parts, ended)
        parts = self._fit(turn, parts, self.target)
        if ended and not self.target.end_of_turn:
            self.notice("end", turn.path, f"the end-of-turn marker is dropped: {self.target.name} has none")
        turn.text = self._write(turn, parts, ended)
        turn.calls, turn.reasoning, turn.structured, turn.changed = (), None, False, True
        return turn

    def _find_thought(self, turn: Turn) -> None:
        """Reasoning that stands in the text beside calls, where the target has a place for it."""
        target = self.target
        thinks = target.limits.reasoning and target.reasoning is not None if target is not None else self.places.think_tags and not self.same
        if not thinks or turn.reasoning is not None or turn.parts is not None or not turn.calls:
            return
        thought, text = split_thought(turn.text or "")
        if thought is None:
            return
        turn.text, turn.reasoning = text, thought if thought.strip() else None
        said = "is reasoning now" if thought.strip() else "is empty, and dropped"
        self.notice("reasoning", turn.path, f"what stands in {OPENS} at the beginning of the text {said}")

    def _lose_others(self, turn: Turn) -> None:
        for _, place, others in turn.others:
            for key, value in others.items():
                self.lose("key", f"{turn.path}.{place}.{key}", f"`{_short(str(value))}` dropped: there is no place for other keys in a call")

    def _read(self, turn: Turn) -> tuple[list[Part], bool]:
        if turn.structured:
            parts: list[Part] = [Reasoning(text=turn.reasoning)] if turn.reasoning is not None else []
            if turn.parts is not None:
                return [*parts, *turn.parts], False
            if turn.text and (self.target is None or turn.text.strip()):
                parts.append(build_text(turn.text))
            elif turn.text:
                self.notice("space", turn.path, "content of nothing but white space beside calls is dropped")
            return [*parts, *turn.calls], False
        if not turn.text or self.source is None:
            return [], False
        parsed = self.known.get(id(turn)) or parse(turn.text, self.source, tools=self.tools)
        if not parsed.calls and not any(mark in turn.text for mark in self.source.frames):
            self._check_unlisted(turn, parsed)
            return list(parsed.malformed), False
        self._check_types(turn, parsed.calls)
        return self._with_malformed(turn, parsed), parsed.ended

    def _with_malformed(self, turn: Turn, parsed: Parsed) -> list[Part]:
        """The parts; a broken call becomes text, together with what stands between it and the texts beside it."""
        assert turn.text is not None
        if not parsed.malformed:
            parts = list(parsed.parts)
            if turn.reasoning is not None and not any(isinstance(part, Reasoning) for part in parts):
                parts.insert(0, Reasoning(text=turn.reasoning))
            return parts
        made: list[Part] = []
        start = -1
        for part, at, end in [placed for placed in parsed.placed if placed.part is not None]:
            if isinstance(part, Malformed):
                self.lose("malformed", turn.path, f"a broken call stays as text: {part.reason}")
            if isinstance(part, Text | Malformed):
                start = at if start < 0 else start
                made[len(made) - (at != start) :] = [build_text(turn.text[start:end])]
            else:
                start = -1
                assert part is not None
                made.append(part)
        return made

    def _check_plain(self, turn: Turn, parts: Sequence[Part]) -> None:
        """A text without calls stays as it is; say so where the target would read it as something else."""
        for part in parts:
            if isinstance(part, Malformed):
                self.lose("malformed", turn.path, f"a broken call stays as text: {part.reason}")
        target, text = self.target, turn.text
        if parts or not text or target is None or target is self.source:
            return
        framed = any(mark in text for mark in target.frames)
        if not framed and not any(mark in text for mark in target.opens):
            return
        read = parse(text, target, tools=self.tools)
        if read.calls or read.malformed:
            self.lose("ambiguous", turn.path, f"this text has no call, and {target.name} would read one in it")
        elif framed and [part for part in read.parts if part.type != "text" or part.text != text]:
            self.lose("ambiguous", turn.path, f"this text holds a mark that {target.name} has round texts, and drops on reading")

    def _check_unlisted(self, turn: Turn, parsed: Parsed) -> None:
        """Where any JSON may be a call, only listed tools are: say so where one is not."""
        source, text = self.source, turn.text or ""
        if source is None or not source.ambiguous or self.tools is None or not any(mark in text for mark in source.opens):
            return
        names = [call.name for call in parse(text, source).calls]
        if names:
            self.notice("unlisted", turn.path, f"stays as text: it looks like a call, and `{names[0]}` is none of the tools")

    def _check_types(self, turn: Turn, calls: Sequence[ToolCall]) -> None:
        """Values that were read as strings because nothing says what they are."""
        if self.source is None or self.source.limits.typed_values:
            return
        for i, call in enumerate(calls):
            if self.tools is not None and call.name in self.tools:
                continue
            self.notice("tools", turn.path, f"{self.source.name} does not say types, and no tools are given: values are strings")
            if self.target is not None and not self.target.limits.typed_values:
                continue
            for key, value in call.arguments.items():
                if isinstance(value, str) and _spells_more(value):
                    self.lose(
                        "type",
                        f"{turn.path}.calls[{i}].arguments.{key}",
                        f"`{value[:40]}` is written as a string: {self.source.name} does not say types; pass tools=",
                    )

    # -- writing calls

    def _fit(self, turn: Turn, parts: list[Part], target: Format) -> list[Part]:
        """The parts that the target has a place for."""
        limits = target.limits
        made: list[Part] = []
        sent: list[tuple[ToolCall, str | None]] = []
        more = "tool_call" in [part.type for part in parts]
        for part in parts:
            if part.type == "reasoning" and (not limits.reasoning or target.reasoning is None):
                self.lose("reasoning", f"{turn.path}.reasoning", f"{len(part.text)} characters dropped: {target.name} has no place for reasoning")
            elif part.type == "text" and more and not (limits.text_after if sent else limits.text_before):
                side = "after a call" if sent else "before calls"
                self.lose("text", f"{turn.path}.text", f"`{_short(part.text)}` dropped: {target.name} has no place for text {side}")
            elif part.type == "tool_call":
                written = self._with_target_id(turn, part, len(sent), target)
                sent.append((part, written.id))
                made.append(written)
            else:
                made.append(part)
        if sent:
            self.links.begin(sent)
        return made

    def _with_target_id(self, turn: Turn, call: ToolCall, index: int, target: Format) -> ToolCall:
        """The call with an id that the target can write: its own, else a new one; without where it has none."""
        if not target.limits.ids:
            return call if call.id is None else self._without_id(turn, call, index, target.name)
        if call.id is not None and target.takes_id(call):
            return call
        new = self._unused(lambda number: target.new_id(call.name, number))
        if call.id is not None:
            path = f"{turn.path}.calls[{index}].id"
            said = f"'{call.id}' is now '{new}': {target.name} writes ids that match {target.limits.ids}"
            self.notice("id", path, said)  # results get the new one too
        return build_call(call.name, call.arguments, new)

    def _without_id(self, turn: Turn, call: ToolCall, index: int, target: str) -> ToolCall:
        said = f"'{call.id}' dropped: {target} has no ids; order links results to calls"
        self.notice("id", f"{turn.path}.calls[{index}].id", said)
        return build_call(call.name, call.arguments)

    def _write(self, turn: Turn, parts: Sequence[Part], ended: bool) -> str:
        target = self.target
        assert target is not None
        message = build_message(parts)
        if not target.limits.typed_values and self.tools is None:
            self.notice("tools", turn.path, f"{target.name} does not say types: a reader will need the tool list")
        try:
            if self.tools is None and self.inferred is not None:
                try:
                    return render(message, target, tools=self.inferred, end=ended)
                except UnrepresentableError as error:
                    text = render(message, target, end=ended)
                    self.lose("type", turn.path + error.path[1:], f"{error.reason}, by the types seen in the data")
                    return text
            return self.written(turn, write(message, target, tools=self.tools, end=ended))
        except UnrepresentableError as error:
            raise at_turn(turn.path, error) from None

    def _structure(self, turn: Turn, parts: Sequence[Part], ended: bool) -> Turn:
        """Calls in fields of their own."""
        if ended:
            self.notice("end", turn.path, "the end-of-turn marker is dropped: calls in fields have none")
        old = [part for part in parts if isinstance(part, ToolCall)]
        calls = [self._field(turn, i, call) for i, call in enumerate(old)]
        texts = [i for i, part in enumerate(parts) if isinstance(part, Text)]
        reasoning = next((part.text for part in parts if isinstance(part, Reasoning)), None)
        if reasoning is not None and not self.places.reasoning:
            self.lose("reasoning", f"{turn.path}.reasoning", f"{len(reasoning)} characters dropped: the layout has no place for reasoning")
            reasoning = None
        if calls:
            self.links.begin([(call, new.id) for call, new in zip(old, calls, strict=True)])
        text = turn.text if turn.structured else "".join(part.text for part in parts if isinstance(part, Text))
        ordered: tuple[Part, ...] | None = None
        if text and calls and not self.places.text:
            self.lose("text", f"{turn.path}.text", f"`{_short(text)}` dropped: the layout has no place for text beside calls")
            text = None
        elif texts and any(isinstance(part, ToolCall) for part in parts[: texts[-1]]):
            if self.places.order:
                new = iter(calls)
                ordered = tuple(next(new) if isinstance(part, ToolCall) else part for part in parts if not isinstance(part, Reasoning))
            else:
                self.lose("order", turn.path, "text after a call is written before it: calls in fields have no place among text")
        if len(calls) > 1 and not self.places.many_calls:
            raise UnrepresentableError(turn.path, f"{len(calls)} calls in one turn: the layout has a place for one")
        turn.changed = not turn.structured or not _same_calls(calls, turn.calls) or bool(turn.notes) or not turn.plain
        turn.text, turn.calls, turn.reasoning, turn.parts, turn.structured = text, tuple(calls), reasoning, ordered, True
        return turn

    def _field(self, turn: Turn, index: int, call: ToolCall) -> ToolCall:
        """A call with an id, where the layout has ids."""
        if self.places.ids:
            return call if call.id is not None or not self.places.new_ids else build_call(call.name, call.arguments, self._unused("call_{}".format))
        return call if call.id is None else self._without_id(turn, call, index, "the layout")

    def _unused(self, name: Callable[[int], str | None]) -> str | None:
        """The first of these names that no call of the conversation has."""
        if self._used is None:
            self._used = {call.id for turn in self._turns for call in turn.calls if call.id}
        while (made := name(self._made)) in self._used:
            self._made += 1
        self._made += 1
        if made is not None:
            self._used.add(made)
        return made

    # -- prompts

    def _check_prompt(self, turn: Turn) -> None:
        """Say so where the target would read a user's text as results."""
        target, text = self.target, turn.text
        if turn.role != "user" or not text or target is None or target is self.source or not target.result_opens:
            return
        if text.startswith(target.result_opens.partition("{name}")[0]) and target.read_results(text):
            self.lose("ambiguous", turn.path, f"this text of the user is no tool result, and {target.name} would read one in it")

    def _prompt(self, turn: Turn) -> list[Turn]:
        """The turn with its tools block rewritten; without it, and none where nothing is left, where tools stand in a field."""
        try:
            found = find_block(turn, self.source)
        except ToolSpecError as error:
            if self.tools is None:
                raise
            self.lose("tools", turn.path, f"what looks like a list of tools, and is none, stays in the text: {error}")
            return [turn]
        if found is None or turn.text is None or (self.target is None and self.same and turn.block is not None):
            self._check_prompt(turn)
            return [turn]
        tools, start, end = found
        if self.target is None:
            self.block = tools
            text = turn.text[:start] + turn.text[end:]
            return [turn.copy(text=text, changed=True)] if text.strip() else []
        try:
            written = self.target.describe_tools(tools)
            again = self.target.find_tools(written)
        except (UnrepresentableError, ToolSpecError) as error:
            raise UnrepresentableError(f"{turn.path}.tools", f"{self.target.name} cannot write these tools: {error}") from None
        if again is None or again[0] != tools:
            self.lose("tools", f"{turn.path}.tools", f"{self.target.name} does not say all that the tools block said")
        gap = "\n\n" if start and turn.text[start - 1] != "\n" and turn.block is not None else ""
        return [turn.copy(text=turn.text[:start] + gap + written + turn.text[end:], changed=True)]


def _same_calls(calls: Sequence[ToolCall], others: Sequence[ToolCall]) -> bool:
    return len(calls) == len(others) and all(call is other or call == other for call, other in zip(calls, others, strict=True))


def _spells_more(text: str) -> bool:
    """Whether a text may have been written for a value that is no string: JSON, or a container in Python's spelling."""
    types = _CONTAINERS if text[:1] in ("{", "[") else _ANY_TYPE
    return not isinstance(literal(text, types), str)


def _short(text: str) -> str:
    return re.sub(r"\s+", " ", text[:60])
