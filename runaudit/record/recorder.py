"""`record()`: seal what goes in, log while it runs, seal what came out. The one object a training loop holds.

A run that another process has sealed (`runaudit run`) is adopted, not launched a second time: then the program says how
it ended and the wrapper, which sees the exit code, seals the outcome. Under a launcher of several processes rank 0
writes and every other rank holds a recorder that keeps silent.
"""

import atexit
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from runaudit.capture.draft import ABSENT, LaunchRequest, draft_manifest, open_store, redactor_of, seal
from runaudit.capture.rng import proof
from runaudit.errors import RunauditError, UsageError
from runaudit.observe.here import attached, is_observed, run_ended, unobserved
from runaudit.record.files import brought_in, refuse_foreign
from runaudit.record.finishing import AGAIN, WatchedConfig, change_note, loaded_here, seal_own, was_told_an_end
from runaudit.record.ledger import claim
from runaudit.record.order import in_either_order
from runaudit.record.outcome import end_mirrors, ending_of, run_of
from runaudit.record.recording import Recording, Silent, check_status, differing, digest_of_all, inner_files, rank_of
from runaudit.record.series import Keeper, Series
from runaudit.record.sigterm import SigtermUnwinds
from runaudit.record.sink import Mirror, Sink, remarks
from runaudit.record.telling import tell
from runaudit.records.canonical import JSON
from runaudit.records.digest import Digest, digest_file
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.runs.follow import bring_index_along
from runaudit.runs.parent import known_init
from runaudit.store.catalogue import SERIES
from runaudit.store.held import HeldStore
from runaudit.store.place import find_store
from runaudit.store.store import Store

if TYPE_CHECKING:
    from runaudit.record.vigil import Watch

Admit = Callable[[Manifest, Store], Manifest]
"""Judges a draft: returns it, perhaps with waivers added, or raises GuardRefusedError."""

_current: Recording | None = None


def record(
    label: str | None = None,
    *,
    seed: Any = ABSENT,
    config: Any = ABSENT,
    data: Mapping[str, Any] | None = None,
    init: str | Mapping[str, JSON] | None = None,
    evaluation: Mapping[str, JSON] | None = None,
    intent: Sequence[str] = (),
    waivers: Sequence[Mapping[str, JSON]] = (),
    store: Store | Path | str | None = None,
    root: Path | None = None,
    sinks: Sequence[Sink] = (),
    health: str | Sequence[str] | None = None,
    admit: Admit | None = None,
    environ: Mapping[str, str] | None = None,
    **more: Any,
) -> Recording:
    """Seal a launch and return its recorder; or adopt the launch that `runaudit run` sealed for this process.

    health: what is done while it runs about what its curves show to be wrong: `warn`, `keep` (the last checkpoint from
    before it), `stop` (at a critical finding `log` raises StoppedByRule), or several with commas; sealed with it.
    `more` are further fields of `LaunchRequest`. Raises CaptureError, UsageError, GuardRefusedError before any work is
    done, StoreError where the store cannot be written.

    >>> import runaudit
    >>> with runaudit.record("recorded", seed=5, config={"lr": 0.1}) as run:
    ...     outcome = run.finish("completed", metrics={"val/error": 0.2})
    >>> runaudit.open_store().run("recorded").status
    'completed'
    """
    environ = os.environ if environ is None else environ
    root = Path.cwd() if root is None else root
    if rank_of(environ) != 0:
        return _made_current(Silent())
    given = {"seed": seed, "config": config, "data": data or {}, "evaluation": evaluation, "intent": tuple(intent),
             "waivers": tuple(waivers), **more}  # fmt: skip
    if (found := run_of(environ)) is not None:
        adopted = Recorder(*found, owns=False, sinks=sinks, root=root)
        adopted.compare_with_sealed(label=label, seed=seed)
        if was_told_an_end(*found):
            adopted.note(AGAIN)
        adopted.declare(**given, init=init)
        return _made_current(adopted)
    given = given if health is None else _looked_after(given, health)
    place = store if isinstance(store, Store) else _opened(store, root, environ)
    request = LaunchRequest(label=label, root=root, is_own=True, init=known_init(init, place), **given)
    with unobserved():
        held = HeldStore(place)
        draft = draft_manifest(request, held, environ=environ)
        manifest = seal(held, admit(draft, held) if admit else draft, environ=environ)
    made = Recorder(place, manifest, owns=True, sinks=sinks, root=root)
    made.watch_config(config)
    return _made_current(made)


