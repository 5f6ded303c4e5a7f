"""Qwen XML with JSON literals: Qwen3.6, Qwen3.8 and, for unknown servers, the safe spelling of Qwen3-Coder's wire.

    <tool_call>
    <function=get_weather>
    <parameter=city>
    Paris
    </parameter>
    </function>
    </tool_call>

Strings stand bare, so reading needs the tools.  Both spellings of true, false and null are read.  Source: the chat templates of Qwen3.6 (TRL 1.16)
and Qwen3.5-4B (llama.cpp); transformers 5.23.0.
"""

from toolfmt.families.raw_tags import RawTags
from toolfmt.format import Limits
from toolfmt.ir import ToolCall
from toolfmt.turns import CHATML

__all__ = ["QwenXml"]


class QwenXml(RawTags):
    name = "qwen_xml"
    opens, closes = ("<tool_call>", "<function="), ("</tool_call>", "")
    before_call = ("\n\n", "\n")
    reasoning = ("<think>", "</think>")
    end_of_turn = ("<|im_end|>",)
    result_opens, result_closes = "<tool_response>\n", "\n</tool_response>"
    tools_head = "# Tools\n\nYou have access to the following functions:\n\n<tools>\n"
    tools_tail = (
        "\n</tools>\n\nIf you choose to call a function ONLY reply in the following format with NO suffix:\n\n"
        "<tool_call>\n<function=example_function_name>\n<parameter=example_parameter_1>\nvalue_1\n</parameter>\n"
        "<parameter=example_parameter_2>\nThis is the value for the second parameter\nthat can span\nmultiple lines\n</parameter>\n"
        "</function>\n</tool_call>\n\n<IMPORTANT>\nReminder:\n"
        "- Function calls MUST follow the specified format: an inner <function=...></function> block must be nested within "
        "<tool_call></tool_call> XML tags\n- Required parameters MUST be specified\n"
        "- You may provide optional reasoning for your function call in natural language BEFORE the function call, but NOT after\n"
        "- If there is no function call available, answer the question like normal with your current knowledge and do not tell the user "
        "about function calls\n</IMPORTANT>"
    )
    turns = CHATML
    limits = Limits(
        reasoning=True,
        typed_values=False,
        names=r"[^>\n]+",
        keys=r"[^>\n]*",
        never=(
            "\n</parameter>\n<parameter=",
            "\n</parameter>\n</function>",
            "\n</parameter>\n</tool_call>\n<tool_call>\n<function=",
            "\n</function>\n</tool_call>\n<tool_call>\n<function=",
        ),
    )

    def evidence(self, call: ToolCall) -> int:
        """Values that are one of its literals: ``true`` here, ``True`` for Qwen3-Coder."""
        words = set(self.literals.values())
        return sum(isinstance(value, str) and value in words for value in call.arguments.values())
