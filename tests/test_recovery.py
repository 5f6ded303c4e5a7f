"""A bad call never eats the next good one in silence: any one tag of the first of two calls is left out."""

import re

import pytest

import toolfmt
from toolfmt.families.json_header import JsonHeader
from toolfmt.families.tags import Tags

TOOLS = [
    {
        "type": "function",
        "function": {"name": name, "parameters": {"type": "object", "properties": {key: {"type": "string"}}}},
    }
    for name, key in (("first", "x"), ("second", "y"))
]
CALLS = [
    toolfmt.ToolCall(name="first", arguments={"x": "one"}),
    toolfmt.ToolCall(name="second", arguments={"y": "two"}),
]
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


SECTIONS = ["deepseek_v3", "deepseek_v31", "dsml", "dsml_v4", "hy3", "kimi_k2", "kimi_k3", "minimax_m2", "minimax_m3"]


@pytest.mark.parametrize("name", SECTIONS)
def test_what_is_no_call_in_an_open_section_is_malformed(name: str) -> None:
    """The opening mark of the second of two calls is left out."""
    text = toolfmt.render(CALLS, name, tools=TOOLS)
    fmt = toolfmt.get_format(name)
    assert isinstance(fmt, JsonHeader | Tags)
    opening = fmt.call_open
    start = text.rindex(opening, 0, text.index("second"))
    mark = MARKUP.match(text, start)
    end = mark.end() if mark else start + len(opening)
    parsed = toolfmt.parse(text[:start] + text[end:], name, tools=TOOLS)
    assert [call.arguments for call in parsed.calls] == [{"x": "one"}]
    assert not any("two" in part.text for part in parsed.parts if isinstance(part, toolfmt.Text))
    assert any("two" in part.raw for part in parsed.malformed)


@pytest.mark.parametrize(
    "name", [info.name for info in toolfmt.formats() if toolfmt.get_format(info.name).limits.never]
)
def test_a_refusal_names_what_no_string_may_hold(name: str) -> None:
    mark = toolfmt.get_format(name).limits.never[0]
    with pytest.raises(toolfmt.UnrepresentableError) as error:
        toolfmt.render(toolfmt.ToolCall(name="first", arguments={"y": "ok", "x": f"a{mark}b"}), name, tools=TOOLS)
    assert error.value.path.endswith("arguments.x")
    assert mark in error.value.reason
