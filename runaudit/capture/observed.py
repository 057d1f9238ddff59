"""What a run was seen to use, sealed with its outcome: the trace of its processes as two sections of the record.

`observed` says what was read, written, looked up, imported, seeded and started; `code` which source files ran, which of
them changed meanwhile, and the contents of those that the manifest does not hold. Secrets are replaced like everywhere.
"""

import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runaudit.capture.assigned import is_settings
from runaudit.capture.contents import Content, Contents
from runaudit.capture.folding import Found, files_of, rows
from runaudit.capture.listed import listings
from runaudit.capture.outputs import Outputs, stamp_of
from runaudit.capture.reads import OBSERVER, Places, Use, is_read_back, uses
from runaudit.capture.redact import Redactor
from runaudit.capture.source import Basket, Limits
from runaudit.capture.trackerstore import is_bookkeeping
from runaudit.errors import CaptureError
from runaudit.observe.gaps import is_trackers
from runaudit.observe.trace import Read, Trace
from runaudit.records.canonical import JSON
from runaudit.records.digest import digest_bytes, digest_file
from runaudit.records.filenames import legible
from runaudit.records.manifest import Manifest
from runaudit.store.kept import KEY_FILE
from runaudit.store.store import Store
from runaudit.system.files import read_ordinary

MAX_TEXTS = 200
MAX_WRITTEN = 20_000
SMALL_OUTPUT = 4 << 20
"""Of a file up to this size that the run left, the digest is told too."""
MACHINERY = ("from multiprocessing.", "import multiprocessing.")
"""How the standard library starts its workers: a text with the numbers of two pipes, and no code of the program."""
MERGING = ("/site-packages/transformers/trainer_pt_utils.py",)
"""Library files whose reading of a file that they write anew is no input: `Trainer.save_metrics` puts its numbers into
`all_results.json` beside those that lie there, and gives them to nobody."""
UNOBSERVED = "no process of the command could be observed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The two sections of an outcome that a trace fills, and what has to be said about it."""

    observed: dict[str, JSON]
    code: dict[str, JSON]


def observe_outcome(
    trace: Trace, manifest: Manifest, store: Store, redactor: Redactor, *, now: float | None = None
) -> Observation:
    """Seal-ready sections from what was seen of one run. Contents of code go into the store.

    Whatever goes wrong here, the outcome is sealed: a run whose trace cannot be told is a run nobody saw.
    """
    try:
        found = _Sealing(trace, manifest, store, redactor, time.time() if now is None else now).sections()
    except Exception as error:
        reason = redactor.text(f"what was observed could not be sealed: {type(error).__name__}: {error}")
        empty: dict[str, JSON] = {"level": "none", "reason": reason, "reasons": [reason]}
        empty |= {name: [] for name in ("read", "written", "seeded", "children", "texts")}
        empty |= {"looked_up": {}, "imported": {}}
        return Observation(observed=empty, code={"loaded": [], "changed": []})
    if redactor.leaks(found.observed):
        return replace(found, observed=redactor.tree(found.observed))
    return found


