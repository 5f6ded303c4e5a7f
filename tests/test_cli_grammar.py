"""`toolfmt grammar`: what it prints, what `--check` says, and one line for whatever goes wrong."""

import json
from pathlib import Path

import pytest
from cli_runner import CALL, TOOLS, run, run_json, write_files

import toolfmt

PARIS = {**CALL, "arguments": {"city": "Paris", "days": 3}}
NOW = {"name": "now", "parameters": {"type": "object", "properties": {}}}
UNIQUE = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}


def as_tools(schema: object, *required: str) -> str:
    """A tool whose argument `x` has this schema."""
    return json.dumps(
        [{"name": "f", "parameters": {"type": "object", "properties": {"x": schema}, "required": required}}]
    )


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder to work in, with tools."""
    monkeypatch.chdir(tmp_path)
    write_files()
    Path("two.json").write_text(json.dumps([*TOOLS, NOW]), encoding="utf-8")
    Path("unique.json").write_text(as_tools(UNIQUE), encoding="utf-8")
    Path("none.json").write_text("[]", encoding="utf-8")


def written(*calls: object) -> str:
    """The calls in hermes."""
    return toolfmt.render([toolfmt.ToolCall.model_validate(call) for call in calls], "hermes", tools=[*TOOLS, NOW])


# What is printed


@pytest.mark.parametrize(
    ("engine", "begins"),
    [
        ("xgrammar", "root ::= "),
        ("llguidance", "%llguidance {}\nstart: "),
        ("gbnf", "root ::= "),
        ("structural_tag", '{"type": "structural_tag"'),
    ],
)
def test_each_engine(engine: str, begins: str) -> None:
    said = run("grammar", "tools.json", "-f", "functiongemma", "--engine", engine)
    made = toolfmt.grammar_for(TOOLS, "functiongemma", engine=engine)
    assert said.stdout == made.text.rstrip("\n") + "\n"
    assert said.stdout.startswith(begins) and said.stderr == ""


def test_the_tools_come_from_standard_input_too() -> None:
    wrapped = json.dumps({"tools": TOOLS})
    assert run("grammar", "-", stdin=wrapped).stdout == run("grammar", "tools.json").stdout


def test_json() -> None:
    said = run_json("grammar", "two.json", "--calls", "many", "--strictness", "shape", "--tool", "now")
    assert said.pop("text") == toolfmt.grammar_for([*TOOLS, NOW], calls="many", strictness="shape", tool="now").text
    assert said == {
        "engine": "xgrammar", "format": "hermes", "strictness": "shape", "calls": "many", "tools": ["now"],
        "special_tokens": {}, "relaxed": [], "narrowed": [],
    }  # fmt: skip


def test_explained() -> None:
    said = run("grammar", "two.json", "--calls", "auto", "--explain").stdout
    assert said.splitlines()[0] == "hermes for xgrammar: prose with any number of calls of 2 tools"
    assert "enforced: arguments keep to the tools' schemas" in said and "root ::=" not in said


def test_options_reach_the_grammar() -> None:
    words = ("--order", "any", "--whitespace", "flexible", "--engine-version", "0.1.25")
    options = {"order": "any", "whitespace": "flexible", "engine_version": "0.1.25"}
    assert run("grammar", "tools.json", *words).stdout == toolfmt.grammar_for(TOOLS, **options).text  # type: ignore[arg-type]


def test_special_tokens() -> None:
    said = run(
        "grammar",
        "tools.json",
        "--engine",
        "llguidance",
        "--special-token",
        "<tool_call>=11",
        "--special-token",
        "</tool_call>=12",
    )
    assert "<[11]>" in said.stdout and "<[12]>" in said.stdout
    assert "<[7]>" in run("grammar", "tools.json", "--engine", "llguidance", "--special-token", "<tool_call>=7").stdout


@pytest.mark.parametrize("given", ("<tool_call>", "<tool_call>=", "=5", "<tool_call>=x", "<tool_call>=-1"))
def test_a_special_token_that_is_none(given: str) -> None:
    said = run("grammar", "tools.json", "--special-token", given, code=2).stderr
    assert said == f"error: a special token is given as TEXT=ID, such as `<tool_call>=151657`; got `{given}`\n"


# Checking


@pytest.mark.parametrize("engine", ("xgrammar", "llguidance", "gbnf", "structural_tag"))
def test_check(engine: str) -> None:
    pytest.importorskip("llguidance" if engine == "llguidance" else "xgrammar")
    words = ("grammar", "two.json", "--engine", engine, "--check")
    good = written(PARIS)
    assert run(*words, good).stdout == "allowed\n"
    said = run(*words, good.replace("3", "true"), code=1).stdout.splitlines()
    column = good.splitlines()[1].index("3") + 1
    assert said[0] == f"not allowed: line 2, column {column}: `t` may not stand here"
    assert said[1][len(said[2]) - 1] == "t" and said[2].strip() == "^"
    assert "it ends too early" in run(*words, good[:-3], code=1).stdout


def test_check_reads_standard_input() -> None:
    pytest.importorskip("xgrammar")
    good = written(PARIS)
    assert run("grammar", "tools.json", "--check", "-", stdin=good).stdout == "allowed\n"
    said = run("grammar", "tools.json", "--check", "-", stdin=good + "\n", code=1).stdout
    assert said.startswith("not allowed: line 3, column 13: ")


def test_standard_input_is_read_once() -> None:
    said = run("grammar", "-", "--check", "-", stdin=json.dumps(TOOLS), code=2).stderr
    assert "standard input holds the tools already" in said


def test_check_in_json() -> None:
    pytest.importorskip("xgrammar")
    good = written(PARIS)
    words = ("grammar", "tools.json", "--check")
    assert run_json(*words, good) == {"allowed": True, "characters": len(good)}
    assert run_json(*words, good.replace("Paris", '"'), code=1) == {
        "allowed": False,
        "characters": good.index("Paris") + 1,
    }


def test_which_calls() -> None:
    pytest.importorskip("xgrammar")
    both, one = written(PARIS, {"name": "now", "arguments": {}}), written(PARIS)

    def code(text: str, *words: str, code: int) -> None:
        run("grammar", "two.json", *words, "--check", text, code=code)

    code(one, "--tool", "get_weather", code=0)
    code(one, "--tool", "now", code=1)
    code(both, code=1)
    code(both, "--calls", "many", code=0)
    code("Let me see.\n" + both, "--calls", "many", code=1)
    code("Let me see.\n" + both, "--calls", "auto", code=0)
    code("No call.", "--calls", "auto", code=0)


@pytest.mark.parametrize("engine", ("xgrammar", "llguidance"))
def test_check_without_the_engine_says_what_to_install(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import toolfmt.grammar.engines as engines

    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(engines, "import_module", absent)
    engines._start.cache_clear()
    said = run("grammar", "tools.json", "--engine", engine, "--check", "x", code=2)
    assert said.stderr == f'error: the engine {engine} is not installed: pip install "toolfmt[grammar]"\n'
    assert run("grammar", "tools.json", "--engine", engine).stdout


# What goes wrong


def test_what_cannot_be_enforced_is_refused_or_relaxed() -> None:
    said = run("grammar", "unique.json", code=2)
    assert said.stdout == "" and said.stderr.count("\n") == 1
    assert said.stderr.startswith("error: tools[0].parameters.properties.x: a grammar tells values apart only")
    assert said.stderr.endswith("; --relax leaves it out: `uniqueItems`\n")
    said = run("grammar", "unique.json", "--relax")
    assert said.stdout.startswith("root ::= ")
    assert said.stderr.startswith("note: not enforced: f/properties/x: uniqueItems: ")
    assert "not enforced: f/properties/x: uniqueItems: " in run("grammar", "unique.json", "--relax", "--explain").stdout
    assert [limit["keyword"] for limit in run_json("grammar", "unique.json", "--relax")["relaxed"]] == ["uniqueItems"]


@pytest.mark.parametrize(
    ("words", "stdin", "said"),
    [
        (("missing.json",), "", "no such file; check the path: `missing.json`"),
        (("q.txt",), "", "q.txt: expected one JSON value: not JSON"),
        (("latin.txt",), "", "latin.txt: not UTF-8"),
        (("list.json",), "", "list.json: tools[0]: expected a tool definition"),
        (("none.json",), "", "tools: there are none; a grammar of calls needs at least one"),
        (("-",), "", "standard input: expected one JSON value"),
        (("tools.json", "-f", "hermis"), "", "unknown format `hermis`; did you mean `hermes`?"),
        (("tools.json", "--engine", "outlines"), "", "engine must be one of xgrammar, llguidance, gbnf, structural_tag; got `outlines`"),
        (("tools.json", "--calls", "two"), "", "calls must be one of one, many, auto; got `two`"),
        (("tools.json", "--strictness", "high"), "", "strictness must be one of names, shape, schema; got `high`"),
        (("tools.json", "--engine-version", "new"), "", "engine_version must be a version such as 0.2.8; got `new`"),
        (("tools.json", "--tool", "now"), "", "tool: no tool has this name; there is get_weather: `now`"),
        (("tools.json", "-f", "harmony", "--calls", "many"), "", "harmony writes one call a message"),
        (("-", "-f", "functiongemma"), '[{"name": "a b"}]', "tools[0].name: functiongemma cannot write the tool name `a b`"),
        (("-",), as_tools({"type": "string", "pattern": "(?=a)"}), "tools[0].parameters.properties.x: `(?=a)`: "),
        (("-",), as_tools({"type": "integer", "minimum": 2, "maximum": 1}, "x"), "no arguments of `f` keep to"),
    ],
)  # fmt: skip
def test_one_line_says_what_is_wrong(words: tuple[str, ...], stdin: str, said: str) -> None:
    result = run("grammar", *words, stdin=stdin, code=2)
    assert result.stdout == ""
    assert result.stderr.startswith("error: ") and said in result.stderr and result.stderr.count("\n") == 1
