"""What a program tells of its inputs, of a run that another process has sealed: each telling a claim in the ledger, all
of them one section of the outcome.

A command may hold several trainings, each with settings of its own. What they told alike is known of the run; where
they told one thing twice and differently, which of them made a number is not, and it is a gap.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from runaudit.capture.draft import LaunchRequest
from runaudit.capture.redact import Redactor
from runaudit.capture.told import told_sections
from runaudit.errors import RunauditError
from runaudit.factors.path import joined
from runaudit.record.ledger import claim, claims
from runaudit.records.canonical import JSON, canonical_equal, thawed
from runaudit.records.manifest import Manifest
from runaudit.runs.parent import known_init
from runaudit.store.store import Store

KIND = "told"


LATE = ("intent", "bundles", "waivers")
"""What counts only where it is said before a launch is sealed."""
_FIELDS = frozenset(field.name for field in fields(LaunchRequest))
_AT_FIRST = ("env", "launch", "origin")
"""Facts of the process, told as they were when it began to train."""


def tell(store: Store, manifest: Manifest, redactor: Redactor, root: Path, given: Mapping[str, Any]) -> None:
    """Keep what a program tells of its launch, once however often it says it. given: as `record()` takes it. Raises
    StoreError."""
    live = store.live_dir(manifest.id)
    known = {name: value for name, value in given.items() if name in _FIELDS}
    try:
        known["init"] = known_init(known.get("init"), store)
    except (RunauditError, OSError) as error:
        known["init"] = None
        claim(live, "note", text=redactor.said(f"the start that the program names is not known: {error}"))
    request = LaunchRequest(**{**known, "root": root})
    top = Path(str(manifest.section("launch").get("top") or root))
    told = told_sections(request, top, store, redactor)
    if told and not any(row["k"] == KIND and canonical_equal(_of(row), told) for row in claims(live)):
        claim(live, KIND, **told)
    if request.seed_proof:
        claim(live, "seed_proof", proof=dict(request.seed_proof))
    for name in LATE:
        if said := getattr(request, name):
            text = redactor.said(f"the program names {name}, which count before a launch is sealed: {thawed(said)}")
            claim(live, "note", text=text)


def told_in(rows: Iterable[Mapping[str, Any]]) -> dict[str, JSON]:
    """What was told in all the claims of a run, as one; empty where nothing was."""
    told: dict[str, Any] = {}
    unknown: dict[str, JSON] = {}
    for row in rows:
        if row["k"] == KIND:
            one = _of(row)
            unknown |= one.pop("unknown", {})
            _join(told, one, "", unknown)
    return told | ({"unknown": unknown} if unknown else {})


def _of(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "k"}


def _join(into: dict[str, Any], more: Mapping[str, Any], above: str, unknown: dict[str, JSON]) -> None:
    for name, value in more.items():
        path = joined(above, name) if above else name
        if path in unknown:
            continue
        before = into.setdefault(name, value)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            into[name] = dict(before)
            _join(into[name], value, path, unknown)
        elif not canonical_equal(before, value) and above.partition(".")[0] not in _AT_FIRST:
            del into[name]
            unknown[path] = "the program told two values of it: it may have trained more than once"
