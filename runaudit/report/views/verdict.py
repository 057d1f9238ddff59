"""The verdict in words. Two axes stay apart: is the comparison valid, and do the seeds support a difference?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from runaudit.diff import Comparison
from runaudit.diff.result import FactorChange, Verdict
from runaudit.factors.factor import Absent
from runaudit.factors.tables import unkeyed
from runaudit.records.canonical import JSON
from runaudit.report.effects import EffectFigure, effect_figure
from runaudit.report.inputs import ComparisonInput
from runaudit.report.views.arm import ArmView
from runaudit.report.views.recorded import (
    assumed_in_words,
    design_badge,
    design_meaning,
    evidence_badge,
    evidence_condition,
    evidence_reason,
    gaps_in_words,
)
from runaudit.report.words import MetricText, Text, clean, metric, number, shown, value_text
from runaudit.stats.answer import ArmComparison, StatsAnswer, StatsVerdict
from runaudit.stats.digits import percent
from runaudit.stats.values import Interval
from runaudit.text.verdicts import verdict_words
from runaudit.text.words import listed, plural


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceView:
    """What the seeds say about one metric, in one sentence and in its parts. badge: the verdict as it is shown, with
    the condition that it rests on; conditional: its word, where there is one. level: of the interval, in percent."""

    metric: str
    tone: str
    verdict: str
    badge: str
    conditional: str
    sentence: str
    difference: str
    level: str
    interval: str
    seeds: str
    p: str
    method: str
    detectable: str
    needed: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictView:
    """One comparison: who against whom, what changed, what may be concluded, and what the seeds support. badge: the
    verdict as it is shown, with the condition that it rests on. assumed: what the user vouches for."""

    baseline: ArmView
    arm: ArmView
    tone: str
    verdict: str
    badge: str
    change: str
    meaning: str
    reason: str
    conditional: str
    assumed: str
    evidence: tuple[EvidenceView, ...]
    effects: tuple[EffectFigure, ...]
    notes: tuple[str, ...]


def verdict_view(comparison: ComparisonInput, arms: Sequence[ArmView]) -> VerdictView:
    """One comparison in words."""
    diff = comparison.diff
    factors = treatments(diff)
    about = verdict_words("diff", diff.verdict)
    tone, badge = design_badge(diff)
    told = diff.tells_what_is_recorded
    return VerdictView(
        baseline=arms[comparison.baseline],
        arm=arms[comparison.arm],
        tone=tone,
        verdict=clean(about.words),
        badge=badge,
        change=change_words(factors),
        meaning=design_meaning(diff, len(factors)),
        reason=gaps_in_words(diff) if told else reason_words(diff, factors),
        conditional="" if told else conditional_words(diff.conditional),
        assumed=assumed_in_words(diff),
        evidence=tuple(e for answer in comparison.stats for e in evidence_views(answer, design=clean(about.words))),
        effects=tuple(_effects(comparison, arms)),
        notes=tuple(_notes(comparison)),
    )


def _effects(comparison: ComparisonInput, arms: Sequence[ArmView]) -> Iterator[EffectFigure]:
    """What can be drawn of the judgements, every arm in the colour it has on the page."""
    order = [arm.name.full for arm in arms]
    for answer in comparison.stats:
        if (figure := effect_figure(answer, order=order)) is not None:
            yield figure


def reason_words(diff: Comparison, factors: Sequence[FactorChange]) -> str:
    """The judge's own sentence, unless it only names the factors that have been named already."""
    reason = clean(diff.reason)
    is_told = diff.verdict is Verdict.CONFOUNDED and all(factor.factor in reason for factor in factors)
    return "" if is_told else reason


def _notes(comparison: ComparisonInput) -> Iterator[str]:
    """What the judges noted, each sentence once, and what judging several metrics side by side means."""
    notes = (*comparison.diff.notes, *(note for answer in comparison.stats for note in answer.notes))
    yield from dict.fromkeys(clean(note) for note in notes)
    if len(comparison.stats) > 1:
        yield f"{len(comparison.stats)} metrics are judged side by side; nothing is adjusted for their number."


def treatments(diff: Comparison) -> tuple[FactorChange, ...]:
    """The factors, without the seeds that vary inside a cohort by design; those too where nothing else changed."""
    return diff.treatments or diff.factors


def change_words(factors: Sequence[FactorChange]) -> str:
    """`config.schedule went from end_to_end to staged`; several factors are listed by name."""
    if not factors:
        return "No factor changed"
    if len(factors) == 1:
        name = shown(factors[0].factor).short
        before, after = level_text(factors[0].before), level_text(factors[0].after)
        if name.startswith("code.") or max(len(before.short), len(after.short)) > 40:
            return f"{name} changed"
        return f"{name} went from {before} to {after}"
    names = [shown(factor.factor).short for factor in factors]
    head = names if len(names) <= 6 else [*names[:5], f"{len(names) - 5} more"]
    return f"{listed(head)} changed"


