"""Chat templates: what transformers makes of them, what they refuse, and the JSON that they read.  The laws of every format are in `test_laws.py`."""

import doctest
import json
import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cli_runner import run, run_json
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import TemplateError

import toolfmt
from toolfmt.strategies import nasty_strings
from toolfmt.templates.chat import chat_message
from toolfmt.templates.macros import DECODE, JSON
from toolfmt.templates.sandbox import apply_template
from toolfmt.values import JSONTextError, dumps, loads

WITH_TEMPLATE = (
    "functiongemma", "hermes", "internlm2", "json_fence", "labelled", "llama3_json", "minicpm5", "minimax_m1", "minimax_m2",
    "phi4", "qwen3_coder", "qwen_xml", "seed_oss", "xlam",
)  # fmt: skip
chat_template = cache(toolfmt.chat_template)
MAIN = ("qwen_xml", "json_fence", "functiongemma", "hermes")
TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": 'Says the "weather" <é>.',
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "days": {"type": ["integer", "null"]}},
            },
        },
    }
]
CALLS = [
    {
        "id": "a",
        "type": "function",
        "function": {"name": "get_weather", "arguments": {"city": ' Paris "é"\n', "days": 10**20}},
    },
    {
        "id": "b",
        "type": "function",
        "function": {"name": "get_weather", "arguments": '{"city": "Z\\u00fcrich", "days": null}'},
    },
]
CHAT: list[Any] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Weather in Paris and Zürich?"},
    {"role": "assistant", "content": None, "tool_calls": CALLS},
    {"role": "tool", "tool_call_id": "a", "content": '{"t": 20}'},
    {"role": "tool", "tool_call_id": "b", "content": "fog"},
    {"role": "assistant", "content": "20 degrees, and fog."},
    {"role": "user", "content": [{"type": "text", "text": "Tha"}, {"type": "text", "text": "nks."}]},
    {"role": "assistant", "content": "Bye."},
]


def call(arguments: object = None, name: object = "f", **others: object) -> dict[str, Any]:
    return {
        "role": "assistant",
        "tool_calls": [{"function": {"name": name, "arguments": {} if arguments is None else arguments}}],
        **others,
    }


def render_chat(format: str, *messages: dict[str, Any], **options: Any) -> str:
    return apply_template(chat_template(format), [{"role": "user", "content": "x"}, *messages], **options).text


def test_these_formats_have_templates() -> None:
    found = [info.name for info in toolfmt.formats() if toolfmt.get_format(info.name).turns is not None]
    assert sorted(found) == list(WITH_TEMPLATE)


def test_qwen_xml_as_it_stands() -> None:
    said = apply_template(chat_template("qwen_xml"), CHAT[1:7], add_generation_prompt=True)
    assert said.text == (
        "<|im_start|>user\nWeather in Paris and Zürich?<|im_end|>\n<|im_start|>assistant\n"
        '<tool_call>\n<function=get_weather>\n<parameter=city>\n Paris "é"\n\n</parameter>\n'
        "<parameter=days>\n100000000000000000000\n</parameter>\n</function>\n</tool_call>\n"
        "<tool_call>\n<function=get_weather>\n<parameter=city>\nZürich\n</parameter>\n"
        "<parameter=days>\nnull\n</parameter>\n</function>\n</tool_call><|im_end|>\n<|im_start|>user\n"
        '<tool_response>\n{"t": 20}\n</tool_response>\n<tool_response>\nfog\n</tool_response><|im_end|>\n<|im_start|>assistant\n'
        "20 degrees, and fog.<|im_end|>\n<|im_start|>user\nThanks.<|im_end|>\n<|im_start|>assistant\n"
    )


def test_functiongemma_as_it_stands() -> None:
    said = apply_template(chat_template("functiongemma"), CHAT[:5], tools=TOOLS, bos_token="<bos>").text
    assert said.startswith("<bos><start_of_turn>developer\nBe brief.\n\nYou are a model that can")
    assert "days:{type:[<escape>INTEGER<escape>,<escape>NULL<escape>]}" in said
    assert "response:get_weather{t:20}<end" in said and "response:get_weather{value:<escape>fog<escape>}<end" in said


