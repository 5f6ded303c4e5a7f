"""The family whose arguments stand as JSON: a mark, an object (or an array of them), a mark.

    <tool_call>
    {"name": "get_weather", "arguments": {"city": "Paris"}}
    </tool_call>

JSON is decoded from its start and never searched for the closing mark, so a string may hold any mark.  A subclass says its marks;
see the class attributes.  Values are typed on the wire: tools are not needed to read them.  `json_header` is the family of a name before the JSON.
"""

import json
import re
from collections.abc import Sequence
from functools import cached_property
from itertools import islice
from typing import Any, ClassVar

import msgspec

from toolfmt.families.json_reader import JsonReader
from toolfmt.format import Format, SureWriter, openai_tool
from toolfmt.ir import Part, Tool, ToolCall, build_call
from toolfmt.reader import CallReader, Types, Whole
from toolfmt.rule import EMPTY, Arguments, Chars, Dialect, Rule, many, optional, repeat, seq
from toolfmt.stream import StreamParser
from toolfmt.tools import read_tools
from toolfmt.values import JSONTextError, dumps, dumps_call, is_plain, json_type, loads, loads_at

__all__ = ["JsonBody", "JsonReader", "closing_of", "in_one_block", "json_objects", "last_of", "plain_object"]

NEAR = 4096  # characters in which a block is tried without a look at what else opens
_TRIES = 16  # places where a tools block without a head may begin, at most
_TAIL = 64  # characters behind the last bracket, at most

_TOOL = r'\{\s*"(?:type|name)"'
_GAP = re.compile(r"[\s,\[]*(?=\{)")
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode
_NOT_PLAIN = (msgspec.DecodeError, UnicodeEncodeError, RecursionError)


