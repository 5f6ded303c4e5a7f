"""The Jinja of chat templates that is the same in all of them: literals, JSON text, content and checks.

Written for the environment of transformers: a sandbox in which lists and objects cannot be changed, with `raise_exception` and a ``tojson`` that
keeps key order and every character.  A macro can return only text, so what is a value is put in a namespace.  Every tag strips the white space of
the template round it; no value is ever stripped.
"""

from collections.abc import Iterable

__all__ = ["CHECK", "DECODE", "JSON", "TEXT", "literal", "literals"]


def literal(text: str) -> str:
    """``text`` as a Jinja string."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def literals(texts: Iterable[str]) -> str:
    """A Jinja list of strings."""
    return f"[{', '.join(map(literal, texts))}]"


TEXT = r"""
{#- A message's content: text, or a list of text parts. -#}
{%- macro text_of(content, where) -%}
    {%- if content is string -%}
        {{- content -}}
    {%- elif content is mapping or (content and content is not iterable) -%}
        {{- raise_exception(where ~ ': expected text') -}}
    {%- elif content -%}
        {%- for part in content -%}
            {%- if part is not mapping or part['type'] != 'text' or part['text'] is not string -%}
                {{- raise_exception(where ~ ': expected text, and parts of type `text`') -}}
            {%- endif -%}
            {{- part['text'] -}}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro -%}
