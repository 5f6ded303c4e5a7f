"""How toolfmt fares on what public chat templates write: each template, what was read and rendered exactly, and why the rest was not.

    python benchmarks/vectors.py [--markdown] [--folder ../shared/vectors]

``--markdown`` prints the table of docs/formats.md.  Needs the reference vectors, as tests/test_vectors.py does; every difference stands in
tests/vector_decisions.py with its reason.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from vector_cases import FORMAT_OF, NO_FORMAT, Case, judged  # noqa: E402
from vector_decisions import DECISIONS, DROPS_CALLS, Decision, explained  # noqa: E402


class Count(NamedTuple):
    good: int
    of: int

    def __str__(self) -> str:
        return f"{self.good} / {self.of}" if self.of else ""


class Tally(NamedTuple):
    """What came of one template."""

    template: str
    format: str
    texts: int
    calls: Count
    """Texts with calls of which every call was read exactly, whole and streamed."""
    text: Count
    """Texts beside or without calls that were read exactly."""
    reasoning: Count
    rendered: Count
    """Texts that were rendered back byte for byte."""
    decisions: tuple[Decision, ...]


def tally(folder: Path, template: str) -> Tally:
    found = judged(folder, template)

    def count(aspects: str, cases: list[tuple[Case, dict[str, str]]]) -> Count:
        return Count(sum(not {"calls", *aspects.split()} & wrong.keys() for _, wrong in cases), len(cases))

    return Tally(
        template,
        FORMAT_OF[template],
        len(found),
        count("stream", [each for each in found if each[0].calls]),
        count("text", [each for each in found if each[0].content]),
        count("reasoning", [each for each in found if each[0].reasoning]),
        count("rendered", list(found)),
        tuple(each for each in DECISIONS if template in each.templates),
    )


def tallies(folder: Path) -> list[Tally]:
    return sorted((tally(folder, template) for template in FORMAT_OF), key=lambda each: (each.format, each.template))


def counted(folder: Path) -> str:
    """The table, in Markdown, and the reasons to which its last column points."""
    return "\n".join(_lines(tallies(folder)))


def _lines(found: list[Tally]) -> Iterator[str]:
    reasons: dict[str, int] = {}
    dropped = "The template leaves out every call."
    yield "| Format | Template | Texts | Calls read exactly | Text kept | Reasoning kept | Rendered back identical | Differences |"
    yield "|---|---|---|---|---|---|---|---|"
    for each in found:
        whys = [decision.why for decision in each.decisions] + ([dropped] if each.template in DROPS_CALLS else [])
        notes = ", ".join(str(reasons.setdefault(why, len(reasons) + 1)) for why in whys)
        counts = " | ".join(map(str, (each.texts, each.calls, each.text, each.reasoning, each.rendered)))
        yield f"| `{each.format}` | {each.template} | {counts} | {notes} |"
    for template, (_, why) in NO_FORMAT.items():
        yield f"|  | {template} |  |  |  |  |  | {reasons.setdefault(why, len(reasons) + 1)} |"
    yield ""
    for why, number in reasons.items():
        yield f"{number}. {why}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--markdown", action="store_true", help="print the table of docs/formats.md")
    parser.add_argument("--folder", type=Path, default=ROOT.parent / "shared" / "vectors")
    options = parser.parse_args()
    if options.markdown:
        print(counted(options.folder))
        return
    for each in tallies(options.folder):
        print(
            f"{each.format:20}{each.template:62}calls {each.calls!s:10}text {each.text!s:9}rendered {each.rendered!s}"
        )
    unexplained = [
        f"{case.template} {case.key}: {aspect}"
        for template in FORMAT_OF
        for case, wrong in judged(options.folder, template)
        for aspect in wrong
        if not any(decision.covers(case) for decision in explained(template, aspect))
    ]
    print(f"{len(unexplained)} differences unexplained", *unexplained, sep="\n")


if __name__ == "__main__":
    main()
