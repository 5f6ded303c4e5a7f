"""A grammar as xgrammar's structural tag: JSON, with our EBNF as its content."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from toolfmt.grammar import xgrammar
from toolfmt.rule import Ref, Rules

__all__ = ["write", "write_triggered"]

_EXCLUDES = (0, 1, 34)
"""The first version in which a triggered tag's text can exclude other texts; those before it ignore the field."""


def write(rules: Rules, *, version: tuple[int, ...] | None = None, special: Mapping[str, int] = {}) -> str:
    """A tag of the whole output."""
    return _tag(_content(rules, version, special))


def write_triggered(
    rules: Rules,
    call: str,
    trigger: str,
    stops: Sequence[str],
    *,
    repeat: bool = True,
    version: tuple[int, ...] | None = None,
    special: Mapping[str, int] = {},
) -> str:
    """A tag of prose and calls: any text without ``stops``, then ``trigger`` and the rule ``call``; again and again if ``repeat``, else once at most.

    ``trigger`` begins with one of ``stops``.  The rule ``call`` does not lead back to ``root``.
    """
    first = next((stop for stop in stops if trigger.startswith(stop)), None)
    if first is None:
        raise ValueError(
            f"trigger {trigger!r} begins with none of the stops {list(stops)!r}; write the whole grammar as one tag"
        )
    others = [stop for stop in stops if stop != first]
    if others and (version or (0,)) < _EXCLUDES:
        raise ValueError(
            f"before xgrammar 0.1.34 a structural tag cannot exclude {others!r} from its text; write the whole grammar as one tag"
        )
    content = _content(
        {"root": Ref(call)} | {name: rule for name, rule in rules.items() if name != "root"}, version, special
    )
    return _tag({
        "type": "triggered_tags",
        "triggers": [first],
        "tags": [{"type": "tag", "begin": trigger, "content": content, "end": ""}],
        "stop_after_first": not repeat,
        **({"excludes": others} if others else {}),
    })  # fmt: skip


def _content(rules: Rules, version: tuple[int, ...] | None, special: Mapping[str, int]) -> dict[str, Any]:
    return {"type": "grammar", "grammar": xgrammar.write(rules, version=version, special=special)}


def _tag(content: dict[str, Any]) -> str:
    return json.dumps({"type": "structural_tag", "format": content}, ensure_ascii=False)
