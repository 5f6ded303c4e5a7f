"""`glaive`: glaiveai/glaive-function-calling-v2, a conversation in two strings.

    {"system": "SYSTEM: You are a helpful assistant with access to the following functions. Use them if required -\\n{\\n    \\"name\\": ...\\n}\\n",
     "chat": "USER: My BMI?\\n\\n\\nASSISTANT: <functioncall> {\\"name\\": \\"calculate_bmi\\", \\"arguments\\": '{\\"weight\\": 70}'} <|endoftext|>
              \\n\\n\\nFUNCTION RESPONSE: {\\"bmi\\": 22.86}\\n\\n\\nASSISTANT: 22.86.<|endoftext|>"}

(the chat on one line).  Arguments are JSON between single quotes whose apostrophes are not escaped: they are cut from both ends.  The chat is split
only at three line feeds and a label.  One call a turn; no ids, no reasoning, no system text but the first.  Source: the data set's card.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from toolfmt.errors import LayoutError, UnrepresentableError
from toolfmt.families.json_body import json_objects
from toolfmt.format import Format, function_object
from toolfmt.ir import ToolCall, difference
from toolfmt.layouts.base import Layout, Lose, Offer, Places, Row, Turn, arguments_of, call_of
from toolfmt.layouts.payload import Block, check_prompts, defined, system_with, tools_of
from toolfmt.layouts.unplaced import lose_keys, lose_reasoning, plain_text
from toolfmt.values import JSONTextError, dumps, loads

__all__ = ["Glaive"]

_LABELS = {"USER": "user", "ASSISTANT": "assistant", "FUNCTION RESPONSE": "tool"}
_WRITTEN = {role: label for label, role in _LABELS.items()}
_LABEL = re.compile(r"(?:\A|\n\n\n)(USER|ASSISTANT|FUNCTION RESPONSE): ?")
_GAP, _END, _CALL = "\n\n\n", "<|endoftext|>", "<functioncall>"
_HEAD = "SYSTEM: "
_LEAD = "You are a helpful assistant with access to the following functions. Use them if required -\n"
_NAME = re.compile(r'\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"arguments"\s*:\s*')
_OBJECT = re.compile(r'\{\s*"name"\s*:')
_KEYS = ("", "chat")


class Glaive(Layout):
    name = "glaive"
    owns = ("chat", "system")
    as_text = "messages_text"
    places = Places(ids=False, reasoning=False, many_calls=False)
    arrow: ClassVar[Mapping[str, Any]] = {"system": "text", "chat": "text"}

    def claims(self, row: Row) -> bool:
        chat, system = row.get("chat"), row.get("system")
        return isinstance(chat, str) and (system is None or isinstance(system, str)) and (not chat or _LABEL.match(chat.lstrip()) is not None)

    def read(self, row: Row) -> list[Turn]:
        chat = row["chat"]
        turns = []
        found = list(_LABEL.finditer(chat, len(chat) - len(chat.lstrip())))
        for i, label in enumerate(found):
            start, end = label.start(1), found[i + 1].start(1) if i + 1 < len(found) else len(chat)
            body = chat[label.end() : found[i + 1].start() if i + 1 < len(found) else len(chat)]
            turns.append(_turn(label[1], body, {"chat": chat[start:end]}, f"$.chat[{start}:{end}]"))
        system = row.get("system")
        if system:
            turn = Turn("system", "$.system", {"system": system}, ("", "system"), text=system.removeprefix(_HEAD))
            turn.block = _find_tools(turn.text or "")
            turns.insert(0, turn)
        return turns

    def write(self, row: Row, turns: Sequence[Turn], lose: Lose) -> dict[str, Any]:
        system: dict[str, Any] = {}
        chat: list[Turn] = []
        for i, turn in enumerate(turns):
            if turn.role in ("system", "developer") and i == 0:
                system = {"system": turn.raw["system"] if _is_own(turn) else _HEAD + (plain_text(turn, lose, self.name) or "")}
                if not _is_own(turn):
                    lose_keys(turn, lose, self.name)
                if turn.role == "developer":
                    lose("role", turn.path, "a developer's text is a system text now")
            elif turn.role in ("system", "developer"):
                lose("turns", turn.path, f"dropped: layout `glaive` has no place for a {turn.role}'s text among the turns")
            else:
                chat.append(turn if _is_own(turn) else replace(turn, text=plain_text(turn, lose, self.name)))
        if all(map(_is_own, chat)) and chat:
            written = "".join(turn.raw["chat"] for turn in chat)
            own = row.get("chat")
            return {**system, "chat": own if isinstance(own, str) and own.strip() == written.strip() else written}
        return {**system, "chat": self._chat(chat, lose)}

    def _chat(self, turns: Sequence[Turn], lose: Lose) -> str:
        pieces = []
        for turn in turns:
            lose_keys(turn, lose, self.name)
            if not turn.calls:
                lose_reasoning(turn, lose, self.name)
            if turn.role == "tool" and turn.name is not None:
                lose("name", turn.path, f"`{turn.name}` is dropped: layout `glaive` has no names of results")
            piece = turn.raw["chat"].removesuffix(_GAP) if _is_own(turn) else _written(turn)
            pieces.append(piece)
        chat = _GAP.join(pieces)
        read = self.read({"chat": chat})
        for turn, back in zip(turns, read, strict=False):
            if _facts(turn) != _facts(back) or difference(_arguments(turn), _arguments(back)):
                raise UnrepresentableError(turn.path, "layout `glaive` would read this turn otherwise: its text holds a label or a mark")
        if len(read) != len(turns):
            raise UnrepresentableError("$", f"layout `glaive` would read {len(read)} turns, not {len(turns)}: a text holds a label")
        return chat

    def offer(self, row: Row, *, padded: bool = False) -> Offer:
        return Offer()

    def stated(self, turns: Sequence[Turn], offer: Offer, lose: Lose, to: Format | None) -> Sequence[Turn]:
        tools = defined(offer)
        check_prompts(() if tools else turns[:1], lose, self.name, _find_tools)
        if tools is None:
            return turns
        if not tools:
            lose("tools", "$.tools", "an empty list of tools is dropped: layout `glaive` lists tools or says nothing")
            return turns
        listed = "\n".join(json.dumps(function_object(tool), indent=4, ensure_ascii=False) + "\n" for tool in tools)
        return system_with(turns, _LEAD + listed, lose, self.name)

    def write_offer(self, offer: Offer) -> dict[str, Any]:
        return {"tools": None} if offer.key is not None and offer.definitions is None else {}


def _is_own(turn: Turn) -> bool:
    return not turn.changed and turn.keys in (_KEYS, ("", "system"))


def _facts(turn: Turn) -> tuple[Any, ...]:
    return turn.role, turn.text or "", [call.name for call in turn.calls]


def _arguments(turn: Turn) -> list[Any]:
    return [call.arguments for call in turn.calls]


def _find_tools(text: str) -> Block | None:
    """The functions, with the sentence before them where it is the usual one and begins a line."""
    led = text.rfind(_LEAD + "{")
    start = _OBJECT.search(text, led + len(_LEAD) if led >= 0 else 0)
    objects, end = json_objects(text, start.start()) if start else ([], 0)
    if start is None or not objects:
        return None
    first = led if led == 0 or text.endswith("\n", 0, max(led, 0)) else start.start()
    first -= 2 * (first == led and text.endswith("\n\n", 0, first))
    return tools_of(objects, "system"), first, end if text[end:].strip() else len(text)


def _turn(label: str, body: str, raw: dict[str, str], path: str) -> Turn:
    turn = Turn(_LABELS[label], path, raw, _KEYS, structured=label == "FUNCTION RESPONSE")
    shown = body.removesuffix(_GAP)
    if turn.role == "assistant" and body.rstrip().endswith(_END):
        shown = body.rstrip().removesuffix(_END).removesuffix(" ")
    turn.text = shown
    before, mark, call = shown.partition(_CALL)
    if mark and turn.role == "assistant":
        try:
            turn.calls, turn.text = (_call(call, turn),), before.removesuffix(" ") or None
            turn.structured = True
        except LayoutError as error:
            turn.broken += ((path, error.reason),)
    return turn


def _call(text: str, turn: Turn) -> ToolCall:
    """The call after the mark: JSON, or JSON but for its arguments, which stand between the first and the last apostrophe."""
    text = text.strip()
    try:
        value = loads(text)
    except JSONTextError as error:
        head = _NAME.match(text)
        last = re.search(r"'\s*\}\Z", text)
        if head is None or last is None or not text.startswith("'", head.end()) or last.start() <= head.end():
            raise LayoutError(turn.path, str(error)) from None
        arguments, _ = arguments_of(text[head.end() + 1 : last.start()], "arguments")
        try:
            value = {"name": loads(head[1]), "arguments": arguments}
        except JSONTextError as bad:
            raise LayoutError(turn.path, str(bad)) from None
    else:
        turn.notes += ((turn.path, "arguments stand as JSON, not between apostrophes"),)
    if isinstance(value, dict) and not value.keys() <= {"name", "arguments"}:
        raise LayoutError(turn.path, "the call has keys that toolfmt does not know")
    if isinstance(value, dict) and "arguments" not in value:
        value = {**value, "arguments": {}}
    return call_of(value, turn.path)[0]


def _written(turn: Turn) -> str:
    text = turn.text or ""
    label = f"{_WRITTEN[turn.role]}: "
    if turn.role != "assistant":
        return label + text
    if not turn.calls:
        return f"{label}{text}{' ' if text.endswith(' ') else ''}{_END}"
    call = turn.calls[0]
    before = f"{text} " if text else ""
    return f"{label}{before}{_CALL} {{\"name\": {dumps(call.name)}, \"arguments\": '{dumps(call.arguments)}'}} {_END}"
