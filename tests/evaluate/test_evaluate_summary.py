"""Intervals against known values, and which rows a rate is about."""

from typing import Any

import pytest
from evaluate_cases import TEXT, Written, call, record

from toolfmt_train.errors import RowError
from toolfmt_train.evaluate.intervals import bootstrap, wilson
from toolfmt_train.evaluate.records import Condition
from toolfmt_train.evaluate.run import judge_all
from toolfmt_train.evaluate.summary import Rate, summarize
from toolfmt_train.rows import Row

GOLD = call("ripgrep_search", TEXT)


@pytest.mark.parametrize("successes, of, low, high", [
    (8, 10, 0.490162, 0.943318),
    (0, 10, 0.0, 0.277533),
    (10, 10, 0.722467, 1.0),
    (1, 1, 0.206549, 1.0),
    (50, 100, 0.403832, 0.596168),
    (0, 0, 0.0, 1.0),
])  # fmt: skip
def test_wilson(successes: int, of: int, low: float, high: float) -> None:
    found = wilson(successes, of)
    assert found == pytest.approx((low, high), abs=1e-6)
    for bound in (
        found if of else ()
    ):  # Wilson's definition: the shares from which the observed one is 1.96 standard errors away
        assert abs(successes / of - bound) == pytest.approx(1.959964 * (bound * (1 - bound) / of) ** 0.5, abs=1e-6)


def test_the_bootstrap_is_near_what_theory_says_and_the_same_each_time() -> None:
    values = [i / 199 for i in range(200)]  # mean 0.5, standard error 0.0205
    low, high = bootstrap(values)
    assert (low, high) == pytest.approx((0.5 - 1.96 * 0.0205, 0.5 + 1.96 * 0.0205), abs=0.004)
    assert bootstrap(values) == (low, high) != bootstrap(values, seed=1)


def test_values_that_are_all_alike_do_not_pass_for_certainty() -> None:
    assert bootstrap([0.0] * 10) == wilson(0, 10)
    assert bootstrap([1.0]) == wilson(1, 1)
    assert bootstrap([]) == (0.0, 1.0)


def rates(rows: dict[str, Row], *records: Any, read_as: str | None = None) -> dict[str, Rate]:
    """Those of the last condition."""
    return summarize(judge_all(list(rows.values()), records, read_as))[-1].rates


def test_a_rate_is_about_its_own_rows(rows: dict[str, Row], written: Written) -> None:
    found = rates(rows, written("text", GOLD), written("tree", "No idea."), written("none", "No."))
    of = {name: (rate.value, rate.of) for name, rate in found.items()}
    assert of == {
        "parsed": (0.5, 2), "tool": (0.5, 2), "exact": (0.5, 2), "legal": (0.5, 2), "found": (0.5, 2), "reward": (0.5, 2),
        "abstained": (1.0, 1), "missed": (0.5, 2), "false_calls": (0.0, 1), "truncated": (0.0, 3),
    }  # fmt: skip
    assert found["exact"][1:3] == wilson(1, 2)


def test_truncation_is_counted_apart(rows: dict[str, Row], written: Written) -> None:
    """No failure to parse and none to abstain; but nothing was found either."""
    half = "<tool_call>\n<function=ripgrep_search>\n<parameter=pattern>\nerr"
    found = rates(rows, written("text", GOLD), written("tree", half, cut=True), written("none", "I wonder", cut=True))
    of = {name: (rate.value, rate.of) for name, rate in found.items()}
    assert (of["parsed"], of["missed"], of["exact"], of["truncated"]) == ((1.0, 1), (0.0, 1), (0.5, 2), (2 / 3, 3))
    assert "abstained" not in of and of["false_calls"] == (0.0, 1)


def test_a_call_where_none_fits_counts_even_if_it_was_cut_off(rows: dict[str, Row], written: Written) -> None:
    found = rates(rows, written("none", GOLD, "and then", cut=True))
    assert (found["abstained"].value, found["false_calls"].value, found["abstained"].of) == (0.0, 1.0, 1)


