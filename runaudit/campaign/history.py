"""What a store holds of a campaign: the run of each job that has one, and how long runs of its arms took.

Nothing of the state of a campaign lies anywhere but in its sealed runs, known by the arm and the seed that are sealed
in them. Which folder a run lies in, and which file the campaign was read from, says nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import mean

from runaudit.campaign.plan import Job, Plan, campaign_mark
from runaudit.errors import IntegrityError
from runaudit.records.canonical import canonical_bytes
from runaudit.records.outcome import FINISHED
from runaudit.records.run import Run
from runaudit.store import Store
from runaudit.store.catalogue import load, manifests_with
from runaudit.store.tombstone import ForgottenError

BROKEN_OFF = ("killed", "lost")
"""How a run ends that was stopped from outside: no end of its own, so its job is still to be done."""


@dataclass(frozen=True, kw_only=True)
class History:
    """runs: of each job the newest run that has a result, else the newest, by its key; every: the ids of all runs of an
    arm, in the order of their launches, by the arm's id; durations: seconds of finished runs with the label of an
    arm."""

    runs: Mapping[tuple[str, int], Run] = field(default_factory=dict)
    every: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    durations: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def status(self, job: Job) -> str:
        """completed, early_stopped, diverged, crashed, killed, lost, running; `missing` where there is no run."""
        run = self.runs.get(job.key)
        return run.status if run else "missing"

    def todo(self, jobs: tuple[Job, ...], *, retry: bool) -> tuple[Job, ...]:
        """The jobs without an end of their own. retry: those that crashed, too."""
        again = ("missing", *BROKEN_OFF, *(("crashed",) if retry else ()))
        return tuple(job for job in jobs if self.status(job) in again)

    def running(self, jobs: tuple[Job, ...]) -> tuple[Run, ...]:
        """The runs of these jobs that go on now."""
        return tuple(self.runs[job.key] for job in jobs if self.status(job) == "running")

    def seconds(self, jobs: tuple[Job, ...]) -> float | None:
        """How long these jobs take one after another, by what runs of their arms took; None where none is recorded for
        one of them."""
        if not all(self.durations.get(job.arm) for job in jobs):
            return None
        return sum(mean(self.durations[job.arm]) for job in jobs)


def history_of(plan: Plan, store: Store) -> History:
    """What the store holds of a plan. A damaged record is none of it: the guard tells of it."""
    arms = {arm.id: b'"arm":' + canonical_bytes(arm.id) for arm in plan.arms}
    labels = {arm.label: b'"label":' + canonical_bytes(arm.label) for arm in plan.arms}
    runs: dict[tuple[str, int], Run] = {}
    every: dict[str, list[str]] = {}
    durations: dict[str, list[float]] = {}
    for manifest in manifests_with(store, *arms.values(), *labels.values()):
        try:
            run = load(store, manifest.id, trajectory=False, is_hashed=False)
        except (ForgottenError, IntegrityError):
            continue
        mark = campaign_mark(manifest)
        if mark.get("arm") in arms and isinstance(mark.get("seed"), int):
            key = str(mark["arm"]), int(mark["seed"])
            every.setdefault(key[0], []).append(run.id)
            if key not in runs or run.status in FINISHED or runs[key].status not in FINISHED:
                runs[key] = run
        seconds = run.outcome.body.get("duration_s") if run.outcome and run.status in FINISHED else None
        if manifest.label in labels and isinstance(seconds, int | float):
            durations.setdefault(str(manifest.label), []).append(float(seconds))
    return History(
        runs=runs,
        every={arm: tuple(found) for arm, found in every.items()},
        durations={label: tuple(found) for label, found in durations.items()},
    )
