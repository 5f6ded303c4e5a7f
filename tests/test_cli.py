"""The `toolfmt` command: what it prints, its exit codes, and one line for whatever goes wrong."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import toolfmt
from toolfmt.cli import bfcl
from toolfmt.cli.common import CommandError, visible
from toolfmt.cli.main import app
from toolfmt.cli.messages import read_message

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
COMMANDS = ["parse", "render", "stream", "convert", "detect", "formats", "demo"]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with tools, a text and rows."""
    monkeypatch.chdir(tmp_path)
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
    return tmp_path


def run(*words: str, stdin: str | bytes = "", code: int = 0) -> Any:
    result = CliRunner().invoke(app, list(words), input=stdin)
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    assert "Traceback" not in result.stderr
    return result


def run_json(*words: str, stdin: str | bytes = "", code: int = 0) -> Any:
    return json.loads(run(*words, "--json", stdin=stdin, code=code).stdout)


# Help


def test_the_version() -> None:
    assert run("--version").stdout == f"toolfmt {toolfmt.__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself_with_an_example(command: str) -> None:
    said = " ".join(run(command, "--help").stdout.split())
    assert "Example: " in said and f"toolfmt {command}" in said and "--json" in said


def test_the_commands_are_listed() -> None:
    said = run("--help").stdout
    assert all(command in said for command in COMMANDS)


# parse


def test_parse_prints_json(files: Path) -> None:
    read = run_json("parse", "q.txt", "--format", "qwen_xml", "--tools", "tools.json")
    assert list(read) == ["parts", "calls", "text", "reasoning", "ended", "truncated"]
    assert read["calls"] == [{**CALL, "id": None}]
    assert [(part["type"], part["start"]) for part in read["parts"]] == [("text", 0), ("tool_call", 14)]
    assert (read["text"], read["reasoning"], read["ended"], read["truncated"]) == ("Let me look.", None, False, False)


@pytest.mark.parametrize("file", [(), ("-",)])
def test_parse_reads_standard_input_to_the_character(files: Path, file: tuple[str, ...]) -> None:
    read = run_json("parse", *file, "-f", "qwen_xml", "--tools", "tools.json", stdin=QWEN.encode())
    assert read["calls"][0]["arguments"] == ARGUMENTS


def test_parse_is_pretty_for_people(files: Path) -> None:
    said = run("parse", "q.txt", "-f", "qwen_xml", "--tools", "tools.json").stdout
    assert "call get_weather" in said and r'city = " Paris\r\n<b>"' in said and "days = 3" in said
    assert "1 call, 0 malformed" in said


def test_parse_tells_of_types_that_the_text_does_not_carry(files: Path) -> None:
    result = run("parse", "q.txt", "-f", "qwen_xml", "--json")
    assert json.loads(result.stdout)["calls"][0]["arguments"]["days"] == "3"
    assert "give --tools" in result.stderr


def test_parse_strictly(files: Path) -> None:
    pytest.importorskip("lark")
    assert run_json("parse", "q.txt", "-f", "qwen_xml", "--strict")["calls"]
    result = run("parse", "-f", "hermes", "--strict", stdin="<tool_call>\n{]\n</tool_call>", code=1)
    assert result.stdout == "" and result.stderr.startswith("error: line 2, column 2")


def test_parse_takes_the_law_of_a_server(files: Path) -> None:
    text = QWEN.replace("\n3\n", "\n 3 \n")
    words = ("parse", "-f", "qwen_xml", "--tools", "tools.json", "--coercion")
    assert run_json(*words, "vllm", stdin=text)["calls"][0]["arguments"]["days"] == 3
    assert "known: schema, vllm" in run(*words, "nvidia", stdin=text, code=2).stderr


@pytest.mark.parametrize("text", ["<tool_call>\n{}\n</tool_call>", '<tool_call>\n{"name": "x", "argu'])
def test_parse_finds_problems(text: str) -> None:
    assert "malformed" in run("parse", "-f", "hermes", stdin=text, code=1).stdout
    assert run_json("parse", "-f", "hermes", stdin=text, code=1)["parts"][0]["type"] == "malformed"


def test_a_models_text_cannot_command_the_terminal() -> None:
    text = "a\x1b[2J\x07\u202eb\n[bold]x[/bold]"
    said = run("parse", "-f", "hermes", stdin=text).stdout
    assert "\x1b" not in said and "\x07" not in said and "\u202e" not in said
    assert r"a\x1b[2J\x07\u202eb" in said and "[bold]x[/bold]" in said
    assert visible("tab\tend\n\u00e9") == "tab\tend\n\u00e9"