def test_buckets_and_languages(rows: dict[str, Row], written: Written) -> None:
    records = [written("text", GOLD), written("tree", "No idea."), written("none", "No.")]
    [scores] = summarize(judge_all(list(rows.values()), records))
    assert {name: rates["exact"].value for name, rates in scores.buckets.items() if "exact" in rates} == {"atomic": 0.5}
    exact = {name: rates["exact"].value for name, rates in scores.languages.items() if "exact" in rates}
    assert exact == {"go": 1.0, "python": 0.0}
    assert set(scores.languages) == {"go", "python", "none"} and set(scores.buckets["no_tool"]) == {
        "abstained",
        "false_calls",
        "truncated",
    }


def test_seeds_are_pooled_by_row(rows: dict[str, Row], written: Written) -> None:
    """Three seeds of two rows: the interval is that of two rows, and the seeds stand beside it."""
    right = {0: (True, True), 1: (True, False), 2: (True, False)}
    records = [
        written(name, GOLD if good and name == "text" else "No.", seed=seed)
        for seed, goods in right.items()
        for name, good in zip(("text", "tree"), goods, strict=True)
    ]
    [scores] = summarize(judge_all(list(rows.values()), records))
    rate = scores.rates["exact"]
    assert (scores.seeds, scores.rows) == ((0, 1, 2), 2)
    assert (rate.value, rate.of, rate.seeds, rate.spread) == (0.5, 2, {0: 0.5, 1: 0.5, 2: 0.5}, 0.0)
    assert (rate.low, rate.high) == wilson(1, 2)


def test_the_spread_is_that_of_the_seeds(rows: dict[str, Row], written: Written) -> None:
    records = [written("text", GOLD, seed=0), written("text", "No.", seed=1), written("text", GOLD, seed=2)]
    rate = rates(rows, *records)["exact"]
    assert (rate.value, rate.seeds) == (pytest.approx(2 / 3), {0: 1.0, 1: 0.0, 2: 1.0})
    assert rate.spread == pytest.approx(3**-0.5)


def test_conditions_are_apart(rows: dict[str, Row], written: Written) -> None:
    records = [written("text", GOLD), written("text", "No.", grammar=True), written("text", "No.", shots=2)]
    found = {
        scores.condition: scores.rates["exact"].value for scores in summarize(judge_all(list(rows.values()), records))
    }
    assert found == {
        Condition("m", "qwen_xml", "qwen_xml", 0, False): 1.0,
        Condition("m", "qwen_xml", "qwen_xml", 0, True): 0.0,
        Condition("m", "qwen_xml", "qwen_xml", 2, False): 0.0,
    }


def test_the_same_answers_read_by_another_parser(rows: dict[str, Row], written: Written) -> None:
    records = [written("text", GOLD, format="json_fence"), written("tree", "No.", format="json_fence")]
    plain, read = summarize(judge_all(list(rows.values()), records, "qwen_xml"))
    assert (plain.condition.read_as, read.condition.read_as) == ("json_fence", "qwen_xml")
    assert (plain.rates["parsed"].value, read.rates["parsed"].value) == (0.5, 0.0)
    assert (read.rates["as_text"].value, read.rates["as_text"].of) == (1.0, 1) and "as_text" not in plain.rates


def test_answers_in_the_format_of_the_other_parser_are_judged_once(rows: dict[str, Row], written: Written) -> None:
    records = [written("text", GOLD), written("text", GOLD, format="json_fence")]
    read_as = [item.condition.read_as for item in judge_all(list(rows.values()), records, "qwen_xml")]
    assert read_as == ["qwen_xml", "json_fence", "qwen_xml"]


def test_completions_that_do_not_belong_are_refused(rows: dict[str, Row]) -> None:
    with pytest.raises(RowError, match=r"of the row `other`, which the data has not"):
        judge_all(list(rows.values()), [record("other", "x")])
    with pytest.raises(
        RowError, match=r"2 completions of the row `none` by m qwen_xml 0-shot, seed 0; give each run a label"
    ):
        judge_all(list(rows.values()), [record("none", "x"), record("none", "y")])


def test_rounding_puts_no_share_outside_of_its_interval() -> None:
    for of in range(1, 400):
        for successes in (0, of):
            low, high = wilson(successes, of)
            assert 0.0 <= low <= successes / of <= high <= 1.0
            assert not str(low).startswith("-")
