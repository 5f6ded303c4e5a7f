"""The strict reader: a format's Lark grammar, and what its rules mean.

Written apart from the fast readers, so that each checks the other; ``docs/reading.md`` is the contract of both.
A grammar says what it holds by the names of its rules and terminals; nothing here knows a format by name.

* in `start`: `text` `reasoning` `thought` `call` `block`, and the terminal END, the end-of-turn marker
* in `call`: `name` (and `id`, which may hold the `name`), then `arguments` (an object) or any number of `argument` (a `key` and a value)
* in `block`, a JSON block that may be an answer: all `call`, or it is text (`other`: an object that is no call)
* JSON values: `object` `first_object` (the first of two equal keys wins) `pair` `array` `true` `false` `null` STRING
  NUMBER PYSTRING; in a tag, ATTRIBUTE (``&amp;`` and ``&quot;`` escaped)
* other values: `quoted` (text as it stands) `json_or_text` `raw_value` (the caller, who has the schemas, types it)

Any other rule or terminal stands for its own text.  Hostile input: the LALR parser and everything here are iterative,
the lexer's expressions are linear, depth is bounded by `ir.MAX_DEPTH`, and every refusal is a `ParseError`.
"""

import json
import math
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from toolfmt.errors import ParseError, UnknownFormatError
from toolfmt.ir import MAX_DEPTH, Part, Reasoning, Text, ToolCall, build_call, check_json
from toolfmt.python_strings import python_string

if TYPE_CHECKING:
    from lark import Lark, Token, Tree
    from lark.exceptions import UnexpectedInput
    from lark.lexer import TerminalDef

__all__ = ["LOOKAROUND", "Node", "Span", "Types", "grammar_text", "load_grammar", "plain_name", "read"]

Types = Callable[[str, str, str], Any]
"""What the raw text of a parameter means: ``types(tool_name, key, raw_text)``."""

MAX_DIGITS = 4300


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """A stretch of the text that is read."""

    source: str
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.source[self.start : self.end]

    def refuse(self, reason: str, *expected: str) -> NoReturn:
        raise ParseError(reason, self.source, self.start, self.end, expected)


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A rule or a terminal that was read: its plain name, where it stood, what is in it, and the value it spells."""

    rule: str
    span: Span
    children: tuple["Node", ...]
    value: Any
    depth: int


def read(
    format_name: str, text: str, types: Types, *, names: Collection[str] | None = None, grammar: str | None = None
) -> tuple[Part, ...]:
    """The parts of a whole assistant message, or `ParseError`.

    ``types`` gives the value of a parameter whose text carries no type.  ``names`` are the tools there are: they decide
    whether a JSON block is a call or an answer.  ``grammar`` is the text of a grammar that is not one of toolfmt's own.
    """
    lark = load_grammar(grammar if grammar is not None else grammar_text(format_name))
    root = _read_tree(lark, text, text)
    answers = [node.span for node in root.children if node.rule == "block" and _is_answer(node, names)]
    if answers:  # what is no call is text: read again with plain characters in its place
        root = _read_tree(lark, text, _masked(text, answers))
    return tuple(_parts(root.children, types))


@cache
def grammar_text(name: str) -> str:
    """The grammar of one of toolfmt's formats, as it stands in ``grammars/``."""
    path = _grammars() / f"{name}.lark"
    if not name.isidentifier() or not path.is_file():
        raise UnknownFormatError(f"no reference grammar for the format `{name}`")
    return path.read_text(encoding="utf-8")


@cache
def _grammars() -> Path:
    packaged = Path(str(files("toolfmt"))) / "_grammars"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parent.parent / "grammars"


@lru_cache(maxsize=64)
def load_grammar(grammar: str) -> "Lark":
    """The LALR parser of a grammar, which may import from toolfmt's own, e.g. ``%import .json_value (object)``."""
    from lark import Lark

    root = str(_grammars())
    return Lark(grammar, parser="lalr", lexer="contextual", propagate_positions=True, import_paths=[root])


def plain_name(name: str) -> str:
    """A rule's or terminal's name without what ``%import`` put before it, e.g. ``json_value__pair``."""
    return name.rsplit("__", 1)[-1].lstrip("_")


# --- from a Lark tree to nodes ---


def _read_tree(lark: "Lark", source: str, shown: str) -> Node:
    """Parse ``shown``, a copy of ``source`` in which other characters may stand; the spans are those of ``source``."""
    from lark.exceptions import UnexpectedInput

    try:
        tree = lark.parse(shown)
    except UnexpectedInput as error:
        raise _refusal(lark, source, error) from None
    nodes: dict[int, Node] = {}
    for each in tree.iter_subtrees():  # children first
        nodes[id(each)] = _node(source, each, nodes)
    return nodes[id(tree)]


