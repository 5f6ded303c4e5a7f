"""JSON Schema's ``format`` of strings, as rules.

A rule allows only what jsonschema's checkers and the standards allow.  It is narrower where the whole of a standard would let a model write what
nobody reads, or needs counting; each says where.  A rule is built when it is first asked for.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Final

from toolfmt.grammar.numbers import digits_between
from toolfmt.rule import EMPTY, Chars, Lit, Rule, alt, many, optional, repeat, seq

__all__ = ["FORMATS"]

_DIGIT = Chars.of(("0", "9"))
_LETTER = Chars.of(("A", "Z"), ("a", "z"))
_HEX = _DIGIT | Chars.of(("A", "F"), ("a", "f"))
_UNRESERVED = _LETTER | _DIGIT | Chars.of("-._~")
_SUB_DELIMITERS = Chars.of("!$&'()*+,;=")


# Dates and times


@cache
def _date() -> Rule:
    """RFC 3339's full-date, from the year 1: all of them."""
    any_month = alt(digits_between("01", "09"), digits_between("10", "12"))
    not_february = alt(seq("0", Chars.of("1", ("3", "9"))), digits_between("10", "12"))
    long_months = alt(seq("0", Chars.of("13578")), seq("1", Chars.of("02")))
    fourths = alt(
        seq("0", Chars.of("48")), seq(Chars.of("2468"), Chars.of("048")), seq(Chars.of("13579"), Chars.of("26"))
    )
    leap_year = alt(seq(_DIGIT, _DIGIT, fourths), seq(fourths, "00"))
    common = alt(
        seq(any_month, "-", digits_between("01", "28")),
        seq(not_february, "-", alt("29", "30")),
        seq(long_months, "-31"),
    )
    return alt(seq(digits_between("0001", "9999"), "-", common), seq(leap_year, "-02-29"))


@cache
def _time() -> Rule:
    """RFC 3339's full-time.  Narrower: no leap second, at most nine digits of a second's fraction, a capital ``Z``."""
    hour, sixty = digits_between("00", "23"), digits_between("00", "59")
    zone = alt("Z", seq(Chars.of("+-"), hour, ":", sixty))
    return seq(hour, ":", sixty, ":", sixty, optional(seq(".", repeat(_DIGIT, 1, 9))), zone)


@cache
def _date_time() -> Rule:
    """RFC 3339's date-time.  Narrower: as `_time`, and a capital ``T`` between both."""
    return seq(_date(), "T", _time())


@cache
def _duration() -> Rule:
    """RFC 3339's duration (its appendix A).  Narrower: numbers of at most nine digits."""
    number = repeat(_DIGIT, 1, 9)
    seconds = seq(number, "S")
    minutes = seq(number, "M", optional(seconds))
    time = seq("T", alt(seq(number, "H", optional(minutes)), minutes, seconds))
    days = seq(number, "D")
    months = seq(number, "M", optional(days))
    date = alt(seq(number, "Y", optional(months)), months, days)
    return seq("P", alt(seq(date, optional(time)), time, seq(number, "W")))


# Hosts


@cache
def _hostname() -> Rule:
    """RFC 1123's host name.  Narrower: at most six labels of 41 characters, which keeps the whole below 254; the last begins with a letter."""
    return seq(repeat(seq(_label(_LETTER | _DIGIT), "."), 0, 5), _label(_LETTER))


def _label(first: Chars) -> Rule:
    return seq(first, optional(seq(repeat(_LETTER | _DIGIT | Chars.of("-"), 0, 39), _LETTER | _DIGIT)))


@cache
def _email() -> Rule:
    """RFC 5321's address.  Narrower: no quotes, no brackets, at most 32 characters besides dots before the ``@``, two labels or more behind it."""
    atom = _LETTER | _DIGIT | Chars.of("!#$%&'*+/=?^_`{|}~-")
    local = seq(atom, repeat(seq(optional(Lit(".")), atom), 0, 31))
    return seq(local, "@", repeat(seq(_label(_LETTER | _DIGIT), "."), 1, 5), _label(_LETTER))


@cache
def _ipv4() -> Rule:
    """Four numbers up to 255 without leading zeros: all of them."""
    octet = alt(_DIGIT, digits_between("10", "99"), digits_between("100", "255"))
    return seq(repeat(seq(octet, "."), 3, 3), octet)


