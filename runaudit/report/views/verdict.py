"""The verdict in words. Two axes stay apart: is the comparison valid, and do the seeds support a difference?"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from runaudit.diff import Comparison
from runaudit.diff.measure import says_what_measures
from runaudit.diff.result import FactorChange, Verdict
from runaudit.factors.compute_budget import NOTHING_SETS
from runaudit.factors.factor import Absent
from runaudit.factors.gaps import EDITED
from runaudit.factors.tables import unkeyed
from runaudit.factors.vouched import remedy
from runaudit.judge.campaigns import PICKED
from runaudit.records.canonical import JSON
from runaudit.report.effects import EffectFigure, effect_figure
from runaudit.report.inputs import ComparisonInput, Unjudged
from runaudit.report.views.arm import ArmView
from runaudit.report.views.evidence import EvidenceView, evidence_views
from runaudit.report.views.recorded import (
    assumed_in_words,
    design_badge,
    design_meaning,
    gaps_in_words,
    held_verdict,
    is_mixed,
)
from runaudit.report.words import Text, clean, sentence, shown, true_minus, value_text
from runaudit.text.verdicts import Tone, comparison_clause, verdict_words
from runaudit.text.words import ended, listed, plural


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictView:
    """One comparison: who against whom, what may be claimed, what changed, and what the seeds support.

    tone, claim: of what may be claimed, which needs both the design and the numbers. design_tone, badge: the verdict on
    the design as it is shown, with the condition that it rests on. lacking: what a claim would need, a sentence each.
    unjudged: why a metric was not judged, beside others that were. alone: that it is judged as if no other comparison
    stood beside it. assumed: what the user vouches for. caveats: what the design leaves open. evidence: the metric that
    the page is about first.
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
    unjudged: tuple[str, ...]
    alone: str
    effects: tuple[EffectFigure, ...]
    notes: tuple[str, ...]
    effectless: bool = False
    """Whether what differs changed no number that both logged."""


def verdict_view(
    comparison: ComparisonInput,
    arms: Sequence[ArmView],
    *,
    is_damaged: bool = False,
    blown: Sequence[str] = (),
    origins: Sequence[str] = (),
    beside: int = 0,
    by_hybrids: bool = False,
    alone: Collection[str] = (),
    cost: str = "",
) -> VerdictView:
    """One comparison in words. is_damaged: bytes of a run in it are not those that were sealed. blown: where its runs
    ended in values that are no numbers, a sentence each. origins: where numbers come from that need a word on it.
    beside: other comparisons of the page. by_hybrids: whether hybrids of the two told which factor did it. alone: the
    factors that other arms of the page move alone, between the levels of these two. cost: how much longer the runs of
    one arm took than those of the other, as a sentence."""
    diff = comparison.diff
    factors = treatments(diff)
    about = verdict_words("diff", diff.verdict)
    tone, badge = design_badge(diff)
    told = diff.tells_what_is_recorded
    apart = _apart(diff, by_hybrids=by_hybrids)
    evidence = tuple(one for answer in comparison.stats for one in evidence_views(answer, apart=apart))
    is_shown = bool(evidence) and evidence[0].carries
    by_itself = _each_alone(comparison, beside) if is_shown else ""
    claim = _claim(diff, evidence, comparison.unjudged)
    return VerdictView(
        baseline=arms[comparison.baseline],
        arm=arms[comparison.arm],
        tone=Tone.BAD if is_damaged else _tone(tone, evidence),
        claim=claim,
        verdict=clean(about.words),
        design_tone=PLAIN if tone is Tone.GOOD and not is_shown else tone,
        badge=badge,
        change=changed(diff, factors),
        meaning=design_meaning(diff, len(factors), is_shown=is_shown, by_hybrids=by_hybrids),
        reason=shown("" if tone is Tone.GOOD else _why(diff, factors, claim), MAX_REASON),
        conditional="" if told or diff.conditional is diff.verdict else conditional_words(diff.conditional),
        assumed=assumed_in_words(diff),
        lacking=tuple(filter(None, (design_lacks(diff, alone), _numbers_lack(comparison, evidence)))),
        caveats=(
            *((_DAMAGED,) if is_damaged else ()),
            *blown,
            *map(sentence, diff.notes[:MAX_CAVEATS]),
            *filter(None, (*_picked(comparison), cost if evidence else "", by_itself)),
            *(_beside(comparison) if evidence else ()),
        ),
        evidence=evidence,
        alone=by_itself,
        unjudged=tuple(sentence(one.words) for one in comparison.unjudged if evidence),
        effects=tuple(_effects(comparison, arms)),
        notes=(*_notes(comparison), *origins),
        effectless=bool(diff.idle),
    )


