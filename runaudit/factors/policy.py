"""The rules that hold for a comparison: those of the policy file, and those the runs were launched with.

A program may seal its own derived rules in its manifest, in words that are evaluated like the policy's. They hold
where both runs declare the same rule; the policy file has the last word.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from runaudit.errors import ConfigError
from runaudit.factors.factor import Change, ChangeClass, Role
from runaudit.factors.pair import Pair
from runaudit.factors.path import matches
from runaudit.records.run import Run
from runaudit.settings import FactorSettings


def shared_policy(settings: FactorSettings, runs: Iterable[Run]) -> FactorSettings:
    """The policy with the derived rules, and the leaves that cannot matter, that every one of these runs sealed.

    Raises ConfigError for a policy file's rule that is not arithmetic; a sealed one that is not explains nothing.
    """
    if settings.derived:
        _check(settings.derived)
    runs = [run for run in runs if not run.is_gone]
    for run in runs:
        if not run.manifest.has("policy"):
            return settings  # What one of them does not declare is not shared.
    sealed, quiet = [_rules(run) for run in runs], [_nuisance(run) for run in runs]
    shared = {
        path: rule
        for path, rule in (sealed[0] if sealed else {}).items()
        if all(other.get(path) == rule for other in sealed) and _understood(path, rule)
    }
    agreed = tuple(path for path in (quiet[0] if quiet else ()) if all(path in other for other in quiet))
    if agreed:
        settings = replace(settings, nuisance=(*settings.nuisance, *agreed))
    return replace(settings, derived={**shared, **settings.derived}) if shared else settings


def measured_by_policy(found: Sequence[Change], pair: Pair) -> Sequence[Change]:
    """What the policy says results are measured by, files of the code among it, is of the evaluation where it moved."""
    return [replace(change, role=Role.EVALUATION, follows="")
            if change.kind is ChangeClass.FACTOR and is_measure(change.path, pair.settings) else change
            for change in found]  # fmt: skip


def is_measure(path: str, settings: FactorSettings) -> bool:
    """Whether the policy says that results are measured by what bears this path."""
    return any(matches(path, pattern) for pattern in settings.evaluation)


def _rules(run: Run) -> Mapping[str, str]:
    derived = run.manifest.section("policy").get("derived")
    return {k: v for k, v in derived.items() if isinstance(v, str)} if isinstance(derived, Mapping) else {}


def _nuisance(run: Run) -> tuple[str, ...]:
    """What the program declared before it began that cannot change its results: a cache of what it computes anyway."""
    listed = run.manifest.section("policy").get("nuisance")
    return tuple(path for path in listed if isinstance(path, str)) if isinstance(listed, list | tuple) else ()


def _check(rules: Mapping[str, str]) -> None:
    from runaudit.factors.derived import parsed  # Most policies have no rules to read.

    for path, rule in rules.items():
        parsed(rule, path)


def _understood(path: str, rule: str) -> bool:
    try:
        _check({path: rule})
    except ConfigError:
        return False
    return True
