"""The public functions on text: resolve the names, call the format, and prove what was written by reading it back."""

import marshal
from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple, get_args

from toolfmt.argument_types import OwnTypes, argument_types
from toolfmt.coercion import CallLost
from toolfmt.errors import ParseError, UnrepresentableError
from toolfmt.events import Parsed
from toolfmt.format import Format
from toolfmt.ir import Message, Part, Text, Tool, ToolCall, ToolResult, build_message, difference
from toolfmt.reader import Types
from toolfmt.registry import get_format
from toolfmt.stream import StreamParser
from toolfmt.tools import read_tools

__all__ = ["Written", "describe_tools", "parse", "prove", "render", "stream", "write"]

_PARTS = get_args(Part)


def parse(
    text: str, format: str | Format, *, tools: object = None, strict: bool = False, coercion: str = "schema"
) -> Parsed:
    """Read model output; the assistant's text of one turn, without the turn's header.

    ``format`` is a name, an alias, a model name or a `Format`.  ``tools`` takes every shape of tool definition; formats without types on the wire
    need it to tell ``"5"`` from ``5``.  ``coercion`` names the law for that: ``schema``, or what a server does (``vllm``, ``sglang``, ``mlx``,
    ``transformers``).  Never raises on model output: what opens like a call and is none is a `Malformed` part.  ``strict=True`` reads through the
    format's reference grammar instead and raises `ParseError`.
    """
    fmt = get_format(format) if isinstance(format, str) else format
    types = fmt.typed(argument_types(tools, coercion, needs=fmt.needs_tools))
    if strict:
        return _parse_strictly(text, fmt, types)
    return StreamParser(fmt, types, events=False).read(text)


def _parse_strictly(text: str, fmt: Format, types: Types) -> Parsed:
    from toolfmt.reference import read

    try:
        parts = read(fmt.name, text, partial(types.read, 0), names=types.names, grammar=fmt.grammar)
    except CallLost as error:
        raise ParseError(str(error), text, 0) from None
    fast = StreamParser(fmt, types, events=False).read(text)
    if fast.parts != parts:
        raise ParseError(f"the two readers of {fmt.name} disagree: {parts!r} and {fast.parts!r}", text, 0)
    return fast


def stream(format: str | Format, *, tools: object = None, coercion: str = "schema") -> StreamParser:
    """A reader of model output that arrives in pieces: ``feed(chunk)`` and ``close()`` return events, ``parsed`` is the whole."""
    fmt = format if isinstance(format, Format) else get_format(format)
    return StreamParser(fmt, fmt.typed(argument_types(tools, coercion, needs=fmt.needs_tools)))


def render(
    message: Message | ToolCall | Iterable[Part],
    format: str | Format,
    *,
    tools: object = None,
    verify: bool = True,
    end: bool = False,
) -> str:
    """Write a message, or calls, in a format; ``end=True`` adds the end-of-turn marker.

    What was written is read back and compared; what the format cannot say raises `UnrepresentableError` with the path and the reason.  With
    ``tools`` it is read back under their schemas, as a reader will; without, each call is read under the types of its own arguments.
    ``verify=False`` skips this, for messages that have been checked.
    """
    written = write(message, format, tools=tools, end=end)
    if verify:
        prove(written)
    return written.text


class Written(NamedTuple):
    """What was written and not yet read back."""

    text: str
    message: Message
    format: Format
    tools: object
    end: bool


def write(message: Message | ToolCall | Iterable[Part], format: str | Format, *, tools: object = None, end: bool = False) -> Written:
    """`render` without its proof, for those who give it later; see `prove`."""
    fmt = format if isinstance(format, Format) else get_format(format)
    message = fmt.numbered(_as_message(message))
    try:
        text = fmt.write(message, end=end)
        text.encode()
    except UnicodeEncodeError as error:
        raise UnrepresentableError(
            "$", f"{fmt.name} cannot write the lone surrogate `\\u{ord(error.object[error.start]):04x}`"
        ) from None
    except RecursionError:
        raise UnrepresentableError("$", "nested too deep") from None
    return Written(text, message, fmt, tools, end)


def _as_message(message: Message | ToolCall | Iterable[Part]) -> Message:
    if isinstance(message, Message):
        return message if _is_joined(message.parts) else Message(role=message.role, parts=joined(message.parts))
    parts = (message,) if isinstance(message, ToolCall) else tuple(message)
    if not all(isinstance(part, _PARTS) for part in parts):
        return Message(parts=parts)  # says what was expected
    parts = parts if _is_joined(parts) else joined(parts)
    return build_message(parts, "tool" if parts and all(part.type == "tool_result" for part in parts) else "assistant")


