"""Layouts whose calls are text in a conversation: `hermes_fc`, `glaive`, `toolace`."""

import copy

import pytest
from layout_cases import CONVERSATIONS, openai_row
from layout_rows import GLAIVE, HERMES, HERMES_SYSTEM, NO_TOOLS, OPENAI_TOOLS, QWEN, TOOLACE, WIRE, calls_of, said_of

from toolfmt.conversion.rows import RowConverter
from toolfmt.convert import convert
from toolfmt.errors import LossError, UnrepresentableError
from toolfmt.layouts.payload import payload
from toolfmt.report import Report
from toolfmt.values import JSONTextError

# hermes_fc


def test_hermes_fc_reads_literals_and_says_so() -> None:
    made, said = said_of(HERMES, layout="openai")
    assert calls_of(made) == [("get_weather", {"city": "L'Isle", "days": 3}), ("get_weather", {"city": "Paris"})]
    assert [m["content"] for m in made["messages"]] == [
        "You are a function calling AI model. \n", "Paris and Rome?", "Let me look.", '{"t": 21, "x": null, "ok": true}', "warm", "Fine.",
    ]  # fmt: skip
    assert [m.get("tool_call_id") for m in made["messages"][3:5]] == ["call_0", "call_1"]
    assert made["tools"] == OPENAI_TOOLS and made["category"] == "Weather"
    assert said == ["$.conversations[0].value: the list of tools is a Python literal, not JSON, and was read as one (encoding)"]
    report = Report()
    convert([HERMES], layout="openai", report=report)
    assert report.notice_counts["encoding"] == 3


def test_hermes_fc_is_written_as_json_where_it_stays() -> None:
    made, _ = said_of(HERMES, layout="hermes_fc")
    value = [turn["value"] for turn in made["conversations"]]
    assert value[0] == HERMES_SYSTEM and value[4] == "Fine."
    assert value[2] == (
        'Let me look.\n<tool_call>\n{"name": "get_weather", "arguments": {"city": "L\'Isle", "days": 3}}\n</tool_call>\n' + WIRE
    )
    assert value[3] == (
        '<tool_response>\n{"name": "get_weather", "content": {"t": 21, "x": null, "ok": true}}\n</tool_response>\n'
        '<tool_response>\n{"name": "get_weather", "content": "warm"}\n</tool_response>'
    )
    assert convert([made], layout="hermes_fc") == [made]


def test_hermes_fc_of_an_openai_row() -> None:
    made = convert([CONVERSATIONS["system"]], layout="hermes_fc", on_loss="ignore")[0]["conversations"]
    assert [turn["from"] for turn in made] == ["system", "human", "gpt", "tool", "gpt"]
    assert made[0]["value"].startswith("Be brief.\n\nYou are provided with function signatures within <tools> </tools> XML tags.\n<tools>\n[{")
    assert made[2]["value"] == '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>'
    assert made[3]["value"] == '<tool_response>\n{"name": "now", "content": "12:00"}\n</tool_response>'


def test_results_and_prompts_keep_every_character() -> None:
    row = copy.deepcopy(CONVERSATIONS["system"])
    for content in ('{"a":1}', '{"a": 1}', '"x"', "5", " x\n", "<tool_response>"):
        row["messages"][3]["content"] = content
        made = convert([row], layout="hermes_fc", on_loss="ignore")
        assert convert(made, layout="openai", on_loss="ignore")[0]["messages"][3]["content"] == content
    assert convert(made, to="qwen_xml")[0]["conversations"][0]["value"].startswith("Be brief.\n\n# Tools\n\nYou have")


@pytest.mark.parametrize(("layout", "text"), [("hermes_fc", WIRE), ("toolace", "[now()]")])
def test_a_text_that_would_be_read_as_a_call_is_refused(layout: str, text: str) -> None:
    row = openai_row({"role": "user", "content": "x"}, {"role": "assistant", "content": text})
    outcome = RowConverter(None, layout)(row)
    assert str(outcome.error) == f"$.messages[1]: this text has no call, and layout `{layout}` would read one in it"


