"""The commands on one message: `parse`, `render`, `stream`."""

import dataclasses
import json
import re
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolfmt.cli.common import (
    CommandError,
    File,
    FormatName,
    Json,
    ToolsFile,
    console,
    counted,
    note,
    print_json,
    problems,
    read_json,
    read_pieces,
    read_text,
    read_tools_file,
    visible,
)

if TYPE_CHECKING:
    from toolfmt.events import Event, Parsed
    from toolfmt.format import Format
    from toolfmt.ir import Part

__all__ = ["parse", "render", "stream"]

Coercion = Annotated[
    str,
    typer.Option(help="How untyped values are read: schema, or as a server does: vllm, sglang, mlx, transformers."),
]


def parse(
    format: FormatName,
    file: File = None,
    tools: ToolsFile = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse what the reference grammar does not allow.")] = False,
    coercion: Coercion = "schema",
    as_json: Json = False,
) -> None:
    """Read model output: its calls, text and reasoning.

    Exit code 1 when a call is malformed, the text was cut off, or --strict refuses it.
    """
    import toolfmt

    _check_coercion(coercion)
    definitions = read_tools_file(tools)
    fmt = toolfmt.get_format(format)
    parsed = toolfmt.parse(read_text(file), fmt, tools=definitions, strict=strict, coercion=coercion)
    if as_json:
        print_json(_dump(parsed))
    else:
        _show(parsed)
    _note_types(fmt, definitions, parsed)
    if parsed.malformed or parsed.truncated:
        problems()


def _note_types(fmt: "Format", tools: object, parsed: "Parsed") -> None:
    if tools is None and parsed.calls and not fmt.limits.typed_values:
        note(f"note: {fmt.name} carries no types, so values are strings as they stand; for types give --tools")


def _check_coercion(name: str) -> None:
    from toolfmt.argument_types import COERCIONS

    if name not in COERCIONS:
        raise CommandError(f"unknown coercion law; known: {', '.join(COERCIONS)}: `{name}`")


def _dump(parsed: "Parsed") -> dict[str, Any]:
    from toolfmt.cli.messages import dump_call, dump_part

    return {
        "parts": [
            {**dump_part(part), "start": start, "end": end} for part, start, end in parsed.placed if part is not None
        ],
        "calls": [dump_call(call) for call in parsed.calls],
        "text": parsed.text,
        "reasoning": parsed.reasoning,
        "ended": parsed.ended,
        "truncated": parsed.truncated,
    }


def _show(parsed: "Parsed") -> None:
    out = console()
    for part, start, end in parsed.placed:
        if part is not None:
            _show_part(part, f"[{start}:{end}]", out)
    counts = f"{counted(len(parsed.calls), 'call')}, {len(parsed.malformed)} malformed"
    flags = [said for said, is_so in (("ended", parsed.ended), ("cut off", parsed.truncated)) if is_so]
    out.print(", ".join([counts, *flags]), style="dim")


def _show_part(part: "Part", place: str, out: Any) -> None:
    from toolfmt.ir import Malformed, ToolCall

    if isinstance(part, ToolCall):
        out.print(
            f"call {visible(part.name)} {place}" + (f" id {visible(part.id)}" if part.id else ""), style="bold green"
        )
        for key, value in part.arguments.items():
            out.print(f"  {visible(key)} = {visible(json.dumps(value, ensure_ascii=False))}")
        return
    if isinstance(part, Malformed):
        out.print(f"malformed {place}: {visible(part.reason)}", style="bold red")
        body = part.raw
    else:
        out.print(f"{type(part).__name__.lower()} {place}", style="bold")
        body = getattr(part, "text", "")
    for line in visible(body).split("\n"):
        out.print(f"  {line}")


def render(
    format: FormatName,
    file: File = None,
    tools: ToolsFile = None,
    end: Annotated[bool, typer.Option("--end", help="Add the end-of-turn marker.")] = False,
    as_json: Json = False,
) -> None:
    """Write calls in a format, from JSON: a call, a list of calls, an OpenAI assistant message, or what `parse --json` prints.

    The text is read back and compared: what the format cannot say is refused by name, with exit code 1. Call ids that the format has no place
    for are dropped, and said so on standard error.
    """
    import toolfmt
    from toolfmt.cli.messages import read_message, without_ids

    fmt = toolfmt.get_format(format)
    definitions = read_tools_file(tools)
    message = read_message(read_json(file))
    lost: list[str] = []
    if not fmt.limits.ids:
        message, lost = without_ids(message)
    text = toolfmt.render(message, fmt, tools=definitions, end=end)
    if as_json:
        print_json({"text": text, "format": fmt.name, "dropped_ids": lost})
        return
    if lost:
        note(f"note: {fmt.name} has no call ids; dropped: {', '.join(lost)}")
    sys.stdout.write(text if not sys.stdout.isatty() or text.endswith("\n") else text + "\n")


def stream(
    format: FormatName,
    file: File = None,
    tools: ToolsFile = None,
    chunk: Annotated[
        int | None,
        typer.Option(
            min=1, help="Feed this many characters at a time; without it, as the text arrives.", show_default=False
        ),
    ] = None,
    coercion: Coercion = "schema",
    as_json: Json = False,
) -> None:
    """Read model output as it comes, and print each event.

    Exit code 1 when a call is malformed or the text was cut off.
    """
    import toolfmt

    _check_coercion(coercion)
    fmt, definitions = toolfmt.get_format(format), read_tools_file(tools)
    parser = toolfmt.stream(fmt, tools=definitions, coercion=coercion)
    for piece in read_pieces(file, chunk):
        _print_events(parser.feed(piece), as_json)
    _print_events(parser.close(), as_json)
    parsed = parser.parsed
    _print_event(
        {
            "event": "end",
            "calls": len(parsed.calls),
            "malformed": len(parsed.malformed),
            "ended": parsed.ended,
            "truncated": parsed.truncated,
        },
        as_json,
    )
    _note_types(fmt, definitions, parsed)
    if parsed.malformed or parsed.truncated:
        problems()


def _print_events(events: "list[Event]", as_json: bool) -> None:
    for event in events:
        name = re.sub("(?<=[a-z])(?=[A-Z])", "_", type(event).__name__).lower()
        _print_event({"event": name, **_fields(event)}, as_json)


def _fields(event: "Event") -> dict[str, Any]:
    from toolfmt.cli.messages import dump_call
    from toolfmt.events import CallEnd, CallMalformed

    if isinstance(event, CallEnd):
        return {"index": event.index, "call": dump_call(event.call)}
    if isinstance(event, CallMalformed):
        return {"index": event.index, **event.malformed.model_dump()}
    return dataclasses.asdict(event)


def _print_event(fields: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(fields, lines=True)
        return
    said = " ".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in fields.items() if key != "event")
    print(f"{fields['event']:<17} {visible(said)}".rstrip(), flush=True)
