"""Runs the `toolfmt` command in this process, on files made for it.  Used by `test_cli.py` and `test_cli_calls.py`."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from toolfmt.cli.main import app

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
                "required": ["city"],
            },
        },
    }
]
ARGUMENTS = {"city": " Paris\r\n<b>", "days": 3}
CALL = {"name": "get_weather", "arguments": ARGUMENTS}
QWEN = (
    "Let me look.\n\n<tool_call>\n<function=get_weather>\n<parameter=city>\n Paris\r\n<b>\n</parameter>\n"
    "<parameter=days>\n3\n</parameter>\n</function>\n</tool_call>"
)
FENCE = 'Ok.\n\n```json\n{"name": "get_weather", "arguments": {"city": "Paris", "days": 3}}\n```'


def write_files() -> None:
    """Tools, a text, rows and what cannot be read, into the current folder."""
    rows = [
        {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": t}], "tools": TOOLS}
        for t in (FENCE, "no")
    ]
    Path("tools.json").write_text(json.dumps(TOOLS), encoding="utf-8")
    Path("q.txt").write_text(QWEN, encoding="utf-8", newline="")
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    Path("bad.jsonl").write_text('{"x": 1}\n{\n' + json.dumps(rows[0]) + "\n", encoding="utf-8")
    Path("latin.txt").write_bytes(b"caf\xe9")
    Path("list.json").write_text("[1]", encoding="utf-8")
    Path("nan.json").write_text('{"name": "f", "arguments": {"x": NaN}}', encoding="utf-8")


def run(*words: str, stdin: str | bytes = "", code: int | None = 0) -> Any:
    """Its result; ``code`` None is 0 or 1."""
    result = CliRunner().invoke(app, list(words), input=stdin)
    assert result.exit_code == code or (code is None and result.exit_code in (0, 1)), (
        result.stdout,
        result.stderr,
        result.exception,
    )
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.stderr
    return result


def run_json(*words: str, stdin: str | bytes = "", code: int = 0) -> Any:
    return json.loads(run(*words, "--json", stdin=stdin, code=code).stdout)


def rows_of(name: str | Path) -> list[Any]:
    return [json.loads(line) for line in Path(name).read_text(encoding="utf-8").splitlines()]


def write_rows(name: str, *texts: str) -> None:
    """A file in which every text is a message; `{` is a line that is no row."""
    lines = [
        text if text == "{" else json.dumps({"messages": [{"role": "assistant", "content": text}]}) for text in texts
    ]
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def numbered(start: int, end: int) -> list[str]:
    return [FENCE.replace("3", str(number)) for number in range(start, end)]


def names() -> set[str]:
    """The files that are there now, hidden ones too."""
    return {path.as_posix() for path in Path().rglob("*") if path.is_file()}
