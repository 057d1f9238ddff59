"""Why the verdict is what it is: one sentence per comparison, and the notes a careful colleague would add."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from runaudit.metrics.catalogue import Direction
from runaudit.stats.answer import ArmComparison, StatsVerdict
from runaudit.stats.compare import COMPANION_SEEDS, EQUIVALENCE_SEEDS, has_gaps
from runaudit.stats.digits import decimals, percent, show, show_p
from runaudit.stats.interval import SMALLEST_SD, is_constant, sd_factors, share_interval
from runaudit.stats.power import detectable
from runaudit.stats.told import among
from runaudit.stats.values import MIN_SEEDS, Comparability, Excluded, Sample, StatsPlan
from runaudit.text.verdicts import verdict_words
from runaudit.text.words import IF_EQUAL, ended, plural

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


def permutation_name(comparison: ArmComparison) -> str:
    """What the permutation test of a comparison was: exact only where every arrangement of the labels was counted."""
    if not comparison.permutation_drawn:
        return "exact permutation test"
    return f"permutation test ({comparison.permutation_drawn} arrangements drawn)"


def spoiled_by_selection(case: Case) -> bool:
    """Whether the values were picked with the result in sight, so that no test of them means anything."""
    plan = case.plan
    return plan.best_of > 1 or plan.is_selected_on_report or bool(case.design.picked or case.design.unlike)


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """A reason in parts, so that what holds for several arms is said once: `before`, the arms, `after`; then `own`."""

    before: str = ""
    arm: str = ""
    glue: str = ""
    after: str = ""
    own: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The reason of one arm."""
        return " ".join((f"{self.before}{self.arm}{self.after}", *self.own))


def of(comparison: ArmComparison, arm: Sample, *, evidence: StatsVerdict, case: Case) -> Why:
    """The reason of one judged comparison. `evidence` is what the numbers alone would say."""
    if comparison.verdict == StatsVerdict.NOT_ATTRIBUTABLE:
        return _not_attributable(comparison, arm, evidence=evidence, case=case)
    why = _of_numbers(comparison, arm, evidence=evidence, case=case)
    if case.family > 1 and case.design.factors and comparison.verdict in _CLAIMS:
        return replace(why, own=(*why.own, f"There {case.design.alone}."))
    return why


def overall(comparisons: Sequence[ArmComparison], whys: Sequence[Why], *, case: Case) -> str:
    """The reasons of all comparisons, each given once, then what kind of statement they are."""
    alike: dict[tuple[str, str, str], list[Why]] = {}
    for why in whys:
        alike.setdefault((why.before, why.glue, why.after), []).append(why)
    sentences = []
    for (before, glue, after), group in alike.items():
        sentences += [
            f"{before}{glue.join(why.arm for why in group)}{after}",
            *(one for why in group for one in why.own),
        ]
    if case.design.verdict == "unknown_design":
        sentences.append("This is about the numbers alone: how the arms were made is not known, so no cause is named.")
    elif case.family == 1 and case.design.factors and any(c.verdict in _CLAIMS for c in comparisons):
        sentences.append(f"{_capital(case.design.alone)}.")
    return " ".join(dict.fromkeys(sentences))


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _of_numbers(comparison: ArmComparison, arm: Sample, *, evidence: StatsVerdict, case: Case) -> Why:
    if evidence == StatsVerdict.TOO_FEW_SEEDS:
        return _too_few(comparison, arm, case)
    if refusal := _refusal(comparison, arm, case):
        first, *others = refusal
        return Why(before=first, own=tuple(others))
    return Why(before=_difference(comparison, arm, evidence=evidence, case=case))


