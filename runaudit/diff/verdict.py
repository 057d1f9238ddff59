"""From what changed to what may be concluded: the lattice, the first that holds from the left.

A gap in a record can spoil a clean verdict; it never excuses a bad one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from runaudit.diff.result import FactorChange, Missing, Verdict
from runaudit.factors.factor import SEED_ROLES
from runaudit.factors.never import BLIND, objects_untold
from runaudit.text.words import IF_EQUAL, beside_code, listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """What the verdict rests on. `faults`: records that do not match their digest; `barriers`: why the results cannot
    be held side by side; `replicated`: whether the sides are arms: a seed is a factor if it moved with the arm;
    `blind`: why a run's config is not known, where a tracker kept none of it, or no more than was typed;
    `half_told`: settings that one side tells and the other left to be found out, which nobody takes for equal;
    `untold`: settings that are objects of which no record says what they were;
    `open_code`: why it is open which code ran, in a sentence, empty where it is not; `beside_code`: what foreign
    records hold beside it, empty elsewhere."""

    faults: tuple[str, ...] = ()
    barriers: tuple[str, ...] = ()
    factors: tuple[FactorChange, ...] = ()
    missing: tuple[Missing, ...] = ()
    odd: tuple[str, ...] = ()
    replicated: bool = False
    blind: str = ""
    half_told: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()
    open_code: str = ""
    beside_code: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict, the conditional one where something is missing, and the reason in one sentence. recorded: what the
    records show, whatever is missing."""

    verdict: Verdict
    conditional: Verdict | None
    reason: str
    recorded: str


def judge(evidence: Grounds) -> Judgement:
    """What may be concluded, the first of the lattice that holds."""
    if evidence.faults:
        reason = "; ".join(evidence.faults)
        return Judgement(Verdict.INTEGRITY_FAILURE, None, reason, reason)
    clean, shown = _without_gaps(evidence)
    if not evidence.missing:
        return Judgement(clean, None, shown, shown)
    if clean.rank < Verdict.PROVENANCE_INCOMPLETE.rank:
        return Judgement(clean, clean, shown, shown)
    gaps = f"{listed([row.factor for row in evidence.missing])} {'is' if len(evidence.missing) == 1 else 'are'} not in"
    if evidence.blind:
        told = BLIND if evidence.blind == BLIND else f"{evidence.blind}, and in what is recorded {shown}"
        return Judgement(Verdict.PROVENANCE_INCOMPLETE, None, f"{gaps} the records; {told}", told)
    if evidence.half_told and not all(row.assumed for row in evidence.missing):
        told = f"{listed(evidence.half_told)} {'is' if len(evidence.half_told) == 1 else 'are'} told of one side alone"
        return Judgement(Verdict.PROVENANCE_INCOMPLETE, None, f"{gaps} the records; {told}", told)
    if evidence.untold:
        told = f"{objects_untold(evidence.untold)}, and in what is recorded {shown}"
        return Judgement(Verdict.PROVENANCE_INCOMPLETE, None, f"{gaps} the records; {told}", told)
    if evidence.beside_code:
        reason = beside_code(evidence.open_code, evidence.beside_code, shown, len(evidence.missing) - 1)
        return Judgement(Verdict.PROVENANCE_INCOMPLETE, clean, reason, shown)
    return Judgement(Verdict.PROVENANCE_INCOMPLETE, clean, f"{gaps} the records{IF_EQUAL}{shown}", shown)


def _without_gaps(evidence: Grounds) -> tuple[Verdict, str]:
    if evidence.barriers:
        return Verdict.INCOMPARABLE, "; ".join(evidence.barriers)
    seeds = [f for f in evidence.factors if f.role in SEED_ROLES]
    treatments = [f for f in evidence.factors if f not in seeds]
    if evidence.odd:
        return Verdict.CONFOUNDED, "; ".join(evidence.odd)
    if len(treatments) > 1:
        also = f", and {listed([f.factor for f in seeds])} besides" if seeds else ""
        return Verdict.CONFOUNDED, f"{len(treatments)} factors changed together: {_names(treatments)}{also}"
    if treatments and seeds:
        both = f"{_names(seeds)} changed together with {treatments[0].factor}"
        if evidence.replicated:
            return (
                Verdict.CONFOUNDED,
                f"{both}: it is fixed within an arm, so the runs of an arm cannot tell them apart",
            )
        return Verdict.CONFOUNDED, f"{both}, and a pair of single runs cannot tell them apart"
    if treatments:
        return Verdict.SINGLE_FACTOR, f"only {treatments[0].summary} changed"
    if seeds:
        return Verdict.REPLICATE, f"only {listed([f.summary for f in seeds])} changed"
    return Verdict.IDENTICAL, "nothing that can matter differs"


def _names(factors: Sequence[FactorChange]) -> str:
    return listed([factor.factor for factor in factors])
