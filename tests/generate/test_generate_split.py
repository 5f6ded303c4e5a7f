"""Held-out rows share no project, identifier or wording with training rows."""

import re
from random import Random

import pytest

from toolfmt_train.generate import no_tool_words, wordings
from toolfmt_train.generate.run import BLUEPRINTS, Generated, propose
from toolfmt_train.generate.source import Source
from toolfmt_train.generate.split import HELD_OUT, belongs, corpora_of, identifier, serves
from toolfmt_train.generate.wordings import Scope, Wordings, say
from toolfmt_train.gym.corpora import open_corpus, read_lock
from toolfmt_train.rows import Bucket

BUCKETS: tuple[Bucket, ...] = ("atomic", "adversarial", "no_tool")


def test_every_language_with_two_projects_has_one_on_each_side() -> None:
    lock = read_lock()
    assert set(lock) >= HELD_OUT
    assert set(corpora_of(True)) == HELD_OUT
    assert set(corpora_of(True)) | set(corpora_of(False)) == set(lock)
    held_out = {language for name in HELD_OUT for language in lock[name].languages}
    assert {language for name in corpora_of(False) for language in lock[name].languages} - held_out == {"csharp"}


def test_which_corpora_serve_a_side() -> None:
    assert [serves(name, True) for name in ("bundled", "django", "requests", "a-folder")] == [True, False, True, True]
    assert [serves(name, False) for name in ("bundled", "django", "requests", "a-folder")] == [True, True, False, True]


def test_a_subject_is_on_one_side_at_most() -> None:
    words = {word for language in ("python", "go") for word in Source(open_corpus("bundled"), language).words}
    held_out = {word for word in words if belongs(word, True)}
    assert held_out.isdisjoint(word for word in words if belongs(word, False))
    assert held_out | {word for word in words if belongs(word, False)} == words
    assert 0.15 < len(held_out) / len(words) < 0.35


def test_the_identifier_of_a_subject() -> None:
    assert [identifier(text) for text in ("logger.Warning", "Foo.b", "++", "a.b")] == ["warning", "foo", "++", "a"]
    assert belongs("Warning", True) == belongs("WARNING(", True) == belongs("x.warning", True)


def test_a_training_subject_has_no_word_of_the_held_out_side() -> None:
    sources = [Source(open_corpus("bundled"), language) for language in open_corpus("bundled").languages]
    asked = {
        side: [p.subject for bucket in BUCKETS for p in propose(bucket, sources, 0, side)] for side in (True, False)
    }
    held_out = {identifier(subject) for subject in asked[True] if subject}
    trained = {word for subject in asked[False] for word in re.findall(r"\w{4,}", subject.casefold())}
    assert len(held_out) > 100 and len(trained) > 500
    assert held_out & trained == set()


def test_the_calls_of_the_sides_differ(train: Generated, held_out: Generated) -> None:
    fixed = {r"\.(\w+) = \1\b", r"\b(\w+) \1\b"}  # what is asked for has no identifier in it
    patterns = [{row.call.arguments["pattern"] for row in side.rows if row.call} - fixed for side in (train, held_out)]
    assert patterns[0] & patterns[1] == set()


@pytest.mark.parametrize(
    "words",
    [
        *(blueprint.what for blueprint in BLUEPRINTS),
        wordings.FRAMES,
        wordings.IN_LANGUAGE,
        *wordings.SCOPES.values(),
        *(words for words in vars(no_tool_words).values() if isinstance(words, Wordings)),
    ],
)
def test_wordings_are_disjoint(words: Wordings) -> None:
    assert words.train and words.held_out
    assert set(words.train) & set(words.held_out) == set()
    assert len(set(words.train)) == len(words.train)


def test_held_out_prompts_have_held_out_frames(train: Generated, held_out: Generated) -> None:
    for made, others in ((train, wordings.FRAMES.held_out), (held_out, wordings.FRAMES.train)):
        openings = tuple(frame.partition("{")[0] for frame in others)
        assert [row.id for row in made.rows if row.tool and row.prompt[0]["content"].startswith(openings)] == []


def test_what_is_put_in_is_never_read_as_a_slot() -> None:
    what = Wordings(("the text `{x}`",), ("`{x}` here",))
    asked = say(Random(0), False, what, {"x": "{path} {0}"}, Scope({"path": "{x}"}, "folder"))
    assert "the text `{path} {0}`" in asked and "`{x}`" in asked
