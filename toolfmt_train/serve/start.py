"""Starting a server for a model, by transformers or by vLLM, so that it is gone when the block is left."""

import contextlib
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from toolfmt.errors import MissingExtraError
from toolfmt_train.errors import ModelError, ServerError
from toolfmt_train.models import EMBEDDED, embedded_folder
from toolfmt_train.serve import process, vllm

__all__ = ["Plan", "Started", "find_model", "serving", "shows_tools"]

_PROBE = "probe_of_tools"


class Plan(NamedTuple):
    """What to start: ``python`` is for vLLM alone; ``port`` 0 takes a free one."""

    model: str
    format: str
    backend: Literal["transformers", "vllm"] = "transformers"
    port: int = 0
    python: Path = Path(sys.executable)
    seconds: float = 300.0
    log: Path | None = None
    """Where the server's log is kept."""


class Started(NamedTuple):
    """A server that is ready, and the seconds that took."""

    url: str
    seconds: float


@contextlib.contextmanager
def serving(plan: Plan) -> Iterator[Started]:
    """The server of a plan; raises `ServerError` or `ModelError` when there is none, and leaves nothing running."""
    port = _claim(plan.port)
    if plan.backend == "vllm":
        parser = vllm.parser_of(plan.format)
        vllm.check_python(plan.python)
        command = vllm.command(plan.python, find_model(plan.model), parser=parser, name=plan.model, port=port)
        environment = vllm.ENVIRONMENT
    else:
        server = ("-m", "toolfmt_train.serve.server", find_model(plan.model))
        command = (sys.executable, *server, "--name", plan.model, "--format", plan.format, "--port", str(port))
        environment = {}
    url = f"http://127.0.0.1:{port}"
    with process.running(command, url, seconds=plan.seconds, environment=environment, keep_log=plan.log) as seconds:
        yield Started(url, seconds)


def _claim(port: int) -> int:
    """A port that is free now; `ServerError` when the wanted one is not."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ServerError(
                f"port {port}: {error.strerror}; end what uses it, or leave --port out for a free one"
            ) from None
        return int(probe.getsockname()[1])


def find_model(name: str) -> str:
    """What a server loads: a folder, or a name of the hub; `ModelError` when it is not there."""
    try:
        from transformers import AutoConfig
    except ImportError as error:
        raise MissingExtraError(f'servers need the package {error.name}: pip install "toolfmt[train]"') from None
    source = str(embedded_folder()) if name == EMBEDDED else name
    try:
        AutoConfig.from_pretrained(source)
    except (OSError, ValueError) as error:
        first = str(error).partition("\n")[0]
        raise ModelError(
            f"there is no model `{name}`: {first}; a folder with config.json, a hub name, or `{EMBEDDED}`"
        ) from None
    return source


def shows_tools(name: str) -> bool:
    """Whether the model's own chat template tells it of the tools."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(find_model(name))
    if tokenizer.chat_template is None:
        return False
    probe = {
        "type": "function",
        "function": {"name": _PROBE, "description": "", "parameters": {"type": "object", "properties": {}}},
    }
    return _PROBE in str(
        tokenizer.apply_chat_template([{"role": "user", "content": "hi"}], tools=[probe], tokenize=False)
    )
