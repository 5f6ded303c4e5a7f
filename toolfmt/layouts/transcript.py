"""A rendered conversation, split into turns by the role marks of a known chat template: `split`, `Span`, and `spliced`, which puts texts back.

    <|im_start|>user\\nHi<|im_end|>\\n<|im_start|>assistant\\nHello.<|im_end|>\\n

A template is taken only where its marks tile the text: before the first stands nothing but a mark of the beginning (or, where the template has them
there, the system text), and between the end of a turn and the next nothing but white space.  Everything else is one text.  Known: ChatML, Llama 3 and
4, Gemma, Granite, GLM and Phi, Mistral, DeepSeek, and plain ``USER:`` and ``ASSISTANT:`` lines in strict alternation.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from toolfmt.errors import UnrepresentableError
from toolfmt.layouts.base import Lose, Turn

__all__ = ["Span", "spliced", "split", "turns_of", "without_end"]


@dataclass(frozen=True, slots=True)
class Span:
    """A turn's role, and where its text stands."""

    role: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Template:
    sign: re.Pattern[str]
    """What its texts hold: a quick look before `opens`."""
    opens: re.Pattern[str]
    """What stands before a turn's text; group ``role``, or the mark itself, says whose it is."""
    closes: re.Pattern[str]
    """What ends a turn, the last thing before the next."""
    begins: re.Pattern[str]
    """What may stand before the first turn."""
    bare_system: bool = False
    """The system text stands before the first turn, without a mark."""
    alternates: bool = False
    """Only where user and assistant take turns; the line feeds before a mark are its own."""


_ROLES = {
    "system": "system", "developer": "developer", "user": "user", "human": "user", "assistant": "assistant", "model": "assistant",
    "tool": "tool", "function": "tool", "ipython": "tool", "observation": "tool", "tool_response": "tool",
    "available_tools": "system", "[INST]": "user", "[/INST]": "assistant", "[SYSTEM_PROMPT]": "system", "[AVAILABLE_TOOLS]": "system",
    "[TOOL_RESULTS]": "tool", "<｜User｜>": "user", "<｜Assistant｜>": "assistant", "<｜tool▁outputs▁begin｜>": "tool",
    "<｜tool▁output▁begin｜>": "tool", "": "assistant",
}  # fmt: skip


def _template(sign: str, opens: str, closes: str, begins: str = "", *, bare_system: bool = False, alternates: bool = False) -> _Template:
    return _Template(re.compile(sign), re.compile(opens), re.compile(closes), re.compile(rf"\s*(?:{begins})?\s*"), bare_system, alternates)


_TEMPLATES = (
    _template(r"<\|im_start\|>", r"<\|im_start\|>(?P<role>\w+)(?:\n|<\|im_sep\|>)", r"<\|im_end\|>", r"<\|endoftext\|>|<s>"),
    _template(
        r"<\|(?:start_header_id|header_start)\|>",
        r"<\|(?:start_header_id|header_start)\|>(?P<role>\w+)<\|(?:end_header_id|header_end)\|>\n{0,2}",
        r"<\|e(?:ot|ot_id|om|om_id)\|>",
        r"<\|begin_of_text\|>",
    ),
    _template("<start_of_turn>", r"<start_of_turn>(?P<role>\w+)\n", r"<end_of_turn>", "<bos>"),
    _template(r"<\|turn>", r"<\|turn>(?P<role>\w+)\n", r"<turn\|>", "<bos>"),
    _template(r"<\|start_of_role\|>", r"<\|start_of_role\|>(?P<role>\w+)<\|end_of_role\|>", r"<\|end_of_text\|>"),
    _template(
        r"<\|(?:user|assistant)\|>",
        r"<\|(?P<role>system|user|assistant|observation)\|>\n?",
        r"(?<!\n)<\|end\|>|<\|endoftext\|>",  # where a line feed stands before it, it closes a call of format `labelled`
        r"\[gMASK\]\s*<sop>|<s>",
    ),
    _template(
        r"\[INST\]",
        r"\[INST\] ?| ?\[/INST\] ?|\[SYSTEM_PROMPT\]|(?=\[AVAILABLE_TOOLS\])|(?<!\[/TOOL_RESULTS\])(?=\[TOOL_RESULTS\])"
        r"|(?<=\[/TOOL_RESULTS\])(?!\s*\[/?(?:TOOL_RESULTS|INST)\])",
        r"</s>|\[/SYSTEM_PROMPT\]",
        "<s>",
    ),
    _template(
        "<｜User｜>",
        r"<｜User｜>|<｜Assistant｜>|<｜tool▁outputs▁begin｜>|(?<=<｜tool▁outputs▁end｜>)(?!\s*<｜(?:User|Assistant|end))"
        r"|(?<!<｜tool▁outputs▁begin｜>)(?<!<｜tool▁output▁end｜>)(?<!\n)(?=<｜tool▁output▁begin｜>)"
        r"|(?<=<｜tool▁output▁end｜>)(?!\s*<｜(?:User|Assistant|end|tool▁output))",
        "<｜end▁of▁sentence｜>|<｜tool▁outputs▁end｜>",
        "<｜begin▁of▁sentence｜>",
        bare_system=True,
    ),
    _template("USER:", r"(?:\A|(?<=\n))(?P<role>SYSTEM|USER|ASSISTANT): ?", r"(?!)", alternates=True),
)


