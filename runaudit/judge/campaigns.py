"""Which arms of a campaign are compared, and how many were launched with them.

Two of thirteen arms that are picked for their numbers differ by luck sooner than two that were all there were. The
records say which arms were launched as one campaign, so the denominator need not be typed.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from runaudit.factors.cohort import Cohort
from runaudit.store.catalogue import manifests_with
from runaudit.store.store import Store

if TYPE_CHECKING:
    from runaudit.stats.answer import StatsAnswer


PICKED = "arms of one campaign are compared"
"""What such a sentence says in any case."""


def picked_of_campaign(store: Store, arms: Sequence[Cohort], answer: "StatsAnswer") -> Iterator[str]:
    """That these arms are some of those that were launched as one campaign, with what p would be worth if the choice
    fell on them for their numbers (Bonferroni over all pairs), as a sentence. Arms that no claim is made of, or of
    several campaigns, owe none."""
    from runaudit.stats.answer import StatsVerdict
    from runaudit.stats.digits import show_p

    claims = (StatsVerdict.IMPROVED, StatsVerdict.REGRESSED)
    least = min((row.p for row in answer.comparisons if row.p is not None and row.verdict in claims), default=None)
    ids = {run.manifest.campaign.get("id") for arm in arms for run in arm.runs}
    if least is None or len(ids) != 1 or not isinstance(mark := ids.pop(), str):
        return
    together = (one.campaign for one in manifests_with(store, f'"id":"{mark}"'.encode()))
    launched = len({str(one.get("arm")) for one in together if one.get("id") == mark})
    if (named := answer.family + 1) < launched:
        pairs = launched * (launched - 1) // 2
        yield (
            f"{named} of {launched} {PICKED}, and nothing is adjusted for which: if they were "
            f"picked for their numbers, p {show_p(min(1.0, least * pairs))} for {pairs} pairs"
        )
