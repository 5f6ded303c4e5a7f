"""What a chunk costs in `toolfmt.stream`: processor time of ``feed`` and ``close``, events included, by the number of chunks.

    python benchmarks/stream.py [--quick] [--formats hermes,xlam] [--json | --markdown]

One call with a code-like string argument of 1 to 160 kB in chunks of four characters: a linear reader costs the same a chunk at every size.
Then text alone, and a message of text and three calls at chunks of 1, 4 and 16 characters.  Every stream is also fed in other chunkings: all
must give the same parts at the same places, and argument deltas that join to the arguments' JSON.
"""

import json
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from time import process_time
from typing import Any

import toolfmt
from toolfmt.ir import Message, Text, same
from toolfmt.tools import as_toolset

if __package__:
    from benchmarks import common, workload
else:
    import common
    import workload

GOAL = 6.0  # us a chunk
LINEAR = 1.3  # us a chunk at 160 kB over us a chunk at 10 kB, at most
KILOBYTES = (1, 10, 40, 160)
QUICK_KILOBYTES = (1, 10)
CHUNK = 4
MIXED_CHUNKS = (1, 4, 16)
TOOLS = as_toolset(workload.TOOLS)


def cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def _feed(name: str, chunks: Sequence[str], repeats: int) -> Callable[[], float]:
    """The mean time of one whole stream."""

    def once() -> float:
        start = process_time()
        for _ in range(repeats):
            parser = toolfmt.stream(name, tools=TOOLS)
            feed = parser.feed
            for chunk in chunks:
                for event in feed(chunk):  # noqa: B007 - a reader looks at each event
                    pass
            parser.close()
        return (process_time() - start) / repeats

    return once


def _nothing(chunk: str) -> tuple[()]:
    return ()


def _loop(chunks: Sequence[str], repeats: int) -> Callable[[], float]:
    """The same loop round a function that does nothing."""

    def once() -> float:
        start = process_time()
        for _ in range(repeats):
            for chunk in chunks:
                for event in _nothing(chunk):  # noqa: B007
                    pass
        return (process_time() - start) / repeats

    return once


