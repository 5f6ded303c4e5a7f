"""Ten entries in BFCL's shape, written for toolfmt: what `toolfmt demo` runs where bfcl-eval is not installed."""

from typing import Any

from toolfmt.cli.bfcl import Entry, read_entry

__all__ = ["sample_entries"]

_Rows = list[tuple[str, dict[str, Any], list[str], dict[str, list[Any]]]]

# Tool name, properties, required, the answer; each entry offers its own tool and the one of the entry before.
_ROWS: _Rows = [
    (
        "run_command",
        {"command": {"type": "string"}, "timeout": {"type": "integer"}},
        ["command"],
        {"command": ["grep -rn 'TODO' src/ | head -5"], "timeout": [30, ""]},
    ),
    (
        "get_weather",
        {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
        ["city"],
        {"city": ["São Paulo", "Sao Paulo"], "unit": ["", "celsius"]},
    ),
    (
        "math.solve",
        {"a": {"type": "float"}, "b": {"type": "float"}, "exact": {"type": "boolean"}},
        ["a", "b"],
        {"a": [2.0], "b": [-0.5], "exact": [True]},
    ),
    (
        "write_file",
        {"path": {"type": "string"}, "content": {"type": "string"}},
        ["path", "content"],
        {"path": ["notes/a b.md"], "content": ["# Title\n\n```python\nprint(1)\n```\n"]},
    ),
    (
        "edit_file",
        {"path": {"type": "string"}, "old": {"type": "string"}, "new": {"type": "string"}},
        ["path", "old", "new"],
        {"path": ["main.c"], "old": ["    if (a < b && c > d) {\n"], "new": ["\tif (a <= b) {\n"]},
    ),
    (
        "book_flight",
        {"route": {"type": "dict", "properties": {"from": {"type": "string"}, "to": {"type": "string"}}}},
        ["route"],
        {"route": [{"from": ["OSL"], "to": ["CDG", "ORY"]}]},
    ),
    (
        "set_labels",
        {"labels": {"type": "array", "items": {"type": "string"}}, "issue": {"type": "integer"}},
        ["labels", "issue"],
        {"labels": [["true", "42", "null", ""]], "issue": [12345678901234567890]},
    ),
    ("lookup_zip", {"zip": {"type": "string"}}, ["zip"], {"zip": ["02134"]}),
    ("toggle", {"state": {"type": "string"}}, ["state"], {"state": ["true"]}),
    ("list_files", {"pattern": {"type": "string"}}, [], {"pattern": [""]}),
]


def sample_entries() -> list[Entry]:
    """The entries, read like BFCL's own."""
    tools = [
        {"name": name, "parameters": {"type": "dict", "properties": properties, "required": required}}
        for name, properties, required, _ in _ROWS
    ]
    return [
        read_entry({"id": f"sample_{i}", "function": [tools[i], tools[i - 1]]}, [{name: answer}])
        for i, (name, _, _, answer) in enumerate(_ROWS)
    ]
