"""The engine-neutral expression in which a format says what may be written, and which each engine's printer turns into its own grammar text.

A grammar is named rules, entry ``root``.  Most nodes are regular; only `Ref` recurses.  `Both` and `Not` take regular operands, in which no `Ref`,
`Raw` or `Arguments` stands.  `Arguments` and `Dialect` are how a format speaks of values without knowing JSON Schema: `toolfmt.grammar` puts the
rule of a tool's arguments in their place.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from toolfmt.ir import Tool

__all__ = [
    "ANY",
    "ANYTHING",
    "EMPTY",
    "NEVER",
    "PYTHON",
    "PYTHON_DOUBLE",
    "Alt",
    "Arguments",
    "Both",
    "Chars",
    "Dialect",
    "Lexeme",
    "Lit",
    "Members",
    "Not",
    "Raw",
    "Ref",
    "Repeat",
    "Rule",
    "Rules",
    "Seq",
    "Strings",
    "alt",
    "holding",
    "many",
    "optional",
    "repeat",
    "seq",
]


class Rule:
    """Some set of texts.  Rules compare and hash by value; a rule is hashed once, for it may be large and is looked up often."""

    __slots__ = ("_hash",)
    __match_args__: ClassVar[tuple[str, ...]] = ()
    _hash: int

    def __hash__(self) -> int:
        try:
            return self._hash
        except AttributeError:
            made = hash((type(self), *(getattr(self, name) for name in self.__match_args__)))
            object.__setattr__(self, "_hash", made)
            return made


@dataclass(frozen=True, slots=True)
class Lit(Rule):
    """One text."""

    text: str
    __hash__ = Rule.__hash__


@dataclass(frozen=True, slots=True)
class Chars(Rule):
    """One character of a set: ``ranges`` of code points, inclusive, in order, apart from one another, never a surrogate."""

    ranges: tuple[tuple[int, int], ...]
    __hash__ = Rule.__hash__

    @classmethod
    def of(cls, *parts: str | tuple[str, str]) -> "Chars":
        """The set of single characters and of pairs ``(first, last)``; a string of several characters counts each of them."""
        spans: list[tuple[int, int]] = []
        for part in parts:
            spans += [(ord(part[0]), ord(part[1]))] if isinstance(part, tuple) else [(ord(c), ord(c)) for c in part]
        return cls(_merged(spans))

    def __invert__(self) -> "Chars":
        """All other characters."""
        made, at = [], 0
        for first, last in (*self.ranges, (0x110000, 0x110000)):
            if at < first:
                made.append((at, first - 1))
            at = last + 1
        return Chars(_merged(made))

    def __or__(self, other: "Chars") -> "Chars":
        return Chars(_merged([*self.ranges, *other.ranges]))

    def __and__(self, other: "Chars") -> "Chars":
        both = [(max(a, c), min(b, d)) for a, b in self.ranges for c, d in other.ranges if max(a, c) <= min(b, d)]
        return Chars(_merged(both))

    def __contains__(self, char: str) -> bool:
        code = ord(char)
        return any(first <= code <= last for first, last in self.ranges)


def _merged(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    made: list[tuple[int, int]] = []
    for first, last in sorted(_without_surrogates(spans)):
        if made and first <= made[-1][1] + 1:
            made[-1] = made[-1][0], max(made[-1][1], last)
        else:
            made.append((first, last))
    return tuple(made)


def _without_surrogates(spans: Iterable[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    for first, last in spans:
        for low, high in ((first, min(last, 0xD7FF)), (max(first, 0xE000), last)):
            if low <= high:
                yield low, high


@dataclass(frozen=True, slots=True)
class Seq(Rule):
    """One after the other."""

    items: tuple[Rule, ...]
    __hash__ = Rule.__hash__


@dataclass(frozen=True, slots=True)
class Alt(Rule):
    """Any of them; of none, nothing at all (`NEVER`)."""

    items: tuple[Rule, ...]
    __hash__ = Rule.__hash__


@dataclass(frozen=True, slots=True)
class Repeat(Rule):
    """``low`` to ``high`` times, without end where ``high`` is None."""

    item: Rule
    low: int
    high: int | None
    __hash__ = Rule.__hash__


@dataclass(frozen=True, slots=True)
class Both(Rule):
    """Texts that all of the regular ``items`` allow."""

    items: tuple[Rule, ...]
    __hash__ = Rule.__hash__


@dataclass(frozen=True, slots=True)
class Not(Rule):
    """Texts that the regular ``item`` does not allow."""

    item: Rule
    __hash__ = Rule.__hash__


@dataclass(frozen=True, slots=True)
class Ref(Rule):
    """A named rule."""

    name: str
    __hash__ = Rule.__hash__


@dataclass(frozen=True, slots=True)
class Lexeme(Rule):
    """A regular ``item`` that an engine should read as one piece: a JSON string with its quotes, a number.

    Nothing that may follow it may also continue it, nor begin like another piece in its place and go on otherwise.
    """

    item: Rule
    __hash__ = Rule.__hash__


@dataclass(frozen=True, slots=True)
class Raw(Rule):
    """Text that holds none of ``stops``, then one of ``then``: a text and what follows it.

    A stop is found where it first ends, the text before it and the end that follows taken together: so the end of a raw value is its first.
    ``body``, regular, says more of the text; None is any.  An end may be empty, which means the end of everything; another holds a whole stop.
    What else may stand in the place of the text belongs into ``body``: an engine that reads it with its end sees no other rule beside it.
    """

    stops: tuple[str, ...]
    then: tuple[tuple[str, Rule], ...]
    body: Rule | None = None
    __hash__ = Rule.__hash__


@dataclass(frozen=True, slots=True)
class Arguments(Rule):
    """The arguments of a tool, brackets and what closes them included, in a format's spelling."""

    tool: Tool
    dialect: "Dialect"


