"""The table of toolfmt's own formats, as data: the one place that knows them by name.

Parser names are those of vLLM 0.33, SGLang 0.5.23, llama.cpp (as vendored in llama-cpp-python 0.3.36) and mlx-lm 0.32.
"""

from dataclasses import dataclass, field

__all__ = ["TABLE", "FormatInfo"]


@dataclass(frozen=True, slots=True)
class FormatInfo:
    """A registered format, as data; asking for it imports nothing."""

    name: str
    target: str
    """``module:Class``."""
    aliases: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    """Prefixes of the model names that speak it, lower case, without the organisation."""
    parsers: dict[str, str] = field(default_factory=dict)
    """The name of its parser elsewhere: ``{"vllm": ..., "sglang": ..., "mlx": ..., "llama.cpp": ...}``."""


TABLE: tuple[FormatInfo, ...] = (
    FormatInfo(
        "json_fence", "toolfmt.formats.json_fence:JsonFence", ("fence", "json_code_fence"), ("gemma-2", "gemma-3")
    ),
    FormatInfo(
        "qwen_xml",
        "toolfmt.formats.qwen_xml:QwenXml",
        ("qwen3_xml", "qwen3_6"),
        ("qwen3.6", "qwen3.8", "qwen3."),
        {"vllm": "qwen3_xml", "sglang": "qwen3_coder", "mlx": "qwen3_coder"},
    ),
    FormatInfo(
        "qwen3_coder",
        "toolfmt.formats.qwen3_coder:Qwen3Coder",
        ("qwen3_5", "nemotron_v3", "step3p5"),
        ("qwen3-coder", "qwen3.5", "nvidia-nemotron-3", "nemotron-3", "step-3.5", "step3.5"),
        {"vllm": "qwen3_coder", "sglang": "qwen3_coder", "mlx": "qwen3_coder"},
    ),
    FormatInfo(
        "functiongemma",
        "toolfmt.formats.functiongemma:FunctionGemma",
        ("function_gemma",),
        ("functiongemma",),
        {"vllm": "functiongemma", "mlx": "function_gemma"},
    ),
    FormatInfo(
        "functiongemma_vllm", "toolfmt.formats.functiongemma_vllm:FunctionGemmaVllm", (), (), {"vllm": "functiongemma"}
    ),
    FormatInfo(
        "gemma4",
        "toolfmt.formats.gemma4:Gemma4",
        ("gemma_4",),
        ("gemma-4",),
        {"vllm": "gemma4", "sglang": "gemma4", "mlx": "gemma4"},
    ),
    FormatInfo("xlam", "toolfmt.formats.xlam:Xlam", ("xlam_2", "xlam2"), ("xlam-2", "llama-xlam-2"), {"vllm": "xlam"}),
    FormatInfo("xlam_v1", "toolfmt.formats.xlam_v1:XlamV1", ("xlam_1", "xlam1"), ("xlam-1b", "xlam-7b", "xlam-8x7b")),
    FormatInfo(
        "hermes",
        "toolfmt.formats.hermes:Hermes",
        ("qwen", "qwen25", "qwen2_5", "qwen3", "qwen3_json", "granite4"),
        (
            "hermes-2",
            "hermes-3",
            "hermes-4",
            "qwen2.5",
            "qwq",
            "qwen3",
            "smollm3",
            "granite-4",
            "falcon",
            "mimo-vl",
            "exaone-4",
            "ling-1t",
            "ling-flash",
            "ling-mini",
            "ling-lite",
            "ling-plus",
        ),
        {"vllm": "hermes", "sglang": "qwen25", "mlx": "json_tools"},
    ),
    FormatInfo(
        "glm45",
        "toolfmt.formats.glm45:Glm45",
        ("glm4_5", "glm46", "glm4_moe"),
        ("glm-4.5", "glm-4.6"),
        {"vllm": "glm45", "sglang": "glm45", "mlx": "glm47"},
    ),
    FormatInfo(
        "glm47",
        "toolfmt.formats.glm47:Glm47",
        ("glm4_7", "glm5"),
        ("glm-4.7", "glm-5"),
        {"vllm": "glm47", "sglang": "glm47", "mlx": "glm47"},
    ),
    FormatInfo(
        "minimax_m2",
        "toolfmt.formats.minimax_m2:MiniMaxM2",
        ("minimax",),
        ("minimax-m2",),
        {"vllm": "minimax_m2", "sglang": "minimax-m2", "mlx": "minimax_m2"},
    ),
    FormatInfo("seed_oss", "toolfmt.formats.seed_oss:SeedOss", ("seed",), ("seed-oss",), {"vllm": "seed_oss"}),
    FormatInfo(
        "dsml",
        "toolfmt.formats.dsml:Dsml",
        ("deepseek_v32", "deepseek_v3_2"),
        ("deepseek-v3.2",),
        {"vllm": "deepseek_v32", "sglang": "deepseekv32"},
    ),
    FormatInfo(
        "dsml_v4", "toolfmt.formats.dsml_v4:DsmlV4", ("deepseek_v4",), ("deepseek-v4",), {"vllm": "deepseek_v4"}
    ),
    FormatInfo(
        "deepseek_v3",
        "toolfmt.formats.deepseek_v3:DeepSeekV3",
        ("deepseek", "deepseek_r1"),
        ("deepseek-v3", "deepseek-r1"),
        {"vllm": "deepseek_v3", "sglang": "deepseekv3", "llama.cpp": "DeepSeek R1"},
    ),
    FormatInfo(
        "deepseek_v31",
        "toolfmt.formats.deepseek_v31:DeepSeekV31",
        ("deepseek_v3_1",),
        ("deepseek-v3.1", "deepseek-v3.2-exp"),
        {"vllm": "deepseek_v31", "sglang": "deepseekv31", "llama.cpp": "DeepSeek V3.1"},
    ),
    FormatInfo(
        "kimi_k2",
        "toolfmt.formats.kimi_k2:KimiK2",
        ("kimi",),
        ("kimi-k2",),
        {"vllm": "kimi_k2", "sglang": "kimi_k2", "llama.cpp": "Kimi K2", "mlx": "kimi_k2"},
    ),
    FormatInfo(
        "mistral_v11",
        "toolfmt.formats.mistral_v11:MistralV11",
        (),
        ("mistral-small-3.2",),
        {"vllm": "mistral", "sglang": "mistral", "mlx": "mistral"},
    ),
    FormatInfo(
        "mistral_v13",
        "toolfmt.formats.mistral_v13:MistralV13",
        ("mistral_v15",),
        ("devstral", "magistral", "ministral-3"),
        {"vllm": "mistral", "sglang": "mistral", "mlx": "mistral"},
    ),
    FormatInfo(
        "functionary_v31",
        "toolfmt.formats.functionary_v31:FunctionaryV31",
        ("functionary",),
        ("functionary-small-v3.1", "functionary-medium-v3.1"),
        {"llama.cpp": "Functionary v3.1 Llama 3.1"},
    ),
    FormatInfo(
        "llama3_json",
        "toolfmt.formats.llama3_json:Llama3Json",
        ("llama3", "llama3_1_json", "llama3_2_json", "llama3_3_json", "llama4_json"),
        ("llama-3.1", "llama-3.2", "llama-3.3", "meta-llama-3.1", "meta-llama-3.2", "meta-llama-3.3"),
        {"vllm": "llama3_json", "sglang": "llama3", "llama.cpp": "Llama 3.x"},
    ),
    FormatInfo(
        "mistral_v3",
        "toolfmt.formats.mistral_v3:MistralV3",
        ("mistral", "mistral_nemo"),
        (
            "mistral-7b-instruct-v0.3",
            "mixtral-8x22b-instruct",
            "mistral-nemo",
            "mistral-large-instruct-2407",
            "mistral-large-instruct-2411",
            "mistral-small-instruct-2409",
            "mistral-small-24b-instruct-2501",
            "mistral-small-3.1",
        ),
        {"vllm": "mistral", "sglang": "mistral", "mlx": "mistral", "llama.cpp": "Mistral Nemo"},
    ),
    FormatInfo(
        "granite",
        "toolfmt.formats.granite:Granite",
        ("granite3",),
        ("granite-3",),
        {"vllm": "granite", "llama.cpp": "Granite"},
    ),
    FormatInfo(
        "phi4", "toolfmt.formats.phi4:Phi4", ("phi4_mini", "functools"), ("phi-4-mini",), {"vllm": "phi4_mini_json"}
    ),
    FormatInfo(
        "hunyuan", "toolfmt.formats.hunyuan:Hunyuan", ("hunyuan_a13b",), ("hunyuan-a13b",), {"vllm": "hunyuan_a13b"}
    ),
    FormatInfo(
        "apertus", "toolfmt.formats.apertus:Apertus", (), ("apertus",), {"vllm": "apertus", "llama.cpp": "Apertus"}
    ),
    FormatInfo(
        "cohere",
        "toolfmt.formats.cohere:Cohere",
        ("command_r7b", "command_a"),
        ("c4ai-command-r7b", "c4ai-command-a", "command-a"),
        {"llama.cpp": "Command R7B"},
    ),
    FormatInfo("minimax_m1", "toolfmt.formats.minimax_m1:MinimaxM1", (), ("minimax-m1",), {"vllm": "minimax"}),
    FormatInfo(
        "internlm2",
        "toolfmt.formats.internlm2:InternLM2",
        ("internlm",),
        ("internlm2", "internlm3"),
        {"vllm": "internlm"},
    ),
    FormatInfo(
        "harmony",
        "toolfmt.formats.harmony:Harmony",
        ("gpt_oss", "openai_harmony"),
        ("gpt-oss",),
        {"vllm": "openai", "sglang": "gpt-oss", "llama.cpp": "GPT-OSS"},
    ),
    FormatInfo(
        "kimi_k3", "toolfmt.formats.kimi_k3:KimiK3", ("xtml",), ("kimi-k3",), {"vllm": "kimi_k3", "mlx": "kimi_k3"}
    ),
    FormatInfo(
        "minicpm5", "toolfmt.formats.minicpm5:MiniCpm5", (), ("minicpm5",), {"vllm": "minicpm5", "mlx": "minicpm5"}
    ),
    FormatInfo("hy3", "toolfmt.formats.hy3:Hy3", ("hy_v3", "hunyuan3"), ("hy3",), {"vllm": "hy_v3"}),
    FormatInfo("minimax_m3", "toolfmt.formats.minimax_m3:MiniMaxM3", (), ("minimax-m3",), {"vllm": "minimax_m3"}),
    FormatInfo("labelled", "toolfmt.formats.labelled:Labelled", ("labeled", "guide")),
    FormatInfo(
        "pythonic",
        "toolfmt.formats.pythonic:PythonicList",
        ("llama3_pythonic", "gemma3_pythonic", "python_list"),
        (),
        {"vllm": "pythonic", "sglang": "pythonic"},
    ),
    FormatInfo(
        "llama4_pythonic",
        "toolfmt.formats.llama4_pythonic:Llama4Pythonic",
        ("llama_4_pythonic",),
        ("llama-4",),
        {"vllm": "llama4_pythonic", "sglang": "pythonic"},
    ),
    FormatInfo("toolace", "toolfmt.formats.toolace:ToolAce", ("tool_ace",), ("toolace",), {"vllm": "pythonic"}),
    FormatInfo(
        "lfm2",
        "toolfmt.formats.lfm2:Lfm2",
        ("lfm2_5", "liquid"),
        ("lfm2", "lfm2.5"),
        {"vllm": "lfm2", "sglang": "lfm2", "mlx": "pythonic"},
    ),
    FormatInfo("olmo3", "toolfmt.formats.olmo3:Olmo3", ("olmo_3",), ("olmo-3", "olmo-3.1"), {"vllm": "olmo3"}),
)