# In transformers


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """One token a byte."""
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    raw = Tokenizer(models.BPE(vocab={piece: i for i, piece in enumerate(sorted(level.alphabet()))}, merges=[]))
    raw.pre_tokenizer, raw.decoder = level, decoders.ByteLevel()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=raw)


@pytest.mark.parametrize("name", WITH_TEMPLATE)
def test_transformers_writes_the_same_and_masks_what_the_assistant_writes(name: str, tokenizer: Any) -> None:
    chat = [
        message for message in CHAT if message is not CHAT[2] or name != "llama3_json"
    ]  # which writes one call a message
    template = chat_template(name)
    ours = apply_template(template, chat, tools=TOOLS)
    options = {"tools": TOOLS, "chat_template": template}
    assert tokenizer.apply_chat_template(chat, tokenize=False, **options) == ours.text
    found = tokenizer.apply_chat_template(
        chat, tokenize=True, return_dict=True, return_assistant_tokens_mask=True, **options
    )
    said = [token for token, ours in zip(found["input_ids"], found["assistant_masks"], strict=True) if ours]
    texts = [ours.text[a:b].removesuffix("<|im_end|>") for a, b in ours.spans]
    turns = [chat_message(toolfmt.parse(text, name, tools=TOOLS).parts) for text in texts]
    assert tokenizer.decode(said) == "".join(ours.text[a:b] for a, b in ours.spans)
    assert [turn["content"] for turn in turns[-2:]] == ["20 degrees, and fog.", "Bye."]
    if len(turns) == 3:
        assert [held["function"]["arguments"] for held in turns[0]["tool_calls"]] == [
            {"city": ' Paris "é"\n', "days": 10**20},
            {"city": "Zürich", "days": None},
        ]


def test_trl_finds_them_fit_for_training(tokenizer: Any) -> None:
    trl = pytest.importorskip("trl.chat_template_utils", reason="needs trl, which `toolfmt[train]` has")
    for name in WITH_TEMPLATE:
        tokenizer.chat_template = chat_template(name)
        assert trl.is_chat_template_prefix_preserving(tokenizer), name
        assert trl.supports_tool_calling(tokenizer), name


@pytest.mark.parametrize("name", WITH_TEMPLATE)
def test_without_generation_markers_it_writes_the_same(name: str) -> None:
    plain = apply_template(chat_template(name, generation_markers=False), CHAT[:2] + CHAT[5:], tools=TOOLS)
    assert plain.spans == ()
    assert plain.text == apply_template(chat_template(name), CHAT[:2] + CHAT[5:], tools=TOOLS).text


@pytest.mark.parametrize("name", WITH_TEMPLATE)
def test_every_beginning_of_a_chat_begins_the_longer_one(name: str) -> None:
    chat = [
        {**message, "tool_calls": message["tool_calls"][:1]} if message.get("tool_calls") else message
        for message in CHAT
    ]
    chat = [message for message in chat if message.get("tool_call_id") != "b"]
    texts = [apply_template(chat_template(name), chat[:n], tools=TOOLS).text for n in range(len(chat) + 1)]
    for shorter, longer in pairwise(texts):
        assert longer.startswith(shorter)
    assert len(set(texts)) == len(texts)


def test_thoughts_of_earlier_turns_stay() -> None:
    thinking = {"role": "assistant", "content": "Hi.", "reasoning_content": "A\ngreeting"}
    said = render_chat("hermes", thinking, {"role": "user", "content": "y"}, {"role": "assistant", "content": "Hm."})
    assert "<|im_start|>assistant\n<think>\nA\ngreeting\n</think>\n\nHi.<|im_end|>" in said


# What it refuses


