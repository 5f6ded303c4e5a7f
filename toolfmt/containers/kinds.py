"""Which kind of file a name says: the one place where a suffix chooses how rows are read and written."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from toolfmt.containers.base import Kind
from toolfmt.containers.compressed import PACKINGS, Packing
from toolfmt.containers.csv_rows import CSVSink, read_csv
from toolfmt.containers.json_list import ListSink, read_list
from toolfmt.containers.jsonl import LinesSink, count_lines, read_lines
from toolfmt.containers.parquet import ParquetSink, count_parquet, is_padded_file, read_parquet

__all__ = ["KINDS", "KNOWN", "kind_of", "split_name"]

_LINES: Final = Kind(read_lines, LinesSink, count=count_lines, resumes=True)

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        ".jsonl": _LINES,
        ".ndjson": _LINES,
        ".json": Kind(read_list, ListSink),
        ".csv": Kind(read_csv, CSVSink),
        ".parquet": Kind(read_parquet, ParquetSink, packs=False, padded=is_padded_file, count=count_parquet),
    }
)
KNOWN: Final = f"{', '.join(KINDS)}; all but Parquet also with {' or '.join(PACKINGS)}"


def split_name(name: str) -> tuple[str, str, str] | None:
    """A name without its suffix, the suffix, and that of its compression; None for a file of no known kind."""
    packing = next((end for end in PACKINGS if name.endswith(end)), "")
    plain = name.removesuffix(packing)
    for suffix, kind in KINDS.items():
        if plain.endswith(suffix) and (kind.packs or not packing):
            return plain.removesuffix(suffix), suffix, packing
    return None


def kind_of(name: str) -> tuple[Kind, Packing | None]:
    """The kind of a file, and how it is compressed; ValueError for a file of no known kind."""
    found = split_name(name)
    if found is None:
        raise ValueError(f"expected a file of rows ({KNOWN}), got `{name}`")
    return KINDS[found[1]], PACKINGS.get(found[2])
