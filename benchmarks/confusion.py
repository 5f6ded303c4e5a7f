"""Which format `toolfmt.detect` names first for what public chat templates write: a confusion matrix.

    python benchmarks/confusion.py [--markdown] [--folder ../shared/vectors]

Each text is looked at alone, without its tools.  Only texts of which toolfmt reads every call count (tests/test_vectors.py has the others).
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from vector_cases import FORMAT_OF, Case, judged  # noqa: E402

import toolfmt  # noqa: E402

NONE = "(none)"


def texts(folder: Path) -> Iterator[tuple[str, Case]]:
    """The format and the case, for each text whose calls are read."""
    for template, name in sorted(FORMAT_OF.items()):
        for case, wrong in judged(folder, template):
            if case.calls and "calls" not in wrong:
                yield name, case


def first(text: str, written: str) -> tuple[str, bool]:
    """The format that is named first, and whether the one that the text is written in has the same score."""
    found = toolfmt.detect(text)
    scores = {each.format: each.score for each in found}
    return (found[0].format, scores.get(written) == found[0].score) if found else (NONE, False)


def matrix(folder: Path) -> Counter[tuple[str, str, bool]]:
    """(the format that the template writes, the format that is named first, whether the two have one score) -> texts."""
    return Counter((name, *first(case.model_text, name)) for name, case in texts(folder))


def markdown(found: Counter[tuple[str, str, bool]]) -> str:
    lines = ["| written in | texts | named first | second with the same score | taken for |", "|---|---|---|---|---|"]

    def cells(count: Counter[tuple[str, str, bool]]) -> str:
        others = Counter({f"`{other}`": n for (name, other, tied), n in count.items() if name != other and not tied})
        said = ", ".join(f"{other} {n}" for other, n in others.most_common())
        right = sum(n for (name, other, _), n in count.items() if name == other)
        tied = Counter({f"`{other}`": n for (name, other, tied), n in count.items() if name != other and tied})
        second = ", ".join(f"{n}, behind {other}" for other, n in tied.most_common())
        return f"{count.total()} | {right} | {second} | {said} |"

    lines += (
        f"| `{name}` | " + cells(Counter({key: n for key, n in found.items() if key[0] == name}))
        for name in sorted({written for written, _, _ in found})
    )
    right = sum(n for (name, other, _), n in found.items() if name == other)
    tied = sum(n for (name, other, tied), n in found.items() if name != other and tied)
    lines.append(f"| all | {found.total()} | {right} | {tied} | {found.total() - right - tied} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--markdown", action="store_true", help="print the table of docs/detect.md")
    parser.add_argument("--folder", type=Path, default=ROOT.parent / "shared" / "vectors")
    options = parser.parse_args()
    if options.markdown:
        print(markdown(matrix(options.folder)))
        return
    for name, case in texts(options.folder):
        if first(case.model_text, name)[0] != name:
            print(name, case.template, case.key, repr(case.model_text[:200]))
            for each in toolfmt.detect(case.model_text)[:3]:
                print("   ", each.format, each.score, each.reason)


if __name__ == "__main__":
    main()
