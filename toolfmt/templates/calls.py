"""How a format writes calls, said in Jinja.

The marks are not copied from the classes: a format writes calls whose values are known, and what stands round the values is what the template
writes round them.  Only how a value is spelled is said here once more, for each family; `toolfmt.templates.chat` proves the outcome.
"""

import re

from toolfmt.errors import UnrepresentableError
from toolfmt.families.braces import Braces
from toolfmt.families.json_body import JsonBody
from toolfmt.families.raw_tags import RawTags
from toolfmt.families.tags import Tags
from toolfmt.families.tree_tags import TreeTags
from toolfmt.families.typed_tags import TypedTags
from toolfmt.format import Format
from toolfmt.ir import ToolCall
from toolfmt.templates.macros import literal, literals
from toolfmt.values import dumps

__all__ = ["CALL", "NAME", "calls_macro", "cannot", "joint_of", "split", "word_check"]

NAME, KEY, _KEY_2 = "toolfmt_name", "toolfmt_key", "toolfmt_other"
VALUE, _VALUE_2 = "toolfmt value", "toolfmt other value"
CALL = ToolCall(name=NAME, arguments={KEY: VALUE})
_ASCII = [chr(code) for code in range(32, 127)]
_CONTROLS = "\n\t\x00"
_LETTERS = "é漢→\u00a0\u2028🙂"


def cannot(fmt: Format, reason: str) -> UnrepresentableError:
    return UnrepresentableError("format", f"no chat template of {fmt.name}: {reason}")


def split(fmt: Format, text: str, *values: str) -> list[str]:
    """What stands before, between and after values that stand in this order, each once."""
    pieces = []
    for value in values:
        before, found, text = text.partition(value)
        if not found:
            raise cannot(fmt, f"it writes no `{value}` where one belongs")
        pieces.append(before)
    return [*pieces, text]


def word_check(pattern: str, word: str, where: str) -> str:
    """The Jinja that refuses names outside of ``pattern``, by their characters; nothing where every name is allowed."""
    fits = re.compile(pattern).fullmatch
    if all(fits(char) and fits(f"a{char}a") for char in [*_ASCII, *_LETTERS, *_CONTROLS]):
        return ""
    rest = [char for char in [*_ASCII, *_CONTROLS] if fits(f"a{char}a") and fits(f"a{char}")]
    first = [char for char in rest if fits(f"{char}a") and fits(char)]
    others = all(fits(char) and fits(f"a{char}") for char in _LETTERS)
    allowed = (
        f"{literal(''.join(first))}, {literal(''.join(rest))}, {str(others).lower()}, {str(bool(fits(''))).lower()}"
    )
    return f"{{{{- check_word({word}, {allowed}, {where}) -}}}}"


# -- calls

_HEAD = """
{%- macro write_calls(calls, where) -%}
    MANY
    {{- PRE -}}
    {%- for call in calls -%}
        {%- set path = where ~ '[' ~ loop.index0 ~ ']' -%}
        {%- if call is not mapping or (call['type'] or 'function') != 'function' -%}
            {{- raise_exception(path ~ ': expected a call of a function') -}}
        {%- endif -%}
        {%- set function = call['function'] if 'function' in call else call -%}
        {%- set name = function['name'] -%}
        {%- if name is not string or not name -%}{{- raise_exception(path ~ ': the call has no name') -}}{%- endif -%}
        NAMES
        {%- set read = namespace(value=function['arguments'], error='') -%}
        {%- if read.value is string -%}{{- decode(function['arguments'], read) -}}{%- endif -%}
        {%- if read.error or read.value is not mapping -%}
            {{- raise_exception(path ~ '.arguments: expected a JSON object' ~ (', but ' ~ read.error if read.error else '')) -}}
        {%- endif -%}
        {%- set arguments = read.value -%}
        BODY
    {%- endfor -%}
    {{- POST -}}
{%- endmacro -%}
"""


def calls_macro(fmt: Format) -> str:
    """``write_calls(calls, where)``, and what it needs."""
    if fmt.limits.ids:
        raise cannot(fmt, "it writes the ids of calls, whose spelling Jinja cannot check")
    if isinstance(fmt, JsonBody):
        helpers, pre, body, post = "", *_json_body(fmt)
    elif isinstance(fmt, RawTags | TypedTags) and not isinstance(fmt, TreeTags):
        helpers, pre, body, post = "", *_tags_body(fmt)
    elif isinstance(fmt, Braces):
        helpers, pre, body, post = _braces_values(fmt), *_braces_body(fmt)
    else:
        raise cannot(fmt, "its family has none")
    many = ""
    if not fmt.limits.many_calls:
        refused = f"{{{{- raise_exception(where ~ ': {fmt.name} writes one call a message') -}}}}"
        many = f"{{%- if calls|length > 1 -%}}{refused}{{%- endif -%}}"
    names = word_check(fmt.limits.names, "name", "path ~ '.name'")
    filled = {"MANY": many, "PRE": literal(pre), "NAMES": names, "BODY": body, "POST": literal(post)}
    return helpers + re.sub("MANY|PRE|NAMES|BODY|POST", lambda found: filled[found[0]], _HEAD)


