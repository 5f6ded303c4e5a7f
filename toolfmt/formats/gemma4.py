"""Gemma 4: FunctionGemma's braces with marks of its own, and reasoning.

    <|channel>thought
    I should look it up.
    <channel|><|tool_call>call:get_weather{city:<|"|>Paris<|"|>,days:3}<tool_call|><|tool_response>

Source: Google's chat template in five revisions (TRL f2cd5771), the copies in llama.cpp, unsloth and vLLM 0.33.0, and mlx-lm's tests.  The newest
revision writes null as ``null``, the others ``None``; both are read, as are ``True`` and ``False``.  Also read, as the model drifts to them: several
calls in one block, strings and keys in quotes (vllm#51284), ``=`` for ``:`` (ollama#17882), ``call:now`` without braces.  The templates sort keys and
move text behind the calls; here both keep their place.  A calling turn ends with ``<|tool_response>``, where the server puts the result, any other
with ``<turn|>``.  A string cannot hold ``<|"|>``.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from toolfmt.families.brace_lexis import WORDS
from toolfmt.format import Limits
from toolfmt.formats.functiongemma import FunctionGemma
from toolfmt.ir import Part, ToolCall

__all__ = ["Gemma4"]


class Gemma4(FunctionGemma):
    name = "gemma4"
    opens, closes = ("<|tool_call>",), ("<tool_call|>",)
    string_marks = ('<|"|>',)
    word = r"[\w.\-:]+"
    key = r"[\w.\-$@/]+"
    words: ClassVar[Mapping[str, Any]] = {**WORDS, "None": None, "True": True, "False": False}
    loose = True
    reasoning = ("<|channel>thought", "<channel|>")
    after_reasoning = ("",)
    no_reasoning = "<|channel>thought\n<channel|>"
    end_of_turn = ("<turn|>", "<|tool_response>")
    response_opens, response_closes = "<|tool_response>", "<tool_response|>"
    declaration_opens, declaration_closes = "<|tool>", "<tool|>"
    tools_head = ""
    turns = None  # the marker that ends a calling turn is the one that opens its result
    limits = Limits(reasoning=True, names=word, keys=key, deep_keys=key, never=('<|"|>',), result_names=True)

    def write_end(self, last: Part | None) -> str:
        return self.end_of_turn[isinstance(last, ToolCall)]
