"""What the families `raw_tags` and `typed_tags` share: calls as tags whose values stand between them as text.

    <minimax:tool_call>                                  opens[0], a section
    <invoke name="get_weather">                          call_open  NAME  name_close
    <parameter name="city">Paris</parameter>             key_open  KEY  key_close  value_open  VALUE  value_close
    </invoke>                                            call_close
    </minimax:tool_call>                                 closes[0]

The joints between tags are ``line``.  A value ends only where its closing tag is followed by what may follow it: ``line`` (or, on reading, a newline
or nothing) and the next argument or the end of the call; so a value may hold any tag, its own too.  A value in which a whole next call begins was
never closed: the call is malformed and the next one is read.
"""

import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar

from toolfmt.coercion import CallLost
from toolfmt.errors import UnrepresentableError
from toolfmt.families.tag_reader import Delimiters, TagReader
from toolfmt.format import Format
from toolfmt.ir import Part, Reasoning, Tool, ToolCall, ToolResult, build_call
from toolfmt.reader import CallReader, Whole
from toolfmt.rule import EMPTY, Arguments, Chars, Dialect, Lit, Members, Rule, Strings, many, optional, repeat, seq
from toolfmt.stream import StreamParser
from toolfmt.values import STRING, JSONTextError, literal

__all__ = ["Tags"]

NEAR = 4096  # characters in which a value's end is looked for without a look at the next call
_KEYS = 1000  # spellings of names and keys that are remembered
NAME = 1024  # characters of a tool or argument name, at most


