"""How a format writes the assistant's turn, tool results and tools, said in Jinja: as `toolfmt.templates.calls` does it for calls."""

import json
import re
from collections.abc import Iterable
from itertools import product
from os.path import commonprefix

from toolfmt.api import render
from toolfmt.errors import UnrepresentableError
from toolfmt.families.braces import Braces
from toolfmt.families.json_body import JsonBody
from toolfmt.format import Format, function_object, openai_tool
from toolfmt.formats.qwen3_coder import Qwen3Coder
from toolfmt.ir import Message, Part, Reasoning, Text, Tool, ToolResult
from toolfmt.templates.calls import CALL, NAME, cannot, joint_of, split, word_check
from toolfmt.templates.macros import literal, literals
from toolfmt.values import dumps

__all__ = ["assistant_macro", "result_macro", "tools_macro"]

_TEXT, _THOUGHT, _SECOND = "toolfmt text", "toolfmt thought", "toolfmt_second"


def assistant_macro(fmt: Format, end: str) -> str:
    """``write_assistant(thought, text, calls, where)``: each way in which a message can hold the three."""
    lines = ["", "{%- macro write_assistant(thought, text, calls, where) -%}", *_text_checks(fmt)]
    for number, (thought, text, call) in enumerate(product((True, False), repeat=3)):
        held = [word for word, there in (("thought", thought), ("text", text), ("calls", call)) if there]
        test = " and ".join(held) or "true"
        lines.append(f"    {{%- {'elif' if number else 'if'} {test} -%}}")
        lines.append(f"        {{{{- {_shape(fmt, end, thought, text, call)} -}}}}")
    return "\n".join([*lines, "    {%- endif -%}", "{%- endmacro -%}", ""])


def _shape(fmt: Format, end: str, thought: bool, text: bool, call: bool) -> str:
    parts: list[Part] = []
    values: list[tuple[str, str]] = []
    if thought:
        parts.append(Reasoning(text=_THOUGHT))
        values.append((_THOUGHT, "thought"))
    if text:
        parts.append(Text(text=_TEXT))
        values.append((_TEXT, "text"))
    if call:
        parts.append(CALL)
        values.append((fmt.write_calls([CALL]), "write_calls(calls, where ~ '.tool_calls')"))
    try:
        written = fmt.write(Message(role="assistant", parts=tuple(parts)), end=True)
    except UnrepresentableError as error:
        return f"raise_exception(where ~ {literal(f': {error.reason}')})"
    pieces = split(fmt, written + ("" if fmt.end_of_turn else end), *[value for value, _ in values])
    said = [literal(pieces[0])]
    for (_, word), after in zip(values, pieces[1:], strict=True):
        said += [word, literal(after)]
    return " ~ ".join(piece for piece in said if piece != "''") or "''"


def _text_checks(fmt: Format) -> list[str]:
    """What of text and thoughts would be read as something else."""
    marks = {*fmt.end_of_turn, *(fmt.reasoning or ()), *fmt.frames}
    lines = []
    if not fmt.ambiguous:
        marks |= {*fmt.opens, *fmt.closes}
    else:
        marks |= set(fmt.sure) if isinstance(fmt, JsonBody) else set()
        lines += _ambiguous_checks(fmt)
    for after, when in (((), ""), ((CALL,), "calls and ")):
        if not _keeps_blanks(fmt, after):
            reason = literal(f".content: {fmt.name} reads no white space alone as text: leave it empty")
            refuse = f"{{{{- raise_exception(where ~ {reason}) -}}}}"
            lines.append(f"    {{%- if {when}text and not text.strip() -%}}{refuse}{{%- endif -%}}")
            break
    listed = literals(sorted(marks - {""}))
    for part, key in (("text", "content"), ("thought", "reasoning_content")):
        lines.append(f"    {{{{- check({part}, {listed}, where ~ '.{key}') -}}}}")
    return lines


def _keeps_blanks(fmt: Format, after: tuple[Part, ...]) -> bool:
    """Whether white space alone is text, where ``after`` follows."""
    try:
        for blank in (" ", "\n", "\n\n"):
            render([Text(text=blank), *after], fmt, end=True)
    except UnrepresentableError:
        return False
    return True


def _any_in_text(marks: Iterable[str]) -> str:
    return " or ".join(f"{literal(mark)} in text" for mark in marks)


