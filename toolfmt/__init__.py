"""Tool calls in every format: one representation, adapters to and from each model's text.

    parsed = toolfmt.parse(text, "qwen_xml", tools=tools)
    text = toolfmt.render(parsed.message, "hermes", tools=tools)
    events = toolfmt.stream("hermes", tools=tools)
    rows = toolfmt.convert(rows, to="qwen_xml")
    grammar = toolfmt.grammar_for(tools, "functiongemma")
    template = toolfmt.chat_template("qwen_xml")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import toolfmt.formats
import toolfmt.stream  # noqa: F401 - both are bound before the functions of the same names
from toolfmt.api import describe_tools, parse, render, stream
from toolfmt.convert import convert
from toolfmt.detect import Detection, detect
from toolfmt.errors import (
    GrammarError,
    LayoutError,
    LossError,
    MissingExtraError,
    ParseError,
    PluginError,
    SizeLimitError,
    ToolfmtError,
    ToolSpecError,
    UnknownFormatError,
    UnrepresentableError,
)
from toolfmt.events import (
    ArgumentsDelta,
    CallEnd,
    CallMalformed,
    CallStart,
    Event,
    Parsed,
    ReasoningDelta,
    ReasoningImplied,
    TextDelta,
)
from toolfmt.format import Format, Limits
from toolfmt.inference import infer_tools
from toolfmt.ir import (
    Conversation,
    Malformed,
    Message,
    Part,
    Placed,
    Reasoning,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from toolfmt.registry import FormatInfo, formats, get_format, register
from toolfmt.report import Loss, Report
from toolfmt.stream import StreamParser
from toolfmt.tools import read_tools
from toolfmt.validation import Violation, validate
from toolfmt.version import __version__

if TYPE_CHECKING:
    from toolfmt.grammar.emit import grammar_for
    from toolfmt.grammar.result import Grammar
    from toolfmt.templates.chat import chat_template

__all__ = [
    "ArgumentsDelta",
    "CallEnd",
    "CallMalformed",
    "CallStart",
    "Conversation",
    "Detection",
    "Event",
    "Format",
    "FormatInfo",
    "Grammar",
    "GrammarError",
    "LayoutError",
    "Limits",
    "Loss",
    "LossError",
    "Malformed",
    "Message",
    "MissingExtraError",
    "ParseError",
    "Parsed",
    "Part",
    "Placed",
    "PluginError",
    "Reasoning",
    "ReasoningDelta",
    "ReasoningImplied",
    "Report",
    "SizeLimitError",
    "StreamParser",
    "Text",
    "TextDelta",
    "Tool",
    "ToolCall",
    "ToolResult",
    "ToolSpecError",
    "ToolfmtError",
    "UnknownFormatError",
    "UnrepresentableError",
    "Violation",
    "__version__",
    "chat_template",
    "convert",
    "describe_tools",
    "detect",
    "formats",
    "get_format",
    "grammar_for",
    "infer_tools",
    "parse",
    "read_tools",
    "register",
    "render",
    "stream",
    "validate",
]

_ON_DEMAND = {
    "Grammar": "toolfmt.grammar.result",
    "chat_template": "toolfmt.templates.chat",
    "grammar_for": "toolfmt.grammar.emit",
}


def __getattr__(name: str) -> Any:
    """What costs as much to import as all the rest, and is not always wanted."""
    if name in _ON_DEMAND:
        return getattr(import_module(_ON_DEMAND[name]), name)
    raise AttributeError(f"module `toolfmt` has no attribute `{name}`")
