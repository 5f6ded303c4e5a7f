"""Files beyond one machine: each input file is a task of a Ray cluster, which does with it what the local engine does.

So a file is streamed, its memory is bounded by a batch of rows, and its output appears whole or not at all.  The plan (formats, inferred tools) is
made once, here, before the first task.  A task returns its report, and reports are added in the order of the files: one that a dying worker left
undone is run again, writes the same files anew and is counted once.

Not covered: one file is never cut among tasks, so many files of moderate size use a cluster best; and a run that was killed begins anew.  Every
node needs the same version of toolfmt, and reads and writes the files under the same paths: a shared folder, or addresses such as ``s3://``.
"""

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from toolfmt.containers.files import convert_job, plan_jobs
from toolfmt.containers.jobs import Job, Jobs
from toolfmt.containers.paths import Place
from toolfmt.containers.watch import Watch
from toolfmt.conversion.collect import Collector
from toolfmt.conversion.rows import RowConverter
from toolfmt.errors import MissingExtraError, ToolfmtError
from toolfmt.report import Loss, Report
from toolfmt.version import __version__

__all__ = ["convert_jobs"]

_REACH = 20  # seconds in which a cluster has to answer
_RETRIES = 3  # times that a file is begun anew because its worker died
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


def convert_jobs(
    jobs: Jobs,
    base: RowConverter,
    source: str,
    collect: Collector,
    *,
    address: str | None = None,
    watch: Watch | None = None,
    dry: bool = False,
) -> Place:
    """Convert every file of ``jobs``, as `toolfmt.containers.files.convert_jobs` does; where the result is.

    ``address`` is that of a cluster (``auto``, ``host:port``, ``ray://host:port``) or ``local``, a new one of this machine; without one Ray is used
    as it is connected, or connects by its own rule: RAY_ADDRESS, the cluster that runs on this machine, a new one.
    """
    with _cluster(address) as ray:
        converter = plan_jobs(jobs, base, source, collect, dry=dry)
        for name in jobs.skipped:
            collect.report.notice(Loss("skipped", name, detail="passed over: not a file of rows, or one of rejects"))
        before = collect.report.rows
        rows = _run(ray, [_absolute(job) for job in jobs.files], converter, collect, watch or Watch(), jobs.folder, dry)
    if collect.report.rows - before != rows:
        raise ToolfmtError(f"{rows} rows in, {collect.report.rows - before} in the report: a mistake of toolfmt, please report it")
    for job in jobs.files if not dry else ():
        if not job.out.exists():
            raise ToolfmtError(f"a worker wrote this file where this machine cannot see it; give an out that all nodes share: `{job.out}`")
    return jobs.out


def _absolute(job: Job) -> Job:
    """With paths that mean the same in the folder of a worker."""
    source, out = (place.absolute() if isinstance(place, Path) else place for place in (job.source, job.out))
    return replace(job, source=source, out=out)


# The tasks


def _run(ray: Any, jobs: list[Job], converter: RowConverter, collect: Collector, watch: Watch, folder: bool, dry: bool) -> int:
    """Convert all files; how many rows they have.  The first that fails ends the run."""
    task = ray.remote(num_cpus=1, max_retries=_RETRIES, retry_exceptions=False)(_convert)
    shared = ray.put(converter)
    running = {task.remote(job, shared, collect.on_loss, folder, dry, __version__): i for i, job in enumerate(jobs)}
    done: dict[int, tuple[int, Report]] = {}
    merged = rows = 0
    try:
        while running:
            (ref,), _ = ray.wait(list(running), num_returns=1)
            index = running.pop(ref)
            done[index] = _result(ray, ref, jobs[index])
            while merged in done:
                read, report = done.pop(merged)
                collect.report.merge(report)
                watch.done(jobs[merged], report)
                rows, merged = rows + read, merged + 1
    finally:
        for ref in running:
            ray.cancel(ref)
        if running:  # those that are cancelled put their files away
            ray.wait(list(running), num_returns=len(running), timeout=_REACH)
    return rows


def _convert(job: Job, converter: RowConverter, on_loss: str, folder: bool, dry: bool, version: str) -> tuple[int, Report]:
    """A task: how many rows the file has, and what became of them."""
    if version != __version__:
        raise ToolfmtError(f"a worker has toolfmt {__version__}, the run was begun by {version}; install one version on all nodes")
    collect = Collector(Report(), on_loss)
    rows = convert_job(job, converter, collect, folder, dry=dry)
    return rows, collect.report


def _result(ray: Any, ref: Any, job: Job) -> tuple[int, Report]:
    """What a task returned; its own error where it failed."""
    try:
        made: tuple[int, Report] = ray.get(ref)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.RayError as error:
        reason = str(error).partition("\n")[0]
        raise ToolfmtError(f"the worker of a file died {_RETRIES + 1} times, for want of memory perhaps: `{job.source}`: {reason}") from None
    return made


# The cluster


@contextmanager
def _cluster(address: str | None) -> Iterator[Any]:
    """Ray, connected; what was begun here ends here."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError('the engine ray needs Ray, which is not installed: pip install "toolfmt[ray]"') from error
    if ray.is_initialized():
        if address is not None:
            raise ValueError(f"Ray is connected already; leave the address out to use that cluster: `{address}`")
        yield ray
        return
    address = address or os.environ.get("RAY_ADDRESS")
    if address not in (None, "local"):
        _reach(address)
    try:
        ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError) as error:
        raise _unreachable(address, str(error).partition("\n")[0]) from None
    try:
        yield ray
    finally:
        ray.shutdown()


def _reach(address: str) -> None:
    """ValueError where no cluster answers: Ray itself would try for minutes."""
    try:
        if address == "auto":
            _ask(address, [])
            return
        host, port, client = _parts(address)
        socket.create_connection((host, port), timeout=_REACH).close()
        if not client:
            _ask(address, ["--address", f"{host}:{port}"])
    except OSError as error:
        raise _unreachable(address, str(error)) from None
    except subprocess.TimeoutExpired:
        raise _unreachable(address, f"what listens there does not speak to Ray within {_REACH} seconds") from None


def _parts(address: str) -> tuple[str, int, bool]:
    """Host, port, and whether Ray's client is asked for."""
    parts = urlsplit(address if "://" in address else f"//{address}")
    try:
        port = parts.port or (10001 if parts.scheme else 6379)
    except ValueError:
        port = 0
    if parts.scheme not in ("", "ray") or not parts.hostname or not port:
        raise ValueError(f"expected the address of a Ray cluster (auto, local, host:port or ray://host:port), got `{address}`")
    return parts.hostname, port, bool(parts.scheme)


def _ask(address: str, place: list[str]) -> None:
    """Ask a cluster for its health, in a process that can be given up."""
    command = [sys.executable, "-m", "ray.scripts.scripts", "health-check", *place]
    made = subprocess.run(command, capture_output=True, text=True, timeout=_REACH, check=False)
    if made.returncode:
        said = made.stderr.rstrip().rpartition("\n")[2].partition(". ")[0]
        raise _unreachable(address, said or "it is not healthy")


def _unreachable(address: str | None, reason: str) -> ValueError:
    return ValueError(f"no Ray cluster answers at `{address}` ({reason}); check the address, or give `local` for this machine alone")
