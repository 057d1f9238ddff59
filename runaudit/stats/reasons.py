"""Why the verdict is what it is: one sentence per comparison, and the notes a careful colleague would add."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runaudit.metrics.catalogue import Direction
from runaudit.stats.answer import ArmComparison, StatsVerdict
from runaudit.stats.compare import COMPANION_SEEDS, EQUIVALENCE_SEEDS, has_gaps
from runaudit.stats.digits import decimals, percent, show, show_p
from runaudit.stats.interval import share_interval
from runaudit.stats.power import detectable
from runaudit.stats.values import MIN_SEEDS, Comparability, Excluded, Sample, StatsPlan
from runaudit.text.words import plural

_DESIGNS = {
    "integrity_failure": "a record does not match its digest",
    "incomparable": "the arms were evaluated differently, or a run did not finish",
    "confounded": "more than one factor changed",
    "provenance_incomplete": "the records do not tell everything that could have changed",
    "replicate": "nothing but the seeds differs",
    "identical": "nothing that can matter differs",
}
_CLAIMS = frozenset({StatsVerdict.IMPROVED, StatsVerdict.REGRESSED, StatsVerdict.EQUIVALENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What all comparisons of one answer share; `family` is how many comparisons were asked for."""

    metric: str
    direction: Direction
    design: Comparability
    plan: StatsPlan
    reference: Sample
    family: int


def spoiled_by_selection(plan: StatsPlan) -> bool:
    """Whether the values were picked with the result in sight, so that no test of them means anything."""
    return plan.best_of > 1 or plan.is_selected_on_report or bool(plan.picked)


def of(comparison: ArmComparison, arm: Sample, *, evidence: StatsVerdict, case: Case) -> str:
    """The sentence for one judged comparison. `evidence` is what the numbers alone would say."""
    if comparison.verdict == StatsVerdict.NOT_ATTRIBUTABLE:
        return _not_attributable(comparison, arm, evidence=evidence, case=case)
    text = _of_numbers(comparison, arm, evidence=evidence, case=case)
    if case.family > 1 and case.design.factors and comparison.verdict in _CLAIMS:
        text += f" Only {', '.join(case.design.factors)} differs there."
    return text


def overall(comparisons: Sequence[ArmComparison], *, case: Case) -> str:
    """The sentences of all comparisons, then what kind of statement they are."""
    sentences = list(dict.fromkeys(comparison.reason for comparison in comparisons))
    if case.design.verdict == "unknown_design":
        sentences.append("This is about the numbers alone: how the arms were made is not known, so no cause is named.")
    elif case.family == 1 and case.design.factors and any(c.verdict in _CLAIMS for c in comparisons):
        sentences.append(f"Only {', '.join(case.design.factors)} differs.")
    return " ".join(sentences)


def _of_numbers(comparison: ArmComparison, arm: Sample, *, evidence: StatsVerdict, case: Case) -> str:
    if evidence == StatsVerdict.TOO_FEW_SEEDS:
        return _too_few(comparison, arm, case)
    refusal = _refusal(comparison, arm, case)
    if refusal:
        return refusal
    places = _places(comparison)
    difference = comparison.difference or 0.0
    way = "higher" if difference > 0 else "lower"
    size, figures = show(abs(difference), places), _figures(comparison, arm, case)
    if evidence == StatsVerdict.EQUIVALENT:
        return (
            f"{arm.label} and {comparison.baseline} differ by less than the declared margin of "
            f"{show(case.plan.margin)} {case.metric} ({figures}; both one-sided tests pass)."
        )
    if evidence in (StatsVerdict.IMPROVED, StatsVerdict.REGRESSED):
        word = "better" if evidence == StatsVerdict.IMPROVED else "worse"
        return f"{arm.label} is {word} than {comparison.baseline}: {case.metric} is {size} {way} ({figures})."
    if comparison.ci is not None and comparison.ci.excludes(0.0):
        both = f"{arm.label} and {comparison.baseline}"
        allowed = f"once {case.family} comparisons are allowed for"
        return f"{both} differ ({case.metric} is {size} {way}; {figures}), but no longer {allowed}."
    return (
        f"{arm.label} and {comparison.baseline} cannot be told apart: {case.metric} is {size} {way} "
        f"({figures}); these seeds would reliably show a difference of "
        f"{show(comparison.minimal_detectable_effect, places)} or more, so a smaller one may well exist."
    )


