"""How the page tells a verdict that rests on what others recorded, or on what the user vouches for.

Such a verdict is shown as what it is: its badge names the condition, and is never that of a clean pass.
"""

from runaudit.diff import Comparison
from runaudit.diff.result import Verdict
from runaudit.diff.text import folded
from runaudit.report.words import clean
from runaudit.stats.answer import ArmComparison, StatsAnswer, StatsVerdict
from runaudit.stats.words import condition_of, is_told_as_recorded
from runaudit.text.verdicts import Tone, verdict_words
from runaudit.text.words import listed, plural

NAMED = 4
"""Sections that a badge names; the rest is counted, and told beside it."""


def design_badge(diff: Comparison) -> tuple[Tone, str]:
    """Tone and words of the verdict on a comparison."""
    about = verdict_words("diff", diff.verdict)
    if not diff.tells_what_is_recorded or diff.conditional is None:
        return about.tone, clean(about.words)
    words = verdict_words("diff", diff.conditional).words
    if diff.assumed and not diff.open:
        return Tone.DOUBT, clean(f"{words}, assuming {listed(diff.assumed.sections, limit=NAMED)}")
    return Tone.DOUBT, clean(f"{words} on {diff.on_record}")


NO_RESULT = "Where no run of an arm finished, there is no result to hold against the other's."
OTHER_MEASURE = "The two sides were not measured alike."
IF_SHOWN = "Exactly one factor changed: were a difference shown, it could be put down to it."
"""What a single factor means while the numbers show none: beside them no word may sound like a result."""
NO_EFFECT = "Exactly one factor changed, and not one number with it."
WITH_LENGTH = (
    "Exactly one factor changed, and the length of the training with it: a difference is that of both together."
)
WITH_LENGTH_IF_SHOWN = (
    "Exactly one factor changed, and the length of the training with it: a difference would be that of both together."
)


def design_meaning(diff: Comparison, count: int, *, is_shown: bool = True, by_hybrids: bool = False) -> str:
    """What the verdict means; where it rests on a condition, with that. count: how many factors changed. is_shown:
    whether the numbers carry a claim. by_hybrids: whether hybrids of the two told which factor did it."""
    factors = plural(count, "factor")
    held = held_verdict(diff)
    meaning = verdict_words("diff", held).meaning.format(factors=factors)
    if held is Verdict.SINGLE_FACTOR:
        meaning = NO_EFFECT if diff.idle else _of_one(meaning, with_length=diff.with_length, is_shown=is_shown)
    if held is Verdict.INCOMPARABLE:
        meaning = NO_RESULT if diff.unfinished else OTHER_MEASURE
    if held is Verdict.CONFOUNDED and by_hybrids:
        meaning = f"{factors} changed together: these runs alone cannot tell their effects apart, hybrids of them did."
    if is_mixed(diff):
        meaning = "What changed between the arms cannot be told from what differs within one."
    if not diff.tells_what_is_recorded or diff.conditional is None:
        return meaning
    return f"Taking what is not on record as equal, {meaning[:1].lower()}{meaning[1:]}"


def _of_one(meaning: str, *, with_length: bool, is_shown: bool) -> str:
    if with_length:
        return WITH_LENGTH if is_shown else WITH_LENGTH_IF_SHOWN
    return meaning if is_shown else IF_SHOWN


def held_verdict(diff: Comparison) -> Verdict:
    """The verdict that the badge names: the conditional one where it rests on what others recorded."""
    return diff.conditional if diff.tells_what_is_recorded and diff.conditional is not None else diff.verdict


def is_mixed(diff: Comparison) -> bool:
    """Whether the comparison is confounded because the runs of an arm are not one design."""
    return bool(diff.odd) and held_verdict(diff) is Verdict.CONFOUNDED


def gaps_in_words(diff: Comparison) -> str:
    """What is missing for which nobody vouches, those of these runs first."""
    own = [row.factor for row in diff.open if not row.never]
    told = [f"Not on record: {listed(own)}."] if own else []
    return clean(" ".join((*told, *(f"{line[:1].upper()}{line[1:]}." for line in folded(diff.open)))))


def assumed_in_words(diff: Comparison) -> str:
    """What the user vouches for, as a sentence; empty where that is nothing."""
    note = diff.assumed.note if diff.assumed else ""
    return clean(f"{note[:1].upper()}{note[1:]}.") if note else ""


def evidence_badge(answer: StatsAnswer, row: ArmComparison) -> tuple[Tone, str, StatsVerdict]:
    """Tone, words and verdict of one comparison of numbers."""
    about = verdict_words("stats", row.verdict)
    if row.conditional is None or not is_told_as_recorded(answer):
        return about.tone, clean(about.words), row.verdict
    held = verdict_words("stats", row.conditional)
    how = "as assumed" if answer.assumed else "as recorded"
    return Tone.DOUBT if held.tone is Tone.GOOD else held.tone, clean(f"{held.words}, {how}"), row.conditional


def evidence_reason(answer: StatsAnswer, row: ArmComparison) -> str:
    """Why the numbers say what their badge says."""
    told = is_told_as_recorded(answer) and len(answer.comparisons) == 1
    return clean(answer.conditional_reason if told else row.reason or answer.reason)


def evidence_condition(answer: StatsAnswer) -> str:
    """What a sentence on numbers ends with, where they rest on a condition."""
    if not is_told_as_recorded(answer):
        return ""
    return clean(f"; {condition_of(answer)}")
