"""A format of one's own: `<acme>{"tool": "f", "args": {...}}</acme>`, read, streamed, written and proved."""

import toolfmt
from toolfmt.families.json_body import JsonBody

GRAMMAR = r"""
start: text? (_BEFORE_CALL? call _AFTER_CALL? text?)*
text: TEXT
call: _OPEN _LBRACE "\"tool\"" _COLON name _COMMA "\"args\"" _COLON arguments _RBRACE _CLOSE
name: STRING
arguments: object

TEXT: /(?:[^\n<]+|\n(?!<acme>)|<(?!acme>))+/
_BEFORE_CALL.2: /\n(?=<acme>)/
_AFTER_CALL.1: /\n/
_OPEN: /<acme>\s*/
_CLOSE: /\s*<\/acme>/
%import .json_value (object, STRING, _LBRACE, _RBRACE, _COMMA, _COLON)
"""


class Acme(JsonBody):
    name = "acme_json"
    grammar = GRAMMAR
    opens, closes = ("<acme>",), ("</acme>",)
    name_key, arguments_keys = "tool", ("args",)
    inside = ""


if __name__ == "__main__":
    toolfmt.register(Acme)
    call = toolfmt.ToolCall(name="get_weather", arguments={"city": "Paris", "days": 3})
    print(text := toolfmt.render(call, "acme_json"))
    print(toolfmt.parse(text, "acme_json", strict=True).calls[0])
    print(toolfmt.convert(text, to="hermes"))
