"""The judge's answer, as a value: every number that was computed, every number that does not exist as None.

`to_json` is the fixed surface (`runaudit.stats/1`); `words.py` prints the same value for people.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from typing import Any

from runaudit.metrics.catalogue import Direction
from runaudit.stats.components import Components
from runaudit.stats.values import Comparability, Excluded, Interval
from runaudit.text.shown import Shown
from runaudit.text.terminal import UNPAINTED, Paint
from runaudit.text.verdicts import CANNOT_JUDGE, verdict_words


class StatsVerdict(StrEnum):
    """What the comparison says about the metric."""

    IMPROVED = "improved"
    REGRESSED = "regressed"
    EQUIVALENT = "equivalent"
    INCONCLUSIVE = "inconclusive"
    TOO_FEW_SEEDS = "too_few_seeds"
    NOT_ATTRIBUTABLE = "not_attributable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How many of `n` distinct runs gave no usable number, with the Clopper-Pearson interval of the share."""

    count: int
    n: int
    ci: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivors:
    """The runs that did give a number, in an arm where some did not. Their mean is no mean of the arm."""

    n: int
    mean: float | None
    sd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmSummary:
    """One arm as shown. `used` counts the numbers that were tested; mean, sd and ci exist only if no run failed.

    values, left_out: of each run its number, and why it does not count (`crashed`, `no value`), "" where it does.
    ci: Student's t for the mean, from 3 seeds on. sd_ci: chi-square. iqm, iqm_ci: from 10 seeds on.
    """

    label: str
    n: int
    effective_n: int
    used: int
    seeds: tuple[str | int | None, ...]
    values: tuple[float | None, ...]
    mean: float | None = None
    sd: float | None = None
    ci: Interval | None = None
    sd_ci: Interval | None = None
    iqm: float | None = None
    iqm_ci: Interval | None = None
    failed: tuple[Excluded, ...] = ()
    missing: tuple[Excluded, ...] = ()
    failure_rate: Rate | None = None
    survivors: Survivors | None = None
    components: Components | None = None
    profile: tuple[tuple[float, float], ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def counting(self) -> tuple[float, ...]:
        """The values that count as results of the arm, a run each."""
        whys = self.left_out or ("",) * len(self.values)
        return tuple(value for value, why in zip(self.values, whys, strict=True) if value is not None and not why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """A lone run against a cohort: the range in which one more run of the cohort would fall."""

    arm: str
    cohort: str
    value: float
    ci: Interval
    is_inside: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmComparison:
    """One arm against the baseline. `difference` is arm minus baseline in the metric's unit.

    difference, ci, p and what follows from them belong to one choice of runs: where seeds ran again, that with the
    largest p. p: two-sided. p_adjusted: over the family; ci_adjusted: the interval that goes with it, where the family
    is larger than one. error, df: the standard error of the difference and its degrees of freedom.
    minimal_detectable_effect: true difference these seeds find with the planned power, at the observed spreads.
    n_needed: seeds per arm that would find `n_needed_for`, the declared margin or else the observed difference.
    permutation_drawn: how many arrangements of the labels permutation_p was drawn from; 0 where all were counted.
    is_fragile: a companion contradicts the test, or leaving out one seed does.
    dunnett_p: companion where several arms share the baseline; equal spreads assumed, family-wise.
    design: what is known of this arm against the baseline, where the arms of a family differ in it.
    conditional: the verdict if all that is missing in the records were equal, where something is.
    refusal: why these numbers allow no claim although there are seeds enough; empty where they allow one.
    is_equal: every value that counts is that of the other arm, to the last bit, seed by seed where both name them.
    """

    arm: str
    baseline: str
    smallest_reachable_p: float
    difference: float | None = None
    ci: Interval | None = None
    p: float | None = None
    p_adjusted: float | None = None
    ci_adjusted: Interval | None = None
    error: float | None = None
    df: float | None = None
    method: str | None = None
    effect_size: float | None = None
    probability_of_improvement: float | None = None
    probability_ci: Interval | None = None
    minimal_detectable_effect: float | None = None
    n_needed: int | None = None
    n_needed_for: float | None = None
    permutation_p: float | None = None
    permutation_drawn: int | None = None
    drop_one_p: float | None = None
    is_fragile: bool | None = None
    equivalence_p: float | None = None
    ci_bca: Interval | None = None
    failure_p: float | None = None
    dunnett_p: float | None = None
    design: Comparability | None = None
    prediction: Prediction | None = None
    sequences: tuple[tuple[str, float], ...] = ()
    verdict: StatsVerdict = StatsVerdict.INCONCLUSIVE
    conditional: StatsVerdict | None = None
    reason: str = ""
    refusal: str = ""
    is_equal: bool = False

    @property
    def interval(self) -> Interval | None:
        """The interval that says what the corrected p says: zero lies outside where that is below alpha."""
        return self.ci_adjusted or self.ci

    @property
    def smallest_permutation_p(self) -> float:
        """The smallest p that its permutation test can say: of drawn arrangements each tail is (b + 1) / (m + 1)."""
        floor = min(1.0, 2 / (self.permutation_drawn + 1)) if self.permutation_drawn else 0.0
        return max(floor, self.smallest_reachable_p)


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionEffect:
    """How much the effect of one factor changes with the other: (both - second) - (first - neither).

    cells: the labels of neither, first, second, both. Numbers are None where it is not estimable; reason says why.
    """

    factors: tuple[str, str]
    cells: tuple[str, str, str, str]
    reason: str
    difference: float | None = None
    ci: Interval | None = None
    p: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class StatsAnswer(Shown):
    """What the numbers support, and why. `looks`: how often recorded runs were judged so; None where nobody counts.
    `late_plan`: what another plan, declared when the runs began, would have said instead.

    conditional: the verdict if all that is missing in the records were equal, None where nothing is missing, or where
    that would say nothing; conditional_reason: why. assumed: what the user vouches for, where nothing else is missing.
    family: so many comparisons are allowed for together, those that another answer tells of included.
    """

    metric: str
    direction: Direction
    alpha: float
    power: float
    design: Comparability
    arms: tuple[ArmSummary, ...]
    comparisons: tuple[ArmComparison, ...]
    verdict: StatsVerdict
    reason: str
    notes: tuple[str, ...]
    interaction: InteractionEffect | None = None
    looks: int | None = None
    late_plan: str | None = None
    conditional: StatsVerdict | None = None
    conditional_reason: str = ""
    assumed: tuple[str, ...] = ()
    family: int = 1

    @property
    def standing(self) -> StatsVerdict:
        """The verdict that counts: the conditional one where nothing is missing but what the user vouches for."""
        return self.conditional if self.conditional is not None and self.assumed else self.verdict

    @property
    def headline(self) -> str:
        """The verdict and its reason, on one line."""
        from runaudit.stats import words

        return words.headline(self)

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        from runaudit.stats import words

        return words.text_lines(self, paint=paint)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        from runaudit.stats import words

        return words.markdown_lines(self)

    def to_json(self) -> dict[str, Any]:
        """The answer as plain JSON values; numbers that do not exist are null, never NaN."""
        arms = [arm_json(arm) for arm in self.arms]
        comparisons = [comparison_json(comparison) for comparison in self.comparisons]
        return {
            "schema": "runaudit.stats/1",
            "metric": self.metric,
            "direction": str(self.direction),
            "alpha": self.alpha,
            "power": self.power,
            "design": _plain(self.design),
            "arms": arms,
            "comparisons": comparisons,
            "verdict": str(self.verdict),
            "reason": self.reason,
            "conditional": None if self.conditional is None else str(self.conditional),
            "conditional_reason": self.conditional_reason or None,
            "assumed": {"sections": list(self.assumed), "holds": True} if self.assumed else None,
            "standing": str(self.standing),
            "notes": list(self.notes),
            "interaction": _plain(self.interaction),
            "looks": self.looks,
            "late_plan": self.late_plan,
        }


def exit_code(answer: StatsAnswer) -> int:
    """0 for a supported improvement or equivalence; 1 for a negative judgement; 3 where none is possible; 4 for broken
    records.

    `not_attributable` takes the code of the design that caused it: an incomplete record, or a factor that changed no
    number, cannot be judged (3), a record that does not match its digest is an integrity failure (4), anything else is
    a negative judgement (1).
    """
    code = verdict_words("stats", answer.standing).code
    if answer.standing != StatsVerdict.NOT_ATTRIBUTABLE:
        return code
    design = (answer.design.if_equal if answer.assumed else answer.design).verdict
    if design in ("integrity_failure", "provenance_incomplete", "confounded", "incomparable"):
        return verdict_words("diff", design).code
    is_idle = any(row.design is not None and row.design.idle for row in answer.comparisons)
    return CANNOT_JUDGE if is_idle else code


def arm_json(arm: ArmSummary) -> dict[str, Any]:
    """What an arm came to, for a program."""
    plain: dict[str, Any] = _plain(arm)
    plain["profile"] = [{"threshold": threshold, "share_above": share} for threshold, share in arm.profile]
    return plain


def comparison_json(comparison: ArmComparison) -> dict[str, Any]:
    """How one arm stands against its baseline, for a program."""
    plain: dict[str, Any] = _plain(comparison)
    plain["fragile"] = plain.pop("is_fragile")
    plain["sequences"] = [{"sequence": name, "difference": value} for name, value in comparison.sequences]
    return plain


def _plain(value: object) -> Any:
    """JSON of any value of the answer: an interval is its two ends, a non-finite number is null."""
    if isinstance(value, Interval):
        return [_plain(value.low), _plain(value.high)]
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int):
        return value
    number = float(value)  # type: ignore[arg-type]  # numbers are all that is left
    return number if math.isfinite(number) else None
