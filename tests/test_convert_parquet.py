"""`toolfmt.convert` on Parquet files: types, metadata and untouched columns stay, batch by batch."""

import base64
import datetime
import decimal
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from container_cases import FENCE, MIXED, base_rows, base_table, mixed_tools, rows_of, said, text_row

from toolfmt.containers import parquet
from toolfmt.convert import convert
from toolfmt.errors import LayoutError, LossError
from toolfmt.layouts.base import layouts
from toolfmt.report import Report

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

AT = datetime.datetime(2020, 1, 1, 1, 2, 3, 4)


def write(path: Path, table: Any, **options: Any) -> Path:
    pq.write_table(table, path, **options)
    return path


def rich_rows(rows: int, *bad: int) -> Any:
    """Rows with columns that JSON cannot say."""
    made = [text_row(n=i, raw=bytes([i % 256]), price=decimal.Decimal("1.50"), at=AT, nan=float("nan")) for i in range(rows)]
    for i, row in enumerate(made):
        row["messages"][0] |= {"at": AT, "role": "martian" if i in bad else "user"}
    return pa.Table.from_pylist(made).replace_schema_metadata({"made by": "me"})


@pytest.mark.parametrize("layout", layouts())
def test_every_layout_as_from_a_list(layout: str, tmp_path: Path) -> None:
    plain, ours = Report(), Report()
    listed = convert(base_rows(), layout=layout, on_loss="ignore", report=plain)
    path = write(tmp_path / "d.parquet", base_table(base_rows()))
    made = convert(path, layout=layout, on_loss="ignore", report=ours)
    assert made == tmp_path / f"d.{layout}.parquet"
    assert said(rows_of(pq.read_table(made))) == said(listed)
    assert (ours.rows, ours.rejected, len(ours.losses)) == (plain.rows, plain.rejected, len(plain.losses))
    if listed:
        back = convert(made, layout="openai", out=tmp_path / "back.parquet", on_loss="ignore")
        assert said(rows_of(pq.read_table(back))) == said(convert(listed, layout="openai", on_loss="ignore"))


def test_arguments_of_many_types_come_out_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "d.parquet", base_table(base_rows()[-len(MIXED) :]))
    made = convert(path, layout="trl")
    calls = [row["messages"][1]["tool_calls"][0]["function"]["arguments"] for row in rows_of(pq.read_table(made))]
    assert list(map(json.dumps, calls)) == list(map(json.dumps, MIXED))
    datasets = pytest.importorskip("datasets")
    loaded = datasets.load_dataset("parquet", data_files=str(made), cache_dir=str(tmp_path / "cache"), split="train")
    assert loaded[2]["messages"][1]["tool_calls"][0]["function"]["arguments"] == MIXED[2]
    assert json.loads(loaded[2]["tools"]) == mixed_tools(2)


def test_what_is_not_touched_stays(tmp_path: Path) -> None:
    table = rich_rows(2500, 0, 999, 1600, 2499)
    path = write(tmp_path / "d.parquet", table, row_group_size=700, compression="zstd")
    before, report = path.read_bytes(), Report()
    made = convert(path, to="hermes", report=report)
    assert path.read_bytes() == before
    read = pq.read_table(made)
    assert read.schema.equals(table.schema) and read.schema.metadata == table.schema.metadata
    others = ["n", "raw", "price", "at"]
    kept = [i for i in range(2500) if i not in (0, 999, 1600, 2499)]
    assert read.select(others).equals(table.select(others).take(pa.array(kept)))
    assert rows_of(read.slice(0, 1))[0]["messages"][0]["at"] == AT
    assert pq.ParquetFile(made).metadata.row_group(0).column(0).compression == "ZSTD"
    rejects = [json.loads(line) for line in made.with_name(made.name + ".rejects.jsonl").read_text().splitlines()]
    assert [reject["row"] for reject in rejects] == [0, 999, 1600, 2499] and (report.rows, report.rejected) == (2500, 4)
    data = rejects[1]["data"]
    assert data["raw"] == base64.b64encode(bytes([999 % 256])).decode() and data["at"] == data["messages"][0]["at"] == AT.isoformat()
    assert data["price"] == "1.50" and data["nan"] == "nan" and data["n"] == 999


def test_row_groups_are_written_as_they_fill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_GROUP_ROWS", 1000)
    made = convert(write(tmp_path / "d.parquet", rich_rows(2100)), to="hermes")
    held = pq.ParquetFile(made).metadata
    assert [held.row_group(i).num_rows for i in range(held.num_row_groups)] == [1000, 1000, 100]


def test_large_rows_are_read_by_fewer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "d.parquet", rich_rows(50), compression="none", use_dictionary=False)
    want = rows_of(pq.read_table(convert(path, to="hermes")).drop_columns(["nan"]))
    monkeypatch.setattr(parquet, "_BATCH_BYTES", 1000)
    metadata = pq.ParquetFile(path).metadata
    assert 1 <= parquet._batch_rows(metadata) < 10
    assert rows_of(pq.read_table(convert(path, to="hermes")).drop_columns(["nan"])) == want
    lines = convert(path, to="hermes", out=tmp_path / "d.jsonl")
    made = convert(lines, to="json_fence", out=tmp_path / "e.parquet")
    assert [row["n"] for row in rows_of(pq.read_table(made))] == list(range(50))


