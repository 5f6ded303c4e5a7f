"""What `toolfmt_train` raises, all of it a `toolfmt.errors.ToolfmtError`.

* ToolfmtError
  - TrainError            (also a ValueError)    the base of the next four
    - RowError            a row that is no task, or a file of rows that cannot be used
    - RecipeError         a recipe that cannot be read or followed
    - ModelError          a model that is not there or cannot be loaded
    - ServerError         a server that did not start, or did not answer
  - GymError              see `toolfmt_train.gym.errors`
  - MissingExtraError     a package that is not installed; see `toolfmt.errors`
"""

from toolfmt.errors import ToolfmtError

__all__ = ["ModelError", "RecipeError", "RowError", "ServerError", "TrainError"]


class TrainError(ToolfmtError, ValueError):
    """The base of what the stages raise."""


class RowError(TrainError):
    """A row that is no task."""


class RecipeError(TrainError):
    """A recipe that cannot be followed."""


class ModelError(TrainError):
    """A model that cannot be loaded."""


class ServerError(TrainError):
    """A server that cannot be used."""
