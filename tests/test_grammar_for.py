"""`toolfmt.grammar_for`: its choices, its errors, and what `Grammar` gives to servers."""

import json
import subprocess
import sys
from typing import Any

import pytest

import toolfmt
from toolfmt.errors import GrammarError, ToolSpecError, UnrepresentableError
from toolfmt.ir import Message, Text, ToolCall

pytest.importorskip("xgrammar", reason='needs the engines: pip install "toolfmt[grammar]"')
pytest.importorskip("llguidance", reason='needs the engines: pip install "toolfmt[grammar]"')

ENGINES = ("xgrammar", "llguidance", "structural_tag", "gbnf")
FORMATS = [info.name for info in toolfmt.formats()]
TOOLS = [
    {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "unit": {"enum": ["c", "f"]}},
            "required": ["city"],
        },
    },
    {"name": "now", "parameters": {"type": "object", "properties": {}}},
]
PARIS = ToolCall(name="get_weather", arguments={"city": "Paris", "days": 3})
NOW = ToolCall(name="now", arguments={})
UNKNOWN = ToolCall(name="late", arguments={})
EMPTY = ToolCall(name="get_weather", arguments={})


def written(format: str, *parts: Any, tools: Any = TOOLS) -> str | None:
    """The text of a message; None where the format cannot say it."""
    try:
        return toolfmt.render(Message(parts=parts), format, tools=tools)
    except UnrepresentableError:
        return None


def holds(grammar: toolfmt.Grammar, *parts: Any) -> bool:
    text = written(grammar.format, *parts, tools=None)
    assert text is not None
    return grammar.matches(text)


# calls


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("format", FORMATS)
def test_one_call_is_one_call(format: str, engine: str) -> None:
    grammar = toolfmt.grammar_for(TOOLS, format, engine=engine)
    assert holds(grammar, PARIS)
    assert holds(grammar, NOW)
    assert not holds(grammar, UNKNOWN)
    assert not holds(grammar, EMPTY)
    assert not grammar.matches("")
    two = written(format, PARIS, NOW)
    assert two is None or not grammar.matches(two)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("format", [name for name in FORMATS if toolfmt.get_format(name).limits.many_calls])
def test_many_calls_are_one_or_more(format: str, engine: str) -> None:
    grammar = toolfmt.grammar_for(TOOLS, format, engine=engine, calls="many")
    assert holds(grammar, PARIS)
    assert holds(grammar, PARIS, NOW)
    assert holds(grammar, NOW, NOW, PARIS)
    assert not holds(grammar, PARIS, UNKNOWN)
    assert not holds(grammar, EMPTY, NOW)
    assert not grammar.matches("")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("format", FORMATS)
def test_prose_with_calls(format: str, engine: str) -> None:
    limits = toolfmt.get_format(format).limits
    grammar = toolfmt.grammar_for(TOOLS, format, engine=engine, calls="auto")
    assert holds(grammar, Text(text="No call: a < b, {x}."))
    assert holds(grammar, PARIS)
    assert grammar.matches("")
    assert not holds(grammar, UNKNOWN)
    assert not holds(grammar, EMPTY)
    if limits.text_before and format != "xlam_v1":  # its text is a thought inside of the call's object
        assert holds(grammar, Text(text="Let me look."), PARIS)
        assert not holds(grammar, Text(text="Let me look."), EMPTY)
    if limits.text_after:
        assert holds(grammar, Text(text="One."), PARIS, Text(text="Two."), NOW, Text(text="Three."))
        assert not holds(grammar, Text(text="One."), PARIS, Text(text="Two."), EMPTY)


def test_one_call_is_all_that_some_formats_write() -> None:
    with pytest.raises(UnrepresentableError, match="one call a message"):
        toolfmt.grammar_for(TOOLS, "llama3_json", calls="many")


# tool, strictness, order, whitespace


@pytest.mark.parametrize("engine", ENGINES)
def test_a_tool_is_forced(engine: str) -> None:
    grammar = toolfmt.grammar_for(TOOLS, engine=engine, tool="now")
    assert holds(grammar, NOW)
    assert not holds(grammar, PARIS)
    assert grammar.tools == ("now",)


