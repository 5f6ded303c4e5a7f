"""What the tests of the check share: tools, a prompt, and a server that says what it is told to say, right or wrong."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from toolfmt import ToolCall, read_tools
from toolfmt_train.serve.check import Prompt

FORMAT = "qwen_xml"
DEFINITIONS = [
    {
        "type": "function",
        "function": {
            "name": "set_level",
            "description": "",
            "parameters": {
                "type": "object",
                "properties": {
                    "level": {"type": "integer", "minimum": 0, "maximum": 20},
                    "on": {"type": "boolean"},
                    "tag": {"type": "string", "maxLength": 6},
                },
                "required": ["level", "on", "tag"],
            },
        },
    },
    {
        "type": "function",
        "function": {"name": "now", "description": "", "parameters": {"type": "object", "properties": {}}},
    },
]
TOOLS = read_tools(DEFINITIONS)
GOOD = ToolCall(name="set_level", arguments={"level": 5, "on": True, "tag": "5"})
ASK = Prompt("one", [{"role": "user", "content": "Set it to five."}], TOOLS, gold=GOOD)
CHAT = Prompt("none", [{"role": "user", "content": "Thanks!"}], TOOLS, calls=False)

Json = dict[str, Any]


class Serving(NamedTuple):
    """A server of the random model, under the name `tiny`."""

    url: str
    log: Path


def message(content: str | None = None, *, calls: list[tuple[str, Any]] | None = None, finish: str = "") -> Json:
    """A choice of an answer in full; arguments that are no text are sent as JSON text."""
    said: Json = {"role": "assistant", "content": content}
    if calls:
        said["tool_calls"] = [
            {"id": f"c{i}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for i, (name, arguments) in enumerate(calls)
        ]
    return {"index": 0, "message": said, "finish_reason": finish or ("tool_calls" if calls else "stop")}


GOOD_CALL = ("set_level", '{"level": 5, "on": true, "tag": "5"}')
GOOD_CHOICE = message(calls=[GOOD_CALL])


def deltas(choice: Json) -> list[Json]:
    """The chunks that spell an answer as they should."""
    said = choice["message"]
    pieces: list[Json] = [{"role": "assistant", "content": said["content"] or ""}]
    for i, call in enumerate(said.get("tool_calls", ())):
        name, arguments = call["function"]["name"], call["function"]["arguments"]
        pieces.append({"tool_calls": [{"index": i, **call, "function": {"name": name, "arguments": ""}}]})
        half = len(arguments) // 2
        pieces += [
            {"tool_calls": [{"index": i, "function": {"arguments": part}}]}
            for part in (arguments[:half], arguments[half:])
        ]
    return [*map(chunk, pieces), chunk({}, choice["finish_reason"])]


def chunk(delta: Json, finish: str | None = None) -> Json:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


Reply = tuple[int, str, bytes]
"""Status, kind of content, body."""


def in_full(choice: Json) -> Reply:
    return 200, "application/json", json.dumps({"object": "chat.completion", "choices": [choice]}).encode()


def as_stream(chunks: list[Json], end: bytes = b"data: [DONE]\n\n") -> Reply:
    body = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in chunks)
    return 200, "text/event-stream", body + end


def honest(choice: Json) -> Callable[[Json], Reply]:
    """A server that says the same in both ways."""
    return lambda asked: as_stream(deltas(choice)) if asked.get("stream") else in_full(choice)


@contextmanager
def fake_server(answer: Callable[[Json], Reply]) -> Iterator[str]:
    """The address of a server that answers a request so."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            self.reply(200, "application/json", b'{"object": "list", "data": [{"id": "tiny", "object": "model"}]}')

        def do_POST(self) -> None:
            self.reply(*answer(json.loads(self.rfile.read(int(self.headers["Content-Length"])))))

        def reply(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