class _Sealing:
    """One trace while it becomes sections of a record."""

    def __init__(self, trace: Trace, manifest: Manifest, store: Store, redactor: Redactor, now: float) -> None:
        launch = manifest.section("launch")
        self.trace, self.manifest, self.store, self.redactor = trace, manifest, store, redactor
        self.top = Path(str(launch.get("top") or launch.get("cwd") or "."))
        own = (OBSERVER, *_internal(store, manifest))
        script = launch.get("script")
        self.places = Places(trace, top=self.top, own=own, script=str(self.top / script) if script else None)
        self.contents = Contents(store.root / "cache", started_ns=started_ns(manifest), now_ns=int(now * 1e9))
        self.declared = _Declared(manifest, self.top)
        self.sealed = {path: entry for path, entry in sealed_files(manifest.section("code"))
                       if entry.get("mode") != "120000"}  # fmt: skip
        self.siblings = {f"{place}{os.sep}": name for name, place in (launch.get("siblings") or {}).items()}
        self.basket = Basket(limits=Limits(), redactor=redactor)
        self.changed: list[JSON] = []
        self.late: dict[str, JSON] = {}

    def sections(self) -> Observation:
        used = uses(self.trace, self.places)
        observed = self._facts()
        observed["imported"] = dict(used.imported)
        observed["read"] = self._read(used.files)
        outputs = Outputs(self.store, self.top)
        observed |= listings(self.trace, self.places, outputs, declared=self.declared.dataset)
        observed["texts"] = list(self._texts())
        loaded = sorted({name for use in used.files if use.read.executed and (name := self._loaded_name(use.path))})
        self.basket.store(self.store.put, has=self.store.keeps)
        self.contents.remember()
        code: dict[str, JSON] = {"loaded": loaded, "changed": self.changed}
        return Observation(observed=observed, code=code | ({"files": self.late} if self.late else {}))

    # ── the process, what it looked up, started and wrote ────────────────────────────────────────────────────────

    def _facts(self) -> dict[str, JSON]:
        trace = self.trace
        reasons = list(dict.fromkeys(map(self.redactor.text, map(legible, trace.partial))))
        if not trace.observed and not reasons:
            reasons = [UNOBSERVED]
        facts: dict[str, JSON] = {
            "level": trace.level, "reason": "; ".join(reasons) or None, "reasons": reasons,
            "written": list(self._written()), "looked_up": self._looked_up(),
            "seeded": [self._seeding(one) for one in trace.seeded if not self.places.is_library(one.file)],
            "children": self._children(),
        }  # fmt: skip
        if trace.processes:
            first = trace.processes[0]
            facts |= {
                "argv": self.redactor.argv([legible(word) for word in first.argv]),
                "executable": legible(first.executable), "flags": list(first.flags), "python": first.version,
                "cwd": legible(first.cwd),
            }  # fmt: skip
        return facts

    def _looked_up(self) -> dict[str, JSON]:
        """What the project's own code asked of the environment; libraries' settings are recorded by their names."""
        found: dict[str, JSON] = {}
        for one in self.trace.lookups:
            if one.name in found or one.name.startswith("RUNAUDIT_") or not self.places.is_project(one.by):
                continue
            value = None if one.value is None else legible(one.value)
            found[legible(one.name)] = self.redactor.tree(value, name=one.name)
        return dict(sorted(found.items()))

    def _seeding(self, one: Any) -> dict[str, JSON]:
        value = one.value if one.value is None or isinstance(one.value, int | float | str) else str(one.value)
        where = f"{legible(self.places.name(one.file))}:{one.line}" if one.file else ""
        return {"call": one.call, "value": value, "where": where}

    def _children(self) -> list[JSON]:
        found: dict[str, JSON] = {}
        for child in self.trace.children:
            argv = self.redactor.argv([legible(word) for word in child.argv])
            found.setdefault(repr((argv, child.seen)), {"argv": argv, "seen": child.seen})
        return list(found.values())[:MAX_TEXTS]

    def _written(self) -> Iterator[dict[str, JSON]]:
        """The files that the run left: the stamp by which the next run knows that they are still its outputs, and of
        small ones what they hold, since a run that finds a cache and one that makes it used the same."""
        for path in sorted(self.trace.written)[:MAX_WRITTEN]:
            if self.places.ignored(path):
                continue
            try:
                facts = os.lstat(path)
                if stat.S_ISDIR(facts.st_mode):
                    continue
                row: dict[str, JSON] = {"path": legible(self.places.name(path))}
                if (read := self.trace.reads.get(path)) and is_read_back(read, self.places):
                    row["read_back"] = True  # What another run writes there meanwhile, it went on with.
                if self.places.inside(path):
                    row["stamp"] = stamp_of(facts)
                if stat.S_ISREG(facts.st_mode) and facts.st_size <= SMALL_OUTPUT:
                    row["digest"] = str(digest_file(Path(path)))
            except OSError:
                continue
            yield row

    def _texts(self) -> Iterator[dict[str, JSON]]:
        """Code without a file, redacted, in the store. What a library compiles for itself follows from its version."""
        seen: set[str] = set()
        for text in self.trace.texts:
            if len(seen) >= MAX_TEXTS:
                return
            if self.places.is_library(text.by) or text.source.startswith(MACHINERY):
                continue
            data, _ = self.redactor.data(text.source.encode("utf-8", "surrogateescape"), "text.py")
            digest = str(self.basket.keep(data))
            if digest not in seen:
                seen.add(digest)
                yield {"name": legible(text.name), "digest": digest}

    # ── what it read ─────────────────────────────────────────────────────────────────────────────────────────────

    def _read(self, files: Iterable[Use]) -> list[JSON]:
        found: list[Found] = []
        totals: dict[str, tuple[int, int]] = {}
        for use in files:
            if self._of_trackers(use.read):
                continue
            if (name := self.declared.dataset(use.path)) is not None and not use.read.executed:
                count, size = totals.get(name, (0, 0))
                totals[name] = (count + 1, size)
                continue
            try:
                found += self._found(use)
            except (CaptureError, OSError) as error:
                content = Content(digest=None, reason=f"it could not be recorded: {error}")
                found.append(self._entry(use, use.path, content))
        return [*self._of_datasets(totals), *rows(found)]

    def _of_trackers(self, read: Read) -> bool:
        """Whether a file was made while the run ran, for a tracker's own use: its service's port, its lock (a service
        that the tracker started is not seen to write it); is what it keeps of its store and tells nobody; or is the
        ledger of all runs, in which this one wrote."""
        if read.path in self.trace.ledgers or (read.through.endswith(MERGING) and read.path in self.trace.written):
            return True
        if not is_trackers(read.through or read.by) or read.executed:
            return False
        if is_bookkeeping(read):
            return True
        try:
            return self.contents.moved(os.stat(read.path))  # noqa: PTH116  (thousands of texts)
        except OSError:
            return self.trace.lies_in_made(read.path)

    def _of_datasets(self, totals: Mapping[str, tuple[int, int]]) -> Iterator[dict[str, JSON]]:
        """What was read of a declared dataset narrows nothing: it is judged as it was declared, and told here."""
        for name, (count, _) in sorted(totals.items()):
            entry = self.manifest.section("data")[name]
            path = self.places.name(str(entry["path"]))
            single = entry.get("files") == 1 and not os.path.isdir(str(entry["path"]))  # noqa: PTH112  (a text)
            yield {
                "path": path if single else f"{path}/", "digest": entry.get("digest"), "size": entry.get("bytes"),
                "role": "data", "files": count, "declared": f"data.{name}",
            }  # fmt: skip

    def _found(self, use: Use) -> Iterator[Found]:
        if use.read.folder:
            for path in sorted(files_of(use.path)):
                if path not in self.trace.written:
                    yield self._entry(use, path, self.contents.of(path), folder=use.path)
        elif use.role == "code" or (use.role == "config" and _is_small(use.path)):
            yield self._entry(use, use.path, self._source(use))
        elif use.role == "config":
            # Annotations of a million boxes are JSON too, and nobody's settings.
            yield self._entry(replace(use, role="data"), use.path, self._content(use))
        else:
            yield self._entry(use, use.path, self._content(use))

    def _entry(self, use: Use, path: str, content: Content, folder: str = "") -> Found:
        declared = self.declared.other(path, use.role, content.digest)

        def row(place: str, what: Content, files: int) -> dict[str, JSON]:
            made: dict[str, JSON] = {
                "path": legible(self.places.name(place)), "digest": what.digest, "size": what.size, "role": use.role,
            }  # fmt: skip
            if files:
                made["files"] = files
            if declared:
                made["declared"] = declared
            if use.library:
                made["by"] = "library"
            if what.redacted:
                made["redacted"] = True
            if what.digest is None:
                made["reason"] = what.reason or "it is not known what it held"
            return made

        return Found(path=path, content=content, group=(use.role, use.library, declared, folder), row=row)

    def _content(self, use: Use) -> Content:
        before = use.read.before
        if before:
            return Content(digest=before)
        if before is None:
            return Content(digest=None, reason="the run wrote over it, and what it held before was not kept")
        found = self.contents.of(use.path, made=use.path in self.trace.written)
        found = self.contents.of(use.path, made=True) if found.moved and self._as_sealed(use.path) else found
        return self._but_secrets(use.path, found) if found.digest is not None and is_settings(use.path) else found

    def _but_secrets(self, path: str, found: Content) -> Content:
        """A file of settings that is kept for its secrets, by all that it says besides: which key opened a door chose
        nothing behind it, and a digest of the whole could be guessed from."""
        if (found.size or 0) > SMALL_OUTPUT:
            return found
        rest = self.redactor.rest(read_ordinary(path), path)
        return found if rest is None else replace(found, digest=str(digest_bytes(rest)), redacted=True)

    def _as_sealed(self, path: str) -> bool:
        """Whether a file holds what was sealed before the start: then its time says nothing. (`rerun` restores the
        files a few milliseconds before, within the tick of a file system's clock.)"""
        sealed = self.sealed.get(self._sealed_name(path))
        entry = self._kept(path, sealed) if sealed is not None else None
        return sealed is not None and entry is not None and entry["digest"] == sealed["digest"]

    def _source(self, use: Use) -> Content:
        """A source file: its content goes into the store, secrets replaced, where the manifest does not hold it."""
        if use.read.before != "" or not os.path.exists(use.path):  # noqa: PTH110  (thousands of texts)
            return self._content(use)
        name = self._sealed_name(use.path)
        sealed = self.sealed.get(name)
        before = None if sealed is None else str(sealed["digest"])
        plain = self.contents.of(use.path)
        if plain.digest is None and before is None:
            return plain
        entry = self._kept(use.path, sealed)
        after = entry["digest"] if entry else None
        if before is None:
            if entry is None:
                return plain
            self.late[name] = dict(entry)
            return Content(digest=str(after), size=int(entry["size"]))
        if before != after:
            if use.read.executed:
                self.changed.append({"path": name, "before": before, "after": after})
            return Content(digest=None, size=plain.size, reason="it changed while the run ran")
        return Content(digest=str(before), size=plain.size)

    def _kept(self, path: str, sealed: Mapping[str, Any] | None) -> dict[str, Any] | None:
        basket = self.basket if sealed is None else Basket(limits=Limits(), redactor=self.redactor)
        entry = basket.entry(Path(path), path, tracked=False, sealed=sealed)
        # A link is recorded as what it leads to: that is what was read.
        return (
            basket.entry(Path(path).resolve(), path, tracked=False, sealed=sealed)
            if entry and entry.get("mode") == "120000"
            else entry
        )

    def _sealed_name(self, path: str) -> str:
        for place, name in self.siblings.items():
            if path.startswith(place):
                return f"{name}/{legible(path[len(place) :])}"
        return legible(self.places.name(path))

    def _loaded_name(self, path: str) -> str | None:
        """The name under which the record lists a file that ran; None outside of the tree and its siblings."""
        name = self._sealed_name(path)
        return None if name.startswith("/") or self.places.installed.site(path) is not None else name


