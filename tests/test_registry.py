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


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct", "qwen3_coder"), ("Qwen/Qwen2.5-7B-Instruct", "hermes"), ("Qwen/Qwen3-0.6B", "hermes"),
        ("Qwen/Qwen3-Next-80B-A3B-Instruct", "hermes"), ("Qwen/Qwen3-Coder-Next", "qwen3_coder"), ("Qwen/Qwen3.6-27B", "qwen_xml"),
        ("Qwen/Qwen3.5-4B", "qwen3_coder"), ("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "qwen3_coder"), ("stepfun-ai/Step-3.5-Flash", "qwen3_coder"),
        ("google/functiongemma-270m-it", "functiongemma"), ("google/gemma-4-31B-it", "gemma4"), ("google/gemma-3-27b-it", "json_fence"),
        ("Salesforce/xLAM-2-3b-fc-r", "xlam"), ("Salesforce/Llama-xLAM-2-8b-fc-r", "xlam"), ("Salesforce/xLAM-7b-fc-r", "xlam_v1"),
        ("NousResearch/Hermes-3-Llama-3.1-8B", "hermes"), ("ibm-granite/granite-4.0-h-tiny", "hermes"), ("HuggingFaceTB/SmolLM3-3B", "hermes"),
        ("ibm-granite/granite-3.3-8b-instruct", "granite"), ("meta-llama/Llama-3.1-8B-Instruct", "llama3_json"),
        ("meta-llama/Meta-Llama-3.1-70B-Instruct", "llama3_json"), ("unsloth/Llama-3.3-70B-Instruct-bnb-4bit", "llama3_json"),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", "llama4_pythonic"), ("mistralai/Mistral-7B-Instruct-v0.3", "mistral_v3"),
        ("mistralai/Mistral-Nemo-Instruct-2407", "mistral_v3"), ("mistralai/Mistral-Small-3.2-24B-Instruct-2506", "mistral_v11"),
        ("mistralai/Devstral-Small-2507", "mistral_v13"), ("mistralai/Ministral-3-14B-Reasoning-2512", "mistral_v13"),
        ("deepseek-ai/DeepSeek-V3-0324", "deepseek_v3"), ("deepseek-ai/DeepSeek-R1", "deepseek_v3"), ("deepseek-ai/DeepSeek-V3.1-Terminus", "deepseek_v31"),
        ("deepseek-ai/DeepSeek-V3.2", "dsml"), ("deepseek-ai/DeepSeek-V3.2-Exp", "deepseek_v31"), ("deepseek-ai/DeepSeek-V4-Flash", "dsml_v4"),
        ("moonshotai/Kimi-K2-Thinking", "kimi_k2"), ("moonshotai/Kimi-K3", "kimi_k3"), ("zai-org/GLM-4.6", "glm45"), ("zai-org/GLM-4.5-Air", "glm45"),
        ("zai-org/GLM-4.7-Flash", "glm47"), ("zai-org/GLM-5", "glm47"), ("MiniMaxAI/MiniMax-M1-80k", "minimax_m1"), ("MiniMaxAI/MiniMax-M2", "minimax_m2"),
        ("MiniMaxAI/MiniMax-M3", "minimax_m3"), ("openai/gpt-oss-20b", "harmony"), ("CohereLabs/c4ai-command-r7b-12-2024", "cohere"),
        ("CohereLabs/c4ai-command-a-03-2025", "cohere"), ("microsoft/Phi-4-mini-instruct", "phi4"), ("ByteDance-Seed/Seed-OSS-36B-Instruct", "seed_oss"),
        ("tencent/Hunyuan-A13B-Instruct", "hunyuan"), ("allenai/Olmo-3-7B-Instruct", "olmo3"), ("swiss-ai/Apertus-8B-Instruct-2509", "apertus"),
        ("openbmb/MiniCPM5-8B", "minicpm5"), ("LiquidAI/LFM2.5-1.2B-Instruct", "lfm2"), ("internlm/internlm2_5-7b-chat", "internlm2"),
        ("meetkai/functionary-medium-v3.1", "functionary_v31"), ("Team-ACE/ToolACE-8B", "toolace"), ("bartowski/Qwen_Qwen3-8B-GGUF", "hermes"),
    ],
)  # fmt: skip
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
