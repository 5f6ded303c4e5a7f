"""`toolfmt.convert` on Hugging Face datasets: features, workers, caches, and what `Json()` does to values."""

import json
from pathlib import Path
from typing import Any

import pytest
from container_cases import FENCE, MIXED, base_rows, base_table, mixed_tools, said, text_row
from hypothesis import given, settings
from layout_cases import conversations

from toolfmt.containers import arrow, hf
from toolfmt.containers.arrow import TableConverter
from toolfmt.conversion.rows import RowConverter
from toolfmt.convert import convert
from toolfmt.errors import LayoutError, LossError, UnrepresentableError
from toolfmt.report import Report
from toolfmt.version import __version__

datasets = pytest.importorskip("datasets", reason="datasets is not installed: pip install datasets")
pa = pytest.importorskip("pyarrow")


@pytest.fixture(autouse=True)
def as_by_default() -> None:
    """Without bars; `toolfmt convert` on a saved dataset, in another test of this process, turns caches off."""
    datasets.disable_progress_bars()
    datasets.enable_caching()


def on_disk(path: Path, rows: list[dict[str, Any]]) -> Any:
    """A dataset that has a cache."""
    datasets.Dataset.from_list(rows).save_to_disk(str(path))
    return datasets.load_from_disk(str(path))


def broken(rows: int, *bad: int) -> list[dict[str, Any]]:
    made = [text_row(n=i) for i in range(rows)]
    for i in bad:
        made[i]["messages"][0]["role"] = "martian"
    return made


# Types and keys


def test_naive_code_corrupts_what_comes_out_whole_here() -> None:
    def row(i: int) -> dict[str, Any]:
        call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": MIXED[i]}}
        return {"messages": [{"role": "assistant", "content": None, "tool_calls": [call]}], "tools": mixed_tools(i)}

    padded = datasets.Dataset.from_list([row(0), row(3)])[0]
    assert padded["messages"][0]["tool_calls"][0]["function"]["arguments"] == {"n": 1, "deep": None, "none": None}
    assert padded["tools"][0]["function"]["parameters"]["properties"]["deep"] is None
    with pytest.raises((pa.ArrowInvalid, pa.ArrowTypeError)):
        datasets.Dataset.from_list([row(i) for i in range(len(MIXED))])

    data = datasets.Dataset(base_table(base_rows()[-len(MIXED) :]))
    made = convert(data, layout="trl")
    assert made.features["messages"].feature["tool_calls"] == datasets.Json() and "arguments" not in str(made.features)
    calls = [row["messages"][1]["tool_calls"][0]["function"] for row in made]
    assert [json.dumps(call["arguments"]) for call in calls] == list(map(json.dumps, MIXED))
    back = convert(made, layout="openai")
    texts = [row["messages"][1]["tool_calls"][0]["function"]["arguments"] for row in back]
    assert texts == list(map(json.dumps, MIXED)) and [json.loads(row["tools"]) for row in back] == [mixed_tools(i) for i in range(len(MIXED))]


@pytest.mark.parametrize("kind", ["Dataset", "IterableDataset"])
@pytest.mark.parametrize("layout", ["openai", "trl", "anthropic", "sharegpt", "xlam", "toucan"])
def test_layouts_as_from_a_list(layout: str, kind: str) -> None:
    rows = [row for row in base_rows() if str(2**70) not in str(row)]
    data = datasets.Dataset(base_table(rows))
    plain, ours = Report(), Report()
    listed = convert(rows, layout=layout, on_loss="ignore", report=plain)
    made = convert(data if kind == "Dataset" else data.to_iterable_dataset(), layout=layout, on_loss="ignore", report=ours)
    assert type(made).__name__ == kind and said(list(made)) == said(listed)
    assert (ours.rows, ours.with_calls, ours.converted, len(ours.losses)) == (plain.rows, plain.with_calls, plain.converted, len(plain.losses))
    assert data.to_list() == datasets.Dataset(base_table(rows)).to_list()


@settings(max_examples=15)
@given(rows=conversations())
def test_any_conversation_as_from_a_list(rows: dict[str, Any]) -> None:
    row = rows | ({"tools": json.dumps(rows["tools"])} if rows.get("tools") is not None else {})
    try:
        data = datasets.Dataset(base_table([row]))
    except UnicodeEncodeError:
        return  # no such dataset
    for layout in ("openai", "trl"):
        report = Report()
        listed = convert([row], layout=layout, on_loss="ignore")
        made = convert(data, layout=layout, on_loss="ignore", report=report)
        if not (report.rejects or any(loss.kind == "json" for loss in report.losses)):
            assert said(made.to_list() if layout == "openai" else list(made)) == said(listed)


