"""`QuickRow`: the messages of one row of a common plain shape, one after the other; see `toolfmt.conversion.quick`."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from toolfmt.conversion.plain import PlainTexts, UnusualError, read_plain
from toolfmt.ir import ToolCall, build_call, check_json
from toolfmt.layouts.base import STRUCTURAL, Layout
from toolfmt.layouts.thinking import OPENS
from toolfmt.reader import Types
from toolfmt.report import Loss
from toolfmt.values import dumps, loads

__all__ = ["Given", "QuickRow", "Task"]

Message = dict[str, Any]
_SAID: Final = STRUCTURAL | {"function_call"}
"""Keys that say something; beside them and a role and a text, a message has keys that only stay."""
_CALL, _FUNCTION = frozenset({"id", "type", "function"}), frozenset({"name", "arguments"})
_FLAT: Final = frozenset({str, int, bool, type(None)})


class Given(NamedTuple):
    """The tools that a row states, or that all rows share, and what texts are read and written by."""

    stated: bool
    """There are tools, not only such as were inferred."""
    names: frozenset[str]
    reading: Types | None
    writing: Types | None
    """None where the target asks for tools and there are none."""
    offers: bool = False
    """The row states tools itself."""
    moves: bool = False
    """Another layout's row holds the same tools, under the same key,"""
    as_is: bool = False
    """in such a list,"""
    definitions: bytes | None = None
    """else in this one, marshalled; None for null."""


class Task(NamedTuple):
    """What becomes of every row."""

    texts: PlainTexts
    layout: Layout
    """To write."""
    padded: bool
    """Rows come from Arrow, where a null in an object may be padding."""
    untold: str
    """What is to be noted of calls that are written without tools, where the target does not say types."""


