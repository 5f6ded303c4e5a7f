"""How long `toolfmt.grammar_for` takes, and how long xgrammar and llguidance take over its grammars, beside the engines' own tool-call grammars.

    python benchmarks/grammar.py [--quick] [--formats hermes,xlam | --all] [--json | --markdown]

Tools and calls are BFCL's, and one more call whose argument is a long piece of code.  ``compile`` is the time from a grammar's text to the first
mask's readiness, one thread; ``mask`` the time to fill the bitmask for one token, at every token of the calls, cut greedily and by chance; of each
place the best of the rounds counts.  ``engine`` are the engines' own grammars of the same tools: xgrammar's structural tags of models, llguidance's
``%json`` in a hermes frame.  Compare figures of one run only.
"""

import json
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from time import perf_counter, process_time
from typing import Any, NamedTuple

import toolfmt
from toolfmt.cli import bfcl

if __package__:
    from benchmarks import common, workload
    from benchmarks.vocabularies import MISSING, Vocabulary, vocabularies
else:
    import common
    import workload
    from vocabularies import MISSING, Vocabulary, vocabularies

FORMATS = ("hermes", "qwen_xml", "functiongemma", "json_fence", "labelled", "xlam", "glm45", "pythonic")
BUILT_IN = {"hermes": "qwen_3", "qwen_xml": "qwen_3_coder", "glm45": "glm_4_7"}
"""xgrammar's structural tags of the formats that it knows."""
COUNTS = (1, 10, 100, 500)
CALLS = 12
CODE = workload.TOOLS[3]  # write_file
GOALS = {"emit": 1.0, "compile": 5.0, "p50": 20.0, "p99": {"xgrammar": 1000.0, "llguidance": 10_000.0}}


class Case(NamedTuple):
    """Tools under different names, and calls of some of them."""

    tools: list[toolfmt.Tool]
    texts: list[str]


# -- what is measured


def case(fmt: str, entries: Sequence[bfcl.Entry], count: int) -> Case:
    """``count`` tools of BFCL that the format can write, among them the tool of the long call, and texts of their calls."""
    tools = {tool.name: tool for tool in toolfmt.read_tools([CODE])}
    texts = [toolfmt.render(workload.long_call(random.Random(1), 1500), fmt, tools=[CODE], verify=False)]
    for entry in entries:
        new = [tool for tool in entry.tools if tool.name not in tools and _written(tool, fmt)]
        tools |= {tool.name: tool for tool in new[: count - len(tools)]}
        if len(texts) <= CALLS:
            texts += _texts(entry, {tool.name for tool in new} & tools.keys(), fmt)
        if len(tools) >= count:
            break
    return Case(list(tools.values())[:count], texts)


def _written(tool: toolfmt.Tool, fmt: str) -> bool:
    try:
        toolfmt.grammar_for([tool], fmt, on_unsupported="relax")
    except toolfmt.ToolfmtError:
        return False
    return True


def _texts(entry: bfcl.Entry, names: set[str], fmt: str) -> Iterator[str]:
    for call in bfcl.valid_calls(entry) or ():
        if call.name in names:
            try:
                yield toolfmt.render(call, fmt, tools=entry.tools)
            except toolfmt.UnrepresentableError:
                continue


def emit(fmt: str, lists: Sequence[Sequence[toolfmt.Tool]], rounds: int) -> float:
    """Milliseconds a tool."""

    def once() -> float:
        start = process_time()
        for tools in lists:
            toolfmt.grammar_for(tools, fmt, on_unsupported="relax")
        return process_time() - start

    return common.best_of(rounds, once)[0] / sum(map(len, lists)) * 1e3


# -- engines


class Engine(NamedTuple):
    """An engine with a vocabulary: ``start`` makes of a grammar something that makes matchers, ``step`` fills a mask and takes a token."""

    name: str
    start: Callable[[Any], Callable[[], Any]]
    fill: Callable[[Any], object]
    take: Callable[[Any, int], bool]