Rules = Mapping[str, Rule]

EMPTY = Lit("")
NEVER = Alt(())
ANY = Chars(((0, 0xD7FF), (0xE000, 0x10FFFF)))
ANYTHING = Repeat(ANY, 0, None)


def seq(*parts: Rule | str) -> Rule:
    """One after the other, as plain as can be; `NEVER` where one of them is."""
    made: list[Rule] = []
    for part in parts:
        rule = Lit(part) if isinstance(part, str) else part
        for item in rule.items if isinstance(rule, Seq) else (rule,):
            if isinstance(item, Lit):
                if made and isinstance(made[-1], Lit):
                    made[-1] = Lit(made[-1].text + item.text)
                elif item.text:
                    made.append(item)
            elif isinstance(item, Alt) and not item.items:
                return NEVER
            else:
                made.append(item)
    return made[0] if len(made) == 1 else Seq(tuple(made)) if made else EMPTY


def alt(*parts: Rule | str) -> Rule:
    """Any of them, each once."""
    made: dict[Rule, None] = {}
    for part in parts:
        rule = Lit(part) if isinstance(part, str) else part
        for item in rule.items if isinstance(rule, Alt) else (rule,):
            made.setdefault(item)
    return next(iter(made)) if len(made) == 1 else Alt(tuple(made))


def repeat(item: Rule, low: int, high: int | None) -> Rule:
    """``item`` ``low`` to ``high`` times."""
    if high == 0 or (item == NEVER and not low):
        return EMPTY
    if item == NEVER:
        return NEVER
    return item if low == high == 1 else Repeat(item, low, high)


def many(item: Rule) -> Rule:
    return repeat(item, 0, None)


def optional(item: Rule) -> Rule:
    return repeat(item, 0, 1)


def holding(texts: Iterable[str]) -> Rule:
    """Every text in which one of ``texts`` stands."""
    return seq(ANYTHING, alt(*texts), ANYTHING)


# How a format writes values


@dataclass(frozen=True, slots=True)
class Strings:
    """How strings are written.

    ``json``: in double quotes with JSON's escapes.  ``python``: in quotes of either kind with Python's.  ``marked``: as they stand between two
    ``mark``.  ``raw``: as they stand, up to what closes the member (`Members.ends` and what may follow it).  ``never`` is what no string
    may hold: for the first two in its written form, quotes included.
    """

    style: Literal["json", "python", "marked", "raw"] = "json"
    mark: str = ""
    never: tuple[str, ...] = ()
    quotes: tuple[str, str] = ("", "")
    """What may stand round a raw string; inside it the second one stands before whatever ends it."""
    loose: bool = False
    """A Python string may hold line breaks, and backslashes that begin no escape, as they stand."""
    solidus: bool = True
    """A JSON string may hold ``\\/`` for ``/``; to a reader of Python those are two characters."""
    or_json: bool = False
    """A raw string may also stand as JSON, and does where it would be taken for a JSON value."""


@dataclass(frozen=True, slots=True)
class Members:
    """How an object's members are written: ``opens``, then each key between ``key`` and its value and ``ends``, ``between`` members, ``closes``.

    In ``key`` and ``ends`` `{type}` stands for what ``types`` calls the value's type and `{key}` for the key.  ``keys`` says how a key is
    written: as a ``json`` or ``python`` string, or ``bare``, where it must match ``pattern``.
    """

    opens: str = "{"
    key: tuple[str, str] = ("", ": ")
    ends: str = ""
    between: str = ", "
    closes: str = "}"
    empty: str | None = None
    """The whole of an object without members; None: ``opens`` and ``closes``."""
    keys: Literal["json", "python", "bare"] = "json"
    pattern: str = ""
    escapes: tuple[tuple[str, str], ...] = ()
    """What stands for what in a bare key."""
    types: Mapping[str, str] = field(default_factory=dict, hash=False)
    """For `{type}`, by JSON type."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How values are written."""

    members: Members = Members()
    strings: Strings = Strings()
    words: tuple[str, str, str] = ("true", "false", "null")
    """How true, false and null are written."""
    array: tuple[str, str, str] = ("[", ", ", "]")
    typed: bool = True
    """Whether the wire tells ``"5"`` from 5; otherwise a reader asks the schema, as `toolfmt.values.literal` says."""
    plain_numbers: bool = False
    """A number has a fraction or an exponent, never both."""
    inner: "Dialect | None" = None
    """How containers and what stands in them is written; None: the same."""
    objects: "Dialect | None" = None
    """The same of objects, where they are not written like arrays."""
    tree: str = ""
    """The mark before every tag, where a container may also be a tree of tags."""
    space: str = " \n\t"
    """White space that may stand between tokens where the user asks for it; empty where none may."""


PYTHON = Dialect(members=Members(keys="python"), strings=Strings("python"), words=("True", "False", "None"))
"""As Python's `repr` writes values."""
PYTHON_DOUBLE = Dialect(strings=Strings(solidus=False), words=PYTHON.words)
"""The same with strings as JSON writes them."""
