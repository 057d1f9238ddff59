"""The numbers of one comparison: which test runs at which n, and nothing it could not support.

Below three seeds per arm nothing comparative exists. From three on Welch decides. From five on a
permutation test and leaving out single seeds accompany it; from ten on BCa and equivalence tests do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod

import numpy as np

from runaudit.metrics.catalogue import Direction
from runaudit.stats.answer import ArmComparison, Prediction
from runaudit.stats.bootstrap import bca
from runaudit.stats.cohort import UNNAMED
from runaudit.stats.effect import hedges_g, superiority
from runaudit.stats.failing import boschloo_p, failing_p
from runaudit.stats.interval import (
    Contrast,
    equivalence_p,
    is_constant,
    mean,
    paired,
    prediction_interval,
    sd,
    welch,
)
from runaudit.stats.permutation import (
    arrangements_drawn,
    flips_drawn,
    permutation_p,
    sign_flip_p,
    smallest_paired_p,
    smallest_reachable_p,
)
from runaudit.stats.power import detectable_paired, detectable_unequal, pairs_needed, seeds_needed_unequal
from runaudit.stats.values import MIN_SEEDS, Interval, Sample, StatsPlan

COMPANION_SEEDS = 5
EQUIVALENCE_SEEDS = 10
_MOST_CHOICES = 256


def compare(arm: Sample, baseline: Sample, *, direction: Direction, plan: StatsPlan, family: int = 1) -> ArmComparison:
    """Everything that may be said about `arm` against `baseline`; verdict and correction are still open. family: the
    comparisons that it will be corrected for, which is what a plan for the next ones has to reckon with."""
    bare = ArmComparison(
        arm=arm.label,
        baseline=baseline.label,
        smallest_reachable_p=smallest_reachable_p(max(1, len(arm.values)), max(1, len(baseline.values))),
        failure_p=_failure_p(arm, baseline),
        prediction=_prediction(arm, baseline, plan=plan),
        is_equal=_is_equal(arm, baseline),
    )
    if has_gaps(arm) or has_gaps(baseline) or min(len(arm.values), len(baseline.values)) < MIN_SEEDS:
        return bare
    if is_constant(arm.values) or is_constant(baseline.values):
        return replace(bare, difference=_beyond_rounding(arm.values, baseline.values))
    return _tested(bare, arm, baseline, direction=direction, plan=plan, family=family)


def _beyond_rounding(a: Sequence[float], b: Sequence[float]) -> float:
    """The difference of two means; none where the last bits of the values make it, which two orders of adding do."""
    size = max(abs(value) for value in (*a, *b))
    difference = mean(a) - mean(b)
    return difference if abs(difference) > 1e-13 * size else 0.0


def _is_equal(arm: Sample, baseline: Sample) -> bool:
    """Whether what differs between the arms changed no value at all: a test of equal values tells of nothing."""
    if not arm.values or has_gaps(arm) or has_gaps(baseline):
        return False
    mine, theirs = (dict(zip(one.seeds, one.choices, strict=True)) for one in (arm, baseline))
    if any(seed.startswith(UNNAMED) for seed in (*mine, *theirs)):
        return sorted(mine.values()) == sorted(theirs.values())
    return mine == theirs


def has_gaps(sample: Sample) -> bool:
    """Whether any run of the arm gave no number; a mean of the others would be one of the survivors."""
    return bool(sample.failed or sample.missing)


def is_paired(arm: Sample, baseline: Sample, plan: StatsPlan) -> bool:
    """Whether the plan's pairing holds here: every seed is named and ran in both arms."""
    is_named = not any(seed.startswith(UNNAMED) for seed in arm.seeds)
    return plan.is_paired and is_named and set(arm.seeds) == set(baseline.seeds)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """One choice of the numbers that stand for the seeds, and its test: all that is told comes from one of these."""

    a: tuple[float, ...]
    b: tuple[float, ...]
    contrast: Contrast


def _tested(
    bare: ArmComparison, arm: Sample, baseline: Sample, *, direction: Direction, plan: StatsPlan, family: int
) -> ArmComparison:
    pairs = is_paired(arm, baseline, plan)
    a, choices_a = _ordered(arm, by_seed=pairs)
    b, choices_b = _ordered(baseline, by_seed=pairs)
    contrast = _contrast(a, b, pairs=pairs, plan=plan)
    if contrast is None:  # all pairs differ by the same amount
        return replace(bare, difference=mean(a) - mean(b))
    others = _readings(choices_a, choices_b, pairs=pairs, plan=plan)
    readings = None if others is None else [_Reading(a=a, b=b, contrast=contrast), *others]
    weakest = None if readings is None else _weakest(readings, plan=plan)
    if readings is None or weakest is None:
        # No interval stands beside a p that belongs to none.
        return replace(bare, difference=mean(a) - mean(b), p=1.0, method=contrast.interval.method)
    return _from_reading(bare, weakest, readings, direction=direction, pairs=pairs, plan=plan, family=family)


