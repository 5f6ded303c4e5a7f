"""Strings as a format writes them: in quotes with escapes, between marks, or as they stand."""

from functools import cache

from toolfmt.rule import ANY, Alt, Both, Chars, Lexeme, Lit, Not, Repeat, Rule, Seq, alt, many, repeat, seq

__all__ = ["BARE", "JSON_QUOTES", "LOOSE_QUOTES", "PYTHON_JSON_QUOTES", "PYTHON_QUOTES", "Quotes", "encoded", "hiding"]

_HEX = Chars.of(("0", "9"), ("a", "f"), ("A", "F"))
_CONTROL = Chars(((0, 0x1F),))
_CONTROLS = tuple(map(chr, range(0x20)))
_SHORT = {"\b": "b", "\t": "t", "\n": "n", "\f": "f", "\r": "r"}


class Quotes:
    """Strings in quotes: ``quote``, what may stand between, and the one spelling of each character that patterns are checked in."""

    def __init__(
        self,
        quote: str,
        char: Rule,
        short: dict[str, str],
        control: str,
        counted: Rule | None = None,
        less: str = "",
    ) -> None:
        self.quote = quote
        self.char = char
        """A character in any spelling."""
        self.counted = counted or char
        """The same where characters are counted: what is one character on the wire is one in the value."""
        self.short, self.control = short, control
        self.less = less
        """How ``<`` is written where it must not stand as it is; as it is it may stand too."""
        self.bare = ~(Chars.of(quote, "\\") | _CONTROL)
        self.plain_char = self.once(ANY)
        """A character in its one spelling."""

    def once(self, chars: Chars) -> Rule:
        """A set of characters, each in its one spelling."""
        made: list[Rule] = [self.bare & chars] if (self.bare & chars).ranges else []
        return alt(*made, *(Lit(self.spelled(char)) for char in (self.quote, "\\", *_CONTROLS) if char in chars))

    def chars(self, chars: Chars) -> Rule:
        """A set of characters in any spelling that is written."""
        escaped = _ESCAPED if self.control == _PYTHON_CONTROL else ()
        held = [rule for some, rule in escaped if (some & chars) == some]
        return alt(self.once(chars), *([self.less] if self.less and "<" in chars else []), *held)

    def text(self, text: str) -> Rule:
        """The spellings of one text."""
        spelled = "".join(map(self.spelled, text))
        if not self.less or "<" not in text:
            return Lit(spelled)
        first, *rest = spelled.split("<")
        return seq(first, *(part for piece in rest for part in (alt("<", self.less), Lit(piece))))

    def spelled(self, char: str) -> str:
        if char in self.short:
            return f"\\{self.short[char]}"
        if char in (self.quote, "\\"):
            return f"\\{char}"
        return self.control.format(ord(char)) if ord(char) < 0x20 else char

    def string(self, content: Rule) -> Rule:
        return seq(self.quote, content, self.quote)


_PYTHON_CONTROL = "\\x{:02x}"
_HEX_LOW = Chars.of(("0", "9"), ("a", "f"))
_ESCAPED = (
    (Chars(((0x7F, 0xA0), (0xAD, 0xAD))), seq("\\x", alt("7f", seq(Chars.of("89"), _HEX_LOW), "a0", "ad"))),
    (
        Chars(((0x100, 0xD7FF), (0xE000, 0x10FFFF))),
        alt(
            seq("\\u0", Chars.of(("1", "9"), ("a", "f")), _HEX_LOW, _HEX_LOW),
            seq("\\u", Chars.of(("1", "9"), "abcef"), _HEX_LOW, _HEX_LOW, _HEX_LOW),
            seq("\\ud", Chars.of(("0", "7")), _HEX_LOW, _HEX_LOW),
            seq("\\U000", Chars.of(("1", "9"), ("a", "f")), Seq((_HEX_LOW,) * 4)),
            seq("\\U0010", Seq((_HEX_LOW,) * 4)),
        ),
    ),
)


