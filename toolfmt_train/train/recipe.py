"""`Recipe`: what `toolfmt-train sft` is told, a small TOML file.

    data = "train.jsonl"      # paths are relative to the recipe
    format = "qwen_xml"
    out = "runs/qwen_xml"
    examples = 240

    [train]
    learning_rate = 2e-3

Every key that is left out has the default below; a key that is not known is an error, not a silent default.
"""

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from toolfmt_train.errors import RecipeError
from toolfmt_train.models import EMBEDDED

__all__ = ["AUTO", "Lora", "Recipe", "Train", "read_recipe"]

AUTO = "auto"
"""The format is that of the calls which stand as text in the data."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Lora(_Table):
    """The adapter: low-rank matrices beside every linear layer of the last ``last_layers`` layers."""

    r: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    last_layers: int = Field(default=10, ge=1)


class Train(_Table):
    """The run.  ``warmup`` is a share of its steps; examples of more than ``max_length`` tokens are left out, never cut."""

    epochs: int = Field(default=1, ge=1)
    batch: int = Field(default=4, ge=1)
    learning_rate: float = Field(default=2e-3, gt=0)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: float = Field(default=0.0, ge=0, lt=1)
    max_length: int = Field(default=1024, ge=8)


class Recipe(_Table):
    """One fine-tuning.  ``examples`` is how many rows are drawn, as many of each bucket as there are; None takes all."""

    data: Path = Field(strict=False)
    out: Path = Field(strict=False)
    format: str = AUTO
    model: str = EMBEDDED
    seed: int = Field(default=0, ge=0)
    examples: int | None = Field(default=None, ge=1)
    lora: Lora = Lora()
    train: Train = Train()


def read_recipe(path: Path) -> Recipe:
    """The recipe of a file, its paths made absolute; raises `RecipeError` naming file and key."""
    recipe = _validated(path, _table(path))
    base = path.resolve().parent
    model = base / recipe.model
    return recipe.model_copy(
        update={
            "data": base / recipe.data,
            "out": base / recipe.out,
            "model": str(model) if model.is_dir() else recipe.model,
        }
    )


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecipeError(f"there is no recipe `{path}`") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"the recipe `{path}` cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path}: not TOML: {error}") from None


def _validated(path: Path, table: dict[str, Any]) -> Recipe:
    try:
        return Recipe.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        raise RecipeError(f"{path}: unknown key `{key}`{_nearest(key)}")
    if first["type"] == "missing":
        raise RecipeError(f'{path}: the key `{key}` is missing, as in `{key} = "..."`')
    raise RecipeError(f"{path}: {key}: {first['msg'][:1].lower()}{first['msg'][1:]}, got `{first['input']}`")


def _nearest(key: str) -> str:
    known = [
        *Recipe.model_fields,
        *(f"lora.{name}" for name in Lora.model_fields),
        *(f"train.{name}" for name in Train.model_fields),
    ]
    near = get_close_matches(key, known, 1, 0.6) or [
        name for name in known if name.endswith(f".{key.rpartition('.')[2]}")
    ]
    return f"; did you mean `{near[0]}`?" if near else f"; there are {', '.join(known)}"
