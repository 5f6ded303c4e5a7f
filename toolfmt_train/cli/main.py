"""The `toolfmt-train` command: its commands and their examples."""

import typer

from toolfmt.cli.common import Commands

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


def main() -> None:
    """The entry point."""
    app()


if __name__ == "__main__":
    main()
