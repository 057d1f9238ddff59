"""A run that was stopped from outside and launched again is one draw where the numbers show it, and only there."""

import pytest

from runaudit.factors.cohort import cohort_of
from runaudit.judge.values import values_of
from runaudit.metrics.quantity import Quantity
from runaudit.stats.cohort import collapse
from tests.diff.samples import both, put, run


def trained(seed, *, steps=6, shift=0.0, status="completed"):
    points = [[step, 1 / (seed + 3 + step) + shift] for step in range(steps)]
    ended = put("metrics", {"acc": 0.5 + seed / 7}) if status == "completed" else put("metrics", {})
    return run(both(put("seed", seed), put("series", {"train/loss": points}), put("runtime/status", status), ended))


def sample_of(*runs):
    (values,) = values_of([cohort_of(list(runs))], Quantity("acc"))
    return collapse(values)


@pytest.mark.parametrize(
    ("stopped", "failed"),
    [
        pytest.param({"steps": 4, "status": "killed"}, (), id="the beginning of the one that finished"),
        pytest.param({"steps": 4, "status": "killed", "shift": 1e-15}, ("killed",), id="other numbers: another draw"),
        pytest.param({"steps": 4, "status": "crashed"}, ("crashed",), id="it ended by itself"),
        pytest.param({"steps": 8, "status": "killed"}, ("killed",), id="it went further than the other"),
        pytest.param({"steps": 0, "status": "killed"}, ("killed",), id="nothing shows it"),
    ],
)
def test_what_was_stopped_and_launched_again_is_its_draw_where_both_are_equal_to_the_bit(stopped, failed):
    sample = sample_of(trained(0), trained(1), trained(2), trained(1, **stopped))

    assert [one.reason for one in sample.failed] == list(failed)
    assert len(sample.values) == 3
    assert any("launched again with the same seed (1)" in note for note in sample.notes) is not bool(failed)


def test_another_seed_that_finished_says_nothing_of_one_that_was_stopped():
    sample = sample_of(trained(0), trained(2), trained(1, steps=4, status="killed"))

    assert [one.reason for one in sample.failed] == ["killed"]
