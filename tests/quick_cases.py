"""Rows that look common, each with one thing for which the quick lane may have to leave it to the careful way: settings, messages, other keys."""

import json
from typing import Any

from toolfmt.registry import get_format
from toolfmt.tools import read_tools


def typed(**properties: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": properties}}}


G: dict[str, Any] = {"type": "function", "function": {"name": "g"}}
F = typed(a={"type": "string"}, n={"type": "integer"})
FENCE, HERMES = '```json\n{"name": "f", "arguments": {"a": "x"}}\n```', '<tool_call>\n{"name": "f", "arguments": {"a": "x"}}\n</tool_call>'
QWEN = "<tool_call>\n<function=f>\n<parameter=a>\nx\n</parameter>\n</function>\n</tool_call>"
GEMMA = "<start_function_call>call:f{a:<escape>x<escape>}<end_function_call>"
XLAM = '[{"name": "f", "arguments": {"a": "x"}}]'


def said(text: Any, role: str = "assistant", **more: Any) -> dict[str, Any]:
    return {"role": role, "content": text, **more}


def call(arguments: Any = "{}", call_id: str | None = "c", **more: Any) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": "f", "arguments": arguments}, **more}


def called(*calls: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls) or [call()], **more}


def result(text: str = "r", call_id: str | None = "c", **more: Any) -> dict[str, Any]:
    return said(text, "tool", tool_call_id=call_id, **more)


