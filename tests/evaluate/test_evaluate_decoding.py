"""`Decoder` against transformers' own `generate`, and what it writes under a grammar; on random models in float32."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from evaluate_cases import NO_TOOL, TEXT, call, random_model

import toolfmt
from toolfmt.errors import GrammarError
from toolfmt_train.decoding import Completion, Decoder, grammar_processor, special_tokens
from toolfmt_train.errors import ModelError
from toolfmt_train.evaluate.answers import calls_or_prose
from toolfmt_train.rows import Row

torch = pytest.importorskip("torch")
pytest.importorskip("xgrammar")

SCHEMA = {"type": "object", "properties": {"pattern": {"type": "string", "maxLength": 12}}, "required": ["pattern"]}
TOOLS = (toolfmt.Tool(name="rg", parameters=SCHEMA), toolfmt.Tool(name="sg", parameters=SCHEMA))
ASKED = ["a", "Where is errors.Is used?", "hi " * 40, "ab", "Which classes?", "é" * 7, "a"]
CONVERSATIONS: list[list[dict[str, Any]]] = [[{"role": "user", "content": text}] for text in ASKED]
LONGEST = 24


def plain(decoder: Decoder, model: Any, conversation: list[dict[str, Any]], ends: list[int]) -> list[int]:
    """What transformers writes for one prompt alone, its end included."""
    prompt = torch.tensor([decoder.prompt(conversation)])
    out = model.generate(prompt, do_sample=False, max_new_tokens=LONGEST, eos_token_id=ends, pad_token_id=0)
    return list(out[0, prompt.shape[1] :].tolist())


@contextmanager
def ending_with(model: Any, token: int) -> Iterator[None]:
    model.generation_config.eos_token_id = token
    yield
    model.generation_config.eos_token_id = None


@pytest.mark.parametrize("kind, key_heads", [("llama", 1), ("llama", 4), ("qwen3", 2)])
def test_the_texts_are_those_of_generate(kind: str, key_heads: int) -> None:
    """Prompts of other lengths, three in a batch, rows that end early and rows that are cut off."""
    model, tokenizer = random_model(kind, key_heads)
    decoder = Decoder(model, tokenizer, "qwen_xml", TOOLS, max_new_tokens=LONGEST, batch_size=3)
    free = [plain(decoder, model, conversation, [tokenizer.eos_token_id]) for conversation in CONVERSATIONS]
    times = Counter(token for tokens in free for token in set(tokens))
    end = next(token for tokens in free for token in tokens[2:] if times[token] < len(free))
    ends = [end, tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<|im_end|>")]
    with ending_with(model, end):
        decoder = Decoder(model, tokenizer, "qwen_xml", TOOLS, max_new_tokens=LONGEST, batch_size=3)
        completions = decoder.generate(CONVERSATIONS)
    wanted = [plain(decoder, model, conversation, ends) for conversation in CONVERSATIONS]
    assert {completion.finish_reason for completion in completions} == {"stop", "length"}
    for completion, tokens in zip(completions, wanted, strict=True):
        ended = tokens[-1] in ends
        text = tokenizer.decode(tokens[:-1] if ended else tokens, clean_up_tokenization_spaces=False)
        assert completion == Completion(text, "stop" if ended else "length", len(tokens))
    assert model.config._attn_implementation == "sdpa"


def test_progress_is_told_row_by_row_and_no_prompts_are_no_answers() -> None:
    decoder = Decoder(*random_model(), "qwen_xml", TOOLS, max_new_tokens=4, batch_size=2)
    told: list[tuple[int, int]] = []
    decoder.generate(CONVERSATIONS[:3], on_progress=lambda *at: told.append(at))
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert decoder.generate([]) == []


def test_the_prompt_is_the_format_s_own_template() -> None:
    model, tokenizer = random_model()
    decoder = Decoder(model, tokenizer, "hermes", TOOLS)
    text = tokenizer.decode(
        decoder.prompt([{"role": "user", "content": "<|im_end|> hi"}]), clean_up_tokenization_spaces=False
    )
    assert toolfmt.describe_tools(TOOLS, "hermes") in text
    assert text.endswith("<|im_start|>user\n<|im_end|> hi<|im_end|>\n<|im_start|>assistant\n")


def test_a_model_with_a_sliding_window_is_refused() -> None:
    model, tokenizer = random_model("mistral", sliding_window=16)
    with pytest.raises(ModelError, match="DynamicSlidingWindowLayer"):
        Decoder(model, tokenizer, "qwen_xml", TOOLS).generate(CONVERSATIONS)


@contextmanager
def writing(model: Any, text: list[int], width: int) -> Iterator[None]:
    """The model writes these tokens, whatever it is asked: its scores after the prompt's ``width`` tokens are set."""

    def say(_: Any, __: Any, given: dict[str, Any], out: Any) -> None:
        at = int(given["position_ids"][0, -1]) + 1 - width if given.get("position_ids") is not None else -1
        if at >= 0:
            out.logits.zero_()
            out.logits[:, -1, text[min(at, len(text) - 1)]] = 1

    handle = model.register_forward_hook(say, with_kwargs=True)
    yield
    handle.remove()


def test_a_mark_that_is_no_token_ends_the_answer() -> None:
    """A tokenizer of bytes and nothing else, as SmolLM2's is for Gemma's marks."""
    model, tokenizer = random_model()
    mark = "<end_of_turn>"
    plain_bytes = [tokenizer.convert_tokens_to_ids(letter) for letter in "Hi!" + mark + "more"]
    decoder = Decoder(model, _without_marks(tokenizer), "functiongemma", TOOLS, max_new_tokens=80)
    with writing(model, plain_bytes, len(decoder.prompt(CONVERSATIONS[0]))):
        assert decoder.generate(CONVERSATIONS[:1]) == [Completion("Hi!", "stop", 3 + len(mark))]
        cut = Decoder(model, _without_marks(tokenizer), "functiongemma", TOOLS, max_new_tokens=len(mark))
        assert cut.generate(CONVERSATIONS[:1]) == [Completion(("Hi!" + mark)[: len(mark)], "length", len(mark))]