@pytest.mark.parametrize("engine", ("xgrammar", "llguidance"))
@pytest.mark.parametrize("format", FORMATS)
def test_strictness(format: str, engine: str) -> None:
    shape, names = (
        toolfmt.grammar_for(TOOLS, format, engine=engine, strictness=choice) for choice in ("shape", "names")
    )
    for call in (PARIS, NOW, EMPTY, ToolCall(name="now", arguments={"any_key": "word", "n": 3})):
        assert holds(shape, call), call
        assert holds(names, call), call
    assert not holds(shape, UNKNOWN)
    assert not holds(names, UNKNOWN)


def test_names_leave_the_arguments_free() -> None:
    text = '<tool_call>\n{"name": "now", "arguments": oops}\n</tool_call>'
    assert toolfmt.grammar_for(TOOLS, strictness="names").matches(text)
    assert not toolfmt.grammar_for(TOOLS, strictness="shape").matches(text)


@pytest.mark.parametrize("engine", ("xgrammar", "llguidance"))
@pytest.mark.parametrize("format", ("hermes", "qwen_xml", "functiongemma", "pythonic", "dsml", "minimax_m3"))
def test_any_order_is_exact(format: str, engine: str) -> None:
    grammar = toolfmt.grammar_for(TOOLS, format, engine=engine, order="any")
    for keys in (("city",), ("unit", "city"), ("days", "unit", "city"), ("city", "unit", "days")):
        values = {"city": "Rome", "days": 1, "unit": "c"}
        assert holds(grammar, ToolCall(name="get_weather", arguments={key: values[key] for key in keys})), keys
    assert not holds(grammar, ToolCall(name="get_weather", arguments={"unit": "c", "days": 1}))
    once = written(format, ToolCall(name="get_weather", arguments={"days": 1, "city": "Rome"}))
    twice = written(
        format, ToolCall(name="get_weather", arguments={"days": 1, "cite": "Rome", "city": "Rome"}), tools=None
    )
    assert once and twice
    assert not grammar.matches(twice.replace("cite", "city"))
    assert not toolfmt.grammar_for(TOOLS, format, engine=engine).matches(once)


def test_too_many_properties_for_any_order_stay_in_the_schemas_order() -> None:
    schema = {"type": "object", "properties": {f"k{i}": {"type": "integer"} for i in range(11)}}
    grammar = toolfmt.grammar_for([{"name": "f", "parameters": schema}], order="any")
    assert [limit.keyword for limit in grammar.narrowed] == ["order"]
    assert holds(grammar, ToolCall(name="f", arguments={"k1": 1, "k2": 2}))
    assert not holds(grammar, ToolCall(name="f", arguments={"k2": 1, "k1": 2}))


@pytest.mark.parametrize("engine", ("xgrammar", "llguidance"))
def test_whitespace_is_bounded(engine: str) -> None:
    wide = '<tool_call>\n{"name": "get_weather", "arguments": {%s"city":"Rome" ,\n "days"  : 3 }}\n</tool_call>'
    flexible = toolfmt.grammar_for(TOOLS, engine=engine, whitespace="flexible")
    assert flexible.matches(wide % "  \n")
    assert holds(flexible, PARIS)
    assert not flexible.matches(wide % (" " * 9))
    assert not toolfmt.grammar_for(TOOLS, engine=engine).matches(wide % "")


# special tokens


def test_special_tokens_are_asked_for_by_their_ids() -> None:
    marks = {"<start_function_call>": 11, "<escape>": 12}
    for engine, token in (
        ("xgrammar", "Token(12)"),
        ("llguidance", "<[12]>"),
        ("gbnf", "<[12]>"),
        ("structural_tag", "Token(12)"),
    ):
        grammar = toolfmt.grammar_for(
            TOOLS, "functiongemma", engine=engine, special_tokens=marks, engine_version="0.2.8"
        )
        assert token in grammar.text
        assert token not in grammar.plain_text
        assert grammar.special_tokens == marks
        assert holds(grammar, PARIS)


