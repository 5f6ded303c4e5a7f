"""`grammar_for`: the tools' schemas, the format's rule of a call, and an engine's printer, put together."""

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache, partial
from typing import Final

from toolfmt.errors import GrammarError, UnrepresentableError
from toolfmt.format import Format
from toolfmt.grammar import gbnf, llguidance, structural_tag, xgrammar
from toolfmt.grammar.automaton import TooManyStates
from toolfmt.grammar.ebnf import TooLong
from toolfmt.grammar.nodes import ANYTHING_GOES, Goal, Object
from toolfmt.grammar.productive import Productive
from toolfmt.grammar.raw_values import RawValues
from toolfmt.grammar.result import Grammar, Limit
from toolfmt.grammar.schema import SchemaReader
from toolfmt.grammar.spelling import Options, Speller
from toolfmt.ir import Tool
from toolfmt.registry import get_format
from toolfmt.rule import ANYTHING, EMPTY, Alt, Arguments, Chars, Lexeme, Lit, Raw, Ref, Rule, Seq, alt, seq
from toolfmt.tools import read_tools

__all__ = ["grammar_for"]

_CHOICES: Final = {
    "engine": ("xgrammar", "llguidance", "gbnf", "structural_tag"),
    "strictness": ("names", "shape", "schema"),
    "calls": ("one", "many", "auto"),
    "order": ("schema", "any"),
    "whitespace": ("canonical", "flexible"),
    "on_unsupported": ("error", "relax"),
}


def grammar_for(
    tools: object,
    format: str | Format = "hermes",
    *,
    engine: str = "xgrammar",
    strictness: str = "schema",
    calls: str = "one",
    tool: str | None = None,
    order: str = "schema",
    whitespace: str = "canonical",
    special_tokens: Mapping[str, int] | None = None,
    engine_version: str | None = None,
    on_unsupported: str = "error",
) -> Grammar:
    """A grammar under which a model can write calls of ``tools`` in ``format``, and nothing else.

    * ``engine``: ``xgrammar`` (EBNF; vLLM, SGLang, transformers), ``llguidance`` (its Lark; vLLM's guidance), ``gbnf`` (llama.cpp),
      ``structural_tag`` (xgrammar's JSON).  ``engine_version`` is that of xgrammar, whose dialect changed at 0.1.34 and 0.2.6; without it that of the
      installed one counts, and where none is installed the text is one that every version reads.
    * ``strictness``: ``schema`` holds the arguments to the tools' schemas, ``shape`` to any well-formed arguments, ``names`` only the tools' names.
    * ``calls``: ``one``, ``many`` (one or more), ``auto`` (prose with any number of calls).  ``tool`` forces one tool.
    * ``order``: properties in the ``schema``'s order, or in ``any`` (objects of up to ten properties).
    * ``whitespace``: as the format writes it, or ``flexible``: up to eight blanks between the tokens of containers.
    * ``special_tokens``: ids of the format's marks that are special tokens of the model, ``{"<tool_call>": 151657}``; llguidance needs them, for the
      others a mark is a text that both spellings match.
    * ``on_unsupported``: a keyword that cannot be enforced is refused with `GrammarError`, or (``relax``) left out and listed in ``Grammar.relaxed``.

    Raises `GrammarError` for a schema that allows nothing, `ToolSpecError` for a bad definition, `UnrepresentableError` for a name or a required key
    that the format cannot write, ValueError for an unknown choice.  No engine is imported.
    """
    for option, value in (
        ("engine", engine), ("strictness", strictness), ("calls", calls), ("order", order),
        ("whitespace", whitespace), ("on_unsupported", on_unsupported),
    ):  # fmt: skip
        if value not in _CHOICES[option]:
            raise ValueError(f"{option} must be one of {', '.join(_CHOICES[option])}; got `{value}`")
    fmt = get_format(format) if isinstance(format, str) else format
    if calls == "many" and not fmt.limits.many_calls:
        raise UnrepresentableError("calls", f'{fmt.name} writes one call a message; ask for calls="one"')
    version = _version(engine_version) if engine in ("xgrammar", "structural_tag") else None
    native = engine == "llguidance"
    exact = None if engine in ("llguidance", "gbnf") else xgrammar.exact(version)
    options = Options(order == "any", whitespace == "flexible", native, partial(_fits, engine, version), exact)
    emitter = _Emitter(fmt, strictness, options, relax=on_unsupported == "relax")
    chosen = _chosen(tools, tool)
    try:
        rules = emitter.rules(chosen, calls)
    except RecursionError:
        raise GrammarError("tools", "a schema is nested too deep, or counts too far, for a grammar") from None
    special = dict(special_tokens or {})
    writers = {
        "xgrammar": lambda marks: xgrammar.write(rules, version=version, special=marks),
        "llguidance": lambda marks: llguidance.write(rules, special=marks),
        "gbnf": lambda marks: gbnf.write(rules, special=marks),
        "structural_tag": lambda marks: _structural(rules, version, marks),
    }
    try:
        plain = writers[engine]({})
        text = writers[engine](special) if special else plain
    except (ValueError, TooLong, TooManyStates) as error:
        raise GrammarError("tools", f"{engine} cannot hold this grammar: {error}") from error
    return Grammar(
        text=text,
        engine=engine,
        format=fmt.name,
        strictness=strictness,
        calls=calls,
        tools=tuple(item.name for _, item in chosen),
        relaxed=tuple(dict.fromkeys(emitter.relaxed)),
        narrowed=tuple(dict.fromkeys(emitter.narrowed)),
        special_tokens=special,
        plain_text=plain,
    )


