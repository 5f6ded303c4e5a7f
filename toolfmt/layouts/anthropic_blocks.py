"""Content blocks of the Messages API, read: a message becomes turns, and what only blocks can say is noted in `Turn.bound`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from toolfmt.errors import LayoutError
from toolfmt.ir import Part, Text, ToolCall, build_call, build_text
from toolfmt.layouts.base import Row, Turn, arguments_of, shown

__all__ = ["KEYS", "SYSTEM", "kinds", "read_message", "read_system"]

KEYS = ("role", "text")
"""A turn's message is made up: role, text, and what else stood beside them."""
SYSTEM = ("", "system")
Bound = list[tuple[str, str, str]]
_ONLY = "stays only in layout `anthropic`"


def kinds(content: object) -> set[str]:
    """The types of the blocks in ``content``."""
    found = [block.get("type") for block in content if isinstance(block, Mapping)] if isinstance(content, list) else []
    return {kind for kind in found if isinstance(kind, str)}


def read_system(row: Row) -> Iterator[Turn]:
    """The system text, a turn for each of its blocks."""
    system = row.get("system")
    if isinstance(system, list):
        for i, block in enumerate(_blocks(system, "$.system")):
            bound: Bound = []
            text = _text(block, f"$.system[{i}]", bound)
            if text is None:
                raise LayoutError(f"$.system[{i}].type", f"expected `text`, got `{block['type']}`")
            yield Turn("system", f"$.system[{i}]", row, SYSTEM, text=text, bound=tuple(bound))
    elif isinstance(system, str) and system:
        yield Turn("system", "$.system", row, SYSTEM, text=system)
    elif system is not None and system != "":
        raise LayoutError("$.system", f"expected text or a list of blocks, got `{shown(system)}`")


def read_message(message: object, path: str) -> list[Turn]:
    """The turns of a message: results are turns of their own."""
    role = message.get("role") if isinstance(message, Mapping) else None
    if not isinstance(message, Mapping) or role not in ("user", "assistant"):
        raise LayoutError(f"{path}.role", f"expected one of user, assistant, got `{shown(role)}`")
    content = message.get("content")
    if isinstance(content, str):
        turns = [Turn(role, path, {"role": role, "text": content}, KEYS, text=content)]
    elif not isinstance(content, list):
        raise LayoutError(f"{path}.content", f"expected text or a list of blocks, got `{shown(content)}`")
    else:
        blocks = _blocks(content, f"{path}.content")
        turns = [_assistant(blocks, path)] if role == "assistant" else list(_user(blocks, path))
    others = {key: value for key, value in message.items() if key not in ("role", "content")}
    turns[0].raw = {**turns[0].raw, **others}
    for turn in turns:
        turn.messages = (message,)
    return turns


def _blocks(content: Sequence[object], path: str) -> list[Mapping[str, Any]]:
    for i, block in enumerate(content):
        if not isinstance(block, Mapping) or not isinstance(block.get("type"), str):
            raise LayoutError(f"{path}[{i}]", f"expected a content block with a `type`, got `{shown(block)}`")
    return list(content)  # type: ignore[arg-type]


def _user(blocks: Sequence[Mapping[str, Any]], path: str) -> Iterator[Turn]:
    """A turn for each result, and one for all that stands between results."""
    start = 0
    for i, block in enumerate(blocks):
        if block["type"] == "tool_result":
            if start < i:
                yield _said(blocks, start, i, path)
            yield _result(block, f"{path}.content[{i}]")
            start = i + 1
    if start < len(blocks) or not blocks:
        yield _said(blocks, start, len(blocks), path)


def _said(blocks: Sequence[Mapping[str, Any]], start: int, end: int, path: str) -> Turn:
    text, bound = _texts(blocks[start:end], f"{path}.content", start)
    place = path if end - start == len(blocks) else f"{path}.content[{start}]"
    return Turn("user", place, {"role": "user", "text": text}, KEYS, text=text, bound=tuple(bound))


def _result(block: Mapping[str, Any], path: str) -> Turn:
    call_id, content = block.get("tool_use_id"), block.get("content")
    if not isinstance(call_id, str):
        raise LayoutError(f"{path}.tool_use_id", f"expected a string, got `{shown(call_id)}`")
    bound: Bound = []
    if isinstance(content, list):
        text, bound = _texts(_blocks(content, f"{path}.content"), f"{path}.content", 0)
    elif content is None or isinstance(content, str):
        text = content or ""
    else:
        raise LayoutError(f"{path}.content", f"expected text or a list of blocks, got `{shown(content)}`")
    others = {
        key: value
        for key, value in block.items()
        if key not in ("type", "tool_use_id", "content") and value is not None
    }
    raw = {"role": "tool", "text": text, **others}
    return Turn("tool", path, raw, KEYS, text=text, call_id=call_id, structured=True, bound=tuple(bound))