def _difference(comparison: ArmComparison, arm: Sample, *, evidence: StatsVerdict, case: Case) -> str:
    places = _places(comparison)
    difference = comparison.difference or 0.0
    way = "higher" if difference > 0 else "lower"
    how = f"{show(abs(difference), places)} {way}" if difference else "the same on average"
    figures = _figures(comparison, arm, case)
    if evidence == StatsVerdict.EQUIVALENT:
        return (
            f"{arm.label} and {comparison.baseline} differ by less than the declared margin of "
            f"{show(case.plan.margin)} {case.metric} ({figures}; both one-sided tests pass)."
        )
    if evidence in (StatsVerdict.IMPROVED, StatsVerdict.REGRESSED):
        word = "better" if evidence == StatsVerdict.IMPROVED else "worse"
        return f"{arm.label} is {word} than {comparison.baseline}: {case.metric} is {how} ({figures})."
    if comparison.ci is not None and comparison.ci.excludes(0.0):
        both = f"{arm.label} and {comparison.baseline}"
        allowed = f"once {case.family} comparisons are allowed for"
        return f"{both} differ ({case.metric} is {how}; {figures}), but no longer {allowed}."
    if comparison.is_equal:
        return (
            f"{arm.label} and {comparison.baseline} have the same values of {case.metric}, to the last bit "
            f"({_seeds(arm, case)}): what differs changed none of them."
        )
    return (
        f"{arm.label} and {comparison.baseline} cannot be told apart: {case.metric} is {how} "
        f"({figures}); these seeds would reliably show a difference of "
        f"{show(comparison.minimal_detectable_effect, places)} or more, so a smaller one may well exist."
    )


def _figures(comparison: ArmComparison, arm: Sample, case: Case) -> str:
    places, ci = _places(comparison), comparison.ci
    assert ci is not None  # a test ran, so its interval exists
    adjusted = among(comparison, case.family, places)
    return (
        f"{percent(ci.level)} CI {show(ci.low, places)} to {show(ci.high, places)}, {comparison.method} p "
        f"{show_p(comparison.p)}{adjusted}{';' if adjusted else ','} "
        f"{_seeds(arm, case)}"
    )


def _still(arm: Sample, reference: Sample) -> str:
    """Which of two arms has values that do not vary, and that they do not but for rounding."""
    still = [one for one in (arm, reference) if is_constant(one.values)] or [arm, reference]
    how = "at all" if all(len(set(one.values)) == 1 for one in still) else "beyond the rounding of a double"
    return f"{' and '.join(one.label for one in still)} do not vary {how}"


def _seeds(arm: Sample, case: Case) -> str:
    return f"{len(arm.values)} against {plural(len(case.reference.values), 'seed')}"


def _too_few(comparison: ArmComparison, arm: Sample, case: Case) -> Why:
    usable = plural(len(arm.values), "usable seed")
    return Why(
        arm=f"{usable} in {arm.label}",
        glue=", ",
        after=f" and {len(case.reference.values)} in {comparison.baseline}: fewer than {MIN_SEEDS} seeds per arm, "
        "no test is made.",
        own=(*_placed(comparison), *_gaps(arm, case.reference)),
    )


def _placed(comparison: ArmComparison) -> tuple[str, ...]:
    """Where a lone run lies beside a cohort."""
    seen = comparison.prediction
    if seen is None:
        return ()
    where = "inside" if seen.is_inside else "outside"
    places = decimals((seen.ci.high - seen.ci.low) / 10)
    return (
        (
            f"The one run of {seen.arm} ({show(seen.value, places)}) lies {where} the range in which one "
            f"more run of {seen.cohort} would fall ({percent(seen.ci.level)}: {show(seen.ci.low, places)} to "
            f"{show(seen.ci.high, places)})."
        ),
    )


def refused(comparison: ArmComparison, arm: Sample, *, evidence: StatsVerdict, case: Case) -> str:
    """Why these numbers allow no claim although there are seeds enough; empty where they allow one."""
    return " ".join(_refusal(comparison, arm, case)) if evidence == StatsVerdict.INCONCLUSIVE else ""


