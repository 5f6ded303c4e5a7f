"""`fixtures/<format>.txt`: texts and what they say; those marked canonical are also written back, byte for byte.

A block is a title, a text and its parts, one JSON array, each followed by a line that holds just a dot.  Behind the title, in brackets: `canonical`,
`ended` (an end-of-turn marker closes the text), `truncated`, `no tools`.
Parts: ``{"text"}``, ``{"reasoning"}``, ``{"malformed"}``, ``{"call", "arguments"}`` and an ``id`` where there is one.
"""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import toolfmt

FOLDER = Path(__file__).parent / "fixtures"

STRING = {"type": "string"}
TOOLS = [
    {"name": name, "description": "", "parameters": {"type": "object", "properties": properties}}
    for name, properties in {
        "get_weather": {"city": STRING, "days": {"type": "integer"}},
        "now": {},
        "run": {"command": STRING},
        "set": {
            "label": {"type": ["string", "null"]},
            "ratio": {"type": "number"},
            "on": {"type": "boolean"},
            "data": {"type": "object"},
            "items": {"type": "array"},
        },
    }.items()
]


class Block(NamedTuple):
    format: str
    title: str
    flags: frozenset[str]
    text: str
    parts: tuple[toolfmt.Part, ...]


def part(data: dict[str, Any]) -> toolfmt.Part:
    match data:
        case {"text": text, **none} if not none:
            return toolfmt.Text(text=text)
        case {"reasoning": text, **none} if not none:
            return toolfmt.Reasoning(text=text)
        case {"malformed": raw, **none} if not none:
            return toolfmt.Malformed(raw=raw, reason="")
        case {"call": name, "arguments": arguments, **rest} if rest.keys() <= {"id"}:
            return toolfmt.ToolCall(name=name, arguments=arguments, **rest)
    raise ValueError(f"not a part: {data}")


def load(path: Path) -> list[Block]:
    *fields, rest = path.read_bytes().decode().split("\n.\n")
    assert rest == "" and len(fields) % 3 == 0, f"{path} is not made of whole blocks"
    blocks = []
    for title, text, parts in zip(*[iter(fields)] * 3, strict=True):
        found = re.fullmatch(r"(.+?)(?: \[(.+)\])?", title.strip())
        assert found
        flags = frozenset((found[2] or "").split(", ")) - {""}
        assert flags <= {"canonical", "ended", "truncated", "no tools"}, title
        blocks.append(Block(path.stem, found[1], flags, text, tuple(map(part, json.loads(parts)))))
    return blocks


BLOCKS = [block for path in sorted(FOLDER.glob("*.txt")) for block in load(path)]
each = pytest.mark.parametrize("block", BLOCKS, ids=[f"{block.format}: {block.title}" for block in BLOCKS])


def tools(block: Block) -> object:
    return None if "no tools" in block.flags else TOOLS


def without_reasons(parts: tuple[toolfmt.Part, ...]) -> tuple[toolfmt.Part, ...]:
    return tuple(toolfmt.Malformed(raw=p.raw, reason="") if isinstance(p, toolfmt.Malformed) else p for p in parts)


def test_every_format_has_its_fixtures() -> None:
    for info in toolfmt.formats():
        own = [block for block in BLOCKS if block.format == info.name]
        assert len(own) >= 8, info.name
        assert sum("canonical" in block.flags for block in own) >= 3, info.name
        assert len({block.title for block in own}) == len(own), info.name


@each
def test_read(block: Block) -> None:
    parsed = toolfmt.parse(block.text, block.format, tools=tools(block))
    assert without_reasons(parsed.parts) == block.parts
    assert parsed.ended == ("ended" in block.flags)
    assert parsed.truncated == ("truncated" in block.flags)


@each
@pytest.mark.parametrize("size", [1, 3, 10])
def test_stream(block: Block, size: int) -> None:
    stream = toolfmt.stream(block.format, tools=tools(block))
    for i in range(0, len(block.text), size):
        stream.feed(block.text[i : i + size])
    stream.close()
    assert without_reasons(stream.parsed.parts) == block.parts
    assert stream.parsed.ended == ("ended" in block.flags)
    assert stream.parsed.truncated == ("truncated" in block.flags)


@each
def test_the_strict_reader(block: Block) -> None:
    """What is canonical the grammar reads too, and what is broken it refuses with a place."""
    broken = "truncated" in block.flags or any(isinstance(part, toolfmt.Malformed) for part in block.parts)
    if broken:
        with pytest.raises(toolfmt.ParseError, match="line "):
            toolfmt.parse(block.text, block.format, tools=tools(block), strict=True)
    elif "canonical" in block.flags:
        assert toolfmt.parse(block.text, block.format, tools=tools(block), strict=True).parts == block.parts
    else:
        pytest.skip("another spelling, which a grammar need not read")


@each
def test_write_back(block: Block) -> None:
    if "canonical" not in block.flags:
        pytest.skip("another spelling")
    parts = toolfmt.parse(block.text, block.format, tools=tools(block)).parts
    assert toolfmt.render(parts, block.format, tools=tools(block), end="ended" in block.flags) == block.text
    assert toolfmt.render(block.parts, block.format, tools=tools(block), end="ended" in block.flags) == block.text
