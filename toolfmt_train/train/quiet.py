"""The training libraries: whether they are there, and what they say of themselves kept off the terminal."""

import contextlib
import importlib.util
import warnings
from collections.abc import Iterator
from typing import Any

from toolfmt.errors import MissingExtraError

__all__ = ["check_installed", "quiet"]


def check_installed() -> None:
    """Raises `MissingExtraError` without what trains."""
    for name in ("torch", "transformers", "datasets", "peft", "accelerate", "trl"):
        if importlib.util.find_spec(name) is None:
            raise MissingExtraError(f'training needs the package {name}: pip install "toolfmt[train]"')


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No progress bars of transformers and datasets, no warnings for the authors of trainers; errors stay."""
    check_installed()
    import datasets
    from transformers.utils import logging as untyped

    logging: Any = untyped
    level = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    datasets.disable_progress_bars()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", UserWarning)
            yield
    finally:
        logging.set_verbosity(level)
        logging.enable_progress_bar()
        datasets.enable_progress_bars()
