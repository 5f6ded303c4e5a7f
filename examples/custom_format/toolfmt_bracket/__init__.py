"""The format of an imagined model: `[[call]]{"fn": "get_weather", "with": {"city": "Paris"}}[[/call]]`."""

from importlib.resources import files

from toolfmt import Limits
from toolfmt.families.json_body import JsonBody


class Bracket(JsonBody):
    name = "bracket"
    grammar = files(__name__).joinpath("bracket.lark").read_text(encoding="utf-8")
    opens, closes = ("[[call]]",), ("[[/call]]",)
    name_key, arguments_keys = "fn", ("with",)
    inside = ""
    between_calls = ""
    end_of_turn = ("[[end]]",)
    result_opens, result_closes = "[[result]]", "[[/result]]"
    limits = Limits(text_after=False)
