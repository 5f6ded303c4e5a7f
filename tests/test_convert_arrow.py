"""`toolfmt.convert` on Arrow tables, record batches and readers: no value changes its type, and no key of another row appears."""

import copy
import datetime
import decimal
import itertools
import json
import pickle
import sys
from typing import Any

import pytest
from container_cases import FENCE, MIXED, base_rows, base_table, mixed_tools, rows_of, said, text_row
from hypothesis import given, settings
from layout_cases import conversations

from toolfmt.api import describe_tools
from toolfmt.containers import arrow
from toolfmt.containers.batches import RECORD, convert_batch, outcome_of
from toolfmt.conversion.collect import Collector
from toolfmt.conversion.rows import RowConverter
from toolfmt.convert import convert
from toolfmt.errors import LayoutError, LossError, MissingExtraError, UnrepresentableError
from toolfmt.layouts.base import layouts
from toolfmt.report import Report

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install pyarrow")


def findings(report: Report) -> tuple[Any, ...]:
    """What a report says, but for the order of its findings."""
    losses = sorted((loss.kind, loss.row, loss.path) for loss in report.losses)
    return report.rows, report.with_calls, report.converted, losses, sorted((reject.row, reject.reason) for reject in report.rejects)


# Types and keys


def trl_row(i: int) -> dict[str, Any]:
    """Arguments and tools as objects."""
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": MIXED[i]}}
    messages = [{"role": "user", "content": "go"}, {"role": "assistant", "content": None, "tool_calls": [call]}]
    return {"messages": messages, "tools": mixed_tools(i)}


def test_naive_code_corrupts_what_comes_out_whole_here() -> None:
    padded = pa.Table.from_pylist([trl_row(0), {**trl_row(3), "tools": mixed_tools(3)}])
    (call,) = padded.to_pylist()[0]["messages"][1]["tool_calls"]
    assert call["function"]["arguments"] == {"n": 1, "deep": None, "none": None}  # keys of another row
    (tool,) = padded.to_pylist()[0]["tools"]
    assert tool["function"]["parameters"]["properties"] == {"n": {"description": "n"}, "deep": None, "none": None}
    with pytest.raises((pa.ArrowInvalid, pa.ArrowTypeError)):
        pa.Table.from_pylist([trl_row(i) for i in range(len(MIXED))])

    table = base_table(base_rows()[-len(MIXED) :])
    made = rows_of(convert(table, layout="trl"))
    assert said(made) == said([trl_row(i) for i in range(len(MIXED))])
    assert [json.dumps(row["messages"][1]["tool_calls"][0]["function"]["arguments"]) for row in made] == list(map(json.dumps, MIXED))


@pytest.mark.parametrize("layout", layouts())
def test_every_layout_as_from_a_list(layout: str) -> None:
    rows, table = base_rows(), base_table(base_rows())
    plain, ours = Report(), Report()
    listed = convert(rows, layout=layout, on_loss="ignore", report=plain)
    made = convert(table, layout=layout, on_loss="ignore", report=ours)
    assert said(rows_of(made)) == said(listed) and findings(ours) == findings(plain)
    plain, ours = Report(), Report()
    back = convert(listed, layout="openai", on_loss="ignore", report=plain) if listed else []
    again = convert(made, layout="openai", on_loss="ignore", report=ours)
    assert said(rows_of(again)) == said(back) and findings(ours) == findings(plain)
    assert table.equals(base_table(base_rows()))


@pytest.mark.parametrize("to", ["hermes", "qwen_xml", "mistral_v3"])
def test_every_format_as_from_a_list(to: str) -> None:
    plain, ours = Report(), Report()
    listed = convert(base_rows(), to=to, on_loss="ignore", report=plain)
    made = convert(base_table(base_rows()), to=to, on_loss="ignore", report=ours)
    assert said(rows_of(made)) == said(listed) and findings(ours) == findings(plain)
    assert "tool_calls" not in {field.name for field in made.schema.field("messages").type.value_type}


@settings(max_examples=40)
@given(rows=conversations())
def test_any_conversation_as_from_a_list(rows: dict[str, Any]) -> None:
    row = rows | ({"tools": json.dumps(rows["tools"])} if rows.get("tools") is not None else {})
    try:
        table = base_table([row])
    except UnicodeEncodeError:
        return  # no such table
    for layout in ("trl", "anthropic", "sharegpt"):
        plain, ours = Report(), Report()
        listed = convert([row], layout=layout, on_loss="ignore", report=plain)
        made = convert(table, layout=layout, on_loss="ignore", report=ours)
        if not any("lone surrogate" in reject.reason for reject in ours.rejects):
            assert said(rows_of(made)) == said(listed) and findings(ours) == findings(plain)


