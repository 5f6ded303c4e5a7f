"""docs/grammars.md: its snippets run, and its table says what the grammars do."""

import doctest
import importlib.util
from pathlib import Path

import pytest

for engine in ("xgrammar", "llguidance"):
    pytest.importorskip(engine, reason=f'{engine} is not installed: pip install "toolfmt[grammar]"')

DOCS = Path(__file__).resolve().parent.parent / "docs"


def test_the_snippets_run() -> None:
    found = doctest.testfile(str(DOCS / "grammars.md"), module_relative=False)
    assert found.attempted >= 8
    assert found.failed == 0


@pytest.mark.slow
def test_the_table_is_as_new_as_the_grammars() -> None:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec and spec.loader
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    page = (DOCS / "grammars.md").read_text(encoding="utf-8")
    assert page == generate.with_keywords(page), "python docs/generate.py"
    assert "wrong" not in page.partition(generate.BEGIN)[2]
