"""A server as a process of its own: started, waited for, and ended with everything that it started.

It leads a process group, which is ended whenever the block is left: by an error, Ctrl-C, SIGTERM or SIGHUP too.  Not covered: a SIGKILL of this
process, and a server whose children leave its group.
"""

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

from toolfmt_train.errors import ServerError

__all__ = ["is_healthy", "running"]

_GRACE = 20.0
"""Seconds that a server has to end by itself."""
_TAIL = 12
"""Lines of a log that an error shows."""


def is_healthy(url: str) -> bool:
    """Whether a server says that it is ready."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:
            return int(answer.status) == 200
    except (OSError, ValueError):
        return False


@contextlib.contextmanager
def running(
    command: Sequence[str],
    url: str,
    *,
    seconds: float,
    environment: Mapping[str, str] | None = None,
    keep_log: Path | None = None,
) -> Iterator[float]:
    """The server of ``command``, from when ``url`` says that it is ready; gives the seconds that took.

    Raises `ServerError`, with the end of the log, when it ends before, or is not ready after ``seconds``.
    """
    with tempfile.TemporaryDirectory(prefix="toolfmt-serve-") as folder, _signals_end_the_block():
        log = keep_log or Path(folder) / "server.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        try:
            begun = time.monotonic()
            _wait(process, url, begun + seconds, log)
            yield time.monotonic() - begun
        finally:
            _end(process)


def _wait(process: "subprocess.Popen[bytes]", url: str, until: float, log: Path) -> None:
    begun = time.monotonic()
    while process.poll() is None:
        if is_healthy(url):
            return
        if time.monotonic() > until:
            raise ServerError(
                f"the server was not ready after {until - begun:.0f} seconds; a longer --start-timeout?\n{_tail(log)}"
            )
        time.sleep(0.2)
    raise ServerError(_last_words(process.returncode, log))


def _last_words(code: int, log: Path) -> str:
    """Why a server ended: its own line, where it has one, as `server.py` has."""
    said = [line for line in _lines(log) if line.startswith("error: ")]
    return (
        said[-1].removeprefix("error: ")
        if said
        else f"the server ended with code {code} before it was ready:\n{_tail(log)}"
    )


def _lines(log: Path) -> list[str]:
    return [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]


def _tail(log: Path) -> str:
    return "\n".join(f"  {line[-300:]}" for line in _lines(log)[-_TAIL:]) or "  its log is empty"


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ends the group: asked first, then killed, members that outlive their leader too."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextlib.contextmanager
def _signals_end_the_block() -> Iterator[None]:
    """SIGTERM and SIGHUP leave the block as Ctrl-C does, instead of ending this process at once; in the main thread, which alone may say so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