def number(value: str) -> Any:
    return datasets.Dataset.from_list([text_row(FENCE.replace("1.0", value))])


def test_what_json_does_not_read_back_is_said() -> None:
    """ujson, by which `Json()` is read, has no integers over 64 bits and not every float."""
    with pytest.raises(UnrepresentableError, match=r"row 0: \$.messages\[1\].tool_calls: the Json\(\) of datasets cannot .*layout openai keeps"):
        convert(number(str(2**64)), layout="trl")
    where = r"row 0: \$.messages\[1\].tool_calls\[0\].function.arguments.n: .*reads it back as another value"
    with pytest.raises(LossError, match=where + r": `0.3333333333333333` \(float\) became `0.33333333333333304`"):
        convert(number("0.3333333333333333"), layout="trl")
    report = Report()
    made = convert(number("0.3333333333333333"), layout="trl", on_loss="ignore", report=report)
    assert [loss.kind for loss in report.losses] == ["json"]
    stored = made.with_format("arrow")[0]["messages"][0][1]["tool_calls"].as_py()
    assert json.loads(stored)[0]["function"]["arguments"]["n"] == 0.3333333333333333  # what is stored is exact
    assert convert(made, layout="openai")[0]["messages"][1]["tool_calls"][0]["function"]["arguments"] == '{"n": 0.3333333333333333, "s": "42"}'
    for value in (str(2**64), "0.3333333333333333"):
        (call,) = convert(number(value), layout="openai")[0]["messages"][1]["tool_calls"]
        assert call["function"]["arguments"] == f'{{"n": {value}, "s": "42"}}'


def test_texts_that_spell_json_stay_texts() -> None:
    for text in ("42", "null", "[1]", '{"a": 1}', ""):
        made = convert(number(json.dumps(text)), layout="trl")
        assert made[0]["messages"][1]["tool_calls"][0]["function"]["arguments"] == {"n": text, "s": "42"}


def test_before_json_there_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "__version__", "4.6.1")
    made = convert(datasets.Dataset.from_list([text_row()]), layout="trl")
    assert made.features["messages"].feature["tool_calls"] == datasets.Value("string")
    assert json.loads(made[0]["messages"][1]["tool_calls"])[0]["function"]["arguments"] == {"n": 1.0, "s": "42"}


# Features and formats


def test_other_features_are_not_decoded() -> None:
    features = datasets.Features(
        {
            "picture": datasets.Image(),
            "messages": datasets.List({"role": datasets.Value("string"), "content": datasets.Value("string")}),
            "kind": datasets.ClassLabel(names=["a", "b"]),
        }
    )
    row = {**text_row(), "picture": {"bytes": b"no picture at all", "path": None}}
    table = pa.Table.from_pylist([row | {"kind": 1}], schema=features.arrow_schema)
    data = datasets.Dataset(table, info=datasets.DatasetInfo(features=features))
    for made in (convert(data, to="hermes"), convert(data.to_iterable_dataset(), to="hermes")):
        assert made.features == features
        raw = made.cast_column("picture", datasets.Image(decode=False))
        assert next(iter(raw))["picture"] == row["picture"] and next(iter(raw))["kind"] == 1
    assert list(convert(data, layout="openai").features) == ["picture", "messages", "kind", "tools"]


def test_a_format_stays() -> None:
    data = datasets.Dataset.from_list([text_row(n=1, m=2)]).with_format("numpy", columns=["n", "messages"])
    made = convert(data, to="hermes")
    assert made.format["type"] == "numpy" and set(made.format["columns"]) == {"n", "messages"}
    assert convert(data.with_format(None), to="hermes").format["columns"] == ["messages", "n", "m"]


def test_a_struct_of_lists_is_named() -> None:
    features = datasets.Features({"messages": datasets.Sequence({"role": datasets.Value("string")})})
    data = datasets.Dataset.from_dict({"messages": [{"role": ["user"]}]}, features=features)
    with pytest.raises(LayoutError, match=r"column `messages`: .*is what Sequence\(\{...\}\) of datasets makes, use List"):
        convert(data, to="hermes")


# Workers, caches, splits


def test_findings_of_workers_arrive(tmp_path: Path) -> None:
    rows = broken(1300, 0, 649, 650, 1299)
    alone, together = Report(), Report()
    data = on_disk(tmp_path / "d", rows)
    one = convert(data, to="hermes", on_loss="ignore", report=alone)
    two = convert(data, to="hermes", on_loss="ignore", report=together, num_proc=2)
    assert one.to_list() == two.to_list() and len(two) == 1296
    assert alone.as_dict() == together.as_dict() and [reject.row for reject in together.rejects] == [0, 649, 650, 1299]
    assert [reject.data for reject in together.rejects] == [data[i] for i in (0, 649, 650, 1299)]


