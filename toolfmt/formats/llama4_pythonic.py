"""Llama 4, in its Python form: a list of calls, strings in double quotes; text may stand beside it.

    Let me check.[get_weather(city="Paris", days=3), now()]<|eot|>

Source: Meta's prompt format of Llama 4 and vLLM 0.33's parser ``llama4_pythonic`` and template of that name.  Read too: the list between
``<|python_start|>`` and ``<|python_end|>``, where the brackets may be missing.  The template puts every value between double quotes and escapes
nothing: ``days="3"`` is the string as written (`toolfmt.validate` reports it), a quote inside a string makes the call malformed.  A bracket also
stands in prose: a call's tool is among those given.
"""

from collections.abc import Sequence
from typing import Any

from toolfmt.families.python_lexis import write_double
from toolfmt.families.pythonic import Pythonic
from toolfmt.ir import ToolResult
from toolfmt.rule import PYTHON_DOUBLE
from toolfmt.values import JSONTextError, dumps, loads

__all__ = ["Llama4Pythonic"]


class Llama4Pythonic(Pythonic):
    name = "llama4_pythonic"
    opens, closes = ("[", "<|python_start|>"), ("", "<|python_end|>")
    ambiguous = True
    before_call = after_call = ()
    between_calls = ""
    end_of_turn = ("<|eot|>", "<|eom|>", "<|eot_id|>", "<|eom_id|>")
    tools_head = (
        "Here is a list of functions in JSON format that you can invoke. "
        "Use exact format: [func_name1(param1=value1, param2=value2), func_name2(...)]\n"
    )
    tools_tail = ""
    tools_indent = 4
    result_opens = ""

    values = PYTHON_DOUBLE

    def write_value(self, value: Any) -> str:
        return write_double(value)

    def write_results(self, results: Sequence[ToolResult]) -> str:
        """One JSON string a message, as the template writes it."""
        return super().write_results([ToolResult(content=dumps(result.content)) for result in results])

    def read_results(self, text: str) -> list[ToolResult] | None:
        try:
            content = loads(text)
        except JSONTextError:
            content = None
        return [ToolResult(content=content if isinstance(content, str) else text)]
