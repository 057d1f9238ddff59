"""Which job of Hydra's a record of W&B's is of, where neither holds numbers of the other.

Hydra writes a config and no number; W&B, at its default place, writes far from the job's folder. That both are of one
training shows in what each has of it: the folder that the program ran in, its start, its script and seed, and all the
settings that Hydra composed (or, where W&B was given none, the very options that were typed). Only where each fits the
other and nothing else are they one; where the counts differ, or two ways to pair them are left, all stay apart.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from runaudit.importers.onetraining import Found, Key, Trace, alike, contradict
from runaudit.importers.tables import spelt

_OF_JOB = re.compile(r"/(\d{4})-(\d\d)-(\d\d)/(\d\d)-(\d\d)-(\d\d)(/[^/]+)?$")
_OF_WANDB = re.compile(r"/(?:offline-)?run-(\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)(\d\d)-[^/]+$")
"""Both write the second of a start, as the clock on the wall had it, into the name of a folder."""
_SLOW_S, _EARLY_S = 3600.0, 2.0
"""So long a program may load its data before it calls `wandb.init`. The jobs of a sweep all bear the sweep's start."""
_LONG = 200


def with_jobs(found: Found, traces: Mapping[Key, Trace]) -> Found:
    """What is known to be of one training, with the jobs that one record of W&B's fits, and those that several do."""
    where = {key: at for at, group in enumerate(found.groups) for key in group}
    jobs = [key for key, trace in traces.items() if trace.is_job and trace.settings and key not in where]
    if not jobs:
        return found
    others = [key for key, trace in traces.items() if "wandb" in trace.writers and "hydra" not in trace.writers]
    others = [key for key in others if not any("hydra" in traces[one].writers for one in _kin(key, found, where))]
    fits = {job: [one for one in some if _fits(traces[job], [traces[two] for two in _kin(one, found, where)])]
            for job, some in _candidates(jobs, others, traces)}  # fmt: skip
    groups = [list(group) for group in found.groups]
    doubtful: dict[Key, Key] = {}
    for part in _parts(fits):
        paired = _paired({job: fits[job] for job in part})
        for job, other in paired.items():
            if other in where:
                groups[where[other]].append(job)
            else:
                groups.append([job, other])
        if not paired:
            doubtful |= {job: fits[job][0] for job in part}
            doubtful |= {other: job for job in reversed(part) for other in fits[job]}
    return replace(found, groups=groups, jobs=doubtful)


def _kin(key: Key, found: Found, where: Mapping[Key, int]) -> Sequence[Key]:
    """A record, and those that are known to be of its training."""
    return found.groups[where[key]] if key in where else (key,)


def _candidates(
    jobs: Sequence[Key], others: Sequence[Key], traces: Mapping[Key, Trace]
) -> Iterator[tuple[Key, Sequence[Key]]]:
    """Each job with the records that have all its settings, or its options: looked for by the rarest of them, since a
    thousand runs of one program have most settings in common."""
    holders: dict[tuple[str, str], list[Key]] = defaultdict(list)
    typed: dict[tuple[str, ...], list[Key]] = defaultdict(list)
    for key in others:
        for item in {*_items(traces[key])}:
            holders[item].append(key)
        if not traces[key].settings and traces[key].words:
            typed[traces[key].words].append(key)
    for job in jobs:
        asked = [*_items(traces[job])]
        rarest = min((holders.get(item, []) for item in asked), key=len, default=[])
        yield job, [*rarest, *typed.get(traces[job].words, ())]


def _items(trace: Trace) -> Iterator[tuple[str, str]]:
    """The settings of a record, spelt so that they can be looked up. What the clock or the surroundings said, what is
    long, and what W&B keeps for itself, is not held against the other."""
    for name, value in (trace.settings or {}).items():
        text = str(spelt(value))
        if name not in trace.clocked and len(text) <= _LONG and "${" not in text and not name.startswith("wandb"):
            yield name.replace("/", "."), text


def _fits(job: Trace, kin: Sequence[Trace]) -> bool:
    """Whether a job is that of a record, whose kin are those of its training."""
    other = next(one for one in kin if "wandb" in one.writers)
    if any(contradict(replace(job, settings=None), replace(one, settings=None)) for one in kin):
        return False
    if not job.cwd or job.cwd != other.cwd or not _is_start(job, other):
        return False
    if not other.settings:
        return job.words == other.words
    known = {name.replace("/", "."): value for name, value in other.settings.items()}
    asked = [*_items(job)]
    return bool(asked) and all(name in known and alike(known[name], value) for name, value in asked)


def _is_start(job: Trace, other: Trace) -> bool:
    """Whether a record began when a job did; a job whose folder bears no time has nothing to say against it."""
    begun, later = _OF_JOB.search(job.place), _OF_WANDB.search(other.place)
    if begun is None:
        return True
    if later is None:
        return False
    try:
        start, end = (
            datetime.strptime("".join(one.groups()[:6]), "%Y%m%d%H%M%S").timestamp() for one in (begun, later)
        )
    except ValueError:
        return False
    return start - _EARLY_S <= end and (begun[7] is not None or end <= start + _SLOW_S)


def _parts(fits: Mapping[Key, Sequence[Key]]) -> Iterator[Sequence[Key]]:
    """The jobs in groups that have no record in common."""
    left = [job for job, others in fits.items() if others]
    while left:
        part, grown = [left.pop(0)], True
        while grown:
            reached = {other for job in part for other in fits[job]}
            more = [job for job in left if not reached.isdisjoint(fits[job])]
            part, left, grown = part + more, [job for job in left if job not in more], bool(more)
        yield part


def _paired(fits: Mapping[Key, Sequence[Key]]) -> dict[Key, Key]:
    """Each job with its record, where there is one way to give each one and none is left over: else nothing."""
    left = {job: {*others} for job, others in fits.items()}
    if len({other for others in left.values() for other in others}) != len(left):
        return {}
    found: dict[Key, Key] = {}
    while left:
        job = next((job for job, others in left.items() if len(others) == 1), None)
        if job is None:
            return {}
        (other,) = left.pop(job)
        found[job] = other
        for others in left.values():
            others.discard(other)
        if not all(left.values()):
            return {}
    return found
