"""`openai` to every layout and back, and to every format as text and back: what comes back is equal, or each difference is in a report.

Nothing of the converter judges here.  A row becomes a list of facts, each with its path (roles, texts, reasoning, calls with their arguments as
ordered JSON text, ids, results, which call each answers, names, tools, other keys), two lists are aligned, and each fact that is gone or new must be
covered by a finding: of a kind that speaks of such facts, at a path of the same turn.  A finding of the way back speaks of the row in the middle; it
is matched by the number of its turn, and where there are more turns, or fewer, by its kind alone.  A refused row must be refused with a reason.
"""

import copy
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from layout_cases import conversations

from toolfmt.cli.bfcl import CATEGORIES, NoGoldError, gold_calls, read_entry
from toolfmt.conversion.plan import plan
from toolfmt.conversion.rows import Outcome, RowConverter
from toolfmt.convert import convert, prepare
from toolfmt.errors import ToolSpecError
from toolfmt.layouts.base import find_layout, layouts
from toolfmt.registry import formats
from toolfmt.report import Loss, Report

FORMATS = [info.name for info in formats()]
LAYOUTS = [name for name in layouts() if name != "openai"]


class Fact(NamedTuple):
    turn: int
    """Which message; -1 for the row itself."""
    kind: str
    said: str


_COVERED_BY = {
    "role": {"role", "turns", "order", "results", "text", "ambiguous"},
    "text": {"text", "turns", "role", "ambiguous", "content", "space", "results", "malformed", "reasoning"},
    "reasoning": {"reasoning", "ambiguous", "turns"},
    "call": {"type"},
    "id": {"id"},
    "result": {"results", "order", "ambiguous"},
    "answers": {"id", "results", "order", "ambiguous"},
    "name": {"name", "results", "id", "order"},
    "tools": {"tools"},
    "key": {"key", "turns"},
}
"""The kinds of findings that speak of a kind of fact.  A call is never lost; only types of its values may be, where nothing says them."""


def facts(row: dict[str, Any]) -> list[Fact]:
    """What an `openai` row says, in order."""
    made: list[Fact] = []
    ids: list[str | None] = []
    names: list[str] = []
    for turn, message in enumerate(row["messages"]):
        role, content = message["role"], message.get("content")
        made.append(Fact(turn, "role", role))
        if message.get("reasoning_content") is not None:
            made.append(Fact(turn, "reasoning", message["reasoning_content"]))
        if role == "tool":
            made += _result(turn, message, ids, names)
        elif content:
            made.append(Fact(turn, "text", f"{role}: {_one_text(content)}"))
        for call in message.get("tool_calls") or ():
            name, arguments = call["function"]["name"], json.loads(call["function"]["arguments"])
            made.append(Fact(turn, "call", f"{name} {json.dumps(arguments)}"))
            made.append(Fact(turn, "id", json.dumps(call.get("id"))))
            ids.append(call.get("id"))
            names.append(name)
            made += [Fact(turn, "key", f"{key}: {call[key]!r}") for key in call if key not in ("id", "type", "function")]
            made += [Fact(turn, "key", f"{key}: {call['function'][key]!r}") for key in call["function"] if key not in ("name", "arguments")]
        known = _KNOWN if role == "tool" else _KNOWN - {"name"}
        made += [Fact(turn, "key", f"{key}: {message[key]!r}") for key in message if key not in known]
    made.append(Fact(-1, "tools", "not stated" if row.get("tools") is None else f"{len(row['tools'])} tools"))
    made += [Fact(-1, "tools", json.dumps(_tool(tool), sort_keys=True)) for tool in row.get("tools") or ()]
    return made + [Fact(-1, "key", f"{key}: {row[key]!r}") for key in row if key not in ("messages", "tools")]


_KNOWN = {"role", "content", "reasoning_content", "tool_calls", "tool_call_id", "name"}


def _one_text(content: Any) -> Any:
    """A list of one text says what the text says."""
    alone = isinstance(content, list) and len(content) == 1 and content[0].get("type") == "text"
    return content[0]["text"] if alone else content


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    """A definition with what `openai` leaves to be understood."""
    held = tool["function"]
    return {"description": "", **{key: value for key, value in held.items() if key != "strict"}}


