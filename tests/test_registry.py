"""Formats by name; third parties; and what every registered format must have."""

import importlib.util
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import toolfmt
from toolfmt import registry
from toolfmt.families.json_body import JsonBody
from toolfmt.reference import grammar_text

NAMES = [info.name for info in toolfmt.formats()]
ROOT = Path(__file__).resolve().parent.parent
TOOLS = [
    toolfmt.Tool(
        name="get_weather",
        description="The weather for a city.",
        parameters={
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "City name"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["city"],
        },
    ),
    toolfmt.Tool(name="now", description="The time."),
]


@pytest.mark.parametrize("info", toolfmt.formats(), ids=lambda info: info.name)
def test_each_row_agrees_with_its_class(info: toolfmt.FormatInfo) -> None:
    fmt = toolfmt.get_format(info.name)
    assert fmt.name == info.name
    assert info.target == f"{type(fmt).__module__}:{type(fmt).__qualname__}"
    assert grammar_text(info.name).startswith("//")
    assert (ROOT / "tests" / "fixtures" / f"{info.name}.txt").is_file()
    assert f"`{info.name}`" in (ROOT / "README.md").read_text(encoding="utf-8")
    for name in (info.name, *info.aliases):
        assert toolfmt.get_format(name) is fmt


MODELS = [
    line.split() for line in (ROOT / "tests" / "models.txt").read_text(encoding="utf-8").splitlines() if line[0] != "#"
]


@pytest.mark.parametrize(("model", "name"), MODELS)
def test_by_model(model: str, name: str) -> None:
    assert toolfmt.get_format(model).name == name


def test_the_page_of_formats_is_as_new_as_they_are() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec and spec.loader
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    page, _, counts = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8").partition(generate.COUNTS)
    assert page == generate.page() + "\n", "python docs/generate.py"
    assert counts


def test_an_unknown_name_suggests_near_ones() -> None:
    with pytest.raises(toolfmt.UnknownFormatError, match=r"^unknown format `qwen-xml`; did you mean `qwen_xml`"):
        toolfmt.get_format("qwen-xml")
    with pytest.raises(LookupError, match="known: json_fence, "):
        toolfmt.get_format("zzz")
    with pytest.raises(
        toolfmt.UnknownFormatError,
        match=r"^unknown format `Qwen/Qwen-9`; models with a name like it: `qwen3.6` \(qwen_xml\)",
    ):
        toolfmt.get_format("Qwen/Qwen-9")


def test_listing_formats_imports_none() -> None:
    code = "import sys, toolfmt; toolfmt.formats(); print([m for m in sys.modules if m.startswith('toolfmt.formats.')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


class Mine(JsonBody):
    name = "mine"
    opens, closes = ("<mine>",), ("</mine>",)


