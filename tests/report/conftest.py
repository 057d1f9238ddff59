"""A small study to draw: two arms of three seeds, with a judgement on them."""

from typing import Any

import pytest

from runaudit.diff import Comparison, Side, Verdict
from runaudit.diff.result import Derivation, FactorChange, Intent
from runaudit.factors.factor import Change
from runaudit.metrics.catalogue import Direction
from runaudit.report import ArmInput, ComparisonInput
from runaudit.stats.answer import ArmComparison, ArmSummary, StatsAnswer, StatsVerdict
from runaudit.stats.values import Comparability, Interval


def factor(name: str, before: Any = "", after: Any = "", **more: Any) -> FactorChange:
    """One factor; `section` and `summary` follow from its name."""
    plain = {"section": name.partition(".")[0], "summary": f"{before} -> {after}"} | more
    return FactorChange(factor=name, before=before, after=after, **plain)


def diff_of(verdict: str = "single_factor", **changes: Any) -> Comparison:
    return Comparison(
        **{
            "a": Side(id="a1a1a1a1a1a1", label="end to end", n=3, effective_n=3, seeds=(0, 1, 2)),
            "b": Side(id="b2b2b2b2b2b2", label="staged", n=3, effective_n=3, seeds=(0, 1, 2)),
            "verdict": Verdict(verdict),
            "conditional": None,
            "reason": "exactly one factor changed",
            "factors": (factor("config.schedule", "end_to_end", "staged"),),
            "derived": (Derivation(factor="config.steps", before=(900,), after=(100, 800), follows="config.schedule"),),
            "nuisance": (Change(path="launch.pid", before=4711, after=4712),),
            "intent": Intent(declared=("config.schedule",), met=True),
        }
        | changes
    )


def interval(low: float, high: float, n: int = 3) -> Interval:
    return Interval(estimate=(low + high) / 2, low=low, high=high, level=0.95, method="t", n=n)


def stats_of(verdict: str = "improved", metric: str = "full_frame/psnr/camera", **changes: Any) -> StatsAnswer:
    comparison = {
        "arm": "staged",
        "baseline": "end to end",
        "difference": 0.3,
        "ci": interval(0.1, 0.5),
        "p": 0.0131,
        "p_adjusted": 0.0262,
        "method": "Welch t",
        "effect_size": 2.1,
        "smallest_reachable_p": 0.1,
        "minimal_detectable_effect": 0.24,
        "n_needed": 4,
        "verdict": StatsVerdict(verdict),
        "reason": "",
    } | changes
    return StatsAnswer(
        metric=metric,
        direction=Direction.HIGHER,
        alpha=0.05,
        power=0.8,
        design=Comparability(verdict="single_factor", factors=("config.schedule",)),
        arms=tuple(
            ArmSummary(
                label=name,
                n=3,
                effective_n=3,
                used=3,
                seeds=(0, 1, 2),
                values=(mean - 0.1, mean, mean + 0.1),
                mean=mean,
                sd=0.1,
                ci=interval(mean - 0.25, mean + 0.25),
            )
            for name, mean in (("staged", 29.9), ("end to end", 29.6))
        ),
        comparisons=(ArmComparison(**comparison),),
        verdict=StatsVerdict(verdict),
        reason="the interval excludes 0",
        notes=("with 3 seeds an arm the smallest p a permutation test can reach is 0.1",),
    )


@pytest.fixture
def diff():
    return diff_of


@pytest.fixture
def stats():
    return stats_of


@pytest.fixture
def make_arm(make_run, make_metrics, make_trajectory):
    """An arm of `n` seeds whose runs gain `gains` dB over bicubic."""

    def make(name: str = "staged", n: int = 3, *, gains=(4.3, 2.9, 3.5), steps=120, amp=False, **changes: Any):
        runs = tuple(
            make_run(
                label=name,
                seed=seed,
                metrics=make_metrics(seed, gains=gains),
                trajectory=make_trajectory(seed, steps, stages=(("alignment", 0), ("fusion", 30)), amp=amp),
                **changes,
            )
            for seed in range(n)
        )
        return ArmInput(name=name, runs=runs, effective_n=n, cohort="0123456789ab")

    return make


@pytest.fixture
def study(make_arm, diff, stats):
    """(arms, comparisons) of a clean study."""
    arms = [make_arm("end to end", gains=(0.5, 0.4, 0.3)), make_arm("staged", amp=True)]
    return arms, [ComparisonInput(baseline=0, arm=1, diff=diff(), stats=(stats(),))]
