"""How toolfmt reads the cases of other projects' parser tests, and the 31 argument values on which their parsers were measured.

    python benchmarks/peers.py [--markdown]

``--markdown`` prints docs/peers.md.  Needs the reference vectors beside the checkout, as tests/test_peers.py does; every disagreement stands in
tests/peer_decisions.py with its reason.
"""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from peer_cases import REGISTERED, chunkings, format_of, judge, parsed_stream, parsed_whole, read_cases  # noqa: E402
from peer_decisions import DECISIONS, DISAGREEMENTS  # noqa: E402
from test_argument_cases import CASES, case, written  # noqa: E402

import toolfmt  # noqa: E402
from toolfmt.ir import same  # noqa: E402

SOURCES = {
    "ollama/ollama": "Ollama",
    "lightseekorg/smg": "smg",
    "ml-explore/mlx-lm": "mlx-lm",
    "sgl-project/sglang": "SGLang",
    "hiyouga/LLaMA-Factory": "LLaMA-Factory",
}

SIZES = (1, 4, 11, 10**6)  # characters a chunk, in the argument cases

ELSEWHERE: Sequence[tuple[str, tuple[str, ...], str, str, str, str, str]] = (
    # wire, our formats; vLLM (whole / streamed), transformers + TRL, mlx-lm, ms-swift, LLaMA-Factory
    ("Hermes", ("hermes",), "30 / 120", "29", "30", "30", "31"),
    ("Qwen XML", ("qwen_xml", "qwen3_coder"), "29, 28 / 116", "27", "27", "16", "23"),
    ("FunctionGemma", ("functiongemma",), "13 / 30", "", "24", "", ""),
    ("xLAM", ("xlam",), "31 / 56", "", "", "", ""),
    ("Llama 3 JSON", ("llama3_json",), "31 / 90", "30", "", "29", "31"),
    ("Mistral", ("mistral_v3", "mistral_v11"), "29", "", "31", "31", "31"),
    ("DeepSeek V3", ("deepseek_v3",), "31", "", "", "31", ""),
    ("DeepSeek V3.1", ("deepseek_v31",), "30", "", "", "", ""),
    ("DeepSeek V3.2, V4", ("dsml", "dsml_v4"), "29", "", "", "", ""),
    ("Kimi K2", ("kimi_k2",), "29", "", "30", "31", ""),
    ("Kimi K3", ("kimi_k3",), "31 / 124", "", "31", "", ""),
    ("GLM 4.5, 4.7", ("glm45", "glm47"), "29", "27", "27", "16", "0"),
    ("MiniMax M2", ("minimax_m2",), "29", "", "26", "23", ""),
    ("MiniMax M3", ("minimax_m3",), "25", "", "", "19", ""),
    ("Seed-OSS", ("seed_oss",), "23", "", "", "18", "25"),
    ("Gemma 4", ("gemma4",), "27", "29", "30", "23", "29"),
    ("Granite", ("granite",), "30", "", "", "", ""),
    ("LFM2", ("lfm2",), "30", "27", "", "", "21"),
    ("Hunyuan", ("hunyuan",), "30 / 87", "", "", "", ""),
    ("Phi-4", ("phi4",), "0", "", "", "", ""),
    ("gpt-oss", ("harmony",), "", "29", "", "", ""),
    ("Pythonic", ("pythonic", "llama4_pythonic"), "11", "", "28", "", ""),
    ("MiniCPM5", ("minicpm5",), "", "", "28", "", ""),
)
"""What the other parsers got of the 31 argument cases when they were last run; empty where they were not."""


class Tally:
    """The cases of one format: how many there are, and on how many toolfmt agrees, by source."""

    def __init__(self) -> None:
        self.cases: Counter[str] = Counter()
        self.whole: Counter[str] = Counter()
        self.streamed: Counter[str] = Counter()
        self.decided = 0


def tally(shared: Path) -> tuple[dict[str, Tally], list[str], Counter[str]]:
    """By format; what disagrees and is not decided; the formats toolfmt does not have."""
    made: dict[str, Tally] = defaultdict(Tally)
    open_, missing = [], Counter[str]()
    for row in read_cases(shared):
        name, source = format_of(row), SOURCES[row["source_repo"]]
        if name not in REGISTERED:
            missing[name] += 1
            continue
        one = made[name]
        one.cases[source] += 1
        agrees = not judge(row, parsed_whole(row))
        one.whole[source] += agrees
        one.streamed[source] += all(not judge(row, parsed_stream(row, chunks)) for chunks in chunkings(row))
        one.decided += not agrees and row["id"] in DISAGREEMENTS
        if not agrees and row["id"] not in DISAGREEMENTS:
            open_.append(row["id"])
    return dict(sorted(made.items())), open_, missing