@cache
def _ipv6() -> Rule:
    """RFC 4291's text forms, with ``::`` and a last part in IPv4's form: all of them.  A zone is none of that address."""
    group = repeat(_HEX, 1, 4)
    before_last = seq(group, ":")
    whole = seq(repeat(before_last, 6, 6), alt(seq(before_last, group), _ipv4()))
    return alt(whole, *(seq(_groups(count), "::", _up_to(7 - count)) for count in range(8)))


def _groups(count: int) -> Rule:
    group = repeat(_HEX, 1, 4)
    return seq(repeat(seq(group, ":"), count - 1, count - 1), group) if count else EMPTY


def _up_to(count: int) -> Rule:
    """As many groups or fewer, the last two perhaps in IPv4's form."""
    if count == 0:
        return EMPTY
    group = repeat(_HEX, 1, 4)
    parts = seq(repeat(seq(group, ":"), 0, count - 1), group)
    return optional(alt(parts, seq(repeat(seq(group, ":"), 0, count - 2), _ipv4())) if count > 1 else parts)


# Identifiers


@cache
def _uri() -> Rule:
    """RFC 3986's URI with its scheme.  Narrower: a host is never empty nor in brackets but for an IPv6 address; a port has at most five digits."""
    scheme = seq(_LETTER, many(_LETTER | _DIGIT | Chars.of("+-.")))
    path = alt(_rooted_path(), seq(repeat(_path_char(), 1, None), _slashed()))
    return seq(scheme, ":", alt(_hierarchy(), path), _query_and_fragment())


@cache
def _uri_reference() -> Rule:
    """A URI, or what RFC 3986 calls a relative reference.  Narrower: as `_uri`."""
    first = repeat(_escaped_or(_UNRESERVED | _SUB_DELIMITERS | Chars.of("@")), 1, None)
    path = alt(_rooted_path(), seq(first, _slashed()), EMPTY)
    return alt(_uri(), seq(alt(_hierarchy(), path), _query_and_fragment()))


def _escaped_or(chars: Chars) -> Rule:
    return alt(chars, seq("%", _HEX, _HEX))


def _path_char() -> Rule:
    return _escaped_or(_UNRESERVED | _SUB_DELIMITERS | Chars.of(":@"))


def _slashed() -> Rule:
    return many(seq("/", many(_path_char())))


def _rooted_path() -> Rule:
    """A path with one slash first, for two would begin a host."""
    return seq("/", optional(seq(repeat(_path_char(), 1, None), _slashed())))


def _hierarchy() -> Rule:
    """A host with what stands around it, and its path."""
    user = seq(many(_escaped_or(_UNRESERVED | _SUB_DELIMITERS | Chars.of(":"))), "@")
    host = alt(repeat(_escaped_or(_UNRESERVED | _SUB_DELIMITERS), 1, None), seq("[", _ipv6(), "]"))
    return seq("//", optional(user), host, optional(seq(":", repeat(_DIGIT, 0, 5))), _slashed())


def _query_and_fragment() -> Rule:
    text = many(alt(_path_char(), Chars.of("/?")))
    return seq(optional(seq("?", text)), optional(seq("#", text)))


@cache
def _uuid() -> Rule:
    """RFC 4122's form, of any version: all of them."""
    return seq(repeat(_HEX, 8, 8), *[seq("-", repeat(_HEX, 4, 4))] * 3, "-", repeat(_HEX, 12, 12))


@cache
def _json_pointer() -> Rule:
    """RFC 6901: all of them."""
    return many(seq("/", many(alt(~Chars.of("/~"), "~0", "~1"))))


class _Formats(Mapping[str, Rule]):
    """Each rule built when it is asked for."""

    def __init__(self, rules: Mapping[str, Callable[[], Rule]]) -> None:
        self._rules = rules

    def __getitem__(self, name: str) -> Rule:
        return self._rules[name]()

    def __contains__(self, name: object) -> bool:
        return name in self._rules

    def __iter__(self) -> Iterator[str]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)


FORMATS: Final[Mapping[str, Rule]] = _Formats(
    {
        "date": _date,
        "date-time": _date_time,
        "duration": _duration,
        "email": _email,
        "hostname": _hostname,
        "ipv4": _ipv4,
        "ipv6": _ipv6,
        "json-pointer": _json_pointer,
        "time": _time,
        "uri": _uri,
        "uri-reference": _uri_reference,
        "uuid": _uuid,
    }
)
"""By JSON Schema's names.  Not here: ``regex``, which is no regular language, and what needs Unicode's tables."""