def _json_char(short: str) -> Rule:
    plain = seq(Chars.of(("0", "9"), "abcefABCEF"), _HEX, _HEX, _HEX)
    paired = seq(
        Chars.of("dD"),
        Chars.of("89abAB"),
        _HEX,
        _HEX,
        "\\u",
        Chars.of("dD"),
        Chars.of(("c", "f"), ("C", "F")),
        _HEX,
        _HEX,
    )
    below = seq(Chars.of("dD"), Chars.of(("0", "7")), _HEX, _HEX)
    escape = alt(Chars.of(short), seq("u", alt(plain, below, paired)))
    return alt(~(Chars.of('"\\') | _CONTROL), seq("\\", escape))


def _python_char(quote: str) -> Rule:
    plain = seq(Chars.of(("0", "9"), "abcefABCEF"), _HEX, _HEX, _HEX)
    below = seq(Chars.of("dD"), Chars.of(("0", "7")), _HEX, _HEX)
    four, nonzero = Seq((_HEX,) * 4), Chars.of(("1", "9"), ("a", "f"), ("A", "F"))
    long = alt(seq("0000", alt(plain, below)), seq("000", nonzero, four), seq("0010", four))
    escape = alt(Chars.of("\\'\"abfnrtv"), seq("x", _HEX, _HEX), seq("u", alt(plain, below)), seq("U", long))
    return alt(~Chars.of(quote, "\\\n\r\0"), seq("\\", escape))


def _loose_char(quote: str) -> Rule:
    """Line breaks too, and a backslash that begins no escape, which stays as it is."""
    return alt(~Chars.of(quote, "\\"), _python_char(quote), seq("\\", ~Chars.of("xuUN\n\r\0", ("0", "7"))))


BARE = many(alt(~Chars.of("'\\"), seq("\\", ~Chars.of("\\'\"abfnrtvxuUN\n\r\0", ("0", "7")))))
"""What may stand between single quotes and says just itself to a reader that leaves alone what is no escape."""
JSON_QUOTES = Quotes('"', _json_char('"\\/bfnrt'), _SHORT, "\\u{:04x}")
PYTHON_JSON_QUOTES = Quotes('"', _json_char('"\\bfnrt'), _SHORT, "\\u{:04x}")
"""JSON's escapes that Python has too."""
_PYTHON_SHORT = {"\t": "t", "\n": "n", "\r": "r"}
PYTHON_QUOTES = tuple(Quotes(quote, _python_char(quote), _PYTHON_SHORT, _PYTHON_CONTROL) for quote in "'\"")
LOOSE_QUOTES = tuple(
    Quotes(quote, _loose_char(quote), _PYTHON_SHORT, _PYTHON_CONTROL, _python_char(quote)) for quote in "'\""
)


@cache
def hiding(quotes: Quotes) -> Quotes:
    """The same quotes where ``<`` may have to be written as an escape."""
    less = "\\x3c" if quotes.control == _PYTHON_CONTROL else "\\u003c"
    return Quotes(quotes.quote, quotes.char, quotes.short, quotes.control, quotes.counted, less)


@cache
def encoded(rule: Rule, quotes: Quotes | None) -> Rule:
    """What a regular rule over characters allows, as it is written between quotes; None writes each character as it is."""
    if quotes is None:
        return rule
    if isinstance(rule, Lit):
        return quotes.text(rule.text)
    if isinstance(rule, Chars):
        return quotes.chars(rule)
    if isinstance(rule, Seq):
        return seq(*(encoded(item, quotes) for item in rule.items))
    if isinstance(rule, Alt):
        return alt(*(encoded(item, quotes) for item in rule.items))
    if isinstance(rule, Repeat):
        return repeat(encoded(rule.item, quotes), rule.low, rule.high)
    if isinstance(rule, Both):
        return Both(tuple(encoded(item, quotes) for item in rule.items))
    if isinstance(rule, Not):
        return Both((many(quotes.plain_char), Not(encoded(rule.item, quotes))))
    if isinstance(rule, Lexeme):
        return encoded(rule.item, quotes)
    raise TypeError(f"not regular: {type(rule).__name__}")
