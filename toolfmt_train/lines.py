"""Files of values, one a line (JSONL): read with every line checked, written whole or not at all."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from toolfmt.values import JSONTextError, dumps, loads
from toolfmt_train.errors import RowError

__all__ = ["read_lines", "write_lines"]

Item = TypeVar("Item", bound=BaseModel)


def read_lines(path: Path, model: type[Item], *, called: str, command: str) -> list[Item]:
    """The values of a file; raises `RowError` naming the line and what writes such files, also when there are none."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        raise RowError(f"there is no file `{path}`; {called} come from `{command}`") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RowError(f"`{path}` cannot be read: {error}") from None
    items = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                items.append(model.model_validate(loads(line)))
            except JSONTextError as error:
                raise RowError(f"{path}, line {number}: not JSON: {error}") from None
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                where = ".".join(map(str, first["loc"]))
                raise RowError(f"{path}, line {number}: {where}: {first['msg']}; {called} come from `{command}`") from None
    if not items:
        raise RowError(f"`{path}` holds no {called}")
    return items


def write_lines(items: Iterable[BaseModel], path: Path) -> int:
    """Writes them, always the same bytes for the same values; their number."""
    lines = [dumps(item.model_dump()) + "\n" for item in items]
    part = path.with_name(path.name + ".part")
    part.write_bytes("".join(lines).encode())
    os.replace(part, path)
    return len(lines)
