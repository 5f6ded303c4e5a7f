"""What the layouts share whose calls, results and tools stand in text: payloads that are JSON or Python literals, and turns read by a format.

Payloads come from data sets and are hostile: they are decoded, never evaluated, nested no deeper than `toolfmt.ir.MAX_DEPTH`, and a Python literal
is not looked at beyond a million characters.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from toolfmt.api import parse, render
from toolfmt.errors import ToolSpecError, UnrepresentableError
from toolfmt.ir import Malformed, Message, Part, Reasoning, Text, Tool, ToolCall, build_text
from toolfmt.layouts.base import Lose, Offer, Row, Turn
from toolfmt.layouts.unplaced import plain_text
from toolfmt.tools import as_toolset
from toolfmt.values import JSONTextError, dumps, loads, loads_at, loads_python

__all__ = [
    "FROM_KEYS",
    "REPR",
    "Block",
    "as_content",
    "as_value",
    "check_prompts",
    "check_text",
    "defined",
    "from_list",
    "payload",
    "payload_before",
    "read_calls",
    "system_with",
    "tools_of",
    "write_calls",
]

Block = tuple[tuple[Tool, ...], int, int]
"""Tools that a text lists, and where."""
FROM_KEYS = ("from", "value")
REPR = "is a Python literal, not JSON, and was read as one"
"""The note of a payload that is no JSON."""
_SPACE = re.compile(r"\s*")
_LITERAL = 1_000_000  # characters of a Python literal, at most
_ENDS = 4  # closing marks at which a Python literal is tried to end, at most


def payload(text: str) -> tuple[Any, bool]:
    """The value of JSON, else of a Python literal, and whether it is the latter; JSONTextError where it is neither."""
    try:
        return loads(text), False
    except JSONTextError:
        if len(text) > _LITERAL:
            raise
        return loads_python(text), True


def payload_before(text: str, start: int, mark: str) -> tuple[Any, bool, int] | None:
    """The payload that begins at ``start`` and ends before ``mark``, whether it is a Python literal, and where the mark begins; None for neither."""
    begin = _SPACE.match(text, start).end()  # type: ignore[union-attr]
    if text[begin : begin + 1] in ("{", "["):
        try:
            value, end = loads_at(text, begin)
            gap = _SPACE.match(text, end).end()  # type: ignore[union-attr]
            if text.startswith(mark, gap):
                return value, False, gap
        except JSONTextError:
            pass
    end = begin
    for _ in range(_ENDS):
        end = text.find(mark, end)
        if end < 0 or end - begin > _LITERAL:
            return None
        try:
            return loads_python(text[begin:end]), True, end
        except JSONTextError:
            end += len(mark)
    return None


def as_content(value: Any) -> str:
    """The text of a result that stands in JSON: a string is the text, anything else its JSON."""
    return value if isinstance(value, str) else dumps(value)


def as_value(text: str) -> Any:
    """What stands for the text of a result in JSON: the value that it spells, where it spells it as `as_content` does, else the string."""
    try:
        value = loads(text)
    except JSONTextError:
        return text
    return value if not isinstance(value, str) and dumps(value) == text else text


def read_calls(turn: Turn, text: str, format: str, tools: object = None) -> list[str]:
    """Set the turn's calls and reasoning as ``format`` reads them in its text, broken calls as text; gives the text of each call's block."""
    parsed = parse(text, format, tools=tools)
    parts: list[Part] = []
    start = -1
    for part, at, end in parsed.placed:
        if isinstance(part, Text | Malformed):
            if isinstance(part, Malformed):
                turn.broken += ((turn.path, part.reason),)
            start = at if start < 0 else start
            parts[len(parts) - (at != start) :] = [build_text(text[start:end])]
        elif part is not None:
            start = -1
            parts.append(part)
    if not parsed.calls and parsed.reasoning is None:
        return []
    turn.calls, turn.structured, turn.wire = parsed.calls, True, text
    turn.reasoning = parsed.reasoning
    said = tuple(part for part in parts if isinstance(part, Text | ToolCall))
    texts = [i for i, part in enumerate(said) if isinstance(part, Text)]
    turn.text = "".join(part.text for part in said if isinstance(part, Text)) or None
    turn.parts = said if texts and any(isinstance(part, ToolCall) for part in said[: texts[-1]]) else None
    return [text[at:end] for part, at, end in parsed.placed if isinstance(part, ToolCall)]


def write_calls(turn: Turn, format: str, tools: object = None) -> str:
    """The turn's text with its calls in ``format``; UnrepresentableError with the turn's path where it cannot say them."""
    parts: list[Part] = [Reasoning(text=turn.reasoning)] if turn.reasoning is not None else []
    before: list[Part] = [build_text(turn.text)] if turn.text else []
    parts += turn.parts if turn.parts is not None else [*before, *turn.calls]
    try:
        return render(Message(parts=tuple(parts)), format, tools=tools)
    except UnrepresentableError as error:
        raise UnrepresentableError(turn.path + error.path.removeprefix("$"), error.reason) from None


def check_prompts(turns: Sequence[Turn], lose: Lose, layout: str, find: Callable[[str], Block | None]) -> None:
    """Say where a text of the system, new to this layout, would be read as a list of tools; refuse one that would be read as a broken list."""
    for turn in turns:
        if turn.role not in ("system", "developer") or not turn.text:
            continue
        try:
            found = find(turn.text)
        except ToolSpecError as error:
            reason = f"layout `{layout}` would read tools in this text of the system, and refuse them: {error}"
            raise UnrepresentableError(turn.path, reason) from None
        if found is not None:
            for kind in ("tools", "text"):
                lose(kind, turn.path, f"layout `{layout}` would read tools in this text of the system")


def check_text(turn: Turn, format: str, layout: str, lose: Lose) -> None:
    """Refuse a text without calls, new to this layout, in which one would be read; say where it would be read otherwise."""
    probe = Turn("assistant", turn.path, {}, FROM_KEYS)
    if turn.keys == FROM_KEYS or not turn.text:
        return
    if read_calls(probe, turn.text, format):
        raise UnrepresentableError(turn.path, f"this text has no call, and layout `{layout}` would read one in it")
    if probe.broken or probe.structured:
        lose("ambiguous", turn.path, f"layout `{layout}` would read this text as a broken call or as reasoning")


def from_list(row: Row, roles: Mapping[str, str]) -> list[Mapping[str, Any]] | None:
    """The messages of a row of ``conversations`` with ``from`` and ``value``, all text and of these roles; None for any other row."""
    messages = row.get("conversations")
    if not isinstance(messages, list):
        return None
    for message in messages:
        if not isinstance(message, Mapping) or message.get("from") not in roles or not isinstance(message.get("value"), str):
            return None
    return messages


def tools_of(definitions: Any, path: str) -> tuple[Tool, ...]:
    """The tools of a list that stands in text at ``path``; each may be JSON text itself."""
    listed = definitions if isinstance(definitions, list) else [definitions]
    try:
        read = as_toolset([loads(item) if isinstance(item, str) else item for item in listed])
        return read.tools if read is not None else ()
    except JSONTextError as error:
        raise ToolSpecError(path, f"expected tool definitions, {error}") from None
    except ToolSpecError as error:
        raise ToolSpecError(f"{path}.{error.path}", error.reason) from None


def defined(offer: Offer) -> tuple[Tool, ...] | None:
    """The tools that a row states; None where it states nothing."""
    read = as_toolset(None if offer.definitions is None else list(offer.definitions))
    return None if read is None else read.tools


def system_with(turns: Sequence[Turn], block: str, lose: Lose, layout: str) -> list[Turn]:
    """The turns with ``block`` at the end of the first system text, or with a system text that is the block."""
    first = turns[0] if turns else None
    if first is None or first.role not in ("system", "developer"):
        return [Turn("system", "$.tools", {}, ("", ""), text=block, changed=True), *turns]
    said = plain_text(first, lose, layout)
    if not said or said.isspace():
        lose("turns", first.path, "an empty text of the system is now the tools")
    return [replace(first, text=f"{said}\n\n{block}" if said else block, changed=True), *turns[1:]]