def _joints(fmt: Format, call: ToolCall, head: str, tail: str) -> tuple[str, str, str]:
    """What stands before a call's ``head``, after its ``tail``, and between the tail of one and the head of the next."""
    one = fmt.write_calls([call])
    before, _, rest = one.partition(head)
    _, found, after = rest.rpartition(tail) if tail else ("", "x", rest)
    if not found:
        raise cannot(fmt, "its arguments do not stand as they are spelled")
    if not fmt.limits.many_calls:
        return before, after, ""
    body = one[len(before) : len(one) - len(after)]
    three = split(fmt, fmt.write_calls([call] * 3), body, body, body)
    if three[1] != three[2]:
        raise cannot(fmt, "it numbers its calls")
    if (three[0], three[3]) != (before, after):
        raise cannot(fmt, "several calls stand between other marks than one")
    return before, after, three[1]


def joint_of(joint: str) -> str:
    return f"{{%- if not loop.last -%}}{{{{- {literal(joint)} -}}}}{{%- endif -%}}" if joint else ""


def _json_body(fmt: JsonBody) -> tuple[str, str, str]:
    arguments = dumps(CALL.arguments)
    one = fmt.write_calls([CALL])
    quoted = dumps(NAME) in one
    name = dumps(NAME) if quoted else NAME
    pre, post, joint = _joints(fmt, CALL, name, arguments)
    middle = split(fmt, one, name, arguments)[1]
    written = "json(name)" if quoted else "name"
    return pre, f"{{{{- {written} ~ {literal(middle)} ~ json(arguments) -}}}}{joint_of(joint)}", post


def _tags_body(fmt: RawTags | TypedTags) -> tuple[str, str, str]:
    """An argument is a key, what stands between it and its value, the value; then comes the next key or the end of the call."""
    full = ToolCall(name=NAME, arguments={KEY: VALUE, _KEY_2: _VALUE_2})
    _, opened, _, between, _ = split(fmt, fmt.write_calls([full]), NAME, KEY, VALUE, _KEY_2)
    pre, post, joint = _joints(fmt, CALL, NAME, VALUE)
    empty = ToolCall(name=NAME, arguments={})
    _, empty_post, empty_joint = _joints(fmt, empty, NAME, "")
    checks = word_check(fmt.limits.keys, "key", "path ~ '.arguments.' ~ key")
    never = literals(fmt.limits.never)
    lines = [
        "{{- " + _escaped(fmt, "name") + " -}}",
        "{%- for key, value in arguments.items() -%}",
        checks,
        "{{- " + f"({literal(opened)} if loop.first else {literal(between)})" + " ~ " + _escaped(fmt, "key") + " -}}",
        *_tag_value(fmt, never),
        "{%- endfor -%}",
        f"{{%- if loop.last -%}}{{{{- '' if arguments else {literal(empty_post)} -}}}}",
        f"{{%- else -%}}{{{{- {literal(joint)} if arguments else {literal(empty_joint)} -}}}}{{%- endif -%}}",
        f"{{%- if loop.last and arguments -%}}{{{{- {literal(post)} -}}}}{{%- endif -%}}",
    ]
    return pre, "".join(lines), ""


def _escaped(fmt: Tags, word: str) -> str:
    return f"{word}|replace('&', '&amp;')|replace('\"', '&quot;')" if fmt.escaped else word


def _opening(fmt: Tags, value: object) -> tuple[str, str]:
    """What stands between a key and a value, and the value's text."""
    call = ToolCall(name=NAME, arguments={KEY: value})
    text = fmt.spell_value(value)[1]
    _, after = split(fmt, fmt.write_calls([call]), KEY)
    return split(fmt, after, text)[0], text


def _tag_value(fmt: RawTags | TypedTags, never: str) -> list[str]:
    string = literal(_opening(fmt, VALUE)[0])
    where = "path ~ '.arguments.' ~ key"
    lines = ["{%- if value is string -%}"]
    lines.append(f"{{{{- check('\\n' ~ value ~ '\\n', {never}, {where}) -}}}}" if fmt.limits.never else "")
    if fmt.quotes:
        risky = literals(char for char in [*_ASCII, *_CONTROLS] if fmt.risky.search(char))
        opens, closes = map(literal, fmt.quotes)
        lines.append(f"{{%- set quoted = namespace(yes=false) -%}}{{%- for char in {risky} if char in value -%}}")
        lines.append("{%- set quoted.yes = true -%}{%- endfor -%}")
        lines.append(f"{{%- if quoted.yes -%}}{{%- set value = {opens} ~ value ~ {closes} -%}}{{%- endif -%}}")
    lines.append(f"{{{{- {string} ~ value -}}}}")
    for test, value in (("none", None), ("true", True), ("false", False)):
        opening, text = _opening(fmt, value)
        lines.append(f"{{%- elif value is {test} -%}}{{{{- {literal(opening + text)} -}}}}")
    for test, sample in (("value is mapping", {"a": 1}), ("value is number", 12345), ("true", [1])):
        opening, text = _opening(fmt, sample)
        spelled = _container(fmt) if test != "value is number" else ("json(value)", "")
        lines.append(f"{{%- elif {test} -%}}{spelled[1]}{{{{- {literal(opening)} ~ {spelled[0]} -}}}}")
    return [*lines, "{%- endif -%}"]


