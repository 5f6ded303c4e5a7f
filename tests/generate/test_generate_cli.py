"""`toolfmt-train generate`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from toolfmt.errors import MissingExtraError
from toolfmt_train.cli.main import app
from toolfmt_train.generate import files
from toolfmt_train.gym import binaries, runner
from toolfmt_train.gym.corpora import Corpus
from toolfmt_train.rows import read_rows


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["generate", *words])
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


@pytest.mark.usefixtures("programs")
def test_rows_and_refusals() -> None:
    said = run("-o", "rows.jsonl", "--rows", "40")
    rows = read_rows(Path("rows.jsonl"))
    refused = [json.loads(line) for line in Path("rows.refused.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 40
    assert {row.corpus for row in rows} == {"bundled"}
    assert said.stdout.splitlines()[-1].startswith("40 rows in rows.jsonl; refused: ")
    assert all(record["reason"] in said.stdout for record in refused)
    assert sorted(path.name for path in Path().iterdir()) == ["rows.jsonl", "rows.refused.jsonl"]


@pytest.mark.usefixtures("programs")
def test_json_and_held_out() -> None:
    summary = json.loads(run("-o", "rows.jsonl", "--rows", "30", "--held-out", "--seed", "3", "--json").stdout)
    assert (summary["rows"], summary["file"], summary["refused_file"]) == (30, "rows.jsonl", "rows.refused.jsonl")
    assert sum(count["rows"] for count in summary["counts"]) == 30
    assert sum(refusal["number"] for refusal in summary["refusals"]) == summary["refused"]


@pytest.mark.usefixtures("programs")
def test_fewer_rows_than_asked_for(planted: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "open_corpus", lambda _: planted)
    said = run("-o", "rows.jsonl", "--rows", "20000")
    assert f"no more than {len(read_rows(Path('rows.jsonl'))):,} rows to give, not 20,000" in said.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("-o", "no/rows.jsonl"), "there is no folder `no`"),
        (("-o", "."), "`.` is a folder; name a file"),
        (("-o", "r.jsonl", "--corpora", "bundle"), "unknown corpus `bundle`; did you mean `bundled`?"),
        (("-o", "r.jsonl", "--corpora", "requests"), "the corpus `requests` is held out: add --held-out"),
        (
            ("-o", "r.jsonl", "--corpora", "bundled,flask", "--held-out"),
            "`flask` is for training: leave out --held-out",
        ),
        (("-o", "r.jsonl", "--corpora", "flask,cobra"), "python -m toolfmt_train.gym.fetch flask cobra"),
        (("-o", "r.jsonl", "--corpora", "all", "--held-out"), "python -m toolfmt_train.gym.fetch requests express "),
        (("-o", "r.jsonl", "--corpora", " ,"), "--corpora names no corpus"),
        (("-o", "r.jsonl", "--rows", "0"), "--rows"),
    ],
)
def test_what_cannot_run(words: tuple[str, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "nothing"))
    assert says in " ".join(run(*words, code=2).stderr.split())
    assert list(tmp_path.iterdir()) == []


def test_without_the_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> binaries.Binaries:
        raise MissingExtraError(binaries.INSTALL["ast-grep"])

    monkeypatch.setattr(runner, "find", missing)
    assert 'pip install "ast-grep-cli' in run("-o", "rows.jsonl", code=2).stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("programs")
def test_a_run_that_cannot_write_leaves_the_old_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("rows.jsonl").write_text("old\n", encoding="utf-8")

    def full(rows: object, path: Path) -> int:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(files, "write_lines", full)
    assert "no space left on device" in run("-o", "rows.jsonl", "--rows", "10", code=2).stderr
    assert [(path.name, path.read_text(encoding="utf-8")) for path in Path().iterdir()] == [("rows.jsonl", "old\n")]
