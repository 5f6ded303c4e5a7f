"""`toolfmt convert`: what it reads and writes, its options, what it says at its end, its exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest
from cli_runner import FENCE, QWEN, TOOLS, names, numbered, rows_of, run, run_json, write_files, write_rows
from typer.testing import CliRunner

import toolfmt
from toolfmt.cli.main import app
from toolfmt.report import Report

REASONED = '<think>\nhm\n</think>\n\n<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>'


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with tools, a text and rows."""
    monkeypatch.chdir(tmp_path)
    write_files()
    return tmp_path


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