# What servers are given


def test_what_servers_are_given() -> None:
    grammars = {engine: toolfmt.grammar_for(TOOLS, engine=engine) for engine in ENGINES}
    text = {engine: grammar.text for engine, grammar in grammars.items()}
    assert grammars["xgrammar"].vllm() == {"structured_outputs": {"grammar": text["xgrammar"]}, "tool_choice": "auto"}
    assert grammars["llguidance"].vllm()["structured_outputs"] == {"grammar": text["llguidance"]}
    assert (
        json.loads(grammars["structural_tag"].vllm()["structured_outputs"]["structural_tag"])["type"]
        == "structural_tag"
    )
    assert grammars["xgrammar"].sglang() == {"ebnf": text["xgrammar"]}
    assert grammars["llguidance"].sglang(openai=True) == {"ebnf": text["llguidance"]}
    assert grammars["structural_tag"].sglang() == {"structural_tag": text["structural_tag"]}
    assert grammars["structural_tag"].sglang(openai=True)["response_format"]["type"] == "structural_tag"
    assert grammars["gbnf"].llama_cpp() == {"grammar": text["gbnf"]}
    for engine, server in (("gbnf", "vllm"), ("xgrammar", "llama_cpp"), ("gbnf", "sglang")):
        with pytest.raises(GrammarError, match='make it with engine="'):
            getattr(grammars[engine], server)()


@pytest.mark.parametrize(
    "choice, says",
    (
        ("none", "come back as text"),
        ("required", "in the place of this one"),
        ({"type": "function", "function": {"name": "now"}}, "in the place of this one"),
    ),
)
def test_a_choice_that_defeats_the_grammar_is_warned_of(choice: Any, says: str) -> None:
    with pytest.warns(UserWarning, match=says):
        toolfmt.grammar_for(TOOLS).vllm(tool_choice=choice)


def test_vllm_takes_no_lark_for_ebnf() -> None:
    """vLLM 0.32 takes a text with ``::=`` on any line for EBNF."""
    tools = [{"name": "f", "parameters": {"type": "object", "properties": {"a": {"enum": ["x ::= y", "::="]}}}}]
    grammar = toolfmt.grammar_for(tools, engine="llguidance")
    assert "::=" not in grammar.text
    assert holds(grammar, ToolCall(name="f", arguments={"a": "::="}))


def test_explained() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "array", "items": {"type": "string"}, "uniqueItems": True}},
    }
    grammar = toolfmt.grammar_for([{"name": "f", "parameters": schema}], on_unsupported="relax")
    assert [limit[:3] for limit in grammar.relaxed] == [("f", "/properties/a", "uniqueItems")]
    said = grammar.explain()
    assert "hermes for xgrammar: one call of 1 tool\n" in said
    assert "not enforced: f/properties/a: uniqueItems: " in said