def test_a_result_that_is_no_payload_is_kept_as_text() -> None:
    for body, text, name in [("\nwarm, {'a'\n", "warm, {'a'", None), ('\n{"name": "f", "content": {a: 1}}\n', "{a: 1}", "f")]:
        turns = [{"from": "gpt", "value": WIRE}, {"from": "tool", "value": f"<tool_response>{body}</tool_response>"}]
        made, said = said_of({"conversations": [NO_TOOLS, *turns]}, layout="openai")
        assert made["messages"][1]["content"] == text and made["messages"][1].get("name") == name and made["tools"] == []
        assert said == ["$.conversations[2].value: a result is neither JSON nor a Python literal and was kept as text (encoding)"]


@pytest.mark.parametrize("body", ["{'name': 'f', 'arguments': {1, 2}}", "{'name': 'f', 'arguments': {'a': (1, 2)}}", "{oops", "{'name': b'f'}"])
def test_a_broken_call_stays_text_and_issaid_of(body: str) -> None:
    value = f"So:\n<tool_call>\n{body}\n</tool_call>"
    row = {"conversations": [NO_TOOLS, {"from": "gpt", "value": value}]}
    made, said = said_of(row, layout="openai")
    assert made["messages"] == [{"role": "assistant", "content": value}]
    assert said[0].startswith("$.conversations[1]: a broken call stays as text: ") and said[0].endswith("(malformed)")
    with pytest.raises(LossError, match="a broken call stays as text"):
        convert([row], layout="openai")


@pytest.mark.parametrize("text", ["(1, 2)", "{1}", "b'x'", "nan", "__import__('os')", "[" * 3000, "1e999", "{'a': 1, 'a': 2}", "{1: 2}", "x + 1"])
def test_a_payload_is_never_evaluated(text: str) -> None:
    with pytest.raises(JSONTextError):
        payload(text)
    assert payload("{'a': None, 'b': [True, -1.5]}") == ({"a": None, "b": [True, -1.5]}, True)


# glaive


def test_glaive_arguments_are_cut_from_both_ends() -> None:
    made, said = said_of(GLAIVE, layout="openai")
    assert [message["role"] for message in made["messages"]] == ["user", "assistant", "tool", "assistant", "user", "assistant"]
    assert calls_of(made) == [("get_weather", {"city": "L'Isle '} x", "days": 3})]
    contents = ["It is\n\n\nhot. ASSISTANT: no", "Sure.", '{"t": 21}', "It is 21.", "thanks", "Bye!"]
    assert [message["content"] for message in made["messages"]] == contents
    assert [tool["function"]["name"] for tool in made["tools"]] == ["get_weather", "now"]
    assert not said
    back = convert([made], layout="glaive", on_loss="ignore")[0]
    assert back["system"] == GLAIVE["system"]
    assert back["chat"] == GLAIVE["chat"].removesuffix("\n\n\n").replace("It is 21. <|end", "It is 21.<|end")


def test_glaive_as_text_is_messages() -> None:
    made = convert([GLAIVE], to="hermes")[0]["messages"]
    assert made[0]["content"].startswith("# Tools\n\n") and "Use them if required" not in made[0]["content"]
    assert made[2]["content"] == (
        'Sure.\n<tool_call>\n{"name": "get_weather", "arguments": {"city": "L\'Isle \'} x", "days": 3}}\n</tool_call>'
    )
    assert convert([GLAIVE], to="qwen_xml")[0]["messages"][2]["content"] == (
        "Sure.\n\n" + QWEN.replace("Paris", "L'Isle '} x").replace("</function>", "<parameter=days>\n3\n</parameter>\n</function>")
    )


@pytest.mark.parametrize(
    ("chat", "why"),
    [
        ("<functioncall> {\"name\": \"f\", \"arguments\": '{\"a\": }'} <|endoftext|>", "expected a JSON object, not JSON"),
        ("<functioncall> {\"name\": \"f\"", "not JSON: "),
        ("<functioncall> {\"name\": 3, \"arguments\": {}}", "expected a tool name, got `3`"),
        ("<functioncall> {\"name\": \"f\", \"id\": 1}", "the call has keys that toolfmt does not know"),
    ],
)
def test_a_broken_glaive_call_stays_text_and_issaid_of(chat: str, why: str) -> None:
    row = {"system": "", "chat": f"USER: x\n\n\nASSISTANT: {chat}\n\n\nUSER: y"}
    made, said = said_of(row, layout="openai")
    assert made["messages"][1]["content"] == chat.removesuffix(" <|endoftext|>")
    assert said[0].startswith("$.chat[10:") and f"a broken call stays as text: {why}" in said[0]


