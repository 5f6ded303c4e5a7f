"""The server over transformers, asked through the real client: a random model that a grammar makes call."""

import http.client
import io
import json
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer
from serve_fake import ASK, CHAT, DEFINITIONS, FORMAT, TOOLS, Json, Serving

import toolfmt
from toolfmt_train.serve.check import Question, check
from toolfmt_train.serve.client import Client

torch = pytest.importorskip("torch")
openai = pytest.importorskip("openai")

SET_LEVEL = {"type": "function", "function": {"name": "set_level"}}


@pytest.fixture(scope="module")
def client(server: Serving) -> Any:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=60)


def ask(client: Any, **fields: Any) -> Any:
    """The answer of the random model; under a grammar unless ``tool_choice`` says otherwise."""
    asked = {
        "model": "tiny",
        "messages": ASK.messages,
        "tools": DEFINITIONS,
        "tool_choice": "required",
        "max_tokens": 200,
    }
    return client.chat.completions.create(**{**asked, **fields})


def schema_valid(function: Any) -> bool:
    call = toolfmt.ToolCall(name=function.name, arguments=json.loads(function.arguments))
    return not toolfmt.validate(call, TOOLS)


# Calls


def test_a_required_call_arrives(client: Any) -> None:
    answer = ask(client)
    (choice,) = answer.choices
    assert choice.finish_reason == "tool_calls" and choice.message.content is None
    (call,) = choice.message.tool_calls
    assert call.id.startswith("call_") and call.type == "function"
    assert schema_valid(call.function)
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.completion_tokens > 5


