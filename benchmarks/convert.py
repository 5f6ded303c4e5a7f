"""What `toolfmt.convert` costs a row: processor time, beside plain Python that does no more than it must, and beside ``datasets.map``.

    python benchmarks/convert.py [--quick] [--rounds N] [--gigabytes N] [--json | --markdown]

*Text rows*: one assistant message of about 150 characters with a JSON fence, to other formats; plain Python cuts the fence out, decodes it and
writes the tags, and checks nothing.  *Structured rows*: five messages, one call with its result, between layouts and to text.  Each is run on a
list of rows, in one process, and counted to its last row: the look at the data before the first row is in it.  With ``datasets`` installed, the
same rows as a ``Dataset`` against the identity in ``map(batched=True)``.  ``--gigabytes`` writes a JSONL file of that size, converts it in a
process of its own and prints the most memory that it held.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import toolfmt

if __package__:
    from benchmarks import common
else:
    import common

GOAL_TEXT = 0.6
"""Rows a second, as a share of plain Python's."""
GOAL_STRUCTURED = 40_000
"""Rows a second of processor time."""
GOAL_MEGABYTES = 500
Row = dict[str, Any]
_STRING, _INTEGER = {"type": "string"}, {"type": "integer"}
PARAMETERS = {"type": "object", "properties": {"pattern": _STRING, "limit": _INTEGER, "path": _STRING}}
TOOLS = [{"type": "function", "function": {"name": "search_code", "parameters": PARAMETERS}}]


def arguments_of(number: int) -> Row:
    return {"pattern": f"def handle_{number}", "limit": number % 9, "path": "src"}


def text_row(number: int) -> Row:
    call = json.dumps({"name": "search_code", "arguments": arguments_of(number)})
    return {"messages": [{"role": "assistant", "content": f"I'll look for it in the code, one moment.\n\n```json\n{call}\n```"}]}


def structured_row(number: int) -> Row:
    function = {"name": "search_code", "arguments": json.dumps(arguments_of(number))}
    call = {"id": f"call_{number}", "type": "function", "function": function}
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": f"Find handler {number}."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call["id"], "content": f"src/a.py:{number}: def handle_{number}"},
        {"role": "assistant", "content": "It is in src/a.py."},
    ]
    return {"messages": messages, "tools": TOOLS}


def plainly(rows: list[Row]) -> list[Row]:
    """A fence to Qwen's tags, as a script for one file would do it."""
    made = []
    for row in rows:
        messages = []
        for message in row["messages"]:
            text = message["content"]
            start = text.find("```json\n")
            end = text.find("\n```", start)
            call = json.loads(text[start + 8 : end])
            tags = "".join(
                f"<parameter={key}>\n{value if isinstance(value, str) else json.dumps(value)}\n</parameter>\n"
                for key, value in call["arguments"].items()
            )
            written = f"<tool_call>\n<function={call['name']}>\n{tags}</function>\n</tool_call>"
            messages.append({**message, "content": text[:start] + written + text[end + 4 :]})
        made.append({**row, "messages": messages})
    return made


def timed(work: Callable[[], object]) -> Callable[[], float]:
    def once() -> float:
        start = process_time()
        work()
        return process_time() - start

    return once


def converting(rows: list[Row], **settings: Any) -> Callable[[], float]:
    def work() -> None:
        report = toolfmt.Report()
        made = toolfmt.convert(rows, report=report, on_loss="ignore", **settings)
        assert len(made) == len(rows) == report.converted, report.summary()

    return timed(work)


def measure(size: int, rounds: int) -> list[dict[str, Any]]:
    texts, five = [text_row(i) for i in range(size)], [structured_row(i) for i in range(size)]
    trl = toolfmt.convert(five, layout="trl")
    assert plainly(texts[:9]) == toolfmt.convert(texts[:9], to="qwen_xml", tools=TOOLS)
    cases: list[tuple[str, Callable[[], float]]] = [
        ("text: plain Python, json_fence -> qwen_xml", timed(lambda: plainly(texts))),
        ("text: json_fence -> qwen_xml", converting(texts, to="qwen_xml", tools=TOOLS)),
        ("text: json_fence -> hermes", converting(texts, to="hermes")),
        ("structured: openai -> qwen_xml", converting(five, to="qwen_xml")),
        ("structured: openai -> hermes", converting(five, to="hermes")),
        ("structured: openai -> trl", converting(five, layout="trl")),
        ("structured: trl -> openai", converting(trl, layout="openai")),
    ]
    times = common.best_of(rounds, *(once for _, once in cases))
    plain = times[0]
    made = []
    for (name, _), seconds in zip(cases, times, strict=True):
        share = plain / seconds if name.startswith("text") else None
        made.append({"case": name, "rows/s": round(size / seconds), "us/row": round(seconds / size * 1e6, 1), "of plain": share})
    return made