def test_glaive_keeps_the_space_before_its_mark() -> None:
    row = openai_row({"role": "user", "content": " x "}, {"role": "assistant", "content": "Hi. "})
    assert convert(convert([row], layout="glaive"), layout="openai") == [row]


def test_glaive_refuses_what_it_would_read_otherwise() -> None:
    for text in ("x\n\n\nUSER: y", "x\n\n\nFUNCTION RESPONSE: y", '<functioncall> {"name": "f", "arguments": \'{}\'}'):
        row = openai_row({"role": "user", "content": "x"}, {"role": "assistant", "content": text})
        with pytest.raises(UnrepresentableError, match="layout `glaive` would read"):
            convert([row], layout="glaive")
    with pytest.raises(UnrepresentableError, match=r"messages\[1\]: 2 calls in one turn: the layout has a place for one"):
        convert([CONVERSATIONS["parallel, in order"]], layout="glaive")


# toolace


def test_toolace_names_may_hold_anything_and_results_stand_in_a_list() -> None:
    made, said = said_of(TOOLACE, layout="openai")
    assert made["messages"][0] == {"role": "system", "content": "You are an expert in composing functions.\n \n"}
    assert calls_of(made) == [
        ("Market Trends API", {"trend_type": "INDEXES", "n": 3}),
        ("Market Trends API", {"trend_type": "x"}),
        ("_get/x (v2)", {"a": {"k": [1, "),("]}}),
        ("Market Trends API", {"trend_type": "y"}),
    ]
    results = [message for message in made["messages"] if message["role"] == "tool"]
    assert [(result["content"], result["tool_call_id"]) for result in results] == [('{"t": 1}', "call_0"), ("ok", "call_1")]
    assert made["tools"][0]["function"]["parameters"]["type"] == "object" and not said


def test_toolace_of_an_openai_row() -> None:
    made = convert([CONVERSATIONS["parallel, in order"]], layout="toolace", on_loss="ignore")[0]
    assert made["system"].startswith("Here is a list of functions in JSON format that you can invoke:\n[{")
    assert [turn["value"] for turn in made["conversations"]] == [
        "go", '[get_weather(city="Paris", days=3), get_weather(city="Rome")]',
        '[{"name": "get_weather", "results": 21}, {"name": "get_weather", "results": 25}]', "21 and 25.",
    ]  # fmt: skip


def test_toolace_as_text_declares_the_new_syntax() -> None:
    made = convert([TOOLACE], to="qwen_xml")[0]
    assert "Should you decide" not in made["system"] and "<function=example_function_name>" in made["system"]
    assert made["conversations"][1]["value"].startswith("<tool_call>\n<function=Market Trends API>\n<parameter=trend_type>\nINDEXES\n")
    assert [turn["from"] for turn in made["conversations"][2:4]] == ["tool", "tool"]
    hermes = convert([TOOLACE], to="hermes")[0]
    assert hermes["conversations"][6]["value"].startswith('<tool_call>\n{"name": "_get/x (v2)", "arguments": {"a": {"k": [1, "),("]}}}\n')


def test_toolace_keeps_what_it_cannot_read_and_refuses_what_it_cannot_write() -> None:
    row = {**TOOLACE, "conversations": [{"from": "assistant", "value": "[Market Trends API(trend_type=INDEXES)]"}]}
    made, said = said_of(row, layout="openai")
    assert made["messages"][1]["content"] == "[Market Trends API(trend_type=INDEXES)]"
    assert said[0].startswith("$.conversations[0]: a broken call stays as text: ")
    bad = {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f(x)", "arguments": "{}"}}]}]}
    with pytest.raises(UnrepresentableError, match=r"messages\[0\].calls\[0\].name: toolace cannot write the tool name `f\(x\)`"):
        convert([bad], layout="toolace")
