"""Which policy a run was launched with: what its sealed record says of it, never the date of a file.

A rule that is written once the results are known can turn any confounded comparison into a clean one, and a file's time
is moved by `touch`, a copy or a checkout. So every launch seals the rules that held; of a record without them, the
sources that were sealed with it tell where the policy file is one of them; otherwise nothing tells.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from runaudit.errors import RunauditError
from runaudit.records.canonical import JSON, canonical_bytes, thawed
from runaudit.records.digest import digest_bytes
from runaudit.records.run import Run
from runaudit.settings import FactorSettings, Settings, StatsSettings, parse_settings, policy_in


def sealed_rules(policy: Settings) -> dict[str, JSON]:
    """A policy as a launch seals it: of the rules on factors `rules`, those that are set, and the `digest` of their
    canonical form, which tells them apart even where a secret in them was replaced; under `stats` the same of what
    is declared of the statistics."""
    return {**_sealed(policy.factors), "stats": _sealed(policy.stats)}


def rules_at_launch(run: Run, present: Settings) -> FactorSettings | None:
    """The rules on factors that this run was launched with; None where its record cannot tell. present: the policy of
    today."""
    return _at_launch(run, run.manifest.section("launch").get("policy"), present, lambda policy: policy.factors)


def stats_at_launch(run: Run, present: Settings) -> StatsSettings | None:
    """What was declared of the statistics when this run was launched; None where its record cannot tell."""
    sealed = run.manifest.section("launch").get("policy")
    declared = sealed.get("stats") if isinstance(sealed, Mapping) else None
    return _at_launch(run, declared, present, lambda policy: policy.stats)


def shared_by_all(rules: Iterable[FactorSettings | None]) -> FactorSettings:
    """What all of these say alike: an excuse that one run was launched without was in force for no comparison of it."""
    return _shared(rules, FactorSettings())


def stats_shared_by_all(declared: Iterable[StatsSettings | None]) -> StatsSettings:
    """What was declared alike when each of these was; the default of whatever was not."""
    return _shared(declared, StatsSettings())


Section = TypeVar("Section", FactorSettings, StatsSettings)


def _sealed(section: FactorSettings | StatsSettings) -> dict[str, JSON]:
    rules = _rules(section)
    return {"digest": str(digest_bytes(canonical_bytes(rules))), "rules": rules}


def _at_launch(run: Run, sealed: Any, present: Settings, section: Callable[[Settings], Section]) -> Section | None:
    """A section of the policy as a record has sealed it, else as the policy read among the sources of the run."""
    now = section(present)
    if isinstance(sealed, Mapping) and isinstance(sealed.get("rules"), Mapping):
        return now if sealed.get("digest") == _sealed(now)["digest"] else _read(sealed["rules"], type(now)())
    then = None if present.source is None else _among_sources(run, present.source)
    return None if then is None else section(then)


def _shared(sections: Iterable[Section | None], default: Section) -> Section:
    first, *rest = [_rules(one or default) for one in sections] or [{}]
    return _read({name: agreed for name, value in first.items()
                  if (agreed := _agreed(value, [other.get(name) for other in rest])) is not None}, default)  # fmt: skip


def _rules(section: FactorSettings | StatsSettings) -> dict[str, Any]:
    """What a section says that is not the default."""
    default = type(section)()
    each = ((name, _plain(getattr(section, name)), _plain(getattr(default, name))) for name in section.__slots__)
    return {name: value for name, value, usual in each if value != usual}


def _plain(value: Any) -> Any:
    return {k: _plain(v) for k, v in value.items()} if isinstance(value, Mapping) else (
        list(value) if isinstance(value, tuple) else value
    )  # fmt: skip


def _agreed(value: Any, others: Sequence[Any]) -> Any:
    """What of a rule all say alike; None for nothing."""
    if isinstance(value, Mapping):
        return {k: v for k, v in value.items() if all(isinstance(o, Mapping) and o.get(k) == v for o in others)}
    if isinstance(value, list):
        return [item for item in value if all(isinstance(o, list) and item in o for o in others)]
    return value if all(other == value for other in others) else None


def _read(rules: Mapping[str, Any], default: Section) -> Section:
    """The rules that a record has sealed; none where they are none that this version understands."""
    try:
        found = parse_settings({"stats" if isinstance(default, StatsSettings) else "factors": thawed(rules)})
    except RunauditError:
        return default
    return found.stats if isinstance(default, StatsSettings) else found.factors


def _among_sources(run: Run, policy: Path) -> Settings | None:
    """What the policy file said where it was sealed among the sources of a run; None where it was not, or is gone."""
    top, place = run.manifest.section("launch").get("top"), policy.absolute()
    name = policy.name
    if isinstance(top, str) and place.is_relative_to(top):
        name = place.relative_to(top).as_posix()
    files = run.manifest.section("code").get("files")
    entry = files.get(name) if isinstance(files, Mapping) else None
    try:
        return policy_in(run.blobs[str(entry["digest"])], policy) if isinstance(entry, Mapping) else None
    except (KeyError, RunauditError):
        return None
