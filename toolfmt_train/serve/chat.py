"""Answering a chat request with a transformers model: its own chat template, greedy decoding, `toolfmt.stream` over what it writes.

`required` and a named tool put the model under `toolfmt.grammar_for`; so does a grammar in `structured_outputs`, as vLLM takes it.  With `none` the
model is not shown the tools.  A field that is not in `Request` is refused by name.
"""

from collections.abc import Iterator
from typing import Any, Literal

import torch
from jinja2 import TemplateError
from pydantic import BaseModel, Field
from pydantic import Json as JsonText
from transformers import DynamicCache

import toolfmt
from toolfmt.errors import ToolfmtError
from toolfmt.events import Event
from toolfmt.grammar.engines import logits_processor
from toolfmt_train.decoding import special_tokens
from toolfmt_train.errors import ModelError
from toolfmt_train.models import load

__all__ = ["Chat", "Json", "Reply", "Request", "RequestError"]

Json = dict[str, Any]


class RequestError(Exception):
    """A request that cannot be answered: the status, the field, and why."""


class _Function(BaseModel):
    name: str
    arguments: JsonText[Json]
    """JSON text on the wire; templates want the object."""


class _Call(BaseModel):
    id: str
    type: Literal["function"]
    function: _Function


class _Message(BaseModel, extra="allow"):
    role: str
    tool_calls: list[_Call] | None = None


class _Named(BaseModel):
    function: dict[Literal["name"], str]


class Request(BaseModel, extra="forbid", strict=True):
    """A request, as far as it is understood here."""

    model: str
    messages: list[_Message] = Field(min_length=1)
    tools: list[Json] = []
    tool_choice: Literal["auto", "none", "required"] | _Named = "auto"
    stream: bool = False
    stream_options: dict[Literal["include_usage"], bool] = {}
    max_tokens: int = Field(512, gt=0)
    temperature: float = Field(0, ge=0, le=0)
    structured_outputs: dict[Literal["grammar"], str] = {}


class Chat:
    """A model under its ``name``, its tokenizer, and the format in which its calls are read."""

    def __init__(self, model: str, format: str, name: str) -> None:
        self.name, self.format = name, toolfmt.get_format(format)
        self.model, self.tokenizer = load(model)
        if self.tokenizer.chat_template is None:
            raise ModelError(
                f"`{model}` has no chat template; give its tokenizer that of `toolfmt template {self.format.name}`"
            )
        ends = self.model.generation_config.eos_token_id
        self.ends = {self.tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])}

    def prompt(self, asked: Request) -> Any:
        """The tokens that the model goes on from."""
        tools = asked.tools if asked.tool_choice != "none" else []
        given: Json = {
            "tools": tools or None,
            "add_generation_prompt": True,
            "return_dict": True,
            "return_tensors": "pt",
        }
        messages = [message.model_dump(exclude_unset=True) for message in asked.messages]
        try:
            said: Any = self.tokenizer.apply_chat_template(messages, **given)
        except TemplateError as error:
            raise RequestError(400, "messages", f"the chat template refuses them: {error}") from None
        return said["input_ids"]

    def mask(self, asked: Request) -> Any:
        """The grammar of the answer, as a logits processor; None where the model is free."""
        if asked.structured_outputs:
            return logits_processor("xgrammar", asked.structured_outputs["grammar"], self.tokenizer)
        if asked.tool_choice in ("auto", "none"):
            return None
        tool = asked.tool_choice.function["name"] if isinstance(asked.tool_choice, _Named) else None
        special = special_tokens(self.tokenizer)
        return toolfmt.grammar_for(asked.tools, self.format, tool=tool, special_tokens=special).transformers(
            self.tokenizer
        )

    @torch.inference_mode()
    def step(self, ids: Any, new: Any, cache: Any, mask: Any) -> Any:
        """The token after ``ids``, of which the cache has not seen ``new``."""
        scores = self.model(input_ids=new, cache=cache, logits_to_keep=1).logits[:, -1].float()
        return (mask(ids, scores) if mask else scores).argmax(-1, keepdim=True)


class Reply:
    """One answer.  What is wrong with a request is found before a word is sent."""

    def __init__(self, chat: Chat, asked: Request) -> None:
        if asked.model != chat.name:
            raise RequestError(404, "model", f"this server has `{chat.name}`; got `{asked.model}`")
        try:
            self.parser, self.mask = toolfmt.stream(chat.format, tools=asked.tools), chat.mask(asked)
        except ToolfmtError as error:
            raise RequestError(400, "structured_outputs" if asked.structured_outputs else "tools", str(error)) from None
        self.chat, self.ids, self.reason = chat, chat.prompt(asked), "length"
        self.begin = self.ids.shape[1]
        self.limit = self.begin + asked.max_tokens
        if self.limit > chat.model.config.max_position_embeddings:
            raise RequestError(
                400, "max_tokens", f"more than the model holds after {self.begin} tokens: `{asked.max_tokens}`"
            )

    def events(self) -> Iterator[Event]:
        """What the model says, as it says it; then ``reason`` is why it ended."""
        cache, new, sent, text = DynamicCache(config=self.chat.model.config), self.ids, 0, ""
        while self.ids.shape[1] < self.limit and self.reason == "length":
            new = self.chat.step(self.ids, new, cache, self.mask)
            self.ids = torch.cat([self.ids, new], dim=1)
            if int(new) in self.chat.ends:
                self.reason = "stop"
                break
            text = str(self.chat.tokenizer.decode(self.ids[0, self.begin :], clean_up_tokenization_spaces=False))
            if not text.endswith("\N{REPLACEMENT CHARACTER}"):  # else a character is not yet whole
                yield from self.parser.feed(text[sent:])
                sent = len(text)
        yield from [*self.parser.feed(text[sent:]), *self.parser.close()]
        if self.parser.parsed.calls and self.reason == "stop":
            self.reason = "tool_calls"

    def usage(self) -> Json:
        """The tokens of prompt and answer."""
        total = self.ids.shape[1]
        return {"prompt_tokens": self.begin, "completion_tokens": total - self.begin, "total_tokens": total}
