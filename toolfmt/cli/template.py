"""`toolfmt template`: a format's chat template."""

from pathlib import Path
from typing import Annotated

import typer

from toolfmt.cli.common import CommandError, Json, note, print_json

__all__ = ["template"]


def template(
    format: Annotated[str, typer.Argument(metavar="FORMAT", help="A format, alias or model: see `toolfmt formats`.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Write it here instead of printing it.", show_default=False),
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Without the generation marks, which only transformers' Jinja knows.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print a chat template for transformers, in which the assistant writes calls in this format.

    Exit code 2 when the format has none.
    """
    import toolfmt

    fmt = toolfmt.get_format(format)
    try:
        text = toolfmt.chat_template(fmt, generation_markers=not plain)
    except toolfmt.UnrepresentableError as error:
        raise CommandError(error.reason) from None
    if out is not None:
        out.write_bytes(text.encode())
        note(f"wrote {out}")
    if as_json:
        print_json({"format": fmt.name, "template": text})
    elif out is None:
        print(text)
