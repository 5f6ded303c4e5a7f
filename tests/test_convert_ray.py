"""Files by Ray: the bytes and the report of the local engine.  A worker is killed in the middle, and nothing is lost or double."""

import gzip
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_runner import run
from ray_cases import TOOLS, killing, linux, text_row, writes

from toolfmt.containers.jobs import find_jobs
from toolfmt.convert import convert, prepare
from toolfmt.errors import LayoutError, LossError, MissingExtraError, ToolfmtError
from toolfmt.integrations import ray as engine
from toolfmt.report import Report

pytest.importorskip("ray")


def write_rows(path: Path, rows: Iterator[int] | range, bad: bool = False) -> Path:
    path.parent.mkdir(exist_ok=True)
    lines = [json.dumps(text_row(i), ensure_ascii=False).encode() for i in rows]
    data = b"\n".join(lines + ([b"{broken"] if bad else [])) + b"\n"
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def by_ray(data: Path, out: Path, report: Report | None = None, on_loss: str = "warn", **more: Any) -> Path:
    base, collect = prepare("llama3_json", "auto", "auto", None, None, on_loss, report)
    return engine.convert_jobs(find_jobs(data, out, "llama3_json"), base, "auto", collect, **more)  # type: ignore[return-value]


def run_both(data: Path, folder: Path) -> tuple[Report, Report]:
    """By the local engine and by Ray; the files have to be the same, byte for byte."""
    here, there = Report(), Report()
    assert convert(data, to="llama3_json", out=folder / "here", on_loss="ignore", report=here) == folder / "here"
    assert by_ray(data, folder / "there", there) == folder / "there"
    assert contents(folder / "here") == contents(folder / "there")
    return here, there


# Files


@pytest.mark.slow
def test_files_of_every_kind_are_those_of_the_local_engine(ray_cluster: Any, tmp_path: Path) -> None:
    source = tmp_path / "in"
    write_rows(source / "a.jsonl", range(300), bad=True)
    write_rows(source / "b.jsonl.gz", range(300, 500))
    write_rows(source / "empty.jsonl", range(0))
    (source / "notes.txt").write_text("no rows")
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{**text_row(i), "tools": json.dumps(TOOLS)} for i in range(500, 700) if i % 100 != 50]
    pq.write_table(pa.Table.from_pylist(rows), source / "c.parquet")
    here, there = run_both(source, tmp_path)
    assert here == there and there.rows == 300 + 1 + 200 + 198 and there.rejected == 3 + 1 + 2
    assert there.notices[0].path == "notes.txt" and there.rejects[0].reason.startswith("a.jsonl: ")
    rejects = (tmp_path / "there" / "a.jsonl.rejects.jsonl").read_text().splitlines()
    assert len(rejects) == 4 and json.loads(rejects[-1])["line"] == 301


@linux
@pytest.mark.slow
def test_a_killed_worker_costs_time_and_nothing_else(ray_cluster: Any, tmp_path: Path) -> None:
    for k in range(5):
        write_rows(tmp_path / "in" / f"{k}.jsonl", range(k * 1500, (k + 1) * 1500))
    with killing(writes(tmp_path / "there")) as killed:
        here, there = run_both(tmp_path / "in", tmp_path)
    assert len(killed) == 1
    assert here == there and there.rows == 7500 and there.rejected == 75


@pytest.mark.slow
def test_what_raises_ends_the_run_and_leaves_no_part(ray_cluster: Any, tmp_path: Path) -> None:
    write_rows(tmp_path / "in" / "a.jsonl", range(1, 9))
    write_rows(tmp_path / "in" / "b.jsonl", range(1, 2000))
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    lossy = {"messages": [{"role": "assistant", "content": None, "tool_calls": [call]}, {"role": "tool", "tool_call_id": "other", "content": "1"}]}
    (tmp_path / "in" / "c.jsonl").write_text(json.dumps(lossy) + "\n")
    with pytest.raises((LossError, LayoutError), match=r"c\.jsonl"):
        by_ray(tmp_path / "in", tmp_path / "out", on_loss="raise")
    assert not list((tmp_path / "out").glob(".*"))


@pytest.mark.slow
def test_a_failing_file_is_named_as_here(ray_cluster: Any, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "in" / "a.jsonl.gz", range(100))
    path.write_bytes(path.read_bytes()[:-100])
    base, collect = prepare("llama3_json", "hermes", "auto", None, None, "warn", None)
    with pytest.raises(LayoutError, match=r"a\.jsonl\.gz.*ends too early"):
        engine.convert_jobs(find_jobs(tmp_path / "in", tmp_path / "out", ""), base, "hermes", collect)
    assert contents(tmp_path / "out") == {}


@pytest.mark.slow
def test_an_address_while_ray_is_connected(ray_cluster: Any, tmp_path: Path) -> None:
    write_rows(tmp_path / "in" / "a.jsonl", range(3))
    with pytest.raises(ValueError, match="connected already"):
        by_ray(tmp_path / "in", tmp_path / "out", address="local")


@pytest.mark.slow
def test_the_command(ray_cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_rows(tmp_path / "in" / "a.jsonl", range(120))
    write_rows(tmp_path / "in" / "b.jsonl", range(120, 130))
    monkeypatch.chdir(tmp_path)  # workers stay where they are
    said = run("convert", "in", "-o", "out", "--to", "llama3_json", "--engine", "ray", "--on-loss", "ignore", code=1)
    assert "130 rows in = 129 rows out + 1 reject" in said.stdout and len(contents(tmp_path / "out")) == 3
    said = run("convert", "in", "-o", "dry", "--to", "llama3_json", "--engine", "ray", "--on-loss", "ignore", "--dry-run", code=1)
    assert "129 rows out" in said.stdout and not (tmp_path / "dry").exists()


@pytest.mark.slow
def test_a_file_whose_worker_always_dies(ray_cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    write_rows(tmp_path / "in" / "a.jsonl", range(3))
    monkeypatch.setattr(engine, "_convert", die)
    monkeypatch.setattr(engine, "_RETRIES", 1)
    with pytest.raises(ToolfmtError, match=r"the worker of a file died 2 times, for want of memory perhaps: `.*a\.jsonl`"):
        by_ray(tmp_path / "in", tmp_path / "out")


def test_a_worker_of_another_version() -> None:
    with pytest.raises(ToolfmtError, match=r"a worker has toolfmt .*, the run was begun by 0\.0\.0"):
        engine._convert(None, None, "warn", False, False, "0.0.0")  # type: ignore[arg-type]


@pytest.mark.parametrize("address", ["http://x:1", "ray://", "host:port", "host:99999", ""])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(ValueError, match="expected the address of a Ray cluster"):
        engine._reach(address)


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_an_address_where_nobody_listens(scheme: str) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound, so nobody else's, and not listening
        address = f"{scheme}127.0.0.1:{held.getsockname()[1]}"
        with pytest.raises(ValueError, match=f"no Ray cluster answers at `{address}`.*refused"):
            engine._reach(address)


def test_an_address_where_something_else_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_REACH", 1)
    with socket.create_server(("127.0.0.1", 0)) as deaf, pytest.raises(ValueError, match="does not speak to Ray within 1 seconds"):
        engine._reach(f"127.0.0.1:{deaf.getsockname()[1]}")


def test_ray_is_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", range(3))
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r'pip install "toolfmt\[ray\]"'):
        by_ray(path, tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()
