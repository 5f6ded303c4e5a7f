"""Where toolfmt and a public chat template differ, and why: each difference of `vector_cases` with its templates and its cases."""

from dataclasses import dataclass

from vector_cases import SELECT, Case

__all__ = ["DECISIONS", "DROPS_CALLS", "Decision", "explained"]


@dataclass(frozen=True, slots=True)
class Decision:
    """``about`` is one or more of `ASPECTS`; ``cases`` holds conversations, conversations with a turn, and names of `SELECT`."""

    about: str
    why: str
    templates: tuple[str, ...]
    cases: tuple[str, ...]

    def covers(self, case: Case) -> bool:
        names = {case.key, case.key.partition(":")[0]}
        return case.template in self.templates and any(
            SELECT[each](case) if each in SELECT else each in names for each in self.cases
        )


DROPS_CALLS = {
    "llama.cpp:LFM2.5-Instruct": "the copy writes the message's text alone",
    "llama.cpp:SmolLM3-3B": "the copy writes the message's text alone",
    "llama.cpp:granite-3.3-2B": "the copy writes the message's text alone",
}
"""Templates that leave out every call; only their texts without calls are compared."""

RAW_TAGS = (
    "llama.cpp:ByteDance-Seed-OSS",
    "llama.cpp:NVIDIA-Nemotron-3-Nano-30B-A3B", "llama.cpp:Qwen3-Coder", "llama.cpp:Qwen3.5-4B", "llama.cpp:StepFun3.5-Flash",
    "ollama:qwen3coder", "trl:qwen3_6", "trl:qwen3_6_training", "vllm:qwen3coder",
)  # fmt: skip
GEMMA4 = ("llama.cpp:google-gemma-4-31B-it", "unsloth:gemma-4", "vllm:gemma4")