def test_columns_and_keys_that_no_layout_knows_keep_their_types() -> None:
    row = text_row(day=datetime.date(2020, 2, 29), price=decimal.Decimal("1.50"), raw=b"\x00\xff", inf=float("inf"))
    row["messages"][0] |= {"at": datetime.datetime(2020, 1, 1, 1, 2, 3, 4), "small": 7}
    table = pa.Table.from_pylist([row, text_row("Hello.")]).replace_schema_metadata({"made by": "me"})
    kind = table.column("price").type
    made = convert(table, to="hermes")
    assert made.schema.equals(table.schema, check_metadata=True) and kind == pa.decimal128(3, 2)
    assert made.select(["day", "price", "raw", "inf"]).equals(table.select(["day", "price", "raw", "inf"]))
    assert made.column("messages")[0].as_py()[0] == table.column("messages")[0].as_py()[0]
    inner = convert(table, layout="openai").schema.field("messages").type.value_type
    assert inner.field("at").type == pa.timestamp("us") and inner.field("small").type == pa.int64()


def test_a_column_that_nothing_touches_is_the_array_that_came() -> None:
    table = pa.Table.from_pylist([text_row("Hello.", tools='[ {"name":"f"} ]')])
    made = convert(table, to="hermes")
    for name in ("messages", "tools"):
        (ours,), (theirs,) = made.column(name).chunks, table.column(name).chunks
        assert [buffer and buffer.address for buffer in ours.buffers()] == [buffer and buffer.address for buffer in theirs.buffers()]


def test_text_types_of_all_widths_stay() -> None:
    message = pa.struct({"role": pa.dictionary(pa.int32(), pa.string()), "content": pa.string_view()})
    table = pa.table({"messages": pa.array([text_row()["messages"]], pa.large_list(message))})
    assert convert(table, to="hermes").schema == table.schema
    assert rows_of(convert(table, to="hermes")) == convert([text_row()], to="hermes")
    kind = convert(table, layout="openai").schema.field("messages").type
    assert pa.types.is_large_list(kind) and kind.value_type.field("content").type == pa.string_view()


# Padding


def test_nulls_of_structs_may_be_padding_and_those_of_json_are_values() -> None:
    rows = [trl_row(0), trl_row(3)]
    padded = pa.Table.from_pylist(rows)
    report = Report()
    made = convert(padded, layout="openai", report=report)
    texts = [row["messages"][1]["tool_calls"][0]["function"]["arguments"] for row in rows_of(made)]
    assert texts == ['{"n": 1}', '{"deep": {"b": {}}, "none": null}'] or json.loads(texts[0]) == {"n": 1}
    assert json.loads(texts[1])["none"] is None and "n" not in json.loads(texts[1])
    assert report.notice_counts["null"] == 3
    with pytest.raises(LossError, match="may be Arrow's padding, and no tool list says"):
        convert(padded.drop_columns(["tools"]), layout="openai")

    exact = convert(base_table(base_rows()[-len(MIXED) :]), layout="trl")
    report = Report()
    convert(exact.drop_columns(["tools"]), layout="openai", report=report)
    assert not report.losses and not report.notice_counts["null"]


def test_json_among_structs_is_not_padded() -> None:
    """What datasets infers with ``on_mixed_types="use_json"``."""

    def messages(arguments: Any) -> Any:
        call = pa.struct({"id": pa.string(), "function": pa.struct({"name": pa.string(), "arguments": arguments})})
        return pa.list_(pa.struct({"role": pa.string(), "content": pa.string(), "tool_calls": pa.list_(call)}))

    call = {"id": None, "function": {"name": "f", "arguments": '{"a": null}'}}
    column = pa.array([[{"role": "assistant", "content": None, "tool_calls": [call]}]], messages(pa.string()))
    report = Report()
    made = convert(pa.table({"messages": column.cast(messages(arrow.json_type()))}), to="hermes", report=report)
    assert '"arguments": {"a": null}' in rows_of(made)[0]["messages"][0]["content"] and not report.losses
    padded = pa.table({"messages": [[{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {"a": None, "b": 1}}}]}]]})
    with pytest.raises(LossError, match="may be Arrow's padding"):
        convert(padded, to="hermes")


def test_null_keys_of_messages_are_absent_ones() -> None:
    table = base_table([*base_rows()[:1], {"messages": [{"role": "user", "content": "x", "weight": 1}]}])
    report = Report()
    convert(table, layout="sharegpt", report=report, on_loss="ignore")
    assert {loss.path for loss in report.losses if loss.kind == "key"} <= {"$.messages[0].weight"}


