"""`plan`: what must be known of the data before its first row is converted, the format of its calls and the types of their arguments."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from toolfmt.api import parse
from toolfmt.argument_types import argument_types
from toolfmt.conversion.plain import PlainReader
from toolfmt.conversion.rows import RowConverter, blocks
from toolfmt.detect import detect_texts, may_hold_calls, may_rival
from toolfmt.errors import ToolfmtError, UnrepresentableError
from toolfmt.events import Parsed
from toolfmt.evidence import seen_in, tools_of
from toolfmt.format import Format
from toolfmt.ir import ToolCall
from toolfmt.layouts.base import is_object
from toolfmt.registry import formats, get_format
from toolfmt.stream import StreamParser

__all__ = ["SAMPLE", "plan"]

_FIELDS = frozenset({"tools", "functions", "tool_calls", "function_call"})
SAMPLE = 200  # rows with calls by which the format is found
_SHARE = 0.05  # of them that an ambiguous format needs to be looked for in every row


def plan(base: RowConverter, source: str, rows: Callable[[], Iterable[object]], *, infer: bool = True) -> RowConverter:
    """``base`` with the format found in the data (``source="auto"``) and, where they are needed, tools inferred from its calls."""
    made = _find_source(base, rows()) if source == "auto" else replace(base, source=get_format(source).name)
    if not infer or made.tools is not None or made.to is None or get_format(made.to).limits.typed_values:
        return made
    inferred = tuple(tools_of(seen_in(_calls_without_tools(made, rows())), enums=False))
    return replace(made, inferred=inferred) if inferred else made


def _find_source(base: RowConverter, rows: Iterable[object]) -> RowConverter:
    best: Counter[str] = Counter()
    usual: Format | None = None
    """What reads some row perfectly."""
    for row in filter(_may_hold_calls, rows):
        try:
            _, turns, _ = base.read(row)
        except ToolfmtError:
            continue
        texts = [turn.text for turn in turns if turn.role == "assistant" and turn.text and not turn.structured]
        if usual is not None and _is_best(texts, usual):
            best[usual.name] += 1
        elif found := detect_texts(texts):
            best[found[0].format] += 1
            usual = get_format(found[0].format) if found[0].score == 1 else usual
        if best.total() >= SAMPLE:
            break
    others = [info.name for info in formats() if not get_format(info.name).ambiguous]
    others += [name for name, times in best.items() if get_format(name).ambiguous and times >= _SHARE * best.total()]
    source = best.most_common(1)[0][0] if best else None
    passed_over = tuple(info.name for info in formats() if info.name not in (source, *others))
    return replace(base, source=source, others=tuple(name for name in others if name != source), passed_over=passed_over)


def _is_best(texts: Iterable[str], fmt: Format) -> bool:
    """Whether `detect_texts` is sure to name ``fmt`` first: each text that may hold calls is prose and then one call, as the format writes it, and
    no other can read more of it."""
    reader = PlainReader(fmt, argument_types(None))
    likely = [text for text in texts if may_hold_calls(text)]
    for text in likely:
        read = reader.read(text) if len(text) <= StreamParser.max_chars else None
        if read is None or len(read[1]) > 1:
            return False
        try:
            written = fmt.write_calls(read[1])
        except UnrepresentableError:
            return False
        if not text.endswith(written) or may_rival(text, fmt, read[1][0], len(text) - len(written)):
            return False
    return bool(likely)


def _may_hold_calls(row: object) -> bool:
    """Whether any text of a row, its fields for tools and calls apart, has the mark of a call: most rows need not be read to know."""
    texts: list[str] = []
    rest = [row]
    while rest:
        value = rest.pop()
        if type(value) is dict or is_object(value):
            for key, held in value.items():
                if type(held) is str and key not in _FIELDS:
                    texts.append(held)
                elif held is not None and key not in _FIELDS:
                    rest.append(held)
        elif isinstance(value, str):
            texts.append(value)
        elif isinstance(value, list):
            rest += value
    return may_hold_calls(*texts)


def _calls_without_tools(converter: RowConverter, rows: Iterable[object]) -> Iterator[ToolCall]:
    """The calls of rows that state no tools, where the spelling says their types."""
    for row in rows:
        try:
            if converter.states_tools(row):
                continue
            _, turns, offer = converter.read(row)
            known: dict[int, Parsed] = {}
            source = converter.format_of(turns, offer, known)
            if next(blocks(turns, source), None):
                continue
            for turn in turns:
                yield from turn.calls
                if source and source.limits.typed_values and turn.role == "assistant" and turn.text and not turn.structured:
                    yield from (known.get(id(turn)) or parse(turn.text, source)).calls
        except ToolfmtError:
            continue
