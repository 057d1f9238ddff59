"""What a program told of itself after another had sealed its launch: `runaudit run` knows the command, and only the
program knows the settings that it resolved, the data it names, where its weights begin.

It stands in the outcome as `told`, and is read as inputs beside the sealed ones: a training that records itself and the
same one under `runaudit run` have one record. What was sealed keeps its place; where the program tells another value,
both count, for which of the two acted is not known.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from runaudit.records.canonical import JSON, MAPPINGS, canonical_equal, frozen
from runaudit.records.manifest import Manifest

SECTIONS = ("config", "data", "env", "init", "eval")
BESIDE = "told"
"""Where a setting stands that the program told otherwise than it was sealed."""

_OF_LAUNCH = ("run_dir", "config_files", "data_given")


def with_told(manifest: Manifest, told: Mapping[str, Any]) -> Manifest:
    """The manifest with what the program told, under the digest that it was sealed with."""
    if not told:
        return manifest
    body: dict[str, Any] = dict(manifest.body)
    unknown: dict[str, str] = {**_table(told.get("unknown")), **_table(body.get("unknown"))}
    if "seed" in told:
        body.setdefault("seed", told["seed"])
    for name in SECTIONS:
        if name in told:
            body[name] = _beside(body.get(name), told[name], name, unknown)
    for name, keys in (("launch", _OF_LAUNCH), ("origin", _table(told.get("origin"))), ("policy", ("derived",))):
        if more := {key: value for key, value in _table(told.get(name)).items() if key in keys}:
            body[name] = _added(_table(body.get(name)), more)
    # Why the whole of a section was not known is no reason any more.
    if unknown := {path: why for path, why in unknown.items() if path not in told or path not in SECTIONS}:
        body["unknown"] = unknown
    else:
        body.pop("unknown", None)
    return replace(manifest, body=frozen(body), held=manifest.digest, sealed=manifest.raw)


def _table(value: Any) -> Mapping[str, Any]:
    return value if value is not None and isinstance(value, MAPPINGS) else {}


def _added(sealed: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """A table with the entries that it lacks; lists go on with what they lack."""
    kept = {**told, **sealed}
    for name, value in told.items():
        if isinstance(value, list | tuple) and isinstance(sealed.get(name), list | tuple):
            kept[name] = [*sealed[name], *(item for item in value if item not in sealed[name])]
    return kept


def _beside(sealed: Any, told: Any, section: str, unknown: dict[str, str]) -> JSON:
    """A section as it was sealed, with what is told besides."""
    if not isinstance(sealed, MAPPINGS) or not isinstance(told, MAPPINGS):
        return told if sealed is None else sealed
    if section == "config":
        kept, other = parted(sealed, told)
        return {**kept, BESIDE: {**_table(kept.get(BESIDE)), **other}} if other else kept
    kept = dict(sealed)
    for name, value in told.items():
        before = kept.setdefault(name, value)
        if section == "data" and _is_other(before, value):
            kept[f"{name} ({BESIDE})"] = value
        elif section != "data" and not canonical_equal(before, value):
            unknown.setdefault(f"{section}.{name}", f"the program told {str(value)[:60]!r}")
    return kept


def parted(
    first: Mapping[str, Any], more: Mapping[str, Any], is_same: Callable[[Any, Any], bool] = canonical_equal
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A table with what another has beyond it, and what of the other contradicts it."""
    kept, other = dict(first), {}
    for name, value in more.items():
        before = kept.setdefault(name, value)
        if isinstance(before, MAPPINGS) and isinstance(value, MAPPINGS):
            kept[name], inner = parted(before, value, is_same)
            if inner:
                other[name] = inner
        elif not is_same(before, value):
            other[name] = value
    return kept, other


def _is_other(sealed: Any, told: Any) -> bool:
    """Whether two entries of one name are two data sets."""
    digests = [_table(entry).get("digest") for entry in (sealed, told)]
    return digests[0] != digests[1] or digests[0] is None