def _figures(comparison: ArmComparison, arm: Sample, case: Case) -> str:
    places, ci = _places(comparison), comparison.ci
    assert ci is not None  # a test ran, so its interval exists
    adjusted = f", corrected p {show_p(comparison.p_adjusted)}" if case.family > 1 else ""
    return (
        f"{percent(ci.level)} CI {show(ci.low, places)} to {show(ci.high, places)}, {comparison.method} p "
        f"{show_p(comparison.p)}{adjusted}, {len(arm.values)} against {len(case.reference.values)} seeds"
    )


def _too_few(comparison: ArmComparison, arm: Sample, case: Case) -> str:
    counts = f"{plural(len(arm.values), 'usable seed')} in {arm.label} and {len(case.reference.values)} in"
    text = f"{counts} {comparison.baseline}: fewer than {MIN_SEEDS} seeds per arm, no test is made."
    gaps = _gaps(arm, case.reference)
    seen = comparison.prediction
    if seen is not None:
        where = "inside" if seen.is_inside else "outside"
        places = decimals((seen.ci.high - seen.ci.low) / 10)
        text += (
            f" The one run of {seen.arm} ({show(seen.value, places)}) lies {where} the range in which one "
            f"more run of {seen.cohort} would fall ({percent(seen.ci.level)}: {show(seen.ci.low, places)} to "
            f"{show(seen.ci.high, places)})."
        )
    return f"{text} {gaps}".rstrip()


def _refusal(comparison: ArmComparison, arm: Sample, case: Case) -> str:
    """Why no claim is possible although there are seeds enough; empty if one is."""
    if has_gaps(arm) or has_gaps(case.reference):
        return f"{_gaps(arm, case.reference)} A comparison of the runs that are left would compare survivors."
    if comparison.ci is None and comparison.p is not None:
        return (
            "seeds ran more than once, and their runs differ so much, or in so many ways, that no one difference "
            "can be told; give one run per seed."
        )
    if comparison.ci is None and len(set(arm.values)) > 1 < len(set(case.reference.values)):
        return "every pair differs by the same amount, so there is no spread to test against."
    if comparison.ci is None:
        return (
            f"the values of {arm.label} or {comparison.baseline} do not vary at all, so there is no spread "
            "to test against: check that the seeds act and that the metric is not rounded away."
        )
    if case.plan.best_of > 1:
        return (
            f"every value is the best of {case.plan.best_of} runs: picking the best looks like an "
            "improvement without any; give all runs."
        )
    if case.plan.picked:
        return f"{case.plan.picked}: the runs that were left out count too; name the whole cohort."
    if case.plan.is_selected_on_report:
        return (
            "the checkpoints were chosen on the very data that is reported, which improves the number "
            "without improving the network: choose on other data, or report the last checkpoint."
        )
    return ""


def _gaps(*samples: Sample) -> str:
    parts = [_gap(sample) for sample in samples if has_gaps(sample)]
    return f"{'; '.join(parts)}." if parts else ""


def _gap(sample: Sample) -> str:
    def reasons(runs: Sequence[Excluded]) -> str:
        return ", ".join(f"seed {'unnamed' if run.seed is None else run.seed}: {run.reason}" for run in runs)

    runs = (*sample.failed, *sample.missing)
    return f"{sample.label}: {plural(len(runs), 'run')} without a usable number ({reasons(runs)})"


def _not_attributable(comparison: ArmComparison, arm: Sample, *, evidence: StatsVerdict, case: Case) -> str:
    design = case.design
    named = f" ({', '.join(design.factors)})" if design.factors else ""
    why = design.idle or design.reason.rstrip(".") or _DESIGNS[design.verdict] + named
    text = f"no difference between {arm.label} and {comparison.baseline} could be credited to a cause: {why}."
    if evidence == StatsVerdict.TOO_FEW_SEEDS:
        return f"{text} There are too few seeds as well: {_too_few(comparison, arm, case)}"
    if comparison.ci is None:
        return f"{text} And {_refusal(comparison, arm, case)}"
    difference = show(comparison.difference, _places(comparison))
    return f"{text} The numbers: a difference of {difference} ({_figures(comparison, arm, case)})."


def _places(comparison: ArmComparison) -> int | None:
    ci = comparison.ci
    return None if ci is None else decimals((ci.high - ci.low) / 4)