def prove(written: Written) -> None:
    """Read back what was written; UnrepresentableError where it does not say the message."""
    text, message, fmt, tools, end = written
    if message.role not in ("assistant", "tool"):
        return
    if "tool_result" in [part.type for part in message.parts]:
        _verify_results(text, message, fmt)
        return
    own = tools is None and fmt.needs_tools == "types"
    types: Types = OwnTypes(message.calls) if own else argument_types(tools, needs=fmt.needs_tools)
    got = StreamParser(fmt, fmt.typed(types), events=False).read(text)
    reason = compare(message.parts, got.parts, fmt)
    if reason is None and (got.truncated or (got.ended and not end)):
        reason = ("$.parts", f"{fmt.name} would read the end of this text as the end of the turn")
    if reason:
        raise UnrepresentableError(*reason)


def _is_joined(parts: Sequence[Part]) -> bool:
    """Whether no text is empty, and none stands beside another."""
    text = False
    for part in parts:
        if part.type == "text":
            if text or not part.text:
                return False
            text = True
        else:
            text = False
    return True


def joined(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The parts as a reader can give them: adjacent texts joined, empty ones dropped."""
    made: list[Part] = []
    for part in parts:
        if isinstance(part, Text):
            if not part.text:
                continue
            if made and isinstance(made[-1], Text):
                made[-1] = Text(text=made[-1].text + part.text)
                continue
        made.append(part)
    return tuple(made)


def compare(wanted: Sequence[Part], got: Sequence[Part], fmt: Format) -> tuple[str, str] | None:
    """Where what was written first reads otherwise than it was meant: (path, reason); None when it does not."""
    calls = 0
    for i, part in enumerate(wanted):
        read = got[i] if i < len(got) else None
        if part.type == "tool_call":
            calls += 1
            if read is not None and read.type == "tool_call" and read.name == part.name:
                alike = marshal.dumps(part.arguments, 2) == marshal.dumps(read.arguments, 2)
                if alike and part.id == read.id:
                    continue  # the same, key order too; what this does not see is looked at below
                where = None if alike else difference(part.arguments, read.arguments, f"$.calls[{calls - 1}].arguments")
                if where:
                    at, _, what = where.partition(": ")
                    return at, f"{fmt.name} cannot write it so that it is read back: {what}"
                if part.id == read.id:
                    continue
                return f"$.calls[{calls - 1}].id", f"{fmt.name} would read the id `{part.id}` as `{read.id}`"
            path = f"$.calls[{calls - 1}]"
        elif (part.type == "text" and read is not None and read.type == "text" and part.text == read.text) or part == read:
            continue
        else:
            path = f"$.parts[{i}]"
        held = _forbidden(part.arguments, f"{path}.arguments", fmt) if isinstance(part, ToolCall) else None
        if held:
            return held[0], f"{fmt.name} cannot write a string that holds `{held[1]}`"
        what = "nothing" if read is None else f"`{str(read)[:80]}`"
        return path, f"{fmt.name} would read this {type(part).__name__} as {what}"
    if len(got) > len(wanted):
        return "$.parts", f"{fmt.name} would read one part more: `{str(got[len(wanted)])[:80]}`"
    return None


def _forbidden(value: object, path: str, fmt: Format) -> tuple[str, str] | None:
    """Where a value holds what the format's `Limits.never` names, and what it is."""
    if isinstance(value, str):  # framed as it is written
        return next(((path, mark) for mark in fmt.limits.never if mark in f"\n{value}\n"), None)
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    inside = (
        _forbidden(child, f"{path}.{key}" if isinstance(value, dict) else f"{path}[{key}]", fmt)
        for key, child in children
    )
    return next(filter(None, inside), None)


def _verify_results(text: str, message: Message, fmt: Format) -> None:
    got = fmt.read_results(text) or []
    for i, part in enumerate(message.parts):
        assert isinstance(part, ToolResult)
        read = got[i] if i < len(got) else None
        if read is None or read.content != part.content:
            raise UnrepresentableError(
                f"$.parts[{i}].content", f"{fmt.name} cannot write this tool result so that it is read back"
            )
        if part.call_id is not None and not fmt.limits.ids:
            raise UnrepresentableError(
                f"$.parts[{i}].call_id", f"{fmt.name} has no call ids, and would lose `{part.call_id}`"
            )
        if part.call_id is not None and read.call_id != part.call_id:
            raise UnrepresentableError(
                f"$.parts[{i}].call_id", f"{fmt.name} would read the id `{part.call_id}` as `{read.call_id}`"
            )
        if part.name is not None and read.name != part.name:
            raise UnrepresentableError(
                f"$.parts[{i}].name", f"{fmt.name} does not write the tool's name with its result"
            )
    if len(got) > len(message.parts):
        raise UnrepresentableError("$.parts", f"{fmt.name} would read {len(got)} tool results")


def describe_tools(tools: object, format: str | Format) -> str:
    """The tool-definitions block of the prompt, in the format's own declaration syntax."""
    fmt = format if isinstance(format, Format) else get_format(format)
    read: tuple[Tool, ...] = read_tools(tools)
    return fmt.describe_tools(read)
