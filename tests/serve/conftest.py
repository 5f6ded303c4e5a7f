"""A random model that writes what a grammar lets it, and a server over it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from serve_fake import FORMAT, Serving
from tiny_model import tiny

import toolfmt


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are as wide as the terminal, which not every run of tests has."""
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random model whose chat template is that of `qwen_xml`."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("model")
    made = tiny()
    made.tokenizer.chat_template = toolfmt.chat_template(FORMAT)
    made.model.config.max_position_embeddings = 4096
    made.model.save_pretrained(folder)
    made.tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """`python -m toolfmt_train.serve.server`, on the port that it took."""
    command = [sys.executable, "-m", "toolfmt_train.serve.server", str(model), "--name", "tiny", "--format", FORMAT]
    log = tmp_path_factory.mktemp("server") / "log"
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        assert process.stdout is not None
        try:
            said = process.stdout.readline()
            assert said.startswith("tiny on http://127.0.0.1:"), (said, log.read_text(encoding="utf-8"))
            yield Serving(said.split()[-1], log)
        finally:
            process.terminate()
