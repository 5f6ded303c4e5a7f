"""The wheel, built from the sdist and installed away from the checkout, holds and finds everything it needs."""

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
for tool in ("build", "hatchling"):
    pytest.importorskip(tool, reason=f"{tool} is not installed: pip install -e '.[dev]'")

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ["datasets", "jinja2", "jsonschema", "lark", "rich", "transformers", "typer"]


def run(*command: object, cwd: Path = ROOT) -> str:
    clean = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "PYTHONHOME"}}
    words = [str(part) for part in command]
    done = subprocess.run(words, cwd=cwd, env=clean, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sdist")
    run(sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", out)
    (made,) = out.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", out, sdist, cwd=out)
    (made,) = out.iterdir()
    return made


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment: the wheel, and behind it the packages of the one that runs the tests."""
    home = tmp_path_factory.mktemp("venv")
    venv.create(home, with_pip=False)
    names = {"base": str(home), "platbase": str(home)}
    scripts = Path(sysconfig.get_path("scripts", scheme="venv", vars=names))
    site = Path(sysconfig.get_path("purelib", scheme="venv", vars=names))
    fresh = scripts / ("python.exe" if os.name == "nt" else "python")
    run(sys.executable, "-m", "pip", "--python", fresh, "install", "--no-deps", "--no-index", wheel)
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site / "borrowed.pth").write_text("\n".join(sorted(borrowed)) + "\n", encoding="utf-8")
    return fresh


def test_the_sdist_holds_what_a_packager_needs(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "Makefile", "README.md", "CHANGELOG.md", "pyproject.toml", "tests/conftest.py"} <= inside
    assert {path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/*.md")} <= inside


def test_the_wheel_holds_every_grammar_and_the_type_marker(wheel: Path) -> None:
    grammars = {path.name: path.read_bytes() for path in ROOT.glob("grammars/*.lark")}
    assert grammars
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        packed = {Path(n).name: archive.read(n) for n in names if n.startswith("toolfmt/_grammars/")}
    assert {name: packed.get(name) for name in grammars} == grammars
    assert "toolfmt/py.typed" in names
    assert "toolfmt_train/__init__.py" in names
    assert {n.split("/")[0] for n in names if ".dist-info" not in n} == {"toolfmt", "toolfmt_train"}


def test_importing_the_wheel_is_light(python: Path, tmp_path: Path) -> None:
    code = "import json, sys, toolfmt; print(json.dumps([toolfmt.__file__, sorted(sys.modules)]))"
    where, modules = json.loads(run(python, "-I", "-c", code, cwd=tmp_path))
    assert python.parent.parent.resolve() in Path(where).resolve().parents
    assert [name for name in HEAVY if name in modules] == []


def test_the_wheel_reads_by_its_packaged_grammars(python: Path, tmp_path: Path) -> None:
    code = """
import toolfmt
call = toolfmt.ToolCall(name="search", arguments={"pattern": "def main"})
tools = [toolfmt.Tool(name="search", parameters={"type": "object", "properties": {"pattern": {"type": "string"}}})]
for info in toolfmt.formats():
    text = toolfmt.render(call, info.name, tools=tools)
    read = toolfmt.parse(text, info.name, tools=tools, strict=True).calls
    assert [(c.name, c.arguments) for c in read] == [(call.name, call.arguments)], (info.name, text, read)
    print(info.name)
"""
    assert run(python, "-I", "-c", code, cwd=tmp_path).split()


def test_the_command_line_starts(python: Path, tmp_path: Path) -> None:
    assert "convert" in run(python.parent / "toolfmt", "--help", cwd=tmp_path)
