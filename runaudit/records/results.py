"""What a run came to, bit for bit: the numbers that its inputs determine, apart from those that a clock or a plan does.

Two runs that logged the same bits are the same draw, whatever their seeds say; two runs of equal inputs that logged
other bits had an input nobody saw. Neither can be told from step times, which never repeat, nor from a learning rate,
which always does. A few round numbers coincide by chance (an accuracy over a hundred images), so equality is evidence
only where enough was said.
"""

import math
import re
import struct
from array import array
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from runaudit.errors import RunauditError
from runaudit.metrics.catalogue import BASELINES
from runaudit.records.outcome import sealed_series
from runaudit.records.points import Points as Columns
from runaudit.records.run import Run
from runaudit.records.trackers import FILE
from runaudit.records.trajectory import Trajectory

Points = Sequence[tuple[int, float]]
CLOCKS = frozenset(
    """time times clock elapsed seconds second secs sec s ms minutes hours duration runtime walltime timestamp eta
    throughput latency fps memory mem vram rss util utilization utilisation system
    """.split()  # noqa: SIM905  (words, as they are read)
)
"""Words of a series' name that say that a clock or the machine made it."""
PLANS = frozenset(
    """epoch epochs step steps iteration iterations iter iters progress momentum weight decay wd scale skipped samples
    tokens examples batch batches size train trainer training global current total seen num n count amp optimizer
    group""".split()  # noqa: SIM905  (a list of thirty strings is no easier to read)
)
"""A name of these words alone says that a schedule or a counter made it."""
FIXED = tuple(frozenset(name.split("_")) for name in ("lr", "lrs", "learning_rate", *BASELINES))
"""Names of what no seed and hardly a factor moves, in words: rates, and baselines that no training can change."""
ENOUGH_VALUES, ENOUGH_DIGITS = 3, 8
"""Equality is evidence from so many different values on, or from values with so many digits together."""
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


@lru_cache(maxsize=4096)
def is_clock(name: str) -> bool:
    """Whether a quantity depends on the clock or the machine's state, so that it never comes out the same."""
    return not CLOCKS.isdisjoint(_words(name))


@lru_cache(maxsize=4096)
def is_plan(name: str) -> bool:
    """Whether a quantity follows from the settings alone: a learning rate, an epoch, a baseline."""
    words = set(_words(name))
    return any(fixed <= words for fixed in FIXED) or words <= PLANS


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


def bits(value: float) -> bytes:
    """A number by its bits; one NaN is as good as another."""
    return struct.pack("<d", math.nan if math.isnan(value) else value)


def _all_bits(points: Points) -> bytes:
    """A series by the bits of its steps, then of its values."""
    if not isinstance(points, Columns):
        points = Columns.of((step % 2**63, value) for step, value in points)
    values = points.values
    if any(map(math.isnan, values)):
        values = array("d", (math.nan if math.isnan(value) else value for value in values))
    return points.steps.tobytes() + values.tobytes()


def trajectory_of(run: Run) -> Trajectory | None:
    """The series of a run, read from the store where they were left there; None where they cannot be read."""
    digest = sealed_series(run.outcome, run.manifest.section("origin"))
    if run.trajectory.series or run.trajectory.events or not digest:
        return run.trajectory
    from runaudit.records.columns import read_series  # Equal final numbers are rare, and few others ask.

    try:
        return read_series(run.blobs[str(digest)])
    except (KeyError, RunauditError, OSError):
        return None


def with_series(run: Run) -> Run:
    """The run with its series; as it is where they were read, or cannot be."""
    found = trajectory_of(run)
    return run if found is None or found is run.trajectory else replace(run, trajectory=found)


def ends_of(run: Run) -> Trajectory:
    """Where the last values of series stand that are no final metrics of a run. Who records or imports a run lays the
    last value of every series among those, so its series need not be read; a record file says what it says."""
    if run.manifest.section("origin").get("kind") != FILE:
        return run.trajectory
    return with_series(run).trajectory


@dataclass(frozen=True)
class Results:
    """The results of one run, read when they are asked for."""

    run: Run

    @cached_property
    def metrics(self) -> Mapping[str, float]:
        """Final metrics that repeat where the inputs do."""
        return {name: value for name, value in sorted(self.run.metrics.items()) if not is_clock(name)}

    @cached_property
    def series(self) -> Mapping[str, Points] | None:
        """The series that repeat where the inputs do, by name; None where they cannot be read."""
        found = trajectory_of(self.run)
        if found is None:
            return None
        return {name: points for name, points in sorted(found.series.items()) if points and not is_clock(name)}

    @cached_property
    def last_step(self) -> int:
        """The last step of all series; -1 where there is none."""
        return max((points[-1][0] for points in (self.series or {}).values()), default=-1)

    @cached_property
    def final(self) -> tuple[tuple[str, bytes], ...]:
        """The final metrics by their bits."""
        return tuple((name, bits(value)) for name, value in self.metrics.items())

    @cached_property
    def whole(self) -> tuple[tuple[str, bytes], ...] | None:
        """All series by their bits; None where they cannot be read."""
        if self.series is None:
            return None
        return tuple((name, _all_bits(points)) for name, points in self.series.items())

    @cached_property
    def says_enough(self) -> bool:
        """Whether these numbers could hardly be those of another run by chance."""
        values = {value for name, value in self.metrics.items() if not is_plan(name)}
        if not _enough(values) and self.series:
            values |= {v for name, points in self.series.items() if not is_plan(name) for _, v in points}
        return _enough(values)


