"""What a store tells a remote of its runs: the lines of its log about each, and which contents and files they need."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runaudit.errors import IntegrityError
from runaudit.records.digest import Digest, digest_within
from runaudit.records.outcome import Outcome
from runaudit.records.run import SHORT
from runaudit.remote.layout import Told
from runaudit.runs.index import cohort_ids
from runaudit.settings import Settings
from runaudit.store.bundle import files_of, lines_about
from runaudit.store.catalogue import load_or_fault
from runaudit.store.kinds import ARCHIVE, ENDINGS, MANIFEST, RECORDS, UNARCHIVE
from runaudit.store.lanes import own_lane
from runaudit.store.line import LogEntry
from runaudit.store.rehash import stored_links, text_links
from runaudit.store.removed import Place, Removed, removed_files, told_row
from runaudit.store.store import Store
from runaudit.store.tombstone import Forgotten, told_elsewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a run needs at a remote: contents of the store, and files of its folder with their digests."""

    objects: tuple[Digest, ...]
    files: Mapping[str, str]


class Teller:
    """Tells of the runs of a store as its log stands now, read once. Raises IntegrityError where it is damaged."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._lines: dict[str, list[LogEntry]] = {}
        for entry, about in lines_about(store):
            for run in about:
                self._lines.setdefault(run, []).append(entry)
        self._gone = store.forgotten()
        self._away: Mapping[Place, Removed] = removed_files(store)
        self._by_run: dict[str, list[Removed]] = {}
        for (run, _), row in self._away.items():
            self._by_run.setdefault(run, []).append(row)
        self._cohorts: Mapping[str, str] | None = None

    def plain(self, run: str) -> Told:
        """What the log says of a run, without what is shown of it: enough to know whether it was told before."""
        lines = self._lines.get(run, [])
        return Told(
            run=run,
            log=[{"kind": entry.kind, "digest": str(entry.digest), "subject": entry.subject, "time": entry.time}
                 for entry in lines],
            forgotten=[told_elsewhere(row) for row in self._forgotten(run, lines)],
            removed=[told_row(row) for row in self._by_run.get(run, ())],
            store=own_lane(self._store),
        )  # fmt: skip

    def whole(self, plain: Told) -> Told:
        """The same with what `list --remote` shows of it."""
        if self._cohorts is None:
            self._cohorts = cohort_ids(self._store, self._settings)
        run = load_or_fault(self._store, plain.run, trajectory=False, is_hashed=False, generations=0)
        if run.fault:
            raise IntegrityError(run.fault, remedy="`runaudit verify` lists all that is damaged")
        launched = next((line["time"] for line in plain.log if line["kind"] == MANIFEST), "")
        seed = run.manifest.body.get("seed")
        said = [line["kind"] for line in plain.log if line["kind"] in (ARCHIVE, UNARCHIVE)]
        row: dict[str, Any] = {
            "label": run.label, "seed": seed if isinstance(seed, int | str | None) else None, "status": run.status,
            "launched": launched, "cohort": self._cohorts.get(plain.run, ""), "archived": said[-1:] == [ARCHIVE],
        }  # fmt: skip
        return Told(run=plain.run, log=plain.log, forgotten=plain.forgotten, removed=plain.removed, row=row,
                    store=plain.store)  # fmt: skip

    def _forgotten(self, run: str, lines: Sequence[LogEntry]) -> Iterator[Forgotten]:
        """What of a run was forgotten: records, what they name, and what went with a record that is gone."""
        if not self._gone:
            return
        named = {str(digest) for entry in lines for digest in self._named(entry)}
        for row in self._gone.values():
            if row.digest in named or (row.run == run and self._lost(lines)):
                yield row

    def _lost(self, lines: Sequence[LogEntry]) -> bool:
        return any(str(entry.digest) in self._gone for entry in lines if entry.kind in RECORDS)

    def _named(self, entry: LogEntry) -> Iterator[Digest]:
        yield entry.digest
        if entry.kind in RECORDS and str(entry.digest) not in self._gone:
            body = json.loads(self._store.read(entry.digest))
            yield from (digest for _, digest in stored_links(body))
            # A text without a file was kept where there was room for it.
            yield from (digest for _, digest in text_links(body) if self._store.has(digest))

    def needs(self, run: str) -> Needs:
        """What a run needs. Raises IntegrityError where one of its records is not as it was sealed, or names a file
        outside of its folder."""
        objects: dict[Digest, None] = {}
        files: dict[str, str] = {}
        for entry in self._lines.get(run, []):
            objects |= dict.fromkeys(digest for digest in self._named(entry) if str(digest) not in self._gone)
            if entry.kind in ENDINGS and str(entry.digest) not in self._gone:
                named = files_of(Outcome.from_bytes(self._store.read(entry.digest), where=entry.kind))
                files |= {path: digest for path, digest in named.items() if not self._made_room(run, path)}
        return Needs(objects=tuple(objects), files=files)

    def _made_room(self, run: str, path: str) -> bool:
        return (run, path) in self._away and not (self._store.run_dir(run) / path).exists()


def sealed_file(store: Store, run: str, path: str, digest: str) -> Path:
    """The file of a run's folder, held against the digest it was sealed with. Raises IntegrityError."""
    place = store.run_dir(run) / path
    try:
        found = str(digest_within(place, store.run_dir(run)))
    except OSError as error:
        raise IntegrityError(f"{path} of run {run[:SHORT]} {error.strerror or error}") from error
    if found != digest:
        raise IntegrityError(f"{path} of run {run[:SHORT]} does not match its digest")
    return place


def open_runs(store: Store, ids: Sequence[str]) -> tuple[str, ...]:
    """Those of these runs that were started here and have no sealed end."""
    ends, gone = store.endings(), store.forgotten()
    return tuple(run for run in ids if (name := f"sha256:{run}") not in ends and name not in gone
                 and store.live_dir(run).is_dir())  # fmt: skip
