"""Which texts each engine says a grammar allows, what it refuses, and decoding under a grammar with a tiny random model."""

import json
import sys
from typing import Any

import pytest

from toolfmt.errors import GrammarError, MissingExtraError
from toolfmt.grammar.engines import ENGINES, accepts, check, logits_processor

pytest.importorskip("llguidance")
pytest.importorskip("xgrammar")

EBNF = 'root ::= "<f>" [a-zé]{1,3} "</f>"\n'
INNER = {"type": "grammar", "grammar": "root ::= [a-zé]{1,3}"}
GRAMMARS = {
    "xgrammar": EBNF,
    "gbnf": EBNF,
    "llguidance": '%llguidance {}\nstart: "<f>" T "</f>"\nT: /[a-zé]{1,3}/\n',
    "structural_tag": json.dumps(
        {"type": "structural_tag", "format": {"type": "tag", "begin": "<f>", "content": INNER, "end": "</f>"}}
    ),
}
BROKEN = {
    "xgrammar": "root ::= missing",
    "gbnf": 'root ::= "a',
    "llguidance": "%llguidance {}\nstart: missing",
    "structural_tag": '{"type": "structural_tag", "format": {"type": "missing"}}',
}


def test_every_engine_is_tested() -> None:
    assert tuple(sorted(GRAMMARS)) == tuple(sorted(ENGINES)) == tuple(sorted(BROKEN))


@pytest.mark.parametrize("engine", ENGINES)
def test_the_whole_text_is_judged(engine: str) -> None:
    good = ("<f>a</f>", "<f>éé</f>", "<f>abc</f>")
    bad = ("", "<f>", "<f>a</f", "<f></f>", "<f>abcd</f>", "<f>a</f>x", "x<f>a</f>", "<f>\ud800</f>")
    for _ in range(2):  # what one text leaves behind shows in the next
        assert [text for text in good if not accepts(engine, GRAMMARS[engine], text)] == []
        assert [text for text in bad if accepts(engine, GRAMMARS[engine], text)] == []


def test_a_structural_tag_may_let_prose_stand_around_calls() -> None:
    tag = {"begin": "<f=a>", "content": {"type": "grammar", "grammar": 'root ::= "x"+'}, "end": "</f>"}
    form = {"type": "triggered_tags", "triggers": ["<f="], "tags": [{"type": "tag", **tag}]}
    grammar = json.dumps({"type": "structural_tag", "format": form})
    good = ("", "hi", "hi <f=a>xx</f> and <f=a>x</f>.")
    bad = ("<f=a>", "hi <f=b>", "<f=a></f>")
    assert [accepts("structural_tag", grammar, text) for text in (*good, *bad)] == [True] * 3 + [False] * 3


@pytest.mark.parametrize("engine", ENGINES)
def test_a_refused_grammar_is_an_error_in_the_engines_own_words(engine: str) -> None:
    for act in (lambda: check(engine, BROKEN[engine]), lambda: accepts(engine, BROKEN[engine], "a")):
        with pytest.raises(GrammarError, match=f"^{engine} refuses the grammar: .*(missing|string literal)"):
            act()
    check(engine, GRAMMARS[engine])


def test_text_that_is_no_json_is_no_structural_tag() -> None:
    with pytest.raises(GrammarError, match="structural_tag refuses the grammar: Expecting"):
        check("structural_tag", EBNF)


def test_ids_of_special_tokens_need_no_tokenizer_to_be_checked() -> None:
    check("llguidance", '%llguidance {}\nstart: "a" <[151657]>\n')


def test_an_unknown_engine_is_named() -> None:
    with pytest.raises(ValueError, match=r"choose one of xgrammar, .*: `outlines`"):
        accepts("outlines", EBNF, "a")
    with pytest.raises(ValueError, match="`outlines`"):
        check("outlines", EBNF)


