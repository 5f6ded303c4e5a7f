"""Hypothesis profiles, and fixtures for data that stands beside the checkout or is installed separately."""

import importlib.util
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("ci", max_examples=100, derandomize=True, deadline=None)
settings.register_profile("quick", max_examples=20, derandomize=True, deadline=None)
settings.register_profile("nightly", max_examples=5000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def no_hang() -> Iterator[None]:
    """What never ends fails here; nothing else is judged by the clock."""

    def fail(*_: object) -> None:
        raise TimeoutError("60 seconds: this does not end")

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, 60)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference vectors beside this checkout."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("no ../shared beside this checkout")
    return folder


@pytest.fixture(scope="session")
def bfcl() -> Path:
    """The data folder of bfcl-eval, found without importing the package."""
    spec = importlib.util.find_spec("bfcl_eval")
    if spec is None or spec.origin is None:
        pytest.skip("bfcl-eval is not installed: pip install --no-deps bfcl-eval")
    return Path(spec.origin).parent / "data"


@pytest.fixture(scope="module")
def ray_cluster() -> Iterator[Any]:
    """A Ray of these tests' own, with three workers."""
    import logging

    ray = pytest.importorskip("ray")
    from toolfmt.integrations.ray import _QUIET

    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    ray.init(
        address="local", num_cpus=3, include_dashboard=False, object_store_memory=80 * 2**20, log_to_driver=False, logging_level=logging.ERROR
    )
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    yield ray
    ray.shutdown()
