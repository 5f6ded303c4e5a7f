"""docs/gym.md does what it shows, and says what there is."""

import doctest
import re
from pathlib import Path

import pytest

from toolfmt_train.gym.binaries import Binaries
from toolfmt_train.gym.corpora import read_lock
from toolfmt_train.gym.tools import TOOLS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "gym.md"


@pytest.mark.usefixtures("programs")
def test_the_snippets_run() -> None:
    found = doctest.testfile(str(PAGE), module_relative=False)
    assert (found.attempted, found.failed) == (15, 0)


def test_the_tables_are_complete(programs: Binaries) -> None:
    text = PAGE.read_text(encoding="utf-8")
    for tool in TOOLS:
        shown = ", ".join(f"`{name}`" for name in tool.parameters["properties"])
        assert f"| `{tool.name}` | {shown} |" in text
    rows = re.findall(r"^\| (?:Python|\w+Script|Rust|Go|Java|C\+\+|C#) \| (.*?) \|", text, re.MULTILINE)
    assert sorted(", ".join(rows).split(", ")) == sorted(read_lock())
    assert f"`corpora.lock` pins {len(read_lock())} projects" in text
