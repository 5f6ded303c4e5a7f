"""The parser cases of other projects (../shared/vectors/peer_cases.jsonl), each against the format of ours that reads its wire.

`judge` tells on what toolfmt and a case disagree, `peer_decisions` why.  Used by `tests/test_peers.py` and `benchmarks/peers.py`.
"""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import toolfmt

Row = dict[str, Any]

FORMAT_OF = {
    "deepseek_v3": "deepseek_v3",
    "deepseek_v3_1": "deepseek_v31",
    "functiongemma": "functiongemma",
    "gemma4": "gemma4",
    "glm45": "glm45",
    "glm47": "glm47",
    "hermes": "hermes",
    "json_plain": "llama3_json",
    "kimi_k2": "kimi_k2",
    "lfm2": "lfm2",
    "llama3_json": "llama3_json",
    "minimax_m2": "minimax_m2",
    "mistral": "mistral_v3",
    "mistral_v11": "mistral_v11",
    "olmo3_pythonic": "olmo3",
    "other:cohere": "cohere",
    "other:longcat": "longcat",
    "other:step3": "step3",
    "pythonic": "llama4_pythonic",
    "qwen3_coder": "qwen3_coder",
}
"""The cases' names of formats, and ours."""

BY_BEGINNING = {
    "json_plain": {"[": "xlam"},
    "pythonic": {"[": "pythonic", "<|tool_call_start|>": "lfm2"},
}
"""The same where a case's text begins so."""

REGISTERED = frozenset(info.name for info in toolfmt.formats())

ASPECTS = ("calls", "content", "reasoning")


@cache
def read_cases(shared: Path) -> tuple[Row, ...]:
    with (shared / "vectors" / "peer_cases.jsonl").open(encoding="utf-8") as lines:
        return tuple(json.loads(line) for line in lines)


def format_of(case: Row) -> str:
    """The format that reads this case."""
    text = case["model_output"].lstrip()
    for beginning, name in BY_BEGINNING.get(case["format"], {}).items():
        if text.startswith(beginning):
            return name
    return FORMAT_OF[case["format"]]


def parsed_whole(case: Row, coercion: str = "schema") -> toolfmt.Parsed:
    return toolfmt.parse(case["model_output"], format_of(case), tools=case["tools"], coercion=coercion)


def chunkings(case: Row) -> Iterator[Sequence[str]]:
    """The case's own chunks where it has some, else chunks of 1 and of 4 characters."""
    text = case["model_output"]
    if case["streaming_chunks"]:
        yield case["streaming_chunks"]
    else:
        for size in (1, 4):
            yield [text[i : i + size] for i in range(0, len(text), size)]


def parsed_stream(case: Row, chunks: Sequence[str]) -> toolfmt.Parsed:
    parser = toolfmt.stream(format_of(case), tools=case["tools"])
    for chunk in chunks:
        parser.feed(chunk)
    parser.close()
    return parser.parsed


def judge(case: Row, got: toolfmt.Parsed) -> dict[str, str]:
    """On what ``got`` and the case disagree: aspect -> what was expected and what came."""
    found = {}
    if why := _calls(case, got.calls):
        found["calls"] = why
    if case["content_match"] == "exact" and got.text != case["expected_content"]:
        found["content"] = f"{case['expected_content']!r} expected, got {got.text!r}"
    thought = "".join(part.text for part in got.parts if isinstance(part, toolfmt.Reasoning))
    if "expected_reasoning" in case and thought != (case["expected_reasoning"] or ""):
        found["reasoning"] = f"{case['expected_reasoning']!r} expected, got {thought!r}"
    return found


def _calls(case: Row, calls: Sequence[toolfmt.ToolCall]) -> str:
    expected = case["expected_calls"]
    if len(calls) < len(expected) or (case["calls_complete"] and len(calls) != len(expected)):
        return f"{len(expected)} calls expected, got {list(calls)!r}"
    for wanted, call in zip(expected, calls, strict=False):
        if wanted["name"] is not None and wanted["name"] != call.name:
            return f"name {wanted['name']!r} expected, got {call.name!r}"
        values, match = call.arguments, wanted["arguments_match"]
        if match == "exact" and not same_json(wanted["arguments"], values):
            return f"{wanted['arguments']!r} expected, got {values!r}"
        if match == "subset":
            for path, value in wanted.get("arg_paths") or [
                ([key], value) for key, value in wanted["arguments"].items()
            ]:
                if not same_json(value, _at(values, path)):
                    return f"{value!r} expected at {path}, got {_at(values, path)!r}"
    return ""


_MISSING = object()


def _at(value: Any, path: Sequence[Any]) -> Any:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return _MISSING
    return value


def same_json(a: Any, b: Any) -> bool:
    """Equal as JSON values; the peers' tests do not tell 42 from 42.0, so neither does this."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same_json(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same_json, a, b))
    return bool(a == b)
