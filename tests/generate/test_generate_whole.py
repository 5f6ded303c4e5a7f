"""Beyond one process and one small corpus."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import get_args

import pytest

from toolfmt_train.generate.proposal import Reason
from toolfmt_train.generate.run import SHARES, generate
from toolfmt_train.generate.split import HELD_OUT, corpora_of
from toolfmt_train.gym.corpora import open_corpus, read_lock

PAGE = Path(__file__).resolve().parents[2] / "docs" / "data.md"


@pytest.mark.usefixtures("programs")
def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    written = []
    for seed in ("1", "2"):
        out = tmp_path / f"{seed}.jsonl"
        command = [sys.executable, "-m", "toolfmt_train.cli.main", "generate", "-o", str(out), "--rows", "24"]
        done = subprocess.run(
            command, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        written.append((out.read_bytes(), out.with_name(f"{seed}.refused.jsonl").read_bytes()))
    assert written[0] == written[1]


@pytest.mark.train
@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize("held_out", [False, True])
def test_every_pinned_corpus_gives_rows(held_out: bool) -> None:
    lock = read_lock()
    names = corpora_of(held_out)
    missing = [name for name in names if not lock[name].folder.is_dir()]
    if missing:
        pytest.skip(f"not fetched: {', '.join(missing)}")
    made = generate([open_corpus(name) for name in names], 400, held_out=held_out)
    counts = Counter(row.corpus for row in made.rows if row.tool)
    assert len(made.rows) == 400
    assert set(counts) == set(names)
    assert min(counts.values()) >= 5


def test_the_page_names_what_there_is() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for reason in get_args(Reason):
        assert f"`{reason}`" in text
    for name in HELD_OUT:
        assert f"`{name}`" in text
    for bucket, share in SHARES.items():
        assert f"| `{bucket}`" in text
        assert f"{share:.0%}".replace("%", " %") in text
