"""The laws of DESIGN section 6, for every registered format."""

from collections.abc import Callable

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

import toolfmt
from toolfmt.strategies import calls_of, nasty_strings, plain_messages
from toolfmt.testing import LAWS

NAMES = [info.name for info in toolfmt.formats()]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_law(name: str, law: Callable[[toolfmt.Format], None]) -> None:
    law(toolfmt.get_format(name))


@pytest.mark.parametrize("source", NAMES)
@pytest.mark.parametrize("target", NAMES)
def test_there_and_back(source: str, target: str) -> None:
    """Law 6: A -> B -> A keeps what both can say."""

    @settings(max_examples=max(10, settings.default.max_examples // 8))
    @given(data=st.data())
    def law(data: st.DataObject) -> None:
        offered = data.draw(plain_messages(toolfmt.get_format(source)))[1]
        call = data.draw(calls_of(offered[0], strings=st.one_of(nasty_strings(), st.just("plain"))))
        try:
            first = toolfmt.render(call, source, tools=offered)
            second = toolfmt.render(toolfmt.parse(first, source, tools=offered).message, target, tools=offered)
        except toolfmt.UnrepresentableError:
            event("refused")
            return
        back = toolfmt.render(toolfmt.parse(second, target, tools=offered).message, source, tools=offered)
        assert back == first

    law()
