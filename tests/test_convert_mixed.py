"""One file of rows in five layouts and, where calls are text, four formats, with one row in a hundred broken: every row is accounted for.

The rows are spelled here by hand, so that what they say is known without the converter.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from toolfmt.convert import convert
from toolfmt.report import Report

Calls = list[tuple[str, dict[str, Any]]]

FUNCTIONS = [
    {
        "name": "get_weather",
        "description": "The weather.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "integer"},
                "ratio": {"type": "number"},
                "exact": {"type": "boolean"},
                "note": {"type": "null"},
                "tags": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["city"],
        },
    },
    {"name": "now", "description": "", "parameters": {"type": "object", "properties": {}}},
]
TOOLS = [{"type": "function", "function": function} for function in FUNCTIONS]
CITIES = ["Paris", "L'Isle \"x\"", "Zürich 🌦", "42", "true", " a\nb ", "", "</b> & <x>"]


def calls_of(i: int) -> Calls:
    """The calls of row ``i``: one or two, of which the second has no arguments."""
    chance = random.Random(i)
    values = {
        "city": chance.choice(CITIES),
        "days": chance.randrange(-5, 2**40),
        "ratio": chance.choice([1.0, 0.1, -2.5, 1e-07]),
        "exact": chance.random() < 0.5,
        "note": None,
        "tags": chance.choice([[], ["a", "null"]]),
    }
    order = chance.sample(list(values), chance.randrange(1, 7))
    return [("get_weather", {key: values[key] for key in order}), ("now", {})][: 1 + (i % 3 == 0)]


# The formats


def hermes(calls: Calls) -> str:
    return "\n".join(f"<tool_call>\n{_object(call)}\n</tool_call>" for call in calls)


def json_fence(calls: Calls) -> str:
    return "\n\n".join(f"```json\n{_object(call)}\n```" for call in calls)


def pythonic(calls: Calls) -> str:
    return "[" + ", ".join(f"{name}({', '.join(f'{key}={value!r}' for key, value in held.items())})" for name, held in calls) + "]"


def qwen_xml(calls: Calls) -> str:
    texts = []
    for name, held in calls:
        spelled = {key: value if isinstance(value, str) else json.dumps(value) for key, value in held.items()}
        values = "".join(f"<parameter={key}>\n{value}\n</parameter>\n" for key, value in spelled.items())
        texts.append(f"<tool_call>\n<function={name}>\n{values}</function>\n</tool_call>")
    return "\n".join(texts)


def _object(call: tuple[str, dict[str, Any]]) -> str:
    return json.dumps({"name": call[0], "arguments": call[1]}, ensure_ascii=False)


FORMATS: list[Callable[[Calls], str]] = [hermes, json_fence, pythonic, qwen_xml]


# The layouts


def openai(i: int, calls: Calls) -> dict[str, Any]:
    made = [{"id": f"c{n}", "type": "function", "function": {"name": name, "arguments": json.dumps(held)}} for n, (name, held) in enumerate(calls)]
    results = [{"role": "tool", "tool_call_id": f"c{n}", "content": f"r{n}"} for n in range(len(calls))]
    return {"id": i, "messages": [_ASKS, {"role": "assistant", "content": None, "tool_calls": made}, *results, _SAYS], "tools": TOOLS}


def trl(i: int, calls: Calls) -> dict[str, Any]:
    made = [{"type": "function", "function": {"name": name, "arguments": held}} for name, held in calls]
    results = [{"role": "tool", "name": name, "content": f"r{n}"} for n, (name, _) in enumerate(calls)]
    return {"messages": [_ASKS, {"role": "assistant", "tool_calls": made}, *results, _SAYS], "tools": TOOLS, "id": i}


def anthropic(i: int, calls: Calls) -> dict[str, Any]:
    made = [{"type": "tool_use", "id": f"t{n}", "name": name, "input": held} for n, (name, held) in enumerate(calls)]
    results = [{"type": "tool_result", "tool_use_id": f"t{n}", "content": f"r{n}"} for n in range(len(calls))]
    messages = [_ASKS, {"role": "assistant", "content": made}, {"role": "user", "content": results}, _SAYS]
    tools = [{"name": f["name"], "description": f["description"], "input_schema": f["parameters"]} for f in FUNCTIONS]
    return {"system": "Be brief.", "messages": messages, "tools": tools, "id": i}


def sharegpt(i: int, calls: Calls) -> dict[str, Any]:
    made = [{"name": name, "arguments": held} for name, held in calls]
    results = [{"from": "observation", "value": f"r{n}"} for n in range(len(calls))]
    turns = [{"from": "human", "value": "go"}, {"from": "function_call", "value": json.dumps(made)}, *results, {"from": "gpt", "value": "ok"}]
    return {"conversations": turns, "tools": json.dumps(TOOLS), "id": i}


def messages_text(i: int, calls: Calls) -> dict[str, Any]:
    return {"id": i, "messages": [_ASKS, {"role": "assistant", "content": FORMATS[i // 5 % 4](calls)}], "tools": TOOLS}


_ASKS, _SAYS = {"role": "user", "content": "go"}, {"role": "assistant", "content": "ok"}
LAYOUTS = [openai, trl, anthropic, sharegpt, messages_text]


# What is broken


def _line(row: Any) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode()


def truncated(i: int) -> bytes:
    return _line(openai(i, calls_of(i)))[:-20]


def wrong_types(i: int) -> bytes:
    return _line({"id": i, "messages": [{"role": "user", "content": "go"}, {"role": "assistant", "content": 7}]})


def no_utf8(i: int) -> bytes:
    return _line(messages_text(i, calls_of(i))).replace(b'"go"', b'"g\xff\xfe"')


def no_layout(i: int) -> bytes:
    return _line({"id": i, "body": "go", "n": [1]})


def broken_calls(i: int) -> bytes:
    row = openai(i, calls_of(i))
    row["messages"][1]["tool_calls"][0]["function"]["arguments"] = "{'city': 'Paris'}"
    return _line(row)


def no_row(i: int) -> bytes:
    return b"[%d]" % i


BROKEN = [truncated, wrong_types, no_utf8, no_layout, broken_calls, no_row]
EVERY = 100


def lines(rows: int) -> Iterator[tuple[bytes, bool]]:
    """Each line of the file, and whether it is broken."""
    for i in range(rows):
        if i % EVERY == 57:
            yield BROKEN[i // EVERY % len(BROKEN)](i), True
        else:
            yield _line(LAYOUTS[i % 5](i, calls_of(i))), False


def written(path: Path) -> list[Any]:
    with path.open(encoding="utf-8") as held:
        return [json.loads(line) for line in held]


def _check(tmp_path: Path, rows: int, said: Callable[[dict[str, Any]], Calls], **settings: Any) -> Report:
    """Convert such a file; every row must be in one of the new files, and say what it said."""
    path = tmp_path / "mixed.jsonl"
    made = list(lines(rows))
    path.write_bytes(b"".join(line + b"\n" for line, _ in made))
    before = path.read_bytes()
    report = Report(keep=None)
    out = convert(path, out=tmp_path / "out.jsonl", on_loss="ignore", report=report, **settings)
    good, bad = written(out), written(out.with_name("out.jsonl.rejects.jsonl"))
    assert path.read_bytes() == before
    broken = [number for number, (_, is_broken) in enumerate(made) if is_broken]
    assert len(broken) == rows // EVERY
    assert [reject["row"] for reject in bad] == broken
    assert [reject["line"] for reject in bad] == [number + 1 for number in broken]
    assert all(reject["reason"] for reject in bad)
    assert report.rows == rows == len(good) + len(bad) and report.rejected == len(bad) and report.with_calls == len(good)
    assert [row["id"] for row in good] == [number for number in range(rows) if number not in set(broken)]
    for row in good:
        assert json.dumps(said(row)) == json.dumps(calls_of(row["id"])), row
    return report


def _fields(row: dict[str, Any]) -> Calls:
    held = [call["function"] for message in row["messages"] for call in message.get("tool_calls") or ()]
    return [(call["name"], json.loads(call["arguments"])) for call in held]


def _hermes(row: dict[str, Any]) -> Calls:
    """The calls of a text, cut out by its marks; in layout `sharegpt` the turns have other keys."""
    texts = [turn.get("content", turn.get("value")) for turn in row.get("messages", row.get("conversations"))]
    found = [piece.split("\n</tool_call>")[0] for text in texts for piece in text.split("<tool_call>\n")[1:]]
    return [(call["name"], call["arguments"]) for call in map(json.loads, found)]


ROWS = [pytest.param(5_000), pytest.param(100_000, marks=pytest.mark.nightly)]


@pytest.mark.parametrize("rows", ROWS)
def test_mixed_rows_become_openai(tmp_path: Path, rows: int) -> None:
    report = _check(tmp_path, rows, _fields, layout="openai")
    assert not report.loss_counts
    named = {"openai", "trl", "anthropic", "sharegpt", "llamafactory", "messages_text"}  # `sharegpt` rows that alternate are `llamafactory` rows
    assert set(str(report.layout).split(", ")) == named


@pytest.mark.parametrize("rows", ROWS)
def test_mixed_rows_become_text(tmp_path: Path, rows: int) -> None:
    report = _check(tmp_path, rows, _hermes, to="hermes")
    assert not report.loss_counts


def test_the_reasons_name_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b"".join(make(i) + b"\n" for i, make in enumerate(BROKEN)))
    report = Report()
    convert(path, "hermes", report=report)
    reasons = Counter(reject.reason for reject in report.rejects)
    wanted = ["not JSON", "expected text or null, got `7`", "UTF-8", "the keys `id, body, n`", "expected a JSON object, not", "expected an object"]
    assert len(reasons) == len(BROKEN)
    for part, reject in zip(wanted, report.rejects, strict=True):
        assert part in reject.reason
