"""`infer_tools`: tool schemas from data that has none; `infer` says also by what, and how sure that is.

Only what stands in the data is known: an argument that was always there is required, a type that never stood there is not allowed, and a string
of few values, each of them seen again, is an enumeration (`toolfmt.evidence` has the numbers).  Formats without types on the wire (`qwen_xml`) give
strings, unless the row states the tool; how many calls were of that kind is said.  Descriptions are not made up.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from toolfmt.api import parse
from toolfmt.conversion.plan import plan
from toolfmt.conversion.rows import RowConverter, blocks
from toolfmt.errors import ToolfmtError
from toolfmt.events import Parsed
from toolfmt.evidence import Seen, seen_in, tools_of
from toolfmt.format import openai_tool
from toolfmt.ir import Message, Tool, ToolCall
from toolfmt.report import ToolfmtWarning, place

__all__ = ["Inference", "ParameterEvidence", "ToolEvidence", "infer", "infer_placed", "infer_tools"]


def infer_tools(rows: Iterable[object]) -> list[Tool]:
    """Tools that every call of the data keeps to: order and types as seen, `required` what was always there, `enum` where values are few.

    ``rows`` are rows of any layout, texts of model output, `ToolCall` or `Message` objects, mixed as they come; or one of these.  Warns of rows that
    cannot be read.
    """
    found = infer(rows)
    if found.unread:
        said = f"{found.unread} of {found.rows} rows were not read; the first: {found.first_unread}"
        warnings.warn(said, ToolfmtWarning, stacklevel=2)
    return list(found.tools)


@dataclass(frozen=True, slots=True)
class ParameterEvidence:
    """What is known of one place in the arguments of a tool."""

    path: str
    """``city``, ``where.lat``, ``tags[]``."""
    seen: int
    """How often a value stood there, null too,"""
    of: int
    """of how many objects that could have held it; of items of a list, how many there were."""
    types: Mapping[str, int]
    """How often each JSON type did."""
    required: bool
    enum: bool
    values: Mapping[str, int] | None
    """The strings that stood there and how often each did; None where they are many, or long."""

    @property
    def sure(self) -> float:
        """How likely the next value is like those that were seen, by the rule of succession: 0.67 after one, 0.98 after 50."""
        return round((self.seen + 1) / (self.seen + 2), 2)


@dataclass(frozen=True, slots=True)
class ToolEvidence:
    """What is known of a tool."""

    name: str
    calls: int
    parameters: tuple[ParameterEvidence, ...]
    """Each before those inside of it."""


@dataclass(frozen=True, slots=True)
class Inference:
    """Inferred tools, and by what they were inferred."""

    tools: tuple[Tool, ...]
    evidence: tuple[ToolEvidence, ...]
    rows: int
    untyped: int
    """Calls from text that does not say types, of tools that the row does not state: their arguments count as strings."""
    unread: int
    """Rows that could not be read,"""
    first_unread: str
    """and why the first of them was not."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; ``tools`` as they are given to ``tools=`` and ``--tools``."""
        evidence = [asdict(tool) for tool in self.evidence]
        for tool, told in zip(self.evidence, evidence, strict=True):
            for parameter, made in zip(tool.parameters, told["parameters"], strict=True):
                made["sure"] = parameter.sure
        counts = {name: getattr(self, name) for name in ("rows", "untyped", "unread", "first_unread")}
        return {"tools": list(map(openai_tool, self.tools)), "evidence": evidence, **counts}

    def summary(self) -> str:
        """For people: each tool with how often it was called, each argument with how often, as what, and how sure that is."""
        lines = [f"rows: {self.rows}, tools: {len(self.tools)}, calls: {sum(tool.calls for tool in self.evidence)}"]
        if self.unread:
            lines.append(f"not read: {self.unread} rows; the first: {self.first_unread}")
        if self.untyped:
            lines.append(f"without types: {self.untyped} calls, whose arguments count as strings")
        for tool in self.evidence:
            lines.append(f"{tool.name}: {tool.calls} calls")
            lines += map(_line, tool.parameters)
        return "\n".join(lines)