class _Declared:
    """What the launch said it would use."""

    def __init__(self, manifest: Manifest, top: Path) -> None:
        self._data: dict[str, str] = {}
        for name, entry in manifest.section("data").items():
            path = entry.get("path") if isinstance(entry, Mapping) else None
            if path and Path(str(path)).is_absolute() and entry.get("digest"):
                for place in (os.path.normpath(str(path)), os.path.realpath(str(path))):
                    self._data.setdefault(place, str(name))
        files = manifest.section("launch").get("config_files") or ()
        self._config = {os.path.normpath(top / str(path)) for path in files}
        self._init = manifest.section("init").get("checkpoint")

    def dataset(self, path: str) -> str | None:
        """The declared dataset that a file belongs to."""
        if not self._data:
            return None
        folder = path
        while folder not in self._data:
            above = os.path.dirname(folder)  # noqa: PTH120  (thousands of texts)
            if above == folder:
                return None
            folder = above
        return self._data[folder]

    def other(self, path: str, role: str, digest: str | None) -> str | None:
        """Whether a file is the declared checkpoint or configuration."""
        if digest is not None and digest == self._init and role in ("weights", "data"):
            return "init.checkpoint"
        return "config" if path in self._config else None


def _internal(store: Store, manifest: Manifest) -> tuple[Path, ...]:
    """What the store keeps for itself, and this run's own folder; another run's checkpoint is an input like any."""
    root = store.root.absolute()
    inner = ("objects", "live", "cache", "aside", "tmp", "log.jsonl", "log.end", "store.json", KEY_FILE, ".gitignore")
    return (*(root / name for name in inner), store.run_dir(manifest.id).absolute())


def sealed_files(code: Mapping[str, JSON], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Path -> entry of a code section, submodules and siblings included."""
    for path, entry in (code.get("files") or {}).items():
        yield prefix + path, entry
    for group in ("submodules", "siblings"):
        for path, inner in (code.get(group) or {}).items():
            yield from sealed_files(inner, f"{prefix}{path}/")


def _is_small(path: str) -> bool:
    try:
        return os.stat(path).st_size <= Limits().text  # noqa: PTH116  (thousands of texts)
    except OSError:
        return True


def started_ns(manifest: Manifest) -> int:
    """When the launch began to be captured; 0 where the record does not say."""
    return int((manifest.began or 0.0) * 1e9)
