"""The lock, the cache, and the bundled projects."""

import os
import tomllib
from pathlib import Path

import pytest

from toolfmt.ir import ToolCall
from toolfmt_train.gym import corpora, fetch
from toolfmt_train.gym.binaries import Binaries
from toolfmt_train.gym.corpora import SUFFIXES, Corpus, Pin, open_corpus, read_lock, tree_digest
from toolfmt_train.gym.errors import CorpusError
from toolfmt_train.gym.runner import Runner
from toolfmt_train.gym.tools import LANGUAGES, Language

LOCK = Path(corpora.__file__).parent / "corpora.lock"


# The lock


def test_the_lock_covers_every_language_by_two_projects_or_more() -> None:
    pins = read_lock().values()
    for language in LANGUAGES:
        few = 1 if language == "csharp" else 2
        assert sum(language in pin.languages for pin in pins) >= few, language
    assert {pin.ecosystem for pin in pins} == {"pypi", "npm", "debian"}
    assert len({pin.sha256 for pin in pins}) == len({pin.tree for pin in pins}) == len(pins)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ('name = "x"', "languages: Field required"),
        ("sha256 = 5", "sha256: Input should be a valid string"),
        ('file = "../x"', "file: String should match pattern"),
        ('package = "--index-url=x"', "package: String should match pattern"),
        ('ecosystem = "ftp"', "ecosystem: Input should be 'pypi', 'npm' or 'debian'"),
    ],
)
def test_a_lock_that_is_none(change: str, says: str, tmp_path: Path) -> None:
    row = LOCK.read_text(encoding="utf-8").split("[[corpus]]")[1]
    key = change.split(" ")[0]
    kept = [line for line in row.splitlines() if line.split(" ")[0] not in (key, "languages" if key == "name" else key)]
    (tmp_path / "a.lock").write_text("\n".join(["[[corpus]]", *kept, change]), encoding="utf-8")
    with pytest.raises(CorpusError) as raised:
        read_lock(tmp_path / "a.lock")
    assert says in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["", "[[corpus]", "corpus = 5", None])
def test_a_file_that_is_no_lock(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "a.lock").write_text(text)
    with pytest.raises(CorpusError, match="is no lock of corpora"):
        read_lock(tmp_path / "a.lock")


def test_a_name_twice(tmp_path: Path) -> None:
    row = "[[corpus]]" + LOCK.read_text(encoding="utf-8").split("[[corpus]]")[1]
    (tmp_path / "a.lock").write_text(row + row, encoding="utf-8")
    with pytest.raises(CorpusError, match="gives a name twice"):
        read_lock(tmp_path / "a.lock")


# The cache


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "toolfmt"


