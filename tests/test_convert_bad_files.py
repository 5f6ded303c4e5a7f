"""Files that are damaged, and disks that are full: a clear error that names the file and the row, every row accounted for, nothing half-written."""

import errno
import gzip
import io
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from file_cases import LINE, ROW, SAID, file, names, read, run

from toolfmt.containers import base
from toolfmt.containers.compressed import PACKINGS, Packed
from toolfmt.containers.json_list import read_list
from toolfmt.containers.jsonl import LinesSink, read_lines
from toolfmt.containers.output import Output
from toolfmt.convert import convert
from toolfmt.errors import LayoutError, MissingExtraError, ToolfmtError


def said(row: dict[str, Any]) -> str:
    text: str = row["messages"][-1]["content"]
    return text


# Lines


@pytest.mark.parametrize(
    "data, rows",
    [
        (b"\xef\xbb\xbf" + LINE + b"\n", 1),
        (LINE + b"\r\n" + LINE + b"\r\n", 2),
        (b"\n\n" + LINE + b"\n \t\n\r\n" + LINE + b"\n\n", 2),
        (LINE + b"\n" + LINE, 2),
        (b"", 0),
        (b"\xef\xbb\xbf", 0),
        (b"\n\n", 0),
    ],
    ids=["bom", "crlf", "blank lines", "no final newline", "empty", "only a bom", "only newlines"],
)
def test_lines_that_are_only_unusual(data: bytes, rows: int, tmp_path: Path) -> None:
    report, made, rejects = run(file(tmp_path, "d.jsonl", data))
    assert [said(row) for row in made] == [SAID] * rows and rejects == []
    assert (report.rows, report.rejected) == (rows, 0) and names(tmp_path) == ["d.hermes.jsonl", "d.jsonl"]


@pytest.mark.parametrize(
    "bad, reason",
    [
        (b'{"messages": "\xff\xe9\\udcff"}', r"not UTF-8: invalid start byte at byte 14: `0xff`"),
        (LINE.replace(b"find", b"fi\0nd"), r"expected a JSON object: not JSON"),
        (b"\0" * 100, r"expected a JSON object: not JSON"),
        (LINE + LINE, r"expected a JSON object: not JSON: extra data"),
        (LINE[:-5], r"expected a JSON object: not JSON"),
        (b"17", r"expected an object, got `int`"),
        (b'{"messages": NaN}', r"expected a JSON object: JSON has no `NaN`"),
        (b"[" * 5000, r"expected a JSON object: nested more than"),
    ],
    ids=["utf-8", "nul", "only nul", "two rows", "cut off", "no object", "nan", "deep"],
)
@pytest.mark.parametrize("name", ["d.jsonl", "d.jsonl.gz"])
def test_a_line_that_is_no_row_is_put_aside(bad: bytes, reason: str, name: str, tmp_path: Path) -> None:
    data = LINE + b"\n\n" + bad + b"\n" + LINE + b"\n"
    path = file(tmp_path, name, gzip.compress(data) if name.endswith("gz") else data)
    report, made, (reject,) = run(path, tmp_path / "o.jsonl")
    assert len(made) == 2 and (report.rows, report.rejected) == (3, 1)
    assert (reject["line"], reject["row"]) == (3, 1) and reason in reject["reason"]
    if isinstance(reject["data"], str):
        assert reject["data"].encode("utf-8", "surrogateescape") == bad
    else:
        assert json.dumps(reject["data"]).encode() == bad
    assert f"row 1 (line 3): {reject['reason']}" == str(report.rejects[0])


def test_a_reject_is_the_row_as_it_stood(tmp_path: Path) -> None:
    bad = b'{"a": 1e5, "b": 1.50, "c": "\\u00e9", "d": 12345678901234567890123}'
    path = file(tmp_path, "d.jsonl", bad + b"\r\n" + b'{"a":\r1}\n')
    run(path)
    first, second = (tmp_path / "d.hermes.jsonl.rejects.jsonl").read_bytes().splitlines()
    assert first.endswith(b', "data": ' + bad + b"}") and second.endswith(b', "data": {"a":1}}')


