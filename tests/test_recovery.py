"""A bad call never eats the next good one in silence: any one tag of the first of two calls is left out."""

import re

import pytest

import toolfmt

TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {key: {"type": "string"}}}}}
    for name, key in (("first", "x"), ("second", "y"))
]
CALLS = [toolfmt.ToolCall(name="first", arguments={"x": "one"}), toolfmt.ToolCall(name="second", arguments={"y": "two"})]
MARKUP = re.compile(r"\n?(?:<\|(?:open|close)\|>[^<>]*<\|sep\|>|<[^<>\n]*>)|\[[A-Z_]+\]")
FORMATS = [info.name for info in toolfmt.formats() if toolfmt.get_format(info.name).limits.many_calls]


@pytest.mark.parametrize("name", FORMATS)
def test_a_tag_left_out_of_one_call_leaves_the_next(name: str) -> None:
    first = toolfmt.render(CALLS[:1], name, tools=TOOLS)
    text = toolfmt.render(CALLS, name, tools=TOOLS)
    for mark in MARKUP.finditer(text, 0, len(first)):
        if "second" in text[: mark.end()] or CALLS[1].name not in text[mark.end() :]:
            continue
        broken = text[: mark.start()] + text[mark.end() :]
        parsed = toolfmt.parse(broken, name, tools=TOOLS)
        held = [call for call in parsed.calls if "second" in str(call.arguments)]
        assert not held, (mark[0], held)
