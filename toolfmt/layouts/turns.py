"""What stands in a row, without its spelling: `Turn`, `Offer`, and `Places`, which says what a layout has a place for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from toolfmt.ir import Part, Tool, ToolCall
from toolfmt.tools import ToolSet

__all__ = ["Offer", "Places", "Turn"]


@dataclass(eq=False, init=False)
class Turn:
    """One message of a row.  What is not given stands on the class: most messages are a role and a text, and are made for every row."""

    role: str
    """``system``, ``developer``, ``user``, ``assistant`` or ``tool``."""
    path: str
    raw: Mapping[str, Any]
    """The message as it stood."""
    keys: tuple[str, str]
    """Under which keys ``raw`` holds role and text; a turn without a role key is no message of a list."""
    text: str | None = None
    calls: tuple[ToolCall, ...] = ()
    reasoning: str | None = None
    call_id: str | None = None
    name: str | None = None
    structured: bool = False
    """Its calls, or its result, stand in fields of their own, not in the text."""
    changed: bool = False
    plain: bool = True
    """It is spelled as its layout writes it; else it is written anew where the layout stays."""
    parts: tuple[Part, ...] | None = None
    """Texts and calls in their order, where text does not simply stand before the calls."""
    block: tuple[tuple[Tool, ...], int, int] | None = None
    """The tools that its text lists in the layout's own way, and where in the text."""
    objects: bool = False
    """Arguments of its calls stood as objects, not as JSON text: in Arrow, a null among them may be padding."""
    notes: tuple[tuple[str, str], ...] = ()
    """Repairs made on reading: (path, what)."""
    wire: str | None = None
    """The text in which its calls stood, where they were read from one."""
    broken: tuple[tuple[str, str], ...] = ()
    """What looks like a call, is none, and stands in its text: (path, why)."""
    bound: tuple[tuple[str, str, str], ...] = ()
    """What only its own layout has a place for, lost where the layout changes: (kind, path, detail)."""
    others: tuple[tuple[int, str, Mapping[str, Any]], ...] = ()
    """Keys that stand in a call beside its own, by the number of the call and where in it: ``tool_calls[0]`` or ``tool_calls[0].function``."""
    messages: tuple[Mapping[str, Any], ...] = ()
    """The messages as they stood, where they are not one a turn, and ``raw`` is made up."""

    def __init__(self, role: str, path: str, raw: Mapping[str, Any], keys: tuple[str, str], text: str | None = None, **others: Any) -> None:
        self.role, self.path, self.raw, self.keys, self.text = role, path, raw, keys, text
        if others:
            vars(self).update(others)

    def copy(self, **changes: Any) -> "Turn":
        """The same but for ``changes``; `dataclasses.replace` takes ten times as long."""
        made = Turn.__new__(Turn)
        made.__dict__ = {**self.__dict__, **changes}
        return made


class Offer(NamedTuple):
    """The tools that a row states beside its messages."""

    definitions: tuple[Any, ...] | None = None
    """Each as it stood, decoded from JSON; None where nothing is stated, which ``()`` is: no tools."""
    key: str | None = None
    """The key of the row that says so."""
    tools: ToolSet | None = None
    """The same, read; None where there are none, which says nothing of types."""


@dataclass(frozen=True, slots=True)
class Places:
    """What there is a place for beside the text of a message."""

    calls: bool = True
    ids: bool = True
    new_ids: bool = True
    """A call without an id gets one."""
    reasoning: bool = True
    text: bool = True
    """Text and calls in one turn."""
    order: bool = False
    """Text after a call stays behind it."""
    many_calls: bool = True
    result_names: bool = False
    """A result says its tool's name."""
    given_names: bool = False
    """A result says the name that it was given, and is read with it."""
    call_keys: bool = False
    """Other keys inside a call."""
    think_tags: bool = False
    """A text beside calls that begins with ``<think>`` is reasoning."""
