r"""GLM-4.5 and 4.6 (Zhipu): the name straight after the opening mark, key and value in tags of their own.

    <tool_call>get_weather
    <arg_key>city</arg_key>
    <arg_value>Paris</arg_value>
    </tool_call>

Strings stand bare, so reading needs the tools; other values are JSON.  The next turn's role mark ends a turn: it is read and never written.
Read too: the spelling of `glm47`, without newlines.  Source: the chat template of GLM-4.6 (llama.cpp), which is also TRL's of GLM-4.5.
"""

from toolfmt.families.raw_tags import RawTags
from toolfmt.format import Limits
from toolfmt.ir import Part

__all__ = ["Glm45"]


class Glm45(RawTags):
    name = "glm45"
    opens, closes = ("<tool_call>",), ("</tool_call>",)
    call_open, call_close = "<tool_call>", "</tool_call>"
    name_char, name_close = r"""[^\s<>{}"\[\]]""", ""
    key_open, key_close = "<arg_key>", "</arg_key>"
    key_char = r"(?:[^\n<]|<(?!/arg_key>|/?arg_value>))"
    value_open, value_close = "<arg_value>", "</arg_value>"
    frame = ""
    reasoning, reasoning_inside, after_reasoning = ("<think>", "</think>"), ("", ""), ("\n",)
    no_reasoning = "\n<think></think>\n"
    end_of_turn = ("<|user|>", "<|observation|>", "<|endoftext|>")
    result_opens, result_closes = "<tool_response>\n", "\n</tool_response>"
    tools_head = (
        "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
        "You are provided with function signatures within <tools></tools> XML tags:\n<tools>\n"
    )
    tools_tail = (
        "\n</tools>\n\nFor each function call, output the function name and arguments within the following XML format:\n"
        "<tool_call>{function-name}\n<arg_key>{arg-key-1}</arg_key>\n<arg_value>{arg-value-1}</arg_value>\n"
        "<arg_key>{arg-key-2}</arg_key>\n<arg_value>{arg-value-2}</arg_value>\n...\n</tool_call>"
    )
    limits = Limits(
        reasoning=True,
        typed_values=False,
        names=name_char + "+",
        keys=key_char + "*",
        never=(
            "</arg_value><arg_key>",
            "</arg_value>\n<arg_key>",
            "</arg_value></tool_call>",
            "</arg_value>\n</tool_call>",
            "</arg_value>\n<tool_call>",
            "</tool_call>\n<tool_call>",
        ),
    )

    def write_end(self, last: Part | None) -> str:
        return ""
