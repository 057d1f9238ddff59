"""Before the runs: how many seeds an effect needs, and what a given number of seeds could see.

The seed sd usually comes from a handful of runs and is itself barely known; where it does, the plan is told for the
upper end of its interval too, because a plan made on a lucky sd is too small.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from runaudit.errors import NothingToJudgeError
from runaudit.stats.digits import percent, show
from runaudit.stats.interval import is_constant, variance
from runaudit.stats.permutation import smallest_reachable_p
from runaudit.stats.power import MAX_SEEDS, detectable, seeds_needed, welch_power
from runaudit.stats.values import Interval
from runaudit.text.terminal import UNPAINTED, Paint
from runaudit.text.words import plural

TABLE = (3, 4, 5, 6, 8, 10, 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A seed sd, with its interval and degrees of freedom where runs were measured."""

    sd: float
    source: str
    ci: Interval | None = None
    df: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What n seeds per arm can do: the effect they find with the planned power, and their power for the effect."""

    n: int
    detectable: float
    power: float | None
    smallest_reachable_p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedPlan:
    """`n_needed` seeds per arm for `effect`; None where no effect was named or 10,000 are not enough.

    n_needed_high: the same at the upper end of the sd's interval.
    """

    spread: Spread
    effect: float | None
    power: float
    alpha: float
    n_needed: int | None
    n_needed_high: int | None
    table: tuple[Row, ...]
    metric: str | None = None

    @property
    def verdict(self) -> str:
        """A number of seeds that nobody can run is no plan."""
        return "out_of_reach" if self.effect is not None and self.n_needed is None else "planned"

    @property
    def headline(self) -> str:
        """The answer on one line."""
        from runaudit.stats import planning_words

        return planning_words.headline(self)

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        from runaudit.stats import planning_words

        return planning_words.text_lines(self, paint=paint)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        from runaudit.stats import planning_words

        return planning_words.markdown_lines(self)

    def to_json(self) -> dict[str, Any]:
        """The answer as plain JSON values."""
        ci = self.spread.ci
        return {
            "schema": "runaudit.plan/1",
            "verdict": self.verdict,
            "metric": self.metric,
            "sd": self.spread.sd,
            "sd_source": self.spread.source,
            "sd_ci": None if ci is None else [ci.low, ci.high],
            "sd_df": self.spread.df,
            "effect": self.effect,
            "power": self.power,
            "alpha": self.alpha,
            "n_needed": self.n_needed,
            "n_needed_at_upper_sd": self.n_needed_high,
            "table": [
                {
                    "n": row.n,
                    "minimal_detectable_effect": row.detectable,
                    "power": row.power,
                    "smallest_reachable_p": row.smallest_reachable_p,
                }
                for row in self.table
            ],
            "notes": list(notes(self)),
        }


def pooled_spread(arms: Sequence[Sequence[float]], *, level: float = 0.95) -> Spread:
    """The seed sd within arms, pooled; values of different arms are never compared.

    arms: the values of each cohort, one a seed; arms of fewer than two add nothing.
    Raises NothingToJudgeError where no arm has a spread.
    """
    from scipy.special import gammaincinv

    used = [arm for arm in arms if len(arm) > 1]
    df = sum(len(arm) - 1 for arm in used)
    if not used or all(is_constant(arm) for arm in used):
        raise NothingToJudgeError(
            "these runs show no spread between seeds" if used else "a spread needs two finished seeds of one cohort",
            remedy="run more seeds, or give the spread with --sd",
        )
    sd = math.sqrt(math.fsum((len(arm) - 1) * variance(arm) for arm in used) / df)
    upper, lower = (2 * float(gammaincinv(df / 2, q)) for q in (0.5 + level / 2, 0.5 - level / 2))
    ci = Interval(
        estimate=sd,
        low=sd * math.sqrt(df / upper),
        high=sd * math.sqrt(df / lower),
        level=level,
        method="chi-square",
        n=sum(map(len, used)),
    )
    return Spread(sd=sd, source=f"{ci.n} seeds of {plural(len(used), 'cohort')}", ci=ci, df=df)


def plan_seeds(
    spread: Spread, effect: float | None, *, power: float = 0.8, alpha: float = 0.05, metric: str | None = None
) -> SeedPlan:
    """Seeds per arm for an effect, and the table of what n seeds see. Raises UsageError for impossible numbers."""
    table = tuple(
        Row(
            n=n,
            detectable=detectable(spread.sd, n, power, alpha=alpha),
            power=None if effect is None else welch_power(effect, (spread.sd, spread.sd), ns=(n, n), alpha=alpha),
            smallest_reachable_p=smallest_reachable_p(n, n),
        )
        for n in TABLE
    )
    high = spread.ci.high if spread.ci else None
    return SeedPlan(
        spread=spread,
        effect=effect,
        power=power,
        alpha=alpha,
        n_needed=None if effect is None else seeds_needed(spread.sd, effect, power, alpha=alpha),
        n_needed_high=None if effect is None or high is None else seeds_needed(high, effect, power, alpha=alpha),
        table=table,
        metric=metric,
    )


def notes(plan: SeedPlan) -> tuple[str, ...]:
    """What a careful colleague would add."""
    found = [
        f"Power is that of Welch's test, two-sided at {plan.alpha:g}; only differences found the right way round count."
    ]
    ci = plan.spread.ci
    if ci is not None:
        found.insert(0, f"The seed sd of {show(plan.spread.sd)} comes from {plan.spread.source}; the true one may lie "
                       f"between {show(ci.low)} and {show(ci.high)} ({percent(ci.level)}).")  # fmt: skip
        if plan.effect is not None:
            high = f"more than {MAX_SEEDS}" if plan.n_needed_high is None else str(plan.n_needed_high)
            found.insert(1, f"At the upper end {high} seeds per arm would be needed.")
    if plan.n_needed == 3:
        found.append("Three seeds are the floor of this tool; the formula might ask for fewer.")
    return tuple(found)
