"""`toolace`: Team-ACE/ToolACE, the tools as JSON inside the prompt, calls as a Python list whose names may hold spaces, dots and slashes.

    {"system": "You are an expert in composing functions. ... Here is a list of functions in JSON format that you can invoke:\\n[{..}]. \\n
      Should you decide to return the function call(s). \\nPut it in the format of [func1(params_name=params_value...)]\\n...",
     "conversations": [{"from": "user", "value": "..."},
      {"from": "assistant", "value": "[Market Trends API(trend_type=\\"MARKET_INDEXES\\", country=\\"us\\")]"},
      {"from": "tool", "value": "[{\\"name\\": \\"Market Trends API\\", \\"results\\": {\\"x\\": 1}}]"}]}

A message of results holds one for each call.  There is no place for ids and for text beside calls; a name that a Python call cannot be told from is
refused.  Also read here, though not by format `toolace`: names of the listed tools, whatever they hold.  Source: the data set's card.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, ClassVar

from toolfmt.api import parse
from toolfmt.families.python_lexis import STRING
from toolfmt.format import Format, function_object
from toolfmt.ir import Tool, ToolCall, build_call
from toolfmt.layouts.base import Layout, Lose, Offer, Places, Row, Turn, carry
from toolfmt.layouts.payload import (
    FROM_KEYS,
    as_content,
    as_value,
    check_prompts,
    check_text,
    defined,
    from_list,
    read_calls,
    system_with,
    tools_of,
    write_calls,
)
from toolfmt.layouts.unplaced import lose_keys, plain_text
from toolfmt.values import JSONTextError, dumps, loads, loads_at

__all__ = ["ToolACE"]

_ROLES = {role: role for role in ("system", "user", "assistant", "tool")}
_LIST = re.compile(r'\[\s*\{\s*"(?:name|type)"\s*:')
_CALL = re.compile(r"\s*(?:<think>[^<]*</think>\s*)?\[[^\W\d_][^\n()\[\]{}=\"'`<>|,;]*\(")
_SIGNS = {"assistant": _CALL, "tool": re.compile(r'\[\{("name": "[^"\\]*", )?"results": ')}
_HEAD = "Here is a list of functions in JSON format that you can invoke:\n"
_CLOSE = (
    ". \nShould you decide to return the function call(s). \n"
    "Put it in the format of [func1(params_name=params_value, params_name2=params_value2...), func2(params)]\n\nNO other text MUST be included."
)
_TAIL = re.compile(
    r"[. ]*\n?Should you decide to return the function call\(s\)[^\n]*\n?(?:Put it in the format of [^\n]*)?(?:\n*NO other text MUST be included\.?)?"
)
_NAME_ENDS = re.compile(r"[^()\[\]{}=\"'`<>|,;\n]+(?=\()")
_NEXT = re.compile(r"[\"'()\[\]{}]")


class ToolACE(Layout):
    name = as_text = "toolace"
    owns = ("conversations", "system")
    places = Places(ids=False, text=False, result_names=True, think_tags=True)
    arrow: ClassVar[Mapping[str, Any]] = {"system": "text", "conversations": [{"from": "text", "value": "text"}]}

    def claims(self, row: Row) -> bool:
        if not self.fits(row):
            return False
        system, messages = row.get("system"), row["conversations"]
        listed = system and (_LIST.search(system) or system.endswith(_CLOSE))
        return bool(listed) or any(_SIGNS[m["from"]].match(m["value"]) for m in messages if m["from"] in _SIGNS)

    def fits(self, row: Row) -> bool:
        return isinstance(row.get("system"), str | None) and from_list(row, _ROLES) is not None

    def read(self, row: Row) -> list[Turn]:
        turns: list[Turn] = []
        tools: tuple[Tool, ...] | None = None
        if row.get("system"):
            turns.append(Turn("system", "$.system", row, ("", "system"), text=row["system"]))
            turns[0].block = _find_tools(row["system"])
            tools = turns[0].block[0] if turns[0].block else None
        for i, message in enumerate(row["conversations"]):
            turns += _turns(message, f"$.conversations[{i}]", tools)
        return turns

    def write(self, row: Row, turns: Sequence[Turn], lose: Lose) -> dict[str, Any]:
        system: dict[str, Any] = {}
        rest = list(turns)
        if rest and rest[0].keys != FROM_KEYS and rest[0].role in ("system", "developer"):
            said = plain_text(rest[0], lose, self.name)
            if said:
                system["system"] = said
            else:
                lose("turns", rest[0].path, "an empty text of the system is dropped")
            lose_keys(rest[0], lose, self.name)
            if rest[0].role == "developer":
                lose("role", rest[0].path, "a developer's text is a system text now")
            rest = rest[1:]
        messages: list[dict[str, Any]] = []
        for _, group in groupby(rest, key=_together):
            messages += _messages(list(group), lose)
        return {"conversations": messages, **system}

    def stated(self, turns: Sequence[Turn], offer: Offer, lose: Lose, to: Format | None) -> Sequence[Turn]:
        tools = defined(offer)
        check_prompts(turns[:1] if tools is None else (), lose, self.name, _find_tools)
        if tools is None:
            return turns
        return system_with(turns, to.describe_tools(tools) if to else _block(tools), lose, self.name)

    def write_offer(self, offer: Offer) -> dict[str, Any]:
        return {"tools": None} if offer.key is not None and offer.definitions is None else {}


def _find_tools(text: str) -> tuple[tuple[Tool, ...], int, int] | None:
    """The tools in the prompt, and where the text that declares them and how they are called stands."""
    found = _LIST.search(text)
    after_head = text.rfind(f"{_HEAD}[") + len(_HEAD)
    start = after_head if after_head >= len(_HEAD) else found.start() if found else -1
    if start < 0:
        return None
    try:
        listed, end = loads_at(text, start)
    except JSONTextError:
        return None
    tools = tools_of(listed, "$.system")
    tail = _TAIL.match(text, end)
    first = start - len(_HEAD) * text.endswith(_HEAD, 0, start)
    return tools, first - 2 * text.endswith("\n\n", 0, first), tail.end() if tail else end


def _block(tools: Sequence[Tool]) -> str:
    return _HEAD + dumps([function_object(tool) for tool in tools]) + _CLOSE


def _turns(message: Mapping[str, Any], path: str, tools: tuple[Tool, ...] | None) -> list[Turn]:
    text = message["value"]
    role = _ROLES[message["from"]]
    turn = Turn(role, path, message, FROM_KEYS, text=text)
    if role == "tool":
        return _results(turn)
    if role != "assistant" or ("[" not in text and "<think>" not in text) or (tools and read_calls(turn, text, "toolace", tools) and not turn.broken):
        return [turn]
    odd = _odd_calls(text, tools or ())
    turn = Turn(role, path, message, FROM_KEYS, text=None if odd else text, calls=odd, structured=bool(odd), wire=text if odd else None)
    if not odd:
        read_calls(turn, text, "toolace")  # tools that are not among the listed
    return [turn]


def _odd_calls(text: str, tools: Sequence[Tool]) -> tuple[ToolCall, ...]:
    """The calls of a list whose names format `toolace` does not read; none where it is no such list."""
    text = text.strip()
    names = sorted((tool.name for tool in tools), key=len, reverse=True)
    if not names or not (text.startswith("[") and text.endswith("]")):
        return ()
    calls: list[ToolCall] = []
    at = 1
    while True:
        other = _NAME_ENDS.match(text, at)
        name = next((name for name in names if text.startswith(f"{name}(", at)), other[0] if other else "")
        end = _closing(text, at + len(name)) if name else -1
        read = parse(f"[f{text[at + len(name) : end + 1]}]", "toolace") if end >= 0 else None
        if read is None or len(read.calls) != 1 or len(read.parts) != 1:
            return ()
        calls.append(build_call(name, read.calls[0].arguments))
        if text[end + 1 :] == "]":
            return tuple(calls)
        gap = re.compile(r"\s*,\s*").match(text, end + 1)
        if gap is None:
            return ()
        at = gap.end()


def _closing(text: str, at: int) -> int:
    """The bracket that closes the one at ``at``; -1 where none does."""
    depth = 0
    while found := _NEXT.search(text, at):
        char, at = found[0], found.end()
        if char in STRING:
            string = STRING[char].match(text, found.start())
            if string is None:
                return -1
            at = string.end()
            continue
        depth += 1 if char in "([{" else -1
        if depth == 0:
            return found.start()
    return -1


def _results(turn: Turn) -> list[Turn]:
    """A turn for each result that the message lists; one with its text where it is no such list."""
    turn.structured = True
    try:
        listed = loads(turn.text or "")
    except JSONTextError:
        return [turn]
    if not isinstance(listed, list) or not listed or not all(map(_is_result, listed)):
        return [turn]
    return [
        Turn("tool", turn.path, turn.raw, FROM_KEYS, text=as_content(item["results"]), name=item.get("name"), structured=True)
        for item in listed
    ]


def _is_result(item: Any) -> bool:
    return isinstance(item, dict) and "results" in item and item.keys() <= {"name", "results"} and isinstance(item.get("name", ""), str)


def _together(turn: Turn) -> object:
    """Results that were read from one message, and those that stand side by side, go to one message."""
    return "results" if turn.role == "tool" and turn.structured and turn.changed else id(turn.raw)


def _messages(turns: list[Turn], lose: Lose) -> list[dict[str, Any]]:
    first = turns[0]
    if first.keys == FROM_KEYS and not any(turn.changed for turn in turns):
        return [dict(first.raw)]
    if first.role == "tool" and first.structured:
        named = [({} if turn.name is None else {"name": turn.name}) | {"results": as_value(turn.text or "")} for turn in turns]
        for turn in turns[1:]:
            lose_keys(turn, lose, "toolace")
        return [carry(first, FROM_KEYS, "tool", {"value": dumps(named)})]
    return [_message(turn, lose) for turn in turns]


def _message(turn: Turn, lose: Lose) -> dict[str, Any]:
    value = plain_text(turn, lose, "toolace")
    if turn.calls or turn.reasoning is not None:
        value = write_calls(turn, "toolace")
    elif turn.role == "assistant":
        check_text(turn, "toolace", "toolace", lose)
    if turn.role == "developer":
        lose("role", turn.path, "a developer's text has role `system` now")
    return carry(turn, FROM_KEYS, "system" if turn.role == "developer" else turn.role, {"value": value or ""})
