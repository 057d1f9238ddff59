"""The verdict in words. Two axes stay apart: is the comparison valid, and do the seeds support a difference?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runaudit.report.effects import EffectFigure, effect_figure
from runaudit.report.inputs import ComparisonInput
from runaudit.report.views.arm import ArmView
from runaudit.report.words import MetricText, Text, as_number, clean, metric, number, shown, value_text
from runaudit.text.verdicts import verdict_words
from runaudit.text.words import listed, plural


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceView:
    """What the seeds say about one metric, in one sentence and in its parts."""

    metric: str
    tone: str
    verdict: str
    sentence: str
    difference: str
    interval: str
    seeds: str
    p: str
    method: str
    detectable: str
    needed: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictView:
    """One comparison: who against whom, what changed, what may be concluded, and what the seeds support."""

    baseline: ArmView
    arm: ArmView
    tone: str
    verdict: str
    change: str
    meaning: str
    reason: str
    conditional: str
    evidence: tuple[EvidenceView, ...]
    effects: tuple[EffectFigure, ...]
    notes: tuple[str, ...]


def verdict_view(comparison: ComparisonInput, arms: Sequence[ArmView]) -> VerdictView:
    """One comparison in words."""
    diff = comparison.diff
    code = str(diff.get("verdict", "unknown"))
    factors = treatments(diff)
    about = verdict_words("diff", code)
    return VerdictView(
        baseline=arms[comparison.baseline],
        arm=arms[comparison.arm],
        tone=about.tone,
        verdict=clean(about.words),
        change=change_words(factors),
        meaning=about.meaning.format(factors=plural(len(factors), "factor")),
        reason=_reason(diff, factors),
        conditional=_conditional(diff.get("conditional")),
        evidence=tuple(e for answer in comparison.stats for e in _evidence(answer, design=clean(about.words))),
        effects=tuple(_effects(comparison, arms)),
        notes=tuple(_notes(comparison)),
    )


def _effects(comparison: ComparisonInput, arms: Sequence[ArmView]) -> Iterator[EffectFigure]:
    """What can be drawn of the judgements, every arm in the colour it has on the page."""
    order = [arm.name.full for arm in arms]
    for answer in comparison.stats:
        if (figure := effect_figure(answer, order=order)) is not None:
            yield figure


def _reason(diff: Mapping[str, Any], factors: Sequence[Mapping[str, Any]]) -> str:
    """The judge's own sentence, unless it only names the factors that have been named already."""
    reason = clean(str(diff.get("reason") or ""))
    is_told = diff.get("verdict") == "confounded" and all(str(f.get("factor")) in reason for f in factors)
    return "" if is_told else reason


def _notes(comparison: ComparisonInput) -> Iterator[str]:
    """What the judges noted, each sentence once, and what judging several metrics side by side means."""
    answers = (comparison.diff, *comparison.stats)
    yield from dict.fromkeys(clean(str(note)) for answer in answers for note in answer.get("notes") or ())
    if len(comparison.stats) > 1:
        yield f"{len(comparison.stats)} metrics are judged side by side; nothing is adjusted for their number."


