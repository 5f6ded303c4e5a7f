"""The `toolfmt` command: its commands and their examples."""

from typing import Annotated

import typer

from toolfmt import __version__
from toolfmt.cli import convert, data, demo, grammar, template, text, tools
from toolfmt.cli.common import Commands

__all__ = ["app", "main"]

app = typer.Typer(
    cls=Commands,
    name="toolfmt",
    help="Parse, stream, render, convert and detect the text formats of LLM tool calls. Lossless or loud.",
    epilog="Exit codes: 0 fine, 1 problems found in the data, 2 cannot run.  FILE `-`, or none, is standard input.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"toolfmt {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


for command, *examples in (
    (text.parse, "toolfmt parse reply.txt --format qwen_xml --tools tools.json --json"),
    (text.render, """echo '{"name": "run", "arguments": {"command": "ls"}}' | toolfmt render --format hermes"""),
    (text.stream, "llama-cli ... | toolfmt stream --format hermes --json"),
    (grammar.grammar, "toolfmt grammar tools.json --format functiongemma --engine llguidance"),
    (template.template, "toolfmt template qwen_xml -o chat_template.jinja"),
    (
        convert.convert,
        "toolfmt convert train.jsonl --to qwen_xml -o train.qwen.jsonl --report report.json",
        "toolfmt convert 'in/*.parquet' -o out/ --layout openai --sample 100 --dry-run --show 3",
    ),
    (tools.tools, "toolfmt tools train.jsonl > tools.json"),
    (data.detect, "toolfmt detect train.jsonl"),
    (data.formats, "toolfmt formats --json"),
    (demo.demo, "toolfmt demo --limit 100"),
):
    app.command(epilog="\n\n".join(f"Example: {example}" for example in examples))(command)


def main() -> None:
    """The entry point."""
    app()


if __name__ == "__main__":
    main()
