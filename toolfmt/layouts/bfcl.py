"""`bfcl`: the Berkeley Function Calling Leaderboard, a question, its functions and, where they stand in the same row, the calls that answer it.

    {"id": "simple_0", "question": [[{"role": "user", "content": "The area of a triangle?"}]],
     "function": [{"name": "geometry.area", "description": "..", "parameters": {"type": "dict", "properties": {..}, "required": [..]}}],
     "ground_truth": [{"geometry.area": {"base": [10], "unit": ["units", ""]}}]}

``ground_truth`` lists the allowed values of each argument: the first is taken, and ``""`` among them means that the argument may be left out, as
bfcl-eval's checker reads them.  An object's keys list their values likewise.  There is no place for texts of the assistant, results, ids and
reasoning.  Not read: the calls of the multi-turn categories, which are Python text.  Source: bfcl-eval 2026.3.23.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from toolfmt.errors import LayoutError, UnrepresentableError
from toolfmt.format import Format, function_object
from toolfmt.ir import ToolCall
from toolfmt.layouts.base import Layout, Lose, Offer, Places, Row, Turn, call_of, offered
from toolfmt.layouts.messages_text import KEYS, read_message
from toolfmt.layouts.payload import defined
from toolfmt.layouts.xlam import one_round
from toolfmt.tools import ToolSet, read_tools

__all__ = ["BFCL"]


class BFCL(Layout):
    name = "bfcl"
    owns = ("question", "ground_truth")
    as_text = "messages_text"
    places = Places(ids=False, reasoning=False, text=False)
    arrow: ClassVar[Mapping[str, Any]] = {"question": "json", "function": "json", "ground_truth": "json"}

    def claims(self, row: Row) -> bool:
        return self.fits(row) and ("function" in row or "ground_truth" in row)

    def fits(self, row: Row) -> bool:
        question = row.get("question")
        return isinstance(question, list) and all(isinstance(turn, list) for turn in question)

    def read(self, row: Row) -> list[Turn]:
        turns = [
            read_message(message, f"$.question[{i}][{j}]") for i, messages in enumerate(row["question"]) for j, message in enumerate(messages)
        ]
        truth = row.get("ground_truth")
        if truth is None or truth == []:
            return turns
        if not isinstance(truth, list):
            raise LayoutError("$.ground_truth", f"expected a list of calls, got `{type(truth).__name__}`")
        tools = self.offer(row).tools
        turn = Turn("assistant", "$.ground_truth", row, ("", "ground_truth"), structured=True)
        several = 0
        for i, answer in enumerate(truth):
            call, more = _call(answer, f"$.ground_truth[{i}]", tools)
            turn.calls += (call,)
            several += more
        if several:
            turn.bound = (("alternatives", "$.ground_truth", f"{several} arguments allow other values: the first of each is taken"),)
        return [*turns, turn]

    def write(self, row: Row, turns: Sequence[Turn], lose: Lose) -> dict[str, Any]:
        if all((turn.keys == KEYS or turn.raw is row) and not turn.changed for turn in turns) and self.claims(row):
            return {key: row[key] for key in self.owns if key in row}
        prompt, answer = one_round(turns, lose, "bfcl")
        question = [{"role": "system" if turn.role == "developer" else turn.role, "content": turn.text or ""} for turn in prompt]
        for turn in prompt:
            if turn.role == "developer":
                lose("role", turn.path, "a developer's text has role `system` now")
        truth = [{call.name: {key: [_listed(value)] for key, value in call.arguments.items()}} for call in answer.calls]
        return {"question": [question], **({"ground_truth": truth} if truth else {})}

    def stated(self, turns: Sequence[Turn], offer: Offer, lose: Lose, to: Format | None) -> Sequence[Turn]:
        required = {tool.name: tool.parameters.get("required", ()) for tool in defined(offer) or ()}
        for turn in turns:
            for i, call in enumerate(turn.calls):
                for key, value in call.arguments.items():
                    if _holds_empty(value) and not (value == "" and key in required.get(call.name, ())):
                        path = f"{turn.path}.calls[{i}].arguments.{key}"
                        raise UnrepresentableError(path, "layout `bfcl` cannot write an empty string here: it says that the argument is left out")
        return turns

    def offer(self, row: Row, *, padded: bool = False) -> Offer:
        return offered(row, ("function",), padded)

    def write_offer(self, offer: Offer) -> dict[str, Any]:
        if offer.definitions is None:
            return {"function": None}
        return {"function": [self.definition(given) for given in offer.definitions]}

    def definition(self, given: Any) -> Any:
        tool = function_object(read_tools([given])[0])
        return {**tool, "parameters": {**tool["parameters"], "type": "dict"}}


_LEFT_OUT = object()


def _call(answer: Any, path: str, tools: ToolSet | None) -> tuple[ToolCall, int]:
    """The call by the first allowed values, and how many arguments allow others."""
    if not isinstance(answer, Mapping) or len(answer) != 1:
        raise LayoutError(path, f"expected an object with one tool's name, got `{str(answer)[:60]}`")
    [(name, arguments)] = answer.items()
    if not isinstance(arguments, Mapping):
        raise LayoutError(f"{path}.{name}", f"expected an object of arguments, got `{str(arguments)[:60]}`")
    tool = tools.get(name) if tools is not None else None
    required = tool.parameters.get("required", ()) if tool is not None else ()
    chosen: dict[str, Any] = {}
    several = 0
    for key, values in arguments.items():
        value = _first(values, f"{path}.{name}.{key}")
        if value is _LEFT_OUT and key in required:
            value = ""
        if value is not _LEFT_OUT:
            chosen[key] = value
        several += len(values) > 1
    return call_of({"name": name, "arguments": chosen}, path)[0], several


def _first(values: Any, path: str, deep: bool = False) -> Any:
    if not isinstance(values, list) or not values:
        raise LayoutError(path, f"expected a list of allowed values, got `{str(values)[:60]}`")
    value = next((value for value in values if value != ""), _LEFT_OUT)
    return value if deep else _plain(value, path)


def _plain(value: Any, path: str) -> Any:
    """The value that an allowed one stands for: the keys of an object list their own."""
    if isinstance(value, Mapping):
        held = {key: _first(inner, f"{path}.{key}", deep=True) for key, inner in value.items()}
        return {key: inner for key, inner in held.items() if inner is not _LEFT_OUT}
    return [_plain(item, f"{path}[{i}]") for i, item in enumerate(value)] if isinstance(value, list) else value


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: [inner] for key, inner in value.items()}
    return [_listed(item) for item in value] if isinstance(value, list) else value


def _holds_empty(value: Any) -> bool:
    """Whether an allowed value is, or an object among its values holds, an empty string."""
    if isinstance(value, list):
        return any(_holds_empty(item) for item in value if item != "")
    return value == "" or (isinstance(value, dict) and "" in [inner for inner in value.values() if isinstance(inner, str)])