def _result(turn: int, message: dict[str, Any], ids: list[str | None], names: list[str]) -> Iterator[Fact]:
    """A result, which call of the conversation it answers, and its name where that is not the call's."""
    call_id = message.get("tool_call_id")
    call = ids.index(call_id) if call_id is not None and call_id in ids else None
    yield Fact(turn, "result", message["content"])
    yield Fact(turn, "answers", str(call))
    name = message.get("name")
    if name is not None and (call is None or name != names[call]):
        yield Fact(turn, "name", name)


class Finding(NamedTuple):
    turn: int | None
    """The message of the original row; -1 for the row itself, None where that cannot be said."""
    kind: str
    text: str


def findings(outcome: Outcome, turns: Sequence[str] | None) -> list[Finding]:
    """What was said of a row whose turns have these paths."""
    return [Finding(_turn_of(said, turns), said.kind, str(said)) for said in (*outcome.losses, *outcome.notices)]


def _turn_of(said: Loss, turns: Sequence[str] | None) -> int | None:
    if turns is None:
        return None
    inside = [turn for turn, path in enumerate(turns) if re.match(re.escape(path) + r"(?![\w\d])", said.path)]
    return inside[-1] if inside else -1


def unsaid(old: dict[str, Any], new: dict[str, Any], said: Sequence[Finding]) -> tuple[list[Fact], list[Fact]]:
    """The facts in which the rows differ: all, and those of which no finding speaks."""
    changed: list[Fact] = []
    silent: list[Fact] = []
    for before, after in _aligned(facts(old), facts(new)):
        alike = SequenceMatcher(None, [fact[1:] for fact in before], [fact[1:] for fact in after], autojunk=False)
        for what, start, end, from_, to in alike.get_opcodes():
            if what == "equal":
                continue
            gone = before[start:end]
            near = {fact.turn for fact in gone or before[max(start - 1, 0) : end + 1]}  # where what is new would stand
            placed = [(fact, {fact.turn}) for fact in gone] + [(fact, near) for fact in after[from_:to]]
            changed += [fact for fact, _ in placed]
            silent += [fact for fact, turns in placed if not any(_covers(one, fact.kind, turn, old["messages"]) for one in said for turn in turns)]
    return changed, silent


def _aligned(old: list[Fact], new: list[Fact]) -> list[tuple[list[Fact], list[Fact]]]:
    """The facts turn by turn where there are as many turns; else all together."""
    turns = sorted({fact.turn for fact in old})
    if turns != sorted({fact.turn for fact in new}):
        return [(old, new)]
    return [([fact for fact in old if fact.turn == turn], [fact for fact in new if fact.turn == turn]) for turn in turns]


def _covers(said: Finding, kind: str, turn: int, messages: Sequence[dict[str, Any]]) -> bool:
    if said.kind not in _COVERED_BY[kind]:
        return False
    if said.turn in (None, -1, turn) or turn < 0:
        return True
    assert said.turn is not None
    if messages[said.turn] == messages[turn] or (kind == "role" and messages[said.turn]["role"] == messages[turn]["role"]):
        return True  # which of two that are equal was dropped cannot be seen
    if said.kind in ("results", "turns", "role", "order"):  # of several turns, the first is named
        between = messages[said.turn + 1 : turn + 1] if said.turn < turn else messages[turn + 1 : said.turn + 1]
        return all(message["role"] in ("tool", "assistant") for message in between)
    return False


