"""`toolfmt parse`, `render` and `stream`: what they print, their exit codes, and what they say of wrong input."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_runner import ARGUMENTS, CALL, QWEN, run, run_json, write_files
from hypothesis import given
from hypothesis import strategies as st

import toolfmt
from toolfmt.cli.common import CommandError, visible
from toolfmt.cli.messages import read_message


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with tools, a text and rows."""
    monkeypatch.chdir(tmp_path)
    write_files()
    return tmp_path


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
