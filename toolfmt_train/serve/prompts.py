"""What a server is asked where no rows are given: a few searches in plain words, one of them for no tool."""

from toolfmt_train.gym.brief import brief
from toolfmt_train.gym.tools import TOOLS
from toolfmt_train.serve.check import Prompt

__all__ = ["PROMPTS"]

_WORDS = (
    ("literal", "Find every line in Go files that says `errors.Is(`, as plain text.", True),
    ("ignore-case", "Which files mention TODO or todo? Upper and lower case do not matter.", True),
    ("look-behind", "Search with a PCRE2 look-behind for `name` after `self.` in the Python files.", True),
    ("structure", "Find the Python calls of `super().__init__`, whatever their arguments, by their syntax.", True),
    ("path", "Under src/app, find every Rust `.unwrap()` call by its structure.", True),
    ("no-tool", "Thanks, that is all for today. Have a good evening!", False),
)
PROMPTS = tuple(
    Prompt(name, [{"role": "user", "content": words}], brief(TOOLS), calls) for name, words, calls in _WORDS
)
"""No answer is known to be the right one, so none is counted as such."""
