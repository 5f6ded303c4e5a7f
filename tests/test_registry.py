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