def test_lone_surrogates_come_out_as_json_escapes() -> None:
    text = '<tool_call>\n{"name": "f", "arguments": {"x": "\\ud800"}}\n</tool_call>'
    assert run_json("parse", "-f", "hermes", stdin=text)["calls"][0]["arguments"] == {"x": "\ud800"}


# render


@pytest.mark.parametrize(
    "value",
    [
        CALL,
        [CALL],
        {"type": "function", "function": CALL},
        {"role": "assistant", "content": None, "refusal": None, "tool_calls": [{"type": "function", "function": CALL}]},
        {"role": "assistant", "tool_calls": [{"function": {**CALL, "arguments": json.dumps(ARGUMENTS)}}]},
        {"parts": [{"type": "tool_call", **CALL, "start": 0, "end": 3}], "ended": False},
        toolfmt.Message(parts=(toolfmt.ToolCall(name="get_weather", arguments=ARGUMENTS),)).model_dump(),
    ],
)
def test_render_takes_calls_as_they_come(files: Path, value: Any) -> None:
    call = toolfmt.ToolCall(name="get_weather", arguments=ARGUMENTS)
    said = run("render", "-f", "qwen_xml", "--tools", "tools.json", stdin=json.dumps(value))
    assert said.stdout_bytes.decode() == toolfmt.render(call, "qwen_xml") and said.stderr == ""


def test_render_writes_what_parse_printed(files: Path) -> None:
    dumped = run("parse", "q.txt", "-f", "qwen_xml", "--tools", "tools.json", "--json").stdout
    assert run("render", "-f", "qwen_xml", "--tools", "tools.json", stdin=dumped).stdout_bytes == QWEN.encode()
    assert run_json("render", "-f", "qwen_xml", "--end", stdin=dumped)["text"] == QWEN + "<|im_end|>"


def test_render_keeps_reasoning_and_text() -> None:
    value = {"role": "assistant", "content": "Hi", "reasoning_content": "hm", "tool_calls": [{"function": CALL}]}
    text = run("render", "-f", "qwen_xml", stdin=json.dumps(value)).stdout
    parts = toolfmt.parse(text, "qwen_xml").parts
    assert parts[:2] == (toolfmt.Reasoning(text="hm"), toolfmt.Text(text="Hi"))


def test_render_tells_of_text_that_may_be_reasoning() -> None:
    message = toolfmt.Message(parts=(toolfmt.Text(text="a"), toolfmt.ToolCall(name="f"), toolfmt.Text(text="b")))
    untyped = {"parts": [{"text": "a"}, {"name": "f", "arguments": {}}, {"text": "b"}]}
    result = run("render", "-f", "hermes", stdin=json.dumps(untyped))
    assert toolfmt.parse(result.stdout, "hermes").parts == message.parts
    assert run("render", "-f", "hermes", stdin=message.model_dump_json()).stdout == result.stdout
    assert result.stderr.count("reasoning") == 2 and "$.parts[0]" in result.stderr


