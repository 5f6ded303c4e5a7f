"""`toolfmt convert` on a folder that `datasets` saved."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from cli_runner import FENCE, TOOLS, run, run_json

from toolfmt.convert import convert

datasets = pytest.importorskip("datasets")


def rows(count: int) -> list[dict[str, Any]]:
    texts = [FENCE.replace("3", str(i)) for i in range(count)]
    return [
        {"messages": [{"role": "assistant", "content": text}], "tools": json.dumps(TOOLS), "n": i}
        for i, text in enumerate(texts)
    ]


@pytest.fixture(autouse=True)
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    splits = {"train": datasets.Dataset.from_list(rows(4)), "test": datasets.Dataset.from_list(rows(2))}
    datasets.DatasetDict(splits).save_to_disk("both")
    splits["train"].save_to_disk("one")
    return tmp_path


def files(folder: str = ".") -> dict[str, bytes]:
    return {path.as_posix(): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def test_a_dataset() -> None:
    before = files()
    said = run("convert", "one", "-o", "new", "--to", "hermes")
    assert said.stdout.endswith("4 rows in = 4 rows out + 0 rejects\nwrote new\n") and said.stderr == ""
    made = datasets.load_from_disk("new")
    assert made.to_list() == convert(datasets.load_from_disk("one"), to="hermes").to_list() and made["n"][:] == [
        0,
        1,
        2,
        3,
    ]
    assert {name: data for name, data in files().items() if not name.startswith("new/")} == before


def test_all_splits_and_one() -> None:
    assert run_json("convert", "both", "-o", "new", "--to", "hermes", "--num-proc", "2")["rows_out"] == 6
    made = datasets.load_from_disk("new")
    assert {name: len(split) for name, split in made.items()} == {"train": 4, "test": 2}
    assert run_json("convert", "both", "-o", "test", "--to", "hermes", "--split", "test")["rows_out"] == 2
    assert datasets.load_from_disk("test").to_list() == made["test"].to_list()


def test_rejects_stand_beside_it_whole() -> None:
    bad: dict[str, Any] = {"messages": [{"role": "assistant", "content": "x" * 30_000}], "tools": "{bad", "n": 7}
    datasets.Dataset.from_list([*rows(2), bad]).save_to_disk("some")
    told = run_json("convert", "some", "-o", "new", "--to", "hermes", code=1)
    assert (told["rows_out"], told["rejects_files"]) == (2, ["new.rejects.jsonl"])
    (reject,) = [json.loads(line) for line in Path("new.rejects.jsonl").read_text().splitlines()]
    assert (reject["row"], reject["data"]) == (2, bad) and "tools" in reject["reason"]
    assert len(datasets.load_from_disk("new")) == 2


def test_a_dry_run_and_a_loss_leave_nothing() -> None:
    before = files()
    assert run_json("convert", "both", "-o", "new", "--to", "hermes", "--dry-run")["rows_out"] == 6
    run("convert", "one", "-o", "new", "--to", "functiongemma", "--from", "hermes", "--tools", "none.json", code=2)
    assert files() == before


def test_a_folder_that_cannot_be_saved_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "new")

    monkeypatch.setattr(os, "rename", full)
    before = files()
    assert "no space left on device: `new`" in run("convert", "one", "-o", "new", "--to", "hermes", code=2).stderr
    assert files() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("one",), "needs -o OUT, a new folder"),
        (("one", "-o", "both"), "remove it, or give another: `both`"),
        (("one", "-o", "none/new"), "no such folder; make it first: `none`"),
        (("one", "-o", "one/new"), "OUT lies in the folder that is read"),
        (("one", "-o", "memory://new"), "a new folder on this machine: `one`"),
        (("one", "both", "-o", "new"), "a saved dataset is converted by itself"),
        (("one", "-o", "new", "--split", "train"), "this saved dataset has no splits; leave it out: `--split train`"),
        (("both", "-o", "new", "--split", "dev"), "it has train, test: `dev`"),
        (("one", "-o", "new", "--sample", "2"), "leave it out: `--sample`"),
        (("one", "-o", "new", "--show", "2"), "leave it out: `--show`"),
        (("one", "-o", "new", "--resume"), "leave it out: `--resume`"),
        (("one", "-o", "new", "--engine", "ray"), "leave it out: `--engine`"),
        (("one", "-o", "-"), "leave it out: `-o -`"),
    ],
)
def test_why_it_cannot_run(words: tuple[str, ...], said: str) -> None:
    before = files()
    result = run("convert", *words, "--to", "hermes", code=2)
    assert said in result.stderr and result.stderr.count("\n") == 1 and result.stdout == ""
    assert files() == before


def test_a_damaged_folder() -> None:
    Path("one/state.json").write_text("{}")
    assert (
        "one: the saved dataset cannot be loaded" in run("convert", "one", "-o", "new", "--to", "hermes", code=2).stderr
    )
