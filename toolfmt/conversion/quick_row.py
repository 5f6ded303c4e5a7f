"""`QuickRow`: the messages of one row of a common plain shape, one after the other; see `toolfmt.conversion.quick`."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from toolfmt.conversion.plain import PlainTexts, UnusualError
from toolfmt.format import Format
from toolfmt.ir import ToolCall, build_call, check_json
from toolfmt.layouts.base import STRUCTURAL, Layout
from toolfmt.layouts.thinking import OPENS
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
    read: Callable[[str], tuple[str, list[ToolCall]] | None]
    write: Callable[[str, Sequence[ToolCall]], str]
    """`PlainReader.read` and `PlainWriter.write`."""
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
    target: Format | None
    """To write calls in; None where they go into fields."""
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
    notices: Sequence[Loss] = ()
    pending: Sequence[ToolCall] = ()
    """Calls that have no result yet."""

    def __init__(self, task: Task, given: Given) -> None:
        self.task, self.given = task, given

    def message(self, number: int, message: Any) -> Message:
        if type(message) is not dict:
            raise UnusualError
        role, text = message.get("role"), message.get("content")
        if role == "assistant":
            if message.get("tool_calls"):
                return self._called(number, message, text)
            if len(message) > 2:
                _check_keys(message, ())
            if type(text) is not str:
                raise UnusualError
            read = self.given.read(text)
            if read is not None:
                return self._written(number, message, *read)
            self.unread |= self.task.texts.may_call(text)
            return message.copy()
        if type(text) is not str:
            raise UnusualError
        if role == "tool":
            return self._result(message, text)
        if role not in ("user", "system", "developer"):
            raise UnusualError
        if len(message) > 2:
            _check_keys(message, ())
        if text:
            self.task.texts.check_prompt(role, text)
        return message.copy()

    def _called(self, number: int, message: Message, text: object) -> Message:
        """An assistant's message with calls in fields."""
        if len(message) > 2 + ("content" in message):
            _check_keys(message, ("tool_calls",))
        held = message["tool_calls"]
        if type(held) is not list or not (text is None or type(text) is str) or self.told:
            raise UnusualError
        calls = [self._call(call) for call in held]
        self.structured = True
        target = self.task.target
        if target is None:
            self.calls = True
            self.pending = calls
            new = _with(message, "tool_calls", [self._fields(call) for call in calls])
            new.setdefault("content", None)
            return new
        if text and text.startswith(OPENS):
            raise UnusualError
        new = self._written(number, message, text or "", self._without_ids(number, calls, target))
        self.pending = calls
        return new

    def _call(self, call: Any) -> ToolCall:
        if type(call) is not dict or not call.keys() <= _CALL or call.get("type", "function") != "function":
            raise UnusualError
        held, call_id = call.get("function"), call.get("id")
        if type(held) is not dict or held.keys() != _FUNCTION or not (call_id is None or type(call_id) is str):
            raise UnusualError
        name, arguments = held["name"], held["arguments"]
        if type(arguments) is str:
            arguments = loads(arguments)
        elif self.task.padded:
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
        places = self.task.layout.places
        if call.id is None and places.new_ids:
            raise UnusualError
        function = {"name": call.name, "arguments": call.arguments if self.task.layout.name == "trl" else dumps(call.arguments)}
        return {"type": "function", "function": function} if call.id is None else {"id": call.id, "type": "function", "function": function}

    def _without_ids(self, number: int, calls: list[ToolCall], target: Format) -> list[ToolCall]:
        """Calls as text has them."""
        bare = calls.copy()
        for index, call in enumerate(calls):
            if call.id is not None:
                said = f"'{call.id}' dropped: {target.name} has no ids; order links results to calls"
                self.notices = [*self.notices, Loss("id", f"$.messages[{number}].calls[{index}].id", detail=said)]
                bare[index] = build_call(call.name, call.arguments)
        return bare

    def _written(self, number: int, message: Message, prose: str, calls: list[ToolCall]) -> Message:
        """A message whose calls are written as text."""
        self.calls = self.changed = True
        self.pending = calls
        given = self.given
        if not given.stated and self.task.untold:
            self.notices = [*self.notices, Loss("tools", f"$.messages[{number}]", detail=self.task.untold)]
        return _with(message, "content", given.write(prose, calls))

    def _result(self, message: Message, text: str) -> Message:
        """A result of the next call that has none yet."""
        if len(message) > 2:
            _check_keys(message, ("tool_call_id",))
        call_id, name = message.get("tool_call_id"), message.get("name")
        if not self.pending:
            raise UnusualError
        if not self.structured:
            text, name = self.task.texts.read_result(text)
            self.told = True
        call, *self.pending = self.pending
        if (name is not None and name != call.name) or (call_id is not None and call_id != call.id):
            raise UnusualError
        self.changed = True
        if self.task.target is not None:
            return _with(message, "content", self.task.texts.write_result(text, call.name))
        return self._result_fields(message, call, call_id)

    def _result_fields(self, message: Message, call: ToolCall, call_id: str | None) -> Message:
        """A result as the layout to write spells it."""
        if call_id != call.id:
            raise UnusualError
        new = _with(message, "tool_call_id", call_id)
        if call_id is None:
            del new["tool_call_id"]
        if self.task.layout.places.result_names:
            new["name"] = call.name
        return new


def _check_keys(message: Message, taken: Sequence[str]) -> None:
    """Nothing that says something may stand beside what was taken; a null says nothing."""
    for key, value in message.items():
        if value is not None and key in _SAID and key not in taken:
            raise UnusualError


def _with(message: Message, key: str, value: Any) -> Message:
    """The message with this value, without the other fields that said what it says."""
    if len(message) == 2 and key in message and "role" in message:
        new = message.copy()
        new[key] = value
        return new
    return {**{name: held for name, held in message.items() if name == key or name not in STRUCTURAL}, key: value}


def _check(arguments: Message) -> None:
    """LayoutError or ValueError where arguments are no JSON; most are flat."""
    if not _FLAT.issuperset(map(type, arguments.values())) or not {str}.issuperset(map(type, arguments)):
        try:
            check_json(arguments)
        except ValueError:
            raise UnusualError from None
