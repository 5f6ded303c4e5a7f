"""The licence of a base model, as far as it is known here: said at the start of a run, never guessed."""

import re
from pathlib import Path

from toolfmt_train.errors import ModelError
from toolfmt_train.models import EMBEDDED
from toolfmt_train.train.card import read_card

__all__ = ["licence_of"]

_LINE = re.compile(r"^license:\s*(\S+)\s*$", re.MULTILINE)


def licence_of(model: str) -> str:
    """That of `smollm2`, of a model that `sft` wrote, or what the front matter of a folder's README.md says."""
    if model == EMBEDDED:
        return "Apache-2.0"
    folder = Path(model)
    try:
        return read_card(folder.parent).base_licence
    except ModelError:
        pass
    readme = folder / "README.md"
    found = _LINE.search(readme.read_text(encoding="utf-8", errors="replace")[:4000]) if readme.is_file() else None
    return found[1] if found else "unknown: see the model's page"
