"""Is it so? A claim against what was recorded: a mean against the runs' mean, a difference against what they support.

A mean needs three usable seeds and the digits that were written. A difference needs more: one factor between the arms,
an interval that excludes no difference (over all differences the text claims), and the digits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import log10

from runaudit.claims.claim import Claim, Kind
from runaudit.stats.answer import StatsAnswer, StatsVerdict
from runaudit.stats.cohort import collapse
from runaudit.stats.compare import has_gaps
from runaudit.stats.digits import decimals, percent, show, show_p
from runaudit.stats.interval import mean
from runaudit.stats.multiplicity import holm
from runaudit.stats.values import MIN_SEEDS, ArmValues, Interval
from runaudit.text.verdicts import CANNOT_JUDGE, INTEGRITY, verdict_words
from runaudit.text.words import listed, plural


class ClaimVerdict(StrEnum):
    """What the records say of a claim."""

    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A claim with its verdict. `found` is what the records give for it, `n` the usable seeds of its arms.

    design: the verdict on how the two arms of a difference differ. p_adjusted: over all differences of the text.
    is_damaged: a record behind it does not match its digest. notes: what a reader should know of how it was judged.
    """

    claim: Claim
    verdict: ClaimVerdict
    reason: str
    found: float | None = None
    n: tuple[int, ...] = ()
    design: str | None = None
    ci: Interval | None = None
    p: float | None = None
    p_adjusted: float | None = None
    is_damaged: bool = False
    notes: tuple[str, ...] = ()


def not_found(claim: Claim, reason: str) -> Judged:
    """A claim about something that is not recorded."""
    return Judged(claim=claim, verdict=ClaimVerdict.NOT_FOUND, reason=reason)


def judge_value(claim: Claim, arm: ArmValues, *, doubt: str = "", is_damaged: bool = False) -> Judged:
    """A mean against the runs of its arm. `doubt` is a reason from outside the numbers for which none is supported."""
    sample = collapse(arm)
    n = len(sample.values)
    bare = Judged(claim=claim, verdict=ClaimVerdict.UNSUPPORTED, reason=doubt, n=(n,), is_damaged=is_damaged)
    if n and not has_gaps(sample):
        bare = replace(bare, found=mean(sample.values))
    if doubt:
        return bare
    if has_gaps(sample):
        lost = len(sample.failed) + len(sample.missing)
        return replace(bare, reason=f"{lost} of {len(arm.values)} runs have no usable number; the rest are survivors")
    if n < MIN_SEEDS:
        return replace(bare, reason=f"{_seeds(n)}, and {MIN_SEEDS} are the floor: no test is made")
    assert bare.found is not None  # n is at least three and nothing is missing
    text = f"the runs say {_digits(bare.found, claim)} ({_seeds(n)})"
    if not claim.allows(bare.found):
        return replace(bare, reason=text)
    return _counted(replace(bare, verdict=ClaimVerdict.SUPPORTED, reason=text))


def judge_difference(claim: Claim, answer: StatsAnswer) -> Judged:
    """A difference against the judge's answer on the two arms; the family of claims is looked at afterwards."""
    (comparison,) = answer.comparisons
    stated = f"; assuming {listed(answer.assumed, limit=99)}, which is not recorded" if answer.assumed else ""
    seeds = (answer.arms[0].used, answer.arms[-1].used)
    bare = Judged(
        claim=claim,
        verdict=ClaimVerdict.UNSUPPORTED,
        reason=(f"{answer.conditional_reason.rstrip('.')}{stated}" if stated else comparison.reason.rstrip(".")),
        found=comparison.difference,
        n=seeds,
        design=answer.design.verdict,
        ci=comparison.ci,
        p=comparison.p,
        is_damaged=answer.design.verdict == "integrity_failure",
    )
    if answer.standing not in (StatsVerdict.IMPROVED, StatsVerdict.REGRESSED) or bare.found is None:
        return bare
    text = f"the runs say {_signed(bare.found, claim)} ({_figures(bare)})"
    if not claim.allows(bare.found):
        return replace(bare, reason=text + stated)
    only = f"{text}; {answer.design.alone}{stated}"
    return _counted(replace(bare, verdict=ClaimVerdict.SUPPORTED, reason=only))


def _counted(one: Judged) -> Judged:
    """A claim that rests on other seeds than the text states is none that the records carry."""
    if one.claim.counts(one.n):
        return one
    stated = " and ".join(str(n) for n in one.claim.seeds)
    used = " and ".join(str(n) for n in dict.fromkeys(one.n))
    reason = f"the text states {stated} seeds, the records have {used}; {one.reason}"
    return replace(one, verdict=ClaimVerdict.UNSUPPORTED, reason=reason)


def over_family(judged: Sequence[Judged], *, alpha: float) -> tuple[Judged, ...]:
    """The claims, with the p of every tested difference corrected for all of them (Holm).

    A difference that is claimed twice is one comparison. One that no longer holds is unsupported.
    """
    first: dict[tuple[str, str, str], float] = {}
    for one in judged:
        if one.p is not None:
            first.setdefault(_comparison(one.claim), one.p)
    adjusted = dict(zip(first, holm(list(first.values())), strict=True))
    return tuple(
        one if one.p is None else _corrected(one, adjusted[_comparison(one.claim)], family=len(first), alpha=alpha)
        for one in judged
    )


def _corrected(one: Judged, p: float, *, family: int, alpha: float) -> Judged:
    one = replace(one, p_adjusted=p)
    if one.verdict is not ClaimVerdict.SUPPORTED or p < alpha:
        return one
    text = f"over the {family} differences that the text claims, corrected p {show_p(p)}"
    return replace(one, verdict=ClaimVerdict.UNSUPPORTED, reason=f"{one.reason}; {text}")


def _comparison(claim: Claim) -> tuple[str, str, str]:
    """The two arms in an order of their own: "A over B" and "B below A" are one comparison."""
    low, high = sorted((claim.arm, claim.baseline or ""))
    return claim.metric, low, high


def exit_code(judged: Sequence[Judged]) -> int:
    """4 where a record is damaged, 3 where nothing was understood, 1 unless every claim is supported, else 0."""
    if any(one.is_damaged for one in judged):
        return INTEGRITY
    return max((verdict_words("claims", one.verdict).code for one in judged), default=CANNOT_JUDGE)


def _figures(one: Judged) -> str:
    ci = one.ci
    assert ci is not None  # a claim was tested, so it has an interval
    places = decimals((ci.high - ci.low) / 4)
    seeds = f"{one.n[0]} against {plural(one.n[1], 'seed')}"
    return f"{percent(ci.level)} CI {show(ci.low, places)} to {show(ci.high, places)}, p {show_p(one.p)}, {seeds}"


def _digits(found: float, claim: Claim) -> str:
    """One digit more than was claimed, so that a reader sees how the claim was rounded."""
    places = max(0, round(-log10(claim.tolerance * 2))) + 1
    return show(found, places)


def _signed(found: float, claim: Claim) -> str:
    text = _digits(found, claim)
    return text if claim.kind is Kind.VALUE or text.startswith("-") else f"+{text}"


def _seeds(n: int) -> str:
    return plural(n, "usable seed")
