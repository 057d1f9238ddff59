"""Curves whose answer is known from a hand calculation, the notes, or a library's documentation."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from runaudit.health.answer import RULES
from runaudit.health.facts import facts_of_run, trajectory_facts
from runaudit.records.columns import tables_of
from runaudit.records.finding import Severity
from runaudit.records.points import Points
from runaudit.records.trajectory import Event, read_lines
from runaudit.rules import check, check_all, find_rule
from runaudit.stats.trend import trend


def asked(name, series, **more):
    return check(find_rule(RULES, name), trajectory_facts(series, **more))


def over(values, every=1):
    return [(number * every, float(value)) for number, value in enumerate(values)]


def noisy(values, sd, seed=0):
    return np.asarray(values) + sd * np.random.default_rng(seed).standard_normal(len(values))


def steps(count):
    return np.arange(count)


# ── divergence ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seed", range(5))
def test_an_explosion_does_not_hide_behind_its_own_ups_and_downs(seed):
    """A validation error of 60 looks: 1.1 down to 0.45, and then wild ground at decades above all it began with."""
    draw = np.random.default_rng(seed)
    learnt = 0.45 + 0.65 * np.exp(-np.arange(25) / 8) + 0.02 * draw.standard_normal(25)
    wild = np.exp(draw.uniform(np.log(2), np.log(200), 35))
    (found,) = asked("divergence", {"val/mse": over([*learnt, *wild], 25)})

    assert found.severity >= Severity.WARNING
    assert found.step >= 500


def test_the_diverged_run_of_the_notes_is_critical_and_its_best_is_named():
    """6.0 at the start, 0.06 at 25,000, 6.74 at 90,000: (6.74 - 0.06) / (6.0 - 0.06) = 1.125."""
    grid = np.arange(0, 90_001, 500)
    log = np.interp(grid, [0, 25_000, 90_000], np.log([6.0, 0.06, 6.74]))
    (found,) = asked("divergence", {"train/loss": list(zip(grid.tolist(), np.exp(log).tolist(), strict=True))})

    assert found.severity is Severity.CRITICAL
    assert abs(found.evidence["best_step"] - 25_000) <= 2_500
    assert abs(found.step - 25_000) <= 4_500
    assert found.evidence["share"] > 0.9


@pytest.mark.parametrize("shift", [0.0, -5.0, 1e6])
def test_a_divergence_is_one_wherever_zero_lies(shift):
    """A ratio of losses means nothing for a likelihood below zero; the share of the progress is the same."""
    fall = np.concatenate([np.linspace(3, 1, 100), np.linspace(1, 2.5, 100)]) + shift
    (found,) = asked("divergence", {"train/nll": over(noisy(fall, 0.02))})

    assert found.evidence["share"] == pytest.approx(0.75, abs=0.1)


def test_noise_that_never_learned_does_not_diverge():
    heavy = np.random.default_rng(1).standard_t(2, 2_000)

    assert asked("divergence", {"train/loss": over(heavy)}) == ()


def test_a_restart_of_the_learning_rate_explains_a_rise():
    cycle = np.concatenate([np.linspace(2, 0.5, 100), np.linspace(1.4, 1.2, 40)])
    rate = np.concatenate([np.linspace(1e-3, 1e-5, 100), np.linspace(1e-3, 9e-4, 40)])
    (found,) = asked("divergence", {"train/loss": over(noisy(cycle, 0.01)), "train/lr": over(rate)})

    assert found.severity is Severity.INFO
    assert "(train/lr was raised in that time)" in found.message


def test_of_two_opponents_one_may_rise():
    rising = np.concatenate([np.linspace(2, 0.7, 50), np.linspace(0.7, 4, 150)])
    series = {"loss/generator": over(noisy(rising, 0.05)), "loss/discriminator": over(noisy(rising[::-1], 0.05))}

    assert all(found.severity is Severity.INFO for found in asked("divergence", series))


def test_a_loss_may_rise_where_what_the_training_is_for_improves():
    """The targets of a value function grow with the returns."""
    series = {"td_loss": over(noisy(0.5 - 0.4 * np.exp(-steps(400) / 80), 0.02)),
              "episode_return": over(noisy(20 - 40 * np.exp(-steps(400) / 120), 1.0))}  # fmt: skip

    assert all(found.severity is Severity.INFO for found in asked("divergence", series))
    assert (
        asked("not_learning", {"loss": over(noisy(np.zeros(400), 0.02)), "episode_return": series["episode_return"]})
        == ()
    )


def test_a_total_may_rise_as_the_weight_of_a_term_does():
    warm = np.minimum(1, steps(800) / 560)
    recon = 100 + 80 * np.exp(-steps(800) / 80)
    series = {
        "loss": over(noisy(recon + 20 * warm, 1)),
        "recon": over(noisy(recon, 1)),
        "kl": over(noisy(20 * warm, 0.3)),
    }

    assert all(found.severity is Severity.INFO for found in asked("divergence", series))


def test_a_learned_loss_may_rise_where_the_held_out_one_improves():
    """A stronger augmentation that is switched on late."""
    learned = np.where(steps(400) < 250, 2 * np.exp(-steps(400) / 60) + 0.5, 1.1)
    series = {"train/loss": over(noisy(learned, 0.02)), "val/loss": over(noisy(1.5 - steps(400) / 500, 0.01))}

    assert all(found.severity is Severity.INFO for found in asked("divergence", series))


def test_growth_to_the_end_is_not_on_the_way_back():
    grown = np.where(steps(1_500) < 900, 0.2 + np.exp(-steps(1_500) / 100), 0.2 * np.exp((steps(1_500) - 900) / 63))
    (found,) = asked("divergence", {"train/loss": over(grown * np.exp(noisy(np.zeros(1_500), 0.15)))})

    assert found.severity is Severity.CRITICAL and "way back" not in found.message


def test_what_was_logged_after_an_event_at_its_step_is_of_the_new_stage():
    raw = (b'{"s":5,"v":{"loss":1.0}}\n{"s":5,"e":"stage","d":{"name":"b"}}\n{"s":6,"v":{"loss":2.0}}\n'
           b'{"s":9,"e":"resume","d":{}}\n{"s":9,"v":{"loss":3.0}}\n')  # fmt: skip

    for trajectory in (read_lines(raw), tables_of([raw]).trajectory()):
        assert [(event.kind, event.boundary) for event in trajectory.events] == [("stage", 5), ("resume", 8)]


def test_of_two_events_at_one_step_both_lead_what_was_logged_after_them():
    raw = b'{"s":5,"e":"resume","d":{}}\n{"s":5,"e":"stage","d":{"name":"b"}}\n{"s":5,"v":{"loss":1.0}}\n'

    for trajectory in (read_lines(raw), tables_of([raw]).trajectory()):
        assert [event.boundary for event in trajectory.events] == [4, 4]


def test_a_constant_that_is_no_loss_is_not_frozen():
    assert asked("frozen", {"val/psnr_bicubic": over([33.0] * 100), "train/loss": over(noisy(np.ones(100), 0.1))}) == ()


# ── the loss scale ───────────────────────────────────────────────────────────────────────────────────────────────


def saw(count, *, top=17, interval=2000):
    """A scale as PyTorch's scaler keeps it whose ceiling is 2**top: one skip each time it is met."""
    scale, value, clean = [], 65536.0, 0
    for _ in range(count):
        if value > 2.0**top:
            value, clean = value / 2, 0
        else:
            clean += 1
            if clean == interval:
                value, clean = value * 2, 0
        scale.append(value)
    return scale


