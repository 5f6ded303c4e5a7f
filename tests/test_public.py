"""What `toolfmt` exports is what `toolfmt.__all__` says."""

import importlib
import importlib.util
from types import ModuleType

import toolfmt


def test_all_is_sorted_and_complete() -> None:
    public = {n for n, value in vars(toolfmt).items() if not n.startswith("_") and not isinstance(value, ModuleType)}
    public = (public - {"TYPE_CHECKING", "Any", "import_module"}) | toolfmt._ON_DEMAND.keys()
    by_kind = sorted(public, key=lambda n: (not n.isupper(), not n[0].isupper(), n))  # ruff's order: RUF022
    assert [name for name in toolfmt.__all__ if not name.startswith("_")] == by_kind


def test_a_module_never_hides_the_function_of_its_name() -> None:
    for name in toolfmt.__all__:
        if importlib.util.find_spec(f"toolfmt.{name}"):
            importlib.import_module(f"toolfmt.{name}")
        assert not isinstance(getattr(toolfmt, name), ModuleType), name
