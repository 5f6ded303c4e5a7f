"""Olmo 3 (Ai2): calls on lines of their own between marks, values in JSON.

    Let me look.<function_calls>get_weather(city="Paris", days=3)
    now()</function_calls>

Source: the chat template of Olmo-3.1-32B-Instruct, vLLM 0.33's parser ``olmo3`` and the tests of Ollama (fb30760).  Read too: line breaks inside the
marks, Python's literals and quotes, a list in brackets.  What stands round a thought is not verified: nothing is written inside the tags.
"""

from typing import Any

from toolfmt.families.python_lexis import WORD
from toolfmt.families.pythonic import Pythonic
from toolfmt.format import Limits
from toolfmt.rule import Dialect, Strings
from toolfmt.values import dumps

__all__ = ["Olmo3"]


class Olmo3(Pythonic):
    name = "olmo3"
    opens, closes = ("<function_calls>",), ("</function_calls>",)
    listed, between_in_block = False, "\n"
    before_call = after_call = ()
    between_calls = ""
    reasoning = ("<think>", "</think>")
    reasoning_inside = ("", "")
    end_of_turn = ("<|im_end|>", "<|endoftext|>")
    result_opens = ""
    tools_head = (
        "You are provided with function signatures within <functions></functions> XML tags. You may call one or more functions to assist with the "
        "user query. Output any function calls within <function_calls></function_calls> XML tags. Do not make assumptions about what values to "
        "plug into functions.<functions>"
    )
    tools_tail = "</functions>"
    values = Dialect(strings=Strings(solidus=False))
    limits = Limits(names=WORD, keys=WORD, reasoning=True)

    def write_value(self, value: Any) -> str:
        return dumps(value)
