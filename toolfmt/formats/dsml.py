"""DSML (DeepSeek V3.2): all calls of a turn in one block; each argument's tag tells whether it is a string.

    <｜DSML｜function_calls>
    <｜DSML｜invoke name="get_weather">
    <｜DSML｜parameter name="city" string="true">Paris</｜DSML｜parameter>
    <｜DSML｜parameter name="days" string="false">3</｜DSML｜parameter>
    </｜DSML｜invoke>
    </｜DSML｜function_calls>

Strings stand bare, anything else is JSON.  A blank line stands before the block even where no text does; a turn without reasoning begins
``</think>``.  Source: the chat template of DeepSeek-V3.2 (llama.cpp).
"""

from types import MappingProxyType

from toolfmt.families.typed_tags import TypedTags
from toolfmt.format import Limits, function_object
from toolfmt.ir import Tool
from toolfmt.values import dumps

__all__ = ["Dsml"]


class Dsml(TypedTags):
    name = "dsml"
    opens, closes = ("<｜DSML｜function_calls>", '<｜DSML｜invoke name="'), ("</｜DSML｜function_calls>", "")
    call_open, name_char, name_close, call_close = '<｜DSML｜invoke name="', r'[^"\n]', '">', "</｜DSML｜invoke>"
    key_open, key_char, key_rest, key_close = '<｜DSML｜parameter name="', r'[^"\n]', '" string="{type}', '">'
    value_close = "</｜DSML｜parameter>"
    kinds = MappingProxyType({
        str: "true", int: "false", float: "false", bool: "false", type(None): "false", dict: "false", list: "false",
    })  # fmt: skip
    shared = leads = True
    before_call = ("\n\n", "\n")
    between_calls = "\n\n"
    reasoning, reasoning_inside, after_reasoning = ("<think>", "</think>"), ("", ""), ("",)
    no_reasoning = "</think>"
    end_of_turn = ("<｜end▁of▁sentence｜>",)
    results_block = ("<function_results>\n", "\n</function_results>")
    result_opens, result_closes = "<result>", "</result>"
    tools_head = (
        "## Tools\n\nYou have access to a set of tools you can use to answer the user's question.\n"
        'You can invoke functions by writing a "<｜DSML｜function_calls>" block like the following as part of your reply to the user:\n'
        '<｜DSML｜function_calls>\n<｜DSML｜invoke name="$FUNCTION_NAME">\n'
        '<｜DSML｜parameter name="$PARAMETER_NAME" string="true|false">$PARAMETER_VALUE</｜DSML｜parameter>\n...\n</｜DSML｜invoke>\n'
        '<｜DSML｜invoke name="$FUNCTION_NAME2">\n...\n</｜DSML｜invoke>\n</｜DSML｜function_calls>\n\n'
        "String and scalar parameters should be specified as is without any escaping or quotes, while lists and objects should use JSON format. "
        'The "string" attribute should be set to "true" for string type parameters and "false" for other types '
        "(numbers, booleans, arrays, objects).\n\n"
        "If the thinking_mode is enabled, then after function results you should strongly consider outputting a thinking block. "
        "Here is an example:\n\n<｜DSML｜function_calls>\n...\n</｜DSML｜function_calls>\n\n"
        "<function_results>\n...\n</function_results>\n\n<think>...thinking about results</think>\n\n"
        "Here are the functions available in JSONSchema format:\n<functions>\n"
    )
    tools_tail = "\n</functions>"
    limits = Limits(
        reasoning=True,
        names=r'[^"\n]+',
        keys=r'[^"\n]*',
        never=(
            '</｜DSML｜parameter><｜DSML｜parameter name="',
            '</｜DSML｜parameter>\n<｜DSML｜parameter name="',
            "</｜DSML｜parameter></｜DSML｜invoke>",
            "</｜DSML｜parameter>\n</｜DSML｜invoke>",
            '</｜DSML｜parameter>\n<｜DSML｜invoke name="',
            '</｜DSML｜invoke>\n<｜DSML｜invoke name="',
        ),
    )

    def write_tool(self, tool: Tool) -> str:
        return dumps(function_object(tool))
