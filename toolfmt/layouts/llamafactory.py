"""`llamafactory`: `sharegpt` as LLaMA-Factory accepts it: four roles in strict alternation, ``tools`` as JSON text of function objects.

    {"conversations": [{"from": "human", "value": "time?"},
                       {"from": "function_call", "value": "{\\"name\\": \\"now\\", \\"arguments\\": {\\"zone\\": \\"UTC\\"}}"},
                       {"from": "observation", "value": "12:00"},
                       {"from": "gpt", "value": "Noon."}],
     "system": "Be brief.", "tools": "[{\\"name\\": \\"now\\", \\"description\\": \\"\\", \\"parameters\\": {..}}]"}

``human`` or ``observation`` stand first, third and so on, ``gpt`` or ``function_call`` between them and last; LLaMA-Factory drops a row that breaks
this.  Several results in a row become one observation, a JSON list of their texts; text beside calls, ids and reasoning have no place; what else
breaks the alternation is refused.  A row with both is named `llamafactory` only where ``tools`` is text and the alternation holds, else `sharegpt`.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from toolfmt.errors import UnrepresentableError
from toolfmt.layouts.base import Lose, Places, Row, Turn, carry, function_of
from toolfmt.layouts.sharegpt import KEYS, ShareGPT, call_object
from toolfmt.layouts.unplaced import lose_keys, lose_reasoning, plain_text, system_text
from toolfmt.values import dumps

__all__ = ["LlamaFactory"]

_ASKS = ("human", "observation")
_ANSWERS = ("gpt", "function_call")


class LlamaFactory(ShareGPT):
    name = "llamafactory"
    places = Places(ids=False, reasoning=False, text=False)

    def claims(self, row: Row) -> bool:
        return isinstance(row.get("tools"), str) and _alternates(row.get("conversations"))

    def write(self, row: Row, turns: Sequence[Turn], lose: Lose) -> dict[str, Any]:
        made: dict[str, Any] = {}
        messages: list[dict[str, Any]] = []
        if turns and turns[0].role in ("system", "developer"):
            first, *turns = turns
            if first.keys == KEYS and first.role == "system":
                messages.append(carry(first, KEYS, "system"))
            elif first.path == "$.system" and not first.changed:
                made["system"] = first.text
            elif text := system_text(first, lose, self.name):
                made["system"] = text
        turns = self._merged(turns, lose)
        self._check(turns)
        return {"conversations": messages + [self._message(turn, lose) for turn in turns], **made}

    def definition(self, given: Any) -> Any:
        """A bare function object."""
        if (
            isinstance(given, Mapping)
            and given.keys() == {"type", "function"}
            and isinstance(given["function"], Mapping)
        ):
            return given["function"]
        if isinstance(given, Mapping) and "name" in given and "parameters" in given:
            return given
        return function_of(given)

    def _merged(self, turns: Sequence[Turn], lose: Lose) -> list[Turn]:
        """The turns, results that follow one another as one."""
        made: list[Turn] = []
        for is_result, group in groupby(turns, lambda turn: turn.role == "tool"):
            found = list(group)
            if not is_result or len(found) == 1:
                made += found
                continue
            lose(
                "results",
                found[0].path,
                f"{len(found)} results become one observation, a JSON list of their texts, without their names",
            )
            for turn in found[1:]:
                lose_keys(turn, lose, self.name)
            made.append(found[0].copy(text=dumps([plain_text(turn, lose, self.name) for turn in found]), changed=True))
        return made

    def _check(self, turns: Sequence[Turn]) -> None:
        """Refuse what LLaMA-Factory would drop."""
        before = "the start"
        for i, turn in enumerate(turns):
            role = _role(turn)
            if role not in (_ANSWERS if i % 2 else _ASKS):
                wanted = " or ".join(_ANSWERS if i % 2 else _ASKS)
                raise UnrepresentableError(turn.path, f"layout `{self.name}` has {wanted} after {before}, got `{role}`")
            before = f"`{role}`"
        if len(turns) % 2:
            wanted = " or ".join(_ANSWERS)
            raise UnrepresentableError(turns[-1].path, f"layout `{self.name}` ends with {wanted}, got {before}")

    def _message(self, turn: Turn, lose: Lose) -> dict[str, Any]:
        role = _role(turn)
        if turn.keys == KEYS and not turn.changed and turn.raw.get("from") == role:
            return dict(turn.raw)
        if turn.calls:
            calls = [call_object(call) for call in turn.calls]
            return carry(turn, KEYS, role, {"value": dumps(calls[0] if len(calls) == 1 else calls)})
        lose_reasoning(turn, lose, self.name)
        return carry(turn, KEYS, role, {"value": plain_text(turn, lose, self.name)})


def _role(turn: Turn) -> str:
    if turn.role == "assistant":
        return "function_call" if turn.calls else "gpt"
    return {"user": "human", "tool": "observation"}.get(turn.role, turn.role)


def _alternates(messages: object) -> bool:
    if not isinstance(messages, list) or not messages:
        return False
    roles = [message.get("from") if isinstance(message, Mapping) else None for message in messages]
    roles = roles[1:] if roles[0] == "system" else roles
    return len(roles) % 2 == 0 and all(role in (_ANSWERS if i % 2 else _ASKS) for i, role in enumerate(roles))
