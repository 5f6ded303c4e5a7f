"""JSON <-> messages for the command line: what `toolfmt parse --json` prints, `toolfmt render` reads."""

import json
from collections.abc import Callable
from typing import Any

from toolfmt.cli.common import CommandError, note
from toolfmt.ir import Malformed, Message, Part, Reasoning, Text, ToolCall, ToolResult
from toolfmt.values import JSONTextError, loads

__all__ = ["dump_call", "dump_part", "read_message", "without_ids"]

_KINDS: dict[type, str] = {
    Text: "text",
    Reasoning: "reasoning",
    ToolCall: "tool_call",
    Malformed: "malformed",
    ToolResult: "tool_result",
}
_OPENAI_KEYS = frozenset({"role", "content", "tool_calls", "reasoning_content", "reasoning", "name", "tool_call_id"})
_ROLES = ("system", "developer", "user", "assistant", "tool")


def dump_call(call: ToolCall) -> dict[str, Any]:
    return {"name": call.name, "arguments": call.arguments, "id": call.id}


def dump_part(part: Part) -> dict[str, Any]:
    """A part as JSON that says its kind."""
    return {"type": _KINDS[type(part)], **part.model_dump()}


def read_message(value: Any) -> Message:
    """A call, a list of calls or parts, an OpenAI assistant message, or a message with ``parts``; CommandError for anything else."""
    if isinstance(value, list):
        return _message("assistant", value, "$")
    if not isinstance(value, dict):
        raise CommandError(f"$: expected a call, a list of calls or a message, got `{type(value).__name__}`")
    if "parts" in value:
        return _message(_role(value), _list(value["parts"], "$.parts"), "$.parts")
    if "role" in value or "tool_calls" in value:
        return _read_openai(value)
    return Message(parts=(_read_part(value, "$"),))


def _message(role: Any, items: list[Any], path: str) -> Message:
    parts = tuple(_read_part(item, f"{path}[{i}]") for i, item in enumerate(items))
    results = parts and all(isinstance(part, ToolResult) for part in parts)
    return Message(role="tool" if results else role, parts=parts)


def _role(value: dict[str, Any]) -> Any:
    role = value.get("role", "assistant")
    if role not in _ROLES:
        raise CommandError(f"$.role: expected one of {', '.join(_ROLES)}, got {_shown(role)}")
    return role


def _read_openai(value: dict[str, Any]) -> Message:
    role = _role(value)
    for key, held in value.items():
        if held and key not in _OPENAI_KEYS:
            raise CommandError(f"$.{key}: no format writes this; remove it: {_shown(held)}")
    content = _openai_text(value.get("content"))
    if role == "tool":
        name, call_id = (_text(value, key, "$", optional=True) for key in ("name", "tool_call_id"))
        return Message(role="tool", parts=(ToolResult(content=content, name=name, call_id=call_id),))
    parts: list[Part] = []
    for key in ("reasoning_content", "reasoning"):
        if value.get(key) is not None and not parts:
            parts.append(Reasoning(text=_string(value[key], f"$.{key}")))
    if content:
        parts.append(Text(text=content))
    calls = _list(value.get("tool_calls") or [], "$.tool_calls")
    parts += [_read_call(item, f"$.tool_calls[{i}]") for i, item in enumerate(calls)]
    return Message(role=role, parts=tuple(parts))


def _openai_text(content: Any) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    texts = []
    for i, block in enumerate(_list(content, "$.content")):
        if not isinstance(block, dict) or block.get("type") != "text":
            raise CommandError(f"$.content[{i}]: only text can be written, got {_shown(block)}")
        texts.append(_text(block, "text", f"$.content[{i}]") or "")
    return "".join(texts)


def _read_part(value: Any, path: str) -> Part:
    if not isinstance(value, dict):
        raise CommandError(f"{path}: expected an object, got `{type(value).__name__}`")
    kind = value.get("type") or _guess(value, path)
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise CommandError(f"{path}.type: expected one of {', '.join(_KINDS.values())}, got {_shown(kind)}")
    return reader(value, path)


