"""A small OpenAI-compatible server over transformers, for tests and checks: one request at a time, greedy, on the CPU."""

import json
from types import SimpleNamespace
from typing import Annotated, Any, Literal
from uuid import uuid4
from wsgiref.simple_server import make_server

import typer
from openai.types.chat import ChatCompletionNamedToolChoiceParam
from pydantic import BaseModel, Field, ValidationError

import toolfmt
from toolfmt.layouts.base import get_layout
from toolfmt_train.decoding import TextStream, ends_of, grammar_processor, special_tokens
from toolfmt_train.models import load

Json = dict[str, Any]


class Request(BaseModel, extra="forbid", strict=True):
    model: str
    messages: list[Json] = Field(min_length=1)
    tools: list[Json] = []
    tool_choice: Literal["auto", "none", "required"] | ChatCompletionNamedToolChoiceParam = "auto"
    stream: bool = False
    stream_options: dict[Literal["include_usage"], bool] = {}
    max_tokens: int = Field(512, gt=0)
    temperature: float = Field(0, ge=0, le=0)
    structured_outputs: dict[Literal["grammar"], str] = {}


class Chat:
    """A WSGI application: a model under its name, and the format in which its calls are read."""

    def __init__(self, model: str, format: str, name: str) -> None:
        self.name, self.format = name, toolfmt.get_format(format)
        self.model, self.tokenizer = load(model)
        self.tokenizer.get_chat_template()  # a ValueError where there is none
        self.ends, self.size = ends_of(self.model, self.tokenizer, format).tokens, self.model.config.vocab_size

    def __call__(self, environ: Json, start_response: Any) -> list[bytes]:
        def reply(status: str, said: Json | str, field: str | None = None) -> list[bytes]:
            if isinstance(said, str):
                said = {"error": {"message": said, "type": "invalid_request_error", "param": field}}
            start_response(status, [("Content-Type", "application/json")])
            return [json.dumps(said).encode()]

        path, length = environ["PATH_INFO"], environ["CONTENT_LENGTH"]
        body = environ["wsgi.input"].read(int(length) if length.isdecimal() else 0)
        if path in ("/health", "/v1/models"):
            return reply("200 OK", {"object": "list", "data": [{"id": self.name, "object": "model"}]})
        if path != "/v1/chat/completions":
            return reply("404 Not Found", f"there is no `{path}`")
        try:
            asked = Request.model_validate_json(body)
            prompt, masks, parser = self.prepare(asked)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"])) or "body"
            return reply("400 Bad Request", f"{field}: {first['msg']}", field)
        except Exception as error:  # a chat template may raise anything
            return reply("400 Bad Request", str(error).strip())
        if asked.model != self.name:
            return reply("404 Not Found", f"this server has `{self.name}`; got `{asked.model}`", "model")
        if not asked.stream:
            return reply("200 OK", self.answer(asked, prompt, masks, parser, lambda part: None))
        write = start_response("200 OK", [("Content-Type", "text/event-stream")])
        self.answer(asked, prompt, masks, parser, lambda part: write(f"data: {json.dumps(part)}\n\n".encode()))
        return [b"data: [DONE]\n\n"]

    def prepare(self, asked: Request) -> tuple[Any, list[Any], toolfmt.StreamParser]:
        """The prompt, the masks and the reader of an answer; it raises for what cannot be answered."""
        parser, grammar = toolfmt.stream(self.format, tools=asked.tools), asked.structured_outputs.get("grammar")
        if not grammar and asked.tool_choice not in ("auto", "none"):
            tool = None if asked.tool_choice == "required" else asked.tool_choice["function"]["name"]
            special = special_tokens(self.tokenizer)
            grammar = toolfmt.grammar_for(asked.tools, self.format, tool=tool, special_tokens=special).text
        masks = [grammar_processor(grammar, self.tokenizer, self.size, stops=self.ends)] if grammar else []
        for message, turn in zip(asked.messages, get_layout("openai").read({"messages": asked.messages}), strict=True):
            if turn.calls:  # templates want objects as arguments, and not JSON text
                message["tool_calls"] = [as_call(call.id, call.name, call.arguments) for call in turn.calls]
        tools = None if asked.tool_choice == "none" else asked.tools or None
        options: Json = {"tools": tools, "add_generation_prompt": True, "return_tensors": "pt"}
        prompt: Any = self.tokenizer.apply_chat_template(asked.messages, **options)
        if prompt["input_ids"].shape[1] + asked.max_tokens > self.model.config.max_position_embeddings:
            raise ValueError(f"max_tokens: the model has no room for as many: `{asked.max_tokens}`")
        return prompt, masks, parser

    def answer(self, asked: Request, prompt: Any, masks: list[Any], parser: toolfmt.StreamParser, send: Any) -> Json:
        """The whole answer; ``send`` is given its chunks, as the model writes it."""
        head = {"id": f"chatcmpl-{uuid4().hex}", "object": "chat.completion.chunk", "created": 0, "model": self.name}
        text = TextStream(self.tokenizer)

        def say(*deltas: Json, reason: str | None = None) -> None:
            for delta in deltas:
                send(head | {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})

        def put(tokens: Any) -> None:
            if tokens.dim() == 1 and int(tokens) not in self.ends:  # the prompt comes first, in two dimensions
                say(*map(as_delta, parser.feed(text.add(int(tokens)))))

        say({"role": "assistant", "content": ""})
        streamer = SimpleNamespace(put=put, end=lambda: say(*map(as_delta, parser.feed(text.rest()) + parser.close())))
        options: Json = {"max_new_tokens": asked.max_tokens, "do_sample": False, "eos_token_id": list(self.ends)}
        ids = self.model.generate(**prompt, **options, streamer=streamer, logits_processor=masks)[0].tolist()
        said, begin = parser.parsed, prompt["input_ids"].shape[1]
        reason = "length" if ids[-1] not in self.ends else "tool_calls" if said.calls else "stop"
        say({}, reason=reason)
        usage = {"prompt_tokens": begin, "completion_tokens": len(ids) - begin, "total_tokens": len(ids)}
        if asked.stream_options.get("include_usage"):
            send(head | {"choices": [], "usage": usage})
        spoken = [part for part in said.parts if isinstance(part, toolfmt.Text | toolfmt.Malformed)]
        content = "".join(part.text if isinstance(part, toolfmt.Text) else part.raw for part in spoken)
        calls = [as_call(f"call_{uuid4().hex}", call.name, json.dumps(call.arguments)) for call in said.calls]
        message = {"role": "assistant", "content": content or None, "tool_calls": calls}
        choice = {"index": 0, "message": message | {"reasoning_content": said.reasoning}, "finish_reason": reason}
        return head | {"object": "chat.completion", "choices": [choice], "usage": usage}


def as_call(id: str | None, name: str, arguments: Any) -> Json:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def as_delta(event: toolfmt.Event) -> Json:
    match event:
        case toolfmt.TextDelta(text) | toolfmt.CallMalformed(_, toolfmt.Malformed(raw=text)):
            return {"content": text}
        case toolfmt.ReasoningDelta(text):
            return {"reasoning_content": text}
        case toolfmt.CallStart(index, name):
            return {"tool_calls": [{"index": index, **as_call(f"call_{uuid4().hex}", name, "")}]}
        case toolfmt.ArgumentsDelta(index, text):
            return {"tool_calls": [{"index": index, "function": {"arguments": text}}]}
    return {}


def main(model: str, format: Annotated[str, typer.Option()], port: int = 0, name: str = "") -> None:
    """`python -m toolfmt_train.serve.server MODEL --format F`; port 0 takes a free one, --name is what requests ask for."""
    try:
        server = make_server("127.0.0.1", port, Chat(model, format, name or model))
    except (toolfmt.ToolfmtError, ValueError, OSError) as error:
        raise SystemExit(f"error: {model} on port {port}: {error}") from None
    print(f"{name or model} on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    typer.run(main)
