"""Many runs at once: the study, with each pair of its cells compared as `diff` compares two runs."""

from collections.abc import Sequence
from dataclasses import replace

from runaudit.diff import compare_cohorts
from runaudit.diff.measure import says_what_measures
from runaudit.errors import NothingToJudgeError, UsageError
from runaudit.factors.cohort import cohort_of
from runaudit.factors.hindsight import Answer, hindsight
from runaudit.records.run import Run
from runaudit.settings import ImportSettings, Settings
from runaudit.study.answer import judged
from runaudit.study.pairs import Judge, Judged
from runaudit.study.projects import command_of, projects_of
from runaudit.study.study import Study, study
from runaudit.text.words import plural


def study_runs(runs: Sequence[Run], settings: Settings) -> Study:
    """What many runs allow together, each pair of cells compared as `diff` compares it."""
    found = study(runs, settings=settings, judge=compared_by(settings))

    def under(other: Settings) -> Answer:
        return _answered(study(runs, settings=other, judge=compared_by(other)))

    return replace(found, policy=hindsight(found.table.runs, settings, _answered(found), under))


def study_store(runs: Sequence[Run], settings: Settings, part: int | None = None) -> Study:
    """What all runs of a store allow together: those of one project, the largest unless `part` says which.

    Raises UsageError where there is no such part, and NothingToJudgeError as `study` does.
    """
    found = projects_of(runs)
    if part is not None and not 1 <= part <= len(found):
        raise UsageError(f"there is no part {part}: these runs are of {plural(len(found), 'project')}",
                         remedy="`runaudit study` names them")  # fmt: skip
    if len(found) < 2:
        return study_runs(runs, settings)
    chosen = found[(part or 1) - 1]
    others = tuple(one for one in found if one is not chosen)
    try:
        made = study_runs(chosen.runs, settings)
    except NothingToJudgeError as error:
        told = "; ".join(f"{one.name} ({len(one.runs)}): {command_of(one)}" for one in others[:MOST_NAMED])
        raise NothingToJudgeError(f"{chosen.name}: {error.message}", remedy=f"other projects are {told}") from error
    return replace(made, project=chosen, beside=others)


MOST_NAMED = 3
"""Projects that an error names."""


def _answered(found: Study) -> Answer:
    """What a study comes down to: its verdict and its factors."""
    return judged(found).verdict, [column.factor for column in found.model.columns]


def compared_by(settings: Settings) -> Judge:
    """The comparison of two cells, as `diff` makes it. What the user vouches for is told once, of all runs together."""
    settings = replace(settings, imports=ImportSettings())

    def judge(a: Sequence[Run], b: Sequence[Run]) -> Judged:
        found = compare_cohorts(cohort_of(a), cohort_of(b), settings=settings)
        conditional = None if found.conditional is None else str(found.conditional)
        factors = tuple(f.factor for f in found.treatments)
        doubt = next((row.reason for row in found.missing if says_what_measures(row)), "")
        return Judged(
            factors=factors, verdict=str(found.verdict), conditional=conditional, idle=found.idle, doubt=doubt
        )

    return judge