def _ambiguous_checks(fmt: Format) -> list[str]:
    """Where a mark alone says nothing: text that holds one, and a call's keys, and text that leaves a fence or a bracket open before a call."""
    marks, keys = _any_in_text(fmt.opens), "true"
    if isinstance(fmt, JsonBody) and not fmt.name_is_key:
        keys = f"({_any_in_text(fmt.name_keys)}) and ({_any_in_text(fmt.arguments_keys)})"
    refuse = f"{{{{- raise_exception(where ~ '.content: {fmt.name} may read this text as a call') -}}}}"
    lines = [f"    {{%- if ({marks}) and ({keys} or '\\\\u' in text) -%}}{refuse}{{%- endif -%}}"]
    open_ones = " or ".join(
        f"text.split({literal(mark)})|length > text.split({literal(closing)})|length"
        for mark, closing in ("[]", "{}")
        if mark in fmt.opens and fmt.limits.text_before
    )
    if open_ones:
        lines.append(f"    {{%- if calls and ({open_ones}) -%}}{refuse}{{%- endif -%}}")
    if "```" in fmt.opens and not fmt.only_at_start:
        lines.append(
            f"    {{%- if calls and ('````' in text or (text.split('```')|length) % 2 == 0) -%}}{refuse}{{%- endif -%}}"
        )
    return lines


# -- results


def result_macro(fmt: Format) -> tuple[str, str, str | None, str]:
    """``write_result(name, content, where)``, and what stands before, between and after results side by side.

    Between is None where each result is a message of its own: where the format says so, and where nothing closes a result.
    """
    named, content = fmt.limits.result_names, "toolfmt 'content'\n\"quoted\""
    result = ToolResult(name=NAME if named else None, content=content)
    one = fmt.write_results([result])
    if isinstance(fmt, Braces):
        spelled = fmt.write_value({"value": content}, "$")
        body, checks = "braces_of(content, where)", ""
    elif content in one:
        spelled, body, checks = content, "content", _result_checks(fmt)
    else:
        spelled, body, checks = dumps(content), "json(content)", ""
    if named:
        checks += word_check(fmt.limits.names, "name", "where ~ '.name'")
        before, middle, after = split(fmt, one, NAME, spelled)
        body = f"name ~ {literal(middle)} ~ {body}" if middle else f"name ~ {body}"
    else:
        before, after = split(fmt, one, spelled)
    between = None
    if fmt.result_opens and after:
        values = ([NAME] if named else []) + [spelled]
        pieces = split(fmt, fmt.write_results([result, result]), *values * 2)
        between = pieces[len(values)]
        closing = commonprefix([after, between])  # noqa: RUF071 - of characters, not of paths
        body += f" ~ {literal(closing)}"
        between, after = between.removeprefix(closing), after.removeprefix(closing)
    helper = _BRACES_RESULT if isinstance(fmt, Braces) else ""
    macro = f"""{helper}
{{%- macro write_result(name, content, where) -%}}
    {checks}
    {{{{- {body} -}}}}
{{%- endmacro -%}}
"""
    return macro, before, between, after


_BRACES_RESULT = """
{#- A result: an object where the text is one in canonical spelling, else `{value:TEXT}`. -#}
{%- macro braces_of(content, where) -%}
    {%- set read = namespace(value=none, error='') -%}
    {%- if content[:1] == '{' -%}{{- decode(content, read) -}}{%- endif -%}
    {%- if not read.error and read.value is mapping and json(read.value) == content and read.value.keys()|list != ['value'] -%}
        {{- braces(read.value, where ~ '.content') -}}
    {%- else -%}
        {{- braces({'value': content}, where ~ '.content') -}}
    {%- endif -%}
{%- endmacro -%}
"""


def _result_checks(fmt: Format) -> str:
    """A result that holds what would end it and begin another is refused."""
    opens = fmt.result_opens.partition("{name}")[0]
    if not opens:
        return ""
    held = " and ".join(f"{literal(mark)} in content" for mark in (opens.strip(), fmt.result_closes.strip()) if mark)
    refused = f"raise_exception(where ~ '.content: {fmt.name} may read this result as several')"
    return f"{{%- if {held} -%}}{{{{- {refused} -}}}}{{%- endif -%}}"


# -- tools