def test_a_row_over_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "MAX_ROW", len(LINE) + 3)
    long = b'{"a": "' + 'é\\" \x07€'.encode() * 400_000 + b'"}'
    fits = LINE + b"   "
    data = b"\n".join([long, LINE, fits, fits + b" ", long[:-3] + b"\xff\xe2\x82", LINE, long])
    report, made, rejects = run(file(tmp_path, "d.jsonl", data))
    assert len(made) == 3 and [reject["line"] for reject in rejects] == [1, 4, 5, 7] and report.rows == 7
    assert [reject["data"].encode("utf-8", "surrogateescape") for reject in rejects] == [
        long, fits + b" ", long[:-3] + b"\xff\xe2\x82", long,
    ]  # fmt: skip
    assert f"a row of more than {len(LINE) + 3} bytes, the most that is read" in rejects[0]["reason"]
    assert report.rejects[0].data is None
    assert (
        convert(tmp_path / "d.jsonl", "hermes", out=tmp_path / "auto.jsonl").read_bytes()
        == (tmp_path / "d.hermes.jsonl").read_bytes()
    )


def test_a_long_row_whose_rest_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "MAX_ROW", 10)
    data = b"x" * 30 + b"\n{}\n" + b"y" * 30 + b"\n[]"
    found = [(read.row, read.line, read.raw) for read in read_lines(io.BytesIO(data))]
    assert found == [(0, 1, b"x" * 11), (1, 2, b"{}"), (2, 3, b"y" * 11), (3, 4, b"[]")]