def test_no_engine_is_imported() -> None:
    code = (
        "import sys, toolfmt\n"
        "assert 'toolfmt.grammar.emit' not in sys.modules\n"
        "for e in ('xgrammar', 'llguidance', 'gbnf', 'structural_tag'): toolfmt.grammar_for([{'name': 'f'}], engine=e)\n"
        "assert not {'xgrammar', 'llguidance', 'torch', 'jsonschema'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# Errors


@pytest.mark.parametrize("tools", ([], None))
def test_no_tools(tools: Any) -> None:
    with pytest.raises(GrammarError, match="tools: there are none"):
        toolfmt.grammar_for(tools)


def test_a_name_twice() -> None:
    with pytest.raises(ToolSpecError, match="given twice"):
        toolfmt.grammar_for([TOOLS[0], TOOLS[0]])


def test_an_unknown_tool() -> None:
    with pytest.raises(GrammarError, match="there is get_weather, now: `later`"):
        toolfmt.grammar_for(TOOLS, tool="later")


def test_a_name_that_the_format_cannot_write() -> None:
    with pytest.raises(UnrepresentableError, match=r"tools\[1\].name: functiongemma cannot write the tool name `a b`"):
        toolfmt.grammar_for([TOOLS[0], {"name": "a b"}], "functiongemma")


def test_a_key_that_the_format_cannot_write() -> None:
    def tools(required: list[str]) -> list[Any]:
        return [
            {
                "name": "f",
                "parameters": {
                    "type": "object",
                    "properties": {"a b": {"type": "integer"}, "c": {}},
                    "required": required,
                },
            }
        ]

    with pytest.raises(UnrepresentableError, match="cannot write the required key `a b`"):
        toolfmt.grammar_for(tools(["a b"]), "functiongemma")
    grammar = toolfmt.grammar_for(tools([]), "functiongemma")
    assert [limit[:3] for limit in grammar.narrowed] == [("f", "/properties/a b", "properties")]
    assert holds(grammar, ToolCall(name="f", arguments={"c": 1}))


def test_a_value_that_the_format_cannot_write() -> None:
    def tools(*values: str) -> list[Any]:
        return [
            {
                "name": "f",
                "parameters": {"type": "object", "properties": {"a": {"enum": list(values)}}, "required": ["a"]},
            }
        ]

    with pytest.raises(GrammarError, match="no string of this format can hold `<escape>`"):
        toolfmt.grammar_for(tools("<escape>"), "functiongemma")
    grammar = toolfmt.grammar_for(tools("<escape>", "b"), "functiongemma")
    assert grammar.narrowed
    assert holds(grammar, ToolCall(name="f", arguments={"a": "b"}))


@pytest.mark.parametrize("option", ("engine", "strictness", "calls", "order", "whitespace", "on_unsupported"))
def test_an_unknown_choice(option: str) -> None:
    choice: Any = {option: "other"}
    with pytest.raises(ValueError, match=f"{option} must be one of .*; got `other`"):
        toolfmt.grammar_for(TOOLS, **choice)


def test_a_bad_version() -> None:
    with pytest.raises(ValueError, match="engine_version must be a version"):
        toolfmt.grammar_for(TOOLS, engine_version="new")


def test_what_cannot_be_enforced_is_refused() -> None:
    tools = [
        TOOLS[1],
        {"name": "f", "parameters": {"type": "object", "properties": {"a": {"pattern": "(?=x)", "type": "string"}}}},
    ]
    with pytest.raises(GrammarError, match=r"tools\[1\].parameters.properties.a: .*`pattern`"):
        toolfmt.grammar_for(tools)


@pytest.mark.parametrize("engine", ("xgrammar", "llguidance"))
def test_a_recursive_schema(engine: str) -> None:
    node = {
        "type": "object",
        "properties": {"v": {"type": "integer"}, "next": {"$ref": "#/$defs/node"}},
        "required": ["v"],
    }
    schema = {
        "type": "object",
        "properties": {"list": {"$ref": "#/$defs/node"}},
        "required": ["list"],
        "$defs": {"node": node},
    }
    grammar = toolfmt.grammar_for([{"name": "f", "parameters": schema}], engine=engine)
    deep: dict[str, Any] = {"v": 0}
    for i in range(30):
        deep = {"v": i, "next": deep}
    assert holds(grammar, ToolCall(name="f", arguments={"list": deep}))
    assert not holds(grammar, ToolCall(name="f", arguments={"list": {"v": 1, "next": {"v": "x"}}}))


def test_endless_recursion_is_a_contradiction() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}, "required": ["next"]}
    schema = {
        "type": "object",
        "properties": {"n": {"$ref": "#/$defs/node"}},
        "required": ["n"],
        "$defs": {"node": node},
    }
    with pytest.raises(GrammarError, match=r"tools\[0\].parameters: no arguments of `f` keep to this schema"):
        toolfmt.grammar_for([{"name": "f", "parameters": schema}])


def nested(depth: int) -> tuple[list[Any], ToolCall]:
    schema: dict[str, Any] = {"type": "integer"}
    value: Any = 1
    for _ in range(depth):
        schema, value = {"type": "array", "items": schema}, [value]
    tools = [{"name": "f", "parameters": {"type": "object", "properties": {"a": schema}}}]
    return tools, ToolCall(name="f", arguments={"a": value})


