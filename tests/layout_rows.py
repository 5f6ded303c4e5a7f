"""Rows in the shape of the data sets whose calls stand in text or in odd places, by layout."""

import json
from typing import Any

from toolfmt.convert import convert
from toolfmt.report import Report

WEATHER = {
    "name": "get_weather",
    "description": "The weather.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]},
}
OPENAI_TOOLS = [{"type": "function", "function": WEATHER}]
WIRE = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>'
QWEN = "<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n</function>\n</tool_call>"
FENCE = '```json\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n```'

HERMES_SYSTEM = (
    "You are a function calling AI model. You are provided with function signatures within <tools> </tools> XML tags. You may call one or more "
    f"functions to assist with the user query.\n<tools>\n{OPENAI_TOOLS!r}\n</tools>\nFor each function call return a json object with function name "
    "and arguments within <tool_call> </tool_call> tags with the following schema:\n<tool_call>\n"
    "{'arguments': <args-dict>, 'name': <function-name>}\n</tool_call>\n"
)
HERMES: dict[str, Any] = {
    "id": "85f0",
    "conversations": [
        {"from": "system", "value": HERMES_SYSTEM},
        {"from": "human", "value": "Paris and Rome?"},
        {
            "from": "gpt",
            "value": "Let me look.\n<tool_call>\n{'arguments': {'city': \"L'Isle\", 'days': 3}, 'name': 'get_weather'}\n</tool_call>\n" + WIRE + "\n",
        },
        {
            "from": "tool",
            "value": '<tool_response>\n{"name": "get_weather", "content": {\'t\': 21, \'x\': None, \'ok\': True}}\n</tool_response>\n'
            '<tool_response>\n{"name": "get_weather", "content": "warm"}\n</tool_response>\n',
        },
        {"from": "gpt", "value": "Fine."},
    ],
    "category": "Weather",
}
NO_TOOLS = {"from": "system", "value": "<tools>\n[]\n</tools>"}
GLAIVE_LEAD = "SYSTEM: You are a helpful assistant with access to the following functions. Use them if required -\n"
GLAIVE: dict[str, Any] = {
    "system": GLAIVE_LEAD + json.dumps(WEATHER, indent=4) + "\n\n" + json.dumps({**WEATHER, "name": "now"}, indent=4) + "\n",
    "chat": "USER: It is\n\n\nhot. ASSISTANT: no\n\n\nASSISTANT: Sure. <functioncall> {\"name\": \"get_weather\", \"arguments\": "
    "'{\"city\": \"L'Isle '} x\", \"days\": 3}'} <|endoftext|>\n\n\nFUNCTION RESPONSE: {\"t\": 21}\n\n\nASSISTANT: It is 21. <|endoftext|>\n\n\n"
    "USER: thanks\n\n\nASSISTANT: Bye!<|endoftext|>\n\n\n",
}
XLAM_TOOL = {
    "name": "get_weather",
    "description": "The weather.",
    "parameters": {"city": {"description": "Where.", "type": "str"}, "days": {"type": "int, optional", "default": 1}},
}
XLAM: dict[str, Any] = {
    "id": 0,
    "query": "Paris and Rome?",
    "answers": '[{"name":"get_weather","arguments":{"city":"Paris"}},{"name":"get_weather","arguments":{"city":"Rome","days":2}}]',
    "tools": json.dumps([XLAM_TOOL]),
}
ACE_TOOLS = [
    {
        "name": "Market Trends API",
        "description": "Trends.",
        "parameters": {"type": "dict", "properties": {"trend_type": {"type": "string"}, "n": {"type": "int"}}, "required": ["trend_type"]},
        "required": None,
    },
    {"name": "_get/x (v2)", "description": "", "parameters": {"type": "dict", "properties": {"a": {"type": "dict"}}}},
]
TOOLACE: dict[str, Any] = {
    "system": "You are an expert in composing functions.\nHere is a list of functions in JSON format that you can invoke:\n"
    + json.dumps(ACE_TOOLS)
    + ". \nShould you decide to return the function call(s). \nPut it in the format of [func1(params_name=params_value, "
    "params_name2=params_value2...), func2(params)]\n\nNO other text MUST be included. \n",
    "conversations": [
        {"from": "user", "value": "Trends?"},
        {"from": "assistant", "value": '[Market Trends API(trend_type="INDEXES", n=3), Market Trends API(trend_type="x")]'},
        {"from": "tool", "value": '[{"name": "Market Trends API", "results": {"t": 1}}, {"name": "Market Trends API", "results": "ok"}]'},
        {"from": "assistant", "value": "Up."},
        {"from": "user", "value": "More."},
        {"from": "assistant", "value": '[_get/x (v2)(a={"k": [1, "),("]}), Market Trends API(trend_type="y")]'},
    ],
}
TOUCAN: dict[str, Any] = {
    "uuid": "b2",
    "subset_name": "Kimi-K2",
    "messages": json.dumps(
        [
            {"role": "system", "content": f"<|im_system|>tool_declare<|im_middle|>{json.dumps(OPENAI_TOOLS)}<|im_end|>"},
            {"role": "user", "content": "Paris and Rome?"},
            {"role": "assistant", "content": "Let me see."},
            {"role": "tool_call", "content": "{'name': 'get_weather', 'arguments': '{\"city\": \"Paris\"}'}"},
            {"role": "tool_call", "content": '{"name": "get_weather", "arguments": {"city": "Rome"}}'},
            {"role": "tool_response", "content": "21"},
            {"role": "tool_response", "content": "25"},
            {"role": "assistant", "content": "Fine."},
        ]
    ),
    "question": "Paris and Rome?",
    "available_tools": json.dumps(OPENAI_TOOLS),
    "target_tools": "get_weather",
}
BFCL: dict[str, Any] = {
    "id": "simple_0",
    "question": [[{"role": "user", "content": "Area?"}]],
    "function": [
        {
            "name": "geometry.area",
            "description": "The area.",
            "parameters": {
                "type": "dict",
                "properties": {"base": {"type": "integer"}, "unit": {"type": "string"}, "name": {"type": "string"}, "o": {"type": "dict"}},
                "required": ["base", "name"],
            },
        }
    ],
    "ground_truth": [{"geometry.area": {"base": [10, 11], "unit": ["", "m"], "name": [""], "o": [{"k": ["a"], "z": [""]}]}}],
}
TEXT: dict[str, Any] = {
    "text": f"<|im_start|>user\nParis?<|im_end|>\n<|im_start|>assistant\nOk.\n{WIRE}<|im_end|>\n<|im_start|>user\n<tool_response>\n21\n"
    "</tool_response><|im_end|>\n<|im_start|>assistant\n21 <|im_end|>\n",
    "source": "web",
}
PROMPT = "<|im_start|>user\nParis?<|im_end|>\n<|im_start|>assistant\n<think>\n"
COMPLETION: dict[str, Any] = {"prompt": PROMPT, "completion": f"Hm.\n</think>\n\n{WIRE}<|im_end|>\n", "n": 1}
PREFERENCE: dict[str, Any] = {
    "prompt": [{"role": "user", "content": "Paris?"}],
    "chosen": [{"role": "assistant", "content": WIRE}],
    "rejected": [{"role": "assistant", "content": "No."}],
}
ROWS: list[tuple[str, dict[str, Any]]] = [
    ("hermes_fc", HERMES),
    ("glaive", GLAIVE),
    ("glaive", {"system": "SYSTEM: You are a helpful assistant, with no access to external functions.\n", "chat": "USER: Hi\n\n\nASSISTANT: Hi."}),
    ("xlam", XLAM),
    ("xlam", {**XLAM, "answers": "[]"}),
    ("toolace", TOOLACE),
    ("toucan", TOUCAN),
    ("bfcl", BFCL),
    ("bfcl", {key: BFCL[key] for key in ("id", "question", "function")}),
    ("text", TEXT),
    ("text", {"text": "Just prose."}),
    ("prompt_completion", COMPLETION),
    ("prompt_completion", PREFERENCE),
    ("prompt_completion", {"chosen": "a", "rejected": "b"}),
    ("prompt_completion", {"prompt": "1 + 1 =", "completion": " 2", "tools": None}),
]
OURS = ("hermes_fc", "glaive", "xlam", "toolace", "toucan", "bfcl", "text", "prompt_completion")


def said_of(row: dict[str, Any], **settings: Any) -> tuple[dict[str, Any], list[str]]:
    """The converted row, and what was lost and noticed."""
    report = Report()
    (made,) = convert([row], on_loss="ignore", report=report, **settings)
    return made, [str(said).removeprefix("row 0: ") for said in (*report.losses, *report.notices)]


def calls_of(row: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    calls = [call["function"] for message in row["messages"] for call in message.get("tool_calls") or ()]
    return [(call["name"], json.loads(call["arguments"])) for call in calls]
