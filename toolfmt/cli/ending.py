"""What `toolfmt convert` says at its end: what became of every row, where the files are, and what to do next."""

import json
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from toolfmt.cli.common import counted, note, print_json, visible
from toolfmt.cli.inputs import Sample, Streams
from toolfmt.cli.preview import Preview
from toolfmt.containers.jobs import Jobs
from toolfmt.report import Report

__all__ = ["Ending", "Result"]

_UNTYPED = frozenset({"type", "null", "ambiguous"})
"""Kinds of loss that a list of tools may prevent."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to."""

    report: Report
    preview: Preview
    begun: int | None
    """How many files were begun; None where they were not converted in their order."""
    failed: str | None = None
    """Why there is no output; None where there is."""
    unsaid: frozenset[str] = frozenset()
    """Kinds of what the rows at which it ended would lose."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended, for whoever began it."""

    result: Result
    jobs: Jobs
    files: Streams
    sample: Sample | None
    dry: bool
    context: typer.Context

    def tell(self, report_file: Path | None, as_json: bool) -> None:
        """Say it on standard output, or on standard error where rows go to the one."""
        if report_file is not None:
            text = json.dumps(self._as_dict(), ensure_ascii=False, indent=2) + "\n"
            report_file.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")
        if as_json:
            print_json(self._as_dict())
        else:
            self.result.preview.show(stderr=self.files.rows is not None)
        if self.result.failed is not None:
            note(self.files.said(f"error: {self.result.failed}; {self._written_before()}"))
        elif not as_json:
            print(
                visible(self.files.said("\n".join(self._lines()))),
                file=sys.stdout if self.files.rows is None else sys.stderr,
            )
        if not as_json and (more := self._next()):
            note(f"next: {_command_again(self.context, more)}")

    def _lines(self) -> list[str]:
        report = self.result.report
        good = report.rows - report.rejected
        lines = [report.summary()]
        if self.sample is not None:
            lines.append(self.sample.said())
        lines.append(
            f"{counted(report.rows, 'row')} in = {counted(good, 'row')} out + {counted(report.rejected, 'reject')}"
        )
        if self.dry:
            return [*lines, f"a dry run: nothing was written to {self.jobs.out}"]
        what = f"{counted(len(self.jobs.files), 'file')} to " if self.jobs.folder else ""
        lines.append(f"wrote {what}{self.jobs.out}")
        rejects = self._rejects()
        if self.files.rows is not None:
            return [*lines, "the rejects, each with its reason:"] if rejects else lines
        if rejects:
            more = f" and {len(rejects) - 3} more" if len(rejects) > 3 else ""
            lines.append(f"rejects, each with its reason: {', '.join(rejects[:3])}{more}")
        return lines

    def _rejects(self) -> list[str]:
        """The files of rejects that were written."""
        if not self.result.report.rejected or self.dry or self.result.failed is not None:
            return []
        return [str(job.rejects) for job in self.jobs.files if job.rejects.exists()]

    def _written_before(self) -> str:
        """What a run that ended early has written."""
        count, begun = len(self.jobs.files), self.result.begun
        if count == 1 or self.dry or (begun is not None and begun <= 1):
            return "nothing was written"
        if begun is None:
            return f"of the other {counted(count - 1, 'file')} some are written"
        return f"of {count} files {begun - 1} had been written before"

    def _next(self) -> list[str]:
        """Options by which a run goes better."""
        kinds = self.result.unsaid | self.result.report.loss_counts.keys()
        if kinds & _UNTYPED and not _is_given(self.context, "tools"):
            return ["--tools", "tools.json"]
        if self.result.report.rejected and _is_given(self.context, "source_layout"):
            return ["--source-layout", "auto"]
        return ["--on-loss", "warn"] if self.result.failed is not None else []

    def _as_dict(self) -> dict[str, Any]:
        written = self.result.failed is None and not self.dry
        return {
            **self.result.report.as_dict(),
            "rows_out": self.result.report.rows - self.result.report.rejected,
            "out": self.files.said(str(self.jobs.out)) if written else None,
            "rejects_files": self._rejects() if self.files.rows is None else [],
            "dry_run": self.dry,
            "sample": None if self.sample is None else self.sample.as_dict(),
            "shown": self.result.preview.as_list(),
            "error": self.result.failed,
        }


def _command_again(context: typer.Context, more: list[str]) -> str:
    """The command as it was given, with ``more`` in place of the same option."""
    words: list[str] = []
    for option in context.command.params:
        value = context.params.get(option.name or "")
        if not _is_given(context, option.name or "") or more[0] in option.opts:
            continue
        if option.param_type_name == "argument":
            words += list(value or ())
        else:
            words += [option.opts[0]] if value is True else [option.opts[0], str(value)]
    return shlex.join(["toolfmt", "convert", *words, *more])


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
