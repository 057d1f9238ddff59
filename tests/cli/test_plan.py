"""`runaudit plan`: seeds for an effect, from a number or from recorded cohorts."""

import json

import pytest

from tests.cli.recorded import METRIC, cohort
from tests.diff.samples import put


def test_a_plan_needs_no_store(runaudit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    code, out, _ = runaudit("plan", "--sd", 0.3, "--effect", 0.5)

    assert code == 0 and out.startswith("7 seeds per arm find a true difference of 0.5 with 80 % power")
    assert runaudit("plan", "--sd", 0.3, "--effect", 0.5, "-q")[1].count("\n") == 1


def test_the_spread_of_recorded_cohorts_is_pooled(runaudit, here):
    cohort(here, "old", (30.1, 30.3, 30.2))
    cohort(here, "new", (33.0, 33.5, 33.1, 33.4), put("config/optimizer/lr", 5e-4))

    code, out, _ = runaudit("plan", "--metric", METRIC, "old", "new", "--effect", 0.3, "--json")

    plan = json.loads(out)
    assert (code, plan["schema"], plan["sd_df"]) == (0, "runaudit.plan/1", 5)
    assert plan["sd"] == pytest.approx((0.19 / 5) ** 0.5)  # sums of squares 0.02 and 0.17, by hand
    assert len(plan["table"]) == 7 and plan["sd_source"] == "7 seeds of 2 cohorts"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 2),
        (("--sd", "0"), 2),
        (("--sd", "0.3", "old"), 2),
        (("--metric", METRIC), 2),
        (("--metric", "nonsense", "old"), 2),
        (("--metric", METRIC, "one"), 3),
        (("--sd", "0.3", "--effect", "0.00001"), 3),
        (("--sd", "0.3", "--effect", "0.00001", "--exit-zero"), 0),
    ],
)
def test_what_cannot_be_planned_is_said_in_one_line(runaudit, here, words, code):
    cohort(here, "old", (30.1, 30.3, 30.2))
    cohort(here, "one", (30.1,), put("config/optimizer/lr", 5e-4))

    ended, _, err = runaudit("plan", *words)

    assert ended == code and err.count("\n") <= 1
