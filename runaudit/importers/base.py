"""What every importer hands back: runs with where they came from, and what was left out with the reason."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from runaudit.records.outcome import Outcome
from runaudit.records.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """One run that was read, and the file or folder it came from."""

    run: Run
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Something that was named and is not a run, and why."""

    source: str
    reason: str


def with_our_names(run: Run, names: Mapping[str, str]) -> Run:
    """The run with its series and final metrics under our names, where the policy gives them one."""
    if not names or not (run.trajectory.series.keys() | run.metrics.keys()) & names.keys():
        return run
    series = {names.get(name, name): points for name, points in run.trajectory.series.items()}
    outcome = run.outcome
    if outcome is not None:
        body = outcome.to_json()
        body["metrics"] = {names.get(name, name): value for name, value in body.get("metrics", {}).items()}
        outcome = Outcome.of(body)
    return replace(run, outcome=outcome, trajectory=replace(run.trajectory, series=MappingProxyType(series)))
