"""`resume=True`: a run killed at any moment goes on, and ends with the bytes and the counts of one that was never interrupted."""

import csv
import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from toolfmt.containers import base, files
from toolfmt.containers.compressed import PACKINGS, Packed
from toolfmt.conversion.rows import RowConverter
from toolfmt.convert import convert
from toolfmt.errors import LayoutError
from toolfmt.report import Report

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")

CALL = '<tool_call>\n{"name": "run", "arguments": {"command": "%d"}}\n</tool_call>'


def line(i: int) -> str:
    """Good rows, rows without calls, rows with a loss, rows that are none, blank lines."""
    if i % 7 == 3:
        return "{bad %d" % i  # noqa: UP031
    if i % 11 == 5:
        return ""
    said = f"answer {i}" if i % 5 == 2 else CALL % i
    if i % 4 == 1:
        said = f"<think>\nhm\n</think>\n\n{said}"
    row = {"messages": [{"role": "user", "content": f"say {i}"}, {"role": "assistant", "content": said}], "i": i}
    return json.dumps(row)


def write(path: Path, numbers: range) -> Path:
    data = "".join(line(i) + "\n" for i in numbers).encode()
    packing = PACKINGS.get(path.suffix)
    if packing is None:
        path.write_bytes(data)
    else:
        if path.suffix == ".zst":
            pytest.importorskip("zstandard", reason="zstandard is not installed: pip install zstandard")
        with path.open("wb") as file:
            packed = Packed(file, packing)
            packed.write(data)
            packed.cut()
    return path


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs note how far they are every seven rows; what is on the disk survives a killed process without fsync, which takes its time."""
    monkeypatch.setattr(files, "ROWS", 7)
    monkeypatch.setattr(os, "fsync", lambda handle: None)


def run(data: Path, out: Path, **more: Any) -> Report:
    report = Report()
    convert(data, "json_fence", source="hermes", out=out, report=report, on_loss="ignore", **more)
    return report


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def killed(arrange: Callable[[], None], data: Path, out: Path, report: Report | None = None, resume: bool = True) -> bool:
    """Run in a process of its own, which `arrange` lets kill itself; whether it did."""
    child = os.fork()
    if child == 0:
        try:
            arrange()
            convert(data, "json_fence", source="hermes", out=out, report=report, on_loss="ignore", resume=resume)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def at_call(holder: Any, name: str, number: int) -> Callable[[], None]:
    """Kill the process before the call of this number."""

    def arrange() -> None:
        real, calls = getattr(holder, name), iter(range(1, 10**9))

        def counted(*args: Any, **more: Any) -> Any:
            if next(calls) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **more)

        setattr(holder, name, counted)

    return arrange


MOMENTS = (
    *[(RowConverter, "__call__", number) for number in (1, 8, 9, 30, 59)],
    *[(os, "fsync", number) for number in (1, 2, 3, 4, 6, 9, 20, 40, 53)],
    *[(os, "replace", number) for number in (1, 2, 3, 5, 9, 10, 11, 12)],
)


@pytest.mark.parametrize("name, moments", [("d.jsonl", MOMENTS), ("d.jsonl.gz", MOMENTS[::3]), ("d.jsonl.zst", MOMENTS[1::3])])
def test_a_run_killed_at_any_moment_goes_on(name: str, moments: Any, tmp_path: Path) -> None:
    data = write(tmp_path / name, range(60))
    whole = tmp_path / "whole"
    whole.mkdir()
    expected, made = run(data, whole / name), 0
    assert (expected.rows, expected.rejected) == (56, 9) and expected.losses and expected.direct
    for holder, what, number in moments:
        out = tmp_path / f"{what}{number}"
        out.mkdir()
        if not killed(at_call(holder, what, number), data, out / name):
            continue
        made += 1
        assert run(data, out / name, resume=True).as_dict() == expected.as_dict(), (what, number)
        assert tree(out) == tree(whole), (what, number)
    assert made > len(moments) // 2


def test_what_is_converted_is_not_converted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, out = write(tmp_path / "d.jsonl", range(60)), tmp_path / "o.jsonl"
    assert killed(at_call(RowConverter, "__call__", 40), data, out, resume=False)
    assert not out.exists() and (tmp_path / ".o.jsonl.progress").exists()
    seen: list[int] = []
    real = RowConverter.__call__
    monkeypatch.setattr(RowConverter, "__call__", lambda self, row: seen.append(row["i"]) or real(self, row))
    run(data, out, resume=True)
    assert seen[0] > 40 and seen[-1] == 58
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.jsonl", "o.jsonl", "o.jsonl.rejects.jsonl"]


@pytest.fixture
def many(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    write(folder / "a.jsonl", range(20))
    write(folder / "deep" / "b.jsonl.gz", range(20, 50))
    write(folder / "c.jsonl", range(50, 52))
    return folder


def test_a_folder_killed_at_any_moment_goes_on(many: Path, tmp_path: Path) -> None:
    expected = run(many, tmp_path / "whole")
    for holder, what, number in MOMENTS[::2]:
        out = tmp_path / f"{what}{number}"
        killed(at_call(holder, what, number), many, out)
        assert run(many, out, resume=True).as_dict() == expected.as_dict(), (what, number)
        assert tree(out) == tree(tmp_path / "whole"), (what, number)


@pytest.mark.parametrize("name", ["b.json", "b.csv", "b.parquet"])
def test_other_kinds_begin_their_file_anew(name: str, tmp_path: Path) -> None:
    if name == "b.parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install pyarrow")
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "a.jsonl", range(20))
    rows = [json.loads(line(i)) for i in range(30) if line(i)[:2] == '{"']
    if name == "b.csv":
        with (tmp_path / "in" / name).open("w", newline="") as out:
            csv.writer(out).writerows([["messages"], *([json.dumps(row["messages"])] for row in rows)])
    else:
        (tmp_path / "rows.json").write_text(json.dumps(rows))
        convert(tmp_path / "rows.json", "hermes", source="hermes", out=tmp_path / "in" / name)
    expected = run(tmp_path / "in", tmp_path / "whole")
    assert expected.rows > 40
    for number in (5, 30, 34):
        out = tmp_path / f"out{number}"
        assert killed(at_call(RowConverter, "__call__", number), tmp_path / "in", out)
        assert run(tmp_path / "in", out, resume=True).as_dict() == expected.as_dict()
        assert tree(out) == tree(tmp_path / "whole")


def test_a_report_that_held_something_before(tmp_path: Path) -> None:
    data, out = write(tmp_path / "d.jsonl", range(60)), tmp_path / "o.jsonl"
    with_id = {"messages": [{"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}]}]}
    data.write_text(f"{json.dumps(with_id)}\n{data.read_text()}")
    reports = whole, before, after = Report(), Report(), Report()
    for report in reports:
        convert([json.loads(line(1)), with_id], "json_fence", source="hermes", on_loss="ignore", report=report)
    assert whole.losses and whole.notices
    convert(data, "json_fence", source="hermes", out=tmp_path / "whole.jsonl", on_loss="ignore", report=whole)
    assert killed(at_call(RowConverter, "__call__", 40), data, out, before)
    convert(data, "json_fence", source="hermes", out=out, on_loss="ignore", report=after, resume=True)
    assert after.as_dict() == whole.as_dict()


def test_rows_over_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "MAX_ROW", 5000)
    data = write(tmp_path / "d.jsonl", range(60))
    long = "x" * 3_000_000 + "\n"
    data.write_text(long + data.read_text().replace("\n{bad 17\n", f"\n{long}"))
    expected = run(data, tmp_path / "whole.jsonl")
    assert expected.rejected == 10 and killed(at_call(RowConverter, "__call__", 40), data, tmp_path / "o.jsonl")
    assert run(data, tmp_path / "o.jsonl", resume=True).as_dict() == expected.as_dict()
    for end in ("", ".rejects.jsonl"):
        assert (tmp_path / f"o.jsonl{end}").read_bytes() == (tmp_path / f"whole.jsonl{end}").read_bytes()


def interrupted(tmp_path: Path) -> tuple[Path, Path]:
    data, out = write(tmp_path / "d.jsonl", range(60)), tmp_path / "o.jsonl"
    assert killed(at_call(RowConverter, "__call__", 40), data, out)
    return data, out


def test_another_input_or_other_settings_are_an_error(tmp_path: Path) -> None:
    data, out = interrupted(tmp_path)
    with pytest.raises(LayoutError, match="had on_loss `ignore`, not `warn`; give the same, or run without resume="):
        convert(data, "json_fence", source="hermes", out=out, on_loss="warn", resume=True)
    with pytest.raises(LayoutError, match="had to `json_fence`, not `qwen_xml`"):
        convert(data, "qwen_xml", source="hermes", out=out, on_loss="ignore", resume=True)
    with pytest.raises(LayoutError, match="other tools"):
        run(data, out, resume=True, tools=[{"name": "run"}])
    held = data.stat()
    write(data, range(61))
    with pytest.raises(LayoutError, match=r"the input is not as the interrupted run read it: `d.jsonl`"):
        run(data, out, resume=True)
    write(data, range(60))
    os.utime(data, ns=(held.st_atime_ns, held.st_mtime_ns))
    assert run(data, out, resume=True).rows == 56


def test_a_damaged_note_is_an_error(tmp_path: Path) -> None:
    data, out = interrupted(tmp_path)
    note, part = tmp_path / ".o.jsonl.progress", tmp_path / ".o.jsonl.part"
    whole = note.read_bytes()
    for damage in (whole[:-5], whole.replace(b'"run": "', b'"run": "x'), b"\xff"):
        note.write_bytes(damage)
        with pytest.raises(LayoutError, match="run without resume= to begin anew"):
            run(data, out, resume=True)
    note.write_bytes(whole)
    part.write_bytes(part.read_bytes()[:10])
    with pytest.raises(LayoutError, match="shorter than the interrupted run left it"):
        run(data, out, resume=True)
    assert run(data, out).rows == 56 and sorted(path.name for path in tmp_path.iterdir())[0] == "d.jsonl"


def test_nothing_to_resume_is_a_run_from_the_start(tmp_path: Path) -> None:
    data = write(tmp_path / "d.jsonl", range(60))
    run(data, tmp_path / "a.jsonl")
    run(data, tmp_path / "b.jsonl", resume=True)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    (tmp_path / ".c.jsonl.part").write_bytes(b"of a run that nobody resumed\n" * 1000)
    run(data, tmp_path / "c.jsonl")
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "c.jsonl").read_bytes()
    with pytest.raises(ValueError, match="resume= is for files"):
        convert("x", "json_fence", resume=True)


def test_a_failed_run_goes_on_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came before the failure stays, under its hidden name, only for a run that asked for it."""
    data, out = write(tmp_path / "d.jsonl", range(60)), tmp_path / "o.jsonl"
    expected, real = run(data, tmp_path / "whole.jsonl"), RowConverter.__call__

    def failing(self: RowConverter, row: Any) -> Any:
        if row["i"] == 40:
            raise OSError(errno.EIO, "input/output error")
        return real(self, row)

    for resume in (False, True):
        monkeypatch.setattr(RowConverter, "__call__", failing)
        with pytest.raises(OSError, match=r"input/output error, at row 37 \(line 41\)"):
            run(data, out, resume=resume)
        assert not out.exists() and (tmp_path / ".o.jsonl.part").exists() == resume
    monkeypatch.setattr(RowConverter, "__call__", real)
    assert run(data, out, resume=True).as_dict() == expected.as_dict()
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_two_runs_into_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, out = write(tmp_path / "d.jsonl", range(60)), tmp_path / "o.jsonl"
    expected = run(data, tmp_path / "whole.jsonl")
    real, refused = RowConverter.__call__, []

    def nested(self: RowConverter, row: Any) -> Any:
        if row["i"] == 20 and not refused:
            refused.append(True)
            with pytest.raises(LayoutError, match="another run is writing this file"):
                run(data, out)
        return real(self, row)

    monkeypatch.setattr(RowConverter, "__call__", nested)
    assert run(data, out).as_dict() == expected.as_dict() and refused
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


CODE = """
import pathlib, sys
from toolfmt.containers import base, files
from toolfmt.convert import convert
files.ROWS = 500
convert(pathlib.Path(sys.argv[1]), "json_fence", source="hermes", out=pathlib.Path(sys.argv[2]), on_loss="ignore", resume=True)
"""


@pytest.mark.slow
def test_killed_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "ROWS", 500)
    data, kills = write(tmp_path / "d.jsonl.gz", range(90_000)), 0
    expected = run(data, tmp_path / "whole.jsonl.gz")
    out = tmp_path / "o.jsonl.gz"
    while not out.exists() and kills < 100:
        process = subprocess.Popen([sys.executable, "-c", CODE, str(data), str(out)])
        time.sleep(1.5 + kills % 3 / 7)
        process.kill()
        kills += process.wait() == -signal.SIGKILL
    assert kills > 0 and out.read_bytes() == (tmp_path / "whole.jsonl.gz").read_bytes()
    rejects = (tmp_path / "o.jsonl.gz.rejects.jsonl").read_text().splitlines()
    assert len(rejects) == expected.rejected