def _opened(store: Path | str | None, root: Path, environ: Mapping[str, str]) -> Store:
    named = None if store is None else Path(store)
    return open_store(find_store(root.absolute(), environ=environ, named=named))


def _looked_after(fields: Mapping[str, Any], health: str | Sequence[str]) -> dict[str, Any]:
    from runaudit.record.vigil import looked_after  # Rules on curves: most runs are looked at later.

    return looked_after(fields, health)


_unheard = False
"""Whether the run that a wrapper started could not be found by this process, which was then told."""


def _adopted() -> Recording | None:
    """The run that `runaudit run` started; None, and a warning once, where it is beyond reach: the store was moved,
    say. The program did nothing wrong, so its training neither ends nor fails because of that."""
    global _unheard
    if _unheard:
        return None
    try:
        return record()
    except (RunauditError, OSError) as error:
        _unheard = True
        from runaudit.voice.saying import hint, printable  # Who logs has nothing to say but this.

        hint(f"runaudit: nothing that this program logs is kept: {printable(str(error))}")
        return None


@in_either_order
def log(step: int, values: Mapping[str, Any]) -> None:
    """Log to the run in progress: the last `record()` of this process, else the one `runaudit run` started; where that
    one cannot be reached any more, a warning is all that comes of it.

    Raises UsageError where there is neither.

    >>> import runaudit
    >>> with runaudit.record("logged", seed=6, config={"lr": 0.1}) as run:
    ...     runaudit.log(0, {"train/loss": 0.5})
    ...     outcome = run.finish("completed")
    >>> runaudit.open_store().run("logged").trajectory.series["train/loss"]
    ((0, 0.5),)
    """
    if (recorder := in_progress()) is None:
        if not os.environ.get("RUNAUDIT_RUN"):
            raise UsageError(
                "no run is in progress", remedy="call runaudit.record(…), or start with `runaudit run -- CMD`"
            )
        if (recorder := _adopted()) is None:
            return
    recorder.log(step, values)


def in_progress() -> Recording | None:
    """The run that this process records now: that of its last `record()`, until its end is told."""
    return None if _current is None or _current.finished else _current


def _made_current(recorder: Recording) -> Recording:
    global _current
    _current = recorder
    return recorder


