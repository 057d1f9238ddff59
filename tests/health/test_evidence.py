"""What a rule says rests on what was seen: nothing is excused, and nothing alarmed about, on less."""

import math

import numpy as np
import pytest

from runaudit.records.finding import Severity
from tests.health.test_hand import asked, noisy, over, steps


def turned(end=3.3, count=1_000, at=640, sd=0.02, seed=0):
    """A loss that fell to 1.1 and left it for good."""
    fall = 1.1 + 3.1 * np.exp(-steps(count) / 120)
    return noisy(np.where(steps(count) < at, fall, end), sd, seed)


# ── what excuses a rise ──────────────────────────────────────────────────────────────────────────────────────────

FLAT = noisy(np.full(1_000, 0.05), 0.001, 9)


@pytest.mark.parametrize(
    "terms",
    [
        {"train/loss/ce": turned(seed=1), "train/loss/reg": FLAT},
        {"train/loss/reg": FLAT},
        {"train/loss_reg": np.zeros(1_000)},
        {"train/loss_cls": turned(seed=1), "train/loss_box": noisy(0.3 + 0.5 * np.exp(-steps(1_000) / 120), 0.02)},
        {"train/loss/recon": turned(seed=1), "train/loss/kl": FLAT},
        {"train/loss_estimate": turned(sd=0.005, seed=2)},
        {"train/loss_ema": turned(sd=0.005, seed=2)},
    ],
    ids=["decay", "alone", "zero", "detection", "vae", "estimate", "average"],
)
def test_no_term_that_stayed_flat_excuses_the_total(terms):
    """Weight decay is flat in every training that falls apart; a running mean of the same loss is no term of it."""
    series = {"train/loss": over(turned()), "val/loss": over(turned(sd=0.005)[::25], 25)}
    found = asked("divergence", series | {name: over(values) for name, values in terms.items()})

    grave = {one.subject: one.severity for one in found if one.subject in series}
    assert grave == dict.fromkeys(series, Severity.CRITICAL)
    assert not any("did not rise" in one.message for one in found)


@pytest.mark.parametrize("is_weighted", [True, False])
def test_a_weight_that_grows_excuses_the_total_where_the_fit_is_as_good(is_weighted):
    x = steps(800) / 800
    weight = 1.5 * np.minimum(1, x / 0.5)
    recon = noisy(90 + 300 * np.exp(-x / 0.05), 2)
    kl = 30 * (1 - np.exp(-x / 0.1)) * np.exp(noisy(np.zeros(800), 0.03, 4))
    series = {"train/loss": recon + weight * kl, "train/recon": recon, "train/kl": weight * kl if is_weighted else kl}
    (found,) = asked("divergence", {name: over(values) for name, values in series.items()})

    assert found.severity is Severity.INFO
    assert "train/recon did not rise: what grew is train/kl, or its weight" in found.message

    worse = {"val/loss": over(noisy(np.where(x < 0.25, 90 + 300 * np.exp(-x / 0.05), 200), 2))}
    both = asked("divergence", {name: over(values) for name, values in series.items()} | worse)
    assert {one.severity for one in both} != {Severity.INFO}


def test_a_curve_that_leapt_has_not_improved_since():
    """What improves beside a loss is measured from before the leap, not from the height that it leapt to."""
    held = np.where(steps(40) < 25, 1 + 3 * np.exp(-steps(40) / 5), 4 - (steps(40) - 25) / 15)
    found = asked("divergence", {"train/loss": over(turned()), "val/loss": over(noisy(held, 0.005), 25)})

    assert {one.subject: one.severity for one in found}["train/loss"] is Severity.CRITICAL


def test_a_run_that_goes_on_is_not_stopped_in_its_warm_up():
    rising = noisy(2.3 + 1.5 * np.minimum(1, steps(400) / 200), 0.03)

    assert asked("divergence", {"train/loss": over(rising)}, goes_on=True) == ()
    (ended,) = asked("divergence", {"train/loss": over(rising)})
    assert ended.severity is Severity.CRITICAL
    (burst,) = asked("divergence", {"train/loss": over(rising**8)}, goes_on=True)
    assert burst.severity is Severity.CRITICAL


# ── numbers that are none ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("is_bad", [lambda i: i % 2, lambda i: i % 10, lambda i: i < 500, lambda i: i < 900])
def test_no_pattern_of_nan_makes_a_training_loss_a_number(is_bad):
    values = [(i, math.nan if is_bad(i) else 0.3 + 2 * math.exp(-i / 100)) for i in range(1_000)]
    (found,) = asked("nonfinite_loss", {"train/loss": values})

    assert found.severity is Severity.CRITICAL
    assert found.evidence["count"] == sum(math.isnan(value) for _, value in values)


def test_a_last_value_that_is_no_number_is_warned_of():
    values = [(i, math.nan if i == 999 else 0.3 + 2 * math.exp(-i / 100)) for i in range(1_000)]
    (found,) = asked("nonfinite_loss", {"train/loss": values})

    assert found.severity is Severity.WARNING and "at its end" in found.message
