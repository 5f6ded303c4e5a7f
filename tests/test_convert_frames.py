"""`toolfmt.convert` on data frames of pandas and polars."""

import json
from pathlib import Path
from typing import Any

import pytest
from container_cases import MIXED, base_rows, base_table, mixed_tools, rows_of, said, text_row
from hypothesis import given, settings
from layout_cases import conversations

from toolfmt.convert import convert
from toolfmt.errors import LayoutError, LossError
from toolfmt.report import Report

pandas = pytest.importorskip("pandas", reason="pandas is not installed: pip install pandas")
polars = pytest.importorskip("polars", reason="polars is not installed: pip install polars")
pa = pytest.importorskip("pyarrow")

LAYOUTS = ["openai", "trl", "anthropic", "sharegpt", "xlam", "toucan", "prompt_completion", "bfcl"]


def of_objects(rows: list[dict[str, Any]]) -> Any:
    return pandas.DataFrame(rows)


def of_arrow(rows: list[dict[str, Any]]) -> Any:
    return base_table(rows).to_pandas(types_mapper=pandas.ArrowDtype)


def from_parquet(rows: list[dict[str, Any]]) -> Any:
    """With arrays in the place of lists."""
    return base_table(rows).to_pandas()


def of_polars(rows: list[dict[str, Any]]) -> Any:
    return polars.from_arrow(base_table(rows))


def listed(frame: Any) -> list[dict[str, Any]]:
    if isinstance(frame, polars.DataFrame):
        return rows_of(frame.to_arrow())
    if any(isinstance(dtype, pandas.ArrowDtype) for dtype in frame.dtypes):
        return rows_of(pa.table({name: pa.array(frame[name]) for name in frame.columns}))
    return [{key: plain(value) for key, value in row.items()} for row in frame.to_dict("records")]


def plain(value: Any) -> Any:
    """Lists instead of the arrays that nothing touched."""
    if isinstance(value, dict):
        return {key: plain(held) for key, held in value.items()}
    return [plain(held) for held in value] if type(value).__name__ in ("ndarray", "list") else value


FRAMES = [of_objects, of_arrow, from_parquet, of_polars]


