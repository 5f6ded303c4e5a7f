"""The laws of DESIGN section 6, for every registered format."""

from collections.abc import Callable

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

import toolfmt
from toolfmt.strategies import calls_of, nasty_strings, plain_messages
from toolfmt.testing import LAWS
from toolfmt.testing_grammar import check_grammars, engines

CODE = 'if (a < b && c[0] == "}") {\n\tprint(\'<parameter=x>\', "C:\\new", `${y}`); // </parameter\n}\n</function\n'
NAMES = [info.name for info in toolfmt.formats()]


def without_ids(read: toolfmt.Parsed) -> toolfmt.Message:
    """Ids go from one format to another only where both have them; the calls must go everywhere."""
    parts = [part.model_copy(update={"id": None}) if isinstance(part, toolfmt.ToolCall) else part for part in read.parts]
    return toolfmt.Message(parts=tuple(parts))


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_law(name: str, law: Callable[[toolfmt.Format], None]) -> None:
    law(toolfmt.get_format(name))


@pytest.mark.skipif(not engines(), reason='needs an engine: pip install "toolfmt[grammar]"')
@pytest.mark.parametrize("name", NAMES)
def test_grammars_allow_code(name: str) -> None:
    fmt = toolfmt.get_format(name)
    parameters = {"type": "object", "properties": {"code": {"type": "string"}}, "required": ["code"]}
    offered = [toolfmt.Tool(name="run", parameters=parameters)]
    grammars = [toolfmt.grammar_for(offered, fmt, engine=engine) for engine in engines()]
    text = toolfmt.render(toolfmt.ToolCall(name="run", arguments={"code": CODE}), fmt, tools=offered)
    assert check_grammars(fmt, grammars, offered, text)


@pytest.mark.slow
@pytest.mark.parametrize("source", NAMES)
def test_there_and_back(source: str) -> None:
    """Law 6: A -> B -> A keeps what both can say."""

    @settings(max_examples=max(4 * len(NAMES), settings.default.max_examples))
    @given(data=st.data())
    def law(data: st.DataObject) -> None:
        target = data.draw(st.sampled_from(NAMES))
        offered = data.draw(plain_messages(toolfmt.get_format(source)))[1]
        call = data.draw(calls_of(offered[0], strings=st.one_of(nasty_strings(), st.just("plain"))))
        try:
            first = toolfmt.render(call, source, tools=offered)
            second = toolfmt.render(without_ids(toolfmt.parse(first, source, tools=offered)), target, tools=offered)
        except toolfmt.UnrepresentableError:
            event("refused")
            return
        back = toolfmt.render(without_ids(toolfmt.parse(second, target, tools=offered)), source, tools=offered)
        assert back == first

    law()