def _guess(value: dict[str, Any], path: str) -> str:
    if "name" in value or "function" in value:
        return "tool_result" if "content" in value else "tool_call"
    if "raw" in value:
        return "malformed"
    if "content" in value:
        return "tool_result"
    if "text" in value:
        if path.endswith("[0]"):  # reasoning stands first or not at all
            note(f'{path}: read as text; if it is reasoning, add `"type": "reasoning"`')
        return "text"
    raise CommandError(
        f'{path}: expected a call, {{"name": ..., "arguments": {{...}}}}, got the keys {_shown(list(value))}'
    )


def _read_call(value: Any, path: str) -> ToolCall:
    if not isinstance(value, dict):
        raise CommandError(f"{path}: expected a call, got `{type(value).__name__}`")
    inner = value.get("function", value)
    at = f"{path}.function" if "function" in value else path
    if not isinstance(inner, dict):
        raise CommandError(f"{at}: expected an object, got `{type(inner).__name__}`")
    unknown = inner.keys() - {"name", "arguments", "id", "type", *_PLACE, *(["index"] if inner is value else [])}
    if unknown:
        raise CommandError(f"{at}: a call has a name, arguments and perhaps an id, not {_shown(min(unknown))}")
    arguments = inner.get("arguments")
    if isinstance(arguments, str):
        try:
            arguments = loads(arguments)
        except JSONTextError as error:
            raise CommandError(f"{at}.arguments: {error}") from None
    if not isinstance(arguments, dict):
        raise CommandError(f"{at}.arguments: expected an object, got {_shown(arguments)}")
    return ToolCall(
        name=_text(inner, "name", at) or "", arguments=arguments, id=_text(value, "id", path, optional=True)
    )


_PLACE = ("start", "end")


def _read_text(value: dict[str, Any], path: str) -> Text:
    return Text(text=_text(value, "text", path) or "")


def _read_reasoning(value: dict[str, Any], path: str) -> Reasoning:
    return Reasoning(text=_text(value, "text", path) or "")


def _read_malformed(value: dict[str, Any], path: str) -> Malformed:
    return Malformed(raw=_text(value, "raw", path) or "", reason=_text(value, "reason", path) or "")


def _read_result(value: dict[str, Any], path: str) -> ToolResult:
    name, call_id = (_text(value, key, path, optional=True) for key in ("name", "call_id"))
    return ToolResult(content=_text(value, "content", path) or "", name=name, call_id=call_id)


_READERS: dict[str, Callable[[Any, str], Part]] = {
    "tool_call": _read_call,
    "function": _read_call,
    "text": _read_text,
    "reasoning": _read_reasoning,
    "malformed": _read_malformed,
    "tool_result": _read_result,
}


def _text(value: dict[str, Any], key: str, path: str, *, optional: bool = False) -> str | None:
    found = value.get(key)
    if found is None and optional:
        return None
    return _string(found, f"{path}.{key}")


def _shown(value: Any) -> str:
    """A value in a message: one line, not too long."""
    text = json.dumps(value, ensure_ascii=False)
    return f"`{text if len(text) <= 60 else text[:57] + '...'}`"


def _string(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise CommandError(f"{path}: expected a string, got {_shown(value)}")
    return value


def _list(value: Any, path: str) -> list[Any]:
    if not isinstance(value, list):
        raise CommandError(f"{path}: expected a list, got `{type(value).__name__}`")
    return value


def without_ids(message: Message) -> tuple[Message, list[str]]:
    """The message as a format without call ids can say it, and the ids that it loses."""
    lost: list[str] = []
    parts: list[Part] = []
    for part in message.parts:
        key = {ToolCall: "id", ToolResult: "call_id"}.get(type(part))
        held = getattr(part, key) if key else None
        if key and held is not None:
            lost.append(held)
            part = part.model_copy(update={key: None})
        parts.append(part)
    return Message(role=message.role, parts=tuple(parts)), lost
