"""`toolfmt convert --sample` and `--dry-run`: which rows, of any kind of file, and that nothing else is written."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
from cli_runner import names, numbered, rows_of, run, run_json, write_files, write_rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolfmt.containers import jsonl, resume

REASONED = '<think>\nhm\n</think>\n\n<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>'


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with tools, a text and rows."""
    monkeypatch.chdir(tmp_path)
    write_files()
    return tmp_path


# A sample


def test_a_sample_stands_evenly_over_all_files() -> None:
    write_rows("in/a.jsonl", *numbered(0, 10))
    write_rows("in/b.jsonl", *numbered(10, 30))
    told = run_json("convert", "in", "-o", "out", "--to", "hermes", "--sample", "4")
    assert told["sample"] == {"of": 30, "rows": {"a.jsonl": [0, 7], "b.jsonl": [5, 12]}} and told["rows"] == 4
    days = [
        json.loads(line.split("\n")[1])["arguments"]["days"]
        for name in ("a", "b")
        for line in contents(f"out/{name}.jsonl")
    ]
    assert days == [0, 7, 15, 22]
    said = run("convert", "in", "-o", "out", "--to", "hermes", "--sample", "4").stdout
    assert "sample: 4 of 30 rows: rows 0, 7 of a.jsonl; 5, 12 of b.jsonl\n4 rows in = 4 rows out + 0 rejects\n" in said


def contents(name: str) -> list[str]:
    return [row["messages"][0]["content"].partition("Ok.\n")[2] for row in rows_of(name)]


def test_a_sample_by_seed() -> None:
    write_rows("a.jsonl", *numbered(0, 100))
    drawn = [
        run_json("convert", "a.jsonl", "--to", "hermes", "--sample", "9", "--seed", seed)["sample"]["rows"]
        for seed in "112"
    ]
    assert drawn[0] == drawn[1] != drawn[2] and all(len(set(rows["a.jsonl"])) == 9 for rows in drawn)
    assert len(rows_of("a.hermes.jsonl")) == 9


def test_a_sample_larger_than_the_file_and_of_nothing() -> None:
    assert run_json("convert", "rows.jsonl", "--to", "hermes", "--sample", "9")["sample"]["rows"] == {
        "rows.jsonl": [0, 1]
    }
    Path("empty.jsonl").write_text("")
    assert "sample: no row" in run("convert", "empty.jsonl", "--to", "hermes", "--sample", "9").stdout


def test_rows_of_a_sample_keep_their_numbers() -> None:
    Path("x.jsonl").write_text(
        "\ufeff\n\n" + json.dumps({"a": 1}) + "\n  \n{\r\n" + Path("rows.jsonl").read_text("utf-8") + "[]"
    )
    told = run_json("convert", "x.jsonl", "--to", "hermes", "--sample", "5", code=1)
    assert told["sample"] == {"of": 5, "rows": {"x.jsonl": [0, 1, 2, 3, 4]}}
    assert [(reject["row"], reject["line"]) for reject in told["rejects"]] == [(0, 3), (1, 5), (4, 8)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([b"{}", b"\n", b"\r\n", b" ", b"\xef\xbb\xbf", b"{", b"\x0b", b"\xc2\x85", b"\0"])))