def _node(source: str, tree: "Tree[Token]", nodes: dict[int, Node]) -> Node:
    span = Span(source, 0, 0) if tree.meta.empty else Span(source, tree.meta.start_pos, tree.meta.end_pos)
    children = tuple(_leaf(source, child) if isinstance(child, str) else nodes[id(child)] for child in tree.children)
    rule = plain_name(tree.data)
    depth = max((child.depth for child in children), default=0) + (rule in _CONTAINERS)
    if depth > MAX_DEPTH:
        span.refuse(f"nested more than {MAX_DEPTH} deep")
    meaning = _VALUES.get(rule, _own_text)
    return Node(rule, span, children, meaning(span, children), depth)


def _leaf(source: str, token: Any) -> Node:
    rule = plain_name(token.type)
    span = Span(source, token.start_pos, token.end_pos)
    return Node(rule, span, (), _VALUES.get(rule, _own_text)(span, ()), 0)


# --- what each rule spells ---

_Meaning = Callable[[Span, Sequence[Node]], Any]


def _own_text(span: Span, children: Sequence[Node]) -> Any:
    return children[0].value if len(children) == 1 else span.text


def _content(span: Span, children: Sequence[Node]) -> str:
    return children[0].span.text if children else ""


def _nothing(span: Span, children: Sequence[Node]) -> None:
    return None


def _string(span: Span, children: Sequence[Node]) -> str:
    return str(json.loads(span.text))


def _number(span: Span, children: Sequence[Node]) -> int | float:
    text = span.text
    if not text.lstrip("-").isdigit():
        number = float(text)
        return number if math.isfinite(number) else span.refuse("the number is too large for a float")
    if len(text.lstrip("-")) > MAX_DIGITS:
        span.refuse(f"an integer of more than {MAX_DIGITS} digits")
    return int(text)


def _pair(span: Span, children: Sequence[Node]) -> tuple[Any, Any]:
    return children[0].value, children[1].value


