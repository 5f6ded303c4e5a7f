"""The gym as an environment: TRL's shape, without TRL."""

import inspect
import subprocess
import sys
from typing import Any

import pytest

from toolfmt_train.gym.binaries import Binaries
from toolfmt_train.gym.corpora import Corpus, open_corpus
from toolfmt_train.gym.environment import MAX_CALLS, SearchGym
from toolfmt_train.gym.errors import BlueprintError, CorpusError, GymError
from toolfmt_train.gym.tools import TOOLS

ROW: dict[str, Any] = {
    "prompt": [{"role": "user", "content": "Where are exceptions thrown with `throw e`?"}],
    "corpus": "bundled",
    "tool": "ast_grep_search",
    "truth": [
        {"file": "java/lending/Desk.java", "line": 32, "column": 13},
    ],
}


@pytest.fixture
def gym(programs: Binaries) -> SearchGym:
    return SearchGym(binaries=programs)


def test_the_tools_are_what_trl_takes_for_tools() -> None:
    """As GRPOTrainer 1.16 looks for them: the public functions of the class but `reset` and `get_reward`."""
    names = {name for name, _ in inspect.getmembers(SearchGym, predicate=inspect.isfunction) if name[0] != "_"}
    assert names - {"reset", "get_reward"} == {tool.name for tool in TOOLS}
    assert {"reset", "get_reward"} <= names
    assert SearchGym().ripgrep_search.__doc__ and "Args:" in SearchGym().ast_grep_search.__doc__


def test_an_episode(gym: SearchGym) -> None:
    assert gym.reset(**ROW) is None
    assert gym.get_reward() == 0.0
    answer = gym.ast_grep_search(pattern="throw error;", language="java")
    assert answer == "java/lending/Desk.java:32:13:             throw error;"
    assert gym.get_reward() == pytest.approx(1.0)
    assert [attempt.outcome for attempt in gym.attempts] == ["found"]
    gym.reset(**ROW)
    assert (gym.attempts, gym.get_reward()) == ((), 0.0)


def test_every_call_is_counted_whatever_its_arguments(gym: SearchGym) -> None:
    call: Any = gym.ripgrep_search
    gym.reset(**ROW)
    for arguments in (
        {},
        {"pattern": "x", "self": 1},
        {"pattern": 5},
        {"pattern": float("nan")},
        {"pattern": object()},
    ):
        assert call(**arguments).startswith("error: ")
    assert [attempt.outcome for attempt in gym.attempts] == ["illegal"] * 5
    assert gym.rewards.parse == 0.0


def test_no_tool(gym: SearchGym) -> None:
    gym.reset(**ROW | {"truth": None})
    assert gym.get_reward() == 1.0
    gym.ripgrep_search(pattern="x")
    assert gym.get_reward() == 0.0


def test_calls_are_bounded(gym: SearchGym) -> None:
    gym.reset(**ROW)
    for _ in range(MAX_CALLS):
        assert gym.ripgrep_search(pattern="nowhere_to_be_found") == "no match"
    assert gym.ast_grep_search(pattern="throw error;", language="java") == "error: no more than 8 calls"
    assert gym.get_reward() == 0.0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"truth": []}, "the ground truth is empty"),
        ({"truth": ROW["truth"] * 2 + [{"file": "a", "line": 1}]}, 'truth[2]: expected {"file", "line", "column"}'),
        ({"truth": [{"file": "a", "line": True, "column": 1}]}, "truth[0]: a file is text"),
        ({"truth": "a:1:1"}, "truth: expected a list of spans or None, got `str`"),
        ({"truth": [{"file": "a", "line": i, "column": 1} for i in range(501)]}, "more than 500"),
        ({"corpus": None}, "the row's `corpus` is not a text"),
    ],
)
def test_a_row_that_cannot_be_scored_is_refused(change: dict[str, Any], says: str, gym: SearchGym) -> None:
    gym.reset(**ROW)
    with pytest.raises(BlueprintError) as raised:
        gym.reset(**ROW | change)
    assert says in str(raised.value)
    with pytest.raises(GymError, match="no episode has begun"):
        gym.get_reward()


def test_a_row_without_a_truth_is_not_taken_for_one_without_a_tool(gym: SearchGym) -> None:
    with pytest.raises(BlueprintError, match="the row has no `truth`"):
        gym.reset(corpus="bundled")


def test_nothing_runs_before_reset(gym: SearchGym) -> None:
    with pytest.raises(GymError, match=r"call reset\(\*\*row\) first"):
        gym.ripgrep_search(pattern="x")


def test_a_corpus_by_name(gym: SearchGym, programs: Binaries) -> None:
    with pytest.raises(CorpusError, match=r"unknown corpus `bundle`; did you mean `bundled`\?"):
        gym.reset(**ROW | {"corpus": "bundle"})
    own = Corpus.of_folder(open_corpus("bundled").root / "go", "mine")
    mine = SearchGym({"mine": own}, binaries=programs)
    mine.reset(corpus="mine", truth=[{"file": "relay/relay.go", "line": 16, "column": 1}])
    assert mine.ripgrep_search(pattern="^var ErrClosed").startswith("relay/relay.go:15:1: ")


def test_neither_torch_nor_trl_is_imported() -> None:
    code = (
        "import sys; import toolfmt_train.gym.environment, toolfmt_train.gym.fetch; "
        "print(sorted({'torch', 'trl', 'transformers', 'datasets', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "[]\n"