def _refusal(comparison: ArmComparison, arm: Sample, case: Case) -> tuple[str, ...]:
    """Why no claim is possible although there are seeds enough, in sentences; none if one is."""
    if has_gaps(arm) or has_gaps(case.reference):
        return (
            *_gaps(arm, case.reference),
            "A comparison of the runs that are left would compare survivors.",
        )
    if comparison.ci is None and comparison.p is not None:
        return (
            (
                "seeds ran more than once, and their runs differ so much, or in so many ways, that no one difference "
                "can be told; give one run per seed."
            ),
        )
    if comparison.ci is None and comparison.is_equal:
        return ("the values of both arms are the same, to the last bit: what differs changed none of them.",)
    if comparison.ci is None and _are_tiny(arm) and _are_tiny(case.reference):
        return ("the values are so small that their squares come to 0; give the metric in a smaller unit.",)
    if comparison.ci is None and not (is_constant(arm.values) or is_constant(case.reference.values)):
        return ("every pair differs by the same amount, so there is no spread to test against.",)
    if comparison.ci is None:
        return (
            (
                f"the values of {_still(arm, case.reference)}, so there is no spread to test against: check that the "
                "seeds act and that the metric is not rounded away."
            ),
        )
    if case.plan.best_of > 1:
        return (
            (
                f"every value is the best of {case.plan.best_of} runs: picking the best looks like an "
                "improvement without any; give all runs."
            ),
        )
    if case.design.picked:
        return (
            (
                f"{case.design.picked}: the runs that were left out count too. Compare whole cohorts, as `runaudit "
                "list` names them."
            ),
        )
    if case.design.unlike:
        return (f"{case.design.unlike}.",)
    if case.plan.is_selected_on_report:
        return (
            (
                "the checkpoints were chosen on the very data that is reported, which improves the number "
                "without improving the network: choose on other data, or report the last checkpoint."
            ),
        )
    return ()


def _are_tiny(sample: Sample) -> bool:
    """Whether values vary, by so little that no test can be reckoned of them."""
    return len(set(sample.values)) > 1 and max(map(abs, sample.values)) < SMALLEST_SD


def _gaps(*samples: Sample) -> tuple[str, ...]:
    return tuple(f"{_gap(sample)}." for sample in samples if has_gaps(sample))


def _gap(sample: Sample) -> str:
    def reasons(runs: Sequence[Excluded]) -> str:
        return ", ".join(f"seed {'unnamed' if run.seed is None else run.seed}: {run.reason}" for run in runs)

    runs = (*sample.failed, *sample.missing)
    return f"{sample.label}: {plural(len(runs), 'run')} without a usable number ({reasons(runs)})"


def _not_attributable(comparison: ArmComparison, arm: Sample, *, evidence: StatsVerdict, case: Case) -> Why:
    design = case.design
    cause = design.idle or design.reason.rstrip(".") or _meaning(design)
    own = _besides(comparison, arm, evidence=evidence, case=case)
    if case.family > 1:  # What is not in the records is so for every arm, what the rest shows is the arm's own.
        cause, is_held, shown = cause.partition(IF_EQUAL)
        own = (f"If equal, {shown} in {arm.label}.", *own) if is_held else own
    return Why(
        before="No difference between ",
        arm=arm.label,
        glue=" or ",
        after=ended(f" and {comparison.baseline} could be credited to a cause: {cause}"),
        own=own,
    )


def _meaning(design: Comparability) -> str:
    """What the design's verdict means, with its factors, where the design gives no reason of its own."""
    meaning = verdict_words("diff", design.verdict).meaning.format(factors=plural(len(design.factors), "factor"))
    named = f" ({', '.join(design.factors)})" if design.factors else ""
    return meaning[:1].lower() + meaning[1:].rstrip(".") + named


