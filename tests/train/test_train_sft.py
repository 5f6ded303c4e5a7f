"""`toolfmt-train sft` from a recipe to a model that loads, on a random model of two layers."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from train_cases import TOOLS, call, rows, save_tiny, write, write_recipe
from typer.testing import CliRunner

import toolfmt
from toolfmt_train.cli.main import app
from toolfmt_train.models import load
from toolfmt_train.train.card import Card, read_card
from toolfmt_train.train.recipe import read_recipe
from toolfmt_train.train.sft import plan, run


def sft(*words: str, code: int = 0) -> Any:
    result = CliRunner().invoke(app, ["sft", *words])
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Path:
    """A folder in which a recipe was followed: twelve rows, eight times, in batches of three."""
    folder = tmp_path_factory.mktemp("trained")
    write(folder / "rows.jsonl", rows())
    write_recipe(folder, tiny, "[train]\nepochs = 8\nbatch = 3\nlearning_rate = 5e-3\n[lora]\nr = 4\nlast_layers = 1\n")
    said = sft(str(folder / "recipe.toml"))
    assert said.stderr.splitlines()[0].startswith("step 3 of 32, loss ")
    assert said.stderr.splitlines()[-1].startswith(f"wrote {folder / 'out'}: adapter, merged, card.md, card.json; ")
    return folder


def test_the_loss_falls(trained: Path) -> None:
    card = read_card(trained / "out")
    assert len(card.losses) == card.steps == 32
    assert sum(card.losses[-4:]) < sum(card.losses[:4]) * 0.7


def test_the_card_says_what_was_done(trained: Path, tiny: Path) -> None:
    card = read_card(trained / "out")
    assert card.data_sha256 == hashlib.sha256((trained / "rows.jsonl").read_bytes()).hexdigest()
    assert (card.format, card.base, card.examples, card.buckets) == (
        "qwen_xml",
        str(tiny),
        12,
        {"calls": 8, "no call": 4},
    )
    assert card.base_licence == "unknown: see the model's page" and card.data_licence == "not stated in the data"
    attention, mlp = (64 + 64, 64 + 32, 64 + 32, 64 + 64), (64 + 128, 64 + 128, 128 + 64)
    assert card.trainable == 4 * sum(attention + mlp)
    assert card.parameters == load(str(tiny)).model.num_parameters()
    assert card.tokens > card.tokens_read > card.tokens_learnt > 0
    assert card.recipe["train"]["epochs"] == 8 and card.versions["trl"]
    said = (trained / "out" / "card.md").read_text()
    assert (
        card.data_sha256 in said and f"{card.losses[-1]:.3f} in the last" in said and "12 (8 calls, 4 no call)" in said
    )


def test_the_merged_model_loads_and_knows_its_format(trained: Path) -> None:
    model, tokenizer = load(str(trained / "out" / "merged"))
    assert tokenizer.chat_template == toolfmt.chat_template("qwen_xml")
    assert model.generation_config.eos_token_id == [tokenizer.eos_token_id]
    assert model.generation_config.pad_token_id == tokenizer.pad_token_id


def test_the_merged_model_writes_what_base_and_adapter_write(trained: Path, tiny: Path) -> None:
    from peft import PeftModel

    merged, tokenizer = load(str(trained / "out" / "merged"), dtype="float32")
    base = load(str(tiny), dtype="float32").model
    prompt = tokenizer.apply_chat_template(
        call({})[:1], tools=TOOLS, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    before = base(**prompt).logits[0, -1]
    adapted = PeftModel.from_pretrained(base, str(trained / "out" / "adapter"))
    expected, got = adapted(**prompt).logits[0, -1], merged(**prompt).logits[0, -1]
    assert (got - expected).abs().max() < 0.05 * (before - expected).abs().max()
    written = [model.generate(**prompt, max_new_tokens=12, do_sample=False)[0].tolist() for model in (merged, adapted)]
    assert written[0] == written[1]


def test_only_the_last_layers_are_adapted(trained: Path) -> None:
    from safetensors import safe_open

    with safe_open(trained / "out" / "adapter" / "adapter_model.safetensors", "pt") as weights:
        names = list(weights.keys())
    assert len(names) == 14 and all(".layers.1." in name for name in names)


def test_the_licence_of_a_tuned_model_is_its_bases(trained: Path) -> None:
    from toolfmt_train.train.licences import licence_of

    merged = trained / "out" / "merged"
    assert licence_of(str(merged)) == "unknown: see the model's page" and licence_of("smollm2") == "Apache-2.0"
    (merged.parent / "merged2").mkdir()
    (merged.parent.parent / "README.md").write_text("---\nlicense: mit\n---\n")
    assert licence_of(str(merged.parent.parent)) == "mit"


def losses(folder: Path, seed: int) -> list[float]:
    recipe = read_recipe(folder / "recipe.toml")
    return run(
        plan(recipe.model_copy(update={"seed": seed, "out": folder / f"seed-{seed}-{len(list(folder.iterdir()))}"}))
    ).losses


def test_a_seed_decides_the_run(folder: Path) -> None:
    first, again, other = losses(folder, 1), losses(folder, 1), losses(folder, 2)
    assert first == again != other and len(first) == 3


def test_plain_batches_train_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = losses(folder, 1)
    monkeypatch.setattr("toolfmt_train.train.trainer.can_share", lambda model, rows: False)
    plain = losses(folder, 1)
    assert shared != plain and all(abs(one - other) < 0.02 * one for one, other in zip(shared, plain, strict=True))


def test_plain_batches_are_said(trained: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not read_card(trained / "out").plain_batches and "plain" not in (trained / "out" / "card.md").read_text()
    monkeypatch.setattr("toolfmt_train.train.trainer.can_share", lambda model, rows: False)
    assert "plain batches: " in sft(str(folder / "recipe.toml")).stderr
    assert read_card(folder / "out").plain_batches and "read in plain batches" in (folder / "out" / "card.md").read_text()


def test_a_dry_run_shows_and_writes_nothing(folder: Path) -> None:
    said = sft(str(folder / "recipe.toml"), "--dry-run", "--format", "json_fence").stdout
    assert "12: 8 calls, 4 no call" in said and "json_fence" in said and "licence unknown: see the model's page" in said
    fence = '```json\n{"name": "look", "arguments": {"at": "5"}}\n```'
    assert f"<|im_start|>assistant\n⟦{fence}<|im_end|>⟧\n" in said
    assert not (folder / "out").exists() and not list(folder.glob("*.part"))


def test_a_dry_run_as_json(folder: Path) -> None:
    recipe = folder / "recipe.toml"
    said = json.loads(sft(str(recipe), "--dry-run", "--json", "--seed", "7", "--out", str(folder / "else")).stdout)
    assert said["recipe"]["seed"] == 7 and said["recipe"]["out"] == str(folder / "else")
    assert said["rows"] == said["examples"] == 12 and said["steps"] == 3 and said["dropped"] == {}
    assert said["tokens"] > said["tokens_learnt"] > 12 and said["end_of_turn"] == "<|im_end|>"


def test_rows_that_are_too_long_are_named(folder: Path, tiny: Path) -> None:
    write(folder / "rows.jsonl", [{"messages": call({"at": "long " * 900})}, *rows()])
    write_recipe(folder, tiny, "[train]\nmax_length = 900\n")
    said = sft(str(folder / "recipe.toml"), "--dry-run").stdout
    assert "1: longer than max_length = 900 (line 1)" in said and "12: 8 calls" in said


def test_an_interrupted_run_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(step: int, steps: int, loss: float) -> None:
        raise KeyboardInterrupt

    ready = plan(read_recipe(folder / "recipe.toml"))
    before = sorted(folder.iterdir())
    with pytest.raises(KeyboardInterrupt):
        run(ready, interrupt)
    assert sorted(folder.iterdir()) == before

    monkeypatch.setattr("toolfmt_train.train.sft.write_card", lambda card, into: interrupt(0, 0, 0.0))
    assert sft(str(folder / "recipe.toml"), code=130).stderr.splitlines()[-1].startswith("step 3 of 3")
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    "keys, said",
    [
        ({"data": "none.jsonl"}, "there is no file `{folder}/none.jsonl`"),
        ({"format": "qwen_xlm"}, "unknown format `qwen_xlm`; did you mean `qwen_xml`"),
        ({"format": None}, 'name the format to train, as in `format = "qwen_xml"`'),
        ({"format": "mistral_v3"}, "format: no chat template of mistral_v3: it says no markers of turns; take another, such as `qwen_xml`"),
        ({"model": "no/such"}, "the model `no/such` cannot be loaded"),
        ({"out": "."}, "there is something at `{folder}` already; remove it, or name another `out`"),
        ({"examples": 99}, "examples = 99: the data has only 12"),
        ({"exmples": 99}, "unknown key `exmples`; did you mean `examples`?"),
    ],
)  # fmt: skip
def test_what_stands_against_a_recipe_is_one_line(folder: Path, tiny: Path, keys: dict[str, Any], said: str) -> None:
    path = write_recipe(folder, **{"model": tiny} | keys)
    stderr = sft(str(path), code=2).stderr
    assert stderr.startswith("error: ") and stderr.count("\n") == 1 and said.format(folder=folder) in stderr
    assert not (folder / "out").exists()


def test_a_recipe_that_is_not_there(tmp_path: Path) -> None:
    assert sft(str(tmp_path / "r.toml"), code=2).stderr == f"error: there is no recipe `{tmp_path / 'r.toml'}`\n"


def test_without_trl(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "trl" else find(name, *rest))
    assert (
        sft(str(folder / "recipe.toml"), code=2).stderr
        == 'error: training needs the package trl: pip install "toolfmt[train]"\n'
    )


def test_a_format_whose_end_is_several_tokens_says_so(folder: Path, tmp_path: Path) -> None:
    model = save_tiny(tmp_path / "m")
    said = sft(str(write_recipe(folder, model, format="functiongemma")), "--dry-run").stdout
    assert (
        "<end_of_turn>, which is several tokens to this model; <|im_end|> follows it, so that the model stops" in said
    )
    assert "<end_of_turn><|im_end|>⟧" in said


def test_no_card(tmp_path: Path) -> None:
    from toolfmt_train.errors import ModelError

    (tmp_path / "card.json").write_text('{"recipe": 1}')
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(ModelError, match="is no card of `toolfmt-train sft`"):
            read_card(folder)
    assert set(Card.model_fields) >= {"recipe", "losses", "versions"}
