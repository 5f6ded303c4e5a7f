"""A small OpenAI-compatible server over transformers, for tests and checks: HTTP around `chat.py`, which answers.

    python -m toolfmt_train.serve.server MODEL --format qwen_xml --port 0

One request decodes at a time, greedily, on the CPU.  Not covered: sampling, several choices, logprobs, images, keys, TLS.
"""

import argparse
import json
import sys
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

from pydantic import ValidationError

from toolfmt.errors import ToolfmtError
from toolfmt_train.serve.chat import Chat, Json, Reply, Request, RequestError
from toolfmt_train.serve.wire import chunks, completion

__all__ = ["Server", "main"]


class Server(ThreadingHTTPServer):
    """Serves one model."""

    daemon_threads = True

    def __init__(self, chat: Chat, port: int) -> None:
        self.chat, self.turn = chat, Lock()
        super().__init__(("127.0.0.1", port), Handler)


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server

    def do_GET(self) -> None:
        models = [{"id": self.server.chat.name, "object": "model", "created": 0, "owned_by": "toolfmt"}]
        known: Json = {"/health": {}, "/v1/models": {"object": "list", "data": models}}
        if self.path in known:
            self._send(200, known[self.path])
        else:
            self._refuse(404, "", f"there is /health, /v1/models and /v1/chat/completions; got `{self.path}`")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/v1/chat/completions":
            self._refuse(404, "", f"there is /v1/chat/completions; got `{self.path}`")
            return
        try:
            asked = Request.model_validate_json(body)
            with self.server.turn:
                self._answer(Reply(self.server.chat, asked), asked)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            self._refuse(400, ".".join(map(str, first["loc"])), first["msg"])
        except RequestError as error:
            self._refuse(*error.args)
        except ConnectionError:
            self.close_connection = True  # nobody listens any more

    def _answer(self, reply: Reply, asked: Request) -> None:
        named = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": 0, "model": asked.model}
        if not asked.stream:
            self._send(200, named | completion(reply))
            return
        self._head(200, "text/event-stream")
        for chunk in chunks(reply, with_usage=asked.stream_options.get("include_usage", False)):
            self.wfile.write(f"data: {json.dumps(named | chunk)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")

    def _send(self, status: int, value: Json) -> None:
        self._head(status, "application/json")
        self.wfile.write(json.dumps(value).encode())

    def _head(self, status: int, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()

    def _refuse(self, status: int, field: str, reason: str) -> None:
        message = f"{field}: {reason}" if field else reason
        error = {"message": message, "type": "invalid_request_error", "param": field or None, "code": None}
        self._send(status, {"error": error})


def main() -> None:
    """The command of the docstring."""
    parser = argparse.ArgumentParser(prog="python -m toolfmt_train.serve.server")
    parser.add_argument("model")
    parser.add_argument("--format", required=True)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--name", help="what requests call the model; else MODEL")
    given = parser.parse_args()
    name = given.name or given.model
    try:
        server = Server(Chat(given.model, given.format, name), given.port)
    except ToolfmtError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: port {given.port}: {error.strerror}; 0 takes a free one")
    print(f"{name} on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
