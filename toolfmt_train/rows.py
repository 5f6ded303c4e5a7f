"""`Row`: one verified task, as `generate` writes it and `train` and `evaluate` read it.

A file holds one row a line (JSONL).  ``messages`` and ``tools`` are the `trl` layout (`../docs/datasets.md`), so `toolfmt.convert` and TRL read them
as they are; the other columns say where the task came from and what its answer must find.  Files are other people's: every line is
checked, and an error names file, line and column.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from toolfmt.ir import Tool, ToolCall
from toolfmt.tools import read_tools
from toolfmt_train.lines import read_lines

__all__ = ["Bucket", "Row", "read_rows"]

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
    return read_lines(path, Row, called="rows", command="toolfmt-train generate")