class Trip:
    """There and back, for many rows, and what became of them."""

    def __init__(self, rows: Sequence[Any], *, to: str | None = None, layout: str | None = None) -> None:
        self.there = self._converter(rows, to, layout)
        self.through = to or layout
        middle = [outcome.row for outcome in map(self.there, rows) if outcome.row is not None]
        self.back = self._converter(middle, None, "openai", to or "auto")
        self.count: Counter[str] = Counter()

    @staticmethod
    def _converter(rows: Sequence[Any], to: str | None, layout: str | None, source: str = "auto") -> RowConverter:
        base, _ = prepare(to, source, "auto", layout, None, "ignore", None)
        return plan(base, source, lambda: rows)

    def send(self, row: dict[str, Any]) -> None:
        """One row; AssertionError names what is silently different."""
        there = self.there(row)
        if there.row is None:
            assert there.error is not None and str(there.error)
            self.count["refused"] += 1
            return
        back = self.back(there.row)
        if back.row is None:
            assert back.error is not None and str(back.error)
            self.count["refused on the way back"] += 1
            return
        paths = [f"$.messages[{i}]" for i in range(len(row["messages"]))]
        middle = [turn.path for turn in find_layout(there.row).read(there.row)]
        said = findings(there, paths) + findings(back, middle if len(middle) == len(paths) else None)
        changed, silent = unsaid(row, back.row, said)
        assert not silent, f"{self.through}: {silent}\nsaid: {[one.text for one in said]}\nmiddle: {there.row}\nback: {back.row}"
        self.count["every difference said" if changed else "equal"] += 1


# BFCL