def test_render_tells_of_ids_that_the_format_has_no_place_for() -> None:
    value = {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": CALL}]}
    result = run("render", "-f", "hermes", stdin=json.dumps(value))
    assert toolfmt.parse(result.stdout, "hermes").calls[0].id is None
    assert result.stderr == "note: hermes has no call ids; dropped: c1\n"
    assert run_json("render", "-f", "hermes", stdin=json.dumps(value))["dropped_ids"] == ["c1"]


def test_render_refuses_what_the_format_cannot_say() -> None:
    value = {"name": "f", "arguments": {"x": "<escape>"}}
    result = run("render", "-f", "functiongemma", stdin=json.dumps(value), code=1)
    assert result.stdout == "" and "functiongemma cannot write a string holding `<escape>`" in result.stderr


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "expected one JSON value"),
        ("{", "expected one JSON value"),
        ("3", "$: expected a call"),
        ("[3]", "$[0]: expected an object, got `int`"),
        ("{}", '$: expected a call, {"name"'),
        ('{"name": "f"}', "$.arguments: expected an object"),
        ('{"name": "f", "arguments": [1]}', "$.arguments: expected an object"),
        ('{"name": "f", "arguments": "{"}', "$.arguments: not JSON"),
        ('{"name": 3, "arguments": {}}', "$.name: expected a string"),
        ('{"name": "f", "arguments": {}, "args": 1}', 'not `"args"`'),
        ('{"name": "f", "arguments": {"a": 1, "a": 2}}', "gives a key twice"),
        ('{"role": "robot", "content": ""}', "$.role: expected one of"),
        ('{"role": "assistant", "content": 3}', "$.content: expected a list"),
        ('{"role": "assistant", "content": [{"type": "image"}]}', "$.content[0]: only text"),
        ('{"role": "assistant", "audio": {"id": 1}}', "$.audio: no format writes this"),
        (
            '{"role": "assistant", "tool_calls": {}, "content": "x", "refusal": "no"}',
            "$.refusal: no format writes this",
        ),
        ('{"role": "assistant", "tool_calls": [1]}', "$.tool_calls[0]: expected a call"),
        ('{"parts": 1}', "$.parts: expected a list"),
        ('[{"type": "thought", "text": "x"}]', "$[0].type: expected one of text, reasoning, tool_call"),
        ('[{"type": ["text"]}]', "$[0].type: expected one of text, reasoning, tool_call"),
        ('[{"type": "text"}]', "$[0].text: expected a string"),
    ],
)
def test_render_says_what_is_wrong_with_its_json(value: str, said: str) -> None:
    result = run("render", "-f", "hermes", stdin=value, code=2)
    assert result.stdout == "" and result.stderr.startswith("error: ") and said in result.stderr


KEYS = [
    "name",
    "arguments",
    "id",
    "type",
    "function",
    "role",
    "content",
    "tool_calls",
    "parts",
    "text",
    "raw",
    "reason",
]
WORDS = st.sampled_from(["f", "call", "text", "assistant", "tool", "result", "malformed", "{}", ""])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
)


@given(ANYTHING)
def test_any_json_is_a_message_or_is_refused_with_its_place(value: Any) -> None:
    said = "$"
    try:
        read_message(value)
    except CommandError as error:
        said = str(error)
    assert said.startswith("$") and "\n" not in said


def test_render_writes_tool_results() -> None:
    value = {"role": "tool", "tool_call_id": "c1", "content": "sunny"}
    result = run("render", "-f", "hermes", stdin=json.dumps(value))
    assert "sunny" in result.stdout and "dropped: c1" in result.stderr


# stream


@pytest.mark.parametrize("chunk", [(), ("--chunk", "1"), ("--chunk", "7"), ("--chunk", "100000")])
@pytest.mark.parametrize("from_file", [True, False])
def test_stream_prints_one_event_a_line(files: Path, chunk: tuple[str, ...], from_file: bool) -> None:
    words = ["stream", *(["q.txt"] if from_file else []), "-f", "qwen_xml", "--tools", "tools.json", *chunk, "--json"]
    events = [json.loads(line) for line in run(*words, stdin=QWEN.encode()).stdout.splitlines()]
    joined = "".join(event["json"] for event in events if event["event"] == "arguments_delta")
    assert json.loads(joined) == ARGUMENTS
    assert "".join(event["text"] for event in events if event["event"] == "text_delta") == "Let me look."
    assert events[-2] == {"event": "call_end", "index": 0, "call": {**CALL, "id": None}}
    assert events[-1] == {"event": "end", "calls": 1, "malformed": 0, "ended": False, "truncated": False}


def test_stream_is_pretty_for_people_and_finds_problems() -> None:
    said = run("stream", "-f", "hermes", stdin="Hi\n<tool_call>\n{]\n</tool_call>", code=1).stdout.splitlines()
    assert said[0].split(None, 1) == ["text_delta", 'text="Hi"']
    assert [line.split()[0] for line in said[1:]] == ["call_malformed", "end"]


def test_stream_joins_characters_that_arrive_in_pieces() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "toolfmt.cli.main", "stream", "-f", "hermes", "--json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin and process.stdout
        process.stdin.write("é".encode()[:1])
        process.stdin.flush()
        process.stdin.write("é".encode()[1:] + b"a")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["text"] in ("é", "éa")  # before the input ends
        process.stdin.close()
        assert process.wait(60) == 0


