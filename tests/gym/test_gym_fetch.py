"""Fetching and unpacking, with archives and clients of our own: what is not what the lock says is never used."""

import hashlib
import io
import os
import stat
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from toolfmt_train.gym import fetch, unpack
from toolfmt_train.gym.corpora import Pin, open_pin, tree_digest
from toolfmt_train.gym.errors import CorpusError

Files = dict[str, bytes]


def tar(files: Files, path: Path, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def zipped(files: Files, path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def unpacked(archive: Path) -> dict[str, bytes]:
    folder = archive.parent / "out"
    folder.mkdir()
    unpack.unpack(archive, folder, [".py"])
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


GOOD: Files = {"./a-1/b.py": b"x\r\n", "a-1/LICENSE-MIT": b"free", "a-1/c.pyc": b"no", "a-1/README": b"no"}


@pytest.mark.parametrize("kind", ["zip", "w:gz", "w:xz", "w:bz2", "w"])
def test_sources_and_licences_are_kept_byte_for_byte(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "archive"
    archive = zipped(GOOD, path) if kind == "zip" else tar(GOOD, path, kind)
    assert unpacked(archive) == {"a-1/b.py": b"x\r\n", "a-1/LICENSE-MIT": b"free"}


@pytest.mark.parametrize("make", [tar, zipped])
@pytest.mark.parametrize(
    "name", ["../x.py", "a/../../x.py", "/x.py", "a//x.py", "a/./x.py", "a\\..\\x.py", "C:/x.py", "a\n/x.py"]
)
def test_names_that_lead_out_are_refused(name: str, make: object, tmp_path: Path) -> None:
    assert callable(make)
    archive = make({name: b"x"}, tmp_path / "archive")
    if make is zipped and name.startswith("C:") and os.name == "nt":
        pytest.skip("zipfile itself takes drives off on Windows")
    with pytest.raises(CorpusError, match="a name that is refused"):
        unpacked(archive)
    assert [path for path in tmp_path.rglob("*.py")] == []  # noqa: C416  # read now
    assert not (tmp_path.parent / "x.py").exists()


def test_links_and_devices_are_left_out(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "archive", "w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
            info = tarfile.TarInfo(f"{kind.decode()}.py")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        archive.addfile(tarfile.TarInfo("a.py"), io.BytesIO(b""))
    assert unpacked(tmp_path / "archive") == {"a.py": b""}


def test_links_in_a_zip_are_left_out(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "archive", "w") as archive:
        info = zipfile.ZipInfo("link.py")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
        archive.writestr("a.py", "")
    assert unpacked(tmp_path / "archive") == {"a.py": b""}


@pytest.mark.parametrize("make", [tar, zipped])
def test_limits(make: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert callable(make)
    bomb = make({"a.py": b"0" * 100_000}, tmp_path / "archive")
    assert bomb.stat().st_size < 2000
    monkeypatch.setattr(unpack, "MAX_FILE", 50_000)
    with pytest.raises(CorpusError, match=r"`a\.py` is larger than the limits allow"):
        unpacked(bomb)


def test_limits_of_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tar({f"{i}.py": b"0" * 100 for i in range(5)}, tmp_path / "archive")
    monkeypatch.setattr(unpack, "MAX_TOTAL", 450)
    with pytest.raises(CorpusError, match=r"`4\.py` is larger"):
        unpacked(archive)
    monkeypatch.setattr(unpack, "MAX_FILES", 3)
    (tmp_path / "out").rename(tmp_path / "before")
    with pytest.raises(CorpusError, match="more than 3 source files"):
        unpacked(archive)


@pytest.mark.parametrize("second", ["a.py", "./a.py", "a.py/b.py"])
def test_a_name_twice(second: str, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "archive", "w") as archive:
        for name in ("a.py", second):
            archive.addfile(tarfile.TarInfo(name), io.BytesIO(b""))
    with pytest.raises(CorpusError, match="twice"):
        unpacked(tmp_path / "archive")


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"PK\x03\x04nonsense", b"\x1f\x8bnonsense", b"\xfd7zXZ\x00nonsense"]
)
def test_what_is_no_archive(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(content)
    with pytest.raises(CorpusError, match=r"`archive` (cannot be unpacked|holds no)"):
        unpacked(tmp_path / "archive")


@pytest.mark.parametrize("make", [tar, zipped])
def test_an_archive_that_is_cut_off(make: object, tmp_path: Path) -> None:
    assert callable(make)
    archive = make({"a.py": os.urandom(50_000), "b.py": os.urandom(50_000)}, tmp_path / "archive")
    archive.write_bytes(archive.read_bytes()[:60_000])
    with pytest.raises(CorpusError, match="cannot be unpacked"):
        unpacked(archive)


def test_an_archive_without_sources(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"`archive` holds no \.py file"):
        unpacked(tar({"a.go": b"x"}, tmp_path / "archive"))


# From the archive to the cache


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tar({"package/a.js": b"f(1)\n"}, tmp_path / "a-1.0.tgz")


def pinned(archive: Path, **change: str) -> Pin:
    tree = archive.parent / "tree"
    (tree / "package").mkdir(parents=True, exist_ok=True)
    (tree / "package" / "a.js").write_bytes(b"f(1)\n")
    row = {
        "name": "a",
        "ecosystem": "npm",
        "package": "a",
        "version": "1.0",
        "file": archive.name,
        "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
        "tree": tree_digest(tree),
        "licence": "MIT",
        "languages": ["javascript"],
    }
    return Pin.model_validate(row | change)


def left_over(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "cache").rglob("*") if path.name[:6] in ("unpack", "fetch-"))


def test_an_archive_is_settled_once(archive: Path, tmp_path: Path) -> None:
    pin = pinned(archive)
    corpus = fetch.settle(pin, archive)
    assert corpus == open_pin(pin) == fetch.settle(pin, archive)
    assert (corpus.root / "package" / "a.js").read_bytes() == b"f(1)\n"
    assert left_over(tmp_path) == []


def test_an_archive_that_differs_from_the_lock_is_not_used(archive: Path, tmp_path: Path) -> None:
    pin = pinned(archive)
    tar({"package/a.js": b"evil()\n"}, archive)
    with pytest.raises(CorpusError, match=rf"a: the SHA-256 of `a-1\.0\.tgz` is \w{{64}}, the lock says {pin.sha256}"):
        fetch.settle(pin, archive)
    assert not pin.folder.exists() and left_over(tmp_path) == []


def test_a_tree_that_differs_from_the_lock_is_not_used(archive: Path, tmp_path: Path) -> None:
    pin = pinned(archive, tree="0" * 64)
    with pytest.raises(CorpusError, match="the lock says 0000"):
        fetch.settle(pin, archive)
    assert not pin.folder.exists() and left_over(tmp_path) == []


@pytest.mark.parametrize("how", ["changed", "added", "removed"])
def test_a_tree_that_was_changed_in_the_cache_is_not_opened(how: str, archive: Path) -> None:
    pin = pinned(archive)
    file = fetch.settle(pin, archive).root / "package" / "a.js"
    if how == "removed":
        file.unlink()
    else:
        (file if how == "changed" else file.with_name("b.js")).write_text("f(2)\n")
    for get in (open_pin, fetch.fetch):
        with pytest.raises(CorpusError, match=r"is not what the lock says.*delete that folder and fetch it again"):
            get(pin)


# Clients


def client(name: str, script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client of this name, first on the PATH."""
    program = tmp_path / "bin" / name
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!{sys.executable}\n{script}")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


posix = pytest.mark.skipif(os.name == "nt", reason="clients here are scripts")


@posix
def test_what_npm_packs_is_fetched_and_then_cached(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin = pinned(archive)
    said = tmp_path / "said"
    script = f"import pathlib, shutil, sys\npathlib.Path({str(said)!r}).write_text(' '.join(sys.argv[1:]))\n"
    client("npm", script + f"shutil.copy({str(archive)!r}, '.')\n", tmp_path, monkeypatch)
    corpus = fetch.fetch(pin)
    assert said.read_text() == "pack --ignore-scripts --silent a@1.0"
    said.unlink()
    assert fetch.fetch(pin) == corpus
    assert not said.exists() and left_over(tmp_path) == []


@posix
@pytest.mark.parametrize(
    ("script", "says"),
    [
        (
            "import sys; print('npm ERR! 404 a@1.0', file=sys.stderr); sys.exit(1)",
            "a: a 1.0 cannot be had from npm: npm ERR! 404",
        ),
        ("import sys; sys.exit(3)", "exit code 3; use another corpus"),
        ("pass", "expected the file `a-1.0.tgz`, got nothing"),
        ("open('a-1.1.tgz', 'w')", "got a-1.1.tgz; the registry has another build now"),
        ("open('a-1.0.tgz', 'w')", "the SHA-256 of `a-1.0.tgz` is e3b0c442"),
    ],
)
def test_a_client_that_fails(
    script: str, says: str, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client("npm", script, tmp_path, monkeypatch)
    with pytest.raises(CorpusError) as raised:
        fetch.fetch(pinned(archive))
    assert says in str(raised.value) and "\n" not in str(raised.value)
    assert left_over(tmp_path) == []


@pytest.mark.parametrize(("ecosystem", "says"), [("npm", "you need npm"), ("debian", "you need apt-get")])
def test_a_client_that_is_not_there(
    ecosystem: str, says: str, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CorpusError, match=rf"a: to fetch it {says}"):
        fetch.fetch(pinned(archive, ecosystem=ecosystem))


@posix
def test_apt_is_told_to_keep_to_the_cache(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = tmp_path / "said"
    script = f"import shutil, sys\nopen({str(said)!r}, 'a').write(' '.join(sys.argv[1:]) + '\\n')\n"
    client("apt-get", script + f"shutil.copy({str(archive)!r}, '.')\n", tmp_path, monkeypatch)
    fetch.fetch(pinned(archive, ecosystem="debian"))
    update, source = said.read_text().splitlines()
    assert update.endswith(" update") and source.endswith(" source --tar-only --download-only a=1.0")
    for line in (update, source):
        assert f"Dir::State::Lists={tmp_path / 'cache' / 'toolfmt' / 'apt' / 'lists'}" in line
        assert "Dir::Etc::SourceParts=-" in line


@posix
def test_the_command(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client("npm", f"import shutil; shutil.copy({str(archive)!r}, '.')", tmp_path, monkeypatch)
    pins = {"a": pinned(archive), "b": pinned(archive, name="b", sha256="0" * 64)}
    monkeypatch.setattr(fetch, "read_lock", lambda: pins)
    assert fetch.main(["b", "c", "a"]) == 2
    out, err = capsys.readouterr()
    assert out == f"a: {pins['a'].folder}\n"
    assert (
        err.splitlines()[0].startswith("b: the SHA-256") and err.splitlines()[1] == "unknown corpus `c`; there is a, b"
    )
    assert fetch.main([]) == 0
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()] == ["fetched", "-"]


def test_a_cache_that_cannot_be_written(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setattr(fetch, "read_lock", lambda: {"a": pinned(archive)})
    assert fetch.main(["a"]) == 2
    assert str(tmp_path / "cache") in capsys.readouterr().err
