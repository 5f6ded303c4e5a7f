"""`toolfmt convert`: files of conversations from one format, or one layout, to another."""

import contextlib
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from toolfmt.cli.common import CommandError, Json, ToolsFile, note, problems, read_tools_file
from toolfmt.cli.inputs import STANDARD, Streams, choose, find_jobs, is_saved, of_split, streams
from toolfmt.errors import LossError, UnrepresentableError

if TYPE_CHECKING:
    from toolfmt.cli.ending import Result
    from toolfmt.cli.preview import Preview
    from toolfmt.cli.progress import Progress
    from toolfmt.containers.jobs import Jobs
    from toolfmt.conversion.collect import Collector
    from toolfmt.conversion.rows import RowConverter

__all__ = ["Engine", "OnLoss", "convert"]


class OnLoss(StrEnum):
    """What to do when the target cannot say what a row says."""

    RAISE = "raise"
    WARN = "warn"
    IGNORE = "ignore"


class Engine(StrEnum):
    """Who converts the files."""

    LOCAL = "local"
    RAY = "ray"


Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="IN",
        help="Files of rows (.jsonl .json .csv .parquet; also .gz, .zst), a folder, a quoted pattern, an address such as s3://.., or `-`.",
        show_default=False,
    ),
]
Out = Annotated[
    str | None,
    typer.Option("--out", "-o", help="File or folder to write; `-` is standard output.", show_default="beside IN"),
]
To = Annotated[str | None, typer.Option(help="Write calls as text in this format.", show_default=False)]
Layout = Annotated[str | None, typer.Option(help="Write rows in this layout.", show_default=False)]
Read = Annotated[str, typer.Option("--source", "--from", help="The format of the calls in IN.")]
ReadLayout = Annotated[str, typer.Option("--source-layout", help="The layout of the rows in IN.")]
Split = Annotated[
    str | None, typer.Option(help="Only files with this word in their name: `train`.", show_default=False)
]
Sample = Annotated[
    int | None, typer.Option(min=1, help="Only so many rows, spread evenly over IN.", show_default=False)
]
Seed = Annotated[
    int | None, typer.Option(help="Draw the rows of --sample at random, the same ones every time.", show_default=False)
]
Loses = Annotated[OnLoss, typer.Option(help="What to do when something would be lost.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Do everything but write.")]
Show = Annotated[int, typer.Option(min=0, help="Show so many changed rows, before and after.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on where a run was that was killed or failed.")]
Processes = Annotated[int, typer.Option("--num-proc", min=1, help="Convert so many files at a time.")]
EngineName = Annotated[Engine, typer.Option(help="Where it runs: here, or on a Ray cluster.")]
Address = Annotated[
    str | None, typer.Option("--ray-address", help="The cluster: `auto`, `host:port`, `ray://..`.", show_default=False)
]
ReportFile = Annotated[
    Path | None, typer.Option("--report", help="Write the report here, as JSON.", show_default=False)
]


def convert(
    context: typer.Context,
    sources: Sources,
    out: Out = None,
    to: To = None,
    layout: Layout = None,
    read_as: Read = "auto",
    source_layout: ReadLayout = "auto",
    tools: ToolsFile = None,
    split: Split = None,
    sample: Sample = None,
    seed: Seed = None,
    on_loss: Loses = OnLoss.RAISE,
    dry_run: DryRun = False,
    show: Show = 0,
    resume: Resume = False,
    num_proc: Processes = 1,
    engine: EngineName = Engine.LOCAL,
    ray_address: Address = None,
    report_file: ReportFile = None,
    as_json: Json = False,
) -> None:
    """Convert files of conversations to another format or layout.  IN is never changed.

    Rows in are rows out and rejects: every row that could not be converted is kept beside the output, with its reason.
    Exit code 1 when there are rejects or something was lost, 2 when it could not run.
    """
    from toolfmt.cli.ending import Ending
    from toolfmt.convert import prepare

    if to is None and layout is None:
        raise CommandError("nothing to do: give --to FORMAT, --layout LAYOUT or both; see `toolfmt formats`")
    run = _Run(engine, ray_address, num_proc, resume, dry_run, show)
    run.check()
    _check_sample(sample, seed, resume)
    _check_outputs(out, sources, resume, report_file, as_json)
    with streams(sources, out) as files, _options_named(files):
        base, collect = prepare(to, read_as, source_layout, layout, read_tools_file(tools), on_loss.value, None)
        jobs = find_jobs(files.sources, files.out, base.to or base.layout or "")
        if is_saved(jobs):
            run.check_saved(sample, files)
            run = replace(run, split=split)
        elif split is not None:
            jobs = of_split(jobs, split)
        chosen = None if sample is None else choose(jobs, sample, seed)
        jobs = jobs if chosen is None else chosen.jobs
        result = run.convert(jobs, base, read_as, collect)
        Ending(result, jobs, files, chosen, dry_run, context).tell(report_file, as_json)
        files.deliver()
    if result.failed is not None or result.report.rejected or result.report.lost:
        problems()


def _check_sample(sample: int | None, seed: int | None, resume: bool) -> None:
    if seed is not None and sample is None:
        raise CommandError(f"--seed draws the rows of a sample; give --sample N with it: `{seed}`")
    if sample is not None and resume:
        raise CommandError(f"a sample is converted anew; leave out --resume: `--sample {sample}`")


