"""Every exception toolfmt raises.

* ToolfmtError
  - UnknownFormatError    (also a LookupError)
  - PluginError           (also an ImportError)    a third-party format that does not load
  - MissingExtraError     (also an ImportError)    an optional package that is not installed
  - ToolSpecError         (also a ValueError)      a tool definition; .path
  - ParseError            (also a ValueError)      strict reading; .span, .line, .column, .expected
  - UnrepresentableError  (also a ValueError)      what a format cannot say; .path, .reason
  - GrammarError          (also a ValueError)      a schema that no grammar can say, or a grammar that an engine refuses; .path, .reason
  - SizeLimitError        (also a ValueError)      a stream longer than its bound
  - LayoutError           (also a ValueError)      a row that is not of the expected layout; .path
  - LossError             (also a ValueError)      a conversion that would lose something; .losses

A message names the value, the place and the next step.  All pickle.
"""

from collections.abc import Sequence
from typing import Any

__all__ = [
    "GrammarError",
    "LayoutError",
    "LossError",
    "MissingExtraError",
    "ParseError",
    "PluginError",
    "SizeLimitError",
    "ToolSpecError",
    "ToolfmtError",
    "UnknownFormatError",
    "UnrepresentableError",
    "excerpt",
]


class ToolfmtError(Exception):
    """The base of every exception here."""


class UnknownFormatError(ToolfmtError, LookupError):
    """No format, alias or model has this name; the message suggests near ones."""


class PluginError(ToolfmtError, ImportError):
    """A third-party format is registered and could not be loaded."""


class MissingExtraError(ToolfmtError, ImportError):
    """A feature needs an optional package; the message is the command that installs it."""


class _PlacedError(ToolfmtError, ValueError):
    """An error at a JSON path; reads ``<path>: <reason>``."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self.reason)


class ToolSpecError(_PlacedError):
    """A tool definition that cannot be understood, e.g. ``tools[2].parameters.properties.x``."""


class UnrepresentableError(_PlacedError):
    """A format has no text that would read back as this value."""


class GrammarError(_PlacedError):
    """A schema that allows nothing or says what no grammar can enforce, or a grammar that an engine refuses."""


class LayoutError(_PlacedError):
    """A dataset row that is not of the layout it was read as."""


class SizeLimitError(ToolfmtError, ValueError):
    """A stream was fed more characters than its bound."""


class LossError(ToolfmtError, ValueError):
    """A conversion would lose something; ``losses`` holds each `toolfmt.Loss`."""

    def __init__(self, losses: Sequence[Any]) -> None:
        shown = "; ".join(str(loss) for loss in losses[:3])
        more = f"; and {len(losses) - 3} more" if len(losses) > 3 else ""
        super().__init__(f'{shown}{more}. Pass on_loss="warn" or "ignore" to convert all the same')
        self.losses = tuple(losses)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.losses,)


class ParseError(ToolfmtError, ValueError):
    """Text that a format's reference grammar refuses.

    ``span`` is (start, end) in characters from the start of ``text``; ``line`` and ``column`` count
    from 1; ``expected`` names what could have stood there.
    """

    def __init__(
        self, reason: str, text: str, start: int, end: int | None = None, expected: Sequence[str] = ()
    ) -> None:
        self.reason = reason
        self.text = text
        self.span = (start, max(start, end if end is not None else start + 1))
        self.expected = tuple(expected)
        self.line = text.count("\n", 0, start) + 1
        self.column = start - text.rfind("\n", 0, start)
        wanted = f"; expected {' or '.join(self.expected)}" if self.expected else ""
        super().__init__(f"line {self.line}, column {self.column}: {reason}{wanted}\n{excerpt(text, start)}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason, self.text, *self.span, self.expected)


def excerpt(text: str, at: int, width: int = 60) -> str:
    """The line of ``text`` around character ``at``, with a caret below it."""
    start = max(text.rfind("\n", 0, at) + 1, at - width // 2)
    stop = text.find("\n", at)
    stop = min(len(text) if stop < 0 else stop, at + width // 2)
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[start:stop])
    return f"  {shown}\n  {' ' * (at - start)}^"
