"""The family whose arguments stand as JSON: a mark, an object (or an array of them), a mark.

    <tool_call>
    {"name": "get_weather", "arguments": {"city": "Paris"}}
    </tool_call>

JSON is decoded from its start and never searched for the closing mark, so a string may hold any mark.  A subclass says its marks and, where the
name stands outside of the JSON, a header; see the class attributes.  Values are typed on the wire: tools are not needed to read them.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import msgspec

from toolfmt.families.json_scan import JsonScan
from toolfmt.format import Format
from toolfmt.ir import MAX_DEPTH, ToolCall, build_call
from toolfmt.reader import CallReader, Outcome, Whole
from toolfmt.stream import StreamParser
from toolfmt.values import JSONTextError, dumps, is_plain, loads, loads_python

__all__ = ["JsonBody", "JsonReader", "closing_of", "in_one_block", "plain_object"]

_SPACE = re.compile(r"\s*")
_BETWEEN = re.compile(r"[\s,;]*")
_CLOSING = ("}", "]")
_NEAR = 4096  # characters in which a block is tried without a look at what else opens
_HEADER = 1024  # characters of a header, at most

_State = Callable[[StreamParser, bool], Outcome | None]


_decode_object = msgspec.json.Decoder(dict[str, Any]).decode
_NOT_PLAIN = (msgspec.DecodeError, UnicodeEncodeError, RecursionError)


class JsonBody(Format):
    """Calls as JSON.  ``opens`` and ``closes`` are its marks; what may stand between them the attributes below say."""

    name_key: ClassVar[str] = "name"
    arguments_keys: ClassVar[tuple[str, ...]] = ("arguments", "parameters")
    """Keys that hold the arguments; the first is written."""
    exact_keys: ClassVar[bool] = False
    """A call has just its two keys, and its tool is among those given: anything else is no call."""
    arrays: ClassVar[bool] = False
    """Calls that stand side by side are written as one array."""
    bare: ClassVar[tuple[str, ...]] = ()
    """Marks among ``opens`` that are themselves the beginning of the JSON."""
    inside: ClassVar[str] = "\n"
    """Between a mark and the JSON, on writing."""
    header: ClassVar[tuple[str, str] | None] = None
    """What stands before and after the tool's name where the name stands before the JSON, which is then the arguments alone."""

    def __init__(self) -> None:
        keys = [("name", str, self.name_key), ("arguments", dict[str, Any], self.arguments_keys[0])]
        fields = [(field, kind, msgspec.field(name=key)) for field, kind, key in keys]
        call: Any = msgspec.defstruct("Call", fields, forbid_unknown_fields=True)
        self._decode_call = msgspec.json.Decoder(call).decode
        self._decode_calls = msgspec.json.Decoder(list[call]).decode

    def reader(self) -> CallReader:
        return JsonReader(self)

    def read_whole(self, p: StreamParser, at: int) -> Whole | None:
        """Blocks in their canonical spelling, side by side: an object between ``opens[0]`` and ``closes[0]``."""
        buf, opening, closing = p.buf, self.opens[0], self.closes[0]
        found: Whole = []
        while buf.startswith(opening, at):
            start = at + len(opening)
            end = closing_of(p, start, opening, closing)
            call = self.plain_call(buf[start:end]) if end >= 0 else None
            if call is None:
                break
            end += len(closing)
            found.append((call, at, end))
            if not buf.startswith(self.between_calls, end):
                break
            at = end + len(self.between_calls)
        return found or None

    def plain_call(self, text: str) -> ToolCall | None:
        """The call that ``text`` spells with just its two keys; None when it does not, for the reader to say why."""
        try:
            call = self._decode_call(text)
        except _NOT_PLAIN:
            return None
        return build_call(call.name, call.arguments) if call.name and is_plain(text, call, (call.arguments,)) else None

    def plain_calls(self, text: str) -> list[ToolCall] | None:
        """The same of an array of calls."""
        try:
            calls = self._decode_calls(text)
        except _NOT_PLAIN:
            return None
        if not is_plain(text, calls, [call.arguments for call in calls]):
            return None
        return [build_call(call.name, call.arguments) for call in calls] if all(call.name for call in calls) else None

    def call_of(self, value: Any) -> ToolCall:
        """The call that a decoded object is; JSONTextError says why it is none."""
        if not isinstance(value, dict):
            raise JSONTextError(f"expected an object with `{self.name_key}`, got `{type(value).__name__}`")
        name = value.get(self.name_key)
        if not isinstance(name, str) or not name:
            raise JSONTextError(
                f"`{self.name_key}` must be a string, got `{name!r}`"
                if self.name_key in value
                else f"no `{self.name_key}`"
            )
        keys = [key for key in self.arguments_keys if key in value]
        if len(keys) > 1:
            raise JSONTextError(f"both `{keys[0]}` and `{keys[1]}` are given")
        call_id = value.get("id")
        known = {self.name_key, *keys} | ({"id"} if isinstance(call_id, str) else set())
        for key, held in value.items():
            if key not in known and (key, held) != ("type", "function"):
                raise JSONTextError(f"the call has a key `{key}` that toolfmt does not know")
        return build_call(name, self.arguments_of(value.get(keys[0]) if keys else {}), call_id)

    def arguments_of(self, value: Any) -> dict[str, Any]:
        """The arguments object, also when it was encoded twice."""
        if isinstance(value, str):
            value = loads(value)
        if not isinstance(value, dict):
            raise JSONTextError(f"arguments must be an object, got `{type(value).__name__}`")
        return value

    # -- writing

    def write_calls(self, calls: Sequence[ToolCall]) -> str:
        opening, closing = self.write_opening(), self.closes[0]
        if self.arrays:
            array = "[" + ", ".join(map(self.write_body, calls)) + "]"
            return array if opening in self.bare else opening + array + closing
        return self.between_calls.join(
            f"{opening}{self.inside}{self.write_body(call)}{self.inside}{closing}" for call in calls
        )

    def write_opening(self) -> str:
        return self.opens[0]

    def write_body(self, call: ToolCall) -> str:
        if self.header:
            return f"{self.header[0]} {call.name}\n{self.header[1]} {dumps(call.arguments)}"
        body: dict[str, Any] = {self.name_key: call.name, self.arguments_keys[0]: call.arguments}
        if self.limits.ids and call.id is not None:
            body["id"] = call.id
        return dumps(body)


