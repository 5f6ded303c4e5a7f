"""A random model, and what one short training of it left behind."""

from pathlib import Path

import pytest
from train_cases import rows, save_tiny, write, write_recipe

pytest.importorskip("trl")
pytest.importorskip("peft")


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random two-layer model."""
    return save_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def folder(tmp_path: Path, tiny: Path) -> Path:
    """A folder with rows and a recipe for them."""
    write(tmp_path / "rows.jsonl", rows())
    write_recipe(tmp_path, tiny)
    return tmp_path