@pytest.mark.parametrize(("data", "at"), [(b"ab\ncaf\xe9", 6), ("aé\n".encode() * 3 + b"\xe3\x81", 12), (b"\xff", 0)])
@pytest.mark.parametrize("file", [("x.txt",), ()])
def test_stream_says_where_the_text_is_not_utf8(files: Path, data: bytes, at: int, file: tuple[str, ...]) -> None:
    Path("x.txt").write_bytes(data)
    result = run("stream", *file, "-f", "hermes", stdin=data, code=2)
    assert f"not UTF-8 at byte {at};" in result.stderr and result.stderr.count("\n") == 1


# convert


def test_convert_a_file(files: Path) -> None:
    said = run("convert", "rows.jsonl", "--to", "qwen_xml").stdout
    assert "json_fence -> qwen_xml" in said and "rows: 2, with calls: 1, direct answers: 1, converted: 1" in said
    rows = [json.loads(line) for line in Path("rows.qwen_xml.jsonl").read_text(encoding="utf-8").splitlines()]
    (call,) = toolfmt.parse(rows[0]["messages"][1]["content"], "qwen_xml", tools=TOOLS).calls
    assert call.arguments == {"city": "Paris", "days": 3}


def test_convert_reports_in_json(files: Path) -> None:
    said = run_json(
        "convert", "rows.jsonl", "--to", "hermes", "--from", "json_fence", "--out", "o.jsonl", "--report", "r.json"
    )
    assert said == json.loads(Path("r.json").read_text(encoding="utf-8"))
    assert {key: said[key] for key in ("rows", "with_calls", "direct", "converted", "rejected", "out", "error")} == {
        "rows": 2, "with_calls": 1, "direct": 1, "converted": 1, "rejected": 0, "out": "o.jsonl", "error": None,
    }  # fmt: skip
    assert Path("o.jsonl").is_file()


def test_convert_keeps_bad_rows_and_says_so(files: Path) -> None:
    said = run("convert", "bad.jsonl", "--to", "hermes", code=1).stdout
    assert "rejected: 2" in said and "line 2" in said
    assert len(Path("bad.hermes.jsonl").read_text(encoding="utf-8").splitlines()) == 1
    assert len(Path("bad.hermes.jsonl.rejects.jsonl").read_text(encoding="utf-8").splitlines()) == 2


def test_convert_stops_at_what_the_format_cannot_say(files: Path) -> None:
    Path("u.jsonl").write_text(
        Path("rows.jsonl").read_text(encoding="utf-8").replace("Paris", "<escape>"), encoding="utf-8"
    )
    result = run("convert", "u.jsonl", "--to", "functiongemma", code=1)
    assert "<escape>" in result.stderr and "--on-loss warn" in result.stderr and "nothing was written" in result.stderr
    assert not Path("u.functiongemma.jsonl").exists()
    assert run_json("convert", "u.jsonl", "--to", "functiongemma", code=1)["error"]
    result = run("convert", "u.jsonl", "--to", "functiongemma", "--on-loss", "warn", code=1)
    assert "warning: " in result.stderr and "rejected: 1" in result.stdout
    result = run("convert", "u.jsonl", "--to", "functiongemma", "--on-loss", "ignore", code=1)
    assert result.stderr == "" and "rejected: 1" in result.stdout


def test_convert_notices_are_json(files: Path) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'}}
    row = {"messages": [{"role": "assistant", "content": None, "tool_calls": [call]}], "tools": TOOLS}
    Path("o.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    said = CliRunner().invoke(app, ["convert", "o.jsonl", "--to", "hermes", "--on-loss", "ignore", "--json"])
    assert sum(json.loads(said.stdout)["notice_counts"].values()) + len(json.loads(said.stdout)["losses"]) >= 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "give --to FORMAT, --layout LAYOUT or both"),
        (("--to", "hermis"), "did you mean `hermes`"),
        (("--to", "hermes", "--from", "nothing"), "unknown format `nothing`"),
        (("--layout", "nothing"), "unknown layout"),
        (("--to", "hermes", "--out", "rows.jsonl"), "--out is the input itself"),
        (("--to", "hermes", "--out", "none/o.jsonl"), "no such folder; make it first: `none`"),
        (("--to", "hermes", "--tools", "none.json"), "no such file; check the path: `none.json`"),
        (("--to", "hermes", "--tools", "list.json"), "list.json: tools[0]: expected a tool definition"),
    ],
)
def test_convert_says_why_it_cannot_run(files: Path, words: tuple[str, ...], said: str) -> None:
    result = run("convert", "rows.jsonl", *words, code=2)
    assert result.stdout == "" and said in result.stderr and result.stderr.count("\n") == 1


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
