"""What vLLM's `functiongemma` parser reads without loss: every value at the top level in one pair of marks.

    <start_function_call>call:set{n:<escape>5<escape>,s:<escape>Paris<escape>,o:<escape>{"k": "v"}<escape>}<end_function_call>

That parser (vLLM 0.33.0) reads only ``\\w+:<escape>...<escape>`` and decodes each value as JSON if it can; in Google's dialect it drops every bare
value.  So non-strings are JSON, and a string that is itself JSON, or holds ``<``, is JSON-quoted with ``<`` as ``\\u003c``.  FunctionGemma was not
trained to write this; do not stream with that parser.  Values are typed on the wire.
"""

import json
import re
from functools import cached_property
from typing import Any

from toolfmt.format import Limits
from toolfmt.formats.functiongemma import FunctionGemma
from toolfmt.ir import ToolCall
from toolfmt.rule import Dialect, Members, Strings
from toolfmt.values import JSONTextError, dumps, loads

__all__ = ["FunctionGemmaVllm"]


class FunctionGemmaVllm(FunctionGemma):
    name = "functiongemma_vllm"
    word = r"[\w.\-]+"
    turns = None  # whether a string could be JSON is more than Jinja can ask
    limits = Limits(names=r"\w+", keys=r"\w+", result_names=True)

    @cached_property
    def dialect(self) -> Dialect:
        """A string that could be JSON is written as JSON, and so is one that holds ``<``."""
        mark = self.string_marks[0]
        inner = Dialect(strings=Strings(never=("<",)))
        members = Members(key=("", f":{mark}"), ends=mark, between=",", keys="bare", pattern=self.limits.keys)
        return Dialect(members, Strings("raw", never=("<",), or_json=True), inner=inner, typed=False, space="")

    def string_value(self, text: str, depth: int) -> Any:
        if depth > 1 or not _MAY_BE_JSON.match(text):
            return text
        try:
            return loads(text)
        except JSONTextError:
            return text

    def streams_strings(self, depth: int) -> bool:
        return depth > 1

    def read_block(
        self, kind: str, text: str, pos: int, opens: str, closes: str
    ) -> tuple[str, dict[str, Any], int] | None:
        """Results and declarations are in Google's dialect: their strings are never JSON."""
        return FunctionGemma.read_block(_IN_PROMPTS, kind, text, pos, opens, closes)

    def write_arguments(self, call: ToolCall) -> str:
        mark = self.string_marks[0]
        pairs = (
            f"{self._word(key, '$.arguments')}:{mark}{_spell(value)}{mark}" for key, value in call.arguments.items()
        )
        return "{" + ",".join(pairs) + "}"


class _InPrompts(FunctionGemmaVllm):
    string_value = FunctionGemma.string_value


_IN_PROMPTS = _InPrompts()
_MAY_BE_JSON = re.compile(r"\s*(?:[\"{\[\-0-9]|true|false|null)")


def _spell(value: Any) -> str:
    if isinstance(value, str) and "<" not in value and not _decodes(value):
        return value
    return dumps(value).replace("<", "\\u003c")


def _decodes(text: str) -> bool:
    """Whether Python's ``json``, which that parser uses, may make a value of it; it takes more than JSON has."""
    if text.lstrip()[:1] in ("{", "["):
        return True
    try:
        json.loads(text)
    except RecursionError:
        return True
    except ValueError as error:
        return not isinstance(error, json.JSONDecodeError)
    return True
