"""What a judgement is about where the user left it open: which runs make an arm, and which metrics are asked.

Both choices are made before any number is looked at, from names and designs alone.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from runaudit.errors import UsageError
from runaudit.factors.cohort import Cohort, cohort_of, cohorts
from runaudit.judge.bench import Bench
from runaudit.judge.values import declared_direction
from runaudit.metrics.catalogue import PRIMARY, known_direction
from runaudit.settings import Settings

if TYPE_CHECKING:
    from runaudit.records.run import Run

MAX_METRICS = 8
"""Judged where nobody named a metric: more would drown the verdict, and every further one is a further chance."""


def arm_of(runs: "Cohort | Sequence[Run]", settings: Settings) -> Cohort:
    """These runs as one arm; under its cohort's own id where they are one design. A cohort is one already."""
    if isinstance(runs, Cohort):
        return runs
    whole = cohorts(runs, settings=settings)
    return whole[0] if len(whole) == 1 else cohort_of(runs)


def page_arms(bench: Bench, words: Sequence[str]) -> list[Cohort]:
    """One arm a word that names several runs; runs named one by one are grouped by their design."""
    found: list[tuple[int, Cohort]] = []
    single: dict[str, tuple[int, Run]] = {}
    for at, word in enumerate(words):
        members = bench.named(word)
        if len(members) == 1 and "," not in word:
            single.setdefault(members[0].id, (at, members[0]))
        elif members:
            found.append((at, arm_of(members, bench.settings)))
    taken = {run.id for _, arm in found for run in arm.runs}
    rest = {key: value for key, value in single.items() if key not in taken}
    for arm in cohorts((run for _, run in rest.values()), settings=bench.settings):
        found.append((min(rest[run.id][0] for run in arm.runs), arm))
    ordered = [arm for _, arm in sorted(found, key=lambda item: item[0])]
    unique = list({tuple(sorted(run.id for run in arm.runs)): arm for arm in ordered}.values())
    if not unique:
        raise UsageError("no run is named", remedy="run `runaudit list` to see all")
    return unique


def page_metrics(settings: Settings, *arms: Cohort) -> list[str]:
    """The full-frame PSNR of every sequence; without any, what every arm has and whose direction is known."""
    shared = sorted(set.intersection(*({name for run in arm.runs for name in run.metrics} for arm in arms)))
    primary = [name for name in shared if name.startswith(f"{PRIMARY}/")]
    known = [name for name in shared if known_direction(name) or declared_direction(settings, name, None)]
    return primary or known[:MAX_METRICS]
