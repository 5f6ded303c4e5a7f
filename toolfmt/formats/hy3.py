"""Hunyuan 3 (Tencent Hy3): GLM's keys and values, all calls in one block, and every tag ends in ``:opensource``.

    Look.<tool_calls:opensource>
    <tool_call:opensource>get_weather<tool_sep:opensource>
    <arg_key:opensource>city</arg_key:opensource>
    <arg_value:opensource>Paris</arg_value:opensource>
    </tool_call:opensource>
    </tool_calls:opensource>

Strings stand bare, so reading needs the tools; other values are JSON.  Source: the chat template of tencent/Hy3, as its renderers in ms-swift 4.6 and
PrimeIntellect's renderers write it.
"""

from toolfmt.families.raw_tags import RawTags
from toolfmt.format import Limits

__all__ = ["Hy3"]

_KEY, _VALUE, _CALL = "arg_key:opensource>", "arg_value:opensource>", "tool_call:opensource>"


class Hy3(RawTags):
    name = "hy3"
    opens, closes = ("<tool_calls:opensource>", f"<{_CALL}"), ("</tool_calls:opensource>", "")
    call_open, name_char, name_close, call_close = f"<{_CALL}", r"[^\s<]", "<tool_sep:opensource>", f"</{_CALL}"
    key_open, key_char, key_close = f"<{_KEY}", rf"(?:[^\n<]|<(?!/{_KEY}))", f"</{_KEY}"
    value_open, value_close = f"<{_VALUE}", f"</{_VALUE}"
    frame = ""
    shared = True
    before_call = after_call = ()
    between_calls = ""
    reasoning, reasoning_inside = ("<think:opensource>", "</think:opensource>"), ("", "")
    after_reasoning = ("",)
    no_reasoning = "<think:opensource></think:opensource>"
    end_of_turn = ("<｜hy_eos:opensource｜>",)
    results_block = ("<tool_responses:opensource>\n", "\n</tool_responses:opensource>")
    result_opens, result_closes = "<tool_response:opensource>\n", "\n</tool_response:opensource>"
    tools_head = (
        "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
        "You are provided with function signatures within <tools></tools> XML tags:\n<tools>\n"
    )
    tools_tail = (
        "\n</tools>\n\nFor function call returns, you should first print <tool_calls:opensource>\n"
        f"For each function call, you should return object like:\n<{_CALL}{{function-name}}<tool_sep:opensource>\n"
        f"<{_KEY}{{arg-key-1}}</{_KEY}\n<{_VALUE}{{arg-value-1}}</{_VALUE}\n<{_KEY}{{arg-key-2}}</{_KEY}\n<{_VALUE}{{arg-value-2}}</{_VALUE}\n"
        f"...\n</{_CALL}\nAt the end of function call returns, you should print </tool_calls:opensource>"
    )
    limits = Limits(
        reasoning=True,
        typed_values=False,
        names=name_char + "+",
        keys=key_char + "*",
        never=(
            f"</{_VALUE}<{_KEY}",
            f"</{_VALUE}\n<{_KEY}",
            f"</{_VALUE}</{_CALL}",
            f"</{_VALUE}\n</{_CALL}",
            f"</{_VALUE}\n<{_CALL}",
            f"</{_CALL}\n<{_CALL}",
        ),
    )
