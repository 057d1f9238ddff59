"""A run: its manifest, its outcome if it has one, and what it logged. What every judge takes and nobody changes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

from runaudit.records.canonical import MAPPINGS
from runaudit.records.digest import SHORT as SHORT
from runaudit.records.manifest import CAPTURED, Manifest
from runaudit.records.outcome import FINISHED, Outcome
from runaudit.records.trajectory import Trajectory, number
from runaudit.text.shown import Shown

DAMAGED = "damaged"
"""The status of a run whose record cannot be believed: how it ended is what that record would say."""
UNSAID = "unknown"
"""The status of a foreign run whose record does not say how it ended."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Run(Shown):
    """`blobs` reads stored contents by digest text (`sha256:…`): source files, patches. `fault` names a record that
    does not match its digest; such a run may be shown but never compared; `is_nameless` where that is its manifest, so
    that not even its label can be believed. `forgotten` says of what was taken out of the
    store on purpose when and why: path (`code.train.py`, `outcome`) -> sentence. `parent` is the run whose checkpoint
    it began with, where that run is in the same store. `unattributed`: how many runs of the store were forgotten of
    which nobody can say what they were: each may be of any cohort. `corrected`: what was changed of its result after
    that was sealed, in a sentence part."""

    manifest: Manifest
    outcome: Outcome | None = None
    trajectory: Trajectory = field(default_factory=Trajectory)
    blobs: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    liveness: str = "lost"
    fault: str | None = None
    unattributed: int = 0
    is_nameless: bool = False
    forgotten: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    corrected: str = ""
    parent: "Run | None" = field(default=None, repr=False)

    @property
    def id(self) -> str:
        """The run's whole id."""
        return self.manifest.id

    @property
    def short(self) -> str:
        """The id as it is shown."""
        return self.manifest.id[:SHORT]

    @property
    def label(self) -> str:
        """The label, or the short id of a run that has none."""
        return self.manifest.label or self.short

    @property
    def headline(self) -> str:
        """Which run it is and how it ended, on one line."""
        seed = self.manifest.body.get("seed")
        said = "" if seed is None else f", seed {seed}"
        return f"{self.short} {self.label}{said}: {self.status}"

    @property
    def status(self) -> str:
        """completed, early_stopped, diverged, crashed, killed; without an outcome: running or lost, or, of a foreign
        run, unknown; forgotten; damaged, where nothing of its record can be believed."""
        if self.fault:
            return DAMAGED
        if self.outcome:
            return self.outcome.status
        return self.liveness if self.withheld or self.manifest.is_captured else UNSAID

    @property
    def is_gone(self) -> bool:
        """Whether its manifest was forgotten on purpose: what it was is known no more than its tombstone tells."""
        return self.manifest.is_gone

    @property
    def withheld(self) -> str | None:
        """When and why its manifest or its outcome was forgotten; None of a run of which both are there."""
        return self.forgotten.get("manifest") or self.forgotten.get("outcome") or self.forgotten.get("correction")

    @property
    def finished(self) -> bool:
        """Whether its final metrics are results. Of a foreign run whose record does not say how it ended, they are what
        its tracker tells of it; that the end is unknown is a gap of its own."""
        return self.status in FINISHED or (self.status == UNSAID and bool(self.metrics))

    @property
    def metrics(self) -> Mapping[str, float]:
        """Final metrics: those of the outcome; of a foreign run that has none, what its tracker wrote last."""
        if self.outcome:
            return self.outcome.metrics
        told = self.manifest.section("origin").get("metrics") if self.status == UNSAID else None
        pairs = ((name, number(value)) for name, value in (told if isinstance(told, MAPPINGS) else {}).items())
        return MappingProxyType({name: value for name, value in pairs if value is not None})

    @property
    def has_numbers(self) -> bool:
        """Whether it came to, or logged, any number at all."""
        return bool(self.metrics or self.trajectory.series)

    @property
    def logged(self) -> Mapping[str, float]:
        """Of a run that goes on or was lost, or whose last steps the disk did not take, what is there last of each
        series: no result, in no mean. Once its end is sealed, the metrics have it."""
        if not self.unwritten and (self.outcome or self.status not in ("running", "lost")):
            return MappingProxyType({})
        series = self.trajectory.series
        return MappingProxyType({name: points[-1][1] for name, points in series.items() if points})

    @property
    def unwritten(self) -> str:
        """What of its series is missing because the disk was full, in a sentence part; empty where nothing is."""
        return self.outcome.unwritten if self.outcome else ""

    @property
    def seed_proof(self) -> Mapping[str, str]:
        """Digests that show the seed acted: those of the manifest, then what the outcome added."""
        early, later = self.manifest.section("seed_proof"), self.outcome.section("seed_proof") if self.outcome else {}
        return MappingProxyType({**early, **later}) if later else early

    @property
    def observed(self) -> Mapping[str, Any]:
        """What the run was seen to use; empty where nobody looked. A foreign record may say it beside its inputs."""
        later = self.outcome.section("observed") if self.outcome else {}
        return later or self.manifest.section("observed")

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words it was started with; empty where they are not known."""
        is_ours = self.manifest.section("origin").get("kind") == CAPTURED
        sealed = _texts(self.manifest.section("launch").get("argv")) if is_ours else ()
        return sealed or _texts(self.observed.get("argv"))


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()


def faults(runs: Iterable[Run]) -> tuple[str, ...]:
    """Records that do not match their digest, those that the runs descend from among them: one sentence each, the same
    wherever such a run is judged."""
    return tuple(
        f"the record of {run.label} ({run.short}) is damaged: {run.fault}"
        for given in runs
        for run in _line(given)
        if run.fault
    )


def _line(run: Run) -> Iterator[Run]:
    """A run and those it descends from."""
    yield run
    if run.parent is not None:
        yield from _line(run.parent)
