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


def first(text: str) -> str:
    found = toolfmt.detect(text)
    return found[0].format if found else NONE


def matrix(folder: Path) -> Counter[tuple[str, str]]:
    """(the format that the template writes, the format that is named first) -> texts."""
    return Counter((name, first(case.model_text)) for name, case in texts(folder))


def markdown(found: Counter[tuple[str, str]]) -> str:
    lines = ["| written in | texts | named first | taken for |", "|---|---|---|---|"]
    for name in sorted({written for written, _ in found}):
        named = {other: count for (written, other), count in found.items() if written == name}
        total = sum(named.values())
        right = named.pop(name, 0)
        others = ", ".join(f"`{other}` {count}" for other, count in sorted(named.items(), key=lambda each: -each[1]))
        lines.append(f"| `{name}` | {total} | {right} | {others} |")
    right = sum(count for (written, other), count in found.items() if written == other)
    lines.append(f"| all | {found.total()} | {right} | |")
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
        if first(case.model_text) != name:
            print(name, case.template, case.key, repr(case.model_text[:200]))
            for each in toolfmt.detect(case.model_text)[:3]:
                print("   ", each.format, each.score, each.reason)


if __name__ == "__main__":
    main()
