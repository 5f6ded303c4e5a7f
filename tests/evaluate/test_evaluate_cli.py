"""`toolfmt-train evaluate`: on a random model from the first prompt to the plot, and what it says to bad input."""

import json
from pathlib import Path
from typing import Any

import pytest
from evaluate_cases import NO_TOOL, TEXT, Written, call, make_row, random_model, record
from typer.testing import CliRunner

from toolfmt_train.cli.main import app
from toolfmt_train.decoding import Completion
from toolfmt_train.evaluate import answers as answering
from toolfmt_train.evaluate.answers import Plan, answers, shots
from toolfmt_train.evaluate.records import read_records
from toolfmt_train.lines import write_lines
from toolfmt_train.models import Loaded
from toolfmt_train.rows import Row

FILES = {"completions.jsonl", "verdicts.jsonl", "scores.json", "scores.png"}


def run(*words: object, code: int = 0) -> Any:
    result = CliRunner().invoke(app, ["evaluate", *map(str, words)])
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.stderr
    return result


def error(*words: object) -> str:
    said = run(*words, code=2).stderr.strip()
    assert said.startswith("error: ") and "\n" not in said, said
    return said.removeprefix("error: ")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The random model as a folder."""
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("model") / "tiny"
    for part in random_model():
        part.save_pretrained(folder)
    return folder


def test_from_the_model_to_the_plot(model: Path, data: Path, tmp_path: Path) -> None:
    """Every condition is asked and scored; scoring the kept completions again gives the same."""
    pytest.importorskip("matplotlib")
    out, words = tmp_path / "out", ["--data", data, "--json"]
    asked = [
        "--format",
        "hermes",
        "--shots",
        0,
        "--shots",
        2,
        "--shots-from",
        data,
        "--grammar",
        "both",
        "--max-new-tokens",
        6,
    ]
    first = run(model, *words, *asked, "--read-as", "qwen_xml", "-o", out)
    found = json.loads(first.stdout)
    assert {path.name for path in out.iterdir()} == FILES
    assert (out / "scores.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((out / "scores.json").read_text()) == found
    names = [scores["condition"]["name"] for scores in found["scores"]]
    plain = ["tiny hermes 0-shot", "tiny hermes 0-shot grammar", "tiny hermes 2-shot", "tiny hermes 2-shot grammar"]
    assert names == [*plain, *(f"{name}, read as qwen_xml" for name in plain)]
    records = read_records(out / "completions.jsonl")
    assert [one.row for one in records] == ["text", "tree", "none"] * 4
    assert [one.finish_reason for one in records] == ["length"] * 12 and {one.tokens for one in records} == {6}
    again = run("--completions", out / "completions.jsonl", *words, "--read-as", "qwen_xml", "-o", tmp_path / "again")
    assert json.loads(again.stdout) == found
    assert all((out / name).read_bytes() == (tmp_path / "again" / name).read_bytes() for name in FILES - {"scores.png"})


@pytest.fixture
def kept(rows: dict[str, Row], written: Written, tmp_path: Path) -> Path:
    path = tmp_path / "kept.jsonl"
    write_lines([written("text", call("ripgrep_search", TEXT)), written("tree", "No."), written("none", NO_TOOL)], path)
    return path


def test_the_table(data: Path, kept: Path) -> None:
    said = run("--completions", kept, "--data", data).stdout
    cells = {line.split("│")[1].strip(): line.split("│")[2].strip() for line in said.splitlines() if "│" in line}
    assert cells["exact"] == "50.0 [9, 91] of 2" and cells["abstained"] == "100.0 [21, 100] of 1"


def test_many_conditions_stand_below_one_another(written: Written, data: Path, tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    write_lines([written("text", call("ripgrep_search", TEXT), model=f"m{number}") for number in range(5)], path)
    said = run("--completions", path, "--data", data).stdout
    lines = [[cell.strip() for cell in line.split("│")] for line in said.splitlines() if "│" in line]
    assert [line[1] for line in lines if line[1]] == [f"m{number} qwen_xml 0-shot" for number in range(5)]
    assert "condition" in said and lines[0][2] == "100.0" and lines[1][2] == "[21, 100]"


def test_several_files_are_scored_together(
    rows: dict[str, Row], written: Written, data: Path, kept: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.jsonl"
    write_lines([written("text", "No.", seed=1)], other)
    found = json.loads(run("--completions", kept, "--completions", other, "--data", data, "--json").stdout)
    assert found["scores"][0]["seeds"] == [0, 1] and found["scores"][0]["rates"]["exact"]["seeds"] == {
        "0": 0.5,
        "1": 0.0,
    }


def test_a_limit_takes_rows_from_the_whole_file(data: Path, kept: Path) -> None:
    found = json.loads(run("--completions", kept, "--data", data, "--limit", 2, "--json").stdout)
    assert found["scores"][0]["rows"] == 2 and found["scores"][0]["languages"].keys() == {"go", "python"}


def test_a_limit_is_spread_evenly(rows: dict[str, Row], tmp_path: Path) -> None:
    data, kept, out = tmp_path / "six.jsonl", tmp_path / "kept.jsonl", tmp_path / "out"
    write_lines([rows["none"].model_copy(update={"id": f"r{i}"}) for i in range(6)], data)
    write_lines([record(f"r{i}", NO_TOOL) for i in range(6)], kept)
    run("--completions", kept, "--data", data, "--limit", 3, "-o", out)
    assert [one.row for one in read_records(out / "completions.jsonl")] == ["r0", "r2", "r4"]


def test_the_data_is_named_in_the_results(data: Path, kept: Path) -> None:
    found = json.loads(run("--completions", kept, "--data", data, "--json").stdout)
    assert (
        found["data"]["file"] == "held_out.jsonl" and found["data"]["rows"] == 3 and len(found["data"]["sha256"]) == 64
    )


def test_the_examples_are_one_ordinary_call_of_each_tool(rows: dict[str, Row]) -> None:
    trap = rows["text"].model_copy(update={"bucket": "adversarial", "messages": [{"role": "user", "content": "trap"}]})
    messages = shots([*rows.values(), *[trap] * 50])
    assert [message["role"] for message in messages] == ["user", "assistant"] * 2
    assert [message["tool_calls"][0]["function"]["name"] for message in messages[1::2]] == [
        "ast_grep_search",
        "ripgrep_search",
    ]


def test_each_condition_has_its_examples_and_its_grammar(rows: dict[str, Row], monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows with other tools are asked apart, and the answers stand in the order of the rows."""
    asked: list[tuple[int, list[str], tuple[str, ...] | None]] = []

    class Echo:
        def __init__(self, *_: Any, max_new_tokens: int) -> None:
            assert max_new_tokens == 7

        def generate(self, conversations: list[Any], *, grammar: Any, on_progress: Any) -> list[Completion]:
            texts = [conversation[-1]["content"] for conversation in conversations]
            asked.append((len(conversations[0]), texts, grammar and grammar.tools))
            on_progress(len(texts), len(texts))
            return [Completion(text, "stop", 1) for text in texts]

    monkeypatch.setattr(answering, "Decoder", Echo)
    one_tool = rows["tree"].model_copy(update={"tools": rows["tree"].tools[1:]})
    some, examples, told = [rows["text"], one_tool, rows["none"]], shots(list(rows.values())), []
    plan = Plan("m", "hermes", {0: [], 2: examples}, (False, True), seed=3, max_new_tokens=7)
    records = list(answers(Loaded(*random_model()), some, plan, lambda *at: told.append(at)))
    first, second, third = (row.prompt[-1]["content"] for row in some)
    both, tree = ("ripgrep_search", "ast_grep_search"), ("ast_grep_search",)
    assert asked == [
        (1 + before, texts, tools if grammar else None)
        for before in (0, 4)
        for grammar in (False, True)
        for texts, tools in (([first, third], both), ([second], tree))
    ]
    assert [one.text for one in records] == [first, second, third] * 4 and {one.seed for one in records} == {3}
    assert [(one.shots, one.grammar) for one in records[::3]] == [(0, False), (0, True), (2, False), (2, True)]
    assert told[:2] == [("0-shot", 2, 3), ("0-shot", 3, 3)] and told[-1] == ("2-shot with grammar", 3, 3)


