"""MiniCPM5 (OpenBMB): XML without a wrapper; a string with ``<``, ``&`` or a newline stands in CDATA.

    <function name="get_weather"><param name="city">Paris</param></function>
    <function name="run"><param name="command"><![CDATA[a && b]]></param></function>

Strings stand bare, so reading needs the tools; other values are written as JSON, and read as Python writes them too.  Source: the prompt of the chat
template of MiniCPM5-2B, as mlx-lm 0.32.2 reads it and ms-swift 4.6 writes it.
"""

from toolfmt.families.raw_tags import RawTags
from toolfmt.format import Limits
from toolfmt.turns import CHATML

__all__ = ["MiniCpm5"]


class MiniCpm5(RawTags):
    name = "minicpm5"
    opens, closes = ('<function name="',), ("</function>",)
    call_open, name_char, name_close, call_close = '<function name="', r'[^"\n]', '">', "</function>"
    key_open, key_char, key_close, value_close = '<param name="', r'[^"\n]', '">', "</param>"
    line = frame = ""
    quotes = ("<![CDATA[", "]]>")
    reads_python = True
    reasoning = ("<think>", "</think>")
    no_reasoning = "<think>\n\n</think>\n\n"
    end_of_turn = ("<|im_end|>",)
    result_opens, result_closes = "<tool_response>\n", "\n</tool_response>"
    tools_head = "# Tools\n\nYou are provided with function signatures within <tools></tools> XML tags:\n<tools>\n"
    tools_tail = (
        "\n</tools>\n\nTool usage guidelines:\n- You may call zero or more functions. If no function calls are needed, just answer normally "
        "and do not include any <function ... </function>.\n"
        "- When calling a function, return an XML object within <function ... </function> using:\n"
        '<function name="function-name"><param name="param-name">param-value</param></function>\n'
        "- param-value may be multi-line. If it contains <, & or newline characters, wrap it in a CDATA block: "
        '<param name="param-name"><![CDATA[...multi-line value...]]></param>'
    )
    turns = CHATML
    limits = Limits(
        reasoning=True,
        typed_values=False,
        names=r'[^"\n]+',
        keys=r'[^"\n]*',
        never=(
            ']]></param><param name="',
            ']]></param>\n<param name="',
            "]]></param></function>",
            "]]></param>\n</function>",
            ']]></param>\n<function name="',
            '</function>\n<function name="',
        ),
    )
