"""The whole road on a random model: every command takes what the one before it left, and the table tells the failure from its mending."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from toolfmt_train.cli.main import app
from toolfmt_train.errors import TrainError
from toolfmt_train.road import Road, Step, run, scores, steps
from toolfmt_train.rows import read_rows
from toolfmt_train.train.card import read_card

pytest.importorskip("openai")


def road(model: Path | str, **more: Any) -> Road:
    return Road(model=str(model), rows=16, held_out=8, examples=8, max_length=4096, max_new_tokens=8, checked=1, **more)


@pytest.mark.slow
def test_every_step_takes_what_the_one_before_it_left(tiny: Path, tmp_path: Path) -> None:
    said: list[Step] = []
    done = list(run(road(tiny), tmp_path, lambda number, of, step: said.append(step)))
    assert [one.step for one in done] == said == steps(road(tiny))
    assert all(one.seconds and one.cpu_seconds for one in done)
    assert len(read_rows(tmp_path / "train.jsonl")) == 16
    fence, qwen = (
        (tmp_path / f"train.{name}.jsonl").read_text(encoding="utf-8") for name in ("json_fence", "qwen_xml")
    )
    assert "```json" in fence and "<function=" not in fence
    assert "<function=" in qwen and "```json" not in qwen
    assert [read_card(tmp_path / f"tuned.{name}.0").format for name in ("json_fence", "qwen_xml")] == [
        "json_fence",
        "qwen_xml",
    ]
    told = {
        (s["condition"]["model"], s["condition"]["format"], s["condition"]["read_as"], s["condition"]["grammar"])
        for s in scores(tmp_path)
    }
    own = {
        (model, name, name, grammar)
        for model in ("before", "after")
        for name in ("json_fence", "qwen_xml")
        for grammar in (False, True)
    }
    assert told == own | {
        (model, "json_fence", "qwen_xml", grammar) for model in ("before", "after") for grammar in (False, True)
    }
    again = CliRunner().invoke(app, ["demo", "-o", str(tmp_path), "--model", str(tiny), "--json"])
    assert again.exit_code == 0, again.stderr
    shown = json.loads(again.stdout)
    assert shown["scores"] == scores(tmp_path)
    anew = [step["command"] for step in shown["steps"] if step["seconds"] is not None]
    assert len(anew) == 2 and all("serve-check" in command for command in anew), "what is there is not made again"
    assert "[13/13] all of it in one table" in again.stderr


def test_a_step_that_fails_ends_it(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text(json.dumps({"id": 1}) + "\n", encoding="utf-8")
    (tmp_path / "held_out.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(TrainError, match=r"exit code [12]: `toolfmt convert train\.jsonl") as caught:
        list(run(road("smollm2"), tmp_path, lambda *_: None))
    assert str(tmp_path) in str(caught.value)


def test_seeds_and_shots() -> None:
    commands = [" ".join(step.command) for step in steps(road("m", seeds=(0, 1), shots=(0, 2)))]
    assert sum("toolfmt-train sft qwen_xml.toml" in command for command in commands) == 2
    assert sum("--shots 0 --shots 2" in command for command in commands) == 2
    assert commands[-1].count("--completions") == 6
