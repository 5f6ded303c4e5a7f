"""Hermes: Hermes-2-Pro/3, Qwen2.5, QwQ, Qwen3, SmolLM3, Granite 4, Falcon and many fine-tunes.

    Let me look.
    <tool_call>
    {"name": "get_weather", "arguments": {"city": "Paris"}}
    </tool_call>

Source: the chat templates of Qwen2.5-7B-Instruct and Qwen3-0.6B (transformers 5.23.0).  Older data is read too: keys in the other order, Python
literals in single quotes, ``parameters`` for ``arguments``, arguments encoded twice, several objects or an array in one block, a missing closing tag.
"""

from toolfmt.families.json_body import JsonBody
from toolfmt.format import Limits
from toolfmt.turns import CHATML

__all__ = ["Hermes"]


class Hermes(JsonBody):
    name = "hermes"
    opens, closes = ("<tool_call>",), ("</tool_call>",)
    reasoning = ("<think>", "</think>")
    end_of_turn = ("<|im_end|>", "<|end_of_text|>", "<|eot_id|>")
    result_opens, result_closes = "<tool_response>\n", "\n</tool_response>"
    tools_head = (
        "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
        "You are provided with function signatures within <tools></tools> XML tags:\n<tools>\n"
    )
    tools_tail = (
        "\n</tools>\n\nFor each function call, return a json object with function name and arguments within "
        "<tool_call></tool_call> XML tags:\n<tool_call>\n"
        '{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>'
    )
    turns = CHATML
    limits = Limits(reasoning=True)
