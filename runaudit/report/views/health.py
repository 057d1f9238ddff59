"""What the rules on trajectories found, arm by arm: what, in which seeds, since when, by which numbers, what to try.

A finding that several seeds of an arm share is one line with all of them: what only one has may be luck or a bad batch,
what all have is the arm.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from runaudit.health.answer import HealthAnswer, RunHealth, shared_by
from runaudit.records.finding import Finding, Severity
from runaudit.records.points import Points
from runaudit.records.run import Run
from runaudit.report.axis import HUGE
from runaudit.report.inputs import ArmInput
from runaudit.report.views.alerts import Alert
from runaudit.report.views.arm import letter, seed_text, which_runs
from runaudit.report.views.curve import Mark
from runaudit.report.words import Text, called, clean, compact, counted, shown
from runaudit.text.verdicts import Tone
from runaudit.text.words import listed, plural

NOT_FINITE = "nonfinite_loss"
"""The finding that counts the values of a series that are no numbers."""
MOST_MARKS = 12
"""Findings of an arm that are marked in its figures: more of them would hide the curve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """One finding of an arm. who: of which seeds; where: since which steps; message: of the run that it is worst in."""

    tone: str
    severity: str
    code: str
    title: str
    who: str
    where: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmHealth:
    """One arm: its findings, the remarks among them, in words how much was asked, and which series were looked at.

    beside: what series hold that is no number or beyond all bounds, and that no finding names, a sentence each.
    """

    arm: int
    letter: str
    name: Text
    findings: tuple[FindingRow, ...]
    remarks: tuple[FindingRow, ...]
    asked: str
    judged: tuple[Text, ...] = ()
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthView:
    """Every arm with a curve that could be judged. `off`: rules that the policy switched off."""

    arms: tuple[ArmHealth, ...]
    off: tuple[str, ...]

    @property
    def is_calm(self) -> bool:
        """Whether no rule warns of anything."""
        return not any(arm.findings for arm in self.arms)

    @property
    def lead(self) -> str:
        """What is said first: how much the rules found, and that they are not about everything."""
        if not self.is_calm:
            cause = "A cause is never shown by one run: what to try is a hypothesis."
            return f"What the curves show to have gone wrong. {cause}"
        if any(arm.beside for arm in self.arms):
            return "No rule warns of anything; but there are values that are no measurements, named below."
        return "No rule warns of anything in the series that it reads."


def health_view(arms: Sequence[ArmInput], health: HealthAnswer) -> HealthView:
    """The findings of every arm."""
    found = _by_run(health)
    return HealthView(
        arms=tuple(
            _arm(index, arm, found)
            for index, arm in enumerate(arms)
            if any(run.id in found and (found[run.id].judged or found[run.id].findings) for run in arm.runs)
        ),
        off=health.off,
    )


def health_alerts(arms: Sequence[ArmInput], health: HealthAnswer) -> tuple[Alert, ...]:
    """What is said at the head of the page: findings that make a result worth nothing."""
    found = _by_run(health)
    items = [line for index, arm in enumerate(arms) for line in _grave(index, arm, found)]
    return (Alert(tone=Tone.BAD.value, title="Trainings that went wrong", items=tuple(items)),) if items else ()


def grave(index: int, arm: ArmInput, health: HealthAnswer) -> tuple[str, ...]:
    """What went wrong in an arm so that its result is worth nothing, in one line; empty where nothing did."""
    return tuple(_grave(index, arm, _by_run(health)))


def _grave(index: int, arm: ArmInput, found: Mapping[str, RunHealth]) -> Iterator[str]:
    worst = [(one, runs) for one, runs in _grouped(arm, found) if one.severity >= Severity.ERROR]
    if worst:
        told = [f"{_title(one)} in {_who(arm, [run for run, _ in runs])}" for one, runs in worst]
        yield f"{letter(index)}: {listed(list(dict.fromkeys(told)), limit=4)}"


def subjects(health: HealthAnswer) -> frozenset[tuple[str, str]]:
    """(run id, series) of whatever a rule has found something in."""
    return frozenset((one.run.id, finding.subject) for one in health.runs for finding in one.findings)


def health_marks(arms: Sequence[ArmInput], health: HealthAnswer) -> tuple[Mark, ...]:
    """Where the curves are marked: each finding from a warning up, at its step in the run that it is worst in."""
    found = _by_run(health)
    marks: list[Mark] = []
    for index, arm in enumerate(arms):
        own = [
            (finding, runs)
            for finding, runs in _grouped(arm, found)
            if finding.step is not None and finding.severity >= Severity.WARNING
        ]
        marks += [
            Mark(
                arm=index,
                step=finding.step or 0,
                words=f"{_title(finding)}, {_who(arm, [run for run, _ in runs])}",
                series=finding.subject,
            )
            for finding, runs in own[:MOST_MARKS]
        ]
    return tuple(marks)


def _by_run(health: HealthAnswer) -> Mapping[str, RunHealth]:
    return {one.run.id: one for one in health.runs}


