"""The examples do what they say: each runs as a script, and the format that one of them makes keeps the laws."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import toolfmt
from toolfmt.testing import LAWS, check_chunks

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


@pytest.fixture(scope="module")
def acme() -> toolfmt.Format:
    """The example's format, not registered: the other tests list the formats there are."""
    spec = importlib.util.spec_from_file_location("acme_format", EXAMPLES / "acme_format.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made: toolfmt.Format = module.Acme()
    return made


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_acme_keeps_the_law(acme: toolfmt.Format, law: Callable[[toolfmt.Format], None]) -> None:
    law(acme)


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_it_runs_as_a_script(name: str, tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES / name)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.slow
def test_a_format_of_a_package_of_its_own(tmp_path: Path) -> None:
    """Installed, found through its entry point, and proved by its own tests, the laws among them."""
    source, site = tmp_path / "source", tmp_path / "site"
    shutil.copytree(EXAMPLES / "custom_format", source, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", site, source], check=True, capture_output=True, timeout=120)
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(source / "tests")]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "16 passed" in done.stdout


def test_acme_reads_no_other_keys(acme: toolfmt.Format) -> None:
    """`name` and `arguments` are the keys of other formats; at once or in pieces, this is no call."""
    text = '<acme>{"name": "f", "arguments": {}}</acme>'
    assert [part.reason for part in toolfmt.parse(text, acme).malformed] == ["no `tool`"]
    check_chunks(acme, text, list(text), None)
