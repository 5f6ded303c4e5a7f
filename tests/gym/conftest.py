"""The two programs, and a runner over any files."""

from collections.abc import Callable
from pathlib import Path

import pytest

from toolfmt.errors import MissingExtraError
from toolfmt.ir import ToolCall
from toolfmt_train.gym import binaries
from toolfmt_train.gym.runner import Attempt, Runner


@pytest.fixture(scope="session")
def programs() -> binaries.Binaries:
    try:
        return binaries.find()
    except MissingExtraError as error:
        pytest.skip(str(error))


Search = Callable[..., Attempt]


@pytest.fixture
def search(tmp_path: Path, programs: binaries.Binaries) -> Search:
    """`search(files, tool, **arguments)`: one call in a project of these files."""

    def run(files: dict[str, str | bytes], tool: str, **arguments: object) -> Attempt:
        root = tmp_path / "project"
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return Runner(root, binaries=programs).run(ToolCall(name=tool, arguments=dict(arguments)))

    return run
