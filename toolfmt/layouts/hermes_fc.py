"""`hermes_fc`: NousResearch/hermes-function-calling-v1, ShareGPT whose tools, calls and results all stand in text between tags.

    {"id": "1", "conversations": [
        {"from": "system", "value": "You are a function calling AI model. ... <tools>\\n[{'type': 'function', 'function': {...}}]\\n</tools> ..."},
        {"from": "human", "value": "..."},
        {"from": "gpt", "value": "<tool_call>\\n{'arguments': {'symbol': 'TSLA'}, 'name': 'get_quote'}\\n</tool_call>"},
        {"from": "tool", "value": "<tool_response>\\n{\\"name\\": \\"get_quote\\", \\"content\\": {'price': None}}\\n</tool_response>"}],
     "category": "Stocks"}

A row is one by its list of tools, its marked results or a Python literal; with nothing but calls as JSON it is `sharegpt` in format `hermes`, which
says the same.  Payloads are JSON or Python literals; each of the latter is noted.  What is neither stays text: a call as malformed, a result as its
text.  Written is JSON, one block a call, the tools in the system text.  There is no place for ids.  Source: the data set's card (rows were not
opened).
"""

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, ClassVar

from toolfmt.api import parse
from toolfmt.format import Format, openai_tool
from toolfmt.ir import Tool, ToolCall
from toolfmt.layouts.base import Layout, Lose, Offer, Places, Row, Turn, carry
from toolfmt.layouts.payload import (
    FROM_KEYS,
    REPR,
    Block,
    as_content,
    as_value,
    check_prompts,
    check_text,
    defined,
    from_list,
    payload_before,
    read_calls,
    system_with,
    tools_of,
    write_calls,
)
from toolfmt.layouts.unplaced import plain_text
from toolfmt.registry import get_format
from toolfmt.values import JSONTextError, dumps, loads

__all__ = ["HermesFC"]