class JsonBody(Format):
    """Calls as JSON.  ``opens`` and ``closes`` are its marks; what may stand between them the attributes below say."""

    name_key: ClassVar[str] = "name"
    arguments_keys: ClassVar[tuple[str, ...]] = ("arguments", "parameters")
    """Keys that hold the arguments; the first is written."""
    also_names: ClassVar[tuple[str, ...]] = ()
    """Other keys that are read as the name's."""
    name_is_key: ClassVar[bool] = False
    """A call is ``{name: arguments}``, without keys of its own."""
    id_key: ClassVar[str] = "id"
    id_first: ClassVar[bool] = False
    """The id is written before the name, not behind the arguments."""
    exact_keys: ClassVar[bool] = False
    """A call has just its two keys, and its tool is among those given: anything else is no call."""
    sure: ClassVar[tuple[str, ...]] = ()
    """Marks of an ambiguous format that stand before nothing but calls, whatever their keys and names."""
    array: ClassVar[tuple[str, str, str] | None] = None
    """Before, between and after calls that are written side by side in one block; None where each has a block of its own."""
    joints: ClassVar[str] = ";"
    """What may separate objects that no mark closes, a character; nothing is needed."""
    tools_indent: ClassVar[int | None] = None
    """The indent of a tool's definition; None on one line."""
    inside: ClassVar[str] = "\n"
    """Between a mark and the JSON, on writing.  A mark of ``opens`` may itself be, or end in, the JSON's first bracket."""
    id_rule: ClassVar[Rule | None] = None
    """What an id is, where grammars are to write it more narrowly than letters, digits, ``_`` and ``-``."""

    def __init__(self) -> None:
        keys = [("name", str, self.name_key), ("arguments", dict[str, Any], self.arguments_keys[0])]
        fields: list[Any] = [(field, kind, msgspec.field(name=key)) for field, kind, key in keys]
        if self.limits.ids:
            fields.append(("id", str, msgspec.field(name=self.id_key, default=None)))
        self._ids = bool(self.limits.ids)
        call: Any = msgspec.defstruct("Call", fields, forbid_unknown_fields=True, omit_defaults=True)
        one = msgspec.json.Decoder(call)
        self._decode_call, self._decode_calls = one.decode, msgspec.json.Decoder(list[call]).decode
        if self.name_is_key:
            self._decode_calls = msgspec.json.Decoder(list[dict[str, dict[str, Any]]]).decode
        elif self.array is not None and not self.array[0].strip():
            self._decode_calls = one.decode_lines

    @cached_property
    def name_keys(self) -> tuple[str, ...]:
        return (self.name_key, *self.also_names)

    def reader(self) -> CallReader:
        return JsonReader(self)

    def read_whole(self, p: StreamParser, at: int) -> Whole | None:
        """Blocks in their canonical spelling, side by side: an object between ``opens[0]`` and ``closes[0]``."""
        if self.array is not None:
            return self._read_array(p, at)
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

    def read_rest(self, text: str, at: int, types: Types) -> list[ToolCall] | None:
        """Most messages hold one call."""
        opening, closing = self.marks
        start, end = at + len(opening), len(text) - len(closing)
        if self._own and end - start < NEAR and text.find(closing, start) == end and text.startswith(opening, at):
            call = self.plain_call(text[start:end])
            if call is not None:
                return [call]
        return super().read_rest(text, at, types)

    def sure_writer(self, types: Types) -> SureWriter | None:
        return self.surely() if self._own else None

    def surely(self) -> SureWriter:
        """What writes one block of canonical JSON, in which no string holds the closing mark."""
        (opening, closing), write = self.marks, self.write_calls
        start, after = len(opening), len(closing)

        def written(calls: Sequence[ToolCall]) -> str | None:
            text = write(calls)
            end = len(text) - after
            return text if end - start < NEAR and text.find(closing, start) == end and text.startswith(opening) else None

        return written

    @cached_property
    def marks(self) -> tuple[str, str]:
        """What stands round the block that is written."""
        return self.opens[0], self.closes[0]

    @cached_property
    def _own(self) -> bool:
        """Whether calls are read and written as they are here."""
        return type(self).read_whole is JsonBody.read_whole and type(self).write_calls is JsonBody.write_calls

    def _read_array(self, p: StreamParser, at: int) -> Whole | None:
        """The calls of one block, as they are written."""
        buf, opening, closing = p.buf, self.opens[0], self.closes[0]
        if not buf.startswith(opening, at):
            return None
        start = at + len(opening) - opening.endswith("[")
        end = closing_of(p, start, opening, closing) if closing else last_of(p, start, opening, "]")
        calls = self.plain_calls(buf[start:end]) if end >= 0 else None
        return in_one_block(calls, at, end + len(closing)) if calls else None

    def plain_call(self, text: str) -> ToolCall | None:
        """The call that ``text`` spells with just its two keys; None when it does not, for the reader to say why."""
        try:
            call = self._decode_call(text)
        except _NOT_PLAIN:
            return None
        name, arguments = call.name, call.arguments
        if not name or not is_plain(text, call, (arguments,)):
            return None
        return build_call(name, arguments, call.id if self._ids else None)

    def plain_calls(self, text: str) -> list[ToolCall] | None:
        """The same of an array of calls, or of calls on lines of their own."""
        try:
            calls = self._decode_calls(text)
        except _NOT_PLAIN:
            return None
        if self.name_is_key:
            held = [(name, arguments, None) for item in calls if len(item) == 1 for name, arguments in item.items()]
        elif self.limits.ids:
            held = [(call.name, call.arguments, call.id) for call in calls]
        else:
            held = [(call.name, call.arguments, None) for call in calls]
        if not is_plain(text, calls, [arguments for _, arguments, _ in held]):
            return None
        if len(held) < len(calls) or not all(name for name, _, _ in held):
            return None
        return [build_call(name, arguments, id) for name, arguments, id in held]

    def call_of(self, value: Any) -> ToolCall:
        """The call that a decoded object is; JSONTextError says why it is none."""
        if not isinstance(value, dict):
            raise JSONTextError(f"expected an object with `{self.name_key}`, got {json_type(value)}")
        if self.name_is_key:
            return self._call_by_name(value)
        name_key = next((key for key in self.name_keys if key in value), "")
        name = value.get(name_key) if name_key else None
        if not isinstance(name, str) or not name:
            raise JSONTextError(
                f"`{name_key}` must be a string, got `{name!r}`" if name_key else f"no `{self.name_key}`"
            )
        keys = [key for key in self.arguments_keys if key in value]
        if len(keys) > 1:
            raise JSONTextError(f"both `{keys[0]}` and `{keys[1]}` are given")
        call_id = value.get(self.id_key)
        known = {name_key, *keys} | ({self.id_key} if isinstance(call_id, str) else set())
        for key, held in value.items():
            if key not in known and (key, held) != ("type", "function"):
                raise JSONTextError(f"the call has a key `{key}` that toolfmt does not know")
        return build_call(name, self.arguments_of(value.get(keys[0]) if keys else {}), call_id)

    def _call_by_name(self, value: dict[str, Any]) -> ToolCall:
        if len(value) != 1 or not all(value):
            raise JSONTextError("a call has one key, the tool's name")
        [(name, arguments)] = value.items()
        return build_call(name, self.arguments_of(arguments))

    def check_exact(self, value: dict[str, Any]) -> None:
        """JSONTextError where a decoded object that could be a call has not just the two keys of one."""
        if len(value) != 2 or not any(key in value for key in self.arguments_keys):
            raise JSONTextError(f"a call has just the keys `{self.name_key}` and `{self.arguments_keys[0]}`")

    def arguments_of(self, value: Any) -> dict[str, Any]:
        """The arguments object, also when it was encoded twice."""
        if isinstance(value, str):
            value = loads(value)
        if not isinstance(value, dict):
            raise JSONTextError(f"arguments must be an object, got {json_type(value)}")
        return value

    # -- writing

    def write_calls(self, calls: Sequence[ToolCall]) -> str:
        opening, closing = self._written_marks
        if len(calls) == 1 and self.array is None:
            return f"{opening}{self.write_body(calls[0])}{closing}"
        bodies = [self.write_body(call) for call in calls]
        if self.array is not None:
            before, between, after = self.array
            bodies = [before + between.join(bodies) + after]
        return self.between_calls.join(f"{opening}{body}{closing}" for body in bodies)

    @cached_property
    def _written_marks(self) -> tuple[str, str]:
        return self.write_opening() + self.inside, self.inside + self.closes[0]

    def write_opening(self) -> str:
        return self.opens[0].rstrip("[{")

    def write_body(self, call: ToolCall) -> str:
        if self.name_is_key:
            return dumps({call.name: call.arguments})
        arguments = call.arguments
        body: dict[str, Any] = {self.name_key: call.name, self.arguments_keys[0]: arguments}
        if not self._ids or call.id is None:
            return dumps_call(body, arguments)
        return dumps({self.id_key: call.id, **body} if self.id_first else {**body, self.id_key: call.id})

    # -- what may be written

    @cached_property
    def dialect(self) -> Dialect:
        return Dialect()

    @property
    def one_block(self) -> bool:
        return self.array is not None

    def call_rule(self, tool: Tool) -> Rule:
        arguments = Arguments(tool, self.dialect)
        if self.name_is_key:
            body = seq(f"{{{dumps(tool.name)}: ", arguments, "}")
        else:
            before, after = self._id_rules()
            name = f"{dumps(self.name_key)}: {dumps(tool.name)}, {dumps(self.arguments_keys[0])}: "
            body = seq("{", before, name, arguments, after, "}")
        if self.array is not None:
            return body
        return seq(self.write_opening() + self.inside, body, self.inside + self.closes[0])

    def _id_rules(self) -> tuple[Rule, Rule]:
        """What stands before and after name and arguments where calls have ids."""
        if not self.limits.ids:
            return EMPTY, EMPTY
        digits = Chars.of(("0", "9"), ("A", "Z"), ("a", "z"), "_-")
        value = seq(f'{dumps(self.id_key)}: "', self.id_rule or repeat(digits, 1, 16), '"')
        return (seq(value, ", "), EMPTY) if self.id_first else (EMPTY, optional(seq(", ", value)))

    def calls_rule(self, call: Rule, more: bool) -> Rule:
        if self.array is None:
            return super().calls_rule(call, more)
        before, between, after = self.array
        calls = seq(call, many(seq(between, call))) if more else call
        return seq(self.write_opening() + self.inside + before, calls, after + self.inside + self.closes[0])

    # -- the tools block

    def write_tool(self, tool: Tool) -> str:
        if self.tools_indent is None:
            return super().write_tool(tool)
        return json.dumps(openai_tool(tool), ensure_ascii=False, indent=self.tools_indent)

    def find_tools(self, text: str) -> tuple[tuple[Tool, ...], int, int] | None:
        """The JSON objects between head and tail, whatever white space, commas and brackets stand round them."""
        head, tail = self.tools_head.rstrip("[ \n"), self.tools_tail.lstrip("] \n")
        bracket = r"\[\s*" if "[" in self.tools_head else ""
        found = None
        definitions: list[Any] = []
        end = 0
        for found in islice(re.finditer(re.escape(head) or bracket + _TOOL, text), 1 if head else _TRIES):
            definitions, end = json_objects(text, found.end() if head else found.start())
            if definitions:
                break
        if found is None:
            return None
        close = re.compile(r"[\s\]]*" + re.escape(tail)).match(text, end)
        if close is None or not (definitions or head):
            return None
        exact = text.startswith(self.tools_tail, end)
        return read_tools(definitions), found.start(), end + len(self.tools_tail) if exact else close.end()


