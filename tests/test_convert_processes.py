"""`num_proc=` on files: many files at a time give what one process gives."""

from pathlib import Path

import pytest
from test_convert_paths import MADE, folder, line, tree

from toolfmt.containers import parallel
from toolfmt.containers.watch import Watch
from toolfmt.convert import convert
from toolfmt.errors import LayoutError, ToolfmtError
from toolfmt.report import Report

__all__ = ["folder"]


def test_the_same_files_and_the_same_report(folder: Path, tmp_path: Path) -> None:
    one, two = Report(), Report()
    convert(folder, "hermes", out=tmp_path / "one", report=one)
    convert(folder, "hermes", out=tmp_path / "two", report=two, num_proc=2)
    assert two.as_dict() == one.as_dict() and one.rows == 8
    assert tree(tmp_path / "one") == tree(tmp_path / "two") == MADE
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in MADE)


def test_a_file_that_fails_ends_the_run(folder: Path, tmp_path: Path) -> None:
    (folder / "b.json").write_text("{}")
    with pytest.raises(LayoutError, match=r"b\.json: expected a JSON list"):
        convert(folder, "hermes", source="json_fence", out=tmp_path / "out", num_proc=2)
    assert "b.json" not in tree(tmp_path / "out")


def test_a_process_that_dies_is_named(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pool:
        def __init__(self, *_: object) -> None: ...
        def __enter__(self) -> "Pool":
            return self

        def __exit__(self, *_: object) -> None: ...
        def shutdown(self, **_: object) -> None: ...
        def submit(self, *_: object) -> "Pool":
            return self

        def result(self) -> None:
            raise parallel.BrokenProcessPool("died")

    monkeypatch.setattr(parallel, "ProcessPoolExecutor", Pool)
    with pytest.raises(ToolfmtError, match="a process ended before its file did"):
        convert(folder, "hermes", out=tmp_path / "out", num_proc=2)


def test_it_does_not_resume(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="leave out num_proc=: `2`"):
        convert(folder, "hermes", out=tmp_path / "out", num_proc=2, resume=True)


def test_who_looks_on_may_do_nothing(tmp_path: Path) -> None:
    from toolfmt.containers.files import convert_jobs
    from toolfmt.containers.jobs import find_jobs
    from toolfmt.conversion.collect import Collector
    from toolfmt.conversion.rows import RowConverter

    (tmp_path / "a.jsonl").write_text(line("hi"))
    jobs = find_jobs(tmp_path / "a.jsonl", None, "hermes")
    assert (
        convert_jobs(jobs, RowConverter("hermes", None), "auto", Collector(Report(), "raise"), watch=Watch())
        == jobs.out
    )
