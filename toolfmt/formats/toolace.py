"""ToolACE: the list of calls of the ToolACE data set and models; a tool's name may hold spaces, slashes and the like.

    [Market Trends API(trend_type="MARKET_INDEXES", country="us"), newAddress(address="1 Main St")]

Source: the data set Team-ACE/ToolACE and vLLM 0.33's template for ToolACE-8B, which leaves strings without quotes: those are malformed here.  A name
ends at its parenthesis and begins with what no JSON begins with; otherwise as `pythonic`.
"""

from typing import Any

from toolfmt.families.python_lexis import IDENTIFIER, write_double
from toolfmt.format import Limits
from toolfmt.formats.pythonic import PythonicList
from toolfmt.rule import PYTHON_DOUBLE

__all__ = ["ToolAce"]

_NAME = r"[^\W_][^\n()\[\]{}=\"'`<>|,;]*"


class ToolAce(PythonicList):
    name = "toolace"
    word = _NAME
    missing_commas = False
    tools_head = (
        "You should only return the function call in tools call sections.\n\nIf you decide to invoke any of the function(s), you MUST put it in the "
        "format of [func_name1(params_name1=params_value1, params_name2=params_value2...), func_name2(params)]\n"
        "You SHOULD NOT include any other text in the response.\nHere is a list of functions in JSON format that you can invoke.\n"
    )
    limits = Limits(names=rf"{_NAME}(?<!\s)", keys=IDENTIFIER, text_before=False, text_after=False, reasoning=True)

    values = PYTHON_DOUBLE

    def write_value(self, value: Any) -> str:
        return write_double(value)