def test_a_cache_hides_no_losses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrow, "_SAMPLE", 1)
    thinks = "<think>\nHm.\n</think>\n\n" + '<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>'
    data = on_disk(tmp_path / "d", [text_row(thinks), *broken(20, 7)])
    converted: list[object] = []
    real = TableConverter.__call__
    monkeypatch.setattr(TableConverter, "__call__", lambda self, table: (converted.append(1), real(self, table))[1])
    reports = [Report(), Report()]
    made = [convert(data, to="json_fence", on_loss="ignore", report=report) for report in reports]
    assert len(converted) == 1  # the second came out of the cache
    assert reports[0].as_dict() == reports[1].as_dict() and made[0].to_list() == made[1].to_list()
    assert [loss.kind for loss in reports[1].losses] == ["reasoning"] and reports[1].rejects[0].row == 8
    with pytest.raises(LossError, match="row 0: "):
        convert(data, to="json_fence")
    assert len(converted) == 1


def test_another_version_is_another_fingerprint() -> None:
    from datasets.fingerprint import Hasher

    one, same, other = (TableConverter(RowConverter("hermes", None), (), (), version=version) for version in ("1", "1", "2"))
    assert Hasher.hash(one) == Hasher.hash(same) != Hasher.hash(other)
    assert TableConverter(RowConverter("hermes", None), (), ()).version == __version__


def test_splits_share_one_plan_and_are_named() -> None:
    plain = datasets.Dataset.from_list([text_row("Hello.")])
    data = datasets.DatasetDict(
        none=datasets.Dataset.from_list([text_row()]).select([]), plain=plain, train=datasets.Dataset.from_list(broken(3, 1))
    )
    report = Report()
    made = convert(data, layout="openai", on_loss="ignore", report=report)
    assert type(made) is datasets.DatasetDict and list(made) == ["none", "plain", "train"]
    assert made["none"].features == made["plain"].features and set(made["train"].features) - set(made["none"].features) == {"n"}
    assert [row["n"] for row in made["train"]] == [0, 2]
    assert [len(split) for split in made.values()] == [0, 1, 2] and report.rows == 4
    assert [str(reject).split(" ")[2] for reject in report.rejects] == ["train:"] and report.rejects[0].row == 1
    with pytest.raises(LayoutError, match=r"row 1: train: \$.messages\[0\].role"):
        convert(data, layout="openai")
    lazy = convert(datasets.IterableDatasetDict(a=plain.to_iterable_dataset()), to="hermes")
    assert type(lazy) is datasets.IterableDatasetDict and list(lazy["a"]) == [text_row("Hello.")]
    assert convert(datasets.DatasetDict(), to="hermes") == {} and len(convert(plain.select([]), to="hermes")) == 0


def test_an_iterable_dataset_is_converted_as_it_is_iterated() -> None:
    data, report = datasets.Dataset.from_list(broken(2500, 3, 2100)).to_iterable_dataset(), Report()
    made = convert(data, layout="trl", on_loss="ignore", report=report)
    assert report.rows == 0 and made.features["tools"] == datasets.Json()
    assert [row["n"] for row in made] == [i for i in range(2500) if i not in (3, 2100)]
    assert report.rows == 2500 and [reject.row for reject in report.rejects] == [3, 2100]

    def rows() -> Any:
        yield from broken(3, 1)

    unknown, report = datasets.IterableDataset.from_generator(rows), Report()
    made = list(convert(unknown, to="hermes", on_loss="ignore", report=report))
    assert made == convert(broken(3, 1), to="hermes", on_loss="ignore") and report.rejects[0].data == broken(3, 1)[1]


def test_arguments_that_only_datasets_have() -> None:
    data = datasets.Dataset.from_list([text_row()])
    with pytest.raises(ValueError, match="num_proc= is for a Dataset or DatasetDict"):
        convert(data.to_iterable_dataset(), to="hermes", num_proc=2)
    for other in ([text_row()], data.data.table):
        with pytest.raises(ValueError, match="num_proc= is for a datasets"):
            convert(other, to="hermes", num_proc=2)
    with pytest.raises(TypeError, match=r"got `datasets.Features`"):
        hf.convert_datasets(data.features, RowConverter("hermes", None), "auto", None)  # type: ignore[arg-type]
