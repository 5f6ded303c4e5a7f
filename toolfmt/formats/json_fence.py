"""JSON in a code fence: prompt-only models, Gemma 2 and 3, many fine-tuning corpora.

    I'll use the run_command tool.

    ```json
    {"name": "run_command", "arguments": {"command": "grep -r x ."}}
    ```

A fence also holds ordinary code and examples.  A block is a call when its JSON has just the keys ``name`` and ``arguments`` and, where tools are
given, names one of them; any other block is text.  Labels read: ``json``, none, ``tool_call``, ``tool_use``, ``tool_code``, ``python``; the body is
an object or an array.
"""


from toolfmt.families.json_body import NEAR, JsonBody, JsonReader
from toolfmt.format import Limits, SureWriter
from toolfmt.ir import ToolCall
from toolfmt.reader import CallReader, Outcome, Types, Whole
from toolfmt.stream import StreamParser
from toolfmt.turns import CHATML

__all__ = ["JsonFence"]

_LABELS = frozenset({"json", "", "tool_call", "tool_use", "tool_code", "python"})
_OPENING = "```json\n"
_LABEL_LINE = 80  # characters of an opening line, at most


class JsonFence(JsonBody):
    name = "json_fence"
    opens, closes = ("```",), ("```",)
    ambiguous = exact_keys = True
    needs_tools = "names"
    arguments_keys = ("arguments",)
    before_call = ("\n\n", "\n")
    between_calls = "\n\n"
    call_mark, not_in_prose = (
        _OPENING,
        tuple(f"```{label}\n{char}" for label in sorted(_LABELS - {"json"}) for char in "[{"),
    )
    turns = CHATML
    limits = Limits()

    def reader(self) -> CallReader:
        return FenceReader(self)

    def read_whole(self, p: StreamParser, at: int) -> Whole | None:
        if isinstance(p.reader, FenceReader) and p.reader.open_ticks:
            return None
        buf, names, joint = p.buf, p.types.names, f"{self.between_calls}{_OPENING}"
        found: Whole = []
        while buf.startswith(_OPENING, at):
            start = at + len(_OPENING)
            end = buf.find("```", start) - 1
            if end < start or buf[end] != "\n" or buf.startswith("`", end + 4):
                break
            call = self.plain_call(buf[start:end])
            if call is None or (names is not None and call.name not in names):
                break
            found.append((call, at, end + 4))
            if not buf.startswith(joint, end + 4):
                break
            at = end + 4 + len(self.between_calls)
        return found or None

    def read_rest(self, text: str, at: int, types: Types) -> list[ToolCall] | None:
        """Most messages hold one call."""
        start, end = at + len(_OPENING), len(text) - 4
        if end - start < NEAR and text.find("```", start) == end + 1 and text[end] == "\n" and text.startswith(_OPENING, at):
            call, names = self.plain_call(text[start:end]), types.names
            if call is not None and (names is None or call.name in names):
                return [call]
        return super().read_rest(text, at, types)

    def sure_writer(self, types: Types) -> SureWriter | None:
        names, surely = types.names, self.surely()
        if names is None:
            return surely
        return lambda calls: surely(calls) if names.issuperset([call.name for call in calls]) else None

    def write_opening(self) -> str:
        return "```json"


class FenceReader(JsonReader):
    """Pairs opening and closing fences, so that what stands inside a block of code opens nothing."""

    def __init__(self, format: JsonFence) -> None:
        super().__init__(format)
        self.open_ticks = 0
        """The backticks of the block of ordinary code that is open."""

    def begin(self, p: StreamParser, marker: str) -> None:
        super().begin(p, marker)
        self.state = self.label

    def advance(self, p: StreamParser, final: bool) -> Outcome:
        outcome = super().advance(p, final)
        if outcome is Outcome.BAD and not p.committed:
            self.open_ticks = self.ticks
        return outcome

    def label(self, p: StreamParser, final: bool) -> Outcome | None:
        """The rest of the fence's line."""
        line, newline, _ = p.buf[p.pos : p.pos + _LABEL_LINE].partition("\n")
        if not newline and not final and len(line) < _LABEL_LINE:
            return Outcome.MORE
        info = line.lstrip("`")
        self.ticks = 3 + len(line) - len(info)
        if self.open_ticks and not info.strip():
            p.pos += len(line)
            self.open_ticks = 0 if self.ticks >= self.open_ticks else self.open_ticks
            return Outcome.TEXT
        p.pos += len(line)
        if not newline or info.strip() not in _LABELS:
            self.open_ticks = self.ticks if newline else self.open_ticks
            return Outcome.TEXT
        self.open_ticks = 0
        self.closing = "`" * self.ticks
        self.state = self.head
        return None
