"""Running a chat template as transformers 5.24 runs it: its sandbox, its ``tojson``, its ``{% generation %}``, without importing transformers.

A template is a program of somebody else's.  The sandbox lets it reach no attribute that begins with an underscore and change no value; it bounds
neither time nor memory, so run templates that you would run in transformers.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["Rendered", "apply_template"]


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a chat template writes."""

    text: str
    spans: tuple[tuple[int, int], ...]
    """Where the assistant writes, by the template's ``{% generation %}``."""


def apply_template(
    template: str,
    messages: Sequence[Any],
    *,
    tools: Sequence[Any] | None = None,
    add_generation_prompt: bool = False,
    **variables: Any,
) -> Rendered:
    """What ``template`` makes of a conversation; what it refuses raises jinja2's `TemplateError`."""
    pieces: list[str] = []
    spans: list[tuple[int, int]] = []

    def generated(caller: Callable[[], str]) -> str:
        text, start = caller(), sum(map(len, pieces))
        spans.append((start, start + len(text)))
        return text

    given = {"messages": messages, "tools": tools, "add_generation_prompt": add_generation_prompt, **variables}
    for piece in _compiled(template).generate({**given, "toolfmt_generated": generated}):
        pieces.append(piece)  # noqa: PERF402 - `generated` asks how far the text is
    return Rendered("".join(pieces), tuple(spans))


@cache
def _compiled(template: str) -> "Template":
    from jinja2 import TemplateError, nodes
    from jinja2.ext import Extension, loopcontrols
    from jinja2.parser import Parser
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        tags = {"generation"}  # noqa: RUF012 - jinja2's own declaration

        def parse(self, parser: Parser) -> nodes.Node:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.CallBlock(
                nodes.Call(nodes.Name("toolfmt_generated", "load"), [], [], None, None), [], [], body
            ).set_lineno(line)

    def refuse(message: str) -> NoReturn:
        raise TemplateError(message)

    def tojson(
        value: Any,
        ensure_ascii: bool = False,
        indent: int | None = None,
        separators: Any = None,
        sort_keys: bool = False,
    ) -> str:
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    made = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    made.filters["tojson"] = tojson
    made.globals["raise_exception"] = refuse
    return made.from_string(template)