def _picked(comparison: ComparisonInput) -> Iterator[str]:
    """That these arms were picked from more, where the numbers carry a claim."""
    yield from dict.fromkeys(note for answer in comparison.stats[:1] for note in answer.notes if PICKED in note)


def _why(diff: Comparison, factors: Sequence[FactorChange], claim: str) -> str:
    """Why the design is no better than it is, where the claim does not say so already."""
    if diff.tells_what_is_recorded:
        return gaps_in_words(diff)
    is_said = diff.verdict is Verdict.INCOMPARABLE and _apart(diff) in claim
    return "" if is_said else sentence(reason_words(diff, factors))


def _beside(comparison: ComparisonInput) -> Iterator[str]:
    """Why metrics beside the judged one were not judged, where the design does not say so already."""
    notes = comparison.diff.notes
    yield from (sentence(one.words) for one in comparison.unjudged if not one.leads and one.words not in notes)


PLAIN = "plain"
"""The tone of a sound design whose numbers carry no claim: a green word beside them would be read as a pass."""
MAX_REASON = 420
"""Letters of a reason in the card: it names every factor, and the section on what changed has them all."""
NOTHING_ON_RECORD = "Nothing that is on record differs"
"""Where something is missing, nobody knows that no factor changed."""
_DAMAGED = "Bytes of a run in this comparison are not those that were sealed; the warnings say which."
MAX_CAVEATS = 3
"""Notes on the design in the card; the statistics have them all."""
_NO_METRIC = "a metric whose direction is known: `--metric NAME --direction higher` (or lower)"


def _each_alone(comparison: ComparisonInput, beside: int) -> str:
    """That nothing allows for the other comparisons of the page, where they are no family."""
    if not beside or not comparison.stats or comparison.stats[0].family > 1:
        return ""
    return (
        f"{plural(beside + 1, 'comparison')} stand on this page, each judged by itself: nothing is adjusted for "
        "their number. With a baseline that all are held against they are judged together."
    )


def _tone(design: Tone, evidence: Sequence[EvidenceView]) -> str:
    """How loud a claim is: as its numbers are; without any it is none."""
    return evidence[0].tone if evidence else max((design, Tone.DOUBT), key=list(Tone).index)


def _numbers_lack(comparison: ComparisonInput, evidence: Sequence[EvidenceView]) -> str:
    """What a claim would need of the numbers; empty where they carry one."""
    if evidence:
        return evidence[0].lacking
    if comparison.diff.unfinished:
        return ""  # The design lacks them.
    return comparison.unjudged[0].needs if comparison.unjudged else _NO_METRIC


def _claim(diff: Comparison, evidence: Sequence[EvidenceView], unjudged: Sequence[Unjudged]) -> str:
    """What may be said of the metric that the page is about, as a sentence."""
    if not evidence:
        if unjudged:
            return clean(unjudged[0].words)
        if diff.unfinished:
            return ended(f"No metric was judged: {_apart(diff)}")
        return "No metric was judged: of none that both arms have is it known which way it improves."
    found = f"{evidence[0].title} {evidence[0].found}"
    # What was asked for first is answered first, be it that another metric could be judged in its place.
    return clean(f"{unjudged[0].words} {found}") if unjudged and unjudged[0].leads else found


