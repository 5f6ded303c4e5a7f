"""`toolfmt grammar`: a decoding grammar from a tool list."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolfmt.cli.common import (
    CommandError,
    FormatName,
    Json,
    note,
    print_json,
    problems,
    read_text,
    read_tools_file,
    visible,
)

if TYPE_CHECKING:
    from toolfmt.grammar.result import Grammar

__all__ = ["grammar"]


def grammar(
    tools: Annotated[
        Path,
        typer.Argument(
            metavar="TOOLS", help="Tool definitions, JSON: OpenAI, Anthropic, MCP and more; `-` is standard input."
        ),
    ],
    format: FormatName = "hermes",
    engine: Annotated[
        str, typer.Option(help="xgrammar, llguidance, gbnf (for llama.cpp) or structural_tag.")
    ] = "xgrammar",
    strictness: Annotated[str, typer.Option(help="schema, shape (any well-formed arguments) or names.")] = "schema",
    calls: Annotated[str, typer.Option(help="one, many (one or more), or auto: prose with any number.")] = "one",
    tool: Annotated[str | None, typer.Option(help="Force this tool, by its name.", show_default=False)] = None,
    order: Annotated[str, typer.Option(help="Properties stand in the schema's order, or in any.")] = "schema",
    whitespace: Annotated[str, typer.Option(help="canonical, or flexible: up to eight blanks.")] = "canonical",
    special_token: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT=ID", help="A mark that is a special token; may be given again.", show_default=False),
    ] = None,
    engine_version: Annotated[
        str | None, typer.Option(help="Of xgrammar; else the installed one.", show_default=False)
    ] = None,
    relax: Annotated[
        bool, typer.Option("--relax", help="Leave out what cannot be enforced, and say so, instead of refusing it.")
    ] = False,
    check: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="Ask whether the grammar allows TEXT; `-` reads standard input.", show_default=False
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say what is enforced and what is not, instead of the grammar.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print a grammar under which a model can write calls of these tools and nothing else.

    Exit code 1 when --check refuses the text, 2 when no such grammar can be made.
    """
    import toolfmt

    if check == "-" and str(tools) == "-":
        raise CommandError(
            "standard input holds the tools already; give --check the text itself, or the tools as a file: `-`"
        )
    fmt = toolfmt.get_format(format)
    choices: dict[str, Any] = {
        "engine": engine, "strictness": strictness, "calls": calls, "tool": tool, "order": order, "whitespace": whitespace,
        "special_tokens": _special(special_token or []), "engine_version": engine_version, "on_unsupported": "relax" if relax else "error",
    }  # fmt: skip
    try:
        made = toolfmt.grammar_for(read_tools_file(tools), fmt, **choices)
    except toolfmt.GrammarError as error:
        raise CommandError(str(error).replace('on_unsupported="relax"', "--relax")) from None
    except ValueError as error:  # an unknown choice, or a name that the format cannot write
        raise CommandError(str(error)) from None
    if check is not None:
        _check(made, read_text(None) if check == "-" else check, as_json)
    elif as_json:
        print_json(_dump(made))
    elif explain:
        print(visible(made.explain()))
    else:
        for limit in made.relaxed:
            note(f"note: not enforced: {limit}")
        print(made.text.rstrip("\n"))


def _special(given: list[str]) -> dict[str, int]:
    made = {}
    for item in given:
        text, _, number = item.rpartition("=")
        if not text or not number.isdecimal():
            raise CommandError(f"a special token is given as TEXT=ID, such as `<tool_call>=151657`; got `{item}`")
        made[text] = int(number)
    return made


def _dump(made: "Grammar") -> dict[str, Any]:
    return {
        "text": made.text,
        "engine": made.engine,
        "format": made.format,
        "strictness": made.strictness,
        "calls": made.calls,
        "tools": list(made.tools),
        "special_tokens": made.special_tokens,
        "relaxed": [limit._asdict() for limit in made.relaxed],
        "narrowed": [limit._asdict() for limit in made.narrowed],
    }


def _check(made: "Grammar", text: str, as_json: bool) -> None:
    from toolfmt.errors import excerpt

    fine = made.matches(text)
    at = len(text) if fine else made.allowed(text)
    if as_json:
        print_json({"allowed": fine, "characters": at})
    elif fine:
        print("allowed")
    else:
        where = f"line {text.count(chr(10), 0, at) + 1}, column {at - text.rfind(chr(10), 0, at)}"
        ended = "it ends too early" if at == len(text) else f"`{visible(text[at])}` may not stand here"
        print(f"not allowed: {where}: {ended}\n{excerpt(text, at)}")
    if not fine:
        problems()