def cost(name: str, text: str, size: int, rounds: int) -> dict[str, float]:
    """us a chunk, and what of it the loop itself is."""
    chunks = cut(text, size)
    repeats = max(1, 2500 // len(chunks))
    whole, loop = common.best_of(rounds, _feed(name, chunks, repeats), _loop(chunks, repeats))
    return {
        "us_per_chunk": whole / len(chunks) * 1e6,
        "loop_us_per_chunk": loop / len(chunks) * 1e6,
        "us_per_char": whole / len(text) * 1e6,
        "chunks": len(chunks),
        "seconds": whole,
    }


# -- every chunking gives the same


def _chunkings(text: str, *, few: bool) -> Iterator[list[str]]:
    for size in (4,) if few else (1, 2, 3, 4, 5, 7, 11, 16, 64, 1000):
        yield cut(text, size)
    for seed in range(1 if few else 5):
        r = random.Random(seed)
        cuts = sorted({0, len(text), *(r.randrange(len(text)) for _ in range(len(text) // r.choice((2, 5, 20))))})
        yield [text[a:b] for a, b in pairwise(cuts)]


def _fed(name: str, chunks: Iterable[str]) -> tuple[toolfmt.Parsed, list[Any]]:
    """What a stream read, and the arguments that its events said."""
    parser = toolfmt.stream(name, tools=TOOLS)
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    events += parser.close()
    deltas: dict[int, list[str]] = {}
    for event in events:
        if isinstance(event, toolfmt.ArgumentsDelta):
            deltas.setdefault(event.index, []).append(event.json)
    return parser.parsed, [json.loads("".join(pieces)) for pieces in deltas.values()]


def faults(name: str, message: Message, text: str, *, few: bool = False) -> int:
    """How many chunkings give anything else than ``message``, its places in ``text``, and its arguments as events."""
    whole = toolfmt.parse(text, name, tools=TOOLS)
    if not workload.exact(message, whole):
        return -1
    wrong = 0
    for chunks in _chunkings(text, few=few):
        parsed, said = _fed(name, chunks)
        wrong += parsed != whole or not same(said, [call.arguments for call in whole.calls])
    return wrong


# -- the streams


def _mixed() -> Message:
    """Text, then three calls of about 500 characters."""
    found = [message for message in workload.outputs(300) if len(message.calls) == 3 and message.text]
    return min(found, key=lambda message: abs(len(str(message)) - 2000))


def measure(name: str, rounds: int, sizes: Sequence[int]) -> dict[str, Any]:
    row: dict[str, Any] = {"format": name, "sizes": {}, "mixed": {}, "faults": 0, "chunkings_checked": 0}

    def check(message: Message, text: str, few: bool) -> None:
        row["faults"] += abs(faults(name, message, text, few=few))
        row["chunkings_checked"] += len(list(_chunkings(text, few=few)))

    for size in sizes:
        message = Message(role="assistant", parts=(workload.long_call(random.Random(workload.SEED), size * 1000),))
        text = toolfmt.render(message, name, tools=TOOLS)
        row["sizes"][size] = cost(name, text, CHUNK, rounds)
        check(message, text, size > 10)
    row["growth"] = (
        row["sizes"][sizes[-1]]["us_per_chunk"] / row["sizes"][sizes[-3 if len(sizes) > 2 else 0]]["us_per_chunk"]
    )
    message = Message(role="assistant", parts=(Text(text=workload.prose(random.Random(workload.SEED), 40_000)),))
    row["text"] = cost(name, message.text, CHUNK, rounds)
    check(message, message.text, True)
    message = _mixed()
    if not toolfmt.get_format(name).limits.text_before:
        message = workload.without_text(message)
    text = toolfmt.render(message, name, tools=TOOLS)
    for chunk in MIXED_CHUNKS:
        row["mixed"][chunk] = cost(name, text, chunk, rounds)
    check(message, text, False)
    every = [*row["sizes"].values(), row["text"], *row["mixed"].values()]
    row["worst_us_per_chunk"] = max(figures["us_per_chunk"] for figures in every)
    return row


def _marks(row: dict[str, Any]) -> list[str]:
    shape = f"x{row['growth']:.2f} {'linear' if row['growth'] <= LINEAR else 'GROWS'}"
    return [shape, f"{row['worst_us_per_chunk']:.1f} {'met' if row['worst_us_per_chunk'] <= GOAL else 'MISSED'}"]


def _cells(row: dict[str, Any]) -> list[str]:
    every = [*row["sizes"].values(), row["text"], *row["mixed"].values()]
    same_parts = "same" if not row["faults"] else f"{row['faults']} WRONG"
    return [f"{figures['us_per_chunk']:.2f}" for figures in every] + [
        *_marks(row),
        f"{same_parts} of {row['chunkings_checked']}",
    ]


def main() -> int:
    options = common.arguments("Time toolfmt.stream.")
    rounds = options.rounds or (2 if options.quick else 5)
    sizes = QUICK_KILOBYTES if options.quick else KILOBYTES
    rows = []
    for name in options.formats:
        common.note(f"{name} ...")
        rows.append(measure(name, rounds, sizes))
    loop = min(row["text"]["loop_us_per_chunk"] for row in rows)
    if options.json:
        print(json.dumps({"machine": common.machine(), "rows": rows}, indent=2))
    else:
        about = ", ".join(f"{name} {value}" for name, value in common.machine().items())
        head = ["format", *(f"{size} kB" for size in sizes), "text", *(f"mixed/{chunk}" for chunk in MIXED_CHUNKS)]
        head += [f"{sizes[-1]} kB / {sizes[-3 if len(sizes) > 2 else 0]} kB", f"worst <= {GOAL:.0f}", "chunkings"]
        title = (
            f"us a chunk of {CHUNK} characters (mixed: of 1, 4 and 16), events included; best of {rounds}; "
            f"the loop alone {loop:.3f}; {about}."
        )
        cells = [[f"`{row['format']}`" if options.markdown else row["format"], *_cells(row)] for row in rows]
        common.print_table(title, head, cells, markdown=options.markdown)
    wrong = [row["format"] for row in rows if row["faults"]]
    if wrong:
        common.note(f"NOT the same in every chunking: {', '.join(wrong)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
