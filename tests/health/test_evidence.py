"""What a rule says rests on what was seen: nothing is excused, and nothing alarmed about, on less."""

import math

import numpy as np
import pytest

from runaudit.health.answer import RULES
from runaudit.health.facts import trajectory_facts
from runaudit.records.finding import Severity
from runaudit.records.record_file import record_of, run_of
from runaudit.records.trajectory import Event
from runaudit.rules import check_all
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


# ── where a curve ends, and what it ends at ──────────────────────────────────────────────────────────────────────


def test_a_leap_in_the_last_hundredths_of_a_run_is_found_once_it_has_ended():
    curve = noisy(np.where(steps(3_000) < 2_910, 0.3 + 2 * np.exp(-steps(3_000) / 350), 1.9), 0.05)
    (found,) = asked("divergence", {"train/loss": over(curve)})

    assert (found.severity, found.step) == (Severity.WARNING, 2_910)
    assert asked("divergence", {"train/loss": over(curve)}, goes_on=True) == ()


def test_a_loss_near_zero_that_grows_a_thousandfold_has_diverged():
    """On the scale of its start the rise is 3 %."""
    curve = (1e-5 + np.exp(-steps(1_000) / 40)) * np.exp(noisy(np.zeros(1_000), 0.3))
    curve[800:] *= 3e3
    (found,) = asked("divergence", {"train/loss": over(curve)})

    assert (found.severity, found.step) == (Severity.WARNING, 800)
    assert "times as high" in found.message


@pytest.mark.parametrize(
    ("name", "values", "severity"),
    [
        ("val/acc", [0.1] * 60, Severity.WARNING),
        ("val/psnr", [29.137] * 60, Severity.WARNING),
        ("val/loss", [1 / (1 + at) for at in range(20)] + [0.5123] * 40, Severity.WARNING),
        ("val/psnr_bicubic", [33.0] * 60, None),
        ("val/best_acc", [0.1] * 60, None),
        ("val/acc", [1.0] * 60, None),
    ],
)
def test_a_held_out_number_that_stands_still_is_warned_of_unless_it_is_meant_to(name, values, severity):
    learned = over(noisy(0.3 + 2 * np.exp(-steps(600) / 200), 0.02))
    found = asked("frozen", {"train/loss": learned, name: over(values, 10)})

    assert [one.severity for one in found] == ([] if severity is None else [severity])


def test_a_late_leap_of_a_metric_is_no_swing():
    """Grokking: half a training of nothing, then all at once."""
    late = 0.05 + 0.94 / (1 + np.exp(-(steps(200) - 140) / 4))
    series = {"val/acc": over(noisy(late, 0.005), 100), "train/loss": over(noisy(np.exp(-steps(2_000) / 50), 0.01), 10)}

    assert asked("oscillation", series | {"train/lr": over([1e-3] * 2_000, 10)}) == ()


def test_one_sample_of_a_small_set_is_no_divergence():
    shares = [31, 40, 47, 49, 50, 49, 50, *[49] * 20]
    found = asked("divergence", {"val/acc": over([share / 80 for share in shares])})

    assert found == ()


# ── what is not known is not said ────────────────────────────────────────────────────────────────────────────────


def test_what_was_learned_before_the_log_begins_is_not_held_against_it():
    level = noisy(np.full(400, 0.033), 0.006)
    (late,) = asked("not_learning", {"train/loss": [(20_000 + 50 * at, value) for at, value in enumerate(level)]})
    (whole,) = asked("not_learning", {"train/loss": over(level, 50)})

    assert (late.severity, whole.severity) == (Severity.INFO, Severity.WARNING)


def test_a_bound_that_may_be_logged_with_either_sign_neither_worsens_nor_has_a_best():
    series = {
        "train/loss": over(noisy(100 + 400 * np.exp(-steps(400) / 40), 2)),
        "val/elbo": over(noisy(-120 - 370 * np.exp(-steps(40) / 4), 1), 10),
    }
    facts = trajectory_facts(series)
    found = check_all(RULES, facts).findings

    assert facts["best"] is None
    assert not [one for one in found if one.severity >= Severity.WARNING]
    assert [one.message for one in found if one.code == "RA453"] == [
        "val/elbo was not judged: nobody knows which way it improves"
    ]


def test_a_curve_of_unknown_direction_that_went_far_and_came_back_is_warned_of():
    score = np.where(steps(80) < 50, 0.9 - 0.85 * np.exp(-steps(80) / 10), 0.05)
    found = asked("direction_unknown", {"val/score": over(noisy(score, 0.01), 50)})

    assert [one.severity for one in found] == [Severity.WARNING, Severity.INFO]
    assert "came to 0.9" in found[0].message


def test_a_series_of_unknown_direction_must_be_a_number_too():
    broken = [(at, 0.5 if at < 250 else math.nan) for at in range(400)]

    assert asked("nonfinite_loss", {"val/score": broken})[0].severity is Severity.CRITICAL