def _from_reading(
    bare: ArmComparison,
    weakest: _Reading,
    readings: Sequence[_Reading],
    *,
    direction: Direction,
    pairs: bool,
    plan: StatsPlan,
    family: int,
) -> ArmComparison:
    """Every number of the comparison from one reading; only equivalence asks each of them."""
    a, b, interval = weakest.a, weakest.b, weakest.contrast.interval
    is_many = min(len(a), len(b)) >= EQUIVALENCE_SEEDS and plan.margin is not None
    target = plan.margin or abs(interval.estimate)
    seen, needed = _plan_again(a, b, target=target, pairs=pairs, power=plan.power, alpha=plan.alpha / family)
    better, worse = (a, b) if direction == Direction.HIGHER else (b, a)
    tested = replace(
        bare,
        smallest_reachable_p=smallest_paired_p(len(a)) if pairs else bare.smallest_reachable_p,
        difference=interval.estimate,
        ci=interval,
        p=weakest.contrast.p,
        error=weakest.contrast.error,
        df=weakest.contrast.df,
        method=interval.method,
        effect_size=hedges_g(a, b),
        probability_of_improvement=superiority(better, worse),
        minimal_detectable_effect=seen,
        n_needed=needed,
        n_needed_for=target,
        equivalence_p=max(equivalence_p(r.contrast, plan.margin or 0.0) for r in readings) if is_many else None,
    )
    return _with_companions(tested, a, b, direction=direction, pairs=pairs, plan=plan)


def _plan_again(
    a: Sequence[float], b: Sequence[float], *, target: float, pairs: bool, power: float, alpha: float
) -> tuple[float, int | None]:
    """What these seeds could see, and how many would see `target`, at the spreads observed. alpha: what the smallest p
    of a family is held against; seeds that suffice for one comparison alone carry no claim among several."""
    if pairs:
        spread = sd([x - y for x, y in zip(a, b, strict=True)])
        seen = detectable_paired(spread, len(a), power, alpha=alpha)
        return seen, pairs_needed(spread, target, power, alpha=alpha)
    sds = (sd(a), sd(b))
    seen = detectable_unequal(sds, ns=(len(a), len(b)), power=power, alpha=alpha)
    return seen, seeds_needed_unequal(sds, target, power=power, alpha=alpha)


def _ordered(sample: Sample, *, by_seed: bool) -> tuple[tuple[float, ...], tuple[tuple[float, ...], ...]]:
    """Values and choices of a sample, in the order of the seeds where pairs must meet."""
    order = sorted(range(len(sample.seeds)), key=lambda i: sample.seeds[i]) if by_seed else range(len(sample.seeds))
    return tuple(sample.values[i] for i in order), tuple(sample.choices[i] for i in order)


def _contrast(a: Sequence[float], b: Sequence[float], *, pairs: bool, plan: StatsPlan) -> Contrast | None:
    """The deciding test, or None where there is no spread to test against."""
    level = 1 - plan.alpha
    if pairs:
        differences = [x - y for x, y in zip(a, b, strict=True)]
        size = max(abs(value) for value in (*a, *b))
        return None if sd(differences) <= 1e-13 * size else paired(differences, level=level)
    return None if is_constant(a) or is_constant(b) else welch(a, b, level=level)


def _readings(
    a: Sequence[tuple[float, ...]], b: Sequence[tuple[float, ...]], *, pairs: bool, plan: StatsPlan
) -> list[_Reading] | None:
    """The test for every choice of which run stands for a repeated seed; None if one of them has no spread.

    Adding another run of a seed adds choices and never takes one away, so it can weaken a claim but not
    make one. Beyond 256 choices nothing is claimed.
    """
    if prod(len(runs) for runs in (*a, *b)) > _MOST_CHOICES:
        return None
    found = []
    for chosen in product(*a, *b):
        mine, theirs = chosen[: len(a)], chosen[len(a) :]
        contrast = _contrast(mine, theirs, pairs=pairs, plan=plan)
        if contrast is None:
            return None
        found.append(_Reading(a=mine, b=theirs, contrast=contrast))
    return found


def _weakest(readings: Sequence[_Reading], *, plan: StatsPlan) -> _Reading | None:
    """The reading with the largest p, the first where several share it; None if all claim, but not the same sign."""
    weakest = max(readings, key=lambda reading: reading.contrast.p)
    signs = {reading.contrast.statistic > 0 for reading in readings}
    return None if weakest.contrast.p < plan.alpha and len(signs) > 1 else weakest