def _container(fmt: RawTags | TypedTags) -> tuple[str, str]:
    """How an object or array is spelled, and the Jinja before that."""
    python = isinstance(fmt, RawTags) and fmt.writes_python
    text = "check_numbers(value) ~ '%r' % value" if python else "json(value)"
    if not fmt.not_in_containers:
        return text, ""
    hides = " or ".join(f"{literal(mark)} in text" for mark in fmt.not_in_containers)
    escape = literal(fmt.hide("<"))
    return f"(text|replace('<', {escape}) if {hides} else text)", f"{{%- set text = {text} -%}}"


_BRACES = """
{%- macro braces(value, where) -%}
    {%- if value is string -%}
        {%- if MARK in value -%}{{- check(value, [MARK], where) -}}{%- endif -%}
        {{- MARK ~ value ~ MARK -}}
    {%- elif value is mapping -%}
        {{- '{' -}}
        {%- for key, item in value.items() -%}
            KEYS
            {{- (',' if not loop.first else '') ~ key ~ ':' ~ braces(item, where ~ '.' ~ key) -}}
        {%- endfor -%}
        {{- '}' -}}
    {%- elif value is none -%}
        {{- NULL -}}
    {%- elif value is float -%}
        {%- set text = json(value) -%}
        {%- if 'e' in text and '.' in text -%}
            {%- set whole, power = text.split('e') -%}
            {%- set digits = whole.split('.') -%}
            {%- set text = digits|join ~ 'e' ~ (power|int - digits[1]|length) -%}
        {%- endif -%}
        {{- text -}}
    {%- elif value is boolean or value is number -%}
        {{- json(value) -}}
    {%- else -%}
        {{- '[' -}}
        {%- for item in value -%}
            {{- (',' if not loop.first else '') ~ braces(item, where ~ '[' ~ loop.index0 ~ ']') -}}
        {%- endfor -%}
        {{- ']' -}}
    {%- endif -%}
{%- endmacro -%}

{#- A schema, its types in capitals. -#}
{%- macro declared(value, where) -%}
    {%- if value is mapping -%}
        {{- '{' -}}
        {%- for key, item in value.items() -%}
            KEYS
            {{- (',' if not loop.first else '') ~ key ~ ':' -}}
            {%- if key == 'type' and item is string -%}
                {{- braces(item|upper, where) -}}
            {%- elif key == 'type' and item is iterable and item is not mapping -%}
                {{- '[' -}}
                {%- for kind in item -%}
                    {{- (',' if not loop.first else '') ~ braces(kind|upper if kind is string else kind, where) -}}
                {%- endfor -%}
                {{- ']' -}}
            {%- elif key == 'properties' and item is mapping -%}
                {{- '{' -}}
                {%- for key, part in item.items() -%}
                    KEYS
                    {{- (',' if not loop.first else '') ~ key ~ ':' ~ declared(part, where) -}}
                {%- endfor -%}
                {{- '}' -}}
            {%- elif key in ('enum', 'const', 'default', 'examples') -%}
                {{- braces(item, where) -}}
            {%- else -%}
                {{- declared(item, where) -}}
            {%- endif -%}
        {%- endfor -%}
        {{- '}' -}}
    {%- elif value is iterable and value is not string -%}
        {{- '[' -}}
        {%- for item in value -%}{{- (',' if not loop.first else '') ~ declared(item, where) -}}{%- endfor -%}
        {{- ']' -}}
    {%- else -%}
        {{- braces(value, where) -}}
    {%- endif -%}
{%- endmacro -%}
"""


def _braces_values(fmt: Braces) -> str:
    keys = word_check(fmt.limits.keys, "key", "where ~ '.' ~ key")
    filled = {"MARK": literal(fmt.string_marks[0]), "KEYS": keys, "NULL": literal(fmt.null)}
    return re.sub("MARK|KEYS|NULL", lambda found: filled[found[0]], _BRACES)


def _braces_body(fmt: Braces) -> tuple[str, str, str]:
    arguments = fmt.write_value(CALL.arguments, "$")
    pre, post, joint = _joints(fmt, CALL, NAME, arguments)
    return pre, f"{{{{- name ~ braces(arguments, path ~ '.arguments') -}}}}{joint_of(joint)}", post