def test_the_cache_is_where_the_user_says(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert corpora.cache_folder() == cache
    for ignored in ("", "relative"):  # the specification: a relative path is to be ignored
        monkeypatch.setenv("XDG_CACHE_HOME", ignored)
        assert corpora.cache_folder() == Path.home() / ".cache" / "toolfmt"


@pytest.mark.usefixtures("cache")
def test_what_is_not_fetched_says_how_to() -> None:
    with pytest.raises(CorpusError, match=r"`requests` is not fetched: python -m toolfmt_train\.gym\.fetch requests"):
        open_corpus("requests")


def test_names(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"unknown corpus `djagno`; did you mean `django`\?"):
        open_corpus("djagno")
    with pytest.raises(CorpusError, match=r"unknown corpus `../x`; there is bundled, django, "):
        open_corpus("../x")
    with pytest.raises(CorpusError, match="there is no folder"):
        Corpus.of_folder(tmp_path / "nowhere")


# Trees


def test_the_digest_is_of_names_and_contents(tmp_path: Path) -> None:
    digests = []
    for name, files in {"a": {"x": "1"}, "b": {"x": "2"}, "c": {"y": "1"}, "d": {"x": "1", "y": ""}}.items():
        (tmp_path / name).mkdir()
        for file, content in files.items():
            (tmp_path / name / file).write_text(content)
        digests.append(tree_digest(tmp_path / name))
    assert len(set(digests)) == 4
    for name in ("__pycache__/x.pyc", ".git/HEAD", "y/.git/HEAD"):
        (tmp_path / "a" / name).parent.mkdir(parents=True)
        (tmp_path / "a" / name).write_text("left out")
    assert tree_digest(tmp_path / "a") == digests[0]


@pytest.mark.skipif(os.name == "nt", reason="names are bytes on POSIX only")
def test_a_name_that_is_not_text_is_refused(tmp_path: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.py")).write_text("x")
    except OSError:
        pytest.skip("this file system takes no such name")
    with pytest.raises(CorpusError, match="whose name is not UTF-8"):
        Corpus.of_folder(tmp_path)


def test_a_folder_of_ones_own(tmp_path: Path) -> None:
    for name in ("a.py", "sub/b.go", "c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    corpus = Corpus.of_folder(tmp_path, "mine", licence="MIT")
    assert (corpus.languages, corpus.licence, corpus.root) == (("python", "go"), "MIT", tmp_path.resolve())
    assert [path.as_posix() for path in corpus.files()] == ["a.py", "c.txt", "sub/b.go"]
    assert [path.as_posix() for path in corpus.files("go")] == ["sub/b.go"]


# The bundled projects

SEARCHES: dict[Language, tuple[dict[str, str], str, int]] = {
    "python": ({"pattern": "super().__init__($$$A)"}, r"super\(\)\.__init__\(", 2),
    "javascript": ({"pattern": "send($$$A)"}, r"^\s*send\(", 5),
    "typescript": ({"pattern": "throw new QueueError($$$A)"}, r"^\s*throw new QueueError\(", 3),
    "rust": ({"pattern": "$X.unwrap()"}, r"^\s*let .*\)\.unwrap\(\)", 2),
    "go": ({"pattern": "func f() { fmt.Sprintf($$$A) }", "selector": "call_expression"}, r"return fmt\.Sprintf\(", 1),
    "java": ({"pattern": "throw new IllegalStateException($$$A);"}, "throw new IllegalStateException", 2),
    "cpp": (
        {"pattern": "auto x = std::move($A);", "selector": "call_expression"},
        r"^(?!\s*//).*std::move\(\*?\w+\)[;)]",
        3,
    ),
    "csharp": ({"pattern": "throw new ArgumentException($$$A);"}, "throw new ArgumentException", 2),
}


def test_the_bundled_projects() -> None:
    corpus = open_corpus("bundled")
    assert corpus.languages == LANGUAGES
    assert corpus.licence == "Apache-2.0"
    for language in LANGUAGES:
        assert len(corpus.files(language)) == 3, language
    assert len(corpus.files()) == 24
    for path in corpus.files():
        text = (corpus.root / path).read_text(encoding="utf-8")
        assert text.endswith("\n") and "\r" not in text
    assert corpus.digest == tree_digest(corpus.root)


@pytest.mark.parametrize("language", LANGUAGES)
def test_both_tools_find_the_same_in_the_bundled_projects(language: Language, programs: Binaries) -> None:
    runner = Runner(open_corpus("bundled").root, binaries=programs)
    arguments, pattern, least = SEARCHES[language]
    nodes = runner.run(ToolCall(name="ast_grep_search", arguments={**arguments, "language": language}))
    glob = "*{" + ",".join(SUFFIXES[language]) + "}"
    text = runner.run(ToolCall(name="ripgrep_search", arguments={"pattern": pattern, "glob": glob, "pcre2": True}))
    assert {(span.file, span.line) for span in nodes.spans} == {(span.file, span.line) for span in text.spans}
    assert len(nodes.spans) >= least


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_bundled_projects_hold_traps_for_regular_expressions(language: Language, programs: Binaries) -> None:
    """What is searched for stands in a comment or a string, too; in Rust also inside a macro, which has no syntax tree."""
    runner = Runner(open_corpus("bundled").root, binaries=programs)
    naive: tuple[str, ...] = {
        "python": (r"reserve\(", "$X.reserve($$$A)"),
        "javascript": (r"escape\(", "escape($A)"),
        "typescript": ("throw new QueueError", "throw new QueueError($$$A)"),
        "rust": (r"\.unwrap\(\)", "$X.unwrap()"),
        "go": ("if err != nil", "if err != nil { $$$B }"),
        "java": (r"LOGGER\.info", "LOGGER.info($A)"),
        "cpp": (r"std::move\(", "auto x = std::move($A);", "call_expression"),
        "csharp": (r"await mailer\.SendAsync", "await mailer.SendAsync($$$A)"),
    }[language]
    arguments = {"pattern": naive[1], "language": language, "selector": "".join(naive[2:])}
    text = runner.run(ToolCall(name="ripgrep_search", arguments={"pattern": naive[0], "path": language}))
    nodes = runner.run(ToolCall(name="ast_grep_search", arguments=arguments))
    lines = {(span.file, span.line) for span in nodes.spans}
    assert lines
    assert {(span.file, span.line) for span in text.spans} - lines


# Real registries


@pytest.mark.train
@pytest.mark.parametrize("name", ["requests", "zod", "mux"])
def test_a_registry_still_has_what_the_lock_says(name: str, cache: Path) -> None:
    if os.environ.get("TOOLFMT_NETWORK") != "1":
        pytest.skip("fetches from the package registries: set TOOLFMT_NETWORK=1")
    corpus = fetch.fetch(read_lock()[name])
    assert corpus.root.is_relative_to(cache) and corpus.digest == read_lock()[name].tree
    assert open_corpus(name) == corpus
    assert [path.name for path in cache.iterdir() if path.name.startswith("fetch-")] == []


def test_the_lock_is_written_as_it_is_read() -> None:
    rows = tomllib.loads(LOCK.read_text(encoding="utf-8"))["corpus"]
    assert [Pin.model_validate(row).model_dump(mode="json") for row in rows] == rows
