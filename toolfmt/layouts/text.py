"""`text`: ``{"text": str}``, a rendered transcript with its role marks, as language modelling data has it.

    {"text": "<|im_start|>user\\nTime?<|im_end|>\\n<|im_start|>assistant\\n<tool_call>\\n{...}\\n</tool_call><|im_end|>\\n"}

Turns are found by the marks of a known template (see `transcript`); without them the whole text is one turn of the assistant.  Calls, results and
the tools block are rewritten inside their turns, and every other character stays.  It is not written from other layouts: that takes the model's own
template.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from toolfmt.errors import UnrepresentableError
from toolfmt.layouts.base import Layout, Lose, Places, Row, Turn
from toolfmt.layouts.transcript import spliced, turns_of

__all__ = ["Text"]

_KEYS = ("", "text")


class Text(Layout):
    name = as_text = "text"
    owns = ("text",)
    places = Places(calls=False, ids=False, reasoning=False)
    arrow: ClassVar[Mapping[str, Any]] = {"text": "text", "tools": "json"}

    def claims(self, row: Row) -> bool:
        return isinstance(row.get("text"), str)

    def read(self, row: Row) -> list[Turn]:
        return turns_of(row["text"], "$.text", _KEYS, "assistant")

    def write(self, row: Row, turns: Sequence[Turn], lose: Lose) -> dict[str, Any]:
        if not self.claims(row) or any(turn.keys != _KEYS for turn in turns):
            raise UnrepresentableError(
                "$", "layout `text` is not written from others: write layout `messages_text` and apply the model's chat template"
            )
        return {"text": spliced(row["text"], turns, lose)}