@pytest.mark.parametrize("make", FRAMES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_as_from_a_list(layout: str, make: Any) -> None:
    rows = [row for row in base_rows() if "id" not in row]  # pandas makes floats of integers beside nothing
    frame = make(rows)
    plain, ours = Report(), Report()
    want = convert(rows, layout=layout, on_loss="ignore", report=plain)
    made = convert(frame, layout=layout, on_loss="ignore", report=ours)
    assert type(made) is type(frame) and said(listed(made)) == said(want)
    assert (ours.rows, ours.converted, len(ours.losses), ours.rejected) == (plain.rows, plain.converted, len(plain.losses), plain.rejected)
    assert said(listed(convert(made, layout="openai", on_loss="ignore"))) == said(convert(want, layout="openai", on_loss="ignore"))
    assert said(listed(frame)) == said(rows)


@settings(max_examples=15)
@given(rows=conversations())
def test_any_conversation_as_from_a_list(rows: dict[str, Any]) -> None:
    row = rows | ({"tools": json.dumps(rows["tools"])} if rows.get("tools") is not None else {})
    for make in FRAMES:
        try:
            frame = make([row])
        except UnicodeEncodeError:
            continue  # no such frame
        report = Report()
        made = convert(frame, layout="trl", on_loss="ignore", report=report)
        if not any("lone surrogate" in reject.reason for reject in report.rejects):
            assert said(listed(made)) == said(convert([row], layout="trl", on_loss="ignore"))


# Arguments of many types


def trl_row(i: int) -> dict[str, Any]:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": MIXED[i]}}
    return {"messages": [{"role": "assistant", "content": None, "tool_calls": [call]}], "tools": mixed_tools(i)}


def test_naive_frames_corrupt_what_comes_out_whole_here() -> None:
    padded = polars.DataFrame([trl_row(0), trl_row(1)])["messages"].to_list()[0][0]["tool_calls"][0]["function"]["arguments"]
    assert json.dumps(padded) == '{"n": 1.0, "s": null}'  # a number of another type, and a key of another row
    for make in (of_arrow, of_polars):
        made = listed(convert(make(base_rows()[-len(MIXED) :]), layout="trl"))
        calls = [row["messages"][1]["tool_calls"][0]["function"]["arguments"] for row in made]
        assert list(map(json.dumps, calls)) == list(map(json.dumps, MIXED))


def test_pandas_objects_stay_what_they_are(tmp_path: Path) -> None:
    rows = [trl_row(i) for i in range(len(MIXED))]
    made = convert(pandas.DataFrame(rows), layout="openai")
    texts = [row["messages"][0]["tool_calls"][0]["function"]["arguments"] for row in made.to_dict("records")]
    assert texts == list(map(json.dumps, MIXED)) and made["tools"].tolist() == [mixed_tools(i) for i in range(len(MIXED))]
    pandas.DataFrame(rows[:2]).to_parquet(tmp_path / "d.parquet")
    padded = pandas.read_parquet(tmp_path / "d.parquet")
    assert padded["messages"][0][0]["tool_calls"][0]["function"]["arguments"] == {"n": 1.0, "s": None}
    report = Report()
    back = convert(padded, layout="openai", report=report)
    assert back["messages"][0][0]["tool_calls"][0]["function"]["arguments"] == '{"n": 1.0}' and report.notice_counts["null"] == 1
    with pytest.raises(LossError, match="may be Arrow's padding"):
        convert(padded.drop(columns="tools"), layout="openai")
    real = convert(pandas.DataFrame([{**trl_row(3), "tools": None}]), layout="openai")
    assert json.loads(real["messages"][0][0]["tool_calls"][0]["function"]["arguments"]) == MIXED[3]


# Frames


def test_index_columns_and_cells_of_pandas_stay() -> None:
    row = text_row("Hello.")
    bad = {"messages": [{"role": "martian", "content": ""}]}
    frame = pandas.DataFrame([text_row(), bad, row, text_row()], index=["a", "a", "b", "b"])
    frame["n"] = pandas.array([1, None, 3, 4], dtype="Int8")
    frame["kind"] = pandas.Categorical(["x", "y", "x", "y"])
    frame[7] = [float("nan"), 1, 2, 3]
    frame.attrs["made by"] = "me"
    before, report = frame.copy(deep=True), Report()
    made = convert(frame, to="hermes", on_loss="ignore", report=report)
    pandas.testing.assert_frame_equal(frame, before)
    assert made.index.tolist() == ["a", "b", "b"] and made.columns.tolist() == ["messages", "n", "kind", 7] and made.attrs == frame.attrs
    assert made.dtypes.tolist() == frame.dtypes.tolist() and made["n"].tolist() == [1, 3, 4]
    assert made["messages"].iloc[1] is frame["messages"].iloc[2]
    assert [(reject.row, reject.data["messages"]) for reject in report.rejects] == [(1, bad["messages"])]
    assert made["messages"].iloc[0] == convert([text_row()], to="hermes")[0]["messages"]
    assert convert(frame, layout="sharegpt", on_loss="ignore").columns.tolist() == ["conversations", "n", "kind", 7]


def test_cells_of_parquet_that_nothing_touches_stay_arrays() -> None:
    frame = pa.Table.from_pylist([text_row(), text_row("Hello.")]).to_pandas()
    made = convert(frame, to="hermes")
    assert type(made["messages"].iloc[0]) is list and made["messages"].iloc[1] is frame["messages"].iloc[1]


def test_columns_of_polars_stay() -> None:
    rows = [text_row(n=1, kind="x"), {**text_row(n=2, kind="y"), "messages": [{"role": "martian", "content": ""}]}, text_row(n=3, kind="y")]
    frame = polars.DataFrame(rows).with_columns(polars.col("kind").cast(polars.Categorical), polars.Series("thing", [object()] * 3))
    made = convert(frame, to="hermes", on_loss="ignore")
    assert made.schema == frame.schema and made["n"].to_list() == [1, 3] and made["kind"].to_list() == ["x", "y"]
    assert made["thing"][0] is frame["thing"][0] and frame.height == 3
    assert convert(frame, layout="sharegpt", on_loss="ignore").columns[:1] == ["conversations"]


@pytest.mark.parametrize("make", FRAMES)
def test_without_rows_and_with_none_left(make: Any) -> None:
    frame = make([{"messages": [{"role": "martian", "content": ""}]}])
    report = Report()
    made = convert(frame, to="hermes", on_loss="ignore", report=report)
    assert (len(made), report.rejected) == (0, 1) and list(made.columns) == list(frame.columns)
    assert len(convert(frame[:0], to="hermes")) == 0


def test_more_rows_than_a_batch() -> None:
    rows = [text_row(n=i) for i in range(1100)]
    rows[1001]["messages"][0]["role"] = "martian"
    want = convert(rows, to="hermes", on_loss="ignore")
    for frame in (pandas.DataFrame(rows), polars.DataFrame(rows)):
        report = Report()
        made = convert(frame, to="hermes", on_loss="ignore", report=report)
        assert said(listed(made)) == said(want) and [reject.row for reject in report.rejects] == [1001]


def test_what_is_not_accepted_is_said() -> None:
    frame = pandas.DataFrame([text_row()])
    cases: list[tuple[Any, type[Exception], str]] = [
        (polars.LazyFrame([text_row()]), TypeError, r"collect\(\) the LazyFrame first"),
        (polars.Series([1]), TypeError, "got `polars.Series`"),
        (frame["messages"], TypeError, "got `pandas.Series`"),
        (frame[["messages", "messages"]], ValueError, "two columns have one name; rename one of them: `messages`"),
        (pandas.DataFrame({"a": [1]}), LayoutError, "expected a column `messages` or .*, got `a`"),
        (polars.DataFrame({"a": [1]}), LayoutError, "expected a column `messages` or .*, got `a`"),
        (polars.DataFrame({"messages": [1]}), LayoutError, "column `messages`: .*got the type `int64`"),
        (polars.DataFrame({"messages": [object()]}), TypeError, "a column of Python objects is no Arrow column.*: `messages`"),
        (of_arrow([text_row()]).assign(tools=[[]]), TypeError, "one holds Python objects; .*: `tools`"),
    ]
    for data, kind, message in cases:
        with pytest.raises(kind, match=message):
            convert(data, to="hermes")
