"""DeepSeek V3, V3-0324 and R1.

    Let me look.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather
    ```json
    {"city": "Paris"}
    ```<｜tool▁call▁end｜><｜tool▁calls▁end｜>

The bars are U+FF5C, the low lines U+2581.  Calls of one section stand on lines of their own; results stand glued in a block.
Source: TRL's template ``deepseekv3`` (1.16.0); the tools block is that of vLLM's example template, without its stray indentation.
"""

from collections.abc import Sequence

from toolfmt.families.json_header import JsonHeader
from toolfmt.format import Limits
from toolfmt.ir import ToolResult

__all__ = ["DeepSeekV3"]


class DeepSeekV3(JsonHeader):
    name = "deepseek_v3"
    opens = ("<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>")
    closes = ("<｜tool▁calls▁end｜>", "<｜tool▁call▁end｜>")
    call_marks = ("<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>")
    frames = ("<｜tool▁calls▁end｜>",)
    before_name, after_head, after_arguments = "function<｜tool▁sep｜>", "\n```json\n", "\n```"
    between_calls = "\n"
    reasoning = ("<think>", "</think>")
    end_of_turn = ("<｜end▁of▁sentence｜>",)
    result_opens, result_closes, between_results = "<｜tool▁output▁begin｜>", "<｜tool▁output▁end｜>", "\n"
    results_head, results_tail = "<｜tool▁outputs▁begin｜>", "<｜tool▁outputs▁end｜>"
    tools_head = "# Tools\n\nYou may call one or more functions to assist with the user query.\n<tools>\n"
    tools_tail = (
        "\n</tools>\n\nFor function call returns, you should first print <｜tool▁calls▁begin｜>\n\n"
        "For each function call, you should return object like:\n\n"
        "<｜tool▁call▁begin｜>function<｜tool▁sep｜><function_name>\n```json\n<function_arguments_in_json_format>\n```<｜tool▁call▁end｜>\n\n"
        "At the end of function call returns, you should print <｜tool▁calls▁end｜><｜end▁of▁sentence｜>"
    )
    limits = Limits(reasoning=True, names=r"[^\s<](?:[^\n<]*[^\s<])?")

    def write_results(self, results: Sequence[ToolResult]) -> str:
        return self.results_head + super().write_results(results) + self.results_tail

    def read_results(self, text: str) -> list[ToolResult] | None:
        body = text.strip()
        if not (body.startswith(self.results_head) and body.endswith(self.results_tail)):
            return super().read_results(text)
        return super().read_results(body.removeprefix(self.results_head).removesuffix(self.results_tail))
