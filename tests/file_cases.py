"""Files to convert, and what came of them: for the tests of damaged files and of CSV."""

import json
from pathlib import Path
from typing import Any

from toolfmt.convert import convert
from toolfmt.report import Report

__all__ = ["LINE", "ROW", "SAID", "file", "names", "read", "run"]

ROW = {
    "messages": [
        {"role": "user", "content": "find é"},
        {"role": "assistant", "content": '```json\n{"name": "run", "arguments": {"command": "ls"}}\n```'},
    ]
}
LINE = json.dumps(ROW).encode()
SAID = '<tool_call>\n{"name": "run", "arguments": {"command": "ls"}}\n</tool_call>'


def file(folder: Path, name: str, data: bytes) -> Path:
    (folder / name).write_bytes(data)
    return folder / name


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def run(data: Path, out: Path | None = None, **more: Any) -> tuple[Report, list[Any], list[Any]]:
    """The report, the rows and the rejects."""
    report = Report()
    made = convert(data, "hermes", source="json_fence", out=out, report=report, **more)
    rejects = made.with_name(made.name + ".rejects.jsonl")
    return report, read(made), read(rejects) if rejects.exists() else []


def read(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_bytes().decode().split("\n")[:-1]]
