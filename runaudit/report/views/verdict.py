"""The verdict in words. Two axes stay apart: is the comparison valid, and do the seeds support a difference?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from runaudit.diff import Comparison
from runaudit.diff.result import FactorChange, Verdict
from runaudit.factors.factor import Absent
from runaudit.factors.tables import unkeyed
from runaudit.factors.vouched import remedy
from runaudit.records.canonical import JSON
from runaudit.report.effects import EffectFigure, effect_figure
from runaudit.report.inputs import ComparisonInput, Unjudged
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
from runaudit.stats.answer import ArmComparison, ArmSummary, StatsAnswer, StatsVerdict
from runaudit.stats.digits import decimals, percent
from runaudit.stats.values import MIN_SEEDS
from runaudit.text.verdicts import Tone, verdict_words
from runaudit.text.words import ended, listed, plural


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceView:
    """What the seeds say about one metric, in one sentence and in its parts. title: the metric where a sentence begins.
    found: the sentence without what the seeds
    could have found. badge: the verdict as it is shown, with the condition that it rests on; conditional: its word,
    where there is one. level: of the interval, in percent. lacking: what a claim would need, "" where nothing."""

    metric: str
    title: str
    tone: str
    verdict: str
    badge: str
    conditional: str
    sentence: str
    found: str
    difference: str
    level: str
    interval: str
    seeds: str
    p: str
    method: str
    detectable: str
    needed: str
    lacking: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictView:
    """One comparison: who against whom, what may be claimed, what changed, and what the seeds support.

    tone, claim: of what may be claimed, which needs both the design and the numbers. design_tone, badge: the verdict on
    the design as it is shown, with the condition that it rests on. lacking: what a claim would need, a sentence each.
    assumed: what the user vouches for. caveats: what the design leaves open. evidence: the metric that the page is
    about first.
    """

    baseline: ArmView
    arm: ArmView
    tone: str
    claim: str
    verdict: str
    design_tone: str
    badge: str
    change: str
    meaning: str
    reason: Text
    conditional: str
    assumed: str
    lacking: tuple[str, ...]
    caveats: tuple[str, ...]
    evidence: tuple[EvidenceView, ...]
    effects: tuple[EffectFigure, ...]
    notes: tuple[str, ...]


def verdict_view(
    comparison: ComparisonInput, arms: Sequence[ArmView], *, is_damaged: bool = False, blown: Sequence[str] = ()
) -> VerdictView:
    """One comparison in words. is_damaged: bytes of a run in it are not those that were sealed. blown: where its runs
    ended in values that are no numbers, a sentence each."""
    diff = comparison.diff
    factors = treatments(diff)
    about = verdict_words("diff", diff.verdict)
    tone, badge = design_badge(diff)
    told = diff.tells_what_is_recorded
    evidence = tuple(e for answer in comparison.stats for e in evidence_views(answer, design=clean(about.words)))
    return VerdictView(
        baseline=arms[comparison.baseline],
        arm=arms[comparison.arm],
        tone=Tone.BAD if is_damaged else _tone(tone, evidence),
        claim=_claim(evidence, comparison.unjudged),
        verdict=clean(about.words),
        design_tone=tone,
        badge=badge,
        change=changed(diff, factors),
        meaning=design_meaning(diff, len(factors)),
        reason=shown(gaps_in_words(diff) if told else reason_words(diff, factors), MAX_REASON),
        conditional="" if told else conditional_words(diff.conditional),
        assumed=assumed_in_words(diff),
        lacking=tuple(filter(None, (design_lacks(diff), _numbers_lack(comparison, evidence)))),
        caveats=(*((_DAMAGED,) if is_damaged else ()), *blown, *map(_sentence, diff.notes[:MAX_CAVEATS])),
        evidence=evidence,
        effects=tuple(_effects(comparison, arms)),
        notes=tuple(_notes(comparison)),
    )


MAX_REASON = 420
"""Letters of a reason in the card: it names every factor, and the section on what changed has them all."""
NOTHING_ON_RECORD = "Nothing that is on record differs"
"""Where something is missing, nobody knows that no factor changed."""
_DAMAGED = "Bytes of a run in this comparison are not those that were sealed; the warnings say which."
MAX_CAVEATS = 3
"""Notes on the design in the card; the statistics have them all."""
_NO_METRIC = "a metric whose direction is known: `--metric NAME --direction higher` (or lower)"


def _sentence(note: str) -> str:
    """A note as a sentence; a name at its beginning stays as it is."""
    said = clean(note)
    first = said.partition(" ")[0]
    return ended(said[:1].upper() + said[1:] if first.isalpha() else said)


def _tone(design: Tone, evidence: Sequence[EvidenceView]) -> str:
    """How loud a claim is: as its numbers are; without any it is none."""
    return evidence[0].tone if evidence else max((design, Tone.DOUBT), key=list(Tone).index)


def _numbers_lack(comparison: ComparisonInput, evidence: Sequence[EvidenceView]) -> str:
    """What a claim would need of the numbers; empty where they carry one."""
    if evidence:
        return evidence[0].lacking
    return comparison.unjudged[0].needs if comparison.unjudged else _NO_METRIC


def _claim(evidence: Sequence[EvidenceView], unjudged: Sequence[Unjudged]) -> str:
    """What may be said of the metric that the page is about, as a sentence."""
    if not evidence:
        if unjudged:
            return clean(unjudged[0].words)
        return "No metric was judged: of none that both arms have is it known which way it improves."
    return f"{evidence[0].title} {evidence[0].found}"


def design_lacks(diff: Comparison) -> str:
    """What this design would need to carry a claim, with the command that helps; empty where it carries one."""
    match diff.standing:
        case Verdict.SINGLE_FACTOR:
            return ""
        case Verdict.CONFOUNDED:
            return "runs in which these factors change one at a time: `runaudit study` names them"
        case Verdict.PROVENANCE_INCOMPLETE:
            typed = remedy([row.factor for row in diff.open]) if diff.is_conditional else ""
            return "what is not on record" + (f"; where you know that it was equal, `{typed}`" if typed else "")
        case Verdict.INCOMPARABLE:
            return "runs of both arms that finished and were measured alike"
        case Verdict.INTEGRITY_FAILURE:
            return "records that match their digests: `runaudit verify` says which do not"
    return "a factor that differs between the arms"


def _effects(comparison: ComparisonInput, arms: Sequence[ArmView]) -> Iterator[EffectFigure]:
    """What can be drawn of the judgements, every arm in the colour it has on the page."""
    order = [arm.name.full for arm in arms]
    letters = {arm.name.full: arm.letter for arm in arms}
    for answer in comparison.stats:
        if (figure := effect_figure(answer, order=order, letters=letters)) is not None:
            yield figure


def reason_words(diff: Comparison, factors: Sequence[FactorChange]) -> str:
    """The judge's own sentence, unless it only names the factors that have been named already."""
    reason = clean(diff.reason)
    is_told = diff.verdict is Verdict.CONFOUNDED and all(factor.factor in reason for factor in factors)
    return "" if is_told else reason