def gold_rows(data: Path) -> Iterator[dict[str, Any]]:
    """Every BFCL entry as a conversation: its question, the gold calls, a result for each (of every other entry in another order), an answer."""
    for category in CATEGORIES:
        name = f"BFCL_v4_{category}.json"
        answers = {held["id"]: held["ground_truth"] for held in _lines(data / "possible_answer" / name)}
        for number, held in enumerate(_lines(data / name)):
            entry = read_entry(held, answers[held["id"]])
            try:
                calls = gold_calls(entry)
            except NoGoldError:
                continue
            made = [
                {"id": f"call_{i}", "type": "function", "function": {"name": call.name, "arguments": json.dumps(call.arguments)}}
                for i, call in enumerate(calls)
            ]
            results = [{"role": "tool", "tool_call_id": call["id"], "content": json.dumps({"result": i})} for i, call in enumerate(made)]
            yield {
                "id": held["id"],
                "messages": [
                    *(message for turn in held["question"] for message in turn),
                    {"role": "assistant", "content": None, "tool_calls": made},
                    *(results if number % 2 else reversed(results)),
                    {"role": "assistant", "content": f"Done: {len(made)}."},
                ],
                "tools": [
                    {"type": "function", "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}}
                    for tool in entry.tools
                ],
            }


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


@pytest.fixture(scope="module")
def gold(bfcl: Path) -> list[dict[str, Any]]:
    return list(gold_rows(bfcl))


def _send_all(trip: Trip, rows: Sequence[dict[str, Any]]) -> None:
    for row in rows:
        trip.send(row)
    assert trip.count.total() == len(rows)


@pytest.mark.nightly
@pytest.mark.parametrize("through", [*LAYOUTS, *(f"text in {name}" for name in FORMATS)])
def test_all_of_bfcl_comes_back(through: str, gold: list[dict[str, Any]]) -> None:
    assert len(gold) == 2498  # of 2,501 entries; three have no gold calls
    format = through.removeprefix("text in ") if through.startswith("text in ") else None
    trip = Trip(gold, to=format) if format else Trip(gold, layout=through)
    _send_all(trip, gold)
    assert not trip.count["refused on the way back"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_some_of_bfcl_comes_back_from_every_layout(layout: str, gold: list[dict[str, Any]]) -> None:
    _send_all(Trip(gold[::97], layout=layout), gold[::97])


@pytest.mark.parametrize("format", FORMATS)
def test_some_of_bfcl_comes_back_from_every_format(format: str, gold: list[dict[str, Any]]) -> None:
    _send_all(Trip(gold[::97], to=format), gold[::97])


# Generated conversations


@st.composite
def odd_conversations(draw: st.DrawFn) -> dict[str, Any]:
    """Conversations in which here and there something is as real data has it: ids of no call, late results, other keys, parts, thoughts in texts."""
    row = copy.deepcopy(draw(conversations()))
    messages = row["messages"]
    for message in messages:
        if not draw(st.integers(0, 2)):
            _make_odd(draw, message)
    if messages and not draw(st.integers(0, 3)):
        messages.append(messages.pop(draw(st.integers(0, len(messages) - 1))))
    return row


def _make_odd(draw: st.DrawFn, message: dict[str, Any]) -> None:
    if message["role"] == "tool":
        message["tool_call_id"] = draw(st.sampled_from(["other", "call_0_0", "call_1_0"]))
    elif message.get("tool_calls") and draw(st.booleans()):
        message["tool_calls"][0] |= draw(st.sampled_from([{"index": 0}, {"function": message["tool_calls"][0]["function"] | {"strict": True}}]))
    elif message["role"] == "assistant":
        message["content"] = draw(st.sampled_from(["<think>\nHm.\n</think>\n\nSo.", "<think></think>", "So.\n"]))
    elif message["role"] == "user":
        message["content"] = draw(st.sampled_from([[{"type": "text", "text": "go"}], [{"type": "image"}], "[go]", "Tool result: 1"]))
    else:
        message["name"] = "x"


@pytest.mark.parametrize("layout", LAYOUTS)
@given(row=conversations() | odd_conversations())
def test_generated_conversations_come_back_from_every_layout(layout: str, row: dict[str, Any]) -> None:
    Trip([row], layout=layout).send(row)


@pytest.mark.parametrize("format", FORMATS)
@given(row=conversations() | odd_conversations())
def test_generated_conversations_come_back_from_every_format(format: str, row: dict[str, Any]) -> None:
    Trip([row], to=format).send(row)


# What these found, each by itself


def _said_of(row: dict[str, Any], **settings: Any) -> list[tuple[str, str]]:
    report = Report()
    convert([row], on_loss="ignore", report=report, **settings)
    return [(loss.kind, loss.path) for loss in report.losses]


@pytest.mark.parametrize(
    "role, text, to, source",
    [
        ("user", "[see below]", "apertus", "auto"),
        ("user", "[see below]", "apertus", "hermes"),
        ("user", "Tool result: 3", "json_fence", "auto"),
        ("assistant", "Noon.<｜tool▁calls▁end｜>", "deepseek_v3", "auto"),
        ("assistant", "Noon.</response>", "granite", "hermes"),
        ("assistant", '<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>', "hermes", "json_fence"),
    ],
)
def test_a_text_that_the_target_would_read_as_something_else_is_said(role: str, text: str, to: str, source: str) -> None:
    row = {"messages": [{"role": role, "content": text}]}
    assert _said_of(row, to=to, source=source) == [("ambiguous", "$.messages[0]")]


@pytest.mark.parametrize("value, lost", [("[None]", True), ("{'a': 1}", True), ("[1]", True), ("2", True), ("[see]", False), ("02134", False)])
def test_a_text_that_may_have_been_written_for_another_type_is_said(value: str, lost: bool) -> None:
    text = f"<seed:tool_call>\n<function=f>\n<parameter=a>{value}</parameter>\n</function>\n</seed:tool_call>"
    said = _said_of({"messages": [{"role": "assistant", "content": text}]}, layout="openai", source="seed_oss")
    assert said == [("type", "$.messages[0].calls[0].arguments.a")] * lost


def test_a_broken_list_of_tools_in_a_prompt_refuses_a_row_only_where_no_others_are_stated() -> None:
    system = {"role": "system", "content": '[{"name": "f", "description": "", "parameters": [1]}]'}
    row = {"messages": [system, {"role": "assistant", "content": '<|tool_call|>[{"name": "f", "arguments": {}}]'}]}
    with pytest.raises(ToolSpecError, match=r"tools\[0\].parameters: expected an object"):
        convert([row], to="hermes", source="granite")
    report = Report()
    (made,) = convert([{**row, "tools": [{"name": "f"}]}], to="hermes", source="granite", on_loss="ignore", report=report)
    assert made["messages"][0] == system and [(loss.kind, loss.path) for loss in report.losses] == [("tools", "$.messages[0]")]
