"""Many files in several processes of this machine, each file in one of them.

The plan is made once, before the first; reports are added in the order of the files, so that the run says what one process would have said.  A
file that fails ends the run; those that are under way are still written, whole.  Not covered: one file is never cut among processes, and a
run that was killed begins anew.
"""

import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from toolfmt.containers.files import convert_job, plan_jobs
from toolfmt.containers.jobs import Job, Jobs
from toolfmt.containers.paths import Place
from toolfmt.containers.watch import Watch
from toolfmt.conversion.collect import Collector
from toolfmt.conversion.rows import RowConverter
from toolfmt.errors import ToolfmtError
from toolfmt.report import Loss, Report

__all__ = ["convert_parallel"]


def convert_parallel(
    jobs: Jobs, base: RowConverter, source: str, collect: Collector, processes: int, *, watch: Watch | None = None, dry: bool = False
) -> Place:
    """Convert files as `toolfmt.containers.files.convert_jobs` does, ``processes`` at a time."""
    watch = watch or Watch()
    converter = plan_jobs(jobs, base, source, collect, dry=dry)
    for name in jobs.skipped:
        collect.report.notice(Loss("skipped", name, detail="passed over: not a file of rows, or one of rejects"))
    count = min(processes, len(jobs.files))
    with ProcessPoolExecutor(count, get_context("spawn"), _begin) as pool:
        running = [pool.submit(_convert, job, converter, collect.on_loss, jobs.folder, dry) for job in jobs.files]
        try:
            for job, done in zip(jobs.files, running, strict=True):
                report = done.result()
                collect.report.merge(report)
                watch.done(job, report)
        except BrokenProcessPool:
            raise ToolfmtError("a process ended before its file did, for want of memory perhaps; use fewer processes") from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    return jobs.out


def _begin() -> None:
    """Ctrl-C ends a process that waits without a word."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _convert(job: Job, converter: RowConverter, on_loss: str, folder: bool, dry: bool) -> Report:
    collect = Collector(Report(), on_loss)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # one that works puts its files away first
    try:
        convert_job(job, converter, collect, folder, dry=dry)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    return collect.report
