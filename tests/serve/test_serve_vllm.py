"""The check of a real vLLM server: a random model under a grammar, so what is judged is the chain."""

import os
import subprocess
from pathlib import Path

import pytest
from serve_fake import ASK, CHAT, FORMAT
from test_grammar_vllm import PYTHON, SETUP, write_model

import toolfmt
from toolfmt_train.errors import ServerError
from toolfmt_train.serve.check import Checked, Question, check
from toolfmt_train.serve.client import Client
from toolfmt_train.serve.start import Plan, serving

pytest.importorskip("torch")
pytest.importorskip("openai")
pytestmark = [
    pytest.mark.vllm,
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON, reason=f"TOOLFMT_VLLM_PYTHON names no Python that has vLLM: {SETUP}"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model with the chat template of `qwen_xml`."""
    made = tmp_path_factory.mktemp("vllm")
    tokenizer = write_model(made, ())
    tokenizer.chat_template = toolfmt.chat_template(FORMAT)
    tokenizer.save_pretrained(made)
    return made


def servers() -> list[str]:
    """The vLLM processes that run."""
    listed = subprocess.run(["ps", "-eo", "pid,stat,args"], capture_output=True, text=True, check=True).stdout
    ours = [line for line in listed.splitlines() if "vllm.entrypoints" in line or "VLLM::" in line]
    return [line for line in ours if line.split()[1][0] != "Z"]


def checked(plan: Plan, question: Question) -> list[Checked]:
    with serving(plan) as started:
        assert servers()
        return list(check(Client(started.url, plan.model, seconds=120), [ASK, CHAT], question))


def test_calls_arrive(folder: Path) -> None:
    """The mark that vLLM streams as content where it is spelled in several tokens, though it is one of the vocabulary, is found."""
    before = servers()
    found = checked(
        Plan(str(folder), FORMAT, "vllm", python=Path(PYTHON)), Question(FORMAT, grammar=True, max_tokens=400)
    )
    for one in found:
        assert len(one.calls) == 1
        assert {(finding.mode, finding.problem) for finding in one.findings} <= {
            ("stream", "leaks into content"),
            ("stream", "differs"),
        }
        assert all("<tool_call>" in finding.arrived for finding in one.findings)
    assert servers() == before


def test_calls_behind_the_wrong_parser(folder: Path) -> None:
    """The grammar makes the model write hermes, and vLLM reads qwen_xml: in full the call is gone, streamed it is content."""
    for one in checked(
        Plan(str(folder), FORMAT, "vllm", python=Path(PYTHON)), Question("hermes", grammar=True, max_tokens=400)
    ):
        lost, leaked = (finding for finding in one.findings if finding.problem == "no call arrived")
        assert not one.calls
        assert "nothing of them arrived" in lost.reason and leaked.arrived.startswith("<tool_call>")


def test_a_model_that_vllm_refuses(folder: Path, tmp_path: Path) -> None:
    before = servers()
    for file in folder.iterdir():
        if file.suffix != ".safetensors":
            os.link(file, tmp_path / file.name)
    with pytest.raises(ServerError, match=r"the server ended with code \d+ before it was ready") as error:
        checked(Plan(str(tmp_path), FORMAT, "vllm", python=Path(PYTHON)), Question(FORMAT))
    assert len(str(error.value).splitlines()) <= 13
    assert servers() == before