def scaler_names(series, **more):
    facts = trajectory_facts(series, **more)
    return {found.name for found in check_all(RULES, facts).findings if found.code.startswith("RA41")}


@pytest.mark.parametrize(
    "scale",
    [
        [1.0] * 500,  # a GradScaler that is switched off
        saw(20_000),
        saw(20_000, top=24),  # growth above 65536 is healthy
        [2.0**32 / 2 ** min(step, 16) for step in range(3_000)],  # DeepSpeed's search for a scale that fits
        [65536.0, 32768.0, 16384.0, 8192.0, *[8192.0] * 90, *saw(2_000)],
    ],
    ids=["off", "saw", "growing", "search", "early"],
)
def test_a_scaler_that_works_is_silent(scale):
    assert scaler_names({"amp/scale": over(scale)}) == set()


def test_a_scale_that_falls_without_end_is_a_collapse_with_its_onset():
    """Above skips of p* = 1 - 2**(-1/2000) = 0.0347 % a step the scale drifts down: here every fiftieth is skipped."""
    fall = [65536.0] * 1_000 + [65536.0 / 2 ** (number // 50 + 1) for number in range(1_000)]
    (found,) = asked("scaler_collapse", {"amp/scale": over(fall)})

    assert (found.severity, found.step) == (Severity.CRITICAL, 1_000)
    assert found.evidence["halvings"] == 20 and found.evidence["growths"] == 0


@pytest.mark.parametrize("held", [0, 1], ids=["falling", "at its floor"])
def test_a_fall_that_only_the_end_of_the_run_ends_is_no_search(held):
    """An FFT head under fp16 lost every step from the fourteenth on, and the run was over before the hundredth."""
    fall = [65536.0] * 13 + [65536.0 / 2**number for number in range(1, 48)]
    (found,) = asked("scaler_collapse", {"amp/scale": over([*fall, *fall[-1:] * held])})

    assert (found.severity, found.step) == (Severity.CRITICAL, 13)
    assert found.evidence["halvings"] == 47


@pytest.mark.parametrize("fits_after", [20, 24])
def test_a_search_that_found_its_scale_is_none_however_low(fits_after):
    """A loss of weight 1e9 took 24 halvings and trained as well as any; one that is still at its twentieth may, too."""
    search = [65536.0 / 2**number for number in range(fits_after + 1)]
    rest = search[-1:] * (40 if fits_after > 20 else 0)

    assert asked("scaler_collapse", {"amp/scale": over([*search, *rest])}) == ()


@pytest.mark.parametrize("first, rest", [(16, 12), (24, 13), (32, 10)])
@pytest.mark.parametrize("count, goes_on", [(15, True), (25, True), (150, True), (150, False), (800, False)])
def test_a_search_for_the_scale_is_no_failure_however_short_the_run_and_whether_it_goes_on(first, rest, goes_on, count):
    scale = [2.0 ** max(rest, first - 1 - step) for step in range(800)]
    skipped = [min(step + 1, first - rest) for step in range(800)]
    series = {"loss_scale": over(scale[:count])} | ({"skipped_steps": over(skipped[:count])} if count > 25 else {})
    norms = [math.inf if step < first - rest else 1.0 for step in range(800)]
    series["grad_norm"] = over(norms[:count])
    facts = trajectory_facts(series, config={"fp16": {"enabled": True}}, goes_on=goes_on)

    told = [found for found in check_all(RULES, facts).findings if found.code.startswith("RA4")]
    assert all(found.severity is Severity.INFO for found in told), told


@pytest.mark.parametrize("rest", [0, -5])
def test_a_search_that_ends_at_the_floor_of_the_scale_is_a_failure(rest):
    """DeepSpeed's scale never sinks below 1: there every step may be skipped."""
    scale = [2.0 ** max(rest, 31 - step) for step in range(800)]

    assert {"scaler_collapse", "optimizer_not_stepping"} <= scaler_names({"loss_scale": over(scale)})


def test_a_scale_that_settled_low_is_told_and_not_warned_of():
    settled = [65536.0] * 500 + [65536.0 / 2 ** min(5, number // 40 + 1) for number in range(9_000)]

    assert asked("scaler_collapse", {"amp/scale": over(settled)}) == ()
    (found,) = asked("scaler_low", {"amp/scale": over(settled)})
    assert found.severity is Severity.INFO and "2048" in found.message


def test_skips_are_counted_only_where_they_were_logged():
    skipped = [max(0, step - 300) for step in range(400)]
    (found,) = asked("optimizer_not_stepping", {"amp/scale": over([2.0] * 400), "amp/skipped": over(skipped)})

    assert (found.step, found.evidence["skips"]) == (301, 99)
    assert asked("optimizer_not_stepping", {"amp/scale": over([2.0] * 400)}) == ()


@pytest.mark.parametrize("seed", range(5))
def test_a_reward_that_collapses_at_once_is_dated_there_however_much_it_scattered_before(seed):
    """Before, its blocks lay on either side of every line, and the step came out up to a quarter of the run early."""
    place = np.linspace(0, 1, 900)
    reward = np.where(place < 0.66, 15 + 485 / (1 + np.exp(-(place - 0.25) / 0.05)), 12.0)
    scatter = np.exp(0.25 * np.random.default_rng(seed).standard_normal(900))
    (found,) = asked("divergence", {"episode_reward": over(reward * scatter)})

    assert found.step == pytest.approx(594, abs=10)


def test_a_validation_that_worsens_slowly_is_dated_by_all_of_its_curve():
    """Lines through the surroundings of the turn dated 26 of 100 by more than a twentieth of the run amiss."""
    place, far = np.linspace(0, 1, 90), 0
    learned = {"train/loss": over(noisy(2 * np.exp(-place / 0.2) + 0.02, 0.02))}
    for seed in range(20):
        accuracy = 0.8 - 0.5 * np.exp(-place / 0.06) - 0.3 * np.clip(place - 0.4, 0, 1)
        accuracy += 0.012 * np.random.default_rng(seed).standard_normal(90)
        (found,) = asked("overfit", learned | {"val/accuracy": over(accuracy)})
        far += abs(found.step - 36) > 4.5

    assert far <= 1


# ── stages, results ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_frozen_module_with_a_gradient_is_an_error_in_the_stage_that_does_not_train_it():
    events = (
        Event(step=0, kind="stage", detail={"name": "alignment", "trains": ["alignment"]}),
        Event(step=50, kind="stage", detail={"name": "fusion", "trains": ["fusion"]}),
    )
    series = {"grad_norm/alignment": over([1.0] * 100), "grad_norm/fusion": over([0.0] * 51 + [1.0] * 49)}
    (found,) = asked("frozen_module_moves", series, events=events)

    assert found.severity is Severity.ERROR
    assert (found.subject, found.step) == ("grad_norm/alignment", 51)


def test_a_run_that_went_on_without_its_weights_is_told_of_the_step_at_which_it_did():
    curve = np.concatenate([np.exp(-steps(400) / 100) + 0.2, np.exp(-steps(400) / 100) + 0.2])
    series = {"train/loss": over(noisy(curve, 0.01))}
    (found,) = asked("stage_transition", series, events=(Event(step=399, kind="resume"),))

    assert (found.severity, found.step) == (Severity.WARNING, 400)
    assert "when the run went on" in found.message


@pytest.mark.parametrize("pace", [15, 30, 60, 150])
def test_a_run_that_began_anew_is_told_however_fast_it_learned_again(pace):
    """Within a tenth of what follows it was back, and nothing was said."""
    curve = np.tile(2 * np.exp(-steps(1500) / pace) + 0.3, 2)
    series = {"train/loss": over(noisy(curve, 0.03))}
    (found,) = asked("stage_transition", series, events=(Event(step=1499, kind="resume"),))

    assert (found.severity, found.step) == (Severity.WARNING, 1500)
    assert "(it had begun at " in found.message


@pytest.mark.parametrize("rise", [0.2, 0.5, 1.0])
def test_a_run_that_went_on_without_its_optimisers_state_and_was_soon_back_is_not(rise):
    curve = np.concatenate([2 * np.exp(-steps(1500) / 200), rise * np.exp(-steps(1500) / 40)]) + 0.3
    series = {"train/loss": over(noisy(curve, 0.03))}

    assert not asked("stage_transition", series, events=(Event(step=1499, kind="resume"),))


def test_full_frames_below_bicubic_are_an_error_with_the_least_and_the_most():
    """The shown model of the notes: 0.35 to 0.99 dB below bicubic."""
    metrics = {
        "full_frame/psnr/a": 30.00, "full_frame/psnr_bicubic/a": 30.35,
        "full_frame/psnr/b": 28.01, "full_frame/psnr_bicubic/b": 29.00,
        "full_frame/psnr/c": 33.00, "full_frame/psnr_bicubic/c": 31.00,
    }  # fmt: skip
    (found,) = asked("below_bicubic", {}, metrics=metrics)

    assert found.severity is Severity.ERROR
    assert "0.35 to 0.99 dB below bicubic" in found.message and "a and b" in found.message


def test_full_frames_below_a_classical_fusion_are_a_warning_of_their_own_and_none_of_bicubic():
    metrics = {"full_frame/psnr/a": 30.0, "full_frame/psnr_bicubic/a": 28.0, "full_frame/psnr_ibp/a": 30.5}

    (found,) = asked("below_classical_fusion", {}, metrics=metrics)

    assert (found.code, found.severity) == ("RA443", Severity.WARNING)
    assert found.message == "full-frame PSNR is 0.50 dB below IBP with estimated motion on a"
    assert asked("below_bicubic", {}, metrics=metrics) == ()


def test_a_network_that_does_as_well_on_one_frame_fuses_nothing():
    metrics = {"full_frame/psnr/a": 31.01, "full_frame/psnr_single_frame/a": 31.0}

    (found,) = asked("fusion_no_gain", {}, metrics=metrics)
    assert found.evidence["gain_db"]["a"] == pytest.approx(0.01)


# ── what can be wrong with a series itself ───────────────────────────────────────────────────────────────────────

ODD = {
    "empty": [],
    "one point": [(0, 1.0)],
    "two points": [(0, 1.0), (1, 0.5)],
    "unsorted": [(step, 1 / (1 + step)) for step in [*range(50, 100), *range(50)]],
    "duplicated": [(step // 2, 1 / (1 + step)) for step in range(100)],
    "only nan": [(step, math.nan) for step in range(50)],
    "huge": [(step, 1e308 * (-1) ** step) for step in range(50)],
    "tiny": [(step, 5e-324 * (step % 3)) for step in range(50)],
    "infinite": [(step, math.inf) for step in range(50)],
    "far steps": [(2**62 + step, 1.0 / (step + 1)) for step in range(50)],
    "constant": [(step, 0.0) for step in range(50)],
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", ["train/loss", "val/loss", "val/psnr", "amp/scale", "train/grad_norm", "train/lr"])
@pytest.mark.filterwarnings("error")
def test_an_odd_series_has_a_clear_answer_and_is_never_a_pass_by_crash(odd, name):
    facts = trajectory_facts({name: ODD[odd], "train/total_loss": over(np.linspace(1, 0.5, 60))})
    json.dumps([found.to_json() for found in check_all(RULES, facts).findings])


@pytest.mark.parametrize("points", [35, 60, 99, 101, 400])
def test_one_bad_batch_is_what_it_is_however_young_the_run(points):
    """A run of 60 points was stopped for one batch, of which the same run said nothing of weight a while later."""
    losses = [(step, math.nan if step == 30 else 2.0 - step / 500) for step in range(points)]
    norms = [(step, math.inf if step == 30 else 1.0) for step in range(points)]
    scale = [(step, 65536.0 if step < 31 else 32768.0) for step in range(points)]

    assert all(one.severity is Severity.INFO for one in asked("nonfinite_loss", {"train/loss": losses}))
    assert asked("grad_explosion", {"train/grad_norm": norms, "amp/scale": scale}) == ()


@pytest.mark.parametrize("size", [2e150, 1e200, 1.7e308, -1e308])
def test_values_beyond_all_arithmetic_are_no_pass(size):
    draw = np.random.default_rng(0)
    whole = size * (1 - 0.05 * draw.random(60))
    fell = np.concatenate([1 / (1 + steps(60)), whole[:40]])
    spike = np.where(steps(60) == 30, size, 1.0)

    for values, severity in ((whole, Severity.CRITICAL), (fell, Severity.CRITICAL), (spike, Severity.WARNING)):
        for name in ("train/loss", "val/psnr"):
            assert [one.severity for one in asked("nonfinite_loss", {name: over(values)})] == [severity]
    assert asked("nonfinite_loss", {"train/loss": over(np.full(60, 1e149))}) == ()


def test_a_tenth_of_the_batches_is_critical_from_the_start():
    losses = [(step, math.nan if step % 10 == 5 else 2.0 - step / 500) for step in range(40)]

    assert asked("nonfinite_loss", {"train/loss": losses})[0].severity is Severity.CRITICAL


def test_a_series_of_nothing_but_nan_is_critical():
    (found,) = asked("nonfinite_loss", {"train/loss": ODD["only nan"]})

    assert found.severity is Severity.CRITICAL and found.evidence["count"] == 50


def test_steps_at_which_nothing_was_measured_are_no_fault():
    holes = [(step, 1 / (1 + step) if step % 50 == 0 else math.nan) for step in range(300)]
    ends = [(step, 1 / (1 + step) if step < 200 else math.nan) for step in range(300)]

    assert asked("nonfinite_loss", {"val/loss": holes}) == ()
    assert asked("nonfinite_loss", {"val/loss": ends})[0].severity is Severity.CRITICAL
    assert asked("nonfinite_loss", {"train/loss": over(np.ones(300)), "amp/scale": ends})[0].subject == "amp/scale"


def test_a_loss_that_is_nothing_from_the_start_is_frozen():
    assert asked("frozen", {"train/loss": over([0.0] * 100)})[0].severity is Severity.CRITICAL


def test_a_leap_is_told_of_the_step_at_which_it_came():
    leap = np.concatenate([1.0 * np.exp(-steps(1_000) / 150) + 0.2, 1.5 + np.zeros(1_000)])
    (found,) = asked("divergence", {"train/loss": over(noisy(leap, 0.03))})

    assert abs(found.step - 1_000) <= 20


def test_columns_and_pairs_are_judged_alike():
    pairs = over(noisy(np.concatenate([np.linspace(3, 1, 300), np.linspace(1, 3, 300)]), 0.05))

    assert asked("divergence", {"loss": pairs}) == asked("divergence", {"loss": Points.of(pairs)})


def test_what_was_not_logged_skips_its_rules_with_a_reason():
    skipped = {
        skip.name: skip.reason for skip in check_all(RULES, trajectory_facts({"train/loss": ODD["one point"]})).skipped
    }

    assert skipped["scaler_collapse"] == "no loss scale was logged"
    assert skipped["grad_explosion"] == "no gradient norm was logged"
    assert skipped["metric_disagreement"] == "no quantity was logged on tiles and on full frames"
    assert skipped["stage_transition"] == "no stage and no resume was logged"
    assert skipped["clip_always_active"] == "no gradient norm was logged"
    assert {"below_bicubic", "fusion_no_gain", "frozen_module_moves"} <= set(skipped)


def test_every_rule_says_what_it_is_about_with_an_example():
    for rule in RULES:
        assert rule.title.endswith(".") and rule.reason.endswith(".") and rule.example, rule.code
        assert rule.switchable and not rule.waivable


# ── the trend ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_noise_with_a_memory_is_no_trend_where_the_plain_test_sees_one():
    """Hamed and Rao (1998). Two of 200 would be right at p < 0.01; the plain test calls 28 a trend."""
    import pymannkendall

    plain = corrected = 0
    for seed in range(200):
        shocks = np.random.default_rng(seed).standard_normal(60)
        values = np.zeros(60)
        for at in range(1, 60):
            values[at] = 0.6 * values[at - 1] + shocks[at]
        plain += pymannkendall.original_test(values).p < 0.01
        corrected += trend(values).p < 0.01

    assert corrected <= plain / 2


def test_the_slope_is_the_median_of_all_slopes():
    assert trend(np.arange(20.0) * 3).slope == pytest.approx(3.0)
    assert trend(np.array([*np.arange(19.0), 1e6])).slope == pytest.approx(1.0, rel=0.1)
    assert trend(np.arange(20.0) * 5e306).slope == pytest.approx(5e306)


# ── what is counted, and what was never a number ─────────────────────────────────────────────────────────────────


def test_steps_that_were_all_skipped_are_told_where_only_a_counter_shows_it():
    counter = [(step, float(max(0, step - 1000))) for step in range(10, 2001, 10)]
    for more in ({}, {"amp/scale": [(step, 65536.0) for step, _ in counter]}):
        (found,) = asked("optimizer_not_stepping", {"train/skipped_steps": counter, **more})

        assert (found.severity, found.step, found.evidence["skips"]) == (Severity.CRITICAL, 1001, 1000.0)


def test_a_skip_now_and_then_is_no_stuck_optimiser():
    counter = [(step, float(step // 500)) for step in range(10, 2001, 10)]

    assert not asked("optimizer_not_stepping", {"amp/skipped": counter})


@pytest.mark.parametrize(("lost", "severity"), [(0, None), (1, Severity.INFO), (500, Severity.CRITICAL)])
def test_a_loss_that_is_counted_as_nan_and_never_logged_is_told(lost, severity):
    counter = [(step, float(max(0, step - 2000 + lost))) for step in range(10, 2001, 10)]
    series = {"train/lm_loss": over(np.linspace(3, 2, 200)), "train/nan_iterations": counter}

    assert [one.severity for one in asked("nonfinite_loss", series)] == ([] if severity is None else [severity])


NAN = float("nan")


@pytest.mark.parametrize(
    ("name", "values", "losses", "severity"),
    [
        ("val/auc", [NAN] * 3 + [0.9] * 57, {"train/loss": over(np.linspace(2, 1, 60))}, Severity.WARNING),
        ("val/f1_class7", [NAN] * 60, {"train/loss": over(np.linspace(2, 1, 60))}, Severity.WARNING),
        ("val/auc", [0.9] * 40 + [NAN] * 20, {"train/loss": over(np.linspace(2, 1, 60))}, Severity.CRITICAL),
        ("val/loss", [NAN] * 3 + [0.9] * 57, {"train/loss": over(np.linspace(2, 1, 60))}, Severity.CRITICAL),
        ("val/psnr", [NAN] * 60, {"train/loss": over([2.0] * 30 + [NAN] * 30)}, Severity.CRITICAL),
        ("val/psnr", [NAN] * 60, {}, Severity.CRITICAL),
    ],
)
def test_a_result_without_a_value_yet_was_not_lost(name, values, losses, severity):
    found = asked("nonfinite_loss", {name: over(values), **losses})

    assert [one.severity for one in found if one.subject == name] == [severity]


def test_the_perplexity_of_a_codebook_may_rise():
    rising = over(20 + 400 * (1 - np.exp(-steps(800) / 150)))

    assert not asked("divergence", {"train/perplexity": rising, "train/vq_loss": over(np.linspace(1, 0.1, 800))})
    assert asked("divergence", {"train/perplexity": rising, "train/loss": over(np.linspace(1, 0.1, 800))})


def test_an_objective_that_only_ever_rose_may_be_maximised():
    rising, turned = 50 * (1 - np.exp(-steps(800) / 150)), np.abs(np.linspace(-4, 2, 800)) + 1

    assert not asked("divergence", {"train/objective": over(noisy(rising, 1.0))})
    assert asked("divergence", {"train/objective": over(noisy(turned, 0.05))})
    assert asked("divergence", {"train/objective_loss": over(noisy(rising, 1.0))})


def test_the_same_examples_right_again_and_again_are_no_stuck_metric():
    """29 of 30 flowers, from the 20th epoch to the last, while the loss goes on falling."""
    loss = over(np.exp(-steps(120) / 20))
    counted = over([*np.linspace(0.33, 0.93, 20), *[29 / 30] * 100])
    at_chance = over([*np.linspace(0.33, 0.4, 20), *[1 / 3] * 100])

    assert not [
        one for one in asked("frozen", {"train/loss": loss, "val/acc": counted}) if one.severity > Severity.INFO
    ]
    assert [one.severity for one in asked("frozen", {"train/loss": loss, "val/acc": at_chance})] == [Severity.WARNING]


def test_a_scale_that_began_anew_is_told_with_where_it_began():
    scale = [(step, 4096.0 if step < 2000 else 65536.0) for step in range(4000)]
    resumed = [Event(step=2000, kind="resume", leads=True)]
    (found,) = asked("scaler_state_not_restored", {"amp/scale": scale}, events=resumed)

    assert "began anew at 65536" in found.message


def test_a_slope_within_the_noise_is_no_gain_to_come():
    """Never both: `it did not learn` and `it still improves`."""
    for seed in range(60):
        series = {"train/loss": over(noisy(np.full(1500, 2.303), 0.02, seed))}
        assert not asked("needs_more_epochs", series)


@pytest.mark.parametrize("config", [{"precision": "16-mixed"}, {"fp16": True}, {"amp": {"dtype": "torch.float16"}}])
def test_the_first_overflows_of_fp16_are_no_explosion(config):
    norms = {"grad_norm": over([math.inf] * 4 + [1.0] * 3996)}

    assert not asked("grad_explosion", norms, config=config)
    assert asked("grad_explosion", norms, config={"precision": "bf16-mixed"})


@pytest.mark.parametrize(
    ("norms", "is_told"),
    [
        pytest.param([math.inf] * 5 + [1.0] * 40, False, id="a search, and then it trains"),
        pytest.param([1.0, math.inf, 1.0, math.inf, math.inf] + [1.0] * 40, False, id="a search with steps between"),
        pytest.param([1.0] * 35 + [math.inf] * 10, True, id="a death at the end"),
        pytest.param([math.inf] * 36 + [1.0] * 9, True, id="more than any search takes"),
        pytest.param([math.inf] * 5 + [1.0] * 20 + [math.inf] * 5 + [1.0] * 15, True, id="again, later on"),
        pytest.param([math.inf] * 5 + [1.0] * 2, True, id="too little after it to say"),
    ],
)
def test_a_search_for_a_scale_is_no_explosion_in_a_short_run_either(norms, is_told):
    found = asked("grad_explosion", {"grad_norm": over(norms)}, config={"fp16": True})

    assert bool(found) is is_told
    assert all(one.severity is Severity.CRITICAL for one in found)


# ── what only the accuracy, or one of two networks, tells ────────────────────────────────────────────────────────


def test_accuracies_that_stay_at_chance_are_found_where_no_loss_was_logged():
    """Ten classes guessed: 0.1, with the spread of 1,000 examples, sqrt(0.1 * 0.9 / 1000) = 0.0095."""
    chance, rising = noisy(np.full(200, 0.1), 0.0095), noisy(0.8 - 0.7 * np.exp(-steps(200) / 40), 0.01)

    (found,) = asked("not_learning", {"val/acc": over(chance)})
    assert (found.severity, found.subject) == (Severity.WARNING, "val/acc")
    assert "did not get above what its noise explains" in found.message and "is 0.1" in found.message
    assert asked("not_learning", {"val/acc": over(rising)}) == ()
    assert asked("not_learning", {"train/acc": over(chance), "val/acc": over(rising)}) == ()
    learned = {"val/acc": over(noisy(np.full(200, 0.97), 0.003))}
    assert [one.severity for one in asked("not_learning", learned)] == [Severity.INFO]
    begun = {"val/acc": over(chance)[100:]}
    assert [one.severity for one in asked("not_learning", begun)] == [Severity.INFO]
    assert asked("not_learning", {"val/acc": over(chance), "train/loss": over(1 / (1 + steps(200)))}) == ()


def test_a_generator_that_is_logged_alone_may_rise():
    rising = np.concatenate([np.linspace(2, 0.7, 50), np.linspace(0.7, 4, 150)])
    for name in ("gen_loss", "train/g_loss", "loss/generator", "critic_loss"):
        assert [one.severity for one in asked("divergence", {name: over(noisy(rising, 0.05))})] == [Severity.INFO]
    assert asked("divergence", {"seg_loss": over(noisy(rising, 0.05))})[0].severity is Severity.CRITICAL


def test_a_loss_that_grows_too_sure_while_the_quality_improves_is_told_and_not_warned_of():
    learned = over(noisy(np.exp(-steps(200) / 50), 0.01))
    worse = over(noisy(np.concatenate([np.linspace(3, 1, 60), np.linspace(1, 1.8, 140)]), 0.02))
    better, flat = np.linspace(0.6, 0.1, 200), np.concatenate([np.linspace(0.6, 0.3, 60), np.full(140, 0.3)])
    base = {"train/loss": learned, "val/loss": worse}

    (found,) = asked("overfit", {**base, "val/wer": over(noisy(better, 0.005))})
    assert found.severity is Severity.INFO and found.message.endswith("still falls, and val/wer improves")
    assert "choose the checkpoint by val/wer" in found.remedy
    (found,) = asked("overfit", {**base, "val/wer": over(noisy(flat, 0.005))})
    assert found.severity is Severity.WARNING and "wer" not in found.message


def test_a_held_out_value_that_is_not_called_a_tile_is_held_against_the_full_frame():
    up, down = over(noisy(np.linspace(25, 32, 100), 0.1)), over(noisy(np.linspace(30, 27, 100), 0.1))

    (found,) = asked("metric_disagreement", {"val/psnr": up, "full_frame/psnr/camera": down})
    assert found.subject == "full_frame/psnr/camera" and "val/psnr improves" in found.message
    assert asked("metric_disagreement", {"train/psnr": up, "full_frame/psnr/camera": down}) == ()
    assert asked("metric_disagreement", {"val/acc": up, "val/frame_acc": down}) == ()


def test_a_loss_that_drops_at_once_to_a_guess_and_stays_has_not_learned():
    """Of 1,000 classes a guess is log(1000) = 6.908. A slow fall of as little is learning, if it goes on."""
    guess = math.log(1000) * (1 + 0.01 * np.exp(-steps(1000) / 30))
    slow = np.linspace(2.05, 2.02, 1000)

    (found,) = asked("not_learning", {"train/loss": over(noisy(guess, 0.03))})
    assert found.severity is Severity.WARNING
    assert asked("not_learning", {"train/loss": over(noisy(slow, 0.01))}) == ()


def test_a_run_that_goes_on_is_judged_as_one(make_run):
    """In the middle of a warm-up `health` said "not learning" where `watch` and `--health` said nothing."""
    whole = make_run()

    assert facts_of_run(whole)["goes_on"] is False
    assert facts_of_run(replace(whole, outcome=None, liveness="running"))["goes_on"] is True
    assert facts_of_run(replace(whole, outcome=None, liveness="lost"))["goes_on"] is False


def test_more_epochs_are_asked_of_what_has_ended_in_numbers():
    fell = over(noisy(3 - steps(300) / 150, 0.02), 10)
    (found,) = asked("needs_more_epochs", {"train/loss": fell})

    assert "(p < 0.001)" in found.message
    assert not asked("needs_more_epochs", {"train/loss": fell}, goes_on=True)
    assert not asked("needs_more_epochs", {"train/loss": [*fell, *((3000 + step, math.nan) for step in range(300))]})