def test_nulls_in_json_messages_are_values() -> None:
    rows = [{"messages": [{"role": "user", "content": "go", "weight": None}, *text_row()["messages"][1:]]}]
    column = pa.array([json.dumps(rows[0]["messages"])]).cast(arrow.json_type())
    made = rows_of(convert(pa.table({"messages": column}), to="hermes"))
    assert made == convert(rows, to="hermes") and "weight" in made[0]["messages"][0]


def test_a_column_of_nothing_but_nulls_takes_the_tools_of_a_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrow, "_SAMPLE", 1)
    call = '<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>'
    prompt = {"role": "system", "content": describe_tools(mixed_tools(0), "hermes")}
    rows = [text_row(call), {"messages": [prompt, *text_row(call)["messages"]]}]
    table = pa.table({"messages": pa.array([row["messages"] for row in rows]), "tools": pa.nulls(2)})
    made = convert(table, layout="openai")
    assert said(rows_of(made)) == said(convert(rows, layout="openai")) and rows_of(made)[1]["tools"]
    assert convert(table, to="mistral_v3", on_loss="ignore").schema.field("tools").type == pa.null()


# What does not fit


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"a": [1], "b": [2]}, r"columns: expected a column `messages` or .*, got `a, b`"),
        ({"messages": [{"role": ["user"], "content": ["x"]}]}, r"column `messages`: expected text, .*got the type `struct<role: list.*List\("),
        ({"messages": [None]}, "column `messages`: .*got the type `null`"),
        ({"messages": [[None]]}, "column `messages`: .*got the type `list<item: null>`"),
        ({"messages": [1]}, "column `messages`: .*got the type `int64`"),
    ],
)
def test_a_schema_that_holds_no_conversation(table: dict[str, Any], said: str) -> None:
    with pytest.raises(LayoutError, match=said):
        convert(pa.table(table), to="hermes")


def test_two_columns_of_one_name() -> None:
    column = pa.array([text_row()["messages"]])
    with pytest.raises(LayoutError, match="column `messages`: stands there twice"):
        convert(pa.table([column, column], names=["messages", "messages"]), to="hermes")


def test_a_row_that_needs_a_key_which_the_first_rows_did_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"messages": json.dumps(text_row()["messages"]), "available_tools": "[]"} for _ in range(3)]
    rows[2]["messages"] = rows[2]["messages"].replace('{"role": "user"', '{"weight": 1, "role": "user"')
    table = pa.Table.from_pylist(rows)
    assert rows_of(convert(table, layout="openai"))[2]["messages"][0]["weight"] == 1
    monkeypatch.setattr(arrow, "_SAMPLE", 1)
    with pytest.raises(UnrepresentableError, match=r"row 2: \$.messages\[0\].weight: the column has the fields role, .*no place for `1`"):
        convert(table, layout="openai")
    report = Report()
    assert convert(table, layout="openai", on_loss="ignore", report=report).num_rows == 2
    assert [(reject.row, reject.data) for reject in report.rejects] == [(2, rows[2])]


def test_what_is_no_utf8_is_refused_by_its_place() -> None:
    blocks = [{"type": "text", "text": "a\ud800"}, {"type": "tool_use", "id": "1", "name": "f", "input": {}}]
    content = pa.array([[{"role": "assistant", "content": json.dumps(blocks)}]], pa.list_(pa.struct({"role": pa.string(), "content": pa.string()})))
    kind = pa.list_(pa.struct({"role": pa.string(), "content": arrow.json_type()}))
    table = pa.table({"messages": content.cast(kind)})
    with pytest.raises(UnrepresentableError, match=r"row 0: \$.messages\[0\].content: Arrow text is UTF-8, which has no lone surrogate: `'\\ud800'`"):
        convert(table, layout="openai")
    assert convert(table, layout="anthropic").num_rows == 1


def test_json_that_does_not_decode_is_a_refused_row() -> None:
    column = pa.array(["[{", json.dumps(text_row()["messages"])], pa.string()).cast(arrow.json_type())
    report = Report()
    made = convert(pa.table({"messages": column}), to="hermes", on_loss="ignore", report=report)
    assert said(rows_of(made)) == said(convert([text_row()], to="hermes"))
    assert [(reject.row, reject.data) for reject in report.rejects] == [(0, {"messages": "[{"})]
    assert "the column is of type JSON: not JSON" in report.rejects[0].reason


# Batches


def many(rows: int, bad: tuple[int, ...]) -> Any:
    made = [text_row(n=i) for i in range(rows)]
    for i in bad:
        made[i]["messages"][0]["role"] = "martian"
    return pa.Table.from_pylist(made)


