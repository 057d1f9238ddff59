"""The answer of `health`: of each run what was found, what could not be asked, its best, and what its seeds share."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from runaudit.health import apart, conflict, gradient, late, logs, loss, results, scaler, stages, still, told
from runaudit.health.best import Best
from runaudit.health.facts import facts_of_run, is_of_a_run
from runaudit.records.finding import Finding, Severity
from runaudit.records.results import with_series
from runaudit.records.run import Run
from runaudit.records.segments import Band, bands
from runaudit.rules import Rule, Skip, check_all, foreign_rules, governed, is_off, together, tuned
from runaudit.settings import RuleSettings
from runaudit.stats.trend import MIN_POINTS
from runaudit.system.progress import work
from runaudit.text.shown import Shown
from runaudit.text.terminal import UNPAINTED, Paint

RULES: tuple[Rule, ...] = (
    *loss.RULES, *still.RULES, *late.RULES, *apart.RULES, *scaler.RULES, *gradient.RULES, *conflict.RULES,
    *stages.RULES,
    *results.RULES, *logs.RULES, *told.RULES,
)  # fmt: skip
"""Every rule on a trajectory, in the order in which they are told."""
SCHEMA = "runaudit.health/1"
FAIL_ON = Severity.ERROR
"""From which severity on a finding is a negative judgement, where nobody says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHealth:
    """What the rules said of one run. `judged` are the names of the curves that were long enough to judge; `failed`
    the rules of others that raised, which are among the skipped. `unknown`: series as long of which nobody knows what
    they are, so that no rule but the one on numbers looked at them."""

    run: Run
    findings: tuple[Finding, ...]
    asked: tuple[str, ...]
    skipped: tuple[Skip, ...]
    best: Best | None
    stages: tuple[Band, ...]
    judged: tuple[str, ...]
    failed: tuple[Skip, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def unasked(self) -> tuple[Skip, ...]:
        """The rules that could not be asked, without those that failed when they were."""
        return tuple(skip for skip in self.skipped if skip not in self.failed)

    def to_json(self) -> dict[str, Any]:
        """One run for a program."""
        return {
            "run": self.run.id,
            "label": self.run.label,
            "seed": self.run.manifest.body.get("seed"),
            "status": self.run.status,
            "findings": [finding.to_json() for finding in self.findings],
            "best": self.best.to_json() if self.best else None,
            "stages": [{"name": one.name, "start": one.start, "end": one.end} for one in self.stages],
            "curves": list(self.judged),
            "unknown": list(self.unknown),
            "asked": list(self.asked),
            "skipped": [skip.to_json() for skip in self.skipped],
            "failed": [skip.to_json() for skip in self.failed],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """A finding that several runs have: its rule, what it is on, and which runs, of how many."""

    finding: Finding
    runs: tuple[Run, ...]
    of: int

    def to_json(self) -> dict[str, Any]:
        """For a program."""
        return {
            "code": self.finding.code,
            "name": self.finding.name,
            "subject": self.finding.subject,
            "runs": [run.id for run in self.runs],
            "seeds": [run.manifest.body.get("seed") for run in self.runs],
            "of": self.of,
        }


def shared_by(runs: Iterable[RunHealth]) -> list[tuple[Finding, list[tuple[Run, Finding]]]]:
    """Each finding of some runs, by its rule and what it is on: the gravest, and every run that has it with its own."""
    groups: dict[tuple[str, str], list[tuple[Run, Finding]]] = {}
    for one in runs:
        first: dict[tuple[str, str], Finding] = {}
        for finding in one.findings:
            first.setdefault((finding.code, finding.subject), finding)
        for key, finding in first.items():
            groups.setdefault(key, []).append((one.run, finding))
    return [(max((one for _, one in row), key=lambda one: one.severity), row) for row in groups.values()]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class HealthAnswer(Shown):
    """The health of the runs that were asked about. `off`: the rules that the policy switched off; `tuned`:
    the limits that it set."""

    runs: tuple[RunHealth, ...]
    fail_on: Severity | None = FAIL_ON
    off: tuple[str, ...] = ()
    tuned: Mapping[str, Mapping[str, float]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Those of all runs, run by run."""
        return tuple(finding for one in self.runs for finding in one.findings)

    @property
    def verdict(self) -> str:
        """In the word of the table of verdicts: failing where a finding weighs as much as `fail_on`; cannot_say where
        a run has no curve that could be judged."""
        if self.fail_on is not None and any(finding.severity >= self.fail_on for finding in self.findings):
            return "failing"
        if not self.runs or not all(one.judged for one in self.runs):
            return "cannot_say"
        return "passed"

    @property
    def shared(self) -> tuple[Shared, ...]:
        """Of several runs: which finding how many of them have, the most frequent first."""
        if len(self.runs) < 2:
            return ()
        found = [
            Shared(finding=worst, runs=tuple(run for run, _ in group), of=len(self.runs))
            for worst, group in shared_by(self.runs)
        ]
        return tuple(sorted(found, key=lambda one: (-one.finding.severity, -len(one.runs), one.finding.code)))

    def to_json(self) -> dict[str, Any]:
        """The answer as the contract words it: of one run its own keys; of several `run` is none, and `runs` holds
        them one by one."""
        only = self.runs[0] if len(self.runs) == 1 else None
        return {
            "schema": SCHEMA,
            "verdict": self.verdict,
            "run": only.run.id if only else None,
            "findings": [
                finding.to_json() | ({} if only else {"run": one.run.id})
                for one in self.runs
                for finding in one.findings
            ],
            "best": only.best.to_json() if only and only.best else None,
            "stages": only.to_json()["stages"] if only else [],
            "fail_on": "never" if self.fail_on is None else str(self.fail_on),
            "off": list(self.off),
            "tuned": {rule: dict(limits) for rule, limits in self.tuned.items()},
            "shared": [one.to_json() for one in self.shared],
            "runs": [one.to_json() for one in self.runs],
        }  # fmt: skip

    @property
    def headline(self) -> str:
        """The result in one line."""
        from runaudit.health import text

        return text.headline(self)

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        from runaudit.health import text

        return text.text_lines(self, verbose=verbose, paint=paint)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        from runaudit.health import text

        return text.markdown_lines(self, verbose=verbose)


def trajectory_rules(policy: RuleSettings) -> tuple[Rule, ...]:
    """The rules as the policy wants them, those of installed packages that ask for facts on trajectories included. One
    that asks for such a fact beside others that there are not is among them: it is told that it could not be asked."""
    return governed(together(RULES, filter(is_of_a_run, foreign_rules())), policy)


def health_of(
    runs: Sequence[Run],
    policy: RuleSettings,
    *,
    directions: Mapping[str, str] = MappingProxyType({}),
    fail_on: Severity | None = FAIL_ON,
) -> HealthAnswer:
    """Ask every rule about every run. directions: which way metrics improve, as the policy declares it."""
    rules = trajectory_rules(policy)
    found = []
    with work("looking at the curves", len(runs), "runs") as advance:
        for run in runs:
            found.append(judged(run, rules, directions))
            advance(1)
    return HealthAnswer(
        runs=tuple(found),
        fail_on=fail_on,
        off=tuple(rule.code for rule in RULES if is_off(rule, policy)),
        tuned=MappingProxyType({rule.code: limits for rule in RULES if (limits := tuned(rule, policy))}),
    )


def judged(run: Run, rules: Iterable[Rule], directions: Mapping[str, str]) -> RunHealth:
    """What the rules say of one run, whose series are read where they were not."""
    run = with_series(run)
    facts: dict[str, Any] = facts_of_run(run, directions)
    found = check_all(rules, facts, around_failures=True)
    curves = facts["curves"]
    best = facts["best"]
    return RunHealth(
        run=run,
        findings=found.findings,
        asked=found.asked,
        skipped=found.skipped,
        failed=found.failed,
        best=best if isinstance(best, Best) else None,
        stages=bands(run.trajectory.events, run.trajectory.last_step()),
        judged=tuple(track.name for track in curves if track.columns.points >= MIN_POINTS)
        if isinstance(curves, tuple)
        else (),
        unknown=tuple(
            track.name
            for track in facts["undirected"]
            if track.columns.points >= MIN_POINTS and track not in facts["levels"]
        ),
    )
