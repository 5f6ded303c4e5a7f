"""Running a search program within bounds: no input, no environment, a deadline, an output cap.

What it does not do: limit memory or CPU, or hide the file system.  The programs are trusted and only read; their *arguments* come
from a model and are checked before (`runner.py`).
"""

import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from toolfmt_train.gym.errors import SearchError

__all__ = ["Limits", "Output", "run"]

_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes that one process may take."""

    seconds: float = 30.0
    output_bytes: int = 2 << 20


@dataclass(frozen=True, slots=True)
class Output:
    """What a process left.  ``code`` is None unless it ended by itself."""

    code: int | None
    stdout: bytes
    stderr: str
    timed_out: bool = False
    truncated: bool = False


class _Reader(threading.Thread):
    """Reads one stream to its end; past the cap it ends the process, so that nothing is left to read."""

    def __init__(self, stream: IO[bytes], cap: int, process: subprocess.Popen[bytes]) -> None:
        super().__init__(daemon=True)
        self.data = bytearray()
        self.capped = False
        self._stream, self._cap, self._process = stream, cap, process
        self.start()

    def run(self) -> None:
        while chunk := self._stream.read1(_CHUNK):  # type: ignore[attr-defined]  # a BufferedReader, as bufsize is not 0
            self.data += chunk
            if len(self.data) > self._cap:
                self.capped = True
                del self.data[self._cap :]
                self._process.kill()
                return


def run(command: Sequence[str], folder: Path, limits: Limits) -> Output:
    """Run ``command`` in ``folder``; it never outlives the call."""
    try:
        process = subprocess.Popen(
            list(command),
            cwd=folder,
            env={"LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        raise SearchError(f"`{command[0]}` does not start: {error.strerror}") from error
    with process:
        assert process.stdout is not None and process.stderr is not None
        out = _Reader(process.stdout, limits.output_bytes, process)
        err = _Reader(process.stderr, limits.output_bytes, process)
        timed_out = False
        try:
            process.wait(limits.seconds)
        except subprocess.TimeoutExpired:
            timed_out = True
        finally:
            process.kill()
            out.join()
            err.join()
    capped = out.capped or err.capped
    code = None if timed_out or capped else process.returncode
    return Output(code, bytes(out.data), err.data.decode(errors="replace"), timed_out, capped)
