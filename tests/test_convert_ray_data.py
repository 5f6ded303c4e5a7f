"""``ray.data`` datasets: as lazy as they were, exact, and every row in the report, also where a worker is killed in the middle."""

import json
import pickle
import re
from pathlib import Path
from typing import Any

import pytest
from ray_cases import TOOLS, killing, linux, runs, text_row

from toolfmt.convert import convert
from toolfmt.errors import LayoutError
from toolfmt.report import Report, ToolfmtWarning

pytest.importorskip("ray")

from toolfmt.containers.ray_data import _Conversion, _Reports
from toolfmt.conversion.collect import Collector


def trl_row(i: int, arguments: dict[str, Any]) -> dict[str, Any]:
    call = {"type": "function", "function": {"name": "f", "arguments": arguments}}
    parameters = {"type": "object", "properties": {key: {} for key in arguments}}
    tools = [{"type": "function", "function": {"name": "f", "parameters": parameters}}]
    return {"id": i, "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "", "tool_calls": [call]}], "tools": tools}


@linux
@pytest.mark.slow
def test_a_dataset_and_a_killed_worker(ray_cluster: Any) -> None:
    rows = [text_row(i) for i in range(6000) if i % 100 != 50]
    want = convert(rows, to="llama3_json")
    report = Report()
    data = ray_cluster.data.from_items(rows, override_num_blocks=6)
    made = convert(data, to="llama3_json", report=report)
    assert isinstance(made, ray_cluster.data.Dataset) and report.rows == 0 and report.source == "hermes"
    with killing(runs(b"_convert_block")) as killed:
        got = made.take_all()
    assert len(killed) == 1
    assert [without_tools(row) for row in sorted(got, key=lambda row: row["id"])] == [without_tools(row) for row in want]
    assert (report.rows, report.with_calls, report.rejected) == (len(rows), sum(row['id'] % 10 != 0 for row in rows), 0)


def without_tools(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "tools"}


@pytest.mark.slow
def test_every_execution_says_what_it_found(ray_cluster: Any) -> None:
    report = Report()
    data = ray_cluster.data.from_items([{"id": i, "messages": text_row(i)["messages"]} for i in range(500) if i % 100 != 50], override_num_blocks=4)
    made = convert(data, to="llama3_json", report=report)
    assert made.count() == 495 and report.rows == 495
    assert len(made.take(2)) == 2 and 0 < report.rows < 495
    assert made.materialize().count() == 495 and report.rows == 495
    assert made.random_shuffle().repartition(2).count() == 495 and report.rows == 495
    assert (report.with_calls, report.direct, report.to, report.layout) == (450, 45, "llama3_json", "messages_text")


@pytest.mark.slow
def test_refused_rows_are_in_the_report_and_not_in_the_data(ray_cluster: Any) -> None:
    rows = [text_row(i) for i in range(200)]
    report = Report()
    made = convert(ray_cluster.data.from_items(rows, override_num_blocks=2), to="llama3_json", on_loss="warn", report=report)
    with pytest.warns(ToolfmtWarning, match="0 losses, 2 rows refused: row 50: part 0"):
        got = made.take_all()
    assert sorted(row["id"] for row in got) == [i for i in range(200) if i % 100 != 50]
    assert (report.rows, report.rejected) == (200, 2)
    assert [(reject.row, reject.data["id"]) for reject in report.rejects] == [(50, 50), (50, 150)]
    assert report.rejects[1].reason.startswith("part 1: $.messages[1].content: expected text")


@pytest.mark.slow
def test_what_raises_fails_the_job_and_names_the_row(ray_cluster: Any) -> None:
    made = convert(ray_cluster.data.from_items([text_row(i) for i in range(200)], override_num_blocks=2), to="llama3_json")
    with pytest.raises(LayoutError, match=r"row 50: part [01]: \$\.messages\[1\]\.content: expected text"):
        made.take_all()


@pytest.mark.slow
def test_arguments_of_different_shapes_stay_as_they_are(ray_cluster: Any, tmp_path: Path) -> None:
    shapes: list[dict[str, Any]] = [{"x": 1}, {"y": "42"}, {"x": "t", "n": None}, {"q": [1, "a"]}, {"x": 2**70}, {"f": 1.0, "o": {}}]
    rows = [trl_row(i, shapes[i % 6]) for i in range(60)]
    data = ray_cluster.data.from_items(rows, override_num_blocks=4)
    for layout, read in (("openai", arguments_text), ("anthropic", arguments_input)):
        made = convert(data, layout=layout, on_loss="ignore")
        made.write_parquet(str(tmp_path / layout))
        for got in (made.take_all(), ray_cluster.data.read_parquet(str(tmp_path / layout)).take_all()):
            assert [read(row) for row in sorted(got, key=lambda row: row["id"])] == [json.dumps(shapes[i % 6]) for i in range(60)]
            assert [keys_of(row) for row in sorted(got, key=lambda row: row["id"])] == [list(shapes[i % 6]) for i in range(60)]


def keys_of(row: dict[str, Any]) -> list[str]:
    (tool,) = json.loads(row["tools"])
    parameters = tool["function"]["parameters"] if "function" in tool else tool["input_schema"]
    return list(parameters["properties"])


def arguments_text(row: dict[str, Any]) -> str:
    return str(row["messages"][1]["tool_calls"][0]["function"]["arguments"])


def arguments_input(row: dict[str, Any]) -> str:
    return json.dumps(json.loads(row["messages"][1]["content"])[0]["input"])


@pytest.mark.slow
def test_blocks_of_other_columns(ray_cluster: Any) -> None:
    many = ray_cluster.data.from_items([{"messages": text_row(i)["messages"]} for i in range(1, 1100) if i % 100 != 50], override_num_blocks=2)
    scored = ray_cluster.data.from_items([{"score": 1.5, "messages": text_row(1)["messages"]}])
    got = convert(scored.union(many), to="llama3_json").take_all()
    assert sorted((row["score"] is None, len(row)) for row in got) == [(False, 2)] + [(True, 2)] * 1088
    with pytest.raises(LayoutError, match="expected those of the first rows, messages, and a later block has another: `score`"):
        convert(many.union(scored), to="llama3_json").take_all()


@pytest.mark.slow
def test_blocks_without_rows(ray_cluster: Any) -> None:
    report = Report()
    data = ray_cluster.data.from_items([text_row(i) for i in range(1, 401) if i % 100 != 50], override_num_blocks=4)
    kept = data.filter(lambda row: row["id"] < 90 or row["id"] > 350).materialize()
    made = convert(kept, to="llama3_json", report=report)
    assert made.count() == 88 + 50 and report.rows == 88 + 50


@pytest.mark.slow
def test_empty_and_foreign_data(ray_cluster: Any) -> None:
    empty = ray_cluster.data.from_items([])
    assert convert(empty, to="hermes") is empty
    with pytest.raises(TypeError, match=r"takes a ray\.data Dataset"):
        convert(ray_cluster.put(1), to="hermes")
    with pytest.raises(LayoutError, match="expected a column"):
        convert(ray_cluster.data.range(3), to="hermes")


def found(rows: int) -> Report:
    return Report(rows=rows, direct=rows)


def test_a_block_that_is_converted_again_counts_once() -> None:
    reports = _Reports()
    reports.begin()
    reports.start("a")
    reports.add("a", 0, found(5))
    reports.start("b")
    reports.add("b", 1 << 33, found(3))
    reports.start("a")  # its worker died
    reports.add("a", 0, found(5))
    assert [report.rows for report in reports.take()] == [5, 3]


def test_a_task_of_an_execution_that_was_given_up_is_not_heard() -> None:
    reports = _Reports()
    reports.begin()
    reports.start("old")
    reports.begin()
    reports.add("old", 0, found(5))
    assert reports.take() == []


def test_in_another_process_a_conversion_is_nothing() -> None:
    assert pickle.loads(pickle.dumps(_Conversion(None, Collector(Report(), "warn")))) is None


@pytest.mark.slow
def test_what_the_documentation_shows(ray_cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    page = (Path(__file__).resolve().parent.parent / "docs" / "convert.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(import ray\n.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    pq.write_table(pa.Table.from_pylist([{**text_row(i), "tools": json.dumps(TOOLS)} for i in range(1, 40)]), "in/a.parquet")
    example = example.replace('"in"', repr(str(tmp_path / "in"))).replace('"out"', repr(str(tmp_path / "out")))
    exec(compile(example, "docs/convert.md", "exec"), {})
    assert "rows: 39, with calls: 36" in capsys.readouterr().out
    assert pq.read_table(tmp_path / "out").num_rows == 39
