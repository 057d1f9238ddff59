"""The one entry point: numbers, design and plan in; a verdict with its reason out.

Two questions stay apart. The design says whether a difference could be credited to anything; the seeds say
whether there is one. A claim needs both, and everything that could not be judged says why in one sentence.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from runaudit.errors import NothingToJudgeError, UsageError
from runaudit.metrics.catalogue import Direction
from runaudit.metrics.direction import settle_direction
from runaudit.stats import reasons
from runaudit.stats.answer import ArmComparison, ArmSummary, Rate, StatsAnswer, StatsVerdict, Survivors
from runaudit.stats.bootstrap import bca, iqm, profile
from runaudit.stats.cohort import collapse, left_out
from runaudit.stats.compare import EQUIVALENCE_SEEDS, compare, has_gaps
from runaudit.stats.components import Components, arm_components, sequence_differences
from runaudit.stats.dunnett import with_dunnett
from runaudit.stats.interval import at_alpha, is_constant, mean, mean_interval, sd, sd_interval, share_interval
from runaudit.stats.multiplicity import benjamini_hochberg, benjamini_hochberg_alphas, holm, holm_alphas
from runaudit.stats.values import DEFAULT_PLAN, MIN_SEEDS, ArmValues, Comparability, Interval, Sample, StatsPlan

CLAIMABLE = frozenset({"single_factor", "unknown_design"})
DESIGN_VERDICTS = CLAIMABLE | {
    "integrity_failure",
    "incomparable",
    "confounded",
    "provenance_incomplete",
    "replicate",
    "identical",
}


def judge(
    arms: Sequence[ArmValues],
    *,
    metric: str,
    direction: Direction | None,
    design: Comparability,
    baseline: int | str = -1,
    plan: StatsPlan = DEFAULT_PLAN,
    designs: Sequence[Comparability] | None = None,
    beside: Sequence[float | None] = (),
) -> StatsAnswer:
    """Judge every arm against the baseline (an index or a label; the last arm unless said otherwise).

    designs: one for each arm but the baseline, in their order, where they differ; `design` is then the weakest.
    beside: p of the comparisons of the same family that are judged elsewhere, None for one that could not be tested.
    Raises UsageError for an unknown direction, label or design verdict; NothingToJudgeError for fewer than two arms.
    """
    settled = settle_direction(metric, direction)
    chosen = _baseline_index(arms, baseline)
    each = tuple(designs) if designs is not None else (design,) * (len(arms) - 1)
    _check_designs((design, *each), arms=len(arms))
    samples = [collapse(arm) for arm in arms]
    parts = [arm_components(arm) for arm in arms]
    reference = samples[chosen]
    pairs = [(sample, index) for index, sample in enumerate(samples) if index != chosen]
    family = len(pairs) + len(beside)
    alone = [
        _with_sequences(
            compare(sample, reference, direction=settled, plan=plan, family=family), parts[index], parts[chosen]
        )
        for sample, index in pairs
    ]
    compared = with_dunnett(_family(alone, beside, plan=plan), [sample for sample, _ in pairs], reference, plan=plan)
    case = reasons.Case(metric=metric, direction=settled, design=design, plan=plan, reference=reference,
                        family=family)  # fmt: skip
    each_judged = _each(compared, pairs, each, case=case)
    held = _each(compared, pairs, [own.if_equal for own in each], case=case)
    judged = tuple(
        replace(comparison, conditional=then.verdict if own.conditional else None)
        for (comparison, _), (then, _), own in zip(each_judged, held, each, strict=True)
    )
    return StatsAnswer(
        metric=metric,
        direction=settled,
        alpha=plan.alpha,
        power=plan.power,
        design=design,
        arms=tuple(_summary(*one, plan=plan) for one in zip(arms, samples, parts, strict=True)),
        comparisons=judged,
        family=case.family,
        verdict=_overall(judged),
        reason=reasons.overall(judged, [why for _, why in each_judged], case=case),
        notes=reasons.notes(judged, samples, case=case, sequences=[name for name, _ in arms[chosen].by_sequence]),
        **_if_equal(each, held, case=case),
    )


def summarise(arm: ArmValues, *, plan: StatsPlan = DEFAULT_PLAN) -> ArmSummary:
    """One arm by itself, in the numbers that a comparison would show of it."""
    sample = collapse(arm)
    return _summary(arm, sample, arm_components(arm), plan=plan)


def _with_sequences(found: ArmComparison, mine: Components | None, theirs: Components | None) -> ArmComparison:
    """A comparison with its differences sequence by sequence: none where there is none of the whole."""
    return found if found.difference is None else replace(found, sequences=sequence_differences(mine, theirs))


def _each(
    compared: Sequence[ArmComparison],
    pairs: Sequence[tuple[Sample, int]],
    designs: Sequence[Comparability],
    *,
    case: reasons.Case,
) -> list[tuple[ArmComparison, reasons.Why]]:
    """Every comparison judged, each on its own design."""
    return [
        _judged(comparison, sample, case=replace(case, design=own))
        for comparison, (sample, _), own in zip(compared, pairs, designs, strict=True)
    ]


def _if_equal(
    designs: Sequence[Comparability], held: Sequence[tuple[ArmComparison, reasons.Why]], *, case: reasons.Case
) -> dict[str, Any]:
    """What the answer would be if all that is missing were equal; nothing where nothing is, or that says nothing."""
    lacking = [design for design in designs if design.verdict == "provenance_incomplete"]
    if not lacking or not all(design.conditional for design in lacking):
        return {}
    rows = tuple(comparison for comparison, _ in held)
    reason = reasons.overall(rows, [why for _, why in held], case=replace(case, design=case.design.if_equal))
    stated = {word for design in lacking for word in design.assumed} if all(d.assumed for d in lacking) else set()
    return {"conditional": _overall(rows), "conditional_reason": reason, "assumed": tuple(sorted(stated))}


def _check_designs(designs: Sequence[Comparability], *, arms: int) -> None:
    if len(designs) != arms:
        raise UsageError(f"{len(designs) - 1} designs for {arms} arms", remedy="give one for each but the baseline")
    for design in designs:
        if design.verdict not in DESIGN_VERDICTS:
            raise UsageError(
                f"no design verdict is called '{design.verdict}'", remedy="use a word of the comparison lattice"
            )


def _baseline_index(arms: Sequence[ArmValues], baseline: int | str) -> int:
    labels = [arm.label for arm in arms]
    if len(arms) < 2:
        raise NothingToJudgeError(f"{len(arms)} arm given, and a comparison needs two", remedy="name a baseline (--vs)")
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise UsageError(f"two arms are called '{twice[0]}'", remedy="give every arm its own label")
    if isinstance(baseline, str):
        if baseline not in labels:
            raise UsageError(f"no arm is called '{baseline}'", remedy=f"choose one of: {', '.join(labels)}")
        return labels.index(baseline)
    if not -len(arms) <= baseline < len(arms):
        raise UsageError(f"there is no arm {baseline} among {len(arms)}", remedy="count the arms from 0")
    return baseline % len(arms)


def _family(
    comparisons: Sequence[ArmComparison], beside: Sequence[float | None], *, plan: StatsPlan
) -> list[ArmComparison]:
    """Adjusted p values over all comparisons asked for; one that could not be tested still counts as asked."""
    is_holm = plan.correction == "holm"
    every = [1.0 if p is None else p for p in (*(comparison.p for comparison in comparisons), *beside)]
    adjusted = (holm if is_holm else benjamini_hochberg)(every)
    alphas = (holm_alphas if is_holm else benjamini_hochberg_alphas)(every, plan.alpha)
    return [
        comparison
        if comparison.p is None
        else replace(comparison, p_adjusted=p, ci_adjusted=_interval(comparison, alpha) if len(every) > 1 else None)
        for comparison, p, alpha in zip(comparisons, adjusted, alphas, strict=False)
    ]


def _interval(comparison: ArmComparison, alpha: float) -> Interval | None:
    if comparison.ci is None or comparison.df is None or comparison.error is None:
        return None
    return at_alpha(comparison.ci, alpha, df=comparison.df, error=comparison.error)


def _judged(comparison: ArmComparison, sample: Sample, *, case: reasons.Case) -> tuple[ArmComparison, reasons.Why]:
    verdict = _verdict(comparison, sample, case=case)
    judged = replace(comparison, verdict=verdict, design=case.design)
    evidence = _evidence(comparison, sample, case)
    why = reasons.of(judged, sample, evidence=evidence, case=case)
    refusal = reasons.refused(comparison, sample, evidence=evidence, case=case)
    return replace(judged, reason=why.text, refusal=refusal), why


def _verdict(comparison: ArmComparison, sample: Sample, *, case: reasons.Case) -> StatsVerdict:
    if case.design.verdict not in CLAIMABLE or case.design.idle:
        return StatsVerdict.NOT_ATTRIBUTABLE
    return _evidence(comparison, sample, case)


def _evidence(comparison: ArmComparison, sample: Sample, case: reasons.Case) -> StatsVerdict:
    """What the numbers alone say, the design left aside."""
    plan = case.plan
    if min(len(sample.values), len(case.reference.values)) < MIN_SEEDS:
        return StatsVerdict.TOO_FEW_SEEDS
    if comparison.ci is None or comparison.p_adjusted is None or reasons.spoiled_by_selection(case):
        return StatsVerdict.INCONCLUSIVE
    if comparison.equivalence_p is not None and comparison.equivalence_p < plan.alpha / case.family:
        return StatsVerdict.EQUIVALENT
    if comparison.p_adjusted >= plan.alpha or not comparison.ci.excludes(0.0):
        return StatsVerdict.INCONCLUSIVE
    is_higher = comparison.ci.estimate > 0
    return StatsVerdict.IMPROVED if is_higher == (case.direction == Direction.HIGHER) else StatsVerdict.REGRESSED


def _overall(comparisons: Sequence[ArmComparison]) -> StatsVerdict:
    """The verdict all comparisons share. Where they differ, the strictest doubt: one success proves no family."""
    verdicts = {comparison.verdict for comparison in comparisons}
    if len(verdicts) == 1:
        return verdicts.pop()
    for doubt in (StatsVerdict.NOT_ATTRIBUTABLE, StatsVerdict.TOO_FEW_SEEDS):
        if doubt in verdicts:
            return doubt
    return StatsVerdict.INCONCLUSIVE


def _summary(arm: ArmValues, sample: Sample, parts: Components | None, *, plan: StatsPlan) -> ArmSummary:
    used, level = sample.values, 1 - plan.alpha
    summary = ArmSummary(
        label=arm.label,
        n=len(arm.values),
        effective_n=sample.effective_n,
        used=len(used),
        seeds=arm.seeds,
        values=tuple(None if value is None else float(value) for value in arm.values),
        failed=sample.failed,
        missing=sample.missing,
        failure_rate=_failure_rate(sample, level=level),
        components=parts if len(sample.values) == len(arm.values) else None,
        left_out=left_out(arm),
    )
    if has_gaps(sample):
        centre = mean(used) if used else None
        return replace(
            summary,
            survivors=Survivors(n=len(used), mean=centre, sd=sd(used) if len(used) > 1 else None),
        )
    if not used:
        return summary
    summary = replace(summary, mean=mean(used), sd=sd(used) if len(used) > 1 else None)
    if len(used) < MIN_SEEDS or is_constant(used):
        return summary
    summary = replace(summary, ci=mean_interval(used, level=level), sd_ci=sd_interval(used, level=level))
    return _robust(summary, np.array(used), plan=plan) if len(used) >= EQUIVALENCE_SEEDS else summary


def _robust(summary: ArmSummary, values: np.ndarray, *, plan: StatsPlan) -> ArmSummary:
    rng = np.random.default_rng(plan.seed)
    thresholds = np.unique(values)
    shares = profile(values, thresholds)
    return replace(
        summary,
        iqm=float(iqm(values)),
        iqm_ci=bca([values], iqm, rng=rng, level=1 - plan.alpha, resamples=plan.resamples),
        profile=tuple(zip(thresholds.tolist(), shares.tolist(), strict=True)),
    )


def _failure_rate(sample: Sample, *, level: float) -> Rate | None:
    if not sample.distinct:
        return None
    count = sample.distinct_failed
    return Rate(count=count, n=sample.distinct, ci=share_interval(count, sample.distinct, level=level))
