"""Two factors, four cells: does the effect of one depend on the other? Needs all four cells, with seeds in each."""

from collections.abc import Sequence
from dataclasses import replace

from runaudit.stats.answer import InteractionEffect
from runaudit.stats.cohort import collapse
from runaudit.stats.compare import has_gaps
from runaudit.stats.digits import decimals, percent, show, show_p
from runaudit.stats.effect import interaction
from runaudit.stats.interval import is_constant
from runaudit.stats.values import MIN_SEEDS, ArmValues, Interval


def two_by_two(cells: Sequence[ArmValues], *, factors: tuple[str, str], alpha: float = 0.05) -> InteractionEffect:
    """The interaction of four arms: neither factor changed, the first, the second, both.

    Source: a linear contrast of four means with Satterthwaite's degrees of freedom.
    """
    a, b, c, d = (collapse(cell) for cell in cells)
    bare = InteractionEffect(factors=factors, cells=(a.label, b.label, c.label, d.label), reason="")
    doubts = [
        f"{sample.label} has {why}"
        for sample in (a, b, c, d)
        if (
            why := "runs without a usable number"
            if has_gaps(sample)
            else f"{len(sample.values)} usable seeds, and {MIN_SEEDS} are the floor"
            if len(sample.values) < MIN_SEEDS
            else "values that do not vary"
            if is_constant(sample.values)
            else ""
        )
    ]
    if doubts:
        return replace(bare, reason=f"not estimable: {'; '.join(doubts)}.")
    level = 1 - alpha
    estimate, low, high, p = interaction([s.values for s in (a, b, c, d)], level=level)
    n = sum(len(s.values) for s in (a, b, c, d))
    ci = Interval(estimate=estimate, low=low, high=high, level=level, method="Satterthwaite t", n=n)
    return replace(bare, difference=estimate, ci=ci, p=p, reason=_sentence(factors, ci, p))


def _sentence(factors: tuple[str, str], ci: Interval, p: float) -> str:
    places = decimals((ci.high - ci.low) / 4)
    figures = f"{percent(ci.level)} CI {show(ci.low, places)} to {show(ci.high, places)}, {ci.method} p {show_p(p)}"
    first, second = factors
    size = show(ci.estimate, places)
    if ci.excludes(0.0):
        return f"the effect of {first} changes by {size} with {second} ({figures}): neither has one effect of its own."
    return (
        f"the effect of {first} changes by {size} with {second} ({figures}): no interaction could be shown, which "
        "does not show that there is none."
    )