def _notes(comparison: ComparisonInput) -> Iterator[str]:
    """What the judges noted, each sentence once, and what judging several metrics side by side means."""
    of_numbers = (note for answer in comparison.stats for note in answer.notes)
    notes = (*comparison.diff.notes, *of_numbers, *(one.words for one in comparison.unjudged))
    yield from dict.fromkeys(clean(note) for note in notes)
    if len(comparison.stats) > 1:
        yield f"{len(comparison.stats)} metrics are judged side by side; nothing is adjusted for their number."


def treatments(diff: Comparison) -> tuple[FactorChange, ...]:
    """The factors, without the seeds that vary inside a cohort by design; those too where nothing else changed."""
    return diff.treatments or diff.factors


def changed(diff: Comparison, factors: Sequence[FactorChange]) -> str:
    """What changed, in words; that nothing did only where everything is on record."""
    return change_words(factors) if factors or not diff.missing else NOTHING_ON_RECORD


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
    arms = {arm.label: arm for arm in answer.arms}
    for row in answer.comparisons:
        tone, badge, verdict = evidence_badge(answer, row)
        condition = evidence_condition(answer)
        seeds = seeds_text(arms[row.arm], arms[row.baseline])
        told = _Told(answer=answer, row=replace(row, verdict=verdict), about=about, seeds=seeds, design=design)
        yield EvidenceView(
            metric=about.words,
            title=about.title,
            tone=tone,
            verdict=clean(verdict_words("stats", row.verdict).words),
            badge=badge,
            conditional="" if row.conditional is None else clean(verdict_words("stats", row.conditional).words),
            sentence=f"{told.found}{told.reach}{condition}.",
            found=f"{told.found}{condition}.",
            difference="" if row.difference is None else told.amount(row.difference, signed=True),
            level=percent(1 - answer.alpha).removesuffix(" %"),
            interval=told.interval,
            seeds=seeds,
            p=_p_words(row),
            method=clean(row.method or ""),
            detectable="" if row.minimal_detectable_effect is None else told.amount(row.minimal_detectable_effect),
            needed=told.needed,
            lacking=told.lacking,
            reason=evidence_reason(answer, row),
        )