def argument_cases(name: str) -> tuple[int, int, list[str]]:
    """Of the 31 argument cases: read back exactly, streamed exactly (of 124), refused on writing."""
    whole = streamed = 0
    refused = []
    for title in CASES:
        text = written(name, title, with_tools=True)
        if text is None:
            refused.append(title)
            continue
        tools, call = case(name, title)
        whole += _exact(toolfmt.parse(text, name, tools=tools), call)
        for size in SIZES:
            parser = toolfmt.stream(name, tools=tools)
            for i in range(0, len(text), size):
                parser.feed(text[i : i + size])
            parser.close()
            streamed += _exact(parser.parsed, call)
    return whole, streamed, refused


def _exact(parsed: toolfmt.Parsed, call: toolfmt.ToolCall) -> bool:
    return len(parsed.parts) == 1 and bool(parsed.calls) and same(parsed.calls[0].arguments, call.arguments)


# -- the page


def table(head: Sequence[str], rows: Sequence[Sequence[Any]], right: Sequence[int] = ()) -> Iterator[str]:
    cells = [list(map(str, row)) for row in [head, *rows]]
    width = [max(len(row[i]) for row in cells) for i in range(len(head))]
    for n, row in enumerate(cells):
        yield (
            "| "
            + " | ".join(
                c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, width, strict=True))
            )
            + " |"
        )
        if n == 0:
            yield "|" + "|".join("-" * (w + 1) + (":" if i in right else "-") for i, w in enumerate(width)) + "|"


def ids(cases: Sequence[str]) -> str:
    """``smg-hermes-002``, ``smg-hermes-003`` as ``smg-hermes-`` 002 003."""
    groups: dict[str, list[str]] = defaultdict(list)
    for one in cases:
        start, _, number = one.rpartition("-")
        groups[start].append(number)
    return " · ".join(f"`{start}-` {' '.join(numbers)}" for start, numbers in groups.items())


def wrapped(text: str, width: int = 150) -> Iterator[str]:
    line = ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > width:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line


def page(shared: Path) -> Iterator[str]:
    made, _, missing = tally(shared)
    rows = read_cases(shared)
    count = sum(sum(one.cases.values()) for one in made.values())
    whole, streamed = (sum(sum(getattr(one, what).values()) for one in made.values()) for what in ("whole", "streamed"))
    yield "# Other parsers' tests"
    yield ""
    yield from wrapped(
        f"Five projects test their tool-call parsers with model outputs and what should become of them. toolfmt reads {count} of these cases, "
        f"whole and streamed (in the case's own chunks, else in chunks of 1 and of 4 characters), and agrees with {whole} whole and "
        f"{streamed} streamed. The projects disagree with each other in places, so a case is evidence, not law: where toolfmt reads "
        "otherwise, the decision stands below, with its reason and every case it concerns. `tests/test_peers.py` fails on a disagreement "
        "that is not listed, and on a listed one that is gone."
    )
    yield ""
    yield "## Agreement"
    yield ""
    yield "Cases agreed with, of all; whole outputs. The last columns count all sources."
    yield ""
    body = []
    for name, one in made.items():
        cells = [f"{one.whole[source]} / {n}" if (n := one.cases[source]) else "" for source in SOURCES.values()]
        n = sum(one.cases.values())
        body.append([f"`{name}`", *cells, f"{sum(one.whole.values())} / {n}", f"{sum(one.streamed.values())} / {n}"])
    yield from table(["format", *SOURCES.values(), "whole", "streamed"], body, right=range(1, 8))
    yield ""
    if missing:
        left = ", ".join(f"`{name}` ({n})" for name, n in sorted(missing.items()))
        yield from wrapped(f"Not counted, because toolfmt has no such format: {left}.")
        yield ""
    yield from wrapped(
        "Values are compared as JSON, `42` and `42.0` as equal, as the peers' tests do. Where a case asserts only some arguments, only those are "
        "compared; where it asserts the text, that is compared byte for byte. Cases of bare JSON are read as `llama3_json`, an array as `xlam`; "
        "cases of the pythonic wire as `pythonic`, beside text or between marks as `llama4_pythonic` or `lfm2`."
    )
    yield ""
    commits = {
        source: sorted({row["source_rev"][:8] for row in rows if row["source_repo"] == repo})
        for repo, source in SOURCES.items()
    }
    yield from table(
        ["source", "repository", "commit", "cases"],
        [
            [source, repo, ", ".join(commits[source]), sum(row["source_repo"] == repo for row in rows)]
            for repo, source in SOURCES.items()
        ],
        right=[3],
    )
    yield ""
    yield from decisions(made)
    yield from arguments()


