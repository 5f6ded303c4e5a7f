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
        ("qwen3.6", "qwen3.8"),
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
    FormatInfo("xlam", "toolfmt.formats.xlam:Xlam", ("xlam_2", "xlam2"), ("xlam-2", "llama-xlam-2"), {"vllm": "xlam"}),
    FormatInfo("xlam_v1", "toolfmt.formats.xlam_v1:XlamV1", ("xlam_1", "xlam1"), ("xlam-1b", "xlam-7b", "xlam-8x7b")),
    FormatInfo(
        "hermes",
        "toolfmt.formats.hermes:Hermes",
        ("qwen", "qwen25", "qwen2_5", "qwen3", "qwen3_json", "granite4"),
        ("hermes-2", "hermes-3", "qwen2.5", "qwq", "qwen3", "smollm3", "granite-4", "falcon"),
        {"vllm": "hermes", "sglang": "qwen25", "mlx": "json_tools"},
    ),
    FormatInfo("labelled", "toolfmt.formats.labelled:Labelled", ("labeled", "guide")),
)