_TOOLS = """
{%- macro write_tools(tools) -%}
    {{- HEAD -}}
    {%- for tool in tools -%}
        {%- set where = 'tools[' ~ loop.index0 ~ ']' -%}
        {%- set function = tool['function'] if 'function' in tool else tool -%}
        {%- if (tool['type'] or 'function') != 'function' or function['name'] is not string -%}
            {{- raise_exception(where ~ ': expected a function and its name') -}}
        {%- endif -%}
        {%- set parameters = function['parameters'] or function['input_schema'] or function['inputSchema']
            or {'type': 'object', 'properties': {}} -%}
        {%- if parameters is not mapping or 'object' not in (parameters['type'] or ['object']) -%}
            {{- raise_exception(where ~ '.parameters: expected the JSON Schema of an object') -}}
        {%- endif -%}
        {%- set name, description = function['name'], function['description'] or '' -%}
        BODY
    {%- endfor -%}
    {{- TAIL -}}
{%- endmacro -%}
"""
_FUNCTION = "{'name': name, 'description': description, 'parameters': parameters}"
_PARAMETERS = {"type": "object", "properties": {"toolfmt_key": {"type": "string", "description": "toolfmt 'text'"}}}
_TOOL, _TOOL_2 = (Tool(name=name, description="toolfmt text", parameters=_PARAMETERS) for name in (NAME, _SECOND))


def tools_macro(fmt: Format) -> str:
    """``write_tools(tools)``: the tools block."""
    spell = _braces_tool if isinstance(fmt, Braces) else _xml_tool if isinstance(fmt, Qwen3Coder) else _json_tool
    first, body = spell(fmt, _TOOL)
    head, joint, tail = split(fmt, fmt.describe_tools([_TOOL, _TOOL_2]), first, spell(fmt, _TOOL_2)[0])
    if head + first + tail != fmt.describe_tools([_TOOL]):
        raise cannot(fmt, "it declares one tool otherwise than several")
    filled = {"HEAD": literal(head), "BODY": body + joint_of(joint), "TAIL": literal(tail)}
    helper = _XML_TAGS if isinstance(fmt, Qwen3Coder) else ""
    return helper + re.sub("HEAD|BODY|TAIL", lambda found: filled[found[0]], _TOOLS)


def _json_tool(fmt: Format, tool: Tool) -> tuple[str, str]:
    """A tool as JSON: its text, and the Jinja that writes it."""
    wrapped = f"{{'type': 'function', 'function': {_FUNCTION}}}"
    block = fmt.describe_tools([tool])
    for shape, said in ((openai_tool(tool), wrapped), (function_object(tool), _FUNCTION)):
        for indent in (None, 2, 4):
            text = json.dumps(shape, ensure_ascii=False, indent=indent)
            if text in block:
                written = f"json({said})" if indent is None else f"{said}|tojson(indent={indent})"
                return text, f"{{{{- {written} -}}}}"
    raise cannot(fmt, "it declares tools otherwise than as JSON")


def _braces_tool(fmt: Format, tool: Tool) -> tuple[str, str]:
    assert isinstance(fmt, Braces)
    _, after = split(fmt, fmt.write_tool(tool), tool.name)
    text = tool.name + after.removesuffix(fmt.declaration_closes)
    check = word_check(fmt.limits.names, "name", "where ~ '.name'")
    said = "name ~ '{description:' ~ braces(description, where) ~ ',parameters:' ~ declared(parameters, where) ~ '}'"
    return text, f"{check}{{{{- {said} -}}}}"


_XML_TAGS = """
{%- macro tag(key, value) -%}
    {{- '<' ~ key ~ '>' -}}
    {%- if value is string -%}{{- value -}}
    {%- elif key == 'type' and value is iterable and value is not mapping -%}{{- '%r' % value -}}
    {%- else -%}{{- json(value) -}}{%- endif -%}
    {{- '</' ~ key ~ '>\\n' -}}
{%- endmacro -%}
"""


def _xml_tool(fmt: Format, tool: Tool) -> tuple[str, str]:
    """A tool as Qwen3-Coder declares it: a schema's keywords as tags, type and description first."""
    lines = [
        "{{- '<function>\\n' ~ tag('name', name) ~ tag('description', description) ~ '<parameters>\\n' -}}",
        "{%- for key, schema in (parameters['properties'] or {}).items() -%}",
        "{{- '<parameter>\\n' ~ tag('name', key) -}}",
        "{%- if schema is mapping -%}",
        "{%- for word in ('type', 'description') if word in schema -%}{{- tag(word, schema[word]) -}}{%- endfor -%}",
        "{%- for word, value in schema.items() if word not in ('type', 'description') -%}{{- tag(word, value) -}}{%- endfor -%}",
        "{%- endif -%}{{- '</parameter>\\n' -}}{%- endfor -%}",
        "{%- for word, value in parameters.items() if word not in ('type', 'properties') -%}{{- tag(word, value) -}}{%- endfor -%}",
        "{{- '</parameters>\\n</function>' -}}",
    ]
    return fmt.write_tool(tool), "".join(lines)
