"""Three tasks in the bundled project, and what a model would write for them."""

from pathlib import Path
from typing import Any

import pytest
from evaluate_cases import TEXT, TREE, Written, call, make_row, record

import toolfmt
from toolfmt.errors import MissingExtraError
from toolfmt_train.evaluate.records import Record
from toolfmt_train.gym import binaries
from toolfmt_train.lines import write_lines
from toolfmt_train.rows import Row


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are as wide as the terminal, which not every run of tests has."""
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture(scope="session")
def rows() -> dict[str, Row]:
    """`text` (ripgrep), `tree` (ast-grep) and `none`."""
    try:
        binaries.find()
    except MissingExtraError as error:
        pytest.skip(str(error))
    asked = {"text": "Where is errors.Is used in Go?", "tree": "Which Python classes call super().__init__?"}
    golds = {"text": call("ripgrep_search", TEXT), "tree": call("ast_grep_search", TREE)}
    made = {name: make_row(name, asked[name], golds[name]) for name in asked}
    return {**made, "none": make_row("none", "Mail this to Ann.", None)}


@pytest.fixture
def written(rows: dict[str, Row]) -> Written:
    """`written("text", call, ...)`: the completion that makes these calls, or that is this text."""

    def make(name: str, *said: toolfmt.ToolCall | str, cut: bool = False, **about: Any) -> Record:
        calls = [part for part in said if isinstance(part, toolfmt.ToolCall)]
        text = "".join(part for part in said if isinstance(part, str))
        text += toolfmt.render(calls, about.get("format", "qwen_xml"), tools=rows[name].offered) if calls else ""
        return record(name, text, finish_reason="length" if cut else "stop", **about)

    return make


@pytest.fixture
def data(rows: dict[str, Row], tmp_path: Path) -> Path:
    """The rows as a file."""
    path = tmp_path / "held_out.jsonl"
    write_lines(rows.values(), path)
    return path