class Tags(Format):
    """Calls as tags.  An ``opens[0]`` that is not ``call_open`` wraps calls; ``opens[1]``, the call's own tag, opens one that lacks its wrapper."""

    call_open: ClassVar[str] = "<function="
    name_char: ClassVar[str] = r"[^>\n]"
    """One character of a tool's name, a regular expression; ``key_char`` of an argument's."""
    name_rest: ClassVar[str] = ""
    """What stands between a name and ``name_close``; ``{index}`` is the call's number, from 1."""
    name_close: ClassVar[str] = ">"
    """Ends the tag of the name; empty where the name is one word straight after ``call_open``."""
    call_close: ClassVar[str] = "</function>"
    key_open: ClassVar[str] = "<parameter="
    key_char: ClassVar[str] = r"[^>\n]"
    key_rest: ClassVar[str] = ""
    """What stands between a key and ``key_close``; ``{type}`` is the type of the value."""
    key_close: ClassVar[str] = ">"
    value_open: ClassVar[str] = ""
    """The value's own opening tag, where key and value have one each."""
    value_close: ClassVar[str] = "</parameter>"
    line: ClassVar[str] = "\n"
    """Between tags: a newline, or nothing."""
    frame: ClassVar[str] = "\n"
    """Written before and after a value, and removed once each: a newline, or nothing."""
    quotes: ClassVar[tuple[str, str] | None] = None
    """What stands round a string in which ``risky`` finds something, e.g. ``<![CDATA[`` and ``]]>``; read round any value."""
    risky: ClassVar[re.Pattern[str]] = re.compile(r"[<&\n]")
    escaped: ClassVar[bool] = False
    """Names and keys are written with ``&amp;`` for ``&`` and ``&quot;`` for ``"``."""
    shared: ClassVar[bool] = False
    """Calls side by side stand in one section, not in one each."""
    no_arguments: ClassVar[str] = ""
    """What stands in a call without arguments."""
    leads: ClassVar[bool] = False
    """``before_call[0]`` is written where no text stands before a call, too."""
    results_block: ClassVar[tuple[str, str]] = ("", "")
    """What stands round the results of one message."""

    def __init__(self) -> None:
        line, frame = self.line, self.frame
        wrapped = self.opens[0] != self.call_open
        opening, closing = (self.opens[0] + line, line + self.closes[0]) if wrapped else ("", "")
        self.wrapped = wrapped
        self._section = (opening, closing) if self.shared else ("", "")
        self._around = ("", "") if self.shared else (opening, closing)
        self._joint = line if self.shared else self.between_calls
        self._next = self._joint + self._around[0] + self.call_open
        self.next_call = frame + self.call_close + self._around[1] + self._next
        after = (self.key_open, self.call_close)
        opens, closes = self.quotes or ("", "")
        gaps = [gap + follower for gap in ("", "\n") for follower in after]
        unended = self._around[1] + self._next  # after a value, where the call's own closing tag is missing
        broken = (self.next_call, f"{frame}{self.value_close}{unended}")
        glued = self.closes[0] + self.opens[0] + self.call_open
        inline = (f"{self.value_close}{unended}", self.value_close + glued, self.call_close + glued) if frame else ()
        self.inline = Delimiters([self.value_close + end for end in gaps], (*broken, *inline))
        self.framed = Delimiters([f"{frame}{self.value_close}{line}{follower}" for follower in after], broken)
        self.quoted = Delimiters(
            [closes + self.value_close + end for end in gaps], (self.next_call, f"{closes}{self.value_close}{unended}")
        )
        self._ends = self.framed if frame else self.inline
        self._close = f"{frame}{self.value_close}{line}" if frame else self.value_close
        self._quoted_close = closes + self.value_close
        self._gap = "" if frame else line
        self._followers = tuple(self._gap + follower for follower in after)
        strangers = () if frame else tuple(("" if line else "\n") + follower for follower in after)
        self._strangers = (*strangers, unended.removeprefix(line) if frame else unended)
        self._tail = self.call_close + self._around[1]
        self._valued = self.key_close + (line if self.value_open else "") + self.value_open + frame
        self.name_inside = _inside(self.name_char + f"{{1,{NAME}}}", self.name_rest)
        self.key_inside = _inside(self.key_char + f"{{0,{NAME}}}", self.key_rest)
        self._ends_value = frame + self.value_close + line
        self._spelled: dict[tuple[str, str | int], str] = {}
        self._match_head = re.compile(
            re.escape(self._around[0] + self.call_open) + self.name_inside.pattern + re.escape(self.name_close + line)
        ).match
        quoted = f"({re.escape(opens)})?" if opens else ""
        self._match_key = re.compile(
            re.escape(self.key_open) + self.key_inside.pattern + re.escape(self._valued) + quoted
        ).match

    # -- what the two families differ in

    @abstractmethod
    def is_string(self, p: StreamParser, index: int, tool: str, key: str, kind: str) -> bool:
        """Whether an argument is a string for certain; ``kind`` is what its tag says, empty where it says nothing."""

    @abstractmethod
    def value(self, p: StreamParser, index: int, tool: str, key: str, kind: str, text: str) -> Any:
        """What an argument's text means; CallLost or JSONTextError where it means nothing."""

    @abstractmethod
    def spell_value(self, value: Any) -> tuple[str, str]:
        """The type that an argument's tag tells, and its text."""

    # -- reading

    def reader(self) -> CallReader:
        return TagReader(self)

    def read_whole(self, p: StreamParser, at: int) -> Whole | None:
        """Calls in their canonical spelling, side by side."""
        buf, found = p.buf, list[tuple[Part, int, int]]()
        opening, closing = self._section
        start, joint, following = at, self._joint, self._next
        if opening:
            if not buf.startswith(opening, at):
                return None
            at += len(opening)
        while call := self._read_plain(p, at, p.calls + len(found)):
            found.append(call)
            at = call[2]
            if not buf.startswith(following, at):
                break
            at += len(joint)
        if not closing or not found:
            return found or None
        if not buf.startswith(closing, at):
            return None
        at += len(closing)
        return [(call, start if i == 0 else at, at) for i, (call, _, _) in enumerate(found)]

    def _read_plain(self, p: StreamParser, at: int, index: int) -> tuple[ToolCall, int, int] | None:
        buf, match_key, close, framed, gap = p.buf, self._match_key, self._close, len(self.frame), len(self._gap)
        quotes, escaped = self.quotes, self.escaped
        head = self._match_head(buf, at)
        if head is None:
            return None
        name, pos = self.plain_name(head[1]), head.end()
        declared = p.types.declared(name)
        limit = -1
        arguments: dict[str, Any] = {}
        while tag := match_key(buf, pos):
            start, key = tag.end(), self.plain_name(tag[1]) if escaped else tag[1]
            if quotes:
                close = self._quoted_close if tag[3] else self._close
            end = buf.find(close, start - framed, limit if limit >= 0 else start + NEAR)
            if end < 0 and limit < 0:
                limit = p.find(self.next_call, start - framed)
                limit = len(buf) if limit < 0 else limit + framed
                end = buf.find(close, start - framed, limit)
            while end >= 0 and not buf.startswith(self._followers, end + len(close)):
                if buf.startswith(self._strangers, end + len(close)):
                    return None
                end = buf.find(close, end + 1, limit if limit >= 0 else start + NEAR)
            if end < 0 or key in arguments:
                return None
            allowed = declared.get(key)
            text = buf[start:end]
            if allowed is not None:
                arguments[key] = text if allowed.types == STRING else literal(text, allowed.types, allowed.values)
            else:
                try:
                    arguments[key] = self.value(p, index, name, key, tag[2], text)
                except (CallLost, JSONTextError):
                    return None
            pos = end + len(close) + gap
        if not arguments and self.no_arguments:
            if not buf.startswith(self.no_arguments, pos):
                return None
            pos += len(self.no_arguments)
        if not buf.startswith(self._tail, pos) or (limit < 0 and buf.find(self.next_call, at, pos) >= 0):
            return None
        return build_call(name, arguments), at, pos + len(self._tail)

    # -- writing

    def plain_name(self, written: str) -> str:
        """The name or key that a tag spells."""
        return written.replace("&quot;", '"').replace("&amp;", "&") if self.escaped and "&" in written else written

    def joint(self, before: Part | None, part: Part) -> str:
        if self.leads and isinstance(part, ToolCall) and (before is None or isinstance(before, Reasoning)):
            return self.before_call[0]
        return super().joint(before, part)

    def write_calls(self, calls: Sequence[ToolCall]) -> str:
        return self.side_by_side([self.write_call(call, i) for i, call in enumerate(calls, 1)])

    def side_by_side(self, written: Sequence[str]) -> str:
        """The text of calls, of which each is written."""
        opening, closing = self._section
        return f"{opening}{self._joint.join(written)}{closing}"

    def write_call(self, call: ToolCall, index: int) -> str:
        """The text of one call, of this number among those side by side."""
        spelled, ends = self._spelled, self._ends_value
        pieces = [spelled.get((call.name, index)) or self._write_name(call.name, index)]
        for key, value in call.arguments.items():
            kind, text = self.spell_value(value)
            opening = spelled.get((key, kind)) or self._write_key(key, kind)
            if not isinstance(value, str):
                text = self.hide(text) if self.not_in_containers and any(mark in text for mark in self.not_in_containers) else text
            elif self.quotes and self.risky.search(text):
                text = text.join(self.quotes)
            pieces += (opening, text, ends)
        if not call.arguments:
            pieces.append(self.no_arguments)
        pieces.append(self._tail)
        return "".join(pieces)

    def _write_name(self, name: str, index: int) -> str:
        """What a call begins with, remembered."""
        inside = self._spell_name(name) + (self.name_rest.format(index=index) if self.name_rest else "")
        if not self.name_inside.fullmatch(inside):
            raise UnrepresentableError("$.name", f"{self.name} cannot write the tool name `{name}`")
        return self._remember(name, index, f"{self._around[0]}{self.call_open}{inside}{self.name_close}{self.line}")

    def _write_key(self, key: str, kind: str) -> str:
        """What an argument begins with, remembered."""
        inside = self._spell_name(key) + self.key_rest.format(type=kind)
        if not self.key_inside.fullmatch(inside):
            raise UnrepresentableError(f"$.arguments.{key}", f"{self.name} cannot write this key")
        return self._remember(key, kind, f"{self.key_open}{inside}{self._valued}")

    def _remember(self, name: str, more: str | int, spelled: str) -> str:
        """A dataset has few tools and keys."""
        if len(self._spelled) >= _KEYS:
            self._spelled.clear()
        self._spelled[name, more] = spelled
        return spelled

    def _spell_name(self, name: str) -> str:
        return name.replace("&", "&amp;").replace('"', "&quot;") if self.escaped else name

    def hide(self, text: str) -> str:
        """The text of a container, in which no string holds a tag as it stands."""
        return text.replace("<", "\\u003c")

    # -- what may be written

    @property
    def types(self) -> Mapping[str, str]:
        """What the tag of a key calls each JSON type, where it tells."""
        return {}

    @property
    def inner(self) -> Dialect:
        """How containers are written."""
        return Dialect()

    @property
    def one_block(self) -> bool:
        return self.shared

    @cached_property
    def dialect(self) -> Dialect:
        """A value is closed only before a next key or the end of its call.  Framed values are also closed by a tag that lacks the newline before it
        where the text begins with one, so no value of a grammar holds that either."""
        ends = (self.framed if self.frame else self.inline).marks
        stops = tuple(dict.fromkeys(mark.removeprefix("\n") if self.frame else mark for mark in ends))
        members = Members(
            opens="",
            key=(self.key_open, self.key_rest + self._valued),
            ends=self.frame + self.value_close + self.line,
            between="",
            closes=self.call_close,
            empty=self.no_arguments + self.call_close,
            keys="bare",
            pattern=self.limits.keys,
            escapes=(("&", "&amp;"), ('"', "&quot;")) if self.escaped else (),
            types=self.types,
        )
        inner = replace(self.inner, strings=replace(self.inner.strings, never=self.not_in_containers))
        strings = Strings("raw", never=stops, quotes=self.quotes or ("", ""))
        return Dialect(members, strings, self.words, inner=inner, typed=bool(self.types), space="")

    @property
    def words(self) -> tuple[str, str, str]:
        """true, false and null at the top level."""
        return "true", "false", "null"

    @cached_property
    def not_in_containers(self) -> tuple[str, ...]:
        """What no container holds as it stands: the beginning of a tag that could close its value."""
        return tuple(mark[:8] for mark in (self.value_close, self.next_call) if not (self.frame or "\n" in mark))

    def call_rule(self, tool: Tool) -> Rule:
        name = self._spell_name(tool.name)
        before, _, after = self.name_rest.partition("{index}")
        number = seq(before, Chars.of(("1", "9")), repeat(Chars.of(("0", "9")), 0, 3), after) if before else EMPTY
        if not self.name_inside.fullmatch(name + self.name_rest.format(index=1)):
            raise UnrepresentableError("$.name", f"{self.name} cannot write the tool name `{tool.name}`")
        head = seq(self._around[0] + self.call_open + name, number, self.name_close + self.line)
        return seq(head, Arguments(tool, self.dialect), self._around[1])

    def calls_rule(self, call: Rule, more: bool) -> Rule:
        opening, closing = self._section
        return seq(opening, call, many(seq(self._joint, call)) if more else EMPTY, closing)

    @property
    def around_calls(self) -> tuple[Rule, Rule]:
        return optional(Lit(self.before_call[0])) if self.leads else EMPTY, EMPTY

    # -- tool results

    def write_results(self, results: Sequence[ToolResult]) -> str:
        opening, closing = self.results_block
        return opening + super().write_results(results) + closing

    def read_results(self, text: str) -> list[ToolResult] | None:
        opening, closing = self.results_block
        if not opening:
            return super().read_results(text)
        body = text.strip()
        if not (body.startswith(opening) and body.endswith(closing)):
            return None
        return super().read_results(body[len(opening) : len(body) - len(closing)])


def _inside(name: str, rest: str) -> re.Pattern[str]:
    """What stands inside a tag: the name, and the type, empty where the tag tells none."""
    places = {"index": r"\d{1,9}", "type": r"(\w{1,32})"}
    pieces = re.split(r"\{(index|type)\}", rest)
    told = "".join(places[piece] if i % 2 else re.escape(piece) for i, piece in enumerate(pieces))
    if "index" in pieces:
        told = f"(?:{told})?"
    return re.compile(f"({name}){told}" + ("" if "type" in pieces else "()"))