@pytest.mark.slow
def test_a_row_of_200_mb(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    with path.open("wb") as out:
        out.write(LINE[:-1] + b', "x": "' + b"y" * 200_000_000 + b'"}\n' + LINE)
    made = convert(path, "hermes", source="json_fence")
    assert made.stat().st_size > 200_000_000 and made.read_bytes().count(b"<tool_call>") == 2


# Compressed data


def packed(data: bytes, name: str) -> bytes:
    if name == ".zst":
        pytest.importorskip("zstandard", reason="zstandard is not installed: pip install zstandard")
    out = io.BytesIO()
    writer = Packed(out, PACKINGS[name])
    writer.write(data)
    writer.cut()
    return out.getvalue()


@pytest.mark.parametrize("end", [".gz", ".zst"])
def test_several_members_are_one_file(end: str, tmp_path: Path) -> None:
    one = packed(LINE + b"\n", end)
    path = file(tmp_path, f"d.jsonl{end}", one + packed(LINE[:20], end) + packed(LINE[20:], end) + packed(b"", end))
    made = convert(path, "hermes")
    assert made.name == f"d.hermes.jsonl{end}"
    assert len(read(convert(made, "json_fence", out=tmp_path / "plain.jsonl"))) == 2
    again = convert(path, "hermes", out=tmp_path / f"other.jsonl{end}")
    assert again.read_bytes() == made.read_bytes()
    if end == ".gz":
        assert gzip.decompress(made.read_bytes()).count(b"<tool_call>") == 2
        file(tmp_path, "d.jsonl.gz", one + b"\0" * 100_000)
        assert gzip.decompress(convert(path, "hermes").read_bytes()).count(b"<tool_call>") == 1


@pytest.mark.parametrize("end", [".gz", ".zst"])
@pytest.mark.parametrize("source", ["auto", "json_fence"])
def test_damaged_data_is_an_error_and_no_file(end: str, source: str, tmp_path: Path) -> None:
    noise = random.Random(0)
    rows = b"".join(
        b'{"messages": [{"role": "user", "content": "%s"}]}\n' % noise.randbytes(300).hex().encode() for _ in range(500)
    )
    good = packed(rows, end)
    flipped = good[: len(good) // 2] + bytes([good[len(good) // 2] ^ 255]) + good[len(good) // 2 + 1 :]
    sum_off = good[:-6] + bytes([good[-6] ^ 1]) + good[-5:] if end == ".gz" else good[:-1] + bytes([good[-1] ^ 1])
    for data, reason in (
        (good[:-1], "data ends too early"),
        (good[: len(good) // 2], r"data ends too early, after row \d+ \(line \d+\)"),
        (good[:3], "ends too early, before the first row"),
        (flipped, r"data (is damaged|ends too early)"),
        (sum_off, r"data is damaged .*, after row \d+ \(line \d+\)"),
        (good + b"garbage", "data is damaged"),
        (b"", "the file is empty, which is no"),
        (LINE + b"\n", r"data is damaged .*before the first row"),
    ):
        path = file(tmp_path, f"d.jsonl{end}", data)
        with pytest.raises(LayoutError, match=reason) as caught:
            convert(path, "hermes", source=source)
        assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)
        assert names(tmp_path) == [path.name]


@pytest.mark.parametrize("end", [".gz", ".zst"])
def test_no_rows_are_a_whole_file(end: str, tmp_path: Path) -> None:
    path = file(tmp_path, f"d.jsonl{end}", packed(b"", end))
    made = convert(path, "hermes")
    assert made.read_bytes() == path.read_bytes() != b"" and names(tmp_path) == [f"d.hermes.jsonl{end}", path.name]
    assert convert(made, "json_fence", out=tmp_path / "o.json").read_text() == "[]\n"


def test_pyarrow_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match="pip install"):
        convert(file(tmp_path, "d.parquet", b"PAR1"), "hermes", source="json_fence")
    assert names(tmp_path) == ["d.parquet"]


def test_zstandard_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(MissingExtraError, match=r"toolfmt\[files\]"):
        convert(file(tmp_path, "d.jsonl", LINE), "hermes", out=tmp_path / "o.jsonl.zst")
    assert names(tmp_path) == ["d.jsonl"]


# Lists


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "expected a JSON list of rows \\(rows in lines are .jsonl\\), got `nothing`"),
        (b"{}", "expected a JSON list of rows \\(rows in lines are .jsonl\\), got `{}`"),
        (
            b"[" + LINE,
            "the file ends in the row that begins at line 1, after|the file ends in the row that begins at line 1, before",
        ),
        (b"[" + LINE + b",]", "expected a row at line 1, got `]`"),
        (b"[\n,\n" + LINE + b"]", "expected a row at line 2, got `,`"),
        (b"[" + LINE + b",\n" + LINE + b"] x", "expected the end of the file after the list, at line 2"),
        (b'[{"a": "x', "the file ends in the row that begins at line 1"),
    ],
)
def test_a_file_that_is_no_list(data: bytes, reason: str, tmp_path: Path) -> None:
    path = file(tmp_path, "d.json", data)
    with pytest.raises(LayoutError, match=reason):
        run(path)
    assert names(tmp_path) == ["d.json"]


