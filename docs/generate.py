"""Writes docs/formats.md from the registered formats, the table of keywords in docs/grammars.md from the schemas of the tests, and in
docs/datasets.md the table of layouts and what its recipes give: `python docs/generate.py`.  Tests fail when one of them is older than what it shows.
The table of keywords needs `toolfmt[grammar]`.

The counts at the end of docs/formats.md are taken from reference outputs of public chat templates, which are not part of the project:
`--vectors FOLDER` counts them anew, otherwise they stay as they are.
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import toolfmt
from toolfmt.format import Format, Limits
from toolfmt.format_table import TABLE
from toolfmt.layouts.base import Layout, Places, get_layout, layouts
from toolfmt.report import KINDS

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "formats.md"
COUNTS = "## Against public chat templates\n"
SERVERS = {"vllm": "vLLM", "sglang": "SGLang", "llama.cpp": "llama.cpp", "mlx": "mlx-lm"}
ANY = Limits()

GRAMMARS = ROOT / "docs" / "grammars.md"
BEGIN, END = "<!-- keywords -->", "<!-- end of keywords -->"
DATASETS = ROOT / "docs" / "datasets.md"
LAYOUTS, END_OF_LAYOUTS = "<!-- layouts -->", "<!-- end of layouts -->"
LOSSES, END_OF_LOSSES = "<!-- losses -->", "<!-- end of losses -->"
FAMILIES = ("hermes", "qwen_xml", "functiongemma", "pythonic", "dsml")
ENGINES = ("xgrammar", "llguidance", "gbnf")
OUTCOMES = ("exact", "narrowed", "relaxed", "refused", "wrong")

TOOLS = [
    toolfmt.Tool(
        name="get_weather",
        description="The weather for a city.",
        parameters={
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "hourly": {"type": "boolean"}},
            "required": ["city"],
        },
    ),
    toolfmt.Tool(name="now", description="The time.", parameters={"type": "object", "properties": {}}),
]
CALLS = (
    toolfmt.ToolCall(name="get_weather", arguments={"city": "Paris", "days": 3, "hourly": False}),
    toolfmt.ToolCall(name="now", arguments={}),
)


def code(text: str) -> str:
    return f"`{text}`" if text else ""


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "⏎")


def row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell(each) for each in cells) + " |"


def table(head: list[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield row(head)
    yield "|" + "---|" * len(head)
    yield from map(row, rows)
    yield ""


def models() -> Iterator[str]:
    yield "## Which format does a model speak?"
    yield ""
    yield (
        "`toolfmt.get_format` takes any name of this table, or a model's: `Qwen/Qwen3-Coder-30B-A3B-Instruct` begins like `qwen3-coder`. "
        "The server columns are the names of their parsers: `--tool-call-parser` of vLLM 0.33 and SGLang 0.5.23, llama.cpp's format, mlx-lm 0.32."
    )
    yield ""
    yield from table(
        ["format", "also called", "models that begin with", *SERVERS.values()],
        (
            [
                code(info.name),
                ", ".join(map(code, info.aliases)),
                ", ".join(info.models),
                *(code(info.parsers.get(server, "")) for server in SERVERS),
            ]
            for info in TABLE
        ),
    )


def absent() -> Iterator[str]:
    yield (
        "Not here, because no source describes them well enough: Laguna, Ling 3, Muse, LongCat, Step-3 and functionary v3.2, "
        "whose first call has no mark of its own in the model's text."
    )
    yield ""


def place_of_text(limits: Limits) -> str:
    return {(True, True): "anywhere", (True, False): "before", (False, True): "after", (False, False): "none"}[
        limits.text_before, limits.text_after
    ]


WORDS = ["get-weather", "a.b", "a:b", "a/b", "a b", "é", "1st", "class", 'a"b', "a<b", "a>b", "a\nb"]
"""Names and keys that not every format can write."""


def unlike(pattern: str) -> str:
    """Which of `WORDS` the pattern refuses, in words."""
    return ", ".join(code(word) for word in WORDS if not re.fullmatch(pattern, word))


def cannot(fmt: Format) -> str:
    limits, said = fmt.limits, []
    for what, pattern, every in (
        ("names", limits.names, ANY.names),
        ("keys", limits.keys, ANY.keys),
        ("nested keys", limits.deep_keys, ANY.deep_keys),
    ):
        refused = unlike(pattern) if pattern != every else ""
        if refused:
            said.append(f"{what} like {refused}")
    if limits.never:
        more = f" and {len(limits.never) - 1} like it" if len(limits.never) > 1 else ""
        said.append(f"strings with {code(limits.never[0])}{more}")
    if not limits.typed_values:
        said.append("a string that spells another type its schema allows")
    return "; ".join(said)


def abilities() -> Iterator[str]:
    yield "## What each can say"
    yield ""
    yield (
        "*ids*: calls carry ids, such as this one. *parallel*: several calls in one message are written. *text*: where text may stand beside calls. "
        '*types*: `5` and `"5"` differ on the wire; where they do not, reading needs the tools. *results*: what a tool result carries. '
        "*cannot write*: which names and keys of "
        + cell(", ".join(map(code, WORDS)))
        + " are refused, and strings that would end a value. All of it is read from `Format.limits`; "
        "what a format cannot say `render` refuses and `convert` reports."
    )
    yield ""
    yield from table(
        ["format", "ids", "parallel", "text", "reasoning", "types", "results", "cannot write"],
        (
            [
                code(info.name),
                code(str(fmt.new_id("f", 0))) if fmt.limits.ids else "no",
                "yes" if fmt.limits.many_calls else "no",
                place_of_text(fmt.limits),
                "yes" if fmt.limits.reasoning else "no",
                "yes" if fmt.limits.typed_values else "**no**",
                " and ".join(["text"] + ["name"] * fmt.limits.result_names + ["id"] * bool(fmt.limits.ids)),
                cannot(fmt),
            ]
            for info, fmt in every()
        ),
    )


def every() -> Iterator[tuple[toolfmt.FormatInfo, Format]]:
    for info in TABLE:
        yield info, toolfmt.get_format(info.name)


def samples() -> Iterator[str]:
    yield "## The same turn in each"
    yield ""
    yield "Text where the format has a place for it, then two calls, or one where it writes one; with the end-of-turn marker."
    for info, fmt in every():
        text = (toolfmt.Text(text="Let me look."),) if fmt.limits.text_before else ()
        calls = CALLS if fmt.limits.many_calls else CALLS[:1]
        yield f"\n`{info.name}`\n"
        yield "`````text"
        yield toolfmt.render((*text, *calls), fmt, tools=TOOLS, end=True)
        yield "`````"
    yield ""


def page() -> str:
    """The page but for its counts."""
    lines = [
        "# Formats",
        "",
        "Generated by `python docs/generate.py` from the registered formats. Every one is read, streamed, written and proved by the same laws; "
        "`grammars/<format>.lark` is its reference grammar.",
        "",
        *models(),
        *absent(),
        *abilities(),
        *samples(),
    ]
    return "\n".join(lines)


def kept_counts() -> str:
    text = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
    return text[text.index(COUNTS) :] if COUNTS in text else COUNTS


# The keywords of docs/grammars.md


def keywords() -> str:
    """For each keyword and format, in how many cases of `tests/schema_cases.py` the grammars of each engine say just what the schema says."""
    sys.path.insert(0, str(ROOT / "tests"))
    from schema_cases import CASES  # type: ignore[import-not-found]

    cases: dict[str, list[Any]] = {}
    for case in CASES:
        cases.setdefault(case.keyword, []).append(case)
    lines = table(
        ["keyword", *map(code, FAMILIES)],
        ([keyword, *(counted_cell(group, name) for name in FAMILIES)] for keyword, group in cases.items()),
    )
    return "\n".join(lines)


def counted_cell(cases: list[Any], format: str) -> str:
    """What came of the cases, once where the engines agree."""
    said = {engine: outcomes(Counter(outcome(case, format, engine) for case in cases)) for engine in ENGINES}
    if len(set(said.values())) == 1:
        return said[ENGINES[0]]
    return "; ".join(f"{engine}: {text}" for engine, text in said.items())


def outcomes(counts: Counter[str]) -> str:
    total = counts.total() - counts.pop("", 0)
    return ", ".join(f"{name} {counts[name]}/{total}" for name in OUTCOMES if counts[name])


def outcome(case: Any, format: str, engine: str) -> str:
    """One of `OUTCOMES`; nothing where the format can write none of the good values."""
    tools = toolfmt.read_tools([{"name": "f", "parameters": case.parameters}])
    good, bad = (
        [text for value in values if (text := written(case.arguments(value), format, tools)) is not None]
        for values in (case.good, (*case.bad, *case.closed))
    )
    if not good:
        return ""
    try:
        grammar = toolfmt.grammar_for(tools, format, engine=engine, on_unsupported="relax")
    except (toolfmt.GrammarError, toolfmt.UnrepresentableError):
        return "refused"
    if grammar.relaxed:
        return "relaxed"
    if any(map(grammar.matches, bad)):
        return "wrong"
    return "exact" if all(map(grammar.matches, good)) else "narrowed" if grammar.narrowed else "wrong"


def written(arguments: dict[str, Any], format: str, tools: Any) -> str | None:
    try:
        return toolfmt.render(toolfmt.ToolCall(name="f", arguments=arguments), format, tools=tools)
    except toolfmt.UnrepresentableError:
        return None


def with_keywords(text: str) -> str:
    """docs/grammars.md with the table between its marks."""
    return between(text, BEGIN, END, keywords())


def between(text: str, begin: str, end: str, new: str) -> str:
    """A page with ``new`` between two marks."""
    before, mark, rest = text.partition(begin)
    _, last, after = rest.partition(end)
    assert mark and last, f"the page has lost its marks {begin} and {end}"
    return f"{before}{mark}\n{new}{last}{after}"


def with_layouts(text: str) -> str:
    """docs/datasets.md with the tables between their marks."""
    kinds = table(["kind", "about"], ([code(kind), about] for kind, about in KINDS.items()))
    text = between(text, LOSSES, END_OF_LOSSES, "\n".join(kinds))
    rows = (layout_row(get_layout(name)) for name in layouts())
    made = "\n".join(table(["layout", "what it is", "row", "`--to` keeps", "no place for"], rows))
    return between(text, LAYOUTS, END_OF_LAYOUTS, made)


def layout_row(layout: Layout) -> list[str]:
    said = (sys.modules[type(layout).__module__].__doc__ or "").partition("\n\n")[0].replace("\n", " ")
    what = said.partition(": ")[2].replace("``", "`")
    return [code(layout.name), what, code(shape(layout.arrow)), code(layout.as_text), ", ".join(missing(layout.places))]


def shape(spec: Any, depth: int = 2) -> str:
    """The keys of a row and of its messages."""
    if isinstance(spec, list):
        return f"[{shape(spec[0], depth)}]"
    nested = (dict, list) if depth > 1 else ()
    items = (
        f'"{key}"' + (f": {shape(held, depth - 1)}" if isinstance(held, nested) else "") for key, held in spec.items()
    )
    return "{" + ", ".join(items) + "}"


def missing(places: Places) -> Iterator[str]:
    """What a layout has no place for; where calls stand in text, the format says it."""
    if not places.calls:
        yield "what the format of its calls has none for"
        return
    words = {
        "ids": "ids",
        "reasoning": "reasoning",
        "text": "text beside calls",
        "order": "text after calls",
        "many_calls": "parallel calls",
    }
    yield from (
        word for name, word in words.items() if not getattr(places, name) and not (name == "order" and not places.text)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=Path, help="the folder with conversations.jsonl")
    options = parser.parse_args()
    counts = kept_counts()
    if options.vectors:
        sys.path.insert(0, str(ROOT / "benchmarks"))
        from vectors import counted  # type: ignore[import-not-found]

        counts = f"{COUNTS}\n{counted(options.vectors)}"
    PAGE.write_text(f"{page()}\n{counts}", encoding="utf-8")
    from recipes import refreshed  # type: ignore[import-not-found]

    DATASETS.write_text(with_layouts(refreshed(DATASETS.read_text(encoding="utf-8"))), encoding="utf-8")
    GRAMMARS.write_text(with_keywords(GRAMMARS.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