def test_no_baseline_is_the_best_of_a_run():
    series = {"val/psnr": over([29.0, 29.5, 30.0]), "val/psnr_bicubic": over([32.0] * 3)}

    assert trajectory_facts(series)["best"].metric == "val/psnr"


# ── on which side of an event ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("leads", [None, True])
@pytest.mark.parametrize("first", [65536.0, 32768.0])
def test_the_value_at_a_resume_is_of_the_side_that_it_fits(first, leads):
    scale = [1024.0] * 300 + [max(1024.0, first / 2**at) for at in range(300)]
    resume = (Event(step=300, kind="resume", leads=leads),)
    config = {"init_scale": 65536}
    (found,) = asked("scaler_state_not_restored", {"amp/scale": over(scale)}, events=resume, config=config)

    assert (found.severity, found.step) == (Severity.WARNING, 300)
    assert f"was 1024 before the resume and {first:.0f} at step 300" in found.message


@pytest.mark.parametrize(("at", "told"), [(300, 300), (301, 301)])
def test_a_leap_at_a_stage_is_told_of_the_step_at_which_it_came(at, told):
    """The event is at step 300; whether the value there is of the old or the new stage the values say."""
    curve = np.where(steps(600) < at, 0.2 + np.exp(-steps(600) / 60), 2.0)
    events = (Event(step=300, kind="stage", detail={"name": "b"}),)
    (found,) = asked("stage_transition", {"val/error": over(noisy(curve, 0.01))}, events=events)

    assert found.step == told


def test_a_module_that_a_stage_leaves_alone_has_no_gradient_that_vanished():
    events = (Event(step=0, kind="stage", detail={"name": "a"}), Event(step=200, kind="stage", detail={"name": "b"}))
    series = {
        "train/loss": over(noisy(1 + np.exp(-steps(400) / 50), 0.01)),
        "train/grad_norm/align": over([1.0] * 200 + [0.0] * 200),
        "train/grad_norm/fusion": over([0.0] * 200 + [0.6] * 200),
    }

    assert asked("grad_vanishing", series, events=events) == ()


def test_a_resume_that_was_told_explains_steps_that_come_twice():
    twice = over(np.linspace(2, 1, 600)) + [(step, 1.0) for step in range(500, 1_000)]
    told = (Event(step=500, kind="resume"),)

    assert asked("log_irregular", {"train/loss": sorted(twice)}, events=told) == ()
    assert asked("log_irregular", {"train/loss": sorted(twice)})


# ── numbers of one sentence are of one stretch ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seed", range(3))
def test_halvings_less_growths_are_what_lies_between_the_two_scales(seed):
    rng, scale, values = np.random.default_rng(seed), 65536.0, []
    for _ in range(12_000):
        scale = scale / 2 if rng.random() < 0.004 else scale * 2 if rng.random() < 0.0004 else scale
        values.append(scale)
    (found,) = asked("scaler_collapse", {"amp/scale": over(values)})

    halvings, growths = found.evidence["halvings"], found.evidence["growths"]
    assert found.evidence["from"] / 2.0 ** (halvings - growths) == found.evidence["lowest"]
    assert f"at least {halvings} halving" in found.message
    assert growths != 1 or "1 growth in" in found.message


def test_a_scale_of_nothing_is_told():
    (found,) = asked("scaler_collapse", {"amp/scale": over([0.0] * 500)})

    assert found.severity is Severity.CRITICAL and "since step 0" in found.message


def test_a_number_beyond_reckoning_is_told_as_it_was_logged():
    high = [1 / (1 + at / 10) for at in range(700)] + [1e308] * 300
    (found,) = asked("divergence", {"train/loss": over(high)})

    assert "to 1e+308" in found.message


def test_of_an_evaluation_that_dies_the_steps_in_between_are_not_counted():
    padded = [(at, 1 / (1 + at) if at % 50 == 0 and at < 2_500 else math.nan) for at in range(4_000)]
    (found,) = asked("nonfinite_loss", {"val/loss": padded})

    assert (found.severity, found.step) == (Severity.CRITICAL, 2_500)
    assert found.evidence["count"] == 1_500


def test_a_stage_of_a_record_keeps_what_it_trains_in_every_form_and_on_the_way_out():
    told = [
        {"step": 5, "stage": "fusion", "trains": ["fusion"]},
        {"step": 5, "kind": "stage", "name": "fusion", "trains": ["fusion"]},
        {"step": 5, "stage": {"name": "fusion", "trains": ["fusion"]}},
    ]
    for event in told:
        run = run_of({"schema": "runaudit.record/1", "label": "a", "events": [event]}, where="here")
        (found,) = run.trajectory.events
        (out,) = record_of(run)["events"]

        assert (found.step, found.kind, found.stage, list(found.detail["trains"])) == (5, "stage", "fusion", ["fusion"])
        assert out == told[1]
