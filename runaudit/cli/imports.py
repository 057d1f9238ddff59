"""`runaudit import KIND PATH…`: bring foreign runs in, whole or not at all, with every gap marked unknown."""

import importlib
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.errors import IntegrityError, NothingToJudgeError, UsageError
from runaudit.records.run import SHORT

if TYPE_CHECKING:
    from runaudit.importers.base import Imported, Skipped
    from runaudit.records.manifest import Manifest
    from runaudit.records.run import Run
    from runaudit.store import Store

BUNDLE = "bundle"
"""What `export` wrote: it comes back under the ids that it had."""
KINDS = {
    # kind: module:function of (path) -> (imported, skipped)
    "record": "runaudit.importers.record:read_records",
    "wandb": "runaudit.importers.wandb_folder:read_runs",
}


@common.command()
def imports(
    context: Context,
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help=f"What wrote the runs: {', '.join(KINDS)}; or the file of a bundle.")
    ],
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH]...", help="Files or folders.", show_default=False)
    ] = None,
) -> None:
    """Bring in runs that another tracker recorded. What its record does not say stays unknown, and is listed.

    Nothing is imported halfway: where one of the runs is malformed, none is kept.
    """
    from runaudit.importers.answer import ImportAnswer

    if kind not in (*KINDS, BUNDLE) and Path(kind).is_file():
        kind, paths = BUNDLE, [Path(kind), *(paths or ())]
    if not paths:
        raise UsageError("no file is named", remedy=f"runaudit import {kind} PATH, or the file of a bundle alone")
    if kind == BUNDLE:
        rows, skipped = _bundles(paths, context)
    else:
        found, skipped = _read(kind, paths, context)
        sealed = _sealed(context.create(), found, skipped) if found else []
        rows = tuple(_row(manifest, entry.source, entry.run, context) for manifest, entry in sealed)
    context.tell(ImportAnswer(rows=rows, skipped=tuple((entry.source, entry.reason) for entry in skipped)))
    if not rows and not any(entry.reason.startswith("already imported") for entry in skipped):
        raise NothingToJudgeError("no run was imported", remedy="see the reasons above, or name another path")


def _bundles(paths: Sequence[Path], context: Context) -> "tuple[tuple[dict[str, Any], ...], list[Skipped]]":
    """The runs of bundles, back under the ids that they had. Every bundle is checked before one is kept."""
    from runaudit.importers.base import Skipped
    from runaudit.runs.names import load_run
    from runaudit.store.bundle import read_bundle, take_back

    checked = [read_bundle(path) for path in paths]
    store = context.create()
    rows: list[dict[str, Any]] = []
    skipped: list[Skipped] = []
    for bundle in checked:
        fresh = take_back(store, bundle)
        skipped += [Skipped(source=str(bundle.path), reason=f"already imported as {run[:SHORT]}")
                    for run in bundle.runs if run not in fresh]  # fmt: skip
        for run in (load_run(store, run_id, trajectory=False) for run_id in fresh):
            rows.append(_row(run.manifest, str(bundle.path), run, context))
    return tuple(rows), skipped


def _read(kind: str, paths: Sequence[Path], context: Context) -> "tuple[list[Imported], list[Skipped]]":
    """Every run of every path, before anything is kept."""
    from runaudit.importers.base import with_our_names

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
    named = [replace(entry, run=with_our_names(entry.run, context.settings.series)) for entry in found]
    for entry in named:
        if entry.run.fault:
            raise IntegrityError(f"{entry.source} is not what was sealed: {entry.run.fault}",
                                 remedy="ask for an untouched copy; nothing was imported")  # fmt: skip
    return named, skipped


def _sealed(store: "Store", found: "Sequence[Imported]", skipped: "list[Skipped]") -> "list[tuple[Manifest, Imported]]":
    """What was new, sealed; what was there already goes to `skipped`."""
    from runaudit.capture.draft import utc_text
    from runaudit.capture.foreign import without_secrets
    from runaudit.importers.base import Skipped
    from runaudit.store.catalogue import run_ids
    from runaudit.store.foreign import foreign_manifest, seal_foreign

    known = set(run_ids(store))
    sealed = []
    clean = without_secrets([entry.run for entry in found], store)
    for entry in (replace(entry, run=run) for entry, run in zip(found, clean, strict=True)):
        run_id = foreign_manifest(entry.run).id
        if run_id in known:
            skipped.append(Skipped(source=entry.source, reason=f"already imported as {run_id[:12]}"))
            continue
        known.add(run_id)
        sealed.append((seal_foreign(store, entry.run, time=utc_text(time.time())), entry))
    return sealed


def _row(manifest: "Manifest", source: str, run: "Run", context: Context) -> dict[str, Any]:
    return {"id": manifest.id, "source": source, "label": manifest.label, "missing": _missing(run, context)}


def _missing(run: "Run", context: Context) -> list[str]:
    """What could have mattered and is not in the record."""
    from runaudit.factors.gaps import gaps, status_gap
    from runaudit.factors.levels import levels

    found = set(gaps(levels(run, context.settings.factors), context.settings.factors))
    return sorted(found | ({"runtime.status"} if status_gap(run) else set()))