def measure_dataset(size: int, rounds: int) -> list[dict[str, Any]]:
    """A `datasets.Dataset` of the structured rows: the identity, and the conversion."""
    from datasets import Dataset, disable_caching, disable_progress_bars

    disable_progress_bars()
    disable_caching()
    rows = [{**structured_row(i), "tools": json.dumps(TOOLS)} for i in range(size)]
    data = Dataset.from_list(rows)
    same = timed(lambda: data.map(dict, batched=True))
    new = timed(lambda: toolfmt.convert(data, to="hermes", on_loss="ignore", report=toolfmt.Report()))
    return [
        {"case": f"Dataset: {name}", "rows/s": round(size / seconds), "us/row": round(seconds / size * 1e6, 1), "of plain": None}
        for name, seconds in zip(("identity", "openai -> hermes"), common.best_of(rounds, same, new), strict=True)
    ]


def measure_memory(gigabytes: float) -> dict[str, Any]:
    """Converts a JSONL file of that size in another process, which says what it held (of Linux: what `getrusage` says counts its parent too)."""
    code = (
        "import sys, time, toolfmt, pathlib; r = toolfmt.Report(); "
        "toolfmt.convert(pathlib.Path(sys.argv[1]), to='hermes', out=pathlib.Path(sys.argv[2]), report=r, on_loss='ignore'); "
        "held = [line for line in open('/proc/self/status') if line.startswith('VmHWM')][0].split()[1]; print(r.rows, held, time.process_time())"
    )
    with tempfile.TemporaryDirectory(prefix="toolfmt-") as folder:
        path, out = Path(folder, "in.jsonl"), Path(folder, "out.jsonl")
        block = "".join(json.dumps(structured_row(i)) + "\n" for i in range(10_000))
        times = max(1, round(gigabytes * 1e9 / len(block)))
        with path.open("w") as file:
            for _ in range(times):
                file.write(block)
        done = subprocess.run([sys.executable, "-c", code, path, out], capture_output=True, text=True, check=True)
        rows, held, seconds = done.stdout.split()
        assert int(rows) == times * 10_000 and out.stat().st_size > 0
        size = path.stat().st_size
    return {
        "GB": round(size / 1e9, 2),
        "rows": int(rows),
        "MB at most": round(int(held) / 1024),
        "goal": GOAL_MEGABYTES,
        "rows/s": round(int(rows) / float(seconds)),
    }


def main() -> None:
    gigabytes = ("--gigabytes", {"type": float, "default": 0.05, "help": "the size of the file whose conversion is watched"})
    options = common.arguments((__doc__ or "").partition("\n")[0], gigabytes)
    size, rounds = (2_000, 2) if options.quick else (50_000, 5)
    rounds = options.rounds or rounds
    figures = measure(size, rounds)
    try:
        figures += measure_dataset(size, max(1, rounds // 2))
    except ImportError:
        common.note("datasets is not installed: pip install datasets")
    memory = measure_memory(options.gigabytes)
    if options.json:
        print(json.dumps({"machine": common.machine(), "convert": figures, "memory": memory}, indent=2))
        return
    rows = [
        (f["case"], f"{f['rows/s']:,}", f["us/row"], "" if f["of plain"] is None else f"{f['of plain']:.2f}") for f in figures
    ]
    title = f"Rows per second of processor time; goals: {GOAL_TEXT} of plain Python, {GOAL_STRUCTURED:,} structured rows"
    common.print_table(title, ("case", "rows/s", "us/row", "of plain"), rows, markdown=options.markdown)
    common.print_table("Memory, converting one JSONL file", tuple(memory), [tuple(memory.values())], markdown=options.markdown)


if __name__ == "__main__":
    main()