def seeds_text(arm: ArmSummary, baseline: ArmSummary) -> str:
    """`3 seeds each`, `3 against 5 seeds`, `2 of 3 against 3 seeds` where a run gave no number."""
    counts = [_counted(one) for one in (arm, baseline)]
    if counts[0] == counts[1]:
        return f"{counts[0]} seed{'' if counts[0] == '1' else 's'} each"
    return f"{counts[0]} against {counts[1]} seeds"


def _counted(arm: ArmSummary) -> str:
    lost = len(arm.failed) + len(arm.missing)
    return f"{arm.used} of {arm.used + lost}" if lost else str(arm.effective_n)


def _p_words(row: ArmComparison) -> str:
    if row.p is None:
        return ""
    text = _small(row.p)
    return text if row.p_adjusted in (None, row.p) else f"{text} (adjusted {_small(row.p_adjusted or 0.0)})"


def _small(p: float) -> str:
    return "< 0.001" if p < 0.001 else number(p, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """One metric's evidence in words: how much, how sure, from how many seeds, and the least that they detect."""

    answer: StatsAnswer
    row: ArmComparison
    about: MetricText
    seeds: str
    design: str

    def amount(self, value: float | None, *, signed: bool = False) -> str:
        """A difference with its unit, to the digits that its interval is worth: those of the terminal."""
        return self._about.amount(value, signed=signed)

    @property
    def _about(self) -> MetricText:
        ci = self.row.ci
        places = decimals((ci.high - ci.low) / 4) if ci is not None else None
        return self.about if places is None else replace(self.about, digits=max(0, places))

    @property
    def interval(self) -> str:
        """Both ends in brackets."""
        ci = self.row.ci
        if ci is None:
            return ""
        low, high = (number(end, self._about.digits, signed=True) for end in (ci.low, ci.high))
        # No-break space: an interval is read as one thing.
        return f"[{low},\N{NO-BREAK SPACE}{high}]"

    @property
    def reach(self) -> str:
        """What these seeds could have found, and how many would be needed, as the end of a sentence."""
        row, seen = self.row, ""
        if row.verdict in (StatsVerdict.EQUIVALENT, StatsVerdict.TOO_FEW_SEEDS, StatsVerdict.NOT_ATTRIBUTABLE) or (
            row.verdict is StatsVerdict.INCONCLUSIVE and row.refusal
        ):
            return ""
        if row.minimal_detectable_effect is not None:
            least = f"{self.amount(row.minimal_detectable_effect)} ({percent(self.answer.power)} power)"
            seen = f"; minimum detectable difference {least}"
        is_open = row.verdict is StatsVerdict.INCONCLUSIVE
        return f"{seen}; {self._more}" if is_open and row.n_needed else seen

    @property
    def _is_planned(self) -> bool:
        """Whether the seeds are reckoned for a difference that was declared to matter, and not for the one that was
        seen: what an experiment happened to see is no reason to look for just that."""
        row = self.row
        return row.n_needed_for is not None and row.difference is not None and row.n_needed_for != abs(row.difference)

    @property
    def _more(self) -> str:
        """How many seeds would find what, and whose difference that is."""
        aim = self.amount(abs(self.row.n_needed_for or 0.0))
        if self._is_planned:
            return f"about {self.row.n_needed} seeds an arm would find {aim}, the smallest that matters by the policy"
        return f"about {self.row.n_needed} seeds an arm, were the true difference the {aim} seen"

    @property
    def needed(self) -> str:
        """The seeds needed and what for, for a table."""
        row = self.row
        if row.n_needed is None:
            return ""
        if row.n_needed_for is None:
            return str(row.n_needed)
        return f"{row.n_needed} for {self.amount(row.n_needed_for)} ({'declared' if self._is_planned else 'seen'})"

    @property
    def lacking(self) -> str:
        """What a claim would need of the numbers; empty where they carry one, or where the design is to blame."""
        row = self.row
        if row.verdict is StatsVerdict.TOO_FEW_SEEDS:
            return f"at least {MIN_SEEDS} seeds an arm"
        if row.verdict is not StatsVerdict.INCONCLUSIVE or row.refusal:
            return ""
        power = f"{percent(self.answer.power)} power"
        if row.n_needed and self._is_planned:
            aim = self.amount(row.n_needed_for)
            return f"about {row.n_needed} seeds an arm to find {aim}, the smallest that matters by the policy ({power})"
        if row.minimal_detectable_effect is None:
            return ""
        least = (
            f"a true difference of {self.amount(row.minimal_detectable_effect)} or more, which these seeds would find"
        )
        return f"{least} ({power}), or more seeds" + (f": {self._more}" if row.n_needed else "")

    @property
    def found(self) -> str:
        """What was found, without the stop at the end."""
        row, seeds = self.row, self.seeds
        by = "" if row.difference is None else f"{self.amount(row.difference, signed=True)} {self.interval}".strip()
        match row.verdict:
            case StatsVerdict.IMPROVED:
                return f"improved by {by}, {seeds}"
            case StatsVerdict.REGRESSED:
                return f"got worse by {by}, {seeds}"
            case StatsVerdict.EQUIVALENT:
                return f"has no difference that matters: {by}, {seeds}"
            case StatsVerdict.INCONCLUSIVE if row.refusal:
                # The judge's own sentence: a test that was refused has not found that nothing can be told.
                return f"allows no claim, {seeds}: {clean(row.refusal)}".removesuffix(".")
            case StatsVerdict.INCONCLUSIVE if row.ci is not None and row.ci.excludes(0.0):
                allowed = f"once {plural(len(self.answer.comparisons), 'comparison')} are allowed for"
                return f"differs by {by}, {seeds}, but no longer {allowed}"
            case StatsVerdict.INCONCLUSIVE:
                # Never "no difference": that these seeds cannot tell is no evidence that there is none.
                return f"cannot be told apart: {by}, {seeds}" if by else f"cannot be told apart, {seeds}"
            case StatsVerdict.TOO_FEW_SEEDS:
                return f"cannot be judged from {seeds}{f' (the means differ by {by})' if by else ''}"
            case StatsVerdict.NOT_ATTRIBUTABLE:
                head = f"differs by {by}, {seeds}" if by else f"cannot be attributed, {seeds}"
                besides = f"; nor do the numbers allow a claim: {clean(row.refusal)}" if row.refusal else ""
                return f"{head}; not attributable: the comparison is {self.design}{besides}".removesuffix(".")
