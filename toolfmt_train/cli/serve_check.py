"""`toolfmt-train serve-check`: do calls arrive through a real server?"""

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from toolfmt.cli.common import Json, console, note, print_json, problems, visible

if TYPE_CHECKING:
    from toolfmt_train.serve.check import Prompt, Question
    from toolfmt_train.serve.report import Report
    from toolfmt_train.serve.start import Plan

__all__ = ["serve_check"]


_ANSWER_SECONDS = 600.0


class Backend(StrEnum):
    """What serves the model."""

    transformers = "transformers"
    vllm = "vllm"


def serve_check(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A model's folder or name, or `smollm2`; with --url, the server's name for it."
        ),
    ],
    format: Annotated[str, typer.Option("--format", "-f", help="The format that the server reads.")],
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="ROWS",
            help="Rows of `toolfmt-train generate` to ask; else a few built-in prompts.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many of the rows.")] = 8,
    backend: Annotated[Backend, typer.Option(help="What serves the model, on the CPU.")] = Backend.transformers,
    url: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Check a server that runs already, http://127.0.0.1:8000 say.", show_default=False
        ),
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="The port to serve on; else a free one.", show_default=False)
    ] = None,
    vllm_python: Annotated[
        Path,
        typer.Option(
            envvar="TOOLFMT_VLLM_PYTHON", metavar="PYTHON", help="The Python that has vLLM.", show_default="this one"
        ),
    ] = Path(sys.executable),
    grammar: Annotated[
        bool,
        typer.Option("--grammar", help="Ask under a grammar, so that any model calls: a check of the server alone."),
    ] = False,
    max_tokens: Annotated[int, typer.Option(min=1, help="Tokens of an answer.")] = 256,
    start_timeout: Annotated[
        float, typer.Option(min=1, help="Seconds until a server that is not ready is given up.")
    ] = 300,
    log: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep the log of the server here.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask a server through the openai client, in full and streaming, and see whether calls arrive.

    They must come in `tool_calls`, with the declared types, and nothing of them in `content`.  Exit code 1 when something is wrong.
    """
    import toolfmt
    from toolfmt_train.serve.check import Question
    from toolfmt_train.serve.start import Plan

    name = toolfmt.get_format(format).name
    prompts = _prompts(data, limit)
    question = Question(name, grammar, max_tokens)
    if url is not None:
        report = _ask(url.rstrip("/").removesuffix("/v1"), model, prompts, question, server=url)
    else:
        report = _serve(Plan(model, name, backend.value, port or 0, vllm_python, start_timeout, log), prompts, question)
    if as_json:
        print_json(report.as_json())
    else:
        console().print(report.table())
        print("\n".join(map(visible, report.lines())))
    if report.passed < len(prompts):
        problems()


def _prompts(data: Path | None, limit: int) -> "Sequence[Prompt]":
    from toolfmt_train.rows import read_rows
    from toolfmt_train.serve.check import Prompt
    from toolfmt_train.serve.prompts import PROMPTS

    return PROMPTS if data is None else [Prompt.of_row(row) for row in read_rows(data)[:limit]]


def _serve(plan: "Plan", prompts: "Sequence[Prompt]", question: "Question") -> "Report":
    from toolfmt_train.serve.start import serving, shows_tools

    if not shows_tools(plan.model):
        note(
            f"the chat template of {plan.model} does not show the model its tools: give its tokenizer that of `toolfmt template {plan.format}`"
        )
    note(f"starting {plan.backend} for {plan.model}")
    with serving(plan) as started:
        note(f"ready after {started.seconds:.0f} s on {started.url}")
        return _ask(started.url, plan.model, prompts, question, server=plan.backend)._replace(
            seconds_to_start=round(started.seconds, 1)
        )


def _ask(url: str, model: str, prompts: "Sequence[Prompt]", question: "Question", *, server: str) -> "Report":
    from toolfmt_train.errors import ServerError
    from toolfmt_train.serve.check import check
    from toolfmt_train.serve.client import BrokenAnswerError, Client
    from toolfmt_train.serve.report import Report

    client = Client(url, model, seconds=_ANSWER_SECONDS)
    try:
        offered = client.models()
    except BrokenAnswerError as error:
        raise ServerError(f"no OpenAI-compatible server answers at {url}/v1/models: {error}") from None
    if model not in offered:
        raise ServerError(
            f"the server at {url} has no model `{model}`; it has {', '.join(f'`{name}`' for name in offered)}"
        )
    checked = []
    for one in check(client, prompts, question):
        checked.append(one)
        note(
            f"{len(checked)}/{len(prompts)} {one.prompt.id}: {'; '.join(finding.problem for finding in one.findings) or 'ok'}"
        )
    return Report(model, question.format, server, question.grammar, checked)
