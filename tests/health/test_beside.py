"""What is logged beside the loss, and may be taken for something else: flags, counts, levels of a task."""

import numpy as np
import pytest

from runaudit.records.finding import Severity
from tests.health.test_hand import asked, noisy, over, steps

LEARNT = over(noisy(0.3 + np.exp(-steps(2000) / 300), 0.02))
SINCE_800 = (steps(2000) >= 800).astype(float)


# ── the optimiser ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["found_inf", "train/step_skipped", "grad_overflow"])
def test_a_flag_that_stays_up_is_an_optimiser_that_does_not_step(name):
    (found,) = asked("optimizer_not_stepping", {"train/loss": LEARNT, name: over(SINCE_800)})

    assert (found.severity, found.step) == (Severity.CRITICAL, 800)
    assert "1200 logged steps in a row" in found.message


@pytest.mark.parametrize("name", ["skipped", "amp/skipped"])
def test_a_series_that_went_back_to_zero_flags_whatever_it_is_called(name):
    flags = SINCE_800.copy()
    flags[[30, 100, 400]] = 1.0
    (found,) = asked("optimizer_not_stepping", {"train/loss": LEARNT, name: over(flags)})

    assert (found.severity, found.step) == (Severity.CRITICAL, 800)


@pytest.mark.parametrize("name", ["skipped", "amp/skipped", "skipped_steps"])
def test_of_what_may_count_or_flag_both_are_told(name):
    (found,) = asked("optimizer_not_stepping", {"train/loss": LEARNT, name: over(SINCE_800)})

    assert (found.severity, found.step) == (Severity.INFO, 800)
    assert "one step was skipped if it is a count, every one since" in found.message


def test_where_the_scale_is_logged_it_says_which():
    scale = {"amp/scale": over(np.where(steps(2000) < 800, 65536.0, 32768.0))}

    assert asked("optimizer_not_stepping", {"train/loss": LEARNT, "amp/skipped": over(SINCE_800), **scale}) == ()


@pytest.mark.parametrize("every", [1, 10])
@pytest.mark.parametrize("name", ["skipped", "train/skipped"])
def test_a_count_that_grows_at_every_step_is_one_under_a_short_name(name, every):
    counts = over(np.maximum(0, steps(2000)[::every] - 800), every)
    (found,) = asked("optimizer_not_stepping", {"train/loss": LEARNT, name: counts})

    assert (found.severity, found.step) == (Severity.CRITICAL, 801)


@pytest.mark.parametrize("name", ["found_inf", "grad_overflow", "skipped", "amp/skipped"])
def test_single_skipped_steps_are_nothing(name):
    flags = np.isin(steps(2000), (300, 1000, 1900)).astype(float)

    assert asked("optimizer_not_stepping", {"train/loss": LEARNT, name: over(flags)}) == ()


# ── gradients ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("rule", ["grad_explosion", "grad_vanishing"])
@pytest.mark.parametrize("name", ["grad_overflow", "grad/mean", "grad_var"])
def test_what_is_no_norm_neither_explodes_nor_vanishes(rule, name):
    values = np.where(steps(2000) < 800, 1e-12, 1e-9)

    assert asked(rule, {"train/loss": LEARNT, "train/grad_norm": over(np.ones(2000)), name: over(values)}) == ()


@pytest.mark.parametrize("rule", ["grad_explosion", "grad_vanishing"])
def test_a_module_that_begins_to_be_trained_did_not_explode(rule):
    norm = np.where(steps(2000) < 500, 0.0, noisy(np.full(2000, 0.5), 0.02))

    assert asked(rule, {"train/loss": LEARNT, "grad_norm/decoder": over(norm)}) == ()


# ── levels of a task ─────────────────────────────────────────────────────────────────────────────────────────────


def _curriculum(name):
    level = steps(4000) // 800
    loss = noisy(0.3 + 0.08 * level + 0.2 * np.exp(-(steps(4000) % 800) / 100), 0.03)
    return loss, {name: over(level)}


@pytest.mark.parametrize("name", ["curriculum/level", "difficulty", "train/seq_len"])
def test_a_loss_that_rises_where_the_task_is_made_harder_has_not_diverged(name):
    loss, level = _curriculum(name)
    (found,) = asked("divergence", {"train/loss": over(loss), **level})

    assert found.severity is Severity.INFO
    assert f"({name} was raised in that time)" in found.message


def test_a_loss_that_rises_between_two_levels_has():
    loss, level = _curriculum("curriculum/level")
    loss[3500:] += 2 * (1 - np.exp(-steps(500) / 60))
    found = asked("divergence", {"train/loss": over(loss), **level})

    assert [one.severity for one in found] == [Severity.CRITICAL]


def test_a_jump_that_is_learnt_away_is_no_spike():
    """A round with new data begins high and comes down over an eighth of the run."""
    saw = noisy(0.3 + 0.25 * (steps(3000) // 600) + np.exp(-(steps(3000) % 600) / 120), 0.02)

    assert asked("spike", {"train/loss": over(saw)}) == ()


def test_a_curve_that_swings_with_a_weight_is_not_said_to_swing_with_the_learning_rate():
    beta = np.minimum(1, (steps(3000) % 500) / 250)
    loss = noisy(1 + 2 * np.exp(-steps(3000) / 300) + 0.5 * beta, 0.05)
    (found,) = asked("oscillation", {"loss": over(loss), "beta": over(beta)})

    assert "as beta does" in found.message and "learning rate" not in found.message.split("as beta")[0]


# ── a quality beside the losses ──────────────────────────────────────────────────────────────────────────────────


def _losses(count=60):
    falling = noisy(0.5 + np.exp(-steps(count) / 15), 0.01)
    return {"train/loss": over(falling - 0.1), "val/loss": over(falling)}


def test_an_accuracy_that_falls_from_its_start_while_the_losses_fall_is_warned_of():
    (found,) = asked("overfit", {**_losses(), "val/acc": over(noisy(0.8 - 0.004 * steps(60), 0.004))})

    assert (found.subject, found.severity) == ("val/acc", Severity.WARNING)
    assert found.step <= 6


def test_where_another_quality_improves_that_is_told_only():
    """An adversary trades PSNR for LPIPS."""
    series = {"val/psnr": over(noisy(32 - 0.05 * steps(60), 0.05)), "val/lpips": over(0.3 - 0.002 * steps(60))}
    (found,) = asked("overfit", {**_losses(), **series})

    assert (found.subject, found.severity) == ("val/psnr", Severity.INFO)
    assert "val/lpips improves" in found.message


@pytest.mark.parametrize("seed", range(5))
def test_an_accuracy_that_scatters_about_where_it_began_is_nothing(seed):
    assert asked("overfit", {**_losses(), "val/acc": over(noisy(np.full(60, 0.8), 0.02, seed))}) == ()


@pytest.mark.parametrize(
    "name", ["train/bce", "train/info_nce", "train/ctc", "train/huber", "train/hinge", "train/bpc"]
)
def test_a_loss_that_is_called_by_its_kind_alone_is_one(name):
    turned = np.where(steps(400) < 200, 0.3 + np.exp(-steps(400) / 40), 1.8)
    (found,) = asked("divergence", {name: over(noisy(turned, 0.02))})

    assert found.severity is Severity.CRITICAL