def decisions(made: dict[str, Tally]) -> Iterator[str]:
    yield "## Decisions"
    yield ""
    total = sum(len(one.cases) for one in DECISIONS)
    yield f"{total} cases, {len(DECISIONS)} decisions, the most frequent first."
    for one in sorted(DECISIONS, key=lambda one: -len(one.cases)):
        yield ""
        yield f"### {one.key[0].upper()}{one.key[1:]} ({len(one.cases)})"
        yield ""
        yield from wrapped(one.why)
        yield ""
        yield from wrapped(ids(one.cases))
    yield ""


def arguments() -> Iterator[str]:
    ours = {info.name: argument_cases(info.name) for info in toolfmt.formats()}
    yield "## The 31 argument cases"
    yield ""
    yield from wrapped(
        "One call with one or two arguments each, compared types included: strings that look like numbers, literals, JSON or the format's "
        "own closing tag, blanks, quotes, Unicode, a 20-digit integer, an `anyOf`, empty and deep containers "
        "(`tests/test_argument_cases.py`). Whole: of 31; streamed: of 124, in chunks of 1, 4 and 11 characters and in one. The others' "
        "parsers read what the models' own templates wrote, in the state of November 2026: vLLM 0.33.0, transformers 5.23.0 with TRL 1.16, "
        "mlx-lm 0.32.2, ms-swift 4.6 (its own text, no schema), LLaMA-Factory. toolfmt reads what it wrote itself; what it cannot say "
        "exactly it refuses to write."
    )
    yield ""
    body = []
    for wire, names, *others in ELSEWHERE:
        known = [ours[name] for name in names if name in ours]
        if known:
            mine = "; ".join(dict.fromkeys(f"{one[0]} / {one[1]}" for one in known))
            body.append([wire, mine, *others])
    yield from table(
        ["wire", "toolfmt", "vLLM", "transformers + TRL", "mlx-lm", "ms-swift", "LLaMA-Factory"],
        body,
        right=range(1, 7),
    )
    yield ""
    yield from wrapped(
        "Of vLLM's two figures for Qwen XML the first is for Qwen3.8's text, the second for Qwen3.5's. Where only one figure stands, streams were "
        "not measured. vLLM's example templates of the pythonic wire (Llama 4) and of Phi-4 are faulty. LLaMA-Factory cannot read the GLM text "
        "that it writes. In DSML and Kimi K3 toolfmt's closing-tag case also holds what follows the tag."
    )
    yield ""
    full = [name for name, one in ours.items() if one[:2] == (31, 124)]
    yield from wrapped(
        f"toolfmt reads 31 / 124 in {len(full)} of its {len(ours)} formats. The others refuse to write what their wire cannot say:"
    )
    yield ""
    rest = [[f"`{name}`", f"{one[0]} / {one[1]}", ", ".join(one[2])] for name, one in ours.items() if name not in full]
    yield from table(["format", "read", "refused"], rest, right=[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--markdown", action="store_true", help="print docs/peers.md")
    shared = ROOT.parent / "shared"
    if not (shared / "vectors" / "peer_cases.jsonl").exists():
        parser.error("there are no reference vectors beside this checkout")
    if parser.parse_args().markdown:
        print("\n".join(page(shared)))
        return 0
    made, open_, missing = tally(shared)
    body = [
        [name, sum(one.cases.values()), sum(one.whole.values()), sum(one.streamed.values()), one.decided]
        for name, one in made.items()
    ]
    print("\n".join(table(["format", "cases", "whole", "streamed", "decided"], body, right=range(1, 5))))
    for name, n in missing.items():
        print(f"no format {name}: {n} cases")
    if open_:
        print("not decided:", *open_)
    return 1 if open_ else 0


if __name__ == "__main__":
    sys.exit(main())
