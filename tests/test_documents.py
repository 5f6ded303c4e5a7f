"""README.md and docs/convert.md do what they show: Python as doctests, commands in a shell with their output."""

import doctest
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ELSEWHERE = ("make ", "pip install ")  # what tests of their own run, or none can


@pytest.mark.parametrize("page", ["README.md", "docs/convert.md"])
def test_the_snippets_run(page: str) -> None:
    for name in ("datasets", "llguidance", "xgrammar"):
        pytest.importorskip(name)
    found = doctest.testfile(str(ROOT / page), module_relative=False)
    assert found.attempted >= 8
    assert found.failed == 0


@pytest.mark.skipif(os.name == "nt" or shutil.which("bash") is None, reason="no bash")
@pytest.mark.parametrize(("page", "least"), [("README.md", 3), ("docs/convert.md", 8)])
def test_the_commands_say_what_they_show(page: str, least: int, tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "FORCE_COLOR")}
    environment["PATH"] = f"{tmp_path / 'bin'}{os.pathsep}{environment['PATH']}"
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "toolfmt"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m toolfmt.cli.main "$@"\n')
    command.chmod(0o755)
    folder = tmp_path / "here"
    folder.mkdir()
    ran = 0
    for block in BLOCK.findall((ROOT / page).read_text(encoding="utf-8")):
        for words, shown in commands(block):
            if not words.startswith(ELSEWHERE):
                said = subprocess.run(
                    ["bash", "-c", words],
                    cwd=folder,
                    env=environment,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    timeout=60,
                )
                assert said.stdout.decode().rstrip("\n") == shown.rstrip("\n"), words
                ran += 1
    assert ran >= least


def commands(block: str) -> list[tuple[str, str]]:
    """Each command of a block, with the lines that continue it, and what follows."""
    found: list[tuple[str, str]] = []
    for line in block.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append((line[2:], ""))
        elif line.startswith("> ") and not found[-1][1]:
            found[-1] = (found[-1][0] + line[2:], "")
        else:
            found[-1] = (found[-1][0], found[-1][1] + line)
    return found
