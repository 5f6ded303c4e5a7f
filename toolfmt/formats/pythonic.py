"""Pythonic calls (Llama 3.2 in its Python form, Gemma 3's `tool_code`): the whole answer is a list of calls, or it is text.

    [get_weather(city='Paris', days=3), now()]

Source: vLLM 0.33's parser ``pythonic`` and its examples of chat templates, which do not write what that parser reads: Llama 3.2's leaves strings
without quotes (malformed here), Gemma 3's forgets commas between arguments (read where the next key can be told).  Also read: a code fence, where
the brackets may be missing, and the marks of Llama 4.  Any list may be an answer: a call's tool is among those given.
"""

from typing import ClassVar

from toolfmt.families.python_lexis import IDENTIFIER
from toolfmt.families.pythonic import DOTTED, Pythonic
from toolfmt.format import Limits

__all__ = ["PythonicList"]


class PythonicList(Pythonic):
    name = "pythonic"
    opens: ClassVar[tuple[str, ...]] = ("[", "```tool_code", "```python", "```", "<|python_start|>")
    closes: ClassVar[tuple[str, ...]] = ("", "```", "```", "```", "<|python_end|>")
    ambiguous = only_at_start = missing_commas = True
    before_call = after_call = ()
    reasoning: ClassVar[tuple[str, str] | None] = ("<think>", "</think>")
    end_of_turn: ClassVar[tuple[str, ...]] = ("<|eot_id|>", "<|eot|>", "<|eom_id|>", "<end_of_turn>", "<|im_end|>")
    result_opens = ""
    tools_head = (
        "You have access to the following functions. To call functions, please respond with a python list of the calls. "
        "Respond in the format [func_name1(params_name1=params_value1, params_name2=params_value2...), func_name2(params)] "
        "Do not use variables.\n\n"
    )
    tools_tail = "\n\n"
    tools_indent, tools_array = 4, False
    limits = Limits(names=DOTTED, keys=IDENTIFIER, text_before=False, text_after=False, reasoning=True)
