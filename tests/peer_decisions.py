"""Why toolfmt and a case of `peer_cases` disagree: each decision with one explanation and its cases.

A case is evidence, not law: where two readings are possible, "lossless or loud" decides.
"""

from dataclasses import dataclass

__all__ = ["DECISIONS", "DISAGREEMENTS", "Decision"]


@dataclass(frozen=True, slots=True)
class Decision:
    key: str
    about: frozenset[str]
    """What it may concern: calls, content, reasoning."""
    why: str
    cases: tuple[str, ...]


def decision(key: str, about: str, why: str, **cases: str) -> Decision:
    """``cases``: the ids' numbers by their beginning, ``smg_hermes="002 003"`` for smg-hermes-002 and smg-hermes-003."""
    ids = [f"{start.replace('_', '-', 1)}-{n}" for start, numbers in cases.items() for n in numbers.split()]
    return Decision(key, frozenset(about.split()), why, tuple(sorted(ids)))


DECISIONS = (
    decision(
        "a broken call is Malformed",
        "content",
        "Text that opens like a call and is none is a `Malformed` part with its reason. The peer hands it to the user as ordinary text.",
        smg_hermes="003 005 006 008",
        smg_qwen3_coder="014 015",
        smg_deepseek_v3="006 007",
        smg_minimax_m2="012 013",
        smg_json_plain="044 054",
        smg_llama3_json="001 003 004 013",
        smg_mistral="003 004 006",
    ),
    decision(
        "text after a call is kept",
        "content",
        "The peer returns the text before the first call and drops the rest. All text is kept here.",
        smg_hermes="014 019",
        smg_deepseek_v3="001",
        smg_glm45="001",
        smg_glm47="001",
        smg_kimi_k2="001",
        smg_minimax_m2="001",
        smg_mistral="013",
    ),
    decision(
        "separators are framing",
        "content",
        "The newline that the template writes between text and a call belongs to neither. The peer leaves it in the text.",
        smg_hermes="012",
        smg_qwen3_coder="002",
    ),
    decision(
        "text is not stripped",
        "content reasoning",
        "The peer strips white space from text and thoughts. Here only the separators that the format itself writes are taken off.",
        sglang_hermes="003",
        ollama_qwen3_coder="081 087",
        ollama_deepseek_v3_1="004 035",
        ollama_lfm2="005 033 034 037",
    ),
    decision(
        "the closing mark may be missing",
        "calls content",
        "The call's JSON is whole and only its closing mark is missing: nothing is lost, so it is a call. The peer reads none.",
        smg_hermes="002 017",
    ),
    decision(
        "bare JSON is a call when it has both keys",
        "calls content",
        "An object without marks round it may be an answer: it is a call when it has a tool's name and an object of arguments, else it is "
        "text. The peer takes a name alone, arguments of other types, and `function` for `name`.",
        smg_json_plain="005 007 008 009 010 028 043",
    ),
    decision(
        "Python's spelling of JSON is read",
        "calls content",
        "Single quotes leave no doubt what is meant, so it is a call. The peer reads text.",
        smg_json_plain="045",
    ),
    decision(
        "text may follow bare JSON",
        "calls content",
        "Text stands after a bare call: both are read, nothing is lost. The peer takes the whole for text.",
        smg_llama3_json="018",
    ),
    decision(
        "the opening mark was removed",
        "calls",
        "The peer's template takes `[TOOL_CALLS]` off before its parser reads. What a model says carries it; JSON without it is text here.",
        llamafactory_mistral="001 002",
    ),
    decision(
        "every block of calls is read",
        "calls content",
        "Text stands between two blocks of calls: all is read. The peer returns the text before the first block and nothing else.",
        ollama_deepseek_v3_1="045",
    ),
    decision(
        "no types without tools",
        "calls",
        "The wire has no types and the case gives no tools: values are strings. The peer guesses types from their spelling.",
        smg_qwen3_coder="003 004 009 023 024",
        smg_glm45="003 004",
        smg_glm47="003 004",
        smg_minimax_m2="004 005",
    ),
    decision(
        "an undeclared parameter is a string",
        "calls",
        "The wire has no types and the tool declares no such parameter: its value is a string. The peer guesses its type.",
        sglang_glm45="001",
        sglang_glm47="001",
    ),
    decision(
        "values are not stripped",
        "calls",
        "A value is kept with its white space. The peer strips it.",
        smg_qwen3_coder="020",
    ),
    decision(
        "values are taken as written",
        "calls",
        "A string is the text as it stands: quotes round it and entities (`&lt;`) in it belong to it. The peer decodes them.",
        mlxlm_glm47="004",
        smg_minimax_m2="007",
    ),
    decision(
        "other spellings stay strings",
        "calls",
        "A value becomes what its schema allows when it is spelled as JSON (or Python) writes it, else it stays a string that "
        "`toolfmt.validate` reports. The peer converts further spellings (`007`, `FALSE`, `NULL`), turns any other word into `false`, and "
        "`null` into null where only strings are allowed.",
        ollama_qwen3_coder="016 033 034 035 045",
    ),
    decision(
        "a key given twice",
        "calls",
        "Which of the two values was meant cannot be known: `Malformed`. The peer keeps the last.",
        ollama_glm45="015",
        smg_json_plain="022 062",
    ),
    decision(
        "drifted closing tags",
        "calls",
        "A value's closing tag is missing or misspelled (`</parameter1>`). Any text may stand in a value, so what follows belongs to it "
        "until a true closing tag. The peer ends the value at the next `<parameter=`.",
        sglang_qwen3_coder="001 002 003 004 011",
        ollama_glm45="021",
    ),
    decision(
        "tags inside a call are not repaired",
        "calls",
        "A tag of the call is missing, or the tags are indented so that a value's white space cannot be told from theirs: `Malformed`. The "
        "peer repairs.",
        smg_qwen3_coder="011 016",
        smg_minimax_m2="015",
        ollama_glm45="020 022 023 024",
    ),
    decision(
        "another format in these marks",
        "calls",
        "The marks are this format's, what stands between them is another's (JSON, `key=value`): `Malformed`. The peer reads it as well.",
        mlxlm_glm47="001 002",
    ),
    decision(
        "the keys of the format",
        "calls",
        "A call of this format has its own keys (`name`, `arguments`); an object with others among the calls is `Malformed`. The peer reads "
        "them or skips it.",
        smg_json_plain="004 021 029",
    ),
    decision(
        "reasoning is not switched off",
        "content reasoning",
        "The peer was told that the model does not think and keeps a stray `</think>` as text. A reader here is told nothing: the tag ends a "
        "thought.",
        ollama_qwen3_coder="080",
        ollama_deepseek_v3_1="038",
        ollama_lfm2="038",
    ),
    decision(
        "marks of results are text",
        "content",
        "A model does not write tool results. Where the marks of one stand in its answer they stay text; the peer drops the marks and keeps "
        "what they frame.",
        ollama_deepseek_v3_1="007 012 019 020 024 029 033 044",
    ),
    decision(
        "the case is at fault",
        "calls",
        "The expectation or the text was recorded wrongly: an empty object as `[]`, generated JSON as its first characters.",
        ollama_qwen3_coder="042",
        smg_json_plain="019 020",
    ),
)  # fmt: skip

DISAGREEMENTS = {case: decision.key for decision in DECISIONS for case in decision.cases}
"""The id of every case that disagrees -> the decision's key."""