def test_a_mark_of_another_model_is_ordinary_text() -> None:
    """Hermes' turns may also end with Llama's mark; a model that has ChatML's as a token ends by that."""
    model, tokenizer = random_model()
    said = [tokenizer.convert_tokens_to_ids(letter) for letter in "<|end_of_text|><|eot_id|>!"] + [
        tokenizer.convert_tokens_to_ids("<|im_end|>")
    ]
    decoder = Decoder(model, tokenizer, "hermes", TOOLS, max_new_tokens=80)
    with writing(model, said, len(decoder.prompt(CONVERSATIONS[0]))):
        assert decoder.generate(CONVERSATIONS[:1]) == [Completion("<|end_of_text|><|eot_id|>!", "stop", 27)]


def _without_marks(tokenizer: Any) -> Any:
    """The same ids for bytes; every mark is spelled."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    bytes_only = {piece: i for piece, i in tokenizer.get_vocab().items() if len(piece) == 1}
    raw = Tokenizer(models.BPE(vocab=bytes_only, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    raw.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=raw)


@contextmanager
def babbling(model: Any, tokenizer: Any, format: str) -> Iterator[None]:
    """The model writes ASCII at random, and is fond of the format's marks.  (A byte that is no text alone would make a string look longer.)"""
    fmt = toolfmt.get_format(format)
    whole = {tokenizer.decode([i]): i for i in range(len(tokenizer))}
    loved = [*(whole[mark] for mark in (*fmt.opens, *fmt.closes) if mark in whole), tokenizer.eos_token_id]
    broken = [i for text, i in whole.items() if not text.isascii()] + [
        i for i in range(len(tokenizer)) if i not in whole.values()
    ]
    dice = torch.Generator().manual_seed(1)

    def say(_: Any, __: Any, ___: Any, out: Any) -> None:
        out.logits.copy_(torch.rand(out.logits.shape, generator=dice))
        out.logits[..., loved] += 0.9 * torch.rand((*out.logits.shape[:-1], len(loved)), generator=dice)
        out.logits[..., broken] = -10

    handle = model.register_forward_hook(say, with_kwargs=True)
    yield
    handle.remove()


@pytest.mark.parametrize("format", ["qwen_xml", "functiongemma", "hermes"])
def test_no_answer_under_a_grammar_is_malformed_unless_it_was_cut_off(format: str) -> None:
    model, tokenizer = random_model()
    decoder = Decoder(model, tokenizer, format, TOOLS, max_new_tokens=120, batch_size=16)
    grammar = toolfmt.grammar_for(TOOLS, format, calls="auto", special_tokens=special_tokens(tokenizer))
    with babbling(model, tokenizer, format):
        free = decoder.generate(CONVERSATIONS[:2] * 12)
        held = decoder.generate(CONVERSATIONS[:2] * 12, grammar=grammar)
    assert any(faults(completion, format) for completion in free if completion.finish_reason == "stop")
    ended = [completion for completion in held if completion.finish_reason == "stop"]
    assert [(completion, faults(completion, format)) for completion in ended if faults(completion, format)] == []
    assert any(toolfmt.parse(completion.text, format, tools=TOOLS).calls for completion in ended)


def faults(completion: Completion, format: str) -> list[str]:
    parsed = toolfmt.parse(completion.text, format, tools=TOOLS)
    wrong = toolfmt.validate(parsed.calls, TOOLS) if parsed.calls else []
    return [bad.reason for bad in parsed.malformed] + [str(bad) for bad in wrong]


def test_the_grammar_leaves_the_order_and_the_decision_open(rows: dict[str, Row]) -> None:
    grammar = calls_or_prose(rows["text"].offered, "qwen_xml", random_model()[1])
    turned = call("ripgrep_search", dict(reversed(TEXT.items())))
    texts = [
        toolfmt.render([one], "qwen_xml", tools=rows["text"].offered) for one in (turned, call("ripgrep_search", TEXT))
    ]
    assert texts[0] != texts[1] and [grammar.matches(text) for text in (*texts, NO_TOOL, "")] == [True] * 4
    assert not grammar.matches(texts[0].replace("ripgrep_search", "grep"))


def test_a_processor_serves_generate_of_transformers() -> None:
    model, tokenizer = random_model()
    grammar = toolfmt.grammar_for(TOOLS, "hermes", tool="sg")
    prompt = tokenizer(["hi"] * 3, return_tensors="pt")
    with babbling(model, tokenizer, "hermes"):
        processor = grammar_processor(grammar, tokenizer, model.config.vocab_size)
        ends = tokenizer.eos_token_id
        out = model.generate(
            **prompt,
            max_new_tokens=400,
            do_sample=False,
            logits_processor=[processor],
            eos_token_id=ends,
            pad_token_id=0,
        )
    texts = [tokenizer.decode(row, skip_special_tokens=True) for row in out[:, 2:].tolist()]
    opening = '<tool_call>\n{"name": "sg", "arguments": {"pattern": "'
    assert [text[: len(opening)] for text in texts] == [opening] * 3


def test_a_grammar_of_another_engine_is_refused() -> None:
    model, tokenizer = random_model()
    grammar = toolfmt.grammar_for(TOOLS, "hermes", engine="llguidance")
    with pytest.raises(GrammarError, match='engine="xgrammar", not `llguidance`'):
        grammar_processor(grammar, tokenizer, model.config.vocab_size)
