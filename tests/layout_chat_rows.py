"""Rows of the layouts whose calls stand in fields or in messages of their own."""

import json
from typing import Any

from layout_cases import CONVERSATIONS

__all__ = ["CALL_TEXT", "CASES", "OPENAI_TOOLS", "OWN_TOOLS", "PLAIN", "RESULT", "ROWS", "USE"]

FUNCTION = {
    "name": "now",
    "description": "The time.",
    "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]},
}
OPENAI_TOOLS = [{"type": "function", "function": FUNCTION}]
OWN_TOOLS = [
    {
        "name": "now",
        "description": "The time.",
        "input_schema": FUNCTION["parameters"],
        "cache_control": {"type": "ephemeral"},
    }
]
CALL_TEXT = '{"name": "now", "arguments": {"zone": "UTC"}}'
USE = {"type": "tool_use", "id": "toolu_1", "name": "now", "input": {"zone": "UTC"}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "12:00"}

ROWS: dict[str, list[dict[str, Any]]] = {
    "trl": [
        {
            "messages": [
                {"role": "user", "content": "time?"},
                {
                    "role": "assistant",
                    "tool_calls": [{"type": "function", "function": {"name": "now", "arguments": {"zone": "UTC"}}}],
                },
                {"role": "tool", "name": "now", "content": "12:00"},
                {"role": "assistant", "content": "Noon."},
            ],
            "tools": OPENAI_TOOLS,
        },
    ],
    "nemotron": [
        {
            "uuid": "5f",
            "messages": [
                {"role": "system", "content": ""},
                {"role": "user", "content": "time?"},
                {
                    "role": "assistant",
                    "content": "",
                    "reasoning_content": "The clock.\n",
                    "tool_calls": [
                        {"id": "call_1", "type": "function", "function": {"name": "now", "arguments": {"zone": "UTC"}}}
                    ],
                },
                {"role": "tool", "content": "12:00", "tool_call_id": "call_1"},
                {"role": "assistant", "content": "Noon.", "reasoning_content": ""},
            ],
            "license": "cc-by-4.0",
            "tools": OPENAI_TOOLS,
        },
    ],
    "swift": [
        {
            "tools": json.dumps(OPENAI_TOOLS),
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "time?"},
                {"role": "assistant", "content": "<think>\nclock\n</think>\n", "loss": True},
                {"role": "tool_call", "content": '{"name":"now",  "arguments": {"zone": "UTC"}}', "loss": True},
                {"role": "tool_call", "content": CALL_TEXT, "loss": False},
                {"role": "tool_response", "content": "12:00"},
                {"role": "tool_response", "content": "12:00"},
                {"role": "assistant", "content": "Noon."},
            ],
            "images": [],
        },
        {
            "messages": [
                {"role": "user", "content": "x"},
                {"role": "function_call", "content": CALL_TEXT},
                {"role": "observation", "content": ""},
            ]
        },
    ],
    "llamafactory": [
        {
            "conversations": [
                {"from": "human", "value": "time?"},
                {"from": "function_call", "value": '[{"name":"now","arguments":{"zone":"UTC"}}, ' + CALL_TEXT + "]"},
                {"from": "observation", "value": '["12:00", "12:00"]'},
                {"from": "gpt", "value": "Noon.", "loss": False},
            ],
            "system": "Be brief.",
            "tools": json.dumps([FUNCTION]),
        },
        {
            "conversations": [
                {"from": "system", "value": "s"},
                {"from": "human", "value": "hi"},
                {"from": "gpt", "value": "ho"},
            ],
            "tools": "",
        },
    ],
    "apigen_mt": [
        {
            "conversations": [
                {"from": "human", "value": "time?"},
                {"from": "gpt", "value": "One moment."},
                {"from": "function_call", "value": CALL_TEXT},
                {"from": "observation", "value": "12:00"},
                {"from": "gpt", "value": "Noon."},
            ],
            "system": "# Clock agent policy",
            "tools": json.dumps([FUNCTION]),
        },
    ],
    "anthropic": [
        {
            "id": 3,
            "system": "Be brief.",
            "messages": [
                {"role": "user", "content": "time?"},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "The clock.", "signature": "Er=="},
                        {"type": "text", "text": "Let me look."},
                        USE,
                        {"type": "text", "text": "And wait."},
                    ],
                },
                {"role": "user", "content": [RESULT, {"type": "text", "text": "And in Rome?"}], "weight": 1},
                {"role": "assistant", "content": "Noon."},
            ],
            "tools": OWN_TOOLS,
        },
        {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}], "tools": OWN_TOOLS},
        {
            "system": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
            "messages": [{"role": "user", "content": []}],
        },
    ],
}
ROWS["sharegpt"] = [
    {
        "conversations": [
            {"from": "human", "value": "time?"},
            {"from": "gpt", "value": "Let me look.", "loss": True},
            {"from": "function_call", "value": '{"name":"now","arguments":{"zone": "UTC"}}', "loss": True},
            {"from": "observation", "value": "12:00"},
            {"from": "gpt", "value": "Noon."},
        ],
        "tools": "[]",
    }
]
CASES = [(name, row) for name, rows in ROWS.items() for row in rows]
PLAIN: list[tuple[str, dict[str, Any]]] = [
    ("openai", CONVERSATIONS["single call"]),
    ("openai", CONVERSATIONS["reasoning"]),
    ("messages_text", CONVERSATIONS["direct answer"]),
    ("messages_text", {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}),
    (
        "messages_text",
        {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "x"}], "system": "s"},
    ),
    ("messages_text", {"messages": [], "system": ""}),
    ("anthropic", {"messages": [], "system": "s"}),
    ("sharegpt", {"conversations": [{"from": "human", "value": "x"}, {"from": "gpt", "value": "y"}]}),
    ("sharegpt", {"conversations": [{"from": "human", "value": "x"}], "tools": "[]"}),
    (
        "sharegpt",
        {"conversations": [{"from": "user", "value": "x"}, {"from": "assistant", "value": "y"}], "tools": "[]"},
    ),
    ("sharegpt", {**ROWS["apigen_mt"][0], "system": ""}),
    ("sharegpt", {**ROWS["apigen_mt"][0], "conversations": [{"from": "gpt", "value": "x"}]}),
]
