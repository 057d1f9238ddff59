"""A plan: seeds for an effect, and what n seeds can see."""

import json

import numpy as np
import pytest
from scipy.stats import chi2, ttest_ind

from runaudit.errors import NothingToJudgeError, UsageError
from runaudit.stats.planning import TABLE, Spread, plan_seeds, pooled_spread
from runaudit.stats.planning_words import markdown_lines, text_lines

SD = Spread(sd=0.3, source="--sd")


def test_the_table_is_the_one_that_was_simulated():
    """Welch at sd 0.3 and 80 %: 1.05, 0.755, 0.625, 0.40 at 3, 4, 5, 10; 7 seeds for 0.5 (20,000 simulated pairs)."""
    plan = plan_seeds(SD, 0.5)

    seen = {row.n: row.detectable for row in plan.table}
    assert tuple(seen) == TABLE == (3, 4, 5, 6, 8, 10, 20)
    assert [seen[n] for n in (3, 4, 5, 10)] == pytest.approx([1.05, 0.755, 0.625, 0.40], abs=0.006)
    assert plan.n_needed == 7


def test_the_planned_seeds_have_the_planned_power():
    rng = np.random.default_rng(1)
    a, b = rng.normal(0.5, 0.3, (20_000, 7)), rng.normal(0.0, 0.3, (20_000, 7))
    found = ttest_ind(a, b, axis=1, equal_var=False)

    power = np.mean((found.pvalue < 0.05) & (found.statistic > 0))

    row = next(row for row in plan_seeds(SD, 0.5).table if row.n == 6)
    assert power > 0.8 > row.power
    assert plan_seeds(SD, 0.5, power=power - 0.01).n_needed == 7  # standard error 0.0026


def test_the_pooled_spread_compares_no_two_cohorts():
    arms = [(30.1, 30.3, 30.2), (33.0, 33.5, 33.1, 33.4), (99.0,)]
    # Hand: sums of squares 0.02 and 0.17 over 2 + 3 degrees of freedom.
    expected = (0.19 / 5) ** 0.5

    spread = pooled_spread(arms)

    assert (spread.sd, spread.df) == (pytest.approx(expected, abs=1e-12), 5)
    ends = expected * np.sqrt(5 / chi2.ppf([0.975, 0.025], 5))
    assert (spread.ci.low, spread.ci.high) == pytest.approx(tuple(ends), rel=1e-9)


def test_a_measured_spread_is_planned_at_its_upper_end_too():
    plan = plan_seeds(pooled_spread([(30.1, 30.3, 30.2)]), 0.2)

    assert plan.n_needed_high > plan.n_needed
    assert f"At the upper end {plan.n_needed_high} seeds" in "\n".join(text_lines(plan))
    assert plan.to_json()["n_needed_at_upper_sd"] == plan.n_needed_high


def test_markdown_and_text_hold_the_same_rows():
    plan = plan_seeds(SD, 0.5)
    rows = [line.split() for line in "\n".join(text_lines(plan)).splitlines()[3:10]]

    for row in rows:
        assert f"| {row[0]} | {row[1]} |" in "\n".join(markdown_lines(plan))
    assert json.loads(json.dumps(plan.to_json()))["schema"] == "runaudit.plan/1"


@pytest.mark.parametrize("arms", [[], [(30.1,)], [(30.1, 30.1, 30.1)]])
def test_no_spread_is_no_plan(arms):
    with pytest.raises(NothingToJudgeError):
        pooled_spread(arms)


@pytest.mark.parametrize(
    ("sd", "effect", "power"),
    [(0.0, 0.5, 0.8), (float("nan"), 0.5, 0.8), (0.3, 0.0, 0.8), (0.3, float("nan"), 0.8), (0.3, 0.5, 1.0)],
)
def test_impossible_numbers_are_refused(sd, effect, power):
    with pytest.raises(UsageError):
        plan_seeds(Spread(sd=sd, source="--sd"), effect, power=power)


@pytest.mark.parametrize(
    ("sd", "effect", "seeds"),
    [(1e300, 1e-308, None), (1e-300, 1e300, 3), (5e-324, 1e308, 3), (1e300, 1e300, 17), (1e-300, 1e-300, 17),
     (5e-324, 5e-324, 17), (1.0, 1.0, 17), (1.0, -1.0, 17), (1.0, 1e-300, None), (1e-160, 1e160, 3)],
)  # fmt: skip
def test_a_plan_depends_on_the_ratio_alone_however_extreme_the_numbers(sd, effect, seeds):
    plan = plan_seeds(Spread(sd=sd, source="--sd"), effect)

    assert plan.n_needed == seeds
    assert all(np.isfinite(row.detectable) and 0 <= row.power <= 1 for row in plan.table)


@pytest.mark.parametrize("number", [float("inf"), float("nan"), float("-inf"), -1.0, 0.0, 1e308])
def test_a_spread_that_is_no_number_to_plan_with_is_refused(number):
    with pytest.raises(UsageError, match="cannot be planned with"):
        plan_seeds(Spread(sd=number, source="--sd"), 1.0)


@pytest.mark.parametrize("number", [float("inf"), float("nan"), float("-inf"), 0.0])
def test_an_effect_that_is_no_difference_is_refused(number):
    with pytest.raises(UsageError, match="cannot be planned for"):
        plan_seeds(SD, number)
