"""The family whose tool name stands before the JSON, which is then the arguments alone.

    <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city": "Paris"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>

A call is a mark, a head (the name, and the id where there is one), a mark, the arguments, a mark; calls may stand in a section, between marks of
its own.  A subclass says the marks, and in ``limits.names`` what a name is: that is read and that is written.
"""

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, ClassVar

from toolfmt.errors import UnrepresentableError
from toolfmt.families.json_body import JsonBody, in_one_block, plain_object
from toolfmt.families.json_reader import JsonReader
from toolfmt.format import Format
from toolfmt.ir import Tool, ToolCall, build_call
from toolfmt.reader import CallReader, Outcome, Whole
from toolfmt.rule import Arguments, Lit, Rule, optional, seq
from toolfmt.stream import StreamParser
from toolfmt.values import JSONTextError, dumps

__all__ = ["HeaderReader", "JsonHeader"]

_ID = re.compile(r"[^\s<>\[\]]+")
_HEAD = 1024  # characters of a head, at most
_LONGEST = 64  # and of a mark
_KNOWN = 1000  # heads that are remembered, at most
_NEAR = 4096  # characters in which a call is tried without a look at what else opens


class JsonHeader(JsonBody):
    """Calls as a name, then JSON.  ``opens`` and ``closes`` stand round each call, or round a section of calls."""

    id_rule: ClassVar[Rule | None] = None
    call_marks: ClassVar[tuple[str, str] | None] = None
    """Round each call, where ``opens[0]`` and ``closes[0]`` stand round a section of them.  They are among ``opens`` and ``closes`` too:
    a call outside of any section is read."""
    before_name: ClassVar[str] = ""
    """Between a call's mark and its head; what of it is not white space must be there."""
    id_mark: ClassVar[str] = ""
    """Between the name and the id, where a call may have one."""
    after_head: ClassVar[str]
    """Between the head and the arguments; what of it is not trailing white space ends the head on reading."""
    after_arguments: ClassVar[str] = ""
    """Between the arguments and the mark that closes the call; reading does without."""
    between_calls = ""
    before_call: ClassVar[tuple[str, ...]] = ()
    after_call: ClassVar[tuple[str, ...]] = ()

    def reader(self) -> CallReader:
        return HeaderReader(self)

    @cached_property
    def call_open(self) -> str:
        return (self.call_marks or self.opens)[0]

    @cached_property
    def call_close(self) -> str:
        return self.call_marks[1] if self.call_marks else self.closes[0]

    @cached_property
    def head_end(self) -> str:
        """The mark that ends a head."""
        return self.after_head.rstrip()

    @cached_property
    def head_stops(self) -> re.Pattern[str]:
        """The mark that ends a head, and those that no head holds."""
        return _either((self.head_end, *self.opens, *self.closes, *self.end_of_turn))

    @cached_property
    def followers(self) -> tuple[str, ...]:
        """What may stand after arguments whose closing mark is missing."""
        return tuple({*self.opens, *self.closes, *self.end_of_turn, *self.frames} - {""})

    @cached_property
    def section_closes(self) -> tuple[str, ...]:
        marks = zip(self.opens, self.closes, strict=False) if self.call_marks else ()
        return tuple(closing for opening, closing in marks if opening != self.call_open)

    # -- reading

    def read_head(self, text: str) -> tuple[str, str | None]:
        """The name and the id that a head says; JSONTextError where it says none."""
        name, mark, call_id = text.strip().partition(self.id_mark) if self.id_mark else (text.strip(), "", "")
        self.check_name(name)
        if mark and not _ID.fullmatch(call_id):
            raise JSONTextError(f"`{call_id[:64]}` is no call id")
        return name, call_id if mark else None

    @cached_property
    def _is_name(self) -> Callable[[str], object]:
        return re.compile(self.limits.names).fullmatch

    def check_name(self, name: str) -> None:
        if not self._is_name(name):
            raise JSONTextError(f"`{name[:64]}` is no tool name" if name else "the tool has no name")

    def read_whole(self, p: StreamParser, at: int) -> Whole | None:
        """Calls in their canonical spelling: a whole section, or single calls side by side."""
        buf, found = p.buf, Whole()
        start = at
        if self.call_marks:
            if not buf.startswith(self.opens[0], at):
                return None
            at += len(self.opens[0])
        while (lead := self.lead(p, at)) and (read := self._read_call(p, at + lead)):
            found.append((read[0], at, read[1]))
            at = read[1]
            if self.call_marks and buf.startswith(self.closes[0], at):
                return in_one_block([call for call, _, _ in found], start, at + len(self.closes[0]))
            if not buf.startswith(self.between_calls, at):
                break
            at += len(self.between_calls)
        return None if self.call_marks else found or None

    def lead(self, p: StreamParser, at: int) -> int:
        """How long the canonical mark and text before the head are that stand at ``p.buf[at:]``; 0 where others do."""
        lead = self._lead
        return len(lead) if p.buf.startswith(lead, at) else 0

    @cached_property
    def _lead(self) -> str:
        return self.call_open + self.before_name

    def _read_call(self, p: StreamParser, at: int) -> tuple[ToolCall, int] | None:
        """The call whose head begins at ``at``, and where it ends."""
        buf, mark = p.buf, self.head_end
        body = buf.find(mark, at, at + _HEAD)
        read = self._plain_head(buf[at:body]) if body >= 0 else None
        if read is None:
            return None
        name, call_id = read
        body += len(mark)
        closing = self.after_arguments + self.call_close
        end = p.find(closing, body) if closing else self._end_of_arguments(p, body)
        if end < 0 or (end - body > _NEAR and buf.find(self.call_open, body, end) >= 0):
            return None
        arguments = plain_object(buf[body:end])
        if arguments is None or not (closing or buf[end - 1] == "}"):
            return None
        return build_call(name, arguments, call_id), end + len(closing)

    def _plain_head(self, text: str) -> tuple[str, str | None] | None:
        """What a head says, None where it says no call.  Heads repeat, so some are remembered."""
        read = self._heads.get(text)
        if read is None and not self.head_stops.search(text):
            try:
                read = self.read_head(text)
            except JSONTextError:
                return None
            if len(self._heads) < _KNOWN:
                self._heads[text] = read
        return read

    @cached_property
    def _heads(self) -> dict[str, tuple[str, str | None]]:
        return {}

    def _end_of_arguments(self, p: StreamParser, at: int) -> int:
        """Where nothing closes a call: the next mark that may follow, or the end."""
        found = [start for mark in self.followers if (start := p.find(mark, at)) >= 0]
        return min(found, default=len(p.buf))

    # -- writing

    def write_calls(self, calls: Sequence[ToolCall]) -> str:
        written = self.between_calls.join(map(self.write_call, calls))
        return f"{self.opens[0]}{written}{self.closes[0]}" if self.call_marks else written

    def write_call(self, call: ToolCall) -> str:
        head, arguments = self.write_head(call), dumps(call.arguments)
        return f"{self._lead}{head}{self.after_head}{arguments}{self.after_arguments}{self.call_close}"

    # -- what may be written

    @property
    def one_block(self) -> bool:
        return self.call_marks is not None

    def call_rule(self, tool: Tool) -> Rule:
        arguments = Arguments(tool, self.dialect)
        return seq(
            self._lead, self.head_rule(tool.name), self.after_head, arguments, self.after_arguments + self.call_close
        )

    def head_rule(self, name: str) -> Rule:
        """The head of a call: the name, and the id where it may have one."""
        self.check_written(name)
        return seq(name, optional(seq(self.id_mark, self.id_rule))) if self.id_rule is not None else Lit(name)

    def calls_rule(self, call: Rule, more: bool) -> Rule:
        calls = Format.calls_rule(self, call, more)
        return seq(self.opens[0], calls, self.closes[0]) if self.call_marks else calls

    # -- writing a head

    def check_written(self, name: str, path: str = "$.name") -> None:
        """UnrepresentableError for a name that cannot be written."""
        try:
            self.check_name(name)
        except JSONTextError as error:
            raise UnrepresentableError(path, f"{self.name} cannot write this name: {error}") from None

    def write_head(self, call: ToolCall) -> str:
        self.check_written(call.name)
        return f"{call.name}{self.id_mark}{call.id}" if self.id_mark and call.id is not None else call.name