def _with_companions(
    tested: ArmComparison,
    a: Sequence[float],
    b: Sequence[float],
    *,
    direction: Direction,
    pairs: bool,
    plan: StatsPlan,
) -> ArmComparison:
    smallest = min(len(a), len(b))
    if smallest < COMPANION_SEEDS:
        return tested
    rng = np.random.default_rng(plan.seed)
    x, y = np.array(a), np.array(b)
    if pairs:
        drawn, labels_p = flips_drawn(len(x), plan.resamples), sign_flip_p(x - y, rng=rng, resamples=plan.resamples)
    else:
        drawn = arrangements_drawn(len(x), len(y), plan.resamples)
        labels_p = permutation_p(x, y, rng=rng, resamples=plan.resamples)
    dropped = _drop_one_p(a, b, pairs=pairs, plan=plan)
    tested = replace(tested, permutation_drawn=drawn)
    assert tested.p is not None  # set by _tested
    claims = tested.p < plan.alpha
    # A floor above alpha cannot disagree: five sign-flipped pairs never reach .05.
    can_disagree = tested.smallest_permutation_p < plan.alpha
    fragile = (can_disagree and (labels_p < plan.alpha) != claims) or (claims and dropped >= plan.alpha)
    tested = replace(tested, permutation_p=labels_p, drop_one_p=dropped, is_fragile=fragile)
    if smallest < EQUIVALENCE_SEEDS:
        return tested
    samples = [x - y] if pairs else [x, y]
    return replace(
        tested,
        ci_bca=bca(samples, lambda v: v.mean(axis=-1), rng=rng, level=1 - plan.alpha, resamples=plan.resamples),
        probability_ci=_superiority_interval(x, y, direction=direction, rng=rng, plan=plan),
    )


def _drop_one_p(a: Sequence[float], b: Sequence[float], *, pairs: bool, plan: StatsPlan) -> float:
    """The largest p after leaving out any one seed (any one pair); 1 where what is left has no spread."""
    cuts: list[tuple[Sequence[float], Sequence[float]]]
    if pairs:
        cuts = [(_without(a, index), _without(b, index)) for index in range(len(a))]
    else:
        cuts = [(_without(a, index), b) for index in range(len(a))]
        cuts += [(a, _without(b, index)) for index in range(len(b))]
    contrasts = [_contrast(left, right, pairs=pairs, plan=plan) for left, right in cuts]
    return max(1.0 if contrast is None else contrast.p for contrast in contrasts)


def _without(values: Sequence[float], index: int) -> tuple[float, ...]:
    return (*values[:index], *values[index + 1 :])


def _superiority_interval(
    x: np.ndarray, y: np.ndarray, *, direction: Direction, rng: np.random.Generator, plan: StatsPlan
) -> Interval:
    """Percentile interval of P(arm better) with the runs of both arms redrawn."""
    better = np.sign(x[:, None] - y[None, :]) * (1 if direction == Direction.HIGHER else -1)
    wins = (better + 1) / 2  # (n_a, n_b): 1 wins, 1/2 ties
    rows = rng.multinomial(len(x), np.full(len(x), 1 / len(x)), size=plan.resamples) / len(x)
    columns = rng.multinomial(len(y), np.full(len(y), 1 / len(y)), size=plan.resamples) / len(y)
    draws = np.einsum("ri,ij,rj->r", rows, wins, columns, optimize=True)
    low, high = np.quantile(draws, [plan.alpha / 2, 1 - plan.alpha / 2])
    return Interval(
        estimate=float(wins.mean()),
        low=float(low),
        high=float(high),
        level=1 - plan.alpha,
        method="percentile bootstrap",
        n=len(x) + len(y),
    )


def _prediction(arm: Sample, baseline: Sample, *, plan: StatsPlan) -> Prediction | None:
    """A lone run against a cohort of three or more: inside or outside the range of one more run."""
    if has_gaps(arm) or has_gaps(baseline):
        return None
    lone, cohort = (arm, baseline) if len(arm.values) == 1 else (baseline, arm)
    if len(lone.values) != 1 or len(cohort.values) < MIN_SEEDS or is_constant(cohort.values):
        return None
    interval = prediction_interval(cohort.values, level=1 - plan.alpha)
    value = lone.values[0]
    return Prediction(
        arm=lone.label, cohort=cohort.label, value=value, ci=interval, is_inside=not interval.excludes(value)
    )


def _failure_p(arm: Sample, baseline: Sample) -> float | None:
    """Boschloo's exact p for unequal shares of failed runs; None where nothing failed or an arm is empty."""
    if not (arm.failed or baseline.failed) or not (arm.distinct and baseline.distinct):
        return None
    failed, runs = (arm.distinct_failed, baseline.distinct_failed), (arm.distinct, baseline.distinct)
    # Boschloo is never less powerful than Fisher; its grid search is slow beyond some dozens of runs.
    return boschloo_p(failed, runs) if sum(runs) <= 60 else failing_p(failed, runs)
