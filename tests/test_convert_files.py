"""`toolfmt.convert` on files and on Hugging Face datasets: whole or not at all, every row accounted for."""

import copy
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from toolfmt.api import render
from toolfmt.conversion.rows import RowConverter
from toolfmt.convert import convert
from toolfmt.errors import LayoutError, LossError
from toolfmt.ir import Message, Reasoning, ToolCall
from toolfmt.report import Report
from toolfmt.tools import read_tools

FENCE = (
    'I\'ll use the run_command tool.\n\n```json\n{"name": "run_command", "arguments": {"command": "grep -r ..."}}\n```'
)
QWEN = "I'll use the run_command tool.\n\n<tool_call>\n<function=run_command>\n<parameter=command>\ngrep -r ...\n</parameter>\n</function>\n</tool_call>"  # noqa: E501
ROWS: list[dict[str, Any]] = [
    {
        "messages": [
            {"role": "user", "content": "find x"},
            {"role": "assistant", "content": FENCE},
            {"role": "user", "content": "Tool result: a.py:1: x"},
            {"role": "assistant", "content": "It is in a.py."},
        ]
    }
]
TOOLS = [
    {"name": "f", "parameters": {"type": "object", "properties": {"n": {"type": "integer"}, "s": {"type": "string"}}}}
]


def row_of(text: str, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "assistant", "content": text}], **more}


# Files


def write(path: Path, *lines: str | bytes) -> Path:
    path.write_bytes(b"".join((line.encode() if isinstance(line, str) else line) + b"\n" for line in lines))
    return path


def test_a_file_of_good_and_bad_rows(tmp_path: Path) -> None:
    plain = '{"messages":[{"role":"user","content":"\\u00e9"}],"x":1e5}'
    lines = [json.dumps(ROWS[0]), "", "{bad", plain, '{"a": 1}', b'{"\xff": 1}', json.dumps(row_of(FENCE, tools="{"))]
    path = write(tmp_path / "data.jsonl", *lines)
    before, report = path.read_bytes(), Report()
    out = convert(path, to="qwen_xml", report=report)
    assert out == tmp_path / "data.qwen_xml.jsonl" and path.read_bytes() == before
    made = out.read_text().splitlines()
    assert json.loads(made[0]) == convert(ROWS, to="qwen_xml")[0] and made[1:] == [plain]
    rejects = [json.loads(line) for line in (tmp_path / "data.qwen_xml.jsonl.rejects.jsonl").read_text().splitlines()]
    assert [reject["line"] for reject in rejects] == [3, 5, 6, 7]
    assert rejects[0]["data"] == "{bad" and rejects[1]["data"] == {"a": 1}
    assert (report.rows, report.rejected) == (6, 4) and len(made) + len(rejects) == 6
    assert "row 1 (line 3)" in report.summary()
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "data.jsonl",
        "data.qwen_xml.jsonl",
        "data.qwen_xml.jsonl.rejects.jsonl",
    ]


def test_a_second_run_without_bad_rows_leaves_no_old_rejects(tmp_path: Path) -> None:
    path = write(tmp_path / "d.jsonl", "{")
    convert(path, to="hermes")
    assert (tmp_path / "d.hermes.jsonl.rejects.jsonl").exists()
    convert(write(path, json.dumps(ROWS[0])), to="hermes")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["d.hermes.jsonl", "d.jsonl"]


