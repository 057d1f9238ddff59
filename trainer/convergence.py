"""Whether a stage did its work: is its network better than what it began with, and did it come to rest?

Asked when a stage ends, of its validations alone, so that what the next one is built on is known before it is built.
The answer is told, never guessed: of too few validations nothing is said.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

ENOUGH = 4  # validations of a stage of which a last quarter can be told from the one before

Word = Literal["converged", "still_falling", "no_better", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageVerdict:
    """How a stage ended, with the reason in words. late_share: what its last quarter brought of all that it gained."""

    word: Word
    reason: str
    late_share: float | None = None

    @property
    def unfit(self) -> str:
        """Why no other stage should be built on it; empty where none is known."""
        return self.reason if self.word in ("no_better", "still_falling") else ""

    def facts(self) -> dict[str, Any]:
        """In plain JSON."""
        told: dict[str, Any] = {"verdict": self.word, "reason": self.reason}
        return told if self.late_share is None else told | {"late_share": round(self.late_share, 4)}


def _told(value: float, other: float) -> str:
    """A number to four digits, and to as many more as tell it from the other."""
    digits = next((n for n in range(4, 18) if f"{value:.{n}g}" != f"{other:.{n}g}"), 4)
    return f"{value:.{digits}g}"


def stage_verdict(
    values: Sequence[float], *, first: float | None, identity: float | None, most_late: float
) -> StageVerdict:
    """Judge a stage by its validation errors, the lower the better.

    values: in order, the last one at its end. first: before its first step. identity: of an alignment, the error of
    frames left as they are. most_late: the share of its gain that the last quarter may bring. Unknown is None.
    """
    if not values or not math.isfinite(values[-1]):
        return StageVerdict(word="unknown", reason="its last validation error is not finite")
    last = values[-1]
    for reference, words in ((identity, "that of frames left as they are"), (first, "what it began with")):
        if reference is not None and last >= reference:
            return StageVerdict(
                word="no_better",
                reason=f"its validation error, {_told(last, reference)}, is not below {words}, "
                f"{_told(reference, last)}",
            )
    if first is None:
        return StageVerdict(word="unknown", reason="the validation error that it began with is not finite")
    finite = [value for value in values if math.isfinite(value)]
    if len(finite) < ENOUGH:
        return StageVerdict(
            word="unknown",
            reason=f"whether it still fell at its end cannot be told from {len(finite)} validations, "
            f"{ENOUGH} are needed (loop.val_every)",
        )
    quarter = len(finite) // 4
    late = fmean(finite[-2 * quarter : -quarter]) - fmean(finite[-quarter:])
    share = late / (first - last)
    if share > most_late:
        return StageVerdict(
            word="still_falling",
            reason=f"it still fell: the last quarter of its validations brought {share:.0%} of all it gained "
            f"(stages.converged_share = {most_late:g})",
            late_share=share,
        )
    return StageVerdict(
        word="converged", reason=f"it came to rest: validation error {first:.4g} to {last:.4g}", late_share=share
    )
