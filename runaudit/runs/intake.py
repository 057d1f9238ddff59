"""Foreign runs brought in, each whole or not at all: read, cleaned of secrets, sealed, with every gap named."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import Any

from runaudit.capture.foreign import Cleaning
from runaudit.capture.redact import Redactor, redaction_key
from runaudit.errors import IntegrityError, NoRunError, StoppedError, UsageError
from runaudit.factors.gaps import gaps, status_gap
from runaudit.factors.levels import levels
from runaudit.factors.vouched import sealed_words, stating, unstated
from runaudit.importers.answer import grade_of
from runaudit.importers.base import Imported, Skipped, with_our_names
from runaudit.importers.kinds import AUTO, BUNDLE, KINDS, RECORD, WORDS
from runaudit.records.digest import digest_bytes
from runaudit.records.manifest import Manifest
from runaudit.records.results import Results
from runaudit.records.run import SHORT, Run
from runaudit.runs.regrown import Sources
from runaudit.runs.rows import noted
from runaudit.settings import Settings
from runaudit.store.bundlefile import is_bundle
from runaudit.store.catalogue import load_or_fault, run_ids
from runaudit.store.foreign import ForeignRecord, foreign_record, seal_foreign
from runaudit.store.forget import lies_here
from runaudit.store.store import Store
from runaudit.store.unbundle import check_agrees, left_out_of, read_bundle, take_back
from runaudit.system.clock import utc_text
from runaudit.system.files import refuse_special
from runaudit.system.progress import work
from runaudit.text.typed import typed_word
from runaudit.text.words import plural

Rows = tuple[dict[str, Any], ...]
"""What came in: id, source, label, and what its record does not say."""


def take(
    kind: str, paths: Sequence[Path], create: Callable[[], Store], settings: Settings, *, jobs: int | None = None
) -> tuple[Rows, list[Skipped]]:
    """The runs of these files. kind: what wrote them, or the first file itself, of a bundle. jobs: how many processes
    read, as `ImportSettings` has it. Raises UsageError where the kind is neither, or no file is named."""
    settings = replace(settings, imports=replace(settings.imports, jobs=jobs))
    refuse_special(Path(kind), "the bundle")
    if kind not in WORDS and Path(kind).is_file():
        kind, paths = BUNDLE, [Path(kind), *paths]
    if kind == AUTO and paths and all(path.is_file() and is_bundle(path) for path in paths):
        kind = BUNDLE
    if kind not in WORDS and not paths and Path(kind).is_dir():
        raise UsageError(
            f"{kind} is a folder, and what wrote the runs in it was not said",
            remedy=f"`runaudit import {AUTO} {typed_word(kind)}` finds out, or name the kind before it",
        )
    if kind not in WORDS and not paths:
        raise UsageError(
            f"there is no file {kind}, and no kind of run is called so",
            remedy=f"name the file of a bundle, or a kind and its files: {', '.join((AUTO, *KINDS))}",
        )
    if not paths:
        raise UsageError("no file is named", remedy=f"runaudit import {kind} PATH, or the file of a bundle alone")
    if kind == BUNDLE and settings.imports.typed:
        raise UsageError(
            "the runs of a bundle come back as they were sealed, and nothing can be added to them",
            remedy="leave --assume out, and state it under [import] assume in the policy",
        )
    return take_bundles(paths, create, settings) if kind == BUNDLE else take_in(kind, paths, create, settings)


def take_bundles(paths: Sequence[Path], create: Callable[[], Store], settings: Settings) -> tuple[Rows, list[Skipped]]:
    """The runs of bundles, back under the ids that they had. Every bundle is checked before one is kept."""
    checked = [read_bundle(path) for path in paths]
    store = create()
    check_agrees(store, checked)
    clean = Redactor(redaction_key(store.root)).text
    rows: list[dict[str, Any]] = []
    skipped: list[Skipped] = []
    for bundle in checked:
        gone = tuple(replace(row, what=clean(row.what), reason=clean(row.reason)) for row in bundle.forgotten)
        fresh = take_back(store, replace(bundle, forgotten=gone), called=clean(bundle.path.name))
        skipped += [Skipped(source=str(bundle.path), reason=f"the {row.subject} was {row.said} where the bundle comes "
                            f'from, and lies here: runaudit forget {row.digest} --reason "{row.reason}"')
                    for row in lies_here(store, gone)]  # fmt: skip
        skipped += [Skipped(source=str(bundle.path), reason=left_out_of(store, bundle, run))
                    for run in bundle.runs if run not in fresh]  # fmt: skip
        with work("reading", len(fresh), "runs") as advance:
            for run_id in fresh:
                run = load_or_fault(store, run_id, trajectory=False, is_hashed=False)
                rows.append(_row(run.manifest, str(bundle.path), run, settings))
                advance(1)
    return tuple(rows), skipped


BATCH = 256
"""Runs that are read before they are sealed, in one write: an import that is cut short has kept those before, and goes
on there."""
IN_POLICY = "state what you vouch for under [import] assume in the policy"


def take_in(
    kind: str, paths: Sequence[Path], create: Callable[[], Store], settings: Settings
) -> tuple[Rows, list[Skipped]]:
    """The runs that another tracker recorded, sealed, and those left out. A store is made where one came in. A file of
    records comes in whole or not at all; of a folder of runs, or of several paths, what is damaged is left out with
    its reason. Raises StoppedError where Ctrl-C ends it."""
    if kind not in (AUTO, *KINDS):
        raise UsageError(f"{kind!r} is not a kind of run", remedy=f"known are {', '.join(WORDS)}")
    rows: list[dict[str, Any]] = []
    skipped: list[Skipped] = []
    sealing: _Sealing | None = None
    try:
        for batch in _batches(_found(kind, paths, settings), None if kind == RECORD else BATCH):
            skipped += [one for one in batch if isinstance(one, Skipped)]
            if found := [one for one in batch if isinstance(one, Imported)]:
                sealing = sealing or _Sealing(create())
                taken = sealing.take(found, skipped)
                rows += [_row(manifest, entry.source, entry.run, settings)
                         | ({"repeats": True} if manifest.id in sealing.repeated else {})
                         for manifest, entry in taken]  # fmt: skip
    except KeyboardInterrupt as error:
        raise StoppedError(
            f"stopped when {plural(len(rows), 'run')} had come in, which are kept",
            remedy="the same command again brings in the rest",
        ) from error
    return tuple(rows), skipped


Found = Imported | Skipped


def _found(kind: str, paths: Sequence[Path], settings: Settings) -> Iterator[Found]:
    """Every run of every path. Of several, as a shell makes of `runs/*`, one that holds none is left out like a damaged
    run in a folder. Raises IntegrityError for a record that is not what was sealed."""
    with work("reading", None, "runs") as advance:
        for path in paths:
            try:
                for one in _at(path, kind, settings):
                    advance(1)
                    yield one
            except UsageError as error:
                if len(paths) == 1 or kind == RECORD:
                    raise
                yield Skipped(source=str(path), reason=error.message, broken=not isinstance(error, NoRunError))


def _at(path: Path, kind: str, settings: Settings) -> Iterator[Found]:
    from runaudit.importers.walk import runs_at

    refuse_special(path, "the record")
    for one in runs_at(path, kind, settings.imports):
        if isinstance(one, Imported):
            if one.run.fault:
                raise IntegrityError(f"{one.source} is not what was sealed: {one.run.fault}",
                                     remedy="ask for an untouched copy; nothing was imported")  # fmt: skip
            named = with_our_names(one.run, settings.series)
            # Whoever wrote the folder vouches for nothing here: only the user does.
            one = replace(one, run=stating(unstated(named), settings.imports.typed))
        yield one


def _batches(found: Iterator[Found], size: int | None) -> Iterator[list[Found]]:
    while batch := list(islice(found, size)):
        yield batch


class _Sealing:
    """Puts runs into a store, each once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known, self._ended = set(run_ids(store)), set(store.endings())
        self._clean = Cleaning(store)
        self._sources = Sources(store, self._known)
        self._series: set[str] = set()
        self.repeated: set[str] = set()
        """The runs that came in with the very series of another one, which each of them may be a copy of."""

    def take(self, found: Sequence[Imported], skipped: list[Skipped]) -> list[tuple[Manifest, Imported]]:
        """What is new of these, sealed; what was there already goes to `skipped`. A run that is there without its end,
        which an import that was killed in between leaves, is made whole."""
        sealed: list[tuple[ForeignRecord, Imported, bool]] = []
        there: list[Manifest] = []
        clean = self._clean.runs([entry.run for entry in found])
        for entry in (replace(entry, run=run) for entry, run in zip(found, clean, strict=True)):
            record = foreign_record(entry.run)
            why = self._is_there(record.manifest, entry.run)
            known = self._sources.known_of(entry.run) if why is None else ()
            if why is None and (run := self._sources.begun_elsewhere(entry.run, known)) is not entry.run:
                entry = replace(entry, run=run)
                record = foreign_record(run)
                why = self._is_there(record.manifest, run)
            if why is None and (run := self._sources.contradicted(entry.run, known)) is not entry.run:
                entry = replace(entry, run=run)
                record = foreign_record(run)
            manifest = record.manifest
            if why is not None:
                skipped.append(Skipped(source=entry.source, reason=why))
                there += [manifest] if manifest.id in self._known else []
                continue
            sealed.append((record, entry, manifest.id in self._known))
            self._notice(record)
            self._sources.know(manifest)
            self._known.add(manifest.id)
            self._ended.add(str(manifest.digest))
        now = utc_text(time.time())
        if sealed:
            seal_foreign(self._store, ((record, is_known) for record, _, is_known in sealed), time=now)
        for manifest in (*there, *(record.manifest for record, *_ in sealed)):
            self._sources.settle(manifest, time=now)
        self.repeated -= self._sources.outgrowing  # What stands in the place of a record repeats it, and is no copy.
        return [(record.manifest, entry) for record, entry, _ in sealed]

    def _notice(self, record: ForeignRecord) -> None:
        """Remember the series of a run, and whether another one has the same to the last bit, numbers enough that this
        is no chance. One record stands for one launch of which the other may be a copy: nothing in them tells."""
        if not record.series:
            return
        digest = digest_bytes(record.series)
        is_known = str(digest) in self._series or os.path.lexists(self._store.object_path(digest))
        self._series.add(str(digest))
        if is_known and record.manifest.id not in self._known and Results(record.run).says_enough:
            self.repeated.add(record.manifest.id)

    def _is_there(self, manifest: Manifest, run: Run) -> str | None:
        """Why a run is left out, where the store holds it already, whole."""
        same = self._sources.same_as(manifest, run) or self._unstated(run)
        if same is not None and same != manifest.id:
            # One launch is one record: who vouches for it later says so where every answer shows it as well.
            how = f", and a sealed record stays as it is: {IN_POLICY}" if sealed_words(run) else ""
            return f"already imported as {same[:SHORT]}{how}"
        if manifest.id in self._known and (run.outcome is None or str(manifest.digest) in self._ended):
            return f"already imported as {manifest.id[:SHORT]}"
        fuller = self._sources.told_by(run, manifest)
        return None if fuller is None else f"already imported as {fuller[:SHORT]}, which says all of it, and more"

    def _unstated(self, run: Run) -> str | None:
        """The record of this run for which nobody vouched, where the store has it."""
        plain = foreign_record(unstated(run)).manifest.id if sealed_words(run) else None
        return plain if plain in self._known else None


def _row(manifest: Manifest, source: str, run: Run, settings: Settings) -> dict[str, Any]:
    missing, kind = _missing(run, settings), str(manifest.section("origin").get("kind"))
    row = {"id": manifest.id, "source": source, "label": manifest.label, "missing": missing, "kind": kind,
           "grade": grade_of(missing)}  # fmt: skip
    row |= {"note": note} if (note := noted(run)) else {}
    return row | ({"assumed": list(words)} if (words := sealed_words(run)) else {})


def _missing(run: Run, settings: Settings) -> list[str]:
    """What could have mattered and is not in the record."""
    found = set(gaps(levels(run, settings.factors), settings.factors))
    if not run.manifest.is_captured:  # Of a run that we recorded, NaN is what it came to.
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
