"""The `toolfmt` command: help, `detect`, `formats`, `demo`, its exit codes, and one line for whatever goes wrong."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runner import QWEN, run, run_json, write_files
from typer.testing import CliRunner

import toolfmt
from toolfmt.cli import bfcl
from toolfmt.cli.main import app

COMMANDS = ["parse", "render", "stream", "grammar", "convert", "detect", "formats", "demo"]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with tools, a text and rows."""
    monkeypatch.chdir(tmp_path)
    write_files()
    return tmp_path


# Help


def test_the_version() -> None:
    assert run("--version").stdout == f"toolfmt {toolfmt.__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself_with_an_example(command: str) -> None:
    said = " ".join(run(command, "--help").stdout.split())
    assert said.count("Example: ") == 1 + (command == "convert") and f"toolfmt {command}" in said and "--json" in said


def test_the_commands_are_listed() -> None:
    said = run("--help").stdout
    assert all(command in said for command in COMMANDS)


# detect, formats


def test_detect_in_a_text_and_in_rows(files: Path) -> None:
    assert run_json("detect", "q.txt")[0]["format"] == "qwen_xml"
    assert run_json("detect", stdin=QWEN)[0]["format"] == "qwen_xml"
    found = run_json("detect", "rows.jsonl")[0]
    assert (found["format"], found["calls"]) == ("json_fence", 1) and found["reason"] and found["score"] > 0.9
    assert run_json("detect", stdin=Path("rows.jsonl").read_bytes())[0] == found
    assert "json_fence" in run("detect", "rows.jsonl").stdout


def test_detect_tells_of_lines_that_are_no_rows(files: Path) -> None:
    result = run("detect", "bad.jsonl")
    assert "json_fence" in result.stdout and "1 of 3 lines" in result.stderr and "line 2" in result.stderr


def test_detect_finds_nothing() -> None:
    assert run("detect", stdin="hello", code=1).stdout == "no format finds a call in this text\n"
    assert run_json("detect", stdin="hello", code=1) == []


def test_formats_lists_what_is_registered() -> None:
    listed = run_json("formats")
    assert [one["name"] for one in listed] == [info.name for info in toolfmt.formats()]
    assert listed[1]["parsers"]["vllm"] == "qwen3_xml" and "qwen3.6" in listed[1]["models"]
    said = run("formats").stdout
    assert all(info.name in said for info in toolfmt.formats())


# demo


def test_the_demo_on_a_few_entries(bfcl: Path) -> None:
    said = run_json("demo", "--limit", "30")
    assert said["conversion"]["counts"] == {"rows": 1, "with_calls": 1, "direct": 0, "converted": 1, "rejected": 0}
    assert "```json" in said["conversion"]["before"] and "<function=ripgrep_search>" in said["conversion"]["after"]
    result = said["bfcl"]
    assert result["entries"] == 30 and "bfcl-eval" in result["source"]
    assert [row["format"] for row in result["formats"]] == [info.name for info in toolfmt.formats()]
    assert all(row["exact"] + row["refused"] == row["calls"] and row["silent_losses"] == 0 for row in result["formats"])


def test_the_demo_without_bfcl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bfcl, "find_data", lambda: None)
    result = run("demo")
    assert "pip install --no-deps bfcl-eval" in result.stderr and "sample of ten entries" in result.stderr
    assert "before" in result.stdout and "<tool_call>" in result.stdout and "silent losses: 0" in result.stdout


def test_the_demo_fails_when_a_call_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bfcl, "find_data", lambda: None)
    monkeypatch.setattr(bfcl, "render", lambda calls, *_, **__: "nothing")
    result = run("demo", code=1)
    assert f"silent losses: {10 * len(toolfmt.formats())}" in result.stdout and "lost sample_0" in result.stdout


# What goes wrong


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("parse", "none.txt", "-f", "hermes"), "no such file; check the path: `none.txt`"),
        (("parse", ".", "-f", "hermes"), "this is a directory; give a file: `.`"),
        (("parse", "q.txt", "-f", "hermis"), "unknown format `hermis`; did you mean `hermes`?"),
        (
            ("parse", "latin.txt", "-f", "hermes"),
            "latin.txt: not UTF-8 at byte 3; convert it first, with iconv for instance: `0xe9`",
        ),
        (("stream", "latin.txt", "-f", "hermes", "--chunk", "2"), "latin.txt: not UTF-8 at byte 3"),
        (("stream", "none.txt", "-f", "hermes"), "no such file; check the path: `none.txt`"),
        (("detect", "latin.txt"), "latin.txt: not UTF-8"),
        (("render", "nan.json", "-f", "hermes"), "nan.json: expected one JSON value: JSON has no `NaN`"),
        (("parse", "q.txt", "-f", "hermes", "--tools", "q.txt"), "q.txt: expected one JSON value: not JSON"),
        (("parse", "q.txt", "-f", "hermes", "--tools", "list.json"), "list.json: tools[0]: expected a tool definition"),
        (("convert", "none.jsonl", "--to", "hermes"), "no such file; check the path: `none.jsonl`"),
        (("convert", "q.txt", "--to", "hermes"), "expected a file of rows"),
    ],
)
def test_one_line_names_the_value_the_place_and_the_next_step(files: Path, words: tuple[str, ...], said: str) -> None:
    result = run(*words, code=2)
    assert result.stdout == ""
    assert result.stderr.startswith("error: ") and said in result.stderr and result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "words", [(), ("parse",), ("parse", "-f", "hermes", "--bogus"), ("stream", "-f", "hermes", "--chunk", "0")]
)
def test_wrong_use_is_explained(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 2 and "Usage" in result.output and "Traceback" not in result.output


def test_a_broken_pipe_is_quiet() -> None:
    for words in (["formats"], ["formats", "--json"], ["parse", "-f", "hermes"]):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(
            [sys.executable, "-m", "toolfmt.cli.main", *words], input=b"x" * 10, stdout=writer, stderr=subprocess.PIPE
        )
        os.close(writer)
        assert (done.returncode, done.stderr) == (141, b""), words


@pytest.mark.skipif(os.name == "nt", reason="signals differ")
def test_ctrl_c_is_quiet() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "toolfmt.cli.main", "stream", "-f", "hermes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.write(b"hello ")
        process.stdin.flush()
        assert process.stdout.readline()  # it is reading
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr.read() == b""


def test_output_is_utf8_whatever_the_locale() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "toolfmt.cli.main", "render", "-f", "hermes"],
        input=json.dumps({"name": "f", "arguments": {"x": "é\r\n日"}}).encode(),
        capture_output=True,
        env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
        check=True,
    )
    assert done.stdout == toolfmt.render(toolfmt.ToolCall(name="f", arguments={"x": "é\r\n日"}), "hermes").encode()
