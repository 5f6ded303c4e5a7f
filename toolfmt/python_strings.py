"""What a Python string literal says, for the reference reader: written apart from `toolfmt.families.python_lexis`, and checked against it."""

import re

__all__ = ["python_string"]

_STEP = re.compile(
    r"""\\(?: (?P<hex> x[0-9a-fA-F]{2} | u[0-9a-fA-F]{4} | U[0-9a-fA-F]{8} ) | (?P<octal> [0-7]{1,3} ) | (?P<other> [\s\S] ) )""",
    re.VERBOSE,
)
_OTHERS = dict(zip("\n\\'\"abfnrtv", ["", "\\", "'", '"', "\a", "\b", "\f", "\n", "\r", "\t", "\v"], strict=True))


def python_string(literal: str) -> str:
    """The text between the quotes, escapes resolved; what Python does not know as an escape stays."""

    def step(found: re.Match[str]) -> str:
        if found["hex"]:
            return chr(int(found["hex"][1:], base=16))
        if found["octal"]:
            return chr(int(found["octal"], base=8))
        return _OTHERS.get(found["other"], found.group())

    said = _STEP.sub(step, literal[1:-1])
    return re.sub("[\ud800-\udbff][\udc00-\udfff]", _joined, said)


def _joined(pair: re.Match[str]) -> str:
    high, low = map(ord, pair.group())
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