def test_a_named_call_arrives_as_it_is_written(client: Any) -> None:
    """The stream joins to the answer in full, its deltas are several, and its types those of the schema."""
    (whole,) = ask(client, tool_choice=SET_LEVEL).choices[0].message.tool_calls
    assert whole.function.name == "set_level" and schema_valid(whole.function)
    chunks = list(ask(client, tool_choice=SET_LEVEL, stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens > 5
    deltas = [choice.delta for one in chunks for choice in one.choices]
    pieces = [call for delta in deltas for call in delta.tool_calls or ()]
    assert pieces[0].id.startswith("call_") and pieces[0].function.name == "set_level"
    assert not any(piece.id or piece.function.name for piece in pieces[1:]) and {piece.index for piece in pieces} == {0}
    assert json.loads("".join(piece.function.arguments for piece in pieces)) == json.loads(whole.function.arguments)
    assert len(pieces) > 5
    assert not any(delta.content for delta in deltas)
    assert [one.choices[0].finish_reason for one in chunks[-3:-1]] == [None, "tool_calls"]
    assert len({one.id for one in chunks}) == 1


def test_the_check_passes(server: Serving) -> None:
    question = Question(FORMAT, grammar=True, max_tokens=300)
    for one in check(Client(server.url, "tiny", seconds=60), [ASK, CHAT], question):
        assert one.findings == () and len(one.calls) == 1


def test_a_call_and_its_result_go_back(client: Any) -> None:
    said = ask(client).choices[0].message
    result = {"role": "tool", "tool_call_id": said.tool_calls[0].id, "content": "done"}
    messages = [*ASK.messages, said, result]
    again = ask(client, messages=messages)
    assert again.choices[0].finish_reason == "tool_calls"
    assert again.usage.prompt_tokens > ask(client).usage.prompt_tokens + len("done")


def test_a_grammar_of_the_client(client: Any) -> None:
    grammar = toolfmt.grammar_for(DEFINITIONS, FORMAT, tool="now").text
    fields = {"tool_choice": "auto", "extra_body": {"structured_outputs": {"grammar": grammar}}}
    (call,) = ask(client, **fields).choices[0].message.tool_calls
    assert (call.function.name, call.function.arguments) == ("now", "{}")


def test_a_call_that_is_cut_off_is_content(client: Any) -> None:
    choice = ask(client, max_tokens=30).choices[0]
    assert choice.finish_reason == "length" and not choice.message.tool_calls
    assert choice.message.content.startswith("<tool_call>\n<function=")
    streamed = [one.choices[0] for one in ask(client, max_tokens=30, stream=True)]
    assert "".join(one.delta.content or "" for one in streamed) == choice.message.content
    assert streamed[-1].finish_reason == "length"


# Text


def test_a_free_model_writes_text(client: Any) -> None:
    choice = ask(client, tool_choice="auto", max_tokens=8).choices[0]
    assert choice.finish_reason == "length" and choice.message.content and not choice.message.tool_calls
    streamed = [
        one.choices[0].delta.content or "" for one in ask(client, tool_choice="auto", max_tokens=8, stream=True)
    ]
    assert "".join(streamed) == choice.message.content


def test_none_hides_the_tools(client: Any) -> None:
    hidden = ask(client, tool_choice="none", max_tokens=1).usage.prompt_tokens
    bare = client.chat.completions.create(model="tiny", messages=ASK.messages, max_tokens=1).usage.prompt_tokens
    assert hidden == bare < ask(client, tool_choice="auto", max_tokens=1).usage.prompt_tokens


# Requests that cannot be answered

BROKEN_CALL = {"id": "c", "type": "function", "function": {"name": "now", "arguments": "{"}}


@pytest.mark.parametrize(
    "fields, status, field, why",
    (
        ({"n": 2}, 400, "n", "Extra inputs"),
        ({"temperature": 1}, 400, "temperature", "less than or equal to 0"),
        ({"messages": []}, 400, "messages", "at least 1 item"),
        ({"messages": [{"role": "judge", "content": "x"}]}, 400, None, "$.messages[0].role: expected one of"),
        ({"messages": [{"role": "function", "content": "x"}]}, 400, None, "unknown role `function`"),
        ({"messages": [{"role": "assistant", "tool_calls": [BROKEN_CALL]}]}, 400, None, "function.arguments: expected a JSON object"),
        ({"tools": [{"type": "function", "function": {}}]}, 400, None, "tools[0].function.name"),
        ({"tools": []}, 400, None, "there are none"),
        ({"tool_choice": "always"}, 400, "tool_choice.literal['auto','none','required']", "'required'"),
        ({"tool_choice": {"type": "function", "function": {}}}, 400, "tool_choice.literal['auto','none','required']", "'required'"),
        ({"tool_choice": {"type": "function", "function": {"name": "fly"}}}, 400, None, "set_level, now: `fly`"),
        ({"max_tokens": 9999}, 400, None, "max_tokens: the model has no room for as many: `9999`"),
        ({"max_tokens": 0}, 400, "max_tokens", "greater than 0"),
        ({"model": "huge"}, 404, "model", "this server has `tiny`; got `huge`"),
        ({"extra_body": {"structured_outputs": {"grammar": "root ::= lost"}}}, 400, None, "lost"),
        ({"extra_body": {"structured_outputs": {"grammar": "root ::= Token(99999)"}}}, 400, None, "refuses the grammar"),
    ),
)  # fmt: skip
@pytest.mark.parametrize("stream", (False, True))
def test_a_bad_request(client: Any, fields: Json, status: int, field: str | None, why: str, stream: bool) -> None:
    with pytest.raises(openai.APIStatusError) as error:
        ask(client, stream=stream, **fields)
    assert error.value.status_code == status
    assert error.value.body["param"] == field
    assert why in error.value.body["message"]
    assert "\n" not in error.value.body["message"]


@pytest.mark.parametrize("body", (b"", b"{", b"[1]", b"\xff"))
def test_a_body_that_is_no_request(server: Serving, body: bytes) -> None:
    request = urllib.request.Request(f"{server.url}/v1/chat/completions", body, method="POST")
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request, timeout=60)
    with error.value as answer:
        assert answer.code == 400 and json.load(answer)["error"]["message"]


def test_the_other_addresses(server: Serving, client: Any) -> None:
    with urllib.request.urlopen(f"{server.url}/health", timeout=60) as answer:
        assert answer.status == 200 and answer.headers["Content-Type"] == "application/json"
    assert [model.id for model in client.models.list()] == ["tiny"]
    for method, path in (("GET", "/v2"), ("POST", "/v1/completions")):
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(urllib.request.Request(f"{server.url}{path}", method=method), timeout=60)
        with error.value as refused:
            assert refused.code == 404 and path in json.load(refused)["error"]["message"]


# The application, asked without a network


@pytest.fixture(scope="module")
def chat(model: Path) -> Any:
    from toolfmt_train.serve.server import Chat

    return Chat(str(model), FORMAT, "tiny")


def post(chat: Any, written: list[bytes], **fields: Any) -> str:
    """The status; what the application writes and returns is added to ``written``."""
    body = json.dumps({"model": "tiny", "messages": ASK.messages, **fields}).encode()
    path = "/v1/chat/completions"
    environ = {"PATH_INFO": path, "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
    begun: list[str] = []

    def start_response(status: str, headers: list[tuple[str, str]]) -> Any:
        begun.append(status)
        return written.append

    written.extend(chat(environ, start_response))
    (status,) = begun
    return status


def test_a_stream_is_sent_while_the_model_writes(chat: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    sent: list[int] = []
    generate = chat.model.generate

    def watched(**options: Any) -> Any:
        ids = generate(**options)
        sent.append(len(written))
        return ids

    monkeypatch.setattr(chat.model, "generate", watched)
    assert post(chat, written, tools=DEFINITIONS, tool_choice=SET_LEVEL, stream=True) == "200 OK"
    assert sent[0] > 5 and len(written) == sent[0] + 2  # then the reason and the end
    assert written[-1] == b"data: [DONE]\n\n"


def test_templates_are_given_arguments_as_objects(chat: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many of them want; OpenAI's messages have JSON text."""
    template = "{% for call in messages[0].tool_calls %}{{ call.function.arguments.items() | list }}{% endfor %}"
    monkeypatch.setattr(chat.tokenizer, "chat_template", template)
    call = {"id": "c", "type": "function", "function": {"name": "set_level", "arguments": '{"level": 5}'}}
    written: list[bytes] = []
    assert post(chat, written, messages=[{"role": "assistant", "tool_calls": [call]}], max_tokens=1) == "200 OK", (
        written
    )


def test_a_template_that_fails_is_a_bad_request(chat: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat.tokenizer, "chat_template", "{{ messages[0].content + 1 }}")
    written: list[bytes] = []
    assert post(chat, written) == "400 Bad Request"
    assert "str" in json.loads(written[0])["error"]["message"]


@pytest.mark.parametrize("stream", (False, True))
def test_half_a_character_is_not_lost(chat: Any, monkeypatch: pytest.MonkeyPatch, stream: bool) -> None:
    """As where the limit of tokens falls inside one."""
    tokens = chat.tokenizer("Zü", add_special_tokens=False).input_ids
    assert len(tokens) == 3

    def generate(input_ids: Any, streamer: Any, **_: Any) -> Any:
        for token in (input_ids, *map(torch.tensor, [[token] for token in tokens[:2]])):
            streamer.put(token)
        streamer.end()
        return torch.cat([input_ids, torch.tensor([tokens[:2]])], dim=1)

    monkeypatch.setattr(chat.model, "generate", generate)
    written: list[bytes] = []
    assert post(chat, written, stream=stream) == "200 OK"
    if stream:
        deltas = [json.loads(part[6:])["choices"][0]["delta"] for part in written[:-1]]
        assert "".join(delta.get("content", "") for delta in deltas) == "Z\N{REPLACEMENT CHARACTER}"
    else:
        (choice,) = json.loads(written[0])["choices"]
        assert choice["message"]["content"] == "Z\N{REPLACEMENT CHARACTER}" and choice["finish_reason"] == "length"


def test_a_mark_that_is_a_special_token_is_asked_as_one(chat: Any, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import AutoTokenizer

    from toolfmt_train.serve import server

    tokenizer, grammars = AutoTokenizer.from_pretrained(model), list[str]()
    tokenizer.add_special_tokens({"additional_special_tokens": ["<tool_call>"]})
    monkeypatch.setattr(chat, "tokenizer", tokenizer)
    monkeypatch.setattr(server, "grammar_processor", lambda grammar, *_, **__: grammars.append(grammar))
    chat.prepare(server.Request(model="tiny", messages=ASK.messages, tools=DEFINITIONS, tool_choice="required"))
    assert f"Token({tokenizer.convert_tokens_to_ids('<tool_call>')})" in grammars[0]


# Several at once, and some that leave


def test_requests_at_once(client: Any) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: ask(client).choices[0].message.tool_calls[0].function.arguments, range(4)))
    assert len(set(answers)) == 1


def test_a_client_that_leaves(server: Serving, client: Any) -> None:
    """The next one is answered all the same, and the log has one line about it."""
    address = urlsplit(server.url)
    body = {"model": "tiny", "messages": ASK.messages, "stream": True, "max_tokens": 1000}
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    connection.request("POST", "/v1/chat/completions", json.dumps(body))
    assert connection.getresponse().read(20)
    connection.close()
    assert ask(client).choices[0].finish_reason == "tool_calls"
    assert "POST" in server.log.read_text(encoding="utf-8") and "Traceback" not in server.log.read_text(
        encoding="utf-8"
    )


# Starting


@pytest.mark.parametrize(
    "change, why",
    (
        ({"--format": "qwen-xlm"}, "unknown format `qwen-xlm`"),
        ({"--port": "PORT"}, "Address already in use"),
        ({"MODEL": "no/such-model"}, "the model `no/such-model` cannot be loaded"),
    ),
)
def test_a_server_that_cannot_start(
    server: Serving, model: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, str], why: str
) -> None:
    from toolfmt_train.serve.server import main

    words = {"MODEL": str(model), "--format": FORMAT, "--port": "0"} | change
    words = {key: value.replace("PORT", str(urlsplit(server.url).port)) for key, value in words.items()}
    monkeypatch.setattr("sys.argv", ["server", words.pop("MODEL"), *(word for pair in words.items() for word in pair)])
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(SystemExit) as end:
        typer.run(main)
    assert isinstance(end.value.code, str) and end.value.code.startswith("error: ")
    assert why in end.value.code and "\n" not in end.value.code
