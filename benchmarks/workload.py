"""What the benchmarks read: seeded outputs that call twelve tools, and the same outputs written in a format.

The workload is made, not drawn from a dataset: 12 tools whose arguments are prose, code, numbers, booleans, null, arrays and nested objects; each
call's arguments are 20 B to 2 kB of JSON, about 500 B in the mean; an output has one to three calls and, every other time, text before them:
10,000 outputs are some 17,500 calls and 9 to 10 MB, the size at which other parsers were compared.
"""

import json
import random
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import toolfmt
from toolfmt.ir import Message, Part, Text, ToolCall, same

SEED = 20250


# -- the tools


def _tool(name: str, description: str, required: Sequence[str] = (), **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": schema}}


def _string(description: str = "", **more: Any) -> dict[str, Any]:
    return {"type": "string", **({"description": description} if description else {}), **more}


_NULLABLE = {"anyOf": [{"type": "string"}, {"type": "null"}]}
_INTEGER, _NUMBER, _BOOLEAN = {"type": "integer"}, {"type": "number"}, {"type": "boolean"}


def _array(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


TOOLS: list[dict[str, Any]] = [
    _tool(
        "get_weather", "The weather forecast for a place.", ["location"],
        location=_string("City and country"), days=_INTEGER, unit=_string(enum=["celsius", "fahrenheit"]), note=_string(),
    ),
    _tool(
        "web_search", "Search the web.", ["query"],
        query=_string("What to look for"), max_results=_INTEGER, safe=_BOOLEAN, domains=_array(_string()), after=_NULLABLE,
    ),
    _tool("run_python", "Run Python code in a sandbox.", ["code"], code=_string("The program"), timeout=_NUMBER),
    _tool(
        "write_file", "Write a text file.", ["path", "content"],
        path=_string("Absolute path"), content=_string("The whole text"), overwrite=_BOOLEAN, mode=_INTEGER,
    ),
    _tool(
        "edit_file", "Replace text in a file.", ["path", "old", "new"],
        path=_string("Absolute path"), old=_string(), new=_string(), count={"type": ["integer", "null"]},
    ),
    _tool(
        "run_command", "Run a shell command.", ["command"],
        command=_string("The command line"), cwd=_NULLABLE, timeout=_INTEGER,
        env={"type": "object", "additionalProperties": {"type": "string"}},
    ),
    _tool(
        "send_email", "Send an e-mail.", ["to", "subject", "body"],
        to=_array(_string()), subject=_string(), body=_string(), urgent=_BOOLEAN, reply_to=_NULLABLE,
        attachments=_array(_object(name=_string(), bytes=_INTEGER, inline=_BOOLEAN)),
    ),
    _tool(
        "create_event", "Put an event into the calendar.", ["title", "start"],
        title=_string(), start=_string("ISO 8601"), minutes=_INTEGER, notes=_string(), repeat=_NULLABLE,
        place=_object(name=_string(), latitude=_NUMBER, longitude=_NUMBER, floor={"type": ["integer", "null"]}),
        guests=_array(_object(name=_string(), email=_string(), optional=_BOOLEAN)),
    ),
    _tool(
        "query_database", "Run one SQL query.", ["sql"],
        sql=_string("With ? for parameters"), parameters=_array({"type": ["string", "number", "boolean", "null"]}), limit=_INTEGER,
        explain=_BOOLEAN,
    ),
    _tool(
        "plot", "Draw a line chart.", ["series"],
        series=_array(_object(label=_string(), x=_array(_NUMBER), y=_array(_NUMBER))), title=_string(), log_scale=_BOOLEAN,
        size=_object(width=_INTEGER, height=_INTEGER, dpi=_NUMBER),
    ),
    _tool(
        "set_option", "Change one setting.", ["key", "value"],
        key=_string(), value={"type": ["integer", "number", "boolean", "null"]}, comment=_string(),
    ),
    _tool(
        "translate", "Translate text.", ["text", "target"],
        text=_string(), target=_string(), source=_NULLABLE, formality=_string(enum=["more", "less", "default"]), temperature=_NUMBER,
    ),
]  # fmt: skip


# -- their arguments

_WORDS = (
    "the a of to in and for on with that is as by from at this be are it report parser result value model table server request limit index done row "
    "column file user which have not can will please find check more about between every day week update".split()
)
_MARKED = (
    "don't",
    '"quoted"',
    "e.g.",
    "(see",
    "below)",
    "[1]",
    "{x}",
    "100%",
    "a/b",
    "x<y",
    "<b>bold</b>",
    "why?",
    "yes,",
    "done.",
    "so:",
    "R&D",
)
_FOREIGN = ("café", "größe", "東京", "naïve", "“quoted”", "—", "…", "über", "señor", "🙂")
_CODE = (
    "def read(path, *, limit=10):",
    "    with open(path, encoding=\"utf-8\") as file:",
    "        for i, line in enumerate(file):",
    "            if i >= limit or line.strip() == '':",
    "                break",
    "            yield {\"line\": i, \"text\": line.rstrip(\"\\n\")}",
    "",
    "html = '<div class=\"card\"><p>{}</p></div>'.format(name)",
    "assert re.match(r\"^\\w+\\s*=\\s*(.*)$\", row) is not None",
    "print(f'{total:>8.2f} \\t {rows[-1][\"key\"]!r}')  # naïve",
    "return [x for x in values if x is not None and x[\"n\"] < 5]",
    "SELECT id, name FROM users WHERE name LIKE '%o''brien%' AND age >= 21;",
)  # fmt: skip
_MARKS = (
    "</tool_call>",
    "<tool_call>",
    "</parameter>",
    "```",
    "<end_function_call>",
    "<|end|>",
    "<escape>",
    "[TOOL_CALLS]",
    "</function>",
)


def prose(r: random.Random, size: int) -> str:
    """Words, one in ten with punctuation; every third text also holds some that are not ASCII."""
    foreign = r.random() < 0.33
    pieces: list[str] = []
    length = 0
    while length < size:
        draw = r.random()
        word = r.choice(_MARKED if draw < 0.1 else _FOREIGN if foreign and draw < 0.15 else _WORDS)
        gap = "\n\n" if r.random() < 0.02 else " "
        pieces += [word, gap]
        length += len(word) + len(gap)
    return "".join(pieces)[:size].strip() or "x"


def code(r: random.Random, size: int) -> str:
    """Lines of code, with quotes, backslashes and tags."""
    pieces: list[str] = []
    length = 0
    while length < size:
        line = r.choice(_CODE)
        pieces += [line, "\n"]
        length += len(line) + 1
    return "".join(pieces)[: max(size, 1)]


def _string_of(r: random.Random, size: int) -> str:
    """Prose or code; one long one in fifty quotes a mark of some format."""
    made = (code if r.random() < 0.5 else prose)(r, max(size, 1))
    if size > 100 and r.random() < 0.02:
        at = r.randrange(len(made))
        made = made[:at] + r.choice(_MARKS) + made[at:]
    return made


def _float(r: random.Random) -> float:
    return round(r.uniform(-180, 180), r.randint(1, 6))


def _mail(r: random.Random) -> str:
    return f"{r.choice(('ana', 'bo', 'chi', 'dmitri'))}{r.randrange(100)}@example.org"


def _path(r: random.Random) -> str:
    return "/" + "/".join(r.choices(("src", "home", "data", "notes", "tests", "v2"), k=r.randint(1, 4))) + "/main.py"


def _maybe(r: random.Random, value: Any) -> Any:
    return None if r.random() < 0.3 else value


def _fields(r: random.Random, tool: str, size: int) -> dict[str, Any]:
    """Arguments of about ``size`` characters of JSON, half of the optional ones left out."""
    rest = max(size - 90, 8)
    flag, items = r.random() < 0.5, max(1, size // 90)
    match tool:
        case "get_weather":
            return {
                "location": prose(r, min(rest, 40)),
                "days": r.randint(1, 14),
                "unit": "celsius",
                "note": _string_of(r, rest - 40),
            }
        case "web_search":
            domains = [f"site{r.randrange(99)}.org" for _ in range(r.randrange(4))]
            return {
                "query": prose(r, rest - 40),
                "max_results": r.randint(1, 50),
                "safe": flag,
                "domains": domains,
                "after": _maybe(r, "2024-05-01"),
            }
        case "run_python":
            return {"code": code(r, rest + 40), "timeout": _float(r)}
        case "write_file":
            return {"path": _path(r), "content": _string_of(r, rest), "overwrite": flag, "mode": 420}
        case "edit_file":
            return {
                "path": _path(r),
                "old": code(r, rest // 2),
                "new": code(r, rest // 2),
                "count": _maybe(r, r.randint(1, 9)),
            }
        case "run_command":
            env = {f"VAR_{i}": prose(r, 12) for i in range(r.randrange(4))}
            return {"command": code(r, rest - 40), "cwd": _maybe(r, _path(r)), "timeout": r.randint(1, 600), "env": env}
        case "send_email":
            files = [{"name": f"a{i}.pdf", "bytes": r.randrange(10**7), "inline": flag} for i in range(r.randrange(3))]
            to = [_mail(r) for _ in range(r.randint(1, 3))]
            return {"to": to, "subject": prose(r, 20), "body": prose(r, rest - 100), "urgent": flag, "reply_to": _maybe(r, _mail(r)),
                    "attachments": files}  # fmt: skip
        case "create_event":
            place = {
                "name": prose(r, 12),
                "latitude": _float(r),
                "longitude": _float(r),
                "floor": _maybe(r, r.randint(-2, 40)),
            }
            guests = [{"name": prose(r, 10), "email": _mail(r), "optional": flag} for _ in range(min(items, 8))]
            return {"title": prose(r, 20), "start": "2025-03-01T09:30:00Z", "minutes": r.randint(5, 240), "notes": _string_of(r, rest - 400),
                    "repeat": _maybe(r, "weekly"), "place": place, "guests": guests}  # fmt: skip
        case "query_database":
            values = [
                r.choice((None, True, False, r.randrange(10**9), _float(r), prose(r, 10)))
                for _ in range(r.randrange(6))
            ]
            return {"sql": code(r, rest - 40), "parameters": values, "limit": r.randrange(1000), "explain": flag}
        case "plot":
            points = max(1, rest // 20)
            series = [{"label": prose(r, 8), "x": list(range(points)), "y": [_float(r) for _ in range(points)]}]
            return {
                "series": series,
                "title": prose(r, 20),
                "log_scale": flag,
                "size": {"width": 800, "height": 600, "dpi": 96.0},
            }
        case "set_option":
            value = r.choice((None, True, False, r.randrange(10**6), _float(r)))
            return {"key": "editor.tab_size", "value": value, "comment": _string_of(r, rest)}
        case _:
            return {
                "text": prose(r, rest),
                "target": "fr",
                "source": _maybe(r, "en"),
                "formality": "more",
                "temperature": _float(r),
            }


def _call(r: random.Random) -> ToolCall:
    """A call whose arguments are 20 B to 2 kB of JSON."""
    while True:
        function = r.choice(TOOLS)["function"]
        made = _fields(r, function["name"], int(20 * 100 ** (r.random() ** 0.8)))
        required = function["parameters"]["required"]
        kept = {key: value for key, value in made.items() if key in required or r.random() < 0.5}
        if 20 <= len(dumps(kept).encode()) <= 2000:
            return ToolCall(name=function["name"], arguments=kept)


def outputs(count: int) -> list[Message]:
    """Assistant messages of one to three calls, every other one with text before them."""
    r = random.Random(SEED)
    made = []
    for i in range(count):
        calls: list[Part] = [_call(r) for _ in range(r.choice((1, 1, 1, 2, 2, 2, 2, 3)))]
        text: list[Part] = [Text(text=prose(r, r.randint(20, 300)))] if i % 2 else []
        made.append(Message(role="assistant", parts=(*text, *calls)))
    return made


def long_outputs(count: int, size: int) -> list[Message]:
    """One call each, with a string argument of ``size`` characters: code and prose by turns."""
    r = random.Random(SEED + 1)
    return [Message(role="assistant", parts=(long_call(r, size, as_prose=i % 2 == 1),)) for i in range(count)]


def long_call(r: random.Random, size: int, *, as_prose: bool = False) -> ToolCall:
    content = (prose if as_prose else code)(r, size)
    return ToolCall(name="write_file", arguments={"path": "/src/main.py", "content": content, "overwrite": True})


def without_text(message: Message) -> Message:
    return Message(role="assistant", parts=message.calls)


def dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


# -- the same outputs, written in a format


class Written(NamedTuple):
    """A format's share of the workload."""

    messages: list[Message]
    texts: list[str]
    refused: int
    """Messages that the format cannot say, and says so; they are left out."""

    @property
    def payloads(self) -> list[list[str]]:
        """What a JSON decoder would have to read: ``{"name", "arguments"}`` of each call."""
        return [[dumps({"name": call.name, "arguments": call.arguments}) for call in m.calls] for m in self.messages]


def write_all(messages: Iterable[Message], name: str) -> Written:
    """Write without reading back; a message that does not come back as it was is then given to the checking writer, which should refuse it."""
    limits = toolfmt.get_format(name).limits
    kept, texts, refused = [], [], 0
    for given in messages:
        message = given if limits.text_before else without_text(given)
        try:
            text = toolfmt.render(message, name, tools=TOOLS, verify=False)
            if not exact(message, toolfmt.parse(text, name, tools=TOOLS)):
                toolfmt.render(message, name, tools=TOOLS)
        except toolfmt.UnrepresentableError:
            refused += 1
            continue
        kept.append(message)
        texts.append(text)
    return Written(kept, texts, refused)


def exact(message: Message, parsed: toolfmt.Parsed) -> bool:
    """Whether all calls and the text came back, types included."""
    wanted, got = message.calls, parsed.calls
    return (
        len(wanted) == len(got)
        and len(parsed.parts) == len(message.parts)
        and message.text == parsed.text
        and all(a.name == b.name and same(a.arguments, b.arguments) for a, b in zip(wanted, got, strict=True))
    )
