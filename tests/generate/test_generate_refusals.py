"""What is refused, and why."""

from dataclasses import replace
from pathlib import Path

import pytest

from toolfmt.ir import ToolCall
from toolfmt_train.generate import accept
from toolfmt_train.generate.accept import MOST_SPANS, Judge
from toolfmt_train.generate.blueprint import ast_grep, ripgrep
from toolfmt_train.generate.proposal import Proposal, Refusal
from toolfmt_train.generate.run import Generated
from toolfmt_train.gym.binaries import Binaries
from toolfmt_train.gym.corpora import open_corpus
from toolfmt_train.gym.process import Limits
from toolfmt_train.gym.rewards import Rewards
from toolfmt_train.gym.runner import Attempt, Runner
from toolfmt_train.rows import Row

GO = "func f() { errors.Is($$$A) }"
ASKED = Proposal("planned", "atomic", "go", "bundled", "fmt", "Find it.", ripgrep("^import"))


@pytest.fixture
def judge(programs: Binaries) -> Judge:
    return Judge({"bundled": Runner(open_corpus("bundled").root, binaries=programs)})


def _reason(verdict: Row | Refusal) -> tuple[str, str]:
    assert isinstance(verdict, Refusal), verdict
    return verdict.reason, verdict.detail


def test_what_is_accepted(judge: Judge) -> None:
    assert isinstance(judge.judge(ASKED), Row)


@pytest.mark.parametrize(
    ("call", "reason", "says"),
    [
        (ripgrep("nowhere_to_be_found"), "empty", "nothing is found"),
        (ripgrep("e"), "unbounded", f"places are found, more than {MOST_SPANS}"),
        (ripgrep("(?=e)", pcre2=False), "illegal", "needs PCRE2"),
        (ripgrep("("), "illegal", "unclosed group"),
        (ast_grep("foo(", "python"), "illegal", "syntax error"),
        (ripgrep("import", path="../.."), "illegal", "only what is inside the project"),
        (ripgrep("import", path="no/such/folder"), "illegal", "there is no `no/such/folder`"),
        (ripgrep("import", pcre2="yes"), "illegal", "pcre2"),
        (ToolCall(name="grep", arguments={"pattern": "import"}), "illegal", "grep"),
        # the trap of Go: legal, and never found
        (ast_grep("fmt.Sprintf($$$A)", "go"), "empty", "nothing is found"),
    ],
)
def test_a_gold_call_that_will_not_do(call: ToolCall, reason: str, says: str, judge: Judge) -> None:
    found = _reason(judge.judge(replace(ASKED, call=call)))
    assert found[0] == reason
    assert says in found[1]


def test_an_argument_that_the_row_does_not_offer(judge: Judge) -> None:
    call = ripgrep(r"^import(?!\w)", pcre2=True)
    assert isinstance(judge.judge(replace(ASKED, call=call)), Row)
    reason, detail = _reason(judge.judge(replace(ASKED, call=call, pcre2=False)))
    assert (reason, "pcre2" in detail) == ("illegal", True)


def test_a_second_opinion_that_differs(judge: Judge) -> None:
    call = ast_grep(GO, "go", "call_expression")
    agreed = replace(ASKED, call=call, same=ripgrep(r"\berrors\.Is\(", glob="*.go"))
    assert isinstance(judge.judge(agreed), Row)
    assert _reason(judge.judge(replace(agreed, same=ripgrep("errors", glob="*.go"))))[0] == "disagreement"
    assert "unclosed group" in _reason(judge.judge(replace(agreed, same=ripgrep("("))))[1]


def test_a_trap_that_is_none(judge: Judge) -> None:
    call = ast_grep(GO, "go", "call_expression")
    naive = replace(ASKED, bucket="adversarial", call=call, trap=ripgrep(r"\berrors\.Is\(", glob="*.go"))
    assert _reason(judge.judge(naive)) == ("no trap", r"the naive `\berrors\.Is\(` finds the same")


def test_the_same_lines_at_other_columns_are_a_trap_for_the_same_tool_only(judge: Judge) -> None:
    call = ripgrep(r"(?<=package )relay", pcre2=True)
    assert isinstance(judge.judge(replace(ASKED, call=call, trap=ripgrep("package relay"))), Row)
    assert (
        _reason(judge.judge(replace(ASKED, call=call, trap=ripgrep("relay(?<=package relay)", pcre2=True))))[0]
        == "no trap"
    )


def test_an_illegal_naive_call_is_a_trap(judge: Judge) -> None:
    call = ripgrep("len(", fixed_strings=True, glob="*.go")
    assert isinstance(judge.judge(replace(ASKED, call=call, trap=ripgrep("len(", glob="*.go"))), Row)


def test_a_pattern_that_sees_little_of_what_ripgrep_sees_is_suspicious(judge: Judge) -> None:
    call = ast_grep(GO, "go", "call_expression")
    reason, detail = _reason(judge.judge(replace(ASKED, call=call, trap=ripgrep("errors", glob="*.go"))))
    assert (reason, detail.startswith("ast-grep finds 2 of ")) == ("disagreement", True)
    elsewhere = judge.judge(replace(ASKED, call=call, trap=ripgrep("errors", glob="*.py")))
    assert _reason(elsewhere) == ("disagreement", "ast-grep finds in files in which ripgrep sees nothing")


def test_a_search_that_is_cut_off(programs: Binaries, monkeypatch: pytest.MonkeyPatch) -> None:
    root = open_corpus("bundled").root
    small = Judge({"bundled": Runner(root, binaries=programs, limits=Limits(output_bytes=100))})
    assert _reason(small.judge(ASKED)) == ("unbounded", "the output was cut off")
    monkeypatch.setattr(Runner, "run", lambda _, call: Attempt(call, "timeout"))
    assert _reason(small.judge(ASKED)) == ("failed", "the search took too long")


def test_a_reward_that_is_not_whole(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accept, "score", lambda *_: Rewards(1.0, 0.9, 1.0, 1.0, 1.0))
    assert _reason(judge.judge(ASKED))[0] == "reward"


def test_refusals_are_kept_with_their_reasons(train: Generated) -> None:
    assert {"empty", "no trap", "disagreement"} <= {refusal.reason for refusal in train.refused}
    record = train.refused[0].record()
    assert record["reason"] and record["detail"] and record["prompt"] and record["call"]["arguments"]["pattern"]
    assert sum(train.reasons.values()) == len(train.refused)


def test_an_empty_project_has_nothing_to_ask_about(tmp_path: Path, programs: Binaries) -> None:
    from toolfmt_train.generate.run import generate
    from toolfmt_train.gym.corpora import Corpus

    (tmp_path / "a.go").write_text("", encoding="utf-8")
    made = generate([Corpus.of_folder(tmp_path, "empty")], 50)
    assert {row.bucket for row in made.rows} == {"no_tool"}
    assert "action" not in {row.blueprint for row in made.rows}
