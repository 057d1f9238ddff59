"""The guard asked about every job of a campaign before the first one starts, and the arms held against each other.

A bad arm is told at once and nothing is run. What the guard would say of a second seed only after the first is sealed
(that its design is another one) is asked here too: the jobs of an arm are held against its first.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runaudit.campaign.plan import Arm, Job, Plan
from runaudit.diff import compare_designs
from runaudit.errors import UsageError
from runaudit.guard.admission import Prepared
from runaudit.launch.process import executable
from runaudit.records.finding import Finding
from runaudit.records.manifest import Manifest
from runaudit.records.run import Run
from runaudit.settings import Settings
from runaudit.store import Store
from runaudit.system.progress import work
from runaudit.text.words import quoted

OTHER_DESIGN = "RA302"
"""How the guard says that a label stands for another design already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One reason of the guard, and the jobs that it keeps from starting."""

    finding: Finding
    jobs: tuple[Job, ...]


@dataclass(frozen=True, kw_only=True)
class Admission:
    """What the guard said of the jobs that are to run. drafts: what was admitted, by the key of the job; told: what it
    says of jobs that may start; differs: of each further arm, the factors in which it differs from the first; edited:
    whether what is refused has its runs already, of a design that does not lie here any more."""

    drafts: Mapping[tuple[str, int], Manifest] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()
    told: tuple[str, ...] = ()
    differs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    edited: bool = False


def admit(
    plan: Plan, jobs: tuple[Job, ...], store: Store, settings: Settings, *, cwd: Path, environ: Mapping[str, str]
) -> Admission:
    """Ask the guard about `jobs`, of which each gets `environ` and what its arm sets. Seals nothing.

    Raises UsageError where a job cannot be understood at all, or where two arms are one design.
    """
    drafts: dict[tuple[str, int], Manifest] = {}
    first: dict[str, Run] = {}
    refused: dict[tuple[str, str], tuple[Finding, list[Job]]] = {}
    told: dict[str, None] = {}
    with work("asking the guard", len(jobs), "jobs") as advance:
        for job in jobs:
            prepared = _prepared(job, store, settings, cwd, {**environ, **job.environ}, first.get(job.arm))
            advance(1)
            for finding in prepared.answer.refusals:
                finding = _by_seed(finding, first.get(job.arm))
                refused.setdefault((finding.code, finding.message), (finding, []))[1].append(job)
            told |= dict.fromkeys((*prepared.answer.told(), *prepared.answer.notes))
            if prepared.manifest is not None:
                drafts[job.key] = prepared.manifest
                first.setdefault(job.arm, Run(manifest=prepared.manifest, blobs=prepared.store.blobs))
    refusals = tuple(Refusal(finding=finding, jobs=tuple(whose)) for finding, whose in refused.values())
    differs = {} if refusals else _differences(plan, first, settings)
    return Admission(drafts=drafts, refusals=refusals, told=tuple(told), differs=differs)


def edited(
    jobs: Collection[Job], store: Store, settings: Settings, *, cwd: Path, environ: Mapping[str, str]
) -> tuple[Refusal, ...]:
    """Which of these jobs, all of which have their runs, would be of another design if they were started now.

    A campaign of which nothing is left to run would else be called complete of code that it never ran. Raises
    UsageError."""
    found = []
    with work("asking the guard", len(jobs), "arms") as advance:
        for job in jobs:
            answer = _prepared(job, store, settings, cwd, {**environ, **job.environ}, None).answer
            found += [Refusal(finding=one, jobs=(job,)) for one in answer.refusals if one.code == OTHER_DESIGN]
            advance(1)
    return tuple(found)


def _prepared(
    job: Job, store: Store, settings: Settings, cwd: Path, environ: Mapping[str, str], first: Run | None
) -> Prepared:
    executable(job.asked.command, cwd=cwd, environ=environ)
    beside = () if first is None else (first,)
    request = job.asked.request(cwd)
    return job.asked.prepared(request, store, settings, command="run", environ=environ, beside=beside)


def _by_seed(finding: Finding, first: Run | None) -> Finding:
    """What was found against a job of the same arm, which has no run yet that could be named."""
    if first is None or finding.evidence.get("run") != first.short:
        return finding
    from dataclasses import replace

    message = finding.message.replace(f"run {first.short}", f"seed {first.manifest.body.get('seed')} of this arm", 1)
    return replace(finding, message=message)


def _differences(plan: Plan, first: Mapping[str, Run], settings: Settings) -> dict[str, tuple[str, ...]]:
    """Of each further arm, what makes it one. Raises UsageError where that is nothing."""
    here = [arm for arm in plan.arms if arm.label in first]
    found: dict[str, tuple[str, ...]] = {}
    for arm in here[1:]:
        compared = compare_designs(first[here[0].label], first[arm.label], settings=settings)
        factors = [one.factor for one in compared.treatments]
        # Which variables a program looks up is seen while it runs: one that an arm sets is taken to count.
        factors += [name for name in _variables(here[0], arm) if name not in factors]
        if not factors:
            raise UsageError(
                f"the arms {quoted(here[0].label)} and {quoted(arm.label)} are one design: nothing differs",
                remedy="let their values, set, args or data differ, or leave one out",
            )
        found[arm.label] = tuple(factors)
    return found


def _variables(a: Arm, b: Arm) -> list[str]:
    names = {*a.environ, *b.environ}
    return [f"env.variables.{name}" for name in sorted(names) if a.environ.get(name) != b.environ.get(name)]


def drifted(planned: Manifest, draft: Manifest, settings: Settings, *, elsewhere: bool) -> tuple[str, ...]:
    """The factors in which a launch is no longer what was admitted. elsewhere: it runs on another machine than the one
    that asked, whose environment is its own."""
    found = compare_designs(Run(manifest=planned), Run(manifest=draft), settings=settings).treatments
    return tuple(one.factor for one in found if not (elsewhere and one.factor.startswith("env.")))
