"""MiniMax M3: a mark before every tag, arguments by their own names, containers as trees of tags.

    ]<]minimax[>[<tool_call>
    ]<]minimax[>[<invoke name="get_weather">]<]minimax[>[<city>Paris]<]minimax[>[</city>]<]minimax[>[</invoke>
    ]<]minimax[>[</tool_call>

A turn without reasoning begins ``</mm:think>``.  The template drops null and makes ``[]``, ``{}`` and ``""`` alike; here they are written as JSON.
Source: the chat template of MiniMax-M3 (llama.cpp).
"""

from toolfmt.families.tree_tags import TreeTags
from toolfmt.format import Limits, function_object
from toolfmt.ir import Tool
from toolfmt.values import dumps

__all__ = ["MiniMaxM3"]

_MARK = "]<]minimax[>["


class MiniMaxM3(TreeTags):
    name = "minimax_m3"
    mark = _MARK
    opens, closes = (f"{_MARK}<tool_call>", f'{_MARK}<invoke name="'), (f"{_MARK}</tool_call>", "")
    call_open, name_char, name_close, call_close = opens[1], r'[^"\n]', '">', f"{_MARK}</invoke>"
    key_open, value_close = f"{_MARK}<", f"{_MARK}</"
    before_call = after_call = ()
    between_calls = ""
    reasoning, reasoning_inside, after_reasoning = ("<mm:think>", "</mm:think>"), ("", ""), ("",)
    no_reasoning = "</mm:think>"
    end_of_turn = ("[e~[",)
    result_opens, result_closes = "<response>", "</response>"
    tools_head = (
        "# Tools\nYou may call one or more tools to assist with the user query.\n"
        "Here are the tools available in JSONSchema format:\n\n<tools>\n<tool>"
    )
    between_tools = "</tool>\n<tool>"
    tools_tail = (
        f"</tool>\n</tools>\n\nTo call tools, wrap all invocations in a single {_MARK}<tool_call>{_MARK}</tool_call> block. "
        "Parameter values containing nested objects or arrays are recursively expanded into XML elements. Example:\n\n"
        f'{_MARK}<tool_call>\n{_MARK}<invoke name="tool-name-1">{_MARK}<param-1>value-1{_MARK}</param-1>{_MARK}<param-2>{_MARK}<item>'
        f"{_MARK}<key-a>val-a{_MARK}</key-a>{_MARK}<key-b>val-b{_MARK}</key-b>{_MARK}</item>{_MARK}</param-2>{_MARK}</invoke>\n"
        f'{_MARK}<invoke name="tool-name-2">{_MARK}<param-1>value-1{_MARK}</param-1>{_MARK}</invoke>\n{_MARK}</tool_call>'
    )
    limits = Limits(
        reasoning=True,
        typed_values=False,
        names=r'[^"\n]+',
        keys=r'(?!(?:invoke|tool_call)$)[^<>\n"/]+',
        never=(f"{_MARK}<",),
    )

    def write_tool(self, tool: Tool) -> str:
        return dumps(function_object(tool))
