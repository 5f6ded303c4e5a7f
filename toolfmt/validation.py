"""Do calls keep to their tools' schemas?

Arguments come from a model and schemas may come from a dataset: no `$ref` is ever fetched, and a value or schema
nested too deeply to be checked is a violation, not a crash.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from toolfmt.errors import ToolSpecError
from toolfmt.ir import Message, Tool, ToolCall
from toolfmt.tools import ToolSet, as_toolset

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

__all__ = ["Violation", "validate"]

_LONGEST_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class Violation:
    """Where a call leaves its tool's schema: ``path`` reads like ``$.calls[0].arguments.path``."""

    call: int
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


def validate(calls: ToolCall | Message | Iterable[ToolCall], tools: object) -> list[Violation]:
    """Every violation of the tools' JSON Schemas (Draft 2020-12 unless `$schema` says otherwise), in order.

    Raises `ToolSpecError` when there are no tools to check against or a schema cannot be used.
    """
    toolset = as_toolset(tools)
    if toolset is None:
        raise ToolSpecError("tools", "there are none to validate against; pass tools=")
    if isinstance(calls, Message):
        calls = calls.calls
    elif isinstance(calls, ToolCall):
        calls = [calls]
    return [violation for i, call in enumerate(calls) for violation in _violations(i, call, toolset)]


def _violations(index: int, call: ToolCall, toolset: ToolSet) -> Iterator[Violation]:
    tool = toolset.get(call.name)
    if tool is None:
        yield Violation(index, f"$.calls[{index}].name", _unknown(call.name, toolset))
        return
    from referencing.exceptions import Unresolvable

    validator = _validator(tool, toolset)
    place = f"$.calls[{index}].arguments"
    try:
        for error in validator.iter_errors(call.arguments):
            yield Violation(index, _json_path(place, error.absolute_path), _shown(error.message))
    except (RecursionError, OverflowError):
        yield Violation(index, place, "cannot be checked: nested too deeply, or a number too large")
    except (Unresolvable, re.error) as error:
        raise _unusable(tool, toolset, (), str(error)) from error


def _unknown(name: str, toolset: ToolSet) -> str:
    names = [tool.name for tool in toolset.tools]
    near = get_close_matches(name[:200], names, n=1)
    if near:
        return f"unknown tool `{_shown(name)}`; did you mean `{near[0]}`?"
    more = ", ..." if len(names) > 5 else ""
    return f"unknown tool `{_shown(name)}`; there is {', '.join(names[:5]) or 'none'}{more}"


def _shown(text: str) -> str:
    """jsonschema quotes the whole value, however long, and says what is wrong at the end."""
    half = _LONGEST_MESSAGE // 2
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:half]} ... {text[-half:]}"


def _json_path(start: str, keys: Iterable[str | int]) -> str:
    path = start
    for key in keys:
        if isinstance(key, str) and key.isidentifier():
            path += f".{key}"
        else:
            path += f"[{json.dumps(key, ensure_ascii=False)}]"
    return path


# Compiling a schema costs more than checking a call, so validators live as long as their tools.
_validators: WeakKeyDictionary[ToolSet, dict[str, "Validator"]] = WeakKeyDictionary()


def _validator(tool: Tool, toolset: ToolSet) -> "Validator":
    compiled = _validators.setdefault(toolset, {})
    if tool.name not in compiled:
        compiled[tool.name] = _compile(tool, toolset)
    return compiled[tool.name]


def _compile(tool: Tool, toolset: ToolSet) -> "Validator":
    from jsonschema import Draft202012Validator, SchemaError  # here: importing toolfmt costs pydantic and little else
    from jsonschema.validators import validator_for
    from referencing import Registry

    schema = tool.parameters
    known = isinstance(schema.get("$schema", ""), str)
    dialect = validator_for(schema, default=Draft202012Validator) if known else Draft202012Validator
    try:
        dialect.check_schema(schema)
    except SchemaError as error:
        raise _unusable(tool, toolset, error.absolute_path, error.message) from error
    return dialect(schema, registry=Registry())  # given a registry, jsonschema fetches nothing


def _unusable(tool: Tool, toolset: ToolSet, keys: Iterable[str | int], message: str) -> ToolSpecError:
    path = _json_path(f"tools[{toolset.tools.index(tool)}].parameters", keys)
    return ToolSpecError(path, f"the schema of `{tool.name}` cannot be used: {_shown(message)}")