def test_rows_are_counted_as_they_are_read(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    with mock.patch.object(jsonl, "_PIECE", 4):
        assert jsonl.count_lines(io.BytesIO(data)) == sum(1 for _ in jsonl.read_lines(io.BytesIO(data)))


def make_csv() -> str:
    rows = ["messages"] + [
        '"' + json.dumps([{"role": "assistant", "content": text}]).replace('"', '""') + '"' for text in numbered(0, 7)
    ]
    Path("x.csv").write_text("\n".join(rows))
    return "x.csv"


def make_list() -> str:
    write_rows("x.jsonl", *numbered(0, 7))
    Path("x.json").write_text("[" + ",".join(Path("x.jsonl").read_text().splitlines()) + "]")
    return "x.json"


def make_parquet() -> str:
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    messages = [[{"role": "assistant", "content": text}] for text in numbered(0, 7)]
    parquet.write_table(pyarrow.table({"messages": messages, "n": list(range(7))}), "x.parquet", row_group_size=3)
    return "x.parquet"


@pytest.mark.parametrize("make", [make_csv, make_list, make_parquet])
def test_a_sample_of_any_kind_of_file(make: Callable[[], str]) -> None:
    name = make()
    run("convert", name, "--to", "hermes", "-o", "all.jsonl")
    for out in ("some.jsonl", f"some{Path(name).suffix}"):
        told = run_json("convert", name, "--to", "hermes", "-o", out, "--sample", "3")
        assert told["sample"] == {"of": 7, "rows": {name: [0, 2, 4]}} and told["rows_out"] == 3
    run("convert", f"some{Path(name).suffix}", "--layout", "messages_text", "-o", "again.jsonl")
    assert rows_of("some.jsonl") == rows_of("again.jsonl") == [rows_of("all.jsonl")[i] for i in (0, 2, 4)]


def test_a_sample_does_not_become_the_rest_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a sample leaves, a run that goes on begins anew."""

    def never(*_: object) -> None:
        raise AssertionError("a sample notes how far it is")

    write_rows("in/a.jsonl", *numbered(0, 4))
    write_rows("in/b.jsonl", *numbered(0, 4), REASONED)
    with monkeypatch.context() as patch:
        patch.setattr(resume, "_write", never)
        run("convert", "in", "-o", "out", "--to", "functiongemma", "--sample", "9", code=1)
    assert not [name for name in names() if "progress" in name or name.endswith(".part")]
    run("convert", "in", "-o", "out", "--to", "functiongemma", "--resume", "--on-loss", "warn", code=1)
    assert [len(rows_of(f"out/{name}.jsonl")) for name in "ab"] == [4, 5]


# A dry run


def test_a_dry_run_says_the_same_and_writes_nothing() -> None:
    write_rows("in/a.jsonl", *numbered(0, 4), "{")
    write_rows("in/b.jsonl", *numbered(4, 9))
    before = names()
    dry = run("convert", "in", "-o", "out", "--to", "qwen_xml", "--dry-run", code=1).stdout
    told = run_json("convert", "in", "-o", "out", "--to", "qwen_xml", "--dry-run", code=1)
    assert names() == before and told["dry_run"] and told["out"] is None and told["rejects_files"] == []
    real = run("convert", "in", "-o", "out", "--to", "qwen_xml", code=1).stdout
    assert dry.partition("a dry run")[0] == real.partition("wrote")[0] != ""
    assert dry.endswith("10 rows in = 9 rows out + 1 reject\na dry run: nothing was written to out\n")
    for words in (("--num-proc", "2"), ("--sample", "3")):
        run("convert", "in", "-o", "dry", "--to", "qwen_xml", "--dry-run", *words, code=None)
        assert not Path("dry").exists()


@pytest.mark.parametrize("make", [make_csv, make_list, make_parquet])
@pytest.mark.parametrize("out", ["o.jsonl", "o.jsonl.gz", None])
def test_a_dry_run_of_any_kind_of_file(make: Callable[[], str], out: str | None) -> None:
    name = make()
    before = names()
    told = run_json("convert", name, "--to", "hermes", "--dry-run", "-o", out or f"o{Path(name).suffix}")
    assert told["rows_out"] == 7 and names() == before


def test_a_dry_run_leaves_what_is_there() -> None:
    Path("o.jsonl").write_text("mine")
    Path("o.jsonl.rejects.jsonl").write_text("mine too")
    Path(".o.jsonl.progress").write_text("of a run that was killed")
    before = names()
    run("convert", "bad.jsonl", "-o", "o.jsonl", "--to", "hermes", "--dry-run", code=1)
    assert (Path("o.jsonl").read_text(), Path("o.jsonl.rejects.jsonl").read_text()) == ("mine", "mine too")
    assert names() == before
