"""What a policy excused that was not in force when the runs were launched: said beside the answer, never silently done.

A rule that is written once the results are known can turn any confounded comparison into a clean one. It may be right
all the same, so it holds; but whoever reads the answer must see that it came later. The sealed records say so
(`inforce`); the date of the file is told, and is no evidence.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runaudit.factors.cohort import Cohort, cohorts
from runaudit.factors.inforce import rules_at_launch, shared_by_all
from runaudit.factors.policydate import PolicyDate, written_on
from runaudit.factors.starts import started
from runaudit.records.run import Run
from runaudit.settings import FactorSettings, Settings
from runaudit.system.clock import utc_text
from runaudit.text.words import listed, plural

Answer = tuple[str, Iterable[str]]
"""A verdict, and the names of the factors that stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindsight:
    """A policy that did not hold, or is not known to have held, when runs that it judges were launched.

    file: its name. written, by: what its date is, and by what. others: how many of the runs were launched with other
    rules; silent: how many do not say with which. launches: when these were, as far as is known. verdict: what it
    leads to; without: what the rules lead to that all the runs were launched with. excused: the factors that only it
    excuses.
    """

    file: str
    written: str
    by: str
    others: int
    silent: int
    launches: tuple[str, ...]
    verdict: str
    without: str
    excused: tuple[str, ...]
    found: str = "the verdict is"
    """What `verdict` and `without` say of the runs."""

    def to_json(self) -> dict[str, Any]:
        """The finding for a program."""
        return {"file": self.file, "written": self.written, "by": self.by, "others": self.others, "silent": self.silent,
                "launches": [*self.launches], "verdict_without": self.without, "excused": [*self.excused]}  # fmt: skip

    @property
    def note(self) -> str:
        """The finding in one sentence."""
        dated = f" ({self.written[:19]}Z, {self.by})" if self.written else ""
        first = f" (the first {self.launches[0][:19]}Z)" if self.launches else ""
        said = [f"was not in force when {plural(self.others, 'run')} that it judges began"] if self.others else []
        if self.silent:
            whether = "do not say either" if self.others else "do not say whether it was in force when they began"
            said.append(f"the records of {plural(self.silent, 'run')} {whether}")
        moved = f"without it {self.found} {self.without}" if self.without != self.verdict else "it moves no verdict"
        excused = f"; it excuses {listed(self.excused)}" if self.excused else ""
        return (
            f"the policy {self.file}{dated}{' ' if self.others else ': '}{', and '.join(said)}{first}: {moved}{excused}"
        )


def hindsight(
    runs: Sequence[Run], settings: Settings, found: Answer, under: Callable[[Settings], Answer]
) -> Hindsight | None:
    """What the policy excused after the fact; None where it excused nothing, or held when all the runs were launched.

    found: the answer by the policy of today. under: the answer by another one, asked only where it matters.
    """
    if settings.source is None or settings.factors == FactorSettings():
        return None
    runs = [run for run in runs if not run.is_gone]  # What rules a forgotten run was launched with, nobody knows.
    held = [rules_at_launch(run, settings) for run in runs]
    late = [run for run, rules in zip(runs, held, strict=True) if rules != settings.factors]
    if not late:
        return None
    (verdict, kept), (plain, factors) = found, under(replace(settings, factors=shared_by_all(held), source=None))
    excused = tuple(sorted(set(factors) - set(kept)))
    if plain == verdict and not excused:
        return None
    silent = held.count(None)
    told = written_on(settings.source, lambda policy: policy.factors, settings.factors)
    date = told or PolicyDate(file=settings.source, written="", by="")
    return Hindsight(
        file=settings.source.name, written=date.written, by=date.by, others=len(late) - silent, silent=silent,
        launches=tuple(sorted(start for run in late if (start := launched_at(run)))), verdict=verdict, without=plain,
        excused=excused,
    )  # fmt: skip


def merged(group: Cohort, settings: Settings) -> Hindsight | None:
    """What makes a cohort of several, where only a policy does that not all of its runs were launched with."""

    def under(other: Settings) -> Answer:
        return plural(len(cohorts(group.runs, settings=other)), "cohort"), ()

    # Asked of what lies in a cohort by the policy of today, so the answer by it is known.
    late = hindsight(group.runs, settings, (plural(1, "cohort"), ()), under)
    return None if late is None else replace(late, found="these runs are")


def launched_at(run: Run) -> str | None:
    """When a run was launched, in the words of a date; None where its record does not say, or says something else."""
    moment = started(run)
    return utc_text(moment.timestamp()) if moment is not None and moment.tzinfo is not None else None