def test_bad_items_of_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [LINE, b"{bad}", b'{"\xff": 1}', b"1", b'"a,]\\""', json.dumps(ROW, indent=2).encode()]
    path = file(tmp_path, "d.json", b"\xef\xbb\xbf [\n" + b" ,\r\n".join(items) + b"\n] \n")
    report, made, rejects = run(path, tmp_path / "o.jsonl")
    assert len(made) == 2 and report.rows == 6
    assert [reject["line"] for reject in rejects] == [3, 4, 5, 6] and rejects[0]["data"] == "{bad}"
    monkeypatch.setattr(base, "MAX_ROW", 100)
    with pytest.raises(LayoutError, match="the row that begins at line 2 has more than 100 bytes"):
        convert(file(tmp_path, "long.json", b"[\n" + b'"' + b"x" * 3_000_000 + b'"]'), "hermes")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_a_list_cut_anywhere(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from toolfmt.containers import json_list

    monkeypatch.setattr(json_list, "_PIECE", size)
    values = [{"a": ['x"]', "\\", '\\"', {}, []], "é": "\n{"}, [], "", "]", {"b": [[1, {"c": "}"}]]}, -1.5, None]
    for text in (
        json.dumps(values),
        json.dumps(values, indent=1),
        json.dumps(values, ensure_ascii=False),
        "[]",
        " [ ] ",
    ):
        found = [read.value for read in read_list(io.BytesIO(text.encode()))]
        assert found == json.loads(text), text


# The disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"cannot mount a small disk: {made.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root mounts a small disk")
@pytest.mark.parametrize("end", [".jsonl", ".jsonl.gz", ".json", ".parquet"])
def test_a_full_disk(small_disk: Path, end: str, tmp_path: Path) -> None:
    data = file(
        tmp_path, "d.jsonl", b"".join(LINE.replace(b"ls", os.urandom(200).hex().encode()) + b"\n" for _ in range(2000))
    )
    if end == ".parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install pyarrow")
    out = small_disk / f"o{end}"
    out.write_bytes(b"old")
    with pytest.raises(OSError, match=r"No space left on device, at row \d+ \(line \d+\)|No space left") as caught:
        run(data, out)
    assert caught.value.errno == errno.ENOSPC and caught.value.filename == str(out)
    assert names(small_disk) == [out.name] and out.read_bytes() == b"old"


def test_a_disk_that_is_full_for_the_rejects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "x.rejects.jsonl")

    monkeypatch.setattr("toolfmt.containers.output.write_reject", full)
    with pytest.raises(OSError, match=r"No space left on device, at row 1 \(line 2\): 'x.rejects.jsonl'"):
        run(file(tmp_path, "d.jsonl", LINE + b"\n{\n"))
    assert names(tmp_path) == ["d.jsonl"]


def test_rows_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file(tmp_path, "d.jsonl", (LINE + b"\n") * 3)
    monkeypatch.setattr(Output, "add", lambda self, read, outcome: None)
    with pytest.raises(ToolfmtError, match="3 rows in, 0 out and 0 rejects: a mistake of toolfmt"):
        run(path)
    assert names(tmp_path) == ["d.jsonl"]


def test_a_sink_that_cannot_hold_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise LayoutError("$.x", "this kind of file has no place for it")

    monkeypatch.setattr(LinesSink, "add", refuse)
    report, made, rejects = run(file(tmp_path, "d.jsonl", LINE))
    assert made == [] and report.rejected == 1 and rejects[0]["data"] == ROW


def test_folders_and_permissions(tmp_path: Path) -> None:
    path = file(tmp_path, "d.jsonl", LINE)
    with pytest.raises(FileNotFoundError, match=r"no such folder; make it first: '.*/none'"):
        run(path, tmp_path / "none" / "o.jsonl")
    with pytest.raises(FileNotFoundError, match=r"gone.jsonl"):
        run(tmp_path / "gone.jsonl")
    (tmp_path / "file").write_text("")
    with pytest.raises(FileNotFoundError, match="no such folder"):
        run(path, tmp_path / "file" / "o.jsonl")
    assert names(tmp_path) == ["d.jsonl", "file"]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs users")
def test_no_permission(tmp_path: Path) -> None:
    path = file(tmp_path, "d.jsonl", LINE)
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    code = (
        "import os, pathlib, sys; from toolfmt.convert import convert\n"
        "if os.geteuid() == 0: os.setresuid(65534, 65534, 65534)\n"
        "try: convert(pathlib.Path(sys.argv[1]), 'hermes', source='json_fence', out=pathlib.Path(sys.argv[2]))\n"
        "except PermissionError as error: print(error)"
    )
    for folder in [tmp_path, *tmp_path.parents]:
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(folder.stat().st_mode | 0o555)
    made = subprocess.run(
        [sys.executable, "-c", code, path, locked / "o.jsonl"], capture_output=True, text=True, check=True
    )
    assert "Permission denied" in made.stdout and f"'{locked / 'o.jsonl'}'" in made.stdout