@pytest.mark.parametrize(
    ("format", "message", "said"),
    [
        ("hermes", {"role": "assistant", "content": "<tool_call>"}, r"messages\[1\].content: hermes cannot write text that holds `<tool_call>`"),
        ("hermes", {"role": "assistant", "content": "x <|im_end|> y"}, r"holds `<\|im_end\|>`"),
        ("hermes", {"role": "assistant", "reasoning_content": "a</think>b"}, r"reasoning_content: hermes cannot write text that holds `</think>`"),
        ("hermes", call("[1]"), r"messages\[1\].tool_calls\[0\].arguments: expected a JSON object"),
        ("hermes", call('{"a": 1'), r"expected a JSON object, but it is cut off"),
        ("hermes", call('{"a": 1, "a": 2}'), r"but an object gives a key twice"),
        ("hermes", call({"a": [float("nan")]}), r"JSON has no `nan`"),
        ("hermes", call({"a": float("-inf")}), r"JSON has no `-inf`"),
        ("hermes", call(name=""), r"messages\[1\].tool_calls\[0\]: the call has no name"),
        ("hermes", {"role": "assistant", "content": {"a": 1}}, r"messages\[1\].content: expected text"),
        ("hermes", {"role": "user", "content": [{"type": "image"}]}, r"expected text, and parts of type `text`"),
        ("hermes", {"role": "assistant", "content": "", "function_call": {"name": "f"}}, r"has no place for `function_call`"),
        ("hermes", {"role": "critic", "content": ""}, r"messages\[1\]: unknown role `critic`"),
        ("hermes", {"role": "user", "content": "", "tool_calls": [{}]}, r"only the assistant calls tools"),
        ("qwen_xml", call({"a": "x\n</parameter>\n<parameter=b>\ny"}), r"tool_calls\[0\].arguments.a: qwen_xml cannot write text that holds"),
        ("qwen_xml", call({"a>b": 1}), r"arguments.a>b: qwen_xml cannot write the name `a>b`"),
        ("functiongemma", call({"a": {"b": ["<escape>"]}}), r"arguments.a.b\[0\]: functiongemma cannot write text that holds `<escape>`"),
        ("functiongemma", call(name="é"), r"name: functiongemma cannot write the name `é`"),
        ("functiongemma", call(reasoning_content="Hm."), r"functiongemma has no place for reasoning"),
        ("functiongemma", call(content=" \n"), r"content: functiongemma reads no white space alone as text"),
        ("functiongemma", {"role": "tool", "content": "x"}, r"messages\[1\].name: expected a name"),
        ("json_fence", {"role": "assistant", "content": '```json\n{"name": "f", "arguments": {}}\n```'}, r"may read this text as a call"),
        ("json_fence", call(content="```python\nx"), r"may read this text as a call"),
        ("xlam", call(content="Before."), r"xlam has no place for text beside calls"),
        ("llama3_json", {"role": "assistant", "tool_calls": CALLS}, r"llama3_json writes one call a message"),
    ],
)  # fmt: skip
def test_what_it_cannot_say_it_refuses(format: str, message: dict[str, Any], said: str) -> None:
    with pytest.raises(TemplateError, match=said):
        render_chat(format, message)


def test_code_in_an_answer_is_no_call() -> None:
    code = 'Like this:\n\n```json\n{"a": 1}\n```\n\n```python\nprint("name")\n```'
    assert code + "<|im_end|>" in render_chat("json_fence", {"role": "assistant", "content": code})
    assert code + "\n\n```json\n" in render_chat("json_fence", call(content=code))


def test_results_stand_in_the_order_of_their_calls() -> None:
    swapped = [CHAT[1], CHAT[2], CHAT[4], CHAT[3]]
    with pytest.raises(
        TemplateError,
        match=r"messages\[2\].tool_call_id: this template writes no ids, so results must stand in the order",
    ):
        apply_template(chat_template("hermes"), swapped)