@pytest.mark.parametrize(
    "engine, package", [("llguidance", "llguidance"), ("xgrammar", "xgrammar"), ("gbnf", "xgrammar")]
)
def test_an_engine_that_is_not_installed(engine: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    for act in (lambda: check(engine, "new to the cache"), lambda: accepts(engine, "new to the cache", "a")):
        with pytest.raises(MissingExtraError, match=r'pip install "toolfmt\[grammar\]"'):
            act()


def test_a_bound_that_llguidance_meets_is_no_verdict_on_the_text() -> None:
    counted = '%llguidance {}\nstart: T\nT: /((?s:.){0,500}x){0,500}/ "c"\n'
    with pytest.raises(GrammarError, match=r"llguidance gave up on the text: .*too many expressions"):
        accepts("llguidance", counted, "xyx" * 100 + "c")


# Decoding

SPECIAL = ("<|end|>", "<call>", "</call>")
SPARE = 9
"""By so much the logits are wider than the vocabulary, as in many models."""


@pytest.fixture(scope="module")
def tiny() -> tuple[Any, Any]:
    """A tokenizer of bytes and some tags, and a random model of two layers."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    torch.set_num_threads(1)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    raw = Tokenizer(models.BPE(vocab={char: n for n, char in enumerate(alphabet)}, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    raw.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIAL])
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<|end|>", pad_token="<|end|>")
    torch.manual_seed(0)
    sizes = {
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": 16,
    }
    config = transformers.Qwen3Config(
        vocab_size=len(tokenizer) + SPARE,
        num_hidden_layers=2,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        **sizes,
    )
    return tokenizer, transformers.Qwen3ForCausalLM(config)


def _decode(tiny: tuple[Any, Any], engine: str, grammar: str, rows: int) -> list[str]:
    tokenizer, model = tiny
    inputs = tokenizer(["hi"] * rows, return_tensors="pt")
    processor = logits_processor(engine, grammar, tokenizer)
    out = model.generate(
        **inputs, max_new_tokens=60, do_sample=True, logits_processor=[processor], pad_token_id=tokenizer.pad_token_id
    )
    texts = tokenizer.batch_decode(out[:, inputs.input_ids.shape[1] :])
    assert all(text.endswith("<|end|>") for text in texts), "the grammar ends each text"
    return [text.removesuffix("<|end|>").rstrip() for text in [text.split("<|end|>")[0] for text in texts]]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_decoded_is_a_sentence(engine: str, tiny: tuple[Any, Any]) -> None:
    for rows in (1, 4):
        texts = _decode(tiny, engine, GRAMMARS[engine], rows)
        assert len(texts) == rows
        assert [text for text in texts if not accepts(engine, GRAMMARS[engine], text)] == []


@pytest.mark.slow
def test_special_tokens_are_decoded_as_such(tiny: tuple[Any, Any]) -> None:
    ids = tiny[0].convert_tokens_to_ids(["<call>", "</call>"])
    grammar = f"%llguidance {{}}\nstart: <[{ids[0]}]> T <[{ids[1]}]>\nT: /[a-z]{{0,9}}/\n"
    for text in _decode(tiny, "llguidance", grammar, 3):
        assert text.startswith("<call>") and text.endswith("</call>") and len(text) <= 22


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_logits_beyond_the_vocabulary_are_masked(engine: str, tiny: tuple[Any, Any]) -> None:
    import torch

    tokenizer, _ = tiny
    width = len(tokenizer) + SPARE
    processor = logits_processor(engine, GRAMMARS[engine], tokenizer)
    ids = tokenizer(["hi", "yo"], return_tensors="pt").input_ids
    scores = processor(ids, torch.zeros(2, width))
    first = tokenizer.convert_tokens_to_ids("<")
    assert [row.isfinite().nonzero().flatten().tolist() for row in scores] == [[first]] * 2


@pytest.mark.slow
def test_a_processor_refuses_a_broken_grammar_before_decoding(tiny: tuple[Any, Any]) -> None:
    for engine in ENGINES:
        with pytest.raises(GrammarError, match=f"^{engine} refuses"):
            logits_processor(engine, BROKEN[engine], tiny[0])


@pytest.mark.slow
def test_a_token_that_was_not_allowed_is_no_end_of_the_text(tiny: tuple[Any, Any]) -> None:
    import torch

    processor = logits_processor("llguidance", GRAMMARS["llguidance"], tiny[0])
    ids, scores = tiny[0](["x"], return_tensors="pt").input_ids, torch.zeros(1, len(tiny[0]))
    processor(ids, scores)
    with pytest.raises(GrammarError, match=r"llguidance gave up on the text: .*doesn't satisfy the grammar"):
        processor(ids, scores)
