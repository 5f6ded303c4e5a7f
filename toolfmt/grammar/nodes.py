"""What a schema allows, as a tree of types: between JSON Schema, which `toolfmt.grammar.schema` reads, and a format's spelling."""

from dataclasses import dataclass, field
from typing import Any

from toolfmt.rule import ANYTHING, Rule

__all__ = [
    "ANYTHING_GOES",
    "MOST_REMAINDERS",
    "NOTHING",
    "Array",
    "Goal",
    "Member",
    "Node",
    "Number",
    "Object",
    "Text",
    "Union",
    "Values",
]


MOST_REMAINDERS = 100
"""The largest multiple that is counted by its remainders, where its multiples have no shorter rule."""


class Node:
    """Some set of JSON values."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False)
class Text(Node):
    """Strings of ``low`` to ``high`` characters that every one of ``patterns``, over their characters, allows."""

    low: int = 0
    high: int | None = None
    patterns: tuple[Rule, ...] = ()
    pointer: str = ""
    """Where in the schema it stands, for reports."""
    keyword: str = "pattern"
    """Which keyword says the patterns."""


@dataclass(frozen=True, slots=True, eq=False)
class Number(Node):
    """Numbers in a range; ``whole`` ones are written without a fraction."""

    whole: bool = False
    low: int | float | None = None
    high: int | float | None = None
    low_open: bool = False
    high_open: bool = False
    multiple: int | None = None
    never: tuple[int, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether any number of its kind will do."""
        return self.low is None and self.high is None and self.multiple is None and not self.never


@dataclass(frozen=True, slots=True, eq=False)
class Values(Node):
    """Just these, of any type."""

    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Array(Node):
    """``low`` to ``high`` elements: the first ones of ``prefix``, the others of ``items``, or none where that is None."""

    prefix: tuple["Goal", ...] = ()
    items: "Goal | None" = None
    low: int = 0
    high: int | None = None
    distinct: bool = False
    """No value twice; ``items`` are `Values` then."""


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    key: str
    goal: "Goal"
    required: bool


@dataclass(frozen=True, slots=True, eq=False)
class Object(Node):
    """``low`` to ``high`` members: the declared ones, and others, whose keys one of ``rest`` allows, apart from the declared keys."""

    members: tuple[Member, ...] = ()
    rest: tuple[tuple[Rule, "Goal"], ...] = ()
    low: int = 0
    high: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Union(Node):
    """Any of them; of none, nothing."""

    branches: "tuple[Node | Goal, ...]" = ()


@dataclass(slots=True, eq=False)
class Goal:
    """A place in a schema, whose node is found after the goals that lead back to it have been given out."""

    node: Node = field(default_factory=Union)

    @property
    def branches(self) -> list[Node]:
        """Its node with every union taken apart; one that leads back to itself adds nothing."""
        found: list[Node] = []
        seen: set[int] = set()
        pending: list[Node | Goal] = [self]
        while pending:
            item = pending.pop(0)
            if isinstance(item, Goal):
                item = item.node
            if not isinstance(item, Union):
                found.append(item)
            elif id(item) not in seen:
                seen.add(id(item))
                pending[:0] = item.branches
        return found


NOTHING = Goal()
"""No value at all."""
ANYTHING_GOES = Goal()
"""Every JSON value."""
ANYTHING_GOES.node = Union((
    Text(),
    Number(),
    Values((True, False)),
    Values((None,)),
    Array(items=ANYTHING_GOES),
    Object(rest=((ANYTHING, ANYTHING_GOES),)),
))  # fmt: skip