class QuickRow:
    """The messages of one row, one after the other."""

    # What most rows are not stands on the class: one is made for every row.
    calls = changed = False
    structured = objects = False
    """Calls stand in fields; their arguments are objects."""
    told = unread = False
    """A result stood as text; a text may hold a call of a format that is not looked for."""

    def __init__(self, task: Task, given: Given) -> None:
        self.texts, self.layout, self.padded, self.untold = task
        self.given = given
        self.notices: list[Loss] = []
        self.pending: list[ToolCall] = []
        """Calls that have no result yet."""

    def message(self, number: int, message: Any) -> Message:
        if type(message) is not dict:
            raise UnusualError
        role, text = message.get("role"), message.get("content")
        if role == "assistant":
            if message.get("tool_calls"):
                return self._called(number, message, text)
            if len(message) > 2:
                _check_keys(message, ())
            return self._said(number, message, text)
        if type(text) is not str:
            raise UnusualError
        if role == "tool":
            return self._result(message, text)
        if role not in ("user", "system", "developer"):
            raise UnusualError
        if len(message) > 2:
            _check_keys(message, ())
        if text:
            self.texts.check_prompt(role, text)
        return dict(message)

    def _said(self, number: int, message: Message, text: object) -> Message:
        """An assistant's message without calls in fields."""
        source, reading = self.texts.source, self.given.reading
        if type(text) is not str:
            raise UnusualError
        read = read_plain(text, source, reading) if source is not None and reading is not None else None
        if read is None:
            self.unread |= self.texts.may_call(text)
            return dict(message)
        prose, calls = read
        if source is not None and not source.limits.typed_values and not self.given.names.issuperset([call.name for call in calls]):
            raise UnusualError
        return self._written(number, message, prose, calls)

    def _called(self, number: int, message: Message, text: object) -> Message:
        """An assistant's message with calls in fields."""
        if len(message) > 2 + ("content" in message):
            _check_keys(message, ("tool_calls",))
        held = message["tool_calls"]
        if type(held) is not list or not (text is None or type(text) is str) or self.told:
            raise UnusualError
        calls = [self._call(call) for call in held]
        self.structured = True
        if self.texts.target is None:
            self.calls = True
            self.pending = calls
            new = _with(message, "tool_calls", [self._fields(call) for call in calls])
            new.setdefault("content", None)
            return new
        if text and text.startswith(OPENS):
            raise UnusualError
        return self._written(number, message, text or "", calls)

    def _call(self, call: Any) -> ToolCall:
        if type(call) is not dict or not call.keys() <= _CALL or call.get("type", "function") != "function":
            raise UnusualError
        held, call_id = call.get("function"), call.get("id")
        if type(held) is not dict or held.keys() != _FUNCTION or not (call_id is None or type(call_id) is str):
            raise UnusualError
        name, arguments = held["name"], held["arguments"]
        if type(arguments) is str:
            arguments = loads(arguments)
        elif self.padded:
            raise UnusualError  # a null among them may be Arrow's
        else:
            self.objects = True
        if type(name) is not str or not name or type(arguments) is not dict:
            raise UnusualError
        if held["arguments"] is arguments:
            _check(arguments)
        return build_call(name, arguments, call_id)

    def _fields(self, call: ToolCall) -> Message:
        """A call as the layout to write spells it."""
        places = self.layout.places
        if call.id is None and places.new_ids:
            raise UnusualError
        function = {"name": call.name, "arguments": call.arguments if self.layout.name == "trl" else dumps(call.arguments)}
        return {"type": "function", "function": function} if call.id is None else {"id": call.id, "type": "function", "function": function}

    def _written(self, number: int, message: Message, prose: str, calls: list[ToolCall]) -> Message:
        target, notices = self.texts.target, self.notices
        if target is None:
            raise UnusualError
        self.calls = self.changed = True
        self.pending = list(calls)
        for index, call in enumerate(calls):
            if call.id is not None:
                said = f"'{call.id}' dropped: {target.name} has no ids; order links results to calls"
                notices.append(Loss("id", f"$.messages[{number}].calls[{index}].id", detail=said))
                calls[index] = build_call(call.name, call.arguments)
        if self.untold and not self.given.stated:
            notices.append(Loss("tools", f"$.messages[{number}]", detail=self.untold))
        return _with(message, "content", self.texts.write_calls(prose, calls, self.given.writing))

    def _result(self, message: Message, text: str) -> Message:
        """A result of the next call that has none yet."""
        if len(message) > 2:
            _check_keys(message, ("tool_call_id",))
        call_id, name = message.get("tool_call_id"), message.get("name")
        if not self.pending:
            raise UnusualError
        if not self.structured:
            text, name = self.texts.read_result(text)
            self.told = True
        call = self.pending.pop(0)
        if (name is not None and name != call.name) or (call_id is not None and call_id != call.id):
            raise UnusualError
        self.changed = True
        if self.texts.target is not None:
            return _with(message, "content", self.texts.write_result(text, call.name))
        return self._result_fields(message, call, call_id)

    def _result_fields(self, message: Message, call: ToolCall, call_id: str | None) -> Message:
        """A result as the layout to write spells it."""
        if call_id != call.id:
            raise UnusualError
        new = _with(message, "tool_call_id", call_id)
        if call_id is None:
            del new["tool_call_id"]
        if self.layout.places.result_names:
            new["name"] = call.name
        return new


def _check_keys(message: Message, taken: Sequence[str]) -> None:
    """Nothing that says something may stand beside what was taken; a null says nothing."""
    for key, value in message.items():
        if value is not None and key in _SAID and key not in taken:
            raise UnusualError


def _with(message: Message, key: str, value: Any) -> Message:
    """The message with this value, without the other fields that said what it says."""
    if len(message) == 2 and "role" in message and key in message:
        return {**message, key: value}
    return {**{name: held for name, held in message.items() if name == key or name not in STRUCTURAL}, key: value}


def _check(arguments: Message) -> None:
    """LayoutError or ValueError where arguments are no JSON; most are flat."""
    if not _FLAT.issuperset(map(type, arguments.values())) or not {str}.issuperset(map(type, arguments)):
        try:
            check_json(arguments)
        except ValueError:
            raise UnusualError from None
