"""MiniMax M2 and M2.5: all calls of a turn in one block, one after the other.

    <minimax:tool_call>
    <invoke name="get_weather">
    <parameter name="city">Paris</parameter>
    </invoke>
    </minimax:tool_call>

Strings stand bare, without newlines of their own, so reading needs the tools; other values are JSON.  A newline stands before the block even where no
text does.  Source: the chat template of MiniMax-M2 (llama.cpp).
"""

from toolfmt.families.raw_tags import RawTags
from toolfmt.format import Limits, function_object
from toolfmt.ir import Tool
from toolfmt.turns import Turns
from toolfmt.values import dumps

__all__ = ["MiniMaxM2"]


class MiniMaxM2(RawTags):
    name = "minimax_m2"
    opens, closes = ("<minimax:tool_call>", '<invoke name="'), ("</minimax:tool_call>", "")
    call_open, name_char, name_close, call_close = '<invoke name="', r'[^"\n]', '">', "</invoke>"
    key_open, key_char, key_close, value_close = '<parameter name="', r'[^"\n]', '">', "</parameter>"
    frame = ""
    shared = leads = True
    reasoning = ("<think>", "</think>")
    end_of_turn = ("[e~[",)
    result_opens, result_closes = "<response>", "</response>"
    tools_head = (
        "# Tools\nYou may call one or more tools to assist with the user query.\n"
        "Here are the tools available in JSONSchema format:\n\n<tools>\n<tool>"
    )
    between_tools = "</tool>\n<tool>"
    tools_tail = (
        "</tool>\n</tools>\n\nWhen making tool calls, use XML format to invoke tools and pass parameters:\n\n<minimax:tool_call>\n"
        '<invoke name="tool-name-1">\n<parameter name="param-key-1">param-value-1</parameter>\n'
        '<parameter name="param-key-2">param-value-2</parameter>\n...\n</invoke>\n</minimax:tool_call>'
    )
    turns = Turns(
        system=("]~b]system\n", "[e~[\n"),
        user=("]~b]user\n", "[e~[\n"),
        assistant=("]~b]ai\n", "\n"),
        tool=("]~b]tool\n", "[e~[\n"),
        bos=True,
    )
    limits = Limits(
        reasoning=True,
        typed_values=False,
        names=r'[^"\n]+',
        keys=r'[^"\n]*',
        never=(
            '</parameter><parameter name="',
            '</parameter>\n<parameter name="',
            "</parameter></invoke>",
            "</parameter>\n</invoke>",
            '</parameter>\n<invoke name="',
            '</invoke>\n<invoke name="',
        ),
    )

    def write_tool(self, tool: Tool) -> str:
        return dumps(function_object(tool))
