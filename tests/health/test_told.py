"""What a policy declares is heard, what was never a curve is no short one, and a rule of others that fails says so."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from runaudit import rules as rule_shape
from runaudit.errors import ConfigError, UsageError
from runaudit.health import answer
from runaudit.health.answer import RULES, health_of, trajectory_rules
from runaudit.health.facts import NAMES, trajectory_facts
from runaudit.health.follow import Vigil
from runaudit.health.rule import TrajectoryRule
from runaudit.records.record_file import run_of
from runaudit.records.trajectory import Trajectory
from runaudit.rules import check, check_all, find_rule, together
from runaudit.settings import RuleSettings
from tests.health.test_hand import asked, noisy, over, steps

COLLAPSED = over(noisy(np.where(steps(400) < 250, 0.9 - 0.8 * np.exp(-steps(400) / 40), 0.05), 0.01))
LEARNT = over(noisy(0.2 + 2 * np.exp(-steps(400) / 60), 0.02))


def found_with(directions, series):
    return check_all(RULES, trajectory_facts(series, directions=directions)).findings


# ── directions ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["val/lab_index", "lab_index"])
def test_a_metric_whose_direction_the_policy_declares_is_judged(name):
    series = {name: COLLAPSED, "train/loss": LEARNT}
    told = [one for one in found_with({name: "higher"}, series) if one.subject == name]

    assert not [one for one in found_with({}, series) if one.name == "divergence"]
    assert [(one.name, str(one.severity)) for one in told if one.name != "plateau"] == [("divergence", "critical")]


def test_a_declared_direction_goes_before_that_of_a_name():
    series = {"val/error": COLLAPSED, "train/loss": LEARNT}

    assert trajectory_facts(series)["best"].value < 0.1
    assert trajectory_facts(series, directions={"val/error": "higher"})["best"].value > 0.8


def test_a_word_that_is_no_direction_is_refused():
    with pytest.raises(UsageError, match="'up' is no direction of val/kappa"):
        trajectory_facts({"val/kappa": COLLAPSED}, directions={"val/kappa": "up"})


# ── too few points ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["full_frame/psnr/a", "test/loss", "final/acc", "best_val_acc"])
def test_what_is_measured_at_the_end_is_no_short_curve(name):
    assert asked("insufficient_points", {name: over([31.0, 31.2, 31.1]), "train/loss": LEARNT}) == ()
    assert asked("insufficient_points", {"val/psnr": over([31.0]), "train/loss": LEARNT}) == ()


@pytest.mark.parametrize(
    "series", [{"train/loss": over([3, 2, 1])}, {"val/loss": over([3, 2, 1]), "train/loss": LEARNT}]
)
def test_what_was_meant_as_a_curve_and_is_short_is_told(series):
    assert [one.name for one in asked("insufficient_points", series)] == ["insufficient_points"]


# ── rules of others ──────────────────────────────────────────────────────────────────────────────────────────────


class Broken(TrajectoryRule):
    """A rule that divides by what may be zero."""

    code, name = "MY001", "broken"

    def check(self, losses: Sequence[object]):
        yield self.finding("losses", f"{len(losses) / 0}")


class Moon(TrajectoryRule):
    """A rule that asks for what there is not."""

    code, name = "MY002", "moon"

    def check(self, curves: Sequence[object], moon: object):
        yield self.finding("moon", f"{moon} {curves}")


class Lost(Broken):
    """A rule that asks for what nobody has alone."""

    code, name = "MY003", "lost"

    def check(self, nosuchfact: object):
        yield self.finding("x", f"{nosuchfact}")


def test_a_rule_that_asks_for_a_fact_that_there_is_not_is_told_and_not_passed(monkeypatch, a_run):
    monkeypatch.setattr(answer, "foreign_rules", lambda: (Lost(),))
    told = health_of([a_run], RuleSettings())

    assert "MY003 lost: it asks for 'nosuchfact', which is no fact that there is" in "\n".join(
        told.text_lines(verbose=True)
    )


class Twin(Broken):
    """A rule under a code of ours."""

    code, name = "RA402", "twin"


@pytest.fixture
def a_run():
    return run_of({
        "schema": "runaudit.record/1", "label": "one", "seed": 1, "config": {"lr": 0.1},
        "series": {"train/loss": [list(point) for point in LEARNT]},
    }, where="here")  # fmt: skip


def test_a_series_of_which_nobody_knows_what_it_is_is_told_as_not_judged():
    series = {"train/loss": LEARNT, "train/strange": COLLAPSED, "curriculum/level": LEARNT}
    run = run_of({
        "schema": "runaudit.record/1", "label": "one", "series": {n: [list(p) for p in s] for n, s in series.items()},
    }, where="here")  # fmt: skip
    told = health_of([run], RuleSettings())

    assert told.to_json()["runs"][0]["unknown"] == ["train/strange"]
    (line,) = [line for line in told.text_lines(verbose=True) if "train/strange" in line]
    assert "not judged" in line
    assert not any("train/strange" in line for line in told.text_lines())


def test_a_rule_of_others_that_raises_is_told_and_the_rest_is_judged(monkeypatch, a_run):
    monkeypatch.setattr(answer, "foreign_rules", lambda: (Broken(), Moon()))
    told = health_of([a_run], RuleSettings())
    text = "\n".join(told.text_lines())

    assert told.verdict == "passed" and "RA402" in told.runs[0].asked
    assert "MY001" not in told.runs[0].asked
    assert "MY001 failed and judged nothing" in told.headline
    assert f"MY001 broken: it failed ({__name__}, test_told.py:" in text
    assert "ZeroDivisionError: division by zero" in text
    assert "MY002 moon: it asks for 'moon', which is no fact that there is" in "\n".join(told.text_lines(verbose=True))
    assert [one["code"] for one in told.to_json()["runs"][0]["failed"]] == ["MY001"]


def test_a_rule_of_others_that_raises_is_told_once_while_the_run_goes_on():
    vigil = Vigil(rules=(Broken(),))
    going_on = Trajectory(series={"train/loss": LEARNT}, events=(), torn=0)

    vigil.judge(going_on)
    assert [one.code for one in vigil.failures()] == ["MY001"]
    vigil.judge(going_on)
    assert not vigil.failures()


def test_a_rule_of_ours_that_raises_is_no_finding(monkeypatch):
    monkeypatch.setattr(Broken, "__module__", "runaudit.health.broken")
    with pytest.raises(ZeroDivisionError):
        check_all((Broken(),), {"losses": ()}, around_failures=True)


def test_the_tests_of_a_rule_see_what_it_raises():
    with pytest.raises(ZeroDivisionError):
        check(Broken(), {"losses": ()})


def test_a_rule_under_the_code_of_another_is_refused(monkeypatch):
    monkeypatch.setattr(answer, "foreign_rules", lambda: (Twin(),))
    with pytest.raises(ConfigError, match=r"RA402 twin of .* has the code or the name of RA402"):
        trajectory_rules(RuleSettings())
    with pytest.raises(ConfigError, match="MY001"):
        together((), (Broken(), Broken()))


def test_whoever_writes_a_rule_reads_what_it_may_ask_for():
    words = (rule_shape.__doc__ or "").partition("may ask for:")[2].partition(".")[0]

    assert {word.strip() for word in words.split(",")} == set(NAMES)


# ── while it goes on ─────────────────────────────────────────────────────────────────────────────────────────────


def flat(count):
    return over(noisy(np.full(count, 2.303), 0.02))


@pytest.mark.parametrize(("count", "told"), [(150, []), (600, ["not_learning"])])
def test_a_run_that_has_only_begun_has_not_failed_to_learn(count, told):
    vigil = Vigil(rules=(find_rule(RULES, "not_learning"),))

    assert [one.name for one in vigil.judge(Trajectory(series={"train/loss": flat(count)}))] == told


def test_while_the_rate_is_warmed_up_nothing_need_be_learnt():
    series = {"train/loss": flat(600), "train/lr": over(np.linspace(0, 1e-3, 600))}

    assert asked("not_learning", series, goes_on=True) == ()
    assert len(asked("not_learning", series)) == 1


# ── spikes in a short log, and a loss that explodes with both signs ──────────────────────────────────────────────


@pytest.mark.parametrize("seed", range(4))
def test_many_spikes_in_a_short_log_are_told_as_in_a_long_one(seed):
    short = noisy(0.5 + 2 * np.exp(-steps(400) / 40), 0.05, seed)
    for start in np.linspace(200, 380, 12).astype(int):
        short[start : start + 2] += 10
    (found,) = asked("spike", {"train/loss": over(short)})

    assert str(found.severity) == "warning" and found.evidence["spikes"] >= 10


@pytest.mark.parametrize("seed", range(4))
def test_noise_with_heavy_tails_has_no_spikes(seed):
    heavy = 3 + np.exp(-steps(400) / 40) + 0.05 * np.random.default_rng(seed).standard_t(2, 400)

    assert not [one for one in asked("spike", {"train/loss": over(heavy)}) if str(one.severity) == "warning"]


@pytest.mark.parametrize("seed", range(4))
def test_a_loss_that_explodes_with_both_signs_has_diverged(seed):
    grown = noisy(0.02 + np.exp(-steps(1_000) / 60), 0.1, seed) * np.exp(np.maximum(0, steps(1_000) - 600) / 50)
    (found,) = asked("divergence", {"train/loss": over(grown)})

    assert str(found.severity) in ("warning", "critical") and found.step == pytest.approx(600, abs=80)


def test_a_loss_about_zero_that_scatters_as_ever_has_not():
    assert asked("divergence", {"train/loss": over(noisy(np.zeros(1_000), 1.0))}) == ()


def test_an_opponent_that_gets_no_further_is_told_though_the_other_ran_away():
    """Of two networks that play against each other neither loss is the training's: the flat one was not looked at, and
    what was found of the other one silenced it."""
    steps = range(320)
    flat = [(step, 11.5 + 0.2 * math.exp(-step / 30) + 1e-4 * math.sin(step)) for step in steps]
    away = [(step, 1.1 + 0.012 * step + 1e-3 * math.sin(7 * step)) for step in steps]

    told = {(one.name, one.subject) for one in found_with({}, {"train_disc_loss": flat, "train_gen_loss": away})}

    assert ("plateau", "train_disc_loss") in told
    assert ("plateau", "train_gen_loss") not in told


def test_a_curve_that_ran_away_is_on_no_plateau_afterwards():
    curve = [(step, 1 / (1 + step)) for step in range(100)] + [
        (step, 9.0 + 1e-6 * (step % 3)) for step in range(100, 160)
    ]

    names = [one.name for one in found_with({}, {"train/loss": curve})]

    assert "divergence" in names and "plateau" not in names
