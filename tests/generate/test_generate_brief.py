"""Tools in fewer words: what a call is checked against stays."""

import toolfmt
from toolfmt.ir import Tool
from toolfmt_train.generate.accept import OFFERED
from toolfmt_train.gym.brief import brief, definitions, without_arguments
from toolfmt_train.gym.tools import TOOLS


def test_names_types_required_and_enum_stay() -> None:
    for short, full in zip(brief(TOOLS), TOOLS, strict=True):
        assert (short.name, short.parameters["required"]) == (full.name, full.parameters["required"])
        assert list(short.parameters["properties"]) == list(full.parameters["properties"])
        for name, schema in full.parameters["properties"].items():
            kept = {key: value for key, value in schema.items() if key not in ("description", "default")}
            assert short.parameters["properties"][name] == kept
    assert [tool.description for tool in brief(TOOLS)] == [
        "Search the text of files with ripgrep.",
        "Search the syntax trees of source files with ast-grep.",
    ]


def test_a_parameter_may_be_called_description() -> None:
    properties = {"description": {"type": "string", "description": "What it says."}, "default": {"type": "integer"}}
    tool = Tool(
        name="note", description="Write e.g. a note: briefly.", parameters={"type": "object", "properties": properties}
    )
    (short,) = brief([tool])
    assert short.parameters["properties"] == {"description": {"type": "string"}, "default": {"type": "integer"}}
    assert short.description == "Write e.g."


def test_a_tool_without_words_or_parameters() -> None:
    (short,) = brief([Tool(name="now")])
    assert (short.description, short.parameters["properties"]) == ("", {})


def test_leaving_out_an_argument() -> None:
    kept = without_arguments(TOOLS, "pcre2", "strictness")
    for tool, full in zip(kept, TOOLS, strict=True):
        names = set(full.parameters["properties"])
        assert set(tool.parameters["properties"]) == names - {"pcre2", "strictness"}
    assert "pcre2" in TOOLS[0].parameters["properties"]


def test_definitions_read_back() -> None:
    assert toolfmt.tools.read_tools(definitions(OFFERED)) == OFFERED


def test_the_tools_of_a_row_are_short() -> None:
    assert len(toolfmt.describe_tools(OFFERED, "json_fence")) < 0.5 * len(toolfmt.describe_tools(TOOLS, "json_fence"))