def xgrammar_engine(vocabulary: Vocabulary) -> Engine:
    import xgrammar

    info = xgrammar.TokenizerInfo(vocabulary.tokens, xgrammar.VocabType.RAW, stop_token_ids=[vocabulary.end])
    compiler = xgrammar.GrammarCompiler(info, max_threads=1, cache_enabled=False)
    mask = xgrammar.allocate_token_bitmask(1, len(vocabulary.tokens))

    def start(grammar: Any) -> Callable[[], Any]:
        if isinstance(grammar, str):
            compiled = compiler.compile_grammar(xgrammar.Grammar.from_ebnf(grammar))
        else:
            compiled = compiler.compile_structural_tag(grammar)
        return lambda: xgrammar.GrammarMatcher(compiled)

    return Engine(
        "xgrammar",
        start,
        lambda matcher: matcher.fill_next_token_bitmask(mask),
        lambda matcher, token: matcher.accept_token(token),
    )


class _Tokens:
    """A vocabulary as llguidance asks for it."""

    bos_token_id = None

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary, self.tokens = vocabulary, vocabulary.tokens
        self.eos_token_id, self.special_token_ids = vocabulary.end, [vocabulary.end]

    def __call__(self, text: bytes) -> list[int]:
        return self.vocabulary.cut(text.decode())


def llguidance_engine(vocabulary: Vocabulary) -> Engine:
    import llguidance.numpy
    from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

    tokenizer = LLTokenizer(TokenizerWrapper(_Tokens(vocabulary)))
    mask = llguidance.numpy.allocate_token_bitmask(1, len(vocabulary.tokens))

    def start(grammar: str) -> Callable[[], Any]:
        matcher = LLMatcher(tokenizer, LLMatcher.grammar_from_lark(grammar), log_level=0)
        if matcher.is_error():
            raise ValueError(matcher.get_error())
        return matcher.deep_copy

    def fill(matcher: Any) -> None:
        llguidance.numpy.fill_next_token_bitmask(matcher, mask, 0)

    return Engine("llguidance", start, fill, lambda matcher, token: matcher.consume_token(token))


def built_in(fmt: str, engine: str, tools: Sequence[toolfmt.Tool]) -> Any:
    """The engine's own grammar of calls, None where it has none."""
    if engine == "xgrammar" and fmt in BUILT_IN:
        import xgrammar

        functions = [
            {"type": "function", "function": {"name": tool.name, "parameters": tool.parameters}} for tool in tools
        ]
        return xgrammar.get_model_structural_tag(
            BUILT_IN[fmt], tools=functions, tool_choice="required", reasoning="disabled"
        )
    if engine == "llguidance" and fmt == "hermes":
        spaces = {"x-guidance": {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}}
        heads = [json.dumps(f'<tool_call>\n{{"name": {json.dumps(tool.name)}, "arguments": ') for tool in tools]
        lines = [f"f{i}: %json {json.dumps({**tool.parameters, **spaces})}" for i, tool in enumerate(tools)]
        calls = " | ".join(f"{head} f{i}" for i, head in enumerate(heads))
        return "\n".join(["%llguidance {}", f'start: ({calls}) "}}\\n</tool_call>"', *lines, ""])
    return None


# -- measuring an engine


def masks(engine: Engine, make: Callable[[], Any], texts: Sequence[list[int]], rounds: int) -> tuple[list[float], int]:
    """Microseconds at every place, sorted, and how many texts the grammar refuses."""
    best: dict[tuple[int, int], float] = {}
    refused: set[int] = set()
    for _ in range(rounds):
        for at, tokens in enumerate(texts):
            matcher = make()
            for place, token in enumerate(tokens):
                start = perf_counter()
                engine.fill(matcher)
                spent = (perf_counter() - start) * 1e6
                best[at, place] = min(spent, best.get((at, place), spent))
                if not engine.take(matcher, token):
                    refused.add(at)
                    break
    return sorted(best.values()), len(refused)


