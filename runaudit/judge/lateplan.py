"""A plan of the statistics that was declared, or changed, once the runs were there: said beside what it decides.

A margin, a level of confidence or a direction that is chosen after looking can make any result the wanted one. What is
declared holds all the same, since it may be right; but where the sealed records say that it came later, or cannot say,
the verdict under what was declared at the launches stands beside it (`factors.inforce`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from runaudit.factors.inforce import stats_at_launch, stats_shared_by_all
from runaudit.factors.policydate import written_on
from runaudit.records.run import Run
from runaudit.settings import Settings, StatsSettings
from runaudit.text.words import plural


@dataclass(frozen=True, slots=True, kw_only=True)
class LatePlan:
    """A `[stats]` section that is not what all the judged runs were launched with.

    settings: the policy of today with what was declared alike at their launches. others: runs that were launched with
    another one; silent: runs that do not say with which. dated: when the file began to say it, in words; empty where it
    says nothing of it.
    """

    settings: Settings
    others: int
    silent: int
    dated: str

    def note(self, without: str) -> str:
        """The finding in a sentence. without: the verdict under the earlier plan."""
        if not self.dated:
            return (
                f"{plural(self.others, 'run')} began under a [stats] section that the policy has no more: "
                f"with it the verdict is {without}"
            )
        said = [f"was not declared when {plural(self.others, 'run')} began"] if self.others else []
        if self.silent:
            whether = "do not say either" if said else "do not say whether it was declared when they began"
            said.append(f"the records of {plural(self.silent, 'run')} {whether}")
        told = f"the [stats] of {self.dated}{' ' if self.others else ': '}{', and '.join(said)}"
        return f"{told}: without it the verdict is {without}"


def late_plan(runs: Sequence[Run], settings: Settings) -> LatePlan | None:
    """Whether the plan of today is another than that of some of these runs; None where it is that of all."""
    held = [stats_at_launch(run, settings) for run in runs if not run.is_gone]
    others = [then for then in held if then not in (None, settings.stats)]
    is_declared = settings.stats != StatsSettings()
    silent = held.count(None) if is_declared else 0  # Who says nothing began, as far as is known, with nothing.
    if not others and not silent:
        return None
    return LatePlan(
        settings=replace(settings, stats=stats_shared_by_all(held)),
        others=len(others),
        silent=silent,
        dated=_dated(settings) if is_declared else "",
    )


def _dated(settings: Settings) -> str:
    if settings.source is None:
        return "the policy"
    told = written_on(settings.source, lambda policy: policy.stats, settings.stats)
    return settings.source.name + (f" ({told.written[:19]}Z, {told.by})" if told else "")