def _texts(blocks: Sequence[Mapping[str, Any]], path: str, start: int) -> tuple[str, Bound]:
    """The text of blocks without calls, and what it leaves out."""
    bound: Bound = []
    texts = [_text(block, f"{path}[{i}]", bound) for i, block in enumerate(blocks, start)]
    found = [text for text in texts if text is not None]
    if len(found) > 1:
        bound.append(("content", path, f"{len(found)} text blocks become one text"))
    return "".join(found), bound


def _text(block: Mapping[str, Any], path: str, bound: Bound) -> str | None:
    if block["type"] != "text":
        bound.append(("content", path, f"`{block['type']}` dropped: it {_ONLY}"))
        return None
    if not isinstance(block.get("text"), str):
        raise LayoutError(f"{path}.text", f"expected text, got `{shown(block.get('text'))}`")
    _extras(block, ("type", "text"), path, bound)
    return str(block["text"])


def _extras(block: Mapping[str, Any], known: Sequence[str], path: str, bound: Bound) -> None:
    bound += [
        ("key", f"{path}.{key}", f"dropped: it {_ONLY}")
        for key, value in block.items()
        if key not in known and value is not None
    ]


def _assistant(blocks: Sequence[Mapping[str, Any]], path: str) -> Turn:
    bound: Bound = []
    parts: list[Part] = []
    thoughts: list[str] = []
    turn = Turn("assistant", path, {}, KEYS)
    for i, block in enumerate(blocks):
        place = f"{path}.content[{i}]"
        if block["type"] == "tool_use":
            parts.append(_call(block, place, turn, bound))
        elif block["type"] == "thinking":
            if parts:
                bound.append(("order", place, "thinking among text and calls is moved before them"))
            thoughts.append(_thought(block, place, bound))
        elif block["type"] == "redacted_thinking":
            bound.append(("reasoning", place, f"`redacted_thinking` dropped: it {_ONLY}"))
        elif (text := _text(block, place, bound)) is not None:
            if parts and isinstance(parts[-1], Text):
                bound.append(("content", place, "this text and the one before it become one"))
            parts.append(build_text(text))
    turn.calls = tuple(part for part in parts if isinstance(part, ToolCall))
    turn.structured = bool(turn.calls)
    turn.text = "".join(part.text for part in parts if isinstance(part, Text))
    if len(thoughts) > 1:
        bound.append(("reasoning", path, f"{len(thoughts)} thinking blocks become one"))
    turn.reasoning = "".join(thoughts) if thoughts else None
    last = max((i for i, part in enumerate(parts) if isinstance(part, Text)), default=-1)
    if any(isinstance(part, ToolCall) for part in parts[: max(last, 0)]):
        turn.parts = tuple(parts)
    turn.raw, turn.bound = {"role": "assistant", "text": turn.text}, tuple(bound)
    return turn


def _call(block: Mapping[str, Any], path: str, turn: Turn, bound: Bound) -> ToolCall:
    name, call_id, given = (block.get(key) for key in ("name", "id", "input"))
    if not isinstance(name, str) or not name:
        raise LayoutError(f"{path}.name", f"expected a tool name, got `{shown(name)}`")
    if call_id is not None and not isinstance(call_id, str):
        raise LayoutError(f"{path}.id", f"expected a string, got `{shown(call_id)}`")
    arguments, _ = arguments_of(given, f"{path}.input")
    if isinstance(given, str):
        turn.notes += ((f"{path}.input", "was JSON text and is decoded"),)
    turn.objects |= not isinstance(given, str)
    _extras(block, ("type", "id", "name", "input"), path, bound)
    return build_call(name, arguments, call_id)


def _thought(block: Mapping[str, Any], path: str, bound: Bound) -> str:
    thought = block.get("thinking")
    if not isinstance(thought, str):
        raise LayoutError(f"{path}.thinking", f"expected text, got `{shown(thought)}`")
    if block.get("signature"):
        bound.append(("reasoning", f"{path}.signature", f"dropped: it {_ONLY}"))
    return thought
