"""`PythonReader`: reads Python calls token by token, in whatever pieces they come; strings stream as they arrive, nothing is evaluated."""

import re
from typing import TYPE_CHECKING, Any

from toolfmt.families import python_lexis as lexis
from toolfmt.ir import MAX_DEPTH, build_call
from toolfmt.reader import Outcome, StateReader
from toolfmt.stream import StreamParser
from toolfmt.values import dumps, escape

if TYPE_CHECKING:
    from toolfmt.families.pythonic import Pythonic

__all__ = ["PythonReader"]

_BETWEEN = re.compile(r"[\s,;]*")
_WORD = re.compile(lexis.WORD)
_CLOSES = {"call": ")", "[": "]", "{": "}", "(": ")"}


class PythonReader(StateReader):
    """Reads a block: a list of calls, or calls without brackets where marks stand round them."""

    def __init__(self, format: "Pythonic") -> None:
        self.format = format
        self.closing_of = dict(zip(format.opens, format.closes, strict=True))

    def begin(self, p: StreamParser, marker: str) -> None:
        self.closing = self.closing_of[marker]
        self.in_list = marker == "["
        self.asks = self.format.ambiguous and not marker.startswith("<")  # the tools' names tell a call from an answer
        if not self.asks:
            p.commit()
        self.state = self.first if self.in_list else self.block
        p.pos += len(marker)

    # Each state returns an outcome, or None to go on in the next state.

    # -- round calls

    def block(self, p: StreamParser, final: bool) -> Outcome | None:
        """After a mark: a list, or a call without one."""
        char = self.space(p)
        if not char:
            return Outcome.MORE
        self.in_list = char == "["
        p.pos += self.in_list
        self.state = self.first if self.in_list else self.name_of_call
        return None

    def first(self, p: StreamParser, final: bool) -> Outcome | None:
        """After the bracket that opens the list."""
        char = self.space(p)
        if not char:
            return Outcome.MORE
        if char != "]":
            self.state = self.name_of_call
            return None
        p.pos += 1
        if not p.committed:
            return p.bad("an empty list", p.base + p.pos)
        p.account()
        self.state = self.after
        return None

    def name_of_call(self, p: StreamParser, final: bool) -> Outcome | None:
        found = self.format.name_token.match(p.buf, p.pos, p.pos + lexis.NAME + 1)
        end = found.end() if found else p.pos
        if end - p.pos > lexis.NAME:
            return p.bad(f"a tool name has more than {lexis.NAME} characters")
        if found and end == len(p.buf):
            return Outcome.MORE
        if not found or p.buf[end] != "(":
            return p.bad("expected a tool name and `(`")
        self.name, names = found.group(), p.types.names
        if self.asks and names is not None:
            if self.name not in names:
                return p.bad(f"`{self.name[:80]}` is none of the tools")
            p.commit()
        p.pos = end + 1
        self.begun = self.keyworded = False
        self.arguments: dict[str, Any] = {}
        # containers that are open: each with its bracket, and the key of its next value
        self.stack: list[tuple[Any, str, str]] = [(self.arguments, "call", "")]
        self.state = self.argument
        return None

    def next_call(self, p: StreamParser, final: bool) -> Outcome | None:
        """After a call: another one, or the end of the block."""
        found = _BETWEEN.match(p.buf, p.pos)
        assert found
        p.pos = found.end()
        if p.pos == len(p.buf):
            return Outcome.DONE if final and not self.in_list else Outcome.MORE
        if not self.in_list:
            outcome = self._end_of_block(p, final)
            if outcome is not None:
                return outcome
        elif p.buf[p.pos] == "]":
            p.pos += 1
            p.account()
            self.state = self.after
            return None
        self.state = self.name_of_call
        return None

    def after(self, p: StreamParser, final: bool) -> Outcome | None:
        """After the list: its closing mark, or neither."""
        if not self.closing:
            return Outcome.DONE
        if not self.space(p):
            return Outcome.DONE if final else Outcome.MORE
        outcome = self._end_of_block(p, final)
        if outcome is None:
            p.account()
            return p.bad(f"text between the list of calls and `{self.closing}`")
        return outcome

    def _end_of_block(self, p: StreamParser, final: bool) -> Outcome | None:
        """The closing mark, or what may stand where it was left out: another block, the end of the turn; None when it is neither."""
        if p.buf.startswith(self.closing, p.pos):
            p.pos += len(self.closing)
            p.account()
            return Outcome.DONE
        marks = (*(mark for mark in self.format.opens if mark != "["), *self.format.end_of_turn)
        if p.buf.startswith(marks, p.pos):
            return Outcome.DONE
        rest = p.buf[p.pos : p.pos + 64]
        return Outcome.MORE if not final and any(mark.startswith(rest) for mark in (self.closing, *marks)) else None

    # -- arguments

    def argument(self, p: StreamParser, final: bool) -> Outcome | None:
        """Before an argument, or the end of the call."""
        char = self.space(p)
        if not char:
            return Outcome.MORE
        if char == ")":
            return self._end_call(p)
        found = _WORD.match(p.buf, p.pos, p.pos + lexis.TOKEN + 1)
        if found is None:
            return self._begin_positional(p)
        end = found.end()
        if end - p.pos > lexis.TOKEN:
            return p.bad(lexis.TOO_LONG)
        if end == len(p.buf):
            return Outcome.MORE
        if p.buf[end] in "\"'":
            return self._begin_positional(p)
        self.word = found.group()
        p.pos = end
        self.state = self.after_word
        return None

    def after_word(self, p: StreamParser, final: bool) -> Outcome | None:
        """After the first word of an argument: it is the argument's key, or its value."""
        char = self.space(p)
        if not char:
            return Outcome.MORE
        if char == "=":
            p.pos += 1
            self.keyworded = True
            return self._begin_argument(p, self.word)
        try:
            value = lexis.scalar(self.word)
        except lexis.NotPlain as error:
            return p.bad(str(error))
        outcome = self._begin_positional(p)
        if outcome is None:
            p.delta(dumps(value))
            self._put(value)
        return outcome

    def _begin_positional(self, p: StreamParser) -> Outcome | None:
        """An argument without a key has that of the declared parameter in its place."""
        declared, place = p.types.declared(self.name), len(self.arguments)
        if self.keyworded:
            return p.bad("an argument without a key after one with a key")
        if place >= len(declared):
            return p.bad(f"argument {place + 1} has no key, and the tool declares {len(declared)} parameters")
        return self._begin_argument(p, list(declared)[place])

    def _begin_argument(self, p: StreamParser, key: str) -> Outcome | None:
        if key in self.arguments:
            return p.bad(f"the argument `{key[:80]}` is given twice")
        self._begin_call(p)
        p.delta((", " if self.arguments else "") + dumps(key) + ": ")
        self.stack[-1] = (self.arguments, "call", key)
        self.state = self.value
        return None

    def _begin_call(self, p: StreamParser) -> None:
        if not self.begun:
            self.begun = True
            p.commit()
            p.begin_call(self.name)
            p.delta("{")

    def _end_call(self, p: StreamParser) -> Outcome | None:
        self._begin_call(p)
        p.delta("}")
        p.pos += 1
        p.end_call(build_call(self.name, self.arguments))
        self.state = self.next_call
        return None

    # -- values

    def value(self, p: StreamParser, final: bool) -> Outcome | None:
        char = self.space(p)
        if not char:
            return Outcome.MORE
        if char in "\"'":
            return self._begin_string(raw=False, is_key=False)
        if char in "[{(":
            return self._push(p, char)
        found = lexis.ATOM.match(p.buf, p.pos, p.pos + lexis.TOKEN + 1)
        if found is None:
            return p.bad(f"expected a value, got `{char}`")
        end = found.end()
        if end - p.pos > lexis.TOKEN:
            return p.bad(lexis.TOO_LONG)
        if end == len(p.buf):
            return Outcome.MORE
        if p.buf[end] in "\"'":
            if found.group() not in ("r", "R", "u", "U"):
                return p.bad(f"a string cannot have the prefix `{found.group()[:40]}`")
            p.pos = end
            return self._begin_string(raw=found.group() in "rR", is_key=False)
        try:
            value = lexis.scalar(found.group())
        except lexis.NotPlain as error:
            return p.bad(str(error))
        p.pos = end
        p.delta(self._comma() + dumps(value))
        self._put(value)
        return None

    def _comma(self) -> str:
        """What stands before the next value in a list."""
        container, bracket, _ = self.stack[-1]
        return ", " if container and bracket in "[(" else ""

    def _put(self, value: Any) -> None:
        """A value is whole: into its container."""
        container, _, key = self.stack[-1]
        if isinstance(container, list):
            container.append(value)
        else:
            container[key] = value
        self.state = self.after_value

    def _push(self, p: StreamParser, bracket: str) -> Outcome | None:
        if len(self.stack) == MAX_DEPTH:
            return p.bad(f"nested more than {MAX_DEPTH} deep")
        p.delta(self._comma() + ("{" if bracket == "{" else "["))
        self.stack.append(({} if bracket == "{" else [], bracket, ""))
        p.pos += 1
        self.state = self.item
        return None

    def item(self, p: StreamParser, final: bool) -> Outcome | None:
        """After an opening bracket or a comma: an item, or the closing bracket."""
        char = self.space(p)
        if not char:
            return Outcome.MORE
        bracket = self.stack[-1][1]
        if char == _CLOSES[bracket]:
            return self._pop(p)
        if bracket != "{":
            self.state = self.value
            return None
        if char not in "\"'":
            return p.bad(f"a key must be a string, got `{char}`")
        return self._begin_string(raw=False, is_key=True)

    def colon(self, p: StreamParser, final: bool) -> Outcome | None:
        char = self.space(p)
        if not char:
            return Outcome.MORE
        if char != ":":
            return p.bad(f"expected `:` after a key, got `{char}`")
        p.pos += 1
        self.state = self.value
        return None

    def after_value(self, p: StreamParser, final: bool) -> Outcome | None:
        char = self.space(p)
        if not char:
            return Outcome.MORE
        container, bracket, _ = self.stack[-1]
        if char == ",":
            p.pos += 1
            self.state = self.argument if bracket == "call" else self.item
            return None
        if char == _CLOSES[bracket]:
            if bracket == "(" and len(container) == 1:
                return p.bad("one value in parentheses: neither a tuple nor plain")
            return self._end_call(p) if bracket == "call" else self._pop(p)
        if bracket == "call" and self.format.missing_commas and _WORD.match(char):
            self.keyworded = True
            self.state = self.argument
            return None
        return p.bad(f"expected `,` or `{_CLOSES[bracket]}`, got `{char}`")

    def _pop(self, p: StreamParser) -> Outcome | None:
        container, bracket, _ = self.stack.pop()
        p.delta("}" if bracket == "{" else "]")
        p.pos += 1
        self._put(container)
        return None

    # -- strings

    def _begin_string(self, *, raw: bool, is_key: bool) -> Outcome | None:
        self.raw, self.is_key = raw, is_key
        self.pieces: list[str] = []
        self.state = self.quote
        return None

    def quote(self, p: StreamParser, final: bool) -> Outcome | None:
        """At the quotes that open a string: one, or three."""
        quote = p.buf[p.pos]
        opening = p.buf[p.pos : p.pos + 3]
        if len(opening) < 3 and opening == quote * len(opening):
            return Outcome.MORE
        self.closes = quote * 3 if opening == quote * 3 else quote
        self.run = (lexis.RAW_RUN if self.raw else lexis.RUN)[quote]
        p.pos += len(self.closes)
        if not self.is_key:
            p.delta(self._comma() + '"')
        self.state = self.string
        return None

    def string(self, p: StreamParser, final: bool) -> Outcome | None:
        """Inside a string, up to the quotes that close it."""
        while True:
            found = self.run.match(p.buf, p.pos)
            assert found
            if found.end() > p.pos:
                try:
                    self._grow(p, found.group() if self.raw else lexis.unescape(found.group()))
                except lexis.NotPlain as error:
                    return p.bad(str(error))
                p.pos = found.end()
            rest = p.buf[p.pos : p.pos + 3]
            if not rest:
                return Outcome.MORE
            if rest[0] == "\\":
                return Outcome.MORE if lexis.may_be_escape(p.buf, p.pos) else p.bad("a string has a broken escape")
            if rest.startswith(self.closes):
                p.pos += len(self.closes)
                return self._end_string(p)
            if self.closes.startswith(rest):
                return Outcome.MORE
            self._grow(p, rest[0])  # a quote in a string between three
            p.pos += 1

    def _grow(self, p: StreamParser, piece: str) -> None:
        self.pieces.append(piece)
        if not self.is_key:
            p.delta(escape(piece))

    def _end_string(self, p: StreamParser) -> Outcome | None:
        text = lexis.join_surrogates("".join(self.pieces))
        self.pieces = []
        if not self.is_key:
            p.delta('"')
            self._put(text)
            return None
        container = self.stack[-1][0]
        if text in container:
            return p.bad(f"the key `{text[:80]}` is given twice")
        p.delta((", " if container else "") + dumps(text) + ": ")
        self.stack[-1] = (container, "{", text)
        self.state = self.colon
        return None