QWEN_LIST = get_format("qwen_xml").describe_tools(read_tools([F]))
TO = {"to": "hermes", "layout": None}
TRL, OPENAI = {"to": None, "layout": "trl"}, {"to": None, "layout": "openai"}
REASONS: dict[str, tuple[dict[str, Any], list[Any], dict[str, Any]]] = {
    "a thought that is not closed": ({**TO, "source": "hermes"}, [said(f"<think>\n{HERMES}")], {}),
    "white space before a call": ({**TO, "source": "json_fence"}, [said(f" \n\n{FENCE}")], {}),
    "a call in the middle, where it must be first": ({**TO, "source": "xlam"}, [said(f"Look: {XLAM}")], {}),
    "a text after the call": ({**TO, "source": "json_fence"}, [said(f"{FENCE}\nDone.")], {}),
    "prose with a mark of the target": ({**TO, "source": "json_fence"}, [said(f"<tool_call>\n\n{FENCE}")], {}),
    "prose with the end of a thought": ({**TO, "source": "json_fence"}, [said(f"So.</think>\n\n{FENCE}")], {}),
    "white space beside calls in fields": (TO, [called(content=" ")], {}),
    "a thought beside calls in fields": ({"to": "seed_oss", "layout": None}, [called(content="<think>\nHm.\n</think>\n\nSo.")], {"tools": [F]}),
    "a lone surrogate in prose": (TO, [called(content="a\ud800")], {}),
    "a string for a number": ({"to": "qwen_xml", "layout": None}, [called(call('{"n": "5"}'))], {"tools": [F]}),
    "a number for a string": ({"to": "qwen_xml", "layout": None}, [called(call('{"a": 5}'))], {"tools": [F]}),
    "a large number": ({"to": "qwen_xml", "layout": None}, [called(call('{"n": -5}'))], {"tools": [typed(n={"type": ["integer", "string"]})]}),
    "a number of an enumeration": ({"to": "qwen_xml", "layout": None}, [called(call('{"n": 7}'))], {"tools": [typed(n={"enum": ["7", 8]})]}),
    "a string that may be another type": (
        {"to": "qwen_xml", "layout": None},
        [called(call('{"n": "true"}'))],
        {"tools": [typed(n={"type": ["string", "boolean"]})]},
    ),
    "a tag in a string": (
        {"to": "qwen_xml", "layout": None},
        [called(call(json.dumps({"a": "\n</parameter>\n<parameter=b>\n"})))],
        {"tools": [F]},
    ),
    "no arguments": ({"to": "minimax_m2", "layout": None}, [called()], {"tools": [F]}),
    "text beside calls where it has no place": ({"to": "xlam", "layout": None}, [called(content="So.")], {}),
    "two calls where there is a place for one": ({"to": "llama3_json", "layout": None}, [called(call(), call(call_id="d"))], {}),
    "an unlisted tool": ({**TO, "source": "json_fence"}, [said(FENCE)], {"tools": [{"name": "g"}]}),
    "a text that another format reads": ({**TO, "source": "hermes", "others": ("functiongemma",)}, [said(GEMMA)], {"tools": [F]}),
    "a text that a format reads which is not looked for": ({**TO, "passed_over": ("json_fence",)}, [said(FENCE)], {}),
    "code beside calls": ({**TO, "passed_over": ("json_fence",)}, [said("```python\nx\n```"), called()], {}),
    "code beside calls, which may be calls": ({**TO, "others": ("json_fence",)}, [said(FENCE), called()], {"tools": [F]}),
    "a text that the target reads": ({**TO, "source": None}, [said(HERMES)], {}),
    "a text with a frame of the target": ({"to": "granite", "layout": None}, [said("<response>Hi.</response>")], {}),
    "a user's text that the target reads as a result": (TO, [said("<tool_response>\nx\n</tool_response>", "user")], {}),
    "a user's text that is a result": ({**TO, "source": "json_fence"}, [said(FENCE), said("Tool result: x", "user")], {}),
    "a list of tools in a prompt": ({**TO, "source": "qwen_xml"}, [said(QWEN_LIST, "system")], {}),
    "reasoning": (TO, [called(reasoning_content="Hm.")], {}),
    "an id at a text": (TO, [said("go", "user", tool_call_id="c")], {}),
    "types that nobody says": ({**TO, "source": "qwen_xml"}, [said(QWEN)], {}),
    "a key in a call": (TO, [called(call(index=1))], {}),
    "a key in a function": (TO, [called({"id": "c", "function": {"name": "f", "arguments": "{}", "strict": True}})], {}),
    "a custom call": (TO, [called(call(type="custom"))], {}),
    "arguments that were encoded twice": (TO, [called(call('"{}"'))], {}),
    "arguments that are no JSON": (TO, [called(call({"a": {1: 2}}))], {}),
    "arguments with a null from Arrow": ({**TO, "padded": True}, [called(call({"a": "x", "b": None}))], {"tools": [F]}),
    "a call without an id, where there are ids": (OPENAI, [called(call({}, None))], {}),
    "calls without content": (TRL, [{"role": "assistant", "tool_calls": [call()]}], {}),
    "tools that are inferred": (
        {"to": "qwen_xml", "layout": None, "inferred": read_tools([F])},
        [called(call('{"a": "x"}'))],
        {},
    ),
    "a result of another name": (TO, [called(), result(name="g")], {}),
    "a result of another id": (TO, [called(), result(call_id="d")], {}),
    "results in another order": (TO, [called(call(), call(call_id="d")), result(call_id="d"), result()], {}),
    "a result without an id": (TRL, [called(), result(call_id=None)], {}),
    "a result with an empty id": (TO, [called(call(call_id="")), result(call_id="")], {}),
    "a result without a call": (TO, [called(), result(), result()], {}),
    "a result that is late": (TO, [called(call(call_id="a")), called(), result(), result(call_id="a")], {}),
    "a result with a mark": (TO, [called(), result("a\n</tool_response>\n<tool_response>\nb")], {}),
    "a result in text with an id": ({**TO, "source": "json_fence"}, [said(FENCE), result("Tool result: r", "c")], {}),
    "a result in text, then calls in fields": ({**TO, "source": "json_fence"}, [said(FENCE), said("Tool result: r", "tool"), called()], {}),
    "a result in text of another name": (
        {**TO, "source": "functiongemma"},
        [said(GEMMA), said("<start_function_response>response:g{value:<escape>r<escape>}<end_function_response>", "tool")],
        {},
    ),
    "two results in one text": ({**TO, "source": "json_fence"}, [said(FENCE), said("Tool result: r\nTool result: s", "tool")], {}),
    "a function's legacy role": (TO, [called(), said("r", "function", name="f")], {}),
    "a row with other keys of a layout": (TO, [said("go", "user"), called()], {"system": "Be brief."}),
    "functions": (TO, [called()], {"functions": [F]}),
    "tools of anthropic": (TO, [said("go", "user")], {"tools": [{**F, "input_schema": {"type": "object"}}]}),
    "tools that are bare functions": (TO, [called()], {"tools": [F["function"]]}),
    "tools with nulls from Arrow": ({**TO, "padded": True}, [called()], {"tools": [{**F, "strict": None}]}),
    "tools as text": (TO, [called()], {"tools": json.dumps([F])}),
    "tools that are none": (TO, [called()], {"tools": [{"name": 1}]}),
    "no tools, shared ones": (
        {"to": "qwen_xml", "layout": None, "tools": read_tools([F])},
        [called(call('{"a": "x"}'))],
        {"tools": None},
    ),
    "a row of the layout to write": (OPENAI, [called()], {}),
    "a row of the layout to write, in which arguments are text too": (TRL, [called(call({})), called()], {}),
    "a row that is to be of another layout": ({**TO, "source_layout": "messages_text"}, [called()], {}),
    "two calls in text": ({**TO, "source": "json_fence"}, [said(f"{FENCE}\n\n{FENCE}")], {}),
    "a fence in a string": ({"to": "json_fence", "layout": None}, [called(call('{"a": "```"}'))], {}),
    "an array of calls": ({"to": "xlam", "layout": None}, [called()], {}),
    "a name that a fence does not list": ({"to": "json_fence", "layout": None}, [called()], {"tools": [G]}),
    "a mark in a string": (TO, [called(call('{"a": "</tool_call>"}'))], {}),
    "quotes round a string": ({"to": "minicpm5", "layout": None}, [called(call('{"a": "x & y"}'))], {"tools": [F]}),
    "keys beside what is dropped": (TO, [called(weight=1, function_call=None), result(weight=1)], {}),
}


QUICK = {
    "calls without content",
    "code beside calls",
    "keys beside what is dropped",
    "no arguments",
    "no tools, shared ones",
    "quotes round a string",
    "tools as text",
    "tools that are inferred",
    "two calls in text",
    "white space before a call",
}
"""What is not plain to see, and no reason."""