@pytest.mark.parametrize("name", MAIN)
@pytest.mark.parametrize(
    ("tool", "said"),
    [
        ({"type": "web_search"}, r"tools\[0\]: expected a function and its name"),
        (
            {"name": "f", "parameters": {"type": "array"}},
            r"tools\[0\].parameters: expected the JSON Schema of an object",
        ),
        ({"name": "f", "parameters": []}, None),
    ],
)
def test_tools_that_it_cannot_declare(name: str, tool: dict[str, Any], said: str | None) -> None:
    if said is None:
        assert toolfmt.describe_tools([{"name": "f"}], name) in render_chat(name, tools=[tool])
        return
    with pytest.raises(TemplateError, match=said):
        render_chat(name, tools=[tool])


@pytest.mark.parametrize(("system", "between"), [(None, ""), ("", ""), ("Be brief.", "Be brief.\n\n")])
def test_tools_stand_behind_the_system_message(system: str | None, between: str) -> None:
    chat = [] if system is None else [{"role": "system", "content": system}]
    said = apply_template(chat_template("hermes"), [*chat, CHAT[1]], tools=TOOLS).text
    assert said.startswith(f"<|im_start|>system\n{between}{toolfmt.describe_tools(TOOLS, 'hermes')}<|im_end|>\n<|im_start|>user\n")


@pytest.mark.parametrize("name", WITH_TEMPLATE)
def test_tools_of_other_shapes(name: str) -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string", "enum": ["x"]}},
        "required": ["a"],
        "additionalProperties": False,
    }
    shapes: list[Any] = [
        {"name": "f", "description": "Does f.", "input_schema": schema},
        {"type": "function", "name": "g", "parameters": schema},
        {"type": "function", "function": {"name": "h", "description": None}},
    ]
    assert toolfmt.describe_tools(shapes, name) in render_chat(name, tools=shapes)


def test_a_format_without_turns_has_none() -> None:
    with pytest.raises(toolfmt.UnrepresentableError, match="no chat template of kimi_k2: it says no markers of turns"):
        toolfmt.chat_template("kimi_k2")


def test_a_format_that_writes_otherwise_than_its_family_is_refused() -> None:
    """What an override does, the template cannot know: it is proved against what the format writes."""
    from toolfmt.formats.hermes import Hermes

    class Terse(Hermes):
        def write_body(self, call: toolfmt.ToolCall) -> str:
            return super().write_body(call).replace(', "arguments": {}}', "}")

    with pytest.raises(toolfmt.UnrepresentableError, match="no chat template of hermes"):
        chat_template(Terse())


# The JSON that it reads


def decoded(text: str) -> tuple[str, str]:
    """What the template reads in a JSON text, written again, and what it says is wrong."""
    shown = "{{- out.error ~ '|' -}}{%- if not out.error -%}{{- json(out.value) -}}{%- endif -%}"
    source = f"{JSON}{DECODE}{{%- set out = namespace(value=none, error='') -%}}{{{{- decode(messages, out) -}}}}{shown}"
    error, _, value = apply_template(source, text).text.partition("|")
    return value, error


def check_decoding(text: str) -> None:
    try:
        value = loads(text)
        wanted = None if "\\ud" in dumps(value) else dumps(value)
    except (JSONTextError, ValueError):
        wanted = None
    value, error = decoded(text)
    assert (value if not error else None) == wanted, text


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | nasty_strings(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(nasty_strings(), inner, max_size=3),
    max_leaves=8,
)


@given(value=VALUES, ascii=st.booleans(), indent=st.sampled_from([None, 0, 2]))
def test_it_reads_json_exactly(value: Any, ascii: bool, indent: int | None) -> None:
    check_decoding(json.dumps(value, ensure_ascii=ascii, indent=indent))


