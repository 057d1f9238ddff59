"""What will be run, before anything is: the units, the design, its cost, what it can find. Sealed with each run.

The plan's id is the digest of what the runs depend on. The budget is no part of it, so that a larger one goes on from
the runs of a smaller one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from runaudit.errors import NothingToJudgeError, UsageError
from runaudit.factors.cohort import Cohort, hybrid_mark
from runaudit.metrics.catalogue import Direction
from runaudit.metrics.quantity import Quantity
from runaudit.records.canonical import canonical_bytes
from runaudit.records.digest import digest_bytes
from runaudit.records.run import Run
from runaudit.stats.digits import show
from runaudit.text.typed import typed_word
from runaudit.text.words import plural
from runaudit.untangle.cells import MAX_UNITS, first_block
from runaudit.untangle.procedure import ALPHA, GATE_FIRST, GATE_MORE, LOOKS, Question, least_runs
from runaudit.untangle.units import Unit

SCHEMA = "runaudit.untangle.plan/1"
COST = {2: (17, 26), 3: (23, 34), 4: (29, 38), 5: (36, 46), 8: (39, 50), 12: (46, 54), 16: (52, 62)}
"""Units -> mean and 90th percentile of runs where one to three units have an effect of 3 seed sds. Measured with the
engine over 1,000 problems each (examples/bench/untangle_bench.py)."""
OVERHEAD = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One end: the run that stands for it, and the metric of every finished run of it."""

    run: Run
    runs: tuple[str, ...]
    values: tuple[float, ...]
    seeds: tuple[int, ...]
    durations: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A question over two ends. jobs: hybrids at once; quantity: what stands for the metric in every run of it; notes:
    what the reader must know before."""

    a: Arm
    b: Arm
    metric: str
    quantity: Quantity
    direction: Direction
    units: tuple[Unit, ...]
    immovable: Mapping[str, str]
    budget: int | None = None
    anyway: bool = False
    seeds: int = GATE_FIRST
    round: int = 0
    jobs: int = 1
    notes: tuple[str, ...] = ()
    words: tuple[str, str] = ("A", "B")
    """What A and B were called by who asked."""
    sealed_id: str | None = None
    """The id under which it was run, where it is read back from its runs."""

    @cached_property
    def body(self) -> dict[str, Any]:
        """What is sealed with every run of the plan."""
        return {
            "schema": SCHEMA,
            "a": list(self.a.runs),
            "b": list(self.b.runs),
            "metric": self.metric,
            "direction": str(self.direction),
            "units": [
                {"factors": list(unit.factors), "how": [move.how for move in unit.moves], "first": unit.first,
                 **({"one_word": True} if unit.is_one_word else {})}
                for unit in self.units
            ],
            "immovable": dict(self.immovable),
            "alpha": ALPHA,
            "looks": LOOKS,
            "round": self.round,
        }  # fmt: skip

    @cached_property
    def asked(self) -> str:
        """The digest of the question, whichever round of it this is."""
        return str(digest_bytes(canonical_bytes({**self.body, "round": 0})))

    @cached_property
    def id(self) -> str:
        """The digest of the plan."""
        return self.sealed_id or str(digest_bytes(canonical_bytes(self.body)))

    @property
    def question(self) -> Question:
        """What the procedure is asked."""
        return Question(
            units=len(self.units),
            seed=int(self.id.rpartition(":")[2][:12], 16),
            budget=self.budget,
            anyway=self.anyway,
            seeds=self.seeds,
            split=frozenset(i for i, unit in enumerate(self.units) if unit.first is not None),
        )

    @cached_property
    def moved_names(self) -> frozenset[str]:
        """Every factor that a unit moves."""
        return frozenset(name for unit in self.units for name in unit.factors)

    @property
    def first_seed(self) -> int:
        """The seed of the plan's first run: above all that A and B were run with."""
        return max((0, *self.a.seeds, *self.b.seeds)) + 1 + 1000 * self.round

    @property
    def least(self) -> int:
        """Runs after which the gate may end it: A and B run until the gate has its say."""
        return 2 * (self.seeds + GATE_MORE)

    @property
    def cost(self) -> tuple[int, int]:
        """(mean, 90th percentile) of the runs to expect."""
        return next(runs for units, runs in COST.items() if units >= len(self.units))

    @property
    def unasked(self) -> UsageError:
        """What is said of a plan without a budget where nobody is there to ask for one."""
        return UsageError("no budget is given, and nobody is there to ask",
                          remedy=f"add --budget {self.cost[1]}, or --dry-run")  # fmt: skip

    def hours(self, runs: float) -> float | None:
        """Hours for so many runs, `jobs` of them at once; None where no duration is recorded."""
        durations = (*self.a.durations, *self.b.durations)
        return runs * OVERHEAD * sum(durations) / len(durations) / 3600 / self.jobs if durations else None

    @cached_property
    def spread(self) -> float | None:
        """The sd between seeds, pooled over both ends; None where neither was run twice."""
        from runaudit.stats.interval import variance

        arms = [arm.values for arm in (self.a, self.b) if len(arm.values) > 1]
        df = sum(len(values) - 1 for values in arms)
        return (sum((len(v) - 1) * variance(v) for v in arms) / df) ** 0.5 if df else None

    def check(self) -> None:
        """Raises UsageError or NothingToJudgeError for a plan that can give no answer."""
        a, b, metric = (typed_word(word) for word in (*self.words, self.metric))
        if len(self.units) < 2:
            moved = f"only {self.units[0].name} can be moved" if self.units else "no factor can be moved"
            raise NothingToJudgeError(
                f"{moved}: there is nothing to untangle" + "".join(f"; {n}: {w}" for n, w in self.immovable.items()),
                remedy=f"`runaudit stats {a} --vs {b} --metric {metric}` judges the two as they are",
            )
        if len(self.units) > MAX_UNITS:
            raise UsageError(
                f"{len(self.units)} factors can be moved, and {MAX_UNITS} are the most at once",
                remedy="compare runs between which less changed, or say with --bundle what belongs together",
            )
        if self.seeds < GATE_FIRST:
            raise UsageError(
                f"{plural(self.seeds, 'seed')} of an end show nothing", remedy=f"--seeds {GATE_FIRST} or more"
            )
        arms = (self.a.values, self.b.values)
        if min(map(len, arms)) > 1 and all(len(set(values)) == 1 for values in arms):
            raise NothingToJudgeError(
                f"{self.metric} is {show(arms[0][0])} in every run of A and {show(arms[1][0])} in every run of B, "
                "whatever their seed: nothing says what chance does to it",
                remedy=f"`runaudit stats {a} --vs {b} --metric {metric}` judges the two; or name a finer metric",
            )
        least = least_runs(self.question)
        if self.budget is not None and self.budget < least:
            raise UsageError(
                f"a budget of {plural(self.budget, 'run')} can give no answer over {len(self.units)} factors",
                remedy=f"give at least --budget {least}",
            )

    def first_cells(self) -> tuple[dict[str, str], ...]:
        """The cells of the first block: unit -> "a" or "b"."""
        return tuple(
            {unit.name: "b" if level == 1 else "a" for unit, level in zip(self.units, cell, strict=True)}
            for cell in first_block(len(self.units))
        )


def arm_of(cohort: Cohort, run: Run, quantity: Quantity) -> Arm:
    """One end of the question: its runs but those that were made to answer it, which would make it another."""
    own = [one for one in cohort.runs if not hybrid_mark(one.manifest)]
    finished = [one for one in own if one.finished]
    values = [quantity.of(one.metrics) for one in finished]
    seeds = [one.manifest.body.get("seed") for one in own]
    durations = [one.outcome.body.get("duration_s") for one in finished if one.outcome]
    return Arm(
        run=run,
        runs=tuple(one.id for one in own),
        values=tuple(value for value in values if value is not None),
        seeds=tuple(seed for seed in seeds if isinstance(seed, int)),
        durations=tuple(float(one) for one in durations if isinstance(one, int | float)),
    )