def test_rows_are_counted_across_batches() -> None:
    bad = (0, 999, 1000, 1100)
    table = many(1101, bad)
    for data in (table, table.to_batches()[0], table.to_reader(max_chunksize=700), iter(table.to_batches(max_chunksize=300))):
        report = Report()
        made = convert(data, to="hermes", on_loss="ignore", report=report)
        batches = [made] if isinstance(data, pa.Table | pa.RecordBatch) else list(made)
        assert type(made) is type(data) or type(made).__name__ == "generator"
        assert [n for batch in batches for n in batch.column("n").to_pylist()] == [i for i in range(1101) if i not in bad]
        assert tuple(reject.row for reject in report.rejects) == bad and report.rows == 1101
        assert all(reject.data["n"] == reject.row for reject in report.rejects)


def test_a_reader_and_an_iterator_are_read_as_they_are_asked() -> None:
    read: list[int] = []

    def batches() -> Any:
        for i in range(4):
            read.append(i)
            yield many(300, ()).to_batches()[0]

    schema = many(1, ()).schema
    made = convert(pa.RecordBatchReader.from_batches(schema, batches()), layout="openai")
    assert (read == [0, 1] and made.schema.names == ["messages", "n", "tools"]) or made.schema.names == ["messages", "n"]
    assert sum(batch.num_rows for batch in made) == 1200 and read == list(range(4))
    read.clear()
    lazy = convert(batches(), to="hermes")
    assert read == []
    next(lazy)
    assert len(read) < 4


def test_batches_have_one_schema() -> None:
    one = many(1, ()).to_batches()[0]
    other = pa.Table.from_pylist([text_row(n="1")]).to_batches()[0]
    for before in (1, 600):
        with pytest.raises(LayoutError, match=f"batch {before}: its schema is not that of the first; .*: `n` is of type string"):
            list(convert(iter([*[one] * before, other]), to="hermes"))


def test_a_generator_of_rows_stays_one() -> None:
    read: list[int] = []

    def rows() -> Any:
        for i in range(1200):
            read.append(i)
            yield text_row(n=i)

    report = Report()
    made = convert(rows(), to="hermes", report=report)
    assert read == [] and report.rows == 0
    assert list(itertools.islice(made, 2)) == convert([text_row(n=0), text_row(n=1)], to="hermes")
    assert len(read) == 1000 and report.rows == 2
    assert len(list(made)) == 1198 and report.rows == 1200
    assert list(convert(iter([]), to="hermes")) == []
    with pytest.raises(LayoutError, match="row 1: "):
        list(convert(iter([text_row(), {"messages": 1}]), to="hermes"))
    with pytest.raises(TypeError, match=r"of pyarrow RecordBatches, got one of `pyarrow.Table`"):
        next(convert(iter([many(1, ())]), to="hermes"))


def test_without_rows_and_with_none_left() -> None:
    empty = many(3, ()).slice(0, 0)
    assert convert(empty, to="hermes") is empty and convert(empty.to_reader(), to="hermes").read_all().num_rows == 0
    for data in (many(2, (0, 1)), many(2, (0, 1)).to_batches()[0]):
        made = convert(data, to="hermes", on_loss="ignore")
        assert made.num_rows == 0 and type(made) is type(data)


def test_the_batch_function_is_pure_and_pickles() -> None:
    table = many(5, (1,))
    convert_one = arrow.prepare(table.schema, lambda: arrow.read_rows(table), RowConverter("hermes", None), "auto", arrow.json_type())
    made = pickle.loads(pickle.dumps(convert_one))(table)
    assert made.equals(convert_one(table)) and made.num_rows == 5 and made.column_names[-1] == RECORD
    assert [outcome_of(record).error is None for record in made.column(RECORD).to_pylist()] == [True, False, True, True, True]
    columns = {"messages": [text_row()["messages"], None], "n": [1, 2]}
    before = copy.deepcopy(columns)
    batch = convert_batch(columns, RowConverter("hermes", None, "json_fence"))
    assert columns == before and batch["n"] == [1, None] and batch["messages"][0] == convert([text_row()], to="hermes")[0]["messages"]
    assert FENCE in columns["messages"][0][1]["content"] and outcome_of(batch[RECORD][1]).error is not None


def test_without_pyarrow_the_command_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r'pip install "toolfmt\[files\]"'):
        arrow.convert_arrow(None, RowConverter("hermes", None), "auto", Collector(Report(), "raise"))


def test_other_things_of_pyarrow_are_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"a pyarrow Table, RecordBatch or RecordBatchReader, got `pyarrow.Int64Array`"):
        convert(pa.array([1]), to="hermes")
