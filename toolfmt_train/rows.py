"""`Row`: one verified task, as `generate` writes it and `train` and `evaluate` read it.

A file holds one row a line (JSONL).  ``messages`` and ``tools`` are the `trl` layout (`../docs/datasets.md`), so `toolfmt.convert` and TRL read them
as they are; the other columns say where the task came from and what its answer must find.  Files are other people's: every line is
checked, and an error names file, line and column.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from toolfmt.ir import Tool, ToolCall
from toolfmt.tools import read_tools
from toolfmt.values import JSONTextError, dumps, loads
from toolfmt_train.errors import RowError

__all__ = ["Bucket", "Row", "read_rows", "write_rows"]

Bucket = Literal["atomic", "adversarial", "no_tool"]


class Row(BaseModel):
    """A task with its gold answer.

    * ``id`` is unique in its file, ``blueprint`` names the kind of task, ``language`` one of the gym's (empty: none).
    * ``corpus`` is the project to search; ``truth`` its places as `SearchGym.reset` takes them, None where no tool fits.
    * ``tool`` is the tool that the truth came from, None where no tool fits.
    * ``messages``: the user's words, then the assistant's answer: one structured call (arguments as an object), or text where no tool fits.
    * ``evidence`` is what the acceptance run said: program and version, exit code, digest of the spans.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    bucket: Bucket
    blueprint: str
    language: str
    corpus: str
    tool: str | None
    truth: list[dict[str, str | int]] | None
    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]
    evidence: dict[str, str | int]

    @property
    def prompt(self) -> list[dict[str, Any]]:
        """The messages before the answer."""
        return self.messages[:-1]

    @property
    def call(self) -> ToolCall | None:
        """The gold call; None where no tool fits."""
        calls = self.messages[-1].get("tool_calls")
        if not calls:
            return None
        function = calls[0]["function"]
        return ToolCall(name=function["name"], arguments=function["arguments"])

    @property
    def offered(self) -> tuple[Tool, ...]:
        """The tools of the task."""
        return read_tools(self.tools)


def read_rows(path: Path) -> list[Row]:
    """The rows of a JSONL file; raises `RowError` naming the line, also when the file has none."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        raise RowError(f"there is no file `{path}`") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RowError(f"`{path}` cannot be read: {error}") from None
    rows = [_row(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise RowError(f"`{path}` holds no rows")
    return rows


def _row(path: Path, number: int, line: str) -> Row:
    try:
        return Row.model_validate(loads(line))
    except JSONTextError as error:
        raise RowError(f"{path}, line {number}: not JSON: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RowError(
            f"{path}, line {number}: {where}: {first['msg']}; such rows come from `toolfmt-train generate`"
        ) from None


def write_rows(rows: Iterable[Row], path: Path) -> int:
    """Writes the rows, one a line, always the same bytes for the same rows; their number."""
    lines = list(_lines(rows))
    path.write_bytes("".join(lines).encode())
    return len(lines)


def _lines(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        yield dumps(row.model_dump()) + "\n"