def _line(found: ParameterEvidence) -> str:
    types = ", ".join(f"{kind} {times}" if len(found.types) > 1 else kind for kind, times in found.types.items())
    said = "required" if found.required else "items" if found.path.endswith("[]") else f"in {found.seen} of {found.of}"
    if found.enum and found.values:
        types += f" of {len(found.values)} values"
    return f"  {found.path}: {types}; {said}; seen {found.seen} times, sure {found.sure:.2f}"


def infer(rows: Iterable[object]) -> Inference:
    """`infer_tools` with what it went by.  The data is read twice: an iterator is held in memory."""
    if isinstance(rows, str | Mapping | ToolCall | Message):
        rows = [rows]
    held = list(rows) if isinstance(rows, Iterator) else rows
    return infer_placed(lambda: ((place(number, None), row) for number, row in enumerate(held)))


def infer_placed(rows: Callable[[], Iterable[tuple[str, object]]]) -> Inference:
    """`infer` on rows with the place of each, as messages name it; what is no row is the error that says so."""
    reading = _Reading(rows)
    seen = seen_in(reading.calls())
    evidence = tuple(ToolEvidence(name, held.times, tuple(_parameters(held, ""))) for name, held in seen.items())
    tools = tuple(tools_of(seen, enums=True))
    return Inference(tools, evidence, reading.rows, reading.untyped, reading.unread, reading.first_unread)


def _parameters(held: Seen, path: str) -> Iterator[ParameterEvidence]:
    required = set(held.required())
    children = [(f"{path}.{key}" if path else key, child, held.objects, key in required) for key, child in held.properties.items()]
    if held.items is not None:
        children.append((f"{path}[]", held.items, held.items.times, False))
    for name, child, of, always in children:
        values = dict(child.values) if child.values else None
        yield ParameterEvidence(name, child.times, of, dict(child.types), always, child.enum() is not None, values)
        yield from _parameters(child, name)


class _Reading:
    """Reads the calls of rows, and counts what it reads."""

    def __init__(self, rows: Callable[[], Iterable[tuple[str, object]]]) -> None:
        self._rows = rows
        self._converter = plan(RowConverter(None, None), "auto", lambda: (_row(row) for _, row in rows()), infer=False)
        self.rows = self.untyped = self.unread = 0
        self.first_unread = ""

    def calls(self) -> Iterator[ToolCall]:
        for where, row in self._rows():
            self.rows += 1
            if isinstance(row, ToolCall):
                yield row
                continue
            try:
                yield from list(self._calls(_row(row)))
            except ToolfmtError as error:
                self.first_unread = self.first_unread or f"{where}{error}"
                self.unread += 1

    def _calls(self, row: object) -> Iterator[ToolCall]:
        if isinstance(row, ToolfmtError):
            raise row
        _, turns, offer = self._converter.read(row)
        known: dict[int, Parsed] = {}
        source = self._converter.format_of(turns, offer, known)
        tools = offer.tools or next(blocks(turns, source), None)
        for turn in turns:
            yield from turn.calls
            if source and turn.role == "assistant" and turn.text and not turn.structured:
                parsed = parse(turn.text, source, tools=tools)
                if not source.limits.typed_values:
                    self.untyped += sum(tools is None or call.name not in tools for call in parsed.calls)
                yield from parsed.calls


def _row(given: object) -> object:
    """A text, or a message, as a row."""
    if isinstance(given, str):
        return {"messages": [{"role": "assistant", "content": given}]}
    if isinstance(given, Message):
        calls = [{"function": {"name": call.name, "arguments": call.arguments}} for call in given.calls]
        return {"messages": [{"role": "assistant", "content": "", "tool_calls": calls}]}
    return given