class HeaderReader(JsonReader):
    """Reads a call in whatever pieces it comes: its head, its arguments, what closes it; in a section, the next one."""

    format: JsonHeader
    level = 0

    def begin(self, p: StreamParser, marker: str) -> None:
        super().begin(p, marker)
        self.in_section = self.format.call_marks is not None and marker != self.format.call_open
        self.state = self.between if self.in_section else self.before
        self.count = 0

    def between(self, p: StreamParser, final: bool) -> Outcome | None:
        """In a section: a call's mark, or the end of the section, or of the turn."""
        fmt = self.format
        self.space(p)
        rest = p.buf[p.pos : p.pos + _LONGEST]
        for mark in fmt.section_closes if self.count else ():
            if rest.startswith(mark):
                p.pos += len(mark)
                p.account()
                return Outcome.DONE
        if rest.startswith(fmt.call_open):
            if self.count:
                p.account()
            p.call_opens(len(fmt.call_open))
            p.pos += len(fmt.call_open)
            self.state = self.before
            return None
        if self.count and (not rest or rest.startswith(fmt.followers)):
            return Outcome.DONE if rest or final else Outcome.MORE
        if not final and any(mark.startswith(rest) for mark in (fmt.call_open, *fmt.section_closes, *fmt.followers)):
            return Outcome.MORE
        if self.count:
            p.account()
        return p.bad(f"expected `{fmt.call_open}`")

    def before(self, p: StreamParser, final: bool) -> Outcome | None:
        """After a call's mark: what stands before its head."""
        label = self.format.before_name.strip()
        if label:
            self.space(p)
            rest = p.buf[p.pos : p.pos + len(label)]
            if rest != label:
                return Outcome.MORE if label.startswith(rest) else p.bad(f"expected `{label}`")
            p.pos += len(label)
        self.state = self.in_head
        return None

    def in_head(self, p: StreamParser, final: bool) -> Outcome | None:
        """The name, and the id, up to the mark that ends them."""
        mark = self.format.head_end
        found = self.format.head_stops.search(p.buf, p.pos, p.pos + _HEAD + _LONGEST)
        if found is None and len(p.buf) - p.pos < _HEAD + _LONGEST:
            return Outcome.MORE
        if found is None or found.start() - p.pos > _HEAD or found.group() != mark:
            return p.bad(f"expected `{mark.strip()}` after the tool's name")
        end = found.start()
        try:
            self.name, self.call_id = self.format.read_head(p.buf[p.pos : end])
        except JSONTextError as error:
            return p.bad(str(error))
        p.pos = end + len(mark)
        self.state = self.head
        return None

    def head(self, p: StreamParser, final: bool) -> Outcome | None:
        """Before the arguments."""
        self.space(p)
        if p.pos == len(p.buf):
            return Outcome.MORE
        char = p.buf[p.pos]
        return self.begin_object(p) if char == "{" else p.bad(f"expected a JSON object, got `{char}`")

    def begin_object(self, p: StreamParser) -> Outcome | None:
        name = self.name
        super().begin_object(p)
        self.name, self.unsent, self.state = name, self.start, self.inside
        self.announce(p)
        return None

    def call_of(self, p: StreamParser, value: Any) -> ToolCall:
        self.count += 1
        self.due = tuple(filter(None, (self.format.after_arguments.strip(), self.format.call_close)))
        return build_call(self.name, self.format.arguments_of(value), self.call_id)

    def after(self, p: StreamParser, final: bool) -> Outcome | None:
        """After the arguments: what closes the call, or what may stand there without."""
        while self.due:
            self.space(p)
            rest = p.buf[p.pos : p.pos + _LONGEST]
            mark = next((mark for mark in self.due if rest.startswith(mark)), None)
            if mark is None:
                break
            p.pos += len(mark)
            p.account()
            self.due = self.due[self.due.index(mark) + 1 :]
        else:
            return self._next()
        marks = self.format.followers
        if not final and (not rest or any(mark.startswith(rest) for mark in (*self.due, *marks))):
            return Outcome.MORE
        if not rest or rest.startswith(marks):
            return self._next()
        p.account()
        return p.bad(f"text between the call's JSON and `{self.due[-1]}`")

    def _next(self) -> Outcome | None:
        self.state = self.between
        return None if self.in_section else Outcome.DONE


def _either(marks: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(mark) for mark in sorted(set(marks) - {""}, key=len, reverse=True)))
