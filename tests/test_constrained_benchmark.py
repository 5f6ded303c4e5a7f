"""`benchmarks/constrained.py` counts an output as what it is, and asks each question with its tools; no model takes part."""

import pytest

import toolfmt
from benchmarks.constrained import Batch, Output, called, judged, line, verdict
from benchmarks.questions import MADE, QUESTIONS, Task, made, prompt

FORMATS = [info.name for info in toolfmt.formats()]
TASK = Task("What is here?", toolfmt.read_tools(MADE), "list_files")
CALL = '<tool_call>\n{"name": "list_files", "arguments": {}}\n</tool_call>'
RATE = '<tool_call>\n{"name": "convert_currency", "arguments": {"amount": -1, "to": "USD"}}\n</tool_call>'


@pytest.mark.parametrize(
    ("text", "ended", "said", "name"),
    [
        (CALL, True, "valid", "list_files"),
        (f"\n{CALL}\n", True, "valid", "list_files"),
        (CALL, False, "cut off", "list_files"),
        (f"Sure. {CALL}", True, "text beside", "list_files"),
        (f"{CALL}\n{CALL}", True, "several calls", None),
        (RATE, True, "against the schema", None),
        (CALL.replace("list_files", "rm"), True, "against the schema", None),
        (CALL[:-14], True, "malformed", None),
        (f"{CALL} <tool_call>rm</tool_call>", True, "malformed", "list_files"),
        ("There are none.", True, "no call", None),
    ],
)
def test_what_an_output_counts_as(text: str, ended: bool, said: str, name: str | None) -> None:
    output = Output(text, ended)
    assert (verdict(output, "hermes", TASK), called(output, "hermes", TASK)) == (said, name)


def test_a_row_of_the_table() -> None:
    outputs = [Output(CALL, True), Output("no", True), Output(CALL, False), Output(f"So: {CALL}", True)]
    batch = Batch(outputs, steps=10, seconds=2.5, masks=[0.5, *[0.01] * 8, 0.02], writing=[4] * 10)
    figures = judged(batch, "hermes", [TASK, TASK._replace(right="get_weather"), TASK, TASK])
    assert [found["verdict"] for found in figures["faulty"]] == ["no call", "text beside"]
    cells = ["hermes", "xgrammar", "1/3", "1", "3/4", "3/4", "200.0", "20", "10.0", "20.0", "2,777.8", "0.5"]
    assert line({"format": "hermes", "engine": "xgrammar", **figures}) == cells


def test_every_tool_is_asked_for_and_every_question_comes() -> None:
    tasks = made(3 * max(map(len, QUESTIONS.values())))
    assert {(task.right, task.question) for task in tasks} == {
        (name, text) for name, texts in QUESTIONS.items() for text in texts
    }
    assert all(task.right in {tool.name for tool in task.tools} for task in tasks)


@pytest.mark.parametrize("fmt", FORMATS)
def test_the_prompt_shows_the_tools_and_a_call_in_the_format(fmt: str) -> None:
    text = prompt(TASK, fmt)
    assert text.endswith(f"{TASK.question}<|im_end|>\n<|im_start|>assistant\n")
    example = text.split("<|im_start|>assistant\n")[1].removesuffix("<|im_end|>\n<|im_start|>user\n" + TASK.question)
    calls = toolfmt.parse(example.split("<|im_end|>")[0], fmt, tools=TASK.tools).calls
    assert [(call.name, call.arguments) for call in calls] == [("convert_currency", {"amount": 20, "to": "USD"})]
    assert all(name in text for name in QUESTIONS)
