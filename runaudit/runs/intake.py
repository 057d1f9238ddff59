"""Foreign runs brought in, whole or not at all: read, cleaned of secrets, sealed, with every gap named."""

import importlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

from runaudit.capture.foreign import without_secrets
from runaudit.capture.redact import Redactor, redaction_key
from runaudit.errors import IntegrityError, UsageError
from runaudit.factors.gaps import gaps, status_gap
from runaudit.factors.levels import levels
from runaudit.importers.base import Imported, Skipped, with_our_names
from runaudit.importers.kinds import BUNDLE, KINDS
from runaudit.records.manifest import Manifest
from runaudit.records.run import SHORT, Run
from runaudit.settings import Settings
from runaudit.store.catalogue import load_or_fault, run_ids
from runaudit.store.foreign import foreign_manifest, seal_foreign
from runaudit.store.forget import lies_here
from runaudit.store.store import Store
from runaudit.store.unbundle import read_bundle, take_back
from runaudit.system.clock import utc_text
from runaudit.system.files import refuse_special

Rows = tuple[dict[str, Any], ...]
"""What came in: id, source, label, and what its record does not say."""


def take(
    kind: str, paths: Sequence[Path], create: Callable[[], Store], settings: Settings
) -> tuple[Rows, list[Skipped]]:
    """The runs of these files. kind: what wrote them, or the first file itself, of a bundle. Raises UsageError where
    that is neither, or no file is named."""
    refuse_special(Path(kind), "the bundle")
    for path in paths:
        refuse_special(path, "the record")
    if kind not in (*KINDS, BUNDLE) and Path(kind).is_file():
        kind, paths = BUNDLE, [Path(kind), *paths]
    if kind not in (*KINDS, BUNDLE) and not paths:
        raise UsageError(
            f"there is no file {kind}, and no kind of run is called so",
            remedy=f"name the file of a bundle, or a kind and its files: {', '.join(KINDS)}",
        )
    if not paths:
        raise UsageError("no file is named", remedy=f"runaudit import {kind} PATH, or the file of a bundle alone")
    return take_bundles(paths, create, settings) if kind == BUNDLE else take_in(kind, paths, create, settings)


def take_bundles(paths: Sequence[Path], create: Callable[[], Store], settings: Settings) -> tuple[Rows, list[Skipped]]:
    """The runs of bundles, back under the ids that they had. Every bundle is checked before one is kept."""
    checked = [read_bundle(path) for path in paths]
    store = create()
    clean = Redactor(redaction_key(store.root)).text
    rows: list[dict[str, Any]] = []
    skipped: list[Skipped] = []
    for bundle in checked:
        gone = tuple(replace(row, what=clean(row.what), reason=clean(row.reason)) for row in bundle.forgotten)
        fresh = take_back(store, replace(bundle, forgotten=gone), called=clean(bundle.path.name))
        skipped += [Skipped(source=str(bundle.path), reason=f"the {row.subject} was {row.said} where the bundle comes "
                            f'from, and lies here: runaudit forget {row.digest} --reason "{row.reason}"')
                    for row in lies_here(store, gone)]  # fmt: skip
        skipped += [Skipped(source=str(bundle.path), reason=f"already imported as {run[:SHORT]}")
                    for run in bundle.runs if run not in fresh]  # fmt: skip
        for run in (load_or_fault(store, run_id, trajectory=False) for run_id in fresh):
            rows.append(_row(run.manifest, str(bundle.path), run, settings))
    return tuple(rows), skipped


def take_in(
    kind: str, paths: Sequence[Path], create: Callable[[], Store], settings: Settings
) -> tuple[Rows, list[Skipped]]:
    """The runs that another tracker recorded, sealed, and those left out. A store is made where one came in."""
    found, skipped = _read(kind, paths, settings)
    sealed = _sealed(create(), found, skipped) if found else []
    return tuple(_row(manifest, entry.source, entry.run, settings) for manifest, entry in sealed), skipped


def _read(kind: str, paths: Sequence[Path], settings: Settings) -> tuple[list[Imported], list[Skipped]]:
    """Every run of every path, before anything is kept."""
    if kind not in KINDS:
        raise UsageError(f"{kind!r} is not a kind of run", remedy=f"known are {', '.join((*KINDS, BUNDLE))}")
    module, _, function = KINDS[kind].partition(":")
    reader = getattr(importlib.import_module(module), function)
    found: list[Imported] = []
    skipped: list[Skipped] = []
    for path in paths:
        imported, left_out = reader(path)
        found += imported
        skipped += left_out
    named = [replace(entry, run=with_our_names(entry.run, settings.series)) for entry in found]
    for entry in named:
        if entry.run.fault:
            raise IntegrityError(f"{entry.source} is not what was sealed: {entry.run.fault}",
                                 remedy="ask for an untouched copy; nothing was imported")  # fmt: skip
    return named, skipped


def _sealed(store: Store, found: Sequence[Imported], skipped: list[Skipped]) -> list[tuple[Manifest, Imported]]:
    """What was new, sealed; what was there already goes to `skipped`.

    A run that is there without its end, which an import that was killed in between leaves, is made whole.
    """
    known, ended = set(run_ids(store)), set(store.endings())
    sealed = []
    clean = without_secrets([entry.run for entry in found], store)
    for entry in (replace(entry, run=run) for entry, run in zip(found, clean, strict=True)):
        manifest = foreign_manifest(entry.run)
        if manifest.id in known and (entry.run.outcome is None or str(manifest.digest) in ended):
            skipped.append(Skipped(source=entry.source, reason=f"already imported as {manifest.id[:SHORT]}"))
            continue
        seal_foreign(store, entry.run, time=utc_text(time.time()), is_logged=manifest.id in known)
        known.add(manifest.id)
        ended.add(str(manifest.digest))
        sealed.append((manifest, entry))
    return sealed


def _row(manifest: Manifest, source: str, run: Run, settings: Settings) -> dict[str, Any]:
    return {"id": manifest.id, "source": source, "label": manifest.label, "missing": _missing(run, settings)}


def _missing(run: Run, settings: Settings) -> list[str]:
    """What could have mattered and is not in the record."""
    found = set(gaps(levels(run, settings.factors), settings.factors))
    found |= {f"metrics.{name}" for name, value in run.metrics.items() if not isfinite(value)}
    return sorted(found | ({"runtime.status"} if status_gap(run) else set()) | set(_never_came(run.manifest)))


def _never_came(manifest: Manifest) -> Iterator[str]:
    """The files of the code that a record names by their digest alone: equal ones can be told, none can be restored."""
    code = manifest.section("code")
    for path, entry in (code.get("files") or {}).items():
        if isinstance(entry, Mapping) and entry.get("stored") is False:
            yield f"code.{path} (its content)"
    if isinstance(patch := code.get("patch"), Mapping) and patch.get("stored") is False:
        yield "code.patch (its content)"
