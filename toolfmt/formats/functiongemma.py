"""FunctionGemma, Google's own dialect (functiongemma-270m-it).

    <start_function_call>call:get_current_weather{location:<escape>Tokyo, Japan<escape>}<end_function_call>

Source: Google's documentation and the tests of LiteRT-LM.  Also read: ``<|"|>`` and ``<ctrl46>`` as string marks, ``call:now`` without braces, white
space between tokens.  A string cannot hold ``<escape>``: there are no escapes.  Key order is kept (the hub's template sorts keys).
"""

import re
from typing import Any, ClassVar

from toolfmt.families.braces import Braces
from toolfmt.format import Limits
from toolfmt.ir import Tool
from toolfmt.tools import read_tools
from toolfmt.turns import GEMMA, Turns

__all__ = ["FunctionGemma"]

_WORD = r"[A-Za-z_][A-Za-z0-9_.\-]*"


class FunctionGemma(Braces):
    name = "functiongemma"
    opens, closes = ("<start_function_call>",), ("<end_function_call>",)
    string_marks: ClassVar[tuple[str, ...]] = ("<escape>", '<|"|>', "<ctrl46>")
    before_call = after_call = ()
    between_calls = ""
    end_of_turn = ("<end_of_turn>", "<start_function_response>")
    response_opens, response_closes = "<start_function_response>", "<end_function_response>"
    declaration_opens, declaration_closes = "<start_function_declaration>", "<end_function_declaration>"
    tools_head = "You are a model that can do function calling with the following functions"
    tools_tail = ""
    between_tools = ""
    turns: ClassVar[Turns | None] = GEMMA
    limits = Limits(names=_WORD, keys=_WORD, deep_keys=_WORD, never=("<escape>",), result_names=True)

    def write_tool(self, tool: Tool) -> str:
        declared = {"description": tool.description, "parameters": _upper(tool.parameters)}
        name = self._word(tool.name, "$.name")
        body = self.write_value(declared, f"$.tools.{tool.name}")
        return f"{self.declaration_opens}declaration:{name}{body}{self.declaration_closes}"

    def find_tools(self, text: str) -> tuple[tuple[Tool, ...], int, int] | None:
        start = pos = text.find(self.declaration_opens)
        definitions = []
        while start >= 0 and (
            found := self.read_block("declaration", text, pos, self.declaration_opens, self.declaration_closes)
        ):
            name, body, pos = found
            definitions.append({**body, "name": name, "parameters": _lower(body.get("parameters", {}))})
        if not definitions:
            return None
        begin = start - len(self.tools_head) if text.endswith(self.tools_head, 0, start) else start
        return read_tools(definitions), begin, pos


def _upper(schema: Any) -> Any:
    """Google writes types in capitals."""
    return _types(schema, str.upper)


def _lower(schema: Any) -> Any:
    return _types(schema, _lower_type)


def _lower_type(text: str) -> str | list[str]:
    """Google's templates write several types as Python does, in one string: ``['STRING', 'NULL']``."""
    return re.findall("[a-z]+", text.lower()) if text.startswith("[") else text.lower()


def _types(schema: Any, case: Any) -> Any:
    if isinstance(schema, list):
        return [_types(item, case) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {}
    for key, value in schema.items():
        if key == "type" and isinstance(value, str):
            made[key] = case(value)
        elif key == "type" and isinstance(value, list):
            made[key] = [case(item) if isinstance(item, str) else item for item in value]
        elif key == "properties" and isinstance(value, dict):
            made[key] = {name: _types(part, case) for name, part in value.items()}
        elif key in ("enum", "const", "default", "examples"):
            made[key] = value
        else:
            made[key] = _types(value, case)
    return made