DECISIONS = (
    # -- calls that cannot be read
    Decision(
        "calls",
        "The value holds `\\n</parameter>\\n<parameter=`: the template writes what no reader can tell from two arguments, and `render` refuses it.",
        RAW_TAGS,
        ("lookalike_parameter",),
    ),
    Decision(
        "calls",
        "vLLM's example template writes containers, booleans and null in Python spelling inside string marks, and strings that look like JSON bare: "
        "neither Google's dialect nor what vLLM's parser reads back.",
        ("vllm:functiongemma",),
        (
            "nested_object", "deep_nesting", "numbers", "null_value", "str_json_number", "str_json_object", "code_search_rg", "enums", "any_type",
            "multi_turn_two_steps:1",
        ),
    ),
    Decision(
        "calls",
        "Strings stand without quotes: `city=Rome`.",
        ("vllm:llama3.2_pythonic", "vllm:toolace"),
        ("@string arguments",),
    ),
    Decision(
        "calls",
        "No comma stands between arguments, and none can be told where a value does not end in a quote: `limit=5fields=[...]`.",
        ("vllm:gemma3_pythonic",),
        ("deep_nesting", "numbers", "numbers_exp", "null_value", "code_search_rg", "odd_names"),
    ),
    Decision(
        "calls",
        "Every value stands in double quotes, in Python spelling without escapes: any other value reads as a string, and a quote ends one.",
        ("vllm:llama4_pythonic",),
        (
            "nested_object", "deep_nesting", "numbers", "numbers_exp", "null_value", "str_quotes", "str_json_object", "long_code", "code_search_rg",
            "enums", "any_type", "odd_names", "multi_turn_two_steps:1",
        ),
    ),
    Decision(
        "calls",
        "The template puts strings in single quotes without escaping those inside.",
        ("trl:lfm2_2_5",),
        ("str_quotes", "long_code"),
    ),
    Decision(
        "calls",
        "The template drops null, writes empty containers as nothing, and a string that spells a number like the number.",
        ("llama.cpp:MiniMax-M3",),
        ("deep_nesting", "null_value", "any_type"),
    ),
    Decision("calls", "The template writes only the first of several calls.", ("llama.cpp:gpt-oss-120b",), ("parallel_same",)),
    # -- texts whose beginning or end is not the model's
    Decision(
        "text written",
        "The start of the text is only roughly known: it begins with the end of the turn before and this turn's header.",
        ("llama.cpp:NousResearch-Hermes-2-Pro-Llama-3-8B", "vllm:hermes", "vllm:llama4_json", "llama.cpp:Mistral-Nemo-Instruct-2407"),
        ("@rough start",),
    ),
    Decision(
        "end",
        "Behind the end-of-turn marker stands the next turn's header, so the marker is not the end.",
        ("llama.cpp:command-r7b-12-2024", "vllm:phi4_mini", "vllm:toolace"),
        ("@all",),
    ),
    Decision(
        "text rendered written",
        "The start of the text is only roughly known: it begins inside the mark `<|START_RESPONSE|>`.",
        ("llama.cpp:command-r7b-12-2024",),
        ("multi_turn:1", "multi_turn_two_steps:2", "user_after_result:1", "answer_only", "no_tools"),
    ),
    Decision(
        "text written",
        "Spaces by which the template is indented stand before the text, and between calls and their closing mark.",
        ("vllm:deepseekv3", "vllm:deepseekv31"),
        ("@text",),
    ),
    Decision(
        "rendered written",
        "Spaces by which the template is indented stand before the calls and before their closing mark.",
        ("vllm:deepseekv3", "vllm:deepseekv31"),
        ("@calls",),
    ),
    Decision(
        "reasoning",
        "The start of the text is only roughly known: this turn's header stands before `</think>`.",
        ("vllm:deepseekv31",),
        ("@rough start",),
    ),
    Decision(
        "rendered written",
        "After a tool result the template leaves out the mark that opens the calls, and writes a newline.",
        ("trl:deepseekv3",),
        ("multi_turn_two_steps:1", "user_after_result:2"),
    ),
    Decision(
        "rendered written",
        "The template writes a newline of its own before `<think>`.",
        ("llama.cpp:GLM-4.6",),
        ("reasoning_call",),
    ),
    Decision(
        "text written",
        "A space stands before the text.",
        ("vllm:mistral",),
        ("@text",),
    ),
    # -- ids, channels
    Decision("ids", "The template gives calls numbers of its own.", ("llama.cpp:command-r7b-12-2024",), ("@calls",)),
    Decision(
        "text reasoning written",
        "The template writes the text beside a call into the channel of thoughts; toolfmt writes it into `commentary`, as the model does.",
        ("llama.cpp:gpt-oss-120b",),
        ("@calls and text",),
    ),
    Decision(
        "text written",
        "The template writes a newline of its own between a tool result and the text.",
        ("vllm:gemma4",),
        ("multi_turn:1", "multi_turn_two_steps:2", "user_after_result:1"),
    ),
    Decision(
        "text written",
        "The template writes a newline of its own before a text.",
        ("vllm:functiongemma",),
        ("multi_turn:1", "multi_turn_two_steps:2", "user_after_result:1", "answer_only"),
    ),
    # -- other spellings
    Decision(
        "rendered written",
        "`</think>` stands without its newlines, one newline before a call and one after the last.",
        ("llama.cpp:NVIDIA-Nemotron-3-Nano-30B-A3B",),
        ("@all",),
    ),
    Decision(
        "rendered written",
        "One newline stands after `</think>`, and calls are glued to the text and to each other.",
        ("llama.cpp:StepFun3.5-Flash",),
        ("@all",),
    ),
    Decision(
        "rendered written",
        "A newline stands before the first call of a message that has no text.",
        ("ollama:qwen3coder",),
        ("@calls alone",),
    ),
    Decision("rendered written", "A space stands behind `[TOOL_CALLS]`.", ("vllm:mistral",), ("@calls",)),
    Decision(
        "rendered written",
        "A newline stands behind the calls. Several calls stand side by side, which toolfmt reads and, for this format, does not write.",
        ("vllm:llama4_json",),
        ("@calls",),
    ),
    Decision(
        "rendered written",
        "The calls stand bare, without `functools[...]`.",
        ("vllm:phi4_mini",),
        ("@calls",),
    ),
    Decision("rendered written", "Strings stand in double quotes.", ("vllm:gemma3_pythonic",), ("@strings",)),
    Decision("rendered written", "Strings in containers stand in single quotes.", ("vllm:toolace",), ("deep_nesting",)),
    Decision(
        "rendered written",
        "Line breaks stand unescaped in strings.",
        ("vllm:llama4_pythonic",),
        ("str_newlines", "lookalike_parameter", "lookalike_special", "str_only_newline"),
    ),
    Decision("rendered written", "Null is written `<nil>`.", ("ollama:functiongemma",), ("@null",)),
    Decision(
        "rendered written",
        "Null is written `None`; the newest revision, which toolfmt follows, writes `null`.",
        ("llama.cpp:google-gemma-4-31B-it",),
        ("@null",),
    ),
    Decision(
        "written",
        "The template sorts keys; toolfmt keeps their order.",
        ("ollama:functiongemma", *GEMMA4),
        ("@unsorted",),
    ),
    Decision(
        "written",
        "The template moves the text behind the calls; toolfmt keeps its place.",
        GEMMA4,
        ("@calls and text",),
    ),
    Decision(
        "rendered written",
        "A newline stands before the call, between a tool result and what follows.",
        ("vllm:gemma4",),
        ("multi_turn_two_steps:1",),
    ),
    Decision(
        "rendered written",
        "A string that holds `<` is written as it is; vLLM's parser would lose it, so toolfmt writes `\\u003c`.",
        ("vllm:functiongemma",),
        ("str_html", "lookalike_parameter", "lookalike_special", "long_code"),
    ),
    Decision(
        "rendered written",
        "The names hold `-` and `.`, which vLLM's parser cannot read: toolfmt refuses to write them.",
        ("vllm:functiongemma",),
        ("odd_names",),
    ),
)  # fmt: skip


def explained(template: str, aspect: str) -> list[Decision]:
    """The decisions that concern an aspect of a template."""
    return [each for each in DECISIONS if template in each.templates and aspect in each.about.split()]