def test_register(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registered", {})
    monkeypatch.setattr(registry, "_classes", {})
    assert toolfmt.register(Mine) is Mine
    assert "mine" in [info.name for info in toolfmt.formats()]
    call = toolfmt.ToolCall(name="f", arguments={"a": 1})
    assert toolfmt.parse(toolfmt.render(call, Mine()), Mine()).calls == (call,)
    with pytest.raises(ValueError, match="registered as `hermes` already"):
        toolfmt.register(type("Other", (JsonBody,), {"name": "hermes", "opens": ("<x>",), "closes": ("</x>",)}))


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("no_such_package_at_all:Format", "does not load: ModuleNotFoundError"),
        ("toolfmt.errors:ToolfmtError", "is not a subclass of toolfmt.Format"),
        ("toolfmt.formats.hermes:Hermes", "calls its format `hermes`"),
    ],
)
def test_a_broken_plugin_is_named(value: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("theirs", value, "toolfmt.formats")
    monkeypatch.setattr(registry, "_plugins", lambda: {"theirs": point})
    registry._load.cache_clear()
    registry._by_name.clear()
    assert "theirs" in [info.name for info in toolfmt.formats()]
    with pytest.raises(toolfmt.PluginError, match="the plugin `theirs`") as error:
        toolfmt.get_format("theirs")
    assert why in str(error.value)
    assert toolfmt.get_format("hermes").name == "hermes"


@pytest.mark.parametrize("name", NAMES)
def test_the_tools_block_is_read_back(name: str) -> None:
    fmt = toolfmt.get_format(name)
    block = toolfmt.describe_tools(TOOLS, name)
    prompt = f"You are careful.\n\n{block}"
    found = fmt.find_tools(prompt)
    assert found is not None, block
    tools, start, end = found
    assert [tool.name for tool in tools] == ["get_weather", "now"]
    assert tools[0].parameters["properties"]["unit"]["enum"] == ["celsius", "fahrenheit"]
    assert prompt[start:end].strip() == block.strip()
    assert fmt.find_tools("No tools here, just {braces} and <tags>.") is None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("content", ["12:00", '{"t": 20}', "", "two\nlines\n", "</x> ``` é"])
def test_results_are_read_back(name: str, content: str) -> None:
    fmt = toolfmt.get_format(name)
    result = toolfmt.ToolResult(content=content, name="now" if fmt.limits.result_names else None)
    text = toolfmt.render([result], name)
    assert fmt.read_results(text) == [result]
    answer = toolfmt.ToolResult(content=content, name=result.name, call_id="call00001")
    if fmt.limits.ids:
        assert fmt.read_results(toolfmt.render([answer], name)) == [answer]
        return
    with pytest.raises(toolfmt.UnrepresentableError, match="call_id"):
        toolfmt.render([answer], name)


@pytest.mark.parametrize("name", [name for name in NAMES if toolfmt.get_format(name).limits.result_names])
@pytest.mark.parametrize("content", ["20", "true", '"quoted"', "null", "[1, 2]", '{"value": "5"}'])
def test_a_result_that_looks_like_json_is_text(name: str, content: str) -> None:
    result = toolfmt.ToolResult(name="now", content=content)
    assert toolfmt.get_format(name).read_results(toolfmt.render([result], name)) == [result]


@pytest.mark.parametrize(
    ("name", "part", "path"),
    [
        ("kimi_k2", toolfmt.ToolCall(name="a\nb", arguments={}), "$.calls[0].name"),
        ("functiongemma", toolfmt.ToolResult(content="12:00"), "$.parts[0].name"),
        ("gemma4", toolfmt.ToolResult(content="12:00"), "$.parts[0].name"),
        ("mistral_v13", toolfmt.ToolResult(content="12:00", call_id="call_abc"), "$.parts[0].call_id"),
    ],
)
def test_a_refusal_names_the_place(name: str, part: toolfmt.Part, path: str) -> None:
    with pytest.raises(toolfmt.UnrepresentableError) as error:
        toolfmt.render([part], name)
    assert error.value.path == path
    assert "has no call ids" in str(error.value) or "match" not in str(error.value)


@pytest.mark.parametrize("ids", [("1", None), (None, "0"), (None, "1", None)])
def test_made_ids_differ_from_given_ones(ids: tuple[str | None, ...]) -> None:
    for name, given in (("cohere", "{}"), ("kimi_k2", "functions.f:{}")):
        calls = [toolfmt.ToolCall(name="f", arguments={}, id=None if i is None else given.format(i)) for i in ids]
        read = toolfmt.parse(toolfmt.render(calls, name), name).calls
        assert len({call.id for call in read}) == len(ids)


def test_two_results_that_nothing_tells_apart() -> None:
    results = [toolfmt.ToolResult(content="a"), toolfmt.ToolResult(content="b")]
    with pytest.raises(toolfmt.UnrepresentableError, match="a message of its own"):
        toolfmt.render(results, "apertus")


def test_an_id_beside_a_thought() -> None:
    parts = [toolfmt.Text(text="Look."), toolfmt.ToolCall(name="now", arguments={}, id="call_abc")]
    with pytest.raises(toolfmt.UnrepresentableError, match="xlam_v1 has no call ids"):
        toolfmt.render(parts, "xlam_v1")


def test_results_as_templates_write_them() -> None:
    step, kimi = toolfmt.get_format("qwen3_coder"), toolfmt.get_format("kimi_k2")
    assert step.read_results("<tool_response>12:00</tool_response>") == [toolfmt.ToolResult(content="12:00")]
    answer = r"<|im_system|>tool<|im_middle|>## Return of functions.now:0\n12:00" + "\nUTC<|im_end|>"
    v7 = "[TOOL_RESULTS]call00000[TOOL_CONTENT]12:00[/TOOL_RESULTS]"
    assert toolfmt.get_format("mistral_v3").read_results(v7 * 2) == 2 * [
        toolfmt.ToolResult(call_id="call00000", content="12:00")
    ]
    assert kimi.read_results(answer) == [toolfmt.ToolResult(call_id="functions.now:0", content="12:00\nUTC")]


def test_tools_as_templates_declare_them() -> None:
    label = {"type": ["string", "null"], "description": "L"}
    when = {"type": "object", "properties": {"start": {"type": "string"}}, "required": ["start"]}
    tools = [{"name": "f", "description": "F", "parameters": {"type": "object", "properties": {"a": label, "b": when}}}]
    block = toolfmt.describe_tools(tools, "qwen3_coder")
    assert "<type>['string', 'null']</type>" in block
    assert block.index('<properties>{"start"') < block.index('<required>["start"]')
    fmt = toolfmt.get_format("qwen3_coder")
    found = fmt.find_tools(block)
    assert found is not None
    assert found[0][0].parameters == tools[0]["parameters"]
    other = block.replace("following functions:", "following tools:").replace(
        "call a function ONLY", "call a tool ONLY"
    )
    assert fmt.find_tools(f"Hi.\n\n{other}") == (found[0], 5, len(other) + 5)
    step = block.replace("following functions:", "following functions in JSONSchema format:")
    assert fmt.find_tools(step) == (found[0], 0, len(step))
    when_of = "when: {\nstart: \n    string, end?: \n    string},"
    nested = f"namespace functions {{\n\n// F\ntype f = (_: {{\n{when_of}\n}}) => any;\n\n}} // namespace functions"
    harmony = toolfmt.get_format("harmony").find_tools(nested)
    assert harmony is not None
    assert list(harmony[0][0].parameters["properties"]["when"]["properties"]) == ["start", "end"]
    phi4 = toolfmt.describe_tools(tools, "phi4")
    found = toolfmt.get_format("phi4").find_tools(f'as functools[{{"name": [function name]}}]\n{phi4}')
    assert found is not None
    assert found[0][0].name == "f"


@pytest.mark.parametrize("name", ["cohere", "deepseek_v31", "hunyuan", "kimi_k2"])
def test_both_readers_know_the_empty_thought(name: str) -> None:
    fmt = toolfmt.get_format(name)
    assert fmt.reasoning is not None
    for thought in (fmt.no_reasoning, fmt.reasoning[1]):
        assert toolfmt.parse(f"{thought}Hi", name, strict=True).parts == (toolfmt.Text(text="Hi"),)
        assert not toolfmt.parse(f"{thought}\t", name, strict=True).parts
