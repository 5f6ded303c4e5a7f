"""All that a format needs to be trusted: the laws, a few texts written by hand, and that it is found by its name."""

import pytest

import toolfmt
from toolfmt.testing import LAWS

BRACKET = toolfmt.get_format("bracket")
PARIS = toolfmt.ToolCall(name="get_weather", arguments={"city": "Paris"})
NOW = toolfmt.ToolCall(name="now", arguments={})


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_law(law):
    law(BRACKET)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('[[call]]{"fn": "get_weather", "with": {"city": "Paris"}}[[/call]]', (PARIS,)),
        ('Hm.\n[[call]]{"fn": "now", "with": {}}[[/call]]', (toolfmt.Text(text="Hm."), NOW)),
        (
            '[[call]]{"fn": "get_weather", "with": {"city": "Paris"}}[[/call]][[call]]{"fn": "now", "with": {}}[[/call]]',
            (PARIS, NOW),
        ),
        ("Just an answer [[1]].", (toolfmt.Text(text="Just an answer [[1]]."),)),
    ],
)
def test_by_hand(text, parts):
    assert toolfmt.parse(text, "bracket").parts == parts
    assert toolfmt.parse(text, "bracket", strict=True).parts == parts
    assert toolfmt.render(parts, "bracket") == text


def test_it_is_registered_like_any_other():
    assert "bracket" in [info.name for info in toolfmt.formats()]
    text = toolfmt.render(PARIS, "bracket")
    assert toolfmt.detect(text)[0].format == "bracket"
    assert toolfmt.parse(toolfmt.convert(text, to="hermes"), "hermes").calls == (PARIS,)


def test_a_broken_call_is_loud_and_the_next_one_is_read():
    text = '[[call]]{"fn": 1}[[/call]]\n' + toolfmt.render(NOW, "bracket")
    parsed = toolfmt.parse(text, "bracket")
    assert [part.reason for part in parsed.malformed] == ["`fn` must be a string, got `1`"]
    assert parsed.calls == (NOW,)
