"""The family whose containers are trees of tags: an object's members by their keys, an array's elements as ``<item>``.

    ]<]minimax[>[<data>]<]minimax[>[<tags>]<]minimax[>[<item>a]<]minimax[>[</item>]<]minimax[>[</tags>]<]minimax[>[</data>

``mark`` stands before every tag, so no text holds one.  An element ends at the closing tag of its depth, whatever that is called.  Leaves carry no
types: the schemas decide, and where they say nothing a text that is JSON's spelling of a scalar is that scalar.  A container that would not come back
so (it holds null, something empty, ``"5"`` or a key that is no tag) is written as JSON, which is read in its place too.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar

from toolfmt.argument_types import ServerTypes
from toolfmt.coercion import CallLost
from toolfmt.errors import UnrepresentableError
from toolfmt.families.raw_tags import RawTags
from toolfmt.families.tag_reader import Delimiters, TagReader
from toolfmt.ir import MAX_DEPTH, Tool, ToolCall, build_call, same
from toolfmt.reader import CallReader, Outcome, Types
from toolfmt.rule import Arguments, Dialect, Rule, Strings, seq
from toolfmt.schema_types import ANY_TYPES, ValueType, value_type
from toolfmt.stream import StreamParser
from toolfmt.values import dumps, literal

__all__ = ["TreeTags"]

_TAG = 1100  # characters of a tag, at most


class TreeTags(RawTags):
    """``key_open`` is ``mark`` and ``<``; ``value_close`` is ``mark``, ``</``, the key and ``>``."""

    mark: ClassVar[str]
    key_char = r'[^<>\n"/]'
    frame = ""
    shared = True

    def __init__(self) -> None:
        super().__init__()
        self._match_head = re.compile(
            re.escape(self.call_open) + self.name_inside.pattern + re.escape(self.name_close)
        ).match
        self.starts = Delimiters([f"{self.mark}<"], ())
        key = f"(?!(?:invoke|tool_call)>){self.key_char}{{1,1024}}"
        self.tag = re.compile(f"{re.escape(self.mark)}<(/?)({key})>")
        self.key_inside = re.compile(f"((?!(?:invoke|tool_call)$){self.key_char}{{1,1024}})()")

    def reader(self) -> CallReader:
        return TreeReader(self)

    def _read_plain(self, p: StreamParser, at: int, index: int) -> tuple[ToolCall, int, int] | None:
        buf, starts, match = p.buf, f"{self.mark}<", self.tag.match
        head = self._match_head(buf, at)
        if head is None:
            return None
        name, pos = head[1], head.end()
        arguments: dict[str, Any] = {}
        while not buf.startswith(self._tail, pos):
            tag = match(buf, pos)
            if tag is None or tag[1] or tag[2] in arguments:
                return None
            key, start, depth = tag[2], tag.end(), 1
            end = pos = start
            while depth:
                end = buf.find(starts, pos)
                tag = match(buf, end) if end >= 0 else None
                if tag is None:
                    return None
                depth += -1 if tag[1] else 1
                pos = tag.end()
            try:
                arguments[key] = p.types.read(index, name, key, buf[start:end])
            except CallLost:
                return None
        return build_call(name, arguments), at, pos + len(self._tail)

    def typed(self, types: Types) -> Types:
        return _TreeTypes(types, self)

    @cached_property
    def dialect(self) -> Dialect:
        plain = super().dialect
        start = (f"{self.mark}<",)
        members = replace(plain.members, key=(start[0], ">"), ends=f"{self.mark}</{{key}}>")
        inner = Dialect(strings=Strings(never=start))
        return replace(plain, members=members, strings=Strings("raw", never=start), inner=inner, tree=self.mark)

    def call_rule(self, tool: Tool) -> Rule:
        if not self.name_inside.fullmatch(tool.name):
            raise UnrepresentableError("$.name", f"{self.name} cannot write the tool name `{tool.name}`")
        return seq(self.call_open + tool.name + self.name_close, Arguments(tool, self.dialect))

    def spell_value(self, value: Any) -> tuple[str, str]:
        if not isinstance(value, dict | list):
            return super().spell_value(value)
        tree = self._tree(value)
        read = self.read_tree(tree, None, {}) if tree else None
        if read is None or not same(read, value):
            tree = dumps(value).replace(f"{self.mark}<", f"{self.mark}\\u003c")
        return "", tree

    def _tree(self, value: Any) -> str:
        if isinstance(value, dict):
            return "".join(f"{self.mark}<{key}>{self._tree(item)}{self.mark}</{key}>" for key, item in value.items())
        if isinstance(value, list):
            return "".join(f"{self.mark}<item>{self._tree(item)}{self.mark}</item>" for item in value)
        return super().spell_value(value)[1]

    def write_call(self, call: ToolCall, index: int) -> str:
        if not self.name_inside.fullmatch(call.name):
            raise UnrepresentableError("$.name", f"{self.name} cannot write the tool name `{call.name}`")
        pieces = [self.call_open, call.name, self.name_close]
        for key, value in call.arguments.items():
            if not self.key_inside.fullmatch(key):
                raise UnrepresentableError(f"$.arguments.{key}", f"{self.name} cannot write this key")
            pieces += [self.key_open, key, ">", self.spell_value(value)[1], f"{self.mark}</{key}>"]
        return "".join([*pieces, self.call_close])

    def read_tree(self, text: str, schema: Any, root: dict[str, Any]) -> Any:
        """What a tree says under ``schema``; None where it is none."""
        top = _Node("", schema)
        stack, at = [top], 0
        for tag in self.tag.finditer(text):
            between, node = text[at : tag.start()], stack[-1]
            at = tag.end()
            if tag[1]:
                if len(stack) == 1 or (node.inside and between.strip()):
                    return None
                node.text = between
                stack.pop()
            elif between.strip() or len(stack) >= MAX_DEPTH - 1:
                return None
            else:
                stack.append(_Node(tag[2], node.under(tag[2])))
                node.inside.append(stack[-1])
        if len(stack) > 1 or text[at:].strip() or not top.inside:
            return None
        try:
            return top.value(root)
        except KeyError:
            return None


class _Node:
    """An element: its key, its schema (None: nothing is known), the elements in it, else its text."""

    __slots__ = ("inside", "key", "schema", "text")

    def __init__(self, key: str, schema: Any) -> None:
        self.key, self.schema = key, schema
        self.inside: list[_Node] = []
        self.text = ""

    def under(self, key: str) -> Any:
        """The schema of an element in it."""
        if not isinstance(self.schema, dict):
            return None
        properties = self.schema.get("properties")
        if isinstance(properties, dict) and key in properties:
            return properties[key]
        return self.schema.get("items" if key == "item" else "additionalProperties")

    def value(self, root: dict[str, Any]) -> Any:
        """What it says; KeyError where a key is given twice."""
        allowed = value_type(self.schema, root) if isinstance(self.schema, dict) else None
        types = allowed.types if allowed else ANY_TYPES
        if not self.inside:
            return _leaf(self.text, types, allowed.values if allowed else None)
        if "array" in types and all(node.key == "item" for node in self.inside):
            return [node.value(root) for node in self.inside]
        made = {node.key: node.value(root) for node in self.inside}
        if len(made) != len(self.inside):
            raise KeyError(self.key)
        return made


def _leaf(text: str, types: frozenset[str], values: tuple[Any, ...] | None) -> Any:
    """A text under its types; nothing at all is an empty container where no string is allowed."""
    if not text and "string" not in types:
        return [] if "array" in types else {} if "object" in types else text
    return literal(text, types, values)


class _TreeTypes:
    """Types that also read trees, where the tools allow containers."""

    __slots__ = ("format", "names", "types")

    def __init__(self, types: Types, format: TreeTags) -> None:
        self.types, self.format = types, format
        self.names = types.names

    def declared(self, tool: str) -> Mapping[str, ValueType]:
        return {}

    def is_string(self, index: int, tool: str, key: str) -> bool:
        return self.types.is_string(index, tool, key)

    def read(self, index: int, tool: str, key: str, text: str) -> Any:
        if self.is_string(index, tool, key):
            return text
        known = self.types.declared(tool).get(key)
        if not text and known is not None:
            return _leaf(text, known.types, known.values)
        tree = None
        if f"{self.format.mark}<" in text:
            tree = self.format.read_tree(text, known.schema if known else None, known.root if known else {})
        if tree is None:
            return self.types.read(index, tool, key, text)
        if isinstance(self.types, ServerTypes):
            return tree
        if known is not None and known.values is None:
            return tree if ("object" if isinstance(tree, dict) else "array") in known.types else text
        value = self.types.read(index, tool, key, dumps(tree))
        return text if isinstance(value, str) else value


class TreeReader(TagReader):
    """Follows the depth of tags to a value's end."""

    format: TreeTags

    def next_part(self, p: StreamParser, final: bool) -> Outcome | None:
        found = self._one_of(p, final, self.format.key_open)
        if isinstance(found, Outcome):
            return found
        self.state = self.parameter
        return None

    def parameter(self, p: StreamParser, final: bool) -> Outcome | None:
        inside = self.inside(p, ">", "parameter")
        if isinstance(inside, Outcome):
            return inside
        self.depth = 0
        return self.end_call(p) if inside == "/invoke" else self.key_of(p, inside)

    def value(self, p: StreamParser, final: bool) -> Outcome | None:
        starts = self.format.starts
        found = starts.find(p.buf, p.pos + self.searched)
        if found is None:
            self.settle(p, starts.settled(p.buf, p.pos))
            self.searched = max(0, len(p.buf) - starts.longest + 1 - p.pos)
            return Outcome.MORE
        at = found.start()
        self.searched = 0
        tag = self.format.tag.match(p.buf, at)
        if tag is None:
            self.settle(p, at)
            if len(p.buf) - at >= _TAG or p.buf.find(">", at + starts.longest) >= 0:
                return p.bad(f"the value of parameter `{self.key}` is not closed")
            return Outcome.MORE
        if tag[1] and not self.depth:
            self.settle(p, at)
            p.pos = tag.end()
            self.state = self.next_part
            return self.end_value(p)
        self.depth += -1 if tag[1] else 1
        self.settle(p, tag.end())
        return None