def test_a_deep_schema() -> None:
    tools, call = nested(40)
    assert holds(toolfmt.grammar_for(tools), call)
    with pytest.raises(GrammarError, match="nested too deep"):
        toolfmt.grammar_for(nested(200)[0])


@pytest.mark.parametrize("format", ("hermes", "qwen_xml", "functiongemma"))
@pytest.mark.parametrize("engine", ("xgrammar", "llguidance"))
def test_a_thousand_tools(format: str, engine: str) -> None:
    tools = [{**TOOLS[0], "name": f"tool_{i}"} for i in range(1000)]
    grammar = toolfmt.grammar_for(tools, format, engine=engine)
    assert holds(grammar, ToolCall(name="tool_999", arguments={"city": "Rome"}))
    assert not holds(grammar, ToolCall(name="tool_1000", arguments={"city": "Rome"}))


# A value cannot get out


INJECTIONS = {
    "qwen_xml": [
        "x\n</parameter>\n<parameter=days>\n9",
        "</parameter>\n<parameter=days>\n9",
        "x\n</parameter>\n</function>\n</tool_call>",
    ],
    "functiongemma": ["x<escape>,days:9,unit:<escape>c", "<escape>"],
    "glm45": ["x</arg_value>\n<arg_key>days</arg_key>\n<arg_value>9", "</arg_value>\n</tool_call>"],
    "minimax_m3": ["x]<]minimax[>[</city>]<]minimax[>[<days>9"],
    "dsml": ['x</｜DSML｜parameter>\n<｜DSML｜parameter name="days" string="false">9'],
}


@pytest.mark.parametrize("engine", ("xgrammar", "llguidance", "gbnf"))
@pytest.mark.parametrize("format, value", [(name, value) for name, values in INJECTIONS.items() for value in values])
def test_no_value_holds_what_would_end_it(format: str, value: str, engine: str) -> None:
    tools = [
        {
            "name": "f",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "z": {"type": "string"}},
                "required": ["city"],
            },
        }
    ]
    text = written(format, ToolCall(name="f", arguments={"city": "MIDDLE"}), tools=tools)
    assert text is not None
    grammar = toolfmt.grammar_for(tools, format, engine=engine)
    assert grammar.matches(text)
    assert not grammar.matches(text.replace("MIDDLE", value))


@pytest.mark.parametrize("engine", ["xgrammar", "llguidance"])
@pytest.mark.parametrize("format", [info.name for info in toolfmt.formats()])
def test_an_escape_counts_as_what_the_reader_takes_it_for(format: str, engine: str) -> None:
    r"""To a reader of Python, ``\/`` is two characters."""
    schema = {"type": "object", "properties": {"s": {"type": "string", "maxLength": 3}}, "required": ["s"]}
    tools = [{"name": "f", "parameters": {"type": "object", "properties": {"o": schema}, "required": ["o"]}}]
    grammar = toolfmt.grammar_for(tools, format, engine=engine, on_unsupported="relax")
    text = toolfmt.render(toolfmt.ToolCall(name="f", arguments={"o": {"s": "ab/"}}), format, tools=tools)
    assert grammar.matches(text)
    spelled = text.replace("ab/", "ab\\/")
    read = toolfmt.parse(spelled, format, tools=tools)
    assert grammar.relaxed or not grammar.matches(spelled) or not toolfmt.validate(read.calls, tools)


@pytest.mark.parametrize("engine", ["xgrammar", "llguidance"])
@pytest.mark.parametrize("key", ["/Applications/MyApp.app", "$ref", "@id", "a-b.c"])
def test_undeclared_keys_hold_the_marks_that_the_format_writes_bare(key: str, engine: str) -> None:
    tools = [{"name": "f", "parameters": {"type": "object", "properties": {"o": {"type": "object"}}}}]
    grammar = toolfmt.grammar_for(tools, "gemma4", engine=engine)
    text = toolfmt.render(toolfmt.ToolCall(name="f", arguments={"o": {key: "v"}}), "gemma4", tools=tools)
    assert grammar.matches(text)
