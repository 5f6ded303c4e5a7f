"""Rows for Ray, and how one of its workers is killed in the middle of its work."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"x": {}, "s": {}}}}}]


def text_row(i: int) -> dict[str, Any]:
    """A call as text; one row in 100 is no conversation, one in 10 has no call."""
    call = '<tool_call>\n{"name": "f", "arguments": {"x": %d, "s": "%s"}}\n</tool_call>' % (i, "é" * (i % 7))  # noqa: UP031
    content: Any = 7 if i % 100 == 50 else "none" if i % 10 == 0 else call
    return {"id": i, "messages": [{"role": "user", "content": f"hi {i}"}, {"role": "assistant", "content": content}], "tools": TOOLS}


def children() -> Iterator[int]:
    """The workers of this process's Ray: its grandchildren."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
    return (pid for pid, parent in parents.items() if parents.get(parent) == os.getpid())


@contextmanager
def killing(is_at_work: Callable[[int], bool]) -> Iterator[list[int]]:
    """Kill the first worker that is at work; its number is then in the list."""
    killed: list[int] = []
    done = threading.Event()

    def look() -> None:
        while not killed and not done.is_set():
            for pid in children():
                if not killed and is_at_work(pid):
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
            time.sleep(0.005)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield killed
    finally:
        done.set()
        thread.join()


def writes(folder: Path) -> Callable[[int], bool]:
    """Whether a process has a file open that is not whole yet."""

    def look(pid: int) -> bool:
        try:
            held = [os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir()]
        except OSError:
            return False
        return any(name.startswith(str(folder)) and name.endswith("jsonl.part") for name in held)

    return look


def runs(name: bytes) -> Callable[[int], bool]:
    """Whether a process runs a task of this name."""

    def look(pid: int) -> bool:
        try:
            return name in Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False

    return look


linux = pytest.mark.skipif(sys.platform != "linux", reason="finds workers in /proc")
