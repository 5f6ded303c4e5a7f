"""What a path means to `toolfmt.convert`: a file, a folder, a pattern, and the same of what fsspec reaches."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_runner import run

from toolfmt.containers.paths import Remote
from toolfmt.convert import convert
from toolfmt.errors import LayoutError, LossError, MissingExtraError
from toolfmt.report import Report

CALL = '```json\n{"name": "run", "arguments": {"command": "%s"}}\n```'
SAID = '<tool_call>\n{"name": "run", "arguments": {"command": "%s"}}\n</tool_call>'


def line(text: str) -> str:
    return json.dumps({"messages": [{"role": "assistant", "content": text}]}) + "\n"


def said(data: bytes) -> list[str]:
    return [json.loads(row)["messages"][0]["content"] for row in data.decode().splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "in"
    (made / "deep" / "er").mkdir(parents=True)
    (made / "a.jsonl").write_text(line(CALL % "a") + "{bad\n")
    (made / "b.json").write_text(f"[{line(CALL % 'b')}]")
    (made / "deep" / "c.jsonl.gz").write_bytes(gzip.compress((line(CALL % "c") + line("hi")).encode()))
    (made / "deep" / "er" / "d.ndjson").write_text(line(CALL % "d") * 3)
    (made / "README.md").write_text("words")
    (made / "deep" / "x.jsonl.rejects.jsonl").write_text("{}\n")
    (made / ".hidden.jsonl").write_text("{bad\n")
    (made / ".cache").mkdir()
    (made / ".cache" / "e.jsonl").write_text("{bad\n")
    return made


def tree(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


MADE = ["a.jsonl", "a.jsonl.rejects.jsonl", "b.json", "deep/c.jsonl.gz", "deep/er/d.ndjson"]


def test_a_folder(folder: Path, tmp_path: Path) -> None:
    before = {name: (folder / name).read_bytes() for name in tree(folder)}
    report = Report()
    out = convert(folder, "hermes", out=tmp_path / "out", report=report)
    assert out == tmp_path / "out" and tree(out) == MADE
    assert {name: (folder / name).read_bytes() for name in tree(folder)} == before
    assert said((out / "deep/er/d.ndjson").read_bytes()) == [SAID % "d"] * 3
    assert said(gzip.decompress((out / "deep/c.jsonl.gz").read_bytes())) == [SAID % "c", "hi"]
    assert json.loads((out / "b.json").read_text())[0]["messages"][0]["content"] == SAID % "b"
    assert (report.rows, report.rejected, report.direct) == (8, 1, 1)
    assert str(report.rejects[0]).startswith("row 1 (line 2): a.jsonl: $: expected a JSON object")
    assert report.notice_counts["skipped"] == 2 and "README.md" in str(report.notices[0])
    rejects = json.loads((out / "a.jsonl.rejects.jsonl").read_text())
    assert (rejects["line"], rejects["data"]) == (2, "{bad")


@pytest.mark.parametrize(
    "pattern, names",
    [
        ("*.jsonl", ["a.jsonl", "a.jsonl.rejects.jsonl"]),
        ("**/*.gz", ["deep/c.jsonl.gz"]),
        ("d*/*/*", ["deep/er/d.ndjson"]),
        ("[ab].*", ["a.jsonl", "a.jsonl.rejects.jsonl", "b.json"]),
        ("*", ["a.jsonl", "a.jsonl.rejects.jsonl", "b.json"]),
    ],
)
def test_a_pattern(pattern: str, names: list[str], folder: Path, tmp_path: Path) -> None:
    out = convert(folder / pattern, "hermes", out=tmp_path / "out")
    assert tree(out) == names


def test_a_file_whose_name_looks_like_a_pattern(tmp_path: Path) -> None:
    path = tmp_path / "a[1]*.jsonl"
    path.write_text(line(CALL % "a"))
    assert said(convert(path, "hermes").read_bytes()) == [SAID % "a"]


def test_the_format_is_found_in_rows_of_all_files(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").write_text(line(SAID % "a") * 600)
    for name in "bc":
        (tmp_path / "in" / f"{name}.jsonl").write_text(line(CALL % name) * 200)
    report = Report()
    convert(tmp_path / "in", "qwen_xml", out=tmp_path / "out", report=report)
    assert report.source == "json_fence" and report.converted == 1000


def test_what_out_may_be(folder: Path, tmp_path: Path) -> None:
    one = folder / "a.jsonl"
    (tmp_path / "link").symlink_to(folder)
    for data, out, message in (
        (folder, None, "many files need out=, a folder"),
        (folder, folder, "lies in the folder that is read"),
        (folder, folder / "new", "lies in the folder that is read"),
        (folder, tmp_path / "link" / "new", "lies in the folder that is read"),
        (folder, one, "lies in the folder that is read"),
        (folder / "*.jsonl", folder, "out= holds files that are read, which are never changed"),
        (folder / "**" / "*.gz", folder / "deep", "out= holds files that are read, which are never changed"),
        (folder / "*.jsonl", one, "and this is a file"),
        (one, folder, "out= is a folder and the input one file"),
        (one, folder / "o.parq", "expected out= to be a file of rows"),
        (folder / "*.md", tmp_path / "out", r"no file of rows \(.*\); 1 others are there"),
        (folder / "*.nothing", tmp_path / "out", "nothing is there"),
        (folder / "none" / "*.jsonl", tmp_path / "out", "nothing is there"),
    ):
        before = tree(tmp_path)
        with pytest.raises(ValueError, match=message):
            convert(data, "hermes", out=out)
        assert tree(tmp_path) == before
    with pytest.raises(FileNotFoundError, match="no such folder; make it first"):
        convert(folder, "hermes", out=tmp_path / "x" / "y")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"nothing is there: `.*empty`"):
        convert(tmp_path / "empty", "hermes", out=tmp_path / "out")


def test_rejects_that_would_replace_an_input(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl.rejects.jsonl"
    path.write_text(line("x") + "{\n")
    with pytest.raises(ValueError, match="the rejects of out= would replace the input"):
        convert(path, "hermes", out=tmp_path / "o.jsonl")


def test_a_loss_in_one_of_many_files_names_it(folder: Path, tmp_path: Path) -> None:
    lost = '<think>\nhm\n</think>\n\n<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>'
    (folder / "deep" / "z.jsonl").write_text(line("x") + line(lost))
    with pytest.raises(LossError, match=r"row 1 \(line 2\): deep/z.jsonl: \$.messages\[0\]"):
        convert(folder, "json_fence", out=tmp_path / "out")
    assert not (tmp_path / "out" / "deep" / "z.jsonl").exists()
    assert not [name for name in tree(tmp_path / "out") if "/." in f"/{name}"]


def test_converting_imports_nothing_that_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_text(line(CALL % "a"))
    code = (
        "import pathlib, sys; from toolfmt.convert import convert; convert(pathlib.Path(sys.argv[1]), 'hermes');"
        "print([m for m in ('datasets', 'pandas', 'pyarrow', 'numpy', 'fsspec', 'zstandard') if m in sys.modules])"
    )
    made = subprocess.run([sys.executable, "-c", code, tmp_path / "d.jsonl"], capture_output=True, text=True, check=True)
    assert made.stdout.strip() == "[]"


# fsspec


@pytest.fixture
def memory() -> Iterator[Any]:
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed: pip install fsspec")
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


def test_a_remote_file(memory: Any, tmp_path: Path) -> None:
    memory.pipe("/in/d.jsonl", (line(CALL % "a") + "{\n").encode())
    report = Report()
    out = convert(Remote("memory://in/d.jsonl"), "hermes", report=report)
    assert out == Remote("memory://in/d.hermes.jsonl") and report.rejected == 1
    assert said(memory.cat("/in/d.hermes.jsonl")) == [SAID % "a"]
    assert json.loads(memory.cat("/in/d.hermes.jsonl.rejects.jsonl"))["line"] == 2
    memory.pipe("/in/d.jsonl", line(CALL % "b").encode())
    convert(Remote("memory://in/d.jsonl"), "hermes")
    assert sorted(memory.find("/")) == ["/in/d.hermes.jsonl", "/in/d.jsonl"]
    local = convert(Remote("memory://in/d.jsonl"), "qwen_xml", out=tmp_path / "o.jsonl.gz", resume=True)
    assert gzip.decompress(local.read_bytes()).count(b"<tool_call>") == 1
    convert(local, "hermes", out=Remote("memory://new/folder/o.jsonl"))
    assert said(memory.cat("/new/folder/o.jsonl")) == [SAID % "b"]


def test_remote_folders_and_patterns(memory: Any, folder: Path) -> None:
    memory.put(f"{folder}/", "/data/in", recursive=True)
    out = convert(Remote("memory://data/in"), "hermes", out=Remote("memory://data/out"))
    assert out == Remote("memory://data/out") and sorted(memory.find("/data/out")) == [f"/data/out/{name}" for name in MADE]
    convert(Remote("memory://data/in/**/*.gz"), "hermes", out=Remote("memory://some"))
    assert sorted(memory.find("/some")) == ["/some/deep/c.jsonl.gz"]
    assert memory.cat("/some/deep/c.jsonl.gz") == memory.cat("/data/out/deep/c.jsonl.gz")
    memory.pipe("/top.jsonl", line(CALL % "t").encode())
    convert(Remote("memory://*.jsonl"), "hermes", out=Remote("memory://tops/"))
    assert memory.find("/tops") == ["/tops/top.jsonl"]
    with pytest.raises(ValueError, match="never changed"):
        convert(Remote("memory://data/in"), "hermes", out=Remote("memory://data/in/"))
    with pytest.raises(ValueError, match=r"nothing is there: `memory://nowhere/\*.jsonl`"):
        convert(Remote("memory://nowhere/*.jsonl"), "hermes", out=Remote("memory://some"))


def test_a_remote_of_this_machine(memory: Any, folder: Path, tmp_path: Path) -> None:
    convert(Remote(f"file://{folder}"), "hermes", out=Remote(f"file://{tmp_path}/out"))
    assert tree(tmp_path / "out") == MADE
    convert(folder, "hermes", out=tmp_path / "local")
    assert all((tmp_path / "out" / name).read_bytes() == (tmp_path / "local" / name).read_bytes() for name in MADE)
    with pytest.raises(ValueError, match="never changed"):
        convert(folder / "a.jsonl", "hermes", out=Remote(f"file://{folder}/a.jsonl"))


def test_remote_errors(memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError, match=r"none.jsonl"):
        convert(Remote("memory://none.jsonl"), "hermes")
    with pytest.raises(LayoutError, match=r"no-such://x/d.jsonl: not an address that fsspec knows"):
        convert(Remote("no-such://x/d.jsonl"), "hermes")
    memory.pipe("/d.jsonl", line(CALL % "a").encode())
    with pytest.raises(ValueError, match="resume= needs an out= on this machine"):
        convert(Remote("memory://d.jsonl"), "hermes", resume=True)
    (tmp_path / "d.jsonl.gz").write_bytes(gzip.compress(line("x").encode())[:-4])
    with pytest.raises(LayoutError, match="ends too early"):
        convert(tmp_path / "d.jsonl.gz", "hermes", out=Remote("memory://o.jsonl"))
    assert memory.find("/") == ["/d.jsonl"]
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(MissingExtraError, match=r"toolfmt\[files\]"):
        convert(Remote("memory://d.jsonl"), "hermes")


def test_a_remote_that_fails_while_it_is_sent(memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory.pipe("/o.jsonl", b"old")
    (tmp_path / "d.jsonl").write_text(line(CALL % "a"))

    def broken(*_: Any, **__: Any) -> None:
        raise OSError(5, os.strerror(5))

    monkeypatch.setattr(type(memory), "mv", broken)
    with pytest.raises(OSError, match="Input/output error"):
        convert(tmp_path / "d.jsonl", "hermes", out=Remote("memory://o.jsonl"))
    assert memory.cat("/o.jsonl") == b"old"


# The command


def test_the_command(folder: Path, memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("convert", "in", "-o", "out", "--to", "hermes", "--resume", code=1)
    assert "8 rows in" in result.stdout and tree(Path("out")) == MADE
    memory.pipe("/d.jsonl", line(CALL % "a").encode())
    result = run("convert", "memory://d.jsonl", "--to", "hermes")
    assert "wrote memory://d.hermes.jsonl" in result.stdout and said(memory.cat("/d.hermes.jsonl")) == [SAID % "a"]
    for words, reason in (
        (("in", "--to", "hermes"), "many files need --out, a folder: `in`"),
        (("in/*.csv", "--to", "hermes", "-o", "out"), "nothing is there: `in/*.csv`"),
        (("memory://d.jsonl", "--to", "hermes", "--resume"), "--resume needs an --out on this machine"),
        (("memory://x.jsonl", "--to", "hermes"), "x.jsonl"),
        (("no-such://x.jsonl", "--to", "hermes"), "not an address that fsspec knows"),
    ):
        result = run("convert", *words, code=2)
        assert result.stdout == "" and reason in result.stderr and result.stderr.count("\n") == 1, words
