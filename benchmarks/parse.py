"""How fast `toolfmt.parse` reads whole outputs, beside `json.loads` and `orjson.loads` of the same calls' JSON alone.

    python benchmarks/parse.py [--quick] [--formats hermes,xlam] [--json | --markdown]

The ratio is calls/s of toolfmt over calls/s of ``json.loads``: toolfmt finds the calls in the text, types them, checks them and makes its public
objects; the decoders get ``{"name": .., "arguments": ..}`` ready cut.  All are timed in turn on one slice of the workload after another, and the
best of each slice counts, in seconds of this process alone, so that noise hits all alike: compare ratios, never seconds of different runs.
"""

import gc
import json
import sys
from collections.abc import Callable, Sequence
from time import process_time
from typing import Any

import orjson

import toolfmt

if __package__:
    from benchmarks import common, workload
else:
    import common
    import workload

GOALS = {
    **dict.fromkeys(["json_fence", "hermes", "xlam", "xlam_v1", "labelled"], 0.4),
    **dict.fromkeys(["qwen_xml", "qwen3_coder", "functiongemma"], 0.3),
}
SLICE = 50  # outputs: about a millisecond, so that a busy machine leaves whole slices alone
LONG = 64_000


def _parse(texts: Sequence[str], name: str, tools: object) -> Callable[[], float]:
    def once() -> float:
        parse = toolfmt.parse
        start = process_time()
        for text in texts:
            parse(text, name, tools=tools).calls  # noqa: B018 - the objects are made here
        return process_time() - start

    return once


def _decode(payloads: Sequence[str], decode: Callable[[str], Any]) -> Callable[[], float]:
    def once() -> float:
        start = process_time()
        for payload in payloads:
            decode(payload)
        return process_time() - start

    return once


def measure(written: workload.Written, name: str, rounds: int) -> dict[str, Any]:
    """All figures of one format on one workload."""
    texts, prepared = written.texts, toolfmt.read_tools(workload.TOOLS)
    payloads = written.payloads
    sums = [0.0] * 5
    gc.collect()
    for at in range(0, len(texts), SLICE):
        part = texts[at : at + SLICE]
        flat = [payload for one in payloads[at : at + SLICE] for payload in one]
        timed = (
            _parse(part, name, prepared),
            _decode(flat, json.loads),
            _decode(flat, orjson.loads),
            _parse(part, name, workload.TOOLS),
            _parse(part, name, None),
        )
        sums = [total + best for total, best in zip(sums, common.best_of(rounds, *timed), strict=True)]
    whole, by_json, by_orjson, ready, bare = sums
    calls = sum(map(len, payloads))
    size = sum(len(text.encode()) for text in texts)
    right = sum(
        workload.exact(message, toolfmt.parse(text, name, tools=workload.TOOLS))
        for message, text in zip(written.messages, texts, strict=True)
    )
    return {
        "format": name,
        "outputs": len(texts),
        "calls": calls,
        "refused": written.refused,
        "calls_per_s": calls / whole,
        "mb_per_s": size / whole / 1e6,
        "us_per_call": whole / calls * 1e6,
        "json_us_per_call": by_json / calls * 1e6,
        "orjson_us_per_call": by_orjson / calls * 1e6,
        "ratio_json": by_json / whole,
        "ratio_orjson": by_orjson / whole,
        "ratio_prepared": by_json / ready,
        "ratio_no_tools": by_json / bare,
        "exact": right / len(texts),
        "goal": GOALS.get(name),
    }


def _share(value: float) -> str:
    return "1" if value == 1 else f"{value:.5f}"


def _goal(row: dict[str, Any]) -> str:
    if row["goal"] is None:
        return "-"
    return f">= {row['goal']} {'met' if row['ratio_json'] >= row['goal'] else 'MISSED'}"


def _table(title: str, rows: Sequence[dict[str, Any]], *, markdown: bool, goals: bool) -> None:
    head = ["format", "calls/s", "MB/s", "us/call", "json us", "orjson us", "of json", *(["goal"] if goals else [])]
    head += ["of orjson", "raw tools", "no tools", "exact", "refused"]
    cells = [
        [
            row["format"],
            f"{row['calls_per_s']:,.0f}",
            f"{row['mb_per_s']:.0f}",
            f"{row['us_per_call']:.1f}",
            f"{row['json_us_per_call']:.2f}",
            f"{row['orjson_us_per_call']:.2f}",
            f"{row['ratio_json']:.2f}",
            *([_goal(row)] if goals else []),
            f"{row['ratio_orjson']:.2f}",
            f"{row['ratio_prepared']:.2f}",
            f"{row['ratio_no_tools']:.2f}",
            _share(row["exact"]),
            row["refused"],
        ]
        for row in rows
    ]
    common.print_table(title, head, cells, markdown=markdown)


def _brief(rows: Sequence[dict[str, Any]], long: Sequence[dict[str, Any]]) -> None:
    """What the README shows."""
    by_name = {row["format"]: row for row in long}
    cells = [
        [
            f"`{row['format']}`",
            f"{row['calls_per_s']:,.0f}",
            f"{row['mb_per_s']:.0f}",
            f"{row['ratio_json']:.2f}",
            f"{by_name[row['format']]['mb_per_s']:,.0f}",
            _share(row["exact"]),
        ]
        for row in rows
    ]
    head = ["format", "calls/s", "MB/s", "of `json.loads`", "64 kB arguments, MB/s", "exact"]
    common.print_table(_title(rows), head, cells, markdown=True)


def _title(rows: Sequence[dict[str, Any]]) -> str:
    most = max(rows, key=lambda row: row["outputs"])
    about = ", ".join(f"{name} {value}" for name, value in common.machine().items())
    return f"{most['outputs']:,} outputs, {most['calls']:,} calls; {about}."


def main() -> int:
    options = common.arguments("Time toolfmt.parse.")
    rounds = options.rounds or (3 if options.quick else 5)
    outputs = workload.outputs(1000 if options.quick else 10_000)
    long_outputs = workload.long_outputs(20 if options.quick else 100, LONG)
    rows, long = [], []
    for name in options.formats:
        common.note(f"{name} ...")
        rows.append(measure(workload.write_all(outputs, name), name, rounds))
        long.append(measure(workload.write_all(long_outputs, name), name, rounds))
    if options.json:
        print(json.dumps({"machine": common.machine(), "mixed": rows, "long": long}, indent=2))
    elif options.markdown:
        _brief(rows, long)
    else:
        print(_title(rows), f"Best of {rounds}.")
        print(
            "of json: calls/s of parse(text, format, tools=read_tools(definitions)) over json.loads; raw tools: definitions as a list of dicts."
        )
        _table("Mixed, 20 B to 2 kB of arguments a call", rows, markdown=False, goals=True)
        _table(f"Long, {LONG // 1000} kB strings", long, markdown=False, goals=False)
    wrong = [row["format"] for row in [*rows, *long] if row["exact"] != 1]
    if wrong:
        common.note(f"NOT exact: {', '.join(wrong)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