def test_from_and_to_lines(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        text_row(id=1, score=1, ok=True, tags=["a"]),
        text_row(id=2, score=2.5, ok=False, tags={"b": 1}),
        text_row("Hello.", id=2**60, score=2**70, ok=True, tags=None),
    ]
    rows[0]["messages"][0] |= {"weight": 1, "mixed": "x"}
    rows[1]["messages"][1]["mixed"] = 2
    path = tmp_path / "d.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in [*rows, {"messages": 1}]))
    report = Report()
    made = convert(path, layout="openai", out=tmp_path / "d.parquet", report=report)
    assert said(rows_of(pq.read_table(made))) == said(convert(rows, layout="openai")) and report.rejected == 1
    kinds = {field.name: str(field.type) for field in pq.read_schema(made)}
    json_type = "extension<arrow.json>"
    assert (kinds["id"], kinds["ok"], kinds["score"], kinds["tags"]) == ("int64", "bool", json_type, json_type)
    message = {field.name: str(field.type) for field in pq.read_schema(made).field("messages").type.value_type}
    assert (message["weight"], message["mixed"], message["content"]) == ("int64", json_type, "string")
    back = convert(made, to="json_fence", out=tmp_path / "e.jsonl")
    assert said([json.loads(line) for line in back.read_text().splitlines()]) == said(rows)
    rich = convert(write(tmp_path / "f.parquet", rich_rows(1)), to="hermes", out=tmp_path / "f.jsonl")
    assert json.loads(rich.read_text())["at"] == AT.isoformat()


def test_nulls_of_structs_may_be_padding(tmp_path: Path) -> None:
    def row(key: str) -> dict[str, Any]:
        call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": {key: 1}}}
        return {"messages": [{"role": "assistant", "content": None, "tool_calls": [call]}]}

    path = write(tmp_path / "d.parquet", pa.Table.from_pylist([row("a"), row("b")]))
    with pytest.raises(LossError, match="null may be Arrow's padding"):
        convert(path, to="hermes")
    tools = [{"name": "f", "parameters": {"type": "object", "properties": {"c": {}}}}]
    report = Report()
    made = convert(path, to="hermes", tools=tools, report=report)
    contents = [row["messages"][0]["content"] for row in rows_of(pq.read_table(made))]
    assert [content.count("arguments\": {\"a\": 1}}") + content.count("arguments\": {\"b\": 1}}") for content in contents] == [1, 1]
    assert report.notice_counts["null"] == 2


def test_a_row_that_needs_another_column_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_SAMPLE", 1)
    rows = [{"messages": json.dumps(text_row()["messages"]), "available_tools": "[]"} for _ in range(2)]
    rows[1]["messages"] = rows[1]["messages"].replace('{"role": "user"', '{"weight": 1, "role": "user"')
    report = Report()
    made = convert(write(tmp_path / "d.parquet", pa.Table.from_pylist(rows)), layout="openai", report=report)
    assert pq.read_table(made).num_rows == 1 and report.rejects[0].row == 1
    assert "$.messages[0].weight: the column has the fields role," in report.rejects[0].reason


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not Parquet: "),
        (b"PAR1 and nothing else", "not Parquet: "),
        (b'{"messages": []}\n' * 20, "not Parquet: "),
    ],
)
def test_what_is_no_parquet(data: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "d.parquet"
    path.write_bytes(data)
    with pytest.raises(LayoutError, match=f"{path}: {said}"):
        convert(path, to="hermes", source="hermes")
    assert [file.name for file in tmp_path.iterdir()] == ["d.parquet"]


def test_broken_parquet(tmp_path: Path) -> None:
    path = write(tmp_path / "d.parquet", rich_rows(3000), row_group_size=1000, compression="none", use_dictionary=False)
    whole = path.read_bytes()
    at = whole.index(FENCE.encode(), len(whole) // 2) - 200
    for data in (whole[: len(whole) // 2], whole[:at] + b"\xff" * 300 + whole[at + 300 :]):
        path.write_bytes(data)
        with pytest.raises(LayoutError, match=rf"{path}: .*(not Parquet|broken)"):
            convert(path, to="hermes")
        assert [file.name for file in tmp_path.iterdir()] == ["d.parquet"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"a": [1]}, "columns: expected a column `messages` or .*, got `a`"),
        ({"messages": [{"role": ["user"]}]}, "column `messages`: expected text, or a list of messages .*, got the type `struct<role: list"),
        ({"messages": [[None]]}, "column `messages`: .*got the type `list<element: null>`"),
    ],
)
def test_a_schema_that_holds_no_conversation(table: dict[str, Any], said: str, tmp_path: Path) -> None:
    path = write(tmp_path / "d.parquet", pa.table(table))
    with pytest.raises(LayoutError, match=f"{path}: {said}"):
        convert(path, to="hermes")


def test_a_file_without_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "d.parquet", rich_rows(1).slice(0, 0))
    made = convert(path, to="hermes")
    assert pq.read_table(made).num_rows == 0 and pq.read_schema(made).equals(pq.read_schema(path))


def test_a_missing_package_is_named_when_the_file_is_written(tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_text('{"messages": [{"role": "user", "content": "hi"}]}\n')
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from toolfmt.cli.main import main\n"
        f"sys.argv = ['toolfmt', 'convert', {str(source)!r}, '--to', 'hermes', '--out', {str(tmp_path / 'out.parquet')!r}]\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == 'error: Arrow data needs pyarrow: pip install "toolfmt[files]"\n'
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]
