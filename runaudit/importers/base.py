"""What every importer hands back: runs with where they came from, and what was left out with the reason."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.records.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """One run that was read, and the file or folder it came from."""

    run: Run
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Something that was named and is not a run, or could not be read, and why. broken: it is one, and is damaged."""

    source: str
    reason: str
    broken: bool = False


def with_our_names(run: Run, names: Mapping[str, str]) -> Run:
    """The run with its series and final metrics under our names, where the policy gives them one."""
    if not names or not (run.trajectory.series.keys() | run.metrics.keys()) & names.keys():
        return run
    series = {names.get(name, name): points for name, points in run.trajectory.series.items()}
    manifest, outcome = run.manifest, run.outcome
    if outcome is not None:
        outcome = Outcome.of({**outcome.to_json(), "metrics": _renamed(outcome.metrics, names)})
    elif run.metrics:
        body = manifest.to_json()
        manifest = Manifest.of({**body, "origin": {**body["origin"], "metrics": _renamed(run.metrics, names)}})
    trajectory = replace(run.trajectory, series=MappingProxyType(series))
    return replace(run, manifest=manifest, outcome=outcome, trajectory=trajectory)


def _renamed(metrics: Mapping[str, float], names: Mapping[str, str]) -> dict[str, float]:
    return {names.get(name, name): value for name, value in metrics.items()}
