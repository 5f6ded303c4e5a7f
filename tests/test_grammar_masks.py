"""The masks that decoding sees: each token of a call is allowed where it stands, however the call is cut into tokens."""

import random
from typing import Any

import pytest
from test_grammar_for import FORMATS

import toolfmt
from toolfmt.grammar.ebnf import quoted
from toolfmt.ir import ToolCall

xgrammar = pytest.importorskip("xgrammar", reason='needs the engine: pip install "toolfmt[grammar]"')

TOOLS = [
    {
        "name": "save",
        "parameters": {
            "type": "object",
            "properties": {
                "code": {"type": "string"},
                "short": {"type": "string", "maxLength": 40},
                "n": {"type": "integer"},
                "of": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["code"],
        },
    }
]
CODE = 'if a < b and c["x"] != {1: 2}:\n    print("</div> \\\\n", \'é\', "``")\n</parameter\n'
CALL = ToolCall(name="save", arguments={"code": CODE, "short": "a<b \U0001f600", "n": -20, "of": ["<x>", "]}"]})
LONGEST = 6


def cut(data: bytes, chance: random.Random) -> list[bytes]:
    """The bytes in pieces of 1 to LONGEST, over the edges of characters and marks."""
    pieces, at = [], 0
    while at < len(data):
        size = chance.randint(1, LONGEST)
        pieces.append(data[at : at + size])
        at += size
    return pieces


@pytest.mark.parametrize("format", FORMATS)
def test_every_token_of_a_call_is_allowed(format: str) -> None:
    text = toolfmt.render(CALL, format, tools=TOOLS)
    chance = random.Random(format)
    cuts = [cut(text.encode(), chance) for _ in range(3)]
    vocabulary = list(
        dict.fromkeys([*(bytes([i]) for i in range(256)), *(piece for pieces in cuts for piece in pieces)])
    )
    ids = {piece: i for i, piece in enumerate(vocabulary)}
    end = len(vocabulary)
    info: Any = xgrammar.TokenizerInfo([*vocabulary, b"<end>"], vocab_type=xgrammar.VocabType.RAW, stop_token_ids=[end])
    compiler = xgrammar.GrammarCompiler(info, cache_enabled=False)
    ours = compiler.compile_grammar(xgrammar.Grammar.from_ebnf(toolfmt.grammar_for(TOOLS, format).text))
    just_this = compiler.compile_grammar(xgrammar.Grammar.from_ebnf(f"root ::= {quoted(text)}"))
    mask = xgrammar.allocate_token_bitmask(1, info.vocab_size)

    def allows(matcher: Any, token: int) -> bool:
        matcher.fill_next_token_bitmask(mask)
        return bool(mask[0, token // 32].item() >> (token % 32) & 1)

    checked = 0
    for pieces in cuts:
        matcher, control = xgrammar.GrammarMatcher(ours), xgrammar.GrammarMatcher(just_this)
        for i, piece in enumerate(pieces):
            # xgrammar 0.2.8 leaves some tokens out of the mask of any grammar, even of one literal (`ool_c` where `ol_` is a token too).
            if allows(control, ids[piece]):
                assert allows(matcher, ids[piece]), (b"".join(pieces[:i]), piece)
                checked += 1
            assert allows(matcher, end) == matcher.is_completed()
            assert matcher.accept_token(ids[piece])
            assert control.accept_token(ids[piece])
        assert allows(matcher, end)
    assert checked > 0.9 * sum(map(len, cuts))


@pytest.mark.parametrize("format", ("hermes", "qwen_xml", "functiongemma", "glm45", "pythonic", "dsml"))
def test_every_token_that_a_mask_allows_is_taken(format: str) -> None:
    """Otherwise a server ends the request with an error: bounded strings, whose rules count, are where it happened."""
    bounded = {
        "a": {"type": "string", "minLength": 1, "maxLength": 8},
        "b": {"type": "string", "minLength": 3, "maxLength": 30},
    }
    tools = [{"name": "f", "parameters": {"type": "object", "properties": bounded, "required": ["a", "b"]}}]
    chance = random.Random(format)
    words = [
        " the",
        "abc",
        "<",
        "</",
        "\n</",
        "\n\n",
        '"',
        '"}',
        "</parameter>\n",
        "<escape>",
        "é",
        "\\n",
        "longer word",
    ]
    vocabulary = [*(bytes([i]) for i in range(256)), *(word.encode() for word in words)]
    end = len(vocabulary)
    info: Any = xgrammar.TokenizerInfo([*vocabulary, b"<end>"], vocab_type=xgrammar.VocabType.RAW, stop_token_ids=[end])
    text = toolfmt.grammar_for(tools, format).text
    compiled = xgrammar.GrammarCompiler(info, cache_enabled=False).compile_grammar(xgrammar.Grammar.from_ebnf(text))
    mask = xgrammar.allocate_token_bitmask(1, info.vocab_size)
    for _ in range(40):
        matcher, said = xgrammar.GrammarMatcher(compiled), b""
        while not matcher.is_terminated():
            matcher.fill_next_token_bitmask(mask)
            allowed = [i for i in range(end + 1) if mask[0, i // 32].item() >> (i % 32) & 1]
            token = chance.choice([i for i in allowed if not 128 <= i < 256] or allowed)  # bytes of no character are not made up
            assert matcher.accept_token(token), (said, vocabulary[token])
            said += vocabulary[token] if token < end else b""
