"""Servers that do not come up, do not end, or are interrupted: each is named, and nothing is left running."""

import contextlib
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from toolfmt_train.errors import ServerError
from toolfmt_train.serve import process

URL = "http://127.0.0.1:1"
"""Where nobody answers."""
HEALTHY = """
    from http.server import BaseHTTPRequestHandler, HTTPServer
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/health" else 404)
            self.end_headers()
    server = HTTPServer(("127.0.0.1", 0), Handler)
    Path("port").write_text(str(server.server_port))
    server.serve_forever()
"""
CHILD = """
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path("child").write_text(str(child.pid))
"""
HEAD = "import os, signal, subprocess, sys, time\nfrom pathlib import Path\n"

Script = Callable[..., list[str]]


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """`script(part, ...)`: the command of a server that does this."""
    monkeypatch.chdir(tmp_path)

    def write(*parts: str) -> list[str]:
        (tmp_path / "server.py").write_text(HEAD + "".join(map(textwrap.dedent, parts)), encoding="utf-8")
        return [sys.executable, str(tmp_path / "server.py")]

    return write


@pytest.fixture
def found_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is looked for where it says that it is."""
    asked = process.is_healthy

    def healthy(_: str) -> bool:
        port = tmp_path / "port"
        return port.exists() and bool(port.read_text()) and asked(f"http://127.0.0.1:{port.read_text()}")

    monkeypatch.setattr(process, "is_healthy", healthy)


def is_gone(number: int) -> bool:
    """Whether a process has ended, within ten seconds; what is left of it for its parent to collect does not count."""
    for _ in range(200):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
            if state not in "ZX":
                time.sleep(0.05)
                continue
        return True
    return False


def child_of(folder: Path) -> int:
    return int((folder / "child").read_text())


def start(command: list[str], seconds: float = 60.0) -> ServerError:
    with pytest.raises(ServerError) as error, process.running(command, URL, seconds=seconds):
        pytest.fail("it is not ready")
    return error.value


@pytest.mark.usefixtures("found_port")
def test_a_server_and_its_child_end_with_the_block(script: Script, tmp_path: Path) -> None:
    with process.running(script(CHILD, HEALTHY), URL, seconds=60) as seconds:
        assert 0 < seconds < 60
        assert not is_gone_now(child_of(tmp_path))
    assert is_gone(child_of(tmp_path))


def is_gone_now(number: int) -> bool:
    return not Path(f"/proc/{number}").exists()


@pytest.mark.usefixtures("found_port")
@pytest.mark.parametrize("error", (RuntimeError, KeyboardInterrupt))
def test_an_error_in_the_block(script: Script, tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), process.running(script(CHILD, HEALTHY), URL, seconds=60):
        raise error
    assert is_gone(child_of(tmp_path))


@pytest.mark.usefixtures("found_port")
def test_a_server_that_will_not_end(script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_GRACE", 0.3)
    with process.running(script("signal.signal(signal.SIGTERM, signal.SIG_IGN)\n", CHILD, HEALTHY), URL, seconds=60):
        pass
    assert is_gone(child_of(tmp_path))


@pytest.mark.usefixtures("found_port")
def test_a_child_that_outlives_its_server(script: Script, tmp_path: Path) -> None:
    stubborn = CHILD.replace("import time;", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);")
    with process.running(script(stubborn, "time.sleep(0.5)\n", HEALTHY), URL, seconds=60):
        pass
    assert is_gone(child_of(tmp_path))


def test_a_server_that_is_never_ready(script: Script, tmp_path: Path) -> None:
    error = start(script(CHILD, "print('loading weights', flush=True)\ntime.sleep(600)\n"), seconds=1.0)
    assert str(error).startswith("the server was not ready after 1 seconds")
    assert "--start-timeout" in str(error) and "loading weights" in str(error)
    assert is_gone(child_of(tmp_path))


def test_a_server_that_dies(script: Script, tmp_path: Path) -> None:
    error = start(script(CHILD, "print('line\\n' * 50, 'out of memory', sep='', flush=True)\nsys.exit(3)\n"))
    assert str(error).startswith("the server ended with code 3 before it was ready:\n")
    assert str(error).endswith("out of memory") and str(error).count("line") == 11
    assert is_gone(child_of(tmp_path))


def test_a_server_that_says_why_it_cannot_start(script: Script) -> None:
    error = start(script("sys.exit('noise\\nerror: the model `x` is not there')\n"))
    assert str(error) == "the model `x` is not there"


def test_a_server_that_dies_without_a_word(script: Script) -> None:
    assert str(start(script("sys.exit(7)\n"))).endswith("its log is empty")


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGHUP, signal.SIGINT))
def test_an_interrupted_check_leaves_nothing(script: Script, tmp_path: Path, number: signal.Signals) -> None:
    """While it waits for a server that never comes up."""
    command = script(CHILD, "time.sleep(600)\n")
    check = f"from toolfmt_train.serve.process import running\nwith running({command!r}, {URL!r}, seconds=600): pass\n"
    checking = subprocess.Popen([sys.executable, "-c", check], stderr=subprocess.DEVNULL)
    with checking:
        while not (tmp_path / "child").exists() or not (tmp_path / "child").read_text():
            assert checking.poll() is None
            time.sleep(0.05)
        checking.send_signal(number)
        code = checking.wait(60)
    assert code == (-signal.SIGINT if number == signal.SIGINT else 128 + number)
    assert is_gone(child_of(tmp_path))


def test_the_handlers_are_put_back(script: Script) -> None:
    before = signal.getsignal(signal.SIGTERM)
    start(script("sys.exit(1)\n"))
    assert signal.getsignal(signal.SIGTERM) is before