def _arm(index: int, arm: ArmInput, found: Mapping[str, RunHealth]) -> ArmHealth:
    own = [found[run.id] for run in arm.runs if run.id in found]
    rows = [(finding.severity, _row(arm, finding, runs)) for finding, runs in _grouped(arm, found)]
    asked = {code for one in own for code in one.asked}
    skipped = {skip.code for one in own for skip in one.skipped} - asked
    rest = f"; {plural(len(skipped), 'rule')} found nothing on record to read" if skipped else ""
    return ArmHealth(
        arm=index,
        letter=letter(index),
        name=shown(arm.name, 60),
        findings=tuple(row for severity, row in rows if severity >= Severity.WARNING),
        remarks=tuple(row for severity, row in rows if severity < Severity.WARNING),
        asked=f"{plural(len(asked), 'rule')} asked of {plural(len(own), 'run')}{rest}",
        judged=tuple(called(name) for name in dict.fromkeys(name for one in own for name in one.judged)),
        beside=tuple(_beside(arm, found)),
    )


def _beside(arm: ArmInput, found: Mapping[str, RunHealth]) -> Iterator[str]:
    """Series with values that are no numbers, or beyond all bounds, that no finding tells."""
    odd: dict[tuple[str, str], list[tuple[Run, int, int]]] = {}
    for run in arm.runs:
        told = {one.subject: one.name for one in found[run.id].findings} if run.id in found else {}
        for name, points in run.trajectory.series.items():
            is_counted = told.get(name) == NOT_FINITE  # which says nothing of a number that is only far too large
            if (name not in told or is_counted) and (hit := _odd(points, finite=is_counted)) is not None:
                bad = f"beyond {compact(HUGE)}" if is_counted else f"not finite or beyond {compact(HUGE)}"
                odd.setdefault((name, bad), []).append((run, *hit))
    for (name, bad), rows in sorted(odd.items()):
        most, first = max(count for _, count, _ in rows), min(step for _, _, step in rows)
        is_same = len({count for _, count, _ in rows}) == 1
        many = f"{'' if is_same else 'up to '}{counted(most, 'value')}{' each' if len(rows) > 1 else ''}"
        who = _who(arm, [run for run, _, _ in rows])
        yield f"{called(name).short}: {many}, {bad}, in {who}, the first at step {compact(first)}"


def _odd(points: Sequence[tuple[int, float]], *, finite: bool) -> tuple[int, int] | None:
    """How many values of a series are no measurement, and the step of the first; None where none is. finite: of those
    that are numbers."""
    import numpy as np

    values = np.asarray(points.values) if isinstance(points, Points) else np.array([value for _, value in points])
    bad = np.flatnonzero(~(np.abs(values) <= HUGE) & (np.isfinite(values) if finite else True))
    return (len(bad), int(points[int(bad[0])][0])) if len(bad) else None


def _grouped(
    arm: ArmInput, found: Mapping[str, RunHealth]
) -> Iterator[tuple[Finding, list[tuple[Run, Finding]]]]:  # fmt: skip
    """The gravest of each finding of an arm, with every run that has it; the gravest first, then what most have."""
    worst = shared_by(found[run.id] for run in arm.runs if run.id in found)
    yield from sorted(worst, key=lambda pair: (-pair[0].severity, -len(pair[1]), pair[0].code, pair[0].subject))


def _row(arm: ArmInput, finding: Finding, runs: Sequence[tuple[Run, Finding]]) -> FindingRow:
    tone = Tone.BAD if finding.severity >= Severity.ERROR else Tone.DOUBT
    return FindingRow(
        tone=tone.value if finding.severity >= Severity.WARNING else "plain",
        severity=str(finding.severity),
        code=finding.code,
        title=_title(finding),
        who=_who(arm, [run for run, _ in runs]),
        where=_where([one.step for _, one in runs if one.step is not None]),
        message=clean(finding.message) + _of_whom(arm, finding, runs),
        remedy=clean(finding.remedy),
    )


def _of_whom(arm: ArmInput, finding: Finding, runs: Sequence[tuple[Run, Finding]]) -> str:
    """Whose numbers a message has, where several runs have the finding and each its own: the others may be worse."""
    if len({one.message for _, one in runs}) < 2:
        return ""
    own = next(run for run, one in runs if one is finding)
    return f". These are the numbers of {which_runs([own], arm.runs)}"


def _title(finding: Finding) -> str:
    return finding.name.replace("_", " ")


def _who(arm: ArmInput, runs: Sequence[Run]) -> str:
    """Which runs, of how many."""
    if len(arm.runs) == 1:
        known = seed_text(arm.runs[0])
        return "its run" if known in ("unknown", "none") else f"seed {known}"
    return f"{len(runs)} of {len(arm.runs)} runs ({which_runs(runs, arm.runs)})"


def _where(steps: Sequence[int]) -> str:
    if not steps:
        return ""
    low, high = min(steps), max(steps)
    return f"step {compact(low)}" if low == high else f"steps {compact(low)} to {compact(high)}"