"""

CHECK = r"""
{#- Refuses text in which a mark stands that would be read as something else. -#}
{%- macro check(text, marks, where) -%}
    {%- for mark in marks if mark in text -%}
        {{- raise_exception(where ~ ': ' ~ format ~ ' cannot write text that holds `' ~ mark ~ '`') -}}
    {%- endfor -%}
{%- endmacro -%}

{#- Refuses a name with a character that the format has no place for. -#}
{%- macro check_word(word, first, rest, others, empty, where) -%}
    {%- if word is not string or not (word or empty) -%}
        {{- raise_exception(where ~ ': expected a name') -}}
    {%- endif -%}
    {%- for char in word -%}
        {%- if not (char in (first if loop.first else rest) or (others and char > '\x7f')) -%}
            {{- raise_exception(where ~ ': ' ~ format ~ ' cannot write the name `' ~ word ~ '`') -}}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro -%}
"""

JSON = r"""
{#- Refuses numbers that JSON does not have. -#}
{%- macro check_numbers(value) -%}
    {%- if value is mapping -%}
        {%- for item in value.values() -%}{{- check_numbers(item) -}}{%- endfor -%}
    {%- elif value is float -%}
        {%- if value - value != 0 -%}{{- raise_exception('JSON has no `' ~ value ~ '`') -}}{%- endif -%}
    {%- elif value is iterable and value is not string -%}
        {%- for item in value -%}{{- check_numbers(item) -}}{%- endfor -%}
    {%- endif -%}
{%- endmacro -%}

{%- macro json(value) -%}
    {%- set text = value|tojson -%}
    {%- if 'NaN' in text or 'Infinity' in text -%}{{- check_numbers(value) -}}{%- endif -%}
    {{- text -}}
{%- endmacro -%}
"""

DECODE = r"""
{#- Reads JSON text: `out.value` is what it says; `out.error`, if it says nothing.  `out` needs both. -#}
{%- macro decode(text, out) -%}
    {%- set p = namespace(state='value', kinds=[], held=[], keys=[], word='', inside=false, raw='', skip=false, high=0, text='') -%}
    {%- for piece in text.split('"') if not out.error -%}
        {%- if p.inside -%}
            {%- set p.raw = p.raw ~ piece -%}
            {%- if loop.last -%}
                {%- set out.error = 'a string has no end' -%}
            {%- elif (piece|length - piece.rstrip('\\')|length) % 2 -%}
                {%- set p.raw = p.raw ~ '"' -%}
            {%- else -%}
                {%- set p.inside = false -%}
                {{- decode_string(p, out) -}}
                {%- if p.state in ('key', 'first key') -%}
                    {%- set p.keys = p.keys[:-1] + [p.text] -%}
                    {%- set p.state = 'colon' -%}
                {%- else -%}
                    {{- decoded(p, out, p.text) -}}
                {%- endif -%}
            {%- endif -%}
        {%- else -%}
            {%- for char in (piece ~ ' ' if loop.last else piece) if not out.error -%}
                {%- if p.word and char in ' \t\n\r,]}' -%}
                    {{- decode_word(p, out) -}}
                {%- endif -%}
                {%- if out.error or char in ' \t\n\r' -%}
                {%- elif char in '{[' and p.state in ('value', 'first') and not p.word -%}
                    {%- set p.kinds = p.kinds + [char] -%}
                    {%- set p.held = p.held + [[]] -%}
                    {%- set p.keys = p.keys + [''] -%}
                    {%- set p.state = 'first key' if char == '{' else 'first' -%}
                {%- elif char == ':' and p.state == 'colon' -%}
                    {%- set p.state = 'value' -%}
                {%- elif char == ',' and p.state == 'after' and p.kinds -%}
                    {%- set p.state = 'key' if p.kinds[-1] == '{' else 'value' -%}
                {%- elif char == '}' and p.kinds and p.kinds[-1] == '{' and p.state in ('after', 'first key') -%}
                    {%- set value = dict(p.held[-1]) -%}
                    {%- if value|length != p.held[-1]|length -%}{%- set out.error = 'an object gives a key twice' -%}{%- endif -%}
                    {{- decoded_container(p, out, value) -}}
                {%- elif char == ']' and p.kinds and p.kinds[-1] == '[' and p.state in ('after', 'first') -%}
                    {{- decoded_container(p, out, p.held[-1]) -}}
                {%- elif p.state in ('value', 'first') and char not in ',:]}' -%}
                    {%- set p.word = p.word ~ char -%}
                {%- else -%}
                    {%- set out.error = 'unexpected `' ~ char ~ '`' -%}
                {%- endif -%}
            {%- endfor -%}
            {%- if not loop.last and not out.error -%}
                {%- if p.word or p.state not in ('value', 'first', 'key', 'first key') -%}
                    {%- set out.error = 'unexpected `"`' -%}
                {%- endif -%}
                {%- set p.inside = true -%}
                {%- set p.raw = '' -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if not out.error and (p.kinds or p.state != 'after') -%}{%- set out.error = 'it is cut off' -%}{%- endif -%}
{%- endmacro -%}

{%- macro decoded(p, out, value) -%}
    {%- set p.state = 'after' -%}
    {%- if not p.kinds -%}
        {%- set out.value = value -%}
    {%- elif p.kinds[-1] == '{' -%}
        {%- set p.held = p.held[:-1] + [p.held[-1] + [[p.keys[-1], value]]] -%}
    {%- else -%}
        {%- set p.held = p.held[:-1] + [p.held[-1] + [value]] -%}
    {%- endif -%}
{%- endmacro -%}

{%- macro decoded_container(p, out, value) -%}
    {%- set p.kinds = p.kinds[:-1] -%}
    {%- set p.held = p.held[:-1] -%}
    {%- set p.keys = p.keys[:-1] -%}
    {{- decoded(p, out, value) -}}
{%- endmacro -%}

{%- macro decode_word(p, out) -%}
    {%- set word = p.word -%}
    {%- set p.word = '' -%}
    {%- set digits = word[1:] if word[0] == '-' else word -%}
    {%- if word in ('true', 'false', 'null') -%}
        {{- decoded(p, out, {'true': true, 'false': false, 'null': none}[word]) -}}
    {%- elif digits and not digits.strip('0123456789') and (digits == '0' or digits[0] != '0') -%}
        {{- decoded(p, out, word|int) -}}
    {%- else -%}
        {%- set whole = digits.lower().split('e')[0].split('.') -%}
        {%- set number = word|float(none) -%}
        {%- if word.strip('0123456789.eE+-') or number is none or number - number != 0 or whole|length > 2
            or whole[0].strip('0123456789') or not whole[0] or not whole[-1] or (whole[0][0] == '0' and whole[0] != '0') -%}
            {%- set out.error = '`' ~ word ~ '` is no number' -%}
        {%- endif -%}
        {{- decoded(p, out, number) -}}
    {%- endif -%}
{%- endmacro -%}

{%- macro decode_string(p, out) -%}
    {%- set p.text = '' -%}
    {%- for char in p.raw if char < ' ' -%}{%- set out.error = 'a string holds a control character' -%}{%- endfor -%}
    {%- for part in p.raw.split('\\') if not out.error -%}
        {%- if loop.first or p.skip -%}
            {%- set p.text = p.text ~ part -%}
            {%- set p.skip = false -%}
        {%- elif not part -%}
            {%- set p.text = p.text ~ '\\' -%}
            {%- set p.skip = true -%}
        {%- elif part[0] in 'bfnrt"/' -%}
            {%- set p.text = p.text ~ {'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', '"': '"', '/': '/'}[part[0]] ~ part[1:] -%}
        {%- elif part[0] == 'u' and part[1:5]|length == 4 and not part[1:5].strip('0123456789abcdefABCDEF') -%}
            {%- set code = part[1:5]|int(0, 16) -%}
            {%- if p.high and 56320 <= code < 57344 -%}
                {%- set p.text = p.text ~ '%c' % (65536 + (p.high - 55296) * 1024 + code - 56320) ~ part[5:] -%}
                {%- set p.high = 0 -%}
            {%- elif 55296 <= code < 56320 and part|length == 5 and not loop.last and not p.high -%}
                {%- set p.high = code -%}
            {%- elif 55296 <= code < 57344 -%}
                {%- set out.error = 'a string holds half of a surrogate pair' -%}
            {%- else -%}
                {%- set p.text = p.text ~ '%c' % code ~ part[5:] -%}
            {%- endif -%}
        {%- else -%}
            {%- set out.error = 'a string holds an escape that JSON does not have' -%}
        {%- endif -%}
        {%- if p.high and (part[0] != 'u' or part[1:5]|int(0, 16) != p.high) -%}
            {%- set out.error = 'a string holds half of a surrogate pair' -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if p.high -%}{%- set out.error = 'a string holds half of a surrogate pair' -%}{%- endif -%}
{%- endmacro -%}
"""
