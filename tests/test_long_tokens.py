"""Names, numbers, labels and white space about as long as a reader looks ahead: read alike in every chunking."""

import pytest
from hostile import check, good, pieces

pytestmark = pytest.mark.usefixtures("no_hang")


@pytest.mark.parametrize("name", ["functiongemma", "functiongemma_vllm"])
@pytest.mark.parametrize("size", [1000, 8191, 8192, 8193, 20_000])
def test_long_tokens_read_alike_in_every_chunking(name: str, size: int) -> None:
    for inside in (
        "k" * size + ":1",
        "a" + " " * size + ":1",
        "a:" + " " * size + "1",
        "a:1" + " " * size,
        "a:1" + " " * size + ",b:2",
        "a:0." + "1" * size,
        "a:" + "1" * size,
        "a:[1," + " " * size + "2]",
        "a:null" + " " * size,
    ):
        text = "<start_function_call>call:f{" + inside + "}<end_function_call>"
        check(name, text, [pieces(text, 100), pieces(text, 4096), pieces(text, 9000)])
    for head in (
        "call:f" + " " * size + "{}",
        " " * size + "call:f{}",
        "call:" + "f" * size + "{}",
        "call:f{}" + " " * size,
    ):
        text = "<start_function_call>" + head + "<end_function_call>"
        check(name, text, [pieces(text, 100), pieces(text, 300), pieces(text, 9000)])


@pytest.mark.parametrize("name", ["qwen_xml", "qwen3_coder"])
@pytest.mark.parametrize("size", [1000, 1022, 1023, 1024, 1025, 3000])
def test_long_names_read_alike_in_every_chunking(name: str, size: int) -> None:
    for text in (
        f"<tool_call>\n<function={'f' * size}>\n</function>\n</tool_call>",
        f"<tool_call>\n<function=f>\n<parameter={'a' * size}>\nx\n</parameter>\n</function>\n</tool_call>",
        f"<tool_call>{' ' * size}<function=f>{' ' * size}</function>{' ' * size}</tool_call>",
    ):
        check(name, text, [pieces(text, 100), pieces(text, 1000), pieces(text, 1024)])


@pytest.mark.parametrize("size", [900, 1000, 1010, 1024, 1100, 5000])
def test_long_headers_read_alike_in_every_chunking(size: int) -> None:
    for text in (
        f"<|tool_call|>\nTool: {'f' * size}\nArguments: {{}}\n<|end|>",
        f"<|tool_call|>\nTool: f{' ' * size}\nArguments: {{}}\n<|end|>",
        f"<|tool_call|>\nTool: f\nArguments:{' ' * size}{{}}\n<|end|>",
        f"<|tool_call|>{' ' * size}\nTool: f\nArguments: {{}}\n<|end|>",
        f"<|tool_call|>\nTool: f\nArguments: {{}}{' ' * size}\n<|end|>",
    ):
        check("labelled", text, [pieces(text, 10), pieces(text, 1000), pieces(text, 1024)])


@pytest.mark.parametrize("size", [70, 79, 80, 81, 200])
def test_long_fence_labels_read_alike_in_every_chunking(size: int) -> None:
    for text in (
        "```" + "x" * size + "\n" + good("json_fence"),
        "```" + " " * size + "json\n" + '{"name": "f", "arguments": {}}\n```',
        "```" + "`" * size + 'json\n{"name": "f", "arguments": {}}\n' + "`" * (size + 3),
        "```json" + " " * size + '\n{"name": "f", "arguments": {}}\n```',
    ):
        check("json_fence", text, [pieces(text, 1), pieces(text, 10), pieces(text, 80)])
