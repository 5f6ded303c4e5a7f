"""A recipe says what is wrong with it: file, key, and what it may be."""

from pathlib import Path

import pytest

from toolfmt_train.errors import RecipeError
from toolfmt_train.train.recipe import Lora, Recipe, Train, read_recipe


def recipe(tmp_path: Path, text: str) -> Recipe:
    path = tmp_path / "r.toml"
    path.write_text(text, encoding="utf-8")
    return read_recipe(path)


BASE = 'data = "d.jsonl"\nout = "o"\n'


def test_what_is_left_out_has_the_documented_default(tmp_path: Path) -> None:
    read = recipe(tmp_path, BASE)
    assert (read.data, read.out) == (tmp_path / "d.jsonl", tmp_path / "o")
    assert (read.format, read.model, read.seed, read.examples) == ("auto", "smollm2", 0, None)
    assert read.lora == Lora(r=16, alpha=32, dropout=0.0, last_layers=10)
    assert read.train == Train(epochs=1, batch=4, learning_rate=2e-3, schedule="cosine", warmup=0.0, max_length=1024)


def test_every_key_is_read(tmp_path: Path) -> None:
    tables = '[lora]\nr = 4\n[train]\nschedule = "linear"\nlearning_rate = 1\n'
    read = recipe(tmp_path, 'data = "/d"\nout = "o"\nformat = "hermes"\nmodel = "m"\nseed = 3\nexamples = 7\n' + tables)
    assert read.data == Path("/d") and read.examples == 7 and read.seed == 3 and read.model == "m"
    assert read.lora.r == 4 and read.train.schedule == "linear" and read.train.learning_rate == 1.0


def test_a_model_folder_is_relative_to_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    assert recipe(tmp_path, BASE + 'model = "mine"\n').model == str(tmp_path / "mine")


@pytest.mark.parametrize(
    "text, said",
    [
        (BASE + "fromat = 'x'\n", "unknown key `fromat`; did you mean `format`?"),
        (BASE + "[train]\nlearningrate = 1e-3\n", "unknown key `train.learningrate`; did you mean `train.learning_rate`?"),
        (BASE + "batch = 4\n", "unknown key `batch`; did you mean `train.batch`?"),
        (BASE + "zzz = 4\n", "unknown key `zzz`; there are data, out, format,"),
        ('out = "o"\n', 'the key `data` is missing, as in `data = "..."`'),
        (BASE + "examples = 0\n", "examples: input should be greater than or equal to 1, got `0`"),
        (BASE + 'seed = "1"\n', "seed: input should be a valid integer, got `1`"),
        (BASE + "[train]\nschedule = 'cosinus'\n", "train.schedule: input should be 'cosine', 'linear' or 'constant', got `cosinus`"),
        (BASE + "[lora]\ndropout = 1.0\n", "lora.dropout: input should be less than 1, got `1.0`"),
        (BASE + "a = \n", "not TOML: Invalid value (at line 3, column 5)"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RecipeError) as raised:
        recipe(tmp_path, text)
    assert str(raised.value).startswith(f"{tmp_path / 'r.toml'}: ") and said in str(raised.value)


def test_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="there is no recipe"):
        read_recipe(tmp_path / "r.toml")
    with pytest.raises(RecipeError, match="cannot be read"):
        read_recipe(tmp_path)
