"""`toolfmt convert`: what it reads and writes, its options, what it says at its end, its exit codes."""

import io
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from cli_runner import FENCE, QWEN, TOOLS, run, run_json, write_files
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import toolfmt
from toolfmt.cli.main import app
from toolfmt.containers import jsonl, resume
from toolfmt.report import Report

REASONED = '<think>\nhm\n</think>\n\n<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>'


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with tools, a text and rows."""
    monkeypatch.chdir(tmp_path)
    write_files()
    return tmp_path


def rows_of(name: str | Path) -> list[Any]:
    return [json.loads(line) for line in Path(name).read_text(encoding="utf-8").splitlines()]


def write_rows(name: str, *texts: str) -> None:
    """A file in which every text is a message; `{` is a line that is no row."""
    lines = [
        text if text == "{" else json.dumps({"messages": [{"role": "assistant", "content": text}]}) for text in texts
    ]
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def numbered(start: int, end: int) -> list[str]:
    return [FENCE.replace("3", str(number)) for number in range(start, end)]


def names() -> set[str]:
    """The files that are there now, hidden ones too."""
    return {path.as_posix() for path in Path().rglob("*") if path.is_file()}


# One file


def test_a_file() -> None:
    said = run("convert", "rows.jsonl", "--to", "qwen_xml").stdout
    assert "json_fence -> qwen_xml" in said and "rows: 2, with calls: 1, direct answers: 1, converted: 1" in said
    assert said.endswith("2 rows in = 2 rows out + 0 rejects\nwrote rows.qwen_xml.jsonl\n")
    rows = rows_of("rows.qwen_xml.jsonl")
    (call,) = toolfmt.parse(rows[0]["messages"][1]["content"], "qwen_xml", tools=TOOLS).calls
    assert call.arguments == {"city": "Paris", "days": 3}


def test_a_report_in_json() -> None:
    said = run_json(
        "convert", "rows.jsonl", "--to", "hermes", "--from", "json_fence", "-o", "o.jsonl", "--report", "r.json"
    )
    assert said == json.loads(Path("r.json").read_text(encoding="utf-8"))
    expected = {
        "rows": 2, "rows_out": 2, "with_calls": 1, "direct": 1, "converted": 1, "rejected": 0, "out": "o.jsonl",
        "error": None, "rejects_files": [], "dry_run": False, "sample": None, "shown": [],
    }  # fmt: skip
    assert {key: said[key] for key in expected} == expected
    assert Path("o.jsonl").is_file()


def test_source_is_also_called_from() -> None:
    for option in ("--source", "--from"):
        assert run_json("convert", "rows.jsonl", "--to", "hermes", option, "hermes")["with_calls"] == 0


def test_bad_rows_are_kept_and_said() -> None:
    said = run("convert", "bad.jsonl", "--to", "hermes", code=1).stdout
    assert "rejected: 2" in said and "line 2" in said and "3 rows in = 1 row out + 2 rejects" in said
    assert said.endswith("rejects, each with its reason: bad.hermes.jsonl.rejects.jsonl\n")
    assert len(rows_of("bad.hermes.jsonl")) == 1 and len(rows_of("bad.hermes.jsonl.rejects.jsonl")) == 2
    told = run_json("convert", "bad.jsonl", "--to", "hermes", code=1)
    assert told["rejects_files"] == ["bad.hermes.jsonl.rejects.jsonl"] and told["rows_out"] == 1


def test_it_stops_at_what_the_format_cannot_say() -> None:
    Path("u.jsonl").write_text(
        Path("rows.jsonl").read_text(encoding="utf-8").replace("Paris", "<escape>"), encoding="utf-8"
    )
    result = run("convert", "u.jsonl", "--to", "functiongemma", code=1)
    assert "<escape>" in result.stderr and "nothing was written" in result.stderr and result.stdout == ""
    assert result.stderr.endswith("next: toolfmt convert u.jsonl --to functiongemma --on-loss warn\n")
    assert not Path("u.functiongemma.jsonl").exists()
    assert run_json("convert", "u.jsonl", "--to", "functiongemma", code=1)["error"]
    result = run("convert", "u.jsonl", "--to", "functiongemma", "--on-loss", "warn", code=1)
    assert "warning: " in result.stderr and "rejected: 1" in result.stdout
    result = run("convert", "u.jsonl", "--to", "functiongemma", "--on-loss", "ignore", code=1)
    assert result.stderr == "" and "rejected: 1" in result.stdout


def test_a_loss_stops_it_and_the_next_command_is_said() -> None:
    write_rows("a b.jsonl", REASONED)
    result = run("convert", "a b.jsonl", "--to", "functiongemma", "--on-loss", "raise", "--resume", code=1)
    assert "Pass --on-loss warn or ignore to convert all the same; nothing was written" in result.stderr
    assert result.stderr.endswith("next: toolfmt convert 'a b.jsonl' --to functiongemma --resume --on-loss warn\n")
    result = run("convert", "a b.jsonl", "--to", "functiongemma", "--on-loss", "warn", code=1)
    assert "1 row in = 1 row out + 0 rejects" in result.stdout and "next:" not in result.stderr


def test_a_type_that_is_lost_asks_for_tools() -> None:
    write_rows("u.jsonl", QWEN.replace(" Paris\r\n<b>", "x"), QWEN.replace("3", "three"))
    result = run("convert", "u.jsonl", "--to", "hermes", "--on-loss", "ignore", code=1)
    assert result.stderr == "next: toolfmt convert u.jsonl --to hermes --on-loss ignore --tools tools.json\n", (
        result.stdout
    )
    result = run("convert", "u.jsonl", "--to", "hermes", code=1)
    assert result.stderr.endswith("next: toolfmt convert u.jsonl --to hermes --tools tools.json\n")
    Path("other.json").write_text(json.dumps([{"name": "other", "parameters": {"type": "object", "properties": {}}}]))
    result = run("convert", "u.jsonl", "--to", "hermes", "--tools", "other.json", "--on-loss", "ignore", code=1)
    assert "lost, " in result.stdout and "next:" not in result.stderr


def test_a_wrong_layout_of_the_source_is_said() -> None:
    result = run("convert", "rows.jsonl", "--to", "hermes", "--source-layout", "sharegpt", code=1)
    assert "2 rows in = 0 rows out + 2 rejects" in result.stdout
    assert result.stderr == "next: toolfmt convert rows.jsonl --to hermes --source-layout auto\n"
    assert run_json("convert", "rows.jsonl", "--to", "hermes", "--source-layout", "messages_text")["converted"] == 1
    assert run("convert", "rows.jsonl", "--to", "hermes", "--source-layout", "messages_text").stderr == ""


def test_notices_are_json() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'}}
    row = {"messages": [{"role": "assistant", "content": None, "tool_calls": [call]}], "tools": TOOLS}
    Path("o.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    said = CliRunner().invoke(app, ["convert", "o.jsonl", "--to", "hermes", "--on-loss", "ignore", "--json"])
    assert sum(json.loads(said.stdout)["notice_counts"].values()) + len(json.loads(said.stdout)["losses"]) >= 1


HERMES = ("--to", "hermes")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "give --to FORMAT, --layout LAYOUT or both"),
        (("--to", "hermis"), "did you mean `hermes`"),
        ((*HERMES, "--from", "nothing"), "unknown format `nothing`"),
        (("--layout", "nothing"), "unknown layout"),
        ((*HERMES, "--source-layout", "nothing"), "unknown layout"),
        ((*HERMES, "--layout", "openai"), "layout `openai` has calls in fields and --to writes them as text"),
        ((*HERMES, "--out", "rows.jsonl"), "--out is the input itself"),
        ((*HERMES, "--out", "none/o.jsonl"), "no such folder; make it first: `none`"),
        ((*HERMES, "--out", "none/o/"), "no such folder; make it first: `none`"),
        ((*HERMES, "--out", "o.txt"), "expected --out to be a file of rows"),
        ((*HERMES, "--report", "none/r.json"), "no such folder; make it first: `none`"),
        ((*HERMES, "--tools", "none.json"), "no such file; check the path: `none.json`"),
        ((*HERMES, "--tools", "list.json"), "list.json: tools[0]: expected a tool definition"),
        ((*HERMES, "none.jsonl", "-o", "out"), "no such file; check the path: `none.jsonl`"),
        ((*HERMES, "bad.jsonl"), "many files need -o OUT, a folder"),
        ((*HERMES, "bad.jsonl", "-o", "q.txt"), "many files need --out to be a folder, and this is a file: `q.txt`"),
        ((*HERMES, "bad.jsonl", "-o", "."), "--out is the input itself"),
        ((*HERMES, "rows.jsonl", "-o", "out"), "two files would be written into one"),
        ((*HERMES, "rows.jsonl.rejects.jsonl", "-o", "out"), "two files would be written into one"),
        ((*HERMES, "nowhere://x/y.jsonl", "-o", "out"), "nowhere://x/y.jsonl: not an address that fsspec knows"),
        ((*HERMES, "-"), "standard input cannot be converted with files"),
        ((*HERMES, "-o", "-", "--json"), "rows and --json would both go to standard output"),
        ((*HERMES, "-o", "-", "--resume"), "leave out --resume"),
        ((*HERMES, "--split", "dev"), "no file of this split; the names have the words rows: `dev`"),
        ((*HERMES, "--seed", "1"), "give --sample N with it: `1`"),
        ((*HERMES, "--sample", "1", "--resume"), "leave out --resume"),
        ((*HERMES, "--dry-run", "--resume"), "leave out --resume or --dry-run"),
        ((*HERMES, "--ray-address", "auto"), "--ray-address is for --engine ray"),
        ((*HERMES, "--engine", "ray", "--num-proc", "2"), "leave out --num-proc: `2`"),
        ((*HERMES, "--engine", "ray", "--show", "2"), "leave it out, or --engine ray: `--show`"),
        ((*HERMES, "--num-proc", "2", "--resume"), "leave it out, or --num-proc: `--resume`"),
    ],
)
def test_why_it_cannot_run(words: tuple[str, ...], said: str) -> None:
    before = names()
    result = run("convert", "rows.jsonl", *words, code=2)
    assert result.stdout == "" and said in result.stderr and result.stderr.count("\n") == 1
    assert names() == before


@pytest.mark.parametrize(
    "words", [("--sample", "0"), ("--engine", "x"), ("--on-loss", "x"), ("--show", "-1"), ("--num-proc", "0")]
)
def test_wrong_values_of_options(words: tuple[str, str]) -> None:
    assert words[0] in run("convert", "rows.jsonl", "--to", "hermes", *words, code=2).stderr


def test_a_damaged_file() -> None:
    Path("x.jsonl.gz").write_bytes(b"not gzip")
    result = run("convert", "x.jsonl.gz", "--to", "hermes", code=2)
    assert "x.jsonl.gz: the gzip data is damaged" in result.stderr and result.stderr.count("\n") == 1
    assert "x.hermes.jsonl.gz" not in names()


# Many files


def test_many_files() -> None:
    write_rows("in/train-0.jsonl", *numbered(0, 3), "{")
    write_rows("in/train-1.jsonl", *numbered(3, 5))
    for words in (("in/train-0.jsonl", "in/train-1.jsonl", "-o", "a"), ("in", "-o", "b"), ("in/train-*", "-o", "c/")):
        said = run("convert", *words, "--to", "hermes", code=1).stdout
        out = words[-1]
        assert "6 rows in = 5 rows out + 1 reject" in said and f"wrote 2 files to {out.rstrip('/')}\n" in said
        assert said.endswith(f"rejects, each with its reason: {Path(out)}/train-0.jsonl.rejects.jsonl\n")
        assert [len(rows_of(f"{out}/train-{i}.jsonl")) for i in (0, 1)] == [3, 2]


def test_one_file_into_a_folder() -> None:
    """A pattern that the shell expands may match one file."""
    assert "wrote 1 file to new" in run("convert", "rows.jsonl", "-o", "new/", "--to", "hermes").stdout
    run("convert", "rows.jsonl", "-o", "new", "--to", "qwen_xml")
    assert "<function=" in Path("new/rows.jsonl").read_text(encoding="utf-8")


def test_many_rejects_files_are_not_all_listed() -> None:
    for i in range(5):
        write_rows(f"in/{i}.jsonl", "{")
    said = run("convert", "in", "-o", "out", "--to", "hermes", code=1).stdout
    assert said.endswith(f"{', '.join(f'out/{i}.jsonl.rejects.jsonl' for i in range(3))} and 2 more\n")


def test_what_a_run_that_fails_has_written() -> None:
    write_rows("in/a.jsonl", FENCE)
    write_rows("in/b.jsonl", REASONED)
    result = run("convert", "in", "-o", "out", "--to", "functiongemma", code=1)
    assert "; of 2 files 1 had been written before\n" in result.stderr
    assert {name for name in names() if name.startswith("out/")} == {"out/a.jsonl"}


def test_an_address() -> None:
    pytest.importorskip("fsspec")
    address = Path("rows.jsonl").resolve().as_uri()
    dry = run("convert", address, "-o", address.replace("rows.jsonl", "o.jsonl"), "--to", "hermes", "--dry-run").stdout
    assert "nothing was written to file:///" in dry and not Path("o.jsonl").exists()
    said = run("convert", address, "-o", address.replace("rows.jsonl", "o.jsonl"), "--to", "hermes").stdout
    assert "wrote file:///" in said and len(rows_of("o.jsonl")) == 2


def test_several_processes_say_what_one_does() -> None:
    for i in range(3):
        write_rows(f"in/{i}.jsonl", *numbered(i, i + 4), "{")
    one = run("convert", "in", "-o", "out", "--to", "qwen_xml", code=1).stdout
    first = {name: Path(name).read_bytes() for name in names() if name.startswith("out/")}
    assert run("convert", "in", "-o", "out", "--to", "qwen_xml", "--num-proc", "2", code=1).stdout == one
    assert {name: Path(name).read_bytes() for name in names() if name.startswith("out/")} == first and len(first) == 6
    write_rows("in/1.jsonl", REASONED)
    result = run("convert", "in", "-o", "new", "--to", "functiongemma", "--num-proc", "2", code=1)
    assert "1.jsonl: $.messages[0].reasoning" in result.stderr and not Path("new/1.jsonl").exists()
    assert "; of the other 2 files some are written\n" in result.stderr


def test_ray_is_given_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    def convert_jobs(jobs: Any, *_: Any, address: str, watch: Any, dry: bool) -> None:
        given.update(names=[job.name for job in jobs.files], address=address, dry=dry)
        watch.done(jobs.files[0], Report())

    monkeypatch.setattr("toolfmt.integrations.ray.convert_jobs", convert_jobs)
    for dry in ([], ["--dry-run"]):
        run("convert", "rows.jsonl", "--to", "hermes", "--engine", "ray", "--ray-address", "auto", *dry)
        assert given == {"names": ["rows.jsonl"], "address": "auto", "dry": bool(dry)}


# A split


def test_a_split() -> None:
    for name in (
        "train-00000-of-00001.jsonl",
        "test/a.jsonl",
        "validation_test_seen.jsonl",
        "training.jsonl",
        "retrain.jsonl",
    ):
        write_rows(f"in/{name}", *numbered(0, 2))
    seen = ["validation_test_seen.jsonl"]
    splits = {"train": ["train-00000-of-00001.jsonl"], "test": ["test/a.jsonl", *seen], "test_seen": seen}
    for split, found in splits.items():
        told = run_json("convert", "in", "-o", f"out-{split}", "--to", "hermes", "--split", split)
        assert {f"out-{split}/{name}" for name in found} == {
            name for name in names() if name.startswith(f"out-{split}/")
        }
        assert told["rows"] == 2 * len(found)
    result = run("convert", "in", "-o", "out", "--to", "hermes", "--split", "dev", code=2)
    assert (
        "no file of this split; the names have the words a, retrain, seen, test, train, training, validation: `dev`"
        in result.stderr
    )


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


# Before and after


def test_show() -> None:
    said = run("convert", "rows.jsonl", "--to", "qwen_xml", "--show", "3").stdout
    shown, _, rest = said.partition("json_fence -> qwen_xml")
    assert shown == (
        "rows.jsonl: row 0 (line 1)\n"
        "before\n  | messages[1]\n  | role: assistant\n  | content: \n  |   Ok.\n  |   \n"
        '  |   ```json\n  |   {"name": "get_weather", "arguments": {"city": "Paris", "days": 3}}\n  |   ```\n'
        "  | (1 item of messages as before)\n"
        "after\n  | messages[1]\n  | role: assistant\n  | content: \n  |   Ok.\n  |   \n"
        "  |   <tool_call>\n  |   <function=get_weather>\n  |   <parameter=city>\n  |   Paris\n  |   </parameter>\n"
        "  |   <parameter=days>\n  |   3\n  |   </parameter>\n  |   </function>\n  |   </tool_call>\n"
        "  | (1 item of messages as before)\n\n"
    )
    assert rest and "\x1b" not in said


def test_show_without_writing_and_as_json() -> None:
    write_rows("a.jsonl", "no", *numbered(0, 5))
    told = run_json("convert", "a.jsonl", "--to", "hermes", "--show", "2", "--dry-run")
    assert [row["where"] for row in told["shown"]] == ["a.jsonl: row 1 (line 2)", "a.jsonl: row 2 (line 3)"]
    assert told["shown"][0]["before"] == rows_of("a.jsonl")[1]
    run("convert", "a.jsonl", "--to", "hermes")
    assert told["shown"][1]["after"] == rows_of("a.hermes.jsonl")[2]


def test_show_control_characters_and_long_texts() -> None:
    row = {"messages": [{"role": "assistant", "content": QWEN + "\x1b[31m"}], "tools": TOOLS}
    long = {"messages": [{"role": "tool", "content": "y" * 9000}, {"role": "assistant", "content": FENCE + "y" * 9000}]}
    Path("x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in (row, long)))
    said = run("convert", "x.jsonl", "--layout", "openai", "--show", "2", "--on-loss", "ignore", code=None).stdout
    assert "\x1b" not in said and "\\x1b[31m" in said and "Paris\\r\n" in said
    assert '| tool_calls: [{"id": "call_0"' in said and max(map(len, said.splitlines())) < 2200


def test_show_what_a_row_that_stops_the_run_would_be() -> None:
    write_rows("a.jsonl", REASONED)
    result = run("convert", "a.jsonl", "--to", "functiongemma", "--show", "1", code=1)
    assert "<start_function_call>call:now{}" in result.stdout and result.stderr.startswith("error: ")


def test_show_prefers_rows_with_calls() -> None:
    write_rows("a.jsonl", "no", "no", FENCE)
    told = run_json("convert", "a.jsonl", "--layout", "sharegpt", "--show", "2")
    assert [row["where"] for row in told["shown"]] == ["a.jsonl: row 2 (line 3)", "a.jsonl: row 0 (line 1)"]
    told = run_json("convert", "a.jsonl", "--layout", "openai", "--show", "2")  # the others come out as they were
    assert [row["where"] for row in told["shown"]] == ["a.jsonl: row 2 (line 3)"] and told["converted"] == 3


# Standard input and output


def test_standard_input_to_standard_output() -> None:
    result = run("convert", "-", "--to", "hermes", stdin=Path("bad.jsonl").read_bytes(), code=1)
    (row,) = [json.loads(line) for line in result.stdout.splitlines()]
    assert row["messages"][1]["content"].startswith("Ok.\n<tool_call>\n")
    assert (
        "3 rows in = 1 row out + 2 rejects\nwrote standard output\nthe rejects, each with its reason:\n"
        in result.stderr
    )
    rejects = [json.loads(line) for line in result.stderr.splitlines() if line.startswith("{")]
    assert [reject["data"] for reject in rejects] == [{"x": 1}, "{"]
    assert names() == {path.name for path in Path().iterdir()} and "toolfmt-" not in result.stderr
    run("convert", "-", "--to", "hermes", "--report", "r.json", stdin=Path("bad.jsonl").read_bytes(), code=1)
    told = json.loads(Path("r.json").read_text(encoding="utf-8"))
    assert (told["out"], told["rejects_files"], told["rejected"]) == ("standard output", [], 2)


def test_standard_input_to_a_file_and_a_file_to_standard_output() -> None:
    data = Path("rows.jsonl").read_bytes()
    told = run_json("convert", "-", "-o", "o.jsonl", "--to", "hermes", stdin=data)
    assert told["out"] == "o.jsonl" and told["rows"] == 2
    result = run("convert", "rows.jsonl", "-o", "-", "--to", "hermes", "--show", "1")
    assert result.stdout == Path("o.jsonl").read_text(encoding="utf-8") and "before" in result.stderr
    assert run("convert", "-", "--to", "hermes", "--dry-run", stdin=data).stdout == ""


def test_standard_output_stays_empty_when_the_run_fails() -> None:
    write_rows("a.jsonl", FENCE, REASONED)
    result = run("convert", "-", "--to", "functiongemma", stdin=Path("a.jsonl").read_bytes(), code=1)
    assert result.stdout == "" and "next: toolfmt convert - --to functiongemma --on-loss warn" in result.stderr


# A terminal


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminal")
@pytest.mark.parametrize("columns", [60, 140])
def test_in_a_terminal(columns: int) -> None:
    """The bar counts and goes; rows are coloured, and side by side where there is room."""
    write_rows("in/a.jsonl", *numbered(0, 30))
    write_rows("in/b.jsonl", "{", *numbered(0, 30))
    said = in_terminal(columns, "convert", "in", "-o", "out", "--to", "hermes", "--show", "1")
    assert "2/2 b.jsonl" in said and "61 rows, " in said and " rows/s, 0 losses, 1 rejects" in said and "100%" in said
    assert "\x1b[1A\x1b[2K\x1b[1ma.jsonl: row 0" in said  # the bar's line is taken back
    last = said.rpartition("a.jsonl: row 0")[2]
    assert "\x1b[1;32m<tool_call>" in last and "\x1b[1;33m```json" in last and "rows/s" not in last
    assert "m```json" in last and "mOk." not in last
    beside = [line for line in last.splitlines() if line.count("Ok.") == 2]
    assert bool(beside) == (columns == 140)


def in_terminal(columns: int, *words: str) -> str:
    import fcntl
    import pty
    import struct
    import subprocess
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {
        **{key: value for key, value in os.environ.items() if key not in ("COLUMNS", "NO_COLOR")},
        "TERM": "xterm-256color",
    }
    command = [sys.executable, "-m", "toolfmt.cli.main", *words]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        data = b""
        while piece := _read(ours):
            data += piece
        assert process.wait(60) == 1
    os.close(ours)
    return re.sub(r"\r+\n", "\n", data.decode())


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""