def _object(span: Span, children: Sequence[Node]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for child in children:
        key, value = child.value
        if key in found:
            child.span.refuse(f"the key `{key}` is given twice")
        found[key] = value
    return found


def _first_object(span: Span, children: Sequence[Node]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for child in children:
        found.setdefault(*child.value)
    return found


def _array(span: Span, children: Sequence[Node]) -> list[Any]:
    return [child.value for child in children]


def _other(span: Span, children: Sequence[Node]) -> None:
    """An object that is no call, unless an escape in a key hides that it is one."""
    keys: set[str] = set()
    for child in children:
        key = child.value[0] if child.rule == "pair" else child.rule
        if key in keys:
            child.span.refuse(f"the key `{key}` is given twice")
        keys.add(key)
    if keys == {"name", "arguments"}:
        span.refuse("the keys of a call are written without escapes", '`"name"`', '`"arguments"`')


def _json_or_text(span: Span, children: Sequence[Node]) -> Any:
    raw = _content(span, children)
    where = children[0].span if children else span
    try:
        value = json.loads(raw, parse_constant=_no_constant, object_pairs_hook=_no_twice)
        check_json(value, "$")
    except json.JSONDecodeError:
        return raw
    except (ValueError, RecursionError) as error:
        where.refuse(f"no JSON value and no plain text: {error}")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"JSON has no `{name}`")


def _no_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found


_VALUES: dict[str, _Meaning] = {
    "STRING": _string,
    "PYSTRING": lambda span, children: python_string(span.text),
    "NUMBER": _number,
    "ATTRIBUTE": lambda span, children: span.text.replace("&quot;", '"').replace("&amp;", "&"),
    "true": lambda span, children: True,
    "false": lambda span, children: False,
    "null": lambda span, children: None,
    "object": _object,
    "first_object": _first_object,
    "pair": _pair,
    "array": _array,
    "other": _other,
    "quoted": _content,
    "reasoning": _content,
    "json_or_text": _json_or_text,
    "start": _nothing,
    "block": _nothing,
    "call": _nothing,
    "argument": _nothing,
}
_CONTAINERS = frozenset({"object", "first_object", "array", "argument"})


# --- from nodes to parts ---


def _is_answer(block: Node, names: Collection[str] | None) -> bool:
    """Whether a JSON block is no list of calls; refuses one that is partly so."""
    calls = [child for child in block.children if child.rule == "call"]
    if not calls:
        return True
    others = [child for child in block.children if child.rule != "call"]
    if others:
        others[0].span.refuse("calls and other values in one block", "a call")
    return names is not None and any(_value(call, "name") not in names for call in calls)


def _masked(text: str, spans: Sequence[Span]) -> str:
    pieces, done = [], 0
    for span in spans:
        pieces += [text[done : span.start], "x" * (span.end - span.start)]
        done = span.end
    return "".join([*pieces, text[done:]])


def _parts(nodes: Sequence[Node], types: Types) -> Iterator[Part]:
    for node in sorted(nodes, key=lambda node: node.rule != "thought"):  # a thought stands before the calls
        if node.rule in ("text", "thought"):
            framing = node.value.isspace() and len(nodes) > 1  # white space beside a call, reasoning or the end marker
            if node.value and not framing:
                yield Text(text=node.value)
        elif node.rule == "reasoning":
            yield Reasoning(text=node.value)
        elif node.rule == "call":
            yield _call(node, types)
        elif node.rule == "block":
            yield from (_call(child, types) for child in node.children)


def _call(node: Node, types: Types) -> ToolCall:
    name: str = _value(node, "name") or next((_value(child, "name") for child in node.children if child.rule == "id"), "")
    if not name:
        node.span.refuse("the tool has no name")
    arguments: dict[str, Any] = _value(node, "arguments") or {}
    for argument in node.children:
        if argument.rule == "argument":
            key, value = argument.children
            if key.value in arguments:
                argument.span.refuse(f"the key `{key.value}` is given twice")
            typed = types(name, key.value, value.value) if value.rule == "raw_value" else value.value
            arguments[key.value] = typed
    return build_call(name, arguments, _value(node, "id"))


def _value(node: Node, rule: str) -> Any:
    return next((child.value for child in node.children if child.rule == rule), None)


# --- what is said of text that the grammar refuses ---

_WORDS = {
    "END": "the end-of-turn marker",
    "TEXT": "text",
    "REASONED": "reasoning",
    "BEGUN": "reasoning",
    "STRING": "a string",
    "NUMBER": "a number",
    "NAME": "a name",
    "KEY": "a key",
    "RAW": "a value",
    "QUOTED": "a value",
    "ARGUMENTS_KEY": '`"arguments":`',
}
_VALUE_STARTS = {"LBRACE", "LSQB", "STRING", "NUMBER", "TRUE", "FALSE", "NULL"}
_SILENT = {"BEFORE_CALL", "AFTER_CALL", "GAP"}
LOOKAROUND = re.compile(r"\(\?<?[=!](?:[^()]|\([^()]*\))*\)")
"""What an expression wants beside it."""

_OPTIONAL = re.compile(r"\(\?:[^()]*\)\?|\[[ \t\n\r]+\][*+]|\\s[*+]|\n\??")
_OPERATOR = re.compile(r"(?<!\\)[\[\](){}*+?|^$.]|\\\w")


def _refusal(lark: "Lark", source: str, error: "UnexpectedInput") -> ParseError:
    from lark.exceptions import UnexpectedToken

    at = error.pos_in_stream or 0
    if isinstance(error, UnexpectedToken):
        at = len(source) if error.token.type == "$END" else error.token.start_pos or 0
    at += len(source[at:]) - len(source[at:].lstrip())  # white space belongs to the token behind it
    reason = f"unexpected `{source[at]}`" if at < len(source) else "the text ends too early"
    wanted = _acceptable(error.interactive_parser) if error.interactive_parser is not None else set()
    return ParseError(reason, source, at, at + 1 if at < len(source) else at, _expected(lark, wanted))


def _acceptable(parser: Any) -> set[str]:
    """The terminals that the grammar takes where the parser stands; Lark's own `accepts` passes over imported ones."""
    from lark.parsers.lalr_analysis import Shift

    conf = parser.parser_state.parse_conf
    found = set()
    for name in parser.choices():
        stack = list(parser.parser_state.state_stack)
        while stack[-1] != conf.end_state and (step := conf.states[stack[-1]].get(name)) and step[0] is not Shift:
            del stack[len(stack) - len(step[1].expansion) :]
            stack.append(conf.states[stack[-1]][step[1].origin.name][1])
        if stack[-1] == conf.end_state or step:
            found.add(name)
    return found


def _expected(lark: "Lark", wanted: set[str]) -> list[str]:
    terminals = {terminal.name: terminal for terminal in lark.terminals}
    plain = {plain_name(name) for name in wanted}
    is_value = plain >= _VALUE_STARTS
    hidden = _SILENT | (_VALUE_STARTS if is_value else set())
    shown = {_shown(terminals[name]) for name in wanted & terminals.keys() if plain_name(name) not in hidden}
    ends = {"the end of the text"} if "$END" in wanted else set()
    return sorted(shown | ends | ({"a JSON value"} if is_value else set()))


def _shown(terminal: "TerminalDef") -> str:
    """A terminal for people: a literal as itself, any other in words."""
    from lark.lexer import PatternStr

    plain = plain_name(terminal.name)
    if isinstance(terminal.pattern, PatternStr):
        return f"`{terminal.pattern.value.strip()}`"
    if plain in _WORDS:
        return _WORDS[plain]
    literal = _literal(terminal.pattern.value)
    return f"`{literal}`" if literal else plain.lower().replace("_", " ")


def _literal(pattern: str) -> str | None:
    """The text that an expression stands for, when options and white space are all that it leaves open."""
    bare = _OPTIONAL.sub("", LOOKAROUND.sub("", pattern))
    return None if _OPERATOR.search(bare) else re.sub(r"\\(.)", r"\1", bare).strip()