def treatments(diff: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The factors, without the seeds that vary inside a cohort by design; those too where nothing else changed."""
    factors = tuple(diff.get("factors", ()))
    return tuple(f for f in factors if f.get("role") not in ("seed", "stochastic")) or factors


def change_words(factors: Sequence[Mapping[str, Any]]) -> str:
    """`config.schedule went from end_to_end to staged`; several factors are listed by name."""
    if not factors:
        return "No factor changed"
    if len(factors) == 1:
        factor = factors[0]
        name = shown(factor.get("factor", "?")).short
        before, after = factor_value(factor, "before"), factor_value(factor, "after")
        if name.startswith("code.") or max(len(before.short), len(after.short)) > 40:
            return f"{name} changed"
        return f"{name} went from {before} to {after}"
    names = [shown(factor.get("factor", "?")).short for factor in factors]
    head = names if len(names) <= 6 else [*names[:5], f"{len(names) - 5} more"]
    return f"{listed(head)} changed"


def factor_value(factor: Mapping[str, Any], side: str) -> Text:
    """The level of a factor on one side; `absent` where the record has the other side only."""
    if "before" not in factor and "after" not in factor:
        return Text("", "")  # the entry names the leaf and says no more
    return value_text(factor[side]) if side in factor else Text("absent", "absent")


def _conditional(value: object) -> str:
    if not value:
        return ""
    words = verdict_words("diff", str(value)).words
    return f"If everything that is missing were equal, the verdict would be: {clean(words)}."


def _evidence(answer: Mapping[str, Any], *, design: str) -> Iterator[EvidenceView]:
    about = metric(str(answer.get("metric", "?")))
    sizes = {str(arm.get("label")): arm for arm in answer.get("arms") or ()}
    rows: Sequence[Mapping[str, Any]] = answer.get("comparisons") or ({},)
    for row in rows:
        code = str(row.get("verdict") or answer.get("verdict", "unknown"))
        found = verdict_words("stats", code)
        ns = [_effective(sizes.get(str(row.get(side)), {})) for side in ("arm", "baseline")]
        seeds = seeds_text(ns)
        difference, interval = as_number(row.get("difference")), _interval(row.get("ci"), about)
        detectable = as_number(row.get("minimal_detectable_effect"))
        yield EvidenceView(
            metric=about.words,
            tone=found.tone,
            verdict=clean(found.words),
            sentence=_sentence(code, about, row, seeds=seeds, design=design),
            difference="" if difference is None else about.amount(difference, signed=True),
            interval=interval,
            seeds=seeds,
            p=_p_words(row),
            method=clean(str(row.get("method") or "")),
            detectable="" if detectable is None else about.amount(detectable),
            needed="" if row.get("n_needed") is None else str(row["n_needed"]),
            reason=clean(str(row.get("reason") or answer.get("reason") or "")),
        )


def _effective(arm: Mapping[str, Any]) -> int | None:
    n = arm.get("effective_n", arm.get("n"))
    return int(n) if isinstance(n, int) else None


def seeds_text(ns: Sequence[int | None]) -> str:
    """`3 seeds each`, `3 against 5 seeds`."""
    arm, baseline = (("?" if n is None else str(n)) for n in ns)
    if arm == baseline:
        return f"{arm} seed{'' if arm == '1' else 's'} each"
    return f"{arm} against {baseline} seeds"


def _interval(ci: object, about: MetricText) -> str:
    if not isinstance(ci, list | tuple) or len(ci) != 2:
        return ""
    low, high = (as_number(end) for end in ci)
    # No-break space: an interval is read as one thing.
    return f"[{number(low, about.digits, signed=True)},\N{NO-BREAK SPACE}{number(high, about.digits, signed=True)}]"


def _p_words(row: Mapping[str, Any]) -> str:
    p, adjusted = as_number(row.get("p")), as_number(row.get("p_adjusted"))
    if p is None:
        return ""
    text = _small(p)
    return text if adjusted is None or adjusted == p else f"{text} (adjusted {_small(adjusted)})"


def _small(p: float) -> str:
    return "< 0.001" if p < 0.001 else number(p, 3)


def _sentence(code: str, about: MetricText, row: Mapping[str, Any], *, seeds: str, design: str) -> str:
    """One metric's evidence: how much, how sure, from how many seeds, and what could have been seen."""
    difference, detectable = as_number(row.get("difference")), as_number(row.get("minimal_detectable_effect"))
    by = "" if difference is None else f"{about.amount(difference, signed=True)} {_interval(row.get('ci'), about)}"
    by = by.strip()
    seen = f"; minimum detectable difference {about.amount(detectable)}" if detectable is not None else ""
    needed = row.get("n_needed")
    match code:
        case "improved" | "regressed":
            return f"{'improved' if code == 'improved' else 'got worse'} by {by}, {seeds}{seen}."
        case "equivalent":
            return f"has no difference that matters: {by}, {seeds}."
        case "inconclusive":
            # Never "no difference": that these seeds cannot tell is no evidence that there is none.
            head = f"cannot be told apart: {by}, {seeds}" if by else f"cannot be told apart, {seeds}"
            return f"{head}{seen}{f'; about {needed} seeds an arm would be needed' if needed else ''}."
        case "too_few_seeds":
            return f"cannot be judged from {seeds}{f' (the means differ by {by})' if by else ''}."
        case "not_attributable":
            head = f"differs by {by}, {seeds}" if by else f"cannot be attributed, {seeds}"
            return f"{head}; not attributable: the comparison is {design}."
    return f"{by or 'no number'}, {seeds}."
