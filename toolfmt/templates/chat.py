"""Chat templates: a format's Jinja for transformers, written from the format and proved against it.

    tokenizer.chat_template = toolfmt.chat_template("qwen_xml")
    tokenizer.apply_chat_template(messages, tools=tools, return_assistant_tokens_mask=True, return_dict=True, tokenize=True)

Messages are those of the OpenAI API and of TRL; arguments are objects or JSON text.  What the assistant writes is what `render` writes, and the rest
never changes: the text of ``messages[:n]`` begins that of ``messages[:n + 1]``, thoughts of earlier turns included.  What a message cannot
say in the format raises in the template.  ``content``, ``reasoning_content`` and ``tool_calls`` have no order: thoughts come first, calls last.

Not covered: the ids of calls, which no format here writes (results must stand in the order of their calls); types that only the tools tell,
which `render` checks with ``tools=`` and a template cannot; other Jinja engines than the one of transformers.
"""

from collections.abc import Iterable
from typing import Any

from toolfmt.api import describe_tools, render
from toolfmt.errors import UnrepresentableError
from toolfmt.format import Format, openai_tool
from toolfmt.ir import Message, Part, Reasoning, Text, Tool, ToolCall
from toolfmt.registry import get_format
from toolfmt.templates.calls import calls_macro, cannot
from toolfmt.templates.macros import CHECK, DECODE, JSON, TEXT, literal
from toolfmt.templates.pieces import assistant_macro, result_macro, tools_macro
from toolfmt.templates.sandbox import apply_template
from toolfmt.turns import Turns

__all__ = ["assistant_text", "chat_message", "chat_template"]


def chat_template(format: str | Format, *, generation_markers: bool = True) -> str:
    """A Jinja chat template for transformers, in which the assistant writes as `render` does.

    ``generation_markers=False`` leaves out the ``{% generation %}`` tags, which mark what the assistant writes and other Jinja engines may not
    know.  `UnrepresentableError` where the format has no turn markers or cannot be said in Jinja.
    """
    fmt = get_format(format) if isinstance(format, str) else format
    if fmt.turns is None:
        raise cannot(fmt, "it says no markers of turns")
    template = _written(fmt, fmt.turns, generation_markers)
    _prove(fmt, fmt.turns, template)
    return template


_MAIN = """
{%- set state = namespace(calls=[], answered=0, in_results=false) -%}
BOS
{%- for message in messages -%}
    {%- set where = 'messages[' ~ loop.index0 ~ ']' -%}
    {%- set role = message['role'] -%}
    {%- for key in ('function_call', 'refusal', 'audio') if message[key] -%}
        {{- raise_exception(where ~ ': this template has no place for `' ~ key ~ '`') -}}
    {%- endfor -%}
    {%- if message['tool_calls'] and role != 'assistant' -%}
        {{- raise_exception(where ~ ': only the assistant calls tools') -}}
    {%- endif -%}
    {%- set content = text_of(message['content'], where ~ '.content') -%}
    {%- if state.in_results and role != 'tool' -%}
        {{- RESULTS_CLOSE -}}
        {%- set state.in_results = false -%}
    {%- endif -%}
    {%- if loop.first and tools and role not in ('system', 'developer') -%}
        {{- SYSTEM_OPEN ~ write_tools(tools) ~ SYSTEM_CLOSE -}}
    {%- endif -%}
    {%- if role in ('system', 'developer') -%}
        {{- SYSTEM_OPEN ~ content -}}
        {%- if loop.first and tools -%}
            {{- (BEFORE_TOOLS if content else '') ~ write_tools(tools) -}}
        {%- endif -%}
        {{- SYSTEM_CLOSE -}}
    {%- elif role == 'user' -%}
        {{- USER_OPEN ~ content ~ USER_CLOSE -}}
    {%- elif role == 'assistant' -%}
        {%- set said = message['reasoning_content'] or message['reasoning'] or message['thinking'] -%}
        {%- set thought = text_of(said, where ~ '.reasoning_content') -%}
        {%- set state.calls = message['tool_calls'] or [] -%}
        {%- set state.answered = 0 -%}
        {{- ASSISTANT_OPEN -}}
        {%- generation -%}
            {{- write_assistant(thought, content, state.calls, where) -}}
        {%- endgeneration -%}
        {{- ASSISTANT_CLOSE -}}
    {%- elif role == 'tool' -%}
        {%- set found = namespace(name=message['name']) -%}
        {%- set id = message['tool_call_id'] -%}
        {%- for call in state.calls if id and call['id'] == id -%}
            {%- set found.name = found.name or (call['function'] if 'function' in call else call)['name'] -%}
        {%- endfor -%}
        {%- if id and state.answered < state.calls|length and state.calls[state.answered]['id'] and state.calls[state.answered]['id'] != id -%}
            {{- raise_exception(where ~ '.tool_call_id: this template writes no ids, so results must stand in the order of their calls') -}}
        {%- endif -%}
        {%- set state.answered = state.answered + 1 -%}
        {{- BETWEEN_RESULTS if state.in_results else RESULTS_OPEN -}}
        {{- write_result(found.name, content, where) -}}
        SINGLE
    {%- else -%}
        {{- raise_exception(where ~ ': unknown role `' ~ role ~ '`') -}}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- (RESULTS_CLOSE if state.in_results else '') ~ ASSISTANT_OPEN -}}
{%- endif -%}
"""


