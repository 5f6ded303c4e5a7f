"""Functionary v3.1, and the custom tool calls that Llama 3.1's prompt format describes.

    Let me look.<function=get_weather>{"city": "Paris"}</function><function=now>{}</function><|eom_id|>

Calls stand glued; a turn that ends with a call ends with ``<|eom_id|>``, any other with ``<|eot_id|>``.  A result is the whole of its message.
Source: llama.cpp's copy of functionary-medium-v3.1's template (in llama-cpp-python 0.3.36).  ``<|python_tag|>`` and code is text.
"""

from toolfmt.families.json_header import JsonHeader
from toolfmt.format import Format, Limits, function_object
from toolfmt.ir import Part, Tool, ToolCall
from toolfmt.tools import read_tools
from toolfmt.values import JSONTextError, dumps, loads

__all__ = ["FunctionaryV31"]


class FunctionaryV31(JsonHeader):
    name = "functionary_v31"
    opens, closes = ("<function=",), ("</function>",)
    after_head = ">"
    end_of_turn = ("<|eot_id|>", "<|eom_id|>")
    result_opens = ""
    tools_head, between_tools = "You have access to the following functions:\n\n", "\n\n"
    tools_tail = (
        "\n\n\nThink very carefully before calling functions.\nIf a you choose to call a function ONLY reply in the following format:\n"
        "<{start_tag}={function_name}>{parameters}{end_tag}\nwhere\n\nstart_tag => `<function`\n"
        "parameters => a JSON dict with the function argument name as key and function argument value as value.\nend_tag => `</function>`\n\n"
        'Here is an example,\n<function=example_function_name>{"example_name": "example_value"}</function>\n\nReminder:\n'
        "- If looking for real time information use relevant functions before falling back to brave_search\n"
        "- Function calls MUST follow the specified format, start with <function= and end with </function>\n"
        "- Required parameters MUST be specified\n- Only call one function at a time\n- Put the entire function call reply on one line"
    )
    limits = Limits(names=r"[^\s<>](?:[^\n<>]*[^\s<>])?")

    def write_end(self, last: Part | None) -> str:
        return "<|eom_id|>" if isinstance(last, ToolCall) else "<|eot_id|>"

    find_tools = Format.find_tools

    def write_tool(self, tool: Tool) -> str:
        return f"Use the function '{tool.name}' to '{tool.description}'\n{dumps(function_object(tool))}"

    def read_tools_body(self, body: str) -> tuple[Tool, ...] | None:
        try:
            return read_tools([loads(line) for line in body.split("\n") if line.startswith("{")])
        except JSONTextError:
            return None
