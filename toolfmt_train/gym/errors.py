"""What the gym raises, all of it a `toolfmt.errors.ToolfmtError`.

* ToolfmtError
  - GymError              (also a ValueError)    the base of the next three
    - CorpusError         a snapshot that is missing, differs from the lock, or cannot be unpacked safely
    - BlueprintError      a task whose ground truth cannot be scored: empty, unbounded, or absent from its row
    - SearchError         a search tool that cannot be run at all; never a fault of the model's call
  - MissingExtraError     a search tool that is not installed; see `toolfmt.errors`

A call that a model got wrong raises none of these out of the gym: it is an `Attempt` whose `error` says why.
"""

from toolfmt.errors import ToolfmtError

__all__ = ["BlueprintError", "CorpusError", "GymError", "SearchError"]


class GymError(ToolfmtError, ValueError):
    """The base of what the gym raises."""


class CorpusError(GymError):
    """A corpus that is not there, not what the lock says, or not safe to unpack."""


class BlueprintError(GymError):
    """A task that no reward can be computed for."""


class SearchError(GymError):
    """A search program that is there and does not work."""