def _written(fmt: Format, turns: Turns, markers: bool) -> str:
    result, before, between, after = result_macro(fmt)
    (tool_open, tool_close), (opens, closes) = turns.tool, turns.assistant
    names = {
        "RESULTS_OPEN": literal(tool_open + before),
        "RESULTS_CLOSE": literal(after + tool_close),
        "BETWEEN_RESULTS": literal(between or ""),
        "SYSTEM_OPEN": literal(turns.system[0]),
        "SYSTEM_CLOSE": literal(turns.system[1]),
        "BEFORE_TOOLS": literal(turns.before_tools),
        "USER_OPEN": literal(turns.user[0]),
        "USER_CLOSE": literal(turns.user[1]),
        "ASSISTANT_OPEN": literal(opens),
        "ASSISTANT_CLOSE": literal(closes),
        "BOS": "{{- bos_token or '' -}}" if turns.bos else "",
        "SINGLE": "{%- set state.in_results = true -%}" if between is not None else "{{- RESULTS_CLOSE -}}",
    }
    main = _MAIN
    for name in ("SINGLE", *(name for name in names if name != "SINGLE")):
        main = main.replace(name, names[name])
    if not markers:
        main = main.replace("{%- generation -%}", "").replace("{%- endgeneration -%}", "")
    head = f"{{#- A chat template of the format {fmt.name}, written by toolfmt. -#}}\n{{%- set format = {literal(fmt.name)} -%}}\n"
    helpers = CHECK + TEXT + JSON + DECODE
    pieces = calls_macro(fmt) + assistant_macro(fmt, turns.end) + result + tools_macro(fmt)
    return head + "\n".join(line for line in (helpers + pieces + main).splitlines() if line.strip())


# -- proving it


def _prove(fmt: Format, turns: Turns, template: str) -> None:
    """Refuse a format whose template writes other text than `render`: an override that `toolfmt.templates.pieces` does not see."""
    from jinja2 import TemplateError

    for parts in _probes(fmt):
        try:
            wanted = assistant_text(fmt, Message(parts=parts))
        except UnrepresentableError:
            continue
        try:
            rendered = apply_template(template, [{"role": "user", "content": "x"}, chat_message(parts)])
        except TemplateError as error:
            raise cannot(fmt, f"it writes `{wanted}`, and the template refuses: {error}") from None
        begin = len(apply_template(template, [{"role": "user", "content": "x"}], add_generation_prompt=True).text)
        got = rendered.text[begin : len(rendered.text) - len(turns.assistant[1])]
        if got != wanted:
            raise cannot(fmt, f"it writes `{wanted}`, and the template `{got}`")
    for tools in ([_PROBE_TOOL], [_PROBE_TOOL, _PROBE_TOOL.model_copy(update={"name": "other"})]):
        rendered = apply_template(
            template, [{"role": "user", "content": "x"}], tools=[openai_tool(tool) for tool in tools]
        )
        if describe_tools(tools, fmt) not in rendered.text:
            raise cannot(fmt, "the template declares tools otherwise")


def assistant_text(fmt: Format, message: Message, tools: object = None) -> str:
    """What the assistant writes in a turn: what `render` writes, and the end of the turn also where the format has no marker for it."""
    end = "" if fmt.end_of_turn or fmt.turns is None else fmt.turns.end
    return render(message, fmt, tools=tools, end=True) + end


def chat_message(parts: Iterable[Part]) -> dict[str, Any]:
    """An assistant's parts as a message of a chat; `UnrepresentableError` where their order says what a message cannot hold."""
    message: dict[str, Any] = {"role": "assistant", "content": ""}
    order = -1
    for i, part in enumerate(parts):
        place = _ORDER.get(part.type, -1)
        if place < order or place < 0 or (place == order and not isinstance(part, ToolCall)):
            raise UnrepresentableError(
                f"$.parts[{i}]", f"a chat message has no place for this `{part.type}` where it stands"
            )
        order = place
        if isinstance(part, ToolCall):
            function = {"name": part.name, "arguments": part.arguments}
            message.setdefault("tool_calls", []).append({"type": "function", "function": function})
        elif isinstance(part, Reasoning):
            message["reasoning_content"] = part.text
        elif isinstance(part, Text):
            message["content"] = part.text
    return message


_ORDER = {"reasoning": 0, "text": 1, "tool_call": 2}
_PROBE_TOOL = Tool(
    name="get",
    description='Says "é" <b>',
    parameters={
        "type": "object",
        "properties": {"city": {"type": ["string", "null"], "enum": ["a", None]}, "n": {"type": "integer"}},
    },
)
_ARGUMENTS: tuple[dict[str, Any], ...] = (
    {},
    {"city": "Paris"},
    {"code": "a = \"b\\n\"\n\tc <b>&amp;</b> 'd' é\u2028🙂", "empty": "", "blank": " x \n"},
    {"n": 5, "big": 10**30, "f": 1.0, "small": -1.5e-7, "huge": 1e22, "t": True, "no": False, "none": None},
    {"looks": "5", "true": "true", "object": '{"a": 1}', "null": "null"},
    {"o": {"k": ["v <x>", 1, 2.5, None, True, {"e": {}, "l": []}]}, "a": ["x", [], {}], "eo": {}, "ea": []},
)


def _probes(fmt: Format) -> list[tuple[Part, ...]]:
    calls = [ToolCall(name="get", arguments=arguments) for arguments in _ARGUMENTS]
    one: list[tuple[Part, ...]] = [(call,) for call in calls]
    thought, text = Reasoning(text="I look.\nThen"), Text(text="Let me see.")
    heads: list[tuple[Part, ...]] = [(), (text,), (thought,), (thought, text)]
    return one + [(*head, *run) for head in heads for run in ([], calls[1:2], calls[:2], calls[:1] * 3, calls)]
