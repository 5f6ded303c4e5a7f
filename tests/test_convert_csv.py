"""CSV files: what a cell may hold, and what is wrong with them."""

import csv
import gzip
import io
import json
from pathlib import Path

import pytest
from file_cases import LINE, ROW, SAID, file, names, read

from toolfmt.containers.csv_rows import read_csv
from toolfmt.convert import convert
from toolfmt.errors import LayoutError
from toolfmt.report import Report


def rows_of(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.reader(lines))


def csv_file(path: Path, *rows: list[str]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
    return path


def test_a_csv(tmp_path: Path) -> None:
    plain = '[{"role":"user","content":"\\u00e9"}]'
    tools = '[ {"name": "run"} ]'
    untouched = ["1.50", "null", '{"a":1e5}', 'a,b\n"c"\rd', "[1, 2]", ""]
    head = ["messages", "tools", *"abcdef"]
    path = csv_file(
        tmp_path / "d.csv",
        head,
        [json.dumps(ROW["messages"]), tools, *untouched],
        [plain, "", *untouched],
        ["x", "", *untouched],
    )
    report = Report()
    made = convert(path, "hermes", out=tmp_path / "o.csv", report=report)
    first, *rest = rows_of(made)
    assert first == head and json.loads(rest[0][0])[-1]["content"] == SAID and rest[0][1:] == [tools, *untouched]
    assert rest[1:] == [[plain, "", *untouched]] and (report.rows, report.rejected) == (3, 1)
    (reject,) = read(tmp_path / "o.csv.rejects.jsonl")
    assert (reject["line"], reject["row"]) == (8, 2)  # a bare \\r in a cell ends a line too
    assert reject["data"] == dict(zip(head, ["x", "", *untouched], strict=True))
    assert len(read(convert(path, "hermes", out=tmp_path / "o.jsonl"))) == 2
    packed_file = convert(path, "hermes", out=tmp_path / "o.csv.gz")
    assert gzip.decompress(packed_file.read_bytes()) == made.read_bytes()
    assert rows_of(convert(packed_file, "json_fence", out=tmp_path / "back.csv"))[1][1:] == [tools, *untouched]
    with pytest.raises(ValueError, match="a CSV cannot tell a number or null from a text"):
        convert(file(tmp_path, "d.jsonl", LINE), "hermes", out=tmp_path / "x.csv")


def test_only_messages_are_decoded_in_a_csv() -> None:
    """Calls are JSON lists in several formats, so a list of objects is not enough."""
    cells = {
        "completion": '[{"name": "f", "arguments": {}}]',
        "messages": "[]",
        "talk": '[{"role": "user"}]',
        "n": "[1]",
        "x": "[bad",
    }
    text = io.StringIO(newline="")
    csv.writer(text).writerows([cells, cells.values()])
    (row,) = read_csv(io.BytesIO(text.getvalue().encode()))
    assert row.value == {**cells, "messages": [], "talk": [{"role": "user"}]}


def test_a_csv_whose_columns_change(tmp_path: Path) -> None:
    talk = json.dumps([{"from": "gpt", "value": SAID}])
    path = csv_file(tmp_path / "d.csv", ["n", "conversations"], ["1", talk], ["2", '[{"from":"gpt","value":"hi"}]'])
    made = convert(path, layout="openai")
    head, first, second = rows_of(made)
    assert made.name == "d.openai.csv" and head[:2] == ["n", "messages"] and "conversations" not in head
    assert json.loads(first[1])[0]["tool_calls"][0]["function"]["name"] == "run" and second[0] == "2"


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "expected a first line with the names of the columns, before the first row"),
        (b"a,b,a\n1,2,3\n", "line 1: two columns have the name `a`"),
        (b'messages\n"x', "line 2: not CSV: unexpected end of data"),
        (b'messages\n[]\n"a"b\n', "line 3: not CSV"),
    ],
)
def test_a_file_that_is_no_csv(data: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match=reason):
        convert(file(tmp_path, "d.csv", data), "hermes")
    assert names(tmp_path) == ["d.csv"]


def test_bad_rows_of_a_csv(tmp_path: Path) -> None:
    good = b'"' + json.dumps(ROW["messages"]).encode().replace(b'"', b'""') + b'"'
    path = file(
        tmp_path, "d.csv", b"\xef\xbb\xbfmessages,n\r\n" + good + b",1\r\n\r\n" + good + b"\r\n" + good + b",\xff\r\n"
    )
    report = Report()
    made = convert(path, "hermes", report=report)
    rejects = read(made.with_name(made.name + ".rejects.jsonl"))
    assert len(rows_of(made)) == 2 and [reject["reason"] for reject in rejects] == [
        "$: expected 2 cells, as in the header, got 1",
        "$: not UTF-8",
    ]
    assert [reject["line"] for reject in rejects] == [4, 5] and rejects[1]["data"][1] == "\udcff"
    assert rows_of(convert(csv_file(tmp_path / "e.csv", ["messages", "n"]), "hermes")) == [["messages", "n"]]


def test_a_row_that_a_csv_cannot_spell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = csv_file(tmp_path / "d.csv", ["messages"], [json.dumps(ROW["messages"])], ["[]"])
    monkeypatch.setattr("toolfmt.containers.csv_rows._cell", lambda row, name, read: "\ud800" if row[name] else "[]")
    report = Report()
    assert rows_of(convert(path, "hermes", report=report)) == [["messages"], ["[]"]]
    assert "half a surrogate pair" in report.rejects[0].reason
