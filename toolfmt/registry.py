"""The formats by name: a table of import strings, so that listing formats imports none, and the entry points of third parties.

A third-party package registers under the entry-point group ``toolfmt.formats``: ``my_format = "my_package.module:MyFormat"``.  A plugin that does not
load raises `PluginError` with its name and cause; it is never skipped.
"""

import difflib
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from toolfmt.errors import PluginError, UnknownFormatError
from toolfmt.format import Format
from toolfmt.format_table import TABLE, FormatInfo

__all__ = ["FormatInfo", "every_format", "formats", "get_format", "register"]

_GROUP = "toolfmt.formats"


_registered: dict[str, FormatInfo] = {}
_classes: dict[str, type[Format]] = {}


@cache
def _plugins() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=_GROUP)}


def formats() -> tuple[FormatInfo, ...]:
    """All formats: toolfmt's own, those of installed plugins, those of `register`.  Imports none of them."""
    names = {info.name for info in TABLE}
    plugins = [FormatInfo(name, point.value) for name, point in sorted(_plugins().items()) if name not in names]
    return (*TABLE, *plugins, *_registered.values())


def every_format() -> tuple[Format, ...]:
    """All of them, loaded."""
    return _every(len(_plugins()), tuple(_registered) if _registered else ())


@cache
def _every(plugins: int, registered: tuple[str, ...]) -> tuple[Format, ...]:
    return tuple(get_format(info.name) for info in formats())


def register(format_class: type[Format]) -> type[Format]:
    """Register a format of your own for this process, by its ``name``; a decorator.  ValueError when the name is taken."""
    name = format_class.name
    if name in {info.name for info in formats()} and _classes.get(name) is not format_class:
        raise ValueError(f"a format is registered as `{name}` already; give yours another name")
    _registered[name] = FormatInfo(name, f"{format_class.__module__}:{format_class.__qualname__}")
    _classes[name] = format_class
    return format_class


@cache
def _load(info_name: str, target: str) -> Format:
    if info_name in _classes:
        return _classes[info_name]()
    if info_name in _plugins():
        return _load_plugin(_plugins()[info_name])
    module, _, name = target.partition(":")
    loaded: Format = vars(import_module(module))[name]()
    return loaded


def _load_plugin(point: EntryPoint) -> Format:
    try:
        loaded = point.load()
    except Exception as error:  # whatever a third party's module raises is its failure to load
        raise PluginError(
            f"the plugin `{point.name}` ({point.value}) does not load: {type(error).__name__}: {error}"
        ) from error
    if not (isinstance(loaded, type) and issubclass(loaded, Format)):
        raise PluginError(f"the plugin `{point.name}` ({point.value}) is not a subclass of toolfmt.Format")
    if loaded.name != point.name:
        raise PluginError(
            f"the plugin `{point.name}` ({point.value}) calls its format `{loaded.name}`; the two names must agree"
        )
    return loaded()


_by_name: dict[str, Format] = {}


def get_format(name: str) -> Format:
    """The format of this name, alias or model (``Qwen/Qwen3-Coder-30B-A3B-Instruct``); UnknownFormatError suggests near names."""
    found = _by_name.get(name)
    if found is None:
        info = _find(name)
        found = _load(info.name, info.target)
        if name == info.name:
            _by_name[name] = found
    return found


def _find(name: str) -> FormatInfo:
    every = formats()
    for info in every:
        if name == info.name or name in info.aliases:
            return info
    model = _model(name)
    begins = {model[at:] for at in range(len(model)) if at == 0 or model[at - 1] == "_"}  # Qwen_Qwen3-8B-GGUF
    best = max(
        (
            (len(prefix), -i)
            for i, info in enumerate(every)
            for prefix in info.models
            if any(part.startswith(prefix) for part in begins)
        ),
        default=None,
    )
    if best:
        return every[-best[1]]
    raise UnknownFormatError(f"unknown format `{name}`{_suggestion(name, every)}")


def _model(name: str) -> str:
    """A model's name without its organisation."""
    return name.rstrip("/").rpartition("/")[2].lower()


def _suggestion(name: str, every: Sequence[FormatInfo]) -> str:
    names = [known for info in every for known in (info.name, *info.aliases)]
    near = difflib.get_close_matches(name.lower().replace("-", "_"), names, 3, 0.7)
    if near and "/" not in name:
        return f"; did you mean {' or '.join(f'`{n}`' for n in near)}?"
    start = _model(name)[:4]
    models = [f"`{prefix}` ({info.name})" for info in every for prefix in info.models if prefix.startswith(start)]
    if models and len(start) == 4:
        return f"; models with a name like it: {', '.join(models[:5])}; pass the format itself if this model speaks one of them"
    return f"; known: {', '.join(info.name for info in every)}"
