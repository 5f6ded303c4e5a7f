"""Rows of any layout and format become examples whose arguments are exactly the row's."""

from pathlib import Path

import pytest
from train_cases import MIXED, TOOLS, call, rows, talk, write

import toolfmt
from toolfmt_train.errors import RecipeError, RowError
from toolfmt_train.train.data import Example, counts, draw, read_data


def arguments(example: Example) -> object:
    return example.messages[-1]["tool_calls"][0]["function"]["arguments"]


def test_arguments_of_differing_types_arrive_exactly(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", [{"messages": call(each), "tools": TOOLS} for each in MIXED])
    examples = read_data(path, "qwen_xml").examples
    assert [arguments(example) for example in examples] == MIXED
    assert [type(value) for each in examples for value in arguments(each).values()] == [
        type(value) for each in MIXED for value in each.values()
    ]
    assert [example.name for example in examples] == [f"line {i}" for i in range(1, len(MIXED) + 1)]
    assert all(example.tools == TOOLS for example in examples)


@pytest.mark.parametrize("format", ["json_fence", "qwen_xml", "hermes"])
def test_calls_in_text_name_their_format(tmp_path: Path, format: str) -> None:
    path = write(tmp_path / "rows.jsonl", toolfmt.convert(rows(), to=format))
    data = read_data(path)
    assert (data.format, data.source) == (format, format)
    assert [arguments(example) for example in data.examples[:7]] == MIXED
    other = read_data(path, "labelled")
    assert (other.format, other.source) == ("labelled", format) and other.examples == data.examples


def test_calls_in_fields_leave_the_format_open(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", rows())
    with pytest.raises(RecipeError, match=r"do not stand as text, so name the format to train, as in `format = "):
        read_data(path)
    assert read_data(path, "qwen3_xml").format == "qwen_xml"


def test_buckets_are_the_rows_own_or_by_their_calls(tmp_path: Path) -> None:
    made = rows()
    made[0]["bucket"] = "atomic"
    assert counts(read_data(write(tmp_path / "rows.jsonl", made), "hermes").examples) == {
        "atomic": 1,
        "calls": 7,
        "no call": 4,
    }


def test_licences_are_those_of_the_corpora(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", rows())
    assert read_data(path, "hermes").licence == "not stated in the data"
    made = [row | {"corpus": name} for row, name in zip(rows(), ["bundled", "django", "mine"], strict=False)]
    assert read_data(write(path, made), "hermes").licence == "Apache-2.0, BSD-3-Clause, unknown"


def test_a_digest_is_that_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", rows())
    first = read_data(path, "hermes").sha256
    write(path, rows()[1:])
    assert read_data(path, "hermes").sha256 != first and len(first) == 64


@pytest.mark.parametrize(
    "content, said",
    [
        ("", "holds no rows"),
        ("[1]\n", "line 1: expected an object, got `list`"),
        ('{"messages": []\n', "rows.jsonl, line 1: "),
        ('{"question": 5}\n', "rows.jsonl"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(content)
    with pytest.raises(RowError) as raised:
        read_data(path, "hermes")
    assert said in str(raised.value) and "rows.jsonl" in str(raised.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(RowError, match="there is no file"):
        read_data(tmp_path / "rows.jsonl", "hermes")
    (tmp_path / "rows.xyz").write_text("x")
    with pytest.raises(RowError, match=r"rows\.xyz"):
        read_data(tmp_path / "rows.xyz", "hermes")


def test_rows_without_a_call(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", [{"messages": talk("Hi.")}] * 3)
    with pytest.raises(RowError, match=r"no call in `.*rows\.jsonl` \(rows: 3\)"):
        read_data(path, "hermes")


def test_a_draw_is_even_and_the_same_for_a_seed() -> None:
    pool = [Example(f"line {i}", bucket, [], None) for i, bucket in enumerate("a" * 50 + "b" * 50 + "c" * 3)]
    drawn = draw(pool, 23, 1)
    assert counts(drawn) == {"a": 10, "b": 10, "c": 3} and len({one.name for one in drawn}) == 23
    assert drawn == draw(pool, 23, 1) != draw(pool, 23, 2)
    assert draw(pool, None, 1) == pool
    with pytest.raises(RecipeError, match="examples = 200: the data has only 103"):
        draw(pool, 200, 0)
