"""Where rows come from and go to: corpora by name, and two files that are there whole or not at all."""

from collections.abc import Iterable
from pathlib import Path

from toolfmt.values import dumps
from toolfmt_train.errors import RowError
from toolfmt_train.generate.run import Generated
from toolfmt_train.generate.split import corpora_of, serves
from toolfmt_train.gym.corpora import Corpus, open_corpus, read_lock
from toolfmt_train.gym.errors import CorpusError
from toolfmt_train.lines import write_lines

__all__ = ["named_corpora", "refused_file", "save"]

ALL = "all"


def named_corpora(names: str, held_out: bool) -> list[Corpus]:
    """The corpora of `bundled`, `all` (every pinned project of the side) or `name,name`.

    Raises `CorpusError` for one that is unknown or not fetched, `RowError` for one of the other side of the split.
    """
    wanted = list(corpora_of(held_out)) if names == ALL else _split(names)
    for name in wanted:
        if not serves(name, held_out):
            side, way = ("for training", "leave out") if held_out else ("held out", "add")
            raise RowError(f"the corpus `{name}` is {side}: {way} --held-out, or name another one")
    _check_fetched(wanted)
    return [open_corpus(name) for name in wanted]


def _split(names: str) -> list[str]:
    wanted = list(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))
    if not wanted:
        raise RowError(
            f"--corpora names no corpus: `{names}`; give `bundled`, `{ALL}`, or names from `python -m toolfmt_train.gym.fetch`"
        )
    return wanted


def _check_fetched(names: Iterable[str]) -> None:
    pins = read_lock()
    missing = [name for name in names if name in pins and not pins[name].folder.is_dir()]
    if missing:
        raise CorpusError(f"not fetched: {', '.join(missing)}; python -m toolfmt_train.gym.fetch {' '.join(missing)}")


def refused_file(out: Path) -> Path:
    """Where the refusals of the rows in ``out`` are kept."""
    return out.with_name(f"{out.stem}.refused.jsonl")


def save(generated: Generated, out: Path) -> None:
    """Writes the rows to ``out`` and the refusals beside it; the old files stay until both new ones are whole."""
    refused = refused_file(out)
    parts = {path: path.with_name(path.name + ".part") for path in (refused, out)}
    try:
        write_lines(generated.rows, parts[out])
        lines = [dumps(refusal.record()) + "\n" for refusal in generated.refused]
        parts[refused].write_bytes("".join(lines).encode())
        for path, part in parts.items():
            part.replace(path)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