def notes(
    comparisons: Sequence[ArmComparison], samples: Sequence[Sample], *, case: Case, sequences: Sequence[str]
) -> tuple[str, ...]:
    """What a reader should know beside the verdict, most important first."""
    seeds = {sample.label: len(sample.values) for sample in samples}
    found = [note for comparison in comparisons for note in _comparison_notes(comparison, seeds, case)]
    found += _sample_notes(samples, case=case)
    found += _plan_notes(comparisons, samples, case=case)
    if sequences:
        found.append(f"This holds on these {len(sequences)} sequences ({', '.join(sequences)}), not on others.")
    return tuple(dict.fromkeys(found))


def _sample_notes(samples: Sequence[Sample], *, case: Case) -> list[str]:
    """Notes of the arms; what holds for several is said once."""
    found, arms = [], dict[str, list[str]]()
    for sample in samples:
        for note in sample.notes:
            arms.setdefault(note, []).append(sample.label)
        if sample.failed:
            ci = share_interval(sample.distinct_failed, sample.distinct, level=1 - case.plan.alpha)
            found.append(
                f"{sample.label}: {sample.distinct_failed} of {sample.distinct} seeds failed; the true share "
                f"may lie between {percent(ci.low)} and {percent(ci.high)}."
            )
    return found + [f"{', '.join(labels)}: {note}" for note, labels in arms.items()]


def _comparison_notes(comparison: ArmComparison, seeds: Mapping[str, int], case: Case) -> list[str]:
    found = []
    against = f"{comparison.arm} against {comparison.baseline}"
    if comparison.is_fragile:
        found.append(
            f"Fragile: {against} is decided by {comparison.method} p {show_p(comparison.p)}, while the exact "
            f"permutation test says p {show_p(comparison.permutation_p)} and leaving out one seed can give p "
            f"{show_p(comparison.drop_one_p)}."
        )
    if comparison.failure_p is not None:
        found.append(f"Shares of failed runs, {against}: exact p {show_p(comparison.failure_p)}.")
    if comparison.ci is not None and comparison.permutation_p is None:
        found.append(
            f"{seeds[comparison.arm]} + {seeds[comparison.baseline]} seeds: a permutation test cannot go below p = "
            f"{comparison.smallest_reachable_p:.2g}; the t test assumes normality ({against})."
        )
    is_open = comparison.verdict == StatsVerdict.INCONCLUSIVE and not spoiled_by_selection(case.plan)
    if comparison.n_needed is not None and is_open:
        found.append(
            f"{comparison.n_needed} seeds per arm would find a true difference of "
            f"{show(comparison.n_needed_for, _places(comparison))} with {percent(case.plan.power)} power, "
            f"if the spread stays as it is ({against})."
        )
    ci = comparison.ci
    if comparison.verdict == StatsVerdict.EQUIVALENT and ci is not None and ci.excludes(0.0):
        found.append(f"The difference is real but smaller than the margin ({against}).")
    return found


def _plan_notes(comparisons: Sequence[ArmComparison], samples: Sequence[Sample], *, case: Case) -> list[str]:
    plan, found = case.plan, []
    fewest = min(len(sample.values) for sample in samples)
    if case.family > 1:
        name = "Holm" if plan.correction == "holm" else "Benjamini-Hochberg, fit for screening only"
        found.append(f"p values are corrected for {case.family} comparisons ({name}).")
    if plan.looks > 1:
        found.append(
            f"This is look {plan.looks} at this comparison. Looking after every new seed from 3 to 10 finds "
            "a difference in 15 % of cases where there is none; fix the number of seeds beforehand."
        )
    if plan.margin is not None and fewest < EQUIVALENCE_SEEDS:
        found.append(f"Equivalence within {show(plan.margin)} is judged from {EQUIVALENCE_SEEDS} seeds per arm on.")
    if plan.is_paired and any(c.method != "paired t" for c in comparisons if c.p is not None):
        found.append("Pairing was planned, but the arms do not share all seeds; they are compared unpaired.")
    if fewest < MIN_SEEDS and plan.earlier_sd is not None:
        seen = detectable(plan.earlier_sd, MIN_SEEDS, plan.power, alpha=plan.alpha)
        found.append(
            f"At the earlier seed sd of {show(plan.earlier_sd)}, {MIN_SEEDS} seeds per arm have a minimum detectable "
            f"difference of {show(seen)}."
        )
    if MIN_SEEDS <= fewest < COMPANION_SEEDS and any(c.p is not None for c in comparisons):
        found.append("The spread itself is barely known: at 3 seeds the true sd may be 0.5 to 6 times the one shown.")
    return found
