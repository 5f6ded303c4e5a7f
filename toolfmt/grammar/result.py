"""`Grammar`: the text of a grammar, what it does and does not enforce, and what each server wants to be given."""

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from toolfmt.errors import GrammarError

__all__ = ["Grammar", "Limit"]


class Limit(NamedTuple):
    """A keyword of a tool's schema that the grammar does not say exactly; ``pointer`` is a JSON pointer into the tool's parameters."""

    tool: str
    pointer: str
    keyword: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.tool}{self.pointer}: {self.keyword}: {self.reason}"


@dataclass(frozen=True)
class Grammar:
    """What `toolfmt.grammar_for` gives."""

    text: str
    """The grammar as the engine reads it."""
    engine: str
    format: str
    strictness: str
    calls: str
    tools: tuple[str, ...]
    relaxed: tuple[Limit, ...]
    """Keywords that are not enforced: the grammar allows more than the schema."""
    narrowed: tuple[Limit, ...]
    """What the schema allows and the grammar does not, beyond the conventions of docs/grammars.md."""
    special_tokens: dict[str, int]
    """The marks that the text takes for special tokens, by their ids; any other mark is plain text."""
    plain_text: str = field(repr=False)
    """The same without special tokens, which `matches` reads."""

    def matches(self, text: str) -> bool:
        """Whether the whole ``text`` is a sentence of the grammar, as the installed engine reads it; xgrammar reads GBNF too."""
        from toolfmt.grammar.engines import accepts

        return accepts(self.engine, self.plain_text, text)

    def allowed(self, text: str) -> int:
        """How many characters of ``text`` may stand at the beginning of a sentence."""
        from toolfmt.grammar.engines import allowed

        return allowed(self.engine, self.plain_text, text)

    def check(self) -> None:
        """Compile it with the installed engine; GrammarError where that refuses it."""
        from toolfmt.grammar.engines import check

        check(self.engine, self.text)

    def vllm(self, tool_choice: str | Mapping[str, Any] = "auto") -> dict[str, Any]:
        """The fields of a vLLM request (0.32): the grammar, and ``tool_choice``, which must be ``auto`` for the calls to arrive.

        ``none`` returns calls as text, and ``required`` or a named tool puts vLLM's own grammar in the place of this one: a warning says so.  A
        grammar for llguidance needs a server with ``--structured-outputs-config.backend guidance``.
        """
        if tool_choice != "auto":
            what = (
                "the calls come back as text, in none of `tool_calls`"
                if tool_choice == "none"
                else "vLLM puts a grammar of its own in the place of this one"
            )
            warnings.warn(
                f'with tool_choice="{tool_choice}" {what}; send "auto" with a grammar of calls="one" or "many"',
                stacklevel=2,
            )
        key = self._key({"xgrammar": "grammar", "llguidance": "grammar", "structural_tag": "structural_tag"}, "vLLM")
        return {"structured_outputs": {key: self.text}, "tool_choice": tool_choice}

    def sglang(self, *, openai: bool = False) -> dict[str, Any]:
        """The sampling parameters of an SGLang request to ``/generate``; ``openai=True``: extra fields of one to its OpenAI-compatible API.

        A grammar for llguidance needs a server with ``--grammar-backend llguidance``; for xgrammar give `grammar_for` its ``engine_version``.
        """
        key = self._key({"xgrammar": "ebnf", "llguidance": "ebnf", "structural_tag": "structural_tag"}, "SGLang")
        if openai and key == "structural_tag":
            return {"response_format": json.loads(self.text)}
        return {key: self.text}

    def llama_cpp(self) -> dict[str, Any]:
        """The field of a llama.cpp request, and no ``tools`` beside it: the server refuses both together."""
        return {self._key({"gbnf": "grammar"}, "llama.cpp"): self.text}

    def transformers(self, tokenizer: Any) -> Any:
        """A ``LogitsProcessor`` for one ``generate()`` call of transformers."""
        from toolfmt.grammar.engines import logits_processor

        return logits_processor(self.engine, self.text, tokenizer)

    def _key(self, keys: dict[str, str], server: str) -> str:
        if self.engine not in keys:
            raise GrammarError(
                "engine",
                f'{server} reads grammars for {" and ".join(keys)}; make it with engine="{next(iter(keys))}", not `{self.engine}`',
            )
        return keys[self.engine]

    def explain(self) -> str:
        """What it enforces and what it does not, in lines for people."""
        enforced = {
            "schema": "arguments keep to the tools' schemas",
            "shape": "arguments are well-formed; the schemas are not asked",
            "names": "arguments are any text",
        }
        amount = {"one": "one call", "many": "one or more calls", "auto": "prose with any number of calls"}
        marks = ", ".join(f"{text} = {number}" for text, number in self.special_tokens.items())
        lines = [
            f"{self.format} for {self.engine}: {amount[self.calls]} of {len(self.tools)} tool{'s' * (len(self.tools) > 1)}",
            f"enforced: {enforced[self.strictness]}",
            f"special tokens: {marks or 'none; marks are plain text'}",
        ]
        lines += [f"not enforced: {limit}" for limit in self.relaxed]
        lines += [f"narrower than the schema: {limit}" for limit in self.narrowed]
        return "\n".join(lines)
