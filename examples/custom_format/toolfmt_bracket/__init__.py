"""The format of an imagined model: `[[call]]{"fn": "get_weather", "with": {"city": "Paris"}}[[/call]]`."""

from importlib.resources import files

from toolfmt import Limits
from toolfmt.families.json_body import JsonBody
from toolfmt.turns import Turns


class Bracket(JsonBody):
    name = "bracket"
    grammar = files(__name__).joinpath("bracket.lark").read_text(encoding="utf-8")
    opens, closes = ("[[call]]",), ("[[/call]]",)
    name_key, arguments_keys = "fn", ("with",)
    inside = ""
    between_calls = ""
    end_of_turn = ("[[end]]",)
    result_opens, result_closes = "[[result]]", "[[/result]]"
    turns = Turns(
        system=("[[system]]", "[[end]]\n"),
        user=("[[user]]", "[[end]]\n"),
        assistant=("[[assistant]]", "\n"),
        tool=("[[tool]]", "[[end]]\n"),
    )
    limits = Limits(text_after=False)
