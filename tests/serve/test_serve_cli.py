"""`toolfmt-train serve-check`: tables, JSON and exit codes; one line for whatever is wrong before a server is asked."""

import json
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from serve_fake import ASK, CHAT, DEFINITIONS, FORMAT, GOOD, GOOD_CHOICE, Json, Reply, fake_server, honest, message
from typer.testing import CliRunner

import toolfmt
from toolfmt_train.cli.main import app
from toolfmt_train.lines import write_lines
from toolfmt_train.rows import Row

pytest.importorskip("torch")
pytest.importorskip("openai")


def run(*words: str, code: int) -> Any:
    result = CliRunner().invoke(app, ["serve-check", *words], env={"HF_HUB_OFFLINE": "1"})
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Three tasks: twice a call, then none."""
    call = {"type": "function", "function": {"name": GOOD.name, "arguments": GOOD.arguments}}
    answers: list[Json] = [
        {"role": "assistant", "tool_calls": [call]},
        {"role": "assistant", "content": "You are welcome."},
    ]
    base: Json = {
        "blueprint": "b",
        "language": "",
        "corpus": "",
        "tool": None,
        "truth": None,
        "tools": DEFINITIONS,
        "evidence": {},
    }
    made = [
        Row(id=name, bucket="atomic", messages=[*prompt.messages, answers[i]], **base)
        for name, prompt, i in (("first", ASK, 0), ("second", ASK, 0), ("last", CHAT, 1))
    ]
    write_lines(made, tmp_path / "rows.jsonl")
    return tmp_path / "rows.jsonl"


def well(asked: Json) -> Reply:
    """Calls where it is asked to set something."""
    return honest(GOOD_CHOICE if "five" in asked["messages"][0]["content"] else message("You are welcome."))(asked)


# What is found


@pytest.mark.parametrize("path", ("", "/", "/v1", "/v1/"))
def test_a_server_that_runs_already(rows: Path, path: str) -> None:
    with fake_server(well) as url:
        result = run("tiny", "-f", FORMAT, "--data", str(rows), "--url", url + path, code=0)
    assert "3 of 3 prompts pass; calls arrive for 2 of 2; 3 of 3 known answers are right" in result.stdout
    assert 'set_level({"level": 5, "on": true, "tag": "5"})' in result.stdout
    assert "3/3 last: ok" in result.stderr


def test_the_built_in_prompts() -> None:
    with fake_server(well) as url:
        report = json.loads(run("tiny", "-f", FORMAT, "--url", url, "--json", code=1).stdout)
    assert [one["id"] for one in report["prompts"] if one["wants_call"]] == [
        "literal", "ignore-case", "look-behind", "structure", "path",
    ]  # fmt: skip
    assert report["passed"] == 1 and [one["right"] for one in report["prompts"]] == [None] * 5 + [True]


def test_calls_that_arrive_as_text(rows: Path) -> None:
    with fake_server(honest(message(toolfmt.render(GOOD, "json_fence")))) as url:
        words = ("tiny", "-f", "qwen3_xml", "--data", str(rows), "--limit", "2", "--url", url)
        result, report = run(*words, code=1), json.loads(run(*words, "--json", code=1).stdout)
    assert "0 of 2 prompts pass; calls arrive for 0 of 2; 0 of 2 known answers are right" in result.stdout
    assert "as json_fence while the server reads qwen_xml" in result.stdout
    assert "where: first (full, stream), second (full, stream)\n" in result.stdout
    assert r'arrived: "```json\n{' in result.stdout
    assert report["format"] == FORMAT and report["passed"] == 0 and report["seconds_to_start"] is None
    found = report["prompts"][1]["findings"]
    assert [(one["mode"], one["problem"]) for one in found] == [
        ("full", "no call arrived"),
        ("stream", "no call arrived"),
    ]


def test_a_server_of_its_own(model: Path, rows: Path, tmp_path: Path) -> None:
    asked = ("--data", str(rows), "--limit", "1", "--grammar", "--json", "--log", str(tmp_path / "log"))
    result = run(str(model), "-f", FORMAT, *asked, code=0)
    assert "POST /v1/chat/completions" in (tmp_path / "log").read_text(encoding="utf-8")
    report = json.loads(result.stdout)
    assert report["server"] == "transformers" and report["grammar"] and report["seconds_to_start"] > 0
    assert report["prompts"][0]["calls"] and not report["prompts"][0]["findings"]
    assert "ready after" in result.stderr and "does not show" not in result.stderr


# What cannot be checked


def refused(*words: str) -> str:
    """The one line that says why."""
    stderr: str = run(*words, code=2).stderr
    lines = [line for line in stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and stderr.endswith(lines[0] + "\n"), stderr
    return lines[0]


def test_what_is_no_server() -> None:
    assert "no OpenAI-compatible server answers at http://127.0.0.1:1/v1/models" in refused(
        "m", "-f", FORMAT, "--url", "http://127.0.0.1:1"
    )
    assert "no OpenAI-compatible server" in refused("m", "-f", FORMAT, "--url", "nonsense")


def test_a_server_without_the_model() -> None:
    with fake_server(well) as url:
        assert "has no model `huge`; it has `tiny`" in refused("huge", "-f", FORMAT, "--url", url)


def test_bad_words(tmp_path: Path, model: Path) -> None:
    assert "unknown format `qwen_xlm`; did you mean `qwen_xml`" in refused("m", "-f", "qwen_xlm")
    assert "there is no file" in refused("m", "-f", FORMAT, "--data", str(tmp_path / "none.jsonl"))
    assert "there is no model `no/such-model`" in refused("no/such-model", "-f", FORMAT)
    assert f"there is no model `{tmp_path}`" in refused(str(tmp_path), "-f", FORMAT)
    vllm = (str(model), "--backend", "vllm", "--vllm-python")
    assert "there is no Python to run vLLM with, `no/python`" in refused(*vllm, "no/python", "-f", FORMAT)
    assert "vLLM has no parser for `json_fence`; it has one for qwen_xml" in refused(
        *vllm, sys.executable, "-f", "json_fence"
    )


def test_a_python_without_vllm(model: Path) -> None:
    bare = Path(sys.base_prefix) / "bin" / "python3"
    if not bare.exists():
        pytest.skip(f"no {bare}")
    assert "has no vLLM; name a Python that has it with --vllm-python" in refused(
        str(model), "-f", FORMAT, "--backend", "vllm", "--vllm-python", str(bare)
    )


def test_a_port_in_use(model: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port}: Address already in use" in refused(str(model), "-f", FORMAT, "--port", str(port))


def test_a_model_that_does_not_load(model: Path, tmp_path: Path) -> None:
    """It has a configuration and no weights: the server's own line says so."""
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        (tmp_path / name).write_bytes((model / name).read_bytes())
    assert f"the model `{tmp_path}` cannot be loaded" in refused(str(tmp_path), "-f", FORMAT)


def test_a_template_without_tools(model: Path, tmp_path: Path) -> None:
    """It is said, and the check goes on."""
    for file in model.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "chat_template.jinja").write_text("{% for message in messages %}{{ message.content }}{% endfor %}")
    from toolfmt_train.serve.start import shows_tools

    assert shows_tools(str(model)) and not shows_tools(str(tmp_path))
