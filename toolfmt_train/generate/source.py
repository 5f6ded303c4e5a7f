"""What a project has to ask about: its files in one language, read once, and the words in them.

Only proposals come from here, never a ground truth: that is what the search programs find in the whole project.  So a large project is
sampled (`_MOST_TEXT`), always the same files.  Searching syntax trees parses every file: `tree_scopes` gives folders and files small enough for that.
"""

import hashlib
import re
from collections import Counter
from functools import cached_property
from pathlib import PurePosixPath

from toolfmt_train.gym.corpora import Corpus
from toolfmt_train.gym.tools import Language

__all__ = ["Found", "Source"]

Found = dict[str, list[str]]
"""Subjects, and the files that each was seen in."""

_MOST_TEXT = 3 << 18
_MOST_FILES, _MOST_BYTES = 60, 1 << 20
_OFTEN = 60
_LONGEST_SCOPE = 90
_WORD = re.compile(r"\b[A-Za-z_]\w{3,29}\b")


class Source:
    """A corpus in one of its languages."""

    def __init__(self, corpus: Corpus, language: Language) -> None:
        self.corpus, self.language = corpus, language
        self._sizes = {path.as_posix(): (corpus.root / path).stat().st_size for path in corpus.files(language)}
        self._found: dict[str, Found] = {}

    @cached_property
    def texts(self) -> dict[str, str]:
        """The sampled files by name."""
        left, texts = _MOST_TEXT, {}
        for name in sorted(self._sizes, key=lambda name: hashlib.sha256(name.encode()).digest()):
            if self._sizes[name] <= min(left, _MOST_BYTES):
                left -= self._sizes[name]
                texts[name] = (self.corpus.root / name).read_text(encoding="utf-8", errors="replace")
        return texts

    @property
    def files(self) -> list[str]:
        """All files of the language, by name."""
        return list(self._sizes)

    @property
    def words(self) -> Found:
        """The words that are neither everywhere nor short."""
        return self.find(_WORD.pattern)

    def find(self, pattern: str) -> Found:
        """What the first group of ``pattern`` (or all of it) matches, line by line, where it is not too frequent."""
        if pattern not in self._found:
            self._found[pattern] = self._search(re.compile(pattern, re.MULTILINE))
        return self._found[pattern]

    def _search(self, pattern: re.Pattern[str]) -> Found:
        counts: Counter[str] = Counter()
        places: dict[str, set[str]] = {}
        for name, text in self.texts.items():
            for match in pattern.finditer(text):
                subject = match[min(1, pattern.groups)]
                counts[subject] += 1
                places.setdefault(subject, set()).add(name)
        return {subject: sorted(places[subject]) for subject in sorted(counts) if counts[subject] <= _OFTEN}

    def tree_scopes(self, file: str) -> list[str]:
        """The file and the folders round it that are small enough to be parsed for each question; `.` is the project."""
        return [folder for folder in self.scopes(file) if self._is_small(folder)]

    def scopes(self, file: str) -> list[str]:
        """The folders round a file, the project first, and the file; those whose names are short."""
        every = [*(folder.as_posix() for folder in reversed(PurePosixPath(file).parents)), file]
        return [scope for scope in every if len(scope) <= _LONGEST_SCOPE]

    def _is_small(self, scope: str) -> bool:
        files, size = self._extent.get(scope, (1, self._sizes.get(scope, 0)))
        return files <= _MOST_FILES and size <= _MOST_BYTES

    @cached_property
    def _extent(self) -> dict[str, tuple[int, int]]:
        """Number and bytes of the files below each folder."""
        extent: dict[str, tuple[int, int]] = {}
        for name, size in self._sizes.items():
            for folder in PurePosixPath(name).parents:
                files, total = extent.get(folder.as_posix(), (0, 0))
                extent[folder.as_posix()] = files + 1, total + size
        return extent