def _besides(comparison: ArmComparison, arm: Sample, *, evidence: StatsVerdict, case: Case) -> tuple[str, ...]:
    """What the numbers say where no cause can be named."""
    if evidence == StatsVerdict.TOO_FEW_SEEDS:
        few = _too_few(comparison, arm, case)
        return (f"There are too few seeds as well: {few.arm}{few.after}", *few.own)
    refusal = [f"{'' if at else 'And '}{line}" for at, line in enumerate(_refusal(comparison, arm, case))]
    if comparison.ci is None:
        return tuple(refusal)
    if comparison.is_equal:
        return (f"The values of {case.metric} are the same in both, to the last bit.", *refusal)
    difference = show(comparison.difference, _places(comparison))
    whose = f" of {arm.label}" if case.family > 1 else ""
    return (f"The numbers{whose}: a difference of {difference} ({_figures(comparison, arm, case)}).", *refusal)


def _places(comparison: ArmComparison) -> int | None:
    ci = comparison.ci
    return None if ci is None else decimals((ci.high - ci.low) / 4)


def notes(
    comparisons: Sequence[ArmComparison], samples: Sequence[Sample], *, case: Case, sequences: Sequence[str]
) -> tuple[str, ...]:
    """What a reader should know beside the verdict, most important first."""
    seeds = {sample.label: len(sample.values) for sample in samples}
    pairs: dict[str, list[str]] = {}
    for comparison in comparisons:
        for note in _comparison_notes(comparison, seeds, case):
            pairs.setdefault(note, []).append(f"{comparison.arm} against {comparison.baseline}")
    found = [f"{note} ({', '.join(against)})." for note, against in pairs.items()]
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
    """Notes on one comparison, without its name and the full stop: what holds for several is said once."""
    found = []
    if comparison.is_fragile:
        found.append(
            f"Fragile: decided by {comparison.method} p {show_p(comparison.p)}, while the "
            f"{permutation_name(comparison)} says p {show_p(comparison.permutation_p)} "
            f"and leaving out one seed can give p {show_p(comparison.drop_one_p)}"
        )
    if comparison.failure_p is not None:
        found.append(f"Shares of failed runs: Boschloo's exact test, p {show_p(comparison.failure_p)}")
    if comparison.ci is not None and comparison.permutation_p is None:
        found.append(
            f"{seeds[comparison.arm]} + {seeds[comparison.baseline]} seeds: a permutation test cannot go below p = "
            f"{comparison.smallest_reachable_p:.2g}; the t test assumes normality"
        )
    own = replace(case, design=comparison.design or case.design)
    is_open = comparison.verdict == StatsVerdict.INCONCLUSIVE and not spoiled_by_selection(own)
    if comparison.n_needed is not None and is_open and not comparison.is_equal:
        found.append(
            f"{comparison.n_needed} seeds per arm would find a true difference of "
            f"{show(comparison.n_needed_for, _places(comparison))} with {percent(case.plan.power)} power, "
            f"if the spread stays as it is"
        )
    ci = comparison.ci
    if comparison.verdict == StatsVerdict.EQUIVALENT and ci is not None and ci.excludes(0.0):
        found.append("The difference is real but smaller than the margin")
    return found


def _plan_notes(comparisons: Sequence[ArmComparison], samples: Sequence[Sample], *, case: Case) -> list[str]:
    plan, found = case.plan, []
    fewest = min(len(sample.values) for sample in samples)
    if case.family > 1:
        name = "Holm" if plan.correction == "holm" else "Benjamini-Hochberg, fit for screening only"
        found.append(
            f"p values are corrected for {case.family} comparisons ({name}); what can be detected, and with how many "
            "seeds, allows for them as well."
        )
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
        few = sorted({n for sample in samples if (n := len(sample.values)) < COMPANION_SEEDS})
        found.append(f"The spread itself is barely known: {', '.join(_sd_within(n, plan) for n in few)} the one shown.")
    return found


def _sd_within(n: int, plan: StatsPlan) -> str:
    low, high = sd_factors(n, level=1 - plan.alpha)
    return f"at {n} seeds the true sd may be {low:.2g} to {high:.2g} times"