def closing_of(p: StreamParser, start: int, opening: str, closing: str) -> int:
    """Where the next closing mark stands; -1 where there is none, or none near before another block opens."""
    if p.unclosed == p.base + len(p.buf):
        return -1
    end = p.buf.find(closing, start)
    if end < 0:
        p.unclosed = p.base + len(p.buf)
    if end - start > _NEAR and p.buf.find(opening, start, end) >= 0:
        return -1
    return end


def plain_object(text: str) -> dict[str, Any] | None:
    """The JSON object that ``text`` plainly is; None where that is in doubt, for the reader to decide."""
    try:
        value = _decode_object(text)
    except _NOT_PLAIN:
        return None
    return value if is_plain(text, value, (value,)) else None


def in_one_block(calls: Sequence[ToolCall], start: int, end: int) -> Whole:
    """Calls that share the block ``start`` to ``end``."""
    return [(call, start if i == 0 else end, end) for i, call in enumerate(calls)]


class JsonReader(CallReader):
    """Reads a block in whatever pieces it comes: a header, or not; then before, inside and after a call's object."""

    def __init__(self, format: JsonBody) -> None:
        self.format = format
        self.level = 0 if format.header else 1  # brackets round the arguments object

    def begin(self, p: StreamParser, marker: str) -> None:
        self.in_array = False
        self.lone = marker == "{"  # objects without any mark, which ``;`` may separate
        self.closing = dict(zip(self.format.opens, self.format.closes, strict=False)).get(marker, "")
        self.state: _State = self.header if self.format.header else self.head
        p.pos += 0 if marker in self.format.bare else len(marker)

    def advance(self, p: StreamParser, final: bool) -> Outcome:
        outcome = None
        while outcome is None:
            outcome = self.state(p, final)
        return outcome

    # Each state returns an outcome, or None to go on in the next state.

    def header(self, p: StreamParser, final: bool) -> Outcome | None:
        """Before a call's arguments: the line with the tool's name."""
        assert self.format.header
        found = self._label(p, self.format.header[0])
        if isinstance(found, Outcome):
            return found
        end = p.buf.find("\n", found, found + _HEADER)
        if end < 0 and len(p.buf) - found < _HEADER:
            return Outcome.MORE
        self.name = p.buf[found:end].strip(" \t")
        if end < 0 or not self.name:
            return p.bad("the tool has no name")
        p.pos = end
        self.state = self.second_line
        return None

    def second_line(self, p: StreamParser, final: bool) -> Outcome | None:
        """After the name: what opens the arguments."""
        assert self.format.header
        found = self._label(p, self.format.header[1])
        if isinstance(found, Outcome):
            return found
        p.pos = found
        self.state = self.head
        return None

    def _label(self, p: StreamParser, label: str) -> int | Outcome:
        """Where ``label``, which must stand next, ends."""
        p.pos = _skip(_SPACE, p)
        rest = p.buf[p.pos : p.pos + len(label)]
        if rest == label:
            return p.pos + len(label)
        return Outcome.MORE if label.startswith(rest) else p.bad(f"expected `{label}`")

    def head(self, p: StreamParser, final: bool) -> Outcome | None:
        """Before a call's object."""
        p.pos = _skip(_SPACE, p)
        if p.pos == len(p.buf):
            return Outcome.MORE
        char = p.buf[p.pos]
        if char == "[" and not self.format.header:
            self.in_array = True
            p.pos += 1
            self.state = self.item
            return None
        if char != "{":
            return p.bad(f"expected a JSON object, got `{char}`")
        return self.begin_object(p)

    def item(self, p: StreamParser, final: bool) -> Outcome | None:
        """In an array, before an item or its end."""
        p.pos = _skip(_BETWEEN, p)
        if p.pos == len(p.buf):
            return Outcome.MORE
        char = p.buf[p.pos]
        if char == "{":
            return self.begin_object(p)
        if char != "]":
            return p.bad(f"expected a JSON object, got `{char}`")
        p.pos += 1
        if not p.committed:
            return p.bad("an empty array", p.base + p.pos)
        p.account()
        self.in_array = False
        self.state = self.after
        return None

    def begin_object(self, p: StreamParser) -> Outcome | None:
        self.scan = JsonScan(self.level, json_only=self.level == 0)
        self.start = p.base + p.pos
        self.key = ""
        self.unsent = -1  # where the part of the arguments begins that was not yet sent
        self.pending: list[str] = []
        self.sent = self.spoken = False
        if self.format.header:
            self.unsent = self.start
            self.announce(p)
        else:
            self.name = ""
        self.state = self.inside
        return None

    def inside(self, p: StreamParser, final: bool) -> Outcome | None:
        """Inside a call's object: watch its keys, name and arguments go by."""
        scan = self.scan
        while True:
            p.pos = scan.run(p.buf, p.pos)
            event = scan.event
            if self.unsent >= 0:
                self.send(p, event in _CLOSING and scan.depth == self.level)
            if not event:
                return Outcome.MORE
            if event == "!":
                return p.bad(f"not JSON: unexpected `{p.buf[p.pos]}`")
            if event == '"':
                self.on_string(p)
            elif scan.depth == 0:
                self.state = self.complete
                return None
            elif event == "{" and scan.depth == 2 and self.key in self.format.arguments_keys and not scan.pythonic:
                self.unsent = p.base + p.pos - 1
                self.announce(p)

    def on_string(self, p: StreamParser) -> None:
        if self.scan.comma:
            self.scan.comma = False
            self.key = _unquoted(self.scan)
        elif self.key == self.format.name_key and not self.name:
            self.name = _unquoted(self.scan)
            if not self.scan.pythonic:
                self.announce(p)

    def announce(self, p: StreamParser) -> None:
        """Say that a call has begun, once it is certain."""
        names = p.types.names
        if self.sent or not self.name:
            return
        if self.format.exact_keys and names is not None and self.name not in names:
            return
        if not (p.committed or self.unsent >= 0 or self.pending):
            return
        p.commit()
        p.begin_call(self.name)
        self.sent = True
        for piece in self.pending:
            p.delta(piece)
            self.spoken = True
        self.pending.clear()

    def send(self, p: StreamParser, ended: bool) -> None:
        """Pass on what is known of the arguments' JSON; hold it while the name is not known."""
        piece = p.since(max(self.unsent, p.mark), p.pos)
        self.unsent = -1 if ended else p.base + p.pos
        if self.sent:
            p.delta(piece)
            self.spoken = True
        else:
            self.pending.append(piece)

    def complete(self, p: StreamParser, final: bool) -> Outcome | None:
        """A whole object was scanned."""
        text = p.since(self.start, p.pos)
        try:
            depth = MAX_DEPTH + self.level
            call = self.call_of(p, loads_python(text, depth) if self.scan.pythonic else loads(text, depth))
        except JSONTextError as error:
            return p.bad(str(error), p.base + p.pos)
        if not self.sent:
            p.commit()
            p.begin_call(call.name)
        if not self.spoken:
            p.delta(dumps(call.arguments))
        p.end_call(call)
        self.state = self.item if self.in_array else self.after
        return None

    def call_of(self, p: StreamParser, value: Any) -> ToolCall:
        fmt, names = self.format, p.types.names
        if fmt.header:
            return build_call(self.name, fmt.arguments_of(value))
        call = fmt.call_of(value)
        if fmt.exact_keys:
            if set(value) != {fmt.name_key, fmt.arguments_keys[0]}:
                raise JSONTextError(f"a call has just the keys `{fmt.name_key}` and `{fmt.arguments_keys[0]}`")
            if names is not None and call.name not in names:
                raise JSONTextError(f"`{call.name}` is none of the tools")
        return call

    def after(self, p: StreamParser, final: bool) -> Outcome | None:
        """After the calls: the closing mark, another object, or neither."""
        if not self.closing and not self.lone:
            return Outcome.DONE
        p.pos = _skip(_SPACE, p)
        rest = p.buf[p.pos : p.pos + 64]
        if self.closing and rest.startswith(self.closing):
            p.pos += len(self.closing)
            p.account()
            return Outcome.DONE
        if rest.startswith("{") and self.closing and not self.format.header:
            p.account()
            return self.begin_object(p)
        if rest.startswith(";"):
            p.pos += 1
            self.state = self.head
            return None
        marks = (*self.format.opens, *self.format.end_of_turn)
        if not final and (not rest or (self.closing and any(mark.startswith(rest) for mark in (self.closing, *marks)))):
            return Outcome.MORE
        if not rest or not self.closing or rest.startswith(marks):
            return Outcome.DONE
        p.account()
        return p.bad(f"text between the call's JSON and `{self.closing}`")


def _skip(space: re.Pattern[str], p: StreamParser) -> int:
    found = space.match(p.buf, p.pos)
    assert found
    return found.end()


def _unquoted(scan: JsonScan) -> str:
    try:
        value = (loads_python if scan.pythonic else loads)(scan.string)
    except JSONTextError:
        return ""
    return value if isinstance(value, str) else ""
