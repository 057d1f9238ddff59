"""A trajectory that grows: what was written since is read, and judged again when there is enough of it.

Judging costs what it costs on a finished run, so it is done again only after a hundred times as long as it last took:
watching stays below a hundredth of a core however long a run is.
"""

import math
import time
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from runaudit.health.facts import trajectory_facts
from runaudit.metrics.heldout import is_held_out
from runaudit.metrics.roles import Role, is_loss_scale, role
from runaudit.records.columns import Tables
from runaudit.records.finding import Finding, Severity
from runaudit.records.points import Points
from runaudit.records.trajectory import Trajectory
from runaudit.rules import Rule, Skip, check_all
from runaudit.system.files import open_ordinary

LEAST_S = 5.0
"""Seconds between two judgements at the least."""
TIMES = 100
"""Between two judgements passes so many times the processor time that the last one took."""
MOST_BYTES = 1 << 24
"""What is read of the log at once."""


@dataclass(slots=True)
class Follower:
    """Reads whole lines of a series file as they come. A file that is not there yet has none."""

    path: Path
    tables: Tables = field(default_factory=Tables)
    place: int = 0
    rest: bytes = b""

    def read(self) -> int:
        """Take in what was written since; how many lines that was."""
        before = self.tables.lines
        try:
            with open_ordinary(self.path) as file:
                file.seek(self.place)
                while chunk := file.read(MOST_BYTES):
                    self.place += len(chunk)
                    whole, newline, tail = (self.rest + chunk).rpartition(b"\n")
                    self.rest = tail if newline else self.rest + chunk
                    if newline:
                        self.tables.add(whole + newline)
        except FileNotFoundError:
            return 0
        return self.tables.lines - before

    def trajectory(self) -> Trajectory:
        """What was read so far, as a copy: the columns grow on."""
        grown = self.tables.trajectory()
        series = {
            name: Points(array("q", points.steps), array("d", points.values)) if isinstance(points, Points) else points
            for name, points in grown.series.items()
        }
        return Trajectory(series=MappingProxyType(series), events=grown.events, torn=grown.torn)

    @property
    def last_moment(self) -> float | None:
        """When the last line was written, in seconds since 1970; None where no line says it."""
        moments = [table.time[-1] for table in self.tables.tables.values() if len(table.time)]
        known = [moment for moment in moments if not math.isnan(moment)]
        return max(known, default=None)

    @property
    def last_step(self) -> int | None:
        """The largest step of the last lines."""
        return max((table.step[-1] for table in self.tables.tables.values() if len(table.step)), default=None)

    def pace(self, within_s: float = 60.0) -> float | None:
        """Steps a second over the last minute of the log; None of fewer than two moments."""
        best: tuple[int, float] | None = None
        for table in self.tables.tables.values():
            count = len(table.time)
            if count < 2 or math.isnan(table.time[-1]):
                continue
            first = count - 1
            while first > 0 and table.time[first - 1] >= table.time[-1] - within_s:
                first -= 1
            first = min(first, count - 2)
            seconds = table.time[-1] - table.time[first]
            if seconds > 0 and (best is None or count > best[0]):
                best = (count, (table.step[-1] - table.step[first]) / seconds)
        return best[1] if best else None

    def ends(self) -> Mapping[str, float]:
        """The last value of each series."""
        return {name: end[2] for name, end in self.tables.ends().items()}


@dataclass(slots=True)
class Vigil:
    """Judges a growing trajectory again and again, and tells of a finding once, and again when it grows graver."""

    rules: Sequence[Rule]
    config: Mapping[str, Any] | None = None
    init: Mapping[str, Any] | None = None
    directions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    least: Severity = Severity.WARNING
    clock: Callable[[], float] = time.monotonic
    _told: dict[tuple[str, str], Severity] = field(default_factory=dict)
    _failed: set[str] = field(default_factory=set)
    _failures: list[Skip] = field(default_factory=list)
    _next: float = 0.0

    @property
    def is_due(self) -> bool:
        """Whether enough time has passed for another judgement."""
        return self.clock() >= self._next

    def judge(self, trajectory: Trajectory, *, goes_on: bool = True) -> tuple[Finding, ...]:
        """What is new: every finding of the least severity or above that was not told as grave before."""
        begun = time.thread_time()
        facts = trajectory_facts(
            trajectory.series, events=trajectory.events, config=self.config, init=self.init, torn=trajectory.torn,
            goes_on=goes_on, directions=self.directions,
        )  # fmt: skip
        judged = check_all(self.rules, facts, around_failures=True)
        self._failures += [one for one in judged.failed if one.code not in self._failed]
        self._failed |= {one.code for one in judged.failed}
        # What the first one takes is the loading of libraries.
        spent = time.thread_time() - begun if self._next else 0.0
        self._next = self.clock() + max(LEAST_S, TIMES * spent)
        return tuple(self._new(judged.findings))

    def failures(self) -> tuple[Skip, ...]:
        """Rules of installed packages that raised: each is handed out once."""
        fresh, self._failures = tuple(self._failures), []
        return fresh

    def _new(self, findings: Iterable[Finding]) -> Iterable[Finding]:
        for finding in findings:
            key = (finding.code, finding.subject)
            told = self._told.get(key)
            if finding.severity >= self.least and (told is None or finding.severity > told):
                self._told[key] = finding.severity
                yield finding


def leading_loss(ends: Mapping[str, float]) -> str | None:
    """The loss that a line has room for: the training loss with the shortest name, else any loss."""
    losses = [name for name in ends if role(name) is Role.LOSS]
    return min(losses, key=lambda name: (is_held_out(name), len(name), name), default=None)


def scale_of(ends: Mapping[str, float]) -> float | None:
    """The loss scale, where one was logged."""
    names = [name for name in ends if is_loss_scale(name)]
    return ends[min(names)] if names else None
