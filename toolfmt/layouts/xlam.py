"""`xlam`: Salesforce/xlam-function-calling-60k, one query, its calls, and tools with flat parameters, each as JSON text.

    {"id": 0, "query": "Where can I find live giveaways?",
     "answers": "[{\\"name\\": \\"giveaways\\", \\"arguments\\": {\\"type\\": \\"beta\\"}}]",
     "tools": "[{\\"name\\": \\"giveaways\\", \\"description\\": \\"..\\", \\"parameters\\": {\\"type\\": {\\"type\\": \\"str\\", ..}}}]"}

Several answers are parallel calls.  There is no place for system texts, texts of the assistant, results, ids, reasoning and further turns, and a flat
parameter says its type, description and default, nothing of what stands inside it.  Source: the data set's card.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from toolfmt.errors import LayoutError, UnrepresentableError
from toolfmt.format import Format
from toolfmt.ir import Tool, same
from toolfmt.layouts.base import Layout, Lose, Offer, Places, Row, Turn, call_of
from toolfmt.layouts.payload import defined
from toolfmt.layouts.unplaced import lose_keys, lose_reasoning, plain_text
from toolfmt.tools import read_tools
from toolfmt.values import JSONTextError, dumps, loads

__all__ = ["Xlam", "one_round"]

_TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "array": "List", "object": "Dict"}


class Xlam(Layout):
    name = "xlam"
    owns = ("query", "answers")
    as_text = "messages_text"
    places = Places(ids=False, reasoning=False, text=False)
    arrow: ClassVar[Mapping[str, Any]] = {"query": "text", "answers": "text", "tools": "text"}
    tools_as = "json"

    def claims(self, row: Row) -> bool:
        return isinstance(row.get("query"), str) and isinstance(row.get("answers"), str | list)

    def read(self, row: Row) -> list[Turn]:
        query = Turn("user", "$.query", row, ("", "query"), text=row["query"])
        turn = Turn("assistant", "$.answers", row, ("", "answers"), structured=True)
        try:
            answers = loads(row["answers"]) if isinstance(row["answers"], str) else row["answers"]
        except JSONTextError as error:
            raise LayoutError("$.answers", f"expected a JSON list of calls, {error}") from None
        if not isinstance(answers, list):
            raise LayoutError("$.answers", f"expected a list of calls, got `{type(answers).__name__}`")
        turn.calls = tuple(call_of(answer, f"$.answers[{i}]")[0] for i, answer in enumerate(answers))
        turn.objects = answers is row["answers"]
        return [query, turn] if answers else [query]

    def write(self, row: Row, turns: Sequence[Turn], lose: Lose) -> dict[str, Any]:
        if turns and all(turn.raw is row and not turn.changed for turn in turns):
            return {"query": row["query"], "answers": row["answers"]}
        query, answer = one_round(turns, lose, "xlam", ("system", "developer"))
        calls = [{"name": call.name, "arguments": call.arguments} for call in answer.calls]
        return {"query": query[-1].text or "", "answers": dumps(calls)}

    def stated(self, turns: Sequence[Turn], offer: Offer, lose: Lose, to: Format | None) -> Sequence[Turn]:
        for i, tool in enumerate(defined(offer) or ()):
            if not _says_the_same(tool):
                lose("tools", f"$.tools[{i}]", f"flat parameters of layout `xlam` do not say all of the schema of `{tool.name}`")
        return turns

    def definition(self, given: Any) -> Any:
        tool = read_tools([given])[0]
        return {"name": tool.name, "description": tool.description, "parameters": _flat(tool)}


def one_round(turns: Sequence[Turn], lose: Lose, layout: str, dropped: Sequence[str] = ()) -> tuple[list[Turn], Turn]:
    """The prompt and the first answer with calls, else the first answer, for a layout of one round; every other turn is lost."""
    answers = [i for i, turn in enumerate(turns) if turn.role == "assistant"]
    at = next((i for i in answers if turns[i].calls), answers[0] if answers else len(turns))
    before = [turn for turn in turns[:at] if turn.role not in dropped]
    asked = [i for i, turn in enumerate(before) if turn.role == "user"]
    if not asked:
        raise UnrepresentableError("$", f"no user turn stands before the calls, and layout `{layout}` begins with one")
    answer = turns[at] if at < len(turns) else Turn("assistant", "$", {}, ("", ""))
    said = [turn for turn in before if turn.role in ("system", "developer")] if "system" not in dropped else []
    kept = {id(turn) for turn in (*said, before[asked[-1]])}
    prompt = [replace(turn, text=plain_text(turn, lose, layout)) for turn in (*said, before[asked[-1]])]
    for turn in turns:
        if id(turn) not in kept and turn is not answer:
            kind = "results" if turn.role == "tool" else "turns"
            lose(kind, turn.path, f"a turn of role `{turn.role}` is dropped: layout `{layout}` holds one query and its calls")
            if turn.calls:
                raise UnrepresentableError(turn.path, f"a second turn with calls: layout `{layout}` holds the calls of one")
            lose_keys(turn, lose, layout)
        lose_reasoning(turn, lose, layout)
    if not answer.calls and not answer.text and at < len(turns):
        lose("turns", answer.path, f"an answer without calls is dropped: layout `{layout}` holds calls")
    if answer.text:
        lose("text", answer.path, f"`{answer.text[:60]}` is dropped: layout `{layout}` has no place for an answer in text")
    for turn in (*prompt, answer):
        lose_keys(turn, lose, layout)
    return prompt, answer


def _flat(tool: Tool) -> dict[str, Any]:
    required = tool.parameters.get("required", ())
    properties = tool.parameters.get("properties", {})
    return {key: _parameter(schema, key in required) for key, schema in properties.items()}


def _parameter(schema: Any, required: bool) -> dict[str, Any]:
    """What a flat parameter says of a schema; a description where there is nothing else by which it is known to be one."""
    held = schema if isinstance(schema, Mapping) else {}
    kind = held.get("type")
    said = _TYPES.get(kind, kind) if isinstance(kind, str) else None
    made = {"description": held["description"]} if "description" in held else {} if said else {"description": ""}
    if said is not None:
        made["type"] = said if required or "default" in held else f"{said}, optional"
    if "default" in held:
        made["default"] = held["default"]
    return made


def _says_the_same(tool: Tool) -> bool:
    """Whether the flat parameters are read as the schema that they were made of."""
    back = read_tools([{"name": tool.name, "description": tool.description, "parameters": _flat(tool)}])[0].parameters
    return same(_ordered(back), _ordered(tool.parameters))


def _ordered(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {key: sorted(held) if key == "required" else held for key, held in parameters.items()}