def measure(engine: Engine, grammar: Any, texts: Sequence[list[int]], tools: int, rounds: int) -> dict[str, Any]:
    start = process_time()
    make = engine.start(grammar)
    compiled = (process_time() - start) * 1e3
    times, refused = masks(engine, make, texts, rounds)
    return {
        "compile_ms": compiled,
        "compile_ms_per_tool": compiled / tools,
        "mask_p50_us": times[len(times) // 2],
        "mask_p99_us": times[len(times) * 99 // 100],
        "mask_max_us": times[-1],
        "refused": refused,
    }


def rows_of(
    fmt: str,
    entries: Sequence[bfcl.Entry],
    engines: Sequence[tuple[Vocabulary, Engine]],
    counts: Sequence[int],
    rounds: int,
) -> Iterator[dict[str, Any]]:
    for count in counts:
        made = case(fmt, entries, count)
        for vocabulary, engine in engines:
            texts = [vocabulary.cut(text, seed) for text in made.texts for seed in (None, 1, 2)]
            own = toolfmt.grammar_for(made.tools, fmt, engine=engine.name, on_unsupported="relax").text
            theirs = built_in(fmt, engine.name, made.tools) if count <= 100 else None
            for whose, grammar in (("toolfmt", own), ("engine", theirs)):
                if grammar is not None:
                    head = {
                        "format": fmt,
                        "engine": engine.name,
                        "vocabulary": vocabulary.name,
                        "grammar": whose,
                        "tools": count,
                    }
                    yield (
                        head
                        | {"size": len(grammar) if isinstance(grammar, str) else 0}
                        | measure(engine, grammar, texts, count, rounds)
                    )
        common.note(f"{fmt} {count} ...")


# -- tables


def _missed(row: dict[str, Any]) -> str:
    """The goals that a row misses."""
    if row["grammar"] != "toolfmt":
        return "-"
    missed = (
        []
        if row["engine"] != "xgrammar" or row["tools"] != 100 or row["compile_ms_per_tool"] <= GOALS["compile"]
        else ["compile"]
    )
    missed += [] if row["mask_p50_us"] <= GOALS["p50"] else ["p50"]
    missed += [] if row["mask_p99_us"] < GOALS["p99"][row["engine"]] else ["p99"]
    return f"MISSED {' '.join(missed)}" if missed else "met"


def _print(emitted: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]], *, markdown: bool) -> None:
    cells = [
        [
            row["format"],
            *(f"{row[key]:.2f}" for key in ("bfcl", "together")),
            "met" if max(row["bfcl"], row["together"]) <= GOALS["emit"] else "MISSED",
        ]
        for row in emitted
    ]
    common.print_table("Emit, ms a tool", ["format", "BFCL lists", "100 together", "<= 1 ms"], cells, markdown=markdown)
    head = [
        "format",
        "engine",
        "vocabulary",
        "grammar",
        "tools",
        "kB",
        "compile ms",
        "ms a tool",
        "p50 us",
        "p99 us",
        "max us",
        "refused",
        "goals",
    ]
    cells = [
        [
            *(row[key] for key in ("format", "engine", "vocabulary", "grammar", "tools")),
            f"{row['size'] / 1000:.0f}" if row["size"] else "-",
            *(
                f"{row[key]:,.1f}"
                for key in ("compile_ms", "compile_ms_per_tool", "mask_p50_us", "mask_p99_us", "mask_max_us")
            ),
            row["refused"],
            _missed(row),
        ]
        for row in rows
    ]
    common.print_table("Compile and mask", head, cells, markdown=markdown)


def main() -> int:
    options = common.arguments(
        "Time toolfmt.grammar_for and the engines.", ("--all", {"action": "store_true", "help": "every format"})
    )
    formats = options.formats if options.all or options.formats != common.FORMATS else FORMATS
    rounds = options.rounds or (2 if options.quick else 3)
    data = bfcl.find_data()
    if data is None:
        common.note("bfcl-eval is not installed: pip install --no-deps bfcl-eval")
        return 1
    entries = [
        entry
        for category in ("live_multiple", "multiple", "simple_python")
        for entry in bfcl.read_entries(data, [category])
    ]
    found, missing = vocabularies()
    for package in missing:
        common.note(f"a vocabulary is not installed: {MISSING.format(package=package)}")
    engines = [(vocabulary, make(vocabulary)) for vocabulary in found for make in (xgrammar_engine, llguidance_engine)]
    emitted, rows = [], []
    for fmt in formats:
        lists = [
            list(entry.tools)
            for entry in entries[:: 40 if options.quick else 15]
            if all(_written(tool, fmt) for tool in entry.tools)
        ]
        hundred = case(fmt, entries, 100).tools
        emitted.append({"format": fmt, "bfcl": emit(fmt, lists, rounds), "together": emit(fmt, [hundred], rounds)})
        rows += rows_of(fmt, entries, engines, COUNTS[:3] if options.quick else COUNTS, rounds)
    if options.json:
        print(json.dumps({"machine": common.machine(), "emit": emitted, "engines": rows}, indent=2))
    else:
        _print(emitted, rows, markdown=options.markdown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
