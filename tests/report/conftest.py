"""A small study to draw: two arms of three seeds, with a judgement on them in the published JSON."""

from typing import Any

import pytest

from runaudit.report import ArmInput, ComparisonInput


def diff_json(verdict: str = "single_factor", **changes: Any) -> dict[str, Any]:
    return {
        "schema": "runaudit.diff/1",
        "a": {"id": "a1a1a1a1a1a1", "label": "end to end", "n": 3, "effective_n": 3, "seeds": [0, 1, 2]},
        "b": {"id": "b2b2b2b2b2b2", "label": "staged", "n": 3, "effective_n": 3, "seeds": [0, 1, 2]},
        "verdict": verdict,
        "conditional": None,
        "reason": "exactly one factor changed",
        "factors": [
            {
                "factor": "config.schedule",
                "section": "config",
                "before": "end_to_end",
                "after": "staged",
                "summary": "end_to_end -> staged",
            }
        ],
        "derived": [
            {"factor": "config.steps", "before": [900], "after": [100, 800], "follows": "config.schedule"},
        ],
        "nuisance": [{"factor": "launch.pid", "before": 4711, "after": 4712}],
        "cosmetic": [],
        "missing": [],
        "intent": {"declared": ["config.schedule"], "met": True},
        "notes": [],
    } | changes


def stats_json(verdict: str = "improved", metric: str = "full_frame/psnr/camera", **changes: Any) -> dict[str, Any]:
    comparison = {
        "arm": "staged",
        "baseline": "end to end",
        "difference": 0.3,
        "ci": [0.1, 0.5],
        "p": 0.0131,
        "p_adjusted": 0.0262,
        "method": "Welch t",
        "effect_size": 2.1,
        "smallest_reachable_p": 0.1,
        "minimal_detectable_effect": 0.24,
        "n_needed": 4,
        "verdict": verdict,
        "reason": "",
    } | changes
    return {
        "schema": "runaudit.stats/1",
        "metric": metric,
        "direction": "higher",
        "alpha": 0.05,
        "design": {"verdict": "single_factor", "factors": ["config.schedule"]},
        "arms": [
            {
                "label": name,
                "n": 3,
                "effective_n": 3,
                "seeds": [0, 1, 2],
                "values": [mean - 0.1, mean, mean + 0.1],
                "mean": mean,
                "sd": 0.1,
                "ci": [mean - 0.25, mean + 0.25],
            }
            for name, mean in (("staged", 29.9), ("end to end", 29.6))
        ],
        "comparisons": [comparison],
        "verdict": verdict,
        "reason": "the interval excludes 0",
        "notes": ["with 3 seeds an arm the smallest p a permutation test can reach is 0.1"],
    }


@pytest.fixture
def diff():
    return diff_json


@pytest.fixture
def stats():
    return stats_json


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
