"""`prompt_completion`: a prompt and what the model is to say after it, each a text or a list of messages; TRL's preference rows too.

    {"prompt": "<|im_start|>user\\nTime?<|im_end|>\\n<|im_start|>assistant\\n<think>\\n", "completion": "Now.\\n</think>\\n\\n<tool_call>..."}
    {"prompt": [{"role": "user", "content": "Time?"}], "chosen": [{"role": "assistant", "content": "Noon."}], "rejected": [..]}

The boundary is part of the data: no call crosses it, and a completion that begins inside a reasoning block which the prompt opens stays so.  From
another layout the last turn of the assistant and what follows it is the completion, the rest the prompt, as messages with calls in fields.  A
preference row is two conversations, which no other layout holds.  Sources: TRL 1.16's formats of data sets.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from toolfmt.errors import LayoutError, UnrepresentableError
from toolfmt.layouts.base import Layout, Lose, Places, Row, Turn
from toolfmt.layouts.openai import OpenAI
from toolfmt.layouts.transcript import spliced, turns_of, without_end

__all__ = ["PromptCompletion"]

_SIDES = ("prompt", "completion", "chosen", "rejected")
_MESSAGES = OpenAI()
_OPEN = re.compile(r"(<think>|<seed:think>|\[THINK\]|<\|START_THINKING\|>|<thought>)\s*\Z")
"""A reasoning block that is open where a prompt ends."""


class PromptCompletion(Layout):
    name = as_text = "prompt_completion"
    owns = _SIDES
    places = Places(call_keys=True)
    arrow: ClassVar[Mapping[str, Any]] = {
        "prompt": OpenAI.arrow["messages"],
        "completion": OpenAI.arrow["messages"],
        "tools": "json",
    }

    def claims(self, row: Row) -> bool:
        sides = _sides(row)
        return {"prompt", "completion"} <= sides.keys() or {"chosen", "rejected"} <= sides.keys()

    def read(self, row: Row) -> list[Turn]:
        turns: list[Turn] = []
        for side in _sides(row):
            turns += _text(row, side) if isinstance(row[side], str) else _list(row[side], side)
        return turns

    def write(self, row: Row, turns: Sequence[Turn], lose: Lose) -> dict[str, Any]:
        if not self.claims(row) or any(_side(turn) not in _SIDES for turn in turns):
            return _divided(turns, lose)
        made: dict[str, Any] = {}
        for side in _sides(row):
            own = [turn for turn in turns if _side(turn) == side]
            if isinstance(row[side], list):
                made[side] = _MESSAGES.write({"messages": []}, own, lose)["messages"]
            elif any(turn.changed for turn in own):
                made[side] = _in_open_thought(row, side, spliced(row[side], own, lose))
            else:
                made[side] = row[side]
        return made

    def left(self, row: Row, turns: Sequence[Turn], lose: Lose) -> None:
        if "chosen" in row:
            raise UnrepresentableError("$.rejected", "a preference row is two conversations: only layout `prompt_completion` holds both")
        begins = next((i for i, turn in enumerate(turns) if _side(turn) == "completion"), len(turns))
        if begins != _boundary(turns):
            lose("boundary", "$.completion", "where the prompt ends is no longer said: it is not before the assistant's last turn")
        answer = turns[begins] if begins < len(turns) else None
        thinks = answer is not None and answer.reasoning is not None
        if isinstance(row["prompt"], str) and not thinks and (thought := _OPEN.search(row["prompt"])):
            lose("text", "$.prompt", f"`{thought[1]}`, which opens a reasoning block at the end of the prompt, is dropped")


def _sides(row: Row) -> dict[str, str | list[Any]]:
    return {side: row[side] for side in _SIDES if isinstance(row.get(side), str | list)}


def _side(turn: Turn) -> str:
    """The key of the row in which a turn stands; of another layout's turn, some other text."""
    return turn.path.removeprefix("$.").partition("[")[0]


def _text(row: Row, side: str) -> list[Turn]:
    """The turns of a text; without those marks, the prompt is the user's and the rest the assistant's."""
    turns = turns_of(row[side], f"$.{side}", ("", side), "user" if side == "prompt" else "assistant")
    last = turns[-1]
    if side == "prompt" and last.role == "assistant" and len(turns) > 1 and not _OPEN.sub("", last.text or "").strip():
        return turns[:-1]
    if side != "prompt" and len(turns) == 1:
        turns = [without_end(last)]
    return turns


def _list(messages: Any, side: str) -> list[Turn]:
    turns = []
    for i, message in enumerate(messages):
        try:
            turn = _MESSAGES.read({"messages": [message]})[0]
        except LayoutError as error:
            raise LayoutError(error.path.replace("$.messages[0]", f"$.{side}[{i}]"), error.reason) from None
        turn.path = f"$.{side}[{i}]"
        turn.notes = tuple((path.replace("$.messages[0]", turn.path), what) for path, what in turn.notes)
        turns.append(turn)
    return turns


def _in_open_thought(row: Row, side: str, text: str) -> str:
    """The new completion, without the opening of a reasoning block that stands at the end of the prompt."""
    prompt = row.get("prompt")
    opened = _OPEN.search(prompt) if isinstance(prompt, str) and side != "prompt" else None
    if opened is None or row[side].lstrip().startswith(opened[1]):
        return text
    if not text.startswith(opened[1]):
        raise UnrepresentableError(f"$.{side}", f"the prompt opens a reasoning block with `{opened[1]}`, and the new text does not go on in one")
    rest = text.removeprefix(opened[1])
    return rest.removeprefix("\n") if opened[0].endswith("\n") or row[side][:1] != "\n" else rest


def _boundary(turns: Sequence[Turn]) -> int:
    """Where the completion begins: at the last turn of the assistant."""
    return max((i for i, turn in enumerate(turns) if turn.role == "assistant"), default=len(turns))


def _divided(turns: Sequence[Turn], lose: Lose) -> dict[str, Any]:
    at = _boundary(turns)
    if at == len(turns):
        raise UnrepresentableError("$", "no turn of the assistant, which would be the completion")
    messages = _MESSAGES.write({"messages": []}, turns, lose)["messages"]
    return {"prompt": messages[:at], "completion": messages[at:]}