def level_text(level: JSON | Absent) -> Text:
    """The level of a factor on one side; `absent` where the record has the other side only."""
    return Text("absent", "absent") if isinstance(level, Absent) else value_text(unkeyed(level))


def conditional_words(verdict: Verdict | None) -> str:
    """The verdict that would hold if nothing were missing, as a sentence; empty where nothing is."""
    if verdict is None:
        return ""
    words = verdict_words("diff", verdict).words
    return f"If everything that is missing were equal, the verdict would be: {clean(words)}."


def evidence_views(answer: StatsAnswer, *, design: str) -> Iterator[EvidenceView]:
    """What the seeds say about one metric, arm by arm. design: the words of the verdict on the comparison."""
    about = metric(answer.metric)
    sizes = {arm.label: arm.effective_n for arm in answer.arms}
    for row in answer.comparisons:
        tone, badge, verdict = evidence_badge(answer, row)
        condition = evidence_condition(answer)
        seeds = seeds_text((sizes[row.arm], sizes[row.baseline]))
        seen = row.minimal_detectable_effect
        yield EvidenceView(
            metric=about.words,
            tone=tone,
            verdict=clean(verdict_words("stats", row.verdict).words),
            badge=badge,
            conditional="" if row.conditional is None else clean(verdict_words("stats", row.conditional).words),
            sentence=_sentence(
                replace(row, verdict=verdict), about, seeds=seeds, design=design, answer=answer
            ).removesuffix(".")
            + f"{condition}.",
            difference="" if row.difference is None else about.amount(row.difference, signed=True),
            level=percent(1 - answer.alpha).removesuffix(" %"),
            interval=_interval(row.ci, about),
            seeds=seeds,
            p=_p_words(row),
            method=clean(row.method or ""),
            detectable="" if seen is None else about.amount(seen),
            needed="" if row.n_needed is None else str(row.n_needed),
            reason=evidence_reason(answer, row),
        )


def seeds_text(ns: tuple[int, int]) -> str:
    """`3 seeds each`, `3 against 5 seeds`."""
    arm, baseline = ns
    if arm == baseline:
        return f"{plural(arm, 'seed')} each"
    return f"{arm} against {baseline} seeds"


def _interval(ci: Interval | None, about: MetricText) -> str:
    if ci is None:
        return ""
    low, high = (number(end, about.digits, signed=True) for end in (ci.low, ci.high))
    # No-break space: an interval is read as one thing.
    return f"[{low},\N{NO-BREAK SPACE}{high}]"


def _p_words(row: ArmComparison) -> str:
    if row.p is None:
        return ""
    text = _small(row.p)
    return text if row.p_adjusted in (None, row.p) else f"{text} (adjusted {_small(row.p_adjusted or 0.0)})"


def _small(p: float) -> str:
    return "< 0.001" if p < 0.001 else number(p, 3)


def _sentence(row: ArmComparison, about: MetricText, *, seeds: str, design: str, answer: StatsAnswer) -> str:
    """One metric's evidence: how much, how sure, from how many seeds, and the least that they detect."""
    detectable = row.minimal_detectable_effect
    by = "" if row.difference is None else f"{about.amount(row.difference, signed=True)} {_interval(row.ci, about)}"
    by = by.strip()
    least = "" if detectable is None else f"{about.amount(detectable)} ({percent(answer.power)} power)"
    seen = f"; minimum detectable difference {least}" if least else ""
    needed = f"; about {row.n_needed} seeds an arm would be needed" if row.n_needed else ""
    match row.verdict:
        case StatsVerdict.IMPROVED:
            return f"improved by {by}, {seeds}{seen}."
        case StatsVerdict.REGRESSED:
            return f"got worse by {by}, {seeds}{seen}."
        case StatsVerdict.EQUIVALENT:
            return f"has no difference that matters: {by}, {seeds}."
        case StatsVerdict.INCONCLUSIVE if row.refusal:
            # The judge's own sentence: a test that was refused has not found that nothing can be told.
            return f"allows no claim, {seeds}: {clean(row.refusal)}"
        case StatsVerdict.INCONCLUSIVE if row.ci is not None and row.ci.excludes(0.0):
            allowed = f"once {plural(len(answer.comparisons), 'comparison')} are allowed for"
            return f"differs by {by}, {seeds}, but no longer {allowed}{seen}{needed}."
        case StatsVerdict.INCONCLUSIVE:
            # Never "no difference": that these seeds cannot tell is no evidence that there is none.
            head = f"cannot be told apart: {by}, {seeds}" if by else f"cannot be told apart, {seeds}"
            return f"{head}{seen}{needed}."
        case StatsVerdict.TOO_FEW_SEEDS:
            return f"cannot be judged from {seeds}{f' (the means differ by {by})' if by else ''}."
        case StatsVerdict.NOT_ATTRIBUTABLE:
            head = f"differs by {by}, {seeds}" if by else f"cannot be attributed, {seeds}"
            besides = f"; nor do the numbers allow a claim: {clean(row.refusal)}" if row.refusal else ""
            return f"{head}; not attributable: the comparison is {design}{besides or '.'}"