def test_bad_words(data: Path, kept: Path, tmp_path: Path) -> None:
    assert (
        error("--data", data) == "give a MODEL to ask, or --completions to score what was written before, and not both"
    )
    assert "not both" in error("m", "--completions", kept, "--data", data)
    assert error("m", "--format", "hermes") == "give the rows to evaluate on: --data held_out.jsonl"
    assert error("m", "--data", data).startswith("say which format the model writes: --format qwen_xml")
    assert "did you mean `hermes`" in error("m", "--data", data, "--format", "hermse")
    assert "did you mean `qwen_xml`" in error("--completions", kept, "--data", data, "--read-as", "qwen_xlm")
    assert (
        error("m", "--data", data, "-f", "hermes", "--shots", 3) == "--shots is 0 or 2, one example of each tool: `3`"
    )
    assert "--shots-from train.jsonl" in error("m", "--data", data, "-f", "hermes", "--shots", 2)


def test_bad_files(rows: dict[str, Row], data: Path, kept: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    assert error("--completions", kept, "--data", bad) == f"there is no file `{bad}`; rows come from `toolfmt-train generate`"
    assert "completions come from `toolfmt-train evaluate MODEL -o FOLDER`" in error("--completions", bad, "--data", data)
    bad.write_text(kept.read_text() + '{"row": "text"}\n')
    assert f"{bad}, line 4: model: Field required" in error("--completions", bad, "--data", data)
    bad.write_text("[")
    assert f"{bad}, line 1: not JSON" in error("--completions", bad, "--data", data)
    bad.write_text("\n")
    assert error("--completions", bad, "--data", data) == f"`{bad}` holds no completions"
    write_lines([record("other", "x")], bad)
    assert "`other`, which the data has not" in error("--completions", bad, "--data", data)
    write_lines([rows["none"], rows["text"]], bad)
    assert "no row with an atomic call of `ast_grep_search`" in error(
        "m", "--data", data, "-f", "hermes", "--shots", 2, "--shots-from", bad
    )


def test_a_corpus_that_is_not_there(rows: dict[str, Row], written: Written, tmp_path: Path) -> None:
    data, kept, out = tmp_path / "rows.jsonl", tmp_path / "kept.jsonl", tmp_path / "out"
    write_lines([rows["text"].model_copy(update={"corpus": "djangoo"})], data)
    write_lines([written("text", call("ripgrep_search", TEXT))], kept)
    assert error("--completions", kept, "--data", data, "-o", out) == "unknown corpus `djangoo`; did you mean `django`?"
    assert error("no-such-model", "--data", data, "-f", "hermes").startswith(
        "unknown corpus"
    )  # before a model is asked
    assert not out.exists()


def test_a_model_that_is_not_there(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    missing = tmp_path / "missing"
    assert f"the model `{missing}` cannot be loaded" in error(
        missing, "--data", data, "-f", "hermes", "-o", tmp_path / "out"
    )
    assert not (tmp_path / "out").exists()


def test_a_format_without_a_chat_template(data: Path) -> None:
    assert error("m", "--data", data, "--format", "mistral_v3").startswith("no chat template of mistral_v3")


def test_rows_without_calls_can_be_scored(tmp_path: Path) -> None:
    data, kept = tmp_path / "rows.jsonl", tmp_path / "kept.jsonl"
    write_lines([make_row("none", "Mail this.", None)], data)
    write_lines([record("none", NO_TOOL)], kept)
    found = json.loads(run("--completions", kept, "--data", data, "-o", tmp_path / "out", "--json").stdout)
    assert set(found["scores"][0]["rates"]) == {"abstained", "false_calls", "truncated"}