def _check_outputs(out: str | None, sources: list[str], resume: bool, report_file: Path | None, as_json: bool) -> None:
    if resume and STANDARD in (*sources, out):
        raise CommandError("what a run on standard input or output did is not kept; leave out --resume")
    if as_json and (out == STANDARD or (out is None and STANDARD in sources)):
        raise CommandError(
            "rows and --json would both go to standard output; give -o FILE, or --report FILE in place of --json"
        )
    if report_file is not None and not report_file.parent.is_dir():
        raise CommandError(f"no such folder; make it first: `{report_file.parent}`")


@contextlib.contextmanager
def _options_named(files: Streams) -> Iterator[None]:
    """What the library says of its arguments is said of the command's options."""
    try:
        yield
    except ValueError as error:
        raise CommandError(files.said(_as_options(str(error)))) from None


_ARGUMENT = re.compile(r"(?<![-\w])(to|out|layout|tools|source|source_layout|on_loss|resume)=")


def _as_options(message: str) -> str:
    message = message.replace('on_loss="warn" or "ignore"', "--on-loss warn or ignore")
    return _ARGUMENT.sub(lambda found: f"--{found[1].replace('_', '-')}", message)


@dataclass(frozen=True, slots=True)
class _Run:
    """How the files are converted."""

    engine: Engine
    address: str | None
    processes: int
    resume: bool
    dry: bool
    show: int
    split: str | None = None
    """Of a saved dataset; of files it says which are converted."""

    def check(self) -> None:
        """CommandError where two options do not go together."""
        ray = self.engine == Engine.RAY
        if self.address is not None and not ray:
            raise CommandError(f"--ray-address is for --engine ray; add it: `{self.address}`")
        if ray and self.processes > 1:
            raise CommandError(f"Ray has its own workers; leave out --num-proc: `{self.processes}`")
        if self.resume and self.dry:
            raise CommandError(
                "a run that writes nothing leaves nothing to go on from; leave out --resume or --dry-run"
            )
        if ray or self.processes > 1:
            here = "leave it out, or " + ("--engine ray" if ray else "--num-proc")
            for option, given in (("--resume", self.resume), ("--show", self.show > 0)):
                if given:
                    raise CommandError(f"only a run in one process can do this; {here}: `{option}`")

    def check_saved(self, sample: int | None, files: Streams) -> None:
        """CommandError for what is done with files and not with a saved dataset."""
        asked = {
            "--sample": sample is not None,
            "--show": self.show > 0,
            "--resume": self.resume,
            "--engine": self.engine == Engine.RAY,
            "-o -": files.rows is not None,
        }
        for option, given in asked.items():
            if given:
                raise CommandError(f"a saved dataset is converted at once, into a folder; leave it out: `{option}`")

    def convert(self, jobs: "Jobs", base: "RowConverter", source: str, collect: "Collector") -> "Result":
        """Convert the files; what a row would lose, where nothing may be lost, is in the result."""
        from toolfmt.cli.ending import Result
        from toolfmt.cli.preview import Preview
        from toolfmt.cli.progress import Progress

        preview, failed, unsaid = Preview(self.show), None, frozenset[str]()
        progress = Progress(jobs)
        try:
            with progress, _warnings_as_notes():
                self._start(jobs, base, source, collect, progress, preview)
                collect.warn()
        except LossError as error:
            failed, unsaid = _as_options(str(error)), frozenset(loss.kind for loss in error.losses)
        except UnrepresentableError as error:
            failed = f"{error}; with --on-loss warn such rows are put aside and the others written"
        local = self.engine == Engine.LOCAL and self.processes == 1
        return Result(collect.report, preview, progress.begun if local else None, failed, unsaid)

    def _start(
        self,
        jobs: "Jobs",
        base: "RowConverter",
        source: str,
        collect: "Collector",
        progress: "Progress",
        preview: "Preview",
    ) -> None:
        if is_saved(jobs):
            from toolfmt.cli.saved import convert_saved

            processes = self.processes if self.processes > 1 else None
            convert_saved(jobs.files[0], base, source, collect, split=self.split, num_proc=processes, dry=self.dry)
        elif self.engine == Engine.RAY:
            from toolfmt.integrations import ray

            ray.convert_jobs(jobs, base, source, collect, address=self.address, watch=progress, dry=self.dry)
        elif self.processes > 1:
            from toolfmt.containers.parallel import convert_parallel

            convert_parallel(jobs, base, source, collect, self.processes, watch=progress, dry=self.dry)
        else:
            from toolfmt.cli.progress import Watches
            from toolfmt.containers.files import convert_jobs

            watch = Watches([progress, preview]) if self.show else progress
            convert_jobs(jobs, base, source, collect, self.resume, watch=watch, dry=self.dry)


@contextlib.contextmanager
def _warnings_as_notes() -> Iterator[None]:
    from toolfmt.report import ToolfmtWarning

    with warnings.catch_warnings():
        warnings.simplefilter("always", ToolfmtWarning)
        warnings.showwarning = lambda message, *_, **__: note(f"warning: {message}")
        yield