@given(
    value=VALUES,
    cut=st.integers(0, 200),
    piece=st.sampled_from([*'{}[]",:\\ 0.-e+', "", "\\u", "\\ud83d", "true", "\n", "1e400", '"a":1']),
)
def test_it_reads_what_is_json_and_nothing_else(value: Any, cut: int, piece: str) -> None:
    text = json.dumps(value)
    at = cut % (len(text) + 1)
    check_decoding(text[:at] + piece + text[at + 1 :])
    check_decoding(text[:at] + piece + text[at:])


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "{", "}", "[1,]", "[,1]", "{,}", '{"a"}', '{"a":}', '{"a":1,}', "[1 2]", '["a" "b"]', '[1"a"]', '["a"1]', "01", "-01", "+1", "1.",
        ".5", "-", "1e", "1e+", "1.5.5", "1e5e5", "-0", "-0.0", "0e5", "1E5", "1_0", "0x1", "NaN", "Infinity", "nul", "truefalse", "[]]", "[[]",
        "1 2", '"a', '"\\"', '"\\x"', '"\\u12"', '"\\u12G4"', '"\\ud83d\\ude00"', '"\\ud83d"', '"\\ude00"', '"\\ud83dx"', '"\\ud83d\\n"',
        '"\\ud83d\\ud83d\\ude00"', '"\\\\"', '"\\\\\\""', '"a\nb"', '"\\/\\b\\f\\u0000"', '{"a":{"b":[{}]}}', '{"items":1,"keys":2,"a":1,"a":1}',
        "٣", "1٣", "\u00a01", "[1\u20282]", '{"self": 1, "value": {"": ""}}', "1e400", "9" * 40,
    ],
)  # fmt: skip
def test_json_by_hand(text: str) -> None:
    check_decoding(text)


# The command


def test_the_command_prints_it(tmp_path: Path) -> None:
    assert run("template", "qwen_xml").stdout == chat_template("qwen_xml") + "\n"
    assert run_json("template", "hermes", "--plain") == {
        "format": "hermes",
        "template": chat_template("hermes", generation_markers=False),
    }
    out = tmp_path / "chat_template.jinja"
    said = run("template", "hermes", "-o", str(out))
    assert said.stdout == "" and "wrote" in said.stderr
    assert out.read_text(encoding="utf-8") == chat_template("hermes")


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    assert (
        run("template", "kimi_k2", code=2).stderr == "error: no chat template of kimi_k2: it says no markers of turns\n"
    )
    assert "unknown format `hermess`" in run("template", "hermess", code=2).stderr
    assert "no such file" in run("template", "hermes", "-o", str(tmp_path / "no" / "x"), code=2).stderr


# Against public templates


def public(shared: Path, name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The outputs of a public template, each with the conversation it was made of."""
    rows = [
        json.loads(line)
        for line in (shared / "vectors" / "conversations.jsonl").read_text(encoding="utf-8").split("\n")
        if line
    ]
    chats = {row["conversation_id"]: row for row in rows if row["kind"] == "conversation"}
    found = [
        row for row in rows if row.get("template") == name and row.get("arguments_form") == "dict" and "rendered" in row
    ]
    return [(row, chats[row["conversation_id"]]) for row in found]


@pytest.mark.parametrize(
    ("name", "format"), [("trl:qwen3_instruct_2507", "hermes"), ("llama.cpp:Qwen2.5-7B-Instruct", "hermes")]
)
def test_it_writes_what_a_public_template_writes(shared: Path, name: str, format: str) -> None:
    """All but the default system message of Qwen2.5, and thoughts, which neither of the two writes."""
    compared = 0
    for row, chat in public(shared, name):
        messages = chat["messages"][: row["message_index"] + 1]
        if "You are Qwen" in row["rendered"] or any(message.get("reasoning_content") for message in messages):
            continue
        said = apply_template(chat_template(format), messages, tools=chat["tools"])
        assert said.text == row["rendered"], row["conversation_id"]
        compared += 1
    assert compared >= 25


def test_the_page_runs() -> None:
    page = Path(__file__).resolve().parent.parent / "docs" / "templates.md"
    found = doctest.testfile(str(page), module_relative=False)
    assert found.attempted >= 12 and found.failed == 0
    listed = page.read_text(encoding="utf-8").partition("## Which formats")[2].partition("The others")[0]
    assert tuple(re.findall(r"`(\w+)`", listed)) == WITH_TEMPLATE