class Recorder:
    """A run in progress. A context manager: an exception is a crash, an interrupt or SIGTERM a kill."""

    def __init__(
        self,
        store: Store,
        manifest: Manifest,
        *,
        owns: bool = True,
        sinks: Sequence[Sink] = (),
        root: Path | None = None,
    ) -> None:
        self.store = store
        self.manifest = manifest
        self.owns = owns
        self.finished = False
        self.outcome: Outcome | None = None
        self._root = root or Path.cwd()
        self._pid = os.getpid()
        self._live = store.live_dir(manifest.id)
        self._series = Series(self._live / SERIES)
        self._keeper = Keeper(self._live, self._series, beats=owns)
        self._keeper.start()
        self._redactor = redactor_of(store, environ=os.environ, manifest=manifest)
        self._rng: dict[str, str] = {}
        self._names: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._lock = threading.RLock()
        self._config = WatchedConfig(ABSENT, self._redactor)
        self._traced = attached(self._live) if owns else False
        self._watch = self._watched()
        self._mirrors = tuple(self._started(sink) for sink in sinks)
        atexit.register(self._at_exit)
        self._sigterm = SigtermUnwinds()

    @property
    def id(self) -> str:
        """The run's whole id."""
        return self.manifest.id

    @property
    def run_dir(self) -> Path:
        """The run's own folder: what is written there can be recorded without a copy."""
        return self.store.run_dir(self.id)

    # ── while it runs ────────────────────────────────────────────────────────────────────────────────────────────

    @in_either_order
    def log(self, step: int, values: Mapping[str, Any]) -> None:
        """Log the values of one step: numbers, numpy scalars, tensors of one element. Safe from SIGKILL on return."""
        values = self._named(values)
        self._series.log(step, values, time.time())
        if self._watch is not None:
            self._watch.check()
        if self._mirrors:
            numbers = {name: float(value) for name, value in values.items()}
            for mirror in self._mirrors:
                mirror.log(step, numbers)

    def _named(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The values under names without secrets; looked at once for each set of names."""
        names = tuple(values)
        if (clean := self._names.get(names)) is None:
            clean = self._names[names] = tuple(map(self._redactor.text, names))
        return values if clean == names else dict(zip(clean, values.values(), strict=True))

    def event(self, step: int, kind: str, detail: Mapping[str, Any] | None = None) -> None:
        """Log a moment that starts a new segment: a stage begins, a run resumes."""
        self._series.event(step, self._redactor.text(kind), self._redactor.tree(dict(detail or {})), time.time())

    def checkpoint(
        self, path: Path | str, *, step: int, kind: str = "checkpoint", score: Mapping[str, float] | None = None
    ) -> Digest:
        """Record a checkpoint by digest; one that lies outside the run's folder is copied in. Returns the digest."""
        refuse_foreign(self.run_dir, Path(path), self._root, self.manifest)
        more = {"score": dict(self._named(score))} if score else {}
        digest = self._file("checkpoint", Path(path), kind, step, **more)
        if self._watch is not None:
            self._watch.hold(Path(path), step, self.run_dir)
        return digest

    def artifact(self, path: Path | str, kind: str = "file", *, about: str = "") -> Digest:
        """Record any other file the run leaves. about: how it was made, for whoever looks at it."""
        more = {"about": self._redactor.said(about)} if about else {}
        return self._file("artifact", Path(path), kind, None, **more)

    def prove_seed(self, *, rng: Any = None, init: Any = None, first_batch: Any = None) -> None:
        """Record digests that show the seed acted: generator states after seeding, initial weights, first sample ids.

        Each is a digest, bytes, or anything with a canonical form; `rng` may be the mapping `rng_digests()` gives.
        """
        given = {"rng": rng, "init": init, "first_batch": first_batch}
        claim(
            self._live, "seed_proof", proof={name: proof(value) for name, value in given.items() if value is not None}
        )

    def note(self, text: str) -> None:
        """A remark for the outcome."""
        claim(self._live, "note", text=self._redactor.said(text))

    # ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────

    def finish(
        self, status: str = "completed", *, metrics: Mapping[str, float] | None = None, error: str | None = None
    ) -> Outcome | None:
        """Seal the outcome and return it; of an adopted run only say how it ended (None: the wrapper seals).

        A second call changes nothing. Raises UsageError for an unknown status.
        """
        check_status(status)
        with self._lock:
            if self.finished:
                return self.outcome
            self.finished = self._sigterm.is_sealing = True
            self._end(status, metrics, error)
        self._sigterm.obey_late()
        if self.owns:
            with unobserved():
                bring_index_along(self.store)
        return self.outcome

    def _end(self, status: str, metrics: Mapping[str, float] | None, error: str | None) -> None:
        self._keeper.stop()
        if (why := self._let_go()) is not None:
            self.note(why)
            status, error = (status, error) if status == "killed" else ("diverged", why)
        self._series.close()
        for remark in remarks(self._mirrors):
            self.note(remark)
        if metrics:
            claim(self._live, "metrics", values={name: float(value) for name, value in self._named(metrics).items()})
        if config := self._config.changes():
            self.note(change_note(config))
        if self.owns:
            self.outcome = seal_own(
                self.store, self.manifest, self._redactor, root=self._root, traced=self._traced, status=status,
                error=error, config=config,
            )  # fmt: skip
            run_ended()
        else:
            clean = self._redactor.text(error) if error else None
            # Where the wrapper's observer runs in this process, it knows what was loaded; else only this process does.
            code = None if is_observed() else loaded_here(self.store, self.manifest, self._redactor, self._root)
            claim(self._live, "ending", status=status, error=clean, code=code, config=config or None)
        self.outcome = end_mirrors(
            self.store, self._mirrors, status, self.outcome, note=self.note, redactor=self._redactor
        )
        atexit.unregister(self._at_exit)
        self._sigterm.release()

    def watch_config(self, config: Any) -> None:
        """Look at the configuration again when the run ends."""
        self._config = WatchedConfig(config, self._redactor)

    def declare(self, **given: Any) -> None:
        """Tell the inputs of a run that another process has sealed, in the words of `record()`. Raises StoreError."""
        self.watch_config(given.get("config", ABSENT))
        with unobserved():
            tell(self.store, self.manifest, self._redactor, self._root, given)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        status, text = ending_of(error, self._sigterm.stopped_by)
        self.finish(status, error=text)

    def _at_exit(self) -> None:
        """The program ends and nobody said how. A forked worker that ends is not the program."""
        if os.getpid() != self._pid or self.finished:
            return
        error = getattr(sys, "last_value", None)
        if error is None and not self.owns and self._sigterm.stopped_by is None and self._let_go() is None:
            # The wrapper sees the exit code, which says more than silence does.
            self._keeper.stop()
            self._series.leave()
            return
        status, text = ending_of(error, self._sigterm.stopped_by)
        self.finish("crashed" if status == "completed" else status, error=text or "the program ended without finish()")

    # ── files ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _file(self, group: str, path: Path, kind: str, step: int | None, **more: JSON) -> Digest:
        if path.is_dir():
            return digest_of_all([self._file(group, inner, kind, step, **more) for inner in inner_files(group, path)])
        place = brought_in(self.run_dir.absolute(), group, path, step)
        facts, digest = place.stat(), digest_file(place)
        name = place.relative_to(self.run_dir.absolute()).as_posix()
        kind = self._redactor.text(kind)
        entry = {"path": name, "digest": str(digest), "size": facts.st_size, "kind": kind, "step": step, **more}
        claim(self._live, group, **entry, stamp=[facts.st_size, facts.st_mtime_ns])
        for mirror in self._mirrors:
            mirror.file(place, {**entry, "path": self._redactor.text(name)})
        return digest

    # ── adopting and mirroring ───────────────────────────────────────────────────────────────────────────────────

    def compare_with_sealed(self, *, label: str | None, seed: Any) -> None:
        """Hold what the program declares against what the wrapper sealed.

        Raises CaptureError where both name a seed and they differ: the sealed record would be false.
        """
        for remark in differing(self.manifest, label, seed):
            self.note(remark)

    def _let_go(self) -> str | None:
        """Nobody looks at the run any more. Why a rule ended it; None where none did."""
        if self._watch is None:
            return None
        with unobserved():
            self._watch.stop(self.run_dir)
        return self._watch.why

    def _watched(self) -> "Watch | None":
        """What looks at the run while it goes on, where its launch sealed that it is to be looked at."""
        if not self.manifest.section("launch").get("health"):
            return None
        from runaudit.record.vigil import watch_of  # Rules, and what they reckon with: most runs are looked at later.

        return watch_of(self.store, self.manifest, self._live / SERIES)

    def _started(self, sink: Sink) -> Mirror:
        mirror = Mirror(sink)
        if moved := mirror.start(self.manifest, self.run_dir):
            self.note(f"{mirror.name} moved the random generators {', '.join(moved)} when it started")
        return mirror
