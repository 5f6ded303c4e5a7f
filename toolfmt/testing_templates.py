"""Law 8 of `toolfmt.testing`: a format's chat template writes what `render` writes, keeps its prefix, and marks just what the assistant writes."""

from collections.abc import Sequence
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from toolfmt.api import describe_tools, joined, render
from toolfmt.errors import UnrepresentableError
from toolfmt.format import Format, openai_tool
from toolfmt.ir import Message, Reasoning, Text, Tool, ToolCall, ToolResult
from toolfmt.strategies import messages, nasty_strings, plain_messages
from toolfmt.templates.chat import assistant_text, chat_message, chat_template
from toolfmt.templates.sandbox import apply_template
from toolfmt.values import dumps

__all__ = [
    "check_conversation",
    "check_template",
    "its_template_writes_plain_turns",
    "its_template_writes_what_render_writes",
]


def check_template(fmt: Format, template: str, message: Message, tools: Sequence[Tool]) -> bool:
    """The template writes a message as `render` does, or refuses it, and refuses what `render` refuses.  False when it was refused."""
    from jinja2 import TemplateError

    user = {"role": "user", "content": "Hello."}
    turn = chat_message(message.parts)
    offered = [openai_tool(tool) for tool in tools]
    prompt = apply_template(template, [user], tools=offered, add_generation_prompt=True).text
    assert not tools or describe_tools(tools, fmt) in prompt
    try:
        wanted = assistant_text(fmt, message)
    except UnrepresentableError:
        wanted = None
    try:
        said = apply_template(template, [user, turn], tools=offered)
    except TemplateError:
        return False
    assert wanted is not None, f"{fmt.name} cannot write {message!r}, and its template writes {said.text!r}"
    [(start, end)] = said.spans
    assert said.text[start:end] == wanted
    assert said.text[:start] == prompt
    assert apply_template(template, [user, _as_text(turn)], tools=offered) == said
    return True


def _as_text(turn: dict[str, Any]) -> dict[str, Any]:
    """The message with its arguments as JSON text."""
    calls = turn.get("tool_calls", [])
    functions = [{**call["function"], "arguments": dumps(call["function"]["arguments"])} for call in calls]
    return {**turn, "tool_calls": [{"type": "function", "function": function} for function in functions]}


def check_conversation(fmt: Format, template: str, chat: Sequence[dict[str, Any]], tools: Sequence[Tool]) -> None:
    """What is written of the first messages never changes when others follow, and every assistant's turn is marked."""
    offered = [openai_tool(tool) for tool in tools]
    before = ""
    for i, message in enumerate(chat):
        now = apply_template(template, chat[: i + 1], tools=offered)
        if message["role"] == "assistant":
            before = apply_template(template, chat[:i], tools=offered, add_generation_prompt=True).text
        assert now.text.startswith(before), f"{fmt.name}: {now.text!r} does not begin with {before!r}"
        before = now.text
        assert len(now.spans) == [earlier["role"] for earlier in chat[: i + 1]].count("assistant")


def _in_order(message: Message) -> Message:
    """The message with its parts where a chat message has them, and without ids."""
    thoughts = [part for part in message.parts if isinstance(part, Reasoning) and part.text]
    texts = [part for part in message.parts if isinstance(part, Text)]
    calls = [part.model_copy(update={"id": None}) for part in message.parts if isinstance(part, ToolCall)]
    return Message(parts=joined([*thoughts[:1], *texts, *calls]))


def _results(message: Message, contents: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"role": "tool", "name": call.name, "content": text}
        for call, text in zip(message.calls, contents, strict=False)
    ]


def its_template_writes_what_render_writes(fmt: Format) -> None:
    template = _template(fmt)
    if template is None:
        return

    @given(drawn=messages(fmt), content=nasty_strings(fmt))
    def law(drawn: tuple[Message, list[Tool]], content: str) -> None:
        message = _in_order(drawn[0])
        event("written" if check_template(fmt, template, message, []) else "refused")
        _check_result(fmt, template, content)

    law()


def _template(fmt: Format) -> str | None:
    """The format's template; None where it says no turns, and so has none."""
    if fmt.turns is not None:
        return chat_template(fmt)
    try:
        chat_template(fmt)
    except UnrepresentableError:
        return None
    raise AssertionError(f"{fmt.name} has a chat template, and says no markers of turns")


def _check_result(fmt: Format, template: str, content: str) -> None:
    from jinja2 import TemplateError

    call = ToolCall(name="f", arguments={})
    result = ToolResult(name="f" if fmt.limits.result_names else None, content=content)
    chat = [{"role": "user", "content": "Hello."}, chat_message([call])]
    try:
        wanted = render([result], fmt)
    except UnrepresentableError:
        wanted = None
    try:
        said = apply_template(
            template, [*chat, {"role": "tool", "name": "f", "content": content}], add_generation_prompt=True
        ).text
    except TemplateError:
        return
    assert wanted is not None, f"{fmt.name} cannot write the result {content!r}, and its template writes {said!r}"
    assert wanted in said


def its_template_writes_plain_turns(fmt: Format) -> None:
    template = _template(fmt)
    if template is None:
        return

    @given(drawn=plain_messages(fmt), words=st.lists(st.sampled_from(["fine", "20 C", '{"t": 20}']), min_size=3))
    def law(drawn: tuple[Message, list[Tool]], words: list[str]) -> None:
        message, tools = _in_order(drawn[0]), drawn[1]
        assert check_template(fmt, template, message, tools), message
        turn, user = chat_message(message.parts), {"role": "user", "content": "And now?"}
        once = [user, turn, *_results(message, words)]
        check_conversation(fmt, template, [{"role": "system", "content": "Be brief."}, *once, *once, user], tools)

    law()
