"""What becomes of keys, parts and reasoning for which a layout has no place: said, never dropped in silence."""

from collections.abc import Mapping
from typing import Any

from toolfmt.layouts.base import STRUCTURAL, Lose, Turn

__all__ = ["lose_keys", "lose_reasoning", "others", "plain_text", "system_text"]


def others(turn: Turn) -> dict[str, Any]:
    """The keys of its message that hold neither role nor text nor what a turn says."""
    if not turn.keys[0]:
        return {}
    known = STRUCTURAL | {"name"} if turn.role == "tool" else STRUCTURAL
    return {key: value for key, value in turn.raw.items() if key not in turn.keys and key not in known}


def lose_keys(turn: Turn, lose: Lose, layout: str) -> None:
    """Say that the other keys of a message are dropped."""
    for key in others(turn):
        lose("key", f"{turn.path}.{key}", f"dropped: this message stands in a field of its own in layout `{layout}`")


def lose_reasoning(turn: Turn, lose: Lose, layout: str) -> None:
    """Say that reasoning which stands beside a text is dropped; what stands beside calls was said before."""
    if turn.reasoning is not None:
        lose(
            "reasoning",
            f"{turn.path}.reasoning",
            f"{len(turn.reasoning)} characters dropped: layout `{layout}` has no place for reasoning",
        )


def plain_text(turn: Turn, lose: Lose, layout: str) -> str | None:
    """The text of a turn; where it is a list of parts, that of its text parts."""
    held = turn.raw.get(turn.keys[1]) if turn.text is None and turn.keys[0] else None
    if not isinstance(held, list):
        return turn.text
    texts = []
    for i, part in enumerate(held):
        text = part.get("text") if isinstance(part, Mapping) and part.get("type") == "text" else part
        if isinstance(text, str):
            texts.append(text)
        else:
            kind = part.get("type") if isinstance(part, Mapping) else type(part).__name__
            lose(
                "content",
                f"{turn.path}.{turn.keys[1]}[{i}]",
                f"`{kind}` dropped: layout `{layout}` has a place for text only",
            )
    if len(texts) > 1:
        lose("content", f"{turn.path}.{turn.keys[1]}", f"{len(texts)} text parts become one text")
    return "".join(texts)


def system_text(turn: Turn, lose: Lose, layout: str) -> str:
    """The text of a first message that moves to the row's own ``system``; an empty one says nothing there."""
    if turn.role == "developer":
        lose("role", turn.path, f"`developer` becomes the system text: layout `{layout}` has no such role")
    lose_keys(turn, lose, layout)
    text = plain_text(turn, lose, layout) or ""
    if not text:
        lose("text", turn.path, f"an empty system message is dropped: in layout `{layout}` no text is no message")
    return text
