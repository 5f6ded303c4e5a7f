"""BFCL v4 as test data: its entries, the gold calls its answers mean, and their way through every format and back.

An answer gives each argument a list of acceptable values.  As bfcl-eval's own checker reads it (``ast_checker.py``, 2026.3.23):

* ``""`` among them means that the argument may be left out; a required argument that has only ``""`` is the empty string;
* an object among them, or in a list among them, gives lists of acceptable values for its own keys; what stands deeper is plain;
* an empty list accepts nothing, and so does an object's value that is no list: such an answer has no gold calls.
"""

import importlib.util
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice, product
from pathlib import Path
from typing import Any

from toolfmt.api import parse, render
from toolfmt.errors import ToolSpecError, UnrepresentableError
from toolfmt.events import Parsed
from toolfmt.ir import Tool, ToolCall, same
from toolfmt.tools import ToolSet, as_toolset, read_tools
from toolfmt.validation import validate

__all__ = [
    "CATEGORIES",
    "Entry",
    "NoGoldError",
    "Tally",
    "find_data",
    "gold_calls",
    "read_entries",
    "read_entry",
    "send",
    "valid_calls",
]

CATEGORIES = (
    "simple_python", "simple_java", "simple_javascript", "multiple", "parallel", "parallel_multiple",
    "live_simple", "live_multiple", "live_parallel", "live_parallel_multiple",
)  # fmt: skip
"""The categories of which an answer is a list of calls."""

_MOST = 256  # combinations of the acceptable values of one object that are tried


class NoGoldError(ValueError):
    """An answer that accepts no call."""


class _LeftOut:
    pass


_LEFT_OUT = _LeftOut()


@dataclass(frozen=True, slots=True)
class Entry:
    """One question's tools, and the answer as BFCL states it."""

    id: str
    tools: tuple[Tool, ...]
    answer: list[dict[str, dict[str, Any]]]
    toolset: ToolSet | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "toolset", as_toolset(self.tools))


# Reading


def find_data() -> Path | None:
    """The data folder of bfcl-eval, found without importing the package; None when it is not installed."""
    spec = importlib.util.find_spec("bfcl_eval")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return next((Path(folder) / "data" for folder in folders if (Path(folder) / "data").is_dir()), None)


def read_entries(data: Path, categories: Iterable[str] = CATEGORIES) -> Iterator[Entry]:
    """Every entry of these categories, in the order of the files."""
    for category in categories:
        name = f"BFCL_v4_{category}.json"
        answers = {row["id"]: row["ground_truth"] for row in _read_rows(data / "possible_answer" / name)}
        for row in _read_rows(data / name):
            yield read_entry(row, answers[row["id"]])


def _read_rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def read_entry(row: dict[str, Any], answer: list[dict[str, dict[str, Any]]]) -> Entry:
    return Entry(row["id"], read_tools(row["function"]), answer)


# What an answer means


def gold_calls(entry: Entry) -> list[ToolCall]:
    """The calls by the first acceptable value of each argument; NoGoldError when some argument accepts none."""
    calls = []
    for name, arguments in _named(entry):
        first = {key: next(_choices(values, key)) for key, values in arguments.items()}
        calls.append(_call(name, first))
    return calls


def valid_calls(entry: Entry) -> list[ToolCall] | None:
    """The calls by the first acceptable values that keep to the tools' schemas; None when none do, or nothing is acceptable."""
    try:
        calls = gold_calls(entry)
        broken = {violation.call for violation in validate(calls, entry.toolset)}
        if broken:
            named = list(_named(entry))
            for i in broken:
                calls[i] = _valid_call(entry, *named[i])
    except NoGoldError:
        return None
    return None if broken and validate(calls, entry.toolset) else calls


def _valid_call(entry: Entry, name: str, arguments: dict[str, Any]) -> ToolCall:
    return _call(name, {key: _valid_choice(entry, name, key, values) for key, values in arguments.items()})


def _named(entry: Entry) -> Iterator[tuple[str, dict[str, Any]]]:
    for answer in entry.answer:
        yield from answer.items()