_ROLES = {"system": "system", "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "tool": "tool"}
_WRITTEN = {"user": "human", "assistant": "gpt", "developer": "system"}
_SIGN = re.compile(r"<tools>\s*[\[{]|<tool_call>\s*\{\s*'|<tool_response>\s*\{\s*['\"](?:name|content)['\"]\s*:")
_OTHER = re.compile(r"<tool_call>\s*(?:<function=[^<>]*>\s*<(?:parameter=|/function>)|[\w.\-]+\s*<arg_key>|\{function-name\})")
"""What declares calls in the tags of Qwen and GLM, whose lists of tools look alike."""
_HEAD = "You are provided with function signatures within <tools> </tools> XML tags."
_TAIL = (
    "For each function call return a JSON object with function name and arguments within <tool_call> </tool_call> XML tags:\n"
    '<tool_call>\n{"name": <function-name>, "arguments": <args-dict>}\n</tool_call>'
)
_LISTS = 8  # lists of tools that are tried, the last ones
_TOOLS = re.compile(r"<tools>\s*(?=[\[{])")


class HermesFC(Layout):
    name = as_text = "hermes_fc"
    owns = ("conversations",)
    places = Places(ids=False, order=True, result_names=True, think_tags=True)
    arrow: ClassVar[Mapping[str, Any]] = {"conversations": [{"from": "text", "value": "text"}], "tools": "text"}
    tools_as = "json"

    def claims(self, row: Row) -> bool:
        messages = from_list(row, _ROLES)
        if messages is None or not any(_SIGN.search(message["value"]) for message in messages):
            return False
        return not any(_holds_others(_ROLES[message["from"]], message["value"]) for message in messages)

    def fits(self, row: Row) -> bool:
        return from_list(row, _ROLES) is not None

    def read(self, row: Row) -> list[Turn]:
        turns: list[Turn] = []
        for i, message in enumerate(row["conversations"]):
            turns += _turns(message, f"$.conversations[{i}]")
        return turns

    def write(self, row: Row, turns: Sequence[Turn], lose: Lose) -> dict[str, Any]:
        messages: list[dict[str, Any]] = []
        for _, group in groupby(turns, key=lambda turn: id(turn.raw)):
            same = list(group)
            if same[0].keys == FROM_KEYS and not any(turn.changed for turn in same):
                messages.append(dict(same[0].raw))
            elif same[0].role == "tool" and same[0].structured:
                messages.append(carry(same[0], FROM_KEYS, "tool", {"value": "\n".join(map(_response, same))}))
            else:
                messages += [_message(turn, lose) for turn in same]
        return {"conversations": messages}

    def stated(self, turns: Sequence[Turn], offer: Offer, lose: Lose, to: Format | None) -> Sequence[Turn]:
        tools = defined(offer)
        check_prompts(turns if tools is None else turns[1:], lose, self.name, lambda text: _find_tools(text)[0])
        if tools is None:
            return turns
        return system_with(turns, to.describe_tools(tools) if to else _block(tools), lose, self.name)

    def write_offer(self, offer: Offer) -> dict[str, Any]:
        return {"tools": None} if offer.key is not None and offer.definitions is None else {}


def _holds_others(role: str, text: str) -> bool:
    """Whether a prompt declares, or an answer holds, calls in those other tags; inside of JSON they are a value's."""
    if role not in ("system", "assistant") or _OTHER.search(text) is None:
        return False
    if role == "system":
        return any(not text[text.rfind("\n", 0, one.start()) + 1 : one.start()].strip() for one in _OTHER.finditer(text))
    calls = [(at, end) for part, at, end in parse(text, "hermes").placed if isinstance(part, ToolCall)]
    return not all(any(at < one.start() < end for at, end in calls) for one in _OTHER.finditer(text))


def _turns(message: Mapping[str, Any], path: str) -> list[Turn]:
    turn = Turn(_ROLES[message["from"]], path, message, FROM_KEYS, text=message["value"])
    text = message["value"]
    if turn.role == "assistant":
        for block in read_calls(turn, text, "hermes"):
            inside = block.removeprefix("<tool_call>").removesuffix("</tool_call>")
            if block and not _is_json(inside):
                turn.notes += ((f"{path}.value", f"a call {REPR}"),)
        turn.plain = not turn.notes
    elif turn.role == "tool":
        return _results(turn, text)
    elif turn.role == "system":
        turn.block, was_repr = _find_tools(text)
        if was_repr:
            turn.notes += ((f"{path}.value", f"the list of tools {REPR}"),)
    return [turn]


def _is_json(text: str) -> bool:
    try:
        loads(text.strip())
    except JSONTextError:
        return False
    return True


def _find_tools(text: str) -> tuple[Block | None, bool]:
    """The tools, with where the text that declares them stands, from the sentence before them to the example of a call; whether as a literal."""
    exact = get_format("hermes").find_tools(text)
    if exact is not None:
        return exact, False
    for found in list(_TOOLS.finditer(text))[: -_LISTS - 1 : -1]:
        end = text.find("</tools>", found.end())
        listed = payload_before(text, found.end(), "</tools>") or _lines(text, found.end(), end)
        if listed is not None:
            value, was_repr, end = listed
            return (tools_of(value, "value"), *_span(text, found.start(), end + len("</tools>"))), was_repr
    return None, False


def _lines(text: str, start: int, end: int) -> tuple[list[Any], bool, int] | None:
    """Tools as JSON objects, one a line."""
    if end < 0:
        return None
    try:
        return [loads(line) for line in text[start:end].split("\n") if line], False, end
    except JSONTextError:
        return None


def _span(text: str, start: int, end: int) -> tuple[int, int]:
    head = text.rfind("You are provided with function signatures", 0, start)
    start = head if head >= 0 else start
    start -= 2 * text.endswith("\n\n", 0, start)
    last = text.rfind("</tool_call>", end)
    return start, last + len("</tool_call>") if last >= 0 else end


def _block(tools: Sequence[Tool]) -> str:
    return f"{_HEAD}\n<tools>\n{dumps([openai_tool(tool) for tool in tools])}\n</tools>\n{_TAIL}"


def _results(turn: Turn, text: str) -> list[Turn]:
    """A turn for each result of a message that is nothing else; the message as it stands where it is something else."""
    turn.structured = True
    made: list[Turn] = []
    at = 0
    while opening := re.compile(r"\s*<tool_response>").match(text, at):
        one = Turn("tool", turn.path, turn.raw, FROM_KEYS, structured=True)
        found = payload_before(text, opening.end(), "</tool_response>")
        end = found[2] if found else text.find("</tool_response>", opening.end())
        if end < 0:
            break
        if found:
            _set_result(one, found[0], found[1])
        else:
            _set_text(one, text[opening.end() : end])
        made.append(one)
        at = end + len("</tool_response>")
    return made if made and not text[at:].strip() else [turn]


def _set_text(turn: Turn, body: str) -> None:
    """A result that is text, or JSON in which Python literals stand."""
    turn.text = body.removeprefix("\n").removesuffix("\n")
    mixed = re.compile(r'\s*\{"name": ("[^"\\]*"), "content": ').match(body)
    end = body.rstrip().rfind("}")
    if mixed and end > mixed.end():
        turn.name, turn.text = loads(mixed[1]), body[mixed.end() : end]
    turn.notes += ((f"{turn.path}.value", "a result is neither JSON nor a Python literal and was kept as text"),)


def _set_result(turn: Turn, value: Any, was_repr: bool) -> None:
    if isinstance(value, dict) and "content" in value and value.keys() <= {"name", "content"} and isinstance(value.get("name", ""), str):
        turn.name, value = value.get("name"), value["content"]
    turn.text = as_content(value)
    if was_repr:
        turn.notes += ((f"{turn.path}.value", f"a result {REPR}"),)


def _response(turn: Turn) -> str:
    said = {} if turn.name is None else {"name": turn.name}
    return f"<tool_response>\n{dumps({**said, 'content': as_value(turn.text or '')})}\n</tool_response>"


def _message(turn: Turn, lose: Lose) -> dict[str, Any]:
    value = plain_text(turn, lose, "hermes_fc")
    if turn.calls or turn.reasoning is not None:
        value = write_calls(turn, "hermes")
    elif turn.role == "assistant" and turn.text:
        check_text(turn, "hermes", "hermes_fc", lose)
    was = turn.raw.get("from") if turn.keys == FROM_KEYS else None
    role = was if isinstance(was, str) and _ROLES.get(was) == turn.role else _WRITTEN.get(turn.role, turn.role)
    if turn.role == "developer":
        lose("role", turn.path, "a developer's text has role `system` now")
    return carry(turn, FROM_KEYS, role, {"value": value or ""})
