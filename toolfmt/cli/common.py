"""What every command shares: exact input, UTF-8 output, and one line of text for whatever goes wrong.

Exit codes: 0 fine, 1 problems were found in the data, 2 the command could not run.  After Ctrl-C 130, after a broken pipe 141,
both without a word.
"""

import codecs
import contextlib
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from toolfmt.errors import LossError, ParseError, ToolfmtError, UnrepresentableError
from toolfmt.values import JSONTextError, loads

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "CommandError",
    "Commands",
    "File",
    "FormatName",
    "Json",
    "ToolsFile",
    "console",
    "counted",
    "note",
    "print_json",
    "problems",
    "read_json",
    "read_pieces",
    "read_text",
    "read_tools_file",
    "visible",
]

PROBLEMS, CANNOT_RUN, INTERRUPTED, BROKEN_PIPE = 1, 2, 130, 141

File = Annotated[
    Path | None, typer.Argument(metavar="FILE", help="A file; none or `-` is standard input.", show_default=False)
]
FormatName = Annotated[str, typer.Option("--format", "-f", help="A format, alias or model: see `toolfmt formats`.")]
ToolsFile = Annotated[
    Path | None,
    typer.Option("--tools", help="Tool definitions, JSON: OpenAI, Anthropic, MCP and more.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on standard output.")]


class CommandError(Exception):
    """A command cannot run; the message names the value, the place and the next step."""


class Commands(TyperGroup):
    """The commands, and the one place where what went wrong becomes a line and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # lone surrogates come out as JSON's escapes, newlines as they are
                stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="")
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()
        except BrokenPipeError:
            _discard_output()
            raise typer.Exit(BROKEN_PIPE) from None
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except (LossError, ParseError, UnrepresentableError) as error:
            _fail(str(error), PROBLEMS)
        except OSError as error:
            _fail(_os_message(error), CANNOT_RUN)
        except (ToolfmtError, CommandError) as error:
            _fail(str(error), CANNOT_RUN)


def _fail(message: str, code: int) -> NoReturn:
    print(f"error: {visible(message)}", file=sys.stderr)
    raise typer.Exit(code) from None


def _os_message(error: OSError) -> str:
    if isinstance(error, ToolfmtError) or error.strerror is None:
        return str(error)
    known = {FileNotFoundError: "no such file; check the path", IsADirectoryError: "this is a directory; give a file"}
    reason = known.get(type(error), error.strerror[:1].lower() + error.strerror[1:])
    return f"{reason}: `{error.filename}`" if error.filename is not None else reason


def _discard_output() -> None:
    """Nobody reads standard output any more: what Python flushes at its end goes nowhere."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


# Input


def _source(path: Path | None) -> str:
    return "standard input" if path is None or str(path) == "-" else str(path)


def _read_bytes(path: Path | None) -> bytes:
    if path is not None and str(path) != "-":
        return path.read_bytes()
    if sys.stdin.isatty():
        note("reading from the terminal; end with Ctrl-D")
    return sys.stdin.buffer.read()


def read_text(path: Path | None) -> str:
    """The characters of a file, or of standard input, just as they are: newlines are not translated."""
    return _decoded(_read_bytes(path), path)


def _decoded(data: bytes, path: Path | None, encoding: str = "utf-8") -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise _not_utf8(path, error) from None


def _not_utf8(path: Path | None, error: UnicodeDecodeError, before: int = 0) -> CommandError:
    place = f"{_source(path)}: not UTF-8 at byte {before + error.start}"
    return CommandError(f"{place}; convert it first, with iconv for instance: `0x{error.object[error.start]:02x}`")


def read_pieces(path: Path | None, size: int | None) -> Iterator[str]:
    """The text in pieces of ``size`` characters; without a size, standard input as it arrives and a file line by line."""
    if size is not None:
        text = read_text(path)
        yield from (text[at : at + size] for at in range(0, len(text), size))
        return
    live = path is None or str(path) == "-"
    with contextlib.ExitStack() as stack:
        source: Any = sys.stdin.buffer if live or path is None else stack.enter_context(path.open("rb"))
        read = source.read1 if live else source.readline
        yield from _decoded_pieces(iter(lambda: read(65536), b""), path)


def _decoded_pieces(pieces: Iterable[bytes], path: Path | None) -> Iterator[str]:
    decoder, at = codecs.getincrementaldecoder("utf-8")(), 0
    for data in chain(pieces, [b""]):
        held = len(decoder.getstate()[0])
        try:
            text = decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            raise _not_utf8(path, error, at - held) from None
        at += len(data)
        if text:
            yield text


def read_json(path: Path | None) -> Any:
    """The JSON value of a file or of standard input, exactly."""
    text = _decoded(_read_bytes(path), path, "utf-8-sig")
    try:
        return loads(text)
    except JSONTextError as error:
        raise CommandError(f"{_source(path)}: expected one JSON value: {error}") from None


def read_tools_file(path: Path | None) -> Any:
    """The tool definitions of a file, read; None without one.  ``{"tools": [...]}`` counts as its list."""
    if path is None:
        return None
    from toolfmt.tools import read_tools

    value = read_json(path)
    if isinstance(value, dict) and isinstance(value.get("tools"), list):
        value = value["tools"]
    try:
        return read_tools(value)
    except ToolfmtError as error:
        raise CommandError(f"{_source(path)}: {error}") from None


# Output


def print_json(value: Any, *, lines: bool = False) -> None:
    """JSON for machines on standard output: a document, or one line of many."""
    print(json.dumps(value, ensure_ascii=False, indent=None if lines else 2), flush=lines)


def note(message: str) -> None:
    """A line for the user beside the result."""
    print(visible(message), file=sys.stderr)


def problems() -> NoReturn:
    """The command ran and found problems."""
    raise typer.Exit(PROBLEMS)


def visible(text: str) -> str:
    """Text from a model or a file, made safe for a terminal: control characters are escaped, newlines and tabs are not."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def console(*, stderr: bool = False) -> "Console":
    """Where pretty output goes; never cut at the terminal's width, no markup in data."""
    from rich.console import Console

    class Quiet(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # for `Commands`: rich would exit with code 1

    terminal = (sys.stderr if stderr else sys.stdout).isatty() or "COLUMNS" in os.environ
    width = None if terminal else 200  # a file or a pipe has no width
    return Quiet(stderr=stderr, width=width, markup=False, highlight=False, soft_wrap=True, emoji=False)


def counted(number: int, what: str, many: str = "") -> str:
    """``1 call``, ``2 calls``."""
    return f"{number:,} {what if number == 1 else many or what + 's'}"
