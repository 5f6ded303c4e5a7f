"""LFM2 and LFM2.5 (Liquid AI): a Python list of calls between marks; text may stand on both sides.

    Let me look.<|tool_call_start|>[get_weather(city='Paris', near={"lat": 1.5})]<|tool_call_end|>

Source: the chat template of LFM2 and LFM2.5 in TRL 1.16 and the tests of Ollama (fb30760) and mlx-lm.  The template writes an argument that is a
string between single quotes, escaping nothing, an object as JSON, anything else as Python does: so it is written here wherever that can be read
back, and with Python's escapes where it cannot (a string with a single quote, or with what would be an escape).
"""

from dataclasses import replace
from typing import Any

from toolfmt.families.python_lexis import WORD, is_bare
from toolfmt.families.pythonic import Pythonic
from toolfmt.format import Limits
from toolfmt.rule import PYTHON, Dialect, Strings
from toolfmt.values import dumps

__all__ = ["Lfm2"]


class Lfm2(Pythonic):
    name = "lfm2"
    opens, closes = ("<|tool_call_start|>",), ("<|tool_call_end|>",)
    before_call = after_call = ()
    between_calls = ""
    reasoning = ("<think>", "</think>")
    reasoning_inside, after_reasoning = ("", ""), ("",)
    end_of_turn = ("<|im_end|>",)
    result_opens = ""
    tools_head, tools_tail = "List of tools: ", ""
    values = replace(PYTHON, strings=Strings("python", loose=True), inner=PYTHON, objects=Dialect(strings=Strings(solidus=False)))
    limits = Limits(names=WORD, keys=WORD, reasoning=True)

    def write_value(self, value: Any) -> str:
        if isinstance(value, str) and is_bare(value):
            return f"'{value}'"
        return dumps(value) if isinstance(value, dict) else repr(value)
