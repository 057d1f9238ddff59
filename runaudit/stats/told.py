"""What stands for an arm in words: its mean with the spread, or its values where a mean would stand for too much.

Page, `stats` and `list` say it by this one rule. The values that are listed are those that count: a number that a run
had logged before it crashed is no result of the arm.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from runaudit.stats.digits import decimals, show, show_p, show_spread
from runaudit.stats.values import MIN_SEEDS

if TYPE_CHECKING:
    from runaudit.stats.answer import ArmComparison

NO_NUMBER = "no number"


def result_text(
    values: Sequence[float],
    *,
    n: int,
    mean: float | None,
    sd: float | None,
    lost: int = 0,
    places: int | None = None,
) -> str:
    """`0.87 ± 0.03` from three draws on; fewer are listed. values: those that count, a run each; n, mean, sd: of the
    draws that they are. lost: runs that gave no number: a mean of the others is none of the arm, and is not called so.
    places: decimals of a column."""
    if not values:
        return NO_NUMBER
    if n >= MIN_SEEDS and mean is not None:
        again = " (seeds that ran again came out unlike)" if len(set(values)) > n else ""
        many, told = n, f"{spread_text(mean, sd, places)}{again}"
    elif len(set(values)) > n:  # No spread of seeds: each is told by itself.
        each = ", ".join(show(value, places) for value in values)
        # Runs of one seed are one draw; those that do not tell their seeds count as one, and may be several.
        many, told = len(values), f"{each} (counted as {'one draw' if n == 1 else f'{n} draws'}, and unlike)"
    else:
        many, told = len(values), _listed(values, places)
    return f"no mean; the {'one' if many == 1 else many} with a number: {told}" if lost else told


def spread_text(mean: float, sd: float | None, places: int | None = None) -> str:
    """A mean with its spread, to the decimals of its column where they show the spread."""
    if places is None or sd is None or not show(sd, places).strip("0."):
        return show_spread(mean, sd)  # A spread of 0.00 would say that there is none.
    return f"{show(mean, places)} ± {show(sd, places)}"


MOST_DIGITS_MORE = 1
"""Decimals that a column may have beyond those that its widest spread is worth: one arm that repeats to nine digits
would else fill the column with noise."""


def column_places(spreads: Iterable[float | None]) -> int | None:
    """One number of decimals for the arms of a column: that of the steadiest arm, unless another is far from it."""
    worth = [places for sd in spreads if (places := decimals(sd)) is not None]
    return min(max(worth), min(worth) + MOST_DIGITS_MORE) if worth else None


def _listed(values: Sequence[float], places: int | None) -> str:
    if places is None and len(values) > 1:
        places = decimals(max(values) - min(values))
    return ", ".join(show(value, places) for value in values)


def among(comparison: "ArmComparison", family: int, places: int | None) -> str:
    """What holds where several comparisons are asked for, behind the figures of this one; empty where it is the only
    one. The interval is at the level at which its step of Holm's tested it: it excludes zero where that rejects, and
    all of them together are no simultaneous ones."""
    if family <= 1:
        return ""
    ci = comparison.ci_adjusted
    within = f"{show(ci.low, places)} to {show(ci.high, places)}, " if ci else ""
    return f"; among {family} comparisons {within}p {show_p(comparison.p_adjusted)}"
