"""What a plan's runs told, by the names of factors: effects with intervals, pairs, shares, what is still open."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from runaudit.stats.effect import interaction
from runaudit.stats.interval import is_constant, mean
from runaudit.untangle.finding import ATTRIBUTED, NO_DIFFERENCE, NOT_SEPARATED, Finding
from runaudit.untangle.look import FAILS, failures, unequal_alone
from runaudit.untangle.plan import Plan
from runaudit.untangle.procedure import differ
from runaudit.untangle.trial import Done, balanced

SCHEMA = "runaudit.untangle/1"
DRIFT = 0.01
PLANNED = "planned"
"""The verdict of a plan of which nothing was run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What one unit did when it went from A to B: the metric's change with its 95 % interval.

    p: the smallest of all looks, p_now: that of the last; share: of the whole difference, None where the whole could be
    none; is_exact: every cell was run; named: it moved the metric.
    """

    name: str
    factors: tuple[str, ...]
    effect: float
    ci: tuple[float, float]
    p: float
    share: float | None
    is_exact: bool
    named: bool
    p_now: float


@dataclass(frozen=True, kw_only=True)
class UntangleAnswer:
    """A plan, what was found, and the runs it was found by. finding None: nothing was run;
    errors: why runs failed -> how many."""

    plan: Plan
    finding: Finding | None = None
    history: tuple[Done, ...] = ()
    runs: tuple[str, ...] = ()
    errors: Mapping[str, int] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """attributed, not_separated, no_difference, inconclusive; `planned` where nothing was run."""
        if self.finding is None:
            return PLANNED
        return NOT_SEPARATED if self.finding.verdict == ATTRIBUTED and self.drifted else self.finding.verdict

    @cached_property
    def drifted(self) -> tuple[float, float] | None:
        """B less A in the record and as they were run again, where the two are unlike; None where they are not.

        What moved the rest was not moved here: no factor may be called the whole of it. A contrast of four means with
        Satterthwaite's t, at 1 %.
        """
        cells = (self.plan.a.values, self.plan.b.values, *self.ends.values())
        if min(map(len, cells)) < 2 or any(is_constant(cell) for cell in cells):
            return None
        p = interaction(cells)[3]
        record, here = (mean(b) - mean(a) for a, b in (cells[:2], cells[2:]))
        return (record, here) if p <= DRIFT else None

    @cached_property
    def effects(self) -> tuple[Effect, ...]:
        """One for each unit, the largest first; none before the first block is through."""
        if self.finding is None or not self.finding.looks:
            return ()
        last = self.finding.looks[-1]
        fit, units = last.fit, self.plan.units
        total = fit.interval([1.0] * len(units))
        whole = sum(float(x) for x in fit.effects) if total and not total[0] <= 0 <= total[1] else None
        exact = self._all_cells
        found = []
        for place, unit in enumerate(units):
            ci = fit.interval(fit.alone(place))
            if ci is None:
                continue
            effect = float(fit.effects[place])
            p = min(one.adjusted[place] for one in self.finding.looks)
            share = None if whole is None else effect / whole
            found.append(Effect(
                name=unit.name, factors=unit.factors, effect=effect, ci=ci, p=p, p_now=last.adjusted[place],
                share=share, is_exact=exact, named=place in self.finding.named,
            ))  # fmt: skip
        return tuple(sorted(found, key=lambda one: (not one.named, -abs(one.effect), one.name)))

    @property
    def _all_cells(self) -> bool:
        ran = {cell for done in self.history for cell, _ in done.finished}
        return sum(0 not in cell for cell in ran) == 1 << len(self.plan.units)

    @property
    def named(self) -> tuple[str, ...]:
        """The units that moved the metric; of one that was looked into, the part that did."""
        if self.finding is None:
            return ()
        return tuple(self._part(place) for place in self.finding.named)

    def _part(self, place: int) -> str:
        unit = self.plan.units[place]
        for part in self.finding.parts if self.finding else ():
            if part.unit == place and unit.first is not None and sum(part.did) == 1:
                other = next(name for name in unit.factors if name != unit.first)
                return unit.first if part.did[0] else other
        return unit.name

    @property
    def open(self) -> tuple[tuple[str, ...], ...]:
        """What is not separated: units that could not be bounded, units that only move whole, what cannot be moved."""
        if self.finding is None:
            return ()
        loose = [self.plan.units[place].factors for place in self.finding.open]
        named = set(self.named)
        inner = [
            u.factors
            for u in self.plan.units
            if len(u.factors) > 1 and not u.is_one_word and u.name in named and u.factors not in loose
        ]
        return (*loose, *inner, *((name,) for name in self._suspects))

    @property
    def _suspects(self) -> tuple[str, ...]:
        """What could not be moved here and may be why the difference of the record did not come back."""
        return tuple(self.plan.immovable) if self.not_reproduced or self.drifted else ()

    @property
    def failing(self) -> tuple[dict[str, Any], ...]:
        """Units that make runs fail: failed and all runs at each level."""
        if self.finding is None or self.finding.why != "failing":
            return ()
        last = self.finding.looks[-1]
        found = []
        seen = [place for place, p in enumerate(last.failing) if p <= self.plan.question.alpha]
        # A unit that was tied to the one that does it fails as often; by itself it does not.
        alone = [place for place in seen if unequal_alone(self.history, place) <= FAILS]
        blocks = balanced(self.history)
        for place, unit in enumerate(self.plan.units):
            if place in (alone or seen):
                a, b = (failures(blocks, place, level) for level in (-1, 1))
                found.append({"factor": unit.name, "failed_a": a[0], "runs_a": a[1], "failed_b": b[0], "runs_b": b[1],
                              "p_adjusted": min(1.0, last.failing[place])})  # fmt: skip
        return tuple(found)

    @property
    def ends(self) -> Mapping[str, tuple[float, ...]]:
        """The metric of A and of B as they were run again."""
        k = len(self.plan.units)
        return {
            name: tuple(value for done in self.history for cell, value in done.finished if cell == (level,) * k)
            for name, level in (("a", -1), ("b", 1))
        }

    @property
    def not_reproduced(self) -> bool:
        """Whether the two ends differ in the record and not when they are run here."""
        a, b = self.plan.a.values, self.plan.b.values
        if self.verdict != NO_DIFFERENCE or min(len(a), len(b)) < 2:
            return False
        return differ(a, b)

    @property
    def spread(self) -> float | None:
        """The sd of one run between seeds, as these runs show it; before them, as the record does."""
        if self.finding is not None and self.finding.looks:
            return self.finding.looks[-1].fit.sd
        return self.plan.spread

    @property
    def further(self) -> int | None:
        """Runs of the batch for which the budget did not suffice; None where it did."""
        deciding = self.finding.deciding if self.finding else None
        return None if deciding is None else len(deciding.cells)

    def to_json(self) -> dict[str, Any]:
        """The answer for a program."""
        plan = self.plan
        average, p90 = plan.cost
        return {
            "schema": SCHEMA,
            "metric": plan.metric,
            "direction": str(plan.direction),
            "a": list(plan.a.runs),
            "b": list(plan.b.runs),
            "plan": {
                "id": plan.id,
                "factors": [{"factor": m.factor, "how": m.how} for unit in plan.units for m in unit.moves],
                "immovable": [{"factor": name, "reason": why} for name, why in plan.immovable.items()],
                "units": [{"factors": list(unit.factors), "why": unit.why} for unit in plan.units],
                "cells": list(plan.first_cells()) if len(plan.units) > 1 else [],
                "runs": average,
                "hours": plan.hours(average),
                "least": {"runs": plan.least, "hours": plan.hours(plan.least)},
                "p90": {"runs": p90, "hours": plan.hours(p90)},
                "budget": plan.budget,
            },
            "effects": [
                {"factor": e.name, "factors": list(e.factors), "effect": e.effect, "ci": list(e.ci), "p_adjusted": e.p,
                 "share": e.share, "share_is_exact": e.is_exact}
                for e in self.effects
            ],
            "interactions": [
                {"factors": [plan.units[unit].name for unit in pair.units], "effect": pair.effect, "ci": list(pair.ci),
                 "p_adjusted": pair.p}
                for pair in (self.finding.pairs if self.finding else ())
                if pair.acts
            ],
            "culprits": list(self.named),
            "unresolved": [list(group) for group in self.open],
            "failures": list(self.failing),
            "errors": dict(self.errors),
            "seed_spread": self.spread,
            "ends": {name: list(values) for name, values in self.ends.items()},
            "not_reproduced": self.not_reproduced or self.drifted is not None,
            "further_runs": self.further,
            "verdict": self.verdict,
            "reason": " ".join(self.reasons()),
            "runs": list(self.runs),
        }  # fmt: skip

    def reasons(self) -> Iterator[str]:
        """The verdict in sentences."""
        from runaudit.untangle.words import reasons

        return reasons(self)

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        from runaudit.untangle.words import headline

        return headline(self)

    def text_lines(self, *, verbose: bool = False, paint: Any = None) -> Iterator[str]:
        """For a terminal."""
        from runaudit.text.terminal import UNPAINTED
        from runaudit.untangle.words import text_lines

        return text_lines(self, paint=paint or UNPAINTED, verbose=verbose)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        from runaudit.untangle.words import markdown_lines

        return markdown_lines(self)
