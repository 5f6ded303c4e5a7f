"""Reasoning that stands at the beginning of a text, between ``<think>`` and ``</think>``, as many rows have it beside calls in fields."""

__all__ = ["CLOSES", "OPENS", "split_thought"]

OPENS, CLOSES = "<think>", "</think>"


def split_thought(text: str) -> tuple[str | None, str]:
    """The reasoning that a text begins with, and the rest; of the line breaks round it, those that templates write are not kept."""
    head, closed, rest = text.partition(CLOSES)
    if not closed or not head.startswith(OPENS):
        return None, text
    reasoning = head.removeprefix(OPENS)
    if reasoning.startswith("\n") and reasoning.endswith("\n") and len(reasoning) > 1:
        reasoning = reasoning[1:-1]
    return reasoning, rest[2:] if rest.startswith("\n\n") else rest.removeprefix("\n")
