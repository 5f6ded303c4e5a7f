"""Conversations as `openai` rows, and `round_trip`: through a layout and back, every difference is in the report.

A conversation is compared by what it says: texts, calls, links of results to calls, reasoning, order, tools.  What differs must have a loss or a
notice of a kind that says so; a row that the layout cannot write must be refused with a reason.
"""

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from toolfmt.convert import convert
from toolfmt.ir import difference
from toolfmt.report import Loss, Report
from toolfmt.strategies import nasty_strings
from toolfmt.tools import read_tools

__all__ = ["CONVERSATIONS", "TOOLS", "conversations", "facts", "openai_row", "round_trip", "unsaid"]

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather of a city.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string"},
                    "days": {"type": "integer"},
                    "units": {"type": "string", "enum": ["C", "F"]},
                    "where": {"type": "object", "properties": {"lat": {"type": "number"}, "lon": {"type": "number"}}},
                },
                "required": ["city"],
            },
        },
    },
    {
        "type": "function",
        "function": {"name": "now", "description": "", "parameters": {"type": "object", "properties": {}}},
    },
    {
        "type": "function",
        "function": {
            "name": "store",
            "description": "Keep a value.",
            "parameters": {
                "type": "object",
                "properties": {"value": {}, "tags": {"type": "array", "items": {"type": "string"}}},
            },
        },
    },
]


