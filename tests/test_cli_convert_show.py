"""What `toolfmt convert` shows: rows before and after, and its progress in a terminal."""

import json
import os
import re
import sys
from pathlib import Path

import pytest
from cli_runner import FENCE, QWEN, TOOLS, numbered, rows_of, run, run_json, write_files, write_rows

REASONED = '<think>\nhm\n</think>\n\n<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>'


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with tools, a text and rows."""
    monkeypatch.chdir(tmp_path)
    write_files()
    return tmp_path


# Before and after


def test_show() -> None:
    said = run("convert", "rows.jsonl", "--to", "qwen_xml", "--show", "3").stdout
    shown, _, rest = said.partition("json_fence -> qwen_xml")
    assert shown == (
        "rows.jsonl: row 0 (line 1)\n"
        "before\n  | messages[1]\n  | role: assistant\n  | content: \n  |   Ok.\n  |   \n"
        '  |   ```json\n  |   {"name": "get_weather", "arguments": {"city": "Paris", "days": 3}}\n  |   ```\n'
        "  | (1 item of messages as before)\n"
        "after\n  | messages[1]\n  | role: assistant\n  | content: \n  |   Ok.\n  |   \n"
        "  |   <tool_call>\n  |   <function=get_weather>\n  |   <parameter=city>\n  |   Paris\n  |   </parameter>\n"
        "  |   <parameter=days>\n  |   3\n  |   </parameter>\n  |   </function>\n  |   </tool_call>\n"
        "  | (1 item of messages as before)\n\n"
    )
    assert rest and "\x1b" not in said


def test_show_without_writing_and_as_json() -> None:
    write_rows("a.jsonl", "no", *numbered(0, 5))
    told = run_json("convert", "a.jsonl", "--to", "hermes", "--show", "2", "--dry-run")
    assert [row["where"] for row in told["shown"]] == ["a.jsonl: row 1 (line 2)", "a.jsonl: row 2 (line 3)"]
    assert told["shown"][0]["before"] == rows_of("a.jsonl")[1]
    run("convert", "a.jsonl", "--to", "hermes")
    assert told["shown"][1]["after"] == rows_of("a.hermes.jsonl")[2]


def test_show_control_characters_and_long_texts() -> None:
    row = {"messages": [{"role": "assistant", "content": QWEN + "\x1b[31m"}], "tools": TOOLS}
    long = {"messages": [{"role": "tool", "content": "y" * 9000}, {"role": "assistant", "content": FENCE + "y" * 9000}]}
    Path("x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in (row, long)))
    said = run("convert", "x.jsonl", "--layout", "openai", "--show", "2", "--on-loss", "ignore", code=None).stdout
    assert "\x1b" not in said and "\\x1b[31m" in said and "Paris\\r\n" in said
    assert '| tool_calls: [{"id": "call_0"' in said and max(map(len, said.splitlines())) < 2200


def test_show_what_a_row_that_stops_the_run_would_be() -> None:
    write_rows("a.jsonl", REASONED)
    result = run("convert", "a.jsonl", "--to", "functiongemma", "--show", "1", code=1)
    assert "<start_function_call>call:now{}" in result.stdout and result.stderr.startswith("error: ")


def test_show_prefers_rows_with_calls() -> None:
    write_rows("a.jsonl", "no", "no", FENCE)
    told = run_json("convert", "a.jsonl", "--layout", "sharegpt", "--show", "2")
    assert [row["where"] for row in told["shown"]] == ["a.jsonl: row 2 (line 3)", "a.jsonl: row 0 (line 1)"]
    told = run_json("convert", "a.jsonl", "--layout", "openai", "--show", "2")  # the others come out as they were
    assert [row["where"] for row in told["shown"]] == ["a.jsonl: row 2 (line 3)"] and told["converted"] == 3


# A terminal


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminal")
@pytest.mark.parametrize("columns", [60, 140])
def test_in_a_terminal(columns: int) -> None:
    """The bar counts and goes; rows are coloured, and side by side where there is room."""
    write_rows("in/a.jsonl", *numbered(0, 30))
    write_rows("in/b.jsonl", "{", *numbered(0, 30))
    said = in_terminal(columns, "convert", "in", "-o", "out", "--to", "hermes", "--show", "1")
    assert "100%" in said
    if columns == 140:  # where it is narrow a line breaks somewhere, as the speed is a long or a short number
        assert "2/2 b.jsonl" in said and "61 rows, " in said and " rows/s, 0 losses, 1 rejects" in said
    assert "\x1b[1A\x1b[2K\x1b[1ma.jsonl: row 0" in said  # the bar's line is taken back
    last = said.rpartition("a.jsonl: row 0")[2]
    assert "\x1b[1;32m<tool_call>" in last and "\x1b[1;33m```json" in last and "rows/s" not in last
    assert "m```json" in last and "mOk." not in last
    beside = [line for line in last.splitlines() if line.count("Ok.") == 2]
    assert bool(beside) == (columns == 140)


def in_terminal(columns: int, *words: str) -> str:
    import fcntl
    import pty
    import struct
    import subprocess
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {
        **{key: value for key, value in os.environ.items() if key not in ("COLUMNS", "NO_COLOR")},
        "TERM": "xterm-256color",
    }
    command = [sys.executable, "-m", "toolfmt.cli.main", *words]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        data = b""
        while piece := _read(ours):
            data += piece
        assert process.wait(60) == 1
    os.close(ours)
    return re.sub(r"\r+\n", "\n", data.decode())


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""
