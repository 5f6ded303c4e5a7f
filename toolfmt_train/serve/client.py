"""Asking a server through the real `openai` client, and reading strictly what arrives.

The client itself takes nearly anything for an answer.  Here one that is not what the API says raises `BrokenAnswerError`: the check finds it, and not
the agent of a user.
"""

from collections.abc import Sequence
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from toolfmt.errors import MissingExtraError

__all__ = ["Answer", "BrokenAnswerError", "Call", "Client", "Function"]

Json = dict[str, Any]


class BrokenAnswerError(Exception):
    """What arrived is not what the API says, or nothing arrived."""


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True)


_T = TypeVar("_T", bound=_Wire)


class Function(_Wire):
    name: str
    arguments: str


class Call(_Wire):
    """A call as it arrived: its arguments are text."""

    id: str
    type: Literal["function"]
    function: Function


class Answer(_Wire):
    """What arrived, in one piece or joined from a stream."""

    content: str
    calls: list[Call]
    finish_reason: str
    tokens: int | None = None
    """How many were written, where the server says so."""


class _Message(_Wire):
    content: str | None = None
    tool_calls: list[Call] | None = None


class _Choice(_Wire):
    message: _Message
    finish_reason: str


class _Usage(_Wire):
    completion_tokens: int


class _Completion(_Wire):
    choices: list[_Choice]
    usage: _Usage | None = None


class _DeltaFunction(_Wire):
    name: str | None = None
    arguments: str | None = None


class _DeltaCall(_Wire):
    index: int
    id: str | None = None
    function: _DeltaFunction = _DeltaFunction()


class _Delta(_Wire):
    content: str | None = None
    tool_calls: list[_DeltaCall] | None = None


class _ChunkChoice(_Wire):
    delta: _Delta
    finish_reason: str | None = None


class _Chunk(_Wire):
    choices: list[_ChunkChoice]


class Client:
    """The `openai` client of one server and one of its models."""

    def __init__(self, url: str, model: str, *, seconds: float) -> None:
        try:
            import openai
        except ImportError:
            raise MissingExtraError('the check needs the package openai: pip install "toolfmt[train]"') from None
        self._model = model
        self._client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=seconds)

    def models(self) -> list[str]:
        """The models that the server offers."""
        import openai

        try:
            return [model.id for model in self._client.models.list()]
        except (openai.OpenAIError, ValueError) as error:
            raise BrokenAnswerError(_said(error)) from None

    def ask(self, messages: Sequence[Json], tools: Sequence[Json], *, stream: bool, **options: Any) -> Answer:
        """One answer; greedy."""
        import openai

        fields: Json = {"model": self._model, "messages": messages, "tools": tools, "temperature": 0, **options}
        try:
            if stream:
                return _joined([_plain(chunk) for chunk in self._client.chat.completions.create(**fields, stream=True)])
            return _whole(_plain(self._client.chat.completions.create(**fields)))
        except (openai.OpenAIError, ValueError) as error:
            raise BrokenAnswerError(_said(error)) from None


def _said(error: Exception) -> str:
    cause = f" ({error.__cause__})" if error.__cause__ else ""
    return f"{type(error).__name__}: {str(error)[:300]}{cause}"


def _plain(sent: Any) -> Json:
    """The fields that really arrived; the client's own types say nothing about them."""
    if not isinstance(sent, BaseModel):
        raise BrokenAnswerError(f"the answer is no JSON object: {str(sent)[:200]!r}")
    return sent.model_dump(exclude_unset=True, warnings=False)


def _read(model: type[_T], fields: Json, what: str) -> _T:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise BrokenAnswerError(f"{what}: {where}: {first['msg']}") from None


def _whole(fields: Json) -> Answer:
    read = _read(_Completion, fields, "the answer")
    if len(read.choices) != 1:
        raise BrokenAnswerError(f"the answer has {len(read.choices)} choices, not one")
    message, reason = read.choices[0].message, read.choices[0].finish_reason
    tokens = read.usage.completion_tokens if read.usage else None
    return Answer(content=message.content or "", calls=message.tool_calls or [], finish_reason=reason, tokens=tokens)


def _joined(chunks: Sequence[Json]) -> Answer:
    """The answer that a stream spells."""
    content, calls, reason = "", list[Call](), ""
    for i, fields in enumerate(chunks):
        for choice in _read(_Chunk, fields, f"chunk {i} of the stream").choices:
            if reason:
                raise BrokenAnswerError(f"chunk {i} of the stream comes after the finish_reason `{reason}`")
            content += choice.delta.content or ""
            for delta in choice.delta.tool_calls or []:
                _add(calls, delta, f"chunk {i} of the stream")
            reason = choice.finish_reason or ""
    if not reason:
        raise BrokenAnswerError(f"the stream broke off: {len(chunks)} chunks and no finish_reason")
    return Answer(content=content, calls=calls, finish_reason=reason)


def _add(calls: list[Call], delta: _DeltaCall, where: str) -> None:
    """A call begins with its id and name; then pieces of its arguments follow, before the next one begins."""
    arguments = delta.function.arguments or ""
    if delta.index == len(calls):
        if not delta.id or not delta.function.name:
            raise BrokenAnswerError(f"{where}: call {delta.index} begins without {'its name' if delta.id else 'an id'}")
        calls.append(
            Call(id=delta.id, type="function", function=Function(name=delta.function.name, arguments=arguments))
        )
        return
    if delta.index != len(calls) - 1:
        raise BrokenAnswerError(f"{where}: index {delta.index} after {len(calls)} calls")
    last = calls[-1].function
    if delta.function.name:
        raise BrokenAnswerError(
            f"{where}: the name of call {delta.index} comes twice, `{last.name}` and `{delta.function.name}`"
        )
    calls[-1] = calls[-1].model_copy(
        update={"function": Function(name=last.name, arguments=last.arguments + arguments)}
    )