def closing_of(p: StreamParser, start: int, opening: str, closing: str) -> int:
    """Where the next closing mark stands; -1 where there is none, or none near before another block opens."""
    end = p.find(closing, start)
    if end - start > NEAR and p.buf.find(opening, start, end) >= 0:
        return -1
    return end


def last_of(p: StreamParser, start: int, opening: str, bracket: str) -> int:
    """Where the JSON ends that nothing closes and at most an end marker follows; -1 where that is in doubt."""
    end = p.buf.rfind(bracket, max(start, len(p.buf) - _TAIL)) + 1
    if not end or (end - start > NEAR and p.buf.find(opening, start + 1, end) >= 0):
        return -1
    return end


def json_objects(text: str, at: int) -> tuple[list[Any], int]:
    """The JSON objects that stand side by side at ``at``, and the end of the last."""
    found = []
    while gap := _GAP.match(text, at):
        try:
            value, at = loads_at(text, gap.end())
        except JSONTextError:
            break
        found.append(value)
    return found, at


def plain_object(text: str) -> dict[str, Any] | None:
    """The JSON object that ``text`` plainly is; None where that is in doubt, for the reader to decide."""
    try:
        value = _decode_object(text)
    except _NOT_PLAIN:
        return None
    return value if is_plain(text, value, (value,)) else None


def in_one_block(calls: Sequence[Part], start: int, end: int) -> Whole:
    """Calls that share the block ``start`` to ``end``."""
    return [(call, start if i == 0 else end, end) for i, call in enumerate(calls)]