def _call(call_id: str, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(arguments, ensure_ascii=False)
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": text}}


def _calls(*calls: dict[str, Any], content: str | None = None, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, "tool_calls": list(calls), **more}


def _result(call_id: str, content: str, **more: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content, **more}


def _user(content: str = "go") -> dict[str, Any]:
    return {"role": "user", "content": content}


def _says(content: str) -> dict[str, Any]:
    return {"role": "assistant", "content": content}


def openai_row(*messages: dict[str, Any], **keys: Any) -> dict[str, Any]:
    """A row with these messages and the tools above."""
    return {"messages": list(messages), "tools": TOOLS, **keys}


_PARIS = _call("call_a", "get_weather", {"city": "Paris", "days": 3})
_ROME = _call("call_b", "get_weather", {"city": "Rome"})
_NOW = _call("call_c", "now", {})
_NASTY = {
    "value": {
        "none": None,
        "one": 1,
        "float": 1.0,
        "big": 2**70,
        "yes": True,
        "empty": {},
        "list": [[], [None, 1.5]],
        "s": " x ",
    },
    "tags": [],
}

CONVERSATIONS: dict[str, dict[str, Any]] = {
    "single call": openai_row(_user(), _calls(_PARIS), _result("call_a", '{"t": 21}'), _says("21 degrees.")),
    "system": openai_row(
        {"role": "system", "content": "Be brief."}, _user(), _calls(_NOW), _result("call_c", "12:00"), _says("Noon.")
    ),
    "call at the end": openai_row(_user(), _calls(_PARIS)),
    "no arguments": openai_row(_user(), _calls(_NOW), _result("call_c", "12:00"), _says("Noon.")),
    "nasty arguments": openai_row(
        _user(), _calls(_call("call_a", "store", _NASTY)), _result("call_a", "ok"), _says("Kept.")
    ),
    "unicode": openai_row(
        _user("Wetter in Zürich 🌦?"),
        _calls(_call("call_a", "get_weather", {"city": 'Zü"rich\n\t\\ 🌦 </tool_call>'})),
        _result("call_a", "ja\n\n\u2028 ßé"),
        _says("日本語"),
    ),
    "parallel, in order": openai_row(
        _user(), _calls(_PARIS, _ROME), _result("call_a", "21"), _result("call_b", "25"), _says("21 and 25.")
    ),
    "parallel, out of order": openai_row(
        _user(), _calls(_PARIS, _ROME), _result("call_b", "25"), _result("call_a", "21"), _says("21 and 25.")
    ),
    "two rounds": openai_row(
        _user(),
        _calls(_NOW),
        _result("call_c", "12:00"),
        _calls(_PARIS),
        _result("call_a", "21"),
        _says("Fine."),
        _user("ok"),
        _says("Bye."),
    ),
    "text before a call": openai_row(
        _user(), _calls(_PARIS, content="Let me look."), _result("call_a", "21"), _says("21.")
    ),
    "text before parallel calls": openai_row(
        _user(),
        _calls(_PARIS, _ROME, content="Both."),
        _result("call_a", "21"),
        _result("call_b", "25"),
        _says("Done."),
    ),
    "reasoning": openai_row(
        _user(),
        _calls(_PARIS, reasoning_content="The user wants\nweather."),
        _result("call_a", "21"),
        _says("21 degrees."),
    ),
    "reasoning and text": openai_row(
        _user(),
        _calls(_PARIS, content="Let me look.", reasoning_content="Hm."),
        _result("call_a", "21"),
        _says("21 degrees."),
    ),
    "think in the text": openai_row(
        _user(), _calls(_PARIS, content="<think>\nHm.\n</think>\n\nLook."), _result("call_a", "21"), _says("21.")
    ),
    "reasoning beside an answer": openai_row(
        _user(),
        _calls(_NOW),
        _result("call_c", "12:00"),
        {"role": "assistant", "content": "Noon.", "reasoning_content": "Easy."},
    ),
    "result names": openai_row(_user(), _calls(_PARIS), _result("call_a", "21", name="get_weather"), _says("21.")),
    "empty result": openai_row(_user(), _calls(_NOW), _result("call_c", ""), _says("Nothing.")),
    "result that is JSON text": openai_row(_user(), _calls(_NOW), _result("call_c", '["a", "b"]'), _says("Two.")),
    "user after results": openai_row(_user(), _calls(_NOW), _result("call_c", "12:00"), _user("and?"), _says("Noon.")),
    "two user turns": openai_row(_user("one"), _user("two"), _calls(_NOW), _result("call_c", "12:00"), _says("Noon.")),
    "text turn, then calls": openai_row(
        _user(), _says("First."), _calls(_NOW), _result("call_c", "12:00"), _says("Noon.")
    ),
    "system later": openai_row(
        _user(), _calls(_NOW), _result("call_c", "1"), {"role": "system", "content": "Be brief."}, _says("One.")
    ),
    "developer": openai_row(
        {"role": "developer", "content": "Be brief."}, _user(), _calls(_NOW), _result("call_c", "1"), _says("One.")
    ),
    "no tools stated": {"messages": [_user(), _calls(_PARIS), _result("call_a", "21"), _says("21.")]},
    "tools null": openai_row(_user(), _calls(_PARIS), _result("call_a", "21"), _says("21."), tools=None),
    "tools empty": openai_row(_user(), _says("Hello."), tools=[]),
    "direct answer": openai_row(_user(), _says("Hello.")),
    "system, no tools": {"messages": [{"role": "system", "content": "Be brief."}, _user(), _says("Hello.")]},
    "other keys": openai_row(
        _user(), {**_calls(_PARIS), "weight": 1}, _result("call_a", "21"), _says("21."), id=7, source="web"
    ),
}

_STRINGS = nasty_strings()
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _STRINGS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_STRINGS, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def _steps(draw: st.DrawFn, number: int) -> list[dict[str, Any]]:
    """A turn of the assistant with calls, and some of their results in some order."""
    calls = [
        _call(f"call_{number}_{i}", draw(st.sampled_from(["get_weather", "now", "store", "a.b/c d"])), arguments)
        for i, arguments in enumerate(
            draw(st.lists(st.dictionaries(_STRINGS, _VALUES, max_size=3), min_size=1, max_size=3))
        )
    ]
    more = {"reasoning_content": draw(_STRINGS)} if draw(st.booleans()) else {}
    content = draw(st.none() | _STRINGS)
    answered = draw(st.permutations(calls))[: draw(st.integers(0, len(calls)))] if draw(st.booleans()) else calls
    names = draw(st.booleans())
    results = [
        _result(
            call["id"],
            draw(_STRINGS),
            **({"name": draw(st.just(call["function"]["name"]) | _STRINGS)} if names else {}),
        )
        for call in answered
    ]
    return [_calls(*calls, content=content or None, **more), *results]


@st.composite
def conversations(draw: st.DrawFn) -> dict[str, Any]:
    """Rows of `openai`: nasty texts and arguments, turns of all kinds in most orders."""
    messages: list[dict[str, Any]] = []
    if draw(st.booleans()):
        messages.append({"role": draw(st.sampled_from(["system", "developer"])), "content": draw(_STRINGS)})
    for number in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(["user", "user", "steps", "answer", "all"]))
        messages += [_user(draw(_STRINGS))] if kind in ("user", "all") else []
        messages += draw(_steps(number)) if kind in ("steps", "all") else []
        messages += [_says(draw(_STRINGS))] if kind in ("answer", "all") else []
    return openai_row(*messages, **draw(st.sampled_from([{}, {"tools": None}, {"tools": []}, {"id": 1}])))


