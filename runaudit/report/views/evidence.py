"""What the seeds say about one metric: how much, how sure, from how many of them, and what a claim would need."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from runaudit.metrics.catalogue import Direction
from runaudit.report.views.recorded import evidence_badge, evidence_condition, evidence_reason
from runaudit.report.words import MetricText, clean, metric, number, true_minus
from runaudit.stats.answer import ArmComparison, ArmSummary, StatsAnswer, StatsVerdict
from runaudit.stats.digits import decimals, percent
from runaudit.stats.values import MIN_SEEDS
from runaudit.text.verdicts import verdict_words
from runaudit.text.words import plural


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceView:
    """What the seeds say about one metric, in one sentence and in its parts. title: the metric where a sentence begins.
    found: the sentence without what the seeds could have found. badge: the verdict as it is shown, with the condition
    that it rests on; conditional: its word, where there is one. level: of the interval, in percent; among: of how
    many comparisons it is one. lacking: what a claim would need, "" where nothing. carries: whether the numbers
    carry a claim, be it that there is no difference that matters. judged: its numbers."""

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
    among: str
    interval: str
    seeds: str
    p: str
    method: str
    detectable: str
    needed: str
    lacking: str
    reason: str
    carries: bool
    judged: ArmComparison


EQUAL = "comes out the same in both, to the last bit"
"""Of a metric that has the same values in both arms."""


def evidence_views(answer: StatsAnswer, *, apart: str) -> Iterator[EvidenceView]:
    """What the seeds say about one metric, arm by arm. apart: why a difference has no cause, where it has none."""
    about = metric(answer.metric)
    arms = {arm.label: arm for arm in answer.arms}
    for row in answer.comparisons:
        tone, badge, verdict = evidence_badge(answer, row)
        condition = evidence_condition(answer)
        seeds = seeds_text(arms[row.arm], arms[row.baseline])
        lost = any(arms[side].failed or arms[side].missing for side in (row.arm, row.baseline))
        told = _Told(answer=answer, row=replace(row, verdict=verdict), about=about, seeds=seeds, apart=apart, lost=lost)
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
            among=f", among {answer.family}" if answer.family > 1 else "",
            interval=told.interval,
            seeds=seeds,
            p=_p_words(row),
            method=clean(row.method or ""),
            detectable="" if row.minimal_detectable_effect is None else told.amount(row.minimal_detectable_effect),
            needed=told.needed,
            lacking=told.lacking,
            reason=true_minus(evidence_reason(answer, row)),
            carries=verdict in (StatsVerdict.IMPROVED, StatsVerdict.REGRESSED, StatsVerdict.EQUIVALENT),
            judged=row,
        )


def seeds_text(arm: ArmSummary, baseline: ArmSummary) -> str:
    """`3 seeds each`, `3 seeds against 5`, `2 of its 3 seeds against 3` where a run gave no number; `3 seeds each, and
    1 run without a number` where another run of its seed gave one."""
    counts = [_counted(one) for one in (arm, baseline)]
    again = sum(_lost(one) for one in (arm, baseline) if _ran_again(one))
    beside = f", and {plural(again, 'run')} without a number" if again else ""
    if counts[0] == counts[1]:
        return f"{counts[0]} seed{'' if counts[0].split()[-1] == '1' else 's'} each{beside}"
    noun = "seed" if counts[0].split()[-1] == "1" else "seeds"
    return f"{counts[0].replace(' of ', ' of its ')} {noun} against {counts[1]}{beside}"


def _counted(arm: ArmSummary) -> str:
    lost = 0 if _ran_again(arm) else _lost(arm)
    return f"{arm.used} of {arm.used + lost}" if lost else str(arm.used if _lost(arm) else arm.effective_n)


def _lost(arm: ArmSummary) -> int:
    return len(arm.failed) + len(arm.missing)


def _ran_again(arm: ArmSummary) -> bool:
    """Whether a seed with a number has a run without one as well: it is no further seed."""
    unnamed = arm.seeds.count(None)
    return _lost(arm) > 0 and len({*arm.seeds} - {None}) + unnamed < arm.used + _lost(arm)


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
    apart: str
    lost: bool

    def amount(self, value: float | None, *, signed: bool = False) -> str:
        """A difference with its unit, to the digits that its interval is worth: those of the terminal."""
        return self._about.amount(value, signed=signed)

    @property
    def _about(self) -> MetricText:
        ci, difference = self.row.interval, self.row.difference
        if ci is not None and ci.high > ci.low:
            places = decimals((ci.high - ci.low) / 4)
            return replace(self.about, digits=None if places is None else max(0, places))
        if ci is not None or not difference:
            return self.about
        # Nothing says how sure it is: four digits, and no more than the metric is worth, if it shows at that many.
        places = min(self.about.digits or 0, 3 - math.floor(math.log10(abs(difference))))
        return replace(self.about, digits=max(0, places) if round(difference, max(0, places)) else None)

    @property
    def interval(self) -> str:
        """Both ends in brackets."""
        ci = self.row.interval
        if ci is None:
            return ""
        low, high = (self._about.bare(end, signed=True) for end in (ci.low, ci.high))
        # No-break space: an interval is read as one thing.
        return f"[{low},\N{NO-BREAK SPACE}{high}]"

    @property
    def reach(self) -> str:
        """What these seeds could have found, and how many would be needed, as the end of a sentence."""
        row, seen = self.row, ""
        if (
            row.is_equal
            or row.verdict in (StatsVerdict.EQUIVALENT, StatsVerdict.TOO_FEW_SEEDS, StatsVerdict.NOT_ATTRIBUTABLE)
            or (row.verdict is StatsVerdict.INCONCLUSIVE and row.refusal)
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
        if row.n_needed is None or row.is_equal:
            return ""
        if row.n_needed_for is None:
            return str(row.n_needed)
        return f"{row.n_needed} for {self.amount(row.n_needed_for)} ({'declared' if self._is_planned else 'seen'})"

    @property
    def lacking(self) -> str:
        """What a claim would need of the numbers; empty where they carry one, or where the design is to blame."""
        row = self.row
        is_short = row.verdict is StatsVerdict.TOO_FEW_SEEDS
        if self.lost and (is_short or (row.verdict is StatsVerdict.INCONCLUSIVE and row.refusal)):
            least = f"at least {MIN_SEEDS} seeds an arm and " if is_short else ""
            return f"{least}a number from every run: one that gave none stays counted, however many seeds are added"
        if is_short:
            return f"at least {MIN_SEEDS} seeds an arm"
        if row.is_equal and row.verdict is StatsVerdict.INCONCLUSIVE:
            return "a metric with finer steps, or more data to measure on: equal values show neither an effect nor none"
        if row.verdict is not StatsVerdict.INCONCLUSIVE or row.refusal:
            return ""
        power = f"{percent(self.answer.power)} power"
        if row.n_needed and self._is_planned:
            aim = self.amount(row.n_needed_for)
            return f"about {row.n_needed} seeds an arm to find {aim}, the smallest that matters by the policy ({power})"
        if row.minimal_detectable_effect is None:
            return ""
        least = f"these find a true difference of {self.amount(row.minimal_detectable_effect)} or more ({power})"
        return f"more seeds: {least}" + (f"; {self._more}" if row.n_needed else "")

    @property
    def _way(self) -> str:
        """Which way the metric improves, where a reader of "improved by −2.96" would wonder."""
        is_plain = self.answer.direction is Direction.HIGHER and (self.row.difference or 0.0) >= 0
        return "" if is_plain else f" ({self.answer.direction} is better)"

    @property
    def found(self) -> str:
        """What was found, without the stop at the end."""
        row, seeds = self.row, self.seeds
        bare = "" if row.difference is None else f"{self.amount(row.difference, signed=True)} {self.interval}".strip()
        # Beside `stats`, which gives the interval of the one comparison first, it is told which one this is.
        together = f" (among {plural(self.answer.family, 'comparison')})"
        by = bare + (together if self.interval and self.answer.family > 1 else "")
        match row.verdict:
            case StatsVerdict.IMPROVED:
                return f"improved by {by}{self._way}, {seeds}"
            case StatsVerdict.REGRESSED:
                return f"got worse by {by}{self._way}, {seeds}"
            case StatsVerdict.EQUIVALENT:
                return f"has no difference that matters: {by}, {seeds}"
            case StatsVerdict.INCONCLUSIVE if row.is_equal:
                return f"{EQUAL}, {seeds}: no difference shows in it"
            case StatsVerdict.INCONCLUSIVE if row.refusal:
                # The judge's own sentence: a test that was refused has not found that nothing can be told.
                return f"allows no claim, {seeds}: {clean(row.refusal)}".removesuffix(".")
            case StatsVerdict.INCONCLUSIVE if row.ci is not None and row.ci.excludes(0.0):
                allowed = f"once {plural(self.answer.family, 'comparison')} are allowed for"
                return f"cannot be told apart {allowed}: {bare}, {seeds}"
            case StatsVerdict.INCONCLUSIVE:
                # Never "no difference": that these seeds cannot tell is no evidence that there is none.
                return f"cannot be told apart: {by}, {seeds}" if by else f"cannot be told apart, {seeds}"
            case StatsVerdict.TOO_FEW_SEEDS:
                beside = EQUAL if row.is_equal else f"the means differ by {by}" if by else ""
                return f"cannot be judged from {seeds}{f' ({beside})' if beside else ''}"
            case StatsVerdict.NOT_ATTRIBUTABLE:
                return self._unattributed(by)

    def _unattributed(self, by: str) -> str:
        """What the numbers say where no cause can be named. by: the difference, empty where there is none."""
        row, seeds = self.row, self.seeds
        if row.is_equal:
            return f"{EQUAL}, {seeds}; not attributable: {self.apart}"
        besides = f"; nor do the numbers allow a claim: {clean(row.refusal)}" if row.refusal else ""
        why = f"{self.apart}{besides}".removesuffix(".")
        if row.difference == 0.0 and row.interval is None:
            return f"is the same on average, {seeds}; not attributable: {why}"
        if not by:
            return f"is not attributable, {seeds}: {why}"
        # An interval over zero tells of no difference, whatever the design.
        is_open = row.interval is not None and not row.interval.excludes(0.0)
        by += "" if is_open else self._way
        return f"{'cannot be told apart:' if is_open else 'differs by'} {by}, {seeds}; not attributable: {why}"
