"""One conversation from one spelling to another: `Rewriter` changes the turns that hold calls, results or a tools block, and no other.

What the target has no place for is dropped and recorded as a `Loss`; what it cannot write at all raises `UnrepresentableError`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as changed_copy

from toolfmt.api import parse, render
from toolfmt.errors import ToolSpecError, UnrepresentableError
from toolfmt.events import Parsed
from toolfmt.format import Format
from toolfmt.ir import Malformed, Message, Part, Reasoning, Text, Tool, ToolCall, ToolResult, build_call, build_text
from toolfmt.layouts.base import Places, Turn
from toolfmt.report import Loss
from toolfmt.tools import ToolSet
from toolfmt.values import literal

__all__ = ["Block", "Rewriter", "find_block"]

Block = tuple[tuple[Tool, ...], int, int]
"""A tools block in a text: the tools, and where it stands."""

_ANY_TYPE = frozenset({"string", "integer", "number", "boolean", "null", "object", "array"})


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
class Rewriter:
    """Rewrites the turns of one row, and notes what it lost."""

    source: Format | None
    """The format of calls in text; None where no text holds calls."""
    target: Format | None
    """The format to write; None to set calls in fields of their own."""
    tools: ToolSet | None = None
    """What the arguments are read and written by."""
    inferred: ToolSet | None = None
    """Tools made up from the data: written by where there are no others."""
    places: Places = field(default_factory=Places)
    """What the layout to write has a place for, where calls stand in fields."""
    known: dict[int, Parsed] = field(default_factory=dict)
    """What the source format read in some turns, by their ids."""
    losses: list[Loss] = field(default_factory=list)
    notices: list[Loss] = field(default_factory=list)
    calls: int = 0
    block: tuple[Tool, ...] | None = None
    """The tools of a block that was taken out of a prompt."""
    _pending: list[tuple[ToolCall, str | None]] = field(default_factory=list)
    """Calls whose results are still to come, and the ids they were written with."""
    _used: set[str] = field(default_factory=set)
    _made: int = 0

    def turns(self, turns: Sequence[Turn]) -> list[Turn]:
        self._used = {call.id for turn in turns for call in turn.calls if call.id}
        made: list[Turn] = []
        for i, turn in enumerate(turns):
            for path, what in turn.notes:
                self._notice("encoding", path, what)
            if turn.role == "assistant":
                made.append(self._assistant(turn, turns[i + 1 :] if turn.calls else ()))
            elif turn.role == "tool" or (turn.role == "user" and self._holds_results(turn)):
                made += self._results(turn)
            else:
                made += self._prompt(turn)
        return made

    def lose(self, kind: str, path: str, detail: str) -> None:
        self.losses.append(Loss(kind, path, detail=detail))

    def _notice(self, kind: str, path: str, detail: str) -> None:
        self.notices.append(Loss(kind, path, detail=detail))

    # -- assistant turns

    def _assistant(self, turn: Turn, after: Sequence[Turn]) -> Turn:
        parts, ended = self._read(turn)
        calls = [part for part in parts if isinstance(part, ToolCall)]
        if not calls and not any(isinstance(part, Text) for part in parts):
            self._check_plain(turn, parts)
            return turn
        self.calls += len(calls)
        self._pending = [(call, call.id) for call in calls]
        if self.target is None:
            return self._structure(turn, parts, ended, _linked(calls, after))
        parts = self._fit(turn, parts, self.target, _linked(calls, after))
        if ended and not self.target.end_of_turn:
            self._notice("end", turn.path, f"the end-of-turn marker is dropped: {self.target.name} has none")
        return changed_copy(
            turn, text=self._write(turn, parts, ended), calls=(), reasoning=None, structured=False, changed=True
        )

    def _read(self, turn: Turn) -> tuple[list[Part], bool]:
        if turn.structured:
            parts: list[Part] = [Reasoning(text=turn.reasoning)] if turn.reasoning is not None else []
            if turn.parts is not None:
                return [*parts, *turn.parts], False
            if turn.text and (self.target is None or turn.text.strip()):
                parts.append(build_text(turn.text))
            elif turn.text:
                self._notice("space", turn.path, "content of nothing but white space beside calls is dropped")
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
        if parts or not text or target is None or target is self.source or not any(mark in text for mark in target.opens):
            return
        read = parse(text, target, tools=self.tools)
        if read.calls or read.malformed:
            self.lose("ambiguous", turn.path, f"this text has no call, and {target.name} would read one in it")

    def _check_unlisted(self, turn: Turn, parsed: Parsed) -> None:
        """Where any JSON may be a call, only listed tools are: say so where one is not."""
        source, text = self.source, turn.text or ""
        if source is None or not source.ambiguous or self.tools is None or not any(mark in text for mark in source.opens):
            return
        names = [call.name for call in parse(text, source).calls]
        if names:
            self._notice("unlisted", turn.path, f"stays as text: it looks like a call, and `{names[0]}` is none of the tools")

    def _check_types(self, turn: Turn, calls: Sequence[ToolCall]) -> None:
        """Values that were read as strings because nothing says what they are."""
        if self.source is None or self.source.limits.typed_values:
            return
        for i, call in enumerate(calls):
            if self.tools is not None and call.name in self.tools:
                continue
            self._notice("tools", turn.path, f"{self.source.name} does not say types, and no tools are given: values are strings")
            if self.target is not None and not self.target.limits.typed_values:
                continue
            for key, value in call.arguments.items():
                if isinstance(value, str) and not isinstance(literal(value, _ANY_TYPE), str):
                    self.lose(
                        "type",
                        f"{turn.path}.calls[{i}].arguments.{key}",
                        f"`{value[:40]}` is written as a string: {self.source.name} does not say types; pass tools=",
                    )

    # -- writing calls

    def _fit(self, turn: Turn, parts: list[Part], target: Format, linked: bool) -> list[Part]:
        """The parts that the target has a place for."""
        limits = target.limits
        made: list[Part] = []
        self._pending.clear()
        calls = 0
        more = sum(isinstance(part, ToolCall) for part in parts)
        for part in parts:
            if isinstance(part, Reasoning) and (not limits.reasoning or target.reasoning is None):
                self.lose("reasoning", f"{turn.path}.reasoning", f"{len(part.text)} characters dropped: {target.name} has no place for reasoning")
            elif isinstance(part, Text) and more and not (limits.text_after if calls else limits.text_before):
                side = "after a call" if calls else "before calls"
                self.lose("text", f"{turn.path}.text", f"`{_short(part.text)}` dropped: {target.name} has no place for text {side}")
            elif isinstance(part, ToolCall):
                written = self._with_target_id(turn, part, calls, target, linked)
                self._pending.append((part, written.id))
                made.append(written)
                calls += 1
            else:
                made.append(part)
        return made

    def _with_target_id(self, turn: Turn, call: ToolCall, index: int, target: Format, linked: bool) -> ToolCall:
        """The call with an id that the target can write: its own, else a new one; without where it has none."""
        if not target.limits.ids:
            return call if call.id is None else self._without_id(turn, call, index, target.name, linked)
        if call.id is not None and target.takes_id(call):
            return call
        new = self._unused(lambda number: target.new_id(call.name, number))
        if call.id is not None:
            path = f"{turn.path}.calls[{index}].id"
            said = f"'{call.id}' is now '{new}': {target.name} writes ids that match {target.limits.ids}"
            self._notice("id", path, said)  # results get the new one too
        return build_call(call.name, call.arguments, new)

    def _without_id(self, turn: Turn, call: ToolCall, index: int, target: str, linked: bool) -> ToolCall:
        path = f"{turn.path}.calls[{index}].id"
        if linked:
            self._notice("id", path, f"'{call.id}' dropped: {target} has no ids; order links results to calls")
        else:
            self.lose("id", path, f"'{call.id}' dropped: {target} has no ids")
        return build_call(call.name, call.arguments)

    def _write(self, turn: Turn, parts: Sequence[Part], ended: bool) -> str:
        target = self.target
        assert target is not None
        message = Message(role="assistant", parts=tuple(parts))
        if not target.limits.typed_values and self.tools is None:
            self._notice("tools", turn.path, f"{target.name} does not say types: a reader will need the tool list")
        try:
            if self.tools is None and self.inferred is not None:
                try:
                    return render(message, target, tools=self.inferred, end=ended)
                except UnrepresentableError as error:
                    text = render(message, target, end=ended)
                    self.lose("type", turn.path + error.path[1:], f"{error.reason}, by the types seen in the data")
                    return text
            return render(message, target, tools=self.tools, end=ended)
        except UnrepresentableError as error:
            raise UnrepresentableError(turn.path + error.path.removeprefix("$"), error.reason) from None

    def _structure(self, turn: Turn, parts: Sequence[Part], ended: bool, linked: bool) -> Turn:
        """Calls in fields of their own."""
        if ended:
            self._notice("end", turn.path, "the end-of-turn marker is dropped: calls in fields have none")
        calls = [self._field(turn, i, call, linked) for i, call in enumerate(part for part in parts if isinstance(part, ToolCall))]
        texts = [i for i, part in enumerate(parts) if isinstance(part, Text)]
        reasoning = next((part.text for part in parts if isinstance(part, Reasoning)), None)
        if reasoning is not None and not self.places.reasoning:
            self.lose("reasoning", f"{turn.path}.reasoning", f"{len(reasoning)} characters dropped: the layout has no place for reasoning")
            reasoning = None
        self._pending = [(call, call.id) for call in calls]
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
        made = changed_copy(turn, text=text, calls=tuple(calls), reasoning=reasoning, parts=ordered, structured=True)
        made.changed = not turn.structured or made.calls != turn.calls or bool(turn.notes) or not turn.plain
        return made

    def _field(self, turn: Turn, index: int, call: ToolCall, linked: bool) -> ToolCall:
        """A call with an id, where the layout has ids."""
        if self.places.ids:
            return call if call.id is not None else build_call(call.name, call.arguments, self._unused("call_{}".format))
        return call if call.id is None else self._without_id(turn, call, index, "the layout", linked)

    def _unused(self, name: Callable[[int], str | None]) -> str | None:
        """The first of these names that no call of the conversation has."""
        while (made := name(self._made)) in self._used:
            self._made += 1
        self._made += 1
        if made is not None:
            self._used.add(made)
        return made

    # -- results

    def _holds_results(self, turn: Turn) -> bool:
        """Whether a user's text is nothing but marked tool results."""
        return self.source is not None and bool(self.source.result_opens) and bool(self._read_results(turn))

    def _read_results(self, turn: Turn) -> list[ToolResult] | None:
        if turn.structured:
            return [ToolResult(content=turn.text or "", name=turn.name, call_id=turn.call_id)]
        if self.source is None or turn.text is None:
            return None
        return self.source.read_results(turn.text)

    def _results(self, turn: Turn) -> list[Turn]:
        results = self._read_results(turn)
        if results is None and self.target is None and turn.text is not None:
            results = [ToolResult(content=turn.text, name=turn.name)]
        if results is None:
            del self._pending[:1]
            return [turn]
        linked = [self._link(turn, result) for result in results]
        if self.target is None:
            return [self._structured_result(turn, result, call, new_id) for result, call, new_id in linked]
        texts = list(self._write_results(turn, linked, self.target))
        role = turn.role
        if role == "user" and not self.target.result_opens:
            role = "tool"
            self._notice("role", turn.path, f"a tool result has role `tool` now: {self.target.name} does not mark results in the text")
        return [
            changed_copy(turn, role=role, text=text, call_id=None, structured=False, changed=True) for text in texts
        ]

    def _link(self, turn: Turn, result: ToolResult) -> tuple[ToolResult, ToolCall | None, str | None]:
        """The result with its tool's name, and the call it answers, by id, else by order, with the id that was written."""
        found = next((i for i, (call, _) in enumerate(self._pending) if result.call_id and call.id == result.call_id), 0)
        call, new_id = self._pending.pop(found) if self._pending else (None, None)
        if call is not None and result.name is not None and result.name != call.name and self.target and not self.target.limits.result_names:
            self.lose("name", turn.path, f"the result's name `{result.name}` is dropped, and the call it follows is to `{call.name}`")
        name = result.name if result.name is not None else call.name if call else None
        return ToolResult(content=result.content, name=name, call_id=result.call_id), call, new_id

    def _write_results(
        self, turn: Turn, linked: Sequence[tuple[ToolResult, ToolCall | None, str | None]], target: Format
    ) -> Iterator[str]:
        named, with_ids = target.limits.result_names, bool(target.limits.ids)
        results = [
            ToolResult(content=result.content, name=result.name if named else None, call_id=new_id if with_ids else None)
            for result, _, new_id in linked
        ]
        if named and any(result.name is None for result in results):
            raise UnrepresentableError(turn.path, f"{target.name} writes the tool's name with a result, and no call stands before this one")
        together = [results] if target.result_opens else [[result] for result in results]
        try:
            for group in together:
                try:
                    written = [render(group, target)]
                except UnrepresentableError:
                    if len(group) == 1:
                        raise
                    written = [render([result], target) for result in group]  # a message each
                yield from written
        except UnrepresentableError as error:
            raise UnrepresentableError(turn.path + error.path.removeprefix("$"), error.reason) from None

    def _structured_result(self, turn: Turn, result: ToolResult, call: ToolCall | None, new_id: str | None) -> Turn:
        call_id = result.call_id or new_id
        if call_id is None and self.places.ids:
            self._notice("id", turn.path, "a tool result without an id: no call stands before it")
        said = self.places.result_names or turn.name is not None or call is None or result.name != call.name
        name = result.name if said else None
        call_id = call_id if self.places.ids else None
        changed = not turn.structured or call_id != turn.call_id or name != turn.name
        return changed_copy(turn, role="tool", text=result.content, call_id=call_id, name=name, structured=True, changed=changed)

    # -- prompts

    def _prompt(self, turn: Turn) -> list[Turn]:
        """The turn with its tools block rewritten; without it, and none where nothing is left, where tools stand in a field."""
        found = find_block(turn, self.source)
        if found is None or turn.text is None:
            return [turn]
        tools, start, end = found
        if self.target is None:
            self.block = tools
            text = turn.text[:start] + turn.text[end:]
            return [changed_copy(turn, text=text, changed=True)] if text.strip() else []
        try:
            written = self.target.describe_tools(tools)
            again = self.target.find_tools(written)
        except (UnrepresentableError, ToolSpecError) as error:
            raise UnrepresentableError(f"{turn.path}.tools", f"{self.target.name} cannot write these tools: {error}") from None
        if again is None or again[0] != tools:
            self.lose("tools", f"{turn.path}.tools", f"{self.target.name} does not say all that the tools block said")
        return [changed_copy(turn, text=turn.text[:start] + written + turn.text[end:], changed=True)]


def _linked(calls: Sequence[ToolCall], after: Sequence[Turn]) -> bool:
    """Whether the results that follow stand in the order of their calls."""
    ids = []
    for turn in after:
        if turn.role != "tool":
            break
        ids.append(turn.call_id)
    return len(ids) <= len(calls) and all(got is None or got == call.id for got, call in zip(ids, calls, strict=False))


def _short(text: str) -> str:
    return re.sub(r"\s+", " ", text[:60])