_SAID_BY = {
    "texts": {"text", "turns", "role", "ambiguous", "content", "reasoning"},
    "order": {"ambiguous", "order", "turns", "text", "role", "results"},
    "reasoning": {"reasoning", "ambiguous"},
    "calls": set[str](),
    "links": {"id", "results", "order"},
    "ids": {"id"},
    "results": {"results", "order"},
    "names": {"name", "results", "id", "order"},
    "tools": {"tools"},
    "keys": {"key"},
}
"""What may differ, and the kinds of losses and notices that say so."""


def facts(row: dict[str, Any]) -> dict[str, Any]:
    """What an `openai` row says, by kind."""
    said: dict[str, Any] = {kind: [] for kind in _SAID_BY}
    seen: list[str | None] = []
    for message in row["messages"]:
        role, content = message["role"], message.get("content")
        said["order"].append(role)
        said["keys"].append([message.get("weight")])
        if role == "tool":
            said["results"].append(content)
            said["names"].append(message.get("name"))
            call_id = message.get("tool_call_id")
            said["links"].append(seen.index(call_id) if call_id in seen else None)
        elif content:
            said["texts"].append((role, content))
        if message.get("reasoning_content") is not None:
            said["reasoning"].append(message["reasoning_content"])
        calls = message.get("tool_calls") or []
        said["order"][-1:] = [(role, bool(content), len(calls))]
        for call in calls:
            said["calls"].append([call["function"]["name"], json.loads(call["function"]["arguments"])])
            seen.append(call["id"])
    said["ids"] = seen
    said["names"] = _names(row, said)
    said["tools"] = None if row.get("tools") is None else [tool.model_dump() for tool in read_tools(row["tools"])]
    said["keys"] = [
        any(weight for (weight,) in said["keys"]),
        {key: row[key] for key in row if key not in ("messages", "tools")},
    ]
    return said


def _names(row: dict[str, Any], said: dict[str, Any]) -> list[str | None]:
    """The names of results, where they are not simply those of their calls."""
    calls, links = said["calls"], said["links"]
    own = [calls[link][0] if link is not None else None for link in links]
    return [None if name == known else name for name, known in zip(said["names"], own, strict=True)]


def round_trip(row: dict[str, Any], layout: str, back: str = "openai") -> set[str]:
    """What changed on the way through ``layout``: kinds of facts, each said by a loss or notice; ``{"refused"}`` where it cannot be held."""
    there, again = Report(), Report()
    rows: list[Any] = convert([row], layout=layout, on_loss="ignore", report=there)
    if not rows:
        assert [reject.data for reject in there.rejects] == [row] and there.rejects[0].reason
        return {"refused"}
    rows = convert(rows, layout=back, on_loss="ignore", report=again)
    assert len(rows) == 1, again.rejects
    return unsaid(row, rows[0], [loss for report in (there, again) for loss in (*report.losses, *report.notices)])


def unsaid(row: dict[str, Any], back: dict[str, Any], said: Sequence[Loss]) -> set[str]:
    """The kinds of facts in which two `openai` rows differ; each must be among what was ``said``."""
    kinds = {loss.kind for loss in said}
    changed = _differences(facts(row), facts(back))
    silent = {kind: where for kind, where in changed.items() if not _SAID_BY[kind] & kinds}
    assert not silent, f"unsaid: {silent}; said: {kinds}; {back}"
    return set(changed)


def _differences(old: dict[str, Any], new: dict[str, Any]) -> dict[str, str]:
    found = {kind: difference(_plain(old[kind]), _plain(new[kind])) for kind in old}
    return {kind: where for kind, where in found.items() if where is not None}


def _plain(value: Any) -> Any:
    """Tuples as lists, so that values compare by type."""
    if isinstance(value, dict):
        return {key: _plain(held) for key, held in value.items()}
    return [_plain(held) for held in value] if isinstance(value, Sequence) and not isinstance(value, str) else value
