"""The vocabulary of the judge: arms of plain numbers, what is known of their design, and what was planned.

Nothing here computes. A run that gave no number is kept as `None` in its place, because a seed that diverged is part of
the result: leaving it out would compare the survivors.
"""

from dataclasses import dataclass, replace
from numbers import Real

from runaudit.errors import UsageError

MIN_SEEDS = 3
FINISHED = frozenset({"", "completed", "early_stopped", "unknown"})
AGAIN = "launched again"
"""In the place of how a run ended: stopped from outside, and another run of the arm is the same draw and finished."""
# Squares of larger numbers leave the range of a double, and a variance of inf judges nothing.
LARGEST = 1e150


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmValues:
    """One arm: one entry per run in every tuple, in the order the runs were given.

    values: the metric, averaged inside the run; None or a non-finite number where the run gave none.
    statuses: how the run ended; empty or `unknown` where nobody recorded it. Empty tuple: unknown for all.
    proven: True if the seed provably acted, False if it provably did not, None if unknown. Empty tuple: unknown.
    by_sequence: (sequence, one value per run), shown side by side and never counted as n.
    draws: how many independent draws the runs are known to be; None: the finished seeds not known to be idle.
    repeats: of a run that is one draw with an earlier one and came to another number, the place of that one, else None:
    both numbers stand for the draw, and none may be picked. Empty tuple: none does.

    Raises UsageError for a value that is no number.
    """

    label: str
    seeds: tuple[str | int | None, ...]
    values: tuple[float | None, ...]
    statuses: tuple[str, ...] = ()
    proven: tuple[bool | None, ...] = ()
    by_sequence: tuple[tuple[str, tuple[float | None, ...]], ...] = ()
    draws: int | None = None
    repeats: tuple[int | None, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.values)
        if not self.repeats:
            object.__setattr__(self, "repeats", (None,) * n)
        if not self.statuses:
            object.__setattr__(self, "statuses", ("",) * n)
        if not self.proven:
            object.__setattr__(self, "proven", (None,) * n)
        lengths = [
            len(self.seeds),
            len(self.statuses),
            len(self.proven),
            len(self.repeats),
            *(len(v) for _, v in self.by_sequence),
        ]
        if any(length != n for length in lengths):
            raise UsageError(
                f"arm '{self.label}' has {n} values but columns of length {lengths}",
                remedy="give one seed, value, status and proof per run",
            )
        for seed, value in zip(self.seeds, self.values, strict=True):
            _check_number(value, where=f"arm '{self.label}', seed {seed}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """The launched runs of an arm's design that were not named: one value each, None for a run without a result.

    named: how many runs of the arm were launched with them; absent: how many more were, of which this store knows no
    more than that.
    """

    named: int
    values: tuple[float | None, ...] = ()
    absent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparability:
    """What is known about how the arms differ: a comparison verdict, the factors it names, and why.

    verdict: a word of the comparison lattice, or `unknown_design` where plain numbers were given.
    idle: why it is known that the factors changed no number at all, where it is: then no number can speak of them.
    conditional: the verdict if all that is missing were equal, where something is. on_record: `what W&B recorded`,
    where others recorded the runs. assumed: what the user vouches for, where nothing else is
    missing; missing: the gaps; unlike: in which ways the numbers of the two arms were taken from their curves, or in
    which units they are, where these are two. picked: why the runs that were given are a flattering part of those
    launched; empty where they are not. with_length: whether the arms trained for other lengths, which is not what
    differs: an effect is then that of both together. same_training: whether what differs left the training as it was,
    to the last bit, and no record says what measures.
    """

    verdict: str
    factors: tuple[str, ...] = ()
    reason: str = ""
    idle: str = ""
    conditional: str | None = None
    on_record: str = ""
    assumed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unlike: str = ""
    picked: str = ""
    with_length: bool = False
    same_training: bool = False

    @property
    def alone(self) -> str:
        """What differs, as the end of a sentence: `only config.lr differs`."""
        names = ", ".join(self.factors)
        more = ", and the length of the training with it" if self.with_length else ""
        return f"only {names} differs{more}" + (f", which {_AFTER}" if self.same_training else "")

    @property
    def if_equal(self) -> "Comparability":
        """The design if all that is missing were equal; itself where nothing is."""
        return replace(self, verdict=self.conditional, reason="") if self.conditional else self


_AFTER = "left the training as it was, to the last bit: whether it changed the measure no record says"
UNKNOWN_DESIGN = Comparability(verdict="unknown_design", reason="plain numbers carry no record of how they were made")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsPlan:
    """What was decided before looking at the numbers.

    margin: differences smaller than this do not matter; declared beforehand, else leave it None.
    is_paired: the arms were planned as pairs (same initialisation *and* data order per seed).
    correction: `holm` for declared comparisons; `bh` for screening, labelled as such.
    looks: how often this comparison has been looked at, this time included.
    best_of: of how many runs each value is the best; above 1 no claim is possible.
    is_selected_on_report: the checkpoint was chosen on the very set that is reported.
    earlier_sd: pooled seed sd of earlier cohorts, used to say what these seeds could see when they are too few.
    resamples, seed: size and random seed of the bootstrap companions.
    """

    alpha: float = 0.05
    power: float = 0.8
    margin: float | None = None
    is_paired: bool = False
    correction: str = "holm"
    looks: int = 1
    best_of: int = 1
    is_selected_on_report: bool = False
    earlier_sd: float | None = None
    resamples: int = 9_999
    seed: int = 0

    def __post_init__(self) -> None:
        # Beyond 1/2 "95 %" intervals shrink to nothing and every difference would pass.
        if not 0 < self.alpha < 0.5:
            raise UsageError(f"alpha is {self.alpha}", remedy="give a number between 0 and 0.5, usually 0.05")
        if not self.alpha < self.power < 1:
            raise UsageError(f"power is {self.power}", remedy="give a number between alpha and 1, usually 0.8")
        if self.margin is not None and not 0 < self.margin < LARGEST:
            raise UsageError(f"margin is {self.margin}", remedy="give a positive number in the metric's unit")
        if self.earlier_sd is not None and not 0 < self.earlier_sd < LARGEST:
            raise UsageError(f"earlier sd is {self.earlier_sd}", remedy="give a positive number in the metric's unit")
        if self.correction not in ("holm", "bh"):
            raise UsageError(f"no correction is called '{self.correction}'", remedy="use holm, or bh for screening")
        if self.looks < 1 or self.best_of < 1 or self.resamples < 1:
            raise UsageError("looks, best_of and resamples start at 1", remedy="give a count of 1 or more")


DEFAULT_PLAN = StatsPlan()


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate with its interval; low ≤ high, both in the unit of the estimate."""

    estimate: float
    low: float
    high: float
    level: float
    method: str
    n: int

    def excludes(self, value: float) -> bool:
        """Whether `value` lies outside, the ends counted as inside."""
        return value < self.low or value > self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Excluded:
    """A run whose number does not count, and why."""

    seed: str | int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What is left of an arm for the test: one finite number per distinct seed, in an order of its own.

    choices: per seed, the numbers that could stand for it (more than one where a seed was run again).
    failed: runs that ended without a usable number; they are never dropped from a claim. missing: finished, no number.
    distinct, distinct_failed: seeds, and seeds with a failed run, whether or not they provably acted.
    """

    label: str
    seeds: tuple[str, ...] = ()
    values: tuple[float, ...] = ()
    choices: tuple[tuple[float, ...], ...] = ()
    failed: tuple[Excluded, ...] = ()
    missing: tuple[Excluded, ...] = ()
    effective_n: int = 0
    distinct: int = 0
    distinct_failed: int = 0
    notes: tuple[str, ...] = ()


class OutOfReachError(UsageError):
    """A number is too large to be reckoned with: the run diverged, or its unit is too small."""


def _check_number(value: object, *, where: str) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, Real):
        raise UsageError(f"{where}: the value is {value!r}, which is no number", remedy="choose a numeric metric")
    if LARGEST < abs(float(value)) < float("inf"):
        raise OutOfReachError(f"{where}: {value!r} is beyond {LARGEST:g}", remedy="give the metric in a larger unit")
