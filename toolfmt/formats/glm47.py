"""GLM-4.7 and 5: `glm45` without a newline anywhere.

    <tool_call>get_weather<arg_key>city</arg_key><arg_value>Paris</arg_value></tool_call>

A turn without reasoning begins ``</think>``.  Read too: newlines between the tags, as `glm45` writes them.  Source: the chat template of
GLM-4.7-Flash (llama.cpp).
"""

from dataclasses import replace

from toolfmt.formats.glm45 import Glm45

__all__ = ["Glm47"]


class Glm47(Glm45):
    name = "glm47"
    line = ""
    before_call = after_call = ()
    between_calls = ""
    after_reasoning = ("",)
    no_reasoning = "</think>"
    result_opens, result_closes, between_results = "<tool_response>", "</tool_response>", ""
    tools_tail = (
        "\n</tools>\n\nFor each function call, output the function name and arguments within the following XML format:\n"
        "<tool_call>{function-name}<arg_key>{arg-key-1}</arg_key><arg_value>{arg-value-1}</arg_value>"
        "<arg_key>{arg-key-2}</arg_key><arg_value>{arg-value-2}</arg_value>...</tool_call>"
    )
    limits = replace(
        Glm45.limits, never=(*Glm45.limits.never[:-2], "</arg_value><tool_call>", "</tool_call><tool_call>")
    )
