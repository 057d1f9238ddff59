"""What a store holds of a campaign: the run of each job that has one, and how long runs of its arms took.

Nothing of the state of a campaign lies anywhere but in its sealed runs, known by the arm and the seed that are sealed
in them. Which folder a run lies in, and which file the campaign was read from, says nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from statistics import mean

from runaudit.campaign.plan import Job, Plan
from runaudit.errors import IntegrityError
from runaudit.records.canonical import canonical_bytes
from runaudit.records.outcome import BROKEN_OFF, FINISHED
from runaudit.records.run import Run
from runaudit.store import Store
from runaudit.store.catalogue import load, manifests_with
from runaudit.store.kinds import MANIFEST
from runaudit.store.tombstone import ForgottenError

FORGOTTEN = "forgotten"


@dataclass(frozen=True, kw_only=True)
class History:
    """runs: of each job the newest run that has a result, else the newest, by its key; every: all runs of each job, in
    the order of their launches; gone: jobs whose run was forgotten on purpose; durations: seconds of finished runs with
    the label of an arm; borrowed: labels of arms that other runs have as well."""

    runs: Mapping[tuple[str, int], Run] = field(default_factory=dict)
    every: Mapping[tuple[str, int], tuple[Run, ...]] = field(default_factory=dict)
    gone: frozenset[tuple[str, int]] = frozenset()
    durations: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    borrowed: frozenset[str] = frozenset()

    def of_arm(self, arm: str) -> tuple[Run, ...]:
        """All runs of the arm of this id, those of seeds that its file does not name any more among them."""
        return tuple(run for key, runs in self.every.items() if key[0] == arm for run in runs)

    def status(self, job: Job) -> str:
        """completed, early_stopped, diverged, crashed, killed, lost, running; forgotten; `missing` where there is no
        run."""
        run = self.runs.get(job.key)
        return run.status if run else FORGOTTEN if job.key in self.gone else "missing"

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
    every: dict[tuple[str, int], list[Run]] = {}
    durations: dict[str, list[float]] = {}
    borrowed: set[str] = set()
    for manifest in manifests_with(store, *arms.values(), *labels.values()):
        try:
            run = load(store, manifest.id, trajectory=False, is_hashed=False)
        except (ForgottenError, IntegrityError):
            continue
        mark = manifest.campaign
        if mark.get("arm") in arms and isinstance(mark.get("seed"), int):
            every.setdefault((str(mark["arm"]), int(mark["seed"])), []).append(run)
        elif manifest.label in labels:
            borrowed.add(str(manifest.label))
        seconds = run.outcome.body.get("duration_s") if run.outcome and run.status in FINISHED else None
        if manifest.label in labels and isinstance(seconds, int | float):
            durations.setdefault(str(manifest.label), []).append(float(seconds))
    return History(
        runs={key: next((run for run in reversed(runs) if run.status in FINISHED), runs[-1])
              for key, runs in every.items()},
        every={key: tuple(runs) for key, runs in every.items()},
        gone=frozenset(_gone(store, every)),
        durations={label: tuple(found) for label, found in durations.items()},
        borrowed=frozenset(borrowed),
    )  # fmt: skip


def _gone(store: Store, every: Mapping[tuple[str, int], list[Run]]) -> Iterator[tuple[str, int]]:
    """The jobs whose runs were forgotten: a tombstone says the seed, and which others were of the same design."""
    homes = {run.id: key[0] for key, runs in every.items() for run in runs}
    for row in store.forgotten().values():
        about = row.about or {}
        arm = next((homes[peer] for peer in about.get("peers") or () if peer in homes), None)
        if row.what == MANIFEST and arm is not None and isinstance(seed := about.get("seed"), int):
            yield arm, seed


def left_out(plan: Plan, history: History, store: Store) -> tuple[str, ...]:
    """The labels of arms that were launched with this campaign, and that its file does not name any more."""
    mine = {str(runs[0].manifest.campaign.get("id")) for runs in history.every.values()}
    known = {arm.id for arm in plan.arms}
    marks = ((manifest.label, manifest.campaign) for manifest in manifests_with(store, b'"campaign":{'))
    return tuple(dict.fromkeys(
        str(label) for label, mark in marks if mark.get("id") in mine and mark.get("arm") not in known
    ))  # fmt: skip
