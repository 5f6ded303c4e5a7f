"""`toolfmt-train demo`: the whole road, small."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolfmt.cli.common import Json, console, note, print_json

if TYPE_CHECKING:
    from toolfmt_train.road import Done, Step

__all__ = ["demo"]


def demo(
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where everything goes; a second run goes on there.")
    ] = Path("toolfmt-demo"),
    model: Annotated[str, typer.Option(help="The model to tune: a folder, a hub name, or `smollm2`.")] = "smollm2",
    as_json: Json = False,
) -> None:
    """Data, conversion, tuning, evaluation and a server, each step by its own command: some minutes on a CPU.

    Data with calls in code fences is trained on, and the calls arrive as text at a server that reads Qwen's XML; the data converted,
    they arrive.
    """
    from toolfmt_train.road import Road, run, scores

    road = Road(model=model)
    done = list(run(road, out, _say))
    found = scores(out)
    if as_json:
        print_json({"steps": [_cost(one) for one in done], "scores": found})
        return
    spent = sum(one.cpu_seconds or 0.0 for one in done)
    console().print(_table(found))
    print(
        f"{len(done)} steps, {spent / 60:.1f} CPU minutes; everything is in {out}, the picture in {out / 'scores' / 'scores.png'}"
    )


def _say(number: int, of: int, step: "Step") -> None:
    note(f"\n[{number}/{of}] {step.title}\n$ {' '.join(step.command)}")


def _cost(done: "Done") -> dict[str, Any]:
    return {"command": " ".join(done.step.command), "seconds": done.seconds, "cpu_seconds": done.cpu_seconds}


def _table(found: list[dict[str, Any]]) -> Any:
    """What the story comes to: calls that arrive, and those that are right."""
    from rich.table import Table

    made = Table(
        "model",
        "calls that arrive",
        "right tool",
        "exact call",
        title="on the held-out tasks for a tool, with 95% intervals",
    )
    for score in found:
        rates = score["rates"]
        made.add_row(score["condition"]["name"], *(_cell(rates.get(name)) for name in ("parsed", "tool", "exact")))
    return made


def _cell(rate: dict[str, Any] | None) -> str:
    if rate is None:
        return "-"
    return f"{rate['value'] * 100:.0f}% [{rate['low'] * 100:.0f}, {rate['high'] * 100:.0f}] of {rate['of']}"
