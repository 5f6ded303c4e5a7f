"""Qwen3-Coder, Qwen3.5, Nemotron 3, Step-3.5: `qwen_xml` with Python's True, False and None at the top level, and tools declared in XML.

    <tool_call>
    <function=set_values>
    <parameter=label>
    None
    </parameter>
    </function>
    </tool_call>

Source: the chat templates of Qwen3-Coder (llama.cpp, vLLM 0.33), Qwen3.5-4B and Nemotron-3-Nano.  Qwen3.5 declares tools as `qwen_xml` does;
both declarations are read.  Variants read: Nemotron's and Step's separators before a call, calls glued together.
"""

import re
from typing import Any
from xml.sax.saxutils import unescape

from toolfmt.formats.qwen_xml import QwenXml
from toolfmt.ir import Tool, ToolResult
from toolfmt.tools import read_tools
from toolfmt.values import PYTHON_LITERALS, JSONTextError, dumps, loads

__all__ = ["Qwen3Coder"]


class Qwen3Coder(QwenXml):
    name = "qwen3_coder"
    literals = PYTHON_LITERALS
    limits = QwenXml.limits

    def read_results(self, text: str) -> list[ToolResult] | None:
        """Also as Step-3.5 writes one: its marks stand glued to it."""
        found, body = super().read_results(text), text.strip()
        if found is None and body.startswith("<tool_response>") and body.endswith("</tool_response>"):
            return [ToolResult(content=body[len("<tool_response>") : -len("</tool_response>")])]
        return found

    def write_tool(self, tool: Tool) -> str:
        lines = [
            "<function>",
            f"<name>{tool.name}</name>",
            f"<description>{tool.description}</description>",
            "<parameters>",
        ]
        for key, schema in tool.parameters.get("properties", {}).items():
            lines += ["<parameter>", f"<name>{key}</name>", *_tags(schema, ("type", "description")), "</parameter>"]
        lines += [*_tags({k: v for k, v in tool.parameters.items() if k != "type"}, ()), "</parameters>", "</function>"]
        return "\n".join(lines)

    def find_tools(self, text: str) -> tuple[tuple[Tool, ...], int, int] | None:
        """Also of the prompts whose wording differs: another copy of Qwen3-Coder's, and Step-3.5's."""
        found = super().find_tools(text)
        if found is None and (other := _OTHER_PROMPTS.search(text)) and (tools := self.read_tools_body(other[1])):
            return tools, other.start(), other.end()
        return found

    def read_tools_body(self, body: str) -> tuple[Tool, ...] | None:
        if not body.startswith("<function>"):
            return super().read_tools_body(body)
        try:
            return read_tools([_read_function(part) for part in body.split("</function>\n")])
        except JSONTextError:
            return None


def _tags(schema: Any, first: tuple[str, ...]) -> list[str]:
    """A schema's keywords as tags.  The templates write type and description first; at the top level the properties stand apart."""
    if not isinstance(schema, dict):
        return []
    order = [key for key in first if key in schema]
    order += [key for key in schema if key not in first and (first or key != "properties")]
    return [f"<{key}>{_text(key, schema[key])}</{key}>" for key in order]


def _text(key: str, value: Any) -> str:
    """Objects and arrays as JSON, several types as Python writes them, the rest as text."""
    if key == "type" and isinstance(value, list):
        return str(value)
    return value if isinstance(value, str) else dumps(value)


_OTHER_PROMPTS = re.compile(
    r"# Tools\n\nYou have access to the following (?:tools|functions in JSONSchema format):\n\n<tools>\n(.*?)\n</tools>\n\n"
    r"If you choose to call a (?:tool|function) ONLY reply .*?</IMPORTANT>",
    re.DOTALL,
)
_PARAMETER = re.compile(r"<parameter>\n<name>(.*?)</name>\n(.*?)</parameter>\n", re.DOTALL)
_TAG = re.compile(r"<(\w+)>(.*?)</\1>\n", re.DOTALL)


def _read_function(text: str) -> dict[str, Any]:
    name = re.search(r"<name>(.*?)</name>", text)
    described = re.search(r"<description>(.*?)</description>\n<parameters>\n", text, re.DOTALL)
    if name is None or described is None:
        raise JSONTextError("no <name> and <description>")
    properties = {key: _read_tags(tags) for key, tags in _PARAMETER.findall(text)}
    rest = _read_tags(_PARAMETER.sub("", text[described.end() :]).partition("</parameters>")[0])
    return {
        "name": name[1],
        "description": described[1],
        "parameters": {"type": "object", "properties": properties, **rest},
    }


def _read_tags(text: str) -> dict[str, Any]:
    return {key: _value(key, value) for key, value in _TAG.findall(text)}


def _value(key: str, text: str) -> Any:
    if key in ("description", "title", "format", "pattern"):
        return text
    if key == "type" and text.startswith("["):
        return re.findall("[a-z]+", text)
    try:
        return loads(unescape(text))
    except JSONTextError:
        return text