def same_numbers(a: Results, b: Results) -> bool:
    """Whether two runs logged the same numbers to the last bit, and enough of them that this is no chance."""
    if a.final != b.final or not (a.says_enough and b.says_enough):
        return False
    return a.whole is not None and a.whole == b.whole


def _enough(values: Set[float]) -> bool:
    finite = {value for value in values if math.isfinite(value)}
    return len(finite) >= ENOUGH_VALUES or sum(map(_digits, finite)) >= ENOUGH_DIGITS


def _digits(value: float) -> int:
    """How many decimal digits it takes to write a number."""
    mantissa = repr(value).partition("e")[0]
    return len(mantissa.replace(".", "").strip("-0"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """Where two runs first came out differently. `step` None: in a final metric. A side None: it has nothing there."""

    name: str
    step: int | None
    before: float | None
    after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Two runs by what both logged: how many series and values were held together, how many of them differ, and where
    first. `evidence`: the different values in it, without those of a plan."""

    series: int
    values: int
    metrics: int
    differing: tuple[str, ...]
    first: Deviation | None
    evidence: frozenset[float]

    @property
    def decisive(self) -> bool:
        """Whether equality here could hardly be chance."""
        return _enough(self.evidence)

    @property
    def equal(self) -> bool:
        """Whether both logged something and all of it is equal."""
        return bool(self.series or self.metrics) and self.first is None

    @property
    def equal_by_step(self) -> bool:
        """Whether what both logged step by step is equal, whatever numbers they ended with."""
        return self.first is None or self.first.step is None


def overlap(a: Results, b: Results, *, lengths: bool = True) -> Overlap | None:
    """Hold what both runs logged together; None where that cannot be read, or where there is nothing.

    lengths: a series that goes on in one run only is a difference too (not where a run was cut short).
    """
    if a.series is None or b.series is None:
        return None
    names = [name for name in a.series if name in b.series]
    metrics = [name for name in a.metrics if name in b.metrics]
    if not names and not metrics:
        return None
    found: list[Deviation] = []
    seen: set[float] = set()
    values = 0
    for name in names:
        if _alike(a.series[name], b.series[name]):
            values += len(a.series[name])
            if not is_plan(name):
                seen.update(value for _, value in a.series[name])
            continue
        left, right = dict(a.series[name]), dict(b.series[name])
        common = [step for step in left if step in right]
        values += len(common)
        if not is_plan(name):
            seen |= {left[step] for step in common}
        found += _first(name, left, right, lengths=lengths)
    differing = [deviation.name for deviation in found]
    for name in metrics:
        if not is_plan(name):
            seen.add(a.metrics[name])
        if bits(a.metrics[name]) != bits(b.metrics[name]) and name not in differing:
            found.append(Deviation(name=name, step=None, before=a.metrics[name], after=b.metrics[name]))
    first = min(found, key=lambda d: (d.step is None, d.step or 0), default=None)
    return Overlap(
        series=len(names), values=values, metrics=len(metrics), differing=tuple(d.name for d in found), first=first,
        evidence=frozenset(seen),
    )  # fmt: skip


def _alike(left: Points, right: Points) -> bool:
    """Whether two long series are the same at once, every step coming once: then nothing is to be looked for."""
    return (
        isinstance(left, Columns)
        and isinstance(right, Columns)
        and _all_bits(left) == _all_bits(right)
        and left.is_increasing
    )


def _first(name: str, left: Mapping[int, float], right: Mapping[int, float], *, lengths: bool) -> Iterator[Deviation]:
    """The first step at which a series differs, if it does. Steps that only one run logged on the way say how often it
    logged, not what it came to; steps beyond the other's last do."""
    differing = [step for step in left if step in right and bits(left[step]) != bits(right[step])]
    end = min(max(left), max(right))
    beyond = [step for step in (*left, *right) if step > end] if lengths and not differing else []
    step = min([*differing, *beyond], default=None)
    if step is not None:
        yield Deviation(name=name, step=step, before=left.get(step), after=right.get(step))


def begins(a: Results, b: Results) -> bool:
    """Whether `a` is the beginning of `b`: all that it logged step by step is logged there too, equal to the last bit,
    and too much to be chance."""
    held = overlap(a, b, lengths=False)
    if held is None or a.series is None or b.series is None:
        return False
    # What a run had reached when it ended is no number of the other's, and is not asked.
    if not held.series or not held.decisive or not held.equal_by_step:
        return False
    steps = {name: {step for step, _ in points} for name, points in b.series.items()}
    return all(name in steps and all(step in steps[name] for step, _ in points) for name, points in a.series.items())
