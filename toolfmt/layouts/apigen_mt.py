"""`apigen_mt`: APIGen-MT-5k, multi-turn data with the domain's policy in ``system``; written by the rules of `llamafactory`.

    {"conversations": [{"from": "human", "value": "Cancel my order."},
                       {"from": "function_call", "value": "{\\"name\\": \\"cancel\\", \\"arguments\\": {\\"id\\": 7}}"},
                       {"from": "observation", "value": "done"},
                       {"from": "gpt", "value": "It is cancelled."}],
     "system": "# Retail agent policy ..", "tools": "[{\\"name\\": \\"cancel\\", \\"description\\": \\"..\\", \\"parameters\\": {..}}]"}

No key tells these rows from `llamafactory` rows with a system text: where roles alternate strictly that is what they are called.
"""

from collections.abc import Mapping

from toolfmt.layouts.base import Row
from toolfmt.layouts.llamafactory import LlamaFactory
from toolfmt.values import JSONTextError, loads

__all__ = ["APIGenMT"]


class APIGenMT(LlamaFactory):
    name = "apigen_mt"

    def claims(self, row: Row) -> bool:
        messages, system = row.get("conversations"), row.get("system")
        if not isinstance(messages, list) or not isinstance(system, str) or not system:
            return False
        calls = any(isinstance(message, Mapping) and message.get("from") == "function_call" for message in messages)
        return calls and _are_bare(row.get("tools"))


def _are_bare(tools: object) -> bool:
    """Whether it is the JSON text of function objects without a wrapper."""
    if not isinstance(tools, str):
        return False
    try:
        read = loads(tools)
    except JSONTextError:
        return False
    return (
        isinstance(read, list)
        and bool(read)
        and all(isinstance(tool, Mapping) and "parameters" in tool for tool in read)
    )
