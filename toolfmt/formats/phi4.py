"""Phi-4-mini: the word ``functools``, then an array of calls.

    functools[{"name": "get_weather", "arguments": {"city": "Paris"}}]

Source: the system prompt of vLLM 0.33.0's example for Phi-4-mini.  The example itself writes history bare, ``{..},{..}``: that is read too, where an
object has just the two keys of a call.
"""

from toolfmt.families.json_body import JsonBody
from toolfmt.format import Limits
from toolfmt.turns import Turns

__all__ = ["Phi4"]


class Phi4(JsonBody):
    name = "phi4"
    opens, closes = ("functools[", "{"), ("", "")
    sure = ("functools[",)
    joints = ",;"
    array = ("[", ", ", "]")
    inside = ""
    ambiguous = exact_keys = True
    end_of_turn = ("<|end|>", "<|endoftext|>")
    result_opens = ""
    tools_indent = 4
    tools_head, between_tools, tools_tail = "", "\n\n", "\n\n"
    not_in_prose = ("functools[", '{"name"', '{"arguments"')
    turns = Turns(
        system=("<|system|>", "<|end|>"),
        user=("<|user|>", "<|end|>"),
        assistant=("<|assistant|>", ""),
        tool=("<|tool|>", "<|end|>"),
    )
    limits = Limits(text_after=False)