def split(text: str) -> list[Span] | None:
    """The turns of a transcript; None where no template's marks tile it."""
    return next((spans for template in _TEMPLATES if (spans := _spans(text, template))), None)


def _spans(text: str, template: _Template) -> list[Span] | None:
    opens = list(template.opens.finditer(text)) if template.sign.search(text) else []
    if not opens:
        return None
    begun = template.begins.match(text)
    start = begun.end() if begun else 0
    spans = []
    if text[start : opens[0].start()].strip():
        if not template.bare_system:
            return None
        spans.append(Span("system", start, opens[0].start()))
    for i, mark in enumerate(opens):
        role = _ROLES.get(_role(text, mark))
        if role is None:
            return None
        end = opens[i + 1].start() if i + 1 < len(opens) else len(text)
        closing = _closing(text, mark.end(), end, template)
        if closing is None:
            return None
        spans.append(Span(role, mark.end(), closing))
    said = [span.role for span in spans if span.role != "system"]
    if template.alternates and said != (["user", "assistant"] * len(said))[: len(said)]:
        return None
    return spans if {"user", "assistant"} & set(said) else None


def _role(text: str, mark: re.Match[str]) -> str:
    """Which role a mark opens, by its group or by what it is."""
    if "role" in mark.re.groupindex:
        return mark["role"].lower()
    shown = mark[0].strip()
    if not shown:
        ahead = re.compile(r"\[\w+\]|<｜[^｜]+｜>").match(text, mark.end())
        shown = ahead[0] if ahead and ahead[0] in _ROLES else ""
    return shown


def _closing(text: str, start: int, end: int, template: _Template) -> int | None:
    """Where the text of a turn ends that stands before ``end``; None where its end mark is followed by more."""
    if template.alternates:
        return start + len(text[start:end].rstrip("\n")) if end < len(text) else end
    mark = template.closes.search(text, start, end)
    if mark is None:
        return end
    return None if text[mark.end() : end].strip() else mark.start()


_END = re.compile(
    r"(?:<\|im_end\|>|<\|e(?:ot|om)(?:_id)?\|>|<end_of_turn>|<turn\|>|<\|end_of_text\|>|</s>|<｜end▁of▁sentence｜>|<\|endoftext\|>)\s*\Z"
)


def without_end(turn: Turn) -> Turn:
    """The turn without the mark that ends it, which stays in the text."""
    text, span = turn.text or "", turn.raw["span"]
    end = _END.search(text)
    return replace(turn, text=text[: end.start()], raw={**turn.raw, "span": Span(span.role, span.start, span.start + end.start())}) if end else turn


def turns_of(text: str, path: str, keys: tuple[str, str], default: str) -> list[Turn]:
    """The turns of a text; one of role ``default`` where it is no transcript."""
    spans = split(text) or [Span(default, 0, len(text))]
    return [
        Turn(span.role, f"{path}[{span.start}:{span.end}]", {"span": span}, keys, text=text[span.start : span.end]) for span in spans
    ]


def spliced(text: str, turns: Sequence[Turn], lose: Lose) -> str:
    """The text with the changed turns in their places; every other character stays."""
    pieces: list[str] = []
    at = 0
    seen: set[int] = set()
    for turn in turns:
        span: Span = turn.raw["span"]
        if span.start in seen:
            raise UnrepresentableError(turn.path, "several results in one turn become a message each, and a transcript has no mark for more turns")
        seen.add(span.start)
        if turn.structured:
            raise UnrepresentableError(turn.path, "a rendered text has no place for calls in fields: pass to=")
        if turn.role != span.role:
            lose("role", turn.path, f"the text of role `{turn.role}` stays where the template has role `{span.role}`")
        pieces += [text[at : span.start], turn.text or ""]
        at = span.end
    return "".join(pieces) + text[at:]