def test_json_with_a_list(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_text(json.dumps(ROWS))
    out = convert(path, layout="openai")
    assert out.name == "d.openai.json" and json.loads(out.read_text()) == convert(ROWS, layout="openai")
    plain = '[{"messages":[],"x":1e5},\n {"messages" : [\n], "x":1.50}]'
    path.write_text(plain)
    assert convert(path, to="hermes").read_text() == "[\n" + plain[1:-1].replace(",\n ", ",\n") + "\n]\n"
    assert convert(path, to="hermes", out=tmp_path / "o.jsonl").read_text().splitlines()[1] == '{"messages" : [], "x":1.50}'
    path.write_text("{}")
    with pytest.raises(LayoutError, match=r"expected a JSON list of rows \(rows in lines are .jsonl\), got `{}`"):
        convert(path, to="hermes")


def test_the_input_is_never_the_output(tmp_path: Path) -> None:
    path = write(tmp_path / "d.jsonl", json.dumps(ROWS[0]))
    (tmp_path / "link.jsonl").symlink_to(path)
    for out in (path, tmp_path / "link.jsonl", tmp_path / "x" / ".." / "d.jsonl"):
        (tmp_path / "x").mkdir(exist_ok=True)
        with pytest.raises(ValueError, match="never changed"):
            convert(path, to="hermes", out=out)
    with pytest.raises(ValueError, match="expected a file of rows"):
        convert(tmp_path / "d.txt", to="hermes")


def test_a_loss_leaves_nothing_half_written(tmp_path: Path) -> None:
    lost = row_of(render([Reasoning(text="hm"), ToolCall(name="f")], "hermes"))
    path = write(tmp_path / "d.jsonl", json.dumps(ROWS[0]), "{", json.dumps(lost))
    with pytest.raises(LossError, match=r"row 2 \(line 3\): "):
        convert(path, to="json_fence")
    assert [p.name for p in tmp_path.iterdir()] == ["d.jsonl"]


def test_an_interrupted_run_leaves_nothing_and_the_old_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "d.jsonl", *[json.dumps(ROWS[0])] * 5)
    out = write(tmp_path / "d.hermes.jsonl", "old")
    calls = iter(range(100))
    real = RowConverter.__call__

    def interrupted(self: RowConverter, row: object) -> Any:
        if next(calls) == 3:
            raise KeyboardInterrupt
        return real(self, row)

    monkeypatch.setattr(RowConverter, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        convert(path, to="hermes")
    assert out.read_text() == "old\n" and sorted(p.name for p in tmp_path.iterdir()) == ["d.hermes.jsonl", "d.jsonl"]


# Datasets


def test_converting_imports_no_dataset_library() -> None:
    code = "import sys, toolfmt.convert, toolfmt.containers.files, toolfmt.containers.hf, toolfmt.detect; print([m for m in ('datasets', 'pandas', 'pyarrow', 'numpy') if m in sys.modules])"  # noqa: E501
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_the_converter_pickles() -> None:
    converter = RowConverter("hermes", None, "json_fence", tools=read_tools([{"name": "run_command"}]))
    assert pickle.loads(pickle.dumps(converter))(ROWS[0]).row == convert(ROWS, to="hermes")[0]


@pytest.fixture(scope="module")
def datasets() -> Any:
    module = pytest.importorskip("datasets", reason="datasets is not installed: pip install datasets")
    module.disable_progress_bars()
    return module


def many(n: int = 1200) -> list[dict[str, Any]]:
    rows = [{"n": i, **copy.deepcopy(ROWS[0])} for i in range(n)]
    rows[0]["messages"] = rows[0]["messages"][:1]
    return rows


def test_a_dataset_there_and_back(datasets: Any) -> None:
    data, report = datasets.Dataset.from_list(many()), Report()
    made = convert(data, to="qwen_xml", report=report)
    assert made.to_list() == convert(many(), to="qwen_xml") and made.features == data.features
    assert (report.rows, report.with_calls, report.direct) == (1200, 1199, 1)
    assert convert(made, to="json_fence").to_list() == many()
    both = convert(datasets.DatasetDict(a=data, b=data), to="hermes")
    assert set(both) == {"a", "b"} and both["b"].to_list() == convert(many(), to="hermes")


def test_a_dataset_in_fields_and_back(datasets: Any) -> None:
    data = datasets.Dataset.from_list(many(5))
    made = convert(data, layout="openai")
    assert made[1]["messages"][1]["tool_calls"][0]["function"] == {
        "name": "run_command",
        "arguments": '{"command": "grep -r ..."}',
    }
    back = convert(made, to="hermes")
    assert [m["content"] for m in back[1]["messages"]] == [
        m["content"] for m in convert(many(5), to="hermes")[1]["messages"]
    ]
    assert "tool_calls" not in back.features["messages"].feature


def test_an_iterable_dataset_is_lazy(datasets: Any) -> None:
    data, report = datasets.Dataset.from_list(many()).to_iterable_dataset(), Report()
    made = convert(data, to="qwen_xml", report=report)
    assert report.rows == 0
    assert list(made) == convert(many(), to="qwen_xml") and report.rows == 1200

    def rows() -> Any:
        yield from many(3)

    unknown = datasets.IterableDataset.from_generator(rows)
    assert list(convert(unknown, to="hermes")) == convert(many(3), to="hermes")


def test_bad_rows_of_datasets(datasets: Any) -> None:
    bad = {"n": -1, "messages": [{"role": "martian", "content": "x"}]}
    data = datasets.Dataset.from_list([bad, *many(4)])
    for kind in (data, data.to_iterable_dataset()):
        report = Report()
        assert list(convert(kind, to="hermes", on_loss="ignore", report=report)) == convert(many(4), to="hermes")
        assert (report.rows, report.rejected, report.rejects[0].data) == (5, 1, bad)
    with pytest.raises(LayoutError, match=r"row 0: \$.messages\[0\].role"):
        convert(data, to="hermes")


def test_the_nulls_with_which_arrow_pads_are_no_arguments(datasets: Any) -> None:
    def row(name: str, key: str, value: Any) -> dict[str, Any]:
        return {
            "messages": [
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [{"function": {"name": name, "arguments": {key: value}}}],
                }
            ]
        }

    data = datasets.Dataset.from_list([row("f", "n", 1), row("g", "s", "x")])
    assert data[0]["messages"][0]["tool_calls"][0]["function"]["arguments"] == {"n": 1, "s": None}
    tools = [
        {"name": name, "parameters": {"type": "object", "properties": {key: {}}}}
        for name, key in (("f", "n"), ("g", "s"))
    ]
    report = Report()
    made = convert(data, to="hermes", tools=tools, report=report)
    assert '"arguments": {"n": 1}' in made[0]["messages"][0]["content"] and report.notice_counts["null"] == 2
    with pytest.raises(LossError, match="may be Arrow's padding"):
        convert(data, to="hermes")


def test_worker_processes(datasets: Any) -> None:
    report = Report()
    made = convert(datasets.Dataset.from_list(many(8)), to="hermes", num_proc=2, report=report)
    assert made.to_list() == convert(many(8), to="hermes") and (report.rows, report.with_calls) == (8, 7)


def test_a_message_that_is_untouched_is_the_same_object_by_value() -> None:
    extra = {"role": "assistant", "content": "hi", "tool_calls": None, "z": [1, {"a": 2.0}]}
    (made,) = convert([{"messages": [extra, *ROWS[0]["messages"]]}], to="hermes")
    assert made["messages"][0] == extra and list(made["messages"][0]) == list(extra)
    assert Message(parts=()).calls == ()