def design_lacks(diff: Comparison, alone: Collection[str] = ()) -> str:
    """What this design would need to carry a claim, with the command that helps; empty where it carries one.
    alone: the factors that other arms move alone, between the same levels."""
    match diff.standing:
        case Verdict.SINGLE_FACTOR:
            return ""
        case Verdict.CONFOUNDED if diff.odd:
            return "arms of one design each: `runaudit list` groups the runs so"
        case Verdict.CONFOUNDED if {factor.factor for factor in diff.treatments} <= {*alone}:
            return (
                "arms in which these factors change one at a time: there are such on this page, see what these runs "
                "can tell"
            )
        case Verdict.CONFOUNDED:
            return "runs in which these factors change one at a time: `runaudit study` names them"
        case Verdict.PROVENANCE_INCOMPLETE if diff.open and all(row.reason == EDITED for row in diff.open):
            return (
                "runs whose code is not edited while they run: what these read cannot be determined; launch them again"
            )
        case Verdict.PROVENANCE_INCOMPLETE:
            typed = remedy([row.factor for row in diff.open]) if diff.is_conditional else ""
            measured = next((row.reason.rpartition("; ")[2] for row in diff.open if says_what_measures(row)), "")
            more = f"; where you know that it was equal, `{typed}`" if typed else f": {measured}" if measured else ""
            return f"what is not on record{more}"
        case Verdict.INCOMPARABLE if NOTHING_SETS in diff.reason:
            return "runs of one length, or a record of what ended them"
        case Verdict.INCOMPARABLE:
            return "runs of both arms that " + ("finish" if diff.unfinished else "finished and were measured alike")
        case Verdict.INTEGRITY_FAILURE:
            return "records that match their digests: `runaudit verify` says which do not"
    return "a factor that differs between the arms"


def _apart(diff: Comparison, *, by_hybrids: bool = False) -> str:
    """Why the numbers of two arms are credited to no cause, where they are not: `incomparable` would be its own reason,
    so what keeps the results apart is told."""
    if diff.verdict is Verdict.INCOMPARABLE:
        return shown(clean(diff.reason), MAX_REASON).short
    if diff.idle and diff.standing is Verdict.SINGLE_FACTOR:
        return "what differs changed no number that both logged"  # A sound design is no reason for anything.
    which = "of these runs alone " if by_hybrids else ""
    return clean(comparison_clause(diff.verdict, which))


def _effects(comparison: ComparisonInput, arms: Sequence[ArmView]) -> Iterator[EffectFigure]:
    """What can be drawn of the judgements, every arm in the colour it has on the page."""
    for answer in comparison.stats:
        # By their places: a label may be of characters that the page writes out, or that of two arms.
        own = {label.label: arms[place] for label, place in
               zip(answer.arms, (comparison.arm, comparison.baseline), strict=False)}  # fmt: skip
        letters = {label: arm.letter for label, arm in own.items()}
        order = {arm.index: label for label, arm in own.items()}
        if (
            figure := effect_figure(answer, order=[order.get(arm.index, arm.letter) for arm in arms], letters=letters)
        ) is not None:
            yield figure


def reason_words(diff: Comparison, factors: Sequence[FactorChange]) -> str:
    """The judge's own sentence, unless it only names what has been named already."""
    reason = clean(diff.reason)
    is_told = is_mixed(diff) or (
        diff.verdict is Verdict.CONFOUNDED and all(factor.factor in reason for factor in factors)
    )
    return "" if is_told else reason


def _notes(comparison: ComparisonInput) -> Iterator[str]:
    """What the judges noted, each sentence once, and what judging several metrics side by side means."""
    of_numbers = (note for answer in comparison.stats for note in answer.notes)
    notes = (*comparison.diff.notes, *of_numbers, *(one.words for one in comparison.unjudged))
    yield from dict.fromkeys(true_minus(clean(note)) for note in notes)
    if len(comparison.stats) > 1:
        yield f"{len(comparison.stats)} metrics are judged side by side; nothing is adjusted for their number."


def treatments(diff: Comparison) -> tuple[FactorChange, ...]:
    """The factors, without the seeds; those too where nothing else changed, or where the one thing that did cannot be
    told from them."""
    with_seeds = len(diff.treatments) == 1 and held_verdict(diff) is Verdict.CONFOUNDED and not diff.odd
    return diff.factors if with_seeds else diff.treatments or diff.factors


def changed(diff: Comparison, factors: Sequence[FactorChange]) -> str:
    """What changed, in words; that nothing did only where everything is on record."""
    if is_mixed(diff):
        return shown(sentence("; ".join(diff.odd)).removesuffix("."), MAX_REASON).short
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
