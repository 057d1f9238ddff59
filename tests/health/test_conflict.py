"""Two losses that pull shared weights apart are told as a hypothesis, with numbers; noise around zero is not told."""

import numpy as np
import pytest
from scipy import stats

from runaudit.health.answer import RULES
from runaudit.health.facts import trajectory_facts
from runaudit.records.finding import Severity
from runaudit.records.trajectory import Event
from runaudit.rules import check_all
from runaudit.stats.sign import sign_test_below_zero
from tests.health.curves import cosines

NAME = "gradient_conflict/cosine"


def found(values, *, name=NAME, events=()):
    series = {name: [(10 * i, float(value)) for i, value in enumerate(values)]}
    told = check_all(RULES, trajectory_facts(series, events=events)).findings
    return tuple(finding for finding in told if finding.name == "gradient_conflict")


def noise(n, sd=0.2, seed=0):
    return sd * np.random.default_rng(seed).standard_normal(n)


def test_a_lasting_conflict_is_a_warning_that_claims_no_cause_and_says_how_many_points():
    values = np.where(np.arange(100) < 30, 0.4, -0.5) + noise(100, 0.1)

    (one,) = found(values)

    assert one.severity is Severity.WARNING
    assert 250 <= one.step <= 320
    assert one.message.startswith(f"{NAME} is negative at 50 of the last 50 points (median -0.49")
    assert "may pull" in one.message and "a hypothesis to test, not a cause" in one.remedy
    assert (one.evidence["points"], one.evidence["below"]) == (50, 50)
    assert one.evidence["independent"] <= 50 and one.evidence["p"] < 1e-6


def test_a_slight_one_is_for_information():
    (one,) = found(-0.2 + noise(80, 0.1))

    assert (one.severity, one.step) == (Severity.INFO, 0)


@pytest.mark.parametrize(
    "values",
    [
        0.4 + noise(60), np.where(np.arange(60) < 30, -0.6, 0.2) + noise(60, 0.05), -0.6 + noise(18, 0.1),
        -0.05 + noise(400, 0.02), np.zeros(60), 3 * (-0.6 + noise(60, 0.1)),
    ],
    ids=["agree", "over by half", "too few", "too small to matter", "no angle", "no cosine"],
)  # fmt: skip
def test_what_is_no_lasting_conflict_is_not_told(values):
    assert found(values) == ()


@pytest.mark.parametrize("name", ["train/cosine_similarity", "grad_norm", "lr_cosine"])
def test_a_cosine_of_something_else_is_not_asked(name):
    assert found(-0.6 + noise(60, 0.1), name=name) == ()


def test_each_stage_is_judged_by_itself():
    values = np.where(np.arange(120) < 60, 0.5, -0.5) + noise(120, 0.1)
    stages = tuple(Event(step=step, kind="stage", detail={"name": name}) for step, name in ((0, "sr"), (595, "joint")))

    (one,) = found(values, events=stages)

    assert "(joint)" in one.message and one.step >= 600


def test_noise_around_zero_with_and_without_memory_is_silent_in_99_of_100():
    loud = sum(bool(found(cosines(np.random.default_rng([77, seed]), 60, 0.0))) for seed in range(300))

    assert loud <= 3


def test_without_memory_the_sign_test_is_the_binomial_one():
    values = np.array([-0.3, 0.1, -0.2, 0.4, -0.6, -0.1, 0.2, -0.9, 0.1, -0.4, 0.3, -0.2])

    found = sign_test_below_zero(values)

    assert (found.below, found.independent) == (7, 12)
    assert found.p == pytest.approx(stats.binomtest(7, 12, alternative="greater").pvalue)


def test_values_that_are_alike_count_as_few():
    slow = np.repeat([-0.4, -0.5, -0.3, -0.6], 15)

    found = sign_test_below_zero(slow)

    assert found.below == 60 and found.independent < 10
    assert sign_test_below_zero(np.full(50, -0.5)).independent == 1
    with pytest.raises(ValueError, match="no value"):
        sign_test_below_zero(np.array([]))
