"""What cheating pays: less than doing the task, each time."""

from pathlib import Path

import pytest

from toolfmt.ir import ToolCall
from toolfmt_train.gym.binaries import Binaries
from toolfmt_train.gym.corpora import open_corpus
from toolfmt_train.gym.errors import BlueprintError
from toolfmt_train.gym.process import Limits
from toolfmt_train.gym.rewards import MAX_TRUTH, Rewards, Truth, f1, score
from toolfmt_train.gym.runner import Attempt, Runner
from toolfmt_train.gym.spans import Span


def rg(pattern: str, **more: object) -> ToolCall:
    return ToolCall(name="ripgrep_search", arguments={"pattern": pattern, **more})


def ast(pattern: str, language: str = "python", **more: object) -> ToolCall:
    return ToolCall(name="ast_grep_search", arguments={"pattern": pattern, "language": language, **more})


HONEST = ast("super().__init__($$$A)")


@pytest.fixture(scope="module")
def runner(programs: Binaries) -> Runner:
    return Runner(open_corpus("bundled").root, binaries=programs)


@pytest.fixture(scope="module")
def truth(runner: Runner) -> Truth:
    return Truth.of(runner.run(HONEST).spans, "ast_grep_search")


def play(runner: Runner, truth: Truth, *calls: ToolCall, malformed: int = 0) -> Rewards:
    return score([runner.run(call) for call in calls], truth, malformed=malformed)


def test_an_honest_answer_gets_everything(runner: Runner, truth: Truth) -> None:
    rewards = play(runner, truth, HONEST)
    assert rewards == Rewards(parse=1.0, find=1.0, scope=1.0, effort=1.0, safety=1.0)
    assert rewards.total == pytest.approx(1.0)


def test_the_other_tool_is_compared_by_lines(runner: Runner, truth: Truth) -> None:
    assert play(runner, truth, rg(r"__init__\(\w+\)$|__init__\(stock\)$", glob="*.py")).find == 1.0
    assert play(runner, truth, rg(r"super\(\)\.__init__\(", glob="*.py")).total == pytest.approx(1.0)
    by_text = Truth.of(truth.spans or (), "ripgrep_search")
    assert play(runner, by_text, rg(r"__init__\(stock\)", glob="*.py")).find == 0.0


@pytest.mark.parametrize("spans", [[], [Span("a", i, 1) for i in range(MAX_TRUTH + 1)]])
def test_a_truth_that_pays_for_nothing_is_refused(spans: list[Span]) -> None:
    with pytest.raises(BlueprintError, match=r"the ground truth (is empty|has 501 spans)"):
        Truth.of(spans)


def test_f1() -> None:
    a, b, c = (("a", 1),), (("a", 2),), (("a", 3),)
    assert f1(frozenset(), frozenset()) == 0.0
    assert f1(frozenset(), frozenset(a)) == f1(frozenset(a), frozenset()) == 0.0
    assert f1(frozenset(a), frozenset(b)) == 0.0
    assert f1(frozenset(a + b), frozenset(b + c)) == pytest.approx(0.5)
    assert f1(frozenset(a + b), frozenset(a)) == pytest.approx(2 / 3)


def test_finding_nothing_pays_nothing(runner: Runner, truth: Truth) -> None:
    assert play(runner, truth, rg("nowhere_to_be_found")).total == 0.0
    assert play(runner, truth).total == 0.0


@pytest.mark.parametrize("pattern", ["", ".", "^", r"\w"])
def test_finding_everything_pays_little(pattern: str, runner: Runner, truth: Truth) -> None:
    rewards = play(runner, truth, rg(pattern))
    assert rewards.find < 0.05 and rewards.total < 0.1


def test_finding_everything_in_the_right_file_pays_little(runner: Runner, truth: Truth) -> None:
    (file,) = {span.file for span in truth.spans or ()}
    rewards = play(runner, truth, rg("^", path=file))
    assert rewards.scope == 1.0
    assert 0.1 < rewards.total < 0.3


def test_what_was_cut_off_found_nothing(programs: Binaries, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("foo(1)\n" * 1000)
    runner = Runner(tmp_path, binaries=programs, limits=Limits(output_bytes=5000))
    attempt = runner.run(rg("foo"))
    assert attempt.outcome == "truncated" and attempt.hits
    assert score([attempt], Truth.of(attempt.spans, "ripgrep_search")).total == 0.0


def test_hits_of_many_calls_are_not_put_together(runner: Runner, truth: Truth) -> None:
    parts = [rg(rf"super\(\)\.__init__\({name}", glob="*.py") for name in ("stock", "nothing")]
    assert play(runner, truth, *parts).total == 0.0
    assert play(runner, truth, HONEST, rg("nowhere_to_be_found")).total == 0.0


def test_spam_pays_less_with_each_call(runner: Runner, truth: Truth) -> None:
    totals = [play(runner, truth, *[rg("nowhere_to_be_found")] * spam, HONEST).total for spam in (0, 1, 4)]
    assert totals[0] > totals[1] > totals[2]
    assert totals[2] == pytest.approx(0.85 + 0.15 / 5)


def test_broken_calls_cost_more_than_wrong_ones(runner: Runner, truth: Truth) -> None:
    wrong = play(runner, truth, rg("nowhere_to_be_found"), HONEST)
    illegal = play(runner, truth, rg("foo("), HONEST)
    unparsed = play(runner, truth, HONEST, malformed=1)
    assert illegal.parse == unparsed.parse == 0.5
    assert illegal.total == unparsed.total == pytest.approx(wrong.total / 2)


@pytest.mark.parametrize(
    "call", [ast("super().__init__($$$A"), ast("super().__init__($$$A)", "klingon"), rg("(?<=x)y"), rg("x", pre="cat")]
)
def test_an_illegal_call_pays_nothing(call: ToolCall, runner: Runner, truth: Truth) -> None:
    rewards = play(runner, truth, call)
    assert (rewards.parse, rewards.total) == (0.0, 0.0)


def test_a_quick_wrong_call_is_no_effort_saved(runner: Runner, truth: Truth) -> None:
    rewards = play(runner, truth, rg("import", path="javascript"))
    assert (rewards.effort, rewards.find, rewards.total) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize("path", ["../..", "/etc", "python/../../corpora.lock"])
def test_leaving_the_project_costs_everything(path: str, runner: Runner, truth: Truth) -> None:
    rewards = play(runner, truth, rg("x", path=path), HONEST)
    assert (rewards.safety, rewards.find, rewards.total) == (0.0, 1.0, 0.0)


def test_burning_time_costs_everything(runner: Runner, truth: Truth) -> None:
    burnt = Attempt(HONEST, "timeout")
    assert score([burnt], truth).total == 0.0
    assert score([burnt, runner.run(HONEST)], truth).total == 0.0


def test_where_no_tool_fits_only_silence_pays(runner: Runner) -> None:
    nothing = Truth.none()
    assert play(runner, nothing).total == 1.0
    for call in (HONEST, rg("foo("), rg("nowhere_to_be_found")):
        assert play(runner, nothing, call).total == 0.0
    assert play(runner, nothing, malformed=1).total == 0.0
