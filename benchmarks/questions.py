"""What `constrained.py` asks a model: questions with tools, made up or BFCL's, and the prompt that puts them to it in a format."""

import json
from itertools import islice, product
from typing import Any, NamedTuple

import toolfmt
from toolfmt.cli import bfcl

__all__ = ["Task", "from_bfcl", "made", "prompt"]


class Task(NamedTuple):
    """A question, the tools to answer it with, and the name of the one that should be called."""

    question: str
    tools: tuple[toolfmt.Tool, ...]
    right: str


def _tool(name: str, description: str, *required: str, **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(required)}
    return {"name": name, "description": description, "parameters": parameters}


_SHORT = {"type": "string", "minLength": 1, "maxLength": 12}
_CITY = {"type": "string", "minLength": 1, "maxLength": 20}
EXAMPLE = _tool(
    "convert_currency",
    "Convert an amount of euros into another currency.",
    "amount",
    "to",
    amount={"type": "number", "minimum": 0, "maximum": 100000},
    to={"enum": ["USD", "GBP", "JPY"]},
)
EXAMPLE_QUESTION = "How much are 20 euros in dollars?"
EXAMPLE_CALL = toolfmt.ToolCall(name="convert_currency", arguments={"amount": 20, "to": "USD"})
MADE = [
    EXAMPLE,
    _tool(
        "get_weather",
        "The weather forecast of a city.",
        "city",
        city=_CITY,
        days={"type": "integer", "minimum": 1, "maximum": 14},
        unit={"enum": ["celsius", "fahrenheit"]},
        hourly={"type": "boolean"},
    ),
    _tool(
        "plan_meeting",
        "Put a meeting into the calendar.",
        "place",
        "guests",
        place={
            "type": "object",
            "properties": {"name": _CITY, "floor": {"type": ["integer", "null"], "minimum": -3, "maximum": 40}},
            "required": ["name"],
        },
        guests={"type": "array", "items": _SHORT, "minItems": 1, "maxItems": 3},
        hours={"type": "number", "minimum": 0.5, "maximum": 8},
        note={"anyOf": [_SHORT, {"type": "null"}]},
    ),
    _tool("list_files", "List the files of the current folder."),
]
_CITIES = ("Paris", "Lima", "New York", "Zürich", "São Paulo", "Cairo", "Oslo", "Nairobi")
_GUESTS = ("Ann and Bob", "Chloé", "Li, Omar and Eve", "O'Neil")
QUESTIONS: dict[str, list[str]] = {
    "get_weather": [
        text.format(city)
        for text, city in product(
            (
                "What will the weather be like in {} tomorrow?",
                "Give me the forecast for {} for the next 5 days, in celsius.",
                "Is it going to rain in {} today? I want it hour by hour.",
            ),
            _CITIES,
        )
    ],
    "plan_meeting": [
        text.format(who, city)
        for text, city, who in product(
            (
                "Plan a meeting with {} in {} for two hours.",
                "Meet {} on the third floor of Hotel {}. Note: bring cake.",
            ),
            _CITIES[:4],
            _GUESTS,
        )
    ],
    "list_files": ["Which files are here?", "Show me all files, please.", "ls", "What is in this folder?"],
}


def made(rows: int) -> list[Task]:
    """Questions about each tool in turn; they come again where there are more rows than questions."""
    tools = toolfmt.read_tools(MADE)
    names = list(QUESTIONS)
    return [
        Task(QUESTIONS[name][i // len(names) % len(QUESTIONS[name])], tools, name)
        for i in range(rows)
        for name in [names[i % len(names)]]
    ]


def from_bfcl(rows: int, fmt: str) -> list[Task]:
    """Evenly over ``simple_python`` and ``multiple``, of the entries whose tools the format can write."""
    data = bfcl.find_data()
    if data is None:
        raise SystemExit("bfcl-eval is not installed: pip install --no-deps bfcl-eval")
    tasks = []
    for i, category in enumerate(("simple_python", "multiple")):
        with (data / f"BFCL_v4_{category}.json").open(encoding="utf-8") as lines:
            questions = {row["id"]: row["question"][0][-1]["content"] for row in map(json.loads, lines)}
        entries = list(bfcl.read_entries(data, [category]))
        share = rows // 2 + rows % 2 * (1 - i)
        found = (entry for entry in entries[:: max(1, len(entries) // max(1, 2 * share))] if _written(entry, fmt))
        tasks += [_task(entry, questions[entry.id]) for entry in islice(found, share)]
    return tasks


def _task(entry: bfcl.Entry, question: str) -> Task:
    return Task(question, (*toolfmt.read_tools([EXAMPLE]), *entry.tools), next(iter(entry.answer[0])))


def _written(entry: bfcl.Entry, fmt: str) -> bool:
    try:
        toolfmt.grammar_for(entry.tools, fmt, engine="llguidance", on_unsupported="relax")
    except toolfmt.ToolfmtError:
        return False
    return True


def prompt(task: Task, fmt: str) -> str:
    turns = [
        ("system", toolfmt.describe_tools(task.tools, fmt)),
        ("user", EXAMPLE_QUESTION),
        ("assistant", toolfmt.render(EXAMPLE_CALL, fmt, tools=task.tools)),
        ("user", task.question),
    ]
    return "".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in turns) + "<|im_start|>assistant\n"
