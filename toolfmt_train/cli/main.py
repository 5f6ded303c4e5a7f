"""The `toolfmt-train` command: its commands and their examples."""

import typer

from toolfmt.cli.common import Commands
from toolfmt_train.cli.demo import demo
from toolfmt_train.cli.evaluate import evaluate
from toolfmt_train.cli.generate import generate
from toolfmt_train.cli.serve_check import serve_check
from toolfmt_train.cli.sft import sft

__all__ = ["app", "main"]

app = typer.Typer(
    cls=Commands,
    name="toolfmt-train",
    help="Verified data, a tuned model, and calls that arrive: generate, sft, evaluate, serve-check, demo.",
    epilog="Exit codes: 0 fine, 1 problems found, 2 cannot run.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _commands() -> None:
    """Makes it a group, whatever the number of commands."""


app.command(
    "serve-check", epilog="Example: toolfmt-train serve-check runs/qwen/merged --format qwen_xml --backend vllm"
)(serve_check)
app.command(
    epilog="Example: toolfmt-train evaluate smollm2 --data held_out.jsonl --format qwen_xml --grammar both -o runs/before"
)(evaluate)
app.command(epilog="Example: toolfmt-train generate -o rows.jsonl --rows 300")(generate)
app.command(epilog="Example: toolfmt-train demo -o road")(demo)
app.command(epilog="Example: toolfmt-train sft recipe.toml --dry-run")(sft)


def main() -> None:
    """The entry point."""
    app()


if __name__ == "__main__":
    main()