def _call(name: str, chosen: dict[str, Any]) -> ToolCall:
    return ToolCall(name=name, arguments={key: value for key, value in chosen.items() if value is not _LEFT_OUT})


def _choices(values: Any, key: str, depth: int = 0) -> Iterator[Any]:
    """What an argument may be, in BFCL's order; to leave it out comes last."""
    if not isinstance(values, list) or not values:
        raise NoGoldError(f"`{key}` accepts no value: expected a list of values, got `{json.dumps(values)}`")
    for value in values:
        if value != "":
            yield from _plain(value, key, depth)
    if "" in values:
        yield _LEFT_OUT


def _plain(value: Any, key: str, depth: int) -> Iterator[Any]:
    """The values that an acceptable value stands for: more than one where it holds objects."""
    if isinstance(value, dict) and depth == 0:
        options = [list(islice(_choices(inner, f"{key}.{name}", depth + 1), _MOST)) for name, inner in value.items()]
        for chosen in islice(product(*options), _MOST):
            yield {name: inner for name, inner in zip(value, chosen, strict=True) if inner is not _LEFT_OUT}
    elif isinstance(value, list) and depth == 0:
        items = [list(_plain(item, key, depth)) for item in value]
        for chosen in islice(product(*items), _MOST):
            yield list(chosen)
    else:
        yield value


def _valid_choice(entry: Entry, name: str, key: str, values: Any) -> Any:
    """The first choice that the parameter's schema allows; else the first one, for the caller to refuse."""
    tool = entry.toolset.get(name) if entry.toolset else None
    schema = dict(tool.parameters) if tool else {}
    required = key in schema.get("required", ())
    probe = ToolSet((Tool(name=name, parameters={**schema, "required": [key]}),))
    choices = list(_choices(values, key))
    for choice in choices:
        if choice is not _LEFT_OUT and not validate(ToolCall(name=name, arguments={key: choice}), probe):
            return choice
    if _LEFT_OUT not in choices:
        return choices[0]
    return "" if required else _LEFT_OUT


# Through a format and back


_VALUE = re.compile("`[^`]*`")


@dataclass
class Tally:
    """What became of the entries in one format; ``calls == exact + refused + lost``."""

    format: str
    entries: int = 0
    calls: int = 0
    exact: int = 0
    refused: int = 0
    lost: int = 0
    refusals: dict[str, list[str]] = field(default_factory=dict)
    """Entries, and what was said of each, by the kind of reason: the reason without its values."""
    losses: list[str] = field(default_factory=list)
    """Entries that came back otherwise and were not refused: there must be none."""

    def add(self, entry: Entry, calls: list[ToolCall]) -> None:
        """Write the calls as one message, read them back, compare."""
        self.entries += 1
        self.calls += len(calls)
        try:
            back = send(calls, self.format, entry.toolset)
        except (UnrepresentableError, ToolSpecError) as error:
            self.refused += len(calls)
            kind = _VALUE.sub("`..`", error.reason).replace(f"{self.format} ", "")
            self.refusals.setdefault(kind, []).append(f"{entry.id}: {error}")
            return
        if _as_sent(calls, back):
            self.exact += len(calls)
        else:
            self.lost += len(calls)
            self.losses.append(entry.id)

    def as_dict(self) -> dict[str, Any]:
        reasons = [{"reason": reason, "entries": len(ids), "example": ids[0]} for reason, ids in self.refusals.items()]
        return {
            "format": self.format, "entries": self.entries, "calls": self.calls, "exact": self.exact,
            "refused": self.refused, "silent_losses": self.lost, "refusals": reasons, "lost_entries": self.losses,
        }  # fmt: skip


def send(calls: list[ToolCall], format: str, tools: object) -> Parsed:
    """Written with the tools and read back with them.  The comparison is the caller's: `render` is not taken at its word."""
    return parse(render(calls, format, tools=tools), format, tools=tools)


def _as_sent(calls: list[ToolCall], back: Parsed) -> bool:
    return (
        not back.truncated
        and len(back.parts) == len(back.calls) == len(calls)
        and all(
            read.name == call.name and call.id in (read.id, None) and same(call.arguments, read.arguments)
            for call, read in zip(calls, back.calls, strict=True)
        )
    )
