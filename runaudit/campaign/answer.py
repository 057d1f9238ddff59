"""A campaign in words and numbers: what is to be run, what came of it, and what is asked next."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from runaudit.campaign.admission import Admission
from runaudit.campaign.history import History, history_of, left_out
from runaudit.campaign.plan import Arm, Job, Plan, named, span
from runaudit.factors.atonce import Collision, collisions
from runaudit.metrics.catalogue import known_direction
from runaudit.metrics.leading import in_order
from runaudit.records.outcome import BROKEN_OFF, FINISHED
from runaudit.records.run import Run
from runaudit.store import Store
from runaudit.text.markdown import escaped, table, typed
from runaudit.text.terminal import BOLD, UNPAINTED, Paint, printable
from runaudit.text.typed import typed_words
from runaudit.text.verdicts import verdict_words
from runaudit.text.words import columns, listed, plural

SCHEMA = "runaudit.campaign/1"
MAX_FAILED = 12
"""Failed jobs that are named one by one; the rest is counted."""


@dataclass(frozen=True, kw_only=True)
class CampaignAnswer:
    """A plan and what the store holds of it. todo: the jobs that were, or are, to be run; ran: whether they were;
    refused: why jobs could not start half-way, by their keys; stopped: whether somebody asked to stop; left_out: the
    labels of arms that were launched and that the file does not name any more."""

    plan: Plan
    history: History
    admission: Admission
    todo: tuple[Job, ...]
    at_once: int = 1
    ran: bool = False
    stopped: bool = False
    refused: Mapping[tuple[str, int], str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    directions: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def statuses(self) -> Mapping[tuple[str, int], str]:
        """How each job stands: the status of its run, `refused`, or `missing`."""
        return {job.key: "refused" if job.key in self.refused else self.history.status(job) for job in self.plan.jobs}

    @property
    def verdict(self) -> str:
        """completed, failed, disturbed, stopped, running, refused; `planned` where nothing was run yet."""
        if self.admission.refusals:
            return "refused"
        if not self.ran and (self.todo or "running" in self.statuses.values()):
            return "planned"
        if "running" in self.statuses.values():
            return "running"
        open_ends = set(self.statuses.values()) & {"missing", *BROKEN_OFF}
        if self.stopped and open_ends:
            return "stopped"
        if self.collisions:
            return "disturbed"
        return "completed" if set(self.statuses.values()) <= set(FINISHED) else "failed"

    @cached_property
    def collisions(self) -> tuple[Collision, ...]:
        """Runs of this campaign that ran at once and wrote one file."""
        return collisions([self.history.runs[job.key] for job in self.plan.jobs if job.key in self.history.runs])

    @property
    def unfinished(self) -> tuple[tuple[Job, str, str], ...]:
        """Every job without a result: how it stands, and why, where that is known."""
        found = []
        for job in self.plan.jobs:
            status = self.statuses[job.key]
            if status not in FINISHED:
                run = self.history.runs.get(job.key)
                why = self.refused.get(job.key) or (run and run.outcome and run.outcome.body.get("error")) or ""
                found.append((job, status, str(why)))
        return tuple(found)

    @property
    def hours(self) -> float | None:
        """What is to be run takes so long, so many jobs at once, by what earlier runs of the arms took; None where
        there are none."""
        seconds = self.history.seconds(self.todo)
        return None if seconds is None else seconds / min(self.at_once, max(1, len(self.todo))) / 3600

    @property
    def next_command(self) -> str:
        """What is asked next, as it is typed: the arms against the first of them, or how the rest is run."""
        if any(status in ("missing", "refused", *BROKEN_OFF) for status in self.statuses.values()):
            return self.plan.repeated("--resume")
        return self._question

    @property
    def _question(self) -> str:
        arms, shared = [self._word(arm) for arm in self.plan.arms], self.plan.arms[0].asked.shared
        if len(arms) == 1:
            return typed_words(("runaudit", "list", *shared, arms[0]))
        name = self._metric
        if name is None:
            return typed_words(("runaudit", "diff", *shared, arms[0], arms[1]))
        way = () if known_direction(name) or name in self.directions else ("--direction", "higher")
        return typed_words(("runaudit", "stats", *shared, "--metric", name, *way, *arms[1:], "--vs", arms[0]))

    @property
    def _way_note(self) -> str:
        """That the direction in what is asked next is a guess, where it is one."""
        if "--direction" not in self.next_command.split() or self._metric is None:
            return ""
        return f"(or --direction lower: nothing says what is better in {printable(self._metric)})"

    def _word(self, arm: Arm) -> str:
        """What names the runs of an arm: its label, or their ids where other runs have that label as well."""
        runs = self.history.of_arm(arm.id)
        return ",".join(run.short for run in runs) if runs and arm.label in self.history.borrowed else arm.label

    @cached_property
    def _metric(self) -> str | None:
        """What the runs are judged by first: what every finished one measured."""
        finished = [run for job in self.plan.jobs if (run := self.history.runs.get(job.key)) and run.finished]
        common = set.intersection(*(set(run.metrics) for run in finished)) if finished else set()
        values = {name: finished[0].metrics[name] for name in common}
        declared = finished[0].manifest.section("eval").get("metric") if finished else None
        figures = in_order(values, declared if isinstance(declared, str) else None)
        return figures[0].name if figures else None

    def to_json(self) -> dict[str, Any]:
        """The answer for a program."""
        return {
            "schema": SCHEMA,
            "id": self.plan.id,
            "name": self.plan.name,
            "verdict": self.verdict,
            "reason": self.headline,
            "arms": [
                {
                    "label": arm.label,
                    "id": arm.id,
                    "differs": list(self.admission.differs.get(arm.label, ())),
                    "jobs": [self._job(job) for job in self.plan.jobs if job.key[0] == arm.id],
                }
                for arm in self.plan.arms
            ],
            "jobs": len(self.plan.jobs),
            "to_run": 0 if self.ran else len(self.todo),
            "at_once": self.at_once,
            "hours": None if self.ran else self.hours,
            "refusals": [
                one.finding.to_json() | {"jobs": [{"arm": job.arm, "seed": job.seed} for job in one.jobs]}
                for one in self.admission.refusals
            ],
            "collisions": [{"runs": [one.a.id, one.b.id], "paths": list(one.paths)} for one in self.collisions],
            "next": self.next_command,
        }

    def _job(self, job: Job) -> dict[str, Any]:
        run: Run | None = self.history.runs.get(job.key)
        why = {j.key: why for j, _, why in self.unfinished}.get(job.key)
        return {"seed": job.seed, "run": run.id if run else None, "status": self.statuses[job.key],
                "error": why or None}  # fmt: skip

    @property
    def headline(self) -> str:
        """How it stands, in one line."""
        jobs, word = plural(len(self.plan.jobs), "job"), verdict_words("campaign", self.verdict).words
        if self.verdict == "refused":
            refused = {job.key for one in self.admission.refusals for job in one.jobs}
            if self.admission.edited:
                arms = plural(len(refused), "arm")
                return f"refused: {arms} ran before something was edited, and what lies here never ran"
            return f"refused: {len(refused)} of {jobs} may not start, so nothing was run"
        if self.verdict == "planned":
            took = "" if self.hours is None else f", about {_took(self.hours)}"
            return f"planned: {len(self.todo)} of {jobs} to run, {self.at_once} at once{took}"
        counts = Counter(self.statuses.values())
        done = sum(counts[status] for status in FINISHED)
        rest = [f"{counts[status]} {status}" for status in sorted(counts) if status not in FINISHED]
        return f"{word}: {done} of {jobs} have a result{f'; {listed(rest)}' if rest else ''}"

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        tone = verdict_words("campaign", self.verdict).tone
        yield paint(printable(self.headline, keep=""), BOLD + tone.colour)
        if self.verdict == "refused":
            yield from self._refusals(verbose)
            return
        yield from (
            printable(f"  {row}", keep="") for row in columns([self.row(arm) for arm in self.plan.arms], left=3)
        )
        yield from (printable(f"  {note}", keep="") for note in self._noted(verbose))
        if self.verdict != "planned":
            yield f"  next: {self.next_command}"
            yield from (f"  {note}" for note in (self._way_note,) if note)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        yield f"**{escaped(self.headline)}**"
        yield ""
        if self.verdict == "refused":
            yield from (f"- {escaped(line.strip())}" for line in self._refusals(verbose))
            return
        yield from table(("arm", "seeds", "jobs"), [self.row(arm) for arm in self.plan.arms])
        if notes := list(self._noted(verbose)):
            yield ""
            yield from (f"- {escaped(note)}" for note in notes)
        if self.verdict != "planned":
            yield ""
            yield from typed("Next: ", self.next_command)
            yield from (escaped(note) for note in (self._way_note,) if note)

    def row(self, arm: Arm) -> tuple[str, str, str]:
        """An arm, its seeds, and how its jobs stand."""
        jobs = [job for job in self.plan.jobs if job.key[0] == arm.id]
        counts = Counter(self.statuses[job.key] for job in jobs)
        if self.verdict == "planned":
            todo = sum(job in self.todo for job in jobs)
            kept = [f"{counts[status]} {status}" for status in sorted(counts) if status != "missing"]
            return arm.label, span(arm.seeds), "; ".join([f"{todo} to run", *kept])
        return arm.label, span(arm.seeds), ", ".join(f"{counts[one]} {one}" for one in sorted(counts))

    def _noted(self, verbose: bool) -> Iterator[str]:
        return self.notes(None if verbose else MAX_FAILED, missing=verbose)

    def notes(self, most: int | None, *, missing: bool) -> Iterator[str]:
        """What is to be known of single jobs: which have no result, and why; the first so many, None for all. missing:
        whether those that were not begun are named, too."""
        first = self.plan.arms[0].label
        for label, factors in self.admission.differs.items() if not self.ran else ():
            more = "" if len(factors) < 2 else ": together, so that a difference has no one cause"
            yield f"{label} differs from {first} in {listed(factors)}{more}"
        if not self.ran and self.todo and self.hours is None:
            yield "how long it takes is not known: not every arm has a run yet"
        if self.verdict == "planned":
            return
        named_here = [row for row in self.unfinished if missing or row[1] != "missing"]
        shown = named_here[:most]
        for job, status, why in shown:
            run = self.history.runs.get(job.key)
            named = f" (run {run.short})" if run else ""
            yield f"{job.said}: {status}{f': {why}' if why else ''}{named}"
        if len(named_here) > len(shown):
            yield f"and {len(named_here) - len(shown)} more; -v names them all"
        yield from self._launched()
        yield from (f"{one.said}: their results may be each other's; let {{seed}} name what is written, or run with "
                    "--jobs 1" for one in self.collisions)  # fmt: skip
        if "crashed" in self.statuses.values():
            yield "a job that crashed stays counted; --resume --retry runs it again beside it"

    def _launched(self) -> Iterator[str]:
        """What was launched besides what the file asks for now: it stays counted, whatever the file says."""
        for job in self.plan.jobs:
            if len(runs := self.history.every.get(job.key, ())) > 1:
                ends = listed([f"{run.status} ({run.short})" for run in runs])
                yield f"{job.said}: launched {len(runs)} times, {ends}; all of them stay counted"
        keys = {job.key for job in self.plan.jobs}
        for arm in self.plan.arms:
            if seeds := sorted(key[1] for key in self.history.every if key[0] == arm.id and key not in keys):
                yield f"{arm.label}: {span(seeds)} ran as well, which the file does not name any more"
        if self.left_out:
            yield f"launched with it, and not in its file any more: {listed(list(self.left_out))}"

    def _refusals(self, verbose: bool) -> Iterator[str]:
        for one in self.admission.refusals:
            found = one.finding
            yield printable(f"{found.code} {found.name} [{found.severity}]: {found.message}", keep="")
            yield printable(f"    of      {named(one.jobs, len(one.jobs) if verbose else 4)}",
                            keep="")  # fmt: skip
            yield printable(f"    fix     {found.remedy}", keep="")


def recorded(plan: Plan, store: Store) -> CampaignAnswer:
    """What a store holds of a plan, where nobody is asked and nothing is run."""
    history = history_of(plan, store)
    return CampaignAnswer(plan=plan, history=history, admission=Admission(), todo=(), ran=True, stopped=True,
                          left_out=left_out(plan, history, store))  # fmt: skip


def _took(hours: float) -> str:
    if hours >= 1:
        return f"{hours:.1f} h"
    return f"{hours * 60:.0f} min" if hours * 60 >= 1 else "a minute"