@lru_cache(4096)
def _fits(engine: str, version: tuple[int, ...] | None, rule: Rule) -> bool:
    """Whether an engine's printer can write a rule."""
    try:
        if engine == "llguidance":
            return True
        if engine == "gbnf":
            gbnf.write({"root": rule})
        else:
            xgrammar.write({"root": rule}, version=version)
    except (TooLong, TooManyStates):
        return False
    except ValueError:  # it allows nothing at all, which is found where all rules are seen
        return True
    return True


def _structural(rules: dict[str, Rule], version: tuple[int, ...] | None, special: Mapping[str, int]) -> str:
    """Prose with calls as a tag that its mark triggers, anything else as one grammar."""
    root = rules["root"]
    if not isinstance(root, Raw) or len(root.then) != 2:
        return structural_tag.write(rules, version=version, special=special)
    (mark, rest), _ = root.then
    again = isinstance(rest, Seq) and rest.items[-1] == Ref("root")
    block = seq(*rest.items[:-1]) if again and isinstance(rest, Seq) else rest
    named = {"block": block, **rules}
    first = min((stop for stop in root.stops if mark.startswith(stop)), key=len)
    stops = (first, *(stop for stop in root.stops if not mark.startswith(stop)))
    return structural_tag.write_triggered(named, "block", mark, stops, repeat=again, version=version, special=special)


@cache
def _version(given: str | None) -> tuple[int, ...] | None:
    """The version of xgrammar to write for: as given, else the installed one; None where there is none."""
    if given is None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            given = version("xgrammar")
        except PackageNotFoundError:
            return None
    found = re.match(r"\d+(?:\.\d+)*", given)
    if found is None:
        raise ValueError(f"engine_version must be a version such as 0.2.8; got `{given}`")
    return tuple(map(int, found[0].split(".")))


def _chosen(tools: object, name: str | None) -> list[tuple[int, Tool]]:
    """The tools that may be called, and where each stands in the list."""
    toolset = read_tools(tools)
    if not toolset:
        raise GrammarError("tools", "there are none; a grammar of calls needs at least one")
    chosen = [(i, tool) for i, tool in enumerate(toolset) if name is None or tool.name == name]
    if not chosen:
        raise GrammarError(
            "tool", f"no tool has this name; there is {', '.join(tool.name for tool in toolset[:5])}: `{name}`"
        )
    return chosen


