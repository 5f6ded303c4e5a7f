"""The reader of calls as JSON, in whatever pieces they come."""

import re
from typing import TYPE_CHECKING, Any

from toolfmt.families.json_scan import JsonScan
from toolfmt.ir import MAX_DEPTH, ToolCall
from toolfmt.reader import Outcome, State, StateReader
from toolfmt.stream import StreamParser
from toolfmt.values import JSONTextError, dumps, loads, loads_python

if TYPE_CHECKING:
    from toolfmt.families.json_body import JsonBody

__all__ = ["JsonReader"]

_BETWEEN = re.compile(r"[\s,;]*")
_CLOSING = ("}", "]")
_STARTS = ("{", "[")


class JsonReader(StateReader):
    """Reads a block in whatever pieces it comes: before, inside and after a call's object."""

    level = 1
    """Brackets round the arguments object."""
    name = ""

    def __init__(self, format: "JsonBody") -> None:
        self.format = format
        self.closings = dict(zip(format.opens, format.closes, strict=False))
        self.rescan = not any(mark in _STARTS for mark in format.opens)  # a bracket inside a broken call opens none

    def begin(self, p: StreamParser, marker: str) -> None:
        self.in_array = self.listed = self.joined = self.follows = self.sent = False
        self.closing = self.closings.get(marker, "")
        self.sure = marker in self.format.sure
        if self.sure:
            p.commit()
        self.state: State = self.head
        p.pos += len(marker) - marker.endswith(_STARTS)

    def advance(self, p: StreamParser, final: bool) -> Outcome:
        outcome = super().advance(p, final)
        if final and outcome is Outcome.MORE and self.follows and not self.sent:
            return Outcome.DONE
        return outcome

    def refuse(self, p: StreamParser, reason: str, resume: int | None = None) -> Outcome:
        """It is no call; where it follows calls that no mark closes, their block ended before it."""
        return Outcome.DONE if self.follows and not self.sent else p.bad(reason, resume)

    # Each state returns an outcome, or None to go on in the next state.

    def head(self, p: StreamParser, final: bool) -> Outcome | None:
        """Before a call's object."""
        self.space(p)
        if p.pos == len(p.buf):
            return Outcome.MORE
        char = p.buf[p.pos]
        if char == "[":
            self.in_array = True
            p.pos += 1
            self.state = self.item
            return None
        if char != "{":
            return p.bad(f"expected a JSON object, got `{char}`")
        return self.begin_object(p)

    def item(self, p: StreamParser, final: bool) -> Outcome | None:
        """In an array, before an item or its end."""
        found = _BETWEEN.match(p.buf, p.pos)
        assert found
        p.pos = found.end()
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
        self.in_array, self.listed = False, True
        self.state = self.after
        return None

    def begin_object(self, p: StreamParser) -> Outcome | None:
        self.scan = JsonScan(self.level, json_only=self.level == 0)
        self.start = p.base + p.pos
        self.key = self.name = ""
        self.unsent = -1  # where the part of the arguments begins that was not yet sent
        self.pending: list[str] = []
        self.sent = self.spoken = False
        self.state = self.first_key if self.format.ambiguous else self.inside
        return None

    def certain(self, p: StreamParser) -> bool:
        """Whether what stands here can be nothing but a call."""
        return p.committed and not (self.follows and self.format.ambiguous)

    def first_key(self, p: StreamParser, final: bool) -> Outcome | None:
        """After a brace, which in prose says nothing: a quote, or it opens no call."""
        if self.scan.depth == 0:
            p.pos = self.scan.run(p.buf, p.pos)
        self.space(p)
        if p.pos == len(p.buf):
            return Outcome.MORE
        if p.buf[p.pos] not in "\"'":
            return self.refuse(p, "expected a key", p.base + p.pos)
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
                return self.refuse(p, _unexpected(p.buf[p.pos], scan))
            if event == '"':
                self.on_string(p)
            elif scan.depth == 0:
                self.state = self.complete
                return None
            elif event == "{" and scan.depth == 2 and not scan.pythonic and self.holds_arguments():
                self.unsent = p.base + p.pos - 1
                self.announce(p)

    def holds_arguments(self) -> bool:
        return self.format.name_is_key or self.key in self.format.arguments_keys

    def on_string(self, p: StreamParser) -> None:
        if self.scan.comma:
            self.scan.comma = False
            self.key = _unquoted(self.scan)
            if not self.format.name_is_key:
                return
            found = self.key
        elif self.key in self.format.name_keys:
            found = _unquoted(self.scan)
        else:
            return
        if not self.name:
            self.name = found
            if not self.scan.pythonic:
                self.announce(p)

    def announce(self, p: StreamParser) -> None:
        """Say that a call has begun, once it is certain."""
        names = p.types.names
        if self.sent or not self.name:
            return
        if self.format.exact_keys and not self.sure and names is not None and self.name not in names:
            return
        if not (self.unsent >= 0 or self.pending or self.certain(p)):
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
            return self.refuse(p, str(error), p.base + p.pos)
        if not self.sent:
            p.commit()
            p.begin_call(call.name)
        if not self.spoken:
            p.delta(dumps(call.arguments))
        p.end_call(call)
        self.joined = False
        self.state = self.item if self.in_array else self.after
        return None

    def call_of(self, p: StreamParser, value: Any) -> ToolCall:
        fmt, names = self.format, p.types.names
        call = fmt.call_of(value)
        if fmt.exact_keys and not self.sure:
            fmt.check_exact(value)
            if names is not None and call.name not in names:
                raise JSONTextError(f"`{call.name}` is none of the tools")
        return call

    def after(self, p: StreamParser, final: bool) -> Outcome | None:
        """After the calls: the closing mark, another object, or neither."""
        if not self.closing:
            return Outcome.DONE if self.listed else self.after_lone(p, final)
        self.space(p)
        rest = p.buf[p.pos : p.pos + 64]
        if rest.startswith(self.closing):
            p.pos += len(self.closing)
            p.account()
            return Outcome.DONE
        if rest.startswith("{"):
            p.account()
            return self.begin_object(p)
        if rest.startswith(";"):
            p.pos += 1
            self.state = self.head
            return None
        marks = (*self.format.opens, *self.format.end_of_turn)
        if not final and (not rest or any(mark.startswith(rest) for mark in (self.closing, *marks))):
            return Outcome.MORE
        if not rest or rest.startswith(marks):
            return Outcome.DONE
        p.account()
        return p.bad(f"text between the call's JSON and `{self.closing}`")

    def after_lone(self, p: StreamParser, final: bool) -> Outcome | None:
        """After an object that no mark closes: another, behind a joint or not, or the end of the block."""
        self.space(p)
        char = p.buf[p.pos : p.pos + 1]
        if char == "{":
            self.follows = True
            return self.begin_object(p)
        if char and char in self.format.joints and not self.joined:
            self.joined = True
            p.pos += 1
            return None
        return Outcome.DONE if char or final else Outcome.MORE


def _unexpected(char: str, scan: JsonScan) -> str:
    if not scan.quote:
        return f"not JSON: unexpected `{char}`"
    return f"not JSON: a string holds the character {char!r}, which JSON spells `{dumps(char)[1:-1]}`"


def _unquoted(scan: JsonScan) -> str:
    try:
        value = (loads_python if scan.pythonic else loads)(scan.string)
    except JSONTextError:
        return ""
    return value if isinstance(value, str) else ""
