"""`BraceReader`: reads a call of the braces family token by token, in whatever pieces it comes."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from toolfmt.families.brace_lexis import (
    NAME,
    PARTIAL_SCALAR,
    QUOTED,
    TOKEN,
    TOO_LONG,
    NotPlain,
    scalar,
    unquote,
)
from toolfmt.ir import MAX_DEPTH, build_call
from toolfmt.reader import Outcome, StateReader
from toolfmt.stream import StreamParser
from toolfmt.values import dumps, escape

if TYPE_CHECKING:
    from toolfmt.families.braces import Braces

__all__ = ["BraceReader"]


class BraceReader(StateReader):
    """Reads a call token by token, in whatever pieces it comes."""

    def __init__(self, format: "Braces") -> None:
        self.format = format

    def begin(self, p: StreamParser, marker: str) -> None:
        p.pos += len(marker)
        self._next_call()

    def _next_call(self) -> None:
        self.state = self.head
        self.stack: list[tuple[Any, str]] = []  # containers, and the key under which the next value goes
        self.seen = 0  # characters of a string in quotes that were searched
        self.muted = 0  # containers deep in a value whose key was given before
        self.result: dict[str, Any] = {}

    def _partial(self, p: StreamParser, token: re.Pattern[str], what: str) -> Outcome:
        """No whole token stands here: it may be the beginning of one, or it is none."""
        found = token.match(p.buf, p.pos)
        if found and found.end() - p.pos > TOKEN:
            return p.bad(TOO_LONG)
        if found and found.end() == len(p.buf):
            return Outcome.MORE
        return p.bad(f"expected {what}, got `{p.buf[p.pos]}`")

    def head(self, p: StreamParser, final: bool) -> Outcome | None:
        if not self.space(p):
            return Outcome.MORE
        found = self.format.head.match(p.buf, p.pos, p.pos + NAME + 8)
        if found is None:
            rest, opening = p.buf[p.pos : p.pos + NAME], self.format.call_open
            part = rest.startswith(opening) and self.format.part_of_head.fullmatch(rest, len(opening))
            if len(rest) < NAME and (part or opening.startswith(rest)):
                return Outcome.MORE
            return p.bad(f"expected `{opening}` and a tool name")
        self.name = found[1]
        p.pos = found.end()
        self.state = self.body
        return None

    def body(self, p: StreamParser, final: bool) -> Outcome | None:
        """After the name: the arguments in braces, or the closing mark and no arguments."""
        self.space(p)
        rest, closing = p.buf[p.pos : p.pos + 64], self.format.closes[0]
        if rest.startswith(closing):
            p.begin_call(self.name)
            p.delta("{}")
            self.state = self.close
            return None
        if rest.startswith("{"):
            p.begin_call(self.name)
            return self._push(p, {}, "")
        if closing.startswith(rest):
            return Outcome.MORE
        return p.bad(f"expected `{{`, got `{rest[:1]}`")

    def _push(self, p: StreamParser, container: Any, comma: str) -> Outcome | None:
        if len(self.stack) == MAX_DEPTH:
            return p.bad(f"nested more than {MAX_DEPTH} deep")
        self._say(p, comma + ("{" if isinstance(container, dict) else "["))
        self.stack.append((container, ""))
        self.muted += self.muted > 0
        p.pos += 1
        self.state = self.first
        return None

    def _say(self, p: StreamParser, text: str) -> None:
        if not self.muted:
            p.delta(text)

    def first(self, p: StreamParser, final: bool) -> Outcome | None:
        """After an opening bracket."""
        char = self.space(p)
        if not char:
            return Outcome.MORE
        container = self.stack[-1][0]
        if char == ("}" if isinstance(container, dict) else "]"):
            return self._pop(p)
        self.state = self.key if isinstance(container, dict) else self.value
        return None

    def key(self, p: StreamParser, final: bool) -> Outcome | None:
        char = self.space(p)
        if not char:
            return Outcome.MORE
        if self.format.loose and char in QUOTED:
            return self._quoted(p, self._put_key)
        found = self.format.key_word.match(p.buf, p.pos)
        if found is None:
            return self._partial(p, self.format.part_of_key, "a key")
        if len(found[1]) > TOKEN:
            return p.bad(TOO_LONG)
        p.pos = found.end()
        return self._put_key(p, found[1])

    def _put_key(self, p: StreamParser, key: str) -> Outcome | None:
        container = self.stack[-1][0]
        if key in container and not self.muted:
            self.muted = 1
        self._say(p, (", " if container else "") + dumps(key) + ": ")
        self.stack[-1] = (container, key)
        self.state = self.colon
        return None

    def colon(self, p: StreamParser, final: bool) -> Outcome | None:
        char = self.space(p)
        if not char:
            return Outcome.MORE
        if char != ":" and not (self.format.loose and char == "="):
            return p.bad(f"expected `:`, got `{char}`")
        p.pos += 1
        self.state = self.value
        return None

    def value(self, p: StreamParser, final: bool) -> Outcome | None:
        char = self.space(p)
        if not char:
            return Outcome.MORE
        container = self.stack[-1][0]
        comma = ", " if isinstance(container, list) and container else ""
        for mark in self.format.string_marks:
            if p.buf.startswith(mark, p.pos):
                return self._begin_string(p, mark, comma)
        if char in "{[":
            return self._push(p, {} if char == "{" else [], comma)
        if self.format.loose and char in QUOTED:
            return self._quoted(p, self._put_quoted)
        found = self.format.scalar.match(p.buf, p.pos)
        if found is not None and found.end() - p.pos > TOKEN:
            return p.bad(TOO_LONG)
        if found is None:
            if p.buf[p.pos : p.pos + 64] in self.format.mark_starts:
                return Outcome.MORE
            return self._partial(p, PARTIAL_SCALAR, "a value")
        try:
            value = scalar(found, 1, self.format.words)
        except NotPlain:
            return p.bad(f"the number `{found[1][:40]}` is out of range")
        p.pos = found.end()
        self._say(p, comma + dumps(value))
        return self._put(p, value)

    def _begin_string(self, p: StreamParser, mark: str, comma: str) -> Outcome | None:
        self.mark, self.pieces = mark, list[str]()
        self.streams = self.format.streams_strings(len(self.stack))
        p.pos += len(mark)
        self._say(p, comma + ('"' if self.streams else ""))
        self.state = self.string
        return None

    def string(self, p: StreamParser, final: bool) -> Outcome | None:
        """Inside a string, up to its mark."""
        end = p.buf.find(self.mark, p.pos)
        upto = end if end >= 0 else _settled(p.buf, p.pos, self.mark)
        if upto > p.pos:
            piece = p.buf[p.pos : upto]
            self.pieces.append(piece)
            if self.streams:
                self._say(p, escape(piece))
            p.pos = upto
        if end < 0:
            return Outcome.MORE
        p.pos = end + len(self.mark)
        value = self.format.string_value("".join(self.pieces), len(self.stack))
        self._say(p, '"' if self.streams else dumps(value))
        return self._put(p, value)

    def _quoted(self, p: StreamParser, put: Callable[[StreamParser, str], Outcome | None]) -> Outcome | None:
        """A string in quotes, as in JSON or Python."""
        at = p.pos + (self.seen or 1)
        quote = p.buf[p.pos]
        while found := QUOTED[quote].search(p.buf, at):
            at = found.end()
            if found[0] == quote:
                text, p.pos, self.seen = p.buf[p.pos : at], at, 0
                try:
                    return put(p, unquote(text))
                except ValueError:
                    return p.bad("a string in quotes with an unknown escape")
        self.seen = len(p.buf) - p.buf.endswith("\\", at) - p.pos
        return Outcome.MORE

    def _put_quoted(self, p: StreamParser, value: str) -> Outcome | None:
        container = self.stack[-1][0]
        self._say(p, (", " if isinstance(container, list) and container else "") + dumps(value))
        return self._put(p, value)

    def _put(self, p: StreamParser, value: Any) -> Outcome | None:
        """A value is whole: into its container."""
        container, key = self.stack[-1]
        if isinstance(container, list):
            container.append(value)
        elif key not in container:
            container[key] = value
        if self.muted == 1:
            self.muted = 0
        self.state = self.after_value
        return None

    def after_value(self, p: StreamParser, final: bool) -> Outcome | None:
        char = self.space(p)
        if not char:
            return Outcome.MORE
        container = self.stack[-1][0]
        if char == ",":
            p.pos += 1
            self.state = self.key if isinstance(container, dict) else self.value
            return None
        if char == ("}" if isinstance(container, dict) else "]"):
            return self._pop(p)
        return p.bad(f"expected `,` or `{'}' if isinstance(container, dict) else ']'}`, got `{char}`")

    def _pop(self, p: StreamParser) -> Outcome | None:
        container, _ = self.stack.pop()
        self._say(p, "}" if isinstance(container, dict) else "]")
        p.pos += 1
        if self.muted:
            self.muted -= 1
        if self.stack:
            return self._put(p, container)
        self.result = container
        self.state = self.close
        return None

    def close(self, p: StreamParser, final: bool) -> Outcome | None:
        """After the arguments: the closing mark, or the next call of the same block; at the end of the turn, nothing."""
        char = self.space(p)
        rest, closing = p.buf[p.pos : p.pos + 64], self.format.closes[0]
        following = self.format.call_open if self.format.loose else closing
        if rest.startswith(closing):
            p.pos += len(closing)
            p.end_call(build_call(self.name, self.result))
            return Outcome.DONE
        if rest.startswith(following):
            p.end_call(build_call(self.name, self.result))
            self._next_call()
            return None
        ends = (*self.format.opens, *self.format.end_of_turn)
        if rest.startswith(ends) or (final and not rest):
            p.end_call(build_call(self.name, self.result))
            return Outcome.DONE
        if any(mark.startswith(rest) for mark in (closing, following, *ends)):
            return Outcome.MORE
        return p.bad(f"expected `{closing}`, got `{char}`")


def _settled(buf: str, start: int, mark: str) -> int:
    """Where a string is settled up to: ``mark`` cannot begin earlier."""
    for at in range(max(start, len(buf) - len(mark) + 1), len(buf)):
        if mark.startswith(buf[at:]):
            return at
    return len(buf)
