"""Which rules on factors a run was launched with: what its sealed record says of them, never the date of a file.

A rule that is written once the results are known can turn any confounded comparison into a clean one, and a file's time
is moved by `touch`, a copy or a checkout. So every launch seals the rules that held; of a record without them, the
sources that were sealed with it tell where the policy file is one of them; otherwise nothing tells.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from runaudit.errors import RunauditError
from runaudit.records.canonical import JSON, canonical_bytes, thawed
from runaudit.records.digest import digest_bytes
from runaudit.records.run import Run
from runaudit.settings import FactorSettings, Settings, parse_settings, policy_in


def sealed_rules(factors: FactorSettings) -> dict[str, JSON]:
    """The rules as a launch seals them: `rules`, those that are set, and the `digest` of their canonical form, which
    tells them apart even where a secret in them was replaced."""
    rules = _rules(factors)
    return {"digest": str(digest_bytes(canonical_bytes(rules))), "rules": rules}


def rules_at_launch(run: Run, present: Settings) -> FactorSettings | None:
    """The rules that this run was launched with; None where its record cannot tell. present: the policy of today."""
    sealed = run.manifest.section("launch").get("policy")
    if isinstance(sealed, Mapping) and isinstance(sealed.get("rules"), Mapping):
        if sealed.get("digest") == sealed_rules(present.factors)["digest"]:
            return present.factors
        return _read(sealed["rules"])
    return None if present.source is None else _among_sources(run, present.source)


def shared_by_all(rules: Iterable[FactorSettings | None]) -> FactorSettings:
    """What all of these say alike: an excuse that one run was launched without was in force for no comparison of it."""
    first, *rest = [_rules(one or FactorSettings()) for one in rules] or [{}]
    return _read({name: _agreed(value, [other.get(name) for other in rest]) for name, value in first.items()})


def _rules(factors: FactorSettings) -> dict[str, Any]:
    return {name: _plain(value) for name in FactorSettings.__slots__ if (value := getattr(factors, name))}


def _plain(value: Any) -> Any:
    return {k: _plain(v) for k, v in value.items()} if isinstance(value, Mapping) else (
        list(value) if isinstance(value, tuple) else value
    )  # fmt: skip


def _agreed(value: Any, others: Iterable[Any]) -> Any:
    if isinstance(value, Mapping):
        return {k: v for k, v in value.items() if all(isinstance(o, Mapping) and o.get(k) == v for o in others)}
    return [item for item in value if all(isinstance(o, list) and item in o for o in others)]


def _read(rules: Mapping[str, Any]) -> FactorSettings:
    """The rules that a record has sealed; none where they are none that this version understands."""
    try:
        return parse_settings({"factors": thawed(rules)}).factors
    except RunauditError:
        return FactorSettings()


def _among_sources(run: Run, policy: Path) -> FactorSettings | None:
    """What the policy file said where it was sealed among the sources of a run; None where it was not, or is gone."""
    top, place = run.manifest.section("launch").get("top"), policy.absolute()
    name = policy.name
    if isinstance(top, str) and place.is_relative_to(top):
        name = place.relative_to(top).as_posix()
    files = run.manifest.section("code").get("files")
    entry = files.get(name) if isinstance(files, Mapping) else None
    try:
        return policy_in(run.blobs[str(entry["digest"])], policy).factors if isinstance(entry, Mapping) else None
    except (KeyError, RunauditError):
        return None