class _Emitter:
    def __init__(self, fmt: Format, strictness: str, options: Options, *, relax: bool) -> None:
        self.fmt, self.strictness, self.relax = fmt, strictness, relax
        self.all: dict[str, Rule] = {}
        self.speller = Speller(self.all, options)
        self.relaxed: list[Limit] = []
        self.narrowed: list[Limit] = []

    def rules(self, tools: list[tuple[int, Tool]], calls: str) -> dict[str, Rule]:
        """The named rules, of which ``root`` is the entry."""
        written = [self._call(i, tool) for i, tool in tools]
        left = Productive(self.all)
        for (i, tool), call in zip(tools, written, strict=True):
            if not left.allows(call):
                said = [limit.reason for limit in self.narrowed if limit.tool == tool.name]
                why = said[0] if said else "it contradicts itself"
                raise GrammarError(
                    f"tools[{i}].parameters", f"no arguments of `{tool.name}` keep to this schema: {why}"
                )
        if len(written) == 1 and calls == "one":
            call = written[0]
        else:
            head, self.all["call"] = _factored(written)
            call = seq(head, Ref("call"))
        if calls == "auto":
            self.all["root"] = self._prose(call)
        else:
            before, after = self.fmt.around_calls
            self.all["root"] = seq(before, self.fmt.calls_rule(call, calls == "many"), after)
        return _reached(Productive(self.all).rules())

    # -- one call

    def _call(self, index: int, tool: Tool) -> Rule:
        place = f"tools[{index}]"

        def unsupported(pointer: str, keyword: str, reason: str) -> None:
            if not self.relax:
                advice = 'on_unsupported="relax" leaves it out'
                raise GrammarError(f"{place}.parameters{_path(pointer)}", f"{reason}; {advice}: `{keyword}`")
            self.relaxed.append(Limit(tool.name, pointer, keyword, reason))

        self.speller.unsupported = unsupported
        self.speller.narrowed = lambda *what: self.narrowed.append(Limit(tool.name, *what))
        self.speller.prefix = f"t{index}"
        try:
            rule = self.fmt.call_rule(tool)
            parts = list(rule.items) if isinstance(rule, Seq) else [rule]
            at = next(i for i, part in enumerate(parts) if isinstance(part, Arguments))
            return seq(*parts[:at], self._arguments(tool, parts[at], parts[at + 1 :]))
        except UnrepresentableError as error:
            path = error.path.removeprefix("$")
            where = f".parameters{_path(path)}" if path.startswith("/") else path if path.startswith(".") else ""
            raise UnrepresentableError(f"{place}{where}", error.reason) from None
        except GrammarError as error:
            raise GrammarError(error.path or f"{place}.parameters", error.reason) from None

    def _arguments(self, tool: Tool, arguments: Rule, tail: list[Rule]) -> Rule:
        """The arguments, and what stands after them in the call."""
        assert isinstance(arguments, Arguments)
        dialect = arguments.dialect
        if self.strictness == "names" and (free := self._free(dialect.members.closes, tail)):
            return free
        if self.strictness == "schema":
            goal = SchemaReader(tool, self.speller.unsupported).arguments()
        else:
            goal = Goal(Object(rest=((ANYTHING, ANYTHING_GOES),)))
        raw = RawValues(self.speller, tool, dialect) if dialect.strings.style == "raw" else None
        return seq(self.speller.arguments(goal, dialect, raw), *tail)

    def _free(self, closes: str, tail: list[Rule]) -> Rule | None:
        """Any text up to the mark that closes the call; None where the format has none."""
        text = closes + "".join(item.text for item in tail if isinstance(item, Lit))
        marks = [
            text[at:]
            for mark in (closes, *self.fmt.closes, *self.fmt.end_of_turn)
            if len(mark) > 1 and (at := text.find(mark)) >= 0
        ]
        if not marks:
            return None
        end = max(marks, key=len)
        return Raw((end,), ((end, EMPTY),))

    # -- prose

    def _prose(self, call: Rule) -> Rule:
        """Text with calls: what opens a call in it opens a whole one."""
        fmt = self.fmt
        if fmt.only_at_start:
            firsts = "".join({mark[0] for mark in fmt.opens}) + " \t\r\n"
            return alt(fmt.calls_rule(call, fmt.limits.many_calls), EMPTY, Lexeme(seq(~Chars.of(firsts), ANYTHING)))
        mark = fmt.call_mark or fmt.opens[0]
        again = fmt.limits.text_after
        run = fmt.calls_rule(call, fmt.limits.many_calls and (fmt.one_block or not again))
        _, after = fmt.around_calls
        rest, overlap = _after(run, mark)
        stops = tuple(dict.fromkeys((mark, *(fmt.not_in_prose or (text for text in fmt.opens if mark not in text)))))
        more = seq(rest, Ref("root")) if again else seq(rest, after)
        prose = Raw(stops, ((mark, more), ("", EMPTY)))
        return prose if overlap == len(mark) else alt(seq(run, after), prose)


def _path(pointer: str) -> str:
    """A JSON pointer as the paths of messages are written."""
    return pointer.replace("/", ".")


def _factored(calls: list[Rule]) -> tuple[Rule, Rule]:
    """What all calls begin with, and the calls without it."""
    heads = [_head(call) for call in calls]
    least, most = min(heads), max(heads)
    common = most[
        : next((i for i, (a, b) in enumerate(zip(least, most, strict=False)) if a != b), min(len(least), len(most)))
    ]
    return Lit(common), alt(*(_without(call, len(common)) for call in calls))


def _head(rule: Rule) -> str:
    """The text that a rule begins with, as far as it is one text."""
    first = rule.items[0] if isinstance(rule, Seq) else rule
    return first.text if isinstance(first, Lit) else ""


def _without(rule: Rule, size: int) -> Rule:
    """A rule without the first ``size`` characters of its head."""
    if not size:
        return rule
    first, *rest = rule.items if isinstance(rule, Seq) else (rule,)
    assert isinstance(first, Lit)
    return seq(first.text[size:], *rest)


def _after(rule: Rule, mark: str) -> tuple[Rule, int]:
    """What is left of a rule after ``mark``, and how much of the mark the rule itself begins with."""
    head = _head(rule)
    size = next(size for size in range(min(len(mark), len(head)), -1, -1) if mark.endswith(head[:size]))
    return _without(rule, size), size


def _references(rule: Rule) -> Iterator[str]:
    pending = [rule]
    while pending:
        item = pending.pop()
        if isinstance(item, Ref):
            yield item.name
        elif isinstance(item, Raw):
            pending += [following for _, following in item.then]
        elif isinstance(item, Seq | Alt):
            pending += item.items
        elif item_of := getattr(item, "item", None):
            pending.append(item_of)


def _reached(rules: dict[str, Rule]) -> dict[str, Rule]:
    """The rules that the root leads to, in the order of their first use."""
    found: dict[str, Rule] = {}
    pending = ["root"]
    while pending:
        name = pending.pop(0)
        if name not in found:
            found[name] = rules[name]
            pending += _references(rules[name])
    return found
